"""Values that are met more than once, and that contain themselves."""

# pyright: basic

from __future__ import annotations

import collections
import functools
import types
from typing import Any

from samples.classes import (
    DC,
    ADict,
    AList,
    AStr,
    DCFrozen,
    Node,
    Point,
    Slots,
    State,
    StateTuple,
    TupleWithDict,
    function,
)
from samples.registry import sample

# One sample a line.
# fmt: off

def shared_everywhere() -> Any:
    a, t_, f, s, b = [1], (1, [2]), frozenset({3}), {4}, bytearray(b"b")
    return {"l": [a, a], "t": [t_, t_], "f": (f, {f: f}), "s": [s, s], "b": [b, b], "all": [a, t_, f, s, b]}


def shared_text() -> Any:
    text, number, data = "x" * 200, 10**50, bytes(1000)
    return [text, text, number, number, data, data]


def list_cycle() -> Any:
    a: list = [1]
    a.append({"back": a, "t": (a, [a])})
    return a


def dict_cycle() -> Any:
    d: dict = {"n": 1}
    d["self"] = d
    d[5] = [d]
    return d


def tuple_cycle() -> Any:
    items: list = []
    made = (1, items)
    items.append(made)
    return made


def tuple_deep_cycle() -> Any:
    items: list = []
    made = ((items, 1), (2,))
    items += [made, made[0]]
    return {"t": made, "again": made[0]}


def object_cycle() -> Any:
    root = Node("root")
    child = Node("child", root)
    root.children.append(child)
    child.peers["root"] = root
    root.peers["self"] = root
    return root


def dataclass_in_tuple_cycle() -> Any:
    node = Node("n")
    node.children = (node, [node])
    return (node, node)


def set_cycle() -> Any:
    node = Node("n")
    node.peers = {node}
    return node


def frozenset_cycle() -> Any:
    node = Node("n")
    node.peers = frozenset({node, (node, 1)})
    return node


def key_cycle() -> Any:
    node = Node("n")
    node.peers = {node: 1, (node, "k"): node}
    return node


def deque_cycle() -> Any:
    d: Any = collections.deque([1], 5)
    d.append(d)
    return [d]


def ordered_cycle() -> Any:
    d: Any = collections.OrderedDict(a=1)
    d["self"] = d
    return d


def defaultdict_cycle() -> Any:
    d: Any = collections.defaultdict(list)
    d["self"] = [d]
    return d


def namespace_cycle() -> Any:
    n = types.SimpleNamespace()
    n.me = n
    n.others = (n, [n])
    return n


def subclass_cycle() -> Any:
    a, d = AList([1]), ADict()
    a.append(d)
    a.me = a
    d["a"] = a
    d.me = d
    return a


def slots_cycle() -> Any:
    s = Slots()
    s.a = [s]
    s.b = (s,)
    return s


def chain_cycle() -> Any:
    c = collections.ChainMap({"a": 1})
    c["me"] = c
    return c


def user_cycle() -> Any:
    u = collections.UserDict()
    u["me"] = u
    return u


def error_cycle() -> Any:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__context__ = second, first
    first.data = [first]
    return first


def named_tuple_cycle() -> Any:
    items: list = []
    made = Point(1, items)
    items.append(made)
    return made


def frozen_dataclass_cycle() -> Any:
    items: list = []
    made = DCFrozen(1, items)
    items.append(made)
    return made


def attribute_of_text_cycle() -> Any:
    text = AStr("x")
    text.me = text
    return text


def attribute_of_tuple_cycle() -> Any:
    made = TupleWithDict((1, 2))
    made.me = made
    return made


def partial_shared() -> Any:
    items = [1]
    return [functools.partial(function, items), items]


def proxy_shared() -> Any:
    inner = {"a": 1}
    return [types.MappingProxyType(inner), inner]


def linked(count: int = 300) -> Any:
    node = None
    for number in range(count):
        node = Node(str(number), node)
    return node


for make in (
    shared_everywhere, shared_text, list_cycle, dict_cycle, tuple_cycle, tuple_deep_cycle, object_cycle, dataclass_in_tuple_cycle,
    set_cycle, key_cycle, deque_cycle, ordered_cycle, defaultdict_cycle, namespace_cycle, subclass_cycle, slots_cycle, chain_cycle,
    user_cycle, error_cycle, frozen_dataclass_cycle, partial_shared,
    frozenset_cycle, named_tuple_cycle, attribute_of_text_cycle, attribute_of_tuple_cycle,
):  # fmt: skip
    sample(make.__name__.replace("_", " "), make)
sample("same class twice", lambda: [DC, DC, int, int])
sample("state cycle", lambda: (lambda s: (setattr(s, "a", [s]), s)[1])(State(1)))
sample("state tuple cycle", lambda: (lambda s: (setattr(s, "a", [s]), s)[1])(StateTuple(1)))
