"""NPY and NPZ, NumPy's own files for arrays: mapped where they can be, and pickles never.

NumPy is imported when an array is made or taken, not before: `open` tells the shape of a file
without it. Names, paths and arguments are those of `numpy.save` and `numpy.load`. What differs:
arrays of Python objects, which hold a pickle, are read and written only with `allow_pickle=True`,
and then under the policy of `cannery.pickle`; masked arrays are refused, for they would lose their
masks; and files are replaced whole or not at all. Archives are packed and unpacked on all cores.
"""

from __future__ import annotations

import ast
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from cannery import _native
from cannery._audit import reading, writing
from cannery._held import held
from cannery._npy_objects import (
    ArchiveAttributes,
    ObjectPolicy,
    read_member,
    read_objects,
    read_other,
    read_pickle,
    write_objects,
)
from cannery._places import is_address, local, plain
from cannery.errors import DataEndError, DataError

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "LazyArray",
    "NpzFile",
    "append",
    "load",
    "open",
    "save",
    "savez",
    "savez_compressed",
]

Where = str | os.PathLike[str] | IO[bytes]
"""A path (`-` for standard input and output, `.gz` and `.zst` packed) or a binary file object."""

_PACKED = (".gz", ".zst", ".zstd")

_BALANCED = 0
"""What the core takes for a level that it chooses."""


MmapMode = Literal["r", "r+", "w+", "c", "readonly", "readwrite", "write", "copyonwrite"]

_MODES: dict[str, MmapMode] = {
    "readonly": "r", "readwrite": "r+", "write": "w+", "copyonwrite": "c",
    "r": "r", "r+": "r+", "w+": "w+", "c": "c",
}  # fmt: skip

_ENCODINGS = ("ASCII", "latin1", "bytes")


def save(
    file: Where,
    arr: ArrayLike,
    allow_pickle: bool = False,
    fix_imports: bool = True,  # noqa: ARG001
) -> None:
    """Save an array as NPY, byte for byte as `numpy.save` does; C and Fortran order are kept.

    `allow_pickle` allows arrays of Python objects, whose pickle `cannery.pickle` writes.
    `fix_imports` is NumPy's, for pickles that Python 2 reads, and changes nothing.

    >>> import numpy as np
    >>> from cannery import npy
    >>> npy.save("a.npy", np.arange(3))
    >>> npy.load("a.npy")
    array([0, 1, 2])
    """
    path = _path(file, ".npy")
    objects = _objects(arr) if allow_pickle else None
    if objects is not None:
        _write_bytes(path, file, write_objects(objects))
        return
    header, data = _parts(arr)
    if path is not None:
        _native.npy_save(writing(path), header, data)
    else:
        stays = held(data)
        file.write(bytes(header))  # type: ignore[union-attr]
        file.write(data)  # type: ignore[union-attr]
        del stays


def append(file: str | os.PathLike[str], arr: ArrayLike) -> tuple[int, ...]:
    """Put the rows of an array behind those of the array in an NPY file, in place.

    Return the shape that the array in the file has then. The type and all sides but the first must
    be the same, and the order be C. The rows are written before the header says that they are
    there: a process that ends in between leaves the old array.

    >>> import numpy as np
    >>> from cannery import npy
    >>> npy.save("f.npy", np.array([1, 2]))
    >>> npy.append("f.npy", np.array([3]))
    (3,)
    >>> npy.load("f.npy")
    array([1, 2, 3])
    """
    path = _path(file, ".npy")
    if path is None or path == "-" or path.endswith(_PACKED):
        raise TypeError("expected the path of a file that is not packed")
    header, data = _parts(arr, order="C")
    return tuple(_native.npy_append(writing(path), header, data))


def load(
    file: Where,
    mmap_mode: MmapMode | None = None,
    allow_pickle: bool = False,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    *,
    max_header_size: int = 10_000,
    mmap: bool = False,
    trust: Iterable[Any] = (),
    profile: str | Iterable[str] = "numpy",
) -> Any:
    """Load an array, or open an archive of arrays as an `NpzFile`.

    `mmap_mode` makes `numpy.memmap`s, as in `numpy.load`, of arrays in archives too where they are
    not compressed. With `mmap` the array is read-only and lies in the file: nothing is read before
    it is looked at. Files that are packed or piped are read into memory all the same. The file must
    stay as it is for as long as there is such an array: where it is cut short meanwhile, looking at
    one ends the process (SIGBUS).

    `allow_pickle` allows arrays of Python objects, which are read as `cannery.pickle.load` reads
    them with `trust`, `profile` and `encoding`: only data, and what these name.

    >>> import numpy as np
    >>> from cannery import npy
    >>> npy.save("b.npy", np.ones((2, 2)))
    >>> npy.load("b.npy", mmap_mode="r").shape
    (2, 2)
    """
    if encoding not in _ENCODINGS:
        # Others would read wrong numbers from pickles of Python 2.
        raise ValueError(f"expected 'ASCII', 'latin1' or 'bytes' as encoding, found {encoding!r}")
    if mmap_mode is not None and mmap_mode not in _MODES:
        raise ValueError(f"expected 'r', 'r+', 'w+' or 'c' as mmap_mode, found {mmap_mode!r}")
    policy = ObjectPolicy(trust, profile, fix_imports, encoding) if allow_pickle else None
    mmap_mode = None if mmap_mode is None else _MODES[mmap_mode]
    file = plain(file)
    if is_address(file):
        # What is open can be read on when the copy has no name any more.
        with local(file) as copy:
            return load(
                copy, mmap_mode, allow_pickle, fix_imports, encoding,
                max_header_size=max_header_size, mmap=mmap, trust=trust, profile=profile,
            )  # fmt: skip
    path = _path(file)
    if path is None:
        if not hasattr(file, "read"):
            raise TypeError(f"expected a path or a binary file, found {type(file).__name__}")
        if mmap_mode is not None:
            raise ValueError("a file object cannot be mapped; pass the path of the file")
        return _load_object(file, policy, max_header_size)  # type: ignore[arg-type]
    try:
        opened = _native.npy_open(reading(path), mmap or mmap_mode is not None)
    except DataError as error:
        return _load_otherwise(path, error, policy, max_header_size, mmap_mode)
    if policy is None and not isinstance(opened, _native.ArchiveReader):
        _check_header(opened.header, max_header_size)
    if isinstance(opened, _native.ArchiveReader):
        return NpzFile(opened, mmap, mmap_mode, path, policy, max_header_size)
    if mmap_mode is not None:
        start = _data_start(path) if opened.is_complete else None
        return _memmap(path, mmap_mode, opened.header, start)
    if mmap:
        return _over(_native.MappedArray(path))
    return _read(opened)


def _load_otherwise(
    path: str,
    error: DataError,
    policy: ObjectPolicy | None,
    max_header_size: int,
    mmap_mode: MmapMode | None,
) -> Any:
    """Load what is no array of numbers: one of objects, or a pickle; or raise what `error` says."""
    file = Path(path)
    if file.is_file() and file.stat().st_size == 0:
        raise DataEndError(f"{path}: the file is empty") from None
    if policy is None:
        raise error
    with file.open("rb") as stream:
        if _OBJECTS not in str(error):
            return read_pickle(stream, policy, error)
        if mmap_mode is not None:
            raise _refusal("an array of Python objects cannot be mapped", "leave `mmap_mode` away")
        return read_objects(stream, policy, max_header_size)


def _check_header(header: _native.ArrayHeader, max_header_size: int) -> None:
    # NumPy parses headers as Python's literals, which is what its limit is for.
    if len(header.descr) > max_header_size:
        size = len(header.descr)
        hint = "pass a larger `max_header_size`, if the file is trusted"
        raise _refusal(f"the type has {size} characters, more than {max_header_size}", hint)


def open(where: str | os.PathLike[str]) -> LazyArray:
    """Open an NPY file without reading it: its shape and type are known, slices are read.

    >>> import numpy as np
    >>> from cannery import npy
    >>> npy.save("e.npy", np.arange(12).reshape(3, 4))
    >>> npy.open("e.npy")[1, :2]
    array([4, 5])
    """
    path = _path(where)
    if path is None:
        raise TypeError("expected a path: what is read later must still be there")
    return LazyArray(_native.MappedArray(reading(plain(path))))


def savez(file: Where, *args: ArrayLike, allow_pickle: bool = False, **kwds: ArrayLike) -> None:
    """Save arrays as NPZ, uncompressed, so that each can be mapped in place.

    Positional arrays are called `arr_0`, `arr_1` and so on. `allow_pickle` as in `save`.

    >>> import numpy as np
    >>> from cannery import npy
    >>> npy.savez("c.npz", x=np.arange(3))
    >>> npy.load("c.npz")["x"]
    array([0, 1, 2])
    """
    _save_archive(file, None, args, kwds, allow_pickle)


def savez_compressed(
    file: Where,
    *args: ArrayLike,
    allow_pickle: bool = False,
    level: int | ArrayLike | None = None,
    **kwds: ArrayLike,
) -> None:
    """Save arrays as NPZ, compressed on all cores; `level` goes from 1 (fast) to 12 (small).

    Where none is given, every part of an array is compressed as quickly as it becomes about as
    small as NumPy makes it. A `level` that is an array is one to be saved.

    >>> import numpy as np
    >>> from cannery import npy
    >>> npy.savez_compressed("d.npz", x=np.zeros(1000))
    >>> npy.load("d.npz")["x"].size
    1000
    """
    if level is not None and not isinstance(level, int):
        level, kwds = None, {**kwds, "level": level}
    if level is not None and not 1 <= level <= 12:
        raise ValueError(f"expected a level from 1 to 12, found {level}")
    _save_archive(file, level or _BALANCED, args, kwds, allow_pickle)


class LazyArray:
    """An array in a file, of which only the parts that are asked for are read."""

    __slots__ = ("_header", "_mapped")

    def __init__(self, mapped: _native.MappedArray) -> None:
        self._mapped = mapped
        self._header = mapped.header

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides, outermost first."""
        return self._header.shape

    @property
    def ndim(self) -> int:
        """How many sides it has."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return self._header.nbytes

    @property
    def order(self) -> Literal["C", "F"]:
        """`F` if its first index runs fastest, else `C`."""
        return "F" if self._header.fortran else "C"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""
        return _dtype(self._header.descr)

    def mmap(self) -> NDArray[Any]:
        """Map the whole array, read-only: nothing is read before it is looked at."""
        return _over(self._mapped)

    def __getitem__(self, index: Any) -> Any:
        """Read a part into memory; indices as in NumPy."""
        import numpy as np

        part = self.mmap()[index]
        return part.copy(order="K") if isinstance(part, np.ndarray) else part

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without sides has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy as np

        whole = self.mmap()
        same = dtype is None or np.dtype(dtype) == whole.dtype
        if copy is False and not same:
            raise ValueError(f"cannot read {whole.dtype} as {np.dtype(dtype)} without a copy")
        return whole if same and not copy else whole.astype(whole.dtype if same else dtype)

    def __repr__(self) -> str:
        return f"LazyArray(shape={self.shape}, descr={self._header.descr}, order={self.order!r})"


class NpzFile(Mapping[str, Any]):
    """The arrays of an archive by name; each is read (or mapped) when it is looked up."""

    def __init__(
        self,
        archive: _native.ArchiveReader,
        mmap: bool = False,
        mmap_mode: MmapMode | None = None,
        source: str | bytes = "",
        policy: ObjectPolicy | None = None,
        max_header_size: int = 10_000,
    ) -> None:
        self._archive: _native.ArchiveReader | None = archive
        self._mmap = mmap
        self._mmap_mode: MmapMode | None = mmap_mode
        self._source = source
        self._policy = policy
        self._max_header_size = max_header_size

    @property
    def files(self) -> list[str]:
        """The names, in the order they lie in."""
        return list(self._open().names)

    @property
    def others(self) -> dict[str, str]:
        """The members that are no arrays of numbers and the like, and what was found instead."""
        found = {}
        for name in self.files:
            try:
                self._open().header(name)
            except DataError as error:
                found[name] = str(error)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Read all arrays into memory, on all cores."""
        archive = self._open()
        arrays, buffers = {}, []
        others = self.others if self._policy is not None else {}
        for name in archive.names:
            if name in others:
                arrays[name] = self[name]
                continue
            arrays[name], memory = _empty(archive.header(name))
            buffers.append((name, memory))
        archive.read_many(buffers)
        return arrays

    @property
    def f(self) -> ArchiveAttributes:
        """The arrays as attributes: `archive.f.x` is `archive["x"]`."""
        return ArchiveAttributes(self)

    def __getitem__(self, name: str) -> Any:
        """Read an array; of a member that NumPy's names of arrays do not fit, its bytes."""
        archive = self._open()
        if name not in archive.names:
            name = name.removesuffix(".npy")
        if name not in archive.names:
            raise KeyError(f"{name} is not a file in the archive")
        try:
            header = archive.header(name)
        except DataError as error:
            other = read_other(self._source, name)
            if other is not None:
                return other
            if self._policy is None or _OBJECTS not in str(error):
                raise
            return read_member(self._source, name, self._policy, self._max_header_size)
        if self._mmap_mode is not None:
            return self._memmap(name, header)
        mapped = archive.map(name) if self._mmap else None
        if mapped is not None:
            return _over(mapped)
        array, memory = _empty(header)
        archive.read_into(name, memory)
        return array

    def _memmap(self, name: str, header: _native.ArrayHeader) -> NDArray[Any]:
        start = self._open().data_start(name)
        mode: MmapMode = self._mmap_mode or "r"
        if start is not None and isinstance(self._source, str):
            return _memmap(self._source, mode, header, start)
        if mode in ("r+", "w+"):
            hint = "save it with `savez`, or load it without `mmap_mode`"
            raise _refusal(f"the array {name!r} is compressed: it cannot be changed in place", hint)
        array, memory = _empty(header)
        self._open().read_into(name, memory)
        array.flags.writeable = mode == "c"
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._open().names)

    def __len__(self) -> int:
        return len(self._open().names)

    def close(self) -> None:
        """Let go of the file; arrays that were mapped stay valid."""
        self._archive = None

    def __enter__(self) -> NpzFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        names = "closed" if self._archive is None else ", ".join(self._archive.names)
        return f"NpzFile({names})"

    def _open(self) -> _native.ArchiveReader:
        if self._archive is None:
            raise ValueError("the archive is closed")
        return self._archive


def _path(where: object, suffix: str = "") -> str | None:
    """Get the path, with the suffix that NumPy adds; `None` for a file object."""
    if not isinstance(where, (str, bytes, os.PathLike)):
        return None
    path = os.fsdecode(where)
    inner = path
    for packed in _PACKED:
        inner = inner.removesuffix(packed)
    return path if path == "-" or inner.endswith(suffix) else path + suffix


_OBJECTS = "holds Python objects"
"""What the error for an array of objects says."""


def _objects(array: ArrayLike) -> NDArray[Any] | None:
    """Get an array if its elements are objects."""
    import numpy as np

    array = np.asanyarray(array)
    return array if array.dtype.hasobject else None


def _write_bytes(path: str | None, file: Where, data: bytes) -> None:
    if path is None:
        file.write(data)  # type: ignore[union-attr]
        return
    writer = _native.TensorWriter(writing(path))
    writer.write(data)
    writer.finish()


def _data_start(path: str) -> int:
    """Get the length of the header of an NPY file."""
    with Path(path).open("rb") as file:
        start = file.read(12)
    size = 2 if start[6] == 1 else 4
    return 8 + size + int.from_bytes(start[8 : 8 + size], "little")


def _memmap(
    path: str, mode: MmapMode, header: _native.ArrayHeader, start: int | None
) -> NDArray[Any]:
    """Map an array in a file as `numpy.memmap`, changes included if the mode says so."""
    import numpy as np

    if start is None:
        raise _refusal("the file is packed or piped: it cannot be mapped", "unpack it first")
    dtype, order = _dtype(header.descr), "F" if header.fortran else "C"
    if header.nbytes == 0:
        return np.empty(header.shape, dtype, order)
    # A file that is there is not made anew: it would lose its other arrays.
    mode = "r+" if mode == "w+" else mode
    return np.memmap(path, dtype, mode, start, header.shape, order)


def _parts(array: ArrayLike, order: Literal["C", "K"] = "K") -> tuple[_native.ArrayHeader, Any]:
    """Split an array into header and buffer; contiguous arrays are not copied."""
    import numpy as np

    if isinstance(array, np.ma.MaskedArray):
        raise _refusal("NPY has no place for the mask of a masked array", "save its data and mask")
    array = np.asarray(array)
    _check(array.dtype)
    fortran = order == "K" and array.flags.f_contiguous and not array.flags.c_contiguous
    descr = np.lib.format.dtype_to_descr(array.dtype)
    header = _native.ArrayHeader(repr(descr), array.shape, fortran)
    if array.nbytes == 0:
        return header, b""
    return header, array.ravel(order="K" if fortran else "C").view(np.uint8)


def _check(dtype: np.dtype[Any]) -> None:
    """Refuse what NPY would hold as a pickle, or as bytes without a meaning."""
    import numpy as np

    if dtype.hasobject:
        hint = "convert the array to a type of its own, or use `cannery.dump`"
        raise _refusal("NPY would hold an array of Python objects as a pickle", hint)
    is_foreign = dtype.kind == "V" and dtype.type is not np.void and dtype.names is None
    if is_foreign or dtype.kind not in "?biufcmMSUV":
        raise _refusal(f"NPY has no type for {dtype}", "convert the array to a type of NumPy's own")


def _refusal(message: str, hint: str) -> DataError:
    error = DataError(message)
    error.hint = hint
    error.add_note(f"hint: {hint}")
    return error


_SINGLE = re.compile(r"'([<>|=]?[A-Za-z]\d*(?:\[\d*[A-Za-z]+\])?)'", re.ASCII)


def _dtype(descr: str) -> np.dtype[Any]:
    import numpy as np

    # A single type is by far the most common, and no case for Python's compiler.
    single = _SINGLE.fullmatch(descr)
    value = single[1] if single else ast.literal_eval(descr)
    return np.dtype(value) if isinstance(value, str) else np.lib.format.descr_to_dtype(value)


def _over(mapped: _native.MappedArray) -> NDArray[Any]:
    """Make the array whose elements are in a buffer."""
    import numpy as np

    header = mapped.header
    order = "F" if header.fortran else "C"
    buffer = memoryview(mapped)  # pyright: ignore[reportArgumentType]: a buffer since 3.12 only
    return np.ndarray(header.shape, _dtype(header.descr), buffer, order=order)


def _empty(header: _native.ArrayHeader) -> tuple[NDArray[Any], Any]:
    """Make an array, and a buffer over its elements to be filled."""
    import numpy as np

    order = "F" if header.fortran else "C"
    if header.nbytes == 0:
        # `empty` would make texts of no characters one character long.
        return np.ndarray(header.shape, _dtype(header.descr), bytearray(), order=order), bytearray()
    array = np.empty(header.shape, _dtype(header.descr), order)
    memory = bytearray() if array.nbytes == 0 else array.ravel(order="K").view(np.uint8)
    return array, memory


def _read(reader: _native.ArrayReader) -> NDArray[Any]:
    if not reader.is_complete:
        return _over(reader.read_all()).copy(order="K")
    array, memory = _empty(reader.header)
    reader.read_into(memory)
    return array


def _load_object(file: IO[bytes], policy: ObjectPolicy | None, max_header_size: int) -> Any:
    """Load from a file object, and leave it behind the array, where another may begin."""
    if file.seekable():
        start = file.tell()
        magic = file.read(2)
        if isinstance(magic, str):
            raise TypeError("expected a file opened in binary mode, found one of text")
        if not magic:
            raise DataEndError("nothing is left in the file")
        is_archive = magic == b"PK"
        file.seek(start)
        if is_archive:
            data = file.read()
            reader = _native.ArchiveReader(data)
            return NpzFile(reader, False, None, data, policy, max_header_size)
    if policy is not None and file.seekable():
        return _load_either(file, policy, max_header_size)
    return _load_numbers(file)


def _load_either(file: IO[bytes], policy: ObjectPolicy, max_header_size: int) -> Any:
    """Load an array of numbers or of objects from a file object."""
    start = file.tell()
    try:
        return _load_numbers(file)
    except DataError as error:
        file.seek(start)
        if _OBJECTS not in str(error):
            return read_pickle(file, policy, error)
    return read_objects(file, policy, max_header_size)


def _load_numbers(file: IO[bytes]) -> Any:
    header = _native.ArrayHeader.read(file)
    size = header.nbytes
    if file.seekable():
        data_start = file.tell()
        available = file.seek(0, io.SEEK_END) - data_start
        file.seek(data_start)
        if available < size:
            raise _refusal(f"expected {size} bytes of data, found {available}", _CUT_OFF)
    data = bytearray()
    while len(data) < size:
        piece = file.read(min(size - len(data), _PIECE))
        if not piece:
            raise _refusal(f"expected {size} bytes of data, found {len(data)}", _CUT_OFF)
        data += piece
    array, memory = _empty(header)
    memory[:] = data if size == 0 else _bytes_of(data)
    return array


_PIECE = 1 << 24
_CUT_OFF = "the file was cut off; write or copy it again"


def _bytes_of(data: bytearray) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer(data, np.uint8)


def _save_archive(
    where: Where,
    level: int | None,
    args: tuple[ArrayLike, ...],
    named: dict[str, ArrayLike],
    allow_pickle: bool,
) -> None:
    arrays = dict(named)
    for index, array in enumerate(args):
        name = f"arr_{index}"
        if name in named:
            raise ValueError(f"the name {name!r} is given twice: by position and by keyword")
        arrays[name] = array
    path = _path(where, ".npz")
    writer = _native.ArchiveWriter(path and writing(path), level)
    for name, array in arrays.items():
        objects = _objects(array) if allow_pickle else None
        if objects is None:
            writer.add(name, *_parts(array))
        else:
            writer.add_bytes(name, write_objects(objects))
    data = writer.finish()
    if data is not None:
        where.write(data)  # type: ignore[union-attr]
