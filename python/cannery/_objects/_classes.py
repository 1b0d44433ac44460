"""Classes that people write: what their instances are made of, and how they are made again.

An instance is made by `cls.__new__`, without `__init__`, and gets its attributes back; a class
with a `__setstate__` of its own is given its state. Attributes are parts by their names. Parts
with other meanings have names with two underscores around them: `__items__` (of a subclass of a
collection), `__args__` (for `__new__`), `__state__` (for `__setstate__`).
"""

from __future__ import annotations

import collections
import enum
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from cannery._objects._known import fill_ordered

Parts = dict[str, Any]

ITEMS, ARGS, STATE = "__items__", "__args__", "__state__"


class Plan(NamedTuple):
    """How the instances of a class are taken apart and made again."""

    parts: Callable[[Any], Parts]
    empty: Callable[[], Any] | None
    """Makes an instance that is filled later; `None` if all parts are needed to make one."""
    fill: Callable[[Any, Parts], object] | None
    make: Callable[[Parts], Any] | None = None


def is_plain_data(cls: type) -> bool:
    """Whether the `__dict__` of an instance says all about it, and makes it again."""
    has_plan = plan_of(cls) is not None and _is_plain(cls) and not _has_special_plan(cls)
    methods = ("__getnewargs__", "__getnewargs_ex__", "__setstate__")
    return (
        has_plan
        and cls.__new__ is object.__new__
        and cls.__dictoffset__ != 0
        and not _slots(cls)
        and not _has_state_of_its_own(cls)
        and not any(hasattr(cls, name) for name in methods)
        and not inspect.isabstract(cls)
    )


def _has_special_plan(cls: type) -> bool:
    special = ("__pydantic_fields_set__", "__struct_fields__")
    return any(hasattr(cls, name) for name in special) or issubclass(
        cls, (BaseException, enum.Enum)
    )


def plan_of(cls: type) -> Plan | None:
    """The plan for a class; `None` if its instances are no data that we can see."""
    if hasattr(cls, "__pydantic_fields_set__") and hasattr(cls, "__pydantic_validator__"):
        return _of_pydantic(cls)
    if hasattr(cls, "__struct_fields__"):
        return _of_struct(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _of_named_tuple(cls)
    if issubclass(cls, BaseException):
        return _of_exception(cls)
    for base, items in _IMMUTABLE.items():
        if issubclass(cls, base):
            return _of_immutable(cls, base, items)
    for base, items, fill in _COLLECTIONS:
        if issubclass(cls, base):
            return _of_collection(cls, base, items, fill)
    if not _is_plain(cls):
        return _of_reduced(cls) if _reduces_by_itself(cls) else None
    return _of_plain(cls)


# Attributes and state.


def _attributes(value: Any) -> Parts:
    """The attributes of an instance: its `__dict__` and its slots."""
    parts = dict(getattr(value, "__dict__", ()))
    for name in _slots(type(value)):
        try:
            parts[name] = getattr(value, name)
        except AttributeError:
            continue
    return parts


def _slots(cls: type) -> list[str]:
    """The names of all slots, as attributes: private ones have the class's name in front."""
    names = []
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return names


def _has_state_of_its_own(cls: type) -> bool:
    getstate = getattr(cls, "__getstate__", None)
    is_default = getstate is object.__getstate__  # pyright: ignore[reportAttributeAccessIssue]
    # Dataclasses with slots get one that lists the values of their fields; we see the names.
    return not is_default and getattr(getstate, "__module__", None) != "dataclasses"


def _state_parts(cls: type) -> Callable[[Any], Parts]:
    if not _has_state_of_its_own(cls):
        return _attributes

    def parts(value: Any) -> Parts:
        state = value.__getstate__()
        if type(state) is dict and all(type(key) is str for key in state):
            return dict(state)
        return {STATE: state}

    return parts


def _set_state(cls: type) -> Callable[[Any, Parts], None]:
    setstate = getattr(cls, "__setstate__", None)
    if setstate is not None and getattr(setstate, "__module__", None) != "dataclasses":
        return lambda value, parts: setstate(value, parts.get(STATE, parts))
    return _set_attributes


def _set_attributes(value: Any, parts: Parts) -> None:
    parts = parts.get(STATE, parts)
    attributes = getattr(value, "__dict__", None)
    if attributes is not None and not _slots(type(value)):
        attributes.update(parts)
        return
    for name, part in parts.items():
        # Past the `__setattr__` of frozen classes.
        object.__setattr__(value, name, part)


def _of_plain(cls: type) -> Plan:
    if hasattr(cls, "__getnewargs_ex__"):
        return _of_reduced(cls)
    if hasattr(cls, "__getnewargs__"):
        return _of_new_args(cls)
    new: Callable[..., Any] = cls.__new__

    def empty() -> Any:
        return new(cls)

    return Plan(_state_parts(cls), empty, _set_state(cls))


def _of_new_args(cls: Any) -> Plan:
    state_parts, set_state = _state_parts(cls), _set_state(cls)

    def parts(value: Any) -> Parts:
        return {ARGS: tuple(value.__getnewargs__()), **state_parts(value)}

    def make(parts: Parts) -> Any:
        value = cls.__new__(cls, *parts.pop(ARGS, ()))
        set_state(value, parts)
        return value

    return Plan(parts, None, None, make)


def _is_plain(cls: type) -> bool:
    """Whether a class is Python through and through, and leaves its saving to `object`."""
    is_default = cls.__reduce_ex__ is object.__reduce_ex__ and cls.__reduce__ is object.__reduce__
    return is_default and all(_is_python(base) for base in cls.__mro__[:-1])


def _is_python(cls: type) -> bool:
    """Whether a class was made by a class statement: its instances hold no hidden C fields."""
    fields = len(cls.__dict__.get("__slots__", ()) or ())
    return "__module__" in cls.__dict__ and (
        "__dict__" in cls.__dict__
        or "__slots__" in cls.__dict__
        or cls.__basicsize__ <= object.__basicsize__ + 8 * fields + 16
    )


# Classes that say themselves how they are made: `__reduce__` that names the class itself.


def _reduces_by_itself(cls: type) -> bool:
    return all("__module__" in base.__dict__ for base in cls.__mro__[:-1]) and (
        cls.__module__ != "builtins"
    )


def _of_reduced(cls: Any) -> Plan:
    set_state = _set_state(cls)

    def parts(value: Any) -> Parts:
        from cannery._objects._describe import _refuse

        try:
            reduced: Any = value.__reduce_ex__(2)
        except TypeError:  # locks and the like say that they cannot be pickled
            return _refuse(value)
        if not isinstance(reduced, tuple) or reduced[0] is not cls or len(reduced) not in (2, 3):
            return _refuse(value)
        _, arguments, state = (*reduced, None)[:3]
        return {ARGS: arguments} | ({} if state is None else {STATE: state})

    def make(parts: Parts) -> Any:
        value = cls(*parts[ARGS])
        if STATE in parts:
            set_state(value, parts)
        return value

    return Plan(parts, None, None, make)


def compiled_plan_of(cls: Any) -> Plan:
    """The plan for a compiled class of a library that is known to hold data: its own state."""

    def parts(value: Any) -> Parts:
        made_by, args, *state = value.__reduce_ex__(2)
        args = {ARGS: args} if made_by is cls else {}
        return args | ({STATE: state[0]} if state and state[0] is not None else {})

    def make(parts: Parts) -> Any:
        value = cls(*parts[ARGS]) if ARGS in parts else cls.__new__(cls)
        if STATE in parts:
            value.__setstate__(parts[STATE])
        return value

    return Plan(parts, None, None, make)


# Subclasses of Python's own types.


def _fill_deque(value: Any, items: Any) -> None:
    collections.deque.__init__(value, *items)


def _fill_defaultdict(value: Any, items: Any) -> None:
    collections.defaultdict.__init__(value, items[0])
    dict.update(value, items[1])


_IMMUTABLE: dict[type, Callable[[Any], Any]] = {
    tuple: lambda value: tuple(tuple.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bool: bool,
    int: int.__int__,
    float: float.__float__,
    complex: lambda value: complex(value.real, value.imag),
}

_COLLECTIONS: list[tuple[type, Callable[[Any], Any], Callable[[Any, Any], object]]] = [
    (
        collections.defaultdict,
        lambda value: (value.default_factory, dict(dict.items(value))),
        _fill_defaultdict,
    ),
    (
        collections.OrderedDict,
        lambda value: dict(collections.OrderedDict.items(value)),
        fill_ordered,
    ),
    (dict, lambda value: dict(dict.items(value)), dict.update),
    (list, lambda value: list(list.__iter__(value)), list.extend),
    (set, lambda value: set(set.__iter__(value)), set.update),
    (collections.deque, lambda value: (list(value), value.maxlen), _fill_deque),
    (bytearray, bytes, bytearray.extend),
]


def _of_immutable(cls: Any, base: Any, items: Callable[[Any], Any]) -> Plan:
    state_parts, set_state = _state_parts(cls), _set_state(cls)

    def parts(value: Any) -> Parts:
        return {ITEMS: items(value), **state_parts(value)}

    def make(parts: Parts) -> Any:
        value = base.__new__(cls, parts.pop(ITEMS))
        if parts:
            set_state(value, parts)
        return value

    return Plan(parts, None, None, make)


def _of_collection(
    cls: Any, base: Any, items: Callable[[Any], Any], fill_items: Callable[[Any, Any], object]
) -> Plan:
    state_parts, set_state = _state_parts(cls), _set_state(cls)

    def parts(value: Any) -> Parts:
        return {ITEMS: items(value), **state_parts(value)}

    def fill(value: Any, parts: Parts) -> None:
        fill_items(value, parts.pop(ITEMS, ()))
        if parts:
            set_state(value, parts)

    return Plan(parts, lambda: base.__new__(cls), fill)


def _of_named_tuple(cls: Any) -> Plan:
    fields = cls._fields

    def parts(value: Any) -> Parts:
        return dict(zip(fields, value, strict=True)) | _attributes(value)

    def make(parts: Parts) -> Any:
        value = tuple.__new__(cls, [parts.pop(name) for name in fields])
        if parts:
            _set_attributes(value, parts)
        return value

    return Plan(parts, None, None, make)


# What an exception keeps outside of its `args` and `__dict__`.
_CHAIN = ("__cause__", "__context__", "__suppress_context__")


def _of_exception(cls: Any) -> Plan:
    """Exceptions as data: arguments, attributes and the chain they are in; no traceback."""
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")

    def parts(value: Any) -> Parts:
        made_by, args, *state = builtin.__reduce__(value)
        parts = {ARGS: args if made_by is cls else value.args, **_attributes(value)}
        if state and isinstance(state[0], dict):
            parts |= state[0]
        if isinstance(value, (NameError, AttributeError)) and value.name is not None:
            parts["name"] = value.name
        chain = {name: getattr(value, name) for name in _CHAIN}
        return parts | {name: linked for name, linked in chain.items() if linked}

    def empty() -> Any:
        return builtin.__new__(cls)

    def fill(value: Any, parts: Parts) -> None:
        args = parts.pop(ARGS, ())
        # Built-in ones keep some arguments as attributes, which only their `__init__` sets.
        builtin.__init__(value, *args)
        if not issubclass(cls, OSError):
            value.args = args
        for name, part in parts.items():
            object.__setattr__(value, name, part)

    def make(parts: Parts) -> Any:
        value = builtin.__new__(cls, *parts.get(ARGS, ()))
        fill(value, parts)
        return value

    # These look at their arguments when they are made.
    if issubclass(cls, (OSError, BaseExceptionGroup)):
        return Plan(parts, None, None, make)
    return Plan(parts, empty, fill)


# Libraries that keep fields in a way of their own.


def _of_pydantic(cls: Any) -> Plan:
    hidden = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")

    def parts(value: Any) -> Parts:
        kept = {name: getattr(value, name, None) for name in hidden}
        return dict(value.__dict__) | {name: v for name, v in kept.items() if v is not None}

    def fill(value: Any, parts: Parts) -> None:
        kept = {name: parts.pop(name, None) for name in hidden}
        value.__setstate__({"__dict__": parts, **kept})

    return Plan(parts, lambda: cls.__new__(cls), fill)


def _of_struct(cls: Any) -> Plan:
    fields = cls.__struct_fields__

    def parts(value: Any) -> Parts:
        return {name: getattr(value, name) for name in fields}

    return Plan(parts, None, None, lambda parts: cls(**parts))
