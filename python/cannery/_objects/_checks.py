"""What the parts of an object have to be: checked before anything is made of them.

A maker gets parts that a file wrote. Before it runs, every part has been compared with a check
that its table row names: an exact built-in type, a bounded size, an exact array. So no maker meets
an object with methods of its own, and no constructor of a library is handed one.

A part that stayed a `Record` is not an error of the file: the object becomes a record itself
(`Untrusted`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cannery._objects._record import Record

Parts = dict[str, Any]
Check = Callable[[Any, str], None]
"""Takes a part and its path; raises `PartError`, or `Untrusted` where it is a record."""


class PartError(ValueError):
    """A part that is missing, not expected, of another type, too large or inconsistent."""


class Untrusted(Exception):  # noqa: N818 - not an error: the object stays a record
    """A part is a record of a type that was not trusted, where the object needs a value."""

    def __init__(self, type_name: str) -> None:
        super().__init__(type_name)
        self.type_name = type_name


class CheckedMaker(NamedTuple):
    """A maker and what its parts have to be."""

    make: Callable[[Parts], Any]
    required: Mapping[str, Check]
    optional: Mapping[str, Check]

    def __call__(self, parts: Parts) -> Any:
        """Check every part, then make the object.

        Raises:
            PartError: if a part is missing, unknown, or not what the table says.
            Untrusted: if a part is a record where a value is needed.

        """
        self.check(parts)
        return self.make(parts)

    def check(self, parts: Parts) -> None:
        """Check every part, and that none is missing."""
        check_parts(parts, self.required, self.optional)


def checked(
    make: Callable[[Parts], Any], required: Mapping[str, Check], **optional: Check
) -> CheckedMaker:
    """Pair a maker with the checks of its parts; optional parts are given by keyword."""
    return CheckedMaker(make, required, optional)


def check_parts(
    parts: Parts, required: Mapping[str, Check], optional: Mapping[str, Check] | None = None
) -> None:
    """Check that `parts` has every required part, no unknown one, and that each is as stated."""
    optional = optional or {}
    for name, check in required.items():
        if name not in parts:
            raise PartError(f"the part {name!r} is missing")
        check(parts[name], name)
    if len(parts) == len(required):
        return
    for name, value in parts.items():
        if name in required:
            continue
        if name not in optional:
            raise PartError(f"there is no part {name!r}")
        optional[name](value, name)


def mismatch(value: Any, path: str, expected: str) -> Exception:
    """The error for a part that is not what was expected: to be raised by a check."""
    if type(value) is Record:
        return Untrusted(value.__type_name__)
    cls = type(value)
    name = cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
    return PartError(f"the part {path!r}: expected {expected}, got {name}")


# Exact built-in types.


def exact(*types: type) -> Check:
    """A value whose type is one of these, not a subclass: it has no methods of its own."""
    expected = " or ".join(cls.__name__ for cls in types)

    def check(value: Any, path: str) -> None:
        if type(value) not in types:
            raise mismatch(value, path, expected)

    return check


def integer(low: int | None = None, high: int | None = None) -> Check:
    """An `int` within bounds, both included."""

    def check(value: Any, path: str) -> None:
        if type(value) is not int:
            raise mismatch(value, path, "int")
        if (low is not None and value < low) or (high is not None and value > high):
            raise PartError(f"the part {path!r}: {_short(value)} is out of range")

    return check


def _short(value: int) -> str:
    return str(value) if value.bit_length() <= 128 else f"an integer of {value.bit_length()} bits"


def text(longest: int = 1 << 16) -> Check:
    """A `str` that is not longer than this."""

    def check(value: Any, path: str) -> None:
        if type(value) is not str:
            raise mismatch(value, path, "str")
        if len(value) > longest:
            raise PartError(f"the part {path!r}: a text of {len(value)} characters is too long")

    return check


def one_of(*values: Any) -> Check:
    """One of a few values, compared by type and value."""
    allowed = [(type(value), value) for value in values]

    def check(value: Any, path: str) -> None:
        if (type(value), value) not in allowed:
            expected = " or ".join(repr(value) for value in values)
            raise mismatch(value, path, expected)

    return check


def instance_of(cls: type) -> Check:
    """An instance of a class of Python's own, or of one that stands below it in the table."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, cls):
            raise mismatch(value, path, cls.__name__)

    return check


def either(*checks: Check) -> Check:
    """A value that passes one of the checks; the error is that of the last."""

    def check(value: Any, path: str) -> None:
        for each in checks[:-1]:
            try:
                return each(value, path)
            except (PartError, Untrusted):
                continue
        return checks[-1](value, path)

    return check


def optional(check: Check) -> Check:
    """`None`, or a value that passes the check."""

    def check_optional(value: Any, path: str) -> None:
        if value is not None:
            check(value, path)

    return check_optional


def sequence_of(item: Check, *types: type, length: int | None = None) -> Check:
    """A list or tuple (or one of `types`) whose items pass a check."""
    kinds = types or (list, tuple)
    is_sequence = exact(*kinds)

    def check(value: Any, path: str) -> None:
        is_sequence(value, path)
        if length is not None and len(value) != length:
            raise PartError(f"the part {path!r}: expected {length} items, got {len(value)}")
        for at, each in enumerate(value):
            item(each, f"{path}[{at}]")

    return check


def tuple_of(*items: Check) -> Check:
    """A tuple or list of a fixed length, each item with a check of its own."""

    def check(value: Any, path: str) -> None:
        exact(tuple, list)(value, path)
        if len(value) != len(items):
            raise PartError(f"the part {path!r}: expected {len(items)} items, got {len(value)}")
        for at, (item, each) in enumerate(zip(items, value, strict=True)):
            item(each, f"{path}[{at}]")

    return check


def dict_of(key: Check, item: Check) -> Check:
    """A `dict` whose keys and values pass checks."""

    def check(value: Any, path: str) -> None:
        exact(dict)(value, path)
        for name, each in value.items():
            key(name, f"{path} key")
            item(each, f"{path}[{name!r}]")

    return check


def held(value: Any, path: str) -> None:
    """Any value that is only kept, never used by whatever is made: records included."""
    del value, path


def value(value: Any, path: str) -> None:
    """Any value but a record of a type that was not trusted."""
    if type(value) is Record:
        raise Untrusted(value.__type_name__)
    del path


def refuse_records(value: Any, path: str) -> None:
    """Refuse a record of a type that was not trusted, also within plain containers.

    For what an object computes with: where its parts are only held, records may stay.

    Raises:
        Untrusted: if there is one.

    """
    if type(value) in _LEAVES:
        return
    waiting, seen = [value], set[int]()
    while waiting:
        value = waiting.pop()
        if type(value) is Record:
            raise Untrusted(value.__type_name__)
        if type(value) in _CONTAINERS and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value)
            if type(value) is dict:
                waiting.extend(value.values())
    del path


_LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes})
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})


def leaf(value: Any, path: str) -> None:
    """A scalar of Python's own: `None`, a number, text or bytes."""
    if type(value) not in _LEAVES:
        raise mismatch(value, path, "a scalar")


BOOL = exact(bool)
INT = exact(int)
FLOAT = exact(float)
NUMBER = exact(int, float)
TEXT = exact(str)
DATA = exact(bytes)
NOTHING = exact(type(None))
PLAIN_LIST = exact(list)
PLAIN_DICT = exact(dict)


# Libraries' values.


def array(kinds: str, ndim: int | None = None) -> Check:
    """An exact NumPy array of these `dtype.kind`s, fields not included, of `ndim` dimensions.

    Subclasses have methods of their own, and are refused; so are arrays of objects where `"O"` is
    not among the kinds.
    """

    def check(value: Any, path: str) -> None:
        numpy = sys.modules.get("numpy")
        if numpy is None or type(value) not in (numpy.ndarray, numpy.memmap):
            raise mismatch(value, path, "numpy.ndarray")
        if value.dtype.kind not in kinds:
            raise PartError(
                f"the part {path!r}: an array of {value.dtype} is not expected here, "
                f"but one of kind {' '.join(kinds)}"
            )
        if ndim is not None and value.ndim != ndim:
            raise PartError(f"the part {path!r}: expected {ndim} dimensions, got {value.ndim}")
        if value.nbytes == 0:
            _check_empty(value.shape, value.dtype.itemsize, path)

    return check


def native_array(kinds: str, ndim: int | None = None, *itemsizes: int) -> Check:
    """An array that compiled code may read as it lies in memory, of one of these item sizes.

    Its elements are in the byte order of the machine, and at addresses that fit them.
    """
    is_array = array(kinds, ndim)

    def check(value: Any, path: str) -> None:
        is_array(value, path)
        if not value.dtype.isnative or not value.flags.aligned:
            raise PartError(f"the part {path!r}: {value.dtype} in the byte order of other machines")
        if itemsizes and value.dtype.itemsize not in itemsizes:
            raise PartError(f"the part {path!r}: {value.dtype} is not expected here")

    return check


LARGEST_EMPTY = 1 << 22
"""How large a dimension may be that no bytes of a file stand for: results of such a shape fit
into tens of megabytes."""

LARGEST_ITEM = 1 << 24
"""How many bytes one element may have where there are none of it: NumPy makes room for one."""


def explained(nbytes: int) -> int:
    """How large a dimension may be that `nbytes` of data stand for, though not one by one."""
    return LARGEST_EMPTY + 64 * nbytes


def _check_empty(shape: tuple[int, ...], itemsize: int, path: str) -> None:
    if itemsize > LARGEST_ITEM:
        raise PartError(f"the part {path!r}: elements of {itemsize} bytes, and none is there")
    check_shape(shape, path)


def check_shape(shape: tuple[int, ...], path: str) -> None:
    """Check that the dimensions of a shape without elements are no bomb for what sums them up."""
    size = 1
    for side in shape:
        size *= max(side, 1)
    if size > LARGEST_EMPTY:
        raise PartError(f"the part {path!r}: the shape {list(shape)} is too large for no data")


def dtype(kinds: str) -> Check:
    """A NumPy element type of these kinds."""

    def check(value: Any, path: str) -> None:
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(value, numpy.dtype):
            raise mismatch(value, path, "numpy.dtype")
        if value.kind not in kinds:
            raise PartError(f"the part {path!r}: the type {value} is not expected here")

    return check


def numpy_scalar(value: Any, path: str) -> None:
    """One of NumPy's own numbers, dates or texts; not a record with fields."""
    numpy = sys.modules.get("numpy")
    is_own = numpy is not None and type(value).__module__ == "numpy"
    if not (numpy and is_own and isinstance(value, numpy.generic)) or value.dtype.kind in "VO":
        raise mismatch(value, path, "a number")


def buffer(value: Any, path: str) -> None:
    """Long bytes: `bytes`, or the one-dimensional `uint8` array that `.can` keeps them as."""
    if type(value) not in (bytes, bytearray):
        array("u", 1)(value, path)
        if value.dtype.itemsize != 1:
            raise PartError(f"the part {path!r}: expected bytes, got {value.dtype}")


def instance(module: str, *names: str) -> Check:
    """An instance of one of a library's own classes, or of a subclass that the library defines."""
    package = module.partition(".")[0]
    expected = " or ".join(f"{module}.{name}" for name in names)

    def check(value: Any, path: str) -> None:
        loaded = sys.modules.get(module)
        classes = tuple(getattr(loaded, name) for name in names) if loaded else ()
        is_own = type(value).__module__.partition(".")[0] == package
        if not (is_own and isinstance(value, classes)):
            raise mismatch(value, path, expected)

    return check
