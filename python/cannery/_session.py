"""A run of a pipeline, in progress and afterwards."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cannery import _native
from cannery._artifact import Artifact, artifact_of, loadable
from cannery._call import StepCall
from cannery._code import Code
from cannery._fingerprint import _values
from cannery._fingerprint._hooks import hosting
from cannery._git import code_version
from cannery._parameters import parameters_as_json
from cannery._partitions import partition_of_run, record_partition
from cannery._printed import StepLog, capturing, listening
from cannery._run_output import output_as_json
from cannery._store import RunRecord, StepRun, Store
from cannery._tasks import check_may_run, setup_of
from cannery.errors import NotFoundError

if TYPE_CHECKING:
    from cannery._display import Display
    from cannery._steps import Pipeline, Step

# What shows how runs go. Steps run in threads that have no context of their own.
_display: Display | None = None
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
def shown_by(display: Display) -> Iterator[None]:
    """Let `display` show how runs go."""
    global _display
    before, _display = _display, display
    try:
        yield
    finally:
        _display = before


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

    @property
    def record(self) -> RunRecord:
        """What the store keeps of it."""
        return self._record

    def compare(self, other: Run[Any] | RunRecord | int) -> Any:
        """Say what differs from another run of the store; see `RunRecord.compare`."""
        return self._record.compare(other.record if isinstance(other, Run) else other)

    def __reduce__(self) -> Any:
        return _run_of, (str(self._record._store.path), self.id)

    def __repr__(self) -> str:
        return repr(self._record)

    def _repr_html_(self) -> str:
        return self._record._repr_html_()


def _run_of(store: str, number: int) -> Run[Any]:
    record = Store(store).run(number)
    return Run(record, record.output)


class DryRun:
    """What a run would do: its `steps`, by name.

    A step is `cached`, or `runs`, or `depends` on one that would run and may be known then, or
    `fails` before it runs. `complete` is false where the pipeline needs a value to go on.
    """

    def __init__(self, steps: Mapping[str, str], complete: bool) -> None:
        self.steps = steps
        self.complete = complete

    def __repr__(self) -> str:
        runs = sum(plan != "cached" for plan in self.steps.values())
        return f"<dry run: {len(self.steps)} steps, {runs} not cached>"


def run(pipeline: Pipeline[..., Any], bound: inspect.BoundArguments) -> Any:
    """Run a pipeline, and raise what its steps raise."""
    check_may_run(pipeline.name)
    store = pipeline.store if isinstance(pipeline.store, Store) else Store(pipeline.store)
    partition = partition_of_run(pipeline.options.partition, bound.arguments, pipeline.name)
    session = Session(store, pipeline, bound.arguments)
    try:
        with hosting(), listening(), entered(session):
            session.look_ahead(pipeline.function)
            if pipeline.options.dry_run:
                return _rehearse(session, pipeline, bound)
            output = pipeline.function(*bound.args, **bound.kwargs)
            session.native.finish_steps()
            session.native.set_output(output_as_json(output))
            session.native.finish()
            session.ended = True
        record = store._native.run(session.native.id)
        record_partition(RunRecord(store, record), partition)
    except BaseException as error:
        session.native.fail(error)
        if pipeline.options.on_failure is not None and isinstance(error, Exception):
            pipeline.options.on_failure(error)
        raise
    finally:
        session.close()
        session.release()
        if store is not pipeline.store:
            store.close()
    return Run(RunRecord(session.store, record), loadable(output))


def _rehearse(
    session: Session, pipeline: Pipeline[..., Any], bound: inspect.BoundArguments
) -> DryRun:
    complete = True
    try:
        pipeline.function(*bound.args, **bound.kwargs)
    except NotFoundError:
        complete = False  # it needs a value that is not there
    with suppress(NotFoundError):  # of a step that would run
        session.native.finish_steps()
    return DryRun(dict(session.native.plan()), complete)


class Session(Code):
    """A run in progress."""

    def __init__(
        self, store: Store, pipeline: Pipeline[..., Any], parameters: Mapping[str, Any]
    ) -> None:
        self.pipeline = pipeline.name
        # What is asked of a run that has ended keeps no file open.
        super().__init__(Store._of(store._native.dormant()))
        self.options = pipeline.options
        _values.follows_memos = pipeline.options.executor != "processes"
        self.ended = False
        """Whether all of its steps have ended, and well."""
        self._calls: list[StepCall] = []
        self._display = _display
        self._failures: dict[str, Exception] = {}
        self._hooks: dict[str, Callable[[Exception], object]] = {}
        recorded = parameters_as_json(pipeline.function, parameters)
        self.native = _begin(self, store, pipeline, recorded)
        if self._display is not None and not pipeline.options.dry_run:
            self._display.run = str(store.path), self.native.id

    def release(self) -> None:
        """Let go of the values that went into the steps."""
        for call in self._calls:
            call.release()
        self._calls.clear()

    def forces(self, step: Step[..., Any]) -> bool:
        """Say whether a step runs although its result is known."""
        force = self.options.force
        return step.force or (force if isinstance(force, bool) else step.name in force)

    def announce(self, step: Step[..., Any], count: int) -> None:
        """Say how many calls of a step follow."""
        if self._display is not None:
            self._display.announce(step.name, count)

    def submit(
        self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Artifact[Any]:
        """Add a step to the run; it begins when its inputs are there."""
        step.check_annotations()
        bound = step.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if self._display is not None:
            self._display.submitted(step.name)
        call = StepCall(self, step, bound)
        self._calls.append(call)
        if step.on_failure is not None:
            with self._lock:
                self._hooks[call.label] = step.on_failure
            self._tell_failure(call.label)  # it may have failed by now
        return artifact_of(call)

    def printing(self, log: str | os.PathLike[str], label: str) -> Any:
        """Keep what the calling thread's step prints in the file `log`."""
        display = self._display
        if display is None:
            return capturing(StepLog(log, None))
        return capturing(StepLog(log, lambda data: display.notice(label, "printed", 0.0, data)))

    def notice(
        self,
        label: str,
        event: str,
        seconds: float = 0.0,
        text: str | bytes = "",
        exception: BaseException | None = None,
    ) -> None:
        """Hear from the engine what happens to a step."""
        if self.options.dry_run:
            return  # a result that is not known is no failure
        if self._display is not None:
            self._display.notice(label, event, seconds, text)
        elif isinstance(text, bytes):
            _print_bytes(text)
        elif event == "late":
            print(f"step `{label}` takes longer than its timeout", file=sys.stderr)
        if event == "failed" and isinstance(exception, Exception):
            with self._lock:
                self._failures[label] = exception
            self._tell_failure(label)

    def _tell_failure(self, label: str) -> None:
        """Tell a step's own hook, as soon as both the step and its failure are known."""
        with self._lock:
            hook = self._hooks.get(label)
            failure = self._failures.pop(label, None) if hook is not None else None
        if hook is not None and failure is not None:
            hook(failure)


def _begin(
    session: Session, store: Store, pipeline: Pipeline[..., Any], parameters: str
) -> _native.Session:
    options = pipeline.options
    processes = None
    if options.executor == "processes":
        processes = setup_of(session.store)
    return _native.Session(
        store._native,
        pipeline.name,
        parameters,
        # The thread that waits does steps, too.
        workers=None if options.workers is None else options.workers - 1,
        processes=processes,
        observer=session.notice,
        keep_going=not options.fail_fast,
        dry_run=options.dry_run,
        code_version=None if options.dry_run else code_version(pipeline.function),
        tags=list(options.tags),
    )


def _print_bytes(printed: bytes) -> None:
    """Print what a step in another process has printed."""
    stream = sys.stdout
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(printed.decode("utf-8", "backslashreplace"))
        return
    stream.flush()
    buffer.write(printed)
    buffer.flush()
