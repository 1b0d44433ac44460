"""A run of a pipeline in progress: what its steps are made of, and how they are done."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery import _native
from cannery._artifact import Artifact
from cannery._fingerprint import Fingerprint, fingerprint, fingerprint_value
from cannery._inputs import artifacts_in, replace_artifacts, with_slots
from cannery._store import ArtifactVersion, RunRecord, StepRun, Store
from cannery._types import check_for, describe, name_of
from cannery._values import Saved, load_files, load_value, save_value
from cannery.errors import CacheWarning, DataError, DataTypeError
from cannery.materializers._trust import trusting

if TYPE_CHECKING:
    from cannery._steps import Pipeline, Step

_current: ContextVar[Session | None] = ContextVar("session", default=None)


def current() -> Session | None:
    """Return the run whose pipeline function is at work in this context."""
    return _current.get()


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
    session = Session(store, pipeline.name, bound.arguments)
    try:
        with _entered(session):
            output = pipeline.function(*bound.args, **bound.kwargs)
        session.native.finish()
    except BaseException as error:
        session.native.fail(error)
        raise
    return Run(store.run(session.native.id), output)


class Session:
    """A run in progress."""

    def __init__(self, store: Store, pipeline: str, parameters: Mapping[str, Any]) -> None:
        self.store = store
        self.native = _native.Session(store._native, pipeline, _as_json(parameters))
        self._fingerprints: dict[Step, Fingerprint] = {}

    def submit(self, step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Artifact:
        """Add a step to the run; it begins when its inputs are there."""
        bound = step.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        call = StepCall(self, step, bound)
        return Artifact(call, step.hints.get("return"))

    def fingerprint_of(self, step: Step) -> Fingerprint:
        """Fingerprint a step's code, once in a run."""
        known = self._fingerprints.get(step)
        if known is None:
            self._fingerprints[step] = known = fingerprint(step.function)
            _report_blind_spots(step, "its code", known.blind_spots)
        return known


class StepCall:
    """A step's call: the body that the engine asks for its key, and perhaps to run."""

    def __init__(self, session: Session, step: Step, bound: inspect.BoundArguments) -> None:
        self._session = session
        self._step = step
        self._bound = bound
        self._inputs: dict[str, Artifact] = {}
        self._parts = dict(_parts_of(step, session.fingerprint_of(step)))
        literals = dict(self._literals())
        inputs = [(path, artifact._call._submitted) for path, artifact in self._inputs.items()]
        self._submitted = session.native.submit(
            step.name, self, [*inputs, *literals.items()], use_cache=step.cache
        )

    def _literals(self) -> Iterator[tuple[str, bytes]]:
        """Find the artifacts in the arguments, and digest the rest."""
        for name, value in self._bound.arguments.items():
            if isinstance(value, Artifact):
                self._add_input(name, value)
                continue
            found = dict(artifacts_in(value, name))
            for path, artifact in found.items():
                self._add_input(path, artifact)
            if not found:
                _check(self._step, f"argument `{name}`", self._annotation(name), value)
            digested = fingerprint_value(with_slots(value, name) if found else value)
            _report_blind_spots(self._step, name, digested.blind_spots)
            self._parts.update(digested.parts)
            # The engine has one label for an artifact and a parameter of the same name.
            yield name, digested.text.encode("utf-8", "surrogatepass")

    def _add_input(self, path: str, artifact: Artifact) -> None:
        if artifact._call._session is not self._session:
            raise _foreign(self._step.name, path)
        self._inputs[path] = artifact
        if artifact._item is not None:
            self._parts[f"item of {path}"] = str(artifact._item)

    # Asked by the engine

    def key_parts(self, inputs: list[tuple[str, _native.Artifact]]) -> dict[str, str]:
        """Return what the result depends on besides the step's inputs."""
        del inputs
        return self._parts

    def execute(
        self, inputs: list[tuple[str, _native.Artifact]], to: Path, where: str
    ) -> tuple[str, str, str]:
        """Load the inputs, call the function, check its output and save it below `to`."""
        token = _current.set(None)  # a step called by a step is a plain call
        try:
            with trusting((*self._step.trust, *_classes_of(self._step.hints.values()))):
                arguments = self._load(dict(inputs))
            value = self._step.function(*arguments.args, **arguments.kwargs)
            _check(self._step, "output", self._step.hints.get("return", Any), value)
            saved = save_value(value, Path(to), self._step.materializers)
        except BaseException as error:
            error.add_note(f"in {where}")
            raise
        finally:
            _current.reset(token)
        return saved.type_name, saved.format_id, _as_json(saved.metadata)

    def _load(self, records: dict[str, _native.Artifact]) -> inspect.BoundArguments:
        def load(path: str, artifact: Artifact) -> Any:
            record = records[path]
            saved = Saved(record.type_name, record.format, {})
            folder = self._session.store._native.view(record.digest)
            wanted = None if artifact._item is not None else self._annotation(path)
            value = load_files(folder, saved, wanted, self._step.materializers)
            return value if artifact._item is None else value[artifact._item]

        arguments = inspect.BoundArguments(self._step.signature, self._bound.arguments.copy())
        for name, value in self._bound.arguments.items():
            if any(artifacts_in(value, name)):
                loaded = replace_artifacts(value, name, load)
                arguments.arguments[name] = loaded
                _check(self._step, f"argument `{name}`", self._annotation(name), loaded)
        return arguments

    def _annotation(self, name: str) -> Any:
        annotation = self._step.hints.get(name, Any)
        parameter = self._step.signature.parameters.get(name)
        if parameter is not None and parameter.kind is parameter.VAR_POSITIONAL:
            return tuple[annotation, ...]
        if parameter is not None and parameter.kind is parameter.VAR_KEYWORD:
            return dict[str, annotation]
        return annotation

    # Asked by the artifact

    @property
    def label(self) -> str:
        """Its name in the run."""
        return self._session.native.label(self._submitted)

    def stored(self) -> ArtifactVersion:
        """Wait until the step has ended, and return its output."""
        return ArtifactVersion(self._session.store, self._wait())

    def load(self) -> Any:
        """Wait until the step has ended, and return its value."""
        record = self._wait()
        trust = (*self._step.trust, *_classes_of(self._step.hints.values()))
        with trusting(trust):
            saved = Saved(record.type_name, record.format, {})
            folder = self._session.store._native.view(record.digest)
            return load_files(
                folder, saved, self._step.hints.get("return"), self._step.materializers
            )

    def _wait(self) -> _native.Artifact:
        _cached, outputs = self._session.native.wait(self._submitted)
        return outputs[0][1]


@contextmanager
def _entered(session: Session) -> Iterator[None]:
    token = _current.set(session)
    try:
        yield
    finally:
        _current.reset(token)


def _parts_of(step: Step, code: Fingerprint) -> Iterator[tuple[str, str]]:
    yield from code.parts.items()
    yield "output type", name_of(step.hints.get("return", Any))
    for materializer in step.materializers:
        yield f"materializer {materializer.__qualname__}", materializer.format_id
    if step.version is not None:
        yield "version", step.version
    if step.environment:
        from cannery._fingerprint._observe import state_of

        for name in step.environment:
            yield f"environment {name}", state_of(f"environment {name}")


def _report_blind_spots(step: Step, what: str, blind_spots: tuple[str, ...]) -> None:
    if not blind_spots:
        return
    message = f"step `{step.name}`, {what}: " + "; ".join(blind_spots)
    if step.strict:
        error = DataError(message)
        error.hint = "call what it needs by name, or take `strict=True` away"
        raise error
    warnings.warn(message, CacheWarning, stacklevel=5)


def _check(step: Step, what: str, annotation: Any, value: Any) -> None:
    missed = check_for(annotation).find(value)
    if missed is None:
        return
    place = f" at `${missed.path}`" if missed.path else ""
    error = DataTypeError(
        f"step `{step.name}`, {what}{place}: expected `{missed.expected}`, found `{missed.found}`"
    )
    error.path = f"${missed.path}"
    raise error


def _foreign(step: str, path: str) -> DataError:
    error = DataError(f"step `{step}` gets an artifact of another run as `{path}`")
    error.hint = "pass its value, `artifact.load()`, or call the step in this pipeline"
    error.add_note(f"hint: {error.hint}")
    return error


def _classes_of(annotations: Iterable[Any]) -> Iterator[type]:
    """Find the classes that annotations name: who names a class vouches for it."""
    from typing import get_args

    for annotation in annotations:
        if isinstance(annotation, type) and annotation.__module__ != "builtins":
            yield annotation
        yield from _classes_of(get_args(annotation))


def _as_json(values: Mapping[str, Any]) -> str:
    from cannery import json

    return json.dumps(dict(values), default=_described, ensure_ascii=False)


def _described(value: Any) -> str:
    return f"<{value.name}>" if isinstance(value, Artifact) else repr(value)


__all__ = ["Run", "Session", "current", "describe", "load_value", "run"]
