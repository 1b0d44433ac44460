"""Values to stored files and back, through their materializers.

The items of an output annotated `tuple[A, B]`, or of a named tuple, are stored each by its own
materializer: in folders `0`, `1`, ... beside a `parts.json` that says what they are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cannery._artifact import items_of
from cannery._catalog_text import parsed
from cannery._stream import Stream, is_stream
from cannery._stream_files import FORMAT, INDEX, StreamWriter, has_values, open_stream
from cannery.errors import DataError, DataTypeError, UntrustedTypeError
from cannery.materializers._data import DataMaterializer, classes_in
from cannery.materializers._registry import materializer_for, materializer_of_format
from cannery.materializers._trust import class_for, full_name, named_tuple_of

if TYPE_CHECKING:
    from cannery import _native
    from cannery.materializers import Materializer

_PARTS = "parts/1"
_CLASSES = "classes"

_Materializers = Iterable[type["Materializer[Any]"]]


class Saved(NamedTuple):
    """What the store keeps about a saved value besides its files."""

    type_name: str
    format_id: str
    metadata: dict[str, Any]


def save_value(
    value: Any, to: Path, materializers: _Materializers = (), annotation: Any = None
) -> Saved:
    """Write a value's files below the empty folder `to`."""
    if is_stream(value, annotation):
        return _save_stream(value, to, materializers)
    message = _message_of(value, annotation)
    if message is not None:
        return _save_message(value, to, message)
    chosen = materializer_for(type(value), materializers)
    if chosen is DataMaterializer and _is_stored_in_parts(value, annotation):
        return _save_parts(value, to, materializers)
    materializer = chosen()
    materializer.save(value, to)
    metadata = materializer.metadata(value)
    if chosen is DataMaterializer and (classes := classes_in(to)):
        metadata |= {_CLASSES: classes}
    return Saved(full_name(type(value)), chosen.format_id, metadata)


def load_files(
    at: Path, saved: Saved, wanted: Any = None, materializers: _Materializers = ()
) -> Any:
    """Read the value whose files are below `at`."""
    if saved.format_id == _PARTS:
        return _load_parts(at, saved, wanted, materializers)
    found = materializer_of_format(saved.format_id, saved.type_name, materializers)
    if found is None:
        raise _no_reader(saved)
    return found().load(_type_of(saved, wanted, found), at)


def load_record(
    store: _native.Store,
    record: _native.Artifact,
    wanted: Any = None,
    materializers: _Materializers = (),
) -> Any:
    """Read a stored artifact."""
    type_name, format_id, _ = store.describe(record)
    saved = Saved(type_name, format_id, {})
    if format_id == FORMAT:
        return _load_stream(store, record, materializers)
    # Readers of our own do not write, and need no copy.
    if _is_ours(saved, materializers):
        links = store.linked_view(record.digest)
        return load_files(links.path, saved, wanted, materializers)
    return load_files(store.view(record.digest), saved, wanted, materializers)


def _message_of(value: Any, annotation: Any) -> Any:
    """The message of Protobuf that an annotation names, or the class of a value is made from."""
    # Without the module there are neither.
    protobuf = sys.modules.get("cannery.protobuf")
    if protobuf is None or value is None:
        return None
    return protobuf.message_of(annotation) or protobuf.message_of(type(value))


def _save_message(value: Any, to: Path, message: Any) -> Saved:
    from cannery.materializers._messages import MessageMaterializer

    materializer = MessageMaterializer(message)
    materializer.save(value, to)
    is_plain = type(value).__module__ == "builtins"
    type_name = full_name(type(value)) if is_plain else "cannery.protobuf.MessageType"
    return Saved(type_name, materializer.format_id, materializer.metadata(value))


def _save_stream(values: Any, to: Path, materializers: _Materializers) -> Saved:
    writer = StreamWriter(
        to, materializers, lambda item, folder: save_value(item, folder, materializers)
    )
    items = writer.write(values)
    return Saved("cannery.Stream", FORMAT, {"items": items, _CLASSES: sorted(writer.classes)})


def _load_stream(
    store: _native.Store, record: _native.Artifact, materializers: _Materializers
) -> Stream[Any]:
    files = store.files(record.digest)

    def load(at: Path, part: dict[str, Any]) -> Any:
        return load_files(at, _checked_part(part, 0), None, materializers)

    if not has_values(files.path(INDEX).read_bytes()):
        return open_stream(files.path, load)
    # Materializers get folders.
    folder = store.view(record.digest)
    return open_stream(lambda name: folder / name, load)


def _is_ours(saved: Saved, materializers: _Materializers) -> bool:
    if saved.format_id == _PARTS:
        return False
    found = materializer_of_format(saved.format_id, saved.type_name, materializers)
    return found is not None and found.__module__.startswith("cannery.materializers.")


def _is_stored_in_parts(value: Any, annotation: Any) -> bool:
    if not isinstance(value, tuple) or not items_of(annotation):
        return False
    return any(materializer_for(type(item)) is not DataMaterializer for item in value)


def _save_parts(value: tuple[Any, ...], to: Path, materializers: _Materializers) -> Saved:
    from cannery import json

    parts, classes = [], set[str]()
    for index, item in enumerate(value):
        folder = to / str(index)
        folder.mkdir()
        part = save_value(item, folder, materializers)
        parts.append(part._asdict())
        classes |= _classes_in(part.type_name, part.format_id, part.metadata)
    (to / "parts.json").write_bytes(json.encode(parts))
    metadata = {"items": len(value), _CLASSES: sorted(classes)}
    return Saved(full_name(type(value)), _PARTS, metadata)


def classes_of(record: _native.Artifact) -> set[str]:
    """Name the classes whose methods may be reached through a stored artifact."""
    if record.type_name.startswith("builtins.") and _CLASSES not in record.metadata:
        return set()
    # The engine gives records that it has made, or compared with their manifests. The names are
    # looked up among the classes of modules that are loaded, for their code's fingerprint.
    return _classes_in(record.type_name, record.format, parsed(record.metadata, "metadata"))


def _classes_in(type_name: str, format_id: str, metadata: dict[str, Any]) -> set[str]:
    # Other materializers may say `classes` of their values and mean something else.
    is_ours = format_id in (_PARTS, FORMAT, DataMaterializer.format_id)
    return {type_name, *(metadata.get(_CLASSES, ()) if is_ours else ())}


def _load_parts(at: Path, saved: Saved, wanted: Any, materializers: _Materializers) -> Any:
    parts = _read_parts(at / "parts.json")
    items = items_of(wanted) or []
    types = [item.type for item in items] if len(items) == len(parts) else [None] * len(parts)
    values = [
        load_files(at / str(index), part, type, materializers)
        for index, (part, type) in enumerate(zip(parts, types, strict=True))
    ]
    cls = named_tuple_of(saved.type_name, wanted)
    # Not `_make`, which a class may define as it likes.
    fits = cls is not None and len(values) == len(cls._fields)  # pyright: ignore
    return tuple.__new__(cls, values) if cls is not None and fits else tuple(values)


def _read_parts(file: Path) -> list[Saved]:
    """Read what the items of a tuple are stored as."""
    from cannery import json

    parts = json.decode(file.read_bytes(), type=list[dict[str, Any]])
    return [_checked_part(part, number) for number, part in enumerate(parts)]


def _checked_part(part: dict[str, Any], number: int) -> Saved:
    saved = Saved(*(part.get(field) for field in Saved._fields))  # pyright: ignore
    texts = isinstance(saved.type_name, str) and isinstance(saved.format_id, str)
    if not texts or saved.format_id in (_PARTS, FORMAT) or len(part) != len(Saved._fields):
        raise DataError(f"the part {number} of a stored tuple is not as one is written")
    return saved


def _type_of(saved: Saved, wanted: Any, materializer: type[Materializer[Any]]) -> Any:
    """Choose the class that a materializer is asked for.

    What the store names is data: it is a class only if it is one that the materializer is for, one
    of the project's or one that the caller trusts, and only if its module is there already.
    """
    if materializer.__module__.startswith("cannery.materializers."):
        return wanted if isinstance(wanted, type) else object  # they do not ask for it
    stored = class_for(saved.type_name, materializer.types)
    if not isinstance(wanted, type):
        if stored is None:
            raise _untrusted(saved, materializer)
        return stored
    # A value may be of a subclass of what was asked for.
    return stored if stored is not None and issubclass(stored, wanted) else wanted


def _untrusted(saved: Saved, materializer: type[Materializer[Any]]) -> UntrustedTypeError:
    error = UntrustedTypeError(
        f"the store names the type `{saved.type_name}`, which is not loaded, or is none that "
        f"`{materializer.__qualname__}` is for"
    )
    module = saved.type_name.rpartition(".")[0]
    error.hint = (
        f"import `{module}` first, if it is yours, or name the class in `type=` or `trust=`"
    )
    error.add_note(f"hint: {error.hint}")
    return error


def _no_reader(saved: Saved) -> DataTypeError:
    module = saved.type_name.rpartition(".")[0]
    error = DataTypeError(
        f"a `{saved.type_name}` stored as `{saved.format_id}`, and no materializer reads that"
    )
    error.hint = f"import the module that defines its materializer (perhaps `{module}`) first"
    error.add_note(f"hint: {error.hint}")
    return error
