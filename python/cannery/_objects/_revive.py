"""From type names and parts to objects, for loading."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from cannery._objects import _adapters, _stdlib
from cannery._objects._checks import (
    TEXT,
    PartError,
    Untrusted,
    checked,
    either,
    exact,
    integer,
    leaf,
    sequence_of,
)
from cannery._objects._classes import is_plain_data, plan_of
from cannery._objects._functions import function_of
from cannery._objects._known import BY_NAME, KNOWN, Known, name_of_known
from cannery._objects._names import refuse_protocols
from cannery._objects._patterns import PatternBudget
from cannery._objects._plans import ATTRIBUTES
from cannery._objects._record import Record
from cannery._objects._registry import Registered, find_registered, upgraded
from cannery._objects._trust import Trust
from cannery._plugins import load_plugins
from cannery.errors import CanneryError, DataError, UntrustedTypeError

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

    finish: Callable[[Any, Parts], Any]
    """Fills the object that was made before its parts, or makes one; returns it."""
    empty: Callable[[], Any] | None = None
    """Makes one before its parts are read: for records and for classes that the reader trusts."""
    shell: Callable[[Parts], Any] | None = None
    """Makes one that is filled later, where its parts refer to it."""
    can_wait: bool = False
    """Whether it is made although there are gaps in the parts: it does not look into them."""


class Reviver:
    """Makes objects of their type names and parts, as far as it is trusted to."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._makers: dict[str, Maker] = {}

    @classmethod
    def open(cls, given: Iterable[Any], annotation: Any) -> Reviver:
        """One that trusts what was given and what an annotation names, until it is closed."""
        trust = Trust(given, annotation)
        trust.begin()
        return cls(trust)

    def close(self) -> None:
        """Nothing more is read."""
        self._trust.end()

    def plain_class(self, type_name: str) -> type | None:
        """The class of that name, if it is trusted and its parts are its `__dict__`."""
        if type_name in _OF_TABLE:
            return None
        known = self._trust.plain(type_name)
        if known is not None:
            return known
        registered = self._registered(type_name)
        if registered is not None:
            cls = registered[0].cls if registered[1] == registered[0].version else None
        elif self._is_of_table(type_name):
            cls = None
        else:
            cls = self._trust.find(type_name)
        if not isinstance(cls, type) or not is_plain_data(cls):
            return None
        self._trust.keep_plain(type_name, cls)
        return cls

    def record(self, type_name: str, parts: Parts) -> Record:
        """A record, instead of an object that is too deep to be made."""
        return Record(type_name, parts)

    def check_name(self, type_name: str, name: str) -> None:
        """Refuse an attribute by which libraries ask an object what it is."""
        try:
            refuse_protocols((name,))
        except PartError as error:
            raise _bad_parts(type_name, str(error)) from error

    def _registered(self, name: str) -> tuple[Registered, int] | None:
        found = find_registered(name)
        # A registered name ends in a version; perhaps a plug-in registers it.
        if found is None and "/" in name and load_plugins(name.partition(".")[0]):
            found = find_registered(name)
        return found

    def _is_of_table(self, name: str) -> bool:
        package = name.partition(".")[0]
        given = self._trust.given(name)
        if given is not None and "." in name and not _has_table(package):
            return False
        is_known = name in BY_NAME or name in ("type", "function")
        is_of_table = (
            is_known or _adapters.maker_of(name) is not None or _class_of_data(name) is not None
        )
        if is_of_table:
            _OF_TABLE.add(name)
        return is_of_table

    def begin(self, type_name: str) -> Any:
        """Make an empty instance, or return `None` if all parts must be there first."""
        maker = self._makers.get(type_name)
        if maker is None:
            maker = self._makers[type_name] = self._maker_of(type_name)
        try:
            return None if maker.empty is None else maker.empty()
        except (CanneryError, MemoryError):
            raise
        except Exception as error:
            raise _explained(type_name, error) from error

    def can_wait(self, type_name: str) -> bool:
        """Whether such an object can be made of parts that are not all there yet."""
        return self._makers[type_name].can_wait

    def shell(self, type_name: str, parts: Parts) -> Any:
        """Make an instance that is filled when its parts have no gaps any more, if it can be."""
        shell = self._makers[type_name].shell
        try:
            return None if shell is None else shell(parts)
        except (CanneryError, MemoryError):
            raise
        except Exception as error:
            raise _explained(type_name, error) from error

    def finish(self, type_name: str, instance: Any, parts: Parts) -> Any:
        """Fill the instance, or make one; a `Record` if a part was not trusted."""
        given = dict(parts)
        try:
            return self._makers[type_name].finish(instance, parts)
        except Untrusted as reason:
            if instance is None:
                return Record(type_name, given)
            raise _holds_untrusted(type_name, reason.type_name) from None
        except (CanneryError, MemoryError):
            raise
        except Exception as error:
            raise _explained(type_name, error) from error

    def _maker_of(self, name: str) -> Maker:
        if name == "re.Pattern":
            return self._maker_of_patterns()
        if name in BY_NAME:
            return _maker_of_known(BY_NAME[name])
        if name in ("type", "function"):
            make = checked(
                lambda parts: self._named(name, parts), {"name": TEXT}, args=exact(tuple)
            )
            return Maker(lambda _, parts: make(parts))
        make = _adapters.maker_of(name)
        if self._trust.names(name):
            make = _adapters.trusted_maker_of(name) or make
        if make is not None:
            return _maker_of_library(name, make)
        registered = self._registered(name)
        if registered is not None:
            return _maker_of_registered(*registered)
        cls = _class_of_data(name)
        if cls is not None:
            return _maker_of_class_of_table(name, cls)
        cls = self._trust.find(name)
        made = _maker_of_class(cls) if isinstance(cls, type) else None
        return made or _maker_of_record(name)

    def _maker_of_patterns(self) -> Maker:
        make, budget = BY_NAME["re.Pattern"].make, PatternBudget()

        def finish(_: Any, parts: Parts) -> Any:
            make.check(parts)
            budget.spend(parts["pattern"], parts["flags"])
            return make(parts)

        return Maker(finish)

    def _named(self, kind: str, parts: Parts) -> Any:
        """A class or function as a value: only if it is data itself, or trusted."""
        name = parts["name"]
        if kind == "function":
            found = function_of(name) or self._trust.find(name)
        else:
            found = _CLASSES.get(name) or self._trust.find(name)
            if found is not None and "args" in parts:  # of a generic model
                _stdlib.check_type_arguments(parts["args"], "args")
                return cast("Any", found)[parts["args"]]
            found = found or _class_value(name)
        return Record(kind, parts) if found is None else found


# Names that were found in the table, which has no end of others in it.
_OF_TABLE: set[str] = set()


def _has_table(package: str) -> bool:
    return _adapters.is_known(package) or package in sys.stdlib_module_names


def _explained(type_name: str, error: Exception) -> DataError:
    """What went wrong in a constructor as an error of the document, which had the parts."""
    if isinstance(error, KeyError):
        return _bad_parts(type_name, f"the part {error} is missing")
    if isinstance(error, PartError):
        return _bad_parts(type_name, str(error))
    return _bad_parts(type_name, f"{type(error).__name__}: {error}")


def _class_value(name: str) -> type | None:
    name = name if "." in name else f"builtins.{name}"
    return _adapters.class_value(name) or _stdlib.class_value(name) or _class_of_data(name)


def _class_of_data(name: str) -> type | None:
    """A class of the table, whose instances are data."""
    return _adapters.class_of(name) or _stdlib.class_of(name)


def _maker_of_known(known: Known) -> Maker:
    empty = known.empty
    shell = None if empty is None else lambda _: empty()
    return Maker(known.revive, shell=shell, can_wait=known.can_wait)


def _maker_of_library(name: str, make: Callable[[Parts], Any]) -> Maker:
    found = _adapters.shell_of(name)
    shell, fill = found or (None, None)

    def finish(instance: Any, parts: Parts) -> Any:
        more = parts.pop(ATTRIBUTES, None)
        if instance is None or fill is None:
            instance = make(parts)
        else:
            fill(instance, parts)
        if more is not None:
            _adapters.add_attributes(instance, more)
        return instance

    return Maker(finish, shell=shell)


def _maker_of_table(cls: Any) -> Maker | None:
    """For a class of the table: its parts are checked before any method of it is called."""
    if issubclass(cls, enum.Enum):
        make = checked(lambda parts: _member(cls, parts), {}, name=TEXT, value=_is_member_value)
        return Maker(lambda _, parts: make(parts))
    plan = plan_of(cls)
    check = _adapters.check_of(cls) or _stdlib.check_class
    if plan is None:
        return None

    def finish(instance: Any, parts: Parts) -> Any:
        check(cls, parts)
        if plan.make is not None:
            return plan.make(parts)
        if plan.empty is None or plan.fill is None:
            raise PartError("it cannot be made")
        value = plan.empty() if instance is None else instance
        plan.fill(value, parts)
        return value

    empty = plan.empty
    return Maker(finish, shell=None if empty is None else lambda _: empty())


# Of classes of the table: what their plans say is found out once.
_of_table: dict[str, Maker] = {}


def _maker_of_class_of_table(name: str, cls: type) -> Maker:
    made = _of_table.get(name)
    if made is None:
        made = _of_table[name] = _maker_of_table(cls) or _maker_of_record(name)
    return made


def _maker_of_registered(registered: Registered, version: int) -> Maker:
    made = _maker_of_class(registered.cls)
    if made is None:
        raise DataError(f"nothing is known about how a {registered.type_name} is made")
    if version == registered.version:
        return made

    def finish(instance: Any, parts: Parts) -> Any:
        return made.finish(instance, upgraded(registered, version, parts))

    return made._replace(finish=finish)


def _maker_of_record(name: str) -> Maker:
    def fill(record: Record, parts: Parts) -> Record:
        record.__parts__.update(parts)
        return record

    return Maker(fill, empty=lambda: Record(name))


def _maker_of_class(cls: Any) -> Maker | None:
    """For a class that the reader trusts."""
    if issubclass(cls, enum.Enum):
        return Maker(lambda _, parts: _member(cls, parts))
    plan = plan_of(cls)
    if plan is None:
        return None
    fill, make = plan.fill, plan.make
    if fill is None:
        make = cast("Callable[[Parts], Any]", make)
        return Maker(lambda _, parts: make(parts), can_wait=plan.can_wait)

    def finish(instance: Any, parts: Parts) -> Any:
        if instance is None and make is not None:
            return make(parts)
        fill(instance, parts)
        return instance

    return Maker(finish, empty=plan.empty, shell=plan.shell, can_wait=plan.can_wait)


def _is_member_value(value: Any, path: str) -> None:
    either(TEXT, integer(-(1 << 64), 1 << 64), sequence_of(leaf, tuple, list))(value, path)


def _member(cls: Any, parts: Parts) -> Any:
    """A member by its name; by its value if it was renamed, or is a combination of flags."""
    if parts.get("name") in cls.__members__:
        return cls[parts["name"]]
    return cls(parts["value"])


def _bad_parts(type_name: str, reason: str) -> DataError:
    error = DataError(f"no {type_name} can be made of these parts: {reason}")
    error.hint = "load it without trusting its type, and look at the Record"
    return error


def _holds_untrusted(type_name: str, held: str) -> UntrustedTypeError:
    error = UntrustedTypeError(f"a {type_name} that contains itself holds a {held}")
    error.hint = f"name what it holds: trust=[{held!r}]"
    return error
