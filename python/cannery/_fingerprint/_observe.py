"""What a running step reads from outside: files, folders and environment variables."""

from __future__ import annotations

import os
import stat
import sys
import threading
from _blake2 import blake2b
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from cannery._fingerprint._origin import PROJECT, is_installed, origin

_ABSENT = "absent"
# Pseudo file systems differ at every look; libraries' caches change nothing.
_UNOBSERVED = ("/proc/", "/sys/", "/dev/", str(Path.home() / ".cache") + os.sep)
_current = threading.local()


class Observations:
    """The outside names that a step read, without their contents."""

    def __init__(self, ignored: tuple[str, ...] = ()) -> None:
        self.files: dict[str, None] = {}
        self.variables: dict[str, None] = {}
        self._ignored = (*_UNOBSERVED, *ignored)
        self._own: set[str] = set()

    def note_open(self, path: str, *, writes: bool) -> None:
        """Note an opened file, unless the step wrote it itself."""
        path = os.path.abspath(path)  # noqa: PTH100  the name that was used, links and all
        if writes:
            self._own.add(path)
        elif path not in self._own and not path.startswith(self._ignored) and _is_data(path):
            self.files[path] = None

    def states(self) -> list[tuple[str, str]]:
        """Return all that was read as labels, and how it is: see `state_of`."""
        labels = [f"file {path}" for path in self.files]
        labels += [f"environment {name}" for name in self.variables]
        return [(label, state_of(label)) for label in sorted(labels)]


def state_of(label: str) -> str:
    """Say how a file, folder or environment variable is now."""
    kind, _, name = label.partition(" ")
    if kind == "environment":
        value = os.environ._data.get(os.environ.encodekey(name))  # type: ignore[attr-defined]
        return _ABSENT if value is None else blake2b(value, digest_size=16).hexdigest()
    return _state_of_path(name)


@contextmanager
def observing(ignored: tuple[str, ...] = ()) -> Iterator[Observations]:
    """Note what the calling thread reads from outside."""
    _install()
    before = getattr(_current, "observations", None)
    _current.observations = observations = Observations(ignored)
    try:
        yield observations
    finally:
        _current.observations = before


def _state_of_path(name: str) -> str:
    path = Path(name)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            listing = "\0".join(sorted(child.name for child in path.iterdir()))
            return blake2b(listing.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return _digest_of_file(name, status) if stat.S_ISREG(status.st_mode) else "special"
    except OSError:
        return _ABSENT


_digests: dict[tuple[str, int, int, int, int], str] = {}


def _digest_of_file(name: str, status: os.stat_result) -> str:
    # A change of content always sets the change time, which no program can set back.
    key = (name, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    digest = _digests.get(key)
    if digest is None:
        hash = blake2b(digest_size=16)
        with Path(name).open("rb") as stream:
            while piece := stream.read(1 << 20):
                hash.update(piece)
        digest = hash.hexdigest()
        _digests[key] = digest
    return digest


def _is_data(path: str) -> bool:
    """Whether a file is none of the code that the fingerprint sees already."""
    return not path.endswith((".py", ".pyc", ".so", ".pyd")) and not is_installed(Path(path))


_installed = threading.Lock()
_is_installed = False


def _install() -> None:
    """Begin to listen; a hook cannot be removed, so it waits for the first observed step."""
    global _is_installed
    with _installed:
        if not _is_installed:
            sys.addaudithook(_hear)
            os.environ.__class__ = _ObservedEnvironment
            _is_installed = True


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    observations = getattr(_current, "observations", None)
    if observations is None or not isinstance(arguments[0], (str, bytes, os.PathLike)):
        return  # an open file's number: it was noted when it was opened
    if _is_import(sys._getframe(1)):
        return
    path = os.fsdecode(arguments[0])
    observations.note_open(path, writes=event == "open" and _writes(*arguments[1:3]))


def _is_import(frame: FrameType | None) -> bool:
    """Whether modules are being imported or looked for: the fingerprint sees code for itself."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_IMPORT_SYSTEM):
            return True
        frame = frame.f_back
    return False


_IMPORT_SYSTEM = ("importlib", "pkgutil", "pkg_resources")
_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})
# Modules in which `os.getenv` and `os.environ.get` are written.
_LOOKUPS = frozenset({"os", "_collections_abc", "collections.abc"})
_WRITING = os.O_WRONLY | os.O_RDWR


def _writes(mode: str | None, flags: int) -> bool:
    if mode is not None:
        return any(letter in mode for letter in "wxa+")
    return bool(flags & _WRITING)


class _ObservedEnvironment(type(os.environ)):
    """`os.environ`, noting what the project's own code asks it."""

    def __getitem__(self, key: str) -> str:
        observations = getattr(_current, "observations", None)
        if observations is not None and _asked_by_project():
            observations.variables[key] = None
        return super().__getitem__(key)


def _asked_by_project() -> bool:
    """Whether the project's own code asks; libraries read many variables for themselves."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _LOOKUPS:
        frame = frame.f_back
    if frame is None:
        return False
    return origin(frame.f_globals.get("__name__", ""), frame.f_code.co_filename) == PROJECT
