"""Checks of arrays and frames: element types, shapes and columns."""

from __future__ import annotations

import sys
import types as _types
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from cannery._checks._check import Check, Mismatch, Walk, describe, name_of


def is_generic(origin: type) -> bool:
    """Say whether a class is NumPy's array or element type, which take arguments of their own."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(origin, (numpy.ndarray, numpy.dtype))


def of_generic(annotation: Any, origin: type, arguments: Sequence[Any]) -> Check:
    """Return the check for `ndarray[shape, dtype]` or `dtype[scalar]`."""
    numpy = sys.modules["numpy"]
    if issubclass(origin, numpy.dtype):
        return _of_dtype(annotation, origin, _scalars(arguments[0]))
    dtype: Any = arguments[1] if len(arguments) > 1 else Any
    scalars = _scalars(next(iter(get_args(dtype)), Any))
    return _of_array(annotation, origin, _axes(arguments[0]), scalars)


def _of_array(
    annotation: Any, origin: type, axes: list[int | None] | None, scalars: list[Any] | None
) -> Check:
    from cannery._checks._compile import of_class

    numpy = sys.modules["numpy"]
    outer = of_class(origin, _name_of(annotation, scalars))

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is not None:
            return missed
        if scalars and not any(numpy.issubdtype(value.dtype, each) for each in scalars):
            return Mismatch("", outer.expected, f"an array of {value.dtype}")
        if axes is not None and value.ndim != len(axes):
            return Mismatch("", outer.expected, f"an array of {value.ndim} axes")
        for axis, size in zip(value.shape, axes or (), strict=False):
            if size is not None and axis != size:
                return Mismatch("", outer.expected, f"an array of shape {value.shape}")
        return None

    return Check(outer.expected, look)


def _of_dtype(annotation: Any, origin: type, scalars: list[Any] | None) -> Check:
    from cannery._checks._compile import of_class

    numpy = sys.modules["numpy"]
    outer = of_class(origin, name_of(annotation))

    def look(value: Any, walk: Walk) -> Mismatch | None:
        missed = outer.look(value, walk)
        if missed is None and scalars and not any(numpy.issubdtype(value, s) for s in scalars):
            return Mismatch("", outer.expected, f"dtype {value}")
        return missed

    return Check(outer.expected, look)


def _name_of(annotation: Any, scalars: list[Any] | None) -> str:
    if scalars:
        return f"ndarray of {' | '.join(scalar.__name__ for scalar in scalars)}"
    return name_of(annotation)


def _scalars(wanted: Any) -> list[Any] | None:
    """Return the scalar types that elements may be of; `None` for any."""
    origin = get_origin(wanted)
    if origin in (Union, _types.UnionType):
        found = [_scalars(each) for each in get_args(wanted)]
        return None if None in found else [each for part in found for each in part or ()]
    if isinstance(wanted, TypeVar):
        if wanted.__constraints__:
            return _scalars(Union[wanted.__constraints__])  # noqa: UP007  computed
        return None if wanted.__bound__ is None else _scalars(wanted.__bound__)
    if hasattr(wanted, "__value__"):
        return _scalars(wanted.__value__)
    if isinstance(origin, type):
        wanted = origin  # `floating[Any]`
    numpy = sys.modules["numpy"]
    is_scalar = isinstance(wanted, type) and issubclass(wanted, numpy.generic)
    return [wanted] if is_scalar and wanted is not numpy.generic else None


def _axes(shape: Any) -> list[int | None] | None:
    """Return the sizes of axes that an annotation says; `None` if it does not say how many."""
    arguments = get_args(shape)
    if get_origin(shape) is not tuple or Ellipsis in arguments:
        return None
    if any(getattr(each, "__unpacked__", False) or _is_unpack(each) for each in arguments):
        return None
    if arguments == ((),):
        return []
    return [_size(each) for each in arguments]


def _is_unpack(argument: Any) -> bool:
    return getattr(get_origin(argument), "_name", "") == "Unpack"


def _size(axis: Any) -> int | None:
    if get_origin(axis) is Literal:
        sizes = get_args(axis)
        return sizes[0] if len(sizes) == 1 and isinstance(sizes[0], int) else None
    return None


# What is said in `Annotated` beside a type.

_Wrong = tuple[str, str]


class Shape:
    """The shape of an array, a frame or a tensor: `Annotated[np.ndarray, Shape("rows", 3)]`.

    A dimension is a size, a name (the same size wherever the name stands in one call of a step),
    `None` for any size, or `...` once, for any number of dimensions.

    Raises `DataTypeError` for anything else.
    """

    def __init__(self, *dimensions: int | str | _types.EllipsisType | None) -> None:
        from cannery._annotations._refusal import refusal

        for each in dimensions:
            if isinstance(each, bool) or not isinstance(
                each, (int, str, type(None), _types.EllipsisType)
            ):
                raise refusal(f"no dimension of a shape: `{each!r}`", "a size, a name, None or ...")
        if dimensions.count(...) > 1:
            raise refusal("a shape has `...` once at most")
        self.dimensions = dimensions

    def __cannery_check__(self, value: Any, names: dict[str, int]) -> _Wrong | None:
        shape = getattr(value, "shape", None)
        expected = f"shape ({', '.join('...' if d is ... else str(d) for d in self.dimensions)})"
        if not hasattr(shape, "__len__"):
            return expected, describe(value)
        sizes = tuple(shape)  # pyright: ignore[reportArgumentType]
        aligned = self._aligned(len(sizes))
        met = dict(names)
        fits = aligned is not None and all(
            _fits(wanted, size, met) for wanted, size in zip(aligned, sizes, strict=True)
        )
        if not fits:
            bound = [
                f"{d}={names[d]}" for d in self.dimensions if isinstance(d, str) and d in names
            ]
            return f"{expected}{' with ' if bound else ''}{', '.join(bound)}", f"shape {sizes}"
        names.update(met)
        return None

    def _aligned(self, count: int) -> list[Any] | None:
        if ... not in self.dimensions:
            return list(self.dimensions) if count == len(self.dimensions) else None
        at = self.dimensions.index(...)
        free = count - len(self.dimensions) + 1
        if free < 0:
            return None
        return [*self.dimensions[:at], *[None] * free, *self.dimensions[at + 1 :]]

    def __repr__(self) -> str:
        return f"Shape({', '.join('...' if d is ... else repr(d) for d in self.dimensions)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and other.dimensions == self.dimensions

    def __hash__(self) -> int:
        return hash(self.dimensions)


def _fits(wanted: Any, size: Any, names: dict[str, int]) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return names.setdefault(wanted, size) == size
    return wanted == size


class DType:
    """The element types that an array or a column may have: `Annotated[np.ndarray, DType("f4")]`.

    Names are those of the array's library (`float32`, `<f4`, `datetime64[ns]`, `category`), or of
    a family: `integer`, `floating`, `number`.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def __cannery_check__(self, value: Any, names: dict[str, int]) -> _Wrong | None:
        del names
        expected = f"dtype {' | '.join(self.names)}"
        dtype = getattr(value, "dtype", None)
        if dtype is None:
            return expected, describe(value)
        fits = any(_is_dtype(dtype, name) for name in self.names)
        return None if fits else (expected, f"dtype {dtype}")

    def __repr__(self) -> str:
        return f"DType({', '.join(map(repr, self.names))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DType) and other.names == self.names

    def __hash__(self) -> int:
        return hash(self.names)


_KINDS = {int: "integer", float: "floating", bool: "bool", str: "str", complex: "complexfloating"}
_KIND_NAMES = {
    "integer": ("int", "uint", "Int", "UInt"),
    "floating": ("float", "Float", "double", "halffloat"),
    "number": ("int", "uint", "float", "Int", "UInt", "Float", "double", "halffloat"),
    "bool": ("bool", "Bool"),
    "str": ("str", "Str", "Utf8", "utf8", "object", "large_string", "<U"),
}


def _is_dtype(dtype: Any, wanted: str) -> bool:
    name = str(dtype)
    if wanted in (name, name.removeprefix("torch."), type(dtype).__name__):
        return True
    if any(name.removeprefix("torch.").startswith(start) for start in _KIND_NAMES.get(wanted, ())):
        return True
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(dtype, numpy.dtype):
        return False
    family = getattr(numpy, wanted, None)
    try:
        if isinstance(family, type) and issubclass(family, numpy.generic):
            return bool(numpy.issubdtype(dtype, family))
        return bool(numpy.dtype(wanted) == dtype)
    except TypeError:
        return False


class Columns:
    """Columns that a frame has: `Annotated[pd.DataFrame, Columns("day", fare=float)]`.

    Of pandas, polars and Arrow; others may be there, too, unless `only`. The type of a column is a
    Python type (`int`, `float`, `str`, `bool`) or the name of an element type.
    """

    def __init__(self, *names: str, only: bool = False, **types: type | str) -> None:
        self.types: dict[str, type | str | None] = {**dict.fromkeys(names), **types}
        self.only = only

    def __cannery_check__(self, value: Any, names: dict[str, int]) -> _Wrong | None:
        del names
        found = _columns_of(value)
        expected = f"columns {', '.join(map(self._shown, self.types))}"
        if found is None:
            return expected, describe(value)
        for name, wanted in self.types.items():
            if name not in found:
                return expected, f"columns {', '.join(map(str, found))}"
            kind = _KINDS.get(wanted, wanted.__name__) if isinstance(wanted, type) else wanted
            if kind is not None and not _is_dtype(found[name], kind):
                return f"column `{name}` of {self._word(wanted)}", f"{found[name]}"
        extra = [name for name in found if name not in self.types]
        if self.only and extra:
            return f"{expected} only", f"column `{extra[0]}`"
        return None

    def _shown(self, name: str) -> str:
        wanted = self.types[name]
        return name if wanted is None else f"{name}: {self._word(wanted)}"

    def _word(self, wanted: type | str | None) -> str:
        return wanted.__name__ if isinstance(wanted, type) else str(wanted)

    def __repr__(self) -> str:
        named = [repr(n) if t is None else f"{n}={self._word(t)}" for n, t in self.types.items()]
        return f"Columns({', '.join([*named, *(['only=True'] if self.only else [])])})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Columns):
            return False
        return other.types == self.types and other.only == self.only

    def __hash__(self) -> int:
        return hash((tuple(self.types.items()), self.only))


def _columns_of(value: Any) -> dict[Any, Any] | None:
    """Return the columns of a frame with their element types."""
    schema: Any = getattr(value, "schema", None)
    types = getattr(schema, "types", None)
    if isinstance(types, list) and hasattr(schema, "names"):
        return dict(zip(schema.names, types, strict=True))  # Arrow
    columns: Any = getattr(value, "columns", None)
    dtypes: Any = getattr(value, "dtypes", None)
    if columns is None or dtypes is None:
        return None
    return dict(zip(list(columns), list(dtypes), strict=True))
