"""From annotations to plans."""

from __future__ import annotations

import collections
import collections.abc as abc
import copy
import enum
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from cannery._annotations._constraints import check_of, tests_of
from cannery._annotations._generics import names_in
from cannery._typed import _classes, _numpy
from cannery._typed._node import KEEP, Node, Record, Way, refusal
from cannery._typed._scalars import LENIENT, MOMENTS, SCALARS
from cannery._typed._unions import union_of

_WRAPPERS = tuple(
    getattr(typing, name)
    for name in ("ClassVar", "Final", "Required", "NotRequired", "ReadOnly")
    if hasattr(typing, name)
)

_LISTS: dict[Any, str] = {
    list: "list",
    abc.Sequence: "list",
    abc.MutableSequence: "list",
    abc.Collection: "list",
    abc.Container: "list",
    abc.Iterable: "list",
    abc.Reversible: "list",
    set: "set",
    abc.Set: "set",
    abc.MutableSet: "set",
    frozenset: "frozenset",
}
_OTHER_LISTS: dict[Any, Callable[[list[Any]], Any]] = {collections.deque: collections.deque}
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_OTHER_DICTS: dict[Any, Callable[[dict[Any, Any]], Any]] = {
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
    collections.ChainMap: collections.ChainMap,
    types.MappingProxyType: types.MappingProxyType,
}
# What a `defaultdict` makes of a missing key, where the type of its values leaves no doubt.
_FACTORIES = (list, dict, set, int, float, str)

ANY = "Any"


class Compiler:
    """Turns annotations into numbered nodes and records.

    Classes may contain themselves: the fields of a record are compiled after everything that
    refers to it.
    """

    def __init__(self, unknown: str, strict: bool, binary: bool = False) -> None:
        self.nodes: list[Node] = []
        self.records: list[Record] = []
        self._unknown = unknown
        self._strict = strict
        self._binary = binary
        self._known: dict[Any, int] = {}
        self._fields_done = 0

    def finish(self) -> None:
        """Compile what is still to be compiled: the fields of all records."""
        while self._fields_done < len(self.records):
            record = self.records[self._fields_done]
            self._fields_done += 1
            for field in record.fields:
                try:
                    annotation = record.annotations[field.attribute]
                    field.node = self.node_of(annotation)
                except Exception as error:
                    error.add_note(f"in the field `{field.attribute}` of {record.name}")
                    raise

    def node_of(self, annotation: Any) -> int:
        """The number of the node for an annotation."""
        if annotation is object:
            annotation = Any
        try:
            known = self._known.get(annotation)
        except TypeError:  # not hashable: a list in `Annotated`
            return self._add(self._node(annotation))
        if known is None:
            # Taken before it is made: a type alias may contain itself.
            known = self._known[annotation] = self._add(Node("", {}))
            self.nodes[known] = self._node(annotation)
        return known

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _node(self, annotation: Any) -> Node:
        if annotation is Any:
            return self._any()
        if annotation is None:
            return self._scalar(type(None))
        if isinstance(annotation, TypeVar):
            return self._type_variable(annotation)
        for attribute in ("__supertype__", "__value__"):  # NewType, `type X = ...`
            if hasattr(annotation, attribute) and not isinstance(annotation, type):
                return self._aliased(annotation, attribute)
        origin = get_origin(annotation)
        if origin is not None:
            return self._generic(annotation, origin, get_args(annotation))
        if isinstance(annotation, type):
            return self._class(annotation, ())
        if isinstance(annotation, (str, typing.ForwardRef)):
            raise refusal(f"the annotation {annotation!r} names nothing", "pass the type itself")
        raise refusal(f"cannot decode into {annotation!r}: it is no type that documents can hold")

    def _aliased(self, annotation: Any, attribute: str) -> Node:
        target = getattr(annotation, attribute)
        arguments = get_args(annotation)
        if arguments and get_origin(annotation) is not None:
            target = target[arguments]
        return self._same(target)

    def _same(self, annotation: Any) -> Node:
        node = self.nodes[self.node_of(annotation)]
        if not node.expected:
            raise refusal("a type that stands for itself and nothing else")
        return node

    def _any(self) -> Node:
        # Numbers refer to the node itself: what is in it can be anything too.
        number = self._known.setdefault(Any, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(Node(ANY, {}))
        scalars = dict.fromkeys(("bool", "int", "float", "text", "bytes"), KEEP)
        return Node(
            ANY,
            {
                "null": ("value", None),
                **scalars,
                "list": ("list", number),
                "map": ("dict", number, number),
            },
            is_any=True,
        )

    def _type_variable(self, variable: TypeVar) -> Node:
        if variable.__constraints__:
            return self._union(variable.__constraints__)
        return self._same(Any if variable.__bound__ is None else variable.__bound__)

    def _generic(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Node:
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        if origin is Literal:
            return _literal(annotation)
        if origin is typing.Annotated:
            return self._annotated(arguments[0], annotation.__metadata__)
        if origin in _WRAPPERS:
            return self._same(arguments[0])
        if isinstance(origin, type):
            return self._class(origin, arguments)
        raise refusal(f"cannot decode into {annotation!r}: it is no type that documents can hold")

    def _union(self, alternatives: tuple[Any, ...]) -> Node:
        nodes = [self._same(each) for each in alternatives if not _is_unset(each)]
        return nodes[0] if len(nodes) == 1 else union_of(nodes, self.records, self._binary)

    def _annotated(self, annotation: Any, metadata: tuple[Any, ...]) -> Node:
        node, tests = self._same(annotation), tests_of(metadata)
        if not tests:
            return node
        expected = f"{node.expected} {' and '.join(words for _, words in tests)}"
        check = check_of(tests, expected)
        node = copy.copy(node)
        node.expected = expected
        node.checks = {kind: _after(node.checks.get(kind), check) for kind in node.ways}
        node.checks.pop("null", None)
        return node

    def _class(self, cls: type, arguments: tuple[Any, ...]) -> Node:
        if cls in SCALARS:
            return self._scalar(cls)
        if cls is tuple:
            return self._tuple(arguments)
        if cls in _LISTS or cls in _OTHER_LISTS:
            item = self.node_of(arguments[0] if arguments else Any)
            if cls in _LISTS:
                name = self._with_arguments(_LISTS[cls], item)
                return Node(name, {"list": (_LISTS[cls], item)})
            name = self._with_arguments(cls.__name__, item)
            return Node(name, {"list": ("call", _OTHER_LISTS[cls], item)})
        if cls in _DICTS or cls in _OTHER_DICTS or cls is collections.defaultdict:
            return self._mapping(cls, arguments)
        if issubclass(cls, enum.Enum):
            return _enumeration(cls)
        special = _numpy.node_of(cls, arguments, self.node_of(Any)) or _classes.reader_of(cls)
        if special is not None:
            return special
        record = _classes.record_of(cls, arguments)
        if record is not None:
            return self._record(record)
        for base, kind in ((str, "text"), (int, "int"), (float, "float")):
            if issubclass(cls, base):
                return Node(cls.__name__, {kind: ("call", cls)})
        raise refusal(
            f"cannot decode into {cls.__module__}.{cls.__qualname__}: its fields are not declared",
            "make it a dataclass, or decode plain values and convert them",
        )

    def _scalar(self, cls: Any) -> Node:
        ways = SCALARS[cls]
        lenient: frozenset[str] = frozenset()
        if not self._strict and cls in LENIENT:
            lenient = frozenset(LENIENT[cls]) - frozenset(ways)
            ways = ways | LENIENT[cls] if cls in MOMENTS else LENIENT[cls] | ways
        name = "None" if cls is type(None) else cls.__name__
        return Node(name, dict(ways), lenient=lenient)

    def _tuple(self, arguments: tuple[Any, ...]) -> Node:
        if not arguments:
            return Node("tuple", {"list": ("tuple", self.node_of(Any))})
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = self.node_of(arguments[0])
            name = self._with_arguments("tuple", item)
            return Node(name, {"list": ("tuple", item)})
        items = tuple(self.node_of(each) for each in arguments if each != ())
        return Node(self._with_arguments("tuple", *items), {"list": ("fixed", items)})

    def _mapping(self, cls: Any, arguments: tuple[Any, ...]) -> Node:
        key, value = (
            arguments or (Any, Any)
            if cls is not collections.Counter
            else (
                *(arguments or (Any,)),
                int,
            )
        )
        key_node = self._same(str if key is Any else key)
        if not set(key_node.ways) & {"text", "int", "float", "bool", "null"}:
            raise refusal(f"no key of an object in a document can be {key_node.expected}")
        nodes = self.node_of(str if key is Any else key), self.node_of(value)
        if cls in _DICTS:
            return Node(self._with_arguments("dict", *nodes), {"map": ("dict", *nodes)})
        make: Any = _OTHER_DICTS.get(cls) or _default_dict(value)
        name = self._with_arguments(cls.__name__, *nodes)
        return Node(name, {"map": ("call", make, *nodes)})

    def _with_arguments(self, name: str, *numbers: int) -> str:
        """The name of a generic type; its arguments are left out where one is still being made."""
        arguments = [self.nodes[number].expected for number in numbers]
        known = all(arguments) and any(argument != ANY for argument in arguments)
        return f"{name}[{', '.join(arguments)}]" if known else name

    def _record(self, record: Record) -> Node:
        record.refuses_unknown |= self._unknown == "error"
        number = len(self.records)
        self.records.append(record)
        ways: dict[str, Way] = {}
        if record.make == "tuple" or record.is_array:
            ways["list"] = ("array", number)
        if not record.is_array:
            ways["map"] = ("record", number)
        return Node(record.name, ways)


def _after(first: Any, second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return second if first is None else lambda value: second(first(value))


def _is_unset(annotation: Any) -> bool:
    cls = annotation if isinstance(annotation, type) else None
    return cls is not None and cls.__name__ == "UnsetType" and cls.__module__ == "msgspec"


def _default_dict(value: Any) -> Callable[[dict[Any, Any]], Any]:
    origin = get_origin(value) or value
    factory = origin if origin in _FACTORIES else None
    return lambda entries: collections.defaultdict(factory, entries)


# Values that are listed.


def _literal(annotation: Any) -> Node:
    values: tuple[Any, ...] = get_args(annotation)
    expected = names_in(values) if len(values) == 1 else f"one of {names_in(values)}"
    return _listed(expected, [(_value(value), value) for value in values], None, True)


def _value(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _enumeration(cls: Any) -> Node:
    members = list(cls.__members__.values())
    if issubclass(cls, enum.Flag):
        return Node(cls.__name__, {"int": ("table", {m.value: m for m in members}, cls, False)})
    fallback = cls if "_missing_" in _overridden(cls) else None
    return _listed(cls.__name__, [(member.value, member) for member in members], fallback, False)


def _overridden(cls: type) -> set[str]:
    bases = cls.__mro__[: cls.__mro__.index(enum.Enum)]
    return {name for base in bases for name in vars(base) if base.__module__ != "enum"}


def _listed(expected: str, pairs: list[tuple[Any, Any]], fallback: Any, is_literal: bool) -> Node:
    """The node for values that stand for members, each in the table of its kind."""
    tables: dict[str, dict[Any, Any]] = {}
    for value, member in pairs:
        tables.setdefault(_kind_of(value, expected), {})[value] = member
    ways: dict[str, Way] = {}
    for kind, table in tables.items():
        if kind == "text" or (kind == "int" and all(-(2**63) <= v < 2**63 for v in table)):
            ways[kind] = ("table", table, fallback, is_literal)
        elif kind == "null":
            ways[kind] = ("value", table[None])
        else:
            ways[kind] = ("call", _member_of(table))
    return Node(expected, ways)


def _kind_of(value: Any, expected: str) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (type(None), "null"),
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (str, "text"),
    )
    for cls, kind in kinds:
        if isinstance(value, cls):
            return kind
    raise refusal(f"{expected} has a value that no document holds: {value!r}")


def _member_of(table: dict[Any, Any]) -> Callable[[Any], Any]:
    def member(value: Any) -> Any:
        if value not in table:
            raise ValueError("not one of its values")
        return table[value]

    return member
