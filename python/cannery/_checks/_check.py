"""What a check is, what it finds, and which items of large containers it looks at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from cannery.errors import DataTypeError, DepthError

# The rule for large containers; docs/pipelines.md states it.
MOST_ITEMS = 1000
_FIRST, _LAST, _BETWEEN = 500, 100, 400

# Levels of nesting; what is deeper is not looked at.
MOST_LEVELS = 60

_SHOWN = 40


class Mismatch(NamedTuple):
    """Where a value is not what its annotation says."""

    path: str
    expected: str
    found: str

    def inside(self, segment: str) -> Mismatch:
        """Add the next outer segment of the path."""
        return self._replace(path=segment + self.path)


class Walk:
    """One look at a value: how thorough it is, and what it has met on its way."""

    def __init__(self, full: bool = False) -> None:
        self.full = full
        self.level = 0
        #: Sizes of named dimensions of arrays, and where the first of them was met.
        self.dimensions: dict[str, int] = {}
        #: Objects whose parts are being looked at, and by which checks.
        self._open: set[tuple[int, int]] = set()

    def enter(self, value: Any, check: object) -> bool:
        """Say whether the parts of a value are to be looked at; `leave` must follow then."""
        key = id(value), id(check)
        if key in self._open or (self.level >= MOST_LEVELS and not self.full):
            return False
        self._open.add(key)
        self.level += 1
        return True

    def leave(self, value: Any, check: object) -> None:
        """Say that the parts of a value have been looked at."""
        self._open.discard((id(value), id(check)))
        self.level -= 1

    def pick(self, items: Collection[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the items to look at, with their numbers."""
        count = len(items)
        if self.full or count <= MOST_ITEMS:
            yield from enumerate(items)
            return
        step = (count - _FIRST - _LAST) // _BETWEEN + 1
        numbers = [
            *range(_FIRST),
            *range(_FIRST, count - _LAST, step),
            *range(count - _LAST, count),
        ]
        if isinstance(items, (list, tuple)):
            yield from ((number, items[number]) for number in numbers)
            return
        # Without places that can be asked for, all are passed and some are looked at.
        wanted = set(numbers)
        yield from ((n, item) for n, item in enumerate(items) if n in wanted)


class Check:
    """Whether a value is of an annotated type.

    Where the exact type of a value decides alone, `accepts_type` says how: a million items are then
    checked by the few types that occur among them.
    """

    def __init__(
        self,
        expected: str,
        look: Callable[[Any, Walk], Mismatch | None],
        accepts_type: Callable[[type], bool] | None = None,
    ) -> None:
        self.expected = expected
        self.look = look
        self.accepts_type = accepts_type

    def find(self, value: Any, *, full: bool = False, walk: Walk | None = None) -> Mismatch | None:
        """Say where a value is not of the type; `None` if it is.

        Of more than 1,000 items some are looked at, and nothing below 60 levels of nesting, unless
        `full`.

        Raises `cannery.errors.DepthError` for a value that is nested deeper than `full` can look.
        """
        walk = walk or Walk(full)
        try:
            return self.look(value, walk)
        except RecursionError as error:
            if not walk.full:
                return None  # as deep as there is room for
            raise DepthError("a value is nested too deeply to be checked in full") from error
        except DataTypeError:
            raise  # of an annotation
        except Exception as error:  # a container's own code may do anything
            found = f"{name_of(type(value))}, whose own code raised {type(error).__name__}"
            return Mismatch("", self.expected, found)


class Deferred(Check):
    """A check that is made when it is first needed: types contain themselves and later ones."""

    def __init__(self, expected: str, make: Callable[[], Check]) -> None:
        super().__init__(expected, self._look)
        self._make = make
        self._made: Check | None = None

    def made(self) -> Check:
        """Return the check that it stands for."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _look(self, value: Any, walk: Walk) -> Mismatch | None:
        return self.made().look(value, walk)


def everything(expected: str) -> Check:
    """Return the check that accepts every value."""
    return Check(expected, lambda _value, _walk: None, lambda _: True)


def find_in_items(values: Collection[Any], check: Check, walk: Walk) -> Mismatch | None:
    """Say which item of a container is not of the type."""
    accepts = check.accepts_type
    if accepts is not None and all(map(accepts, set(map(type, values)))):
        return None
    picked = enumerate(values) if accepts is not None else walk.pick(values)
    for index, value in picked:
        missed = check.look(value, walk)
        if missed is not None:
            return missed.inside(f"[{index}]")
    return None


def first(found: Iterable[Mismatch | None]) -> Mismatch | None:
    """Return the first mismatch."""
    return next((miss for miss in found if miss is not None), None)


def segment(key: Any) -> str:
    """Write the part of a path that a key of a mapping is."""
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{_shown(key)}]"


def is_instance(value: Any, cls: Any) -> bool:
    """Say whether a value is of a class; what a class's own answer raises means no."""
    try:
        return isinstance(value, cls)
    except Exception:  # `__instancecheck__` and `__class__` may be anything
        return False


def name_of(annotation: Any) -> str:
    """Name a type as an error message should."""
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        module = annotation.__module__
        plain = module in ("builtins", "__main__", "typing")
        return annotation.__qualname__ if plain else f"{module}.{annotation.__qualname__}"
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        names = (getattr(each, "__cannery_name__", None) for each in metadata)
        return next((name for name in names if isinstance(name, str)), None) or name_of(inner)
    return str(annotation).removeprefix("typing.")


def describe(value: Any, wanted: type | None = None) -> str:
    """Name a value's type, and show the value where that takes a few characters."""
    kind = type(value)
    name = name_of(kind)
    if wanted is not None and name == name_of(wanted) and kind is not wanted:
        return f"{kind.__module__}.{kind.__qualname__} (another class of this name)"
    if kind is str:
        return f"str {_quoted(value)}"
    if kind in (int, float, complex, bool, bytes):
        return f"{name} {_shown(value)}"
    return name


def _shown(value: Any) -> str:
    try:
        text = repr(value) if not isinstance(value, int) or abs(value) < 10**_SHOWN else "..."
    except Exception:  # a key's own `__repr__`
        return f"<{type(value).__qualname__}>"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _quoted(text: str) -> str:
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    inside = "".join(itertools.chain(repr(cut)[1:-1]))
    return '"' + inside.replace("\\'", "'").replace('"', '\\"') + '"'
