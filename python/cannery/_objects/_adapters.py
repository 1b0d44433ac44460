"""Libraries whose types have a form of their own here; each is imported when one shows up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from cannery._installed import installed_module
from cannery._objects._checks import PLAIN_DICT, CheckedMaker, PartError, Untrusted, refuse_records
from cannery._objects._listed import is_listed
from cannery._objects._own_names import (
    OwnNames,
    attributes_besides,
    check_private_names,
    refuse_attributes,
)
from cannery._objects._plans import ATTRIBUTES
from cannery._objects._stdlib import check_names, refuse_callables

Parts = dict[str, Any]
Described = tuple[str, Parts]

# Packages, and the modules beside this one that know their types. Each has `describer_of(cls)` and
# `maker_of(name)`, which return `None` for what is no data, perhaps `class_of(name)`, and `SHARED`.
_ADAPTERS = {
    "PIL": "_pillow",
    "attr": "_attrs",
    "dateutil": "_dateutil",
    "lightgbm": "_boosting",
    "matplotlib": "_matplotlib",
    "ml_dtypes": "_ml_dtypes",
    "msgspec": "_msgspec",
    "networkx": "_networkx",
    "numpy": "_numpy",
    "pandas": "_pandas",
    "polars": "_polars",
    "pyarrow": "_pyarrow",
    "pydantic": "_pydantic",
    "pydantic_core": "_pydantic",
    "pytz": "_pytz",
    "scipy": "_scipy",
    "sklearn": "_sklearn",
    "torch": "_torch",
    "xgboost": "_boosting",
}


"""What to install for a package of another name."""


def is_known(package: str) -> bool:
    """Whether a package's types have a form here."""
    return package in _ADAPTERS


def describer_of(cls: type) -> Callable[[Any], Described] | None:
    """How a library's own values are described; `None` for types of other modules."""
    adapter = _adapter(cls.__module__)
    if adapter is None:
        return None
    return adapter.describer_of(cls)


def own_attributes(cls: type) -> frozenset[str] | None:
    """What is in the `__dict__` of an instance for the library itself, where others may be, too."""
    adapter = _adapter(cls.__module__)
    return adapter.own_attributes(cls) if hasattr(adapter, "own_attributes") else None  # pyright: ignore


def with_attributes(cls: type, describe: Callable[[Any], Described]) -> Callable[[Any], Described]:
    """How values are described with the attributes that they were given besides.

    Of a class that takes none when it is loaded, an instance that has some is refused.
    """
    own = own_attributes(cls)
    if own is None:
        return _without_attributes(cls, describe) if cls.__dictoffset__ else describe

    def describe_all(value: Any) -> Described:
        name, parts = describe(value)
        more = attributes_besides(value, own, _again(name, parts))
        if not more:
            return name, parts
        check_names(cls, more)
        check_private_names(cls, more)
        return name, {**{k: v for k, v in parts.items() if k not in more}, ATTRIBUTES: more}

    return describe_all


def _without_attributes(
    cls: type, describe: Callable[[Any], Described]
) -> Callable[[Any], Described]:
    adapter = _adapter(cls.__module__)
    own = OwnNames.of(cls, getattr(adapter, "SHARED", {}).get(cls, ()))

    def describe_all(value: Any) -> Described:
        name, parts = describe(value)
        more = attributes_besides(value, own).keys() - parts
        fresh = _again(name, parts)() if more else None
        # What is there once, and functions, have those of the program that has them.
        if fresh is not None and (parts or fresh is not value):
            known = () if fresh is value else vars(fresh)
            refuse_attributes(value, more.difference(known))
        return name, parts

    return describe_all


def _again(name: str, parts: Parts) -> Callable[[], Any]:
    """What makes a value of its parts again; `None` of those that every reader has to trust."""

    def again() -> Any:
        make = maker_of(name)
        with suppress(Untrusted):
            return None if make is None else make(dict(parts))

    return again


def refuse_unmakable(name: str, parts: Parts) -> None:
    """Refuse parts of which no reader would make a value of a library's type.

    Raises:
        PartError: if there is one.

    """
    make = maker_of(name)
    if isinstance(make, CheckedMaker):
        with suppress(Untrusted):
            make.check(parts)


def add_attributes(value: Any, attributes: Any) -> None:
    """Give a library's value the attributes that it had besides.

    Raises:
        PartError: if it takes none, or one of them is the library's own or shadows a method.
        Untrusted: if one is a function.

    """
    PLAIN_DICT(attributes, ATTRIBUTES)
    own = own_attributes(type(value))
    if (
        own is None
        or not own.isdisjoint(attributes)
        or not vars(value).keys().isdisjoint(attributes)
    ):
        raise PartError(f"a {type(value).__name__} takes no such attributes")
    check_names(type(value), attributes)
    check_private_names(type(value), attributes)
    others = {name: part for name, part in attributes.items() if part is not value}
    refuse_callables(others, "function")
    vars(value).update(attributes)


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How a library's values are made again; `None` without the library, or for other names."""
    adapter = _adapter_of(name)
    return None if adapter is None else adapter.maker_of(name)


def trusted_maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How a value is made for a reader who names its type: of parts that nothing can check."""
    adapter = _adapter_of(name)
    return adapter.trusted_maker_of(name) if hasattr(adapter, "trusted_maker_of") else None  # pyright: ignore


def shell_of(name: str) -> tuple[Callable[[Parts], Any], Callable[[Any, Parts], Any]] | None:
    """How a value that may contain itself is made empty, and how it is filled; else `None`."""
    adapter = _adapter_of(name)
    return adapter.shell_of(name) if hasattr(adapter, "shell_of") else None  # pyright: ignore


def class_of(name: str) -> type | None:
    """A class of a library whose instances are data, and may be made by anybody who has it."""
    adapter = _adapter_of(name)
    return adapter.class_of(name) if hasattr(adapter, "class_of") else None  # pyright: ignore


def check_of(cls: type) -> Callable[[type, Parts], None] | None:
    """What checks the parts of an instance of a library's class; `None` for other classes."""
    adapter = _adapter(cls.__module__)
    if adapter is None:
        return None
    return getattr(adapter, "check_class", _check_class)


def _check_class(cls: type, parts: Parts) -> None:
    """For classes whose attributes may have any name: none shadows a method or is a record."""
    check_names(cls, parts.keys() - _OF_PLANS)
    for name, part in parts.items():
        refuse_records(part, name)


# Parts that are no attributes.
_OF_PLANS = frozenset({"__args__", "__items__", "__kwargs__", "__state__"})


def class_value(name: str) -> type | None:
    """A class of a library that is a value itself, such as a type of array elements."""
    adapter = _adapter_of(name)
    return adapter.class_value(name) if hasattr(adapter, "class_value") else None  # pyright: ignore


def function_of(name: str) -> Any:
    """A function of a library that only computes, and may be a value."""
    adapter = _adapter_of(name)
    return adapter.function_of(name) if hasattr(adapter, "function_of") else None  # pyright: ignore


def _adapter_of(name: str) -> ModuleType | None:
    """The adapter for a name in a file: no library is imported for a name that is in no list."""
    return _adapter(name) if is_listed(name) else None


def _adapter(name: str) -> ModuleType | None:
    package = name.partition(".")[0]
    module = _ADAPTERS.get(package)
    if module is None:
        return None
    try:
        installed_module(package)
        return installed_module(f"cannery._objects.{module}")
    except ImportError:
        return None
