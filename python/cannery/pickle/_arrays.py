"""The rules of NumPy's arrays, element types and scalars: no array of objects is made of bytes."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from cannery import _native
from cannery.pickle._limits import Made, check_count, check_scalars, full_name, is_record
from cannery.pickle._refused import Refused, bomb

if TYPE_CHECKING:
    from cannery.pickle._gate import Gate

Args = tuple[Any, ...]
Keywords = dict[str, Any]

_MOST_DIMENSIONS = 64
_DEEPEST_FIELD = 16
_MOST_FIELDS = 10_000
_LARGEST_ITEM = 1 << 26
_MOST_EMPTY = 1 << 16
_TYPE = re.compile(r"[<>|=]?[?a-zA-Z][a-zA-Z0-9_]{0,15}(\[[0-9]{0,6}[a-zA-Z]{1,2}\])?", re.ASCII)
_NAME = "numpy.ndarray"


def _numpy() -> Any:
    return sys.modules["numpy"]


# Element types.


def _dtype(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """Make an element type that is no other code's: its state is set in place."""
    del keywords
    name = "numpy.dtype"
    check_count(name, args, 1, 3)
    kind = args[0]
    numpy = _numpy()
    if type(kind) is str:
        if not _TYPE.fullmatch(kind):
            raise Refused(name, "it is given no name of an element type")
    elif isinstance(kind, numpy.dtype):
        pass
    elif not isinstance(kind, type) or not _is_element(gate, kind):
        raise Refused(name, "it is given no class of elements")
    if any(type(flag) not in (bool, int) for flag in args[1:]):
        raise Refused(name, "its flags are no truth values")
    made = callee(kind, False, True)
    _check_item(name, made.itemsize)
    gate.fresh[id(made)] = made
    return made


def _is_element(gate: Gate, kind: type) -> bool:
    known = issubclass(kind, _numpy().generic) or kind in (bool, int, float, complex, str, bytes)
    return known or gate.name_of(kind).startswith(("ml_dtypes.", "numpy.dtypes."))


def _check_item(name: str, size: int) -> None:
    if size > _LARGEST_ITEM:
        raise bomb(name, "elements larger than any data has")


def dtype_state(gate: Gate, value: Any, state: Any) -> None:
    """Set the state of an element type, as NumPy writes it for what it consists of.

    What the file says of flags, sizes and alignment is not believed: an honest type is made of the
    same parts, and its state is taken.

    Raises:
        Refused: if the state is not that of such a type.

    """
    name = "numpy.dtype"
    if gate.fresh.pop(id(value), None) is None:
        raise Refused(name, "it is given a state twice, or is not the pickle's own")
    if type(state) is not tuple or not 8 <= len(state) <= 9 or state[0] not in (3, 4):
        raise Refused(name, "its state is none that NumPy writes")
    honest = _honest(name, value, state)
    flags, expected = state[7], honest.__reduce__()[2][7]
    if type(flags) is not int or (flags ^ expected) & 7:
        raise Refused(name, "its flags say that numbers are addresses, or the reverse")
    _check_item(name, honest.itemsize)
    value.__setstate__(honest.__reduce__()[2])
    if value != honest or value.hasobject != honest.hasobject:
        raise Refused(name, "its state is none that NumPy writes")


def _honest(name: str, value: Any, state: Args) -> Any:
    numpy = _numpy()
    _, order, subarray, names, fields, size, alignment, _ = state[:8]
    if type(order) is bytes:
        order = order.decode("latin-1")
    if order not in ("<", ">", "|", "="):
        raise Refused(name, "its byte order is none")
    try:
        if subarray is not None:
            base, shape = subarray
            _check_part(name, base)
            return numpy.dtype((base, _shape(name, shape)))
        if names is not None:
            return _record(name, value, names, fields, size, alignment, state[7])
        if fields is not None:
            raise Refused(name, "its fields have no names")
        return _simple(name, value, order, size, state)
    except Refused:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(name, f"its state is none that NumPy writes: {error}") from None


def _check_part(name: str, part: Any) -> None:
    if not isinstance(part, _numpy().dtype):
        raise Refused(name, "a part of it is no element type")
    _check_depth(name, part, _DEEPEST_FIELD)


def _check_depth(name: str, part: Any, left: int) -> None:
    if left == 0:
        raise bomb(name, "fields nested deeper than any data has")
    inner = [each[0] for each in (part.fields or {}).values()]
    if part.subdtype is not None:
        inner.append(part.subdtype[0])
    if len(inner) > _MOST_FIELDS:
        raise bomb(name, "more fields than any data has")
    for each in inner:
        _check_depth(name, each, left - 1)


def _record(
    name: str, value: Any, names: Any, fields: Any, size: Any, alignment: Any, flags: Any
) -> Any:
    if type(names) is not tuple or type(fields) is not dict or len(names) > _MOST_FIELDS:
        raise Refused(name, "its fields are none that NumPy writes")
    described: dict[str, list[Any]] = {"names": [], "formats": [], "offsets": [], "titles": []}
    for key in names:
        field = fields.get(key) if type(key) is str else None
        if type(field) is not tuple or not 2 <= len(field) <= 3 or type(field[1]) is not int:
            raise Refused(name, "its fields are none that NumPy writes")
        if key.startswith("__"):
            raise Refused(name, "a field has the name of a protocol")
        _check_part(name, field[0])
        title = field[2] if len(field) == 3 else None
        if title is not None and type(title) is not str:
            raise Refused(name, "a title of a field is no text")
        for part, each in zip(described.values(), (key, field[0], field[1], title), strict=True):
            part.append(each)
    extra = fields.keys() - set(names) - {title for title in described["titles"] if title}
    if extra or type(size) is not int:
        raise Refused(name, "its fields are none that NumPy writes")
    numpy = _numpy()
    whole: dict[str, Any] = {**described, "itemsize": size}
    is_aligned = type(flags) is int and bool(flags & 128) and type(alignment) is int
    made = numpy.dtype(whole, align=is_aligned and alignment > 1)
    return numpy.dtype((value.type, made)) if value.type is not numpy.void else made


def _simple(name: str, value: Any, order: str, size: Any, state: Args) -> Any:
    numpy = _numpy()
    made = value
    if value.kind in "SUV" and type(size) is int and size > 0:
        unit = 4 if value.kind == "U" else 1
        if size % unit or (value.itemsize and size != value.itemsize):
            raise Refused(name, "its size is not that of its name")
        made = numpy.dtype(f"{value.kind}{size // unit}")
    elif type(size) is int and size not in (-1, value.itemsize):
        raise Refused(name, "its size is not that of its name")
    if value.kind in "mM" and len(state) == 9:
        made = numpy.dtype(f"{value.kind}8{_unit(name, state[8])}")
    return made.newbyteorder(order) if order in "<>" else made


def _unit(name: str, metadata: Any) -> str:
    """The unit of times, `[25s]`, out of a state of version 4."""
    if metadata is None:
        return ""
    is_pair = type(metadata) is tuple and len(metadata) == 2
    unit = metadata[1] if is_pair else None
    if type(unit) is not tuple or len(unit) != 4 or metadata[0]:
        raise Refused(name, "its unit is none that NumPy writes")
    base, number, divisor, _ = unit
    base = base.decode("latin-1") if type(base) is bytes else base
    if type(number) is not int or not 0 < number < 1 << 31 or divisor != 1:
        raise Refused(name, "its unit is none that NumPy writes")
    if base not in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "μs", "ns", "ps", "fs", "as"):
        return "" if base == "generic" else _refuse(name, "its unit is none that NumPy writes")
    return f"[{number}{base}]" if number != 1 else f"[{base}]"


def _refuse(name: str, reason: str) -> Any:
    raise Refused(name, reason)


# Arrays.


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    shape = (shape,) if type(shape) is int else shape
    if type(shape) is not tuple or len(shape) > _MOST_DIMENSIONS:
        raise Refused(name, "its shape is no short tuple")
    if any(type(size) is not int or not 0 <= size < 1 << 62 for size in shape):
        raise Refused(name, "its shape holds what is no size")
    return shape


def check_numbers(name: str, dtype: Any, data: Any, shape: tuple[int, ...]) -> None:
    """Look at a buffer that is to become an array: the one way there is from bytes to arrays.

    Raises:
        Refused: if elements are objects, or the bytes are not as many as the shape says.

    """
    try:
        _native.refuse_objects(dtype)
    except ValueError as error:
        raise Refused(name, str(error)) from None
    view = memoryview(data)
    if view.nbytes != dtype.itemsize * math.prod(shape):
        raise Refused(name, "its bytes are not as many as its shape says")
    if dtype.itemsize == 0 and math.prod(shape) > _MOST_EMPTY:
        raise bomb(name, "items without bytes, more than any data has")
    largest = math.prod(size for size in shape if size)
    if largest * max(dtype.itemsize, 1) >= 1 << 62:
        raise Refused(name, "its shape is larger than any memory")


def _reconstruct(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    numpy, name = _numpy(), "numpy._core.multiarray._reconstruct"
    check_count(name, args, 3, 3)
    cls, shape, code = args
    if not isinstance(cls, type) or not issubclass(cls, numpy.ndarray):
        raise Refused(name, "it is given no class of arrays")
    if not gate.is_trusted(cls):
        gate.name_of(cls)
    if shape not in ((0,), (), 0) or code not in (b"b", "b"):
        raise Refused(name, "its shape is not that of an empty array")
    return _fresh(gate, callee(cls, (0,), b"b"))


def _fresh(gate: Gate, array: Any) -> Any:
    gate.fresh[id(array)] = array
    return array


def _masked(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    numpy, name = _numpy(), gate.name_of(callee)
    check_count(name, args, 4, 4)
    cls, base, shape, code = args
    if not _is_listed_array(gate, cls, numpy.ma.MaskedArray) or base is not numpy.ndarray:
        raise Refused(name, "it is given no classes of arrays")
    if shape not in ((0,), ()) or code not in (b"b", "b"):
        raise Refused(name, "its shape is not that of an empty array")
    return _fresh(gate, callee(cls, base, (0,), "b"))


def _is_listed_array(gate: Gate, cls: Any, base: type) -> bool:
    return isinstance(cls, type) and issubclass(cls, base) and bool(gate.name_of(cls))


def array_state(gate: Gate, value: Any, state: Any) -> None:
    """Fill an array that `_reconstruct` has made empty.

    Raises:
        Refused: if the state is not one that NumPy writes.

    """
    numpy, name = _numpy(), full_name(type(value))
    if gate.fresh.pop(id(value), None) is None:
        raise Refused(name, "it is given a state twice, or is not the pickle's own")
    is_masked = isinstance(value, numpy.ma.MaskedArray)
    if type(state) is not tuple or len(state) != (7 if is_masked else 5) or state[0] != 1:
        raise Refused(name, "its state is none that NumPy writes")
    _, shape, dtype, is_fortran, data = state[:5]
    shape = _shape(name, shape)
    if type(dtype) not in _plain_types():
        _check_part(name, dtype)
    if type(is_fortran) not in (bool, int):
        raise Refused(name, "its order is none")
    _check_data(name, dtype, data, shape)
    if is_masked:
        mask = numpy.ma.make_mask_descr(dtype)
        _check_data(name, mask, state[5], shape)
        _check_fill(name, state[6])
    value.__setstate__((1, shape, dtype, bool(is_fortran), *state[4:]))
    if value.dtype.hasobject:
        if type(data) is not list:
            raise Refused(name, "an array of objects was made of bytes")
        gate.note_depth(name, value, (data,))


@cache
def _plain_types() -> frozenset[type]:
    """Classes of element types without parts."""
    return frozenset(type(_numpy().dtype(code)) for code in "?bhilqBHILQefdgFDG")


def _check_data(name: str, dtype: Any, data: Any, shape: tuple[int, ...]) -> None:
    if type(data) is list and dtype.hasobject:
        if len(data) != math.prod(shape) or len(shape) > 32:
            raise Refused(name, "its items are not as many as its shape says")
        if dtype.fields is not None or dtype.subdtype is not None:
            check_records(name, data)
    elif type(data) is str:
        check_numbers(name, dtype, data.encode("latin-1"), shape)
    elif type(data) in (bytes, bytearray):
        check_numbers(name, dtype, data, shape)
    else:
        raise Refused(name, "its data are no bytes")


def check_records(name: str, items: list[Any]) -> None:
    """Look at the items of an array of records, which are tuples.

    Raises:
        Refused: if one is anything else.

    """
    for item in items:
        if type(item) is not tuple:
            raise Refused(name, "an item of it is no tuple")


def _check_fill(name: str, value: Any) -> None:
    numpy = _numpy()
    plain = (type(None), bool, int, float, complex, str, bytes, tuple)
    if (
        type(value) not in plain
        and not isinstance(value, numpy.generic)
        and type(value) is not numpy.ndarray
    ):
        raise Refused(name, "its fill value is no scalar")


def _frombuffer(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "numpy._core.numeric._frombuffer"
    check_count(name, args, 4, 5)
    data, dtype, shape, order = args[:4]
    _check_part(name, dtype)
    shape = _shape(name, shape)
    if order not in ("C", "F", "K", "A") or type(data).__name__ == "ndarray" or len(args) > 4:
        raise Refused(name, "its arguments are not those of an array")
    try:
        check_numbers(name, dtype, data, shape)
    except TypeError:
        raise Refused(name, "its data are no buffer") from None
    made = callee(data, dtype, shape, order)
    if made.dtype.hasobject or made.dtype != dtype:
        raise Refused(name, "an array of objects was made of bytes")
    return made


def _scalar(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name, numpy = "numpy._core.multiarray.scalar", _numpy()
    check_count(name, args, 2, 2)
    dtype, data = args
    if type(dtype) not in _plain_types():
        _check_part(name, dtype)
    if dtype.hasobject:
        is_same = type(data) is numpy.ndarray and data.dtype == dtype and data.size == 1
        if not is_same or dtype.kind != "V":
            raise Refused(name, "a scalar of objects is made of something else")
        return callee(dtype, data)
    data = data.encode("latin-1") if type(data) is str else data
    if type(data) is not bytes:
        raise Refused(name, "its data are no bytes")
    check_numbers(name, dtype, data, ())
    return callee(dtype, data)


def _ufunc(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, callee, keywords
    name, numpy = "numpy._core._ufunc_reconstruct", _numpy()
    check_count(name, args, 2, 2)
    check_scalars(name, args, str)
    module, own = args
    packages = ("numpy", "scipy.special")
    if not own.isidentifier() or own.startswith("_") or not module.startswith(packages):
        raise Refused(name, "it would import a module that has no ufuncs")
    loaded = sys.modules.get(module)
    found = vars(loaded).get(own) if loaded is not None else None
    if not isinstance(found, numpy.ufunc):
        raise Refused(name, "it would import a module that has no ufuncs")
    return found


def _string_type(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name = "numpy.dtypes.StringDType"
    check_count(name, args, 1, 2)
    if type(args[0]) is not bool:
        raise Refused(name, "its arguments are not those of such a type")
    for each in args[1:]:
        is_missing = type(each) in (str, float, type(None)) or type(each).__name__ == "NAType"
        if not is_missing:
            raise Refused(name, "it is given no missing value")
    return callee(*args)


def _time(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_scalars(full_name(callee), args, int, str)
    return callee(*args)


def _number(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """One of NumPy's numbers, of one of Python's."""
    del gate, keywords
    name = full_name(callee)
    check_count(name, args, 1, 1)
    check_scalars(name, args, bool, int, float, complex)
    return callee(args[0])


def _axis_error(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    check_scalars(full_name(callee), args)
    return callee(*args)


def _ctor(of: str) -> Callable[..., Any]:
    """`__generator_ctor(bit_generator)` and its like."""

    def make(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
        del keywords
        name = gate.name_of(callee)
        check_count(name, args, 1, 2)
        first, rest = args[0], args[1:]
        if of == "bits":
            is_own = _is_bit_generator(first)
        else:
            is_own = _is_bit_generator(first) or _is_bit_generator(type(first))
        helpers = ("__bit_generator_ctor", "__randomstate_ctor", "__generator_ctor")
        is_own = is_own and all(getattr(each, "__name__", "") in helpers for each in rest)
        if not is_own:
            raise Refused(name, "it is given no generator of NumPy")
        return keep_made(gate, callee(*args), args)

    return make


def keep_made(gate: Gate, made: Any, args: Args) -> Any:
    """Keep an object of NumPy in mind, for the look at the end."""
    if id(made) not in gate.made:
        gate.made[id(made)] = Made(made, full_name(type(made)), args)
    return made


_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def _is_bit_generator(kind: Any) -> bool:
    if type(kind) is str:
        return kind in _GENERATORS
    is_own = isinstance(kind, type) and kind.__module__.startswith("numpy.random.")
    return is_own and kind.__name__ in _GENERATORS


def _poly(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del gate, keywords
    name, numpy = "numpy.poly1d", _numpy()
    check_count(name, args, 1, 1)
    is_array = type(args[0]) is numpy.ndarray and args[0].dtype.kind in "biufc"
    if not is_array and type(args[0]) not in (list, tuple):
        raise Refused(name, "it is given no coefficients")
    if not is_array:
        check_scalars(name, tuple(args[0]), bool, int, float, complex)
    return callee(*args)


CALLS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _dtype,
    **{
        f"numpy.{core}.{name}": rule
        for core in ("core", "_core")
        for name, rule in (
            ("multiarray._reconstruct", _reconstruct),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _frombuffer),
            ("_ufunc_reconstruct", _ufunc),
            ("_internal._convert_to_stringdtype_kwargs", _string_type),
        )
    },
    "numpy.ma.core._mareconstruct": _masked,
    "numpy.ma._mareconstruct": _masked,
    "numpy.datetime64": _time,
    "numpy.timedelta64": _time,
    "numpy.exceptions.AxisError": _axis_error,
    "numpy.poly1d": _poly,
    "numpy.lib._polynomial_impl.poly1d": _poly,
    "numpy.random._pickle.__bit_generator_ctor": _ctor("bits"),
    "numpy.random._pickle.__generator_ctor": _ctor("generator"),
    "numpy.random._pickle.__randomstate_ctor": _ctor("generator"),
    "numpy.random.mtrand.__randomstate_ctor": _ctor("generator"),
}
STATES: dict[str, Callable[[Gate, Any, Any], None]] = {}


def state_of_class(cls: type) -> Callable[[Gate, Any, Any], None] | None:
    """The rule for the states of arrays and element types."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if issubclass(cls, numpy.dtype):
        return dtype_state
    if issubclass(cls, numpy.ndarray) and cls.__module__.partition(".")[0] == "numpy":
        return array_state
    return None


def new(gate: Gate, cls: type, args: Args) -> Any:
    """Make one of NumPy's numbers; no array is made like this.

    Raises:
        Refused: for arrays, and for scalars that take a size.

    """
    numpy = _numpy()
    name = gate.name_of(cls)
    if issubclass(cls, (numpy.number, numpy.bool_)):
        return _number(gate, cls, args, {})
    if issubclass(cls, (numpy.ndarray, numpy.generic, numpy.dtype)):
        raise Refused(name, "it would allocate what the file claims")
    return None


def has_records(value: Any) -> bool:
    """Whether an array of objects holds records of what is not trusted."""
    return value.dtype.kind == "O" and any(map(is_record, value.ravel().tolist()))
