"""What texts of an HDF5 file name for pandas: zones, frequencies, element types, encodings.

pandas looks all of them up by itself, and some open files (`dateutil//etc/passwd` as a zone), count
their steps, or make elements of gigabytes. So each is checked before pandas sees it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from cannery._objects._checks import PartError, check_shape
from cannery._zones import is_key
from cannery.errors import DataTypeError

_LONGEST = 64
# An object of Python's, and the reference to it.
_OBJECT_BYTES = 48
# What packed bytes may expand to: this much, and so much for each of them.
_FREE_BYTES, _EXPANDED_PER_BYTE = 64 << 20, 200
_OFFSET = re.compile(r"(UTC)?([+-]\d\d:?\d\d)?", re.ASCII)
_DATEUTIL = "dateutil/"
# dateutil's zones are written with the path of their file.
_ZONE_FOLDERS = ("/usr/share/zoneinfo/", "/usr/lib/zoneinfo/", "/usr/share/lib/zoneinfo/",
                 "/etc/zoneinfo/")  # fmt: skip
_NUMBERS = re.compile(r"(u?int|float|complex|bool)\d{0,3}_?|[iufcb]\d{1,2}|object|O", re.ASCII)
_MOMENTS = re.compile(
    r"(datetime64|timedelta64)(\[(\d{1,6})?(Y|M|W|D|h|m|s|ms|us|ns)\])?", re.ASCII
)
_ZONED = re.compile(r"datetime64\[(?:s|ms|us|ns), (.+)\]")
_PERIOD = re.compile(r"[Pp]eriod\[(.+)\]")
_EXTENSION = re.compile(
    r"U?Int\d{1,2}|Float\d\d|boolean|str|string(\[\w{1,16}\])?|category"
    r"|interval(\[\w{1,16}(, \w{1,8})?\])?",
    re.ASCII,
)
_ERRORS = ("strict", "ignore", "replace", "surrogateescape", "surrogatepass", "backslashreplace")
# Text encodings of Python's that take time beyond what a text is long, or are none of a file.
_ODD = ("punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem")


def zone(found: Any) -> Any:
    """A time zone as pandas takes it: a key of this system, or an object that is one."""
    if found is None:
        return None
    if not isinstance(found, str):
        from cannery._objects import _invariants_pandas

        _invariants_pandas.is_zone(found, "tz")
        return found
    name = str(found)
    key = name.removeprefix(_DATEUTIL)
    if key != name:
        for folder in _ZONE_FOLDERS:
            key = key.removeprefix(folder)
    if len(name) > 2 * _LONGEST or not (is_key(key) or (_OFFSET.fullmatch(name) and name)):
        raise DataTypeError(f"{name[:_LONGEST]!r} is not the key of a time zone")
    return name if key == name else _DATEUTIL + key


def frequency(found: Any) -> Any:
    """A frequency whose steps are few where each is counted."""
    if found is None:
        return None
    made = found
    if isinstance(found, str):
        from pandas.tseries.frequencies import to_offset

        made = to_offset(_short(found, "a frequency"))
    from cannery._objects import _invariants_pandas

    _invariants_pandas.check_offset(made)
    return made


def period(found: Any) -> Any:
    """The frequency of periods, whose texts are others."""
    import pandas as pd

    if isinstance(found, str):
        found = pd.PeriodDtype(_short(found, "a frequency")).freq
    return frequency(found)


def numbers(kind: Any) -> Any:
    """NumPy's type of numbers, truth values or objects.

    Raises:
        TypeError: if the text names none.

    """
    import numpy as np

    name = str(kind)
    if _NUMBERS.fullmatch(name) is None:
        raise TypeError(f"{name[:_LONGEST]!r} is no type of numbers")
    return np.dtype(name)


def moments(kind: str) -> Any:
    """NumPy's type of times or durations."""
    import numpy as np

    if _MOMENTS.fullmatch(kind) is None:
        raise DataTypeError(f"{kind[:_LONGEST]!r} is no type of times")
    return np.dtype(kind if "[" in kind else f"{kind}[ns]")


def column(kind: str) -> Any:
    """The type that pandas has for a column."""
    import pandas as pd

    zoned, periods = _ZONED.fullmatch(kind), _PERIOD.fullmatch(kind)
    if zoned:
        name = zone(zoned[1])
        return pd.api.types.pandas_dtype(f"{kind[: kind.index(',')]}, {name}]")
    if periods:
        return pd.PeriodDtype(period(periods[1]))
    if not any(form.fullmatch(kind) for form in (_EXTENSION, _NUMBERS, _MOMENTS)):
        raise DataTypeError(f"{kind[:_LONGEST]!r} is no type of a column")
    return pd.api.types.pandas_dtype(kind)


def encoding(name: str) -> str:
    """A text encoding that Python comes with, whose work is in proportion to the text."""
    from cannery._objects._stdlib_classes import is_codec

    is_codec(_short(name, "an encoding"), "encoding")
    if name.lower().replace("-", "_") in _ODD:
        raise DataTypeError(f"texts are not read as {name!r}")
    return name


def errors(name: str) -> str:
    """What is done where a text is none: a name that Python knows by itself."""
    if name not in _ERRORS:
        raise DataTypeError(f"{name[:_LONGEST]!r} is no way to read damaged texts")
    return name


def empty_shape(sides: Iterable[Any]) -> tuple[int, ...]:
    """A shape without elements, whose other sides are no bomb."""
    shape = tuple(int(side) for side in sides)
    if 0 not in shape or any(side < 0 for side in shape) or len(shape) > 32:
        raise DataTypeError("the shape of an empty array is none")
    check_shape(shape, "shape")
    return shape


def labels(values: Any) -> Any:
    """An array of objects that will be labels: hashed with bounded work."""
    import numpy as np

    from cannery._objects import _invariants_pandas

    _invariants_pandas.check_index_values(np.asarray(values, dtype=object), "labels")
    return values


def most_expanded(size: int, per_byte: int = _EXPANDED_PER_BYTE) -> int:
    """How many bytes a file of this size may expand to, or as many as the caller names."""
    named = os.environ.get("CANNERY_MAX_EXPANDED", "").strip().upper()
    number, unit = (named[:-1], named[-1]) if named[-1:] in tuple("KMGT") else (named, "")
    allowed = int(number) << 10 * (" KMGT".index(unit) if unit else 0) if number.isdecimal() else 0
    return max(_FREE_BYTES, allowed) + per_byte * size


def spend_objects(dataset: Any, count: int) -> None:
    """Count the elements of a dataset that become objects of Python's, before they are read."""
    if dataset._state.spend is not None:
        dataset._state.spend(_OBJECT_BYTES * count)


def sparse(made: Any) -> Any:
    """A sparse matrix whose indices lie within it, and whose sides its data explain."""
    from cannery._objects import _invariants_scipy

    made.check_format()
    _invariants_scipy.check_sparse(made)
    return made


def _short(text: str, what: str) -> str:
    if len(text) > _LONGEST:
        raise PartError(f"{text[:_LONGEST]!r}... is too long for {what}")
    return str(text)
