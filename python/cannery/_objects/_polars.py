"""polars: frames and series as Arrow files."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import polars as pl

from cannery._objects._beside import beside
from cannery.errors import DataTypeError

Parts = dict[str, Any]


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of polars' types are described."""
    if cls is pl.DataFrame:
        return lambda frame: ("polars.DataFrame", _frame_parts(frame))
    if cls is pl.Series:
        return lambda series: ("polars.Series", _frame_parts(series.to_frame()))
    if cls is pl.LazyFrame:
        return _refuse_lazy
    if cls is pl.Categories:
        return lambda value: ("polars.Categories", _categories_parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How they are made again."""
    return _MAKERS.get(name)


def class_of(name: str) -> type | None:
    """A type of columns, or a schema: plain data."""
    if name == f"{pl.Schema.__module__}.Schema":
        return pl.Schema
    module, _, attribute = name.rpartition(".")
    found = getattr(pl, attribute, None) if module == pl.Int8.__module__ else None
    return found if isinstance(found, type) and issubclass(found, pl.DataType) else None


def _frame_parts(frame: Any) -> Parts:
    if any(dtype == pl.Object for dtype in frame.dtypes):
        error = DataTypeError("a polars column of Python objects has no portable form")
        error.hint = "turn it into a column of structs, lists or text first"
        raise error
    out = io.BytesIO()
    frame.write_ipc(out, compression="uncompressed")
    # Frames without columns lose their height in Arrow's form.
    return {"ipc": beside(out.getbuffer()), "height": frame.height}


def _make_frame(parts: Parts) -> Any:
    return pl.read_ipc(io.BytesIO(parts["ipc"]), use_pyarrow=False)


def _make_series(parts: Parts) -> Any:
    return _make_frame(parts).to_series()


def _categories_parts(categories: Any) -> Parts:
    if categories.is_global():
        return {}
    return {
        "name": categories.name(),
        "namespace": categories.namespace(),
        "physical": categories.physical(),
    }


def _make_categories(parts: Parts) -> Any:
    return (
        pl.Categories(parts["name"], parts["namespace"], parts["physical"])
        if parts
        else pl.Categories()
    )


_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "polars.Categories": _make_categories,
    "polars.DataFrame": _make_frame,
    "polars.Series": _make_series,
}


def _refuse_lazy(_: Any) -> Any:
    error = DataTypeError("a polars LazyFrame is a plan, no data, and cannot be saved")
    error.hint = "save what it gives: frame.collect()"
    raise error
