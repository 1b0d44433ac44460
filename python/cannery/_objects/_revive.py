"""From type names and parts to objects, for loading."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from cannery._objects import _adapters, _stdlib
from cannery._objects._classes import is_plain_data, plan_of
from cannery._objects._functions import function_of
from cannery._objects._known import BY_NAME, KNOWN, name_of_known
from cannery._objects._record import Record
from cannery._objects._registry import Registered, find_registered, upgraded
from cannery._objects._stdlib import UNTRUSTED
from cannery._objects._trust import Trust
from cannery._plugins import load_plugins
from cannery.errors import CanneryError, DataError

Parts = dict[str, Any]

# Classes that a document may name as values: types of data, which do nothing when called.
_CLASSES: dict[str, type] = {
    **{name_of_known(cls): cls for cls in KNOWN},
    **{
        cls.__name__: cls
        for cls in (bool, bytes, dict, float, frozenset, int, list, object, set, str, tuple, type)
    },
    "NoneType": type(None),
}


class Maker(NamedTuple):
    """How the objects of one name are made."""

    empty: Callable[[], Any] | None
    """Makes one that is filled later."""
    finish: Callable[[Any, Parts], Any]
    """Fills it, or makes one; returns it."""
    can_wait: bool = False
    """Whether it does so although there are gaps in the parts."""
    shell: Callable[[Parts], Any] | None = None
    """Makes one that is filled later, of parts with gaps."""


class Reviver:
    """Makes objects of their type names and parts, as far as it is trusted to."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._makers: dict[str, Maker] = {}

    def plain_class(self, type_name: str) -> type | None:
        """The class of that name, if it may be made and its parts are its `__dict__`."""
        registered = self._registered(type_name)
        if registered is not None:
            cls = registered[0].cls if registered[1] == registered[0].version else None
        elif self._is_made_otherwise(type_name):
            cls = None
        else:
            cls = _class_of_data(type_name) or self._trust.find(type_name)
        return cls if isinstance(cls, type) and is_plain_data(cls) else None

    def _registered(self, name: str) -> tuple[Registered, int] | None:
        found = find_registered(name)
        # A registered name ends in a version; perhaps a plug-in registers it.
        if found is None and "/" in name and load_plugins(name.partition(".")[0]):
            found = find_registered(name)
        return found

    def _is_made_otherwise(self, name: str) -> bool:
        is_known = name in BY_NAME or name in ("type", "function")
        return is_known or _adapters.maker_of(name) is not None

    def begin(self, type_name: str) -> Any:
        """Make an empty instance, or return `None` if all parts must be there first."""
        maker = self._makers.get(type_name)
        if maker is None:
            maker = self._makers[type_name] = self._maker_of(type_name)
        try:
            return None if maker.empty is None else maker.empty()
        except (CanneryError, RecursionError, MemoryError):
            raise
        except Exception as error:
            raise _bad_parts(type_name, f"{type(error).__name__}: {error}") from error

    def can_wait(self, type_name: str) -> bool:
        """Whether such an object can be made of parts that are not all there yet."""
        return self._makers[type_name].can_wait

    def shell(self, type_name: str, parts: Parts) -> Any:
        """Make an instance that is filled when its parts have no gaps any more, if it can be."""
        maker = self._makers[type_name]
        try:
            return None if maker.shell is None else maker.shell(parts)
        except Exception as error:
            raise _bad_parts(type_name, f"{type(error).__name__}: {error}") from error

    def finish(self, type_name: str, instance: Any, parts: Parts) -> Any:
        """Fill the instance, or make one."""
        given = dict(parts)
        try:
            made = self._makers[type_name].finish(instance, parts)
            # What cannot be made because a part of it was not trusted.
            return Record(type_name, given) if made is UNTRUSTED else made
        except (CanneryError, RecursionError, MemoryError):
            raise
        except KeyError as error:
            raise _bad_parts(type_name, f"the part {error} is missing") from error
        except Exception as error:
            raise _bad_parts(type_name, f"{type(error).__name__}: {error}") from error

    def _maker_of(self, name: str) -> Maker:
        if name in BY_NAME:
            known = BY_NAME[name]
            return _maker(known.empty, known.fill, known.make)
        if name in ("type", "function"):
            return Maker(None, lambda _, parts: self._named(name, parts))
        make = _adapters.maker_of(name)
        if make is not None:
            return _maker_of_library(name, make)
        registered = self._registered(name)
        if registered is not None:
            return _maker_of_registered(*registered)
        cls = _class_of_data(name) or self._trust.find(name)
        if isinstance(cls, type):
            return _maker_of_class(cls) or _maker_of_record(name)
        return _maker_of_record(name)

    def _named(self, kind: str, parts: Parts) -> Any:
        """A class or function as a value: only if it is data itself, or trusted."""
        name = parts["name"]
        if kind == "function":
            found = function_of(name) or self._trust.find(name)
        else:
            found = _CLASSES.get(name) or self._trust.find(name) or _class_value(name)
        if found is not None and "args" in parts:  # of a generic model
            found = cast("Any", found)[parts["args"]]
        return Record(kind, parts) if found is None else found


def _class_value(name: str) -> type | None:
    name = name if "." in name else f"builtins.{name}"
    return _adapters.class_value(name) or _stdlib.class_value(name) or _class_of_data(name)


def _class_of_data(name: str) -> type | None:
    """A class that anybody may name, for its instances are data."""
    return _adapters.class_of(name) or _stdlib.class_of(name)


def _maker_of_registered(registered: Registered, version: int) -> Maker:
    made = _maker_of_class(registered.cls)
    if made is None:
        raise DataError(f"nothing is known about how a {registered.type_name} is made")
    if version == registered.version:
        return made

    def finish(instance: Any, parts: Parts) -> Any:
        return made.finish(instance, upgraded(registered, version, parts))

    return Maker(made.empty, finish)


def _maker(empty: Any, fill: Any, make: Any, can_wait: bool = False) -> Maker:
    if empty is None:
        return Maker(None, lambda _, parts: make(parts), can_wait)

    def finish(instance: Any, parts: Parts) -> Any:
        fill(instance, parts)
        return instance

    return Maker(empty, finish)


def _maker_of_library(name: str, make: Callable[[Parts], Any]) -> Maker:
    found = _adapters.shell_of(name)
    if found is None:
        return Maker(None, lambda _, parts: make(parts))
    shell, fill = found

    def finish(instance: Any, parts: Parts) -> Any:
        if instance is None:
            return make(parts)
        fill(instance, parts)
        return instance

    return Maker(None, finish, shell=shell)


def _maker_of_record(name: str) -> Maker:
    def fill(record: Record, parts: Parts) -> None:
        record.__parts__.update(parts)

    return _maker(lambda: Record(name), fill, None)


def _maker_of_class(cls: Any) -> Maker | None:
    if issubclass(cls, enum.Enum):
        return Maker(None, lambda _, parts: _member(cls, parts))
    plan = plan_of(cls)
    return None if plan is None else _maker(plan.empty, plan.fill, plan.make, plan.can_wait)


def _member(cls: Any, parts: Parts) -> Any:
    """A member by its name; by its value if it was renamed, or is a combination of flags."""
    if parts.get("name") in cls.__members__:
        return cls[parts["name"]]
    return cls(parts["value"])


def _bad_parts(type_name: str, reason: str) -> DataError:
    error = DataError(f"no {type_name} can be made of these parts: {reason}")
    error.hint = "load it without trusting its type, and look at the Record"
    return error
