"""xgboost and lightgbm: models in their own formats, with the parameters that those leave out."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

Parts = dict[str, Any]

_WRAPPERS = {"xgboost": "XGBModel", "lightgbm": "LGBMModel"}


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a booster or an estimator around one is described."""
    package = cls.__module__.partition(".")[0]
    if cls is import_module(package).Booster:
        parts = _xgboost_parts if package == "xgboost" else _lightgbm_parts
        return lambda booster: (f"{package}.Booster", parts(booster))
    name = f"{package}.{cls.__name__}"
    if class_of(name) is cls:
        from cannery._objects._classes import plan_of

        plan = plan_of(cls)
        return None if plan is None else lambda value: (name, plan.parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How a booster is made again."""
    return {"xgboost.Booster": _make_xgboost, "lightgbm.Booster": _make_lightgbm}.get(name)


def class_of(name: str) -> type | None:
    """The estimator of this name."""
    package, _, name = name.partition(".")
    module = import_module(package)
    cls = getattr(module, name, None)
    wrapper = getattr(module, _WRAPPERS[package], None)
    return cls if isinstance(cls, type) and wrapper and issubclass(cls, wrapper) else None


def _xgboost_parts(booster: Any) -> Parts:
    return {"ubj": bytes(booster.save_raw("ubj")), "config": booster.save_config()}


def _make_xgboost(parts: Parts) -> Any:
    import xgboost

    booster = xgboost.Booster()
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
    import lightgbm

    booster = lightgbm.Booster(model_str=parts["model"])
    booster.params = parts["params"]
    booster.best_iteration = parts["best_iteration"]
    booster.best_score = parts["best_score"]
    return booster
