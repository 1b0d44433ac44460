"""Which attributes an instance of a table class may get, and how it gets them."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np

from cannery._objects._checks import PartError, exact
from cannery._objects._sklearn._text import check_texts
from cannery._objects._sklearn._values import check_value

# Fitted attributes that hold functions, besides parameters.
_FUNCTION_ATTRIBUTES = frozenset(
    """
    _kmeans_single _score_func _metric_func effective_metric_ effective_metric_params_ metric_
    """.split()
)
_VERSION = "_sklearn_version"
MAX_ATTRIBUTES = 1000


@cache
def parameters_of(cls: Any) -> frozenset[str]:
    """The names of the parameters of `__init__`, which are attributes too."""
    try:
        signature = inspect.signature(cls.__init__)
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(signature.parameters) - {"self", "args", "kwargs"}


def check_names(cls: type, state: Mapping[str, Any]) -> None:
    """Check that no attribute hides a method, a property or a protocol of the class."""
    if len(state) > MAX_ATTRIBUTES:
        raise PartError(f"{len(state)} attributes are too many")
    names = tuple(state)
    if len(names) > _MOST_REMEMBERED:
        _check_names(cls, names)
    else:
        _check_usual_names(cls, names)


# Estimators of one class have the same names, and a forest has many of them.
_MOST_REMEMBERED = 100


@lru_cache(maxsize=256)
def _check_usual_names(cls: type, names: tuple[Any, ...]) -> None:
    _check_names(cls, names)


def _check_names(cls: type, names: tuple[Any, ...]) -> None:
    parameters = parameters_of(cls)
    for name in names:
        exact(str)(name, "name of an attribute")
        if not name.isidentifier() or len(name) > 200:
            raise PartError(f"{name!r:.60} is no name of an attribute")
        hides = name.startswith("__") or hasattr(cls, name)
        if hides and not (name in parameters and _is_plain(cls, name)):
            raise PartError(f"the attribute {name!r} is not for a file to set")


def _is_plain(cls: type, name: str) -> bool:
    """Whether what the class has by the name of a parameter is a default, no method or property."""
    found = inspect.getattr_static(cls, name, None)
    return not name.startswith("__") and not callable(found) and not hasattr(found, "__get__")


# Numbers of columns, which methods make as many names or numbers of.
_COUNTS = frozenset(
    """
    n_features_in_ n_features_ n_features _n_features _n_features_in _n_features_out
    n_features_out_ n_output_features_ _n_out_full n_outputs_ n_classes_ _n_classes n_components_
    _n_components n_trees_per_iteration_ n_clusters_ n_labels_ n_samples_fit_
    """.split()
)
MAX_COUNT = 1 << 20
"""The most that an estimator may say of itself without an array of that size."""


def check_counts(state: Mapping[str, Any]) -> None:
    """Check that numbers of columns are not far above what is in the state."""
    for name in _COUNTS & state.keys():
        value = state[name]
        if not isinstance(value, (int, float, np.number)) or -1 <= value <= MAX_COUNT:
            continue
        sizes = [max(np.shape(value), default=0) for value in state.values() if _is_sized(value)]
        if not -1 <= value <= max(sizes, default=0):
            raise PartError(f"the part {name!r}: {value!r:.40} is far above what is there")


def _is_sized(value: Any) -> bool:
    return type(value) is np.ndarray or hasattr(value, "getnnz")


def check_attributes(cls: type, state: Any) -> None:
    """Check the names and the values of the attributes of an instance.

    Raises:
        Untrusted: if a value is, or holds, a record.
        PartError: if a name or value is not one for this class.

    """
    exact(dict)(state, "state")
    state = dict(state)
    version = state.pop(_VERSION, "")
    if type(version) is not str or len(version) > 60 or not version.isprintable():
        raise PartError("the version of scikit-learn is no version")
    check_names(cls, state)
    parameters = parameters_of(cls)
    for name, value in state.items():
        functions = name in parameters or name in _FUNCTION_ATTRIBUTES
        check_value(value, name, functions=functions)
    check_texts(cls, state)
    check_counts(state)
