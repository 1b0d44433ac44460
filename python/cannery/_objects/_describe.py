"""From objects to type names and parts, for saving."""

from __future__ import annotations

import enum
import sys
import types
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from cannery._objects import _adapters, _stdlib
from cannery._objects._checks import Untrusted
from cannery._objects._classes import class_to_name, is_plain_data, plan_of
from cannery._objects._hints import hint_for
from cannery._objects._known import known_of, name_of_known
from cannery._objects._own_names import OwnNames, attributes_besides, refuse_attributes
from cannery._objects._plans import has_state_of_its_own
from cannery._objects._record import Record
from cannery._objects._refused import kind_of, refuse
from cannery._objects._registry import name_of_registered
from cannery._objects._trust import CACHED, VARIABLES, find_by_name, full_name, is_findable
from cannery._plugins import load_plugins
from cannery.errors import CanneryError, DataTypeError

Parts = dict[str, Any]
Described = tuple[str, Parts]


# More are made by programs that make classes, and have no use of them for long.
_MOST_CLASSES = 1000


class Describer:
    """Says what an object is made of: the name of its type, and its parts by name."""

    def __init__(self) -> None:
        self._of_class: dict[type, Callable[[Any], Described]] = {}
        self._plain_names: dict[type, str | None] = {}

    def describe(self, value: Any) -> Described:
        """The type name and the parts of a value.

        Raises:
            DataTypeError: if it is no data.

        """
        cls = type(value)
        describe = self._of_class.get(cls)
        if describe is None:
            describe = self._of_class[cls] = _describer_of(cls)
        try:
            return describe(value)
        except (CanneryError, RecursionError, MemoryError):
            raise
        except Exception as reason:
            error = DataTypeError(f"{kind_of(value)} cannot be saved: {reason}")
            error.hint = hint_for(value)
            raise error from reason

    def plain_name(self, cls: type) -> str | None:
        """The name of a class whose instances' `__dict__` is all there is to save, else `None`."""
        try:
            return self._plain_names[cls]
        except KeyError:
            if len(self._plain_names) > _MOST_CLASSES:
                self._plain_names.clear()
                self._of_class.clear()
            name = self._plain_names[cls] = self._plain_name(cls)
            return name

    def _plain_name(self, cls: type) -> str | None:
        if _is_described_otherwise(cls) or not is_plain_data(cls):
            return None
        return name_of_registered(cls) or full_name(cls)

    def making(self, cls: type, name: str) -> int:
        """When a reader makes an instance: before its parts (0), or after those that it needs.

        Those may refer to it (1), or not (2).
        """
        known = known_of(cls)
        if known is not None:
            return 1 if known[1].empty is not None or known[1].can_wait else 2
        if _adapters.maker_of(name) is not None:
            return 1 if _adapters.shell_of(name) is not None else 2
        if cls is Record:
            return 0
        plan = plan_of(cls)
        if plan is None:
            return 2
        if plan.empty is not None:
            return 1 if _stdlib.class_of(name) is cls or _adapters.class_of(name) is cls else 0
        return 1 if plan.can_wait or plan.shell is not None else 2

    def in_order(self, items: Iterable[Any]) -> list[Any]:
        """The items of a set in an order that is the same in every process."""
        items = list(items)
        if len(items) < 2:
            return items
        kinds = {type(item) for item in items}
        if len(kinds) == 1 and kinds <= _ORDERED:
            return sorted(items)
        try:
            return sorted(items, key=_sort_key)
        except RecursionError:  # what is nested so deeply has no text to sort it by
            return sorted(items, key=lambda item: type(item).__qualname__)


# Types whose order is total.
_ORDERED = {int, str, bytes, bool}


def _sort_key(item: Any) -> tuple[str, str]:
    return type(item).__qualname__, repr(item)


def _is_described_otherwise(cls: type) -> bool:
    _load_plugins(cls)
    is_known = known_of(cls) is not None or cls is Record or issubclass(cls, type)
    is_known = is_known or _stdlib.class_of(full_name(cls)) is cls
    is_of_library = _adapters.own_attributes(cls) is not None
    is_of_library = is_of_library or _adapters.maker_of(full_name(cls)) is not None
    return is_known or is_of_library or _adapters.describer_of(cls) is not None


def _describer_of(cls: type) -> Callable[[Any], Described]:
    _load_plugins(cls)
    found = known_of(cls)
    if found is not None:
        name, known = found
        return lambda value: (name, known.describe(value))
    if cls is Record:
        return lambda value: (value.__type_name__, value.__parts__)
    if cls is object:
        return refuse
    if issubclass(cls, type):
        return _class_itself
    if cls in VARIABLES:
        return lambda value: ("type", {"name": _findable(full_name(value), value)})
    if issubclass(cls, _FUNCTIONS):
        return _function_itself
    if cls is CACHED:
        return _cached_function
    if issubclass(cls, enum.Enum):
        return _member_of(cls)
    describe = _adapters.describer_of(cls)
    if describe is not None:
        return _adapters.with_attributes(cls, describe)
    plan = plan_of(cls)
    if plan is None:
        return refuse
    parts, cls = plan.parts, class_to_name(cls)
    name = name_of_registered(cls) or full_name(cls)
    if _stdlib.class_of(name) is cls:
        return _of_table(cls, name, parts)
    return _of_plan(cls, name, parts)


def _of_plan(cls: type, name: str, parts: Callable[[Any], Parts]) -> Callable[[Any], Described]:
    def describe(value: Any) -> Described:
        taken_apart = parts(value)
        if makes_all:
            _adapters.refuse_unmakable(name, taken_apart)
        return name, taken_apart

    makes_all = _adapters.maker_of(name) is not None
    takes_attributes = _adapters.own_attributes(cls) is not None
    return _adapters.with_attributes(cls, describe) if takes_attributes else describe


def _of_table(cls: type, name: str, parts: Callable[[Any], Parts]) -> Callable[[Any], Described]:
    """For a class that every reader makes: what none would take is refused."""

    def describe(value: Any) -> Described:
        taken_apart = parts(value)
        with suppress(Untrusted):
            _stdlib.check_class(cls, taken_apart)
        if keeps_own:
            refuse_attributes(value, attributes_besides(value, own))
        return name, taken_apart

    own = OwnNames.of(cls)
    # What else says its state itself has been checked.
    keeps_own = cls.__dictoffset__ != 0 and has_state_of_its_own(cls)
    return describe


def _load_plugins(cls: type) -> None:
    """Load what is installed for a library's class; projects need no plug-ins for their own."""
    package = cls.__module__.partition(".")[0]
    if package not in sys.stdlib_module_names and not _adapters.is_known(package):
        from cannery._fingerprint._origin import is_project_module

        if not is_project_module(cls.__module__):
            load_plugins(package)


def _member_of(cls: type[enum.Enum]) -> Callable[[Any], Described]:
    name = name_of_registered(cls) or full_name(cls)
    if issubclass(cls, enum.Flag):
        return lambda member: (name, {"value": member.value})
    return lambda member: (name, {"name": member.name, "value": member.value})


def _class_itself(cls: type) -> Described:
    if cls is not class_to_name(cls):
        return "type", {"name": full_name(class_to_name(cls)), "args": _arguments(cls)}
    name = name_of_known(cls) if cls.__module__ == "builtins" else full_name(cls)
    return "type", {"name": _findable(name, cls)}


def _arguments(cls: Any) -> tuple[Any, ...]:
    return cls.__pydantic_generic_metadata__["args"]


_METHODS = (types.MethodDescriptorType, types.ClassMethodDescriptorType)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, *_METHODS)


def _function_itself(function: Any) -> Described:
    """A function by its name; a method by that of its class, if it is not bound to an instance."""
    owner = getattr(function, "__self__", None)
    owner = function.__objclass__ if isinstance(function, _METHODS) else owner
    if isinstance(owner, type):
        return "function", {"name": _name_of_method(owner, function)}
    if not isinstance(owner, (types.ModuleType, types.NoneType)):
        return refuse(function)
    # Functions of a compiled library may be methods of a class that cannot be seen.
    short = f"{function.__module__}.{function.__name__}"
    if isinstance(function, types.BuiltinFunctionType) and find_by_name(short) is function:
        return "function", {"name": short}
    return "function", {"name": _findable(full_name(function), function)}


def _cached_function(function: Any) -> Described:
    name = full_name(function)
    return ("function", {"name": name}) if find_by_name(name) is function else refuse(function)


def _name_of_method(owner: type, function: Any) -> str:
    is_own = is_findable(owner) and getattr(owner, function.__name__, None) == function
    if not is_own:
        return refuse(function)
    return f"{full_name(owner)}.{function.__name__}"


def _findable(name: str, item: Any) -> str:
    """The name, if it leads to the item again: what has no name of its own is code, not data."""
    if item.__module__ == "builtins" or is_findable(item):
        return name
    if isinstance(item, type) and "<locals>" in name:
        return name
    return refuse(item)
