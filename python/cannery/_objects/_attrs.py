"""attrs: what stands for nothing; classes made with it are as everybody's."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from typing import Any


def describer_of(cls: type) -> None:
    """Nothing of attrs' own needs a description."""
    del cls


def maker_of(name: str) -> None:
    """Nothing of attrs' own is made by its parts."""
    del name


def class_of(name: str) -> Any:
    """The enumeration that has `attrs.NOTHING` as its member."""
    if name != "attr._make._Nothing":
        return None
    import attr

    cls: Any = type(attr.NOTHING)
    return cls if f"{cls.__module__}.{cls.__qualname__}" == name else None
