"""The names of the standard library's `json.decoder`, with this package's decoder."""

from __future__ import annotations

from typing import Any

from cannery.json import scanner
from cannery.json._decoder import JSONDecodeError, JSONDecoder
from cannery.json._stdlib import decoder as _decoder

NaN = float("nan")
PosInf = float("inf")
NegInf = float("-inf")

__all__ = ["JSONDecodeError", "JSONDecoder", "NaN", "NegInf", "PosInf", "scanner"]


def __getattr__(name: str) -> Any:
    """The functions that make up the standard library's decoder: `scanstring`, `JSONArray` ..."""
    return getattr(_decoder, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_decoder)})
