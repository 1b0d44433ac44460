"""What the compiled classes of scikit-learn rely on, checked before their `__setstate__` runs.

Their methods read and write through pointers without any check (`boundscheck=False`), so a number
that is out of range reads or overwrites foreign memory. Each check below names what the code
relies on, as its Cython source has it.
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from cannery import _native
from cannery._installed import installed_module
from cannery._objects._checks import PartError, Untrusted, exact, integer, mismatch
from cannery._objects._record import Record
from cannery._objects._sklearn._values import check_value, is_accepted


class Compiled(NamedTuple):
    """How the instances of a compiled class are checked and made."""

    check: Callable[[Any, Any, Any], None]
    """Takes the class, the arguments of its constructor and its state."""
    make: Callable[[Any, Any, Any], Any]


def plain_array(value: Any, path: str, dtype: Any, ndim: int) -> Any:
    """The array, if it is exact, of this element type and these dimensions, and in C order."""
    if type(value) is Record:
        raise Untrusted(value.__type_name__)
    if type(value) not in (np.ndarray, np.memmap):
        raise mismatch(value, path, "numpy.ndarray")
    if value.dtype != dtype:
        raise PartError(f"the part {path!r}: expected an array of {dtype}, got {value.dtype}")
    if value.ndim != ndim or not value.flags.c_contiguous or not value.flags.aligned:
        raise PartError(f"the part {path!r}: expected {ndim} dimensions in C order")
    return value


def in_range(values: Any, low: int, high: int, path: str) -> None:
    """Check that all integers of an array are at least `low` and below `high`."""
    if values.size and (values.min() < low or values.max() >= high):
        raise PartError(f"the part {path!r}: an index is out of range")


def _require(holds: bool, path: str, reason: str) -> None:
    if not holds:
        raise PartError(f"the part {path!r}: {reason}")


def check_children(left: Any, right: Any, split: Any, count: int, path: str) -> None:
    """Check that the split nodes of a binary tree have children of their own, further back.

    Nodes are stored parents first, by every builder of scikit-learn. So each walk ends, and none
    takes longer than there are nodes.
    """
    parents = np.flatnonzero(split)
    children = np.concatenate([left[parents], right[parents]]).astype(np.int64)
    in_range(children, 0, count, path)
    both = np.concatenate([parents, parents])
    _require(bool(np.all(children > both)), path, "a child comes before its parent")
    _require(len(np.unique(children)) == len(children), path, "a node has two parents")


# sklearn.tree._tree.Tree: `_apply_dense` follows `left_child` until it is -1, reads
# `X[i, node.feature]`, and `predict` takes a block of `n_outputs * max_n_classes` values.


def _check_tree(cls: Any, args: Any, state: Any) -> None:
    del cls
    exact(tuple, list)(args, "args")
    exact(dict)(state, "state")
    _require(len(args) == 3, "args", "expected features, classes and outputs")
    integer(1, 2**31 - 1)(args[0], "n_features")
    integer(1, 2**31 - 1)(args[2], "n_outputs")
    classes = plain_array(args[1], "n_classes", np.dtype(np.intp), 1)
    _require(len(classes) == args[2], "n_classes", "expected one number for each output")
    in_range(classes, 1, 2**31, "n_classes")
    _require(set(state) == {"max_depth", "node_count", "nodes", "values"}, "state", "unknown keys")
    nodes = plain_array(state["nodes"], "nodes", _node_dtype(), 1)
    count = len(nodes)
    integer(1, count)(state["node_count"], "node_count")
    integer(0, count - 1)(state["max_depth"], "max_depth")
    _require(state["node_count"] == count, "node_count", "expected the number of nodes")
    values = plain_array(state["values"], "values", np.dtype(np.float64), 3)
    _require(values.shape == (count, args[2], classes.max()), "values", "the shape does not fit")
    try:
        depth = _native.tree_depth(nodes.view(np.uint8), *_node_layout(), args[0])
    except ValueError as error:
        raise PartError(f"the part 'nodes': {error}") from None
    # `decision_path` writes so many nodes for each row, into an array of that size.
    _require(depth <= state["max_depth"], "max_depth", "the tree is deeper")


@cache
def _node_layout() -> tuple[int, tuple[int, int, int]]:
    """The bytes of a node, and where its children and its feature lie."""
    dtype = _node_dtype()
    fields = [dtype.fields[name] for name in ("left_child", "right_child", "feature")]
    _require(all(field[0] == np.int64 for field in fields), "nodes", "no such layout is known")
    left, right, feature = (field[1] for field in fields)
    return dtype.itemsize, (left, right, feature)


@cache
def _node_dtype() -> Any:
    return installed_module("sklearn.tree._tree").NODE_DTYPE


def _make_tree(cls: Any, args: Any, state: Any) -> Any:
    tree = cls(*args)
    tree.__setstate__(state)
    return tree


# sklearn.metrics._dist_metrics: `vec` and `mat` are read by the columns of the data, without a
# check. An instance is made by its constructor, and has to come out as the state says.

_WITH_VECTOR = ("MinkowskiDistance", "SEuclideanDistance")


def _make_metric(cls: Any, args: Any, state: Any) -> Any:
    del args
    name = cls.__name__[:-2]
    if name == "PyFuncDistance":
        return cls(state[3], **state[4])
    if name == "MahalanobisDistance":
        return cls(VI=state[2])
    if name == "SEuclideanDistance":
        return cls(V=state[1])
    if name == "MinkowskiDistance":
        return cls(p=state[0], w=state[1] if state[1].size else None)
    return cls()


def _check_metric(cls: Any, args: Any, state: Any) -> None:
    _require(args is None or not len(args) or args == (cls,), "args", "expected none")
    exact(tuple, list)(state, "state")
    calls = cls.__name__.startswith("PyFunc")
    _require(len(state) == (5 if calls else 3), "state", "expected its parts")
    if calls:
        _check_function(state[3], state[4])
    exact(float)(state[0], "p")
    plain_array(state[1], "vec", np.dtype(np.float64), 1)
    plain_array(state[2], "mat", np.dtype(np.float64), 2)
    try:
        made = _make_metric(cls, args, state).__getstate__()
    except ValueError as error:
        raise PartError(f"the part 'state': {error}") from error
    same = made[0] == state[0] and all(
        mine.shape == its.shape and np.array_equal(mine, its, equal_nan=True)
        for mine, its in zip(made[1:3], state[1:3], strict=True)
    )
    _require(same, "state", "it is not that of such a metric")


def _check_function(function: Any, keywords: Any) -> None:
    if type(function) is Record:
        raise Untrusted(function.__type_name__)
    _require(is_accepted(function), "func", "expected a function that only computes")
    exact(dict)(keywords, "kwargs")
    names = all(type(name) is str and name.isidentifier() for name in keywords)
    _require(names, "kwargs", "expected keywords")
    check_value(keywords, "kwargs", functions=True)


def metric_size(metric: Any) -> int | None:
    """How many columns a metric needs; `None` for any number."""
    name = type(metric).__name__[:-2]
    _, vector, matrix = metric.__getstate__()[:3]
    if name == "MahalanobisDistance":
        return len(matrix)
    if name == "SEuclideanDistance" or (name == "MinkowskiDistance" and vector.size):
        return len(vector)
    return 2 if name == "HaversineDistance" else None


# sklearn.neighbors.KDTree and BallTree: `query` follows nodes `2i + 1` and `2i + 2` until one says
# that it is a leaf, reads `idx_array[idx_start:idx_end]` and the rows of `data` that it names.


def _check_binary_tree(cls: Any, args: Any, state: Any) -> None:
    _require(args is None or not len(args) or args == (cls,), "args", "expected none")
    exact(tuple, list)(state, "state")
    _require(len(state) == 13, "state", "expected thirteen parts")
    real = np.dtype(np.float32 if cls.__name__.endswith("32") else np.float64)
    data = plain_array(state[0], "data", real, 2)
    _require(data.size > 0 and bool(np.isfinite(data).all()), "data", "expected finite numbers")
    count = len(data)
    indices = plain_array(state[1], "idx_array", np.dtype(np.intp), 1)
    _require(len(indices) == count, "idx_array", "expected one index for each row")
    in_range(indices, 0, count, "idx_array")
    _require(len(np.unique(indices)) == count, "idx_array", "an index occurs twice")
    for at, value in enumerate(state[4:11]):
        integer(1 if at == 0 else 0, 2**31 - 1)(value, "sizes")
    nodes, levels = state[6], state[5]
    _require(levels < 40 and nodes == 2**levels - 1, "n_nodes", "it does not fit `n_levels`")
    _check_node_data(state[2], nodes, count)
    bounds = plain_array(state[3], "node_bounds", real, 3)
    sides = 2 if cls.__name__.startswith("KD") else 1
    _require(bounds.shape == (sides, nodes, data.shape[1]), "node_bounds", "it does not fit")
    _check_tree_metric(cls, state[11], data.shape[1])
    if state[12] is not None:
        weights = plain_array(state[12], "sample_weight", real, 1)
        _require(len(weights) == count, "sample_weight", "expected one for each row")


def _check_node_data(value: Any, count: int, rows: int) -> None:
    """Each node has a part of `idx_array`, and its children share it: a query sees a row once."""
    nodes = plain_array(value, "node_data", _node_data_dtype(), 1)
    _require(len(nodes) == count, "node_data", "it does not fit `n_nodes`")
    start, end, leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"]
    in_range(leaf, 0, 2, "node_data")
    _require(start[0] == 0 and end[0] == rows, "node_data", "the root does not hold every row")
    parents = np.flatnonzero(leaf == 0)
    in_range(parents, 0, count // 2, "node_data")
    left = 2 * parents + 1
    shared = (
        np.array_equal(start[left], start[parents])
        and np.array_equal(end[left], start[left + 1])
        and np.array_equal(end[left + 1], end[parents])
    )
    in_range(start, 0, rows + 1, "node_data")
    in_range(end, 0, rows + 1, "node_data")
    _require(bool(shared and np.all(start <= end)), "node_data", "children do not share the rows")


@cache
def _node_data_dtype() -> Any:
    tree = installed_module("sklearn.neighbors._kd_tree").KDTree(np.zeros((1, 1)))
    return tree.__getstate__()[2].dtype


def _check_tree_metric(cls: Any, metric: Any, columns: int) -> None:
    module = installed_module("sklearn.metrics._dist_metrics")
    if type(metric) is Record:
        raise Untrusted(metric.__type_name__)
    name = type(metric).__name__
    is_own = getattr(module, name, None) is type(metric)
    width = "32" if cls.__name__.endswith("32") else "64"
    _require(is_own and name.endswith(width), "metric", "expected a distance of this tree's type")
    _require(name in _valid_metrics(cls), "metric", "it is no metric of this tree")
    _require(metric_size(metric) in (None, columns), "metric", "it does not fit the columns")


@cache
def _valid_metrics(cls: Any) -> frozenset[str]:
    module = installed_module(cls.__module__)
    found: set[str] = set()
    for name in ("VALID_METRICS", "VALID_METRICS32", "VALID_METRICS64"):
        found.update(getattr(module, name, ()))
    return frozenset(found)


def _make_binary_tree(cls: Any, args: Any, state: Any) -> Any:
    del args
    tree = cls.__new__(cls)
    tree.__setstate__(tuple(state))
    return tree


# Losses keep one number at most, which enters sums only.


def _check_loss(cls: Any, args: Any, state: Any) -> None:
    args = () if args is None else args
    exact(tuple, list)(args, "args")
    for value in args:
        exact(int, float)(value, "args")
    _require(state is None and len(args) <= 1, "args", "expected one number at most")
    try:
        made = cls(*args)
    except (TypeError, ValueError) as error:
        raise PartError(f"the part 'args': {error}") from error
    _require(not args or made.__reduce__()[0] is cls, "args", "it takes no such argument")


def _make_loss(cls: Any, args: Any, state: Any) -> Any:
    del state
    return cls(*(args or ()))


_METRIC = Compiled(_check_metric, _make_metric)
_TREE = Compiled(_check_tree, _make_tree)
_BINARY_TREE = Compiled(_check_binary_tree, _make_binary_tree)
_LOSS = Compiled(_check_loss, _make_loss)

_BY_MODULE = {
    "sklearn._loss._loss": _LOSS,
    "sklearn.linear_model._sgd_fast": _LOSS,
    "sklearn.metrics._dist_metrics": _METRIC,
    "sklearn.neighbors._ball_tree": _BINARY_TREE,
    "sklearn.neighbors._kd_tree": _BINARY_TREE,
    "sklearn.tree._tree": _TREE,
}


def compiled_of(cls: type) -> Compiled | None:
    """How the instances of a class of the table are checked, if it is a compiled one."""
    return _BY_MODULE.get(cls.__module__)
