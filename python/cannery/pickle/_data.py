"""The rules of Python's own data types: with what they are called, made and filled."""

from __future__ import annotations

import ast
import collections
import decimal
import enum
import re
import struct
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from cannery import _native
from cannery._objects._checks import PartError
from cannery._objects._mails import check_mail_headers
from cannery.pickle._limits import (
    CONTAINERS,
    SCALARS,
    check_count,
    check_plain,
    check_scalar,
    check_scalars,
    check_zone,
    full_name,
    is_record,
)
from cannery.pickle._refused import Refused, bomb
from cannery.pickle._state import check_names, set_slot, set_state, split

if TYPE_CHECKING:
    from cannery.pickle._gate import Gate

Args = tuple[Any, ...]
Keywords = dict[str, Any]

# Called with scalars, these check all that they are given, and make nothing that is larger.
SCALAR_CALLS = frozenset(
    """datetime.date datetime.timedelta datetime.time datetime.datetime datetime.timezone
    ipaddress.IPv4Address ipaddress.IPv6Address ipaddress.IPv4Interface ipaddress.IPv6Interface
    ipaddress.IPv4Network ipaddress.IPv6Network pathlib.PosixPath pathlib.PurePosixPath
    pathlib.PureWindowsPath pathlib.Path pathlib.PurePath pathlib._local.PosixPath
    pathlib._local.PurePosixPath pathlib._local.PureWindowsPath pathlib._local.Path
    pathlib._local.PurePath""".split()
)
# The bases of `copyreg._reconstructor`, with which protocols 0 and 1 make subclasses.
BASES = (int, float, complex, str, bytes, tuple, list, dict, set, frozenset)
# Objects that hold no others, or that count the levels on which they do.
SHALLOW = frozenset({range, decimal.Decimal, *CONTAINERS, types.NoneType, type})
# Which items an object takes.
ITEM_KINDS: dict[str, type] = {"collections.deque": list, "array.array": list}
# What `defaultdict` may call for a missing key.
_FACTORIES = (
    *(bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset),
    *(collections.OrderedDict, collections.Counter, collections.deque),
)
_ENCODINGS = frozenset({"latin1", "latin-1", "iso-8859-1", "utf-8", "utf8", "ascii"})
_MOST_DIGITS = 5000
_LARGEST_EXPONENT = 100_000


def _scalars(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_scalars(full_name(callee), args)
    return callee(*args)


def _plain(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_plain(full_name(callee), args)
    return callee(*args)


def _kept(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """Call a class that only keeps what it is given."""
    del gate
    return callee(*args, **keywords)


def _refused(reason: str) -> Callable[..., Any]:
    def refuse(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
        del args, keywords
        raise Refused(gate.name_of(callee), reason)

    return refuse


# Built-in types.


def _container(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = full_name(callee)
    check_count(name, args, 0, 1)
    if args and type(args[0]) is range:
        if len(args[0]) > max(gate.size, 256):
            raise bomb(name, "more items than the file has bytes")
    elif args and type(args[0]) not in (*CONTAINERS, str, collections.OrderedDict):
        raise Refused(name, "it is given no container of plain data")
    return callee(*args)


def _bytes(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = full_name(callee)
    check_count(name, args, 0, 3)
    if args and type(args[0]) is int:
        raise bomb(name, "as many bytes as a number says")
    if args and type(args[0]) is str:
        if any(type(part) is not str for part in args[1:]) or args[1] not in _ENCODINGS:
            raise Refused(name, "its encoding is none that pickle writes")
    elif args and (type(args[0]) not in (bytes, bytearray, list, tuple) or len(args) > 1):
        raise Refused(name, "it is given no bytes")
    return callee(*args)


def _number(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = full_name(callee)
    check_count(name, args, 0, 2)
    check_scalars(name, args, bool, int, float, complex, str, bytes, type(None))
    if any(type(arg) in (str, bytes) and len(arg) > _MOST_DIGITS for arg in args):
        raise bomb(name, "a number of more digits than any data has")
    return callee(*args)


def _text(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_count("builtins.str", args, 0, 3)
    check_scalars("builtins.str", args, bool, int, float, str, bytes, type(None))
    if len(args) > 1 and (type(args[1]) is not str or args[1] not in _ENCODINGS):
        raise Refused("builtins.str", "its encoding is none that pickle writes")
    return callee(*args)


def _object(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_count("builtins.object", args, 0, 0)
    return callee()


def _iterator(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = full_name(callee)
    check_count(name, args, 1, 1)
    if type(args[0]) not in (list, tuple, str, bytes, dict, set, range):
        raise Refused(name, "it is given no plain container")
    return callee(*args)


_ITERATORS = tuple(type(iter(each)) for each in ([], (), "", b"", range(0)))


def _counting(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = full_name(callee)
    is_count = callee is enumerate and len(args) == 2 and type(args[1]) is int
    sources = args[:1] if is_count else args
    if any(type(each) not in (*_ITERATORS, list, tuple, str) for each in sources):
        raise Refused(name, "it is given no plain container")
    check_count(name, args, 1, 16)
    return callee(*args)


def _slice(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = "builtins.slice"
    check_count(name, args, 1, 3)
    for bound in args:
        if type(bound) is slice or type(bound) in CONTAINERS or callable(bound):
            raise Refused(name, "its bounds are no scalars")
        gate.refuse_records(name, (bound,))
    return callee(*args)


def _type(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    if len(args) != 1 or args[0] not in (None, Ellipsis, NotImplemented):
        raise Refused("builtins.type", "it makes a class, or reaches one")
    return callee(*args)


def _encode(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "_codecs.encode"
    check_count(name, args, 2, 2)
    text, encoding = args
    if type(text) is not str or type(encoding) is not str or encoding not in _ENCODINGS:
        raise Refused(name, "its encoding is none that pickle writes")
    return callee(text, encoding)


# Collections.


def _deque(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "collections.deque"
    check_count(name, args, 0, 2)
    if args and type(args[0]) not in (list, tuple):
        raise Refused(name, "it is given no list")
    if len(args) == 2 and type(args[1]) not in (int, type(None)):
        raise Refused(name, "its length is no number")
    return callee(*args)


def _defaultdict(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = "collections.defaultdict"
    check_count(name, args, 0, 2)
    if args and args[0] is not None and not _is_factory(gate, args[0]):
        raise Refused(name, "it would call what is no plain type for a missing key")
    if len(args) == 2 and type(args[1]) is not dict:
        raise Refused(name, "it is given no dictionary")
    return callee(*args)


def _is_factory(gate: Gate, factory: Any) -> bool:
    return factory in _FACTORIES or gate.is_trusted(factory)


def _chain_map(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    if any(not isinstance(each, dict) for each in args):
        raise Refused("collections.ChainMap", "it is given no dictionaries")
    return callee(*args)


def _array(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "array.array"
    check_count(name, args, 1, 2)
    check_scalar(name, args[0], str)
    if len(args) == 2 and type(args[1]) not in (list, tuple, bytes, bytearray, str):
        raise Refused(name, "it is given no list of numbers")
    return callee(*args)


def _array_of_bytes(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    import array

    name = "array._array_reconstructor"
    check_count(name, args, 4, 4)
    kinds = [type(each) for each in args[1:]]
    if args[0] is not array.array or kinds != [str, int, bytes]:
        raise Refused(name, "its arguments are not those of an array")
    return callee(*args)


# Numbers and times.


def _decimal(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "decimal.Decimal"
    check_count(name, args, 0, 1)
    if args and type(args[0]) is tuple:
        check_plain(name, args[0], 2)
    else:
        check_scalars(name, args, int, float, str)
    made = callee(*args)
    exponent = made.as_tuple().exponent
    if type(exponent) is int and abs(exponent) > _LARGEST_EXPONENT:
        raise bomb(name, "an exponent that makes it as long as memory when it is used")
    return made


def _fraction(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "fractions.Fraction"
    check_count(name, args, 0, 2)
    check_scalars(name, args, int, str)
    for text in args:
        if type(text) is str and (len(text) > _MOST_DIGITS or "e" in text.lower()):
            raise bomb(name, "an exponent, or more digits than any data has")
    return callee(*args)


def _context(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "decimal.Context"
    check_count(name, args, 0, 8)
    check_scalars(name, args[:6], int, str, type(None))
    for each in args[6:]:
        is_list = type(each) is list and all(_is_signal(signal) for signal in each)
        if each is not None and not is_list:
            raise Refused(name, "its flags are no signals of decimal")
    if args and type(args[0]) is int and args[0] > 1_000_000:
        raise bomb(name, "more digits than any data has")
    return callee(*args)


def _is_signal(signal: Any) -> bool:
    return isinstance(signal, type) and issubclass(signal, decimal.DecimalException)


def _time(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    import datetime as dt

    name = full_name(callee)
    check_count(name, args, 0, 9)
    if args and type(args[0]) in (bytes, str) and not _is_moment(name, args[0]):
        raise Refused(name, "its state is no date and no time")
    for each in args:
        if type(each) is dt.timedelta:
            continue
        if isinstance(each, dt.tzinfo):
            check_zone(name, each)
        else:
            check_scalar(name, each, int, float, str, bytes, type(None), bool)
    return callee(*args)


def _is_moment(name: str, state: Any) -> bool:
    """Whether all numbers in the state of a date or a time are in range.

    The classes look at the month or the hour alone.
    """
    import datetime as dt

    if name not in ("datetime.date", "datetime.time", "datetime.datetime"):
        return True
    numbers = [*state] if type(state) is bytes else [ord(c) for c in state]
    if len(numbers) != {"datetime.date": 4, "datetime.time": 6}.get(name, 10):
        return False
    date, time = (numbers, []) if len(numbers) == 4 else (numbers[:-6], numbers[-6:])
    try:
        if date:
            dt.date(date[0] * 256 + date[1], date[2] & 127, date[3])
        if time:
            micro = time[3] * 65536 + time[4] * 256 + time[5]
            dt.time(time[0] & 127, time[1], time[2], micro)
    except ValueError:
        return False
    return True


_ZONE = re.compile(r"[A-Za-z0-9_+\-]{1,64}(/[A-Za-z0-9_+\-]{1,64}){0,3}", re.ASCII)


def _zone(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 1, 2)
    if type(args[0]) is not str or not _ZONE.fullmatch(args[0]):
        raise Refused(name, "it is given no name of a time zone")
    check_scalars(name, args[1:], int, bool)
    return callee(*args)


def _old_zone(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    check_scalars(name, args, str, int)
    import pytz

    if args and args[0] not in pytz.all_timezones_set:
        raise Refused(name, "it is given no name of a time zone")
    return callee(*args)


# Text, patterns and structures.


def _pattern(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = "re._compile"
    check_count(name, args, 2, 2)
    pattern, flags = args
    check_scalar(name, pattern, str, bytes)
    if not (type(flags) is int or type(flags) is re.RegexFlag) or not 0 <= int(flags) < 512:
        raise Refused(name, "its flags are no flags of a pattern")
    if flags & re.DEBUG:
        raise Refused(name, "it would print")
    try:
        gate.patterns.spend(pattern, int(flags))
    except PartError as error:
        raise bomb(name, str(error)) from None
    return callee(*args)


def _struct(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "_struct.Struct"
    check_count(name, args, 1, 1)
    check_scalar(name, args[0], str, bytes)
    if len(args[0]) > 1000 or struct.calcsize(args[0]) > 1 << 20:
        raise bomb(name, "a structure larger than any data has")
    return callee(*args)


def _header(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 3, 3)
    check_scalars(name, (args[0], args[2]), str)
    module = "email.headerregistry."
    own = type(args[1]) is tuple and all(full_name(base).startswith(module) for base in args[1])
    if not own or not str(args[0]).isidentifier():
        raise Refused(name, "it is given no classes of mail's headers")
    made = callee(*args)
    gate.with_state[id(type(made))] = type(made)
    return made


def _structure(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """Make one of `os`'s or `time`'s tuples with names."""
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 1, 2)
    if type(args[0]) not in (tuple, list) or len(args[0]) > 64:
        raise Refused(name, "it is given no short tuple")
    check_scalars(name, tuple(args[0]))
    if len(args) == 2:
        if type(args[1]) is not dict or len(args[1]) > 64:
            raise Refused(name, "it is given no short dictionary")
        check_plain(name, args[1], 1)
    return callee(*args)


# Exceptions.


def _exception(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate
    check_plain_or_kept(full_name(callee), args)
    if keywords:
        raise Refused(full_name(callee), "it takes no keywords")
    return callee(*args)


def check_plain_or_kept(name: str, args: Args) -> None:
    """Refuse iterators and ranges, which a constructor might run through.

    Raises:
        Refused: if there is one.

    """
    for each in args:
        if type(each) is range or hasattr(type(each), "__next__"):
            raise bomb(name, "it would run through what is no container")


def _unicode_error(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = full_name(callee)
    translates = callee is UnicodeTranslateError
    text = bytes if callee is UnicodeDecodeError else str
    types = [text, int, int, str] if translates else [str, text, int, int, str]
    if [type(each) for each in args] != types:
        raise Refused(name, "its arguments are not those of such an error")
    data, start, end = args[0 if translates else 1 :][:3]
    if not 0 <= start <= end <= len(data) or (len(data) and start >= len(data)):
        raise Refused(name, "its places lie outside of its text")
    return callee(*args)


# Functions kept for later, types and members.


def _partial(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = "functools.partial"
    check_count(name, args, 1, 1)
    _check_pure(gate, name, args[0])
    return callee(*args)


def _check_pure(gate: Gate, name: str, function: Any) -> None:
    if gate.is_trusted(function):
        return
    module, _, own = gate.name_of(function).rpartition(".")
    if not _native.pickle_is_pure(module, own) and not _is_ufunc(function):
        raise Refused(name, "it would call a function that the table does not list as pure")


def _is_ufunc(function: Any) -> bool:
    return type(function).__name__ == "ufunc" and type(function).__module__ == "numpy"


def _partial_state(gate: Gate, value: Any, state: Any) -> None:
    name = "functools.partial"
    if type(state) is not tuple or len(state) != 4:
        raise Refused(name, "its state is none that pickle writes")
    function, args, keywords, attributes = state
    _check_pure(gate, name, function)
    if type(args) is not tuple or type(keywords) not in (dict, type(None)):
        raise Refused(name, "its arguments are no tuple and no dictionary")
    for each in (*args, *(keywords or {}).values()):
        check_plain(name, each, 3)
    if any(type(key) is not str for key in keywords or {}):
        raise Refused(name, "a keyword is no text")
    if attributes is not None:
        if type(attributes) is not dict:
            raise Refused(name, "its attributes are no dictionary")
        check_names(name, type(value), attributes)
    value.__setstate__((function, args, keywords, attributes))


def _reduce(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """`reduce(operator.or_, members)` joins flags of an enum, or types."""
    del keywords
    import operator

    name = "functools.reduce"
    if len(args) != 2 or args[0] is not operator.or_ or type(args[1]) not in (list, tuple):
        raise Refused(name, "it calls a function for each item")
    _check_joined(gate, name, tuple(args[1]))
    return callee(*args)


def _or(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    check_count("operator.or_", args, 2, 2)
    _check_joined(gate, "operator.or_", args)
    return callee(*args)


_UNION = type(int | None)


def _check_joined(gate: Gate, name: str, items: Args) -> None:
    if len(items) > 64:
        raise bomb(name, "more members than any union has")
    for item in items:
        is_type = isinstance(item, (type, types.GenericAlias, _UNION)) or item is None
        if not is_type and not isinstance(item, enum.Flag) and type(item) is not int:
            raise Refused(name, "it joins what are no types and no flags")
        if _weight(item) > 64:
            raise bomb(name, "more members than any union has")
    del gate


def _weight(item: Any) -> int:
    """Count the types in a type."""
    total, waiting = 0, [item]
    while waiting and total < 1000:
        total += 1
        waiting.extend(getattr(waiting.pop(), "__args__", ()) or ())
    return total


def _alias(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "types.GenericAlias"
    check_count(name, args, 2, 2)
    parts = args[1] if type(args[1]) is tuple else (args[1],)
    if not isinstance(args[0], type) or not all(_is_typing(part) for part in parts):
        raise Refused(name, "it is given what is no type")
    if sum(map(_weight, parts)) > 64:
        raise bomb(name, "more types than any annotation has")
    return callee(*args)


def _is_typing(part: Any) -> bool:
    if type(part) in (list, tuple):
        return len(part) <= 64 and all(_is_typing(each) for each in part)
    is_type = isinstance(part, (type, types.GenericAlias, _UNION)) or part in (None, ...)
    return is_type or type(part).__module__ == "typing"


def _subscript(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """`Union[int, str]` of `typing`."""
    del keywords
    name = "operator.getitem"
    check_count(name, args, 2, 2)
    if not gate.name_of(args[0]).startswith("typing.") or not _is_typing(args[1]):
        raise Refused(name, "it looks up an item of what is no type")
    if sum(map(_weight, args[1] if type(args[1]) is tuple else (args[1],))) > 64:
        raise bomb(name, "more types than any annotation has")
    made = callee(*args)
    gate.keep(made, f"typing.{args[0]!r}"[:80])
    return made


def _enum(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 1, 1)
    check_plain(name, args[0], 2)
    return callee(args[0])


def _namespace(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_count("types.SimpleNamespace", args, 0, 0)
    return callee()


def _random_state(gate: Gate, value: Any, state: Any) -> None:
    del gate
    name = "random.Random"
    is_state = type(state) is tuple and len(state) == 3 and type(state[1]) is tuple
    if not is_state or len(state[1]) != 625:
        raise Refused(name, "its state is none that Random writes")
    check_plain(name, state, 2)
    if any(type(word) is not int or not 0 <= word < 1 << 32 for word in state[1]):
        raise Refused(name, "its state is none that Random writes")
    if state[1][624] > 624 or type(state[2]) not in (float, type(None)):
        raise Refused(name, "its state is none that Random writes")
    value.setstate(state)


def _buffer_state(kind: type) -> Callable[[Gate, Any, Any], None]:
    def set_buffer(gate: Gate, value: Any, state: Any) -> None:
        del gate
        name = full_name(type(value))
        expected = [bytes, int] if kind is bytes else [str, str, int]
        is_state = type(state) is tuple and len(state) == len(expected) + 1
        if not is_state or not all(
            type(part) is each or (each is str and part is None)
            for part, each in zip(state, expected, strict=False)
        ):
            raise Refused(name, "its state is none that it writes")
        data, place, attributes = state[0], state[-2], state[-1]
        if not 0 <= place <= len(data) or (kind is str and state[1] not in _NEWLINES):
            raise Refused(name, "its position lies outside of what it holds")
        if attributes is not None:
            if type(attributes) is not dict:
                raise Refused(name, "its attributes are no dictionary")
            check_names(name, type(value), attributes)
        value.__setstate__(state)

    return set_buffer


_NEWLINES = (None, "", "\n", "\r", "\r\n")


def _uuid_state(gate: Gate, value: Any, state: Any) -> None:
    del gate
    name = "uuid.UUID"
    attributes, slots = split(name, state)
    parts = {**attributes, **slots}
    number = parts.get("int")
    if type(number) is not int or not 0 <= number < 1 << 128 or parts.keys() - {"int", "is_safe"}:
        raise Refused(name, "its state is none that it writes")
    safety = parts.get("is_safe")
    if "is_safe" in parts and type(safety).__name__ != "SafeUUID" and type(safety) is not int:
        raise Refused(name, "its state is none that it writes")
    value.__setstate__(parts)


def _parameter_state(gate: Gate, value: Any, state: Any) -> None:
    del gate
    name = full_name(type(value))
    attributes, slots = split(name, state)
    names = {"_default", "_annotation", "_return_annotation"}
    for key, each in {**attributes, **slots}.items():
        if key not in names:
            raise Refused(name, "its state is none that it writes")
        if type(each) in CONTAINERS:
            check_plain(name, each, 4)
            if type(each) is tuple and len(repr(each)) > 10_000:
                raise bomb(name, "a default larger than any parameter has")
        set_slot(name, value, key, each)


def _signature(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "inspect.Signature"
    is_own = len(args) == 1 and type(args[0]) is tuple and len(args[0]) <= 300
    if not is_own or any(full_name(type(each)) != "inspect.Parameter" for each in args[0]):
        raise Refused(name, "it is given no parameters")
    return callee(*args)


def _parameter(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "inspect.Parameter"
    is_own = len(args) == 2 and type(args[0]) is str
    if not is_own or type(args[1]).__name__ != "_ParameterKind":
        raise Refused(name, "it is given no name and kind")
    return callee(*args)


def _morsel_state(gate: Gate, value: Any, state: Any) -> None:
    del gate
    name = "http.cookies.Morsel"
    if type(state) is not dict or state.keys() - {"key", "value", "coded_value"}:
        raise Refused(name, "its state is none that it writes")
    check_scalars(name, tuple(state.values()), str, type(None))
    value.__setstate__(state)


def _place(gate: Gate, value: Any, state: Any) -> None:
    """How far an iterator has come."""
    del gate
    name = full_name(type(value))
    if type(state) is not int or not 0 <= state < 1 << 40:
        raise Refused(name, "its place is no number")
    value.__setstate__(state)


def _user_state(kind: type) -> Callable[[Gate, Any, Any], None]:
    def set_data(gate: Gate, value: Any, state: Any) -> None:
        del gate
        name = full_name(type(value))
        if type(state) is not dict or type(state.get("data")) is not kind:
            raise Refused(name, "it holds no plain data")
        set_state(name, value, state)

    return set_data


def _mail_state(gate: Gate, value: Any, state: Any) -> None:
    del gate
    name = full_name(type(value))
    attributes, _ = split(name, state)
    try:
        check_mail_headers(attributes.get("_headers", []), "_headers")
    except PartError as error:
        raise Refused(name, str(error)) from None
    set_state(name, value, state)


_MAILS = (
    *("message.EmailMessage", "message.Message", "message.MIMEPart"),
    *("mime.application.MIMEApplication", "mime.audio.MIMEAudio", "mime.base.MIMEBase"),
    *("mime.image.MIMEImage", "mime.message.MIMEMessage", "mime.multipart.MIMEMultipart"),
    *("mime.nonmultipart.MIMENonMultipart", "mime.text.MIMEText"),
)


CALLS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(SCALAR_CALLS, _scalars),
    **dict.fromkeys(
        ("datetime.date", "datetime.datetime", "datetime.time", "datetime.timezone"), _time
    ),
    **{f"builtins.{n}": _container for n in ("list", "tuple", "set", "frozenset", "dict")},
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    **{f"builtins.{n}": _number for n in ("int", "float", "complex")},
    "builtins.bool": _plain,
    "builtins.str": _text,
    "builtins.object": _object,
    "builtins.iter": _iterator,
    "builtins.reversed": _iterator,
    "builtins.enumerate": _counting,
    "builtins.zip": _counting,
    "builtins.range": _scalars,
    "builtins.slice": _slice,
    "builtins.type": _type,
    "_codecs.encode": _encode,
    "collections.deque": _deque,
    "collections.defaultdict": _defaultdict,
    "collections.OrderedDict": _container,
    "collections.Counter": _container,
    "collections.ChainMap": _chain_map,
    "array.array": _array,
    "array._array_reconstructor": _array_of_bytes,
    "decimal.Decimal": _decimal,
    "decimal.Context": _context,
    "fractions.Fraction": _fraction,
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "_functools.reduce": _reduce,
    "operator.or_": _or,
    "_operator.or_": _or,
    "operator.getitem": _subscript,
    "_operator.getitem": _subscript,
    "types.GenericAlias": _alias,
    "types.SimpleNamespace": _namespace,
    "types.NoneType": _object,
    "re._compile": _pattern,
    "_struct.Struct": _struct,
    "email.headerregistry._reconstruct_header": _header,
    "zoneinfo.ZoneInfo._unpickle": _zone,
    "zoneinfo._zoneinfo.ZoneInfo._unpickle": _zone,
    "pytz._p": _old_zone,
    "pytz._UTC": _scalars,
    **{f"dateutil.tz.tz.{name}": _time for name in ("tzutc", "tzoffset", "tzlocal")},
    "dateutil.relativedelta.relativedelta": _scalars,
    "inspect.Parameter": _parameter,
    "inspect.Signature": _signature,
    "random.Random": _object,
    "_io.BytesIO": _object,
    "_io.StringIO": _object,
    "uuid.UUID": _scalars,
    **{f"builtins.Unicode{n}Error": _unicode_error for n in ("Decode", "Encode", "Translate")},
}
STATES: dict[str, Callable[[Gate, Any, Any], None]] = {
    "functools.partial": _partial_state,
    "random.Random": _random_state,
    "_io.BytesIO": _buffer_state(bytes),
    "_io.StringIO": _buffer_state(str),
    "uuid.UUID": _uuid_state,
    "http.cookies.Morsel": _morsel_state,
    **{full_name(cls): _place for cls in (*_ITERATORS, type(reversed([])))},
    "inspect.Parameter": _parameter_state,
    "inspect.Signature": _parameter_state,
    **{f"email.{name}": _mail_state for name in _MAILS},
    "collections.UserString": _user_state(str),
    "collections.UserDict": _user_state(dict),
    "collections.UserList": _user_state(list),
}
# Classes of the standard library whose instances are made by their arguments.
_MADE_BY_SCALARS = frozenset(
    """email._header_value_parser.Terminal email._header_value_parser.WhiteSpaceTerminal
    email._header_value_parser.ValueTerminal
    email._header_value_parser.EWWhiteSpaceTerminal""".split()
)


def rule_of_class(callee: Any) -> Callable[..., Any] | None:
    """The rule for calling classes of a kind: exceptions, enums, tuples with names."""
    if not isinstance(callee, type):
        return None
    if issubclass(callee, BaseException):
        return _exception
    if issubclass(callee, enum.Enum):
        return _enum
    if issubclass(callee, ast.AST):
        return _kept
    if issubclass(callee, tuple):
        return _structure if hasattr(callee, "n_sequence_fields") else _named_tuple
    return None


def _named_tuple(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    name = full_name(callee)
    check_plain_or_kept(name, args)
    if callee.__new__ is tuple.__new__:
        if args and type(args[0]) not in (tuple, list):
            raise Refused(name, "it is given no tuple")
    elif not hasattr(callee, "_fields"):
        raise Refused(name, "the table has no rule for calling it")
    del gate
    return callee.__new__(callee, *args, **keywords)


def new(gate: Gate, name: str, cls: type, args: Args, keywords: Keywords) -> Any:
    """Make an instance as `cls.__new__` does.

    Raises:
        Refused: if the arguments are not those that the class is made with.

    """
    from cannery.pickle import _libraries

    if any(is_record(each) for each in keywords.values()):
        raise Refused(name, "it is given a record of what is not trusted")
    made = _libraries.new(gate, name, cls, args, keywords)
    if made is not None:
        return made
    if issubclass(cls, tuple):
        return _named_tuple(gate, cls, args, keywords)
    if keywords:
        raise Refused(name, "it takes no keywords")
    plain = (object, dict, list, set, frozenset, BaseException, collections.OrderedDict)
    if cls is collections.UserString and len(args) == 1 and type(args[0]) is str:
        return cast("Any", cls).__new__(cls)
    if not args and any(cls.__new__ is base.__new__ for base in plain):
        return cast("Any", cls).__new__(cls)
    if name in CALLS and cls.__new__ is not object.__new__:
        CALLS[name](gate, cls, args, {})  # the class itself says whether these are its arguments
        return cls.__new__(cls, *args)
    for base in (int, float, complex, str, bytes, list, dict, set, frozenset):
        is_plain = issubclass(cls, base) and (
            cls.__new__ is base.__new__ or name in _MADE_BY_SCALARS
        )
        if is_plain and args and type(args[0]) is base:
            check_scalars(name, args[1:])
            return cast("Any", cls).__new__(cls, *args)
    if issubclass(cls, BaseException):
        check_plain_or_kept(name, args)
        return cls.__new__(cls, *args)
    raise Refused(name, "the table has no rule for making it with these arguments")


def is_scalar(value: Any) -> bool:
    """Whether a value is one of the plain scalars."""
    return type(value) in SCALARS
