"""Models of xgboost: read, checked and written again, before its own parser sees a byte.

xgboost reads UBJSON (<https://ubjson.org>) without bounds: one byte of a length, or an index of a
node out of range, ends the process. So nothing of a file reaches it. The bytes are parsed here
into plain values, the model is compared with what the predictor relies on, and xgboost gets what
is written of the values.
"""

from __future__ import annotations

import json
import struct
from array import array
from itertools import pairwise
from typing import Any

from cannery._objects._checks import PartError, Untrusted

MAX_DEPTH = 32
_NUMBERS = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"}
_CODES = {code: marker for marker, code in _NUMBERS.items()}


def checked_model(data: bytes) -> tuple[bytes, Any]:
    """The model as xgboost would write it, and its values.

    Raises:
        PartError: if it is no UBJSON, or no model whose trees end.

    """
    try:
        model = _Parser(data).document()
    except (struct.error, UnicodeDecodeError) as error:
        raise PartError(f"the part 'ubj': {error}") from error
    try:
        _check_model(model, len(data))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, PartError):
            raise
        raise PartError(f"the part 'ubj': {type(error).__name__}: {error}") from error
    out = bytearray()
    _write(model, out)
    return bytes(out), model


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise PartError(f"the part 'ubj': {reason}")


class _Parser:
    """UBJSON as xgboost writes it: sizes are `L`, arrays may have one type."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def document(self) -> Any:
        value = self._value(self._take(1), 0)
        _require(self._at == len(self._data), "there are bytes behind the model")
        return value

    def _take(self, count: int) -> bytes:
        _require(0 <= count <= len(self._data) - self._at, "it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def _size(self) -> int:
        _require(self._take(1) == b"L", "a size is not a 64-bit number")
        return struct.unpack(">q", self._take(8))[0]

    def _value(self, marker: bytes, depth: int) -> Any:
        _require(depth < MAX_DEPTH, "it is nested too deeply")
        if marker in _NUMBERS:
            code = _NUMBERS[marker]
            number = struct.unpack(f">{code}", self._take(struct.calcsize(f">{code}")))[0]
            return _Single(number) if marker == b"d" else number
        if marker == b"S":
            return self._take(self._size()).decode()
        if marker in (b"T", b"F", b"Z"):
            return {b"T": True, b"F": False, b"Z": None}[marker]
        if marker == b"[":
            return self._array(depth)
        _require(marker == b"{", f"the byte {marker!r} begins no value")
        return self._object(depth)

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (marker := self._take(1)) != b"}":
            _require(marker == b"L", "a name has no size")
            name = self._take(struct.unpack(">q", self._take(8))[0]).decode()
            _require(name not in found, f"the name {name!r} occurs twice")
            found[name] = self._value(self._take(1), depth + 1)
        return found

    def _array(self, depth: int) -> Any:
        marker = self._take(1)
        if marker == b"$":
            code = _NUMBERS.get(self._take(1))
            _require(code is not None, "an array of this type is not expected")
            _require(self._take(1) == b"#", "an array of one type has no size")
            return self._numbers(str(code))
        found: list[Any] = []
        if marker == b"#":
            for _ in range(self._size()):
                found.append(self._value(self._take(1), depth + 1))
            return found
        while marker != b"]":
            found.append(self._value(marker, depth + 1))
            marker = self._take(1)
        return found

    def _numbers(self, code: str) -> Any:
        count = self._size()
        numbers = array(code)
        numbers.frombytes(self._take(count * numbers.itemsize))
        numbers.byteswap()
        return numbers


class _Single(float):
    """A number of 32 bits, to be written as one."""


def _write(value: Any, out: bytearray) -> None:
    if isinstance(value, dict):
        out += b"{"
        for name, item in value.items():
            raw = name.encode()
            out += b"L" + struct.pack(">q", len(raw)) + raw
            _write(item, out)
        out += b"}"
    elif isinstance(value, array):
        out += b"[$" + _CODES[value.typecode] + b"#L" + struct.pack(">q", len(value))
        swapped = array(value.typecode, value)
        swapped.byteswap()
        out += swapped.tobytes()
    elif isinstance(value, list):
        out += b"[#L" + struct.pack(">q", len(value))
        for item in value:
            _write(item, out)
    else:
        _write_scalar(value, out)


def _write_scalar(value: Any, out: bytearray) -> None:
    if isinstance(value, str):
        raw = value.encode()
        out += b"SL" + struct.pack(">q", len(raw)) + raw
    elif isinstance(value, bool) or value is None:
        out += {True: b"T", False: b"F", None: b"Z"}[value]
    elif isinstance(value, float):
        out += (
            b"d" + struct.pack(">f", value)
            if isinstance(value, _Single)
            else (b"D" + struct.pack(">d", value))
        )
    else:
        marker = next(each for each in (b"i", b"I", b"l", b"L") if _fits(value, _NUMBERS[each]))
        out += marker + struct.pack(f">{_NUMBERS[marker]}", value)


def _fits(value: int, code: str) -> bool:
    bits = 8 * struct.calcsize(f">{code}")
    return -(1 << bits - 1) <= value < 1 << bits - 1


# What predicting relies on.


def _check_model(model: Any, size: int) -> None:
    _keys(model, "learner", "version")
    _require(_all_integers(model["version"]) and len(model["version"]) == 3, "no version")
    learner = model["learner"]
    _keys(
        learner, "attributes", "feature_names", "feature_types", "gradient_booster",
        "learner_model_param", "objective",
    )  # fmt: skip
    _texts(learner["attributes"])
    for name in ("feature_names", "feature_types"):
        names = learner[name]
        _require(isinstance(names, list) and all(type(each) is str for each in names), name)
    param = learner["learner_model_param"]
    _texts(param)
    features = _number(param["num_feature"], 0, max(1 << 20, size))
    groups = max(1, *(_number(param.get(each, "0"), 0, 1 << 20) for each in _GROUPS))
    _check_base_score(param["base_score"], groups)
    for name in ("feature_names", "feature_types"):
        _require(len(learner[name]) in (0, features), f"{name!r} does not fit the features")
    _check_objective(learner["objective"], groups)
    _check_booster(learner["gradient_booster"], features, groups)


_GROUPS = ("num_class", "num_target")


def _keys(value: Any, *names: str) -> None:
    _require(isinstance(value, dict) and set(names) <= value.keys(), f"expected {names}")
    unknown = value.keys() - set(names)
    _require(not unknown, f"{min(unknown, default='')!r:.60} is not expected")


def _texts(value: Any) -> None:
    ok = isinstance(value, dict) and all(type(each) is str for each in value.values())
    _require(ok, "expected texts by name")


def _number(text: Any, low: int, high: int) -> int:
    _require(type(text) is str and text.isascii() and text.isdigit(), f"{text!r:.40} is no number")
    _require(len(text) <= 10 and low <= int(text) <= high, f"{text!r:.40} is out of range")
    return int(text)


def _check_base_score(text: Any, groups: int) -> None:
    _require(type(text) is str and len(text) < 64 * (groups + 1), "no base score")
    inner = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    numbers = [float(each) for each in inner.split(",")]
    _require(len(numbers) in (1, groups), "the base score does not fit the classes")


def _check_objective(objective: Any, groups: int) -> None:
    name = objective.get("name")
    _require(type(name) is str and len(name) < 60 and name.isascii(), "no objective")
    for key, values in objective.items():
        if key != "name":
            _texts({} if values is None else values)
    classes = objective.get("softmax_multiclass_param", {}).get("num_class")
    if classes is not None:
        _require(_number(classes, 0, 1 << 20) in (0, groups), "the classes do not fit")


def _check_booster(booster: Any, features: int, groups: int) -> None:
    name = booster["name"]
    if name == "gblinear":
        _keys(booster, "name", "model")
        weights = booster["model"]["weights"]
        _require(len(weights) == (features + 1) * groups, "the weights do not fit")
        _require(_all_numbers(weights), "a weight is no number")
        _require(type(booster["model"].get("boosted_rounds", 0)) is int, "no rounds")
        _require(set(booster["model"]) <= {"weights", "boosted_rounds"}, "not expected")
        return
    if name == "dart":
        _keys(booster, "name", "gbtree", "weight_drop")
        inner = booster["gbtree"]
        _keys(inner, "name", "model")
        _require(inner["name"] == "gbtree", "expected trees")
        trees = _check_trees(inner["model"], features, groups)
        drop = booster["weight_drop"]
        _require(len(drop) == trees and _all_numbers(drop), "the weights do not fit the trees")
        return
    _require(name == "gbtree", "expected trees")
    _keys(booster, "name", "model")
    _check_trees(booster["model"], features, groups)


def _check_trees(model: Any, features: int, groups: int) -> int:
    required = {"gbtree_model_param", "tree_info", "trees"}
    allowed = required | {"iteration_indptr", "cats"}
    _require(required <= model.keys() <= allowed, "expected trees and no more")
    _check_categories(model.get("cats", {}))
    param = model["gbtree_model_param"]
    _texts(param)
    count = _number(param["num_trees"], 0, 1 << 31)
    _number(param.get("num_parallel_tree", "1"), 0, 1 << 20)
    trees, info = model["trees"], model["tree_info"]
    _require(isinstance(trees, list) and len(trees) == count == len(info), "the trees do not fit")
    _require(_all_integers(info) and all(0 <= each < groups for each in info), "no such class")
    _require(groups <= max(count, 1), "there are more classes than trees")
    starts = model.get("iteration_indptr")
    if starts is not None:
        _require(_all_integers(starts) and len(starts) >= 1, "no rounds")
        _require(starts[0] == 0 and starts[-1] == count, "the rounds do not fit the trees")
        _require(all(low <= high for low, high in pairwise(starts)), "the rounds are not in order")
    for at, tree in enumerate(trees):
        _check_tree(tree, at, features)
    return count


def _check_categories(categories: Any) -> None:
    empty = isinstance(categories, dict) and not any(len(each) for each in categories.values())
    if not empty:  # of a frame: how they are encoded is not checked
        raise Untrusted("xgboost.Booster")


_INTEGERS = ("left_children", "right_children", "parents", "split_indices", "split_type")
_REALS = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def _check_tree(tree: Any, at: int, features: int) -> None:
    _keys(tree, "id", "tree_param", "default_left", *_INTEGERS, *_REALS, *_CATEGORIES)
    param = tree["tree_param"]
    _texts(param)
    count = _number(param["num_nodes"], 1, 1 << 31)
    _require(tree["id"] == at and type(at) is int, "the trees are not in order")
    _require(_number(param["num_feature"], 0, 1 << 31) in (0, features), "other features")
    if _number(param.get("size_leaf_vector", "0"), 0, 1 << 20) > 1:
        raise Untrusted("xgboost.Booster")
    for name in (*_INTEGERS, "default_left"):
        _require(len(tree[name]) == count and _all_integers(tree[name]), f"{name!r} does not fit")
    for name in _REALS:
        _require(len(tree[name]) == count and _all_numbers(tree[name]), f"{name!r} does not fit")
    for name in ("split_type", "default_left"):
        _require(all(each in (0, 1) for each in tree[name]), f"{name!r} is no flag")
    reached = _walk(tree, count, features)
    deleted = _number(param.get("num_deleted", "0"), 0, 1 << 31)
    _require(count - reached == deleted, "there are nodes that no other leads to")
    _check_splits_by_category(tree, count)


def _walk(tree: Any, count: int, features: int) -> int:
    """Follow every child: each walk ends, and meets no node twice."""
    left, right, parents = (tree[name] for name in ("left_children", "right_children", "parents"))
    _require(parents[0] in (-1, 2**31 - 1), "the root has a parent")
    seen, waiting = bytearray(count), [0]
    while waiting:
        node = waiting.pop()
        _require(not seen[node], "two nodes lead to one")
        seen[node] = 1
        children = (left[node], right[node])
        if children == (-1, -1):
            continue
        _require(all(0 < child < count for child in children), "a child is out of range")
        _require(all(parents[child] == node for child in children), "a parent does not fit")
        _require(0 <= tree["split_indices"][node] < features, "a feature is out of range")
        waiting += children
    for node in range(count):
        if not seen[node]:
            _require((left[node], right[node]) == (-1, -1), "a deleted node has children")
    return sum(seen)


def _check_splits_by_category(tree: Any, count: int) -> None:
    """Each such node has a part of the categories, which become bits of a set."""
    categories, nodes, starts, sizes = (tree[name] for name in _CATEGORIES)
    _require(all(_all_integers(tree[name]) for name in _CATEGORIES), "no categories")
    _require(len(nodes) == len(starts) == len(sizes), "the categories do not fit")
    by_category = [
        node
        for node in range(count)
        if tree["split_type"][node] == 1 and tree["left_children"][node] != -1
    ]
    _require(list(nodes) == by_category, "the nodes of the categories do not fit")
    expected = 0
    for start, size in zip(starts, sizes, strict=True):
        _require(start == expected and size > 0, "the categories are not in order")
        expected += size
    _require(expected == len(categories), "the categories do not fit their nodes")
    _require(all(0 <= each < 1 << 14 for each in categories), "a category is out of range")


def _all_integers(values: Any) -> bool:
    if isinstance(values, array):
        return values.typecode not in "fd"
    return isinstance(values, list) and all(type(each) is int for each in values)


def _all_numbers(values: Any) -> bool:
    if isinstance(values, array):
        return True
    return isinstance(values, list) and all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in values
    )


# Parameters, which the model does not have.


def checked_config(text: str, model: Any) -> str:
    """The parameters of a booster, for the model that they come with.

    Raises:
        PartError: if they are not those of such a model.

    """
    if len(text) > 1 << 16:
        raise PartError("the part 'config': it is too long")
    try:
        config = json.loads(text)
        learner, its = config["learner"], model["learner"]
        _check_leaves(config, 0)
        same = (
            learner["learner_model_param"] == its["learner_model_param"]
            and learner["objective"]["name"] == its["objective"]["name"]
            and learner["gradient_booster"]["name"] == its["gradient_booster"]["name"]
            and learner["learner_train_param"]["booster"] == its["gradient_booster"]["name"]
        )
        _check_generic(learner["generic_param"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise PartError(f"the part 'config': {type(error).__name__}: {error}") from error
    if not same:
        raise PartError("the part 'config': it is that of another model")
    _check_trees_of_config(learner["gradient_booster"], its["gradient_booster"])
    return json.dumps(config)


def _check_leaves(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            _check_leaves(item, depth + 1)
    elif type(value) is str:
        if len(value) > 1 << 14 or "\0" in value:
            raise ValueError("a text is too long")
    elif type(value) not in (bool, int, float, type(None)) or abs(value or 0) > 2**63:
        raise ValueError("a number is out of range")


def _check_generic(param: Any) -> None:
    for name in ("nthread", "n_jobs"):
        if abs(int(param.get(name, "0"))) > 256:
            raise ValueError(f"{name!r} is out of range")
    if param.get("device", "cpu") != "cpu" and not str(param["device"]).startswith("cuda"):
        raise ValueError("no such device")


def _check_trees_of_config(config: Any, booster: Any) -> None:
    if config["name"] == "dart":
        config, booster = config.get("gbtree", {}), booster["gbtree"]
    mine = config.get("gbtree_model_param")
    if mine is not None and mine != booster["model"]["gbtree_model_param"]:
        raise PartError("the part 'config': it is that of other trees")
