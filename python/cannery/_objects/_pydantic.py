"""pydantic: addresses and secrets; models are as everybody's classes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pydantic
import pydantic_core
from pydantic import networks

from cannery._objects._checks import (
    DATA,
    TEXT,
    Check,
    PartError,
    checked,
    exact,
    integer,
    mismatch,
    text,
    value,
)

Parts = dict[str, Any]

_ADDRESSES: dict[str, Any] = {
    "pydantic_core.Url": pydantic_core.Url,
    "pydantic_core.MultiHostUrl": pydantic_core.MultiHostUrl,
}
_UNDEFINED = "pydantic_core.PydanticUndefined"

# Classes of addresses, which hold one of the two above.
_NETWORKS: dict[str, Any] = {
    f"pydantic.networks.{name}": getattr(networks, name)
    for name in """
    AmqpDsn AnyHttpUrl AnyUrl AnyWebsocketUrl ClickHouseDsn CockroachDsn FileUrl FtpUrl HttpUrl
    KafkaDsn MariaDBDsn MongoDsn MySQLDsn NatsDsn PostgresDsn RedisDsn SnowflakeDsn WebsocketUrl
    """.split()
    if hasattr(networks, name)
}
_OTHERS: dict[str, Any] = {
    "pydantic.root_model.RootModel": pydantic.RootModel,
    "pydantic.types.ByteSize": pydantic.ByteSize,
    "pydantic.types.Secret": pydantic.Secret,
    "pydantic.types.SecretBytes": pydantic.SecretBytes,
    "pydantic.types.SecretStr": pydantic.SecretStr,
}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How one of pydantic's own values is described."""
    if cls is type(pydantic_core.PydanticUndefined):
        return lambda _: (_UNDEFINED, {})
    for name, known in _ADDRESSES.items():
        if cls is known:
            return lambda value: (name, {"value": str(value)})
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    if name in _NETWORKS:
        return _address_maker(_NETWORKS[name])
    return _MAKERS.get(name)


def class_value(name: str) -> type | None:
    """One of these classes as a value."""
    return _NETWORKS.get(name) or _OTHERS.get(name)


def _address_maker(cls: Any) -> Callable[[Parts], Any]:
    is_many = issubclass(cls, networks._BaseMultiHostUrl)
    expected = pydantic_core.MultiHostUrl if is_many else pydantic_core.Url

    def make(parts: Parts) -> Any:
        made = object.__new__(cls)
        made._url = parts["_url"]
        return made

    return checked(make, {"_url": exact(expected)})


def _secret_maker(cls: Any, check: Check) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        made = object.__new__(cls)
        made._secret_value = parts["_secret_value"]
        return made

    return checked(make, {"_secret_value": check})


# Models around one value. What is in the brackets becomes part of a class that pydantic builds.

_SIMPLE = (bool, int, float, complex, str, bytes, type(None))
_GENERIC = (list, tuple, dict, set, frozenset)


def _is_simple_type(item: Any, path: str, left: int = 4) -> None:
    """A built-in type, or a built-in collection of such."""
    if left and type(item) is types.GenericAlias and item.__origin__ in _GENERIC:
        for each in item.__args__:
            if each is not ...:
                _is_simple_type(each, path, left - 1)
    elif not isinstance(item, type) or item not in (*_SIMPLE, *_GENERIC):
        raise mismatch(item, path, "a built-in type")


def _arguments(items: Any, path: str) -> None:
    exact(tuple)(items, path)
    if len(items) != 1:
        raise PartError(f"the part {path!r}: expected one type, got {len(items)}")
    _is_simple_type(items[0], path)


def _fields_set(names: Any, path: str) -> None:
    exact(set)(names, path)
    if not names <= {"root"}:
        raise PartError(f"the part {path!r}: a root model has no other field")


def _make_root(parts: Parts) -> Any:
    cls: Any = pydantic.RootModel
    if "__generic__" in parts:
        cls = cls[parts["__generic__"]]
    made = cls.__new__(cls)
    hidden = {"__pydantic_extra__": None, "__pydantic_private__": None}
    names = parts["__pydantic_fields_set__"]
    state = {"__dict__": {"root": parts["root"]}, "__pydantic_fields_set__": names, **hidden}
    made.__setstate__(state)
    return made


_MAKERS: dict[str, Callable[[Parts], Any]] = {
    _UNDEFINED: checked(lambda _: pydantic_core.PydanticUndefined, {}),
    "pydantic_core.Url": checked(
        lambda parts: pydantic_core.Url(parts["value"]), {"value": text()}
    ),
    "pydantic_core.MultiHostUrl": checked(
        lambda parts: pydantic_core.MultiHostUrl(parts["value"]), {"value": text()}
    ),
    "pydantic.types.ByteSize": checked(
        lambda parts: pydantic.ByteSize(parts["__items__"]),
        {"__items__": integer(-(2**1000), 2**1000)},
    ),
    "pydantic.types.Secret": _secret_maker(pydantic.Secret, value),
    "pydantic.types.SecretBytes": _secret_maker(pydantic.SecretBytes, DATA),
    "pydantic.types.SecretStr": _secret_maker(pydantic.SecretStr, TEXT),
    "pydantic.root_model.RootModel": checked(
        _make_root,
        {"root": value, "__pydantic_fields_set__": _fields_set},
        __generic__=_arguments,
    ),
}
