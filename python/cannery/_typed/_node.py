"""What a compiled plan is made of, before the native module takes it over.

A *way* says what becomes of one kind of value in a document; it is a tuple that begins with its
name. Nodes and records refer to each other by their numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from cannery._annotations._refusal import refusal as refusal

Way = tuple[Any, ...]
Check = Callable[[Any], Any]

KEEP: Way = ("keep",)

# The kinds of values that documents have.
KINDS = ("null", "bool", "int", "float", "text", "bytes", "list", "map")


@dataclasses.dataclass
class Node:
    """What one place in a document may hold."""

    expected: str
    """How messages call it."""
    ways: dict[str, Way]
    checks: dict[str, Check] = dataclasses.field(default_factory=dict)
    """Called with the finished value; gives the value that is kept, or raises `ValueError`."""
    read: Callable[[bytes], Any] | None = None
    """Reads the whole value from JSON by itself, in place of any way."""
    is_any: bool = False
    lenient: frozenset[str] = frozenset()
    """Kinds that are taken only because `strict=False` was asked for."""


@dataclasses.dataclass
class Field:
    """One field of a record."""

    name: str | None
    """Its key in documents; `None` if it is not read from them."""
    attribute: str
    node: int = 0
    default: Way | None = None
    """`("value", v)`, `("call", factory)`, `("absent",)`; `None` if the field is required."""
    is_kept: bool = True
    """Whether it is part of the object, or only there to be looked at: a tag."""


@dataclasses.dataclass
class Record:
    """A class with named fields."""

    name: str
    cls: Any
    make: str
    """`instance`, `struct`, `tuple`, `dict` or `call`: how an object is made of its fields."""
    fields: list[Field]
    annotations: dict[str, Any]
    """The fields' annotations, by attribute."""
    after: str | None = None
    """The method that is called when all fields are set."""
    refuses_unknown: bool = False
    runs_python: bool = False
    """Whether making one may run Python code."""
    tag: tuple[str, Any] | None = None
    """A key that names the class, and its value for this one."""
    is_array: bool = False
    """Whether documents hold it as an array, and not as an object."""
