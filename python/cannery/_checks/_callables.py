"""Checks of classes and callables that are values themselves."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, TypeVar, Union, get_args, get_origin

from cannery._checks._check import Check, Mismatch, Walk, describe, name_of
from cannery._checks._containers import unpacked


def of_type(annotation: Any, arguments: tuple[Any, ...]) -> Check:
    """`type[X]`: the class itself, or one of its subclasses."""
    wanted = tuple(_classes_of(arguments[0])) if arguments else (object,)
    expected = name_of(annotation)

    def look(value: Any, _walk: Walk) -> Mismatch | None:
        fits = isinstance(value, type)
        if fits and wanted:
            fits = any(_is_subclass(value, each) for each in wanted)
        found = name_of(value) if isinstance(value, type) else ""
        return (
            None if fits else Mismatch("", expected, f"type {found}" if found else describe(value))
        )

    return Check(expected, look)


def _classes_of(wanted: Any) -> typing.Iterator[Any]:
    if isinstance(wanted, type) and not get_args(wanted):
        yield wanted
    elif get_origin(wanted) in (Union, types.UnionType):
        for each in get_args(wanted):
            yield from _classes_of(each)
    elif isinstance(wanted, TypeVar):
        for each in wanted.__constraints__ or (wanted.__bound__ or object,):
            yield from _classes_of(each)
    elif hasattr(wanted, "__supertype__"):
        yield from _classes_of(wanted.__supertype__)
    elif isinstance(get_origin(wanted), type):
        yield get_origin(wanted)
    else:
        yield object


def _is_subclass(value: type, wanted: Any) -> bool:
    if wanted is object or getattr(wanted, "_is_protocol", False) or typing.is_typeddict(wanted):
        return True
    try:
        return issubclass(value, wanted)
    except Exception:  # `__subclasscheck__` may be anything
        return False


def of_callable(annotation: Any, arguments: tuple[Any, ...]) -> Check:
    """`Callable[[A, B], R]`: what takes that number of arguments, as far as it tells."""
    expected = name_of(annotation)
    given = arguments[0] if arguments else Ellipsis
    count = len(given) if isinstance(given, list) and not _has_variable(given) else None

    def look(value: Any, _walk: Walk) -> Mismatch | None:
        if not callable(value):
            return Mismatch("", expected, describe(value))
        if count is None or _takes(value, count):
            return None
        name = getattr(value, "__qualname__", type(value).__qualname__)
        return Mismatch("", expected, f"`{name}`, which does not take {count} arguments")

    return Check(expected, look)


def _has_variable(arguments: list[Any]) -> bool:
    return any(unpacked(each) is not None for each in arguments)


def _takes(value: Any, count: int) -> bool:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # of compiled code: it does not tell
        return True
    except Exception:  # `__signature__` may be anything
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
