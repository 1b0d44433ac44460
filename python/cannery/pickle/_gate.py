"""The uses of the table's names, each looked at before it happens.

A pickle that is not trusted may call, make and fill only what the table lists, and each of these
only with what its rule here allows: exact built-in types of bounded size, arrays without objects,
and objects that rules have made. Classes of libraries are asked for their invariants
(`cannery._objects._invariants`) before they are given a state, and when everything is read.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from copyreg import __newobj__, __newobj_ex__, _reconstructor  # type: ignore[attr-defined]
from typing import Any

from cannery import _native
from cannery._objects._patterns import PatternBudget
from cannery.pickle import _arrays, _data, _installed, _libraries
from cannery.pickle._limits import SCALARS, Made, full_name, is_record
from cannery.pickle._refused import Refused, bomb
from cannery.pickle._state import check_keys, has_finalizer, set_state

_USE_NEW, _USE_STATE, _USE_ITEMS = 4, 8, 16
# Keeps what is rebuilt shallow: C's destructors call each other.
_MAX_DEPTH = 500

Call = Callable[["Gate", Any, tuple[Any, ...], dict[str, Any]], Any]
_CALLS: dict[str, Call] = {**_data.CALLS, **_arrays.CALLS, **_libraries.CALLS}
State = Callable[["Gate", Any, Any], None]
_STATES: dict[str, State] = {
    **_data.STATES,
    **_arrays.STATES,
    **_libraries.STATES,
}


class Gate:
    """The checks of one load."""

    def __init__(self, size: int) -> None:
        #: Bytes of the pickle, by which the sizes of what it makes are bounded.
        self.size = size
        self.imported: list[str] = []
        # Full names of what the pickle named, by identity; the objects are kept alive beside them.
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._trusted: set[int] = set()
        # Objects of libraries, how they were made, and whether they have their state.
        self.made: dict[int, Made] = {}
        self._depths: dict[int, int] = {}
        # What was found out about classes: their names, and the rules for their states.
        self._state_rules: dict[type, tuple[str, State]] = {}
        self._plain: set[type] = set()
        #: Classes that rules have made, whose instances take a state.
        self.with_state: dict[int, type] = {}
        #: Arrays and element types that have no state yet.
        self.fresh: dict[int, Any] = {}
        self.patterns = PatternBudget()

    # Names.

    def find(self, module: str, name: str) -> Any:
        """What a module of the table has by a name of the table."""
        try:
            found = _installed.find(module, name, self.imported)
        except Refused as refused:
            raise self._told(refused) from None
        is_member = "." in name and isinstance(found, enum.Enum)
        if not is_member and not _is_as_listed(found, name):
            raise self._told(Refused(f"{module}.{name}", "it is not what the table lists"))
        self.keep(found, full_name(found) or f"{module}.{name}")
        return found

    def keep(self, found: Any, name: str) -> None:
        """Keep in mind under which name the table has an object."""
        self._names[id(found)] = name
        self._kept.append(found)

    def trust(self, found: Any) -> None:
        """Keep in mind that the caller trusts a class or a function."""
        self._trusted.add(id(found))
        self._kept.append(found)

    def is_trusted(self, found: Any) -> bool:
        """Whether the caller trusts a class or a function."""
        return id(found) in self._trusted

    def access(self, found: Any) -> int:
        """How often a use has to be looked at: 1 not with scalars, 2 not with a short number."""
        name = self._names.get(id(found))
        return 1 if name in _data.SCALAR_CALLS else 2 if name == "decimal.Decimal" else 0

    def is_of_table(self, module: str, name: str, found: Any) -> bool:
        """Whether an object is what the table's name stands for, or the caller's own."""
        if getattr(found, "__module__", None) == "cannery._joblib":
            return False  # it stands for a class of joblib's, which is not imported for that
        try:
            of_table = _installed.find(module, name, self.imported)
        except (Refused, ImportError):
            return False
        if of_table is found or of_table == found:
            self.keep(found, full_name(found) or f"{module}.{name}")
            return True
        return False

    def name_of(self, found: Any) -> str:
        """Return the name that the table has for an object.

        Raises:
            Refused: if it has none.

        """
        name = self._names.get(id(found))
        if name is None:
            raise Refused(full_name(found) or type(found).__name__, "the table does not list it")
        return name

    # Steps of the pickle.

    def reduce(self, callee: Any, args: Any) -> Any:
        """Call a name of the table."""
        return self._step(self._call, callee, args, {})

    def new(self, cls: Any, args: Any, keywords: Any) -> Any:
        """Make an instance without calling the class."""
        return self._step(self._new, cls, args, keywords or {})

    def instance(self, cls: Any, args: Any) -> Any:
        """Make an instance of what was an old-style class in Python 2."""
        step = self._new if isinstance(cls, type) and not args else self._call
        return self._step(step, cls, args, {})

    def build(self, value: Any, state: Any) -> None:
        """Give an instance its state."""
        self._step(self._build, value, state)

    def items(self, value: Any, method: str, items: list[Any]) -> None:
        """Look at what is to be put into an instance."""
        self._step(self._items, value, method, items)

    def finish(self) -> None:
        """Look at all objects of libraries once more, now that nothing changes them."""
        self._step(_libraries.finish, self)

    def _step(self, step: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return step(*arguments)
        except Refused as refused:
            raise self._told(refused) from None
        except (MemoryError, OSError, Warning):
            raise
        except Exception as error:
            name = full_name(arguments[0]) or full_name(type(arguments[0]))
            reason = f"it does not take what it is given: {type(error).__name__}: {error}"
            raise self._told(Refused(name, reason[:500])) from None

    def _told(self, refused: Refused) -> Refused:
        refused.imported = tuple(self.imported)
        return refused

    def _call(self, callee: Any, args: Any, keywords: dict[str, Any]) -> Any:
        name = self.name_of(callee)
        if type(args) is not tuple or len(args) > 1000 + self.size // 16:
            raise Refused(name, "its arguments are no tuple")
        if callee is _reconstructor or callee is __newobj__ or callee is __newobj_ex__:
            return self._remake(name, callee, args)
        if name == "builtins.getattr":
            return self._member(args)
        self.refuse_records(name, args)
        rule = _CALLS.get(name) or _data.rule_of_class(callee) or _libraries.rule_of(name)
        if rule is None:
            raise Refused(name, "the table has no rule for calling it")
        made = rule(self, callee, args, keywords)
        if isinstance(made, dict):
            check_keys(name, type(made), made)
        if name not in _arrays.CALLS:
            self.note_depth(name, made, args)
        return made

    def _remake(self, name: str, maker: Any, args: tuple[Any, ...]) -> Any:
        """Call one of `copyreg`'s makers of instances."""
        if maker is __newobj__ and args:
            return self._new(args[0], args[1:], {})
        if maker is __newobj_ex__ and len(args) == 3:
            return self._new(*args)
        if maker is not _reconstructor or len(args) != 3:
            raise Refused(name, "it takes three arguments")
        cls, base, state = args
        if base is object:
            return self._new(cls, (), {})
        if base not in _data.BASES or type(state) is not base or not _is_subclass(cls, base):
            raise Refused(name, "its base is not one that the table lists")
        if self.is_trusted(cls):
            return _reconstructor(cls, base, state)
        self.check_new(cls)
        if base is dict:
            check_keys(full_name(cls), cls, state)
        if cls.__new__ is not base.__new__:
            return self._new(cls, (state,), {})
        made = _reconstructor(cls, base, state)
        return _libraries.keep(self, full_name(cls), made, ())

    def _new(self, cls: Any, args: Any, keywords: Any) -> Any:
        if type(args) is not tuple or type(keywords) is not dict:
            raise Refused(full_name(cls) or "?", "its arguments are no tuple")
        if self.is_trusted(cls) and isinstance(cls, type):
            return cls.__new__(cls, *args, **keywords)
        if not args and not keywords and cls in self._plain:
            return cls.__new__(cls)
        name = self.check_new(cls)
        self.refuse_records(name, args)
        made = _data.new(self, name, cls, args, keywords)
        if cls.__new__ is object.__new__ and not _libraries.package_of(name):
            self._plain.add(cls)
        self.note_depth(name, made, args)
        return made

    def check_new(self, cls: Any) -> str:
        """Return the name of a class of which instances may be made.

        Raises:
            Refused: if the table does not say so.

        """
        name = self.name_of(cls)
        if not isinstance(cls, type) or not _uses(name.rpartition(".")[0], cls) & _USE_NEW:
            raise Refused(name, "the table does not list it as a class of which instances are made")
        if has_finalizer(name, cls):
            raise Refused(name, "it has a finalizer, which runs when the object is dropped")
        return name

    def _member(self, args: tuple[Any, ...]) -> Any:
        """`getattr(cls, name)`: a member of an enum, or a dotted name of the table."""
        if len(args) != 2 or type(args[1]) is not str:
            raise Refused("builtins.getattr", "it takes a class and a name here")
        cls, attribute = args
        if isinstance(cls, enum.EnumMeta) and (self.is_trusted(cls) or id(cls) in self._names):
            members = cls.__members__
            if attribute in members:
                return members[attribute]
        name = self.name_of(cls)
        module = getattr(cls, "__module__", "") or ""
        dotted = f"{getattr(cls, '__qualname__', '')}.{attribute}"
        if not _native.pickle_uses(module, dotted):
            raise Refused(name, "it reaches what is no member of an enum")
        found = getattr(cls, attribute)
        self.keep(found, f"{module}.{dotted}")
        return found

    def _build(self, value: Any, state: Any) -> None:
        cls = type(value)
        name, rule = self._state_rules.get(cls) or self._state_rule(cls)
        if is_record(state):
            raise Refused(name, "its state is a record of what is not trusted")
        made = self.made.get(id(value))
        if made is not None and made.is_built:
            raise Refused(name, "it is given a state twice")
        rule(self, value, state)
        if type(state) is tuple and rule is not _arrays.array_state:
            self.note_depth(name, value, state)
        if made is not None:
            made.is_built = True

    def _state_rule(self, cls: type) -> tuple[str, State]:
        name = full_name(cls)
        if has_finalizer(name, cls):
            raise Refused(name, "it has a finalizer, which runs when the object is dropped")
        rule = _STATES.get(name) or _arrays.state_of_class(cls) or _libraries.state_of(cls, name)
        if rule is None and self._takes_state(cls, name):
            rule = _set_attributes
        if rule is None:
            raise Refused(name, "it takes no state")
        self._state_rules[cls] = (name, rule)
        return name, rule

    def _takes_state(self, cls: type, name: str) -> bool:
        module = name.rpartition(".")[0]
        if id(cls) in self.with_state:
            return True
        return bool(self._names.get(id(cls)) and _uses(module, cls) & _USE_STATE)

    def _items(self, value: Any, method: str, items: list[Any]) -> None:
        cls = type(value)
        name = full_name(cls)
        module = name.rpartition(".")[0]
        if not _uses(module, cls) & _USE_ITEMS or not self._names.get(id(cls)):
            raise Refused(name, "it takes no items")
        kinds = {"extend": list, "__setitem__": dict, "add": set}
        check_keys(name, cls, items[::2] if method == "__setitem__" else ())
        base = _data.ITEM_KINDS.get(name, kinds[method])
        if base is not kinds[method] or not hasattr(cls, method):
            raise Refused(name, "it takes no items of this kind")
        self.note_depth(name, value, tuple(items))

    # What objects hold.

    def refuse_records(self, name: str, values: tuple[Any, ...]) -> None:
        """Refuse records of what is not trusted where a value is needed.

        Raises:
            Refused: if one of the values is a record.

        """
        for value in values:
            if is_record(value):
                raise Refused(name, "it is given a record of what is not trusted")

    def note_depth(self, name: str, value: Any, parts: tuple[Any, ...]) -> None:
        """Count the levels of objects that free each other without counting.

        Raises:
            Refused: if there are too many.

        """
        deepest = 0
        for part in parts:
            if type(part) not in SCALARS:
                deepest = max(deepest, self._depth_of(part))
        if deepest == 0 or type(value) in SCALARS or type(value) in _data.SHALLOW:
            return
        if deepest >= _MAX_DEPTH:
            raise bomb(name, f"objects nested more than {_MAX_DEPTH} levels deep")
        if deepest >= self._depths.get(id(value), 1):
            self._kept.append(value)
            self._depths[id(value)] = deepest + 1

    def _depth_of(self, part: Any) -> int:
        """Levels of an object: one, if nothing is known about it."""
        cls = type(part)
        if cls in SCALARS or cls in _data.SHALLOW:
            inner = part.values() if cls is dict else part if cls in (tuple, list) else ()
            depths = self._depths
            return max(
                (
                    depths.get(id(each), 1)
                    for each in inner
                    if type(each) not in SCALARS and type(each) not in _data.SHALLOW
                ),
                default=0,
            )
        return self._depths.get(id(part), 1)


def _set_attributes(gate: Gate, value: Any, state: Any) -> None:
    del gate
    set_state(full_name(type(value)), value, state)


def _uses(module: str, cls: type) -> int:
    return _native.pickle_uses(module, cls.__qualname__)


def _is_subclass(cls: Any, base: type) -> bool:
    return isinstance(cls, type) and issubclass(cls, base)


def _is_as_listed(found: Any, name: str) -> bool:
    """Whether an object is of the kind that the table lists: no module, and no value that calls."""
    return not isinstance(found, type(_native)) and not name.startswith("__builtins__")
