"""Sees through the system what native code and children read in a project's folders."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from cannery import _native
from cannery._fingerprint import _hooks
from cannery._fingerprint._observe import Observations
from cannery._fingerprint._places import current_folder, is_too_wide
from cannery.errors import CanneryError

_MOST_FOLDERS = 20_000
# Of folders outside of the project, of which a program may name any.
_MOST_FOLDERS_NAMED = 2000
_UNWATCHED = ("/proc", "/sys", "/dev", "/run", "/usr", "/etc", "/lib", "/bin")


class Watching:
    """Watches the folders of the projects whose steps a run executes."""

    def __init__(self, ignored: Iterable[str]) -> None:
        # What is noted under it may name further paths to watch, and a finalizer may open a file.
        self._lock = threading.RLock()
        self._running: list[Observations] = []
        self._heard = _Heard()
        self._added: set[str] = set()
        #: Folders that are watched without those in them.
        self._shallow: set[str] = set()
        self._watch: _native.Watch | None = None
        #: Why something may be missed.
        self.problem: str | None = None
        try:
            self._watch = _native.Watch([str(each) for each in ignored], _MOST_FOLDERS)
        except CanneryError as error:
            self.problem = str(error)
        else:
            _hooks.add_listener(self._heard.hear)

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            _hooks.remove_listener(self._heard.hear)
            self._watch = None

    def begin(self, observations: Observations, paths: Iterable[str]) -> None:
        """Begin to note what only the system sees, in the project's folders and at `paths`."""
        with self._lock:
            self._add(observations.root)
            self._add(current_folder())
            for path in paths:
                # Those below the current folder are watched anyway.
                if path.startswith(("/", "~", "..")):
                    self._add_named(path)
            self._take()
            observations.watcher = self._add_later
            self._running.append(observations)

    def end(self, observations: Observations) -> None:
        """Note what was seen until now."""
        with self._lock:
            self._take()
            self._running.remove(observations)
            observations.watcher = None
            if self.problem is not None:
                observations.note_unseen(self.problem)

    def _add(self, path: str, *, deep: bool = True) -> None:
        is_known = path in self._shallow and not deep
        is_known |= any(path == each or path.startswith(each + os.sep) for each in self._added)
        if self._watch is not None and not is_known:
            deep = deep and not is_too_wide(path)
            (self._added if deep else self._shallow).add(path)
            self._watch.add(path, deep)
            # What was opened there before was not seen.
            self._heard.forget_below(path)

    def _add_later(self, path: str, deep: bool) -> None:
        with self._lock:
            self._add_named(path, deep=deep)

    def _add_named(self, path: str, *, deep: bool = True) -> None:
        """Watch a path that the program names, wherever it is, and the folder of a pattern."""
        full = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111
        head = full.partition("*")[0].partition("?")[0].partition("[")[0]
        if head != full:
            full = os.path.dirname(head)  # noqa: PTH120
        if is_too_wide(full) or full.startswith(_UNWATCHED):
            return
        try:
            if os.path.isfile(full):  # noqa: PTH113
                self._add(full)
            elif os.path.isdir(full):  # noqa: PTH112
                self._add(str(Path(full)), deep=deep and _is_small(full))
            elif not is_too_wide(folder := os.path.dirname(full)) and os.path.isdir(folder):  # noqa: PTH112, PTH120
                self._add(folder, deep=False)  # part of a name, or what comes to be
        except ValueError:
            return

    def _take(self) -> None:
        if self._watch is None:
            return
        files, problem = self._watch.take()
        self.problem = self.problem or problem
        for path, opened, write_closed, is_created, is_modified, is_folder in files:
            name = str(path)
            unheard = opened - self._heard.take(name, opened)
            # A folder that is made, or a file that Python's own code opened, is heard of.
            if unheard > 0 and not (is_folder and is_created):
                is_written = (write_closed > 0 or is_modified) and unheard <= write_closed
                for observations in self._running:
                    observations.note_native(name, is_written=is_written, is_created=is_created)
        self._heard.forget_old()


class _Heard:
    """How often Python's own code is about to open each path, or has opened it.

    It is heard of before it opens, so that a look may come in between: what is heard of counts for
    the next looks, too. It does not count for ever, for an open can fail, which the system does
    not tell.
    """

    _SECONDS = 1.0

    def __init__(self) -> None:
        # Finalizers may open files at any time.
        self._lock = threading.RLock()
        self._paths: dict[str, tuple[int, float]] = {}

    def hear(self, path: str) -> None:
        full = os.path.normpath(os.path.join(current_folder(), path))  # noqa: PTH118
        with self._lock:
            count, _ = self._paths.get(full, (0, 0.0))
            self._paths[full] = count + 1, time.monotonic()

    def take(self, path: str, most: int) -> int:
        """Take what was heard of a path, up to a number; return how much."""
        with self._lock:
            count, heard_at = self._paths.pop(path, (0, 0.0))
            if count > most:
                self._paths[path] = count - most, heard_at
        return min(count, most)

    def forget_below(self, folder: str) -> None:
        with self._lock:
            self._paths = {
                path: heard
                for path, heard in self._paths.items()
                if path != folder and not path.startswith(folder + os.sep)
            }

    def forget_old(self) -> None:
        oldest = time.monotonic() - self._SECONDS
        with self._lock:
            self._paths = {path: heard for path, heard in self._paths.items() if heard[1] >= oldest}


def _is_small(folder: str) -> bool:
    """Whether a folder has few enough folders in it for all to be watched."""
    found = [folder]
    for path in found:
        if len(found) > _MOST_FOLDERS_NAMED:
            return False
        try:
            with os.scandir(path) as entries:
                found += [each.path for each in entries if each.is_dir(follow_symlinks=False)]
        except OSError:
            continue
    return True
