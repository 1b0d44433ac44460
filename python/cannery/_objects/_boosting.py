"""xgboost and lightgbm: models in their own formats, with the parameters that those leave out.

Their parsers end the process on a byte that is out of place. They only see what was checked here:
see `_xgboost_model` and `_lightgbm_model`. Models with parts that those do not know (vectors as
leaves, linear leaves, categories of a frame in xgboost) stay records for readers who do not name
the booster in `trust=`.
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cannery._installed import installed_module
from cannery._objects import _lightgbm_model, _xgboost_model
from cannery._objects._checks import (
    INT,
    PLAIN_DICT,
    TEXT,
    PartError,
    buffer,
    checked,
    value,
)

Parts = dict[str, Any]

_ESTIMATORS = {
    "xgboost": "XGBModel XGBClassifier XGBRegressor XGBRanker XGBRFClassifier XGBRFRegressor",
    "lightgbm": "LGBMModel LGBMClassifier LGBMRegressor LGBMRanker",
}
_NAMES = frozenset(
    f"{package}.{name}" for package, names in _ESTIMATORS.items() for name in names.split()
)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a booster or an estimator around one is described."""
    package = cls.__module__.partition(".")[0]
    if cls is installed_module(package).Booster:
        parts = _xgboost_parts if package == "xgboost" else _lightgbm_parts
        return lambda booster: (f"{package}.Booster", parts(booster))
    name = f"{package}.{cls.__name__}"
    if _estimator(name) is cls:
        from cannery._objects._classes import plan_of

        plan = plan_of(cls)
        return None if plan is None else lambda value: (name, plan.parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How a booster, or an estimator around one, is made of checked parts."""
    if name in _MAKERS:
        return _MAKERS[name]
    cls = _estimator(name)
    return None if cls is None else lambda parts: _make_estimator(cls, parts)


def trusted_maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How a booster is made for a reader who named it: of any bytes."""
    return {"xgboost.Booster": _load_xgboost, "lightgbm.Booster": _load_lightgbm}.get(name)


def _estimator(name: str) -> Any:
    if name not in _NAMES:
        return None
    package, _, attribute = name.partition(".")
    return getattr(installed_module(package), attribute, None)


def _make_estimator(cls: Any, parts: Parts) -> Any:
    from cannery._objects._sklearn._state import check_attributes
    from cannery._objects._sklearn._values import accepting, is_function

    with accepting(is_function):
        check_attributes(cls, parts)
    for name in parts:
        if name in _lightgbm_model.FILES or (name == "callbacks" and parts[name]):
            raise PartError(f"the attribute {name!r} is not for a file to set")
    _lightgbm_model.check_params(parts.get("_other_params") or {})
    value = object.__new__(cls)
    value.__dict__.update({name: part for name, part in parts.items() if name != _VERSION})
    return value


_VERSION = "_sklearn_version"


def _xgboost_parts(booster: Any) -> Parts:
    return {"ubj": bytes(booster.save_raw("ubj")), "config": booster.save_config()}


def _make_xgboost(parts: Parts) -> Any:
    data = bytes(parts["ubj"])
    written, model = _xgboost_model.checked_model(data)
    config = _xgboost_model.checked_config(parts["config"], model)
    return _load_xgboost({"ubj": written, "config": config})


def _load_xgboost(parts: Parts) -> Any:
    booster = installed_module("xgboost").Booster()
    booster.load_model(bytearray(parts["ubj"]))
    booster.load_config(parts["config"])
    return booster


def _lightgbm_parts(booster: Any) -> Parts:
    return {
        "model": booster.model_to_string(num_iteration=-1),
        "params": booster.params,
        "best_iteration": booster.best_iteration,
        "best_score": booster.best_score,
        "train_set_version": getattr(booster, "train_set_version", -1),
    }


def _make_lightgbm(parts: Parts) -> Any:
    from cannery._objects._sklearn._values import check_value

    _lightgbm_model.check_model(parts["model"])
    _lightgbm_model.check_params(parts["params"])
    check_value(parts["best_score"], "best_score")
    return _load_lightgbm(parts)


def _load_lightgbm(parts: Parts) -> Any:
    booster = installed_module("lightgbm").Booster(model_str=parts["model"])
    booster.params = parts["params"]
    booster.best_iteration = parts["best_iteration"]
    booster.best_score = parts["best_score"]
    return booster


_MAKERS = {
    "xgboost.Booster": checked(_make_xgboost, {"ubj": buffer, "config": TEXT}),
    "lightgbm.Booster": checked(
        _make_lightgbm,
        {"model": TEXT, "params": PLAIN_DICT, "best_iteration": INT, "best_score": value},
        train_set_version=INT,
    ),
}
