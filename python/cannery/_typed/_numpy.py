"""NumPy's arrays and scalars, of the nested lists and numbers that `default="rich"` writes."""

from __future__ import annotations

import sys
from typing import Any, get_args

from cannery._typed._node import Node, Way


def node_of(cls: Any, arguments: tuple[Any, ...], any_node: int) -> Node | None:
    """The node for a class of NumPy's; `None` for all others."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if issubclass(cls, numpy.ndarray):
        dtype = next(filter(_is_scalar, get_args(arguments[1:] and arguments[1])), None)
        dtype = None if dtype is None else numpy.dtype(dtype)
        name = "ndarray" if dtype is None else f"ndarray of {dtype}"
        return Node(name, {"list": ("call", lambda items: _array(items, dtype), any_node)})
    if not issubclass(cls, numpy.generic):
        return None
    kinds = {"b": ("bool",), "i": ("int",), "u": ("int",), "f": ("int", "float")}
    way: Way = ("call", cls)
    kind = numpy.dtype(cls).kind
    return Node(cls.__name__, dict.fromkeys(kinds.get(kind, ("text",)), way))


def _is_scalar(argument: Any) -> bool:
    # `numpy.floating` and the like are families, not types of elements.
    return argument in sys.modules["numpy"].sctypeDict.values()


def _array(items: list[Any], dtype: Any) -> Any:
    """The array of nested lists, with every number what it was."""
    numpy = sys.modules["numpy"]
    _check_texts(items)
    array = numpy.array(items)
    if array.dtype.kind == "O":
        raise ValueError("not the numbers of an array")
    if dtype is None or array.dtype == dtype:
        return array
    if array.size == 0:
        return array.astype(dtype)
    if dtype.kind in "iu" and array.dtype.kind in "iu":
        limits = numpy.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ValueError(f"out of the range of {dtype}")
    elif dtype.kind in "Mm":
        return array.astype(dtype)
    elif not numpy.can_cast(array.dtype, dtype, "same_kind"):
        raise ValueError(f"an array of {array.dtype}")
    return array.astype(dtype)


# Every text of an array takes as much memory as the longest: so many times what they take.
_MOST_PADDING = 64
_LITTLE = 1 << 20


def _check_texts(items: list[Any]) -> None:
    """Refuse texts whose lengths differ so much that the array would be mostly padding."""
    count = total = longest = 0
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, (str, bytes)):
            count += 1
            total += len(item)
            longest = max(longest, len(item))
    if longest * count > _MOST_PADDING * (total + count) + _LITTLE:
        raise ValueError(f"{count} texts, the longest of {longest} characters, are mostly padding")
