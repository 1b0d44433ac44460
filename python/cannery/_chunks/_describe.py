"""Statistics of columns, chunk by chunk, in memory that does not grow with the data.

Mean and variance of a chunk are computed in two passes over it, and joined with those of the chunks
before it (Chan, Golub and LeVeque: "Updating formulae and a pairwise algorithm for computing sample
variances", 1979), which loses no digits to large means.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from cannery._chunks._blocks import columns_of, form_of, is_array

_LARGEST = sys.float_info.max
#: Texts that are counted exactly; beyond, their number is estimated.
_EXACT = 10_000
#: Hashes that the estimate rests on: its error is about 1 / sqrt of this.
_HASHES = 2048
#: Characters of a text that is kept to be shown.
_SHOWN = 200


class Moments:
    """Count, mean, standard deviation and range of numbers."""

    def __init__(self) -> None:
        self.count = 0
        # All is reckoned from the first number: large means would leave few digits to what varies.
        self._shift: float | None = None
        self._mean = 0.0
        self._squares = 0.0
        self.min: float = math.inf
        self.max: float = -math.inf

    @property
    def mean(self) -> float:
        """The mean."""
        return (self._shift or 0.0) + self._mean

    def add(self, values: list[int | float]) -> None:
        """Take numbers of a chunk, of which none is NaN."""
        if not values:
            return
        self.min = min(self.min, min(values))
        self.max = max(self.max, max(values))
        try:
            shift = self._from(float(values[0]))
            near = [value - shift for value in values]
            mean = math.fsum(near) / len(near)
            squares = math.fsum((value - mean) ** 2 for value in near)
        except (OverflowError, ValueError):
            # Infinities, or numbers beyond the range of floats.
            low, high = min(values) < -_LARGEST, max(values) > _LARGEST
            mean = math.nan if low == high else math.inf if high else -math.inf
            squares = math.nan
        self._join(len(values), mean, squares)

    def _from(self, first: float) -> float:
        if self._shift is None:
            self._shift = first if math.isfinite(first) else 0.0
        return self._shift

    def add_array(self, values: Any) -> None:
        """Take an array of numbers of which none is NaN."""
        import numpy as np

        if not len(values):
            return
        low, high = values.min(), values.max()
        self.min, self.max = min(self.min, low.item()), max(self.max, high.item())
        with np.errstate(invalid="ignore", over="ignore"):
            near = values.astype(np.float64) - self._from(float(values[0]))
            mean = near.mean()
            squares = np.square(near - mean).sum()
        self._join(len(values), float(mean), float(squares))

    def _join(self, count: int, mean: float, squares: float) -> None:
        total = self.count + count
        delta = mean - self._mean
        if self.count == 0:
            self._mean, self._squares = mean, squares
        else:
            self._squares += squares + delta * delta * (self.count / total) * count
            self._mean += delta * count / total
        self.count = total

    def deviation(self, ddof: int) -> float:
        """Return the standard deviation; NaN of fewer numbers than it takes."""
        if self.count <= ddof:
            return math.nan
        return math.sqrt(self._squares / (self.count - ddof))


class Texts:
    """How many different texts there are, and the most frequent one."""

    def __init__(self) -> None:
        self.count = 0
        self._counts: dict[str, int] = {}
        self._is_exact = True
        # The smallest hashes, negated: a heap gives up its least.
        self._hashes: list[int] = []
        self._kept: set[int] = set()

    def add(self, values: Iterable[str]) -> None:
        """Take the texts of a chunk."""
        for value in values:
            self.count += 1
            text = value if len(value) <= _SHOWN else _shortened(value)
            known = self._counts.get(text)
            if known is not None:
                self._counts[text] = known + 1
                continue
            self._hash(text)
            if len(self._counts) < _EXACT:
                self._counts[text] = 1
                continue
            # Misra and Gries: what is frequent stays, and is counted a little too low.
            self._is_exact = False
            self._counts = {text: count - 1 for text, count in self._counts.items() if count > 1}
            self._counts[text] = 1

    def _hash(self, text: str) -> None:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        value = int.from_bytes(digest)
        if value in self._kept:
            return
        if len(self._hashes) < _HASHES:
            heapq.heappush(self._hashes, -value)
        elif value < -self._hashes[0]:
            self._kept.discard(-heapq.heapreplace(self._hashes, -value))
        else:
            return
        self._kept.add(value)

    def figures(self) -> dict[str, Any]:
        """Return the number of different texts, the most frequent one and how often it occurs."""
        if not self.count:
            return {"distinct": 0, "top": None, "freq": 0}
        top = max(self._counts, key=lambda text: self._counts[text])
        figures = {"distinct": self._distinct(), "top": top, "freq": self._counts[top]}
        if not self._is_exact:
            figures["approximate"] = True
        return figures

    def _distinct(self) -> int:
        if self._is_exact or len(self._hashes) < _HASHES:
            return len(self._counts) if self._is_exact else len(self._hashes)
        return round((_HASHES - 1) * 2**64 / -self._hashes[0])


def _shortened(text: str) -> str:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[:_SHOWN]}... ({len(text)} characters, {digest})"


class ColumnStatistics:
    """What the values of a column are."""

    def __init__(self) -> None:
        self.numbers = Moments()
        self.texts = Texts()
        self.rows = 0
        self.missing = 0
        self.trues = 0
        self.falses = 0
        self.others = 0

    def add(self, values: list[Any]) -> None:
        """Take the values of a chunk."""
        numbers: list[int | float] = []
        texts: list[str] = []
        self.rows += len(values)
        for value in values:
            kind = type(value)
            if kind is float or kind is int:
                if value == value:
                    numbers.append(value)
                else:
                    self.missing += 1
            elif kind is str:
                texts.append(value)
            elif value is None:
                self.missing += 1
            elif kind is bool:
                self.trues += value
                self.falses += not value
            else:
                self._add_other(value, numbers, texts)
        self.numbers.add(numbers)
        self.texts.add(texts)

    def _add_other(self, value: Any, numbers: list[int | float], texts: list[str]) -> None:
        if isinstance(value, str):
            texts.append(str(value))
        elif hasattr(value, "dtype") and hasattr(value, "item"):
            self.rows -= 1
            self.add([value.item()])
        elif isinstance(value, (int, float)):
            numbers.append(value)
        else:
            self.others += 1

    def add_array(self, values: Any) -> None:
        """Take an array of a chunk."""
        import numpy as np

        if values.ndim != 1 or values.dtype.kind not in "biuf":
            self.add(values.tolist())
            return
        self.rows += len(values)
        if values.dtype.kind == "b":
            trues = int(np.count_nonzero(values))
            self.trues += trues
            self.falses += len(values) - trues
            return
        if values.dtype.kind == "f":
            there = ~np.isnan(values)
            self.missing += len(values) - int(np.count_nonzero(there))
            values = values[there]
        self.numbers.add_array(values)

    def figures(self) -> dict[str, Any]:
        """Return what is known, under the names that pandas' `describe` uses."""
        kinds = {
            "number": self.numbers.count,
            "text": self.texts.count,
            "bool": self.trues + self.falses,
            "other": self.others,
        }
        there = [kind for kind, count in kinds.items() if count]
        figures: dict[str, Any] = {
            "type": there[0] if len(there) == 1 else "mixed" if there else "missing",
            "count": sum(kinds.values()),
            "missing": self.missing,
        }
        if len(there) > 1:
            figures["types"] = {kind: kinds[kind] for kind in there}
        if self.numbers.count:
            numbers = self.numbers
            figures |= {"mean": numbers.mean, "std": numbers.deviation(1)}
            figures |= {"min": numbers.min, "max": numbers.max}
        if self.texts.count:
            figures |= self.texts.figures()
        if "bool" in there:
            figures["true"] = self.trues
        return figures


class Statistics:
    """The statistics of all columns."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns: dict[Any, ColumnStatistics] = {}

    def add(self, block: Any) -> None:
        """Take a chunk of any form."""
        if form_of(block) == "rows":
            self._add_rows(block)
            return
        columns = columns_of(block)
        for name, values in columns.items():
            self._column(name).add_array(values)
        if columns:
            self.rows += len(next(iter(columns.values())))
        elif is_array(block):
            self.rows += len(block)

    def _add_rows(self, rows: list[Any]) -> None:
        columns: dict[Any, list[Any]] = {}
        for row in rows:
            for name, value in _parts(row):
                columns.setdefault(name, []).append(value)
        for name, values in columns.items():
            self._column(name).add(values)
        self.rows += len(rows)

    def _column(self, name: Any) -> ColumnStatistics:
        return self.columns.setdefault(name, ColumnStatistics())

    def figures(self) -> dict[Any, dict[str, Any]]:
        """Return the figures of all columns; a row that lacks a column has a missing value."""
        found = {}
        for name, column in self.columns.items():
            column.missing += self.rows - column.rows
            column.rows = self.rows
            found[name] = column.figures()
        return found


def _parts(row: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(row, Mapping):
        yield from row.items()
    elif isinstance(row, (list, tuple)):
        for at, value in enumerate(row, 1):
            yield f"column_{at}", value
    else:
        yield "value", row


class Standardizer:
    """Makes the mean of each column of numbers 0, and its standard deviation 1."""

    def __init__(self, scales: Mapping[Any, tuple[float, float]]) -> None:
        self._scales = scales

    @classmethod
    def of(cls, statistics: Statistics, columns: tuple[Any, ...] | None) -> Standardizer:
        """Take means and deviations of the columns that hold numbers."""
        scales = {}
        for name, column in statistics.columns.items():
            wanted = columns is None or name in columns
            if wanted and column.numbers.count and not column.texts.count and not column.others:
                # A column of one value becomes one of zeros.
                scales[name] = (column.numbers.mean, column.numbers.deviation(0) or 1.0)
        return cls(scales)

    def __call__(self, block: Any) -> Any:
        """Return the block with its numbers scaled."""
        form = form_of(block)
        if form == "rows":
            return [self._row(row) for row in block]
        if is_array(block) and block.dtype.names is None:
            return self._array(block)
        from cannery._chunks._blocks import converted

        columns = {
            name: self._scaled(values, name) if name in self._scales else values
            for name, values in columns_of(block).items()
        }
        return converted(columns, form)

    def _row(self, row: Any) -> Any:
        if isinstance(row, Mapping):
            return {name: self._value(value, name) for name, value in row.items()}
        if isinstance(row, (list, tuple)):
            return [self._value(value, f"column_{at}") for at, value in enumerate(row, 1)]
        return self._value(row, "value")

    def _value(self, value: Any, name: Any) -> Any:
        if name not in self._scales or value is None or isinstance(value, bool):
            return value
        mean, deviation = self._scales[name]
        return (value - mean) / deviation

    def _array(self, block: Any) -> Any:
        import numpy as np

        names = list(columns_of(block))
        means = np.array([self._scales.get(name, (0.0, 1.0))[0] for name in names])
        scales = np.array([self._scales.get(name, (0.0, 1.0))[1] for name in names])
        flat = (block.reshape(len(block), -1) - means) / scales
        return flat.reshape(block.shape)

    def _scaled(self, values: Any, name: Any) -> Any:
        mean, deviation = self._scales[name]
        if values.dtype == object:
            return _each(values, mean, deviation)
        return (values - mean) / deviation

    @property
    def scales(self) -> Mapping[Any, tuple[float, float]]:
        """Mean and deviation by column."""
        return self._scales


def _each(values: Any, mean: float, deviation: float) -> Any:
    import numpy as np

    return np.array([np.nan if v is None else (v - mean) / deviation for v in values])
