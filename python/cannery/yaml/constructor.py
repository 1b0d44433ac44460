"""Nodes to objects, by the name that programs import."""

from cannery._yaml_construct import (
    BaseConstructor,
    Constructor,
    FullConstructor,
    SafeConstructor,
    UnsafeConstructor,
)
from cannery._yaml_errors import ConstructorError

__all__ = [
    "BaseConstructor",
    "Constructor",
    "ConstructorError",
    "FullConstructor",
    "SafeConstructor",
    "UnsafeConstructor",
]
