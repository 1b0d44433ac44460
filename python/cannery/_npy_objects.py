"""Arrays of Python objects in NPY and NPZ: a pickle behind a header, read under a trust policy."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from cannery.errors import DataError, UnpicklingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SUFFIX = ".npy"
# What a pickle begins with, since protocol 2.
_PROTO = b"\x80"


class ObjectPolicy(NamedTuple):
    """How the pickles of arrays of objects are read: as `cannery.pickle.load` reads them."""

    trust: Iterable[Any] = ()
    profile: str | Iterable[str] = "numpy"
    fix_imports: bool = True
    encoding: str = "ASCII"


def read_objects(file: IO[bytes], policy: ObjectPolicy, max_header_size: int) -> NDArray[Any]:
    """Read an array of objects from a binary file object, and leave it behind the array."""
    import numpy as np

    from cannery import pickle

    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        reader = np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = reader(file, max_header_size)
    if not dtype.hasobject:
        raise DataError("expected an array of Python objects")
    array = pickle.load(
        file,
        fix_imports=policy.fix_imports,
        encoding=policy.encoding,
        trust=policy.trust,
        profile=policy.profile,
    )
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        raise DataError(f"expected an array of {dtype} in the pickle, found {type(array).__name__}")
    order = "F" if fortran_order else "C"
    if array.shape != shape and array.size != np.prod(shape, dtype=object):
        raise DataError(f"expected an array of shape {shape} in the pickle, found {array.shape}")
    return array.reshape(shape, order=order)


def read_pickle(file: IO[bytes], policy: ObjectPolicy, error: DataError) -> Any:
    """Read a pickle that lies in a file by itself, as `numpy.load` does; else raise `error`."""
    from cannery import pickle

    start = file.read(1)
    file.seek(-len(start), io.SEEK_CUR)
    if start != _PROTO:
        raise UnpicklingError(str(error)) from error
    return pickle.load(
        file,
        fix_imports=policy.fix_imports,
        encoding=policy.encoding,
        trust=policy.trust,
        profile=policy.profile,
    )


# What `zipfile` says about archives that it does not read.
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error)


def read_other(source: str | bytes, name: str) -> bytes | None:
    """Read the member of that name as it is; `None` for arrays, whose members end with `.npy`."""
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with zipfile.ZipFile(file) as archive:
            if name.endswith(_SUFFIX) or name not in archive.NameToInfo:
                return None
            with archive.open(name) as member:
                return member.read(_MAX_MEMBER)
    except _UNREADABLE:
        return None


class ArchiveAttributes:
    """The arrays of an archive as attributes."""

    __slots__ = ("_archive",)

    def __init__(self, archive: Mapping[str, Any]) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> Any:
        try:
            return self._archive[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> list[str]:
        return list(self._archive)


def read_member(
    source: str | bytes, name: str, policy: ObjectPolicy, max_header_size: int
) -> NDArray[Any]:
    """Read an array of objects from an archive: of a path, or of its bytes."""
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with zipfile.ZipFile(file) as archive:
            found = name if name in archive.NameToInfo else name + _SUFFIX
            with archive.open(found) as member:
                data = member.read(_MAX_MEMBER)
    except (*_UNREADABLE, KeyError) as error:
        raise DataError(f"the archive is damaged: {error}") from error
    return read_objects(io.BytesIO(data), policy, max_header_size)


_MAX_MEMBER = 1 << 31
"""Bytes of a pickle in an archive that are unpacked at most."""


def write_objects(array: NDArray[Any]) -> bytes:
    """Get the bytes of an array of objects as `numpy.save` writes it, its pickle by our writer."""
    import numpy as np

    from cannery import pickle

    out = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_2_0(out, header)
    pickle.dump(array, out, protocol=4)
    return out.getvalue()
