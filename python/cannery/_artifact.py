"""What a step gives inside a pipeline: its output before there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

from cannery import _native
from cannery.errors import DataTypeError

if TYPE_CHECKING:
    from cannery._call import StepCall
    from cannery._store import ArtifactVersion


class Artifact:
    """The output of a step, at once: pass it on to other steps, or `load` its value.

    The output of a step that returns `tuple[A, B]` or a named tuple can be unpacked, and its items
    passed on alone. Whatever a pipeline does with the *value* must come after `load()`.
    """

    def __init__(self, call: StepCall, returns: Any = None, item: int | None = None) -> None:
        self._call = call
        self._returns = returns
        self._item = item

    @property
    def name(self) -> str:
        """The name of the step's call in the run, and the item, if it is one."""
        return self._call.label if self._item is None else f"{self._call.label}[{self._item}]"

    @property
    def stored(self) -> ArtifactVersion:
        """The stored version; waits for the step. Of an item, the one that it is part of."""
        return self._call.stored()

    @property
    def version(self) -> int:
        """The stored version's number; waits for the step."""
        return self.stored.version

    def load(self) -> Any:
        """Return the value; waits for the step, and raises what the step raised."""
        value = self._call.load()
        return value if self._item is None else value[self._item]

    def __iter__(self) -> Iterator[Artifact]:
        items = items_of(self._returns)
        if items is None:
            raise self._misuse("iterated over", "annotate the step with `-> tuple[A, B]`, or")
        return (Artifact(self._call, item.type, index) for index, item in enumerate(items))

    def __getitem__(self, key: int | str) -> Artifact:
        items = items_of(self._returns) or []
        for index, item in enumerate(items):
            if key in (index, item.name):
                return Artifact(self._call, item.type, index)
        raise self._misuse("indexed", "annotate the step with `-> tuple[A, B]`, or")

    def __getattr__(self, name: str) -> Artifact:
        if not name.startswith("_") and any(i.name == name for i in items_of(self._returns) or ()):
            return self[name]
        raise AttributeError(
            f"the output of step `{self._call.label}` is an artifact and has no `{name}`; "
            f"call `.load()` for its value"
        )

    def __bool__(self) -> bool:
        raise self._misuse("used as a condition", "to decide by its value,")

    def _misuse(self, used: str, advice: str) -> DataTypeError:
        error = DataTypeError(f"the output of step `{self.name}` is {used} before it is there")
        error.hint = f"{advice} call `.load()` on it, which waits for the step"
        error.add_note(f"hint: {error.hint}")
        return error

    def __repr__(self) -> str:
        return _native.printable(f"<artifact of {self.name}>")

    def _repr_html_(self) -> str:
        """The stored version's, when the step has ended; nothing waits for it here."""
        from cannery import _html

        stored = self._call.stored_if_done()
        if stored is not None:
            return stored._repr_html_()
        return _html.table(f"artifact of {self.name}", ("", "value"), [("stored", "not yet")])


class Item(NamedTuple):
    """A part of an output that can be unpacked."""

    name: str
    type: Any


def items_of(annotation: Any) -> list[Item] | None:
    """Say what a step's output can be unpacked into, where its annotation tells."""
    if isinstance(annotation, type) and issubclass(annotation, tuple):
        hints = getattr(annotation, "__annotations__", {})
        return [Item(name, hints.get(name)) for name in getattr(annotation, "_fields", ())] or None
    arguments = get_args(annotation)
    if get_origin(annotation) is not tuple or Ellipsis in arguments:
        return None
    return [Item(str(index), argument) for index, argument in enumerate(arguments)]
