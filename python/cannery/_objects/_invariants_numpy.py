"""What NumPy's compiled code relies on: element types, arrays, and states of random generators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cannery._objects._checks import (
    DATA,
    LARGEST_ITEM,
    NOTHING,
    TEXT,
    Check,
    PartError,
    array,
    check_parts,
    check_shape,
    dtype,
    either,
    exact,
    instance,
    integer,
    mismatch,
    native_array,
    one_of,
    optional,
    sequence_of,
    text,
    tuple_of,
)
from cannery._objects._checks import numpy_scalar as numpy_scalar
from cannery._objects._labels import PROTOCOLS

UINT32, UINT64, UINT128 = (integer(0, 2**bits - 1) for bits in (32, 64, 128))
INT64 = integer(-(2**63), 2**63 - 1)
ANY_KIND = "?biufcmMOSUVT"
NUMBERS = "biufc"
_DEEPEST_TYPE = 32


# Element types.


def check_dtype(value: Any, path: str = "dtype") -> None:
    """Check that an element type is NumPy's own, and that one element is not too large."""
    if not isinstance(value, np.dtype):
        raise mismatch(value, path, "numpy.dtype")
    if value.itemsize > LARGEST_ITEM:
        raise PartError(f"the part {path!r}: elements of {value.itemsize} bytes are too large")
    _check_fields(value, path, _DEEPEST_TYPE)


def _check_objects(value: Any, path: str) -> None:
    """Check that a type says so if its elements refer to objects: NumPy believes its flags."""
    inner = [field[0] for field in (value.fields or {}).values()]
    inner += [] if value.subdtype is None else [value.base]
    if value.hasobject != (value.kind in "OT" or any(each.hasobject for each in inner)):
        raise PartError(f"the part {path!r}: the flags of the type {value} are wrong")
    if value.kind in "?biufcmMO" and value.itemsize != np.dtype(value.char).itemsize:
        raise PartError(f"the part {path!r}: the size of the type {value} is wrong")


def _check_fields(value: Any, path: str, left: int) -> None:
    if left == 0:
        raise PartError(f"the part {path!r}: the type is nested too deeply")
    _check_objects(value, path)
    if value.subdtype is not None:
        _check_fields(value.base, path, left - 1)
    for name, field in (value.fields or {}).items():
        if name in PROTOCOLS:
            raise PartError(f"the part {path!r}: {name!r} is the name of a protocol")
        inner, offset = field[:2]
        if offset < 0 or offset + inner.itemsize > value.itemsize:
            raise PartError(f"the part {path!r}: the field {name!r} lies outside of the element")
        _check_fields(inner, path, left - 1)


def check_array(value: Any, path: str = "array") -> None:
    """Check that an array is NumPy's own, and that its shape is that of its data."""
    if not isinstance(value, np.ndarray) or type(value).__module__.partition(".")[0] != "numpy":
        raise mismatch(value, path, "numpy.ndarray")
    check_dtype(value.dtype, path)
    if value.nbytes == 0:
        check_shape(value.shape, path)


def check_masked(value: Any) -> None:
    """Check that the mask of an array is one, of its shape."""
    check_array(value)
    mask = np.ma.getmask(value)
    if mask is np.ma.nomask:
        return
    if type(mask) is not np.ndarray or mask.shape != value.shape:
        raise PartError("the part 'mask': it is not of the shape of the data")
    if mask.dtype != np.ma.make_mask_descr(value.dtype):
        raise PartError(f"the part 'mask': a mask of {mask.dtype}")
    fill_value = value._fill_value
    if fill_value is not None and np.shape(fill_value) != ():
        raise PartError("the part 'fill_value': it is not one value")


# Random generators: their states say where in a buffer they are.

_KEY = native_array("u", 1, 4)
_WORDS = native_array("u", 1, 8)


def _words(length: int) -> Check:
    def check(value: Any, path: str) -> None:
        _WORDS(value, path)
        if value.shape != (length,):
            raise PartError(f"the part {path!r}: expected {length} words, got {value.shape}")

    return check


def _key(value: Any, path: str) -> None:
    _KEY(value, path)
    if value.shape != (624,):
        raise PartError(f"the part {path!r}: expected 624 words, got {value.shape}")


def record_of(required: dict[str, Check], **more: Check) -> Check:
    """A `dict` with these entries, and none but these."""

    def check(value: Any, path: str) -> None:
        exact(dict)(value, path)
        check_parts(value, required, more)

    return check


_HALF = {"has_uint32": integer(0, 1), "uinteger": UINT32}
_PCG = {"state": record_of({"state": UINT128, "inc": UINT128}), **_HALF}
_GAUSS = {"has_gauss": integer(0, 1), "gauss": exact(float, int)}
_BIT_STATES: dict[str, dict[str, Check]] = {
    "MT19937": {"state": record_of({"key": _key, "pos": integer(0, 624)})},
    "PCG64": _PCG,
    "PCG64DXSM": _PCG,
    "Philox": {
        "state": record_of({"counter": _words(4), "key": _words(2)}),
        "buffer": _words(4),
        "buffer_pos": integer(0, 4),
        **_HALF,
    },
    "SFC64": {"state": record_of({"state": _words(4)}), **_HALF},
}
BIT_GENERATORS = tuple(_BIT_STATES)


def bit_state(name: str, **more: Check) -> Check:
    """The state of a bit generator, as its attribute `state` gives it."""
    checks = {"bit_generator": one_of(name), **_BIT_STATES[name]}
    return record_of(checks, **more)


def legacy_state(value: Any, path: str) -> None:
    """The state of a `RandomState`: that of its bit generator, and a number that it kept."""
    exact(dict)(value, path)
    name = value.get("bit_generator")
    if type(name) is not str or name not in _BIT_STATES:
        raise PartError(f"the part {path!r}: {name!r:.50} is no bit generator")
    bit_state(name, **_GAUSS)(value, path)


_ENTROPY_INT = integer(0, 2**8192 - 1)


def _is_entropy_scalar(value: Any, path: str) -> None:
    exact(np.uint32, np.uint64, np.int64)(value, path)


entropy: Check = optional(
    either(
        sequence_of(UINT128, list, tuple),
        native_array("u", 1, 4, 8),
        _is_entropy_scalar,
        _ENTROPY_INT,
    )
)
spawn_key: Check = sequence_of(UINT64, tuple, list)
SEEDS: dict[str, Check] = {
    "entropy": entropy,
    "spawn_key": spawn_key,
    "pool_size": integer(4, 64),
    "n_children_spawned": UINT32,
}


def check_seeds(parts: dict[str, Any]) -> None:
    """Check the sizes of what a `SeedSequence` mixes."""
    for name in ("entropy", "spawn_key"):
        value: Any = parts.get(name)
        if hasattr(value, "__len__") and len(value) > 4096:
            raise PartError(f"the part {name!r}: {len(value)} numbers are too many")


# States as pickles have them.


def _bit_generator_state(name: str) -> Callable[[Any], None]:
    def check(state: Any) -> None:
        """A state, or a pair of a state and a seed sequence."""
        if type(state) is tuple:
            tuple_of(bit_state(name), optional(_is_seeds))(state, "state")
            return
        bit_state(name)(state, "state")

    return check


_is_seeds = instance("numpy.random.bit_generator", "ISeedSequence")
_is_generator = instance("numpy.random.bit_generator", "BitGenerator")


def _generator_state(state: Any) -> None:
    if type(state) is dict:
        name = state.get("bit_generator")
        if type(name) is not str or name not in _BIT_STATES:
            raise PartError(f"the part 'state': {name!r:.50} is no bit generator")
        return bit_state(name)(state, "state")
    return optional(_is_generator)(state, "state")


def _legacy(state: Any) -> None:
    """The state of a `RandomState`: a dictionary, or the tuple of old versions."""
    if type(state) is not tuple:
        return legacy_state(state, "state")
    old = (one_of("MT19937"), _key, integer(0, 624), integer(0, 1), exact(float, int))
    return tuple_of(*old[: len(state)] if len(state) >= 3 else old)(state, "state")


_DATETIME = tuple_of(
    either(DATA, TEXT), integer(1, 2**31 - 1), integer(1, 2**31 - 1), integer(0, 2**31 - 1)
)


def _dtype_state(state: Any) -> None:
    """(version, byteorder, subdtype, names, fields, itemsize, alignment, flags[, metadata])."""
    exact(tuple)(state, "state")
    if len(state) not in (8, 9):
        raise PartError(f"the part 'state': expected 8 or 9 items, got {len(state)}")
    version, order, subtype, names, fields, itemsize, alignment, flags, *metadata = state
    integer(3, 4)(version, "version")
    one_of("<", ">", "=", "|", b"<", b">", b"=", b"|")(order, "byteorder")
    if subtype is not None:
        tuple_of(dtype(ANY_KIND), either(integer(0, 2**31), sequence_of(integer(0, 2**31))))(
            subtype, "subdtype"
        )
    _dtype_sizes(itemsize, alignment, flags)
    _dtype_fields(names, fields, itemsize)
    for each in metadata:
        _dtype_metadata(each)


def _dtype_sizes(itemsize: Any, alignment: Any, flags: Any) -> None:
    integer(-1, LARGEST_ITEM)(itemsize, "itemsize")
    one_of(-1, 1, 2, 4, 8, 16)(alignment, "alignment")
    # Bit 1 says that elements refer to objects: NumPy believes it.
    integer(-128, 255)(flags, "flags")


def _dtype_fields(names: Any, fields: Any, itemsize: int) -> None:
    if names is None and fields is None:
        return
    sequence_of(text(), tuple)(names, "names")
    exact(dict)(fields, "fields")
    for name, field in fields.items():
        text()(name, "fields")
        exact(tuple)(field, "fields")
        tuple_of(dtype(ANY_KIND), integer(0, LARGEST_ITEM), *[text()] * (len(field) - 2))(
            field, "fields"
        )
        if field[1] + field[0].itemsize > itemsize:
            raise PartError(f"the part 'fields': {name!r} lies outside of the element")
    if any(name not in fields for name in names or ()):
        raise PartError("the part 'names': not all of them are fields")


def _dtype_metadata(metadata: Any) -> None:
    """A dictionary, or for dates a pair of one and their unit."""
    if type(metadata) is tuple:
        tuple_of(optional(exact(dict)), _DATETIME)(metadata, "metadata")
    else:
        optional(exact(dict))(metadata, "metadata")


def _array_state(state: Any) -> None:
    """(version, shape, dtype, is_fortran, raw bytes or list of items)."""
    exact(tuple)(state, "state")
    checks = (
        integer(0, 1), sequence_of(integer(0, 2**62), tuple), dtype(ANY_KIND), exact(bool, int),
        exact(bytes, list),
    )  # fmt: skip
    tuple_of(*checks)(state, "state")
    _, shape, kind, _, data = state
    check_dtype(kind)
    size = 1
    for side in shape:
        size *= side
    if size == 0:
        check_shape(shape, "shape")
    if kind.hasobject != (type(data) is list):
        raise PartError("the part 'state': objects cannot be made of bytes")
    expected = size if type(data) is list else size * kind.itemsize
    if len(data) != expected or (kind.itemsize == 0 and size > 1 << 16):
        raise PartError(f"the part 'state': {len(data)} bytes or items for a shape of {size}")


def _masked_state(state: Any) -> None:
    """(1, shape, dtype, is_fortran, bytes of the data, bytes of the mask, fill value)."""
    exact(tuple)(state, "state")
    if len(state) != 7:
        raise PartError(f"the part 'state': expected 7 items, got {len(state)}")
    _array_state(tuple(state[:5]))
    exact(bytes, list)(state[5], "mask")
    size = 1
    for side in state[1]:
        size *= side
    expected = size * np.ma.make_mask_descr(state[2]).itemsize
    if len(state[5]) != expected:
        raise PartError(f"the part 'mask': {len(state[5])} bytes for a shape of {size}")
    either(NOTHING, array(ANY_KIND), numpy_scalar, exact(bool, int, float, complex, str, bytes))(
        state[6], "fill_value"
    )


def _seeds_state(state: Any) -> None:
    """(entropy, n_children_spawned, pool, pool_size, spawn_key), and perhaps a `__dict__`."""
    exact(tuple)(state, "state")
    names = ("entropy", "n_children_spawned", "pool", "pool_size", "spawn_key")
    parts: dict[str, Any] = dict(zip(names, state, strict=False))
    check_parts(parts, SEEDS | {"pool": native_array("u", 1, 4)})
    check_seeds(parts)
    if len(state) != len(names) or len(parts["pool"]) != parts["pool_size"]:
        raise PartError("the part 'pool': it is not of the size that is stated")


def _all_subclasses(cls: type) -> set[type]:
    below = set(cls.__subclasses__())
    return below.union(*map(_all_subclasses, below)) if below else below


def _check_scalar(value: Any) -> None:
    check_dtype(value.dtype, "value")


_SCALARS = {
    f"{cls.__module__}.{cls.__qualname__}"
    for cls in _all_subclasses(np.generic)
    if cls.__module__ == "numpy"
}
_coefficients = array(NUMBERS, 1)
_POLYNOMIAL: dict[str, Check] = {
    "coef": _coefficients, "domain": _coefficients, "window": _coefficients,
}  # fmt: skip


def _polynomial_state(state: Any) -> None:
    exact(dict)(state, "state")
    check_parts(state, _POLYNOMIAL, {"_symbol": text(1000), "symbol": text(1000)})
    if state["domain"].shape != (2,) or state["window"].shape != (2,) or not state["coef"].size:
        raise PartError("the part 'domain': expected two numbers, and coefficients")


def _poly1d_state(state: Any) -> None:
    exact(dict)(state, "state")
    check_parts(state, {"coeffs": _coefficients}, {"_variable": text(1000)})


def _check_attributes(rule: Callable[[Any], None]) -> Callable[[Any], None]:
    """The rule for a finished object whose `__dict__` is its state."""
    return lambda value: rule(dict(vars(value)))


def _check_polynomial(value: Any) -> None:
    """Check a polynomial: its class has the intervals that it does not state."""
    _polynomial_state({name: getattr(value, name) for name in _POLYNOMIAL})


def _check_info(value: Any) -> None:
    check_dtype(value.dtype, "dtype")


_POLYNOMIALS = [
    f"numpy.polynomial.{module}.{name}"
    for module, name in (
        ("chebyshev", "Chebyshev"), ("hermite", "Hermite"), ("hermite_e", "HermiteE"),
        ("laguerre", "Laguerre"), ("legendre", "Legendre"), ("polynomial", "Polynomial"),
    )
]  # fmt: skip
_FACES = ("numpy.matrix", "numpy.rec.recarray", "numpy.char.chararray", "numpy.memmap")

_RANDOM = "numpy.random"
_DTYPES = [
    f"{cls.__module__}.{cls.__qualname__}"
    for cls in vars(np.dtypes).values()
    if isinstance(cls, type) and issubclass(cls, np.dtype)
]
STATES: dict[str, Callable[[Any], None]] = {
    "numpy.dtype": _dtype_state,
    **dict.fromkeys(_DTYPES, _dtype_state),
    **dict.fromkeys(_FACES, _array_state),
    **dict.fromkeys(_POLYNOMIALS, _polynomial_state),
    "numpy.poly1d": _poly1d_state,
    "numpy.ndarray": _array_state,
    "numpy.ma.core.MaskedArray": _masked_state,
    "numpy.ma.MaskedArray": _masked_state,
    **{f"{_RANDOM}._{name.lower()}.{name}": _bit_generator_state(name) for name in _BIT_STATES},
    f"{_RANDOM}._pcg64.PCG64DXSM": _bit_generator_state("PCG64DXSM"),
    f"{_RANDOM}._generator.Generator": _generator_state,
    f"{_RANDOM}.mtrand.RandomState": _legacy,
    f"{_RANDOM}.bit_generator.SeedSequence": _seeds_state,
}


def _check_bit_generator(value: Any) -> None:
    bit_state(type(value).__name__)(value.state, "state")


def _check_generator(value: Any) -> None:
    _is_generator(value.bit_generator, "bit_generator")
    _check_bit_generator(value.bit_generator)


def _check_random_state(value: Any) -> None:
    legacy_state(value.get_state(legacy=False), "state")


def _check_seed_sequence(value: Any) -> None:
    parts = {name: getattr(value, name) for name in SEEDS}
    check_parts(parts, SEEDS)
    check_seeds(parts)


def _check_calendar(value: Any) -> None:
    native_array("b", 1, 1)(value.weekmask, "weekmask")
    native_array("M", 1, 8)(value.holidays, "holidays")


OBJECTS: dict[str, Callable[[Any], None]] = {
    "numpy.dtype": check_dtype,
    **dict.fromkeys(_DTYPES, check_dtype),
    **dict.fromkeys(_SCALARS, _check_scalar),
    "numpy.ndarray": check_array,
    **dict.fromkeys(_FACES, check_array),
    **dict.fromkeys(_POLYNOMIALS, _check_polynomial),
    "numpy.poly1d": _check_attributes(_poly1d_state),
    "numpy.finfo": _check_info,
    "numpy.iinfo": _check_info,
    "numpy.ma.core.MaskedConstant": lambda _: None,
    "numpy.ma.core.MaskedArray": check_masked,
    "numpy.ma.MaskedArray": check_masked,
    **{
        f"{_RANDOM}.{module}.{name}": _check_bit_generator
        for name in _BIT_STATES
        for module in ("_" + name.lower().removesuffix("dxsm"),)
    },
    f"{_RANDOM}._generator.Generator": _check_generator,
    f"{_RANDOM}.mtrand.RandomState": _check_random_state,
    f"{_RANDOM}.bit_generator.SeedSequence": _check_seed_sequence,
    "numpy.busdaycalendar": _check_calendar,
}
