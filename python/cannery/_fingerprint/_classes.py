"""What a class is made of, as it is loaded."""

from __future__ import annotations

import abc
import enum
from collections.abc import Iterator
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple

# What libraries keep about a class says again what the class says, or is not there from the start.
_KEPT_BY_PYTHON = frozenset({"_abc_impl", "_is_protocol", "_is_runtime_protocol"})
# Special members that say something that is nowhere else.
_TELLING = frozenset({"__slots__", "__match_args__", "__attrs_attrs__", "__pydantic_fields__"})
_OF_ENUMS = frozenset(
    {"_member_names_", "_member_map_", "_value2member_map_", "_unhashable_values_"}
    | {"_hashable_values_", "_unhashable_values_map_", "_use_args_", "_member_type_"}
    | {"_value_repr_", "_new_member_", "_generate_next_value_", "_sort_order_"}
)


class ClassParts(NamedTuple):
    """A class, taken apart."""

    said: str
    bases: list[type]
    members: list[tuple[str, Any]]
    #: Whether no library's machinery made more of it than it says.
    is_plain: bool
    #: Of its fields.
    annotations: list[Any]


def parts_of_class(cls: type) -> ClassParts:
    """Take a class apart: what it says, its bases, and its members by name."""
    meta = type(cls)
    bases = [*cls.__bases__, *([meta] if meta is not type else [])]
    members = list(_members(cls))
    fields = _fields(cls)
    texts = {name: _text_of(each) for name, each in fields.items()}
    said = repr([texts, [name for name, _ in members]])
    is_plain = meta.__module__ in ("builtins", "abc", "enum")
    return ClassParts(said, bases, members, is_plain, list(fields.values()))


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    is_enum = issubclass(cls, enum.Enum)
    if is_enum:
        for name, member in cls.__members__.items():
            yield name, member._value_
    for name, value in vars(cls).items():
        if name == "_abc_impl":
            yield "registered", _registered(cls)
        if name in _KEPT_BY_PYTHON or (is_enum and _is_of_enum(name, value)):
            continue
        if isinstance(value, (GetSetDescriptorType, MemberDescriptorType)):
            continue
        is_special = name.startswith("__") and name.endswith("__")
        if not is_special or name in _TELLING or _is_method(value):
            yield name, value
    yield from _field_defaults(cls)
    if "__struct_fields__" in dir(cls):
        # A struct of msgspec keeps them where no dictionary is looked into.
        yield "fields", getattr(cls, "__struct_fields__", None)
        yield "defaults", getattr(cls, "__struct_defaults__", None)


# What an abstract class keeps: the classes that were registered, and what it has found by now.
_dump: Any = getattr(abc, "_get_dump", None) or (lambda _: ((),))


def _registered(cls: type) -> list[type]:
    """Return the classes that an abstract one was told to take for its own."""
    found = [reference() for reference in _dump(cls)[0]]
    return sorted((each for each in found if each is not None), key=lambda each: each.__qualname__)


def _is_of_enum(name: str, value: Any) -> bool:
    kind = type(value)
    return name in _OF_ENUMS or isinstance(value, enum.Enum) or kind.__module__ == "enum"


def _is_method(value: Any) -> bool:
    return isinstance(value, (FunctionType, classmethod, staticmethod, property))


def _fields(cls: type) -> dict[str, Any]:
    """Return the annotations of a class's own fields, which may be checked at run time."""
    annotations = vars(cls).get("__annotations__")
    if annotations is None and "__annotate_func__" in vars(cls):
        annotations = getattr(cls, "__annotations__", None)
    if not isinstance(annotations, dict):
        return {}  # those of a class made by C
    return annotations


def _text_of(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return annotation.__qualname__ if isinstance(annotation, type) else repr(annotation)


def _field_defaults(cls: type) -> Iterator[tuple[str, Any]]:
    """Give what a dataclass's fields say: a factory is nowhere else."""
    for name, field in vars(cls).get("__dataclass_fields__", {}).items():
        parts = (field.default, field.default_factory, field.init, field.repr, field.compare)
        yield f"field {name}", (*(_missing_as_none(part) for part in parts), dict(field.metadata))


def _missing_as_none(part: Any) -> Any:
    return None if type(part).__module__ == "dataclasses" else part
