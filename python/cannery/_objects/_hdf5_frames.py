"""Data frames and series in HDF5 files, in pandas' layout `table`: `pandas.read_hdf` opens them.

The layout has no form for some types, such as nullable integers. Their column holds what is
nearest, an attribute `cannery_columns` says what it was, and a group `cannery_exact` holds what the
column would lose.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import Any

from cannery._objects import _hdf5_names
from cannery.errors import DataTypeError

#: The attribute of a group that says what pandas would not know of its columns.
COLUMNS = "cannery_columns"

#: The group of what columns would lose.
EXACT = "cannery_exact"

_TEXTS = ("str", "string", "object")


class NoTableError(Exception):
    """A frame that has no form as a table."""


@dataclass
class _Column:
    """A column as the table has it."""

    values: Any
    dtype: str
    meta: Any = None
    info: dict[str, Any] = field(default_factory=dict)
    #: What `load` makes of it beyond what pandas would: the name of a type, and options.
    restored: dict[str, Any] = field(default_factory=dict)
    exact: dict[str, Any] = field(default_factory=dict)
    categories: Any = None
    is_text: bool = False


def dump_frame(group: Any, frame: Any) -> None:
    """Write a frame or a series to a new group; `NoTableError` if it has no form as a table."""
    import pandas as pd

    is_series = isinstance(frame, pd.Series)
    if type(frame) not in (pd.DataFrame, pd.Series) or frame.attrs:
        raise NoTableError("a class or attributes of its own")
    name = frame.name if is_series else None
    if is_series:
        frame = frame.to_frame("values" if name is None else name)
    if not all(type(label) is str for label in frame.columns):
        raise NoTableError("columns without names of text")
    labels = list(frame.columns)
    if len(set(labels)) != len(labels) or "index" in labels or type(frame.columns) is not pd.Index:
        raise NoTableError("columns whose names are not just theirs")
    if len(frame) == 0 or not labels:
        raise NoTableError("no rows or no columns")
    columns = [_column(frame.iloc[:, i]) for i in range(len(labels))]
    levels, level_names = _levels(frame.index, labels)
    texts = [c for c in (*columns, *(c for _, c in levels)) if c.is_text]
    missing = _missing_text([text for c in texts for text in c.values if text is not None])
    for column in texts:
        column.values = _encoded(column.values, missing)
        column.dtype = f"bytes{8 * column.values.dtype.itemsize}"
    kept: dict[str, Any] = {
        "kind": "series" if is_series else "frame",
        "columns": [column.restored for column in columns],
        "columns_name": _plain_name(frame.columns.name),
        "columns_dtype": str(frame.columns.dtype),
        "levels": [[_plain_name(name), column.restored] for name, column in levels],
        "index": _index_kind(frame.index),
    }
    if is_series:
        kept["name"] = _plain_name(name)
    from cannery import json

    kind = "series" if is_series else "frame"
    _Table(group, labels, columns, levels, level_names, missing, kind).write()
    group.attrs[COLUMNS] = json.encode(kept).decode()
    for i, column in enumerate((*columns, *(c for _, c in levels))):
        for part, values in column.exact.items():
            group.require_group(f"{EXACT}/{i}").create_dataset(part, data=values)


def _plain_name(name: Any) -> str | None:
    if name is not None and type(name) is not str:
        raise NoTableError("a name that is no text")
    return name


def _index_kind(index: Any) -> dict[str, Any]:
    import pandas as pd

    if type(index) is pd.RangeIndex:
        return {"range": [index.start, index.stop, index.step]}
    frequency = getattr(index, "freqstr", None)
    return {"freq": frequency} if frequency else {}


def _levels(index: Any, labels: list[str]) -> tuple[list[tuple[Any, _Column]], list[str]]:
    """The levels of an index as columns, and the names that pandas gives them in a table."""
    import pandas as pd

    if isinstance(index, pd.MultiIndex):
        names = [f"level_{i}" if name is None else name for i, name in enumerate(index.names)]
        if any(type(name) is not str or name in labels or name == "index" for name in names):
            raise NoTableError("levels whose names are not just theirs")
        if len(set(names)) != len(names):
            raise NoTableError("levels of one name")
        if any((codes < 0).any() for codes in index.codes):
            raise NoTableError("an index with missing values")
        columns = [_column(index.get_level_values(i).to_series()) for i in range(index.nlevels)]
        if any(column.categories is not None for column in columns):
            raise NoTableError("a level of categories")
        return list(zip(index.names, columns, strict=True)), names
    if isinstance(index, (pd.CategoricalIndex, pd.IntervalIndex, pd.PeriodIndex)):
        raise NoTableError("an index of a type of its own")
    column = _column(index.to_series())
    if column.exact or column.values.dtype.kind not in "iufMmO" or column.dtype == "bool":
        raise NoTableError("an index that is no numbers, texts or times")
    if column.is_text and any(text is None for text in column.values):
        raise NoTableError("an index with missing values")
    return [(index.name, column)], []


def _column(series: Any) -> _Column:
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(series)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _times(series, {"tz": _zone(dtype.tz)})
    kind = getattr(dtype, "kind", "")
    module = type(dtype).__module__
    if module.startswith("numpy") and kind in "iufbc":
        if dtype.itemsize > 16 or (kind == "f" and dtype.itemsize > 8):
            raise NoTableError("numbers of more than 64 bits")
        values = series.to_numpy()
        return _Column(values.view("u1") if kind == "b" else values, dtype.name)
    if module.startswith("numpy") and kind in "mM":
        return _times(series, {})
    if str(dtype) in _TEXTS or isinstance(dtype, pd.StringDtype):
        return _texts(series)
    masked = getattr(series.array, "_mask", None)
    if masked is not None and hasattr(dtype, "numpy_dtype"):
        return _nullable(series, masked)
    raise NoTableError(f"a column of the type {dtype}")


def _zone(zone: Any) -> str:
    name = str(zone)
    import pandas as pd

    try:
        if pd.DatetimeTZDtype("ns", name).tz == zone:
            return name
    except Exception:
        pass
    raise NoTableError("a time zone without a name")


def _times(series: Any, info: dict[str, Any]) -> _Column:
    kind = series.dtype.kind
    unit = getattr(series.dtype, "unit", None)
    if unit is None:
        import numpy as np

        unit = np.datetime_data(series.dtype)[0]
    name = ("datetime64" if kind == "M" else "timedelta64") + f"[{unit}]"
    return _Column(series.array.asi8.copy(), name, info=info)


def _texts(series: Any) -> _Column:
    import pandas as pd

    values, missing = [], set()
    for value in series.array:
        if type(value) is str:
            if "\0" in value:
                raise NoTableError("a text with a NUL")
            values.append(value)
        elif value is None or value is pd.NA or (type(value) is float and value != value):
            missing.add("none" if value is None else "na" if value is pd.NA else "nan")
            values.append(None)
        else:
            raise NoTableError("objects of several types")
    if len(missing) > 1 or (missing and len(missing) and all(v is None for v in values)):
        raise NoTableError("missing values of several kinds, or nothing else")
    restored: dict[str, Any] = {"dtype": str(series.dtype)}
    if isinstance(series.dtype, pd.StringDtype):
        restored["storage"] = series.dtype.storage
        restored["na"] = "nan" if series.dtype.na_value is not pd.NA else "na"
    if missing:
        restored["missing"] = missing.pop()
    return _Column(_objects(values), "", "str", restored=restored, is_text=True)


def _objects(values: list[Any]) -> Any:
    import numpy as np

    out = np.empty(len(values), object)
    out[:] = values
    return out


def _missing_text(texts: list[str]) -> str:
    """What stands for a missing text: a text that does not occur."""
    found, known = "nan", set(texts)
    while found in known:
        found += "_"
    return found


def _encoded(values: Any, missing: str) -> Any:
    import numpy as np

    try:
        data = [(missing if value is None else value).encode() for value in values]
    except UnicodeEncodeError:
        raise NoTableError("a text with half a surrogate pair") from None
    return np.array(data, f"S{max(1, max(map(len, data), default=1))}")


def _categorical(series: Any) -> _Column:
    categories = series.cat.categories.to_series().reset_index(drop=True)
    if len(categories) == 0 or series.cat.categories.name is not None:
        raise NoTableError("no categories")
    inner = _column(categories)
    if inner.exact or inner.categories is not None or inner.info:
        raise NoTableError("categories of a type of its own")
    codes = series.cat.codes.to_numpy()
    return _Column(
        codes,
        codes.dtype.name,
        "category",
        {"ordered": bool(series.cat.ordered)},
        {"categories": inner.restored},
        categories=inner,
    )


def _nullable(series: Any, mask: Any) -> _Column:
    import numpy as np

    values = np.where(mask, series.array._data.dtype.type(0), series.array._data)
    restored = {"dtype": str(series.dtype), "nullable": True}
    if not mask.any():
        stored = values.view("u1") if values.dtype.kind == "b" else values
        return _Column(stored, values.dtype.name, restored=restored)
    nearest = np.where(mask, np.nan, values.astype("f8"))
    exact = {"values": values, "mask": mask}
    return _Column(nearest, "float64", restored=restored, exact=exact)


class _Table:
    """A table of pandas' in a group."""

    def __init__(
        self,
        group: Any,
        labels: list[str],
        columns: list[_Column],
        levels: list[tuple[Any, _Column]],
        level_names: list[str],
        missing: str,
        kind: str = "frame",
    ) -> None:
        self._group, self._labels, self._columns = group, labels, columns
        self._levels, self._level_names = levels, level_names
        self._missing, self._kind = missing, kind

    def write(self) -> None:
        import numpy as np

        is_multi = bool(self._level_names)
        if is_multi:
            rows = np.arange(len(self._levels[0][1].values))
            fields: list[tuple[str, _Column, str | None]] = [("index", _Column(rows, ""), None)]
        else:
            fields = [("index", self._levels[0][1], None)]
        values = self._value_fields()
        fields += list(zip(values, self._columns, self._labels, strict=True))
        if is_multi:
            for name, (_, column) in reversed(
                list(zip(self._level_names, self._levels, strict=True))
            ):
                values.append(name)
                fields.append((name, column, name))
        self._group_attributes(values, fields, is_multi)
        self._rows(fields, is_multi)
        for (name, column, _), block in zip(fields[1:], values, strict=True):
            del name
            if column.categories is not None:
                self._meta(block, column.categories)

    def _value_fields(self) -> list[str]:
        # Of a series without a name, as that of categories is, pandas looks for this field.
        if self._kind == "series" and self._labels == ["values"]:
            return ["values"]
        return [f"values_block_{i}" for i in range(len(self._columns))]

    def _group_attributes(
        self, values: list[str], fields: list[tuple[str, _Column, str | None]], is_multi: bool
    ) -> None:
        import numpy as np

        info: dict[Any, Any] = {1: {"names": [None], "type": "Index"}, "index": {}}
        if not is_multi:
            name, column = self._levels[0]
            info["index"] = {**({} if name is None else {"index_name": name}), **column.info}
        info.update((name, dict(column.info)) for name, column, _ in fields[1:])
        axes = [*self._level_names, *self._labels]
        table = f"multi{self._kind}" if is_multi else self._kind
        data_columns = list(reversed(self._level_names))
        if "values" in values:
            data_columns.append("values")
        attributes = {
            "CLASS": "GROUP", "TITLE": "", "VERSION": "1.0",
            "data_columns": data_columns,
            "encoding": "UTF-8", "errors": "strict", "index_cols": [(0, "index")], "info": info,
            "levels": self._level_names or np.int64(1), "nan_rep": self._missing,
            "non_index_axes": [(1, axes)], "pandas_type": f"{self._kind}_table",
            "pandas_version": "0.15.2",
            "table_type": f"appendable_{table}", "values_cols": values, "metadata": [],
        }  # fmt: skip
        for name, value in attributes.items():
            _set(self._group, name, value)

    def _rows(self, fields: list[tuple[str, _Column, str | None]], is_multi: bool) -> None:
        import numpy as np

        def shape(name: str) -> tuple[int, ...]:
            return (1,) if name.startswith("values_block_") else ()

        dtype = np.dtype(
            [(name, c.values.dtype.newbyteorder("<"), shape(name)) for name, c, _ in fields]
        )
        rows = np.zeros(len(fields[0][1].values), dtype)
        for name, column, _ in fields:
            rows[name] = column.values.reshape(-1, *shape(name))
        made = self._group.create_dataset(
            "table", data=rows, maxshape=(None,), chunks=(max(1, 65536 // max(1, dtype.itemsize)),)
        )
        _set(made, "CLASS", "TABLE")
        _set(made, "VERSION", "2.7")
        _set(made, "TITLE", "")
        for number, (name, column, label) in enumerate(fields):
            _set(made, f"FIELD_{number}_NAME", name)
            fill_type = "S1" if column.values.dtype.kind == "S" else column.values.dtype
            made.attrs.create(f"FIELD_{number}_FILL", np.zeros((), fill_type), dtype=fill_type)
            if label is None:
                continue
            _set(made, f"{name}_dtype", column.dtype)
            _set(made, f"{name}_kind", [label])
            _set(made, f"{name}_meta", column.meta)
            if column.is_text:
                _set(made, f"{name}_nan_rep", self._missing)
        made.attrs["NROWS"] = np.int64(len(rows))
        _set(made, "index_kind", "integer" if is_multi else _kind_of_index(self._levels[0][1]))

    def _meta(self, block: str, categories: _Column) -> None:
        """The categories of a column: a series in a group of their own."""
        import numpy as np

        at = self._group
        for name in ("meta", block):
            at = at.require_group(name)
            for attribute, value in (("CLASS", "GROUP"), ("TITLE", ""), ("VERSION", "1.0")):
                _set(at, attribute, value)
        if categories.is_text:
            missing = _missing_text(list(categories.values))
            categories.values = _encoded(categories.values, missing)
            categories.dtype = f"bytes{8 * categories.values.dtype.itemsize}"
        else:
            missing = "nan"
        index = _Column(np.arange(len(categories.values)), "int64")
        inner = at.create_group("meta")
        _Table(inner, ["values"], [categories], [(None, index)], [], missing, "series").write()


def _kind_of_index(column: _Column) -> str:
    if column.is_text:
        return "string"
    if column.dtype.startswith(("datetime64", "timedelta64")):
        return column.dtype
    return "float" if column.values.dtype.kind == "f" else "integer"


def _set(made: Any, name: str, value: Any) -> None:
    """An attribute as PyTables has it: texts of fixed length, and other objects pickled."""
    import numpy as np

    from cannery import hdf5

    if value == "" and isinstance(value, str):
        made.attrs[name] = hdf5.Empty("S1")
    elif isinstance(value, str):
        data = value.encode()
        made.attrs.create(name, data, dtype=hdf5.string_dtype("utf-8", len(data)))
    elif isinstance(value, np.generic):
        made.attrs[name] = value
    else:
        # Lists, dictionaries and texts only: reading it back imports nothing.
        data = pickle.dumps(value, 0)
        made.attrs.create(name, data, dtype=np.dtype(f"S{len(data)}"))


def is_frame(value: Any) -> bool:
    """Whether a value is a frame or a series of pandas."""
    kind = type(value)
    return kind.__module__.split(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Series")


def is_table(group: Any) -> bool:
    """Whether a group holds a frame or a series as a table of pandas'."""
    found = _plain(group, "pandas_type")
    return found in ("frame_table", "series_table") and "table" in group


def load_frame(group: Any, trust: tuple[Any, ...]) -> Any:
    """Read the frame or series of a group."""
    from cannery import json

    kept = json.decode(group.attrs[COLUMNS]) if COLUMNS in group.attrs else None
    return _TableReader(group, trust, kept).read()


def _plain(made: Any, name: str, trust: tuple[Any, ...] = ()) -> Any:
    """An attribute as PyTables reads it; what is pickled, under the trust policy."""
    import numpy as np

    if name not in made.attrs:
        return None
    value = made.attrs[name]
    if not isinstance(value, (bytes, np.bytes_)):
        return value if isinstance(value, (str, np.generic)) else None
    data = bytes(value)
    if data.endswith(b".") and len(data) > 1:
        from cannery import pickle as safe

        try:
            return safe.loads(data, trust=trust)
        except (ValueError, EOFError):
            pass
    return data.decode("utf-8", "surrogateescape")


class _TableReader:
    """A table of pandas' in a group."""

    def __init__(self, group: Any, trust: tuple[Any, ...], kept: dict[str, Any] | None) -> None:
        self._group, self._trust, self._kept = group, trust, kept
        self._table = group["table"]
        fields = self._table.dtype
        texts = [1 for name in fields.names or () if fields[name].base.kind in "SO"]
        _hdf5_names.spend_objects(self._table, len(texts) * (self._table.size or 0))
        self._rows = self._table[()]
        self._info = self._attribute(group, "info") or {}
        self._missing = self._attribute(group, "nan_rep") or "nan"

    def _attribute(self, made: Any, name: str) -> Any:
        return _plain(made, name, self._trust)

    def read(self) -> Any:
        import pandas as pd

        values = self._attribute(self._group, "values_cols") or []
        found: dict[Any, Any] = {}
        for name in values:
            found.update(self._block(name))
        levels = self._attribute(self._group, "levels")
        level_names = levels if isinstance(levels, list) else []
        axes = self._attribute(self._group, "non_index_axes") or []
        order = [label for _, labels in axes for label in labels] or list(found)
        labels = [label for label in order if label in found and label not in level_names]
        if self._kept is None:
            index = self._index(level_names, found)
            if self._attribute(self._group, "pandas_type") == "series_table":
                return pd.Series(found["values"], index=index, name=self._series_name())
            return pd.DataFrame({label: found[label] for label in labels}, index=index)
        return self._restored(found, labels, level_names)

    def _series_name(self) -> Any:
        name = self._attribute(self._group, "name")
        return name if isinstance(name, str) else None

    def _block(self, name: str) -> dict[Any, Any]:
        labels = self._attribute(self._table, f"{name}_kind")
        rows = self._rows[name]
        if not isinstance(labels, list):
            labels = [name]
        rows = rows.reshape(len(rows), -1)
        if rows.shape[1] != len(labels):
            raise DataTypeError(
                f"a block of a table has {rows.shape[1]} columns, not {len(labels)}"
            )
        dtype = str(self._attribute(self._table, f"{name}_dtype") or rows.dtype.name)
        meta = self._attribute(self._table, f"{name}_meta")
        missing = self._attribute(self._table, f"{name}_nan_rep") or self._missing
        info = self._info.get(name) or {}
        return {
            label: self._converted(name, rows[:, i], (dtype, meta, missing), info)
            for i, label in enumerate(labels)
        }

    def _converted(self, name: str, values: Any, kind: tuple[str, Any, Any], info: dict) -> Any:
        import pandas as pd

        dtype, meta, missing = kind
        if meta == "category":
            inner = self._group[f"meta/{name}/meta"]
            categories = load_frame(inner, self._trust)
            ordered = bool(info.get("ordered"))
            return pd.Categorical.from_codes(values, list(categories), ordered=ordered)
        if dtype.startswith(("bytes", "string")) or values.dtype.kind == "S":
            return _decoded(values, str(missing))
        if dtype == "bool":
            return values.astype(bool)
        if dtype.startswith(("datetime64", "timedelta64")):
            return _moments(values, dtype, info.get("tz"))
        return values.astype(_hdf5_names.numbers(dtype))

    def _index(self, level_names: list[str], found: dict[Any, Any]) -> Any:
        import pandas as pd

        if level_names:
            names = [None if n == f"level_{i}" else n for i, n in enumerate(level_names)]
            return pd.MultiIndex.from_arrays([found[name] for name in level_names], names=names)
        info = self._info.get("index") or {}
        kind = str(self._attribute(self._table, "index_kind") or "integer")
        values = self._rows["index"]
        if kind == "string":
            values = _decoded(values, "\0")
        elif kind.startswith(("datetime64", "timedelta64")):
            values = _moments(values, kind, info.get("tz"))
        return pd.Index(values, name=info.get("index_name"))

    def _restored(self, found: dict[Any, Any], labels: list[Any], level_names: list[str]) -> Any:
        import pandas as pd

        kept: Any = self._kept
        columns = [
            self._column(found[label], how, number)
            for number, (label, how) in enumerate(zip(labels, kept["columns"], strict=True))
        ]
        index = self._kept_index(found, level_names, len(columns))
        series = [pd.Series(column, index, _object(column), copy=False) for column in columns]
        if kept["kind"] == "series":
            return series[0].rename(kept["name"])
        frame = pd.concat(series, axis=1, keys=range(len(series)))
        names = pd.Index(
            labels, dtype=_hdf5_names.column(kept["columns_dtype"]), name=kept["columns_name"]
        )
        return frame.set_axis(names, axis=1)

    def _kept_index(self, found: dict[Any, Any], level_names: list[str], before: int) -> Any:
        import pandas as pd

        kept: Any = self._kept
        if "range" in kept["index"]:
            return pd.RangeIndex(*kept["index"]["range"], name=kept["levels"][0][0])
        if level_names:
            arrays = [
                self._column(found[name], how, before + i)
                for i, (name, (_, how)) in enumerate(zip(level_names, kept["levels"], strict=True))
            ]
            return pd.MultiIndex.from_arrays(arrays, names=[name for name, _ in kept["levels"]])
        ((name, how),) = kept["levels"]
        index = self._index([], found)
        values = self._column(index.to_numpy(object) if how.get("dtype") else index, how, before)
        index = pd.Index(values, _object(values) if how.get("dtype") else None, name=name)
        if "freq" in kept["index"]:
            kind: Any = type(index)
            index = kind(index, freq=_hdf5_names.frequency(kept["index"]["freq"]), name=name)
        return index

    def _column(self, values: Any, how: dict[str, Any], number: int) -> Any:
        import numpy as np
        import pandas as pd

        if "categories" in how:
            inner = how["categories"]
            if not inner:
                return values
            categories = pd.Index(self._column(np.asarray(values.categories, object), inner, -1))
            return pd.Categorical.from_codes(values.codes, categories, ordered=values.ordered)
        if "nullable" in how:
            return self._nullable(values, how["dtype"], number)
        if "dtype" not in how:
            return values
        gone = {"none": None, "nan": np.nan, "na": pd.NA, None: None}[how.get("missing")]
        texts = np.array([gone if v is None or v is pd.NA or v != v else v for v in values], object)
        if "storage" in how:
            empty = np.nan if how["na"] == "nan" else pd.NA
            return pd.array(texts, dtype=pd.StringDtype(how["storage"], na_value=empty))
        return texts

    def _nullable(self, values: Any, dtype: str, number: int) -> Any:
        import numpy as np

        made: Any = _hdf5_names.column(dtype)
        mask = np.zeros(len(values), bool)
        if f"{EXACT}/{number}" in self._group:
            exact = self._group[f"{EXACT}/{number}"]
            values, mask = exact["values"][()], exact["mask"][()]
        array: Any = made.construct_array_type()
        return array(np.asarray(values).astype(made.numpy_dtype), mask)


def _object(values: Any) -> Any:
    """The type that pandas is told, so that it makes no texts of objects."""
    import numpy as np

    return object if isinstance(values, np.ndarray) and values.dtype.kind == "O" else None


def _decoded(values: Any, missing: str) -> Any:
    import numpy as np

    gone = missing.encode("utf-8", "surrogateescape")
    return _objects(
        [np.nan if v == gone else v.decode("utf-8", "replace") for v in values.tolist()]
    )


def _moments(values: Any, dtype: str, zone: Any) -> Any:
    import pandas as pd

    moments = values.astype("i8").view(_hdf5_names.moments(dtype))
    if zone is None:
        return moments
    zone = _hdf5_names.zone(str(zone))
    return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(zone).array
