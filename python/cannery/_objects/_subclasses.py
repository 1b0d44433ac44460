"""Subclasses of compiled types whose instances hold more than attributes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable
from typing import Any

from cannery._objects._callables import fill_partial, make_partial, partial_parts
from cannery._objects._checks import mismatch
from cannery._objects._names import refuse_protocols
from cannery._objects._own_names import OwnNames, attributes_besides, refuse_attributes
from cannery._objects._plans import (
    ITEMS,
    STATE,
    Parts,
    Plan,
    attributes,
    set_attributes,
    set_state,
    slots_of,
    state_parts,
)
from cannery._objects._refused import refuse


def plan_of_subclass(cls: Any) -> Plan | None:
    """The plan for a subclass of one of these types; `None` for other classes."""
    for base in cls.__mro__[1:]:
        extended = _EXTENDED.get(f"{base.__module__}.{base.__qualname__}")
        if extended is not None:
            return extended(cls, base)
        if base.__module__ == "numpy" and issubclass(base, sys.modules["numpy"].generic):
            return _of_numpy_scalar(cls, base)
    return None


def _of_array(cls: Any, base: Any) -> Plan:
    has_own = cls.__setstate__ is not base.__setstate__
    parts_of_state = attributes if has_own else state_parts(cls)

    def parts(value: Any) -> Parts:
        return {ITEMS: value.view(base), **parts_of_state(value)}

    def make(parts: Parts) -> Any:
        if type(parts[ITEMS]) is not base:
            raise mismatch(parts[ITEMS], ITEMS, f"{base.__module__}.{base.__qualname__}")
        value = parts.pop(ITEMS).view(cls)
        set_attributes(value, parts)
        return value

    return Plan(parts, None, None, make)


def _of_numpy_scalar(cls: Any, base: Any) -> Plan | None:
    """A number or text of NumPy's with attributes: its value as one of the class above."""
    if base.__name__ in ("void", "record", "generic", "object_"):
        return None
    parts_of_state = state_parts(cls)
    set_by_class = set_attributes if cls.__setstate__ is base.__setstate__ else set_state(cls)

    def parts(value: Any) -> Parts:
        plain = base(value)
        if type(plain) is not base or type(base.__new__(cls, plain)) is not cls:
            return refuse(value)
        return {ITEMS: plain, **parts_of_state(value)}

    def make(parts: Parts) -> Any:
        item = parts.pop(ITEMS)
        if type(item) is not base:
            raise mismatch(item, ITEMS, f"numpy.{base.__name__}")
        value = base.__new__(cls, item)
        if parts:
            set_by_class(value, parts)
        return value

    return Plan(parts, None, None, make)


def _of_table(cls: Any, base: Any) -> Plan:
    """A subclass of a frame or series, with what it says that it has, and was given, besides."""
    more = [name for name in cls._metadata if name not in base._metadata]
    own = OwnNames.of(base)

    def parts(value: Any) -> Parts:
        plain = base(value)
        plain.attrs.update(value.attrs)
        return {
            ITEMS: plain,
            **{name: getattr(value, name) for name in more if hasattr(value, name)},
            **attributes_besides(value, own, lambda: plain),
        }

    def make(parts: Parts) -> Any:
        plain = parts.pop(ITEMS)
        if type(plain) is not base:
            raise mismatch(plain, ITEMS, f"{base.__module__}.{base.__qualname__}")
        refuse_protocols(parts)
        value = cls(plain)
        value.attrs.update(plain.attrs)
        for name, part in parts.items():
            object.__setattr__(value, name, part)
        return value

    return Plan(parts, None, None, make)


def _of_polars(cls: Any, base: Any) -> Plan:
    """A subclass of a frame or series of polars, whose `__getstate__` knows of the columns only."""
    inner = "_df" if base.__name__ == "DataFrame" else "_s"
    own = OwnNames.of(base)

    def plain_of(value: Any) -> Any:
        plain = base.__new__(base)
        setattr(plain, inner, getattr(value, inner))
        return plain

    def parts(value: Any) -> Parts:
        plain = plain_of(value)
        return {ITEMS: plain, **attributes_besides(value, own, lambda: plain)}

    def make(parts: Parts) -> Any:
        plain = parts.pop(ITEMS)
        if type(plain) is not base:
            raise mismatch(plain, ITEMS, f"polars.{base.__name__}")
        value = base.__new__(cls)
        setattr(value, inner, getattr(plain, inner))
        set_attributes(value, parts)
        return value

    if cls.__getstate__ is not base.__getstate__ or cls.__setstate__ is not base.__setstate__:
        return Plan(state_parts(cls), lambda: base.__new__(cls), set_state(cls))
    return Plan(parts, None, None, make)


def _of_pandas_type(cls: Any, _: Any) -> Plan:
    """A subclass of a type of columns, whose `__getstate__` knows of some attributes only."""
    base = next(each for each in cls.__mro__ if each.__module__.partition(".")[0] == "pandas")
    own, parts_of_state = OwnNames.of(base), state_parts(cls)

    def parts(value: Any) -> Parts:
        state = parts_of_state(value)
        refuse_attributes(value, attributes_besides(value, own).keys() - state)
        return state

    return Plan(parts, lambda: cls.__new__(cls), set_state(cls))


def _of_compiled_time(_: Any, __: Any) -> Plan:
    """A subclass of a span of time whose nanoseconds are the compiled class's alone."""
    return Plan(refuse, None, None, refuse)


def _of_file(cls: Any, base: Any) -> Plan:
    """A file in memory: what is in it, the position, and its attributes."""
    slots = slots_of(cls)

    def parts(value: Any) -> Parts:
        kept = {name: getattr(value, name) for name in slots if hasattr(value, name)}
        return {STATE: base.__getstate__(value), **kept}

    def fill(value: Any, parts: Parts) -> None:
        base.__setstate__(value, parts.pop(STATE))
        if parts:
            set_attributes(value, parts)

    return Plan(parts, lambda: base.__new__(cls), fill)


_OF_PARTIALS = ("function", "args", "keywords")


def _of_partial(cls: Any, _: Any) -> Plan:
    def parts(value: Any) -> Parts:
        return {ITEMS: tuple(partial_parts(value).values()), **attributes(value)}

    def fill(value: Any, parts: Parts) -> None:
        made_of: Parts = dict(zip(_OF_PARTIALS, parts.pop(ITEMS), strict=True))
        make_partial.check(made_of)
        fill_partial(value, made_of)
        set_attributes(value, parts)

    return Plan(parts, lambda: functools.partial.__new__(cls, int), fill)


_EXTENDED: dict[str, Callable[[Any, Any], Plan]] = {
    "numpy.ndarray": _of_array,
    "pandas.DataFrame": _of_table,
    "pandas.Series": _of_table,
    "pandas.core.frame.DataFrame": _of_table,
    "pandas.core.series.Series": _of_table,
    "pandas.Timedelta": _of_compiled_time,
    "pandas._libs.tslibs.timedeltas.Timedelta": _of_compiled_time,
    "pandas.core.dtypes.dtypes.PandasExtensionDtype": _of_pandas_type,
    "polars.dataframe.frame.DataFrame": _of_polars,
    "polars.series.series.Series": _of_polars,
    "functools.partial": _of_partial,
    f"{io.BytesIO.__module__}.BytesIO": _of_file,
    f"{io.StringIO.__module__}.StringIO": _of_file,
}
