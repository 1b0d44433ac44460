"""Materializers: how the values of a pipeline become files and values again.

Python's own data types, dataclasses, plain classes and NumPy's arrays need none. For other types,
subclass `Materializer`. None of those that come with cannery stores a pickle.
"""

from __future__ import annotations

from cannery.materializers._base import Materializer

__all__ = ["Materializer"]
