"""A step's call in a run: what its key is made of, and how it is done."""

from __future__ import annotations

import inspect
import traceback
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from cannery import _native
from cannery._artifact import Artifact
from cannery._fingerprint import PYTHON_VERSION, Fingerprint
from cannery._inputs import artifacts_in, replace_artifacts, with_slots
from cannery._outside import Outside, paths_in
from cannery._store import ArtifactVersion
from cannery._types import check_for, name_of
from cannery._values import classes_of, load_record, save_value
from cannery.errors import DataError, DataTypeError, WorkerError
from cannery.materializers._trust import trusting

if TYPE_CHECKING:
    from cannery._session import Session
    from cannery._steps import Step


class Made(NamedTuple):
    """What a step made, for the engine."""

    type_name: str
    format: str
    metadata: str
    observations: list[tuple[str, str]]
    #: What the process of the run is told of a step that ran in another.
    notes: bytes = b""


class StepCall:
    """The body of a step, which the engine asks for its key and, unless it is known, to run."""

    def __init__(self, session: Session, step: Step, bound: inspect.BoundArguments) -> None:
        self._prepare(session, step, bound)
        inputs = list(self._inputs())
        self.submitted = session.native.submit(
            step.name,
            self,
            inputs,
            use_cache=step.cache and session.options.cache,
            force=session.forces(step),
            ttl=session.options.ttl if step.ttl is None else step.ttl,
            timeout=step.timeout,
            retries=(step.retries, step.retry_delay, step.retry_backoff),
        )

    def _prepare(self, session: Session, step: Step, bound: inspect.BoundArguments) -> None:
        self.session = session
        self.step = step
        self._bound = bound
        self._code = session.fingerprint_of(step)
        self._outside = Outside(session, step)
        #: The code that comes with parameters and inputs.
        self._other_code: list[Fingerprint] = []
        self._parts = dict(_declared_parts(step, self._outside))
        self._parts |= {"code": self._code.digest, "python": PYTHON_VERSION}

    def release(self) -> None:
        """Let go of what went in, after the run has ended."""
        self._bound = inspect.BoundArguments(self._bound.signature, OrderedDict())
        self._parts = {}
        self._other_code.clear()
        del self._code  # it holds the values of closures

    def _inputs(self) -> Iterator[tuple[str, _native.Submitted | bytes]]:
        """Give the engine artifacts to wait for, and what the other arguments are."""
        for name, value in self._bound.arguments.items():
            artifacts = dict(artifacts_in(value, name))
            for path, artifact in artifacts.items():
                yield path, self._input(path, artifact)
            if isinstance(value, Artifact):
                continue
            if not artifacts:
                self._check(f"argument `{name}`", self._annotation(name), value)
            yield name, self._literal(name, with_slots(value, name) if artifacts else value)

    def _input(self, path: str, artifact: Artifact) -> _native.Submitted:
        if artifact._call.session is not self.session:
            raise _foreign(self.step.name, path)
        if artifact._item is not None:
            self._parts[f"item of {path}"] = str(artifact._item)
        return artifact._call.submitted

    def _literal(self, name: str, value: Any) -> bytes:
        found = self.session.fingerprint_value(value, f"argument {name}")
        self.session.report_blind_spots(self.step, f"argument `{name}`", found.blind_spots)
        if found.code is not None:
            self._parts[f"code of {name}"] = found.code.digest
            self._other_code.append(found.code)
        return found.text.encode("utf-8", "surrogatepass")

    # Called by the engine

    def key_parts(self, inputs: list[tuple[str, _native.Artifact]]) -> dict[str, str]:
        """Return what the result depends on besides the contents of the step's inputs."""
        names = {name for _, record in inputs for name in classes_of(record)}
        found = self.session.fingerprints_of_classes(names) if names else []
        found += self._outside.readers_of([record for _, record in inputs])
        self._other_code += found
        if found:
            self._parts["code of inputs"] = " ".join(sorted(each.digest for each in found))
        return self._parts

    def notes(self) -> list[tuple[str, str, str | None]]:
        """Return the pieces of the code by name, for people to see which of them changed."""
        return [note for found in (self._code, *self._other_code) for note in found.notes()]

    def execute(
        self, inputs: list[tuple[str, _native.Artifact]], to: Path, where: str, log: Path
    ) -> Made:
        """Load the inputs, call the function, check its output and save it below `to`."""
        from cannery._session import entered

        try:
            # A step that is called by a step is a plain call.
            with entered(None), self._printing(log):
                arguments = self._load_inputs(dict(inputs))
                named = [*self._code.paths(), *paths_in(arguments.arguments)]
                try:
                    with self._outside.observing(named):
                        value = self.step.function(*arguments.args, **arguments.kwargs)
                except BaseException:
                    self.session.note_changes_by_step(self._code, [])
                    raise
                self._check("output", self.returns, value)
                saved = save_value(value, Path(to), self.step.materializers, self.returns)
                others = self._code.read_by_others()
                seen = list((others | dict(self._outside.states(value, Path(to)))).items())
                self.session.note_changes_by_step(self._code, seen)
            self.session.report_blind_spots(
                self.step, "as it ran", self._outside.blind_spots
            )
        except BaseException as error:
            error.add_note(f"in {where}")
            raise
        return Made(saved.type_name, saved.format_id, as_json(saved.metadata), seen)

    def is_unchanged(self, seen: list[tuple[str, str]]) -> bool:
        """Say whether the files and variables that an earlier execution read are as they were."""
        return self._outside.is_unchanged(seen)

    def _load_inputs(self, records: dict[str, _native.Artifact]) -> inspect.BoundArguments:
        def load(path: str, artifact: Artifact) -> Any:
            wanted = self._annotation(path) if artifact._item is None else artifact._call.returns
            value = self._load(records[path], wanted)
            return value if artifact._item is None else value[artifact._item]

        loaded = inspect.BoundArguments(self.step.signature, self._bound.arguments.copy())
        for name, value in self._bound.arguments.items():
            if any(artifacts_in(value, name)):
                loaded.arguments[name] = replace_artifacts(value, name, load)
                self._check(f"argument `{name}`", self._annotation(name), loaded.arguments[name])
        return loaded

    def _load(self, record: _native.Artifact, wanted: Any) -> Any:
        # A class that an annotation names is trusted by it.
        named = _classes_in([*self.step.hints.values(), wanted])
        with trusting((*self.step.trust, *named)):
            store = self.session.store._native
            return load_record(store, record, wanted, self.step.materializers)

    def _annotation(self, name: str) -> Any:
        annotation = self.step.hints.get(name, Any)
        parameter = self.step.signature.parameters.get(name)
        if parameter is not None and parameter.kind is parameter.VAR_POSITIONAL:
            return tuple[annotation, ...]
        if parameter is not None and parameter.kind is parameter.VAR_KEYWORD:
            return dict[str, annotation]
        return annotation

    def _check(self, what: str, annotation: Any, value: Any) -> None:
        missed = check_for(annotation).find(value)
        if missed is None:
            return
        place = f" at `${missed.path}`" if missed.path else ""
        error = DataTypeError(
            f"step `{self.step.name}`, {what}{place}: "
            f"expected `{missed.expected}`, found `{missed.found}`"
        )
        error.path = f"${missed.path}"
        raise error

    def _printing(self, log: Path) -> Any:
        return self.session.printing(log, self.label)

    # Of steps that run in another process

    def task(self) -> tuple[str, str, list[str], bytes]:
        """Return the call as data: module, qualified name, materializers' ids, and the rest."""
        from cannery._worker import task_of

        return task_of(self.step, self._bound)

    def take_notes(self, notes: bytes) -> None:
        """Warn of what another process could not see."""
        from cannery._worker import load

        for message in load(notes) if notes else ():
            self.session.warn(message)

    def dump_error(self, error: BaseException) -> bytes:
        """Write an exception for another process."""
        from cannery._worker import dump, load

        trace = "".join(traceback.format_exception(error))
        try:
            dumped = dump((error, getattr(error, "__notes__", []), trace))
            load(dumped)
        except Exception:  # exceptions may refuse in any way
            text = f"{type(error).__qualname__}: {error}"
            dumped = dump((WorkerError(text), getattr(error, "__notes__", []), trace))
        return dumped

    def load_error(self, dumped: bytes) -> BaseException | None:
        """Read an exception of another process."""
        from cannery._worker import load

        if not dumped:
            return None
        error, notes, trace = load(dumped)
        error.__notes__ = [*notes, f"in a worker process:\n{trace.rstrip()}"]
        return error

    # Called by the artifact

    @property
    def label(self) -> str:
        """Its name in the run."""
        return self.session.native.label(self.submitted)

    @property
    def returns(self) -> Any:
        """What the step is annotated to return."""
        return self.step.hints.get("return", Any)

    def stored(self) -> ArtifactVersion:
        """Wait until the step has ended, and return its output."""
        return ArtifactVersion(self.session.store, self._wait())

    def load(self) -> Any:
        """Wait until the step has ended, and return its value."""
        return self._load(self._wait(), self.returns)

    def reference(self) -> tuple[str, int]:
        """Return the name and version of the output of a step that has ended."""
        outcome = self.session.native.outcome(self.submitted)
        record = self._wait() if outcome is None else outcome[1][0][1]
        return record.name, record.version

    def _wait(self) -> _native.Artifact:
        _cached, outputs = self.session.native.wait(self.submitted)
        return outputs[0][1]


def as_json(values: Mapping[str, Any]) -> str:
    """Write parameters or metadata for people; a path as its text, other things as their `repr`."""
    from cannery import json

    return json.dumps(dict(values), default=_for_people, ensure_ascii=False)


def _for_people(value: Any) -> str:
    return str(value) if isinstance(value, PurePath) else repr(value)


def _declared_parts(step: Step, outside: Outside) -> Iterator[tuple[str, str]]:
    yield "output type", name_of(step.hints.get("return", Any))
    for materializer in step.materializers:
        yield f"materializer {materializer.__qualname__}", materializer.format_id
    if step.version is not None:
        yield "version", step.version
    for name in step.environment:
        yield f"environment {name}", outside.state_of(f"environment {name}")


def _foreign(step: str, path: str) -> DataError:
    error = DataError(f"step `{step}` gets an artifact of another run as `{path}`")
    return _with_hint(error, "pass its value, `.load()`, or call its step in this pipeline")


def _with_hint(error: DataError, hint: str) -> DataError:
    error.hint = hint
    error.add_note(f"hint: {hint}")
    return error


def _classes_in(annotations: Iterable[Any]) -> Iterator[type]:
    for annotation in annotations:
        if isinstance(annotation, type) and annotation.__module__ != "builtins":
            yield annotation
        yield from _classes_in(get_args(annotation))
