"""Opening files: for reading, for changing, and new ones."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path
from typing import Any

from cannery import _native
from cannery._audit import reading
from cannery.errors import DataError
from cannery.hdf5._errors import shown

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

_MODES = ("r", "r+", "w", "w-", "x", "a")

Opened = namedtuple("Opened", ["parts", "filename", "mode", "writer", "stream"])


def opened(name: Any, mode: str, external: str, user_block: int, track_order: bool) -> Opened:
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
    path = os.fsdecode(os.fspath(name))
    if mode == "r":
        return Opened(_native.hdf5_open(reading(path), external), path, "r", None, None)
    there = Path(path).exists()
    if mode in ("x", "w-") and there:
        raise FileExistsError(17, "unable to create file: it exists already", path)
    if mode == "r+" or (mode == "a" and there):
        writer = _native.hdf5_edit(reading(path), external)
    else:
        writer = _native.hdf5_create(path, external, user_block, track_order)
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
        writer = _native.hdf5_create(None, external, user_block, track_order)
    return Opened(writer.parts(), filename, "r+", writer, name)
