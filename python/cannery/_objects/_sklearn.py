"""scikit-learn: estimators by their attributes, its compiled parts by the state they give.

The version that an estimator was saved with is part of its state: scikit-learn warns when another
one loads it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from importlib import import_module
from types import FunctionType
from typing import Any

from sklearn.base import BaseEstimator

from cannery._objects import _classes

Parts = dict[str, Any]

# What estimators are made of besides other estimators, by the modules they are from.
_HELPERS = (
    "sklearn._loss.",
    "sklearn.calibration.",
    "sklearn.cluster._birch.",
    "sklearn.cluster._bisect_k_means.",
    "sklearn.ensemble._hist_gradient_boosting.",
    "sklearn.ensemble._gb_losses.",
    "sklearn.gaussian_process.kernels.",
    "sklearn.linear_model._glm.",
    "sklearn.linear_model._sgd_fast.",
    "sklearn.metrics._dist_metrics.",
    "sklearn.metrics._scorer.",
    "sklearn.model_selection._split.",
    "sklearn.neighbors._ball_tree.",
    "sklearn.neighbors._kd_tree.",
    "sklearn.neural_network._stochastic_optimizers.",
    "sklearn.tree._tree.",
    "sklearn.utils._bunch.",
    "sklearn.utils._metadata_requests.",
    "sklearn.utils._random.",
)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How an estimator, or a part of one, is described."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    plan = _plan(cls) if class_of(name) is cls else None
    return None if plan is None else lambda value: (name, plan.parts(value))


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How a compiled part is made again; estimators are made by their class."""
    cls = class_of(name)
    return _plan(cls).make if cls is not None and _is_compiled(cls) else None


def class_of(name: str) -> type | None:
    """The class of this name, if it is an estimator's or a part's."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        found = reduce(lambda value, part: getattr(value, part, None), parts[count:], module)
        return found if isinstance(found, type) and _is_data(found) else None
    return None


# Functions of arrays that estimators keep: scores, distances, means.
_FUNCTIONS = (
    "sklearn.cluster._kmeans.",
    "sklearn.feature_selection._mutual_info.",
    "sklearn.feature_selection._univariate_selection.",
    "sklearn.metrics._classification.",
    "sklearn.metrics._ranking.",
    "sklearn.metrics._regression.",
    "sklearn.metrics.pairwise.",
)


def function_of(name: str) -> Any:
    """One of the functions that only compute."""
    module, _, attribute = name.rpartition(".")
    if not f"{module}.".startswith(_FUNCTIONS):
        return None
    found = getattr(import_module(module), attribute, None)
    # Not what the module has imported from elsewhere.
    is_own = isinstance(found, FunctionType) and found.__module__ == module
    return found if is_own else None


def _is_data(cls: Any) -> bool:
    module = cls.__module__ + "."
    return module.startswith("sklearn.") and (
        issubclass(cls, BaseEstimator) or module.startswith(_HELPERS)
    )


def _is_compiled(cls: type) -> bool:
    own = [base for base in cls.__mro__ if base.__module__.startswith("sklearn.")]
    return not all("__module__" in base.__dict__ for base in own)


def _plan(cls: Any) -> Any:
    return _classes.compiled_plan_of(cls) if _is_compiled(cls) else _classes.plan_of(cls)
