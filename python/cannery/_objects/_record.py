"""An object of a type that was not trusted: its name and its parts, and no code."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from cannery._native import check_stack
from cannery._objects._listed import missing_library
from cannery.errors import DataTypeError


class Record:
    """An object of a type that was not trusted.

    Its parts are attributes, and items by their names. It can be looked at, compared, edited and
    saved again, and then loads as what it was for a reader who trusts its type. Parts with names
    like `__array__` and `_repr_html_` are items only: libraries look such names up to find out what
    an object is, and a file must not answer them. So are functions under names that NumPy calls.

    >>> from cannery import Record
    >>> record = Record("shop.Order", {"id": 7})
    >>> record.id, record.type_name
    (7, 'shop.Order')
    """

    __slots__ = ("__hash", "__parts__", "__type_name__")

    def __init__(self, type_name: str, parts: dict[str, Any] | None = None) -> None:
        object.__setattr__(self, "__type_name__", type_name)
        object.__setattr__(self, "__parts__", {} if parts is None else parts)

    @property
    def type_name(self) -> str:
        """The name of the type that the object had."""
        return self.__type_name__

    @property
    def __hint__(self) -> str:
        """What to do for a value of the type instead of the record."""
        library = missing_library(self.__type_name__)
        if library is not None:
            return f"{library} is not installed here: with it, load the file again"
        return f"name its type, for a value of it: trust=[{self.__type_name__!r}]"

    def __getattr__(self, name: str) -> Any:
        if _is_special(name):
            raise AttributeError(name)  # the answer to a protocol is not a file's to give
        try:
            value = self.__parts__[name]
        except KeyError:
            message = f"the record of a {self.__type_name__!r} has no part {name!r}"
            error = AttributeError(message, name=name, obj=self)
            error.add_note(f"hint: {self.__hint__}")
            raise error from None
        if name in _CALLED_BY_NUMPY and callable(value):
            raise AttributeError(f"a function is an item of a record only: record[{name!r}]")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_special(name):
            raise AttributeError(f"set the item instead: record[{name!r}] = ...")
        self.__parts__[name] = value

    def __delattr__(self, name: str) -> None:
        self.__getattr__(name)
        del self.__parts__[name]

    def __getitem__(self, name: str) -> Any:
        return self.__parts__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__parts__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__parts__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__parts__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__parts__)

    def __len__(self) -> int:
        return len(self.__parts__)

    def __bool__(self) -> bool:
        return True

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *(n for n in self.__parts__ if not _is_special(n))})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self is other or _are_equal(self, other)

    def __hash__(self) -> int:
        # A record may be the key of a map: its hash stays what it was when it became one.
        try:
            return object.__getattribute__(self, "_Record__hash")
        except AttributeError:
            check_stack()
            value = hash((self.__type_name__, _hash_of(self.__parts__)))
            object.__setattr__(self, "_Record__hash", value)
            return value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """One object, not an array of the names of its parts."""
        import numpy as np

        if dtype is not None and np.dtype(dtype) != object:
            raise self._no_value("a number or text")
        del copy
        array = np.empty((), object)
        array[()] = self
        return array

    def __bytes__(self) -> bytes:
        # Not the names of its parts, one after the other.
        raise self._no_value("bytes")

    def _no_value(self, what: str) -> DataTypeError:
        error = DataTypeError(f"the record of a {self.__type_name__!r} is not {what}")
        error.hint = self.__hint__
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (self.__type_name__, self.__parts__)

    def __copy__(self) -> Record:
        return Record(self.__type_name__, dict(self.__parts__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        copied = memo[id(self)] = Record(self.__type_name__)
        copied.__parts__.update(deepcopy(self.__parts__, memo))
        return copied

    def _repr_html_(self) -> str:
        # Defined here, so that no part of a file answers to the name.
        from cannery import _html

        rows = [
            (name, type(value).__name__, _shortened(value))
            for name, value in itertools.islice(self.__parts__.items(), _MAX_ROWS)
        ]
        more = len(self.__parts__) - len(rows)
        if more > 0:
            rows.append(("…", "", f"and {more} more"))
        return _html.table(f"record of {self.__type_name__}", ("part", "type", "value"), rows)

    def __repr__(self) -> str:
        shown = _in_progress.shown
        if shown is None:
            _in_progress.shown = set()
            try:
                return repr(self)
            finally:
                _in_progress.shown = None
        # Once for all references to it: they may be far more than the records.
        if id(self) in shown or _in_progress.depth > _DEEPEST_SHOWN:
            return f"Record({self.__type_name__!r}, ...)"
        shown.add(id(self))
        _in_progress.depth += 1
        try:
            parts = ", ".join(f"{name}={value!r}" for name, value in self.__parts__.items())
        finally:
            _in_progress.depth -= 1
        return f"Record({self.__type_name__!r}{', ' if parts else ''}{parts})"


# Where people find it, and what messages say.
Record.__module__ = "cannery"


#: Parts that a notebook shows.
_MAX_ROWS = 50


def _shortened(value: Any) -> str:
    """A value's text; of one that may be long, only what it is."""
    if isinstance(value, (str, bytes, bytearray)):
        return repr(value[:100]) + ("…" if len(value) > 100 else "")
    if isinstance(value, (bool, int, float, complex, type(None))):
        return repr(value)
    shape = getattr(value, "shape", None) if not isinstance(value, Record) else None
    if isinstance(shape, tuple):
        return f"{getattr(value, 'dtype', '')} {shape}"
    if isinstance(value, Record):
        return f"record of {value.type_name}"
    return f"{len(value)} items" if hasattr(value, "__len__") else ""


def _is_special(name: str) -> bool:
    """Whether libraries ask an object by this name what it is, or how it is shown."""
    is_display = name.startswith(("_repr_", "_ipython_")) and name[-1:] == "_"
    return is_display or (name[:2] == "__" and name[-2:] == "__")


# For an array of objects, NumPy calls the method of each that has the name of the function.
_CALLED_BY_NUMPY = frozenset(
    """
    absolute acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh cbrt ceil
    conj conjugate cos cosh deg2rad degrees exp exp2 expm1 fabs floor isfinite isinf isnan log log10
    log1p log2 logical_not negative positive rad2deg radians reciprocal rint sign signbit sin sinh
    spacing sqrt square tan tanh trunc
    """.split()
)


# The stack of a thread may be small: the interpreter does not look at it.
_DEEPEST_SHOWN = 100


class _InProgress(threading.local):
    """What the comparison, or the printing, in progress has met already."""

    pairs: dict[tuple[int, int], tuple[Record, Record]] | None = None
    shown: set[int] | None = None
    depth = 0


_in_progress = _InProgress()


def _are_equal(one: Record, other: Record) -> bool:
    """Compare two records; pairs that were met before are not gone into again.

    So records that share their parts are compared in linear time, and cyclic ones at all. What
    was taken for equal on the way is forgotten when a difference is found, for it may have
    depended on the pair that differs.
    """
    if one.__type_name__ != other.__type_name__:
        return False
    pairs = _in_progress.pairs
    if pairs is None:
        _in_progress.pairs = {}
        try:
            return _are_equal(one, other)
        finally:
            _in_progress.pairs = None
    key = (id(one), id(other))
    if key in pairs:
        return True
    check_stack()
    before = len(pairs)
    pairs[key] = (one, other)
    if one.__parts__ == other.__parts__:
        return True
    for pair in list(pairs)[before:]:
        del pairs[pair]
    return False


def _hash_of(parts: dict[str, Any]) -> int:
    try:
        return hash(frozenset(parts.items()))
    except TypeError:
        return hash(frozenset(parts))
