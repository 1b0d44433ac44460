"""What PyTables stores in attributes: numbers, texts and pickles, none of which runs anything."""

from __future__ import annotations

import datetime
from typing import Any

from cannery._zones import zone
from cannery.errors import DataTypeError

_OFFSETS = ("pandas._libs.tslibs.offsets.", "pandas.tseries.offsets.", "pandas.core.datetools.")


def attribute(made: Any, name: str, trust: tuple[Any, ...] = (), default: Any = None) -> Any:
    """An attribute as PyTables reads it; what is pickled is read under the trust policy."""
    import numpy as np

    from cannery.errors import UntrustedTypeError

    if name not in made.attrs:
        return default
    value = made.attrs[name]
    if getattr(value, "shape", ()) is None:
        return ""
    if not isinstance(value, (bytes, np.bytes_)):
        return str(value) if isinstance(value, str) else value
    data = bytes(value)
    # As in PyTables: texts that end like a pickle are tried as one.
    if data.endswith(b".") and len(data) > 1:
        try:
            return unpickled(data, trust)
        except UntrustedTypeError:
            raise
        except (ValueError, EOFError):
            pass
    return data.decode("utf-8", "surrogateescape")


def unpickled(data: bytes, trust: tuple[Any, ...]) -> Any:
    """What a pickle holds; values of pandas are made from their numbers, without running it."""
    from cannery import pickle
    from cannery.errors import UntrustedTypeError

    try:
        return _looked_through(pickle.loads(data, trust=trust), len(data))
    except UntrustedTypeError as error:
        found = pickle.loads(data, trust=trust, on_untrusted="record")
        return _Values(error).made(_looked_through(found, len(data)))


# What may lie within each other in a pickle of an attribute.
_DEEPEST = 100


def _looked_through(found: Any, size: int) -> Any:
    """The values of a pickle of that many bytes, whose parts are not shared again and again.

    Names are hashed and labels are gone through, as often as they are referred to.
    """
    left, waiting = 16 * size + 10_000, [(found, 0)]
    while waiting:
        value, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise DataTypeError("a pickle in an attribute nests too deeply, or shares its parts")
        if type(value) is dict:
            waiting.extend((part, depth + 1) for pair in value.items() for part in pair)
        elif type(value) in (list, tuple, set, frozenset):
            waiting.extend((part, depth + 1) for part in value)
    return found


class _Values:
    """Makes the values of pandas of which a pickle has records; others stay refused."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def made(self, found: Any) -> Any:
        import numpy as np

        import cannery

        if type(found) in (list, tuple):
            return type(found)(map(self.made, found))
        if type(found) is dict:
            return {self.made(key): self.made(value) for key, value in found.items()}
        if isinstance(found, np.ndarray) and found.dtype == object:
            out = np.empty(found.size, object)
            out[:] = [self.made(value) for value in found.ravel()]
            return out.reshape(found.shape)
        return self._value(found) if isinstance(found, cannery.Record) else found

    def _value(self, found: Any) -> Any:
        name, given = found.type_name, getattr(found, "args", ())
        if name == "global":
            name = str(found.name)
        arguments = tuple(map(self.made, given)) if isinstance(given, tuple) else ()
        make = _frequency if name.startswith(_OFFSETS) else _KNOWN.get(name)
        if make is None or not all(_is_plain(a) for a in arguments):
            raise self._error
        try:
            return make(name, *arguments)
        except (TypeError, ValueError, LookupError) as error:
            raise self._error from error


_PLAIN = (int, str, float, type(None), datetime.date, datetime.timedelta, datetime.tzinfo)


def _is_plain(value: Any) -> bool:
    module = type(value).__module__
    return isinstance(value, _PLAIN) or module.startswith("pandas._libs.tslibs.")


def _frequency(name: str, *arguments: Any) -> Any:
    from pandas.tseries import offsets

    from cannery._objects import _hdf5_names

    kind = getattr(offsets, name.rpartition(".")[2])
    if not (isinstance(kind, type) and issubclass(kind, offsets.BaseOffset)):
        raise TypeError("a name that is no frequency")
    return _hdf5_names.frequency(kind(*arguments))


def _moment(_: str, value: int, frequency: None, zone: Any, unit: int = 10) -> Any:
    import pandas as pd

    if frequency is not None:
        raise TypeError("times have no frequency")
    moment = pd.Timestamp(value, unit=_UNITS[unit], tz="UTC").as_unit(_UNITS[unit])
    return moment.tz_localize(None) if zone is None else moment.tz_convert(zone)


def _duration(_: str, value: int, unit: int = 10) -> Any:
    import pandas as pd

    return pd.Timedelta(value, unit=_UNITS[unit]).as_unit(_UNITS[unit])


def _period(_: str, __: None, frequency: Any, ordinal: int) -> Any:
    import pandas as pd

    return pd.Period(ordinal=ordinal, freq=frequency)


def _interval(_: str, left: Any, right: Any, closed: str) -> Any:
    import pandas as pd

    return pd.Interval(left, right, closed=closed)  # pyright: ignore[reportArgumentType]


def _missing(name: str, *_: Any) -> Any:
    import pandas as pd

    return pd.NA if name == "pandas.NA" else pd.NaT


def _utc(_: str) -> Any:
    return datetime.UTC


def _zone(_: str, key: str, *__: Any) -> Any:
    return zone(key)


#: The numbers of units of time in pickles of pandas.
_UNITS: dict[int, Any] = {7: "s", 8: "ms", 9: "us", 10: "ns"}

_TIMES = "pandas._libs.tslibs"

#: What makes a value, by the name that a pickle has for it.
_KNOWN: dict[str, Any] = {
    f"{_TIMES}.timestamps._unpickle_timestamp": _moment,
    f"{_TIMES}.timedeltas._timedelta_unpickle": _duration,
    f"{_TIMES}.nattype._nat_unpickle": _missing,
    "pandas.NA": _missing,
    "pandas._libs.missing.NA": _missing,
    "pandas.NaT": _missing,
    "pandas.Period": _period,
    f"{_TIMES}.period.Period": _period,
    "pandas.Interval": _interval,
    "pandas._libs.interval.Interval": _interval,
    "pytz._UTC": _utc,
    "pytz._p": _zone,  # where pytz is not installed
    "dateutil.tz.tz.tzutc": _utc,
}


def objects(dataset: Any, trust: tuple[Any, ...]) -> Any:
    """The array of objects that is pickled in the first row of a sequence of bytes."""
    rows = _sequences(dataset)
    data = bytes(rows.reshape(-1)[0]) if len(rows) else b""
    return unpickled(data, trust) if data else None


def _sequences(dataset: Any, inner: str | None = "u1") -> Any:
    """The rows of a dataset, which are sequences: a number would be taken for a length."""
    from cannery import hdf5

    found = hdf5.check_vlen_dtype(dataset.dtype)
    if found is None or found.kind not in "iu" or (inner and found != inner):
        raise DataTypeError("the rows of pickles or texts of PyTables are no sequences")
    return dataset[()]


def is_objects(dataset: Any) -> bool:
    """Whether the rows of a dataset are pickles or texts of PyTables."""
    return _pseudo_type(dataset) in ("object", "vlunicode", "vlstring")


def _pseudo_type(dataset: Any) -> str:
    if "PSEUDOATOM" not in dataset.attrs:
        return ""
    found = dataset.attrs["PSEUDOATOM"]
    return found.decode("ascii", "replace") if isinstance(found, bytes) else str(found)


def object_rows(dataset: Any, trust: tuple[Any, ...]) -> list[Any]:
    """The rows of a dataset of pickles or texts."""
    kind = _pseudo_type(dataset)
    rows = _sequences(dataset, None if kind == "vlunicode" else "u1")
    if kind == "object":
        return [unpickled(bytes(row), trust) for row in rows]
    if kind == "vlunicode":
        return ["".join(map(chr, row.tolist())) for row in rows]
    return [bytes(row) for row in rows]


_ARRAYS = ("ARRAY", "CARRAY", "EARRAY", "VLARRAY")


def is_array(dataset: Any) -> bool:
    """Whether a dataset is an array of PyTables."""
    found = dataset.attrs.get("CLASS", "")
    found = found.decode("ascii", "replace") if isinstance(found, bytes) else found
    return isinstance(found, str) and found in _ARRAYS and "VERSION" in dataset.attrs


def as_written(values: Any, kind: Any) -> Any:
    """Elements of a type of the file as PyTables has them.

    Those of 8 bits are truth values; times of 64 bits are seconds, and behind them microseconds.
    """
    import numpy as np

    what = kind[0]
    if what == "array":
        return as_written(values, kind[2])
    if what == "compound" and values.dtype.names is not None:
        return _records_as_written(values, kind[2])
    if what == "sequence":
        rows = np.asarray(values)
        out = np.empty(rows.shape, object)
        for place in np.ndindex(rows.shape):
            out[place] = as_written(rows[place], kind[2])
        return out
    if what == "number" and kind[1] == 1 and kind[3] == "bits":
        return values != 0
    if what == "number" and kind[1] == 8 and kind[3] == "time":
        stored = values.astype("i8")
        return (stored >> 32) + (stored & 0xFFFFFFFF) / 1e6
    return values


def _records_as_written(values: Any, members: Any) -> Any:
    import numpy as np

    values = np.asarray(values)
    fields = {
        name: as_written(values[name], kind)
        for name, (_, _, kind) in zip(values.dtype.names, members, strict=True)
    }
    inner = len(values.shape)
    dtype = [(name, field.dtype, field.shape[inner:]) for name, field in fields.items()]
    out = np.empty(values.shape, dtype)
    for name, field in fields.items():
        out[name] = field
    return out
