"""The state of instances that is their attributes, by names that change nothing else."""

from __future__ import annotations

import sys
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from cannery.pickle._refused import Refused

_MISSING = object()
# Names that instances have beside what their class defines, or that the class computes.
_ALLOWED: dict[str, frozenset[str]] = {
    "numpy.poly1d": frozenset({"coeffs", "_coeffs", "variable", "_variable", "order"}),
    "numpy.lib._polynomial_impl.poly1d": frozenset({"coeffs", "_coeffs", "_variable"}),
}
# Classes whose finalizer is C's own, and does nothing but free.
_FREED = frozenset({"_io.BytesIO", "_io.StringIO"})


def has_finalizer(name: str, cls: type) -> bool:
    """Whether code runs when an instance is dropped."""
    return hasattr(cls, "__del__") and name not in _FREED


# What exceptions keep beside their arguments, in slots of C.
_OF_EXCEPTIONS = frozenset({"name", "path", "obj", "name_from"})


def check_names(name: str, cls: type, names: Any, *, slots: bool = False) -> None:
    """Refuse attributes that a class describes, or that other code gives a meaning.

    Raises:
        Refused: for names that are no plain names of data.

    """
    allowed = _ALLOWED.get(name, frozenset())
    for key in names:
        if type(key) is not str:
            raise Refused(name, "its state has a name that is no text")
        if key.startswith("__"):
            raise Refused(name, f"its state names `{key}`, which is not data")
        if key in allowed:
            continue
        described = _of_class(cls, key)
        if described is _MISSING:
            continue
        if slots and isinstance(described, MemberDescriptorType):
            continue
        is_kept = issubclass(cls, BaseException) and key in _OF_EXCEPTIONS
        if is_kept and isinstance(described, (MemberDescriptorType, GetSetDescriptorType)):
            continue
        if callable(described) or _is_descriptor(described):
            raise Refused(name, f"its state names `{key}`, which the class defines")


def check_keys(name: str, cls: type, keys: Any) -> None:
    """Refuse keys of a dictionary that also answers them as attributes.

    Raises:
        Refused: for names by which other code takes it for more than it is.

    """
    if not issubclass(cls, dict) or not hasattr(cls, "__getattr__"):
        return
    for key in keys:
        if isinstance(key, str) and key.startswith("__"):
            raise Refused(name, f"it has a key `{key}`, which is no data")


def _of_class(cls: type, key: str) -> Any:
    for base in cls.__mro__:
        found = base.__dict__.get(key, _MISSING)
        if found is not _MISSING:
            return found
    return _MISSING


def _is_descriptor(value: Any) -> bool:
    cls = type(value)
    return any(hasattr(cls, name) for name in ("__get__", "__set__", "__delete__"))


def split(name: str, state: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes and the slots in a state.

    Raises:
        Refused: if it is neither a dictionary nor a pair of them.

    """
    attributes, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    attributes = {} if attributes is None else attributes
    slots = {} if slots is None else slots
    if type(attributes) is not dict or type(slots) is not dict:
        raise Refused(name, "its state is no dictionary")
    return attributes, slots


def set_state(name: str, value: Any, state: Any) -> None:
    """Set attributes past `__setattr__`, and slots, after a look at their names.

    Raises:
        Refused: if a name is not that of data, or the class has a `__setstate__` of its own.

    """
    cls = type(value)
    is_exception = issubclass(cls, BaseException)
    custom = _of_class(cls, "__setstate__")
    if custom is not _MISSING and not (is_exception and custom is _OF_EXCEPTION):
        raise Refused(name, "the table has no rule for its state")
    attributes, slots = split(name, state)
    check_names(name, cls, attributes)
    check_names(name, cls, slots, slots=True)
    kept = {}
    if is_exception:
        kept = {key: each for key, each in attributes.items() if key in _OF_EXCEPTIONS}
    _set_attributes(name, value, {k: v for k, v in attributes.items() if k not in kept})
    for key, each in (*slots.items(), *kept.items()):
        set_slot(name, value, key, each)


_OF_EXCEPTION = BaseException.__dict__["__setstate__"]


def _set_attributes(name: str, value: Any, attributes: dict[str, Any]) -> None:
    if not attributes:
        return
    own = _of_class(type(value), "__dict__")
    if not isinstance(own, (GetSetDescriptorType, MemberDescriptorType)):
        raise Refused(name, "it has no attributes of its own")
    target = own.__get__(value)
    if type(target) is not dict:
        raise Refused(name, "it has no attributes of its own")
    for key, each in attributes.items():
        target[sys.intern(key)] = each


def set_slot(name: str, value: Any, key: str, each: Any) -> None:
    """Set a slot that the class has, past its `__setattr__`.

    Raises:
        Refused: if the class has no such slot.

    """
    slot = _of_class(type(value), key)
    if isinstance(slot, (MemberDescriptorType, GetSetDescriptorType)):
        slot.__set__(value, each)
    else:
        raise Refused(name, f"it has no slot `{key}`")
