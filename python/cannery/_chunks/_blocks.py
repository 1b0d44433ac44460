"""Blocks of rows in their several forms: lists, arrays, and the tables of three libraries."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from cannery._installed import installed_module
from cannery.errors import DataError, DataTypeError, LimitError

if TYPE_CHECKING:
    import numpy as np

Form = Literal["rows", "arrays", "pandas", "polars", "pyarrow"]

#: The forms that a chunk can have.
FORMS: tuple[Form, ...] = ("rows", "arrays", "pandas", "polars", "pyarrow")


def library(name: str, what: str) -> Any:
    """Import a library that a form or a format needs.

    Raises:
        DataError: if it is not installed.

    """
    try:
        return installed_module(name)
    except ImportError as cause:
        error = DataError(f"{what} needs `{name}`, which is not installed")
        error.hint = f"pip install {name}"
        raise error from cause


def form_of(block: object) -> Form:
    """Return the form of a block.

    Raises:
        DataTypeError: if it is none.

    """
    if is_of(block, "pandas", "DataFrame"):
        return "pandas"
    if is_of(block, "polars", "DataFrame"):
        return "polars"
    if is_of(block, "pyarrow", "Table") or is_of(block, "pyarrow", "RecordBatch"):
        return "pyarrow"
    if is_array(block) or is_columns(block):
        return "arrays"
    if isinstance(block, Sequence) and not isinstance(block, (str, bytes, bytearray, memoryview)):
        return "rows"
    error = DataTypeError(f"expected rows, an array or a table, got {type(block).__name__}")
    error.hint = "a chunk is a list of rows, an array, a mapping of arrays, or a data frame"
    raise error


def is_of(value: object, module: str, name: str) -> bool:
    """Whether a value is of a library's type; the library is not imported for it."""
    found = sys.modules.get(module)
    return found is not None and isinstance(value, getattr(found, name))


def is_array(value: object) -> bool:
    """Whether a value is an array of NumPy's with at least one side."""
    return is_of(value, "numpy", "ndarray") and getattr(value, "ndim", 0) > 0


def is_columns(value: object) -> bool:
    """Whether a value is a mapping of names to arrays."""
    return isinstance(value, Mapping) and bool(value) and all(map(is_array, value.values()))


def length(block: Any) -> int:
    """Return how many rows a block has."""
    if is_columns(block):
        return len(next(iter(block.values())))
    if is_of(block, "pyarrow", "RecordBatch"):
        return block.num_rows
    return len(block)


def take(block: Any, indices: Sequence[int]) -> Any:
    """Return the rows at some positions, in that order."""
    match form_of(block):
        case "rows":
            return [block[index] for index in indices]
        case "arrays" if is_array(block):
            return block[_index_array(indices)]
        case "arrays":
            at = _index_array(indices)
            return {name: values[at] for name, values in block.items()}
        case "pandas":
            return block.iloc[list(indices)].reset_index(drop=True)
        case "polars":
            return block[list(indices)]
        case "pyarrow":
            return block.take(list(indices))


def _index_array(indices: Sequence[int]) -> np.ndarray:
    import numpy as np

    return np.asarray(indices, dtype=np.intp)


def concat(blocks: Sequence[Any]) -> Any:
    """Return blocks of one form as one."""
    if len(blocks) == 1:
        return blocks[0]
    match form_of(blocks[0]):
        case "rows":
            return [row for block in blocks for row in block]
        case "arrays" if is_array(blocks[0]):
            return sys.modules["numpy"].concatenate(blocks)
        case "arrays":
            join = sys.modules["numpy"].concatenate
            return {name: join([block[name] for block in blocks]) for name in blocks[0]}
        case "pandas":
            return sys.modules["pandas"].concat(blocks, ignore_index=True)
        case "polars":
            return sys.modules["polars"].concat(blocks)
        case "pyarrow":
            return sys.modules["pyarrow"].concat_tables(blocks)


def converted(block: Any, form: Form | None) -> Any:
    """Return a block in another form; `None` leaves it as it is."""
    own = form_of(block)
    if form is None or form == own:
        return block
    if form == "rows":
        return rows_of(block)
    if own == "rows":
        return _from_rows(block, form)
    columns = columns_of(block)
    if form == "arrays":
        return columns
    return _table(columns, form)


def rows_of(block: Any) -> list[Any]:
    """Return the rows of a block: mappings of a table, lists or numbers of an array."""
    match form_of(block):
        case "rows":
            return list(block)
        case "arrays" if is_array(block):
            names = block.dtype.names
            rows = block.tolist()
            return rows if names is None else [dict(zip(names, row, strict=True)) for row in rows]
        case "pandas":
            return [
                {str(name): _scalar(value) for name, value in zip(block.columns, row, strict=True)}
                for row in block.itertuples(index=False, name=None)
            ]
        case "polars":
            return block.to_dicts()
        case "pyarrow":
            return block.to_pylist()
        case "arrays":
            lists = {name: values.tolist() for name, values in block.items()}
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _scalar(value: Any) -> Any:
    """Make a missing value of pandas' `None`, and NumPy's scalars Python's own."""
    pandas = sys.modules["pandas"]
    if value is pandas.NA or value is pandas.NaT:
        return None
    return value.item() if hasattr(value, "item") and hasattr(value, "dtype") else value


def columns_of(block: Any) -> dict[Any, np.ndarray]:
    """Return the columns of a table, or of a structured array, as arrays by name."""
    match form_of(block):
        case "pandas":
            return {str(name): block[name].to_numpy() for name in block.columns}
        case "polars":
            return {name: block[name].to_numpy() for name in block.columns}
        case "pyarrow":
            names = block.schema.names
            return {name: _arrow_array(block.column(at)) for at, name in enumerate(names)}
        case "arrays" if is_array(block):
            if block.dtype.names is not None:
                return {name: block[name] for name in block.dtype.names}
            if block.ndim == 1:
                return {"value": block}
            flat = block.reshape(len(block), -1)
            return {f"column_{at + 1}": flat[:, at] for at in range(flat.shape[1])}
        case "arrays":
            return dict(block)
        case "rows":
            return _from_rows(block, "arrays")


def _arrow_array(column: Any) -> np.ndarray:
    if hasattr(column, "combine_chunks"):
        return column.to_numpy()
    return column.to_numpy(zero_copy_only=False)


def names_of(rows: Sequence[Any]) -> list[str]:
    """Return the keys of rows that are mappings, in the order in which they first come."""
    names: dict[str, None] = {}
    entries = 0
    for row in rows:
        if not isinstance(row, Mapping):
            error = DataTypeError(f"a column needs a name, and this row is a {type(row).__name__}")
            error.hint = 'rows that are not mappings come as they are: as_="rows"'
            raise error
        names.update(dict.fromkeys(row))
        entries += len(row)
    cells = len(names) * len(rows)
    if cells > _MOST_EMPTY + _EMPTY_PER_ENTRY * entries:
        error = LimitError(
            f"{len(rows)} rows of {entries} values in {len(names)} columns are {cells} places, "
            "almost all of them empty"
        )
        error.hint = 'rows come as they are with as_="rows"; columns= takes the columns that matter'
        raise error
    return list(names)


_MOST_EMPTY = 1 << 22
_EMPTY_PER_ENTRY = 64
"""Places for each value: rows that each have keys of their own are no table."""


def _from_rows(rows: Sequence[Any], form: Form) -> Any:
    if form == "pyarrow" and all(isinstance(row, Mapping) for row in rows):
        arrow = library("pyarrow", 'as_="pyarrow"')
        names = names_of(rows)
        return arrow.Table.from_pydict({name: [row.get(name) for row in rows] for name in names})
    if form == "polars":
        polars = library("polars", 'as_="polars"')
        if all(isinstance(row, Mapping) for row in rows):
            names_of(rows)
        return polars.DataFrame(list(rows), infer_schema_length=None)
    if form == "pandas":
        return library("pandas", 'as_="pandas"').DataFrame(list(rows), columns=names_of(rows))
    numpy = library("numpy", 'as_="arrays"')
    if rows and not any(isinstance(row, Mapping) for row in rows):
        return numpy.asarray(rows)
    names = names_of(rows)
    return {name: _array([row.get(name) for row in rows], name) for name in names}


def _array(values: list[Any], name: str) -> np.ndarray:
    """Make an array of a column; a missing number is NaN, other missing values are `None`."""
    import numpy as np

    kinds = {type(value) for value in values}
    if type(None) in kinds and kinds <= {type(None), int, float}:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if kinds <= {int, float, bool} and (len(kinds) == 1 or bool not in kinds):
        made = np.array(values)
        if made.dtype != object:
            return made
        raise DataError(f"an integer in column {name!r} has more than 64 bits")
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _table(columns: Mapping[str, np.ndarray], form: Form) -> Any:
    if form == "pandas":
        return library("pandas", 'as_="pandas"').DataFrame(dict(columns))
    if form == "polars":
        return library("polars", 'as_="polars"').DataFrame(dict(columns))
    return library("pyarrow", 'as_="pyarrow"').table(dict(columns))
