"""Long bytes as arrays, which lie in a `.can` file as they are and are mapped from there."""

from __future__ import annotations

from typing import Any


def beside(data: Any) -> Any:
    """The bytes of a buffer as an array, without a copy; as `bytes` where there is no NumPy."""
    try:
        import numpy as np
    except ImportError:
        return bytes(data)
    return np.frombuffer(data, dtype="u1")
