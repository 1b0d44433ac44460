"""What a step gives inside a pipeline: its output before there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, get_args, get_origin, overload

from cannery import _native
from cannery._outputs import Output, named_tuple_fields
from cannery.errors import DataTypeError

if TYPE_CHECKING:
    from cannery._call import StepCall
    from cannery._store import ArtifactVersion

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Artifact(Generic[_T_co]):
    """The output of a step, at once: pass it on to other steps, or `load` its value.

    A step with named outputs gives each as an artifact of its own: `split["train"]`, or
    `train, test = split(...)`. The output of a step that returns `tuple[A, B]` can be unpacked, and
    its items passed on alone. Whatever a pipeline does with the *value* must come after `load()`.
    """

    def __init__(
        self,
        call: StepCall,
        type: Any = None,
        output: Output | None = None,
        item: int | None = None,
    ) -> None:
        self._call = call
        self._type = type
        #: Which output it is; `None` for all that the step gives.
        self._output = output
        self._item = item

    @property
    def name(self) -> str:
        """The name of the step's call in the run, with the output, and the item, if it is one."""
        output = f".{self._output.name}" if self._output and self._output.name else ""
        item = "" if self._item is None else f"[{self._item}]"
        return f"{self._call.label}{output}{item}"

    @property
    def stored(self) -> ArtifactVersion:
        """The stored version; waits for the step. Of an item, the one that it is part of."""
        if self._is_several:
            first = self._call.step.outputs.names[0]
            error = DataTypeError(f"step `{self.name}` has an artifact for each of its outputs")
            error.hint = f'name one of them: `["{first}"].stored`'
            raise error
        return self._call.stored(self._output)

    @property
    def version(self) -> int:
        """The stored version's number; waits for the step."""
        return self.stored.version

    @property
    def path(self) -> str:
        """Its path in the store, `pipeline/step`, or `pipeline/step.output`."""
        output = f".{self._output.name}" if self._output and self._output.name else ""
        return f"{self._call.session.pipeline}/{self._call.step.name}{output}"

    def load(self) -> _T_co:
        """Return the value; waits for the step, and raises what the step raised."""
        value = self._call.load(self._output)
        return value if self._item is None else value[self._item]

    def open(self) -> Any:
        """Return what reads a part of the value, as `artifact.open()[1000:2000]`.

        A stream reads the chunks that are asked for, an array is memory-mapped; other values are
        loaded. Waits for the step.
        """
        return self.load()

    @property
    def _is_several(self) -> bool:
        return self._output is None and self._call.step.outputs.whole is not None

    def _parts(self) -> list[Output] | None:
        """What it can be unpacked into."""
        if self._is_several:
            return list(self._call.step.outputs.items)
        return None if self._item is not None else items_of(self._type)

    def _part(self, index: int, part: Output) -> Artifact[Any]:
        if self._is_several:
            return Artifact(self._call, part.type, part)
        return Artifact(self._call, part.type, self._output, index)

    def __iter__(self) -> Iterator[Artifact[Any]]:
        parts = self._parts()
        if parts is None:
            raise self._misuse("iterated over", "annotate the step with `-> tuple[A, B]`, or")
        return (self._part(index, part) for index, part in enumerate(parts))

    def __getitem__(self, key: int | str) -> Artifact[Any]:
        parts = self._parts()
        if parts is None:
            raise self._misuse("indexed", "annotate the step with `-> tuple[A, B]`, or")
        for index, part in enumerate(parts):
            if key == part.name or (
                not isinstance(key, str) and key in (index, index - len(parts))
            ):
                return self._part(index, part)
        names = ", ".join(part.name for part in parts)
        message = f"step `{self.name}` has no output `{key}`; it has: {names}"
        raise _NoSuchOutputError(message)

    def __len__(self) -> int:
        parts = self._parts()
        if parts is None:
            raise self._misuse("asked for its length", "annotate the step with `tuple[A, B]`, or")
        return len(parts)

    def __getattr__(self, name: str) -> Artifact[Any]:
        if not name.startswith("_") and any(part.name == name for part in self._parts() or ()):
            return self[name]
        raise AttributeError(
            f"the output of step `{self._call.label}` is an artifact and has no `{name}`; "
            f"call `.load()` for its value"
        )

    def __bool__(self) -> bool:
        raise self._misuse("used as a condition", "to decide by its value,")

    def _operate(self, sign: str) -> DataTypeError:
        return self._misuse(f"used with `{sign}`", "to compute with its value,")

    def __add__(self, _: object) -> NoReturn:
        raise self._operate("+")

    def __radd__(self, _: object) -> NoReturn:
        raise self._operate("+")

    def __sub__(self, _: object) -> NoReturn:
        raise self._operate("-")

    def __mul__(self, _: object) -> NoReturn:
        raise self._operate("*")

    def __truediv__(self, _: object) -> NoReturn:
        raise self._operate("/")

    def __lt__(self, _: object) -> NoReturn:
        raise self._operate("<")

    def __gt__(self, _: object) -> NoReturn:
        raise self._operate(">")

    def __le__(self, _: object) -> NoReturn:
        raise self._operate("<=")

    def __ge__(self, _: object) -> NoReturn:
        raise self._operate(">=")

    def _misuse(self, used: str, advice: str) -> DataTypeError:
        error = DataTypeError(f"the output of step `{self.name}` is {used} before it is there")
        error.hint = f"{advice} call `.load()` on it, which waits for the step"
        error.add_note(f"hint: {error.hint}")
        return error

    def __reduce__(self) -> Any:
        if self._is_several:
            stored = tuple(part.stored for part in self)
            return _joined, (self._call.step.outputs.whole, stored)
        return self.stored._with_item(self._item).__reduce__()

    def __repr__(self) -> str:
        return _native.printable(f"<artifact of {self.name}>")

    def _repr_html_(self) -> str:
        """The stored version's, when the step has ended; nothing waits for it here."""
        from cannery import _html

        stored = self._call.stored_if_done(self._output)
        if stored is not None:
            return stored._repr_html_()
        return _html.table(f"artifact of {self.name}", ("", "value"), [("stored", "not yet")])


def artifact_of(call: StepCall) -> Artifact[Any]:
    """Return all that a step's call gives."""
    outputs = call.step.outputs
    only = outputs.items[0] if outputs.whole is None else None
    return Artifact(call, call.step.hints.get("return") if only is None else only.type, only)


class _NoSuchOutputError(DataTypeError, LookupError):
    """A step has no output of this name or number."""


def _joined(whole: type[tuple[Any, ...]], stored: tuple[Any, ...]) -> Any:
    """Put the stored outputs of a step in the places of their values, in another process."""
    return tuple.__new__(whole, stored)


def items_of(annotation: Any) -> list[Output] | None:
    """Say what one stored value can be unpacked into, where its annotation tells."""
    fields = named_tuple_fields(annotation)
    if fields is not None:
        return [Output(name, type) for name, type in fields]
    arguments = get_args(annotation)
    if get_origin(annotation) is not tuple or Ellipsis in arguments:
        return None
    return [Output(str(index), argument) for index, argument in enumerate(arguments)]


@overload
def value_of(value: Artifact[_T], /) -> _T: ...


@overload
def value_of(value: _T, /) -> _T: ...


def value_of(value: Any, /) -> Any:
    """Return the value of what a step gave, inside a pipeline: waits for the step.

    For type checkers a step's call has the type of its value, which has no `.load()`; this has the
    type of the value, too. Artifacts in lists, tuples and dictionaries are loaded; other values are
    returned as they are, so that the pipeline's function can be called without a run.

    ```python
    @pipeline
    def daily(day: str) -> Report:
        rows = read(day)
        if value_of(count(rows)) > 0:
            rows = clean(rows)
        return report(rows)
    ```
    """
    from cannery._inputs import replace_artifacts

    return replace_artifacts(value, "", lambda _, artifact: artifact.load())


class _Loadable:
    """A structure of artifacts, of which `load` loads all."""

    def load(self) -> Any:
        """Return the structure with the values in the place of the artifacts."""
        return value_of(self._plain())

    def _plain(self) -> Any:
        raise NotImplementedError


class _Tuple(_Loadable, tuple[Any, ...]):
    def _plain(self) -> Any:
        return tuple(self)


class _List(_Loadable, list[Any]):
    def _plain(self) -> Any:
        return list(self)


class _Dict(_Loadable, dict[Any, Any]):
    def _plain(self) -> Any:
        return dict(self)


def loadable(output: Any) -> Any:
    """Give a tuple, list or dictionary that holds artifacts a `load` of its own."""
    from cannery._inputs import artifacts_in

    kinds: dict[type, type] = {tuple: _Tuple, list: _List, dict: _Dict}
    kind = kinds.get(type(output))
    return output if kind is None or not any(artifacts_in(output, "")) else kind(output)
