"""What a process knows of the code of steps, and what it observes while they run."""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery._fingerprint import Fingerprint, Graph, ValueFingerprint, fingerprint
from cannery._fingerprint import fingerprint_value as _fingerprint_value
from cannery._fingerprint._watching import Watching
from cannery.errors import CacheWarning, DataError
from cannery.materializers._trust import project_code, trusting

if TYPE_CHECKING:
    from cannery._fingerprint._observe import Observations
    from cannery._steps import Step
    from cannery._store import Store

# Which warnings were given, as `warnings` keeps it.
_told: dict[Any, Any] = {}
# What the last run of this process found out about the code: one at most.
_kept: list[tuple[Graph, dict[Any, Fingerprint]]] = []


class Code:
    """The code of a project's steps: fingerprints, and the watch over what steps read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.graph, self._fingerprints = _kept.pop() if _kept else (Graph(), {})
        self._classes: dict[str, Fingerprint | None] = {}
        self._watching: Watching | None = None
        #: By path: the step of this run that has written a file.
        self._writers: dict[str, str] = {}
        self._lock = threading.RLock()

    def warn(self, message: str, step: Step[..., Any]) -> None:
        """Say that changes may go unnoticed, at the place where the step is defined."""
        code = getattr(step.function, "__code__", None)
        if code is None:
            warnings.warn(message, CacheWarning, stacklevel=7)
            return
        place = code.co_filename, code.co_firstlineno, step.function.__module__
        warnings.warn_explicit(message, CacheWarning, *place, registry=_told)

    @contextmanager
    def printing(self, log: str | os.PathLike[str], label: str) -> Iterator[None]:
        """Keep what the calling thread's step, called `label`, prints in the file `log`."""
        raise NotImplementedError(label, log)
        yield

    def look_ahead(self, function: Any) -> None:
        """Look at all that a pipeline's steps reach before any of them runs and changes it."""
        with self._lock:
            self.graph.root(function)

    def _look_again(self) -> None:
        """Forget how code and variables were: the pipeline itself has changed something."""
        with self._lock:
            self.graph = Graph()
            self._fingerprints = {}
            self._classes.clear()

    def note_changes_by_step(self, found: Fingerprint, seen: list[tuple[str, str]]) -> None:
        """Take the variables that are others since a step has run as what it made of them."""
        with self._lock:
            found.note_changes_by_step(seen)

    def close(self) -> None:
        """Stop watching, and leave what is known of the code to the next run of the process."""
        if not _kept and self.graph.is_kept:
            _kept.append((self.graph, self._fingerprints))
        self.graph, self._fingerprints = Graph(), {}
        if self._watching is not None:
            self._watching.close()

    @property
    def watching(self) -> Watching:
        """The watch over the projects' folders, from the first step on that runs."""
        with self._lock:
            if self._watching is None:
                self._watching = Watching([str(self.store.path)])
            return self._watching

    def fingerprint_of(self, step: Step[..., Any]) -> Fingerprint:
        """Fingerprint a step's code, once in a run."""
        with self._lock:
            known = self._fingerprints.get(step)
            found = known or fingerprint(step.function, self.graph)
            if found.is_changed():
                self._look_again()
                found = fingerprint(step.function, self.graph)
            self._fingerprints[step] = found
        if found is not known:
            self.report_blind_spots(step, "its code", found.blind_spots)
        return found

    def fingerprint_of_class(self, cls: Any) -> Fingerprint:
        """Fingerprint a class, such as a materializer, or a function."""
        with self._lock:
            return fingerprint(cls, self.graph)

    @functools.cached_property
    def key(self) -> bytes:
        """What environment values are hashed with, so that the store does not give them away."""
        file = self.store.path / "observations.key"
        try:
            return file.read_bytes()
        except OSError:
            return _new_key(file)

    @functools.cached_property
    def shared_files(self) -> set[str]:
        """Labels of files that a step was seen to read which another step had written."""
        try:
            return set(self._shared_list.read_text("utf-8").split("\0"))
        except OSError:
            return set()

    def note_files(self, step: str, seen: Observations) -> None:
        """Remember which files steps hand to each other beside their outputs."""
        with self._lock:
            found = {
                seen.label_of_written(path)
                for path in seen.read()
                if self._writers.get(path, step) != step
            } - self.shared_files
            self._writers.update(dict.fromkeys(seen.written(), step))
            if found:
                self.shared_files.update(found)
                with suppress(OSError):  # a store that is only read
                    self._shared_list.write_text("\0".join(sorted(self.shared_files)), "utf-8")

    @property
    def _shared_list(self) -> Path:
        return self.store.path / "shared-files.txt"

    def fingerprint_value(self, value: Any, label: str) -> ValueFingerprint:
        """Fingerprint a parameter."""
        with self._lock:
            return _fingerprint_value(value, self.graph, label)

    def fingerprints_of_classes(self, names: Iterable[str]) -> list[Fingerprint]:
        """Fingerprint the project's own classes and functions among those named."""
        with self._lock:
            for name in names:
                if name not in self._classes:
                    with trusting(()):
                        found = project_code([name]).get(name)
                    known = None if found is None else fingerprint(found, self.graph)
                    self._classes[name] = known
            found = [self._classes[name] for name in sorted(names)]
        return [each for each in found if each is not None]

    def report_blind_spots(
        self, step: Step[..., Any], what: str, blind_spots: tuple[str, ...]
    ) -> None:
        """Warn that changes may go unnoticed, or refuse to go on if the step is strict."""
        if not blind_spots:
            return
        message = f"step `{step.name}`, {what}: {'; '.join(blind_spots)}"
        if step.strict:
            error = DataError(message)
            error.hint = "call what it needs by name, or take `strict=True` away"
            error.add_note(f"hint: {error.hint}")
            raise error
        self.warn(message, step)


def _new_key(file: Path) -> bytes:
    """Make the store's key; another process may do so at the same time."""
    key = os.urandom(32)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    except OSError:
        return b""  # a store that is only read knows no variables
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key)
    return key
