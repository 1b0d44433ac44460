"""`torch.save` without PyTorch: state dicts that PyTorch loads with `weights_only=True`."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery._places import refuse_address
from cannery.errors import FileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ALIGNMENT = 64
_FOLDER = "archive"


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write a checkpoint that PyTorch loads with `weights_only=True`.

    `obj` is made of dictionaries, lists, tuples, sets, texts, numbers, bytes and arrays, as `load`
    returns them: arrays become tensors, and those that share memory share it. `f` is a path or a
    binary file.

    Raises:
        DataTypeError: for anything else, with the place where it is.
        DepthError: for values that are nested too deeply.

    """
    from cannery.torch._pickled import Pickled

    if pickle_module is not None or pickle_protocol != 2:
        raise TypeError("checkpoints are written by cannery itself, in protocol 2")
    if not _use_new_zipfile_serialization:
        raise TypeError("only the ZIP layout is written, which PyTorch reads since version 1.6")
    pickled = Pickled(obj)
    if hasattr(f, "write"):
        _write(f, pickled)
        return
    refuse_address(f, "torch.save")
    path = Path(os.fsdecode(f))
    try:
        _replace(path, pickled)
    except OSError as error:
        raise FileError(*error.args[:2], str(path)) from None


def _replace(path: Path, pickled: Any) -> None:
    """Write beside the file, and put it in its place: readers see the old one or the new."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(file, pickled)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write(file: Any, pickled: Any) -> None:
    digest = hashlib.sha256(pickled.data)
    with zipfile.ZipFile(file, "w") as archive:
        _member(archive, "data.pkl", pickled.data)
        _member(archive, ".format_version", b"1")
        _member(archive, ".storage_alignment", str(_ALIGNMENT).encode())
        _member(archive, "byteorder", sys.byteorder.encode())
        for number, storage in enumerate(pickled.storages()):
            digest.update(zlib.crc32(_bytes(storage)).to_bytes(4, "little"))
            _member(archive, f"data/{number}", _bytes(storage))
        _member(archive, "version", b"3\n")
        identity = int.from_bytes(digest.digest(), "little") % 10**40
        _member(archive, ".data/serialization_id", b"%040d" % identity)


def _bytes(storage: NDArray[Any]) -> Any:
    return storage.view("u1").data if storage.size else b""


def _member(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """Write a member whose bytes begin at a multiple of the alignment."""
    info = zipfile.ZipInfo(f"{_FOLDER}/{name}", (1980, 1, 1, 0, 0, 0))
    info.file_size = len(data)
    start = archive.fp.tell() if archive.fp is not None else 0
    # Sizes beyond 32 bits take a field of their own in the header.
    is_large = info.file_size * 1.05 > zipfile.ZIP64_LIMIT
    before = start + 30 + len(info.filename.encode()) + (20 if is_large else 0) + 4
    padding = -before % _ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(info, "w", force_zip64=is_large) as member:
        member.write(data)
