"""Classes that people write: what their instances are made of, and how they are made again.

An instance is made by `cls.__new__`, without `__init__`, and gets its attributes back; a class
with a `__setstate__` of its own is given its state. Attributes are parts by their names. Parts
with other meanings have names with two underscores around them: `__items__` (of a subclass of a
collection), `__args__` and `__kwargs__` (for `__new__`), `__state__` (for `__setstate__`),
`__function__` (that `__reduce__` names), `__setter__` (that sets the state), `__name__` (of an
object that is kept by its name), `__pairs__` (set by `__setitem__`), `__generic__` (the arguments
of a generic model).
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import collections
import copyreg
import datetime as dt
import enum
import inspect
import types
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from cannery._objects._callables import is_factory
from cannery._objects._checks import (
    DATA,
    PLAIN_DICT,
    PLAIN_LIST,
    Check,
    exact,
    integer,
    optional,
    tuple_of,
)
from cannery._objects._known import fill_ordered
from cannery._objects._names import refuse_protocols
from cannery._objects._plans import (
    ARGS,
    GENERIC,
    ITEMS,
    KWARGS,
    STATE,
    Parts,
    Plan,
    attributes,
    has_state_of_its_own,
    set_attributes,
    set_state,
    slots_of,
    state_parts,
)
from cannery._objects._reduced import plan_of_reduced
from cannery._objects._registry import generation, registered_of
from cannery._objects._stdlib import check_arguments
from cannery._objects._subclasses import plan_of_subclass


def class_to_name(cls: Any) -> Any:
    """The class whose name stands for this one: of a generic model with arguments, the model."""
    generic = cls.__dict__.get("__pydantic_generic_metadata__")
    return generic["origin"] or cls if generic else cls


def is_plain_data(cls: type) -> bool:
    """Whether the `__dict__` of an instance says all about it, and makes it again."""
    now = generation()
    known = _plain_data.get(cls)
    if known is None or known[0] != now:
        known = _plain_data[cls] = (now, _is_plain_data(cls))
    return known[1]


# What is known of classes, and of which time.
_plain_data: WeakKeyDictionary[type, tuple[Any, bool]] = WeakKeyDictionary()


def _is_plain_data(cls: type) -> bool:
    has_plan = plan_of(cls) is not None and _is_plain(cls) and not _has_special_plan(cls)
    methods = ("__getnewargs__", "__getnewargs_ex__", "__setstate__")
    return (
        has_plan
        and cls.__new__ is object.__new__
        and cls.__dictoffset__ != 0
        and not slots_of(cls)
        and not has_state_of_its_own(cls)
        and not any(hasattr(cls, name) for name in methods)
        and not inspect.isabstract(cls)
    )


def _has_special_plan(cls: type) -> bool:
    registered = registered_of(cls)
    if registered is not None and registered.parts is not None:
        return True
    special = ("__pydantic_fields_set__", "__struct_fields__")
    return any(hasattr(cls, name) for name in special) or issubclass(
        cls, (BaseException, enum.Enum)
    )


def plan_of(cls: type) -> Plan | None:
    """The plan for a class; `None` if its instances are no data that we can see.

    Its makers call methods of the class: they are for classes that the reader trusts, and for
    those of the table after their parts were checked.
    """
    registered = registered_of(cls)
    if registered is not None and registered.parts is not None:
        return Plan(registered.parts, None, None, registered.make)
    if hasattr(cls, "__pydantic_fields_set__") and hasattr(cls, "__pydantic_validator__"):
        return _of_pydantic(cls)
    if hasattr(cls, "__struct_fields__"):
        return _of_struct(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _of_named_tuple(cls)
    if issubclass(cls, BaseException):
        return _of_exception(cls)
    extended = plan_of_subclass(cls)
    if extended is not None:
        return extended
    for base, items in _IMMUTABLE.items():
        if issubclass(cls, base):
            return _of_immutable(cls, base, items)
    for base, items, fill, check in _COLLECTIONS:
        if issubclass(cls, base):
            return _of_collection(cls, (base, items, fill, check))
    if not _is_plain(cls):
        return plan_of_reduced(cls) if _reduces_by_itself(cls) else None
    return _of_plain(cls)


def _of_plain(cls: type) -> Plan:
    if hasattr(cls, "__getnewargs_ex__") or hasattr(cls, "__getnewargs__"):
        return _of_new_args(cls)
    new: Callable[..., Any] = cls.__new__

    def empty() -> Any:
        try:
            return new(cls)
        except TypeError:
            # It wants arguments that only its `__init__` needs.
            return object.__new__(cls)

    return Plan(state_parts(cls), empty, set_state(cls))


def _of_new_args(cls: Any) -> Plan:
    parts_of_state, set_by_class = state_parts(cls), set_state(cls)

    def arguments(value: Any) -> Parts:
        if not hasattr(cls, "__getnewargs_ex__"):
            return {ARGS: tuple(value.__getnewargs__())}
        args, kwargs = value.__getnewargs_ex__()
        return {ARGS: tuple(args)} | ({KWARGS: kwargs} if kwargs else {})

    def make(parts: Parts) -> Any:
        value = cls.__new__(cls, *parts.pop(ARGS, ()), **parts.pop(KWARGS, {}))
        set_by_class(value, parts)
        return value

    return Plan(lambda value: arguments(value) | parts_of_state(value), None, None, make)


# Bases that hold nothing but attributes.
_EMPTY_BASES = (dt.tzinfo, types.SimpleNamespace)
_DEFAULT_REDUCE = (object.__reduce__, *(base.__reduce__ for base in _EMPTY_BASES))


def _is_plain(cls: type) -> bool:
    """Whether a class is Python through and through, and leaves its saving to `object`."""
    is_default = cls.__reduce_ex__ is object.__reduce_ex__ and cls.__reduce__ in _DEFAULT_REDUCE
    is_python = all("__module__" in base.__dict__ or base in _EMPTY_BASES for base in _bases(cls))
    return is_default and is_python and not _hides_fields(cls) and not _is_registered(cls)


def _bases(cls: type) -> tuple[type, ...]:
    return cls.__mro__[:-1]


def _hides_fields(cls: type) -> bool:
    """Whether instances hold more than attributes, by their size, as `pickle` sees it."""
    size = object.__basicsize__ + 8 * len(slots_of(cls))
    size += 8 * (cls.__dictoffset__ != 0) + 8 * (cls.__weakrefoffset__ != 0)
    return cls.__basicsize__ > size or cls.__itemsize__ > 0


def _is_registered(cls: type) -> bool:
    return cls in copyreg.dispatch_table


def _reduces_by_itself(cls: type) -> bool:
    return cls.__module__ != "builtins" and (
        cls.__reduce_ex__ is not object.__reduce_ex__
        or cls.__reduce__ is not object.__reduce__
        or _is_registered(cls)
    )


def compiled_plan_of(cls: Any) -> Plan:
    """How a compiled class of a library is taken apart: its adapter makes it, of checked parts."""

    def parts(value: Any) -> Parts:
        made_by, args, *state = value.__reduce_ex__(2)
        args = {ARGS: args} if made_by is cls else {}
        return args | ({STATE: state[0]} if state and state[0] is not None else {})

    return Plan(parts, None, None)


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
    dt.datetime: lambda value: _new_datetime(dt.datetime, value),
    dt.date: lambda value: _new_date(dt.date, value),
    dt.time: lambda value: _new_time(dt.time, value),
    dt.timedelta: lambda value: _new_timedelta(dt.timedelta, value),
}


def _new_date(cls: Any, date: dt.date) -> Any:
    return dt.date.__new__(cls, date.year, date.month, date.day)


def _time_of(moment: Any) -> tuple[Any, ...]:
    return (moment.hour, moment.minute, moment.second, moment.microsecond, moment.tzinfo)


def _new_datetime(cls: Any, moment: dt.datetime) -> Any:
    days = (moment.year, moment.month, moment.day)
    return dt.datetime.__new__(cls, *days, *_time_of(moment), fold=moment.fold)


def _new_time(cls: Any, time: dt.time) -> Any:
    return dt.time.__new__(cls, *_time_of(time), fold=time.fold)


def _new_timedelta(cls: Any, delta: dt.timedelta) -> Any:
    return dt.timedelta.__new__(cls, delta.days, delta.seconds, delta.microseconds)


# Those whose `__new__` takes no value of the type itself.
_NEW: dict[type, Callable[[Any, Any], Any]] = {
    dt.datetime: _new_datetime,
    dt.date: _new_date,
    dt.time: _new_time,
    dt.timedelta: _new_timedelta,
}

_Collection = tuple[type, Callable[[Any], Any], Callable[[Any, Any], object], Check]

# Subclasses of these: what they are filled with, how, and what that has to be.
_COLLECTIONS: list[_Collection] = [
    (
        collections.defaultdict,
        lambda value: (value.default_factory, dict(dict.items(value))),
        _fill_defaultdict,
        tuple_of(is_factory, PLAIN_DICT),
    ),
    (
        collections.OrderedDict,
        lambda value: dict(collections.OrderedDict.items(value)),
        fill_ordered,
        PLAIN_DICT,
    ),
    (dict, lambda value: dict(dict.items(value)), dict.update, PLAIN_DICT),
    (list, lambda value: list(list.__iter__(value)), list.extend, PLAIN_LIST),
    (set, lambda value: set(set.__iter__(value)), set.update, exact(set)),
    (
        collections.deque,
        lambda value: (list(value), value.maxlen),
        _fill_deque,
        tuple_of(PLAIN_LIST, optional(integer(0))),
    ),
    (bytearray, bytes, bytearray.extend, DATA),
]


def _of_immutable(cls: Any, base: Any, items: Callable[[Any], Any]) -> Plan:
    parts_of_state, set_by_class = state_parts(cls), set_state(cls)
    new: Any = _NEW.get(base, base.__new__)

    def parts(value: Any) -> Parts:
        return {ITEMS: items(value), **parts_of_state(value)}

    def empty_of(parts: Parts) -> Any:
        exact(base)(parts[ITEMS], ITEMS)
        return new(cls, parts[ITEMS])

    def fill(value: Any, parts: Parts) -> None:
        del parts[ITEMS]
        if parts:
            set_by_class(value, parts)

    def make(parts: Parts) -> Any:
        value = empty_of(parts)
        fill(value, parts)
        return value

    if base is frozenset:
        # Its items are there: what waits for it are its attributes.
        return Plan(parts, None, fill, make, shell=empty_of)
    return Plan(parts, None, None, make, can_wait=True)


def _of_collection(cls: Any, collection: _Collection) -> Plan:
    base, items, fill_items, check = collection
    new: Any = base.__new__
    parts_of_state, set_by_class = state_parts(cls), set_state(cls)

    def parts(value: Any) -> Parts:
        return {ITEMS: items(value), **parts_of_state(value)}

    def fill(value: Any, parts: Parts) -> None:
        if ITEMS in parts:
            check(parts[ITEMS], ITEMS)
            fill_items(value, parts.pop(ITEMS))
        if parts:
            set_by_class(value, parts)

    return Plan(parts, lambda: new(cls), fill)


def _of_named_tuple(cls: Any) -> Plan:
    fields = cls._fields

    def parts(value: Any) -> Parts:
        return dict(zip(fields, value, strict=True)) | attributes(value)

    def make(parts: Parts) -> Any:
        value = tuple.__new__(cls, [parts.pop(name) for name in fields])
        if parts:
            set_attributes(value, parts)
        return value

    return Plan(parts, None, None, make, can_wait=True)


# What an exception keeps outside of its `args` and `__dict__`.
_CHAIN = ("__cause__", "__context__", "__suppress_context__")


def _of_exception(cls: Any) -> Plan:
    """Exceptions as data: arguments, attributes and the chain they are in; no traceback."""
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")

    def parts(value: Any) -> Parts:
        made_by, args, *state = builtin.__reduce__(value)
        parts = {ARGS: args if made_by is cls else value.args, **attributes(value)}
        if state and isinstance(state[0], dict):
            # Since 3.12 `args` are among what an AttributeError keeps.
            parts |= {name: part for name, part in state[0].items() if name != "args"}
        if isinstance(value, (NameError, AttributeError)) and value.name is not None:
            parts["name"] = value.name
        chain = {name: getattr(value, name) for name in _CHAIN}
        return parts | {name: linked for name, linked in chain.items() if linked}

    def empty() -> Any:
        return builtin.__new__(cls)

    def fill(value: Any, parts: Parts) -> None:
        args = parts.pop(ARGS, ())
        check_arguments(cls, args)
        refuse_protocols(parts)
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
    generic = cls.__pydantic_generic_metadata__["args"]
    arguments = {GENERIC: generic} if generic else {}

    def parts(value: Any) -> Parts:
        kept = {name: getattr(value, name, None) for name in hidden}
        kept = {name: part for name, part in kept.items() if part is not None}
        return arguments | value.__dict__ | kept

    def fill(value: Any, parts: Parts) -> None:
        kept = {name: parts.pop(name, None) for name in hidden}
        if GENERIC in parts:
            value.__class__ = cls[parts.pop(GENERIC)]
        value.__setstate__({"__dict__": parts, **kept})

    return Plan(parts, lambda: cls.__new__(cls), fill)


def _of_struct(cls: Any) -> Plan:
    from msgspec.structs import force_setattr

    fields = cls.__struct_fields__

    def parts(value: Any) -> Parts:
        return {name: getattr(value, name) for name in fields} | getattr(value, "__dict__", {})

    def make(parts: Parts) -> Any:
        value = cls(**{name: parts[name] for name in fields})
        for name, part in parts.items():
            # Again, for its `__post_init__` may have changed them.
            if name in fields:
                force_setattr(value, name, part)
            else:
                value.__dict__[name] = part
        return value

    return Plan(parts, None, None, make, can_wait=True)
