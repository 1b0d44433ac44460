"""matplotlib: figures are drawings, and are saved as pictures by a materializer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cannery.errors import DataTypeError


def describer_of(cls: type) -> Callable[[Any], Any] | None:
    """Say for figures what to do instead."""
    return _refuse_figure if any(base.__name__ == "Figure" for base in cls.__mro__) else None


def maker_of(name: str) -> None:
    """Nothing of matplotlib's is data."""
    del name


def _refuse_figure(figure: Any) -> Any:
    error = DataTypeError(
        f"a {type(figure).__module__}.{type(figure).__name__} cannot be saved as data"
    )
    error.hint = "save the picture (figure.savefig), or return the figure from a step"
    raise error
