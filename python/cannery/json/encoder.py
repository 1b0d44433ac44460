"""The names of the standard library's `json.encoder`, with this package's encoder."""

from __future__ import annotations

from typing import Any

from cannery.json._encoder import JSONEncoder
from cannery.json._stdlib import encoder as _encoder

__all__ = ["JSONEncoder"]


def __getattr__(name: str) -> Any:
    """What makes up the standard library's encoder: `encode_basestring`, `c_make_encoder` ..."""
    return getattr(_encoder, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_encoder)})
