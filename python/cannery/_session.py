"""A run of a pipeline, in progress and afterwards."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from cannery import _native
from cannery._artifact import Artifact
from cannery._call import StepCall, as_json, report_blind_spots
from cannery._fingerprint import Fingerprint, fingerprint, fingerprint_classes
from cannery._store import RunRecord, StepRun, Store
from cannery.materializers._trust import project_classes, trusting

if TYPE_CHECKING:
    from cannery._steps import Pipeline, Step

# Where a run says what it is doing. Steps run in threads that have no context of their own.
_report: Callable[[str], None] | None = None
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


class Run:
    """A pipeline's run after it ended: its `output`, and how its steps went."""

    def __init__(self, record: RunRecord, output: Any) -> None:
        self._record = record
        self.output = output
        """What the pipeline returned: an artifact, or a structure of artifacts."""

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


def run(pipeline: Pipeline, bound: inspect.BoundArguments) -> Run:
    """Run a pipeline, and raise what its steps raise."""
    store = pipeline.store if isinstance(pipeline.store, Store) else Store(pipeline.store)
    session = Session(store, pipeline, bound.arguments)
    try:
        with entered(session):
            output = pipeline.function(*bound.args, **bound.kwargs)
        session.native.finish()
        record = store._native.run(session.native.id)
    except BaseException as error:
        session.native.fail(error)
        raise
    finally:
        session.release()
        if store is not pipeline.store:
            store.close()
    return Run(RunRecord(session.store, record), output)


class Session:
    """A run in progress."""

    def __init__(self, store: Store, pipeline: Pipeline, parameters: Mapping[str, Any]) -> None:
        self.native = _native.Session(store._native, pipeline.name, as_json(parameters))
        # What is asked of a run that has ended keeps no file open.
        self.store = Store._of(store._native.dormant())
        self.force = pipeline.force
        self.ttl = pipeline.ttl
        self._calls: list[StepCall] = []
        self._fingerprints: dict[Step, Fingerprint] = {}
        self._classes: dict[str, dict[str, str]] = {}

    def release(self) -> None:
        """Let go of the values that went into the steps."""
        for call in self._calls:
            call.release()
        self._calls.clear()

    def forces(self, step: Step) -> bool:
        """Say whether a step runs although its result is known."""
        forced = self.force if isinstance(self.force, bool) else step.name in self.force
        return step.force or forced

    def submit(self, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Artifact:
        """Add a step to the run; it begins when its inputs are there."""
        bound = step.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        call = StepCall(self, step, bound)
        self._calls.append(call)
        return Artifact(call, step.hints.get("return"))

    @contextmanager
    def reporting(self, step: Step) -> Iterator[None]:
        """Say that a step is at work, if anybody wants to know."""
        if _report is None:
            yield
            return
        _report(f"{step.name} ...")
        began = time.monotonic()
        yield
        _report(f"{step.name} done in {time.monotonic() - began:.3f} s")

    def fingerprint_of(self, step: Step) -> Fingerprint:
        """Fingerprint a step's code, once in a run."""
        known = self._fingerprints.get(step)
        if known is None:
            self._fingerprints[step] = known = fingerprint(step.function)
            report_blind_spots(step, "its code", known.blind_spots)
        return known

    def parts_of_classes(self, names: set[str]) -> dict[str, str]:
        """Fingerprint the project's own classes among those named, each once in a run."""
        parts: dict[str, str] = {}
        for name in sorted(names):
            if name not in self._classes:
                with trusting(()):
                    found = project_classes([name]).values()
                self._classes[name] = fingerprint_classes(found)
            parts |= self._classes[name]
        return parts
