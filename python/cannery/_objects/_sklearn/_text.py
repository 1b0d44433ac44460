"""Parameters that a method of scikit-learn opens, evaluates, looks up or allocates by.

Found by reading scikit-learn's source for `open`, `eval`, `exec`, `import_module`, `getattr` with
a name that is not constant, `str.format` with a text that is not constant, `re.compile`,
`check_memory`, `joblib.Parallel` and allocations whose size is a parameter:

| attribute | what is done with it | accepted |
|---|---|---|
| `memory` | `joblib.Memory(location)`: writes and unpickles files there | `None` |
| `pre_dispatch` | `joblib.Parallel` calls `eval` on it | a number, `all`, `2*n_jobs` |
| `input` | `CountVectorizer` opens the documents it is given | `content` |
| `encoding`, `decode_error` | the codec is looked up by name, and may be anyone's | a fixed list |
| `token_pattern`, `pattern` | matched: may take exponential time | few repetitions |
| `verbose_feature_names_out` | `str.format`: widths allocate, fields look up | plain fields |
| `feature_name_combiner` | called | `concat` or a function that computes |
| `importance_getter` | `operator.attrgetter` | names without underscores in front |
| `response_method`, `chain_method` ... | `getattr(estimator, name)(X)` | `predict` ... |
| `_sklearn_output_config` | names a library that is imported | `default`, `pandas`, `polars` |
| `n_jobs`, `_n_threads`, `n_threads` | so many threads or processes are started | -256 to 256 |
| `random_state`, `_random_state`, `random_state_` | its methods are called | seeds and generators |
| `metric_params`, `effective_metric_params_` ... | keywords of compiled distances | no norms |
| `n_features` (of hashers) | `hash % n_features` in C; columns of the result | 1 to 2**31 - 1 |
| `sample_steps` | `transform` adds so many columns for each | 1 to 1000 |
| `dtype` | element type of results | a data type |
| `_skl_callbacks` ... | methods of what it holds are called by name | refused |
"""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from re import _constants as constants  # pyright: ignore[reportAttributeAccessIssue]
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any

import numpy as np

from cannery._objects._checks import Check, PartError, mismatch, one_of
from cannery._objects._sklearn._values import is_accepted, is_foreign, is_number_class

MAX_WORKERS = 256

_CODECS = frozenset(
    """
    ascii us-ascii utf-8 utf8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    latin-1 latin1 iso-8859-1 iso8859-1 iso-8859-15 cp1252 windows-1252 cp437 cp850 cp1250 cp1251
    koi8-r shift_jis euc-jp euc-kr gb18030 gb2312 gbk big5
    """.split()
)
_METHODS = frozenset(
    "auto predict predict_proba decision_function predict_log_proba transform".split()
)
_PRE_DISPATCH = re.compile(r"all|\d{1,4}|(\d{1,4}(\.\d{1,4})?\*)?n_jobs")
_GETTER = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)
_TEMPLATE = re.compile(r"([^{}]|\{transformer_name\}|\{feature_name\}){0,1000}")
_LIBRARIES = (None, "default", "pandas", "polars")


def _pre_dispatch(value: Any, path: str) -> None:
    if type(value) is str and _PRE_DISPATCH.fullmatch(value):
        return
    if value is not None and not _is_integer(value):
        raise PartError(f"the part {path!r}: expected a number of tasks, or `2*n_jobs`")


def _is_integer(value: Any) -> bool:
    return type(value) is int or isinstance(value, np.integer)


def _codec(value: Any, path: str) -> None:
    if type(value) is not str or value.lower().replace("_", "-") not in _CODECS | {"shift-jis"}:
        raise PartError(f"the part {path!r}: this codec is not one of those for text")


def _workers(value: Any, path: str) -> None:
    if value is not None and not (_is_integer(value) and -MAX_WORKERS <= value <= MAX_WORKERS):
        raise PartError(f"the part {path!r}: expected a number of workers up to {MAX_WORKERS}")


def _random(value: Any, path: str) -> None:
    kinds = (np.random.RandomState, np.random.Generator)
    if type(value) is str and value in ("warn", "deprecated"):  # of parameters that go away
        return
    if value is not None and not _is_integer(value) and type(value) not in kinds:
        raise mismatch(value, path, "a seed or a generator")


def _column_template(value: Any, path: str) -> None:
    if type(value) is str and not _TEMPLATE.fullmatch(value):
        raise PartError(f"the part {path!r}: only whole `{{...}}` fields are expected in it")
    if not isinstance(value, (bool, np.bool_, str)):
        _function(value, path)


def _function(value: Any, path: str) -> None:
    if value is not None and type(value) is not str and not is_accepted(value):
        raise mismatch(value, path, "a function that only computes")


def _getter(value: Any, path: str) -> None:
    if type(value) is not str:
        _function(value, path)
    elif not _GETTER.fullmatch(value):
        raise PartError(f"the part {path!r}: expected the name of an attribute")


def _methods(value: Any, path: str) -> None:
    names = value if type(value) in (list, tuple) else [value]
    for name in names:
        if name is not None and (type(name) is not str or name not in _METHODS):
            raise mismatch(name, path, "the name of a method that predicts")


def _output_config(value: Any, path: str) -> None:
    if type(value) is not dict or not set(value) <= {"transform"}:
        raise mismatch(value, path, "a dict with `transform`")
    one_of(*_LIBRARIES)(value.get("transform"), path)


def _metric_params(value: Any, path: str) -> None:
    # Compiled distances take these two as they are, and read one number per row of the data.
    if type(value) is dict and {"X_norm_squared", "Y_norm_squared"} & value.keys():
        raise PartError(f"the part {path!r}: norms of rows are not expected here")


def _steps(value: Any, path: str) -> None:
    if not (_is_integer(value) and 1 <= value <= 1000):
        raise PartError(f"the part {path!r}: expected a few steps")


def _dtype(value: Any, path: str) -> None:
    if value is None or isinstance(value, np.dtype) or type(value) in (list, tuple):
        return
    if isinstance(value, type) and is_number_class(value):
        return
    if type(value) is not str or len(value) > 32:
        raise mismatch(value, path, "a data type")


def _pattern(value: Any, path: str) -> None:
    if value is None:
        return
    if type(value) is not str or len(value) > 1000 or not _is_quick(value):
        raise PartError(f"the part {path!r}: this pattern may take exponential time")


def _is_quick(pattern: str) -> bool:
    """Whether a pattern has no repetition or choice in a repetition, few in all, no references."""
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError, ValueError):
        return False
    found: list[bool] = []
    return _is_quick_part(parsed, found, False) and len(found) <= 5 and sum(found) <= 2


_REPEATS = tuple(
    getattr(constants, name)
    for name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
    if hasattr(constants, name)
)
_REFERENCES = (constants.GROUPREF, constants.GROUPREF_EXISTS)


def _is_quick_part(parsed: Any, found: list[bool], within: bool) -> bool:
    """Whether a part is quick; adds to `found`, for each repetition, whether it has no bound."""
    for operation, argument in parsed:
        is_repeat = operation in _REPEATS
        if operation in _REFERENCES or (within and (is_repeat or operation is constants.BRANCH)):
            return False
        if is_repeat:
            low, high, inner = argument
            found.append(high > 100)
            if low > 1000 or not _is_quick_part(inner, found, True):
                return False
        elif not all(_is_quick_part(each, found, within) for each in _inner(operation, argument)):
            return False
    return True


def _inner(operation: Any, argument: Any) -> list[Any]:
    """The patterns within an operation that is no repetition."""
    if operation is constants.SUBPATTERN:
        return [argument[-1]]
    if operation is constants.BRANCH:
        return argument[1]
    if operation in (constants.ASSERT, constants.ASSERT_NOT):
        return [argument[1]]
    if operation is getattr(constants, "ATOMIC_GROUP", None):
        return [argument]
    return []


def _refused(value: Any, path: str) -> None:
    if value not in (None, [], ()):
        raise PartError(f"the part {path!r}: what calls methods by name is not expected here")


BY_NAME: Mapping[str, Check] = {
    "memory": one_of(None),
    "pre_dispatch": _pre_dispatch,
    "encoding": _codec,
    "decode_error": one_of("strict", "ignore", "replace"),
    "token_pattern": _pattern,
    "pattern": _pattern,
    "verbose_feature_names_out": _column_template,
    "feature_name_combiner": _function,
    "importance_getter": _getter,
    "response_method": _methods,
    "_response_method": _methods,
    "chain_method": _methods,
    "chain_method_": _methods,
    "stack_method": _methods,
    "stack_method_": _methods,
    "method_": _methods,
    "_sklearn_output_config": _output_config,
    **dict.fromkeys(("n_jobs", "_n_threads", "n_threads"), _workers),
    **dict.fromkeys(("random_state", "_random_state", "random_state_"), _random),
    **dict.fromkeys(
        ("metric_params", "effective_metric_params_", "metric_params_", "_metric_params"),
        _metric_params,
    ),
    "dtype": _dtype,
    "sample_steps": _steps,
    **dict.fromkeys(
        ("_skl_callbacks", "_callbacks", "_callback_fit_ctx", "_parent_callback_ctx"), _refused
    ),
}
"""Checks by the names of attributes, for every class of the table."""

_OPENS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
_HASHES = ("FeatureHasher", "HashingVectorizer")


def _columns(value: Any, path: str) -> None:
    if not _is_integer(value) or not 1 <= value < 2**31:
        raise PartError(f"the part {path!r}: {value!r:.40} columns are out of range")


def check_texts(cls: type, state: Mapping[str, Any]) -> None:
    """Check the attributes of an instance that methods open, evaluate, look up or allocate by."""
    for name, value in state.items():
        check: Callable[[Any, str], None] | None = BY_NAME.get(name)
        if check is not None and not _is_trusted(value):
            check(value, name)
    if cls.__name__ in _OPENS:
        one_of("content")(state.get("input", "content"), "input")
    if cls.__name__ in _HASHES and "n_features" in state:
        _columns(state["n_features"], "n_features")


def _is_trusted(value: Any) -> bool:
    """Whether it is a function or class that the reader trusts by name."""
    return callable(value) and is_foreign(getattr(value, "__module__", None))
