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
import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from cannery._objects._callables import is_factory
from cannery._objects._checks import (
    DATA,
    PLAIN_DICT,
    PLAIN_LIST,
    TEXT,
    Check,
    PartError,
    Untrusted,
    exact,
    integer,
    mismatch,
    optional,
    tuple_of,
)
from cannery._objects._known import fill_ordered
from cannery._objects._names import refuse_protocols
from cannery._objects._registry import registered_of
from cannery._objects._stdlib import check_arguments
from cannery._objects._trust import find_by_name, is_trusted

Parts = dict[str, Any]

ITEMS, ARGS, KWARGS, STATE = "__items__", "__args__", "__kwargs__", "__state__"
NAME = "__name__"
FUNCTION, SETTER, PAIRS, GENERIC = "__function__", "__setter__", "__pairs__", "__generic__"


class Plan(NamedTuple):
    """How the instances of a class are taken apart and made again."""

    parts: Callable[[Any], Parts]
    empty: Callable[[], Any] | None
    """Makes an instance that is filled later; `None` if all parts are needed to make one."""
    fill: Callable[[Any, Parts], object] | None
    make: Callable[[Parts], Any] | None = None
    can_wait: bool = False
    """Whether it can be made while its parts have gaps: it does not look into them."""


def class_to_name(cls: Any) -> Any:
    """The class whose name stands for this one: of a generic model with arguments, the model."""
    generic = cls.__dict__.get("__pydantic_generic_metadata__")
    return generic["origin"] or cls if generic else cls


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
    for base in cls.__mro__[1:]:
        extended = _EXTENDED.get(f"{base.__module__}.{base.__qualname__}")
        if extended is not None:
            return extended(cls, base)
    for base, items in _IMMUTABLE.items():
        if issubclass(cls, base):
            return _of_immutable(cls, base, items)
    for base, items, fill, check in _COLLECTIONS:
        if issubclass(cls, base):
            return _of_collection(cls, (base, items, fill, check))
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
    if setstate is None or getattr(setstate, "__module__", None) == "dataclasses":
        return _set_attributes

    def set_state(value: Any, parts: Parts) -> None:
        state = parts.get(STATE, parts)
        if state is not None:  # which says that there is none
            setstate(value, state)

    return set_state


def _set_attributes(value: Any, parts: Parts) -> None:
    state = parts.get(STATE, parts)
    # Attributes and slots may come apart.
    for some in state if isinstance(state, tuple) else (state,):
        _add_attributes(value, some or {})


def _add_attributes(value: Any, parts: Parts) -> None:
    PLAIN_DICT(parts, STATE)
    refuse_protocols(parts)
    attributes = getattr(value, "__dict__", None)
    if attributes is not None and not _slots(type(value)):
        attributes.update(parts)
        return
    for name, part in parts.items():
        # Past the `__setattr__` of frozen classes.
        object.__setattr__(value, name, part)


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

    return Plan(_state_parts(cls), empty, _set_state(cls))


def _of_new_args(cls: Any) -> Plan:
    state_parts, set_state = _state_parts(cls), _set_state(cls)

    def arguments(value: Any) -> Parts:
        if not hasattr(cls, "__getnewargs_ex__"):
            return {ARGS: tuple(value.__getnewargs__())}
        args, kwargs = value.__getnewargs_ex__()
        return {ARGS: tuple(args)} | ({KWARGS: kwargs} if kwargs else {})

    def make(parts: Parts) -> Any:
        value = cls.__new__(cls, *parts.pop(ARGS, ()), **parts.pop(KWARGS, {}))
        set_state(value, parts)
        return value

    return Plan(lambda value: arguments(value) | state_parts(value), None, None, make)


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
    size = object.__basicsize__ + 8 * len(_slots(cls))
    size += 8 * (cls.__dictoffset__ != 0) + 8 * (cls.__weakrefoffset__ != 0)
    return cls.__basicsize__ > size or cls.__itemsize__ > 0


def _is_registered(cls: type) -> bool:
    return cls in copyreg.dispatch_table


# Classes that say themselves how they are made.


def _reduces_by_itself(cls: type) -> bool:
    return cls.__module__ != "builtins" and (
        cls.__reduce_ex__ is not object.__reduce_ex__
        or cls.__reduce__ is not object.__reduce__
        or _is_registered(cls)
    )


def _of_reduced(cls: Any) -> Plan:
    set_state = _set_state(cls)

    def parts(value: Any) -> Parts:
        name = _name_in_module(value) if hasattr(value, "__reduce_ex__") else None
        if name is not None and find_by_name(name) is value:
            return {NAME: name}
        reduced = _reduced(value)
        made_by = None if reduced is None else _made_by(cls, *reduced[:2])
        if reduced is None or made_by is None:
            from cannery._objects._describe import refuse

            return refuse(value)
        state, items, pairs, setter = reduced[2:6]
        return (
            made_by
            | ({} if state is None else {STATE: state})
            | ({} if setter is None else {SETTER: setter})
            | ({} if items is None else {ITEMS: list(items)})
            | ({} if pairs is None else {PAIRS: [tuple(pair) for pair in pairs]})
        )

    def make(parts: Parts) -> Any:
        if NAME in parts:
            return _of_name(cls, parts[NAME])
        exact(tuple)(parts[ARGS], ARGS)
        if FUNCTION in parts:
            value = _trusted(parts[FUNCTION], cls)(*parts[ARGS])
        elif KWARGS in parts:
            value = cls.__new__(cls, *parts[ARGS], **parts[KWARGS])
        else:
            value = cls(*parts[ARGS])
        if SETTER in parts:
            _trusted(parts[SETTER])(value, parts.get(STATE))
        elif STATE in parts:
            set_state(value, parts)
        for item in parts.get(ITEMS, ()):
            value.append(item)
        for key, item in parts.get(PAIRS, ()):
            value[key] = item
        return value

    return Plan(parts, None, None, make)


# What a reader has only if its caller trusts it by its exact name.
_FUNCTIONS = (types.FunctionType, types.MethodType)


def _trusted(function: Any, cls: Any = None) -> Any:
    """A function that only the reader's `trust=` can have given; a partial of one, or of `cls`."""
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    is_own_partial = inner is cls and inner is not function
    if not (is_own_partial or (isinstance(inner, _FUNCTIONS) and is_trusted(inner))):
        raise Untrusted("function")
    return function


def _of_name(cls: type, name: Any) -> Any:
    """The object of a module that says of itself that it is kept by its name."""
    TEXT(name, NAME)
    found = find_by_name(name)
    if type(found) is not cls or _name_in_module(found) != name:
        raise PartError(f"there is no {cls.__name__} of the name {name!r}")
    return found


def _name_in_module(value: Any) -> str | None:
    reduced = value.__reduce_ex__(4)
    return f"{value.__module__}.{reduced}" if isinstance(reduced, str) else None


def _reduced(value: Any) -> tuple[Any, ...] | None:
    """What `__reduce_ex__` gives, filled up; `None` where it says that there is nothing to save."""
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        reduced: Any = reduce(value) if reduce else value.__reduce_ex__(4)
    except TypeError:  # locks and the like say that they cannot be pickled
        return None
    if not isinstance(reduced, tuple) or not 2 <= len(reduced) <= 6:
        return None
    return (*reduced, None, None, None, None)[:6]


def _made_by(cls: Any, function: Any, args: Any) -> Parts | None:
    if function is cls:
        return {ARGS: tuple(args)}
    if function is copyreg.__newobj__ and args[0] is cls:  # pyright: ignore
        return {ARGS: tuple(args[1:]), KWARGS: {}}
    if function is copyreg.__newobj_ex__ and args[0] is cls:  # pyright: ignore
        return {ARGS: tuple(args[1]), KWARGS: dict(args[2])}
    is_partial = isinstance(function, functools.partial)
    if is_partial or (isinstance(function, _FUNCTIONS) and function.__module__ != "copyreg"):
        return {FUNCTION: function, ARGS: tuple(args)}
    return None


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
    state_parts, set_state = _state_parts(cls), _set_state(cls)
    new: Any = _NEW.get(base, base.__new__)

    def parts(value: Any) -> Parts:
        return {ITEMS: items(value), **state_parts(value)}

    def make(parts: Parts) -> Any:
        exact(base)(parts[ITEMS], ITEMS)
        value = new(cls, parts.pop(ITEMS))
        if parts:
            set_state(value, parts)
        return value

    return Plan(parts, None, None, make, can_wait=base is not frozenset)


def _of_collection(cls: Any, collection: _Collection) -> Plan:
    base, items, fill_items, check = collection
    new: Any = base.__new__
    state_parts, set_state = _state_parts(cls), _set_state(cls)

    def parts(value: Any) -> Parts:
        return {ITEMS: items(value), **state_parts(value)}

    def fill(value: Any, parts: Parts) -> None:
        if ITEMS in parts:
            check(parts[ITEMS], ITEMS)
            fill_items(value, parts.pop(ITEMS))
        if parts:
            set_state(value, parts)

    return Plan(parts, lambda: new(cls), fill)


def _of_named_tuple(cls: Any) -> Plan:
    fields = cls._fields

    def parts(value: Any) -> Parts:
        return dict(zip(fields, value, strict=True)) | _attributes(value)

    def make(parts: Parts) -> Any:
        value = tuple.__new__(cls, [parts.pop(name) for name in fields])
        if parts:
            _set_attributes(value, parts)
        return value

    return Plan(parts, None, None, make, can_wait=True)


# What an exception keeps outside of its `args` and `__dict__`.
_CHAIN = ("__cause__", "__context__", "__suppress_context__")


def _of_exception(cls: Any) -> Plan:
    """Exceptions as data: arguments, attributes and the chain they are in; no traceback."""
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")

    def parts(value: Any) -> Parts:
        made_by, args, *state = builtin.__reduce__(value)
        parts = {ARGS: args if made_by is cls else value.args, **_attributes(value)}
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


# Subclasses of libraries' types.


def _of_array(cls: Any, base: Any) -> Plan:
    state_parts = _state_parts(cls) if not _has_reduce_of_its_own(cls, base) else _attributes

    def parts(value: Any) -> Parts:
        return {ITEMS: value.view(base), **state_parts(value)}

    def make(parts: Parts) -> Any:
        if type(parts[ITEMS]) is not base:
            raise mismatch(parts[ITEMS], ITEMS, f"{base.__module__}.{base.__qualname__}")
        value = parts.pop(ITEMS).view(cls)
        _set_attributes(value, parts)
        return value

    return Plan(parts, None, None, make)


def _has_reduce_of_its_own(cls: Any, base: Any) -> bool:
    return cls.__setstate__ is not base.__setstate__


def _of_table(cls: Any, base: Any) -> Plan:
    """A subclass of a frame or series, with what it says that it has besides."""
    more = [name for name in cls._metadata if name not in base._metadata]

    def parts(value: Any) -> Parts:
        plain = base(value)
        plain.attrs.update(value.attrs)
        return {
            ITEMS: plain,
            **{name: getattr(value, name) for name in more if hasattr(value, name)},
        }

    def make(parts: Parts) -> Any:
        plain = parts.pop(ITEMS)
        if type(plain) is not base:
            raise mismatch(plain, ITEMS, f"{base.__module__}.{base.__qualname__}")
        refuse_protocols(parts)
        value = cls(plain)
        value.attrs.update(plain.attrs)
        for name, part in parts.items():
            object.__setattr__(value, name, part)
        return value

    return Plan(parts, None, None, make)


_EXTENDED: dict[str, Callable[[Any, Any], Plan]] = {
    "numpy.ndarray": _of_array,
    "pandas.DataFrame": _of_table,
    "pandas.Series": _of_table,
    "pandas.core.frame.DataFrame": _of_table,
    "pandas.core.series.Series": _of_table,
}
