"""Parameters of pipelines as texts, of the command line, and as data, of files and of past runs."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from cannery import json as _json
from cannery._annotations._scope import annotations_of_function
from cannery._checks import check_for
from cannery.errors import DataError

if TYPE_CHECKING:
    from cannery._steps import Pipeline

#: The only key of what stands in the record of a run for a value that is no data.
_REPR = "$repr"
_WORDS = {"True": True, "False": False, "None": None}
# Those whose plain JSON is read again as the annotation says.
_RICH = (datetime.date, datetime.time, datetime.timedelta, uuid.UUID, bytes)


def bind_parameters(
    pipeline: Pipeline[..., Any],
    texts: Mapping[str, str],
    data: Mapping[str, Any],
    later: Collection[str] = (),
) -> dict[str, Any]:
    """Read the arguments of a pipeline as its annotations say; texts go before data.

    Those that `later` names are given by others.

    Raises:
        DataError: for one that is missing, unknown, or another type's.

    """
    hints = annotations_of_function(pipeline.function, "pipeline")
    known = pipeline.signature.parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in known.values())
    for name in (*texts, *data, *later):
        if name not in known and not takes_any:
            raise unknown_parameter(pipeline, name)
    for name in later:
        if name in texts:
            raise DataError(f"parameter `{name}` is given twice: by `--param`, and by `--backfill`")
    there = {**data, **texts, **dict.fromkeys(later)}
    missing = [name for name, p in known.items() if p.default is p.empty and name not in there]
    if missing and not takes_any:
        error = DataError(f"pipeline `{pipeline.name}` needs a value for `{missing[0]}`")
        error.hint = f"add `--param {missing[0]}=...`"
        raise error
    given = {name: value for name, value in data.items() if name not in (*texts, *later)}
    values = {n: read_data(n, value, hints.get(n, Any)) for n, value in given.items()}
    return values | {n: read_text(n, text, hints.get(n, Any)) for n, text in texts.items()}


def unknown_parameter(pipeline: Pipeline[..., Any], name: str) -> DataError:
    """Say that a pipeline has no such parameter."""
    error = DataError(f"pipeline `{pipeline.name}` has no parameter `{name}`")
    error.hint = f"it has: {', '.join(pipeline.signature.parameters) or 'none'}"
    return error


def read_text(name: str, text: str, annotation: Any) -> Any:
    """Read a parameter that was typed: JSON where the annotation is not `str`, else the text."""
    check = check_for(annotation)
    for value in _values_of_text(text, annotation):
        if check.find(value) is None:
            return value
    raise DataError(f"parameter `{name}`: expected `{check.expected}`, found `{text}`")


def read_data(name: str, value: Any, annotation: Any) -> Any:
    """Read a parameter of a file: as it is, or as the type of which its JSON is."""
    if _is_repr(value):
        error = DataError(f"parameter `{name}` was `{value[_REPR]}`, which is no data")
        error.hint = f"give it again: `--param {name}=...`"
        raise error
    check = check_for(annotation)
    for each in _values_of_data(value, annotation):
        if check.find(each) is None:
            return each
    raise DataError(f"parameter `{name}`: expected `{check.expected}`, found `{value!r}`")


def _values_of_text(text: str, annotation: Any) -> Iterator[Any]:
    if annotation is str:
        yield text
        return
    try:
        yield _json.loads(text)
    except ValueError:
        is_json = False
    else:
        is_json = True
    yield text
    yield from _typed(_json.dumps(text), annotation)
    if is_json:
        yield from _typed(text, annotation)
    yield Path(text)
    if text in _WORDS:
        yield _WORDS[text]
    if annotation in (int, float, complex):
        yield from _made_by(annotation, text)
    if isinstance(annotation, enum.EnumType):
        yield from _made_by(annotation.__getitem__, text)


def _values_of_data(value: Any, annotation: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, str):
        yield from _values_of_text(value, str)
        yield from _typed(_json.dumps(value), annotation)
        yield Path(value)
        return
    try:
        text = _json.dumps(value, default="rich")
    except (TypeError, ValueError):
        text = ""
    yield from _typed(text, annotation)
    yield str(value)


def _typed(text: str, annotation: Any) -> Iterator[Any]:
    """Read JSON as an annotation says: dates, enumerations, dataclasses, tuples, sets."""
    if annotation is not Any:
        yield from _made_by(lambda data: _json.decode(data, type=annotation), text)


def _made_by(make: Callable[[str], Any], text: str) -> Iterator[Any]:
    try:
        yield make(text)
    except (LookupError, TypeError, ValueError):
        return


# The record of a run


def parameters_as_json(function: Callable[..., Any], values: Mapping[str, Any]) -> str:
    """Write the parameters of a run: what reads again as they are, and `repr` of the rest."""
    hints = _hints_of(function)
    written = {name: _as_data(value, hints.get(name, Any)) for name, value in values.items()}
    return _json.dumps(written, ensure_ascii=False)


def parameters_for_people(recorded: Any) -> dict[str, Any]:
    """Return recorded parameters with the texts of those that are no data."""
    return {name: parameter_for_people(value) for name, value in recorded.items()}


def parameter_for_people(recorded: Any) -> Any:
    """Return the text of a recorded parameter that is no data, and others as they are."""
    return recorded[_REPR] if _is_repr(recorded) else recorded


def _hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return annotations_of_function(function, "pipeline")
    except Exception:  # names that are not there: of no matter for a run that was not asked to read
        return {}


def _as_data(value: Any, annotation: Any) -> Any:
    try:
        text = _json.dumps(value, default=_plain)
        data = _json.loads(text)
        is_again = not _is_repr(data) and _is_same(read_data("", data, annotation), value)
    except (TypeError, ValueError, RecursionError):
        is_again, data = False, None
    if is_again:
        return data
    return {_REPR: str(value) if isinstance(value, PurePath) else repr(value)}


def _is_same(read: Any, value: Any) -> bool:
    try:
        return type(read) is type(value) and bool(read == value)
    except Exception:  # values that compare as they like
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, (PurePath, decimal.Decimal)):
        return str(value)  # a number of JSON has not all of its digits
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, _RICH):
        return _json.loads(_json.dumps(value, default="rich"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    raise TypeError(f"a `{type(value).__qualname__}` is no data")


def _is_repr(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == [_REPR]  # pyright: ignore[reportUnknownArgumentType]


def is_parameter(pipeline: Pipeline[..., Any], name: str) -> bool:
    """Say whether a pipeline takes an argument of that name."""
    known = pipeline.signature.parameters
    return name in known or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
