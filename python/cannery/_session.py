"""A run of a pipeline, in progress and afterwards."""

from __future__ import annotations

import functools
import inspect
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cannery import _native
from cannery._artifact import Artifact, loadable
from cannery._call import StepCall, as_json, report_blind_spots
from cannery._fingerprint import Fingerprint, Graph, ValueFingerprint, fingerprint
from cannery._fingerprint import fingerprint_value as _fingerprint_value
from cannery._fingerprint._hooks import hosting
from cannery._fingerprint._watching import Watching
from cannery._store import RunRecord, StepRun, Store
from cannery.materializers._trust import project_code, trusting

if TYPE_CHECKING:
    from cannery._steps import Pipeline, Step

# Where a run says what it is doing. Steps run in threads that have no context of their own.
_report: Callable[[str], None] | None = None
# What the last run of this process found out about the code: one at most.
_kept: list[tuple[Graph, dict[Any, Fingerprint]]] = []
_T_co = TypeVar("_T_co", covariant=True)
_current: ContextVar[Session | None] = ContextVar("session", default=None)


def current() -> Session | None:
    """Return the run whose pipeline function is at work in this context."""
    return _current.get()


@contextmanager
def entered(session: Session | None) -> Iterator[None]:
    """Let steps that are called join this run; without one, they are plain functions."""
    token = _current.set(session)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def reporting_to(report: Callable[[str], None]) -> Iterator[None]:
    """Tell `report` of each step that begins and ends."""
    global _report
    before, _report = _report, report
    try:
        yield
    finally:
        _report = before


class Run(Generic[_T_co]):
    """A pipeline's run after it ended: its `output`, and how its steps went."""

    def __init__(self, record: RunRecord, output: Any) -> None:
        self._record = record
        self._output = output

    @property
    def output(self) -> Artifact[_T_co]:
        """What the pipeline returned: an artifact, or a structure of artifacts.

        A tuple, list or dictionary of artifacts has `load()`, too, which loads all of them.
        """
        return self._output

    @property
    def id(self) -> int:
        """Its number in the store."""
        return self._record.id

    @property
    def status(self) -> str:
        """`completed`; a run that fails raises instead of returning."""
        return self._record.status

    @property
    def duration(self) -> float | None:
        """How many seconds it took."""
        return self._record.duration

    @property
    def steps(self) -> Mapping[str, StepRun]:
        """Its steps by name, in the order in which the pipeline called them."""
        return self._record.steps

    def __repr__(self) -> str:
        return repr(self._record)

    def _repr_html_(self) -> str:
        return self._record._repr_html_()


def run(pipeline: Pipeline[..., Any], bound: inspect.BoundArguments) -> Run[Any]:
    """Run a pipeline, and raise what its steps raise."""
    store = pipeline.store if isinstance(pipeline.store, Store) else Store(pipeline.store)
    session = Session(store, pipeline, bound.arguments)
    try:
        with hosting(), entered(session):
            session.look_ahead(pipeline)
            output = pipeline.function(*bound.args, **bound.kwargs)
            session.native.finish()
            session.ended = True
        record = store._native.run(session.native.id)
    except BaseException as error:
        session.native.fail(error)
        raise
    finally:
        session.close()
        session.release()
        if store is not pipeline.store:
            store.close()
    return Run(RunRecord(session.store, record), loadable(output))


class Session:
    """A run in progress."""

    def __init__(
        self, store: Store, pipeline: Pipeline[..., Any], parameters: Mapping[str, Any]
    ) -> None:
        self.pipeline = pipeline.name
        self.native = _native.Session(store._native, pipeline.name, as_json(parameters))
        # What is asked of a run that has ended keeps no file open.
        self.store = Store._of(store._native.dormant())
        self.force = pipeline.force
        self.ended = False
        """Whether all of its steps have ended, and well."""
        self.ttl = pipeline.ttl
        self._calls: list[StepCall] = []
        self.graph, self._fingerprints = _kept.pop() if _kept else (Graph(), {})
        self._classes: dict[str, Fingerprint | None] = {}
        self._watching: Watching | None = None
        self._lock = threading.RLock()

    def look_ahead(self, pipeline: Pipeline[..., Any]) -> None:
        """Look at all that the pipeline's steps reach before any of them runs and changes it."""
        with self._lock:
            self.graph.root(pipeline.function)

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

    def release(self) -> None:
        """Let go of the values that went into the steps."""
        for call in self._calls:
            call.release()
        self._calls.clear()

    def forces(self, step: Step[..., Any]) -> bool:
        """Say whether a step runs although its result is known."""
        forced = self.force if isinstance(self.force, bool) else step.name in self.force
        return step.force or forced

    def submit(
        self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Artifact[Any]:
        """Add a step to the run; it begins when its inputs are there."""
        step.check_annotations()
        bound = step.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        call = StepCall(self, step, bound)
        self._calls.append(call)
        outputs = step.outputs
        only = outputs.items[0] if outputs.whole is None else None
        return Artifact(call, step.hints.get("return") if only is None else only.type, only)

    @contextmanager
    def reporting(self, step: Step[..., Any]) -> Iterator[None]:
        """Say that a step is at work, where a report was asked for."""
        if _report is None:
            yield
            return
        _report(f"{step.name} ...")
        began = time.monotonic()
        yield
        _report(f"{step.name} done in {time.monotonic() - began:.3f} s")

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
            report_blind_spots(step, "its code", found.blind_spots)
        return found

    def fingerprint_of_class(self, cls: type) -> Fingerprint:
        """Fingerprint a class, such as a materializer."""
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
