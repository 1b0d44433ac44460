"""Writing pickles: depth costs memory only, and plain instances are written as CPython does."""

from __future__ import annotations

import abc
import copyreg
import dataclasses
import io
import pickle as stdlib
from typing import Any

import pytest

from cannery import pickle
from cannery.pickle import unsafe

DEPTH = 100_000


class Link:
    """Says by a call what it is made of: each call has the next link among its arguments."""

    def __init__(self, next: Any = None) -> None:
        self.next = next

    def __reduce__(self) -> tuple[Any, ...]:
        return Link, (self.next,)


class Stated(Link):
    """Has the next link in its state."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Stated, (), {"next": self.next}


class Listed(list[Any]):
    """A list of a class of its own: items come from an iterator."""


class Attributes:
    """Nothing but attributes."""


def nested(make: Any, depth: int = DEPTH) -> Any:
    value = make(None)
    for _ in range(depth - 1):
        value = make(value)
    return value


def attribute(value: Any) -> Attributes:
    made = Attributes()
    made.next = value
    return made


CHAINS = {
    "lists": lambda value: [value],
    "long lists": lambda value: [1, value, 2],
    "tuples": lambda value: (value,),
    "long tuples": lambda value: (1, 2, 3, value, 4),
    "dictionaries": lambda value: {"key": value},
    "larger dictionaries": lambda value: {"a": 1, "b": value, "c": 2},
    "frozen sets": lambda value: frozenset([value]),
    "calls": Link,
    "states": Stated,
    "attributes": attribute,
    "lists of a class": lambda value: Listed([value]),
}


@pytest.mark.parametrize("protocol", [1, 5])
@pytest.mark.parametrize("name", CHAINS)
def test_depth_costs_memory_only(name: str, protocol: int) -> None:
    data = pickle.dumps(nested(CHAINS[name]), protocol)
    # The same algorithm at any depth: where CPython's own stack is enough, the bytes are its bytes.
    shallow = nested(CHAINS[name], 50)
    assert pickle.dumps(shallow, protocol) == stdlib.dumps(shallow, protocol)
    assert len(data) > DEPTH
    file = io.BytesIO()
    pickle.dump(nested(CHAINS[name], 1000), file, protocol)
    assert unsafe.loads(data) is not None


def test_depth_under_hooks() -> None:
    class Writer(pickle.Pickler):
        def persistent_id(self, obj: Any, /) -> Any:
            return None

    file = io.BytesIO()
    Writer(file).dump(nested(CHAINS["lists"]))
    assert file.getvalue() == pickle.dumps(nested(CHAINS["lists"]))
    assert len(pickle.dumps(nested(CHAINS["tuples"]), deterministic=True)) > DEPTH
    sets = pickle.dumps(nested(CHAINS["frozen sets"]), deterministic=True)
    assert len(sets) > DEPTH


def test_sets_inside_sets_cost_their_size_only() -> None:
    deep: Any = 0
    for level in range(DEPTH):
        deep = frozenset([level, (deep,), "text"]) if level % 2 else frozenset([deep, None])
    data = pickle.dumps(deep, deterministic=True)
    assert DEPTH < len(data) < 40 * DEPTH
    assert pickle.dumps({0: deep}, 2, deterministic=True) == pickle.dumps(
        {0: deep}, 2, deterministic=True
    )
    wide = {
        frozenset([f"a{i}", frozenset([i, -i - 1]), (i, frozenset([str(i)]))]) for i in range(5000)
    }
    again = {frozenset(sorted(item, key=str)) for item in sorted(wide, key=str, reverse=True)}
    data = pickle.dumps(wide, deterministic=True)
    assert data == pickle.dumps(again, deterministic=True)
    assert stdlib.loads(data) == wide


class Holder:
    """Has an attribute, and a hash that does not depend on it."""

    held: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Holder, (), {"held": self.held, "fresh": frozenset([1, 2, (3, 4)])}


def test_a_set_that_holds_itself_is_sorted() -> None:
    holder = Holder()
    held = frozenset([holder, 1, 2, frozenset(["x", "y"])])
    holder.held = held
    back = stdlib.loads(pickle.dumps([held, held], deterministic=True))
    assert back[0] is back[1]
    assert {1, 2, frozenset(["x", "y"])} < back[0]


def test_many_references_take_no_square_of_time() -> None:
    shared = [[i] for i in range(20_000)]
    data = pickle.dumps([shared, list(shared), list(shared)], deterministic=True)
    assert all(one is other for one, other in zip(*stdlib.loads(data)[:2], strict=True))


class Endless:
    """Is made of another one, which is made of another one."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Endless, (Endless(),)


def test_endless_objects_are_an_error() -> None:
    with pytest.raises(RecursionError, match="while pickling an object"):
        pickle.dumps(Endless())


class Base:
    kind = "base"

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Derived(Base):
    @property
    def computed(self) -> int:
        return 5


class Weak:
    __slots__ = ("__dict__", "__weakref__")
    __init__ = Base.__init__


class Slotted(Base):
    __slots__ = ("slot",)


class EmptySlots(Base):
    __slots__ = ()


class Arguments(Base):
    def __getnewargs__(self) -> tuple[int]:
        return (1,)

    def __new__(cls, *_: Any, **attributes: Any) -> Any:
        return super().__new__(cls)


class GetState(Base):
    def __getstate__(self) -> Any:
        return {"other": 1}


class Reduce(Base):
    def __reduce__(self) -> Any:
        return Reduce, ()


class ReduceEx(Base):
    def __reduce_ex__(self, protocol: Any, /) -> Any:
        return ReduceEx, (), {"protocol": protocol}


class GetAttribute(Base):
    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class GetAttr(Base):
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class SlotNames(Base):
    __slotnames__ = ("kind",)


class Abstract(abc.ABC, Base):  # type: ignore[misc]
    pass


class FailureError(Exception):
    pass


class Registered(Base):
    pass


@dataclasses.dataclass
class Data:
    x: int = 1
    y: Any = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int = 1


@dataclasses.dataclass(slots=True)
class SlottedData:
    x: int = 1


def special(**attributes: Any) -> Base:
    value = Base()
    vars(value).update(attributes)
    return value


PAIRS: dict[str, Any] = {
    **{
        each.__name__: [each(a=1), each(a=2, b=[3]), each(), each(é=1)]
        for each in (
            *(Base, Derived, Weak, Slotted, EmptySlots, Arguments, GetState, Reduce, ReduceEx),
            *(GetAttribute, GetAttr, SlotNames, Abstract, Registered),
        )
    },
    "dataclasses": [Data(), Data(2, [Data(3)]), Frozen(), Frozen(2), SlottedData(), SlottedData(4)],
    "exceptions": [FailureError(1), FailureError(2)],
    "special names": [special(a=1), special(__reduce_ex__=lambda _: "PAIRS"), special(a=1)],
    "own state": [special(a=1), special(__getstate__=lambda: {"b": 2}), special(a=1)],
    "own arguments": [special(a=1), special(__getnewargs__=tuple, a=2), special(a=1)],
    "odd keys": [special(a=1), special(**{"__x__": 1, "a b": 2})],
    "no text as key": [
        special(a=1),
        (lambda value: (vars(value).update({1: 2}), value)[1])(Base()),
    ],
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", PAIRS)
def test_instances_are_written_as_cpython_does(name: str, protocol: int) -> None:
    copyreg.pickle(Registered, lambda value: (Registered, ()))  # type: ignore[arg-type]
    try:
        expected: bytes | type = stdlib.dumps(PAIRS[name], protocol)
    except Exception as error:
        expected = type(error)
    if isinstance(expected, type):
        with pytest.raises(expected):
            pickle.dumps(PAIRS[name], protocol)
    else:
        assert pickle.dumps(PAIRS[name], protocol) == expected
        back, theirs = unsafe.loads(expected), stdlib.loads(expected)
        assert [vars_of(value) for value in back] == [vars_of(value) for value in theirs]


def vars_of(value: Any) -> Any:
    return type(value), list(vars(value)) if hasattr(value, "__dict__") else None


def test_a_class_that_changes_meanwhile_is_asked_again() -> None:
    class Changing(Base):
        pass

    Changing.__qualname__ = "Changing"
    globals()["Changing"] = Changing

    class Changer:
        def __reduce__(self) -> Any:
            Changing.__getstate__ = lambda self: {"changed": True}  # type: ignore[method-assign]
            return int, ()

    def values() -> list[Any]:
        if "__getstate__" in vars(Changing):
            del Changing.__getstate__
        return [Changing(a=1), Changing(a=2), Changer(), Changing(a=3)]

    expected = stdlib.dumps(values())
    assert b"changed" in expected
    assert pickle.dumps(values()) == expected


class Described:
    """Sets through a property; a state goes past it, into the attributes."""

    def __init__(self) -> None:
        vars(self)["x"] = 1

    @property
    def x(self) -> int:
        return vars(self)["x"]

    @x.setter
    def x(self, value: int) -> None:
        raise AssertionError("a state is no assignment")


class Refusing:
    def __setattr__(self, name: str, value: Any) -> None:
        raise AssertionError("a state is no assignment")


def test_a_state_goes_into_the_attributes() -> None:
    refusing = Refusing()
    vars(refusing)["y"] = 2
    for load in (unsafe.loads, lambda data: pickle.loads(data, trust=[Described, Refusing])):
        described, other = load(stdlib.dumps([Described(), refusing]))
        assert (described.x, vars(described), vars(other)) == (1, {"x": 1}, {"y": 2})
        assert list(vars(load(pickle.dumps(Data(5, 6))) if load is unsafe.loads else Data())) == [
            "x",
            "y",
        ]
