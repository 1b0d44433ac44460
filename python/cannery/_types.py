"""Checks values against annotations, and says where they differ."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import functools
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

# PEP 484: an `int` is welcome where a `float` is asked for.
_PROMOTIONS: dict[type, tuple[type, ...]] = {
    float: (float, int),
    complex: (complex, float, int),
    bytes: (bytes,),
}
_ANYTHING = (Any, object, typing.Never, typing.NoReturn)
_WRAPPERS = tuple(
    getattr(typing, name)
    for name in ("Annotated", "ClassVar", "Final", "Required", "NotRequired", "ReadOnly")
    if hasattr(typing, name)
)
# What can be looked through without being used up.
_ITERABLES = (list, tuple, set, frozenset, collections.deque, collections.abc.Collection)


class Mismatch(NamedTuple):
    """Where a value is not what its annotation says."""

    path: str
    expected: str
    found: str

    def inside(self, segment: str) -> Mismatch:
        """Add the next outer segment of the path."""
        return self._replace(path=segment + self.path)


class Check:
    """Whether a value is of an annotated type.

    `find` says where it is not. Where the exact type of a value decides alone, `accepts_type` says
    how: a million items are then checked by the few types that occur among them.
    """

    def __init__(
        self,
        expected: str,
        find: Callable[[Any], Mismatch | None],
        accepts_type: Callable[[type], bool] | None = None,
    ) -> None:
        self.expected = expected
        self.find = find
        self.accepts_type = accepts_type


def check_for(annotation: Any) -> Check:
    """Compile the check for an annotation; one that cannot be checked accepts everything."""
    try:
        return _cached(annotation)
    except TypeError:  # not hashable: a list in `Literal` or `Annotated`
        return _compile(annotation)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Evaluate a function's annotations; a name that exists for type checkers only means `Any`."""
    try:
        return typing.get_type_hints(function, localns=_closure(function), include_extras=True)
    except (NameError, AttributeError, TypeError):
        return {name: _evaluate(function, name) for name in function.__annotations__}


def name_of(annotation: Any) -> str:
    """Name a type as an error message should."""
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        module = annotation.__module__
        plain = module in ("builtins", "__main__")
        return annotation.__qualname__ if plain else f"{module}.{annotation.__qualname__}"
    return str(annotation).removeprefix("typing.")


def _closure(function: Callable[..., Any]) -> dict[str, Any]:
    cells = getattr(function, "__closure__", None) or ()
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    return {
        name: cell.cell_contents for name, cell in zip(names, cells, strict=True) if _is_set(cell)
    }


def _is_set(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _evaluate(function: Callable[..., Any], name: str) -> Any:
    single = types.SimpleNamespace(__annotations__={name: function.__annotations__[name]})
    scope = getattr(function, "__globals__", {})
    try:
        return typing.get_type_hints(single, scope, _closure(function), include_extras=True)[name]
    except (NameError, AttributeError, TypeError):
        return Any


@functools.lru_cache(maxsize=1024)
def _cached(annotation: Any) -> Check:
    return _compile(annotation)


def _compile(annotation: Any) -> Check:
    if annotation in _ANYTHING:
        return _everything(name_of(annotation))
    if annotation is None:
        return _of_class(type(None))
    origin = get_origin(annotation)
    if origin is None:
        return _of_plain(annotation)
    if origin in (Union, types.UnionType):
        return _of_union(annotation, get_args(annotation))
    if origin is Literal:
        return _of_literal(annotation)
    if origin in _WRAPPERS:
        return check_for(get_args(annotation)[0])
    if hasattr(origin, "__value__"):  # `type X[T] = ...`, as NumPy's `NDArray` is
        return check_for(origin.__value__[get_args(annotation)])
    return _of_generic(annotation, origin, get_args(annotation))


def _of_plain(annotation: Any) -> Check:
    if annotation in _WRAPPERS:
        return _everything(name_of(annotation))
    for attribute in (
        "__supertype__",
        "__value__",
        "__bound__",
    ):  # NewType, `type X = ...`, TypeVar
        inner = getattr(annotation, attribute, None)
        if inner is not None:
            return check_for(inner)
    if not isinstance(annotation, type):
        constraints = getattr(annotation, "__constraints__", ())
        return _of_union(annotation, constraints) if constraints else _everything(str(annotation))
    if typing.is_typeddict(annotation):
        return _of_typed_dict(annotation)
    if dataclasses.is_dataclass(annotation):
        return _of_fields(annotation, [field.name for field in dataclasses.fields(annotation)])
    if issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        return _of_fields(annotation, list(annotation._fields))  # pyright: ignore
    return _of_class(annotation)


def _everything(expected: str) -> Check:
    return Check(expected, lambda _: None, lambda _: True)


def _of_class(cls: type, expected: str | None = None) -> Check:
    expected = expected or name_of(cls)
    accepted = _PROMOTIONS.get(cls, cls)
    if getattr(cls, "_is_protocol", False) and not getattr(cls, "_is_runtime_protocol", False):
        return _everything(expected)

    def find(value: Any) -> Mismatch | None:
        return None if isinstance(value, accepted) else Mismatch("", expected, describe(value, cls))

    # An abstract class may look at the instance, so its answer for the type is asked anew.
    return Check(expected, find, lambda kind: issubclass(kind, accepted))


def _of_union(annotation: Any, alternatives: Sequence[Any]) -> Check:
    checks = [check_for(alternative) for alternative in alternatives]
    expected = " | ".join(check.expected for check in checks) or name_of(annotation)

    def find(value: Any) -> Mismatch | None:
        misses = []
        for check in checks:
            missed = check.find(value)
            if missed is None:
                return None
            misses.append(missed)
        # Of the alternatives, the one that fits outside and differs inside is the one meant.
        deep = [missed for missed in misses if missed.path]
        return deep[0] if len(deep) == 1 else Mismatch("", expected, describe(value))

    return Check(expected, find, _any_accepts(checks))


def _any_accepts(checks: list[Check]) -> Callable[[type], bool] | None:
    tests = [check.accepts_type for check in checks if check.accepts_type is not None]
    if len(tests) < len(checks):
        return None
    return lambda kind: any(test(kind) for test in tests)


def _of_literal(annotation: Any) -> Check:
    allowed = [(type(value), value) for value in get_args(annotation)]
    expected = name_of(annotation)

    def find(value: Any) -> Mismatch | None:
        fits = any(type(value) is kind and value == known for kind, known in allowed)
        return None if fits else Mismatch("", expected, describe(value))

    return Check(expected, find)


def _of_generic(annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Check:
    if not isinstance(origin, type):
        return _everything(name_of(annotation))
    if origin is type:
        return _of_type(annotation, arguments[0])
    if origin is collections.abc.Callable:
        return _of_class(origin, name_of(annotation))
    if _is_numpy_array(origin):
        return _of_array(annotation, origin, arguments)
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return _of_tuple(annotation, arguments)
    if issubclass(origin, collections.Counter):
        return _of_mapping(annotation, origin, (*arguments, int))
    if issubclass(origin, collections.abc.Mapping) and len(arguments) == 2:
        return _of_mapping(annotation, origin, arguments)
    if origin.__module__ in ("builtins", "collections", "collections.abc"):
        return _of_items(annotation, origin, arguments[0])
    return _of_class(origin, name_of(annotation))


def _of_items(annotation: Any, origin: type, item: Any) -> Check:
    outer, inner = _of_class(origin, name_of(annotation)), check_for(item)

    def find(value: Any) -> Mismatch | None:
        missed = outer.find(value)
        if missed is not None or isinstance(value, str) or not isinstance(value, _ITERABLES):
            return missed
        return _find_in_items(value, inner)

    return Check(outer.expected, find)


def _find_in_items(values: Iterable[Any], check: Check) -> Mismatch | None:
    if check.accepts_type is not None and all(map(check.accepts_type, set(map(type, values)))):
        return None
    for index, value in enumerate(values):
        missed = check.find(value)
        if missed is not None:
            return missed.inside(f"[{index}]")
    return None


def _of_tuple(annotation: Any, arguments: tuple[Any, ...]) -> Check:
    outer = _of_class(tuple, name_of(annotation))
    checks = [check_for(argument) for argument in arguments if argument != ()]

    def find(value: Any) -> Mismatch | None:
        missed = outer.find(value)
        if missed is not None:
            return missed
        if len(value) != len(checks):
            return Mismatch("", outer.expected, f"a tuple of {len(value)}")
        found = (
            (index, check.find(item))
            for index, (item, check) in enumerate(zip(value, checks, strict=True))
        )
        return next((miss.inside(f"[{index}]") for index, miss in found if miss), None)

    return Check(outer.expected, find)


def _of_mapping(annotation: Any, origin: type, arguments: tuple[Any, ...]) -> Check:
    outer = _of_class(origin, name_of(annotation))
    key_check, value_check = check_for(arguments[0]), check_for(arguments[1])

    def find(value: Any) -> Mismatch | None:
        missed = outer.find(value)
        if missed is not None:
            return missed
        missed = _find_in_items(value.keys(), key_check)
        if missed is not None:
            return missed._replace(path="").inside(".keys()")
        if _find_in_items(value.values(), value_check) is None:
            return None
        found = ((key, value_check.find(item)) for key, item in value.items())
        return next((miss.inside(_segment(key)) for key, miss in found if miss), None)

    return Check(outer.expected, find)


def _segment(key: Any) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _of_typed_dict(cls: Any) -> Check:
    outer = _of_class(dict, name_of(cls))
    checks = _lazy_checks(cls)
    required = sorted(cls.__required_keys__)

    def find(value: Any) -> Mismatch | None:
        missed = outer.find(value)
        if missed is not None:
            return missed
        absent = [key for key in required if key not in value]
        if absent:
            return Mismatch("", outer.expected, f"a dict without `{absent[0]}`")
        found = ((key, check.find(value[key])) for key, check in checks().items() if key in value)
        return next((miss.inside(_segment(key)) for key, miss in found if miss), None)

    return Check(outer.expected, find)


def _of_fields(cls: type, names: list[str]) -> Check:
    """Check a dataclass or named tuple and its fields; an object inside itself is checked once."""
    outer = _of_class(cls)
    checks = _lazy_checks(cls)
    open_objects: set[int] = set()

    def find(value: Any) -> Mismatch | None:
        missed = outer.find(value)
        if missed is not None or id(value) in open_objects:
            return missed
        open_objects.add(id(value))
        try:
            return next(_find_in_fields(value, names, checks()), None)
        finally:
            open_objects.discard(id(value))

    return Check(outer.expected, find)


def _find_in_fields(value: Any, names: list[str], checks: dict[str, Check]) -> Iterator[Mismatch]:
    for name in names:
        if name in checks and hasattr(value, name):
            missed = checks[name].find(getattr(value, name))
            if missed is not None:
                yield missed.inside(f".{name}")


def _lazy_checks(cls: type) -> Callable[[], dict[str, Check]]:
    # Only when asked: a class may mention itself, or one that is defined later.
    @functools.cache
    def checks() -> dict[str, Check]:
        try:
            hints = typing.get_type_hints(cls, include_extras=True)
        except (NameError, AttributeError, TypeError):
            return {}
        return {name: check_for(hint) for name, hint in hints.items()}

    return checks


def _of_type(annotation: Any, wanted: Any) -> Check:
    expected = name_of(annotation)

    def find(value: Any) -> Mismatch | None:
        fits = isinstance(value, type)
        if fits and isinstance(wanted, type):
            fits = issubclass(value, wanted)
        return None if fits else Mismatch("", expected, describe(value))

    return Check(expected, find)


def _is_numpy_array(origin: type) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(origin, numpy.ndarray)


def _of_array(annotation: Any, origin: type, arguments: tuple[Any, ...]) -> Check:
    """Check an array's element type and, where the annotation says it, its number of axes."""
    numpy = sys.modules["numpy"]
    outer = _of_class(origin, _name_of_array(annotation, arguments))
    shape, dtype = arguments
    scalar = next((a for a in get_args(dtype) if isinstance(a, type)), numpy.generic)
    axes = (
        get_args(shape) if get_origin(shape) is tuple and Ellipsis not in get_args(shape) else None
    )

    def find(value: Any) -> Mismatch | None:
        missed = outer.find(value)
        if missed is None and not numpy.issubdtype(value.dtype, scalar):
            return Mismatch("", outer.expected, f"an array of {value.dtype}")
        if missed is None and axes is not None and value.ndim != len(axes):
            return Mismatch("", outer.expected, f"an array of {value.ndim} axes")
        return missed

    return Check(outer.expected, find)


def _name_of_array(annotation: Any, arguments: tuple[Any, ...]) -> str:
    inner = get_args(arguments[1])
    if len(inner) == 1 and isinstance(inner[0], type):
        return f"ndarray of {inner[0].__name__}"
    return name_of(annotation)


def describe(value: Any, wanted: type | None = None) -> str:
    """Name a value's type, with its module where the name alone would not tell it apart."""
    kind = type(value)
    name = name_of(kind)
    if wanted is not None and name == name_of(wanted):
        return f"{kind.__module__}.{kind.__qualname__} (another class of this name)"
    return name
