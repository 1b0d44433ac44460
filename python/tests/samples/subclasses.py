"""Subclasses of types that have a form of their own, objects in their own sets, and what is deep."""

# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false
# pyright: reportMissingModuleSource=false

from __future__ import annotations

import collections
import copyreg
import dataclasses
import datetime as dt
import decimal
import fractions
import functools
import io
import ipaddress
import pathlib
import random
import types
from typing import Any

from samples.registry import SAME, sample, with_attributes


class OwnPartial(functools.partial): ...


class OwnBytesIO(io.BytesIO): ...


class OwnStringIO(io.StringIO): ...


class OwnOrdered(collections.OrderedDict): ...


class OwnCounter(collections.Counter): ...


class OwnDeque(collections.deque): ...


class OwnDefault(collections.defaultdict): ...


class OwnChain(collections.ChainMap): ...


class OwnPath(pathlib.PurePosixPath): ...


class OwnDecimal(decimal.Decimal): ...


class OwnFraction(fractions.Fraction): ...


class OwnMoment(dt.datetime): ...


class OwnDelta(dt.timedelta): ...


class OwnSpace(types.SimpleNamespace): ...


class OwnRandom(random.Random): ...


class OwnNetwork(ipaddress.IPv4Network): ...


class OwnDict(collections.UserDict): ...


class OwnSlot(decimal.Decimal):
    __slots__ = ("note",)


def plain(x: Any) -> Any:
    return x


_MADE = {
    "partial": lambda: functools.partial(int, base=2),
    "BytesIO": lambda: io.BytesIO(b"abc"),
    "StringIO": lambda: io.StringIO("abc"),
    "OrderedDict": lambda: collections.OrderedDict(a=1),
    "Counter": lambda: collections.Counter("aab"),
    "ChainMap": lambda: collections.ChainMap({1: 2}),
    "UserDict": lambda: collections.UserDict(a=1),
    "UserList": lambda: collections.UserList([1]),
    "UserString": lambda: collections.UserString("a"),
    "IPv4Network": lambda: ipaddress.ip_network("10.0.0.0/8"),
    "IPv6Interface": lambda: ipaddress.ip_interface("::1/64"),
    "Random": lambda: random.Random(3),
    "OwnPartial": lambda: OwnPartial(int, base=2),
    "OwnBytesIO": lambda: with_position(OwnBytesIO(b"abc")),
    "OwnStringIO": lambda: with_position(OwnStringIO("abc")),
    "OwnOrdered": lambda: OwnOrdered(a=1),
    "OwnCounter": lambda: OwnCounter("aab"),
    "OwnDeque": lambda: OwnDeque([1, 2], 3),
    "OwnDefault": lambda: OwnDefault(list, {1: [2]}),
    "OwnChain": lambda: OwnChain({1: 2}, {3: 4}),
    "OwnPath": lambda: OwnPath("/a/b"),
    "OwnDecimal": lambda: OwnDecimal("1.50"),
    "OwnFraction": lambda: OwnFraction(1, 3),
    "OwnMoment": lambda: OwnMoment(2026, 1, 2, tzinfo=dt.UTC, fold=1),
    "OwnDelta": lambda: OwnDelta(1, 2),
    "OwnSpace": lambda: OwnSpace(a=1),
    "OwnRandom": lambda: OwnRandom(3),
    "OwnNetwork": lambda: OwnNetwork("10.0.0.0/8"),
    "OwnDict": lambda: OwnDict(a=1),
    "OwnSlot": lambda: OwnSlot("1.5"),
}


def with_position(file: Any) -> Any:
    file.seek(1)
    return file


for _name, _make in _MADE.items():
    sample(f"subclass {_name}", _make)
    sample(f"attribute of {_name}", lambda make=_make: with_attributes(make(), note=["kept"]))


# Objects that are keys or items of what they hold, hashed by attributes.


class Node:
    def __init__(self, name: str, **attributes: Any) -> None:
        self.links: Any = None
        vars(self).update(attributes)
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.name == other.name


class SlotNode:
    __slots__ = ("links", "name")

    def __init__(self, name: str) -> None:
        self.links = {self.__class__.__name__: self}
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SlotNode) and self.name == other.name


class StateNode(Node):
    def __getstate__(self) -> dict[str, Any]:
        return {"links": self.links, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


@dataclasses.dataclass(unsafe_hash=True)
class KeyNode:
    number: int = 0
    peers: set = dataclasses.field(default_factory=set, compare=False)


class OwnSet(set): ...


def linked(node: Any, links: Any) -> Any:
    node.links = links(node)
    return node


_LINKS = {
    "set": lambda node: {node, 1},
    "dict": lambda node: {node: 1, 2: node},
    "frozenset": lambda node: frozenset([node]),
    "tuple key": lambda node: {(node, 1): 2},
    "OrderedDict": lambda node: collections.OrderedDict({node: 1}),
    "Counter": lambda node: collections.Counter([node]),
    "defaultdict": lambda node: collections.defaultdict(list, {node: [node]}),
    "subclass of set": lambda node: OwnSet([node]),
    "nested": lambda node: [{"a": ({node},)}],
}
for _name, _links in _LINKS.items():
    sample(f"node in its own {_name}", lambda links=_links: linked(Node("a"), links))
    if _name not in ("frozenset", "OrderedDict", "Counter", "defaultdict", "subclass of set"):
        sample(
            f"node with state in its own {_name}",
            lambda links=_links: linked(StateNode("a"), links),
        )


def slot_node() -> SlotNode:
    node = SlotNode("a")
    node.links = {node: {node}}
    return node


def two_nodes() -> list[Node]:
    one, other = Node("one"), Node("other")
    one.links, other.links = {other: 1, one: 2}, {one: {other}}
    return [one, other]


def key_nodes() -> dict[KeyNode, int]:
    one, other = KeyNode(1), KeyNode(2)
    one.peers |= {one, other}
    other.peers |= {one}
    return {one: 1, other: 2}


sample("node with slots", slot_node)
sample("two nodes that are keys of each other", two_nodes)
sample("dataclasses with hashes in each other's sets", key_nodes)


# Callables that hold themselves.


def self_holding(cls: Any) -> Any:
    items: list[Any] = []
    value = cls(int, items)
    items.append(value)
    return value


sample("partial in its own arguments", lambda: self_holding(functools.partial))
sample("partial of a subclass in its own arguments", lambda: self_holding(OwnPartial))
sample(
    "partial in its own attribute",
    lambda: (lambda value: with_attributes(value, me=value))(functools.partial(int)),
)


# What is deep.


@dataclasses.dataclass
class Link:
    value: int
    next: Any = None


def chain(length: int) -> Any:
    first: Any = None
    for value in range(length):
        first = Link(value, first)
    return first


def same_chain(one: Any, other: Any) -> bool:
    while one is not None:
        if type(one) is not type(other) or one.value != other.value:
            return False
        one, other = one.next, other.next
    return other is None


def nested(make: Any, depth: int) -> Any:
    value = make(())
    for _ in range(depth):
        value = make((value,))
    return value


def same_nesting(one: Any, other: Any) -> bool:
    while one:
        if type(one) is not type(other) or len(other) != 1:
            return False
        (one,), (other,) = one, other
    return type(one) is type(other) and not other


sample("2,000 nodes in a chain", lambda: chain(2000))
SAME["2,000 nodes in a chain"] = same_chain
for _cls in (frozenset, tuple):
    sample(f"900 levels of {_cls.__name__}", lambda cls=_cls: nested(cls, 900))
    SAME[f"900 levels of {_cls.__name__}"] = same_nesting


# Forms of `__reduce__`.


class ByNew:
    def __reduce__(self) -> Any:
        return object.__new__, (ByNew,), {"a": 1}

    def __init__(self) -> None:
        self.a = 1


class ByReconstructor:
    def __init__(self) -> None:
        self.a = 1

    def __reduce__(self) -> Any:
        return copyreg._reconstructor, (ByReconstructor, object, None), {"a": self.a}  # pyright: ignore


class InItsState:
    def __init__(self) -> None:
        self.me = self

    def __reduce__(self) -> Any:
        return InItsState, (), {"me": self}


class OwnNewEx:
    def __new__(cls, a: Any, *, b: Any = 0) -> Any:
        made = object.__new__(cls)
        made.a, made.b = a, b
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copyreg.__newobj_ex__, (OwnNewEx, (self.a,), {"b": self.b})  # pyright: ignore


sample("reduce object.__new__", ByNew)
sample("reduce _reconstructor", ByReconstructor)
sample("reduce with itself in its state", InItsState)
sample("reduce own __newobj_ex__", lambda: OwnNewEx(1, b=2))
