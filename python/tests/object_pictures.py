"""What an object is made of, all the way down: equal for objects that nobody can tell apart."""

from __future__ import annotations

import array
import collections
import enum
import pathlib
import types
import weakref
from typing import Any

_ATOMS = (type(None), bool, int, str, bytes, types.EllipsisType, types.NotImplementedType)
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType)
_CHAIN = ("__cause__", "__context__", "__suppress_context__", "errno", "filename", "filename2")


def picture(value: Any) -> list[Any]:
    """Every part of a value with its type, in order, and which parts are the same object."""
    return _Picture().of(value)


class _Picture:
    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.kept: list[Any] = []

    def of(self, value: Any) -> list[Any]:
        cls = type(value)
        if cls in _ATOMS:
            return [cls.__name__, value]
        if cls in (float, complex):
            return [cls.__name__, repr(value)]
        if isinstance(value, _NAMED) and not isinstance(value, enum.EnumType):
            named = getattr(value, "__self__", None)
            owner = "" if named is None or isinstance(named, types.ModuleType) else repr(named)
            return ["name", getattr(value, "__module__", None), value.__qualname__, owner]
        if isinstance(value, enum.Enum):
            return ["member", cls.__module__, cls.__qualname__, value._name_, repr(value._value_)]
        if isinstance(value, types.UnionType):
            return ["union", repr(value)]
        if isinstance(value, type):
            return ["name", value.__module__, value.__qualname__]
        return self._object(value)

    def _object(self, value: Any) -> list[Any]:
        if id(value) in self.seen and value != ():
            return ["again", self.seen[id(value)]]
        self.seen[id(value)] = len(self.seen)
        self.kept.append(value)
        cls = type(value)
        parts: list[Any] = [cls.__module__, cls.__qualname__]
        for base, items in _CONTENTS:
            if isinstance(value, base):
                return [*parts, *map(self.of, items(value)), *self._attributes(value)]
        if isinstance(value, (set, frozenset)):
            return [*parts, *self._set(value), *self._attributes(value)]
        if isinstance(value, BaseException):
            chain = [self.of(getattr(value, name, None)) for name in _CHAIN]
            return [*parts, self.of(value.args), *chain, *self._attributes(value)]
        if isinstance(value, pathlib.PurePath):
            # Its slots keep how it was put together, which its text does not tell.
            return [*parts, str(value), self.of(getattr(value, "__dict__", {}))]
        if _is_python(cls):
            return [*parts, *self._attributes(value)]
        return [*parts, *self._reduced(value)]

    def _set(self, value: Any) -> list[Any]:
        """Its items in an order of their own, as far down as they are immutable."""
        items = list(frozenset.__iter__(frozenset(value)))
        return [self.of(item) for item in sorted(items, key=_order)]

    def _attributes(self, value: Any) -> list[Any]:
        names = [
            name
            for base in type(value).__mro__
            for name, found in base.__dict__.items()
            if isinstance(found, types.MemberDescriptorType) and _is_heap(base)
        ]
        slots = {name: type(value).__dict__.get(name) for name in names}
        found: list[Any] = []
        for base in type(value).__mro__:
            for name, member in base.__dict__.items():
                if isinstance(member, types.MemberDescriptorType) and name in slots:
                    try:
                        found.append([name, self.of(member.__get__(value))])
                    except AttributeError:
                        found.append([name, "unset"])
        try:
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return found
        return found + [[self.of(name), self.of(item)] for name, item in attributes.items()]

    def _reduced(self, value: Any) -> list[Any]:
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            return [reduced]
        function, arguments, state, items, pairs, *_ = (*reduced, None, None, None, None)
        parts = [function, arguments, state, list(items or ()), list(pairs or ())]
        self.kept.append(parts)
        return [self.of(part) for part in parts]


def _order(item: Any) -> str:
    if isinstance(item, (tuple, frozenset)):
        return f"{type(item)}{sorted(map(_order, item))}"
    is_atom = isinstance(item, (*_ATOMS, float, complex, enum.Enum))
    return f"{type(item)}{item if is_atom else ''}"


def _is_heap(cls: type) -> bool:
    return bool(cls.__flags__ & (1 << 9))


def _is_python(cls: type) -> bool:
    return all(_is_heap(base) and "__module__" in base.__dict__ for base in cls.__mro__[:-1])


# By the methods of the base: a subclass may have others.
_CONTENTS: list[tuple[Any, Any]] = [
    (str, lambda value: [str.__str__(value)]),
    (bytes, lambda value: [bytes.__getitem__(value, slice(None))]),
    (bytearray, lambda value: [bytes(memoryview(value))]),
    (memoryview, lambda value: [value.tobytes(), value.format, value.shape, value.readonly]),
    (array.array, lambda value: [value.typecode, value.tobytes()]),
    (int, lambda value: [int.__int__(value)]),
    (float, lambda value: [float.__float__(value)]),
    (complex, lambda value: [complex(value.real, value.imag)]),
    (tuple, tuple.__iter__),
    (list, list.__iter__),
    (collections.OrderedDict, lambda value: _flat(collections.OrderedDict.items(value))),
    (collections.defaultdict, lambda value: [value.default_factory, *_flat(dict.items(value))]),
    (dict, lambda value: _flat(dict.items(value))),
    (collections.deque, lambda value: [value.maxlen, *value]),
    (types.MappingProxyType, lambda value: [value | {}]),
    (weakref.ref, lambda _: []),
]


def _flat(pairs: Any) -> list[Any]:
    return [part for pair in pairs for part in pair]
