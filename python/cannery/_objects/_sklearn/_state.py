"""Which attributes an instance of a table class may get, and how it gets them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

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
    parameters = parameters_of(cls)
    for name in state:
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
