"""Fitted estimators of scikit-learn: one of every class, and those whose state has other shapes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np


class Model(NamedTuple):
    """A fitted estimator and what it predicts for."""

    estimator: Any
    rows: Any

    @property
    def name(self) -> str:
        """The name of its class."""
        return type(self.estimator).__name__


@contextmanager
def quietly() -> Iterator[None]:
    """Without warnings, and with one thread: more wait for each other on a busy machine."""
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


@cache
def models() -> tuple[Model, ...]:
    """All of them, fitted once in a process."""
    with quietly():
        return (*_of_every_class(), *models_of_other_shapes())


@cache
def models_of_other_shapes() -> tuple[Model, ...]:
    """Those that hand arrays of many shapes to compiled code."""
    with quietly():
        return tuple(_of_other_shapes())


@cache
def boosters() -> tuple[Model, ...]:
    """Estimators of xgboost and lightgbm, of those that are here."""
    with quietly():
        return (*_of_xgboost(), *_of_lightgbm())


def _of_xgboost() -> Iterator[Model]:
    try:
        import xgboost as xgb
    except ImportError:
        return
    rng = np.random.RandomState(6)
    rows = rng.rand(80, 3)
    labels = (rows[:, 0] * 3).astype(int)
    few: dict[str, Any] = {"n_estimators": 3, "n_jobs": 1}
    yield Model(xgb.XGBClassifier(max_depth=2, **few).fit(rows, labels), rows)
    yield Model(xgb.XGBRegressor(booster="dart", **few).fit(rows, rows[:, 0]), rows)
    yield Model(xgb.XGBRegressor(booster="gblinear", **few).fit(rows, rows[:, 0]), rows)
    yield Model(xgb.XGBRFClassifier(**few).fit(rows, labels), rows)
    pruned = xgb.XGBClassifier(tree_method="exact", max_depth=3, gamma=1.0, **few)
    yield Model(pruned.fit(rows, labels > 0), rows)
    yield Model(xgb.XGBRegressor(**few).fit(rows, rows[:, :2]), rows)
    yield Model(xgb.XGBRanker(**few).fit(rows, labels, qid=np.zeros(80)), rows)
    rows = rows.copy()
    rows[:, 2] = rng.randint(0, 5, 80)
    types = {"enable_categorical": True, "feature_types": ["q", "q", "c"], "max_cat_to_onehot": 1}
    yield Model(xgb.XGBClassifier(**types, **few).fit(rows, labels), rows)
    yield Model(xgb.XGBClassifier(**few), rows)


def _of_lightgbm() -> Iterator[Model]:
    try:
        import lightgbm as lgb
    except ImportError:
        return
    rng = np.random.RandomState(7)
    rows = rng.rand(80, 3)
    rows[:, 2] = rng.randint(0, 5, 80)
    labels = (rows[:, 0] * 3).astype(int)
    few: dict[str, Any] = {"n_estimators": 3, "verbose": -1, "n_jobs": 1}
    grouped = lgb.LGBMClassifier(min_child_samples=5, min_data_per_group=2, **few)
    yield Model(grouped.fit(rows, labels, categorical_feature=[2]), rows)
    yield Model(lgb.LGBMClassifier(**few).fit(rows, np.where(labels > 0, "a", "b")), rows)
    yield Model(lgb.LGBMRegressor(boosting_type="dart", **few).fit(rows, rows[:, 0]), rows)
    yield Model(lgb.LGBMRegressor(min_child_samples=100, **few).fit(rows, rows[:, 0]), rows)
    yield Model(lgb.LGBMRanker(**few).fit(rows, labels, group=[40, 40]), rows)
    yield Model(lgb.LGBMRegressor(**few), rows)


@cache
def unfitted() -> tuple[str, ...]:
    """Names of the classes that `models` has no estimator of."""
    from sklearn.utils import all_estimators

    fitted = {model.name for model in models()}
    return tuple(name for name, _ in all_estimators() if name not in fitted)


def _of_every_class() -> Iterator[Model]:
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances
    from sklearn.utils.estimator_checks import (
        _enforce_estimator_tags_X,
        _enforce_estimator_tags_y,
    )

    rng = np.random.RandomState(0)
    plain = rng.rand(40, 4)
    labels = (plain[:, 0] > 0.5).astype(int)
    for _, cls in all_estimators():
        try:
            estimator = next(iter(_construct_instances(cls)))
            rows = _enforce_estimator_tags_X(estimator, plain.copy())
            estimator.fit(rows, _enforce_estimator_tags_y(estimator, labels.copy()))
            yield Model(estimator, rows)
        except Exception:  # it wants other data; see below
            continue


def _of_other_shapes() -> Iterator[Model]:
    yield from _of_text()
    yield from _of_encoders()
    yield from _of_neighbors()
    yield from _of_vectors()
    yield from _of_trees()
    yield from _of_others()


TEXTS = ["one fish two fish", "red fish blue fish", "black fish", "old fish new fish"]


def _of_text() -> Iterator[Model]:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import LabelBinarizer, LabelEncoder, MultiLabelBinarizer

    yield Model(CountVectorizer(ngram_range=(1, 2)).fit(TEXTS), TEXTS)
    yield Model(CountVectorizer(analyzer="char", vocabulary=["a", "b"]).fit(TEXTS), TEXTS)
    yield Model(TfidfVectorizer(stop_words=["one"]).fit(TEXTS), TEXTS)
    pipeline = make_pipeline(TfidfVectorizer(), MultinomialNB())
    yield Model(pipeline.fit(TEXTS, [0, 1, 0, 1]), TEXTS)
    counted = [{"a": 1, "b": 2}, {"a": 3, "c": "x"}]
    yield Model(DictVectorizer().fit(counted), counted)
    yield Model(LabelBinarizer().fit(["a", "b", "c"]), ["a", "c", "b"])
    yield Model(LabelEncoder().fit(["a", "b", "c"]), ["a", "c", "b"])
    yield Model(MultiLabelBinarizer().fit([["a"], ["b", "c"]]), [["a", "b"], ["c"]])


def _of_encoders() -> Iterator[Model]:
    from sklearn.preprocessing import (
        OneHotEncoder,
        OrdinalEncoder,
        PolynomialFeatures,
        TargetEncoder,
    )

    rng = np.random.RandomState(1)
    rows = np.array([["a", "b", "c", "d", "e"][i] for i in rng.randint(0, 5, 80)], object)
    rows = np.column_stack([rows, rng.randint(0, 3, 80).astype(object)])
    for options in (
        {"drop": "first"},
        {"drop": "if_binary", "sparse_output": False},
        {"min_frequency": 15, "handle_unknown": "infrequent_if_exist", "sparse_output": False},
        {"max_categories": 3, "drop": "first", "sparse_output": False},
    ):
        yield Model(OneHotEncoder(**options).fit(rows), rows)
    yield Model(OrdinalEncoder(min_frequency=15).fit(rows), rows)
    yield Model(TargetEncoder(random_state=0).fit(rows, rng.randint(0, 3, 80)), rows)
    numbers = rng.rand(10, 3)
    yield Model(PolynomialFeatures((2, 3), include_bias=False).fit(numbers), numbers)
    yield Model(PolynomialFeatures(3, interaction_only=True).fit(numbers), numbers)


def _of_neighbors() -> Iterator[Model]:
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import (
        KernelDensity,
        KNeighborsClassifier,
        KNeighborsRegressor,
        LocalOutlierFactor,
        RadiusNeighborsClassifier,
    )

    rng = np.random.RandomState(2)
    rows = rng.rand(60, 3)
    labels = np.arange(60) % 3
    for options in (
        {"algorithm": "kd_tree", "leaf_size": 3},
        {"algorithm": "ball_tree", "leaf_size": 4, "metric": "manhattan"},
        {"algorithm": "ball_tree", "metric": "seuclidean", "metric_params": {"V": np.ones(3)}},
        {"algorithm": "ball_tree", "metric": "mahalanobis", "metric_params": {"VI": np.eye(3)}},
        {"algorithm": "ball_tree", "metric": "minkowski", "metric_params": {"w": np.ones(3)}},
        {"algorithm": "brute"},
        {"algorithm": "brute", "metric": "cosine", "weights": "distance"},
    ):
        yield Model(KNeighborsClassifier(3, **options).fit(rows, labels), rows)
    sparse = csr_matrix(rows)
    yield Model(KNeighborsClassifier(3).fit(sparse, labels), sparse)
    both = np.column_stack([labels, labels[::-1]])
    yield Model(KNeighborsClassifier(3).fit(rows, both), rows)
    yield Model(KNeighborsRegressor(3).fit(rows, rows), rows)
    brute = RadiusNeighborsClassifier(0.4, algorithm="brute", outlier_label=1)
    yield Model(brute.fit(rows, labels), rows)
    yield Model(KernelDensity().fit(rows, sample_weight=np.arange(1, 61)), rows)
    yield Model(LocalOutlierFactor(novelty=True).fit(rows), rows)


def _of_vectors() -> Iterator[Model]:
    from scipy.sparse import csr_matrix
    from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM

    rng = np.random.RandomState(3)
    rows = rng.rand(40, 3)
    labels = np.arange(40) % 3
    kernel = rows @ rows.T
    sparse = csr_matrix(rows)
    yield Model(SVC(kernel="precomputed").fit(kernel, labels), kernel)
    yield Model(SVC(kernel="poly", class_weight="balanced").fit(rows, labels), rows)
    yield Model(SVC(probability=True, decision_function_shape="ovo").fit(rows, labels), rows)
    yield Model(SVC().fit(sparse, labels), sparse)
    yield Model(NuSVC(nu=0.3).fit(sparse, labels), sparse)
    yield Model(SVR(kernel="linear").fit(sparse, rows[:, 0]), sparse)
    yield Model(OneClassSVM().fit(sparse), sparse)


def _of_trees() -> Iterator[Model]:
    from sklearn.ensemble import (
        AdaBoostClassifier,
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        IsolationForest,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.RandomState(4)
    rows = rng.rand(60, 4)
    labels = (rows[:, 0] * 2.99).astype(int)
    few: dict[str, Any] = {"n_estimators": 3, "random_state": 0}
    yield Model(GradientBoostingClassifier(**few).fit(rows, labels), rows)
    yield Model(GradientBoostingClassifier(init="zero", **few).fit(rows, labels), rows)
    yield Model(IsolationForest(max_features=0.5, **few).fit(rows), rows)
    yield Model(RandomForestClassifier(oob_score=True, **few).fit(rows, labels), rows)
    yield Model(RandomForestRegressor(**few).fit(rows, rows[:, :2]), rows)
    both = np.column_stack([labels, labels > 0])
    yield Model(DecisionTreeClassifier(max_leaf_nodes=5).fit(rows, both), rows)
    yield Model(AdaBoostClassifier(**few).fit(rows, labels.astype(str)), rows)
    rows = rows.copy()
    rows[:, 1] = rng.randint(0, 6, 60)
    boosting = HistGradientBoostingClassifier(
        max_iter=4, min_samples_leaf=3, categorical_features=[1], random_state=0
    )
    yield Model(boosting.fit(rows, labels), rows)


def _of_others() -> Iterator[Model]:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.cluster import HDBSCAN, BisectingKMeans
    from sklearn.compose import ColumnTransformer
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.frozen import FrozenEstimator
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
    from sklearn.impute import IterativeImputer
    from sklearn.linear_model import (
        LinearRegression,
        LogisticRegression,
        SGDClassifier,
        TweedieRegressor,
    )
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    rng = np.random.RandomState(5)
    rows = rng.rand(40, 3)
    labels = np.arange(40) % 3
    yield Model(SGDClassifier(average=True, random_state=0).fit(rows, labels), rows)
    yield Model(FrozenEstimator(LogisticRegression().fit(rows, labels)), rows)
    yield Model(HDBSCAN(min_cluster_size=3, copy=True).fit(rows), rows)
    yield Model(BisectingKMeans(4, random_state=0).fit(rows), rows)
    yield Model(TweedieRegressor(power=1.5).fit(rows, rows[:, 0] + 0.1), rows)
    yield Model(IterativeImputer(max_iter=2, random_state=0).fit(rows), rows)
    kernel = RBF() * Matern() + WhiteKernel()
    yield Model(GaussianProcessClassifier(kernel, n_restarts_optimizer=0).fit(rows, labels), rows)
    columns = ColumnTransformer(
        [("a", StandardScaler(), [0]), ("b", OneHotEncoder(handle_unknown="ignore"), [1])],
        remainder="passthrough",
    )
    yield Model(columns.fit(rows), rows)
    yield Model(FunctionTransformer(np.log1p, np.expm1).fit(rows), rows)
    calibrated = CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2)
    yield Model(calibrated.fit(rows, labels > 0), rows)
    yield Model(LinearRegression().fit(rows, rows), rows)


METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "inverse_transform",
    "score_samples",
    "apply",
    "decision_path",
    "kneighbors",
    "kneighbors_graph",
    "radius_neighbors",
    "staged_predict",
    "get_feature_names_out",
    "dbscan_clustering",
)


def answers(estimator: Any, rows: Any) -> list[Any]:
    """What all methods return for the rows; an error by its type."""
    found = []
    for name in METHODS:
        try:
            method = getattr(estimator, name, None)
            if method is None:
                continue
            args = [0.5] if name == "dbscan_clustering" else [rows]
            args = [] if name == "get_feature_names_out" else args
            answer = method(*args)
            found.append(list(answer) if name.startswith("staged") else answer)
        except Exception as error:
            found.append(type(error).__name__)
    return found
