"""Classes with declared fields: which they are, and how their instances are made.

Where a class leaves all of it to the library that made it, instances are made without calling
`__init__`: its fields are set, and `__post_init__` is called. A class with an `__init__`, `__new__`
or `__setattr__` of its own is called, as its author expects.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any, get_args, get_origin

from cannery._annotations._generics import annotations_of
from cannery._typed._node import Field, Node, Record, Way, refusal


def record_of(cls: Any, arguments: tuple[Any, ...]) -> Record | None:
    """The record for a class; `None` if its fields are not declared."""
    if typing.is_typeddict(cls) or hasattr(cls, "__total__"):
        return _of_typed_dict(cls, arguments)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _of_named_tuple(cls, arguments)
    if hasattr(cls, "__struct_fields__"):
        return _of_struct(cls, arguments)
    if hasattr(cls, "__attrs_attrs__"):
        return _of_attrs(cls, arguments)
    if dataclasses.is_dataclass(cls):
        return _of_dataclass(cls, arguments)
    return None


def reader_of(cls: Any) -> Node | None:
    """The node for a class of pydantic's, which reads JSON by itself, by its own rules."""
    validator = vars(cls).get("__pydantic_validator__")
    if validator is None:
        return None
    if not vars(cls).get("__pydantic_complete__", True):
        cls.model_rebuild()
        validator = cls.__pydantic_validator__
    return Node(cls.__name__, {}, read=_without_details(validator.validate_json))


def _without_details(validate: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        try:
            return validate(data)
        except ValueError as error:
            found: Any = getattr(error, "errors", lambda **_: [])(include_url=False)
            if not found:
                raise
            raise PathError(found[0]["msg"], list(found[0]["loc"])) from error

    return read


class PathError(ValueError):
    """What is wrong inside a value that was read in one piece."""

    def __init__(self, said: str, steps: list[str | int]) -> None:
        super().__init__(said)
        # The native reader looks at both.
        self.said = said
        self.steps = steps


def _of_dataclass(cls: Any, arguments: tuple[Any, ...]) -> Record:
    declared = vars(cls).get("__dataclass_fields__") or cls.__dataclass_fields__
    for field in declared.values():
        if field._field_type is dataclasses._FIELD_INITVAR:  # pyright: ignore
            raise refusal(
                f"cannot decode into {cls.__name__}: `{field.name}` is an InitVar, not a field",
                "make it a field, or decode into a dict and call the class",
            )
    if not _leaves_making_to_its_decorator(cls):
        return _called(cls, arguments, [field for field in dataclasses.fields(cls) if field.init])
    fields = [
        Field(field.name if field.init else None, field.name, default=_default_of(field))
        for field in dataclasses.fields(cls)
        # Without a default, `__post_init__` sets it.
        if field.init or _default_of(field) is not None
    ]
    after = "__post_init__" if hasattr(cls, "__post_init__") else None
    return _record(cls, arguments, "instance", fields, after)


def _record(
    cls: Any, arguments: tuple[Any, ...], make: str, fields: list[Field], after: str | None
) -> Record:
    annotations = annotations_of(cls, arguments)
    # Fields of `make_dataclass` and untyped named tuples have no annotations.
    annotations = {field.attribute: Any for field in fields} | annotations
    calls = any(field.default and field.default[0] == "call" for field in fields)
    runs = make == "call" or after is not None or calls or hasattr(cls, "__del__")
    return Record(cls.__name__, cls, make, fields, annotations, after, runs_python=runs)


def _called(cls: Any, arguments: tuple[Any, ...], declared: list[Any]) -> Record:
    """A class that is called with the fields that the document has."""
    fields = [
        Field(field.name, field.name, default=None if _default_of(field) is None else ("absent",))
        for field in declared
    ]
    return _record(cls, arguments, "call", fields, None)


def _default_of(field: Any) -> Way | None:
    if field.default is not dataclasses.MISSING:
        return ("value", field.default)
    if field.default_factory is not dataclasses.MISSING:
        return _factory(field.default_factory)
    return None


def _factory(factory: Any) -> Way:
    empty = {list: "list", dict: "dict", set: "set"}.get(factory)
    return (empty,) if empty is not None else ("call", factory)


def _leaves_making_to_its_decorator(cls: Any) -> bool:
    code = getattr(cls.__init__, "__code__", None)
    setter = _definer(cls, "__setattr__")
    frozen = getattr(vars(setter).get("__dataclass_params__"), "frozen", False)
    return (
        # The function in which the standard library makes the methods it generates.
        getattr(code, "co_qualname", "").startswith("__create_fn__.")
        and cls.__new__ is object.__new__
        and type(cls).__call__ is type.__call__
        and (setter is object or frozen)
        and not any(_is_computed(cls, field.name) for field in dataclasses.fields(cls))
    )


def _definer(cls: Any, name: str) -> Any:
    """The class whose own method it is."""
    return next(base for base in cls.__mro__ if name in vars(base))


def _is_computed(cls: Any, name: str) -> bool:
    """Whether setting the attribute runs code of the class: a property, or a descriptor."""
    found = inspect.getattr_static(cls, name, None)
    return hasattr(type(found), "__set__") and not isinstance(found, types.MemberDescriptorType)


def _of_attrs(cls: Any, arguments: tuple[Any, ...]) -> Record:
    # Converters, validators and hooks are all in its `__init__`.
    nothing = sys.modules["attr"].NOTHING
    fields = [
        Field(each.name, each.alias, default=None if each.default is nothing else ("absent",))
        for each in cls.__attrs_attrs__
        if each.init
    ]
    record = _record(cls, arguments, "call", fields, None)
    annotations = record.annotations
    declared = {each.name: each.type for each in cls.__attrs_attrs__ if each.type is not None}
    for field in fields:
        assert field.name is not None
        known = annotations.get(field.name, declared.get(field.name, Any))
        annotations[field.attribute] = known
    return record


def _of_struct(cls: Any, arguments: tuple[Any, ...]) -> Record:
    structs, nothing = sys.modules["msgspec"].structs, sys.modules["msgspec"].NODEFAULT
    config = cls.__struct_config__
    fields = []
    for each in structs.fields(cls):
        default: Way | None = None
        if each.default is not nothing:
            default = ("value", each.default)
        elif each.default_factory is not nothing:
            default = _factory(each.default_factory)
        fields.append(Field(each.encode_name, each.name, default=default))
    after = "__post_init__" if hasattr(cls, "__post_init__") else None
    record = _record(cls, arguments, "struct", fields, after)
    record.is_array = config.array_like
    record.refuses_unknown = config.forbid_unknown_fields
    if config.tag is not None:
        record.tag = (config.tag_field, config.tag)
        # An object without its tag may be one all the same, but a row has to begin with it.
        absent = None if record.is_array else ("absent",)
        record.fields.insert(0, Field(config.tag_field, "", default=absent, is_kept=False))
        record.annotations[""] = typing.Literal[config.tag]
    return record


def _of_named_tuple(cls: Any, arguments: tuple[Any, ...]) -> Record:
    defaults = cls._field_defaults
    generated = "_fields" in vars(_definer(cls, "__new__"))
    fields = [
        Field(name, name, default=("value", defaults[name]) if name in defaults else None)
        for name in cls._fields
    ]
    record = _record(cls, arguments, "tuple", fields, None)
    if not generated or _definer(cls, "__init__") is not object:
        raise refusal(
            f"cannot decode into {cls.__name__}: a named tuple with a constructor of its own"
        )
    return record


def _of_typed_dict(cls: Any, arguments: tuple[Any, ...]) -> Record:
    fields, annotations = [], {}
    for name, annotation in annotations_of(cls, arguments).items():
        annotation, required = _unwrapped(annotation, name in cls.__required_keys__)
        fields.append(Field(name, name, default=None if required else ("absent",)))
        annotations[name] = annotation
    return Record(cls.__name__, cls, "dict", fields, annotations)


def _unwrapped(annotation: Any, required: bool) -> tuple[Any, bool]:
    """The annotation without `Required` and the like, and whether the key must be there."""
    while getattr(get_origin(annotation), "_name", None) in ("Required", "NotRequired", "ReadOnly"):
        name = get_origin(annotation)._name  # pyright: ignore[reportOptionalMemberAccess]
        required = {"Required": True, "NotRequired": False}.get(name, required)
        annotation = get_args(annotation)[0]
    return annotation, required
