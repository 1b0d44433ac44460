"""What the parts of a fitted estimator have to agree on, checked on the finished object.

Methods of these estimators hand several attributes to compiled code, or to arithmetic on sparse
matrices, which looks at no bounds: the size of one says what may be read of the other. What only
NumPy's own indexing and products meet is not checked here; they raise errors.

Estimators without a row in `CHECKS` hand fitted attributes to NumPy and SciPy only, or through
functions that compare the shapes first (`check_pairwise_arrays`, `validate_data`,
`cho_solve`, `_check_init` of NMF).
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from cannery._objects._checks import PartError, integer, mismatch
from cannery._objects._sklearn._compiled import check_children, in_range, plain_array

# A mapping from names to values of any type.
Attributes = Any
MAX_FEATURES = 2**31 - 1


def require(holds: bool, name: str, reason: str) -> None:
    """Raise the error of an attribute that does not fit the others."""
    if not holds:
        raise PartError(f"the part {name!r}: {reason}")


def features_of(attributes: Attributes) -> int:
    """The number of columns that the estimator was fitted with.

    Where it is missing, scikit-learn compares nothing.
    """
    require("n_features_in_" in attributes, "n_features_in_", "it is missing")
    return count(attributes["n_features_in_"], "n_features_in_", 1, MAX_FEATURES)


def count(value: Any, name: str, low: int, high: int) -> int:
    """An integer within bounds, of Python or of NumPy."""
    if isinstance(value, np.integer):
        value = int(value)
    integer(low, high)(value, name)
    return value


def real_array(value: Any, name: str, ndim: int) -> Any:
    """An exact array of `float64` or `float32`, in C order."""
    dtype = getattr(value, "dtype", None)
    real = np.dtype(np.float32) if dtype == np.float32 else np.dtype(np.float64)
    return plain_array(value, name, real, ndim)


def index_array(value: Any, name: str, low: int, high: int) -> Any:
    """An exact one-dimensional array of integers within bounds; `high` is not among them."""
    if type(value) not in (np.ndarray, np.memmap) or value.dtype.kind not in "iu":
        raise mismatch(value, name, "an array of integers")
    require(value.ndim == 1, name, "expected one dimension")
    in_range(value, low, high, name)
    return value


def full_name(value: Any) -> str:
    """Module and name of a value's class."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def is_list(value: Any) -> bool:
    """Whether it is an exact list."""
    return type(value) is list


def _is_sparse(value: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and sparse.issparse(value)


# Trees: `BaseDecisionTree` compares X with `n_features_in_` and calls the compiled tree, or its
# ensemble did; `predict_proba` cuts columns of what the tree returns.


def _tree(attributes: Attributes) -> None:
    if "tree_" not in attributes:
        return
    tree = attributes["tree_"]
    require(full_name(tree) == "sklearn.tree._tree.Tree", "tree_", "expected a compiled tree")
    require(tree.n_features == features_of(attributes), "tree_", "its features do not fit")
    if "n_outputs_" in attributes:
        require(attributes["n_outputs_"] == tree.n_outputs, "n_outputs_", "it does not fit")


def _trees(attributes: Attributes, columns: int) -> list[Any]:
    """The compiled trees of an ensemble: all for so many columns."""
    estimators = attributes["estimators_"]
    if type(estimators) is np.ndarray:
        estimators = estimators.ravel().tolist()
    require(type(estimators) is list, "estimators_", "expected a list")
    trees = [vars(each).get("tree_") for each in estimators]
    for each, tree in zip(estimators, trees, strict=True):
        is_tree = type(each).__module__ == "sklearn.tree._classes"
        require(is_tree, "estimators_", "expected trees")
        require(full_name(tree) == "sklearn.tree._tree.Tree", "estimators_", "one is not fitted")
        require(tree.n_features == columns, "estimators_", "the features of one do not fit")
    return trees


def _forest(attributes: Attributes) -> None:
    """Forests check X once, and hand it to each tree with `check_input=False`."""
    if "estimators_" not in attributes:
        return
    trees = _trees(attributes, features_of(attributes))
    outputs = {(tree.n_outputs, tuple(tree.n_classes.tolist())) for tree in trees}
    require(len(outputs) <= 1, "estimators_", "the outputs of the trees differ")


def _isolation_forest(attributes: Attributes) -> None:
    """Each tree gets the columns that `estimators_features_` names, or all, unchecked."""
    if "estimators_" not in attributes:
        return
    columns = features_of(attributes)
    used = count(attributes.get("_max_features"), "_max_features", 1, columns)
    trees = _trees(attributes, used)
    chosen = attributes.get("estimators_features_")
    require(type(chosen) in (list, tuple), "estimators_features_", "expected a list")
    require(len(chosen) == len(trees), "estimators_features_", "expected one for each tree")
    for each in chosen:
        index_array(each, "estimators_features_", 0, columns)
        require(len(each) == used, "estimators_features_", "expected `_max_features` of them")
    for name in ("_average_path_length_per_tree", "_decision_path_lengths"):
        lengths = attributes.get(name)
        require(type(lengths) in (list, tuple) and len(lengths) == len(trees), name, "no fit")
        for path, tree in zip(lengths, trees, strict=True):
            fits = isinstance(path, np.ndarray) and path.shape == (tree.node_count,)
            require(fits, name, "expected one number for each node")


# Gradient boosting: `predict_stages` reads `tree.nodes` and `tree.value` by pointer and adds to
# column `k` of what the first estimator predicts, for each column of `estimators_`.


def _gradient_boosting(attributes: Attributes, is_classifier: bool) -> None:
    if "estimators_" not in attributes:
        return
    estimators = attributes["estimators_"]
    is_table = type(estimators) is np.ndarray and estimators.dtype == object
    require(is_table and estimators.ndim == 2, "estimators_", "expected a table of trees")
    require(estimators.size > 0, "estimators_", "it is empty")
    columns = features_of(attributes)
    for tree in _trees(attributes, columns):
        plain = tree.n_outputs == 1 and tree.max_n_classes == 1
        require(plain, "estimators_", "expected trees with one value at each node")
    first = _columns_of_start(attributes, columns, is_classifier)
    require(first == estimators.shape[1], "init_", "its columns do not fit")


def _columns_of_start(attributes: Attributes, columns: int, is_classifier: bool) -> int:
    """How many columns `_raw_predict_init` has."""
    init, loss = attributes.get("init_"), attributes.get("_loss")
    if type(init) is str:
        require(init == "zero", "init_", "expected `zero`")
        return count(attributes.get("n_trees_per_iteration_"), "n_trees_per_iteration_", 1, 2**20)
    require(type(loss).__module__ == "sklearn._loss.loss", "_loss", "expected a loss")
    has_classes = type(loss).__name__ == "HalfMultinomialLoss"
    if is_classifier and not has_classes:
        return 1  # the probabilities of one class
    return _columns_predicted(init, columns, "predict_proba" if is_classifier else "predict")


def _columns_predicted(init: Any, columns: int, method: str) -> int:
    """How many columns an estimator predicts: asked of it, for it may be of any class."""
    try:
        answer = getattr(init, method)(np.zeros((1, columns), dtype=np.float32))
    except Exception as error:
        raise PartError(f"the part 'init_': {type(error).__name__}: {error}") from error
    is_array = type(answer) is np.ndarray and answer.ndim in (1, 2) and len(answer) == 1
    require(is_array, "init_", "it does not predict rows")
    return answer.shape[1] if answer.ndim == 2 else 1


def _loss_of_regression(attributes: Attributes) -> None:
    """`score` hands targets to the loss: one with classes would take them as indices."""
    loss = attributes.get("_base_loss")
    name = getattr(type(loss), "__name__", "")
    require(name != "HalfMultinomialLoss", "_base_loss", "expected the loss of a regression")


# Losses call their compiled part with arrays of the shapes that their own class has.

_PARTS_OF_LOSSES = {
    "AbsoluteError": ("CyAbsoluteError", "IdentityLink"),
    "ExponentialLoss": ("CyExponentialLoss", "HalfLogitLink"),
    "HalfBinomialLoss": ("CyHalfBinomialLoss", "LogitLink"),
    "HalfGammaLoss": ("CyHalfGammaLoss", "LogLink"),
    "HalfMultinomialLoss": ("CyHalfMultinomialLoss", "MultinomialLogit"),
    "HalfPoissonLoss": ("CyHalfPoissonLoss", "LogLink"),
    "HalfSquaredError": ("CyHalfSquaredError", "IdentityLink"),
    "HalfTweedieLoss": ("CyHalfTweedieLoss", "LogLink"),
    "HalfTweedieLossIdentity": ("CyHalfTweedieLossIdentity", "IdentityLink"),
    "HuberLoss": ("CyHuberLoss", "IdentityLink"),
    "PinballLoss": ("CyPinballLoss", "IdentityLink"),
}


def check_loss(name: str, attributes: Attributes) -> None:
    """Check that a loss has the compiled part and the link of its class."""
    for part, expected in zip(("closs", "link"), _PARTS_OF_LOSSES[name], strict=True):
        found = type(attributes.get(part)).__name__
        require(found == expected, part, f"expected a {expected}")
    if attributes.get("n_classes") is not None:
        count(attributes["n_classes"], "n_classes", 1, 2**20)


# Histogram gradient boosting: `_predict_one_from_raw_data` follows `left` and `right`, reads
# `X[row, feature_idx]` and bit sets by `bitset_idx` and by the rank of a categorical feature.


def _predictor(attributes: Attributes) -> None:
    from cannery._installed import installed_module

    common = installed_module("sklearn.ensemble._hist_gradient_boosting.common")
    nodes = plain_array(attributes.get("nodes"), "nodes", common.PREDICTOR_RECORD_DTYPE, 1)
    require(len(nodes) > 0, "nodes", "there are none")
    is_split = nodes["is_leaf"] == 0
    check_children(nodes["left"], nodes["right"], is_split, len(nodes), "nodes")
    in_range(nodes["feature_idx"][is_split], 0, MAX_FEATURES, "nodes")
    is_categorical = is_split & (nodes["is_categorical"] != 0)
    for name in ("raw_left_cat_bitsets", "binned_left_cat_bitsets"):
        bits = plain_array(attributes.get(name), name, np.dtype(np.uint32), 2)
        require(bits.shape[1] == 8, name, "expected 256 bits in a row")
        in_range(nodes["bitset_idx"][is_categorical], 0, len(bits), name)


def _hist_gradient_boosting(attributes: Attributes) -> None:
    if "_predictors" not in attributes:
        return
    columns = features_of(attributes)
    mapper = vars(attributes.get("_bin_mapper"))
    flags = np.dtype(np.uint8)
    is_categorical = plain_array(mapper.get("is_categorical_"), "is_categorical_", flags, 1)
    require(len(is_categorical) == columns, "is_categorical_", "expected one for each feature")
    thresholds = mapper.get("bin_thresholds_")
    require(type(thresholds) is list and len(thresholds) == columns, "bin_thresholds_", "no fit")
    for rows in attributes["_predictors"]:
        for predictor in rows:
            require(type(predictor).__name__ == "TreePredictor", "_predictors", "expected trees")
            nodes: Any = vars(predictor)["nodes"]
            split = nodes[nodes["is_leaf"] == 0]
            in_range(split["feature_idx"], 0, columns, "_predictors")
            used = split["feature_idx"][split["is_categorical"] != 0]
            require(bool(is_categorical[used].all()), "_predictors", "a feature has no categories")
    if attributes.get("_preprocessor") is not None:
        _categories_first(attributes["_preprocessor"], columns)


def _categories_first(preprocessor: Any, columns: int) -> None:
    """The columns that predictors read are those that two transformers leave, as many as came."""
    attributes = vars(preprocessor)
    require(type(preprocessor).__name__ == "ColumnTransformer", "_preprocessor", "no fit")
    require(features_of(attributes) == columns, "_preprocessor", "its features do not fit")
    steps: Any = attributes.get("transformers_")
    require(is_list(steps) and 2 <= len(steps) <= 3, "_preprocessor", "expected two steps")
    kinds = [type(step[1]).__name__ for step in steps[:2]]
    require(kinds == ["OrdinalEncoder", "FunctionTransformer"], "_preprocessor", "other steps")
    require(len(steps) == 2 or steps[2][1] == "drop", "_preprocessor", "it has a remainder")
    masks = [step[2] for step in steps[:2]]
    for mask in masks:
        plain_array(mask, "_preprocessor", np.dtype(np.bool_), 1)
        require(len(mask) == columns, "_preprocessor", "a mask does not fit")
    require(bool(np.all(masks[0] ^ masks[1])), "_preprocessor", "the masks overlap")
    chosen = attributes.get("_transformer_to_input_indices", {})
    for step, mask in zip(steps[:2], masks, strict=True):
        fits = np.array_equal(chosen.get(step[0]), np.flatnonzero(mask))
        require(fits, "_preprocessor", "its columns do not fit the masks")
    _check_conversion(vars(steps[1][1]))


def _check_conversion(attributes: Attributes) -> None:
    """Columns of numbers are converted, by a function that leaves their number as it is."""
    from sklearn.utils.validation import check_array

    function = attributes.get("func")
    fits = (
        type(function) is functools.partial
        and function.func is check_array
        and not function.args
        and set(function.keywords) <= {"dtype", "ensure_all_finite", "force_all_finite"}
        and attributes.get("kw_args") is None
    )
    require(fits, "_preprocessor", "expected `check_array`")


# Neighbors: `_fit_X` is read by the columns of X, labels are indices into the scores of classes.


def _neighbors(attributes: Attributes) -> None:
    if "_fit_X" not in attributes:
        return
    data, tree = attributes["_fit_X"], attributes.get("_tree")
    rows, columns = _rows_and_columns(data, "_fit_X")
    require(features_of(attributes) == columns, "_fit_X", "its columns do not fit")
    known = count(attributes.get("n_samples_fit_"), "n_samples_fit_", 1, 2**62)
    require(known == rows, "n_samples_fit_", "it does not fit")
    require(attributes.get("_fit_method") in ("brute", "kd_tree", "ball_tree"), "_fit_method", "?")
    if tree is not None:
        is_tree = type(tree).__module__.startswith("sklearn.neighbors._")
        require(is_tree and np.shape(tree.data) == (rows, columns), "_tree", "it does not fit")
    if "_y" in attributes:
        _check_targets(attributes, rows)


def _rows_and_columns(data: Any, name: str) -> tuple[int, int]:
    if _is_sparse(data):
        return data.shape
    require(type(data) in (np.ndarray, np.memmap) and data.ndim == 2, name, "expected a table")
    require(data.dtype.kind in "fiub", name, "expected numbers")
    return data.shape


def _check_targets(attributes: Attributes, rows: int) -> None:
    targets = attributes["_y"]
    require(type(targets) in (np.ndarray, np.memmap), "_y", "expected an array")
    require(targets.ndim in (1, 2) and len(targets) == rows, "_y", "it does not fit")
    if "classes_" not in attributes:
        return
    require(targets.dtype.kind in "iu", "_y", "expected indices of classes")
    classes = attributes["classes_"]
    if type(classes) is list:
        require(targets.ndim == 2 and targets.shape[1] == len(classes), "_y", "no fit")
        for column, each in zip(targets.T, classes, strict=True):
            in_range(column, 0, len(each), "_y")
        return
    require(isinstance(classes, np.ndarray) and classes.ndim == 1, "classes_", "expected a row")
    in_range(targets, 0, len(classes), "_y")


def _density(attributes: Attributes) -> None:
    """`tree_.kernel_density` compares the columns of X; the tree has to be one."""
    if "tree_" in attributes:
        tree = attributes["tree_"]
        is_tree = type(tree).__module__.startswith("sklearn.neighbors._")
        require(is_tree, "tree_", "expected a tree of neighbors")
        require(np.shape(tree.data)[1] == features_of(attributes), "tree_", "it does not fit")


# Clusters: `lloyd_iter` reads `X.shape[1]` numbers of each center and starts so many threads.


def _k_means(attributes: Attributes) -> None:
    if "cluster_centers_" not in attributes:
        return
    columns = features_of(attributes)
    centers = real_array(attributes["cluster_centers_"], "cluster_centers_", 2)
    require(centers.shape[1] == columns and len(centers) > 0, "cluster_centers_", "no fit")
    count(attributes.get("_n_threads"), "_n_threads", 1, 256)
    if "_counts" in attributes:
        counts = real_array(attributes["_counts"], "_counts", 1)
        require(len(counts) == len(centers), "_counts", "expected one for each center")
        require(counts.dtype == centers.dtype, "_counts", "its type does not fit")
    if "_bisecting_tree" in attributes:
        _bisections(attributes["_bisecting_tree"], columns, len(centers))


def _bisections(root: Any, columns: int, labels: int) -> None:
    waiting, seen = [root], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        require(seen <= 2 * labels + 1, "_bisecting_tree", "there are more nodes than clusters")
        require(type(node).__name__ == "_BisectingTree", "_bisecting_tree", "expected nodes")
        parts = vars(node)
        center = real_array(parts.get("center"), "_bisecting_tree", 1)
        require(len(center) == columns, "_bisecting_tree", "a center does not fit")
        children = [parts.get("left"), parts.get("right")]
        require((children[0] is None) == (children[1] is None), "_bisecting_tree", "one child")
        waiting += [child for child in children if child is not None]


def _birch(attributes: Attributes) -> None:
    """The norms of the centers are handed on as they are, and read one for each center."""
    if "subcluster_centers_" not in attributes:
        return
    centers = real_array(attributes["subcluster_centers_"], "subcluster_centers_", 2)
    require(centers.shape[1] == features_of(attributes), "subcluster_centers_", "no fit")
    norms = real_array(attributes.get("_subcluster_norms"), "_subcluster_norms", 1)
    require(len(norms) == len(centers), "_subcluster_norms", "expected one for each center")
    if "subcluster_labels_" in attributes:
        shape = np.shape(attributes["subcluster_labels_"])
        require(shape == (len(centers),), "subcluster_labels_", "expected one for each center")


def _hdbscan(attributes: Attributes) -> None:
    """`labelling_at_cut` joins the sets that each row of the tree names by index."""
    tree = attributes.get("_single_linkage_tree_")
    if tree is None:
        return
    names = {"left_node", "right_node", "value", "cluster_size"}
    require(type(tree) in (np.ndarray, np.memmap) and tree.ndim == 1, "_single_linkage_tree_", "?")
    require(set(tree.dtype.names or ()) == names, "_single_linkage_tree_", "expected four fields")
    made = np.arange(len(tree)) + len(tree) + 1
    for name in ("left_node", "right_node"):
        in_range(tree[name], 0, 2 * len(tree) + 1, "_single_linkage_tree_")
        require(bool(np.all(tree[name] < made)), "_single_linkage_tree_", "a set is not made yet")
    both = np.concatenate([tree["left_node"], tree["right_node"]])
    require(len(np.unique(both)) == len(both), "_single_linkage_tree_", "a set is joined twice")


def _agglomeration(attributes: Attributes) -> None:
    """`bincount(labels_)` allocates as many numbers as the largest label says."""
    if "labels_" in attributes and "n_features_in_" in attributes:
        columns = features_of(attributes)
        require(len(attributes["labels_"]) == columns, "labels_", "expected one for each feature")
        index_array(attributes["labels_"], "labels_", 0, columns)


# Support vectors: libsvm gets pointers, and takes all sizes from `_n_support` and `support_`.


def _libsvm(attributes: Attributes, is_classifier: bool) -> None:
    if "support_" not in attributes:
        return
    columns = features_of(attributes)
    rows = _rows_fitted(attributes.get("shape_fit_"))
    support = plain_array(attributes["support_"], "support_", np.dtype(np.int32), 1)
    in_range(support, 0, rows, "support_")
    numbers = plain_array(attributes.get("_n_support"), "_n_support", np.dtype(np.int32), 1)
    in_range(numbers, 0, len(support) + 1, "_n_support")
    if is_classifier:
        require(2 <= len(numbers) < 2**15, "_n_support", "expected one for each class")
        require(int(numbers.sum()) == len(support), "_n_support", "the sum does not fit")
        classes = np.shape(attributes.get("classes_"))
        require(classes == (len(numbers),), "classes_", "it does not fit")
    else:
        require(len(numbers) == 2, "_n_support", "expected two numbers")
    _support_vectors(attributes, len(support), columns)
    _coefficients(attributes, len(numbers), len(support), is_classifier)


def _rows_fitted(shape: Any) -> int:
    require(type(shape) in (tuple, list) and len(shape) >= 1, "shape_fit_", "expected a shape")
    return count(shape[0], "shape_fit_", 1, 2**31 - 1)


def _support_vectors(attributes: Attributes, number: int, columns: int) -> None:
    vectors, kernel = attributes.get("support_vectors_"), attributes.get("kernel")
    is_given = kernel == "precomputed" or callable(kernel)
    if attributes.get("_sparse"):
        require(_is_sparse(vectors) and vectors.format == "csr", "support_vectors_", "not CSR")
        require(not is_given, "kernel", "a kernel that is given takes no sparse vectors")
        require(vectors.shape == (number, columns), "support_vectors_", "the shape does not fit")
        return
    plain_array(vectors, "support_vectors_", np.dtype(np.float64), 2)
    fits = is_given or vectors.shape == (number, columns)
    require(fits, "support_vectors_", "the shape does not fit")


def _coefficients(attributes: Attributes, classes: int, number: int, is_classifier: bool) -> None:
    pairs = classes * (classes - 1) // 2
    for name in ("intercept_", "_intercept_"):
        values = plain_array(attributes.get(name), name, np.dtype(np.float64), 1)
        require(len(values) == pairs, name, "expected one for each pair of classes")
    for name in ("dual_coef_", "_dual_coef_"):
        values = attributes.get(name)
        if attributes.get("_sparse"):
            require(_is_sparse(values) and values.format == "csr", name, "expected CSR")
            require(values.data.size == (classes - 1) * number, name, "it is not full")
        else:
            plain_array(values, name, np.dtype(np.float64), 2)
        require(values.shape == (classes - 1, number), name, "the shape does not fit")
    _check_probabilities(attributes, pairs if is_classifier else 0)
    if "class_weight_" in attributes:
        weights = plain_array(attributes["class_weight_"], "class_weight_", np.dtype("f8"), 1)
        require(len(weights) in (0, classes), "class_weight_", "expected one for each class")


def _check_probabilities(attributes: Attributes, pairs: int) -> None:
    """Libsvm copies these if its parameter says that there are any, however many there are."""
    uses = attributes.get("_effective_probability", attributes.get("probability") is True)
    require(isinstance(uses, (bool, np.bool_)), "_effective_probability", "expected a bool")
    require(pairs > 0 or not uses, "_effective_probability", "a regression has none")
    for name in ("_probA", "_probB"):
        values = plain_array(attributes.get(name), name, np.dtype(np.float64), 1)
        fits = len(values) == (pairs if uses else 0)
        require(fits, name, "expected one for each pair of classes, if any")


# Linear models: `partial_fit` and a warm start change the coefficients in place, by pointer.

_COEFFICIENTS = ("coef_", "_standard_coef", "_average_coef")
_INTERCEPTS = ("_standard_intercept", "_average_intercept")


def _linear(attributes: Attributes) -> None:
    dense = [
        (name, attributes[name])
        for name in _COEFFICIENTS
        if attributes.get(name) is not None and not _is_sparse(attributes[name])
    ]
    if not dense or "n_features_in_" not in attributes:
        require(not dense or "t_" not in attributes, "n_features_in_", "it is missing")
        return
    columns = features_of(attributes)
    for name, values in dense:
        require(type(values) in (np.ndarray, np.memmap), name, "expected an array")
        require(values.ndim in (1, 2) and values.shape[-1] == columns, name, "no fit")
        require(values.dtype.kind in "fiu", name, "expected numbers")


def _descent(attributes: Attributes) -> None:
    """As above, and the averages are added up beside the coefficients."""
    _linear(attributes)
    kept = {name: attributes.get(name) for name in _COEFFICIENTS}
    kept = {name: values for name, values in kept.items() if isinstance(values, np.ndarray)}
    for name, values in kept.items():
        real_array(values, name, values.ndim)
        require(values.size == next(iter(kept.values())).size, name, "the sizes differ")
    if not kept:
        return
    first = next(iter(kept.values()))
    rows = first.shape[0] if first.ndim == 2 else 1
    for name in _INTERCEPTS:
        if attributes.get(name) is not None:
            values = real_array(attributes[name], name, 1)
            require(len(values) == rows, name, "expected one for each row of coefficients")


# Vocabularies become columns of sparse matrices, whose constructor looks at no bounds.


def _vocabulary(attributes: Attributes) -> None:
    for name in ("vocabulary_", "vocabulary"):
        words = attributes.get(name)
        if type(words) is not dict:
            require(name == "vocabulary" or words is None, name, "expected a dict")
            continue
        numbers = [count(value, name, 0, len(words) - 1) for value in words.values()]
        require(len(set(numbers)) == len(numbers), name, "a column occurs twice")
    if "feature_names_" in attributes and "vocabulary_" in attributes:
        known = len(attributes["feature_names_"])
        require(known == len(attributes["vocabulary_"]), "feature_names_", "it does not fit")


# Encoders: columns of sparse matrices again, numbered by categories, groups and what is dropped.


def _encoder(attributes: Attributes) -> None:
    if "categories_" not in attributes:
        return
    columns = features_of(attributes)
    categories: Any = attributes["categories_"]
    require(is_list(categories) and len(categories) == columns, "categories_", "no fit")
    for each in categories:
        is_row = isinstance(each, np.ndarray) and each.ndim == 1
        require(is_row, "categories_", "expected a row of them for each feature")
    groups = [_groups(attributes, at, len(each)) for at, each in enumerate(categories)]
    if "_n_features_outs" in attributes or "_drop_idx_after_grouping" in attributes:
        _one_hot(attributes, groups)


def _groups(attributes: Attributes, at: int, number: int) -> int:
    """How many columns a feature has, when categories that are rare share one."""
    if not attributes.get("_infrequent_enabled", False):
        return number
    rare = _item(attributes, "_infrequent_indices", at)
    mapping = _item(attributes, "_default_to_infrequent_mappings", at)
    require((rare is None) == (mapping is None), "_infrequent_indices", "it does not fit")
    if rare is None:
        return number
    index_array(rare, "_infrequent_indices", 0, number)
    require(0 < len(np.unique(rare)) == len(rare), "_infrequent_indices", "one occurs twice")
    index_array(mapping, "_default_to_infrequent_mappings", 0, number - len(rare) + 1)
    require(len(mapping) == number, "_default_to_infrequent_mappings", "it does not fit")
    return number - len(rare) + 1


def _item(attributes: Attributes, name: str, at: int) -> Any:
    values = attributes.get(name)
    require(type(values) is list and at < len(values), name, "expected one for each feature")
    return values[at]


def _one_hot(attributes: Attributes, groups: list[int]) -> None:
    dropped = attributes.get("_drop_idx_after_grouping")
    if dropped is not None:
        require(isinstance(dropped, np.ndarray) and dropped.ndim == 1, "drop_idx_", "a row")
        require(len(dropped) == len(groups), "_drop_idx_after_grouping", "it does not fit")
    outs = attributes.get("_n_features_outs")
    require(type(outs) is list and len(outs) == len(groups), "_n_features_outs", "no fit")
    for at, number in enumerate(groups):
        drop = None if dropped is None else dropped[at]
        if drop is not None:
            count(drop, "_drop_idx_after_grouping", 0, number - 1)
        require(outs[at] == number - (drop is not None), "_n_features_outs", "it does not fit")


def _target_encoder(attributes: Attributes) -> None:
    """Columns without an encoding would stay as the memory was."""
    _encoder(attributes)
    if "encodings_" not in attributes:
        return
    is_multiclass = attributes.get("target_type_") == "multiclass"
    classes = len(attributes["classes_"]) if is_multiclass else 1
    number = features_of(attributes) * classes
    require(len(attributes["encodings_"]) == number > 0, "encodings_", "it does not fit")
    for at, encoding in enumerate(attributes["encodings_"]):
        fits = np.shape(encoding) == np.shape(attributes["categories_"][at // classes])
        require(fits, "encodings_", "expected one for each category")


def _polynomial(attributes: Attributes, cls: Any) -> None:
    """The result is allocated with `_n_out_full` columns, and filled as the degrees say."""
    if "_n_out_full" not in attributes:
        return
    low = count(attributes.get("_min_degree"), "_min_degree", 0, 1000)
    high = count(attributes.get("_max_degree"), "_max_degree", low, 1000)
    numbers = {
        "n_features": features_of(attributes),
        "interaction_only": attributes.get("interaction_only"),
        "include_bias": attributes.get("include_bias"),
    }
    for name in ("interaction_only", "include_bias"):
        require(isinstance(numbers[name], (bool, np.bool_)), name, "expected a bool")
    full = cls._num_combinations(min_degree=0, max_degree=high, **numbers)
    cut = cls._num_combinations(min_degree=low, max_degree=high, **numbers)
    require(attributes["_n_out_full"] == full, "_n_out_full", "it does not fit the degree")
    require(attributes.get("n_output_features_") == cut, "n_output_features_", "it does not fit")


def _topics(attributes: Attributes) -> None:
    """The compiled steps take their sizes from these arrays."""
    if "components_" not in attributes:
        return
    shapes = set()
    for name in ("components_", "exp_dirichlet_component_"):
        if name in attributes:
            values = attributes[name]
            require(type(values) in (np.ndarray, np.memmap), name, "expected an array")
            require(values.ndim == 2 and values.dtype.kind == "f", name, "expected numbers")
            require(values.shape[1] == features_of(attributes), name, "it does not fit")
            shapes.add(values.shape)
    require(len(shapes) == 1, "components_", "the shapes differ")


def _isotonic(attributes: Attributes) -> None:
    """Thresholds are interpolated when the state is set."""
    names = [name for name in ("X_thresholds_", "y_thresholds_") if name in attributes]
    rows = [real_array(attributes[name], name, 1) for name in names]
    require(len({len(row) for row in rows}) <= 1, "y_thresholds_", "it does not fit")


def _frozen(attributes: Attributes) -> None:
    """What it does not have itself, it asks its estimator for."""
    from sklearn.base import BaseEstimator

    is_estimator = isinstance(attributes.get("estimator"), BaseEstimator)
    require(is_estimator, "estimator", "expected an estimator")


CHECKS: Mapping[str, Callable[[Attributes], None]] = {
    "sklearn.tree._classes.BaseDecisionTree": _tree,
    "sklearn.ensemble._forest.BaseForest": _forest,
    "sklearn.ensemble._iforest.IsolationForest": _isolation_forest,
    "sklearn.ensemble._gb.GradientBoostingClassifier": (
        lambda attributes: _gradient_boosting(attributes, True)
    ),
    "sklearn.ensemble._gb.GradientBoostingRegressor": (
        lambda attributes: _gradient_boosting(attributes, False)
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _predictor,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting": (
        _hist_gradient_boosting
    ),
    "sklearn.linear_model._glm.glm._GeneralizedLinearRegressor": _loss_of_regression,
    "sklearn.neighbors._base.NeighborsBase": _neighbors,
    "sklearn.neighbors._kde.KernelDensity": _density,
    "sklearn.cluster._kmeans._BaseKMeans": _k_means,
    "sklearn.cluster._birch.Birch": _birch,
    "sklearn.cluster._hdbscan.hdbscan.HDBSCAN": _hdbscan,
    "sklearn.cluster._agglomerative.FeatureAgglomeration": _agglomeration,
    "sklearn.svm._base.BaseSVC": lambda attributes: _libsvm(attributes, True),
    "sklearn.svm._classes.SVR": lambda attributes: _libsvm(attributes, False),
    "sklearn.svm._classes.NuSVR": lambda attributes: _libsvm(attributes, False),
    "sklearn.svm._classes.OneClassSVM": lambda attributes: _libsvm(attributes, False),
    "sklearn.linear_model._stochastic_gradient.BaseSGD": _descent,
    "sklearn.linear_model._base.LinearModel": _linear,
    "sklearn.linear_model._base.LinearClassifierMixin": _linear,
    "sklearn.feature_extraction.text.CountVectorizer": _vocabulary,
    "sklearn.feature_extraction._dict_vectorizer.DictVectorizer": _vocabulary,
    "sklearn.preprocessing._encoders.OneHotEncoder": _encoder,
    "sklearn.preprocessing._encoders.OrdinalEncoder": _encoder,
    "sklearn.preprocessing._target_encoder.TargetEncoder": _target_encoder,
    "sklearn.decomposition._lda.LatentDirichletAllocation": _topics,
    "sklearn.decomposition._nmf._BaseNMF": _topics,
    "sklearn.isotonic.IsotonicRegression": _isotonic,
    "sklearn.frozen._frozen.FrozenEstimator": _frozen,
}
"""Checks by the classes that define the methods; a subclass has those of all its bases."""


@cache
def _checks_of(cls: type) -> tuple[Callable[[Attributes], None], ...]:
    found: list[Callable[[Attributes], None]] = []
    for base in cls.__mro__:
        check = CHECKS.get(f"{base.__module__}.{base.__qualname__}")
        if check is not None and check not in found:
            found.append(check)
    return tuple(found)


def check_fitted(cls: type, attributes: Attributes) -> None:
    """Check what the attributes of an instance have to agree on.

    Raises:
        PartError: if they do not.

    """
    for check in _checks_of(cls):
        check(attributes)
    if cls.__module__ == "sklearn._loss.loss" and cls.__name__ in _PARTS_OF_LOSSES:
        check_loss(cls.__name__, attributes)
    if cls.__name__ == "PolynomialFeatures":
        _polynomial(attributes, cls)
