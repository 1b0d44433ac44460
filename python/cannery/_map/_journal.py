"""What is known of a run that may be interrupted: a file beside the one that is being written.

Its first line says what the run is: the function's fingerprint, the parameters, the source. Each
line below says how many chunks are done and how long the partial file is with them; it is written
when those bytes are on the disk. What stands behind them in the partial file is cut off.
"""

from __future__ import annotations

import os
import stat
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from cannery import json as _json
from cannery._map._targets import Head, sync
from cannery.errors import ConflictError, DataError

_VERSION = 1
#: Bytes of a journal, at most: twice a second a line of some hundred, for half a year.
_LARGEST = 4 << 30
#: Bytes of a line, at most: it holds the columns of a table.
_LONGEST = 64 << 20
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
        for path in (self.partial, self.assembled):
            _check_own(path, path.lstat() if os.path.lexists(path) else None)
        file = _open_own(self.path)
        # Another process may have removed it since.
        while not _locked(file, self.partial) or not _is_at(file, self.path):
            file.close()
            file = _open_own(self.path)
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
        first = self.file.readline(_LONGEST)
        if not first.endswith(b"\n"):
            return None
        last = self._last_line(len(first))
        try:
            about, *entries = [_json.decode(line) for line in (first, last) if line]
            if about["version"] != _VERSION:
                raise DataError(f"{self.path} was written by another version of cannery")
            done = _done_of(entries[-1]) if entries else Done()
        except (ValueError, KeyError, TypeError) as cause:
            error = DataError(f"{self.path} is not the journal of a run")
            error.hint = 'look at it, and remove it; or pass resume="restart"'
            raise error from cause
        return about, done

    def _last_line(self, start: int) -> bytes:
        """The last whole line behind the first one, which ends at `start`, or nothing."""
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(max(start, size - 2 * _LONGEST))
        lines = self.file.read(2 * _LONGEST).split(b"\n")
        return lines[-2] if len(lines) > 1 else b""

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


def _open_own(path: Path) -> BinaryIO:
    """Open the journal, or a new one; what others may have put in its place is not followed."""
    _check_own(path, path.lstat() if os.path.lexists(path) else None)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"):
        flags |= getattr(os, name, 0)
    file = os.fdopen(os.open(path, flags, 0o666), "a+b")
    try:
        _check_own(path, os.fstat(file.fileno()))
    except DataError:
        file.close()
        raise
    return file


def _check_own(path: Path, found: os.stat_result | None) -> None:
    """Refuse a file through which another one would be written, or waited for.

    Raises:
        DataError: for a link, a file of several names, of another user, or what is no file.

    """
    if found is None:
        return
    if not stat.S_ISREG(found.st_mode):
        what = "is a link" if stat.S_ISLNK(found.st_mode) else "is no file"
    elif found.st_nlink > 1:
        what = "has another name: what is written to it would change that, too"
    elif hasattr(os, "geteuid") and found.st_uid not in (os.geteuid(), 0):
        what = "belongs to another user"
    elif found.st_size > _LARGEST and path.suffix == ".journal":
        what = "is too large for a journal"
    else:
        return
    error = DataError(f"{path} {what}")
    error.hint = "look at it, and remove it"
    raise error


def _done_of(entry: dict[str, Any]) -> Done:
    """Take an entry for what it must be: a journal may have been written by anybody.

    Raises:
        ValueError, TypeError: if it is none.

    """
    done = Done(**entry)
    for field in fields(Done):
        value = getattr(done, field.name)
        if field.name == "head":
            continue
        kind = bool if field.name == "is_complete" else int
        if type(value) is not kind or value < 0:
            raise ValueError(f"{field.name} is {value!r:.40}")
    if done.prologue > done.length or done.length > 1 << 62:
        raise ValueError("more bytes stand before the rows than there are")
    return done


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
