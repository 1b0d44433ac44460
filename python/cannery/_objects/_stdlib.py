"""Data types of the standard library that are met less often."""

from __future__ import annotations

import array
import decimal
import enum
import functools
import io
import operator
import os
import random
import sys
import time
import types
import typing
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

Parts = dict[str, Any]
#: Instead of a value that cannot be made because a part of it was not trusted.
UNTRUSTED = object()

Pair = tuple[Callable[[Any], Parts], Callable[[Parts], Any]]

# Classes that are Python through and through, whose instances are made like those of anybody's.
_PLAIN = frozenset(
    {
        "argparse.Namespace", "collections.UserDict", "collections.UserList",
        "collections.UserString", "configparser.ConfigParser", "decimal.DecimalTuple",
        "difflib.Match", "email.headerregistry.Address", "email.headerregistry.Group",
        "sched.Event",
        "statistics.NormalDist", "string.Template", "tokenize.TokenInfo",
        "urllib.parse.DefragResult",
        "urllib.parse.DefragResultBytes", "urllib.parse.ParseResult",
        "urllib.parse.ParseResultBytes", "urllib.parse.SplitResult",
        "urllib.parse.SplitResultBytes",
    }
)  # fmt: skip

# Modules of the standard library whose enumerations anybody may name.
_ENUMS = frozenset(
    {"calendar", "dataclasses", "enum", "http", "inspect", "plistlib", "re", "signal", "socket",
     "ssl", "tkinter", "uuid"}
)  # fmt: skip


def class_of(name: str) -> type | None:
    """A class of the standard library whose instances are data."""
    module, _, attribute = name.rpartition(".")
    if name not in _PLAIN and module not in _ENUMS:
        return None
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        return None
    if not isinstance(found, type):
        return None
    is_enumeration = issubclass(found, enum.Enum) and len(found) > 0
    return found if name in _PLAIN or is_enumeration else None


def _array_parts(value: array.array[Any]) -> Parts:
    return {"typecode": value.typecode, "value": value.tobytes(), "byteorder": sys.byteorder}


def _make_array(parts: Parts) -> Any:
    made: array.array[Any] = array.array(parts["typecode"])
    made.frombytes(parts["value"])
    if parts["byteorder"] != sys.byteorder:
        made.byteswap()
    return made


def _view_parts(view: memoryview) -> Parts:
    parts: Parts = {"value": view.tobytes(), "format": view.format, "shape": list(view.shape or ())}
    return parts | {"readonly": view.readonly}


def _make_view(parts: Parts) -> memoryview:
    data = parts["value"] if parts["readonly"] else bytearray(parts["value"])
    view = memoryview(data)
    if parts["format"] == "B" and parts["shape"] == [len(data)]:
        return view
    return view.cast(parts["format"], tuple(parts["shape"]))


def _sequence(cls: Any) -> Pair:
    """A tuple with named fields of C's: some of its fields are not items."""

    def parts(value: Any) -> Parts:
        _, (items, rest) = value.__reduce__()
        return {"value": list(items), "more": rest} if rest else {"value": list(items)}

    return parts, lambda parts: cls(parts["value"], parts.get("more", {}))


def _uuid_parts(value: uuid.UUID) -> Parts:
    parts: Parts = {"value": str(value)}
    if value.is_safe is not uuid.SafeUUID.unknown:
        parts["is_safe"] = value.is_safe.name
    return parts


def _make_uuid(parts: Parts) -> uuid.UUID:
    return uuid.UUID(parts["value"], is_safe=uuid.SafeUUID[parts.get("is_safe", "unknown")])


_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _context_parts(context: decimal.Context) -> Parts:
    parts = {name: getattr(context, name) for name in _CONTEXT}
    for name in ("flags", "traps"):
        signals = getattr(context, name)
        parts[name] = sorted(signal.__name__ for signal, on in signals.items() if on)
    return parts


def _make_context(parts: Parts) -> decimal.Context:
    def signals(names: list[str]) -> list[Any]:
        known = {signal.__name__: signal for signal in decimal.Context().flags}
        return [known[name] for name in names]

    plain = {name: parts[name] for name in _CONTEXT}
    return decimal.Context(**plain, flags=signals(parts["flags"]), traps=signals(parts["traps"]))


def _make_random(parts: Parts) -> random.Random:
    made = random.Random()
    made.setstate(parts["state"])
    return made


def _bytes_io_parts(file: io.BytesIO) -> Parts:
    return {"value": file.getvalue(), "position": file.tell()}


def _make_file(cls: Any) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        file = cls(parts["value"])
        file.seek(parts["position"])
        return file

    return make


def _string_io_parts(file: io.StringIO) -> Parts:
    value, _, position, _ = file.__getstate__()  # pyright: ignore
    return {"value": value, "position": position}


def _make_string_io(parts: Parts) -> io.StringIO:
    # No line end is translated: what was written has been.
    file = io.StringIO(parts["value"], newline="")
    file.seek(parts["position"])
    return file


def _partial_parts(value: functools.partial[Any]) -> Parts:
    return {"function": value.func, "args": value.args, "keywords": value.keywords}


def _make_partial(parts: Parts) -> Any:
    if not callable(parts["function"]):
        return UNTRUSTED
    return functools.partial(parts["function"], *parts["args"], **parts["keywords"])


def _getter(cls: Any) -> Pair:
    return (
        lambda value: {"args": value.__reduce__()[1]},
        lambda parts: cls(*parts["args"]),
    )


def _alias_parts(alias: Any) -> Parts:
    return {"origin": alias.__origin__, "args": alias.__args__}


def _make_alias(parts: Parts) -> Any:
    if not isinstance(parts["origin"], type):
        return UNTRUSTED
    return types.GenericAlias(parts["origin"], parts["args"])


def _make_union(parts: Parts) -> Any:
    return functools.reduce(operator.or_, parts["args"])


def _typing_parts(alias: Any) -> Parts:
    origin = typing.get_origin(alias)
    name = "Union" if origin is typing.Union else alias._name
    return {"name": name, "args": alias.__args__}


def _make_typing(parts: Parts) -> Any:
    return getattr(typing, parts["name"])[parts["args"]]


def _element_parts(element: Any) -> Parts:
    parts: Parts = {"tag": element.tag, "attrib": dict(element.attrib), "items": list(element)}
    return parts | {"text": element.text, "tail": element.tail}


def _make_element(parts: Parts) -> Any:
    from xml.etree.ElementTree import Element

    element = Element(parts["tag"], parts["attrib"])
    element.text, element.tail = parts["text"], parts["tail"]
    element.extend(parts["items"])
    return element


def _mail_parts(mail: Any) -> Parts:
    return {"value": mail.as_bytes()}


def _make_mail(parts: Parts) -> Any:
    import email.policy

    return email.message_from_bytes(parts["value"], policy=email.policy.default)


def _make_old_mail(parts: Parts) -> Any:
    import email

    return email.message_from_bytes(parts["value"])


PAIRS: dict[Any, Pair] = {
    array.array: (_array_parts, _make_array),
    memoryview: (_view_parts, _make_view),
    time.struct_time: _sequence(time.struct_time),
    os.stat_result: _sequence(os.stat_result),
    os.terminal_size: _sequence(os.terminal_size),
    os.times_result: _sequence(os.times_result),
    uuid.UUID: (_uuid_parts, _make_uuid),
    decimal.Context: (_context_parts, _make_context),
    random.Random: (lambda value: {"state": value.getstate()}, _make_random),
    io.BytesIO: (_bytes_io_parts, _make_file(io.BytesIO)),
    io.StringIO: (_string_io_parts, _make_string_io),
    functools.partial: (_partial_parts, _make_partial),
    operator.itemgetter: _getter(operator.itemgetter),
    operator.attrgetter: _getter(operator.attrgetter),
    types.GenericAlias: (_alias_parts, _make_alias),
    types.UnionType: (lambda value: {"args": value.__args__}, _make_union),
}

# Types of modules that are not imported for this, by their names: parts and maker.
LATE: dict[str, Pair] = {
    "email.message.EmailMessage": (_mail_parts, _make_mail),
    "email.message.Message": (_mail_parts, _make_old_mail),
    "typing._GenericAlias": (_typing_parts, _make_typing),
    "typing._UnionGenericAlias": (_typing_parts, _make_typing),
    "xml.etree.ElementTree.Element": (_element_parts, _make_element),
}
