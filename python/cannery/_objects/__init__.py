"""Any Python object in any format: `dump`, `load`, `dumps`, `loads`."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, TypeVar, overload

from cannery import _native
from cannery._audit import reading
from cannery._objects._describe import Describer
from cannery._objects._files import codec_of, load_pickle, table_bytes
from cannery._objects._formats import (
    DOCUMENTS,
    extension_of,
    format_of_data,
    format_of_file,
    format_of_id,
    format_of_name,
    formats,
    is_checkpoint,
)
from cannery._objects._record import Record
from cannery._objects._registry import generation, register
from cannery._objects._revive import Reviver
from cannery._objects._trust import check_trust
from cannery._places import asking, is_address, plain
from cannery.errors import CanneryError, DataError, DataTypeError

__all__ = ["Record", "dump", "dumps", "load", "loads", "register"]

Where = str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[bytes] | IO[str]
T = TypeVar("T")


def dumps(
    obj: Any, format: str = "json", *, compression: str | None = None, indent: int | None = None
) -> bytes:
    """Serialize any object, with everything it refers to, to `bytes`.

    Values that occur more than once, and values that contain themselves, stay what they are.
    Nothing is called to read the result: see `loads`. The members of a `.can` file are packed with
    `compression`, `"zstd"` or `"deflate"`; without, its arrays can be mapped in place.
    Formats that hold some values only (`"npy"`, `"jsonl"`, `"pickle"`) write those. JSON and YAML
    are laid out with `indent` blanks for each level.

    ```python
    import datetime
    import cannery

    data = cannery.dumps({"when": datetime.date(2026, 11, 21)})
    assert cannery.loads(data) == {"when": datetime.date(2026, 11, 21)}
    ```
    """
    name = format_of_id(format)
    if indent is not None:
        _check_indent(name)
    if name in DOCUMENTS:
        return _native.objects_dumps(obj, _describer(), name, compression, indent)
    data = io.BytesIO()
    _dump_as(name, obj, data, compression)
    return data.getvalue()


@overload
def loads(
    data: bytes | bytearray | memoryview | str,
    format: str | None = None,
    *,
    type: builtins.type[T],
    trust: Iterable[Any] = (),
) -> T: ...
@overload
def loads(
    data: bytes | bytearray | memoryview | str,
    format: str | None = None,
    *,
    type: Any = None,
    trust: Iterable[Any] = (),
) -> Any: ...
def loads(
    data: bytes | bytearray | memoryview | str,
    format: str | None = None,
    *,
    type: Any = None,
    trust: Iterable[Any] = (),
) -> Any:
    """Deserialize what `dumps` wrote. No code runs that the caller did not name.

    Python's own data types are made again. So are the classes in `trust`, given as classes or as
    names (`"my_package.records.*"`), and those that the annotation `type` names; the value is then
    checked against `type`; a plain document, without any tags, is decoded into `type` as
    `json.decode` does. Objects of any other class come back as a `Record`. Without `format`,
    the data itself says what it is.

    >>> import cannery
    >>> cannery.loads(cannery.dumps({"layers": (64, 64)}))
    {'layers': (64, 64)}
    >>> cannery.loads(b'[1, 2]', type=set[int])
    {1, 2}
    """
    name = format_of_id(format) if format is not None else format_of_data(data)
    if name not in DOCUMENTS:
        text = data.encode() if isinstance(data, str) else data
        return _checked(_load_as(name, io.BytesIO(text), trust, type), type, None)
    value = _native.objects_loads(data, Reviver.open, (check_trust(trust), type), name)
    if type is None:
        return value
    return _checked(value, type, (lambda: data) if name == "json" else None)


def dump(
    obj: Any,
    where: Where,
    format: str | None = None,
    *,
    compression: str | None = None,
    indent: int | None = None,
) -> None:
    """Write any object to a file; `format` is taken from the file's name where it is not given.

    A path gets a whole new file, or keeps the one it has: a part of it is never seen. Of the
    formats `can` is the one for large arrays; a name like `a.json.gz` is compressed on the way.
    JSON and YAML are laid out with `indent` blanks for each level.

    ```python
    import cannery

    cannery.dump({"rate": 0.1, "layers": (64, 64)}, "settings.json", indent=2)
    assert cannery.load("settings.json") == {"rate": 0.1, "layers": (64, 64)}
    ```
    """
    where = plain(where)
    name = format_of_id(format) if format else format_of_file(where)
    if indent is not None:
        _check_indent(name)
    if is_address(where):
        asking(where)
    if isinstance(where, (str, bytes, os.PathLike)):
        if name in DOCUMENTS:
            _native.objects_dump(obj, _describer(), name, os.fsdecode(where), compression, indent)
        elif extension_of(where)[0] == "tsv":
            _native.write_file(os.fsdecode(where), table_bytes(obj, "\t"))
        else:
            _native.write_file(os.fsdecode(where), dumps(obj, name, compression=compression))
        return
    data = dumps(obj, name, compression=compression, indent=indent)
    where.write(data.decode("utf-8", "surrogatepass") if _takes_text(where) else data)  # pyright: ignore


@overload
def load(
    where: Where,
    *,
    type: builtins.type[T],
    trust: Iterable[Any] = (),
    format: str | None = None,
    mmap: bool = False,
    lazy: bool = False,
) -> T: ...
@overload
def load(
    where: Where,
    *,
    type: Any = None,
    trust: Iterable[Any] = (),
    format: str | None = None,
    mmap: bool = False,
    lazy: bool = False,
) -> Any: ...
def load(
    where: Where,
    *,
    type: Any = None,
    trust: Iterable[Any] = (),
    format: str | None = None,
    mmap: bool = False,
    lazy: bool = False,
) -> Any:
    """Read what `dump` wrote, as `loads` does.

    Pickles and joblib's files (`.pkl`, `.pickle`, `.joblib`, compressed or not) are read under the
    policy of `cannery.pickle`, to which `trust` may name its profiles, too (`trust=["sklearn"]`).

    Checkpoints of PyTorch (`.pt`, `.pth`, `.ckpt`, `.pt2`, `.ptl`, or `format="torch"`), indexes
    and folders of sharded models, and folders of distributed checkpoints are read by
    `cannery.torch`, without PyTorch: tensors are arrays.

    With `mmap`, large arrays of a `.can` file are mapped, not read; changes to them stay in memory.
    Those of joblib's files always are, where these are not compressed.
    The file must stay as it is for as long as there are such arrays: where it is cut short
    meanwhile, looking at one ends the process (SIGBUS).

    With `lazy`, an HDF5 file comes back open, as a `cannery.hdf5.Tree`: its groups are mappings,
    and of its datasets only what is asked for is read.

    >>> import cannery
    >>> cannery.dump({"layers": (64, 64)}, "settings.json")
    >>> cannery.load("settings.json")
    {'layers': (64, 64)}
    """
    where = plain(where)
    if lazy:
        return _opened_file(where, format, _named(trust))
    if not isinstance(where, (str, bytes, os.PathLike)):
        name = format or format_of_file(where, default="")
        return loads(where.read(), name or None, type=type, trust=trust)
    path = os.fsdecode(where) if is_address(where) else str(Path(os.fsdecode(where)))
    if format is None and path.endswith(".keras") and Path(path).is_file():
        from cannery._objects import _hdf5_keras

        if _hdf5_keras.is_archive(Path(path)):
            found = _hdf5_keras.load_archive(reading(path), _named(trust))
            return _checked(found, type, None)
    if format == "torch" or (format is None and is_checkpoint(path)):
        from cannery import torch

        return _checked(torch.load(path), type, None)
    name = format_of_id(format) if format else _format_of_path(path)
    if name == "pickle":
        return _checked(load_pickle(path, trust, type), type, None)
    reading(path)
    if name not in DOCUMENTS:
        data = io.BytesIO(_native.read_file(path))
        try:
            return _checked(_load_as(name, data, trust, type), type, None)
        except CanneryError as error:
            error.add_note(f"in the file {os.fspath(where)!r}")
            raise
    is_plain = name == "json" and not extension_of(path)[1]
    source = (lambda: _native.read_file(path)) if is_plain else None
    given = (check_trust(trust), type)
    value = _native.objects_load(path, Reviver.open, given, name, mmap)
    return _checked(value, type, source)


def _named(trust: Iterable[Any]) -> tuple[Any, ...]:
    return (trust,) if isinstance(trust, (str, builtins.type)) else tuple(trust)


def _format_of_path(where: str) -> str:
    """Return the format of a file: by its name, or where that says little by what it holds."""
    name = format_of_name(where)
    if name not in (None, "osm", "protobuf") or is_address(where) or not Path(where).is_file():
        return name or format_of_file(where)
    reading(where)
    if extension_of(where)[1]:
        start = _native.read_file(where)
    else:
        with Path(where).open("rb") as file:
            start = file.read(4096)
    found = format_of_data(start) if _native.proto_known(start) else None
    return found or name or format_of_file(where)


def _check_indent(format: str) -> None:
    if format in ("json", "yaml"):
        return
    error = DataError(f"the format {format!r} has no indentation")
    error.hint = "`indent` is for JSON and YAML"
    raise error


def _opened_file(where: Where, format: str | None, trust: tuple[Any, ...]) -> Any:
    name = format_of_id(format) if format else format_of_file(where)
    if name != "hdf5":
        error = DataError(f"files of the format `{name}` are not opened with `lazy=True`")
        error.hint = "use `cannery.npy.open` for arrays, and `mmap=True` for `.can` files"
        raise error
    from cannery import hdf5
    from cannery._objects import _hdf5_read

    return _hdf5_read.open_tree(hdf5.File(where), trust)  # pyright: ignore[reportArgumentType]


def _describer() -> Describer:
    """What takes objects apart; it remembers what it knows of their classes.

    Another one, if something was registered since.
    """
    if _Shared.generation != generation():
        _Shared.describer, _Shared.generation = Describer(), generation()
    return _Shared.describer


class _Shared:
    describer = Describer()
    generation = generation()


def _load_as(format: str, file: IO[bytes], trust: Iterable[Any], type: Any) -> Any:
    """Read a file of a format that holds some values only."""
    codec = codec_of(format)
    if codec is None:
        error = DataError(f"{formats()[format].title} files hold messages, which need their schema")
        error.hint = f"read them with `cannery.{format}`"
        raise error
    named = (type,) if isinstance(type, builtins.type) else ()
    return codec.load(file, (*trust, *named))


def _dump_as(format: str, obj: Any, file: IO[bytes], compression: str | None) -> None:
    """Write a file of a format that holds some values only."""
    codec = codec_of(format)
    if codec is None or codec.dump is None:
        error = DataError(f"{formats()[format].title} files are not written by `dump`")
        error.hint = f"use one of {', '.join(sorted(DOCUMENTS))}"
        raise error
    if compression is not None:
        raise DataError(f"only the format `can` takes a compression, not {format!r}")
    codec.dump(obj, file)


def _takes_text(where: Any) -> bool:
    return isinstance(where, io.TextIOBase)


def _is_plain(value: Any) -> bool:
    """Whether there is nothing in a value but what plain JSON holds."""
    waiting, seen = [value], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value
        elif type(value) not in (str, int, float, bool, type(None)):
            return False
    return True


def _checked(value: Any, annotation: Any, source: Callable[[], Any] | None) -> Any:
    """The value if it is of the type, or what its plain document means as one."""
    if annotation is None:
        return value
    from cannery._checks import check_for

    mismatch = check_for(annotation).find(value)
    if mismatch is not None and _is_plain(value):
        from cannery import json

        plain = source() if source is not None else json.encode(value)
        return json.decode(plain, type=annotation)
    if mismatch is not None:
        path = f"${mismatch.path}"
        error = DataTypeError(f"{path}: expected {mismatch.expected}, got {mismatch.found}")
        error.path = path
        if mismatch.found == "cannery.Record":
            error.hint = "name the class it had in `type=` or in `trust=`"
        raise error
    return value
