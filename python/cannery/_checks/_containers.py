"""Checks of the containers of the standard library, by their type arguments."""

from __future__ import annotations

import collections
import collections.abc as abc
import re
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

from cannery._checks._check import (
    Check,
    Mismatch,
    Walk,
    describe,
    everything,
    find_in_items,
    name_of,
    segment,
)

if TYPE_CHECKING:
    from cannery._checks._compile import Compiler

# What can be looked through without being used up.
_COLLECTIONS = (list, tuple, set, frozenset, collections.deque, abc.Set, abc.MappingView, range)
_MODULES = ("builtins", "collections", "collections.abc", "contextlib")
_PATTERNS = (re.Pattern, re.Match)


def of_container(
    compiler: Compiler, annotation: Any, origin: type, arguments: tuple[Any, ...]
) -> Check | None:
    """Return the check for a container of the standard library; `None` for other classes."""
    if not arguments and not (origin is tuple and get_origin(annotation) is not None):
        return _of_class(origin, name_of(origin))
    if origin is tuple:
        return _of_tuple(compiler, annotation, arguments)
    if origin in _PATTERNS:
        return _of_pattern(annotation, origin, arguments[0])
    if origin.__module__ not in _MODULES:
        return None
    if origin is collections.Counter:
        return _of_mapping(compiler, annotation, origin, (*arguments, int))
    if origin is collections.ChainMap or issubclass(origin, abc.Mapping):
        return _of_mapping(compiler, annotation, origin, arguments)
    if issubclass(origin, abc.ItemsView) and len(arguments) == 2:
        return _of_items(compiler, annotation, origin, tuple[arguments])  # pyright: ignore
    if issubclass(origin, (abc.Iterator, abc.AsyncIterable, abc.Awaitable)):
        return _of_class(origin, name_of(annotation))
    if issubclass(origin, abc.Iterable) or origin is abc.Container:
        return _of_items(compiler, annotation, origin, arguments[0])
    return _of_class(origin, name_of(annotation))


def _of_class(origin: type, expected: str) -> Check:
    from cannery._checks._compile import of_class

    return of_class(origin, expected)


def _of_items(compiler: Compiler, annotation: Any, origin: type, item: Any) -> Check:
    outer = _of_class(origin, name_of(annotation))
    inner = compiler.check(item)

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None:
            return missed
        if isinstance(value, (str, bytes, bytearray)):
            return _of_text(value, inner, walk, outer.expected)
        if isinstance(value, abc.Mapping):
            found = find_in_items(value.keys(), inner, walk)
            return None if found is None else found._replace(path=".keys()")
        if not isinstance(value, _COLLECTIONS) or not walk.enter(value, inner):
            return None
        try:
            return find_in_items(cast("abc.Collection[Any]", value), inner, walk)
        finally:
            walk.leave(value, inner)

    return Check(outer.expected, look)


def _of_text(value: Any, inner: Check, walk: Walk, expected: str) -> Mismatch | None:
    """Text is a sequence of texts, bytes are one of integers."""
    if not value or inner.look(value[:1] if isinstance(value, str) else value[0], walk) is None:
        return None
    return Mismatch("", expected, describe(value))


def _of_tuple(compiler: Compiler, annotation: Any, arguments: tuple[Any, ...]) -> Check:
    arguments = tuple(_flat(argument for argument in arguments if argument != ()))
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _of_items(compiler, annotation, tuple, arguments[0])
    spread = [index for index, argument in enumerate(arguments) if _is_spread(argument)]
    if spread:
        return _of_spread(compiler, annotation, arguments, spread[0])
    outer = _of_class(tuple, name_of(annotation))
    checks = [compiler.check(argument) for argument in arguments]

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None:
            return missed
        if len(value) != len(checks):
            return Mismatch("", outer.expected, f"a tuple of {len(value)}")
        return _find_in_tuple(value, list(enumerate(checks)), checks, walk)

    return Check(outer.expected, look)


def _of_spread(compiler: Compiler, annotation: Any, arguments: tuple[Any, ...], at: int) -> Check:
    """`tuple[int, *tuple[str, ...], float]`: any number of items at one place."""
    outer = _of_class(tuple, name_of(annotation))
    before = [compiler.check(argument) for argument in arguments[:at]]
    after = [compiler.check(argument) for argument in arguments[at + 1 :]]
    middle = _spread_item(compiler, arguments[at])

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None:
            return missed
        between = len(value) - len(before) - len(after)
        if between < 0:
            return Mismatch("", outer.expected, f"a tuple of {len(value)}")
        ends = [*enumerate(before), *enumerate(after, len(value) - len(after))]
        missed = _find_in_tuple(value, ends, middle, walk)
        if missed is not None or not walk.enter(value, middle):
            return missed
        try:
            for index, item in walk.pick(value[len(before) : len(before) + between]):
                missed = middle.look(item, walk)
                if missed is not None:
                    return missed.inside(f"[{index + len(before)}]")
        finally:
            walk.leave(value, middle)
        return None

    return Check(outer.expected, look)


def _find_in_tuple(
    value: Any, checks: list[tuple[int, Check]], key: object, walk: Walk
) -> Mismatch | None:
    if not walk.enter(value, key):
        return None
    try:
        for index, check in checks:
            missed = check.look(value[index], walk)
            if missed is not None:
                return missed.inside(f"[{index}]")
    finally:
        walk.leave(value, key)
    return None


def _flat(arguments: Any) -> Any:
    """Write `*tuple[int, str]` out: only those of any length stay."""
    for argument in arguments:
        inner = unpacked(argument)
        items = get_args(inner) if get_origin(inner) is tuple else None
        if items is None or (len(items) == 2 and items[1] is Ellipsis):
            yield argument
        else:
            yield from _flat(items)


def unpacked(argument: Any) -> Any:
    """Return what is unpacked: `tuple[int, ...]` of `*tuple[int, ...]`; else `None`."""
    if getattr(argument, "__unpacked__", False):  # `*tuple[...]`
        return get_origin(argument)[get_args(argument)]
    if getattr(get_origin(argument), "_name", "") == "Unpack" or getattr(
        argument, "__typing_is_unpacked_typevartuple__", False
    ):
        return get_args(argument)[0]
    return None


def _is_spread(argument: Any) -> bool:
    return unpacked(argument) is not None


def _spread_item(compiler: Compiler, argument: Any) -> Check:
    inner = unpacked(argument)
    items = get_args(inner)
    return compiler.check(items[0]) if items else everything("Any")


def _of_mapping(
    compiler: Compiler, annotation: Any, origin: type, arguments: tuple[Any, ...]
) -> Check:
    outer = _of_class(origin, name_of(annotation))
    if len(arguments) != 2:
        return outer
    keys, values = compiler.check(arguments[0]), compiler.check(arguments[1])

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None or not walk.enter(value, values):
            return missed
        try:
            missed = find_in_items(value.keys(), keys, walk)
            if missed is not None:
                return missed._replace(path="").inside(".keys()")
            return _find_in_values(value, values, walk)
        finally:
            walk.leave(value, values)

    return Check(outer.expected, look)


def _find_in_values(value: Any, check: Check, walk: Walk) -> Mismatch | None:
    accepts = check.accepts_type
    if accepts is not None and all(map(accepts, set(map(type, value.values())))):
        return None
    items = enumerate(value.items()) if accepts is not None else walk.pick(value.items())
    for _, (key, item) in items:
        missed = check.look(item, walk)
        if missed is not None:
            return missed.inside(segment(key))
    return None


def _of_pattern(annotation: Any, origin: type, kind: Any) -> Check:
    outer = _of_class(origin, name_of(annotation))

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is None and isinstance(kind, type):
            pattern = value if isinstance(value, re.Pattern) else value.re
            if not isinstance(pattern.pattern, kind):
                return Mismatch("", outer.expected, f"one of {type(pattern.pattern).__name__}")
        return missed

    return Check(outer.expected, look)
