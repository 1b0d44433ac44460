"""A step's call in a run: what its key is made of, and how it is done."""

from __future__ import annotations

import inspect
import itertools
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

from cannery import _native
from cannery._artifact import Artifact
from cannery._checks import Walk, excluded, name_of
from cannery._fingerprint import PYTHON_VERSION, Fingerprint
from cannery._fingerprint._hooks import loud, quiet
from cannery._inputs import Input, artifacts_in, outputs_in, replace_artifacts, with_slots
from cannery._outside import Outside, paths_in
from cannery._store import ArtifactVersion
from cannery._stored_input import with_stored
from cannery._stream import (
    Stream,
    as_type,
    is_asynchronous,
    is_stream,
    types_of_stream,
)
from cannery._tasks import dump_error, load, load_error, task_of
from cannery._values import classes_of, load_record, save_value
from cannery.errors import CanneryError, DataError, DataTypeError
from cannery.materializers._trust import full_name, trusting

if TYPE_CHECKING:
    from cannery._checks import Check
    from cannery._outputs import Output
    from cannery._session import Session
    from cannery._steps import Step

    #: What the engine is given: an output of a step, or a stored artifact.
    _Given = tuple[_native.Submitted, str] | _native.Artifact


_MOST_YIELDED = 10_000
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class MadeOutput(NamedTuple):
    """One output of a step, for the engine."""

    name: str
    folder: str
    type_name: str
    format: str
    metadata: str


class Made(NamedTuple):
    """What a step made, for the engine."""

    outputs: list[MadeOutput]
    observations: list[tuple[str, str]]
    #: What the process of the run is told of a step that ran in another.
    notes: bytes = b""


class StepCall:
    """The body of a step, which the engine asks for its key and, unless it is known, to run."""

    def __init__(
        self, session: Session, step: Step[..., Any], bound: inspect.BoundArguments
    ) -> None:
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

    def _prepare(
        self, session: Session, step: Step[..., Any], bound: inspect.BoundArguments
    ) -> None:
        self.session = session
        self.step = step
        self._bound = with_stored(session, step, bound)
        self._code = session.fingerprint_of(step)
        self._outside = Outside(session, step)
        #: The code that comes with parameters and inputs.
        self._other_code: list[Fingerprint] = []
        #: What may be paths among the items that generators have yielded.
        self._yielded: dict[str, None] = {}
        #: Named tuples that hold the outputs of other steps.
        self._classes: set[str] = set()
        self._parts = dict(_declared_parts(step, self._outside))
        self._parts |= {"code": self._code.digest, "python": PYTHON_VERSION}

    def release(self) -> None:
        """Let go of what went in, after the run has ended."""
        self._bound = inspect.BoundArguments(self._bound.signature, OrderedDict())
        self._parts = {}
        self._other_code.clear()
        del self._code  # it holds the values of closures

    def _inputs(self) -> Iterator[tuple[str, _Given | bytes]]:
        """Give the engine artifacts to wait for, and what the other arguments are."""
        for name, value in self._bound.arguments.items():
            artifacts = dict(artifacts_in(value, name))
            for path, artifact in artifacts.items():
                self._check_wiring(path, name, artifact)
                for each in outputs_in(path, artifact):
                    yield each.path, self._input(each)
            if isinstance(value, Artifact):
                continue
            if not artifacts:
                self._check_argument(name, value)
            yield name, self._literal(name, with_slots(value, name) if artifacts else value)

    def _input(self, given: Input) -> _Given:
        artifact = given.artifact
        if artifact._item is not None:
            self._parts[f"item of {given.path}"] = str(artifact._item)
        whole = artifact._call.step.outputs.whole
        if artifact._output is None and whole is not None:
            self._parts[f"type of {given.path}"] = full_name(whole)
            self._classes.add(full_name(whole))
        return artifact._call.as_input(given.output.name)

    def as_input(self, output: str) -> _Given:
        """Return what the engine is given where an output of this step goes into another."""
        return self.submitted, output

    def _check_wiring(self, path: str, name: str, artifact: Artifact[Any]) -> None:
        """Refuse what the types of two steps exclude, before either of them runs."""
        call = artifact._call
        if call.session is not self.session:
            raise _foreign(self.step.name, path)
        wanted = self._annotation(name)
        if path != name:
            wanted = _item_type(wanted, path.removeprefix(name))
        if artifact._type is not None and excluded(types_of_stream(artifact._type, wanted), wanted):
            message = (
                f"{self.step.name}({path}): expected {name_of(wanted)}, got the output of step "
                f"`{artifact.name}`, which is {name_of(artifact._type)}"
            )
            raise _with_hint(
                DataTypeError(message),
                "pass the output of another step, or change the annotation of one of the two",
            )

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
        names = {name for _, record in inputs for name in classes_of(record)} | self._classes
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
            with entered(None), self.session.printing(log, _label_in(where)):
                arguments = self._load_inputs(dict(inputs))
                named = [*self._code.paths(), *paths_in(arguments.arguments)]
                try:
                    kept: list[tuple[Any, Path, MadeOutput]] = []
                    with self._outside.observing(named):
                        values = self._outputs_of(self.step.run(arguments))
                        if any(is_stream(value, output.type) for value, output in values):
                            with quiet():
                                kept += self._keep(values, Path(to))
                            values = []
                    kept += self._keep(values, Path(to))
                except BaseException:
                    self.session.note_changes_by_step(self._code, [])
                    raise
                self._outside.note_modules(self._code.missing_modules)
                others = self._code.read_by_others()
                saved = [
                    (list(self._yielded) if is_stream(value, Any) else value, folder)
                    for value, folder, _ in kept
                ]
                seen = list((others | dict(self._outside.states(saved))).items())
                self.session.note_changes_by_step(self._code, seen)
            self.session.report_blind_spots(self.step, "as it ran", self._outside.blind_spots)
        except BaseException as error:
            error.add_note(f"in {where}")
            raise
        return Made([made for _, _, made in kept], seen)

    def _outputs_of(self, value: Any) -> list[tuple[Any, Output]]:
        outputs = self.step.outputs
        return list(zip(outputs.split(value, self.step.name), outputs.items, strict=True))

    def _keep(
        self, values: list[tuple[Any, Output]], to: Path
    ) -> Iterator[tuple[Any, Path, MadeOutput]]:
        """Check the outputs and save each in a folder of its own."""
        for index, (value, output) in enumerate(values):
            folder = to if self.step.outputs.whole is None else to / str(index)
            folder.mkdir(exist_ok=True)
            place = f"{self.step.name}()" + (f".{output.name}" if output.name else "")
            if not is_asynchronous(output.type):
                self._check(place, self.step.check_of_output(output), value)
            if is_stream(value, output.type):
                value = self._checked_items(value, output, place)
            saved = save_value(value, folder, self.step.materializers, output.type)
            about = saved.type_name, saved.format_id, as_json(saved.metadata)
            yield value, folder, MadeOutput(output.name, str(folder), *about)

    def _checked_items(self, values: Iterable[Any], output: Output, place: str) -> Iterator[Any]:
        """Check each item that a generator yields; only what it reads itself is noted."""
        check = self.step.check_of_items(output)
        items = iter(values)
        for number in itertools.count():
            try:
                with loud():
                    item = next(items)
            except StopIteration:
                return
            self._check(f"{place}[{number}]", check, item)
            if len(self._yielded) < _MOST_YIELDED:
                self._yielded.update(dict.fromkeys(paths_in(item)))
            yield item

    def is_unchanged(self, seen: list[tuple[str, str]]) -> bool:
        """Say whether the files and variables that an earlier execution read are as they were."""
        return self._outside.is_unchanged(seen)

    def _load_inputs(self, records: dict[str, _native.Artifact]) -> inspect.BoundArguments:
        def load(path: str, artifact: Artifact[Any]) -> Any:
            wanted = self._annotation(path)
            if artifact._item is not None or wanted is Any:
                wanted = None
            given = list(outputs_in(path, artifact))
            if len(given) == 1 and artifact._output is not None:
                value = self._load(records[path], wanted or given[0].output.type)
                return value if artifact._item is None else value[artifact._item]
            outputs = artifact._call.step.outputs
            return outputs.join([self._load(records[g.path], g.output.type) for g in given])

        loaded = inspect.BoundArguments(self.step.signature, self._bound.arguments.copy())
        walk = Walk(self.step.is_checked_fully)
        for name, value in self._bound.arguments.items():
            if any(artifacts_in(value, name)):
                loaded.arguments[name] = replace_artifacts(value, name, load)
                loaded.arguments[name] = self._streamed(name, loaded.arguments[name])
            self._check_argument(name, loaded.arguments[name], walk)
        return loaded

    def _streamed(self, name: str, value: Any) -> Any:
        """Give a stream as its argument's type says, and check its items as they come."""
        if not isinstance(value, Stream):
            return value
        annotation = self._annotation(name)
        check = self.step.check_of_items_of(name)

        def check_item(number: int, item: Any) -> None:
            self._check(f"{self.step.name}({name})[{number}]", check, item)

        return as_type(value.checked(check_item), annotation)

    def _load(self, record: _native.Artifact, wanted: Any) -> Any:
        # A class that an annotation names is trusted by it.
        named = _classes_in([*self.step.hints.values(), wanted])
        with trusting((*self.step.trust, *named)):
            store = self.session.store._native
            return load_record(store, record, wanted, self.step.materializers)

    def _annotation(self, name: str) -> Any:
        return self.step.annotation_of(name)

    def _check_argument(self, name: str, value: Any, walk: Walk | None = None) -> None:
        check = self.step.check_of_argument(name)
        self._check(f"{self.step.name}({name})", check, value, walk)

    def _check(self, place: str, check: Check, value: Any, walk: Walk | None = None) -> None:
        missed = check.find(value, walk=walk or Walk(self.step.is_checked_fully))
        if missed is None:
            return
        error = DataTypeError(
            f"{place}{missed.path}: expected {missed.expected}, got {missed.found}"
        )
        error.path = f"${missed.path}"
        raise error

    # Of steps that run in another process

    def task(self) -> tuple[str, str, list[str], bytes]:
        """Return the call as data: module, qualified name, materializers' ids, and the rest."""
        return task_of(self.step, self._bound)

    def take_notes(self, notes: bytes) -> None:
        """Warn of what another process could not see."""
        for message in load(notes) if notes else ():
            self.session.warn(message, self.step)

    def dump_error(self, error: BaseException) -> bytes:
        """Write an exception for another process."""
        return dump_error(error)

    def load_error(self, dumped: bytes) -> BaseException | None:
        """Read an exception of another process."""
        return load_error(dumped) if dumped else None

    # Called by the artifact

    @property
    def label(self) -> str:
        """Its name in the run."""
        return self.session.native.label(self.submitted)

    def stored(self, output: Output | None) -> ArtifactVersion:
        """Wait until the step has ended, and return one of its outputs."""
        name = self.step.outputs.names[0] if output is None else output.name
        return ArtifactVersion(self.session.store, self._wait()[name])

    def load(self, output: Output | None) -> Any:
        """Wait until the step has ended, and return one of its outputs, or all of them."""
        records = self._wait()
        if output is not None:
            return self._load(records[output.name], output.type)
        outputs = self.step.outputs
        return outputs.join([self._load(records[o.name], o.type) for o in outputs.items])

    def reference(self, output: Output | None) -> tuple[str, int]:
        """Return the path and version of an output of a step that has ended."""
        outcome = self.session.native.outcome(self.submitted)
        records = self._wait() if outcome is None else dict(outcome[1])
        record = records[self.step.outputs.names[0] if output is None else output.name]
        return record.path, record.version

    def stored_if_done(self, output: Output | None) -> ArtifactVersion | None:
        """Return an output if the run has ended; nothing is waited for."""
        return self.stored(output) if self.session.ended else None

    def _wait(self) -> dict[str, _native.Artifact]:
        _cached, outputs = self.session.native.wait(self.submitted)
        return dict(outputs)


def _identity_of(annotation: Any) -> str:
    """Name a type the same whether its module is run as a script or imported."""
    arguments = get_args(annotation)
    if not arguments:
        return full_name(annotation) if isinstance(annotation, type) else name_of(annotation)
    inner = ", ".join(_identity_of(each) for each in arguments)
    return f"{_identity_of(get_origin(annotation))}[{inner}]"


def _label_in(where: str) -> str:
    """Return the name of a step in its run, of a text that says where it is."""
    return where[where.index("`") + 1 : where.rindex("`")]


def as_json(values: Mapping[str, Any]) -> str:
    """Write parameters or metadata for people; a path as its text, other things as their `repr`."""
    from cannery import json

    return json.dumps(dict(values), default=_for_people, ensure_ascii=False)


def _for_people(value: Any) -> str:
    return str(value) if isinstance(value, PurePath) else repr(value)


def _declared_parts(step: Step[..., Any], outside: Outside) -> Iterator[tuple[str, str]]:
    yield "output type", _ADDRESS.sub("", _identity_of(step.hints.get("return", Any)))
    if any(step.outputs.names):
        yield "outputs", " ".join(step.outputs.names)
    for materializer in step.materializers:
        yield f"materializer {materializer.__qualname__}", materializer.format_id
    if step.version is not None:
        yield "version", step.version
    for name in step.environment:
        yield f"environment {name}", outside.state_of(f"environment {name}")


def _item_type(annotation: Any, path: str) -> Any:
    """Return the type of what stands at a path in an argument, where the annotation tells."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if path.count("[") + path.count(".") != 1 or not isinstance(origin, type):
        return Any
    if path.startswith("["):
        if origin is tuple and Ellipsis not in arguments:
            index = int(path[1:-1])
            return arguments[index] if index < len(arguments) else Any
        is_list = issubclass(list, origin) or origin is tuple
        return arguments[0] if is_list and arguments else Any
    return arguments[1] if issubclass(dict, origin) and len(arguments) == 2 else Any


def _foreign(step: str, path: str) -> CanneryError:
    error = DataError(f"step `{step}` gets an artifact of another run as `{path}`")
    return _with_hint(
        error,
        "pass the stored version, `.stored`, or its value, `.load()`, or call its step in this "
        "pipeline",
    )


def _with_hint(error: CanneryError, hint: str) -> CanneryError:
    error.hint = hint
    error.add_note(f"hint: {hint}")
    return error


def _classes_in(annotations: Iterable[Any]) -> Iterator[type]:
    for annotation in annotations:
        if isinstance(annotation, type) and annotation.__module__ != "builtins":
            yield annotation
        yield from _classes_in(get_args(annotation))
