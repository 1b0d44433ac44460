"""What a step gives: one output, or several that have names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from cannery.errors import DataError, DataTypeError

# What is written in `Annotated` for people (`"number of rows"`) is no name.
_NAME = re.compile(r"[^\W\d][\w-]*")


class Output(NamedTuple):
    """One output of a step; the only one has no name."""

    name: str
    type: Any


class Outputs:
    """The outputs of a step, and how they are taken out of what its function returns."""

    def __init__(self, items: Sequence[Output], whole: Any = None) -> None:
        self.items = tuple(items)
        self.whole: type[tuple[Any, ...]] | None = whole
        """What the function returns: a tuple or a named tuple; `None` for the only output."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names; that of the only one may be empty."""
        return tuple(item.name for item in self.items)

    def find(self, key: int | str) -> Output | None:
        """Return the output of this name or number."""
        for index, item in enumerate(self.items):
            if key == item.name or (key == index and not isinstance(key, str)):
                return item
        return None

    def split(self, value: Any, step: str) -> list[Any]:
        """Take the outputs out of what the function returned."""
        if self.whole is None:
            return [value]
        names = ", ".join(self.names)
        expected = f"{step}(): expected {len(self.items)} outputs ({names})"
        # Of a named tuple the fields are known, of another sequence only how many there are.
        if not isinstance(value, self.whole if self.whole is not tuple else (tuple, list)):
            raise DataTypeError(f"{expected}, got {type(value).__qualname__}")
        if len(value) != len(self.items):
            raise DataTypeError(f"{expected}, got {len(value)}")
        return list(value)

    def join(self, values: Sequence[Any]) -> Any:
        """Put together what the function returned."""
        if self.whole is None:
            return values[0]
        # Not the class's own `__new__`, which may do anything.
        return tuple.__new__(self.whole, values)


def outputs_of(returns: Any, declared: Iterable[str] | Mapping[str, Any] | None = None) -> Outputs:
    """Say which outputs a step has, by its return annotation or by `@step(outputs=...)`.

    Raises:
        DataTypeError: if only some of the outputs have names, two have the same one, or the
            annotation has another number of them.

    """
    if declared is not None:
        return _declared(returns, declared)
    fields = named_tuple_fields(returns)
    if fields is not None:
        return Outputs(
            [Output(name, type) for name, type in fields], get_origin(returns) or returns
        )
    arguments = get_args(returns)
    if get_origin(returns) is not tuple or Ellipsis in arguments:
        return Outputs([Output("", returns)])
    names = [_name_in(argument) for argument in arguments]
    if not any(names):
        return Outputs([Output("", returns)])
    if not all(names):
        unnamed = names.index(None)
        raise DataTypeError(f"output {unnamed} has no name and others have: name all or none")
    items = [Output(str(name), type) for name, type in zip(names, arguments, strict=True)]
    return Outputs(_distinct(items), tuple)


def named_tuple_fields(annotation: Any) -> list[tuple[str, Any]] | None:
    """Return the fields of a named tuple with their types; `None` for everything else."""
    cls = get_origin(annotation) or annotation
    if not (isinstance(cls, type) and issubclass(cls, tuple)):
        return None
    fields: tuple[str, ...] = getattr(cls, "_fields", ())
    if not fields:
        return None
    from cannery._checks import fields_of

    types = fields_of(annotation)
    return [(name, types.get(name, Any)) for name in fields]


def check_names(declared: Iterable[str] | Mapping[str, Any] | None) -> None:
    """Refuse names that no artifact can have, where the step is defined."""
    if isinstance(declared, str):
        raise DataError(f"`outputs` is a list of names, found the text `{declared}`")
    for name in declared or ():
        if not _NAME.fullmatch(name):
            raise DataError(f"`outputs`: `{name}` is no name: letters, digits, `_` and `-`")


def _declared(returns: Any, declared: Iterable[str] | Mapping[str, Any]) -> Outputs:
    names = list(declared)
    if len(names) == 1:
        only = declared[names[0]] if isinstance(declared, Mapping) else returns
        return Outputs([Output(names[0], only)])
    types = _types_of(returns, len(names))
    if isinstance(declared, Mapping):
        types = list(declared.values())
    items = [Output(name, type) for name, type in zip(names, types, strict=True)]
    whole = get_origin(returns) or returns if named_tuple_fields(returns) else tuple
    return Outputs(_distinct(items), whole)


def _types_of(returns: Any, count: int) -> list[Any]:
    """Return the types of the outputs, of which there must be `count`."""
    fields = named_tuple_fields(returns)
    types: Sequence[Any] = [type for _, type in fields] if fields else get_args(returns)
    if fields is None and (get_origin(returns) is not tuple or Ellipsis in types):
        return [Any] * count
    if len(types) != count:
        raise DataTypeError(f"`outputs` names {count} outputs, its annotation has {len(types)}")
    return list(types)


def _name_in(annotation: Any) -> str | None:
    if get_origin(annotation) is not Annotated:
        return None
    texts = (text for text in annotation.__metadata__ if isinstance(text, str))
    return next((text for text in texts if _NAME.fullmatch(text)), None)


def _distinct(items: list[Output]) -> list[Output]:
    names = [item.name for item in items]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataTypeError(f"two outputs are named `{twice}`")
    return items
