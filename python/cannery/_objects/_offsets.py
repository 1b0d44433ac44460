"""The offsets of pandas, and what their options have to be: some count every step they take."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import numpy as np
import pandas as pd

from cannery._objects._checks import (
    PartError,
    either,
    exact,
    integer,
    numpy_scalar,
    one_of,
    optional,
    sequence_of,
    text,
)
from cannery._objects._invariants_numpy import INT64

Parts = dict[str, Any]

OFFSETS: dict[str, Any] = {
    name: getattr(pd.offsets, name)
    for name in """
    BDay BHalfYearBegin BHalfYearEnd BMonthBegin BMonthEnd BQuarterBegin BQuarterEnd BYearBegin
    BYearEnd BusinessDay BusinessHour BusinessMonthBegin BusinessMonthEnd CBMonthBegin CBMonthEnd
    CDay CustomBusinessDay CustomBusinessHour CustomBusinessMonthBegin CustomBusinessMonthEnd
    DateOffset Day Easter FY5253 FY5253Quarter HalfYearBegin HalfYearEnd Hour LastWeekOfMonth
    Micro Milli Minute MonthBegin MonthEnd Nano QuarterBegin QuarterEnd Second SemiMonthBegin
    SemiMonthEnd Week WeekOfMonth YearBegin YearEnd
    """.split()
    if hasattr(pd.offsets, name)
}
_TIME = either(exact(dt.time), text(8))
_HOLIDAY = either(exact(dt.date, dt.datetime), text(32), numpy_scalar)
_AMOUNT = either(integer(-(2**31), 2**31), exact(float))
_month, _weekday_number = integer(1, 12), integer(0, 6)


def _times(value: Any, path: str) -> None:
    """When hours begin or end: a time, or a few of a day, which each step goes through."""
    either(_TIME, sequence_of(_TIME))(value, path)
    if type(value) in (list, tuple) and len(value) > 48:
        raise PartError(f"the part {path!r}: {len(value)} times of a day are too many")


def _holidays(value: Any, path: str) -> None:
    sequence_of(_HOLIDAY)(value, path)
    if len(value) > 100_000:
        raise PartError(f"the part {path!r}: {len(value)} holidays are too many")


def _weekday(value: Any, path: str) -> None:
    """A number, or what dateutil has for the n-th of them in a month."""
    cls = getattr(sys.modules.get("dateutil._common"), "weekday", None)
    if cls is None or type(value) is not cls:
        optional(_weekday_number)(value, path)


_OPTIONS: dict[str, Any] = {
    "offset": exact(dt.timedelta),
    "startingMonth": _month,
    "month": _month,
    "weekday": _weekday,
    "week": integer(0, 3),
    "day_of_month": integer(1, 31),
    "method": integer(1, 3),
    "variation": one_of("nearest", "last"),
    "qtr_with_extra_week": integer(1, 4),
    "start": _times,
    "end": _times,
    "weekmask": text(64),
    "holidays": _holidays,
    "calendar": optional(exact(np.busdaycalendar)),
    "year": integer(1, 9999),
    "day": integer(1, 31),
    "hour": integer(0, 23),
    "minute": integer(0, 59),
    "second": integer(0, 59),
    "millisecond": integer(0, 999),
    "microsecond": integer(0, 999_999),
    "nanosecond": integer(0, 999_999_999),
    **dict.fromkeys(
        """
        years months weeks days hours minutes seconds milliseconds microseconds nanoseconds
        """.split(),
        _AMOUNT,
    ),
}
# Those whose steps are counted, not computed.
_COUNTING = tuple(
    name
    for name in OFFSETS
    if name.startswith(("B", "C", "FY", "Easter", "WeekOf", "LastWeek", "Semi"))
)


def check_options(cls: Any, n: Any, options: Parts) -> None:
    """Check the steps and options of an offset: a few steps at most where each is counted."""
    limit = 100_000 if cls.__name__ in _COUNTING else 2**31
    is_tick = issubclass(cls, pd.tseries.offsets.Tick)
    (INT64 if is_tick else integer(-limit, limit))(n, "n")
    for name, option in options.items():
        if name in ("n", "normalize"):
            continue
        text(32)(name, "options")
        if name not in cls._attributes or name not in _OPTIONS:
            raise PartError(f"the part 'options': {cls.__name__} has no {name!r}")
        _OPTIONS[name](option, f"options.{name}")
