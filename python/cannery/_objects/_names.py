"""Names of attributes that a file may set, and those that Python or a library gives a meaning."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Mapping
from typing import Any

from cannery._objects._checks import PartError, Untrusted
from cannery._objects._trust import is_trusted
from cannery.errors import DataError

OWN = frozenset(
    """
    __args__ __function__ __generic__ __items__ __kwargs__ __pairs__ __setter__ __state__
    __orig_class__ __cause__ __context__ __suppress_context__ __notes__
    __networkx_cache__ __pydantic_fields_set__ __pydantic_extra__ __pydantic_private__
    """.split()
)
"""Names with two underscores around them that are attributes or parts, and answer no protocol."""


def is_special(name: str) -> bool:
    """Whether a name is of the form `__name__`, which protocols look up."""
    return name[:2] == "__" and name[-2:] == "__"


def refuse_protocols(names: Iterable[object]) -> None:
    """Refuse names by which libraries ask an object what it is, `__array_interface__` for one.

    NumPy follows the address that such an attribute holds; a file must not give the answer.

    Raises:
        PartError: if there is one.

    """
    for name in names:
        if type(name) is str and is_special(name) and name not in OWN:
            raise PartError(f"{name!r} answers a protocol and is no attribute of data")


def refuse_saving(name: str) -> None:
    """Refuse an attribute that no reader would set: see `refuse_protocols`.

    Raises:
        DataError: if the name is of that form, and none of Python's own for data.

    """
    if is_special(name) and name not in OWN:
        error = DataError(f"the attribute {name!r} answers a protocol and is no data")
        error.hint = "give it a name without two underscores around it, or leave it out"
        raise error


def refuse_callables(attributes: Mapping[str, Any], type_name: str) -> None:
    """Refuse functions as attributes of what may have any: libraries call some by their names.

    NumPy calls `rint` of each object of an array to round it; a class is no such answer. Functions
    that the reader named may be called.

    Raises:
        Untrusted: if there is one, so that the holder stays a record.

    """
    for value in attributes.values():
        if callable(value) and not isinstance(value, type) and not is_trusted(value):
            raise Untrusted(type_name)


def check_names(cls: type, names: Iterable[Any]) -> None:
    """Check that attributes shadow nothing of the class and answer no protocol."""
    for name in names:
        if type(name) is not str or is_special(name) or _is_behaviour(cls, name):
            raise PartError(f"{name!r} is not the name of an attribute of a {cls.__name__}")


def _is_behaviour(cls: type, name: str) -> bool:
    """Whether a class has a method or property of this name; slots and default values are none."""
    found = inspect.getattr_static(cls, name, None)
    slots = (base.__dict__.get("__slots__", ()) for base in cls.__mro__)
    is_slot = isinstance(found, types.MemberDescriptorType) and any(name in some for some in slots)
    return not is_slot and (callable(found) or hasattr(type(found), "__get__"))
