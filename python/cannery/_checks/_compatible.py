"""Whether the types of two steps exclude that the output of one goes into the other."""

from __future__ import annotations

import collections.abc as abc
import sys
import types
import typing
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from cannery._checks._classes import is_typed_dict, protocol_members
from cannery._checks._containers import unpacked

_WRAPPERS = frozenset({"ClassVar", "Final", "Required", "NotRequired", "ReadOnly"})
# PEP 484's promotions, and the other way round: what is annotated `float` may be an `int`.
_NUMBERS = {bool: 0, int: 1, float: 2, complex: 3}
_MOST_LEVELS = 20


def excluded(given: Any, wanted: Any, level: int = 0) -> bool:
    """Say whether no value of the type `given` is of the type `wanted`, as the types tell it.

    Where they do not tell (a base class where a derived one is wanted, `Any`), it is `False`.
    """
    if _are_other_messages(given, wanted):
        return True
    given, wanted = plain(given), plain(wanted)
    if _is_open(given) or _is_open(wanted) or level > _MOST_LEVELS:
        return False
    options = alternatives(given)
    if len(options) > 1:
        return all(excluded(option, wanted, level + 1) for option in options)
    options = alternatives(wanted)
    if len(options) > 1:
        return all(excluded(given, option, level + 1) for option in options)
    if get_origin(given) is Literal:
        return all(_excludes_value(value, wanted) for value in get_args(given))
    if get_origin(wanted) is Literal:
        return all(_excludes_value(value, given) for value in get_args(wanted))
    return _excludes_class(given, wanted, level)


def _are_other_messages(given: Any, wanted: Any) -> bool:
    """Say whether both are messages of Protobuf, and not the same."""
    protobuf = sys.modules.get("cannery.protobuf")
    if protobuf is None:
        return False
    one, other = protobuf.message_of(given), protobuf.message_of(wanted)
    return one is not None and other is not None and one.name != other.name


def plain(annotation: Any) -> Any:
    """Take away what says nothing about the class of a value."""
    for _ in range(_MOST_LEVELS):
        origin = get_origin(annotation)
        if annotation is None:
            return type(None)
        if origin is typing.Annotated or getattr(origin, "_name", None) in _WRAPPERS:
            annotation = get_args(annotation)[0]
        elif origin is not None and hasattr(origin, "__value__"):
            annotation = origin.__value__[get_args(annotation)]
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif not isinstance(annotation, type) and hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        elif isinstance(annotation, TypeVar):
            constraints, bound = annotation.__constraints__, annotation.__bound__
            annotation = Union[constraints] if constraints else Any if bound is None else bound  # noqa: UP007
        else:
            return annotation
    return Any


def _is_open(annotation: Any) -> bool:
    origin = get_origin(annotation)
    known = isinstance(annotation, type) or isinstance(origin, type)
    return annotation in (Any, object) or not (known or origin in (Union, types.UnionType, Literal))


def alternatives(annotation: Any) -> Sequence[Any]:
    """Return the alternatives of a union; of another type itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _excludes_value(value: Any, wanted: Any) -> bool:
    from cannery._checks._compile import check_for

    return check_for(wanted).find(value) is not None


def _excludes_class(given: Any, wanted: Any, level: int) -> bool:
    cls, other = get_origin(given) or given, get_origin(wanted) or wanted
    if cls in _NUMBERS and other in _NUMBERS:
        # A truth is a number; what is said to be a number may be one of the narrower kind.
        return False if other is not bool else cls is not bool
    if is_typed_dict(cls) or is_typed_dict(other):
        return _excludes_dictionary(cls, other)
    if getattr(other, "_is_protocol", False):
        return _excludes_protocol(cls, other)
    if getattr(cls, "_is_protocol", False):
        return False
    if not (_is_subclass(cls, other) or _is_subclass(other, cls)):
        # Two abstract classes may have a class in common.
        return not (_is_abstract(cls) and _is_abstract(other))
    return _excludes_arguments(given, wanted, level)


def _excludes_dictionary(cls: Any, other: Any) -> bool:
    plain = [dict if is_typed_dict(each) else each for each in (cls, other)]
    if not (_is_subclass(plain[0], plain[1]) or _is_subclass(plain[1], plain[0])):
        return True
    if not (is_typed_dict(cls) and is_typed_dict(other)):
        return False
    # What is required has to be named by the other one, or to be left open.
    return bool(getattr(cls, "__closed__", False)) and any(
        key not in cls.__annotations__ for key in other.__required_keys__
    )


def _excludes_protocol(cls: Any, protocol: Any) -> bool:
    """Say whether instances lack a method; attributes are known of instances only."""
    if getattr(cls, "_is_protocol", False) or _is_abstract(cls) or hasattr(cls, "__getattr__"):
        return False
    methods = (name for name, is_method in protocol_members(protocol).items() if is_method)
    return any(getattr(cls, name, None) is None for name in methods)


def _excludes_arguments(given: Any, wanted: Any, level: int) -> bool:
    mine, theirs = get_args(given), get_args(wanted)
    origin = get_origin(given)
    if not mine or not theirs:
        return False
    if origin is tuple and get_origin(wanted) is tuple:
        return _excludes_tuple(mine, theirs, level)
    if origin is tuple:
        items = [item for item in mine if item is not Ellipsis and unpacked(item) is None]
        return len(theirs) == 1 and any(excluded(item, theirs[0], level + 1) for item in items)
    if not (_is_container(origin) and _is_container(get_origin(wanted))):
        return False
    # A generator has types of its own beside that of its items.
    one_each = len(mine) != len(theirs) and not issubclass(origin, abc.Mapping)
    pairs = zip(mine[:1], theirs[:1], strict=True) if one_each else zip(mine, theirs, strict=False)
    # An empty one fits both; the types say that it is not meant.
    return any(excluded(one, other, level + 1) for one, other in pairs)


def _excludes_tuple(mine: Sequence[Any], theirs: Sequence[Any], level: int) -> bool:
    if any(unpacked(each) is not None for each in (*mine, *theirs)):
        return False
    if Ellipsis in mine and Ellipsis in theirs:
        return excluded(mine[0], theirs[0], level + 1)
    if Ellipsis in mine:
        return any(excluded(mine[0], each, level + 1) for each in theirs if each != ())
    if Ellipsis in theirs:
        return any(excluded(each, theirs[0], level + 1) for each in mine if each != ())
    if len(mine) != len(theirs):
        return True
    return any(excluded(a, b, level + 1) for a, b in zip(mine, theirs, strict=True))


def _is_container(origin: Any) -> bool:
    known = isinstance(origin, type) and issubclass(origin, (abc.Iterable, abc.AsyncIterable))
    return known and origin.__module__ in ("builtins", "collections", "collections.abc")


def _is_abstract(cls: Any) -> bool:
    return bool(getattr(cls, "__abstractmethods__", ()))


def _is_subclass(cls: Any, other: Any) -> bool:
    try:
        return issubclass(cls, other)
    except Exception:  # `__subclasscheck__` may be anything
        return True
