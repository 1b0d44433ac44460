"""polars: frames and series as Arrow files."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import polars as pl

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
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How they are made again."""
    return {"polars.DataFrame": _make_frame, "polars.Series": _make_series}.get(name)


def _frame_parts(frame: Any) -> Parts:
    if any(dtype == pl.Object for dtype in frame.dtypes):
        error = DataTypeError("a polars column of Python objects has no portable form")
        error.hint = "turn it into a column of structs, lists or text first"
        raise error
    out = io.BytesIO()
    frame.write_ipc(out, compression="uncompressed")
    # Frames without columns lose their height in Arrow's form.
    return {"ipc": out.getvalue(), "height": frame.height}


def _make_frame(parts: Parts) -> Any:
    return pl.read_ipc(io.BytesIO(parts["ipc"]), use_pyarrow=False)


def _make_series(parts: Parts) -> Any:
    return _make_frame(parts).to_series()


def _refuse_lazy(_: Any) -> Any:
    error = DataTypeError("a polars LazyFrame is a plan, no data, and cannot be saved")
    error.hint = "save what it gives: frame.collect()"
    raise error
