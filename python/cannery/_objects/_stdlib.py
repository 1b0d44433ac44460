"""Data types of the standard library that are met less often."""

from __future__ import annotations

import array
import ast
import collections.abc
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
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from cannery._installed import installed_module as _installed_module
from cannery._objects._checks import (
    BOOL,
    DATA,
    FLOAT,
    INT,
    TEXT,
    Check,
    CheckedMaker,
    PartError,
    Untrusted,
    check_parts,
    checked,
    dict_of,
    either,
    exact,
    held,
    instance_of,
    integer,
    leaf,
    mismatch,
    one_of,
    optional,
    refuse_records,
    sequence_of,
    tuple_of,
)
from cannery._objects._mails import mail_parts, make_mail, make_old_mail
from cannery._objects._names import check_names as check_names
from cannery._objects._names import is_special
from cannery._objects._names import refuse_callables as refuse_callables
from cannery._objects._nested import count_nested
from cannery._objects._stdlib_classes import rules
from cannery.errors import DataTypeError

Parts = dict[str, Any]
Pair = tuple[Callable[[Any], Parts], CheckedMaker]

# Modules of the standard library whose enumerations a document may name.
_ENUMS = frozenset(
    """
    ast calendar dataclasses enum http inspect plistlib pstats py_compile re signal socket ssl
    uuid
    """.split()
)

# Modules whose exceptions a document may name: data under the name of a class that only holds it.
_ERRORS = frozenset(
    """
    _csv _queue argparse array asyncio.exceptions binascii builtins calendar codecs
    concurrent.futures configparser copy csv dataclasses datetime dbm decimal email.errors graphlib
    http.client http.cookies ipaddress json.decoder locale logging lzma netrc optparse queue re
    sched select shutil socket sqlite3 ssl statistics string struct subprocess tarfile tokenize
    tomllib unicodedata urllib.error uuid wave xml.etree.ElementTree xml.parsers.expat zipfile zlib
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
    is_plain = name in rules() or name in _OPEN or module == "ast"
    if not is_plain and module not in _ENUMS and module not in _ERRORS:
        return None
    found = _class(module, attribute)
    if found is None or is_plain:
        return found
    is_error = module in _ERRORS and _is_error(found)
    is_enumeration = module in _ENUMS and issubclass(found, enum.Enum) and len(found) > 0
    return found if is_error or is_enumeration else None


# Holders of whatever names and values they are given.
_OPEN = frozenset({"argparse.Namespace"})


def _is_error(cls: type) -> bool:
    """Whether a class is an exception and nothing besides, such as a file."""
    return cls is not object and all(issubclass(base, BaseException) for base in cls.__mro__[:-1])


def check_class(cls: type, parts: Parts) -> None:
    """Check the parts that an instance of a class of the table is to be made of.

    Raises:
        PartError: if there is one that the class does not list, or one of another type.
        Untrusted: if one is a record where a value is needed.

    """
    name = f"{cls.__module__}.{cls.__qualname__}"
    if issubclass(cls, BaseException):
        check_exception(cls, parts)
    elif issubclass(cls, ast.AST):
        _check_node(cls, parts)
    elif name in _OPEN:
        check_names(cls, parts)
        refuse_callables(parts, "function")
    elif not issubclass(cls, enum.Enum):
        rule = rules()[name]
        others = rule.others(parts)
        rule({key: part for key, part in parts.items() if key not in others})
        check_names(cls, others)
        refuse_callables(others, "function")


def _check_node(cls: Any, parts: Parts) -> None:
    check_parts(parts, {}, {"__args__": exact(tuple), "__state__": exact(dict)})
    # Since 3.13 its first fields are arguments.
    if len(parts.get("__args__", ())) > len(cls._fields):
        raise PartError(f"{cls.__name__} has {len(cls._fields)} fields")
    refuse_records(parts.get("__args__"), "__args__")
    for name, value in parts.get("__state__", {}).items():
        if name not in cls._fields and name not in cls._attributes:
            raise PartError(f"{cls.__name__} has no field {name!r}")
        refuse_records(value, name)


# What exceptions keep outside of their `__dict__`, or set themselves.
_OF_EXCEPTIONS: dict[str, Check] = {
    "__args__": exact(tuple),
    "args": exact(tuple),  # as older versions wrote it
    "__cause__": optional(instance_of(BaseException)),
    "__context__": optional(instance_of(BaseException)),
    "__suppress_context__": BOOL,
    "__notes__": sequence_of(TEXT, list),
    "name": optional(TEXT),
    "name_from": optional(TEXT),
    "path": optional(TEXT),
    "obj": held,
}


def check_exception(cls: type[BaseException], parts: Parts) -> None:
    """Check the arguments and attributes of an exception."""
    for name, value in parts.items():
        if name in _OF_EXCEPTIONS:
            _OF_EXCEPTIONS[name](value, name)
    others = {name: value for name, value in parts.items() if name not in _OF_EXCEPTIONS}
    check_names(cls, others)
    refuse_callables(others, "function")
    check_arguments(cls, parts.get("__args__", ()))


def check_arguments(cls: type[BaseException], args: tuple[Any, ...]) -> None:
    """Check what a built-in exception is made of: `str` of some follows it without a look."""
    for base, kinds, at in _UNICODE_ERRORS:
        if issubclass(cls, base):
            tuple_of(*kinds)(args, "__args__")
            size = len(args[at])
            if not 0 <= args[at + 1] <= args[at + 2] <= size:
                raise PartError(f"the place of the error is not within {size} characters")
    if issubclass(cls, BaseExceptionGroup):
        tuple_of(TEXT, sequence_of(instance_of(BaseException)))(args, "__args__")
        count_nested(args[1], lambda error: error.exceptions, BaseExceptionGroup)
    if issubclass(cls, (OSError, SyntaxError, ImportError)):
        each = either(leaf, sequence_of(leaf, tuple))
        sequence_of(each, tuple)(args, "__args__")


_UNICODE_ERRORS: tuple[tuple[type[BaseException], tuple[Check, ...], int], ...] = (
    (UnicodeDecodeError, (TEXT, exact(bytes), INT, INT, TEXT), 1),
    (UnicodeEncodeError, (TEXT, TEXT, INT, INT, TEXT), 1),
    (UnicodeTranslateError, (TEXT, INT, INT, TEXT), 0),
)


def class_value(name: str) -> type | None:
    """A class of the standard library that may be a value: making one of it does nothing."""
    module, _, attribute = name.rpartition(".")
    return _class(module, attribute) if module in _CLASSES or name in _CLASS_VALUES else None


def _class(module: str, attribute: str) -> type | None:
    try:
        found = vars(_installed_module(module)).get(attribute)
    except ImportError:
        return None
    # What a module has besides its own: `__loader__` is the importer.
    return found if isinstance(found, type) and not is_special(attribute) else None


# Makers, and what their parts have to be.


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


def _make_getter(cls: Any) -> Callable[[Parts], Any]:
    return lambda parts: cls(*parts["args"])


def _getter_parts(getter: Any) -> Parts:
    return {"args": getter.__reduce__()[1]}


def _is_attribute_path(value: Any, path: str) -> None:
    TEXT(value, path)
    if not all(name.isidentifier() and not name.startswith("_") for name in value.split(".")):
        raise PartError(f"the part {path!r}: {value[:40]!r} is not the name of a public attribute")


def _is_item(value: Any, path: str) -> None:
    either(leaf, exact(slice, Ellipsis.__class__), sequence_of(leaf, tuple))(value, path)


# Methods of text and bytes that only compute: of whatever object they are called, for other classes
# that have a method of such a name do no more.
_PURE_METHODS = (
    "capitalize casefold endswith isalnum isalpha isascii isdecimal isdigit isidentifier islower "
    "isnumeric isspace istitle isupper lower lstrip partition removeprefix removesuffix rpartition "
    "rsplit rstrip split splitlines startswith strip swapcase title upper"
).split()


def _alias_parts(alias: Any) -> Parts:
    parts = {"origin": alias.__origin__, "args": alias.__args__}
    return {**parts, "unpacked": True} if alias.__unpacked__ else parts


def _make_alias(parts: Parts) -> Any:
    alias = types.GenericAlias(parts["origin"], parts["args"])
    return next(iter(alias)) if "unpacked" in parts else alias


# More than any annotation has. References to the same type again and again make it of few.
_MOST_TYPES = 1000


def _count_types(item: Any) -> int:
    """How many types there are in a type, each as often as it is there: as hashing visits them."""
    count, waiting = 0, [item]
    while waiting and count <= _MOST_TYPES:
        item = waiting.pop()
        count += 1
        more = item if type(item) in (list, tuple) else getattr(item, "__args__", ())
        waiting.extend(more if type(more) in (list, tuple) else ())
    return count


def _is_type_argument(value: Any, path: str) -> None:
    """What may stand in the brackets of a type: a type, or a constant. Text would be compiled."""
    if _count_types(value) > _MOST_TYPES:
        raise PartError(f"the part {path!r}: more types than any annotation has")
    if type(value) in (list, tuple):
        for each in value:
            _is_type_argument(each, path)
    elif not (
        value is None
        or value is ...
        or isinstance(value, type)
        or type(value) in (types.GenericAlias, types.UnionType)
        or type(value).__module__ == "typing"
    ):
        raise mismatch(value, path, "a type")


def _make_union(parts: Parts) -> Any:
    return functools.reduce(operator.or_, parts["args"])


def _caller_parts(value: operator.methodcaller) -> Parts:
    made_by, args = value.__reduce__()[:2]
    if made_by is operator.methodcaller:
        return {"name": args[0], "args": args[1:], "keywords": {}}
    return {"name": made_by.args[0], "args": args, "keywords": made_by.keywords}  # pyright: ignore


def _make_caller(parts: Parts) -> Any:
    if parts["name"] not in _PURE_METHODS:
        raise Untrusted("operator.methodcaller")
    return operator.methodcaller(parts["name"], *parts["args"], **parts["keywords"])


def _typing_parts(alias: Any) -> Parts:
    """A type of `typing` with arguments: its name there, or the generic class."""
    origin = alias.__origin__
    if isinstance(origin, type) and alias._name is None:
        return {"origin": origin, "args": alias.__args__}
    name = alias._name if isinstance(origin, type) else origin._name
    return {"name": name, "args": alias.__args__}


def _make_typing(parts: Parts) -> Any:
    args = parts["args"]
    if "origin" in parts:
        sequence_of(_is_type_argument, tuple)(args, "args")
        return typing.cast("Any", parts["origin"])[args]
    if parts["name"] == "Literal":
        sequence_of(either(leaf, instance_of(enum.Enum)), tuple)(args, "args")
    else:
        sequence_of(_is_type_argument, tuple)(args, "args")
    return _special(parts)[args[0] if len(args) == 1 else args]


def _special(parts: Parts) -> Any:
    """Something of `typing` by its name."""
    if parts["name"] not in typing.__all__ or parts["name"] == "ForwardRef":
        raise ValueError(f"typing has no {parts['name']!r}")
    found = getattr(typing, parts["name"])
    # Its forms and variables: its functions and classes do something when they are called.
    if found is not typing.Generic and type(found).__module__ != "typing":
        raise ValueError(f"typing's {parts['name']!r} is no form")
    return found


def _callable_parts(alias: Any) -> Parts:
    *parameters, result = alias.__args__
    return {"args": ... if parameters == [...] else parameters, "result": result}


def _make_callable(parts: Parts) -> Any:
    form: Any = typing.Callable
    return form[parts["args"], parts["result"]]


def _make_abstract_callable(parts: Parts) -> Any:
    form: Any = collections.abc.Callable
    return form[parts["args"], parts["result"]]


_CALLABLE: dict[str, Check] = {
    "args": either(sequence_of(_is_type_argument, list), one_of(...)),
    "result": _is_type_argument,
}


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


# What values are long when they are written out, in relation to the texts of the parser.
_MOST_EXPANSION = 64


def _references(text: str) -> Iterator[str]:
    """The options that a value refers to: `%(name)s`, `${name}` or `${section:name}`."""
    for begin, end in (("%(", ")"), ("${", "}")):
        at = text.find(begin)
        while at >= 0:
            stop = text.find(end, at)
            if stop < 0:
                break
            name = text[at + 2 : stop].lower()  # as parsers do
            yield name if begin == "%(" else name.rpartition(":")[2]
            at = text.find(begin, stop)


def _check_expansion(parts: Parts) -> None:
    """Refuse values that refer to others so often that reading them takes all memory."""
    tables = [parts["defaults"], *parts["sections"].values()]
    texts: dict[str, int] = {}
    references: dict[str, list[str]] = {}
    for table in tables:
        for option, value in table.items():
            name = option.lower()
            text = "\n".join(value) if isinstance(value, list) else value or ""
            texts[name] = max(texts.get(name, 0), len(text))
            references.setdefault(name, []).extend(_references(text))
    most = _MOST_EXPANSION * (sum(texts.values()) + 1024)
    sizes = dict(texts)
    for _ in range(_MOST_DEPTH):
        sizes = {
            name: size + sum(sizes.get(other, 0) for other in references[name])
            for name, size in texts.items()
        }
        if sum(sizes.values()) > most:
            raise PartError("the values of the sections refer to others too often")


# So deep does `configparser` follow references.
_MOST_DEPTH = 10


def _make_parser(name: str) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        import configparser

        if parts["interpolation"] != "Interpolation":
            _check_expansion(parts)
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


def _is_element(value: Any, path: str) -> None:
    from xml.etree.ElementTree import Element

    exact(Element)(value, path)


def _missing() -> Any:
    import dataclasses

    return dataclasses.MISSING


def _element_parts(element: Any) -> Parts:
    parts: Parts = {"tag": element.tag, "attrib": dict(element.attrib), "items": list(element)}
    if callable(element.tag):  # the tag of a comment is the function that made it
        kind = getattr(element.tag, "__name__", None)
        if kind not in _OTHER_NODES:
            raise DataTypeError("the tag of an element is no text")
        parts |= {"tag": None, "kind": kind}
    return parts | {"text": element.text, "tail": element.tail}


_OTHER_NODES = ("Comment", "ProcessingInstruction")


# How many elements there are in an element, itself included, each as often as it is there.
_elements: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_MOST_ELEMENTS = 1 << 22


def _make_element(parts: Parts) -> Any:
    from xml.etree import ElementTree

    tag: Any = getattr(ElementTree, parts["kind"]) if "kind" in parts else parts["tag"]
    element = ElementTree.Element(tag, parts["attrib"])
    if parts["items"]:
        count = 1 + sum(_elements.get(item, 1) for item in parts["items"])
        if count > _MOST_ELEMENTS:
            raise PartError("elements hold the same elements again and again")
        _elements[element] = count
    element.text, element.tail = parts["text"], parts["tail"]
    element.extend(parts["items"])
    return element


_POSITION = integer(0, 1 << 40)
_PARSER_CHECKS: dict[str, Check] = {
    "delimiters": sequence_of(TEXT),
    "allow_no_value": BOOL,
    "strict": BOOL,
    "default_section": optional(TEXT),
    "empty_lines_in_values": BOOL,
    "interpolation": one_of(*_INTERPOLATIONS),
    "prefixes": tuple_of(sequence_of(TEXT), sequence_of(TEXT)),
    "defaults": dict_of(TEXT, optional(TEXT)),
    "sections": dict_of(TEXT, dict_of(TEXT, optional(either(sequence_of(TEXT, list), TEXT)))),
}
_NAMED = {"name": TEXT}
_TYPING = checked(_make_typing, {"args": exact(tuple)}, name=TEXT, origin=instance_of(type))
_TYPE_ARGUMENTS = sequence_of(_is_type_argument, tuple)
check_type_arguments = _TYPE_ARGUMENTS
_SIGNALS = sequence_of(TEXT, list)


def _sequence(cls: Any) -> Pair:
    """A tuple with named fields of C's: some of its fields are not items."""

    def parts(value: Any) -> Parts:
        _, (items, rest) = value.__reduce__()
        return {"value": list(items), "more": rest} if rest else {"value": list(items)}

    def make(parts: Parts) -> Any:
        return cls(parts["value"], parts.get("more", {}))

    return parts, checked(make, {"value": sequence_of(leaf, list)}, more=dict_of(TEXT, leaf))


PAIRS: dict[Any, Pair] = {
    array.array: (
        _array_parts,
        checked(
            _make_array,
            {
                "typecode": one_of(*array.typecodes),
                "value": DATA,
                "byteorder": one_of("little", "big"),
            },
        ),
    ),
    memoryview: (
        _view_parts,
        checked(
            _make_view,
            {
                "value": DATA,
                "format": TEXT,
                "shape": sequence_of(integer(0), list),
                "readonly": BOOL,
            },
        ),
    ),
    time.struct_time: _sequence(time.struct_time),
    os.stat_result: _sequence(os.stat_result),
    os.terminal_size: _sequence(os.terminal_size),
    os.times_result: _sequence(os.times_result),
    uuid.UUID: (
        _uuid_parts,
        checked(_make_uuid, {"value": TEXT}, is_safe=one_of("safe", "unsafe", "unknown")),
    ),
    decimal.Context: (
        _context_parts,
        checked(
            _make_context,
            {
                **dict.fromkeys(("prec", "Emin", "Emax", "capitals", "clamp"), INT),
                "rounding": TEXT,
                "flags": _SIGNALS,
                "traps": _SIGNALS,
            },
        ),
    ),
    random.Random: (
        lambda value: {"state": value.getstate()},
        checked(
            _make_random,
            {"state": tuple_of(one_of(3), sequence_of(INT, tuple), optional(FLOAT))},
        ),
    ),
    io.BytesIO: (
        _bytes_io_parts,
        checked(_make_file(io.BytesIO), {"value": DATA, "position": _POSITION}),
    ),
    io.StringIO: (
        _string_io_parts,
        checked(
            _make_string_io,
            {"value": TEXT, "position": _POSITION},
            newline=one_of(None, "", "\n", "\r", "\r\n"),
        ),
    ),
    operator.itemgetter: (
        _getter_parts,
        checked(_make_getter(operator.itemgetter), {"args": sequence_of(_is_item, tuple)}),
    ),
    operator.attrgetter: (
        _getter_parts,
        checked(
            _make_getter(operator.attrgetter), {"args": sequence_of(_is_attribute_path, tuple)}
        ),
    ),
    operator.methodcaller: (
        _caller_parts,
        checked(
            _make_caller,
            {"name": TEXT, "args": sequence_of(leaf, tuple), "keywords": dict_of(TEXT, leaf)},
        ),
    ),
    itertools.count: (
        _getter_parts,
        checked(
            _make_getter(itertools.count),
            {"args": sequence_of(exact(int, float, decimal.Decimal), tuple)},
        ),
    ),
    itertools.repeat: (
        _getter_parts,
        checked(_make_getter(itertools.repeat), {"args": exact(tuple)}),
    ),
    struct.Struct: (
        lambda value: {"format": value.format},
        checked(lambda parts: struct.Struct(parts["format"]), {"format": TEXT}),
    ),
    types.GenericAlias: (
        _alias_parts,
        checked(
            _make_alias,
            {"origin": instance_of(type), "args": _TYPE_ARGUMENTS},
            unpacked=one_of(True),
        ),
    ),
    types.UnionType: (
        lambda value: {"args": value.__args__},
        checked(_make_union, {"args": sequence_of(_is_type_argument, tuple)}),
    ),
}

_MAIL = {"value": DATA}

# Types of modules that are not imported for this, by their names: parts and maker.
LATE: dict[str, Pair] = {
    "email.message.EmailMessage": (mail_parts, checked(make_mail, _MAIL)),
    "email.message.Message": (mail_parts, checked(make_old_mail, _MAIL)),
    "configparser.ConfigParser": (
        _parser_parts,
        checked(_make_parser("ConfigParser"), _PARSER_CHECKS),
    ),
    "configparser.RawConfigParser": (
        _parser_parts,
        checked(_make_parser("RawConfigParser"), _PARSER_CHECKS),
    ),
    "dataclasses._MISSING_TYPE": (lambda _: {}, checked(lambda _: _missing(), {})),
    "typing._AnnotatedAlias": (
        _annotated_parts,
        checked(_make_annotated, {"origin": _is_type_argument, "metadata": exact(tuple)}),
    ),
    "typing._CallableGenericAlias": (
        _callable_parts,
        checked(_make_callable, _CALLABLE),
    ),
    "collections.abc._CallableGenericAlias": (
        _callable_parts,
        checked(_make_abstract_callable, _CALLABLE),
    ),
    "typing._ConcatenateGenericAlias": (_typing_parts, _TYPING),
    "typing._UnpackGenericAlias": (_typing_parts, _TYPING),
    "typing._LiteralSpecialForm": (
        lambda form: {"name": form._name},
        checked(_special, _NAMED),
    ),
    "typing._GenericAlias": (_typing_parts, _TYPING),
    "typing._LiteralGenericAlias": (_typing_parts, _TYPING),
    "typing._SpecialForm": (lambda form: {"name": form._name}, checked(_special, _NAMED)),
    "typing._SpecialGenericAlias": (
        lambda alias: {"name": alias._name},
        checked(_special, _NAMED),
    ),
    "typing._TupleType": (lambda alias: {"name": alias._name}, checked(_special, _NAMED)),
    "typing._CallableType": (lambda alias: {"name": alias._name}, checked(_special, _NAMED)),
    "typing._UnionGenericAlias": (_typing_parts, _TYPING),
    "xml.etree.ElementTree.Element": (
        _element_parts,
        checked(
            _make_element,
            {
                "tag": optional(TEXT),
                "attrib": dict_of(TEXT, TEXT),
                "items": sequence_of(_is_element, list),
                "text": optional(TEXT),
                "tail": optional(TEXT),
            },
            kind=one_of(*_OTHER_NODES),
        ),
    ),
}
