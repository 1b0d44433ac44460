"""Opening files: for reading, for changing, and new ones."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path
from typing import Any

from cannery import _native
from cannery._audit import reading
from cannery._places import plain, refuse_address
from cannery.errors import DataError
from cannery.hdf5._errors import shown

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

_MODES = ("r", "r+", "w", "w-", "x", "a")

Opened = namedtuple("Opened", ["parts", "filename", "mode", "writer", "stream"])


def opened(
    name: Any, mode: str, external: str, user_block: int, track_order: bool, fsync: bool
) -> Opened:
    """The file of a name in a mode."""
    if mode not in _MODES:
        error = DataError(
            f"expected one of the modes {', '.join(_MODES)}, found `{shown(str(mode))}`"
        )
        raise error
    if isinstance(name, (bytearray, memoryview)) or (
        isinstance(name, bytes) and name.startswith(_SIGNATURE)
    ):
        if mode != "r":
            raise DataError("bytes can only be read; open an `io.BytesIO` to change them")
        return Opened(_native.hdf5_open_bytes(bytes(name)), "<memory>", "r", None, None)
    if not isinstance(name, bytes) and hasattr(name, "read"):
        return _stream(name, mode, external, user_block, track_order)
    path = os.fsdecode(os.fspath(plain(name)))
    if mode == "r":
        return Opened(_native.hdf5_open(reading(path), external), path, "r", None, None)
    refuse_address(path, "writing HDF5")
    there = Path(path).exists()
    if mode in ("x", "w-") and there:
        raise FileExistsError(17, "unable to create file: it exists already", path)
    if mode == "r+" or (mode == "a" and there):
        writer = _native.hdf5_edit(reading(path), external, fsync)
    else:
        writer = _native.hdf5_create(path, external, user_block, track_order, fsync)
    return Opened(writer.parts(), path, "r+", writer, None)


def _stream(name: Any, mode: str, external: str, user_block: int, track_order: bool) -> Opened:
    filename = str(getattr(name, "name", "<memory>"))
    name.seek(0)
    if mode == "r":
        return Opened(_native.hdf5_open_bytes(name.read()), filename, "r", None, None)
    data = name.read() if mode in ("r+", "a") else b""
    if data:
        writer = _native.hdf5_edit_bytes(data)
    else:
        writer = _native.hdf5_create(None, external, user_block, track_order, False)
    return Opened(writer.parts(), filename, "r+", writer, name)


_VERSIONS = ("earliest", "v108", "v110", "v112", "v114", "v200", "latest")


def check_versions(libver: Any) -> None:
    """Check the versions of HDF5 for which a file is written, as h5py takes them.

    What is written is read by HDF5 1.8 and all later versions, so each pair of bounds whose newer
    one is 1.8 or later holds.
    """
    if libver is None:
        return
    bounds = (libver, "latest") if isinstance(libver, str) else tuple(libver)
    if len(bounds) != 2:
        raise ValueError(f"expected two versions of HDF5, found {len(bounds)}")
    places = []
    for bound in bounds:
        if bound not in _VERSIONS:
            known = ", ".join(_VERSIONS)
            raise ValueError(f"expected one of {known}, found `{shown(str(bound))}`")
        places.append(_VERSIONS.index(bound))
    low, high = places
    if low > high or high == 0:
        raise ValueError("expected the older version first, and the newer one to be v108 or later")
