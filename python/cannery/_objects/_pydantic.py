"""pydantic: addresses and secrets; models are as everybody's classes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pydantic
import pydantic_core

Parts = dict[str, Any]

_ADDRESSES: dict[str, Any] = {
    "pydantic_core.Url": pydantic_core.Url,
    "pydantic_core.MultiHostUrl": pydantic_core.MultiHostUrl,
}
_UNDEFINED = "pydantic_core.PydanticUndefined"

# Classes of data, which are made by their attributes.
_PLAIN = frozenset(
    """
    pydantic.root_model.RootModel pydantic.types.ByteSize pydantic.types.Secret
    pydantic.types.SecretBytes pydantic.types.SecretStr
    """.split()
)


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
    if name == _UNDEFINED:
        return lambda _: pydantic_core.PydanticUndefined
    known = _ADDRESSES.get(name)
    return None if known is None else lambda parts: known(parts["value"])


def class_of(name: str) -> type | None:
    """The class of this name, if its instances are data."""
    module, _, attribute = name.rpartition(".")
    if name not in _PLAIN and module != "pydantic.networks":
        return None
    found = getattr(import_module(module), attribute, None)
    is_address = module == "pydantic.networks" and hasattr(found, "_constraints")
    is_data = isinstance(found, type) and (name in _PLAIN or is_address)
    return found if is_data and pydantic.VERSION else None
