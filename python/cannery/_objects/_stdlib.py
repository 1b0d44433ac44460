"""Data types of the standard library that are met less often."""

from __future__ import annotations

import array
import decimal
import enum
import functools
import io
import itertools
import operator
import os
import random
import struct
import sys
import time
import types
import typing
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

from cannery.errors import DataTypeError

Parts = dict[str, Any]
#: Instead of a value that cannot be made because a part of it was not trusted.
UNTRUSTED = object()

Pair = tuple[Callable[[Any], Parts], Callable[[Parts], Any]]

# Classes that are Python through and through, whose instances are made like those of anybody's.
_PLAIN = frozenset(
    """
    argparse.Namespace calendar.Calendar calendar.HTMLCalendar calendar.TextCalendar
    collections.UserDict collections.UserList collections.UserString contextlib.nullcontext
    datetime.tzinfo decimal.DecimalTuple
    difflib.Match difflib.SequenceMatcher
    email._policybase.Compat32 email.charset.Charset email.headerregistry.Address
    email.headerregistry.Group email.header.Header
    email.mime.application.MIMEApplication email.mime.audio.MIMEAudio email.mime.base.MIMEBase
    email.mime.image.MIMEImage email.mime.message.MIMEMessage email.mime.multipart.MIMEMultipart
    email.mime.nonmultipart.MIMENonMultipart email.mime.text.MIMEText
    graphlib.TopologicalSorter graphlib._NodeInfo
    http.cookiejar.Cookie http.cookies.BaseCookie http.cookies.Morsel http.cookies.SimpleCookie
    inspect.BoundArguments inspect.Parameter inspect.Signature inspect.FullArgSpec inspect.ArgInfo
    json.encoder.JSONEncoder logging.Formatter logging.LogRecord logging.PercentStyle
    logging.StrFormatStyle logging.StringTemplateStyle
    random.Random reprlib.Repr sched.Event statistics.NormalDist statistics.LinearRegression
    string.Formatter string.Template textwrap.TextWrapper tokenize.TokenInfo
    traceback.FrameSummary traceback.StackSummary
    urllib.parse.DefragResult urllib.parse.DefragResultBytes urllib.parse.ParseResult
    urllib.parse.ParseResultBytes urllib.parse.SplitResult urllib.parse.SplitResultBytes
    urllib.request.Request
    xml.etree.ElementTree.ElementTree zipfile.ZipInfo
    """.split()
)

# Modules of the standard library whose enumerations anybody may name.
_ENUMS = frozenset(
    """
    ast calendar dataclasses enum http inspect plistlib pstats py_compile re signal socket ssl
    tkinter uuid
    """.split()
)

# Modules whose exceptions anybody may name: data that is named after a class that only holds it.
_ERRORS = frozenset(
    """
    _queue argparse array asyncio.exceptions binascii builtins calendar codecs concurrent.futures
    configparser copy csv dataclasses datetime dbm decimal email.errors graphlib http.client
    http.cookies ipaddress json.decoder locale logging lzma netrc optparse queue re sched select
    shutil socket sqlite3 ssl statistics string struct subprocess tarfile tokenize tomllib
    unicodedata urllib.error uuid wave xml.etree.ElementTree xml.parsers.expat zipfile zlib
    zoneinfo zoneinfo._common
    """.split()
)

# Modules of abstract and other harmless classes, which may be named as values.
_CLASSES = frozenset(
    """
    abc collections collections.abc datetime decimal enum fractions ipaddress numbers pathlib
    pathlib._local typing uuid
    """.split()
)
_CLASS_VALUES = frozenset(
    """
    array.array builtins.memoryview csv.excel csv.excel_tab csv.unix_dialect inspect._empty
    types.SimpleNamespace
    """.split()
)


def class_of(name: str) -> type | None:
    """A class of the standard library whose instances are data."""
    module, _, attribute = name.rpartition(".")
    is_plain = name in _PLAIN or module == "ast"
    if not is_plain and module not in _ENUMS and module not in _ERRORS:
        return None
    found = _class(module, attribute)
    if found is None or is_plain:
        return found
    is_error = module in _ERRORS and issubclass(found, BaseException)
    is_enumeration = module in _ENUMS and issubclass(found, enum.Enum) and len(found) > 0
    return found if is_error or is_enumeration else None


def class_value(name: str) -> type | None:
    """A class of the standard library that may be a value: making one of it does nothing."""
    module, _, attribute = name.rpartition(".")
    return _class(module, attribute) if module in _CLASSES or name in _CLASS_VALUES else None


def _class(module: str, attribute: str) -> type | None:
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        return None
    return found if isinstance(found, type) else None


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
    parts |= {"readonly": view.readonly}
    try:
        _make_view(parts)
    except (TypeError, ValueError):
        error = DataTypeError(f"a memoryview of format {view.format!r} cannot be made again")
        error.hint = "save its bytes (`view.tobytes()`), or the array that it looks at"
        raise error from None
    return parts


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
    value, newline, position, _ = file.__getstate__()  # pyright: ignore
    return {"value": value, "position": position, "newline": newline}


def _make_string_io(parts: Parts) -> io.StringIO:
    file = io.StringIO()
    # Not by writing, which would translate line ends again.
    file.__setstate__((parts["value"], parts.get("newline", ""), parts["position"], None))  # pyright: ignore
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


def _caller_parts(value: operator.methodcaller) -> Parts:
    made_by, args = value.__reduce__()[:2]
    if made_by is operator.methodcaller:
        return {"name": args[0], "args": args[1:], "keywords": {}}
    return {"name": made_by.args[0], "args": args, "keywords": made_by.keywords}  # pyright: ignore


def _make_caller(parts: Parts) -> Any:
    return operator.methodcaller(parts["name"], *parts["args"], **parts["keywords"])


def _typing_parts(alias: Any) -> Parts:
    """A type of `typing` with arguments: its name there, or the generic class."""
    origin = alias.__origin__
    if isinstance(origin, type) and alias._name is None:
        return {"origin": origin, "args": alias.__args__}
    name = alias._name if isinstance(origin, type) else origin._name
    return {"name": name, "args": alias.__args__}


def _make_typing(parts: Parts) -> Any:
    if "origin" in parts:
        if not isinstance(parts["origin"], type):
            return UNTRUSTED
        return typing.cast("Any", parts["origin"])[parts["args"]]
    args = parts["args"]
    return _special(parts)[args[0] if len(args) == 1 else args]


def _special(parts: Parts) -> Any:
    """Something of `typing` by its name."""
    if parts["name"] not in typing.__all__:
        raise ValueError(f"typing has no {parts['name']!r}")
    return getattr(typing, parts["name"])


def _forward_parts(reference: Any) -> Parts:
    names = ("arg", "is_argument", "module", "is_class")
    return {name: getattr(reference, f"__forward_{name}__") for name in names}


def _make_forward(parts: Parts) -> Any:
    others = {name: parts[name] for name in ("is_argument", "module", "is_class")}
    return typing.ForwardRef(parts["arg"], **others)


def _callable_parts(alias: Any) -> Parts:
    *parameters, result = alias.__args__
    return {"args": ... if parameters == [...] else parameters, "result": result}


def _make_callable(parts: Parts) -> Any:
    form: Any = typing.Callable
    return form[parts["args"], parts["result"]]


def _annotated_parts(alias: Any) -> Parts:
    return {"origin": alias.__origin__, "metadata": alias.__metadata__}


def _make_annotated(parts: Parts) -> Any:
    form: Any = typing.Annotated
    return form[(parts["origin"], *parts["metadata"])]


_PARSER = ("_delimiters", "_allow_no_value", "_strict", "default_section", "_empty_lines_in_values")
_INTERPOLATIONS = ("Interpolation", "BasicInterpolation", "ExtendedInterpolation")


def _parser_parts(parser: Any) -> Parts:
    parts: Parts = {name.lstrip("_"): getattr(parser, name) for name in _PARSER}
    interpolation = type(parser._interpolation).__name__
    if interpolation not in _INTERPOLATIONS or "optionxform" in vars(parser):
        raise TypeError("a parser with functions of its own is no data")
    if sys.version_info >= (3, 13):
        prefixes = [parser._prefixes.full, parser._prefixes.inline]
    else:
        prefixes = [parser._comment_prefixes, parser._inline_comment_prefixes]
    parts |= {"interpolation": interpolation, "prefixes": prefixes}
    return parts | {"defaults": dict(parser._defaults), "sections": _plain(parser._sections)}


def _plain(sections: Any) -> Any:
    return {name: dict(options) for name, options in sections.items()}


def _make_parser(name: str) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        import configparser

        parser: Any = getattr(configparser, name)(
            **{name.lstrip("_"): parts[name.lstrip("_")] for name in _PARSER},
            interpolation=getattr(configparser, parts["interpolation"])(),
            comment_prefixes=parts["prefixes"][0],
            inline_comment_prefixes=parts["prefixes"][1],
        )
        parser._defaults.update(parts["defaults"])
        for section, options in parts["sections"].items():
            parser.add_section(section)
            parser._sections[section].update(options)
        return parser

    return make


def _missing() -> Any:
    import dataclasses

    return dataclasses.MISSING


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
    operator.methodcaller: (_caller_parts, _make_caller),
    itertools.count: _getter(itertools.count),
    itertools.repeat: _getter(itertools.repeat),
    struct.Struct: (
        lambda value: {"format": value.format},
        lambda parts: struct.Struct(parts["format"]),
    ),
    types.GenericAlias: (_alias_parts, _make_alias),
    types.UnionType: (lambda value: {"args": value.__args__}, _make_union),
}

# Types of modules that are not imported for this, by their names: parts and maker.
LATE: dict[str, Pair] = {
    "email.message.EmailMessage": (_mail_parts, _make_mail),
    "email.message.Message": (_mail_parts, _make_old_mail),
    "configparser.ConfigParser": (_parser_parts, _make_parser("ConfigParser")),
    "configparser.RawConfigParser": (_parser_parts, _make_parser("RawConfigParser")),
    "dataclasses._MISSING_TYPE": (lambda _: {}, lambda _: _missing()),
    "typing._AnnotatedAlias": (_annotated_parts, _make_annotated),
    "typing._CallableGenericAlias": (_callable_parts, _make_callable),
    "typing.ForwardRef": (_forward_parts, _make_forward),
    "typing._LiteralSpecialForm": (lambda form: {"name": form._name}, _special),
    "typing._GenericAlias": (_typing_parts, _make_typing),
    "typing._LiteralGenericAlias": (_typing_parts, _make_typing),
    "typing._SpecialForm": (lambda form: {"name": form._name}, _special),
    "typing._SpecialGenericAlias": (lambda alias: {"name": alias._name}, _special),
    "typing._TupleType": (lambda alias: {"name": alias._name}, _special),
    "typing._CallableType": (lambda alias: {"name": alias._name}, _special),
    "typing._UnionGenericAlias": (_typing_parts, _make_typing),
    "xml.etree.ElementTree.Element": (_element_parts, _make_element),
}
