"""Functions that a document may name as values: they compute, and touch nothing else."""

from __future__ import annotations

import builtins
import math
import operator
import types
from typing import Any

from cannery._objects import _adapters

_BUILTIN = frozenset(
    """
    abs all any ascii bin bool chr divmod hash hex len max min oct ord pow repr round sorted sum
    """.split()
)

# Those of `operator` that change, call and look up nothing that they are told.
_OPERATORS = frozenset(
    """
    abs add and_ concat contains countOf eq floordiv ge getitem gt index indexOf inv invert is_
    is_not le length_hint lshift lt mod mul ne neg not_ or_ pos pow rshift sub truediv truth xor
    """.split()
)

# Classes whose methods neither change an instance nor look up attributes of what they are given.
_CLASSES = {cls.__name__: cls for cls in (str, bytes, int, float, complex, tuple, frozenset, bool)}
# The last two open what a name of an encoding leads to.
_LOOKING_UP = frozenset({"format", "format_map", "encode", "decode"})

_KINDS = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)


def function_of(name: str) -> Any:
    """The harmless function of this name, or `None`."""
    module, _, attribute = name.rpartition(".")
    if attribute.startswith("_"):
        return _adapters.function_of(name)
    if module == "builtins" and attribute in _BUILTIN:
        found = getattr(builtins, attribute)
    elif module == "math":
        found = getattr(math, attribute, None)
    elif module in ("operator", "_operator"):
        found = getattr(operator, attribute) if attribute in _OPERATORS else None
    elif name == "builtins.dict.fromkeys":
        found = dict.fromkeys
    else:
        found = _method(module.removeprefix("builtins."), attribute)
    return found if isinstance(found, _KINDS) else _adapters.function_of(name)


def _method(owner: str, attribute: str) -> Any:
    if owner not in _CLASSES or attribute in _LOOKING_UP:
        return None
    return getattr(_CLASSES[owner], attribute, None)
