"""How files, folders and environment variables are now, as short texts to compare."""

from __future__ import annotations

import os
import stat
import time
from _blake2 import blake2b
from collections.abc import Iterable
from pathlib import Path

ABSENT = "absent"
# The state of what is never found again as it was.
NEVER = "never"
# The state of what this version does not know; it is no state that any version writes.
UNKNOWN = "unknown"

# As they are before anything is noted.
_stat = os.stat
_lstat = os.lstat
_scandir = os.scandir
readlink = os.readlink

# File systems stamp files by the kernel's tick: what changed since is not seen in them.
_TICK_NS = 50_000_000
# Names that come and go without a meaning.
_UNLISTED = frozenset({"__pycache__", ".git", ".venv", ".cannery", ".pytest_cache", ".mypy_cache"})
# Variables that are others in every terminal or shell.
VOLATILE = frozenset(
    {"_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM", "COLORTERM", "DISPLAY"}
    | {"WINDOWID", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "TERM_PROGRAM"}
    | {"XDG_SESSION_ID", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "INVOCATION_ID"}
    | {"PYTEST_CURRENT_TEST", "FORCE_COLOR", "NO_COLOR", "CLICOLOR", "STY", "TMUX", "TMUX_PANE"}
)


def state_of_variable(name: str, key: bytes) -> str:
    """Say how an environment variable is; its value is kept as a keyed hash only."""
    if name == "*":
        pairs = sorted(_environment().items())
        kept = [pair for pair in pairs if pair[0] not in VOLATILE and not _is_ours(pair[0])]
        return f"all {_keyed(repr(kept).encode('utf-8', 'surrogatepass'), key)}"
    value = os.environ._data.get(os.environ.encodekey(name))  # type: ignore[attr-defined]
    return ABSENT if value is None else f"set {_keyed(value, key)}"


def _environment() -> dict[str, str]:
    return {os.fsdecode(k): os.fsdecode(v) for k, v in os.environ._data.items()}  # type: ignore[attr-defined]


def _is_ours(name: str) -> bool:
    return name.startswith("CANNERY_")


def _keyed(value: bytes, key: bytes) -> str:
    return blake2b(value, digest_size=16, key=key[:64]).hexdigest()


def state_of_path(kind: str, path: str, without: Iterable[str] = ()) -> str:
    """Say how a file or folder is, as far as was asked: see `Observations`."""
    try:
        status = _stat(path)
    except (OSError, ValueError):
        return ABSENT
    if kind == "exists":
        return _kind_of(status)
    if kind == "link":
        return _state_of_link(path)
    if kind == "modified":
        return f"{_kind_of(status)} at {status.st_mtime_ns}"
    if kind == "stat":
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        return f"{_kind_of(status)} of {size} bytes, mode {stat.S_IMODE(status.st_mode):o}"
    if stat.S_ISDIR(status.st_mode):
        return _state_of_folder(path, without, sizes=kind == "sizes")
    return digest_of_file(path, status) if stat.S_ISREG(status.st_mode) else "special"


def _kind_of(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    return "file" if stat.S_ISREG(status.st_mode) else "special"


def _state_of_link(path: str) -> str:
    try:
        status = _lstat(path)
        return f"link to {readlink(path)}" if stat.S_ISLNK(status.st_mode) else "no link"
    except (OSError, ValueError):
        return ABSENT


def _state_of_folder(path: str, without: Iterable[str], *, sizes: bool) -> str:
    left_out = _UNLISTED.union(without)
    lines = []
    try:
        with _scandir(path) as entries:
            for entry in entries:
                if entry.name not in left_out:
                    kind = "folder" if entry.is_dir() else "file"
                    size = entry.stat().st_size if sizes and kind == "file" else ""
                    lines.append(f"{entry.name}\0{kind}{size}")
    except OSError:
        return ABSENT
    text = "\n".join(sorted(lines))
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def signature(path: str) -> tuple[int, ...] | None:
    """Say which content a file has without reading it, or nothing if it is absent."""
    try:
        status = _stat(path)
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_settled(found: tuple[int, ...] | None) -> bool:
    """Whether any later change of a file will show in its signature."""
    return found is None or abs(time.time_ns() - max(found[3:])) > _TICK_NS


_digests: dict[tuple[object, ...], str] = {}
_MOST_DIGESTS = 1 << 16


def digest_of_file(path: str, status: os.stat_result | None = None) -> str:
    """Digest a file's content, once for each state of it."""
    try:
        status = _stat(path) if status is None else status
        # A change of content always sets the change time, which no program can set back.
        key = (path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        digest = _digests.get(key)
        if digest is None:
            hash = blake2b(digest_size=16)
            with Path(path).open("rb") as stream:
                while piece := stream.read(1 << 20):
                    hash.update(piece)
            digest = hash.hexdigest()
            newest = max(status.st_mtime_ns, status.st_ctime_ns)
            if abs(time.time_ns() - newest) > _TICK_NS:
                if len(_digests) > _MOST_DIGESTS:
                    _digests.clear()
                _digests[key] = digest
    except OSError:
        return ABSENT
    return digest
