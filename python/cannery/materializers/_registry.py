"""Which materializer is for which type."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from cannery._plugins import load_plugins
from cannery.materializers._base import Materializer, by_format, by_type

_AnyMaterializer = type[Materializer[Any]]

# Types of packages that are not imported for this, by their full names.
_BUILT_IN = {
    "numpy.ndarray": "_arrays:ArrayMaterializer",
    "numpy.memmap": "_arrays:ArrayMaterializer",
    "numpy.ma.MaskedArray": "_arrays:MaskedArrayMaterializer",
    "numpy.ma.core.MaskedArray": "_arrays:MaskedArrayMaterializer",
    "matplotlib.figure.Figure": "_figures:FigureMaterializer",
    "builtins.str": "_data:TextMaterializer",
    "builtins.bytes": "_data:BytesMaterializer",
    "builtins.object": "_data:DataMaterializer",
}
_BUILT_IN_MODULES = ("_arrays", "_data", "_figures", "_messages")


def materializer_for(cls: type, preferred: Iterable[_AnyMaterializer] = ()) -> _AnyMaterializer:
    """Find the materializer for a type: of those preferred, else of the nearest base class."""
    for candidate in preferred:
        if not candidate.types or issubclass(cls, candidate.types):
            return candidate
    _load_plugins(cls)
    for base in cls.__mro__:
        found = by_type.get(base) or _built_in(base, cls)
        if found is not None:
            return found
    raise AssertionError("every type has `object` as a base")


def materializer_of_format(
    format_id: str, type_name: str, preferred: Iterable[_AnyMaterializer] = ()
) -> _AnyMaterializer | None:
    """Find the materializer that reads a format."""
    for candidate in preferred:
        if candidate.format_id == format_id:
            return candidate
    if format_id not in by_format:
        for module in _BUILT_IN_MODULES:
            import_module(f"cannery.materializers.{module}")
    if format_id not in by_format:
        load_plugins(type_name.partition(".")[0])
    return by_format.get(format_id)


def _built_in(base: type, cls: type) -> _AnyMaterializer | None:
    where = _BUILT_IN.get(f"{base.__module__}.{base.__qualname__}")
    if where is None or (base is not object and base is not cls):
        return None  # a subclass of `str` or of an array is more than its base
    module, _, name = where.partition(":")
    return getattr(import_module(f"cannery.materializers.{module}"), name)


def _load_plugins(cls: type) -> None:
    for base in cls.__mro__:
        top = base.__module__.partition(".")[0]
        if top not in sys.stdlib_module_names and base not in by_type:
            load_plugins(top)
