"""NumPy's scalars, element types, and the arrays whose elements are not numbers."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from cannery._objects import _invariants_numpy as invariants
from cannery._objects import _numpy_dtypes as dtypes
from cannery._objects import _numpy_random
from cannery._objects._checks import (
    BOOL,
    DATA,
    FLOAT,
    TEXT,
    Check,
    PartError,
    array,
    buffer,
    check_parts,
    check_shape,
    checked,
    dtype,
    either,
    exact,
    integer,
    native_array,
    one_of,
    sequence_of,
    text,
    tuple_of,
)
from cannery._objects._labels import PROTOCOLS
from cannery._objects._own_names import OwnNames
from cannery._objects._stdlib import check_exception
from cannery.errors import DataTypeError

Parts = dict[str, Any]

# Scalars that a Python number or text says all about.
_SIMPLE = (np.bool_, np.integer, np.float16, np.float32, np.float64, np.complex64, np.complex128)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How the values of one of NumPy's types are described; `None` if they are no data."""
    if cls is type(np.ma.masked):
        return lambda _: ("numpy.ma.masked", {})
    if issubclass(cls, np.ufunc):
        return _describe_ufunc
    if cls is _FUNCTION:
        return lambda value: ("function", {"name": f"{value.__module__}.{value.__qualname__}"})
    if cls in _BY_ATTRIBUTES:
        name, parts, _ = _BY_ATTRIBUTES[cls]
        return lambda value: (name, parts(value))
    if cls.__module__.startswith("numpy.random"):
        return _numpy_random.describer_of(cls)
    if issubclass(cls, np.generic):
        return _describe_scalar
    if issubclass(cls, np.dtype):
        return lambda dtype: ("numpy.dtype", dtypes.dtype_parts(dtype))
    if cls is np.ma.MaskedArray:
        return _describe_masked
    if issubclass(cls, np.ma.MaskedArray):
        return None
    if issubclass(cls, np.ndarray):
        return _describe_array
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How values are made of their parts again; `None` for other names."""
    return _MAKERS.get(name)


_OWN_ATTRIBUTES: dict[type, frozenset[str]] = {
    np.matrix: frozenset({"_getitem"}),
    np.recarray: frozenset(),
    np.ma.MaskedArray: OwnNames.of(np.ma.MaskedArray),
    np.memmap: OwnNames.of(np.memmap),
    np.char.chararray: frozenset(),
    np.poly1d: frozenset({"coeffs", "_variable"}),
}


def own_attributes(cls: type) -> frozenset[str] | None:
    """What NumPy itself keeps in an instance of a class that takes other attributes, too."""
    if cls in _POLYNOMIALS.values():
        return frozenset({"coef", "domain", "window", "_symbol", "symbol"})
    return _OWN_ATTRIBUTES.get(cls)


_POLYNOMIALS: dict[str, Any] = {
    "numpy.polynomial.chebyshev.Chebyshev": np.polynomial.Chebyshev,
    "numpy.polynomial.hermite.Hermite": np.polynomial.Hermite,
    "numpy.polynomial.hermite_e.HermiteE": np.polynomial.HermiteE,
    "numpy.polynomial.laguerre.Laguerre": np.polynomial.Laguerre,
    "numpy.polynomial.legendre.Legendre": np.polynomial.Legendre,
    "numpy.polynomial.polynomial.Polynomial": np.polynomial.Polynomial,
}

# The classes of scalars, under every name that NumPy has had for them.
_SCALARS = """
    bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 byte ubyte short ushort intc uintc
    int_ uint long ulong longlong ulonglong intp uintp float16 float32 float64 float96 float128
    half single double longdouble complex64 complex128 complex192 complex256 csingle cdouble
    clongdouble str_ bytes_ void record datetime64 timedelta64
""".split()
_ABSTRACT = """
    generic number integer signedinteger unsignedinteger inexact floating complexfloating flexible
    character object_ ndarray dtype matrix recarray
""".split()
_CLASS_VALUES: dict[str, Any] = {
    **{f"numpy.{name}": getattr(np, name, None) for name in (*_SCALARS, *_ABSTRACT)},
    "numpy.chararray": np.char.chararray,
    "numpy.rec.recarray": np.recarray,
    "numpy.rec.record": np.record,
    "numpy.char.chararray": np.char.chararray,
    "numpy.poly1d": np.poly1d,
    **_POLYNOMIALS,
}


def class_value(name: str) -> type | None:
    """One of NumPy's own classes as a value: they are data types, and run nothing."""
    return _CLASS_VALUES.get(name)


# What people make tables of: functions of arrays.
_OF_ARRAYS = frozenset(
    """
    all any argmax argmin argsort average count_nonzero cumprod cumsum diff max mean median min
    nanmax nanmean nanmedian nanmin nanstd nansum nanvar percentile prod ptp quantile round sort
    std sum unique var
    """.split()
)


# Results with names, and exceptions: data under the name of a class that only holds it.

_RESULTS: dict[str, str] = {
    "numpy.linalg._linalg": "EigResult EighResult QRResult SVDResult SlogdetResult",
    "numpy.lib._arraysetops_impl": "UniqueAllResult UniqueCountsResult UniqueInverseResult",
}
_ERRORS = frozenset(
    """
    numpy.exceptions.AxisError numpy.exceptions.ComplexWarning
    numpy.exceptions.DTypePromotionError numpy.exceptions.ModuleDeprecationWarning
    numpy.exceptions.RankWarning numpy.exceptions.TooHardError
    numpy.exceptions.VisibleDeprecationWarning numpy.linalg.LinAlgError
    """.split()
)


def class_of(name: str) -> type | None:
    """A class of results or exceptions of NumPy's, whose instances are data."""
    module, _, attribute = name.rpartition(".")
    if name not in _ERRORS and attribute not in _RESULTS.get(module, "").split():
        return None
    return getattr(sys.modules.get(module), attribute, None)


def check_class(cls: type, parts: Parts) -> None:
    """Check the parts of a result or exception: numbers, arrays of them, and plain texts."""
    if issubclass(cls, BaseException):
        check_exception(cls, parts)
    else:
        check_parts(parts, dict.fromkeys(cls._fields, _RESULT))  # pyright: ignore


_RESULT = either(array(invariants.NUMBERS + "mMSU"), invariants.numpy_scalar)


def function_of(name: str) -> Any:
    """A function of arrays that only computes."""
    module, _, attribute = name.rpartition(".")
    return getattr(np, attribute, None) if module == "numpy" and attribute in _OF_ARRAYS else None


def _attributes(*names: str) -> Callable[[Any], Parts]:
    return lambda value: {name: getattr(value, name) for name in names}


def _make_calendar(parts: Parts) -> Any:
    if parts["weekmask"].shape != (7,):
        raise PartError("the part 'weekmask': expected 7 days")
    return np.busdaycalendar(parts["weekmask"], parts["holidays"])


# Types that their constructor makes of what their attributes say.
_BY_ATTRIBUTES: dict[type, tuple[str, Callable[[Any], Parts], Callable[[Parts], Any]]] = {
    np.busdaycalendar: (
        "numpy.busdaycalendar",
        _attributes("weekmask", "holidays"),
        checked(
            _make_calendar,
            {"weekmask": native_array("b", 1, 1), "holidays": native_array("M", 1, 8)},
        ),
    ),
    np.finfo: (
        "numpy.finfo",
        _attributes("dtype"),
        checked(lambda parts: np.finfo(parts["dtype"]), {"dtype": dtype("fc")}),
    ),
    np.iinfo: (
        "numpy.iinfo",
        _attributes("dtype"),
        checked(lambda parts: np.iinfo(parts["dtype"]), {"dtype": dtype("iu")}),
    ),
}
# What compiled code sets in instances that are there once for all.
SHARED: dict[type, frozenset[str]] = {
    np.finfo: frozenset(
        """
        _fmt _machar _radix _repr _str_eps _str_epsneg _str_max _str_resolution
        _str_smallest_normal _str_smallest_subnormal _str_tiny bits dtype eps epsneg iexp machep
        max maxexp min minexp negep nexp nmant precision resolution smallest_normal
        smallest_subnormal tiny
        """.split()
    )
}
_FUNCTION = type(np.mean)

# Functions on elements, by name: they are NumPy's and SciPy's, and do nothing but compute.


def _describe_ufunc(value: Any) -> tuple[str, Parts]:
    for module in _UFUNC_MODULES:
        if (
            value.__name__ in _UFUNCS[module]
            and getattr(_imported(module), value.__name__, None) is value
        ):
            return "numpy.ufunc", {"module": module, "name": value.__name__}
    error = DataTypeError(f"the ufunc {value.__name__} has no name to find it by")
    error.hint = "use one of NumPy's or scipy.special's own"
    raise error


_UFUNC_MODULES = ("numpy", "scipy.special")
_UFUNCS = {
    "numpy": frozenset(
        """
        abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin
        asinh atan atan2 atanh bitwise_and bitwise_count bitwise_invert bitwise_left_shift
        bitwise_not bitwise_or bitwise_right_shift bitwise_xor cbrt ceil conj conjugate
        copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs float_power
        floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot
        invert isfinite isinf isnan isnat lcm ldexp left_shift less less_equal log log10 log1p
        log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul matvec
        maximum minimum mod modf multiply negative nextafter not_equal positive pow power
        rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh spacing
        sqrt square subtract tan tanh true_divide trunc vecdot vecmat
        """.split()
    ),
    "scipy.special": frozenset(
        """
        agm airy airye bdtr bdtrc bdtri bdtrik bdtrin bei beip ber berp besselpoly beta
        betainc betaincc betainccinv betaincinv betaln binom boxcox boxcox1p btdtria btdtrib
        cbrt chdtr chdtrc chdtri chdtriv chndtr chndtridf chndtrinc chndtrix cosdg cosm1 cotdg
        dawsn digamma ellipe ellipeinc ellipj ellipk ellipkinc ellipkm1 elliprc elliprd
        elliprf elliprg elliprj entr erf erfc erfcinv erfcx erfi erfinv eval_chebyc
        eval_chebys eval_chebyt eval_chebyu eval_gegenbauer eval_genlaguerre eval_hermite
        eval_hermitenorm eval_jacobi eval_laguerre eval_legendre eval_sh_chebyt eval_sh_chebyu
        eval_sh_jacobi eval_sh_legendre exp1 exp10 exp2 expi expit expm1 expn exprel fdtr
        fdtrc fdtri fdtridfd fresnel gamma gammainc gammaincc gammainccinv gammaincinv gammaln
        gammasgn gdtr gdtrc gdtria gdtrib gdtrix hankel1 hankel1e hankel2 hankel2e huber
        hyp0f1 hyp1f1 hyp2f1 hyperu i0 i0e i1 i1e inv_boxcox inv_boxcox1p it2i0k0 it2j0y0
        it2struve0 itairy iti0k0 itj0y0 itmodstruve0 itstruve0 iv ive j0 j1 jn jv jve k0 k0e
        k1 k1e kei keip kelvin ker kerp kl_div kn kolmogi kolmogorov kv kve log1p log_expit
        log_ndtr log_wright_bessel loggamma logit lpmv mathieu_a mathieu_b mathieu_cem
        mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 mathieu_sem
        modfresnelm modfresnelp modstruve nbdtr nbdtrc nbdtri nbdtrik nbdtrin ncfdtr ncfdtri
        ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit ndtr ndtri
        ndtri_exp nrdtrimn nrdtrisd obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2
        obl_rad2_cv owens_t pbdv pbvv pbwa pdtr pdtrc pdtri pdtrik poch powm1 pro_ang1
        pro_ang1_cv pro_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv pseudo_huber psi radian
        rel_entr rgamma round shichi sici sindg smirnov smirnovi spence stdtr stdtridf stdtrit
        struve tandg tklmbda voigt_profile wofz wright_bessel wrightomega xlog1py xlogy y0 y1
        yn yv yve zetac
        """.split()
    ),
}


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        return None


def _make_ufunc(parts: Parts) -> Any:
    module, name = parts["module"], parts["name"]
    found = getattr(_imported(module), name, None) if name in _UFUNCS[module] else None
    if not isinstance(found, np.ufunc):
        raise PartError(f"there is no ufunc {module}.{name:.100}")
    return found


def _describe_scalar(value: Any) -> tuple[str, Parts]:
    name = f"numpy.{type(value).__name__}"
    if isinstance(value, (np.datetime64, np.timedelta64)):
        unit = np.datetime_data(value.dtype)
        return name, {"value": int(value.view("i8")), "unit": list(unit)}
    if isinstance(value, _SIMPLE):  # pyright: ignore[reportArgumentType]
        return name, {"value": value.item()}
    if isinstance(value, np.str_):
        return name, {"value": str(value)}
    if isinstance(value, np.bytes_):
        return name, {"value": bytes(value)}
    # The rest (long floats, records) as arrays without dimensions.
    array = np.asarray(value)
    dtypes.refuse_foreign_fields(array.dtype)
    return name, {"value": array.view(_plain_fields(array.dtype), np.ndarray)}


def _plain_fields(dtype: Any) -> Any:
    """Fields without a class of records, which a plain type of fields has not."""
    return np.dtype((np.void, dtype)) if dtype.fields else dtype


# What is said about a scalar of each kind of elements.
_REALS = either(FLOAT, integer(-(2**1024), 2**1024))
_OF_KIND: dict[str, Check] = {"b": BOOL, "f": _REALS, "U": TEXT, "S": DATA}
_UNITS = "generic Y M W D h m s ms us ns ps fs as".split()
_UNIT = tuple_of(one_of(*_UNITS), integer(1, 2**31 - 1))


def _scalar_maker(cls: Any) -> Callable[[Parts], Any]:
    if issubclass(cls, (np.datetime64, np.timedelta64)):
        return checked(partial(_make_moment, cls), {"value": invariants.INT64, "unit": _UNIT})
    if cls in (np.void, np.record) or cls in (np.longdouble, np.clongdouble):
        return checked(partial(_make_element, cls), {"value": array("VfcO", 0)})
    kind = np.dtype(cls).kind
    if kind in "iu":
        bounds = np.iinfo(cls)
        value = integer(int(bounds.min), int(bounds.max))
    elif kind == "c":
        value = exact(complex, float, int)
    else:
        value = _OF_KIND[kind]
    return checked(lambda parts: cls(parts["value"]), {"value": value})


def _make_moment(cls: Any, parts: Parts) -> Any:
    kind = "M" if cls is np.datetime64 else "m"
    unit, count = parts["unit"]
    if unit == "generic":
        return np.int64(parts["value"]).view(f"{kind}8")
    return np.int64(parts["value"]).view(f"{kind}8[{count}{unit}]")


def _make_element(cls: Any, parts: Parts) -> Any:
    """The one element of an array without dimensions: a record, or a long float."""
    value = parts["value"]
    invariants.check_array(value, "value")
    if cls is np.record:
        value = value.view(np.dtype((np.record, value.dtype)))
    if value.dtype.kind == "O" or not issubclass(value.dtype.type, cls):
        raise PartError(f"the part 'value': expected a {cls.__name__}, got {value.dtype}")
    return value[()]


def _describe_masked(array: Any) -> tuple[str, Parts]:
    parts = {
        "data": array.data,
        "mask": np.ma.getmask(array) if array.mask is not np.ma.nomask else False,
        "hard": bool(array.hardmask),
    }
    # The public attribute makes up a default, which may not even fit the type.
    if array._fill_value is not None:
        parts["fill_value"] = np.asarray(array._fill_value)
    return "numpy.ma.MaskedArray", parts


def _make_masked(parts: Parts) -> Any:
    mask, data = parts["mask"], parts["data"]
    invariants.check_array(data, "data")
    is_fit = mask is False or (
        mask.shape == data.shape and mask.dtype == np.ma.make_mask_descr(data.dtype)
    )
    if not is_fit:
        raise PartError("the part 'mask': it is none of the shape and type of the data")
    mask = np.ma.nomask if mask is False else mask
    made: Any = np.ma.MaskedArray(data, mask=mask, hard_mask=parts["hard"], copy=False)
    if "fill_value" in parts:
        if parts["fill_value"].dtype != data.dtype:
            raise PartError("the part 'fill_value': it is not of the type of the data")
        # Set where it belongs: objects would be asked for a way to make an array of them.
        made._fill_value = parts["fill_value"].copy()
    invariants.check_masked(made)
    return made


def _describe_array(array: Any) -> tuple[str, Parts]:
    """An array of objects, text of any length, or a subclass: its elements as a list."""
    if dtypes.is_foreign(array.dtype):
        return "ml_dtypes.array", dtypes.ml_dtypes().array_parts(array)
    dtypes.refuse_foreign_fields(array.dtype)
    if type(array) is np.memmap:
        return "numpy.memmap", {"value": np.asarray(array)}
    if type(array) in _VIEWS.values():
        return f"numpy.{type(array).__name__}", {"value": array.view(np.ndarray)}
    if type(array) is np.recarray:
        return "numpy.recarray", {"value": array.view(_plain_fields(array.dtype), np.ndarray)}
    if array.dtype.metadata and array.dtype.fields is None and not array.dtype.hasobject:
        return "numpy.ndarray", {
            "dtype": array.dtype,
            "value": array.view(dtypes.bare(array.dtype)),
        }
    if array.dtype.fields and not array.dtype.hasobject and type(array) is np.ndarray:
        return "numpy.ndarray", {"dtype": array.dtype, "value": dtypes.as_bytes(array)}
    _refuse_subarrays_of_objects(array.dtype)
    order = "F" if array.flags.fnc else "C"
    return f"numpy.{type(array).__name__}", {
        "dtype": array.dtype,
        "shape": list(array.shape),
        "order": order,
        "items": _items(array, order),
    }


def _refuse_subarrays_of_objects(dtype: Any) -> None:
    for name, (kind, *_) in (dtype.fields or {}).items():
        if kind.subdtype is not None and kind.hasobject:
            error = DataTypeError(f"the field {name!r} holds arrays of objects in each record")
            error.hint = "make it a field of objects, one array in each: ('name', object)"
            raise error
        _refuse_subarrays_of_objects(kind)


def _items(array: Any, order: Any) -> list[Any]:
    flat = array.ravel(order=order)
    if array.dtype.fields:
        return [item.item() for item in flat]
    return list(flat) if array.dtype.hasobject else flat.tolist()


# Arrays by their elements: there are as many as the shape says, and each is of a plain type.

_ORDER = one_of("C", "F")
_PLAIN_ITEMS = (
    bool, int, float, complex, str, bytes, type(None), dt.datetime, dt.date, dt.timedelta,
)  # fmt: skip
_ITEM = exact(*_PLAIN_ITEMS)
_ITEMS_PARTS: dict[str, Check] = {
    "dtype": invariants.check_dtype,
    "shape": sequence_of(integer(0, 2**62)),
    "order": _ORDER,
    "items": exact(list),
}


def _check_items_form(parts: Parts) -> None:
    """Check the parts of an array of objects, before room is made for it."""
    invariants.check_parts(parts, _ITEMS_PARTS)
    shape, items, kind = parts["shape"], parts["items"], parts["dtype"]
    size = math.prod(shape)
    if size != len(items) or len(shape) > 32:
        raise PartError(f"the part 'items': {len(items)} for the shape {list(shape)!r:.80}")
    if size == 0:
        check_shape(tuple(shape), "shape")
    # What is not said item by item: the fields of an element, with room between them.
    if size * kind.itemsize > (32 << 20) + size * 64 * max(1, len(kind.fields or ())):
        raise PartError(f"the part 'dtype': {kind} is too large for these items")


def _check_item(item: Any, kind: Any, path: str) -> None:
    """Check an item that becomes an element: NumPy would ask any other object what it is."""
    if kind.kind == "O":
        return
    if kind.subdtype is not None:
        either(array("biufcmMSUV"), sequence_of(_ITEM))(item, path)
        if type(item) is np.ndarray and item.shape != kind.shape:
            raise PartError(f"the part {path!r}: expected the shape {kind.shape}")
    elif kind.fields:
        tuple_of(*[_kind_check(kind.fields[name][0]) for name in kind.names])(item, path)
    elif kind.kind == "T":
        either(TEXT, dtypes.is_missing)(item, path)
    else:
        _ITEM(item, path)


def _kind_check(kind: Any) -> Check:
    return lambda item, path: _check_item(item, kind, path)


def _shell(parts: Parts) -> Any:
    """An array that is filled later: its elements may refer to it."""
    _check_items_form(parts)
    return np.zeros(tuple(parts["shape"]), dtype=parts["dtype"], order=parts["order"])


def _fill_array(array: Any, parts: Parts) -> None:
    _check_items_form(parts)
    kind, items = parts["dtype"], parts["items"]
    if kind.kind != "O":
        for at, item in enumerate(items):
            _check_item(item, kind, f"items[{at}]")
    flat = array.ravel(order=parts["order"])  # no copy: it was made in this order
    for index, item in enumerate(items):
        flat[index] = item


def shell_of(name: str) -> tuple[Callable[[Parts], Any], Callable[[Any, Parts], Any]] | None:
    """How a value is made empty, of what its parts say about it, and how it is filled."""
    return (_shell, _fill_array) if name == "numpy.ndarray" else None


def _view_as(parts: Parts) -> Any:
    """An array whose element type says more than NPY does."""
    kind, value = parts["dtype"], parts["value"]
    if kind.hasobject or value.dtype.hasobject or kind.itemsize != value.dtype.itemsize:
        raise PartError(f"the part 'value': {value.dtype} is not the same as {kind}")
    return value.view(kind)


_make_view = checked(_view_as, {"dtype": invariants.check_dtype, "value": array("biufcmMSUV")})


def _make_array(parts: Parts) -> Any:
    if "value" in parts:
        return _make_view(parts)
    made = _shell(parts)
    _fill_array(made, parts)
    return made


def _make_of_bytes(parts: Parts) -> Any:
    """An array that a reader without NumPy had as a record."""
    kind, shape = dtypes.dtype_of_text(parts["dtype"]), tuple(parts["shape"])
    if kind.hasobject or math.prod(shape) * kind.itemsize != len(parts["data"]):
        raise PartError(f"the part 'data': {len(parts['data'])} bytes for {shape!r:.80} of {kind}")
    if not parts["data"]:
        check_shape(shape, "shape")
    flat = np.frombuffer(bytes(parts["data"]), kind)
    return flat.reshape(shape, order=parts["order"]).copy(order=parts["order"])


# Subclasses that are nothing but another face of an array.
_VIEWS: dict[str, Any] = {"numpy.matrix": np.matrix, "numpy.chararray": np.char.chararray}


def _face_maker(cls: Any, kinds: str, ndim: int | None = None) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        value = parts["value"]
        invariants.check_array(value, "value")
        if any(name in PROTOCOLS for name in value.dtype.names or ()):
            raise PartError("the part 'value': a field has the name of a protocol")
        return value.view(cls)

    return checked(make, {"value": array(kinds, ndim)})


# Polynomials: their coefficients, and the names that they print.

_COEFFICIENTS = array(invariants.NUMBERS, 1)
_INTERVAL = array(invariants.NUMBERS, 1)


def _identifier(value: Any, path: str) -> None:
    text(1000)(value, path)
    if not value.isidentifier():
        raise PartError(f"the part {path!r}: {value!r:.80} is no name of a variable")


def _make_poly1d(parts: Parts) -> Any:
    if parts["coeffs"].size == 0:
        raise PartError("the part 'coeffs': there is none")
    made = np.poly1d.__new__(np.poly1d)
    vars(made).update(parts)
    return made


def _polynomial_maker(cls: Any) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        if parts["domain"].shape != (2,) or parts["window"].shape != (2,):
            raise PartError("the part 'domain': expected two numbers")
        if parts["coef"].size == 0:
            raise PartError("the part 'coef': there is none")
        made = cls.__new__(cls)
        vars(made).update(parts)
        return made

    checks = {"coef": _COEFFICIENTS, "domain": _INTERVAL, "window": _INTERVAL}
    return checked(make, checks | {"_symbol": _identifier}, symbol=_identifier)


_mask = either(one_of(False), array("bV"))

_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "numpy.dtype": dtypes.make_dtype,
    "numpy.ma.MaskedArray": checked(
        _make_masked,
        {"data": array(invariants.ANY_KIND), "mask": _mask, "hard": BOOL},
        fill_value=array(invariants.ANY_KIND, 0),
    ),
    "numpy.ma.masked": checked(lambda _: np.ma.masked, {}),
    "numpy.ufunc": checked(_make_ufunc, {"module": one_of(*_UFUNC_MODULES), "name": text(100)}),
    "numpy.matrix": _face_maker(np.matrix, invariants.NUMBERS + "mMO", 2),
    "numpy.chararray": _face_maker(np.char.chararray, "SU"),
    **{name: make for name, _, make in _BY_ATTRIBUTES.values()},
    **_numpy_random.MAKERS,
    # Without its file, as `pickle` has it.
    "numpy.memmap": checked(
        lambda parts: parts["value"].view(np.memmap), {"value": array("biufcmMSUV")}
    ),
    "numpy.recarray": _face_maker(np.recarray, "biufcmMSUVO"),
    "numpy.ndarray": _make_array,
    "numpy.array": checked(
        _make_of_bytes,
        {"dtype": text(1 << 16), "shape": _ITEMS_PARTS["shape"], "order": _ORDER, "data": buffer},
    ),
    "numpy.poly1d": checked(_make_poly1d, {"coeffs": _COEFFICIENTS, "_variable": text(1000)}),
    **{name: _polynomial_maker(cls) for name, cls in _POLYNOMIALS.items()},
    **{f"numpy.{name}": _scalar_maker(getattr(np, name)) for name in _SCALARS if hasattr(np, name)},
}
