"""Models of lightgbm: their text, checked before its own parser sees it.

lightgbm reads as many numbers of a line as another line says there are, and follows children by
index; both without bounds. So each line is compared with those that say what it has to be.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

from cannery._objects._checks import PartError, Untrusted

_INTEGER = re.compile(r"-?\d{1,18}")
_REAL = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?([eE][+-]?\d{1,4})?|inf|nan)", re.IGNORECASE)

# Parameters that name files and machines: a model that is trained further would open them.
FILES = frozenset(
    """
    config config_file data train train_data train_data_file data_filename valid test valid_data
    valid_data_file test_data test_data_file valid_filenames input_model model_input model_in
    output_model model_output model_out output_result predict_result prediction_result predict_name
    prediction_name pred_name name_pred save_period snapshot_freq forcedsplits_filename fs
    forced_splits_filename forced_splits_file forced_splits forcedbins_filename
    initscore_filename init_score_filename init_score_file init_score input_init_score
    valid_data_initscores valid_data_init_scores valid_init_score_file valid_init_score
    parser_config_file machine_list_filename machine_list_file machine_list mlist machines workers
    nodes convert_model convert_model_file convert_model_language save_binary is_save_binary
    is_save_binary_file
    """.split()
)
_DEFAULTS = {"output_model": "LightGBM_model.txt", "snapshot_freq": "-1", "save_binary": "0"}
_HEADER = frozenset(
    """
    version num_class num_tree_per_iteration label_index max_feature_idx objective average_output
    feature_names monotone_constraints feature_infos tree_sizes parser_config_str
    """.split()
)


def check_model(text: str) -> None:
    """Check the text of a model.

    Raises:
        PartError: if lightgbm would not have written it so.

    """
    try:
        _check_text(text)
    except (KeyError, ValueError, IndexError) as error:
        if isinstance(error, PartError):
            raise
        raise PartError(f"the part 'model': {type(error).__name__}: {error}") from error


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise PartError(f"the part 'model': {reason}")


def _check_text(text: str) -> None:
    _require("\0" not in text and "\r" not in text, "there are control characters in it")
    head, mark, _ = text.partition("\n\nTree=")
    if not mark:
        head, mark, _ = text.partition("\n\nend of trees")
        _require(bool(mark), "there is no end of trees")
    lines = head.split("\n")
    _require(lines[0] == "tree", "it is no model of trees")
    fields = _fields(lines[1:])
    _require(fields.keys() <= _HEADER, "there is a line that is not expected")
    features = _integer(fields["max_feature_idx"], 0, max(1 << 20, len(text))) + 1
    classes = _integer(fields["num_class"], 1, 1 << 20)
    columns = _integer(fields["num_tree_per_iteration"], 1, 1 << 20)
    _require(classes in (1, columns), "the classes do not fit")
    _integer(fields["label_index"], 0, 1 << 30)
    for name in ("feature_names", "feature_infos"):
        _require(len(fields[name].split(" ")) == features, f"{name!r} does not fit the features")
    if "monotone_constraints" in fields:
        _integers(fields["monotone_constraints"], features, -1, 2)
    _require(not fields.get("parser_config_str"), "it names a parser")
    _check_objective(fields.get("objective", ""), columns)
    sizes = [_integer(each, 1, len(text)) for each in fields.get("tree_sizes", "").split()]
    _require(len(sizes) % columns == 0, "the trees do not fit the classes")
    _require(columns == 1 or bool(sizes), "there are more classes than trees")
    _check_trees(text, len(head) + 2, sizes, features)


def _fields(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition("=")
        _require(name not in found, f"the line {name!r:.60} occurs twice")
        found[name] = value
    return found


def _check_objective(text: str, columns: int) -> None:
    _require(len(text) < 200, "the objective is too long")
    for each in text.split(" ")[1:]:
        name, _, value = each.partition(":")
        if name == "num_class":
            _require(_integer(value, 1, 1 << 20) == columns, "the objective does not fit")


def _check_trees(text: str, start: int, sizes: list[int], features: int) -> None:
    """Sizes are in bytes: lightgbm jumps by `tree_sizes` from each tree to the next."""
    raw = text.encode()
    at = len(text[:start].encode())
    for number, size in enumerate(sizes):
        block = raw[at : at + size].decode()
        at += size
        first, *lines = block.rstrip("\n").split("\n")
        _require(first == f"Tree={number}" and block.endswith("\n"), "a tree does not fit its size")
        _check_tree(_fields([line for line in lines if line]), features)
    rest = raw[at:].decode()
    _require(rest.startswith("end of trees\n"), "there are more trees than sizes")
    _check_rest(rest)


_TREE = frozenset(
    """
    num_leaves num_cat split_feature split_gain threshold decision_type left_child right_child
    leaf_value leaf_weight leaf_count internal_value internal_weight internal_count cat_boundaries
    cat_threshold is_linear shrinkage
    """.split()
)


def _check_tree(tree: dict[str, str], features: int) -> None:
    leaves = _integer(tree["num_leaves"], 1, 1 << 30)
    inner = leaves - 1
    if _integer(tree.get("is_linear", "0"), 0, 1):
        raise Untrusted("lightgbm.Booster")
    _require(tree.keys() <= _TREE, "a tree has a line that is not expected")
    _reals(tree["shrinkage"], 1)
    _reals(tree["leaf_value"], leaves)
    for name in ("leaf_weight", "leaf_count"):
        if tree.get(name):
            _reals(tree[name], leaves)
    categories = _integer(tree["num_cat"], 0, inner)
    if inner == 0:
        return
    for name in ("split_gain", "internal_value", "internal_weight", "internal_count"):
        if tree.get(name):
            _reals(tree[name], inner)
    _integers(tree["split_feature"], inner, 0, features)
    kinds = _integers(tree["decision_type"], inner, 0, 16)
    thresholds = _reals(tree["threshold"], inner)
    _check_children(tree, inner, leaves)
    splits = [value for kind, value in zip(kinds, thresholds, strict=True) if kind & 1]
    _require(all(0 <= each < categories and each == int(each) for each in splits), "categories")
    if categories:
        ends = _integers(tree["cat_boundaries"], categories + 1, 0, 1 << 30)
        ordered = all(low < high for low, high in pairwise(ends))
        _require(ends[0] == 0 and ordered, "the categories are not in order")
        _integers(tree["cat_threshold"], ends[-1], 0, 1 << 32)


def _check_children(tree: dict[str, str], inner: int, leaves: int) -> None:
    """Children are inner nodes, or leaves as their complement; all but the root have one parent."""
    found = []
    for name in ("left_child", "right_child"):
        children = _integers(tree[name], inner, -leaves, inner)
        _require(all(child < 0 or child > at for at, child in enumerate(children)), "a cycle")
        found += children
    _require(len(set(found)) == len(found) == inner + leaves - 1, "two nodes lead to one")


def _check_rest(rest: str) -> None:
    """Importances, parameters and categories of a frame."""
    for line in rest.split("\n"):
        if line.startswith("[") and ":" in line and line.endswith("]"):
            name, _, value = line[1:-1].partition(":")
            value = value.strip()
            if name.strip() in FILES and value not in ("", _DEFAULTS.get(name.strip())):
                raise PartError(f"the part 'model': the parameter {name!r:.60} names a file")
            if len(value) > 1 << 16:
                raise PartError(f"the part 'model': the parameter {name!r:.60} is too long")
        elif line.startswith("pandas_categorical:"):
            _require(len(line) < 1 << 24, "the categories are too long")
            _check_categories(json.loads(line.partition(":")[2]))


def _check_categories(value: Any) -> None:
    if value is None:
        return
    _require(isinstance(value, list), "expected categories")
    for each in value:
        plain = all(type(item) in (str, int, float, bool, type(None)) for item in each)
        _require(isinstance(each, list) and plain, "expected categories")


def _integer(text: str, low: int, high: int) -> int:
    _require(_INTEGER.fullmatch(text) is not None, f"{text!r:.40} is no number")
    _require(low <= int(text) <= high, f"{text!r:.40} is out of range")
    return int(text)


def _integers(text: str, count: int, low: int, high: int) -> list[int]:
    """So many integers, at least `low` and below `high`."""
    words = text.split(" ")
    _require(len(words) == count, f"expected {count} numbers, got {len(words)}")
    return [_integer(word, low, high - 1) for word in words]


def _reals(text: str, count: int) -> list[float]:
    words = text.split(" ")
    _require(len(words) == count, f"expected {count} numbers, got {len(words)}")
    _require(all(_REAL.fullmatch(word) for word in words), "a number is none")
    return [float(word) for word in words]


_PLAIN = (type(None), bool, int, float, str)


def check_params(params: Any) -> None:
    """Check the parameters of a booster: scalars and lists of them, and none that names a file.

    Raises:
        PartError: if one is not.

    """
    for name, value in params.items():
        if type(name) is not str or name in FILES or len(name) > 200:
            raise PartError(f"the parameter {name!r:.60} is not for a file to set")
        items = value if type(value) in (list, tuple) else [value]
        for item in items:
            if type(item) not in _PLAIN or (type(item) is int and item.bit_length() > 64):
                raise PartError(f"the parameter {name!r:.60} is no plain value")
            if type(item) is str and (len(item) > 1000 or "\n" in item or " " in item):
                raise PartError(f"the parameter {name!r:.60} is more than one word")
    for name in ("num_threads", "n_jobs", "nthread", "num_thread", "nthreads"):
        value = params.get(name)
        if type(value) is int and abs(value) > 256:
            raise PartError(f"the parameter {name!r}: {value} threads")
