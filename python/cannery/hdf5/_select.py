"""Which elements an index or a region wants."""

from __future__ import annotations

import math
import operator
from typing import Any, cast

import numpy as np

Wanted = tuple[int, int, int] | list[int]


class MultiBlockSlice:
    """An index of `count` blocks of `block` positions, the first at `start`, `stride` apart.

    Without `count`, there are as many blocks as the dimension holds.
    """

    def __init__(
        self, start: int = 0, stride: int = 1, count: int | None = None, block: int = 1
    ) -> None:
        if start < 0:
            raise ValueError("Start can't be negative")
        if stride < 1 or (count is not None and count < 1) or block < 1:
            raise ValueError("Stride, count and block can't be 0 or negative")
        if block > stride:
            raise ValueError("Blocks will overlap if block > stride")
        self.start, self.stride, self.count, self.block = start, stride, count, block

    def indices(self, length: int) -> tuple[int, int, int, int]:
        """Start, stride, count and block in a dimension of a length."""
        held = (length - self.start - self.block) // self.stride + 1
        count = held if self.count is None else self.count
        if count > held or held < 1:
            raise ValueError(f"{self} does not fit a dimension of {length}")
        return self.start, self.stride, count, self.block

    def __repr__(self) -> str:
        return (
            f"MultiBlockSlice(start={self.start}, stride={self.stride}, count={self.count}, "
            f"block={self.block})"
        )


class Selected:
    """What an index wants: for each dimension the positions, and the shape of the result."""

    def __init__(self, wanted: list[Wanted], shape: tuple[int, ...]) -> None:
        self.wanted = wanted
        self.shape = shape

    @property
    def count(self) -> int:
        """How many elements are wanted."""
        return math.prod(len(w) if isinstance(w, list) else w[2] for w in self.wanted)


def everything(shape: tuple[int, ...]) -> Selected:
    """All elements."""
    return Selected([(0, 1, n) for n in shape], shape)


def select(args: tuple[Any, ...], shape: tuple[int, ...]) -> Selected:
    """What `dataset[args]` wants of a shape."""
    expanded = _expand(args, shape)
    wanted: list[Wanted] = []
    result: list[int] = []
    for arg, n in zip(expanded, shape, strict=True):
        one, keeps = _dimension(arg, n)
        wanted.append(one)
        if keeps:
            result.append(len(one) if isinstance(one, list) else one[2])
    return Selected(wanted, tuple(result))


def _expand(args: tuple[Any, ...], shape: tuple[int, ...]) -> list[Any]:
    dots = [i for i, arg in enumerate(args) if arg is Ellipsis]
    if len(dots) > 1:
        raise ValueError("expected at most one ellipsis")
    at = dots[0] if dots else len(args)
    before, after = list(args[:at]), list(args[at + 1 :])
    missing = len(shape) - len(before) - len(after)
    if not shape and (before or after):
        raise ValueError("a scalar has no elements to index; use `[()]` or `[...]`")
    if missing < 0:
        raise ValueError(f"{len(before) + len(after)} indices for a shape of {len(shape)}")
    return before + [slice(None)] * missing + after


def _dimension(arg: Any, n: int) -> tuple[Wanted, bool]:
    if isinstance(arg, slice):
        if arg.step is not None and operator.index(arg.step) <= 0:
            raise ValueError("expected a step of at least 1")
        start, stop, step = arg.indices(n)
        return (start, step, len(range(start, stop, step))), True
    if isinstance(arg, MultiBlockSlice):
        return regular([arg.indices(n)])[0], True
    if isinstance(arg, (list, tuple, range, np.ndarray)) and not np.isscalar(arg):
        array = np.asarray(arg)
        if array.ndim > 0:
            return _positions(array, n), True
        arg = array[()]
    if isinstance(arg, (bool, np.bool_)):
        raise TypeError("expected an index, found a truth value")
    try:
        index = operator.index(cast("Any", arg))
    except TypeError:
        raise TypeError(f"`{type(arg).__name__}` objects are no index") from None
    return (_checked(index, n), 1, 1), False


def _positions(array: np.ndarray, n: int) -> list[int]:
    if array.ndim != 1:
        raise TypeError("expected a list of one dimension as an index")
    if array.dtype.kind == "b":
        if len(array) != n:
            raise TypeError(f"expected a mask of {n} elements, found {len(array)}")
        return np.flatnonzero(array).tolist()
    if array.size and array.dtype.kind not in "iu":
        raise TypeError("expected integers in an index")
    return [_checked(int(i), n) for i in array]


def _checked(index: int, n: int) -> int:
    found = index + n if index < 0 else index
    if not 0 <= found < n:
        raise IndexError(f"index {index} is out of range for a dimension of {n}")
    return found


def region_shape(region: tuple[Any, ...], shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape of a region's elements, as h5py guesses it."""
    if shape is None:
        return None
    kind = region[0]
    if kind == "none":
        return (0,) * len(shape) if shape else None
    if kind == "all":
        return shape
    if kind == "points":
        return (len(region[1]),)
    if kind == "regular":
        return tuple(count * block for _, _, count, block in region[1])
    blocks = region[1]
    if len(blocks) == 1:
        return tuple(last - first + 1 for first, last in zip(*blocks[0], strict=True))
    return _guessed(coordinates(region))


def _guessed(places: np.ndarray) -> tuple[int, ...]:
    total = len(places)
    guess = []
    for axis in places.T:
        if axis.min() == axis.max():
            guess.append(1)
        else:
            guess.append(total // int((axis == axis.min()).sum()))
    return tuple(guess) if math.prod(guess) == total else (total,)


def coordinates(region: tuple[Any, ...]) -> np.ndarray:
    """The places of a region's elements, a row each, in the order in which they are read."""
    if region[0] == "points":
        return np.array(region[1], dtype="i8")
    parts = []
    for first, last in region[1]:
        axes = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
        parts.append(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes)))
    return np.unique(np.concatenate(parts), axis=0)


def regular(dims: list[tuple[int, int, int, int]]) -> list[Wanted]:
    """The positions of blocks at equal distances."""
    wanted: list[Wanted] = []
    for start, stride, count, block in dims:
        if count == 1 or stride == block:
            wanted.append((start, 1, count * block))
        elif block == 1:
            wanted.append((start, stride, count))
        else:
            wanted.append([start + i * stride + j for i in range(count) for j in range(block)])
    return wanted
