"""Back-fills: a pipeline run for one value of its partition after another."""

from __future__ import annotations

import calendar
import datetime
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cannery._parameters import is_parameter, read_text, unknown_parameter
from cannery._session import current
from cannery.errors import DataError, DataTypeError

if TYPE_CHECKING:
    from cannery._steps import Pipeline

#: What a back-fill is over: a range or a list as a text, or the values themselves.
Over = Mapping[str, str | Iterable[Any]]

_RANGE = re.compile(r"(.+?)\.\.(.+)")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MOST = 100_000


def values_of_text(name: str, text: str) -> list[str]:
    """Return what a text lists: `2026-11-01..2026-11-30`, `2026-01..2026-12`, `1..5`, `eu,us`.

    Both ends of a range belong to it.
    """
    found: list[str] = []
    for part in text.split(","):
        ends = _RANGE.fullmatch(part.strip())
        found += [part.strip()] if ends is None else _between(name, *ends.groups())
    if not all(found):
        raise _no_range(name, text)
    return found


def _between(name: str, first: str, last: str) -> list[str]:
    for read, write in _KINDS:
        try:
            begin, end = read(first), read(last)
        except ValueError:
            continue
        if begin > end or end - begin >= _MOST:
            raise _no_range(name, f"{first}..{last}")
        return [write(number) for number in range(begin, end + 1)]
    raise _no_range(name, f"{first}..{last}")


def _no_range(name: str, text: str) -> DataError:
    error = DataError(f"`{name}`: `{text}` is no range of values")
    error.hint = (
        "days (`2026-11-01..2026-11-30`), months (`2026-01..2026-12`) or numbers (`1..5`), the "
        "first one first, or values with commas between them"
    )
    return error


def _day(text: str) -> int:
    return datetime.date.fromisoformat(text).toordinal()


def _day_text(number: int) -> str:
    return datetime.date.fromordinal(number).isoformat()


def _month(text: str) -> int:
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= len(calendar.month_name) - 1:
        raise ValueError(text)
    return int(found[1]) * 12 + int(found[2]) - 1


def _month_text(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


# Numbers go first: `20261101` is a day in one way to write it, and a number to those who count.
_KINDS: tuple[tuple[Callable[[str], int], Callable[[int], str]], ...] = (
    (int, str),
    (_month, _month_text),
    (_day, _day_text),
)


def assignments(pipeline: Pipeline[..., Any], over: Over) -> Iterator[dict[str, Any]]:
    """Return the arguments of each run, those of the last name changing fastest."""
    from cannery._annotations._scope import annotations_of_function

    if current() is not None:
        raise DataTypeError(f"`{pipeline.name}.backfill` is called in a pipeline")
    if not over:
        raise DataError(f"a back-fill of `{pipeline.name}` needs the values of a parameter")
    hints = annotations_of_function(pipeline.function, "pipeline")
    columns: list[list[Any]] = []
    for name, values in over.items():
        if not is_parameter(pipeline, name):
            raise unknown_parameter(pipeline, name)
        if isinstance(values, str):
            texts = values_of_text(name, values)
            columns.append([read_text(name, text, hints.get(name, Any)) for text in texts])
        else:
            columns.append(list(values))
    for row in itertools.product(*columns):
        yield dict(zip(over, row, strict=True))


def said(assignment: Mapping[str, Any]) -> str:
    """Name one run of a back-fill, as partitions are named."""
    return ",".join(f"{name}={value}" for name, value in assignment.items())


def backfill(
    pipeline: Pipeline[..., Any],
    over: Over,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    begin: Callable[[str], object] = lambda _: None,
    end: Callable[[Any], object] = lambda _: None,
    fail: Callable[[Exception], object] = lambda _: None,
) -> list[Any]:
    """Run a pipeline for each of the values, in their order, and return the runs.

    `begin` hears of each run that begins, `end` and `fail` of how it went. Without fail-fast the
    others run all the same, and the first exception is raised at the end.
    """
    runs: list[Any] = []
    failures: list[Exception] = []
    rows = list(assignments(pipeline, over))
    for assignment in rows:
        begin(said(assignment))
        try:
            runs.append(pipeline(*args, **{**kwargs, **assignment}))
            end(runs[-1])
        except Exception as error:
            error.add_note(f"in the back-fill of {said(assignment)}")
            fail(error)
            if pipeline.options.fail_fast:
                raise
            failures.append(error)
    if failures:
        failures[0].add_note(f"{len(failures)} of {len(rows)} runs of the back-fill failed")
        raise failures[0]
    return runs
