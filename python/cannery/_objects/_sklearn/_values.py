"""What the attributes of an estimator may be: data, table classes and functions that only compute.

A value that a reader's `trust=` made is of a package that no table lists; it is taken as it is.
Values of the libraries that have tables come from their adapters, so they are compared with what
those make: exact classes, never subclasses.
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import collections
import functools
import sys
import types
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from cannery._objects._checks import PartError, Untrusted
from cannery._objects._record import Record
from cannery._objects._sklearn._table import is_table_class

MAX_DEPTH = 32
"""Containers within containers: far above what parameters have."""

MAX_INTEGER_BITS = 4096
"""Integers are seeds and counts; the entropy of a seed sequence has some hundred bits."""

_SCALARS = (type(None), bool, int, float, complex, str, bytes)
_MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict)
_CONTAINERS = (list, tuple, set, frozenset, *_MAPPINGS)
_FACTORIES = (None, dict, list, int, float, collections.OrderedDict)

# Classes of Python and of libraries whose adapters check what they make.
_DATA = frozenset(
    """
    builtins.range builtins.slice builtins.ellipsis datetime.date datetime.datetime datetime.time
    datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction
    numpy.ma.MaskedArray
    pandas.DataFrame pandas.Series pandas.Index pandas.RangeIndex pandas.CategoricalIndex
    pandas.Timestamp pandas.Timedelta pandas.CategoricalDtype pandas.Categorical
    pandas.core.frame.DataFrame pandas.core.series.Series pandas.core.indexes.base.Index
    pandas.core.indexes.range.RangeIndex pandas.core.dtypes.dtypes.CategoricalDtype
    pandas._libs.tslibs.timestamps.Timestamp pandas._libs.tslibs.timedeltas.Timedelta
    pandas._libs.missing.NAType pandas._libs.tslibs.nattype.NaTType
    scipy.interpolate._bsplines.BSpline scipy.interpolate.BSpline
    """.split()
)
_RANDOM = (
    np.random.RandomState,
    np.random.Generator,
    np.random.SeedSequence,
    *(getattr(np.random, name) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")),
)

# Packages with a table of their own, whose values never come from `trust=` alone.
_PACKAGES = frozenset(
    """
    PIL dateutil joblib lightgbm matplotlib networkx numpy pandas polars pyarrow scipy sklearn
    torch xgboost cannery
    """.split()
)


def is_foreign(module: str | None) -> bool:
    """Whether a class or function can only be here because the reader trusts it by name."""
    package = (module or "").partition(".")[0]
    return bool(package) and package not in _PACKAGES and package not in sys.stdlib_module_names


def check_value(value: Any, path: str, *, functions: bool = False) -> None:
    """Check a value and all that its containers hold.

    With `functions`, functions that only compute may be among them.

    Raises:
        Untrusted: if one of them is a record.
        PartError: if one is not data.

    """
    cls = type(value)
    if cls is int or cls not in _SCALARS:  # the others have nothing to look at
        _Walk(functions).check(value, path, 0)


class _Walk:
    """Visits shared containers once: a document can nest them so that paths grow exponentially."""

    def __init__(self, functions: bool) -> None:
        self._functions = functions
        self._seen: set[int] = set()

    def check(self, value: Any, path: str, depth: int) -> None:
        cls = type(value)
        if cls in _SCALARS:
            if cls is int and value.bit_length() > MAX_INTEGER_BITS:
                raise PartError(f"the part {path!r}: an integer of {value.bit_length()} bits")
        elif cls in _CONTAINERS:
            self._check_container(value, path, depth)
        elif cls is Record:
            raise Untrusted(value.__type_name__)
        elif cls is np.ndarray or cls is np.memmap:
            self._check_array(value, path, depth)
        elif not self._is_data(value, path, depth):
            raise PartError(f"the part {path!r}: a {_name(cls)} is not expected here")

    def _check_container(self, value: Any, path: str, depth: int) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if depth >= MAX_DEPTH:
            raise PartError(f"the part {path!r}: containers are nested too deeply")
        if isinstance(value, dict):
            factory = getattr(value, "default_factory", None)
            if factory not in _FACTORIES:
                raise PartError(f"the part {path!r}: what makes its values is not expected")
            for key, item in value.items():
                self.check(key, f"{path} key", depth + 1)
                self.check(item, f"{path}[{key!r:.40}]", depth + 1)
            return
        for at, item in enumerate(value):
            self.check(item, f"{path}[{at}]", depth + 1)

    def _check_array(self, array: Any, path: str, depth: int) -> None:
        if array.dtype.hasobject and array.dtype.kind != "O":
            raise PartError(f"the part {path!r}: fields that hold objects are not expected here")
        if array.dtype.kind != "O" or id(array) in self._seen:
            return
        self._seen.add(id(array))
        if depth >= MAX_DEPTH:
            raise PartError(f"the part {path!r}: arrays are nested too deeply")
        for item in array.ravel().tolist():
            self.check(item, f"{path}[...]", depth + 1)

    def _is_data(self, value: Any, path: str, depth: int) -> bool:
        cls = type(value)
        if is_table_class(cls) or is_foreign(cls.__module__):
            return True
        if cls in _RANDOM or isinstance(value, (np.dtype, np.generic)):
            return cls.__module__.partition(".")[0] == "numpy" and cls is not np.void
        if cls is np.ma.MaskedArray:
            self._check_array(value.data, path, depth)
            return True
        if isinstance(value, type):
            return is_number_class(value) or is_foreign(value.__module__)
        if _is_sparse(cls):
            check_sparse(value, path)
            return True
        if _name(cls) in _DATA or _is_boosting(cls):
            return True
        return self._functions and is_accepted(value)


def is_number_class(value: type) -> bool:
    """Whether a class as a value is a data type of array elements."""
    is_numpy = issubclass(value, np.generic) and value.__module__ == "numpy"
    return is_numpy or value in (bool, int, float, str, object)


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _is_sparse(cls: type) -> bool:
    module = sys.modules.get("scipy.sparse")
    return module is not None and getattr(module, cls.__name__, None) is cls


def check_sparse(matrix: Any, path: str) -> None:
    """Check what compiled code takes as it is of a matrix by rows or columns.

    `scipy` compares the sizes when a matrix is made, and reads the indices without a check.
    """
    if matrix.format not in ("csr", "csc"):
        return
    indices, starts, data = matrix.indices, matrix.indptr, matrix.data
    major, minor = matrix.shape if matrix.format == "csr" else matrix.shape[::-1]
    exact = all(type(each) in (np.ndarray, np.memmap) for each in (indices, starts, data))
    native = exact and indices.dtype == starts.dtype and indices.dtype in (np.int32, np.int64)
    fits = (
        native
        and data.dtype.kind in "biufc"
        and data.dtype.isnative
        and starts.shape == (major + 1,)
        and indices.shape == data.shape
        and len(indices) == starts[-1]
        and starts[0] == 0
        and bool(np.all(starts[:-1] <= starts[1:]))
        and (not indices.size or (indices.min() >= 0 and indices.max() < minor))
    )
    if not fits:
        raise PartError(f"the part {path!r}: a sparse matrix does not fit its shape")


def _is_boosting(cls: type) -> bool:
    """Whether it is an estimator of a boosting library: its own adapter made it."""
    package = cls.__module__.partition(".")[0]
    module = sys.modules.get(package) if package in ("xgboost", "lightgbm") else None
    return module is not None and getattr(module, cls.__name__, None) is cls


_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    type(np.mean),
)


def is_accepted(value: Any) -> bool:
    """Whether a callable may be a parameter: it only computes, or the reader trusts it by name."""
    if type(value) is functools.partial:
        return not vars(value) and is_accepted(value.func) and _holds_data(value)
    return _accepts.get()(value)


def _holds_data(value: functools.partial[Any]) -> bool:
    walk = _Walk(True)
    walk.check(value.args, "args", 1)
    walk.check(value.keywords, "keywords", 1)
    return True


class accepting:  # noqa: N801 -- it is used like a function
    """Within it, functions are parameters that `accepts` says so of, instead of `is_pure`."""

    __slots__ = ("_accepts", "_token")

    def __init__(self, accepts: Callable[[Any], bool]) -> None:
        self._accepts = accepts

    def __enter__(self) -> None:
        self._token = _accepts.set(self._accepts)

    def __exit__(self, *_: object) -> None:
        _accepts.reset(self._token)


def is_function(value: Any) -> bool:
    """Whether it is a function: a document has those of its table and the reader's only."""
    return type(value) is np.ufunc or isinstance(value, _FUNCTIONS)


def is_pure(value: Any) -> bool:
    """Whether a function only computes: one of the tables, or of a package without a table."""
    if type(value) is np.ufunc:
        return getattr(np, value.__name__, None) is value or _is_special(value)
    if not isinstance(value, _FUNCTIONS):
        return False
    module = getattr(value, "__module__", None) or _owner(value)
    if is_foreign(module):
        return True
    from cannery._objects._functions import function_of

    return any(function_of(name) is value for name in _names(value, module))


def _is_special(value: Any) -> bool:
    special = sys.modules.get("scipy.special")
    return special is not None and getattr(special, value.__name__, None) is value


def _owner(value: Any) -> str:
    owner = getattr(value, "__objclass__", None) or type(getattr(value, "__self__", None))
    return owner.__module__


def _names(value: Any, module: str | None) -> tuple[str, ...]:
    owner = getattr(value, "__objclass__", None)
    if owner is not None:
        return (f"{owner.__module__}.{owner.__qualname__}.{value.__name__}",)
    # Functions of NumPy say the module that they are found in.
    return f"{module}.{value.__qualname__}", f"{module}.{value.__name__}"


_accepts: ContextVar[Callable[[Any], bool]] = ContextVar("accepts", default=is_pure)
