"""What is known of a run that may be interrupted: a file beside the one that is being written.

Its first line says what the run is: the function's fingerprint, the parameters, the source. Each
line below says how many chunks are done and how long the partial file is with them; it is written
when those bytes are on the disk. What stands behind them in the partial file is cut off.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cannery import json as _json
from cannery._map._targets import Head, sync
from cannery.errors import ConflictError, DataError

_VERSION = 1
#: Bytes at the end of a complete file that it is known by.
_TAIL = 1 << 20
_ABOUT = "journal of cannery.map_chunks: with the file `.partial` beside it, it lets a run go on"


@dataclass
class Done:
    """What is done of a run."""

    chunks: int = 0
    rows_in: int = 0
    rows_out: int = 0
    #: Bytes of the partial file, and their checksum (CRC-32) without the first ones, which change
    #: when the file is completed.
    length: int = 0
    prologue: int = 0
    checksum: int = 0
    head: Head = None
    #: All chunks are done, and the file is complete but for its name: `length` and `checksum` (of
    #: its last bytes) are those of the whole.
    is_complete: bool = False


class Journal:
    """The journal of one destination, and its partial file. Only one process may have it."""

    def __init__(self, destination: Path) -> None:
        self.path = destination.with_name(destination.name + ".journal")
        self.partial = destination.with_name(destination.name + ".partial")
        self.assembled = destination.with_name(destination.name + ".assembled")
        self._file: BinaryIO | None = None

    def __enter__(self) -> Journal:
        file = self.path.open("a+b")
        # Another process may have removed it since.
        while not _locked(file, self.partial) or not _is_at(file, self.path):
            file.close()
            file = self.path.open("a+b")
        self._file = file
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def file(self) -> BinaryIO:
        """The open journal."""
        if self._file is None:
            raise ValueError("the journal is not open")
        return self._file

    def read(self) -> tuple[dict[str, Any], Done] | None:
        """Return what the run was, and what is done of it; `None` if there was none.

        Raises:
            DataError: if the journal is of a newer version, or none at all.

        """
        self.file.seek(0)
        # The last line may have been cut off.
        lines = self.file.read().split(b"\n")[:-1]
        if not lines:
            return None
        try:
            about, *entries = [_json.decode(line) for line in lines]
            if about["version"] != _VERSION:
                raise DataError(f"{self.path} was written by another version of cannery")
            done = Done(**entries[-1]) if entries else Done()
        except (ValueError, KeyError, TypeError) as cause:
            error = DataError(f"{self.path} is not the journal of a run")
            error.hint = 'look at it, and remove it; or pass resume="restart"'
            raise error from cause
        return about, done

    def begin(self, about: dict[str, Any]) -> None:
        """Start a new run: what there was is forgotten."""
        self.partial.unlink(missing_ok=True)
        self.assembled.unlink(missing_ok=True)
        self.file.seek(0)
        self.file.truncate()
        self._append({"about": _ABOUT, "version": _VERSION, **about})

    def note(self, done: Done) -> None:
        """Say what is done; the bytes are on the disk."""
        self._append(asdict(done))

    def _append(self, entry: dict[str, Any]) -> None:
        self.file.seek(0, os.SEEK_END)
        self.file.write(_json.encode(entry) + b"\n")
        sync(self.file)

    def cut(self) -> None:
        """Cut off a line that was not written to its end."""
        self.file.seek(0)
        text = self.file.read()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            self.file.truncate(whole)

    def check_partial(self, done: Done) -> None:
        """Make sure that the partial file still begins with what was written to it.

        Raises:
            DataError: if it does not.

        """
        if not self.partial.exists() or self.partial.stat().st_size < done.length:
            error = DataError(f"{self.partial} is shorter than its journal says")
        elif checksum_of(self.partial, done.prologue, done.length) != done.checksum:
            error = DataError(f"{self.partial} was changed since it was written")
        else:
            return
        error.hint = 'pass resume="restart" to begin anew'
        raise error

    def remove(self) -> None:
        """Remove the journal and what else is left; the run is over."""
        for path in (self.partial, self.assembled, self.path):
            path.unlink(missing_ok=True)


def _locked(file: BinaryIO, partial: Path) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        file.close()
        error = ConflictError(f"another process is writing {partial}")
        error.hint = "wait for it, or end it"
        raise error from cause
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def checksum_of(path: Path, start: int, end: int) -> int:
    """Return the checksum of a part of a file."""
    checksum, left = 0, end - start
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (data := file.read(min(left, 1 << 20))):
            checksum = zlib.crc32(data, checksum)
            left -= len(data)
    return checksum


def tail_of(path: Path) -> tuple[int, int]:
    """Return the length of a file and the checksum of its end."""
    size = path.stat().st_size
    return size, checksum_of(path, max(0, size - _TAIL), size)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where that can be waited for."""
    try:
        folder = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(folder)
    except OSError:
        pass
    finally:
        os.close(folder)
