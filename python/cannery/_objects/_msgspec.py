"""msgspec: what stands for nothing, and JSON that was left as it is."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cannery._objects._checks import DATA, checked

Parts = dict[str, Any]

_CONSTANTS = {"msgspec.UNSET": msgspec.UNSET, "msgspec.NODEFAULT": msgspec.NODEFAULT}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How one of msgspec's own values is described; structs are as everybody's classes."""
    if cls is msgspec.Raw:
        return lambda value: ("msgspec.Raw", {"value": bytes(value)})
    for name, constant in _CONSTANTS.items():
        if cls is type(constant):
            return lambda _: (name, {})
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    if name == "msgspec.Raw":
        return checked(lambda parts: msgspec.Raw(parts["value"]), {"value": DATA})
    return checked(lambda _: _CONSTANTS[name], {}) if name in _CONSTANTS else None
