"""Where the samples are put, and what their readers need to know about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SAMPLES: dict[str, Callable[[], Any]] = {}
"""What comes back exactly as it was, in any process that knows the classes."""

REFUSED: dict[str, Callable[[], Any]] = {}
"""What is no data."""

SAME: dict[str, Callable[[Any, Any], bool]] = {}
"""How to compare those that have a part which is none of the value."""

FUNCTIONS = ("cached", "function", "rebuild", "ReduceClassMethod.build")
TRUST = ["samples.*", *(f"samples.classes.{name}" for name in FUNCTIONS)]
"""Classes by a pattern, functions by their names."""


def sample(name: str, make: Callable[[], Any]) -> None:
    assert name not in SAMPLES, name
    SAMPLES[name] = make


def with_attributes(value: Any, **attributes: Any) -> Any:
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value
