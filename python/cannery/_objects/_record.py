"""An object of a type that nobody vouched for: its name and its parts, and no code."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from reprlib import recursive_repr
from typing import Any


class Record:
    """An object of a type that nobody vouched for.

    Its parts are attributes, and items by their names. It can be looked at, compared, edited and
    saved again, and then loads as what it was for a reader who trusts its type.
    """

    __slots__ = ("__hash", "__parts__", "__type_name__")

    def __init__(self, type_name: str, parts: dict[str, Any] | None = None) -> None:
        object.__setattr__(self, "__type_name__", type_name)
        object.__setattr__(self, "__parts__", {} if parts is None else parts)

    @property
    def type_name(self) -> str:
        """The name of the type that the object had."""
        return self.__type_name__

    def __getattr__(self, name: str) -> Any:
        if name in ("__parts__", "__type_name__"):
            raise AttributeError(name)  # not set yet, while it is being made
        try:
            return self.__parts__[name]
        except KeyError:
            message = f"the record of a {self.__type_name__!r} has no part {name!r}"
            raise AttributeError(message, name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__parts__[name] = value

    def __delattr__(self, name: str) -> None:
        self.__getattr__(name)
        del self.__parts__[name]

    def __getitem__(self, name: str) -> Any:
        return self.__parts__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__parts__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__parts__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__parts__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__parts__)

    def __len__(self) -> int:
        return len(self.__parts__)

    def __bool__(self) -> bool:
        return True

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self.__parts__})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self.__type_name__ == other.__type_name__ and self.__parts__ == other.__parts__

    def __hash__(self) -> int:
        # A record may be the key of a map: its hash stays what it was when it became one.
        try:
            return object.__getattribute__(self, "_Record__hash")
        except AttributeError:
            value = hash((self.__type_name__, _hash_of(self.__parts__)))
            object.__setattr__(self, "_Record__hash", value)
            return value

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (self.__type_name__, self.__parts__)

    def __copy__(self) -> Record:
        return Record(self.__type_name__, dict(self.__parts__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        copied = memo[id(self)] = Record(self.__type_name__)
        copied.__parts__.update(deepcopy(self.__parts__, memo))
        return copied

    @recursive_repr("Record(...)")
    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value!r}" for name, value in self.__parts__.items())
        return f"Record({self.__type_name__!r}{', ' if parts else ''}{parts})"


# Where people find it, and what messages say.
Record.__module__ = "cannery"


def _hash_of(parts: dict[str, Any]) -> int:
    try:
        return hash(frozenset(parts.items()))
    except TypeError:
        return hash(frozenset(parts))
