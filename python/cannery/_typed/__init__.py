"""Type plans: what an annotation says about a document, compiled once for the typed reader."""

from __future__ import annotations

import functools
from typing import Any

from cannery import _native
from cannery._typed._compile import Compiler
from cannery.errors import DataTypeError

UNKNOWN = ("ignore", "error")


def plan_for(
    annotation: Any, unknown: str = "ignore", strict: bool = True, binary: bool = False
) -> _native.TypePlan:
    """Compile the plan for an annotation, or find the one that was compiled before.

    `binary` says that the documents tell bytes and text apart.

    Raises:
        DataTypeError: if no document could say which value of that type it means.

    """
    if unknown not in UNKNOWN:
        raise ValueError(f'unknown must be "ignore" or "error", not {unknown!r}')
    try:
        return _cached(annotation, unknown, strict, binary)
    except TypeError as error:
        if isinstance(error, DataTypeError):
            raise
        return _compile(annotation, unknown, strict, binary)  # not hashable: a list in `Annotated`


# Classes are told apart by identity and `Literal[1]` from `Literal[True]` by their types, but a
# union equals one in another order: there the first one asked for names both in messages.
@functools.lru_cache(maxsize=1024)
def _cached(annotation: Any, unknown: str, strict: bool, binary: bool) -> _native.TypePlan:
    return _compile(annotation, unknown, strict, binary)


def _compile(annotation: Any, unknown: str, strict: bool, binary: bool) -> _native.TypePlan:
    compiler = Compiler(unknown, strict, binary)
    root = compiler.node_of(annotation)
    compiler.finish()
    return _native.TypePlan(compiler.nodes, compiler.records, root)
