"""Frames and series in the layouts of pandas' `to_hdf`, and tables of PyTables, as pandas does.

Neither PyTables nor pandas' own reader takes part.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cannery._objects import _hdf5_names
from cannery._objects._hdf5_pytables import as_written, attribute, objects
from cannery.errors import DataTypeError

_FIXED = ("frame", "series")
_TABLES = ("frame_table", "series_table")
_LEVEL = re.compile(r"^level_\d+$")


def is_fixed(group: Any) -> bool:
    """Whether a group holds a frame or a series in the layout `fixed`."""
    found = attribute(group, "pandas_type")
    return found in _FIXED and ("axis0_variety" in group.attrs or "index_variety" in group.attrs)


def is_pandas_table(group: Any) -> bool:
    """Whether a group holds a frame or a series in the layout `table`."""
    return attribute(group, "pandas_type") in _TABLES and "table" in group


def is_rows(dataset: Any) -> bool:
    """Whether a dataset is a table of PyTables."""
    if not dataset.dtype.names or "CLASS" not in dataset.attrs or len(dataset.shape or ()) != 1:
        return False
    return dataset.attrs["CLASS"] in ("TABLE", b"TABLE")


def load_rows(dataset: Any) -> Any:
    """A table of PyTables as a frame, or as records where a column is more than single values."""
    import pandas as pd

    rows = _values(dataset)
    types = [rows.dtype[name] for name in rows.dtype.names]
    if any(t.subdtype is not None or t.names is not None or t.hasobject for t in types):
        return rows
    columns = {}
    for name in rows.dtype.names:
        column = rows[name]
        columns[name] = _decoded(column, None) if column.dtype.kind == "S" else _native(column)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)), columns=list(columns))


def load_fixed(group: Any, trust: tuple[Any, ...]) -> Any:
    """Read a frame or a series in the layout `fixed`."""
    return _Fixed(group, trust).read()


def load_table(group: Any, trust: tuple[Any, ...]) -> Any:
    """Read a frame or a series in the layout `table`."""
    return _Table(group, trust).read()


class _Stored:
    """What both layouts have."""

    #: Whether labels that were dates come out as dates; pandas leaves those of tables as numbers.
    _has_dates = True

    def __init__(self, group: Any, trust: tuple[Any, ...]) -> None:
        self._group, self._trust = group, trust
        self._encoding = _hdf5_names.encoding(self._text("encoding", "UTF-8"))
        self._errors = _hdf5_names.errors(self._text("errors", "strict"))

    def _get(self, made: Any, name: str, default: Any = None) -> Any:
        return attribute(made, name, self._trust, default)

    def _text(self, name: str, default: str) -> str:
        found = self._get(self._group, name)
        return found if isinstance(found, str) and found else default

    def _strings(self, data: Any, missing: str | None) -> Any:
        return _decoded(data, missing, self._encoding, self._errors)

    def _missing_label(self, made: Any, name: str) -> str | None:
        # Empty where no label is missing, absent where pandas had no such attribute.
        return self._get(made, name, "nan") or None

    def _labels(self, data: Any, kind: str, missing: str | None) -> Any:
        import numpy as np

        if kind.startswith(("datetime64", "timedelta64")):
            return _moments(data, kind)
        if kind == "date" and self._has_dates:
            return _dates(data)
        if kind in ("integer", "float", "bool", "date"):
            return _native(np.asarray(data))
        if kind == "string":
            return self._strings(data, missing)
        raise DataTypeError(f"labels of the kind `{kind[:40]}` are not known")


class _Fixed(_Stored):
    def read(self) -> Any:
        import pandas as pd

        if self._get(self._group, "pandas_type") == "series":
            name = self._get(self._group, "name")
            return pd.Series(self._array("values"), self._index("index"), name=name, copy=False)
        return self._frame()

    def _frame(self) -> Any:
        import numpy as np
        import pandas as pd

        items, index = self._index("axis0"), self._index("axis1")
        blocks = []
        for i in range(int(self._get(self._group, "nblocks", 0))):
            values = self._array(f"block{i}_values")
            found = self._index(f"block{i}_items")
            columns = items[items.get_indexer(found)]
            turned = values.T
            if isinstance(turned, np.ndarray):
                turned = np.asfortranarray(turned)
            block = pd.DataFrame(turned, columns=columns, index=index, copy=False)
            if _is_all_text(values):
                block = block.astype(pd.StringDtype(na_value=np.nan))
            blocks.append(block)
        if not blocks:
            return pd.DataFrame(columns=items, index=index)
        return pd.concat(blocks, axis=1).reindex(columns=items)

    def _array(self, key: str) -> Any:
        import numpy as np
        import pandas as pd

        made = self._group[key]
        kind = self._get(made, "value_type")
        shape = self._get(made, "shape")
        if _is_sequence(made):
            found = objects(made, self._trust)
            if isinstance(kind, str):
                found = pd.array(found, dtype=_hdf5_names.column(kind))
            return found.T if self._get(made, "transposed", False) else found
        if shape is not None:
            found = np.empty(_empty_shape(shape), dtype=_raw_dtype(kind))
        else:
            found = _values(made)
        if isinstance(kind, str):
            found = _typed(found, kind, self._get(made, "tz"))
        return found.T if self._get(made, "transposed", False) else found

    def _index(self, key: str) -> Any:
        variety = self._get(self._group, f"{key}_variety")
        if variety == "multi":
            return self._multi_index(key)
        if variety == "regular":
            return self._index_of(key)
        raise DataTypeError(f"an index of the variety `{str(variety)[:40]}` is not known")

    def _multi_index(self, key: str) -> Any:
        import pandas as pd

        count = int(self._get(self._group, f"{key}_nlevels"))
        levels = [self._index_of(f"{key}_level{i}") for i in range(count)]
        codes = [self._array(f"{key}_label{i}") for i in range(count)]
        return pd.MultiIndex(levels=levels, codes=codes, names=[level.name for level in levels])

    def _index_of(self, key: str) -> Any:
        import numpy as np
        import pandas as pd

        made = self._group[key]
        kind, name = str(self._get(made, "kind")), self._get(made, "name")
        shape = self._get(made, "shape")
        is_empty = shape is not None and 0 in _shape(shape)
        if kind == "object" and not is_empty:
            found = _hdf5_names.labels(objects(made, self._trust))
            return pd.Index(found, dtype=object, name=name, copy=False)
        if is_empty:
            data: Any = np.empty(_empty_shape(shape), _raw_dtype(self._get(made, "value_type")))
        else:
            data = _values(made)
        if kind == "category":
            categories = self._index(f"{key}_categories")
            ordered = bool(self._get(made, "ordered", False))
            return pd.CategoricalIndex(
                pd.Categorical.from_codes(data, categories, ordered=ordered), name=name
            )
        if kind == "object":
            return pd.Index(data, dtype=object, name=name)
        missing = self._missing_label(made, "nan_rep")
        labels = self._labels(data, kind, missing)
        return self._index_made(made, labels, kind).rename(name)

    def _index_made(self, made: Any, labels: Any, kind: str) -> Any:
        import pandas as pd

        stated = self._get(made, "freq")
        which = self._get(made, "index_class", "")
        if which == "datetime":
            zone = _hdf5_names.zone(self._get(made, "tz"))
            index: Any = pd.DatetimeIndex(labels)
            if zone is not None:
                index = index.tz_localize("UTC").tz_convert(zone)
            return _with_frequency(index, _hdf5_names.frequency(stated))
        if which == "period":
            return pd.PeriodIndex.from_ordinals(labels, freq=_hdf5_names.period(stated))
        if kind.startswith("timedelta64"):
            return _with_frequency(pd.TimedeltaIndex(labels), _hdf5_names.frequency(stated))
        if kind == "string":
            return _text_index(labels)
        return pd.Index(labels, dtype=object if kind == "date" else None, copy=False)


class _Table(_Stored):
    _has_dates = False

    def __init__(self, group: Any, trust: tuple[Any, ...]) -> None:
        super().__init__(group, trust)
        self._table = group["table"]
        self._rows = _values(self._table)
        info = self._get(group, "info")
        self._info: dict[Any, Any] = info if isinstance(info, dict) else {}
        levels = self._get(group, "levels")
        self._levels: list[Any] = levels if isinstance(levels, list) else []
        self._per_column = bool(self._get(group, "data_col_nan_rep", False))
        self._per_level = bool(self._get(group, "mi_level_nan_rep", False))

    def _about(self, key: Any) -> dict[Any, Any]:
        found = self._info.get(key)
        return found if isinstance(found, dict) else {}

    def read(self) -> Any:
        frame = self._frame()
        is_series = self._get(self._group, "pandas_type") == "series_table"
        if self._levels:
            frame = frame.set_index(self._levels)
            if not is_series:
                names = [None if _LEVEL.search(str(n)) else n for n in frame.index.names]
                frame.index = frame.index.set_names(names)
        if not is_series:
            return frame
        series = frame.iloc[:, 0]
        if series.name == "values":
            series.name = None
        return series

    def _frame(self) -> Any:
        import pandas as pd

        (axis, key), *_ = self._get(self._group, "index_cols") or [(0, "index")]
        index = self._index(key)
        others = self._get(self._group, "non_index_axes") or []
        about = self._about(others[0][0]) if others else {}
        frames = []
        for name in self._get(self._group, "values_cols") or []:
            labels, values = self._block(name)
            columns: Any = (
                pd.MultiIndex.from_tuples(labels)
                if about.get("type") == "MultiIndex"
                else pd.Index(labels)
            )
            if about.get("names") is not None:
                columns = columns.set_names(about["names"])
            frames.append(self._block_frame(values, columns, index, axis == 1))
        frame = frames[0] if len(frames) == 1 else pd.concat(frames, axis=1)
        for other, labels in others:
            frame = _in_order(frame, other, labels)
        return frame

    def _block_frame(self, values: Any, columns: Any, index: Any, is_turned: bool) -> Any:
        import numpy as np
        import pandas as pd

        if isinstance(values, (pd.Categorical, pd.api.extensions.ExtensionArray)) and (
            values.ndim == 1
        ):
            frame = pd.DataFrame({0: pd.Series(values, index, copy=False)})
            frame.columns = columns
        elif is_turned:
            frame = pd.DataFrame(values.T, columns=index, index=columns, copy=False)
        else:
            flat = values.reshape(len(values), -1) if isinstance(values, np.ndarray) else values
            frame = pd.DataFrame(flat, columns=columns, index=index, copy=False)
        for column in columns:
            kind = self._get(self._table, f"{column}_meta")
            if isinstance(kind, str) and kind in ("str", "string"):
                frame[column] = frame[column].astype(kind)
        return frame

    def _block(self, name: str) -> tuple[Any, Any]:
        labels = self._get(self._table, f"{name}_kind")
        kind = self._get(self._table, f"{name}_dtype")
        values = _native(self._rows[name])
        dtype = str(kind) if kind is not None else values.dtype.name
        if not isinstance(labels, list):
            labels = [name]
        if self._get(self._table, f"{name}_meta") == "category":
            return labels, self._categorical(name, values.reshape(-1))
        if dtype.startswith(("datetime64", "timedelta64", "period")):
            zone = self._about(name).get("tz")
            flat = values.reshape(-1) if dtype.startswith("period") else values
            return labels, _typed(flat, dtype, zone)
        if dtype.startswith(("string", "bytes")):
            missing = self._get(self._group, "nan_rep") or "nan"
            if self._per_column or (name in self._levels and self._per_level):
                missing = self._get(self._table, f"{name}_nan_rep")
            return labels, self._strings(values, missing)
        if dtype == "date":
            return labels, _dates(values.reshape(-1))
        try:
            return labels, values.astype(_hdf5_names.numbers(dtype), copy=False)
        except TypeError:
            return labels, values.astype(object)

    def _categorical(self, name: str, codes: Any) -> Any:
        import numpy as np
        import pandas as pd

        ordered = bool(self._about(name).get("ordered"))
        path = f"meta/{name}/meta"
        if path not in self._group:
            return pd.Categorical.from_codes(codes, pd.Index([], dtype="f8"), ordered=ordered)
        categories = load_table(self._group[path], self._trust)
        gone = pd.isna(categories).to_numpy()
        if gone.any():
            places = np.full(len(categories), -1, dtype=codes.dtype)
            places[~gone] = np.arange((~gone).sum(), dtype=codes.dtype)
            categories = categories[~gone]
            codes = np.where(codes < 0, codes, places[codes])
        return pd.Categorical.from_codes(codes, pd.Index(categories), ordered=ordered)

    def _index(self, key: str) -> Any:
        import pandas as pd

        about = self._about(key)
        name, stated = about.get("index_name"), about.get("freq")
        zone = _hdf5_names.zone(about.get("tz"))
        values = self._rows[key]
        kind = str(self._get(self._table, f"{key}_kind"))
        meta = self._get(self._table, f"{key}_meta")
        if meta == "category" or (meta is None and f"meta/{key}/meta" in self._group):
            return pd.CategoricalIndex(self._categorical(key, values.reshape(-1)), name=name)
        missing = self._missing_label(self._table, f"{key}_nan_rep")
        if kind == "object":
            raise DataTypeError("an index of objects has no place in a table")
        labels = self._labels(values, kind, missing)
        if kind.startswith("datetime64"):
            frequency = _hdf5_names.frequency(stated)
            index: Any = _with_frequency(pd.DatetimeIndex(labels), frequency)
            if zone is not None:
                index = index.tz_localize("UTC").tz_convert(zone)
        elif kind.startswith("timedelta64"):
            index = _with_frequency(pd.TimedeltaIndex(labels), _hdf5_names.frequency(stated))
        elif kind == "integer" and stated is not None:
            index = pd.PeriodIndex.from_ordinals(labels, freq=_hdf5_names.period(stated))
        else:
            index = _text_index(labels) if kind == "string" else pd.Index(labels)
        return index.rename(name)


def _values(dataset: Any) -> Any:
    """The elements, as PyTables has them."""
    dtype = dataset.dtype
    texts = [1 for name in dtype.names or () if dtype[name].base.kind in "SO"]
    _hdf5_names.spend_objects(dataset, (len(texts) or dtype.kind == "S") * (dataset.size or 0))
    values = as_written(dataset[()], dataset._native.datatype.describe())
    return _native(values) if values.dtype.names is None else values


def _native(values: Any) -> Any:
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _shape(found: Any) -> tuple[int, ...]:
    import numpy as np

    return tuple(int(n) for n in np.atleast_1d(np.asarray(found)))


def _empty_shape(found: Any) -> tuple[int, ...]:
    # A shape is written only where one side is zero.
    return _hdf5_names.empty_shape(_shape(found))


def _raw_dtype(kind: Any) -> Any:
    import numpy as np

    name = str(kind)
    if name.startswith("period"):
        return np.dtype("i8")
    try:
        if name.startswith(("datetime64", "timedelta64")):
            return _hdf5_names.moments(name)
        return _hdf5_names.numbers(name)
    except TypeError:
        return np.dtype(object)


def _typed(values: Any, kind: str, zone: Any) -> Any:
    import pandas as pd

    if kind.startswith(("datetime64", "timedelta64")):
        return _moments(values, kind, zone)
    if kind.startswith("period"):
        frequency = _hdf5_names.column(kind).freq
        return pd.PeriodIndex.from_ordinals(values.astype("i8"), freq=frequency).array
    return values


def _moments(values: Any, kind: str, zone: Any = None) -> Any:
    import pandas as pd

    moments = values.astype("i8").view(_hdf5_names.moments(kind))
    zone = _hdf5_names.zone(zone)
    if zone is None:
        return moments
    made: list[Any] = [
        pd.DatetimeIndex(column).tz_localize("UTC").tz_convert(zone).array
        for column in moments.reshape(len(moments), -1).T
    ]
    if moments.ndim == 1 or len(made) == 1:
        return made[0] if moments.ndim == 1 else made[0].reshape(-1, 1)
    whole: Any = type(made[0])
    return whole._concat_same_type([one.reshape(-1, 1) for one in made], axis=1)


def _dates(values: Any) -> Any:
    import datetime

    import numpy as np

    out = np.empty(len(values), object)
    try:
        out[:] = [datetime.date.fromordinal(int(v)) for v in values]
    except ValueError:
        out[:] = [datetime.date.fromtimestamp(int(v)) for v in values]
    return out


def _with_frequency(index: Any, frequency: Any) -> Any:
    if frequency is None:
        return index
    kind: Any = type(index)
    try:
        return kind(index, freq=frequency)
    except ValueError:
        return index


def _text_index(labels: Any) -> Any:
    import pandas as pd

    if _texts_are_objects():
        return pd.Index(labels, dtype=object)
    return pd.Index(labels, dtype="str")


def _texts_are_objects() -> bool:
    """Whether pandas is one before 3, or told to be as these."""
    import pandas as pd

    return not isinstance(pd.api.types.pandas_dtype("str"), pd.StringDtype)


def _is_all_text(values: Any) -> bool:
    import numpy as np
    import pandas as pd

    if not isinstance(values, np.ndarray) or values.dtype != object:
        return False
    if _texts_are_objects():
        return False
    is_missing: Callable[[Any], Any] = pd.isna
    flat = values.ravel()
    return bool(len(flat)) and pd.api.types.infer_dtype(flat[~is_missing(flat)]) in (
        "string", "empty",
    )  # fmt: skip


def _is_sequence(made: Any) -> bool:
    from cannery import hdf5

    inner = hdf5.check_vlen_dtype(made.dtype)
    return inner is not None and inner == "u1"


def _decoded(
    data: Any, missing: str | None, encoding: str = "utf-8", errors: str = "strict"
) -> Any:
    import numpy as np

    flat = data.reshape(-1)
    if flat.dtype.kind == "S":
        texts = [value.decode(encoding, errors) for value in flat.tolist()]
    else:
        texts = flat.tolist()
    out = np.empty(len(texts), object)
    out[:] = texts if missing is None else [np.nan if t == missing else t for t in texts]
    return out.reshape(data.shape)


def _in_order(frame: Any, axis: int, labels: Any) -> Any:
    """The columns (or rows) in the order in which they were, each label once."""
    import pandas as pd

    wanted = pd.Index(labels) if not isinstance(labels, pd.Index) else labels
    found = frame.columns if axis == 1 else frame.index
    if wanted.equals(found):
        return frame
    wanted = wanted.unique()
    return frame.loc[:, wanted] if axis == 1 else frame.loc[wanted]
