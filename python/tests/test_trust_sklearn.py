"""Estimators of strangers: what a document may say of one, and what it may not."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cannery

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

import estimator_mutations  # noqa: E402
import sklearn_models  # noqa: E402

from cannery._objects._checks import PartError, Untrusted  # noqa: E402
from cannery._objects._invariants_sklearn import check_object, check_state  # noqa: E402
from cannery._objects._sklearn import maker_of  # noqa: E402
from cannery._objects._sklearn._table import class_names, function_names  # noqa: E402

Document = Any


def document_of(estimator: Any) -> Document:
    return json.loads(cannery.dumps(estimator))


def load(document: Document, **options: Any) -> Any:
    return cannery.loads(json.dumps(document), **options)


def same(mine: Any, its: Any) -> bool:
    """Equal, or nearly: sums depend on where in memory their terms lie."""
    if hasattr(mine, "toarray"):
        mine, its = mine.toarray(), its.toarray()
    if isinstance(mine, (list, tuple)):
        return len(mine) == len(its) and all(map(same, mine, its))
    if isinstance(mine, str):
        return mine == its
    mine, its = np.asarray(mine), np.asarray(its)
    if mine.dtype.kind == "f":
        return mine.shape == its.shape and np.allclose(mine, its, equal_nan=True)
    return mine.shape == its.shape and str(mine) == str(its)


# What loads.

# They draw numbers from the generator that all share.
_DRAW = {"BernoulliRBM", "DummyClassifier"}


def test_every_estimator_predicts_the_same() -> None:
    with sklearn_models.quietly():
        for model in sklearn_models.models():
            back = cannery.loads(cannery.dumps(model.estimator))
            assert type(back) is type(model.estimator)
            if model.name in _DRAW:
                continue
            expected = sklearn_models.answers(model.estimator, model.rows)
            assert same(sklearn_models.answers(back, model.rows), expected), model.name
    # Fitting it means nothing: it is given its dictionary.
    assert sklearn_models.unfitted() == ("SparseCoder",)


def test_every_booster_predicts_the_same() -> None:
    with sklearn_models.quietly():
        for model in sklearn_models.boosters():
            back = cannery.loads(cannery.dumps(model.estimator))
            assert type(back) is type(model.estimator)
            expected = sklearn_models.answers(model.estimator, model.rows)
            assert same(sklearn_models.answers(back, model.rows), expected), model.name


def test_models_whose_parts_are_not_checked_stay_records() -> None:
    lgb = pytest.importorskip("lightgbm")
    rows = np.random.RandomState(0).rand(80, 3)
    linear = lgb.LGBMRegressor(n_estimators=2, linear_tree=True, verbose=-1)
    document = document_of(linear.fit(rows, rows[:, 0]))
    assert type(load(document)) is cannery.Record
    assert load(document).__type_name__ == "lightgbm.LGBMRegressor"


# The table.


def _policy() -> dict[str, set[str]]:
    text = (Path(__file__).parents[2] / "crates/formats/pickle/policy/sklearn.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[str, set[str]] = {}
    for line in "\n".join(lines).replace("\n    ", " ").splitlines():
        module, _, names = line.partition(":")
        found[module] = {name.strip("&()+") for name in names.split()}
    return found


def test_the_table_has_names_of_the_table_for_pickles_only() -> None:
    policy = _policy()
    for name in [*class_names(), *function_names()]:
        module, _, attribute = name.rpartition(".")
        assert attribute in policy[module], name


def test_the_table_names_no_tests() -> None:
    for name in [*class_names(), *function_names()]:
        assert not {"tests", "conftest", "externals", "datasets"} & set(name.split(".")), name


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.conftest.x",
        "sklearn.tests.test_base.MyEstimator",
        "sklearn.externals._arff.ArffDecoder",
        "sklearn.utils.parallel.Parallel",
        "sklearn.base.BaseEstimator",
        "sklearn.linear_model.Ridge",
        "sklearn.neighbors._quad_tree._QuadTree",
        "sklearn.tree._splitter.BestSplitter",
        "xgboost.tracker.RabitTracker",
        "xgboost.DMatrix",
        "lightgbm.basic.Booster",
        "lightgbm.Dataset",
    ],
)
def test_other_names_are_neither_imported_nor_made(name: str) -> None:
    before = set(sys.modules)
    assert type(load({"$type": name, "x": 1})) is cannery.Record
    after = set(sys.modules) - before
    assert not [module for module in after if module.startswith("sklearn.")]


def test_no_module_of_the_working_folder_is_imported(tmp_path: Path) -> None:
    for package in ("sklearn", "xgboost", "lightgbm", "joblib", "scipy", "threadpoolctl"):
        (tmp_path / f"{package}.py").write_text("print('RUN')")
    code = """
import cannery, json
for name in ("sklearn.linear_model._ridge.Ridge", "xgboost.Booster", "lightgbm.Booster"):
    try:
        cannery.loads(json.dumps({"$type": name}))
    except cannery.CanneryError:
        pass
import sys
print("sklearn.linear_model" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(cannery.__file__).parents[1])},
        check=True,
    )
    assert done.stdout == "True\n"


# Names of attributes, and their values.


def ridge(**changes: Any) -> Document:
    from sklearn.linear_model import Ridge

    return document_of(Ridge().fit([[0.0], [1.0]], [0.0, 1.0])) | changes


NOT_FOR_A_FILE = """
predict fit score get_params _validate_params _parameter_constraints _skl_callbacks __class__
__dict__ __array_interface__ __reduce__ __x 1x
""".split()


@pytest.mark.parametrize("name", [*NOT_FOR_A_FILE, "a b", ""])
def test_attributes_that_are_not_for_a_file_to_set(name: str) -> None:
    with pytest.raises(cannery.CanneryError):
        load(ridge(**{name: {"a": 1}}))


def test_attributes_of_ones_own_are_kept() -> None:
    assert load(ridge(note="of May", alphas_tried_=[1, 2])).note == "of May"


RECORD = {"$type": "shop.Item", "value": 1}


def array_of_objects() -> Document:
    document = document_of(np.array([None], dtype=object))
    return document | {"items": [RECORD]}


@pytest.mark.parametrize(
    "value",
    [
        RECORD,
        [RECORD],
        {"a": [RECORD]},
        {"$type": "tuple", "value": [[RECORD]]},
        array_of_objects(),
        [array_of_objects()],
    ],
)
def test_a_record_anywhere_inside_makes_a_record(value: Any) -> None:
    made = load(ridge(extra_=value))
    assert type(made) is cannery.Record
    assert made.__type_name__ == "sklearn.linear_model._ridge.Ridge"


def maker_of_ridge() -> Any:
    return maker_of("sklearn.linear_model._ridge.Ridge")


def test_containers_within_containers() -> None:
    value: Any = [1]
    for _ in range(25):
        value = [value]
    assert load(ridge(extra_=value)).extra_ == value
    for _ in range(10):
        value = [value]
    with pytest.raises(PartError, match="nested"):
        maker_of_ridge()({"extra_": value})


def test_containers_that_are_shared_take_linear_time() -> None:
    value: Any = []
    for _ in range(28):
        value = [value, value]
    assert maker_of_ridge()({"extra_": value}).extra_ is value


def test_estimators_warn_of_another_version() -> None:
    with pytest.warns(UserWarning, match=r"version 0\.99\.0"):
        load(ridge(_sklearn_version="0.99.0"))
    with pytest.raises(cannery.CanneryError, match="version"):
        load(ridge(_sklearn_version="\x1b[2J"))


# Texts that methods open or evaluate, and what they call.

FUNCTION = {"$type": "function", "name": "builtins.max"}
CALLER = {
    "$type": "operator.methodcaller",
    "name": "tofile",
    "args": {"$type": "tuple", "value": ["x"]},
    "keywords": {},
}
PARTIAL = {
    "$type": "functools.partial",
    "function": FUNCTION,
    "args": {"$type": "tuple", "value": []},
    "keywords": {"key": CALLER},
}


def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer()


def _pipeline() -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler())


def _named(module: str, name: str, **options: Any) -> Callable[[], Any]:
    from importlib import import_module

    return lambda: getattr(import_module(module), name)(**options)


TEXTS: list[tuple[Callable[[], Any], str, Any]] = [
    (_pipeline, "memory", "cache"),
    (_named("sklearn.pipeline", "FeatureUnion", transformer_list=[]), "n_jobs", 10**6),
    (_named("sklearn.cluster", "OPTICS"), "memory", "/tmp/x"),
    (_named("sklearn.cluster", "FeatureAgglomeration"), "memory", "x"),
    (_vectorizer, "input", "filename"),
    (_vectorizer, "input", "file"),
    (_vectorizer, "encoding", "zlib"),
    (_vectorizer, "encoding", "shop.codec"),
    (_vectorizer, "decode_error", "shop"),
    (_vectorizer, "token_pattern", "(a+)+$"),
    (_vectorizer, "token_pattern", "(a|aa)*b"),
    (_vectorizer, "token_pattern", "a?" * 30 + "a" * 30),
    (_vectorizer, "tokenizer", CALLER),
    (_vectorizer, "analyzer", PARTIAL),
    (_named("sklearn.feature_extraction.text", "HashingVectorizer"), "n_features", 0),
    (_named("sklearn.feature_extraction.text", "HashingVectorizer"), "input", "filename"),
    (_named("sklearn.feature_extraction", "FeatureHasher"), "n_features", -1),
    (_named("sklearn.preprocessing", "FunctionTransformer"), "func", CALLER),
    (_named("sklearn.preprocessing", "FunctionTransformer"), "func", PARTIAL),
    (_named("sklearn.preprocessing", "FunctionTransformer"), "kw_args", {"key": CALLER}),
    (_named("sklearn.neighbors", "NearestNeighbors"), "metric", PARTIAL),
    (
        _named("sklearn.neighbors", "NearestNeighbors"),
        "metric_params",
        {"Y_norm_squared": [1.0]},
    ),
    (
        _named("sklearn.compose", "ColumnTransformer", transformers=[]),
        "verbose_feature_names_out",
        "{feature_name:>1000000000}",
    ),
    (
        _named("sklearn.compose", "ColumnTransformer", transformers=[]),
        "verbose_feature_names_out",
        "{feature_name.__class__}",
    ),
    (_named("sklearn.feature_selection", "RFE", estimator=None), "importance_getter", "a.__b__"),
    (
        _named("sklearn.ensemble", "StackingClassifier", estimators=[]),
        "stack_method_",
        ["set_params"],
    ),
    (
        _named("sklearn.model_selection", "GridSearchCV", estimator=None, param_grid={}),
        "pre_dispatch",
        "__import__('os').getcwd()",
    ),
    (_named("sklearn.cluster", "KMeans"), "random_state", {"a": 1}),
    (_named("sklearn.preprocessing", "StandardScaler"), "_sklearn_output_config", {"fit": "x"}),
    (
        _named("sklearn.preprocessing", "StandardScaler"),
        "_sklearn_output_config",
        {"transform": "shop"},
    ),
]


@pytest.mark.parametrize(("make", "name", "value"), TEXTS)
def test_texts_and_functions_that_a_file_may_not_choose(
    make: Callable[[], Any], name: str, value: Any
) -> None:
    document = document_of(make())
    assert type(load(document)) is type(make())
    document[name] = value
    try:
        made = load(document)
    except cannery.CanneryError:
        return
    assert type(made) is cannery.Record


def test_functions_of_the_tables_are_parameters() -> None:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import FunctionTransformer

    for function in (np.log1p, np.sum, len, str.lower):
        assert load(document_of(FunctionTransformer(function))).func is function
    rows = np.random.RandomState(0).rand(20, 2)
    import math

    model = KNeighborsClassifier(2, algorithm="ball_tree", metric=math.dist)
    model.fit(rows, np.arange(20) % 2)
    assert (load(document_of(model)).predict(rows) == model.predict(rows)).all()


# States that compiled code would follow out of bounds.


def _set(*path: Any) -> Callable[[Document, Any], None]:
    def put(document: Document, value: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return put


def _forged(document: Document, path: tuple[Any, ...], edit: Callable[[Any], None]) -> Document:
    """The document with an array of it edited in place."""
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    array = np.array(load(holder[path[-1]]))
    edit(array)
    holder[path[-1]] = json.loads(cannery.dumps(array))
    return document


def tree_document() -> Document:
    from sklearn.tree import DecisionTreeClassifier

    rows = np.random.RandomState(0).rand(60, 3)
    return document_of(DecisionTreeClassifier().fit(rows, (rows[:, 0] * 4).astype(int)))


def _field(name: str, at: int, value: Any) -> Callable[[Any], None]:
    def edit(array: Any) -> None:
        array[name][at] = value

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        _field("left_child", 0, 0),
        _field("left_child", 0, 10**8),
        _field("left_child", 0, -2),
        _field("right_child", 1, 1),
        _field("right_child", 0, 1),
        _field("feature", 0, 3),
        _field("feature", 0, -1),
        _field("feature", 0, 10**8),
    ],
)
def test_nodes_of_a_tree(edit: Callable[[Any], None]) -> None:
    document = tree_document()
    assert type(load(document)).__name__ == "DecisionTreeClassifier"
    with pytest.raises(cannery.CanneryError):
        load(_forged(document, ("tree_", "__state__", "nodes"), edit))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("tree_", "__state__", "node_count"), 10**8),
        (("tree_", "__state__", "node_count"), 0),
        (("tree_", "__state__", "max_depth"), -1),
        (("tree_", "__state__", "max_depth"), 0),
        (("tree_", "__state__", "max_depth"), 10**8),
        (("tree_", "__args__", "value", 0), 10**6),
        (("tree_", "__args__", "value", 2), 7),
        (("tree_",), None),
        (("n_features_in_",), 2),
        (("n_features_in_",), 2**40),
        (("n_outputs_",), 2),
    ],
)
def test_sizes_of_a_tree(path: tuple[Any, ...], value: Any) -> None:
    document = tree_document()
    _set(*path)(document, value)
    with pytest.raises(cannery.CanneryError):
        load(document)


def test_a_tree_without_its_number_of_features() -> None:
    document = tree_document()
    del document["n_features_in_"]
    with pytest.raises(cannery.CanneryError, match="missing"):
        load(document)


def neighbors_document(**options: Any) -> Document:
    from sklearn.neighbors import KNeighborsClassifier

    rows = np.random.RandomState(0).rand(60, 3)
    return document_of(KNeighborsClassifier(2, **options).fit(rows, np.arange(60) % 3))


def _item(at: int, value: Any) -> Callable[[Any], None]:
    def edit(array: Any) -> None:
        array[at] = value

    return edit


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize(
    ("part", "edit"),
    [
        (1, _item(0, 60)),
        (1, _item(0, -1)),
        (1, _item(0, 1)),
        (2, _field("idx_end", 0, 10**8)),
        (2, _field("idx_start", 0, -1)),
        (2, _field("idx_end", 1, 60)),
        (2, _field("is_leaf", -1, 0)),
        (2, _field("is_leaf", 0, 7)),
    ],
)
def test_states_of_a_tree_of_neighbors(
    algorithm: str, part: int, edit: Callable[[Any], None]
) -> None:
    document = neighbors_document(algorithm=algorithm, leaf_size=3)
    path = ("_tree", "__state__", "value", part)
    if part == 1 and edit is not None:
        original = load(document)._tree.get_arrays()[1]
        if original[0] == 1:
            edit = _item(1, 1)
    with pytest.raises(cannery.CanneryError):
        load(_forged(document, path, edit))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("n_samples_fit_",), 10),
        (("n_features_in_",), 2),
        (("_tree", "__state__", "value", 4), 0),
        (("_tree", "__state__", "value", 5), 30),
        (("_tree", "__state__", "value", 6), 10**6),
        (("_tree", "__state__", "value", 11), None),
        (("_fit_method",), "x"),
    ],
)
def test_sizes_of_neighbors(path: tuple[Any, ...], value: Any) -> None:
    document = neighbors_document(algorithm="kd_tree", leaf_size=3)
    _set(*path)(document, value)
    with pytest.raises(cannery.CanneryError):
        load(document)


def test_labels_of_neighbors_are_classes() -> None:
    document = neighbors_document(algorithm="brute")
    for value in (3, -1, 10**8):
        with pytest.raises(cannery.CanneryError):
            load(_forged(document, ("_y",), _item(0, value)))


def svc_document() -> Document:
    from sklearn.svm import SVC

    rows = np.random.RandomState(0).rand(40, 3)
    return document_of(SVC().fit(rows, np.arange(40) % 3))


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("_n_support", _item(0, 10**6)),
        ("_n_support", _item(0, -1)),
        ("support_", _item(0, 10**6)),
        ("support_", _item(0, -1)),
    ],
)
def test_numbers_of_support_vectors(name: str, edit: Callable[[Any], None]) -> None:
    with pytest.raises(cannery.CanneryError):
        load(_forged(svc_document(), (name,), edit))


@pytest.mark.parametrize(
    "name", ["_n_support", "_intercept_", "_dual_coef_", "support_vectors_", "_probA"]
)
def test_shapes_of_support_vectors(name: str) -> None:
    document = svc_document()
    document[name] = json.loads(cannery.dumps(np.zeros((1, 2))))
    with pytest.raises(cannery.CanneryError):
        load(document)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_probabilities_that_are_not_there(is_sparse: bool) -> None:
    from scipy.sparse import csr_matrix
    from sklearn.svm import SVC, SVR

    rows = np.random.RandomState(0).rand(40, 3)
    for model in (SVC(), SVR()):
        model.fit(csr_matrix(rows) if is_sparse else rows, np.arange(40) % 3)
        with pytest.raises(cannery.CanneryError):
            load(document_of(model) | {"_effective_probability": True})


def _json(array: Any) -> Document:
    return json.loads(cannery.dumps(array))


def test_the_first_guess_of_gradient_boosting_has_its_columns() -> None:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    rows = np.random.RandomState(0).rand(60, 3)
    labels = (rows[:, 0] * 3).astype(int)
    guess = GradientBoostingRegressor(n_estimators=2, init=LinearRegression())
    document = document_of(guess.fit(rows, labels))
    assert same(load(document).predict(rows), guess.predict(rows))
    init = document["init"]  # `init_` refers to it
    init |= {"coef_": _json(np.zeros((0, 3))), "intercept_": _json(np.zeros(0))}
    with pytest.raises(cannery.CanneryError, match="init_"):
        load(document)
    classes = GradientBoostingClassifier(n_estimators=2).fit(rows, labels)
    document = document_of(classes)
    document["init_"] |= {"class_prior_": _json(np.ones(2)), "n_classes_": 2}
    with pytest.raises(cannery.CanneryError, match="init_"):
        load(document)


def histogram_document() -> Document:
    pd = pytest.importorskip("pandas")
    from sklearn.ensemble import HistGradientBoostingClassifier

    numbers = np.random.RandomState(0).rand(60)
    frame = pd.DataFrame({"a": numbers, "c": pd.Categorical(np.where(numbers > 0.4, "u", "v"))})
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=3)
    return document_of(model.fit(frame, (numbers * 3).astype(int)))


@pytest.mark.parametrize(
    "edit",
    [
        _field("left", 0, 0),
        _field("right", 0, 10**8),
        _field("feature_idx", 0, 2),
        _field("feature_idx", 0, -1),
        _field("is_categorical", 0, 1),
    ],
)
def test_nodes_of_histogram_boosting(edit: Callable[[Any], None]) -> None:
    document = histogram_document()
    assert type(load(document)).__name__ == "HistGradientBoostingClassifier"
    with pytest.raises(cannery.CanneryError):
        load(_forged(document, ("_predictors", 0, 0, "nodes"), edit))


def test_the_conversion_before_histogram_boosting_keeps_the_columns() -> None:
    document = histogram_document()
    converter = document["_preprocessor"]["transformers_"][1]["value"][1]["func"]
    converter["args"] = {"$type": "tuple", "value": [_json(np.zeros((60, 1)))]}
    with pytest.raises(cannery.CanneryError, match="check_array"):
        load(document)


# Pickles.


def test_states_of_pickles_are_checked() -> None:
    from sklearn.linear_model import Ridge
    from sklearn.tree import DecisionTreeClassifier

    rows = np.random.RandomState(0).rand(60, 3)
    fitted = DecisionTreeClassifier().fit(rows, (rows[:, 0] * 4).astype(int))
    name = "sklearn.tree._classes.DecisionTreeClassifier"
    check_state(name, None, fitted.__getstate__())
    check_object(fitted)
    _, args, state = fitted.tree_.__reduce__()
    check_state("sklearn.tree._tree.Tree", args, state)
    forged = state | {"nodes": state["nodes"].copy()}
    forged["nodes"]["left_child"][0] = 0
    with pytest.raises(PartError):
        check_state("sklearn.tree._tree.Tree", args, forged)
    fitted.n_features_in_ = 2
    with pytest.raises(PartError):
        check_object(fitted)
    with pytest.raises(PartError):
        check_state("sklearn.linear_model._ridge.Ridge", None, {"predict": 1})
    with pytest.raises(PartError, match="no class"):
        check_state("sklearn.base.BaseEstimator", None, {})
    with pytest.raises(Untrusted):
        check_state("sklearn.linear_model._ridge.Ridge", None, {"x": cannery.Record("a.B")})
    check_object(Ridge())


def test_pickles_hold_functions_of_the_tables_only() -> None:
    name = "sklearn.preprocessing._function_transformer.FunctionTransformer"
    check_state(name, None, {"func": np.log1p})
    check_state(name, None, {"func": document_of})  # of no library: the reader trusts it
    for function in (eval, open, json.loads, np.load, np.fromfile, Path.unlink):
        with pytest.raises(PartError):
            check_state(name, None, {"func": function})


# Mutants.


def _cases(models: Any) -> list[tuple[str, Document, Any]]:
    with sklearn_models.quietly():
        return [(model.name, document_of(model.estimator), model.rows) for model in models]


def _harm(findings: Any) -> list[Any]:
    return [found for found in findings.found if "Parallel(" not in found[2]]


def test_mutants_of_estimators_do_no_harm(tmp_path: Path) -> None:
    """A slice of the seeds that the fuzzer goes through."""
    cases = _cases(sklearn_models.models_of_other_shapes())
    findings = estimator_mutations.run(cases, range(600), tmp_path)
    assert _harm(findings) == []
    assert findings.loaded > 100
    assert findings.refused > 100


def test_mutants_of_boosters_do_no_harm(tmp_path: Path) -> None:
    pytest.importorskip("xgboost")
    cases = _cases(sklearn_models.boosters())
    parts = [
        (name, document["_Booster"], rows)
        for name, document, rows in cases
        if isinstance(document.get("_Booster"), dict)
    ]
    findings = estimator_mutations.run([*cases, *parts, *parts], range(600), tmp_path)
    assert _harm(findings) == []
    assert findings.loaded > 100
    assert findings.refused > 100
