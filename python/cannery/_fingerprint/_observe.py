"""What a running step reads from outside: files, folders and environment variables.

Each is noted under a label: what was asked, and the name of what was asked about.

- `file PATH`: the content of a file, or the names in a folder;
- `exists PATH`, `stat PATH`, `modified PATH`, `link PATH`: no more than what was asked of it;
- `environment NAME`, `environment *`: a variable, or all of them;
- `folder`, `project`: which folder the current one is, and which the project's;
- `output PATH`: a file that the step wrote and whose path it returned;
- `written PATH`: another file that it wrote, which counts once another step has read it;
- `unseen REASON`: something may have been read that was not seen.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

from cannery._fingerprint._origin import is_installed
from cannery._fingerprint._places import current_folder, is_worker, located, named
from cannery._fingerprint._state import (
    ABSENT,
    NEVER,
    UNKNOWN,
    digest_of_file,
    is_settled,
    signature,
    state_of_path,
    state_of_variable,
)
from cannery._fingerprint._syntax import modules_behind

# Pseudo file systems differ at every look.
_UNOBSERVED = ("/proc/", "/sys/", "/dev/", "/run/")
_THIS_PACKAGE = str(Path(__file__).parent.parent) + os.sep
_SKIPPED_PARTS = frozenset({"__pycache__", ".git", ".hg", ".venv"})
_PATH_KINDS = frozenset(
    {"file", "exists", "stat", "modified", "link", "sizes", "output"} | {"written"}
)
_WITHOUT = " without "
# Of a folder that is an output; a store may name any folder.
_MOST_FILES = 100_000
_TEXT_LIMIT = 16 << 10
_MOST_WRITTEN = 1000
_MOST_DIGESTED = 64 << 20


@dataclass
class _Look:
    """The first look at a path: how it was then."""

    kind: str
    path: str
    state: str | None = None
    signature: tuple[int, ...] | None = None


class Observations:
    """The outside things that one execution of a step read, and how they were at the first look."""

    def __init__(
        self,
        root: str = "",
        ignored: tuple[str, ...] = (),
        *,
        key: bytes = b"",
        is_strict: bool = False,
    ) -> None:
        self.root = root
        self.key = key
        self.is_strict = is_strict
        #: What could not be seen, in words for the user.
        self.blind_spots: dict[str, None] = {}
        #: Why the result may not be used again.
        self.unseen: dict[str, None] = {}
        self.variables: dict[str, str] = {}
        self.own_variables: set[str] = set()
        self.looks: dict[str, _Look] = {}
        self._opened: dict[str, _Look] = {}
        self.own: set[str] = set()
        #: A file that children that are forked write their notes to.
        self.channel: int | None = None
        #: The same, in such a child.
        self.notes: int | None = None
        #: Watches further paths, of which native code may read.
        self.watcher: Callable[[str, bool], None] | None = None
        #: Modules that were imported by names that the code does not say.
        self.modules: dict[str, None] = {}
        #: Classes and functions that were found by such names.
        self.code: dict[str, None] = {}
        self._began_in = current_folder()
        self._ignored = (*_UNOBSERVED, _THIS_PACKAGE, *(os.path.abspath(each) for each in ignored))  # noqa: PTH100
        self._folder: str | None = None

    # Called by the hooks

    def note_variable(self, name: str) -> None:
        """Note an environment variable that was asked for, or all with `*`."""
        if name in self.variables or "*" in self.variables or name in self.own_variables:
            return
        self.variables[name] = state_of_variable(name, self.key)
        if name != "*":
            self.watch([os.environ._data.get(os.environ.encodekey(name), b"")])  # type: ignore[attr-defined]
        self._tell("environment", name)

    def note_own_variable(self, name: str) -> None:
        """Note that the step itself sets a variable."""
        self.own_variables.add(name)

    def note_folder(self) -> None:
        """Note that it was asked which folder is the current one."""
        self._folder = current_folder()
        self._tell("folder", "")

    def note_path(self, kind: str, path: str) -> None:
        """Note a path that was opened or asked about, unless the step wrote it itself."""
        full = os.path.join(current_folder(), path)  # noqa: PTH118
        full = os.path.normpath(full)
        if full in self.own or self._is_ignored(full):
            return
        label = f"{kind} {self._name(path, full)}"
        if label not in self.looks:
            self.looks[label] = look = _Look(kind, full)
            self._tell(kind, full)
            if kind == "file":
                self._opened[full] = look
                self._look_at(look)
                self.watch(_paths_said_in(full))
            else:
                look.state = state_of_path(kind, full)

    def note_write(self, path: str) -> None:
        """Note that the step itself is about to write, make, or remove a file."""
        full = os.path.normpath(os.path.join(current_folder(), path))  # noqa: PTH118
        look = self._opened.get(full)
        if look is not None and look.state is None:
            look.state = digest_of_file(full)  # what it was is gone soon
        self.own.add(full)
        self._tell("own", full)

    def note_native(self, path: str, *, is_written: bool, is_created: bool) -> None:
        """Note a file that native code or a child was seen to open."""
        if path.endswith((".pyc", "__pycache__")):
            # Another worker that begins imports all of the project's modules.
            if not is_written and not is_worker():
                self.note_path("file", source_of(path))  # of what a child has imported
        elif is_created or is_written:
            self.own.add(path)
        elif path not in self.own:
            self.note_path("file", path)

    def note_module(self, name: str) -> None:
        """Note that a module was imported by a name that the code does not say."""
        self.modules[name] = None
        self._tell("module", name)

    def note_code(self, name: str) -> None:
        """Note that a class or function was found by a name that the code does not say."""
        self.code[name] = None
        self._tell("code", name)

    def watch(self, paths: Iterable[str | bytes], *, deep: bool = True) -> None:
        """Watch what may be paths outside of the project, since native code may read there."""
        if self.watcher is None or self.notes is not None:
            return
        for path in dict.fromkeys(map(os.fsdecode, paths)):
            if path and len(path) < 1024 and "\n" not in path and "\0" not in path:
                self.watcher(path, deep)

    def note_blind_spot(self, text: str) -> None:
        """Note that something cannot be seen."""
        self.blind_spots[text] = None

    def note_unseen(self, reason: str) -> None:
        """Note that something may have been read that was not seen."""
        self.unseen[reason] = None

    def _look_at(self, look: _Look) -> None:
        look.signature = signature(look.path)
        if look.signature is None:
            look.state = ABSENT
        elif os.path.isdir(look.path) or not is_settled(look.signature):  # noqa: PTH112
            look.state = state_of_path("file", look.path)

    def _is_ignored(self, full: str) -> bool:
        if full.startswith(self._ignored) or is_installed(Path(full)):
            return True
        return not _SKIPPED_PARTS.isdisjoint(full.split("/"))

    def _name(self, path: str, full: str) -> str:
        """Name a path as it was named, for it to be looked up again in another folder."""
        if not os.path.isabs(path) and current_folder() == self._began_in:  # noqa: PTH117
            return os.path.normpath(path)
        return named(full, self.root)

    # Children that were forked

    def _tell(self, kind: str, name: str) -> None:
        if self.notes is not None:
            os.write(self.notes, f"{kind}\0{name}\n".encode("utf-8", "surrogateescape"))

    def take_notes(self, notes: bytes) -> None:
        """Take over what forked children noted."""
        for line in notes.decode("utf-8", "surrogateescape").splitlines():
            kind, _, name = line.partition("\0")
            if kind == "environment":
                self.note_variable(name)
            elif kind == "folder":
                self.note_folder()
            elif kind == "own":
                self.own.add(name)
            elif kind == "module":
                self.modules[name] = None
            elif kind == "code":
                self.code[name] = None
            elif kind in _PATH_KINDS:
                self.note_path(kind, name)

    # When the step has ended

    def own_outputs(self, paths: Iterable[str]) -> list[str]:
        """Choose those of the paths that a step returns at which it wrote files."""
        return [path for path in dict.fromkeys(paths) if self._is_own(path)]

    def _is_own(self, path: str) -> bool:
        full = os.path.normpath(os.path.join(current_folder(), path))  # noqa: PTH118
        return any(own == full or own.startswith(full + os.sep) for own in self.own)

    def note_output(self, path: str) -> None:
        """Note a file that the step wrote and whose path it returns: it is its output."""
        full = os.path.normpath(os.path.join(current_folder(), path))  # noqa: PTH118
        self.looks[f"output {self._name(path, full)}"] = _Look("output", full)

    def states(self) -> list[tuple[str, str]]:
        """Return all that was read as labels, and how it was: see `state_of`."""
        states = {f"environment {name}": state for name, state in self.variables.items()}
        if self._folder is not None:
            states["folder"] = self._folder
        for label, look in list(self.looks.items()):
            found = self._settled(label, look)
            if found is not None:
                states[found[0]] = found[1]
        for path in self._files_of_modules():
            label = f"file {named(path, self.root)}"
            states.setdefault(label, state_of_path("file", path))
        for label, path in self._written():
            states.setdefault(label, _state_of_written(path))
        for reason in self.unseen:
            states[f"unseen {reason}"] = NEVER
        return sorted(states.items())

    def written(self) -> list[str]:
        """Return the files in the project, or the current folder, that the step has written."""
        return [path for _, path in self._written()]

    def read(self) -> Iterator[str]:
        """Return the paths that the step has looked at."""
        return (look.path for look in self.looks.values())

    def label_of_written(self, path: str) -> str:
        """Name a file that a step has written, the same where the project is moved or copied."""
        below = self._began_in + os.sep
        return f"written {path.removeprefix(below)}"

    def _written(self) -> Iterator[tuple[str, str]]:
        inside = tuple(each + os.sep for each in (self.root, self._began_in) if each)
        outputs = {look.path for look in self.looks.values() if look.kind == "output"}
        for path in sorted(self.own)[:_MOST_WRITTEN]:
            is_ours = path.startswith(inside) and path not in outputs
            if is_ours and not self._is_ignored(path) and os.path.isfile(path):  # noqa: PTH113
                yield self.label_of_written(path), path

    def _files_of_modules(self) -> Iterator[str]:
        """Find the files of modules that no code says to import, and of those that they import."""
        for name in self.modules:
            for each in modules_behind(name):
                file = getattr(sys.modules.get(each), "__file__", None)
                if isinstance(file, str) and not self._is_ignored(file):
                    yield file

    def _settled(self, label: str, look: _Look) -> tuple[str, str] | None:
        """Say how something was when it was first looked at, unless it changed meanwhile."""
        kind, path = look.kind, look.path
        if kind == "output":
            return label, _state_of_output(path)
        if path in self.own:
            return self._settled_own(label, look)
        own_names = self._own_names(path) if kind in ("file", "sizes") else []
        if own_names:
            label += _WITHOUT + "/".join(own_names)
            return label, state_of_path(kind, path, own_names)
        if kind == "file" and look.state is None:
            if signature(path) != look.signature:
                self.note_unseen(f"`{path}` changed while the step ran")
            return label, digest_of_file(path)
        if state_of_path(kind, path) != look.state:
            self.note_unseen(f"`{path}` changed while the step ran")
        return label, look.state or ABSENT

    def _settled_own(self, label: str, look: _Look) -> tuple[str, str] | None:
        """Say how something was that the step itself has changed since."""
        if look.state == ABSENT:
            # It was made because it was not there, and will be there from now on.
            _, _, name = label.partition(" ")
            return f"file {name}", state_of_path("file", look.path)
        if look.kind == "file" and look.state is None:
            if signature(look.path) != look.signature:
                self.note_unseen(f"`{look.path}` changed while the step ran")
            return label, digest_of_file(look.path)
        return label, look.state or ABSENT

    def _own_names(self, folder: str) -> list[str]:
        below = folder + os.sep
        inside = (own.removeprefix(below) for own in self.own if own.startswith(below))
        return sorted({each.partition(os.sep)[0] for each in inside})


# Small files that say where others are.
_CONFIGURATION = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".env", ".txt")
_OUTSIDE = re.compile(r"(?:\.\.|~)?/[^\s'\",;:()\[\]{}<>|*?]+")


def _paths_said_in(file: str) -> list[str]:
    """Find what may be paths in a file of settings."""
    name = os.path.basename(file)  # noqa: PTH119
    if not name.endswith(_CONFIGURATION) and not name.startswith(".env"):
        return []
    try:
        path = Path(file)
        if not path.is_file() or path.stat().st_size > _TEXT_LIMIT:
            return []
        return _OUTSIDE.findall(path.read_text("utf-8", "replace"))
    except OSError:
        return []


def source_of(path: str) -> str:
    """Name the source of code that was compiled to a file."""
    try:
        return source_from_cache(path) if path.endswith(".pyc") else path
    except ValueError:
        return path


def state_of(label: str, root: str = "", key: bytes = b"") -> str:
    """Say how something is now that a step has looked at; `root` is its project's folder."""
    kind, _, name = label.partition(" ")
    if kind == "environment":
        return state_of_variable(name, key)
    if kind in ("folder", "project"):
        return current_folder() if kind == "folder" else root
    if kind not in _PATH_KINDS:
        return UNKNOWN
    name, _, without = name.partition(_WITHOUT)
    path = located(name, root)
    if path.startswith(_UNOBSERVED):
        return UNKNOWN
    if kind == "output":
        return _state_of_output(path)
    if kind == "written":
        return _state_of_written(path)
    return state_of_path(kind, path, without.split("/"))


def _state_of_written(path: str) -> str:
    """Digest a file; of a large one, size and time of change say enough."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return ABSENT
    if status.st_size > _MOST_DIGESTED:
        return f"{status.st_size} bytes at {status.st_mtime_ns}"
    return state_of_path("file", path)


def _state_of_output(path: str) -> str:
    """Digest a file, or a folder with all that is in it."""
    if not os.path.isdir(path):  # noqa: PTH112
        return state_of_path("file", path)
    found = itertools.islice(Path(path).rglob("*"), _MOST_FILES)
    files = sorted(each for each in found if each.is_file())
    lines = [f"{file.relative_to(path)} {digest_of_file(str(file))}" for file in files]
    from cannery._fingerprint._content import digest_of_text

    return digest_of_text("\n".join(lines))


def text_of(label: str, root: str) -> str | None:
    """Return a small file's text, for `why` to show what changed in it."""
    kind, _, name = label.partition(" ")
    if kind != "file" or _WITHOUT in name:
        return None
    from cannery._fingerprint._secrets import is_secret

    path = Path(located(name, root))
    if is_secret(path.name) or path.name.startswith(".env") or path.suffix in (".pem", ".key"):
        return None
    try:
        if path.stat().st_size > _TEXT_LIMIT:
            return None
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return (
        text if text.isprintable() or not any(c < " " and c not in "\t\n\r" for c in text) else None
    )
