"""The annotations of a class's fields, with its type arguments in their places."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Any, TypeVar, get_args, get_origin

from cannery._annotations._scope import annotations_of_class

Bindings = dict[Any, Any]


def annotations_of(cls: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """The annotations of a class and its bases, type variables replaced by what they stand for."""
    hints = annotations_of_class(cls)
    bound = _bindings(cls, arguments)
    if not any(bound.values()):
        return hints
    return {
        name: substitute(hint, bound.get(_owner(cls, name), {})) for name, hint in hints.items()
    }


def substitute(annotation: Any, bindings: Bindings) -> Any:
    """Replace the type variables in an annotation."""
    if isinstance(annotation, TypeVar):
        return bindings.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or isinstance(annotation, type):
        return annotation
    return annotation[tuple(bindings.get(parameter, parameter) for parameter in parameters)]


def names_in(values: Iterable[Any]) -> str:
    """Literal values, as messages list them."""
    return ", ".join(map(repr, values))


def _bindings(cls: Any, arguments: tuple[Any, ...]) -> dict[Any, Bindings]:
    """What the type variables of a class and of each of its bases stand for."""
    own = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    bound: dict[Any, Bindings] = {}
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = get_origin(base) or base
        if isinstance(origin, type) and origin not in (typing.Generic, typing.Protocol, object):
            inner = tuple(substitute(argument, own) for argument in get_args(base))
            bound |= _bindings(origin, inner)
    # A typed dictionary has its bases' annotations and none of its bases.
    inherited = {} if cls.__mro__[1:2] != (dict,) else _joined(bound.values())
    return bound | {cls: inherited | own}


def _joined(all_bindings: Iterable[Bindings]) -> Bindings:
    return {variable: value for each in all_bindings for variable, value in each.items()}


def _owner(cls: Any, name: str) -> Any:
    """The class that annotates a field."""
    return next(
        (base for base in cls.__mro__ if name in vars(base).get("__annotations__", ())), cls
    )
