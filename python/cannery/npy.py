"""NPY and NPZ, NumPy's own files for arrays: mapped where they can be, and pickles never.

NumPy is imported when an array is made or taken, not before: `open` tells the shape of a file
without it. Names, paths and defaults are those of `numpy.save` and `numpy.load`; what differs:
arrays of Python objects and masked arrays are refused (the first hold pickles, the second would
lose their masks), and files are replaced whole or not at all.
"""

from __future__ import annotations

import ast
import io
import os
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Literal

from cannery import _native
from cannery._audit import reading, writing
from cannery.errors import DataError

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["LazyArray", "NpzFile", "load", "open", "save", "savez", "savez_compressed"]

Where = str | os.PathLike[str] | IO[bytes]
"""A path (`-` for standard input and output, `.gz` and `.zst` packed) or a binary file object."""

_PACKED = (".gz", ".zst", ".zstd")


def save(where: Where, array: ArrayLike) -> None:
    """Save an array as NPY, byte for byte as `numpy.save` does; C and Fortran order are kept."""
    header, data = _parts(array)
    path = _path(where, ".npy")
    if path is not None:
        _native.npy_save(writing(path), header, data)
    else:
        where.write(bytes(header))  # type: ignore[union-attr]
        where.write(data)  # type: ignore[union-attr]


def load(where: Where, mmap: bool = False) -> Any:
    """Load an array, or open an archive of arrays as an `NpzFile`.

    With `mmap` the array is read-only and lies in the file: nothing is read before it is looked
    at. Files that are packed or piped are read into memory all the same. The file must stay as it
    is for as long as there is such an array: where it is cut short meanwhile, looking at one ends
    the process (SIGBUS).
    """
    path = _path(where)
    if path is None:
        return _load_object(where)  # type: ignore[arg-type]
    opened = _native.npy_open(reading(path), mmap)
    if isinstance(opened, _native.ArchiveReader):
        return NpzFile(opened, mmap)
    if mmap:
        return _over(_native.MappedArray(path))
    return _read(opened)


def open(where: str | os.PathLike[str]) -> LazyArray:
    """Open an NPY file without reading it: its shape and type are known, slices are read."""
    path = _path(where)
    if path is None:
        raise TypeError("expected a path: what is read later must still be there")
    return LazyArray(_native.MappedArray(reading(path)))


def savez(where: Where, *args: ArrayLike, **named: ArrayLike) -> None:
    """Save arrays as NPZ, uncompressed, so that each can be mapped in place.

    Positional arrays are called `arr_0`, `arr_1` and so on.
    """
    _save_archive(where, None, args, named)


def savez_compressed(where: Where, *args: ArrayLike, level: int = 6, **named: ArrayLike) -> None:
    """Save arrays as NPZ, compressed; `level` goes from 1 (fast) to 9 (small)."""
    if not 1 <= level <= 9:
        raise ValueError(f"expected a level from 1 to 9, found {level}")
    _save_archive(where, level, args, named)


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

    def __init__(self, archive: _native.ArchiveReader, mmap: bool = False) -> None:
        self._archive: _native.ArchiveReader | None = archive
        self._mmap = mmap

    @property
    def files(self) -> list[str]:
        """The names, in the order they lie in."""
        return list(self._open().names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        archive = self._open()
        if name not in archive.names:
            name = name.removesuffix(".npy")
        if name not in archive.names:
            raise KeyError(name)
        mapped = archive.map(name) if self._mmap else None
        if mapped is not None:
            return _over(mapped)
        array, memory = _empty(archive.header(name))
        archive.read_into(name, memory)
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
    if not isinstance(where, (str, os.PathLike)):
        return None
    path = os.fsdecode(where)
    inner = path
    for packed in _PACKED:
        inner = inner.removesuffix(packed)
    return path if path == "-" or inner.endswith(suffix) else path + suffix


def _parts(array: ArrayLike) -> tuple[_native.ArrayHeader, Any]:
    """Split an array into header and buffer; contiguous arrays are not copied."""
    import numpy as np

    if isinstance(array, np.ma.MaskedArray):
        raise _refusal("NPY has no place for the mask of a masked array", "save its data and mask")
    array = np.asarray(array)
    _check(array.dtype)
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
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


def _dtype(descr: str) -> np.dtype[Any]:
    import numpy as np

    value = ast.literal_eval(descr)
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

    array = np.empty(header.shape, _dtype(header.descr), "F" if header.fortran else "C")
    memory = bytearray() if array.nbytes == 0 else array.ravel(order="K").view(np.uint8)
    return array, memory


def _read(reader: _native.ArrayReader) -> NDArray[Any]:
    if not reader.is_complete:
        return _over(reader.read_all()).copy(order="K")
    array, memory = _empty(reader.header)
    reader.read_into(memory)
    return array


def _load_object(file: IO[bytes]) -> Any:
    """Load from a file object, and leave it behind the array, where another may begin."""
    if file.seekable():
        start = file.tell()
        is_archive = file.read(2) == b"PK"
        file.seek(start)
        if is_archive:
            return NpzFile(_native.ArchiveReader(file.read()))
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
        writer.add(name, *_parts(array))
    data = writer.finish()
    if data is not None:
        where.write(data)  # type: ignore[union-attr]
