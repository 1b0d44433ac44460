"""The rules of libraries: their invariants are asked before a state, and when all is read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from cannery.pickle import _arrays, _texts
from cannery.pickle._limits import (
    CONTAINERS,
    SCALARS,
    Made,
    check_count,
    check_scalar,
    check_scalars,
    check_zone,
    full_name,
    is_record,
)
from cannery.pickle._refused import Refused, bomb
from cannery.pickle._state import check_names, set_state, split

if TYPE_CHECKING:
    from cannery.pickle._gate import Gate

Args = tuple[Any, ...]
Keywords = dict[str, Any]

# Packages whose classes have invariants that their compiled code relies on.
_PACKAGES = frozenset({"numpy", "scipy", "pandas", "sklearn"})
_HELPER = "__pyx_unpickle_"


def package_of(name: str) -> str:
    """Return the package of a full name, if it is one with invariants; empty otherwise."""
    package = name.partition(".")[0]
    return package if package in _PACKAGES else ""


def _invariants() -> Any:
    name = "cannery._objects._invariants"
    return import_module(name) if find_spec(name) is not None else None


def check_state(name: str, state: Any, args: Args = ()) -> None:
    """Ask whether a state, or arguments, hold what compiled code relies on.

    Raises:
        Refused: if they do not, or the class has no written invariants.

    """
    invariants = _invariants()
    if invariants is not None:
        _ask(name, invariants.check_state, name, state, args)


def _ask(name: str, check: Callable[..., None], *arguments: Any) -> None:
    try:
        check(*arguments)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise Refused(name, f"{error}") from None
    except Exception as error:
        if type(error).__name__ != "Untrusted":
            raise
        raise Refused(name, "it is given a record of what is not trusted") from None


# Calls.


def rule_of(name: str) -> Callable[..., Any] | None:
    """The rule for calling what a library has."""
    own = name.rpartition(".")[2]
    if own.startswith(_HELPER):
        return _unpickle
    if name.startswith("sklearn.") and own in ("newObj", "newObj32", "newObj64"):
        return _new_object
    if name.startswith("pyarrow."):
        return _ARROW.get(own)
    if package_of(name):
        return _call
    return None


def _call(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    name = gate.name_of(callee)
    package = package_of(name)
    if keywords:
        raise Refused(name, "it takes no keywords")
    for each in args:
        check_argument(gate, name, each)
    if package == "sklearn":
        _check_made(name, callee, args)
    elif package == "pandas":
        _check_pandas(name, args)
    elif not isinstance(callee, type):
        raise Refused(name, "the table has no rule for calling it")
    return keep(gate, name, callee(*args), args)


_OFFSETS = "pandas._libs.tslibs.offsets."


def _check_pandas(name: str, args: Args) -> None:
    if name.startswith((_OFFSETS, "pandas.tseries.offsets.", "pandas.DateOffset")):
        # These check what they are given; they are looked at once more when they are finished.
        check_scalars(name, args, int, bool, str, type(None))
    else:
        check_state(name, args)


def _check_made(name: str, callee: Any, args: Args) -> None:
    """Look at what the constructors of scikit-learn's compiled classes rely on."""
    if name == "sklearn.tree._tree.Tree":
        numpy = sys.modules["numpy"]
        check_count(name, args, 3, 3)
        features, classes, outputs = args
        is_tree = type(features) is int and type(outputs) is int and type(classes) is numpy.ndarray
        if not is_tree or classes.dtype != numpy.intp or classes.shape != (outputs,):
            raise Refused(name, "its sizes do not agree")
        if not 0 <= features < 1 << 31 or not 0 < outputs < 1 << 20 or (classes < 1).any():
            raise Refused(name, "its sizes are none")
        return
    if issubclass(callee, (tuple, dict)) if isinstance(callee, type) else False:
        return
    module = sys.modules.get(getattr(callee, "__module__", ""))
    is_loss = name.startswith(("sklearn._loss._loss.", "sklearn.linear_model._s"))
    if is_compiled(module) and not is_loss:
        raise Refused(name, "it has no written invariants")
    check_scalars(name, args, int, float, bool, type(None))


def is_compiled(module: Any) -> bool:
    """Whether a module is machine code."""
    origin = getattr(module, "__file__", None)
    return origin is None or origin.endswith(tuple(EXTENSION_SUFFIXES))


def has_compiled_base(cls: type) -> bool:
    """Whether a class is machine code, or of one of a library that is."""
    modules = {base.__module__ for base in cls.__mro__} - {"builtins"}
    packages = (*_PACKAGES, "pyarrow")
    return any(
        module.partition(".")[0] in packages and is_compiled(sys.modules.get(module))
        for module in modules
    )


def check_argument(gate: Gate, name: str, value: Any, depth: int = 4) -> None:
    """Refuse what a library might call, run through, or take for more than data.

    Raises:
        Refused: for functions, iterators, ranges and records.

    """
    cls = type(value)
    if is_record(value):
        raise Refused(name, "it is given a record of what is not trusted")
    if cls is str:
        _texts.check(name, value)
    elif cls in SCALARS:
        check_scalar(name, value, cls) if cls is not bytes else None
    elif cls in CONTAINERS:
        inner = (*value, *value.values()) if cls is dict else tuple(value)
        if inner and depth == 0:
            raise bomb(name, "arguments deeper than any data has")
        for each in inner:
            check_argument(gate, name, each, depth - 1)
    elif cls is range or hasattr(cls, "__next__"):
        raise bomb(name, "it would run through what is no container")
    elif isinstance(value, type) or (callable(value) and not _is_index_class(value)):
        is_class = isinstance(value, type) and package_of(full_name(value))
        if not is_class:
            raise Refused(name, "it is given what it might call")


def _is_index_class(value: Any) -> bool:
    # Offsets of pandas can be called, and do nothing but compare then.
    return type(value).__module__.startswith("pandas.")


def _unpickle(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """Cython's helper of one class: `__pyx_unpickle_X(cls, checksum, state)`."""
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 3, 3)
    cls, checksum, state = args
    if not isinstance(cls, type) or type(checksum) is not int:
        raise Refused(name, "it is given no class")
    own = name.rpartition(".")[2].removeprefix(_HELPER)
    if not any(base.__name__ == own for base in cls.__mro__) or not package_of(gate.name_of(cls)):
        raise Refused(name, "it is given the class of another function")
    of_class = full_name(cls)
    if state is not None:
        _check_given(gate, of_class, state, ())
    return keep(gate, of_class, callee(*args), (), is_built=state is not None)


def _new_object(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """scikit-learn's `newObj(cls)`, which makes an instance without its constructor."""
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 1, 1)
    cls = args[0]
    if not isinstance(cls, type) or not gate.name_of(cls).startswith("sklearn."):
        raise Refused(name, "it is given no class of its library")
    known = ("DistanceMetric", "BinaryTree", "KDTree", "BallTree")
    if not any(base.__name__.startswith(known) for base in cls.__mro__):
        raise Refused(name, "it is given no class of its library")
    return keep(gate, full_name(cls), callee(cls), ())


def keep(gate: Gate, name: str, made: Any, args: Args, *, is_built: bool = False) -> Any:
    """Keep an object of a library in mind, for the look at the end."""
    if package_of(full_name(type(made))) and id(made) not in gate.made:
        gate.made[id(made)] = Made(made, name, args, is_built)
    return made


def new(gate: Gate, name: str, cls: type, args: Args, keywords: Keywords) -> Any:
    """Make an instance of a library's class; `None` if the class is not one.

    Raises:
        Refused: if the class is one that is not made like this.

    """
    if any(base.__module__.partition(".")[0] in ("pyarrow", "torch") for base in cls.__mro__):
        raise Refused(name, "the table has no rule for making it")
    if package_of(name) == "":
        if name.startswith("torch."):
            raise Refused(name, "the table has no rule for making it")
        return None
    if name.startswith("numpy."):
        made = _arrays.new(gate, cls, args)
        if made is not None:
            return made
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        for each in (*args, *keywords.values()):
            if type(each) is range or hasattr(type(each), "__next__"):
                raise bomb(name, "it would run through what is no container")
        return cls.__new__(cls, *args, **keywords)
    if keywords:
        raise Refused(name, "it takes no keywords")
    is_plain = any(cls.__new__ is base.__new__ for base in (object, dict, list))
    if not is_plain:
        return _call_new(gate, name, cls, args)
    if args:
        raise Refused(name, "it takes no arguments")
    return keep(gate, full_name(cls), cast("Any", cls).__new__(cls), ())


def _call_new(gate: Gate, name: str, cls: type, args: Args) -> Any:
    """Make an instance of a class with a `__new__` of its own."""
    for each in args:
        check_argument(gate, name, each)
    # Without arguments it is nothing but zeros: it gets a state, or is refused at the end.
    if args and package_of(name) == "sklearn":
        _check_made(name, cls, args)
    elif args:
        check_state(name, args)
    return keep(gate, full_name(cls), cls.__new__(cls, *args), args)


# States.

# Classes written in Python that are numbers and texts by name.
_PLAIN = frozenset(
    {
        f"numpy.polynomial.{module}.{name}"
        for module, name in (
            ("chebyshev", "Chebyshev"), ("hermite", "Hermite"), ("hermite_e", "HermiteE"),
            ("laguerre", "Laguerre"), ("legendre", "Legendre"), ("polynomial", "Polynomial"),
        )
    }
    | {"numpy.poly1d", "numpy.lib._polynomial_impl.poly1d"}
)  # fmt: skip


def _check_plain_state(name: str, state: Any) -> None:
    numpy = sys.modules["numpy"]
    for part in (state if type(state) is dict else {}).values():
        is_array = type(part) is numpy.ndarray and part.dtype.kind in "biufc"
        if not is_array and type(part) not in SCALARS:
            raise Refused(name, "a part of it is no array of numbers and no scalar")


def state_of(cls: type, name: str) -> Callable[[Gate, Any, Any], None] | None:
    """The rule for the states of a library's classes."""
    del cls
    return _state if package_of(name) else None


def _state(gate: Gate, value: Any, state: Any) -> None:
    cls = type(value)
    name = full_name(cls)
    made = gate.made.get(id(value))
    if made is None:
        raise Refused(name, "it is given a state, but not the pickle's own")
    _check_given(gate, name, state, made.args)
    setter = getattr(cls, "__setstate__", None)
    if setter is None:
        set_state(name, value, state)
    else:
        value.__setstate__(state)
    made.is_built = True


def _check_given(gate: Gate, name: str, state: Any, args: Args) -> None:
    """Look at a state before a `__setstate__` gets it."""
    del gate
    if name in _PLAIN:
        _check_plain_state(name, state)
    else:
        check_state(name, _with_seeds(name, state), args)
    cls = _class_named(name)
    attributes = state if type(state) is dict else {}
    if type(state) is tuple and len(state) == 2 and type(state[0]) in (dict, type(None)):
        attributes = {**split(name, state)[0], **split(name, state)[1]} if _has_parts(state) else {}
    if cls is not None and attributes and cls.__dictoffset__:
        known = _OWN_NAMES.get(package_of(name), frozenset())
        check_names(name, cls, (key for key in attributes if key not in known), slots=True)
    for key, each in attributes.items():
        _texts.check_attribute(name, key, each)


def _with_seeds(name: str, state: Any) -> Any:
    """The state of a generator that was not made of seeds, `(state, None)`, as one that was."""
    is_generator = name.startswith("numpy.random._")
    if is_generator and type(state) is tuple and len(state) == 2 and state[1] is None:
        return (state[0], sys.modules["numpy"].random.SeedSequence(0))
    return state


def _has_parts(state: Any) -> bool:
    return all(type(part) in (dict, type(None)) for part in state)


# Names that a library's own `__setstate__` takes although its class describes them.
_OWN_NAMES: dict[str, frozenset[str]] = {
    "pandas": frozenset(
        """attrs _typ _metadata _flags _mgr _data _name name index categories ordered unit tz
        subtype closed kwds normalize n weekday month startingMonth calendar weekmask holidays
        offset week day_of_month start end variation freq _dtype dtype _fill_value _cache""".split()
    ),
    "numpy": frozenset({"coef", "domain", "window", "symbol", "_symbol", "state", "bit_generator"}),
    "scipy": frozenset({"_shape", "data", "indices", "indptr", "maxprint", "row", "col", "coords",
                        "offsets", "rows", "has_canonical_format", "has_sorted_indices"}),
    "sklearn": frozenset(),
}  # fmt: skip


def _class_named(name: str) -> Any:
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:count]))
        if module is not None:
            found: Any = module
            for part in parts[count:]:
                found = getattr(found, part, None)
            return found if isinstance(found, type) else None
    return None


def finish(gate: Gate) -> None:
    """Look at every object of a library once more.

    Raises:
        Refused: if one has no state, or is not as its compiled code relies on.

    """
    invariants = _invariants()
    for made in gate.made.values():
        cls = type(made.value)
        name = full_name(cls)
        try:
            is_bare = not made.is_built and not made.args
            if is_bare and has_compiled_base(cls) and not _is_whole(cls):
                raise Refused(name, "it was given no state")
            if invariants is not None and name not in _PLAIN:
                if not made.is_built and package_of(name) == "sklearn":
                    check_state(name, None, made.args)
                _ask(name, invariants.check_object, made.value)
        except Refused as refused:
            refused.value = made.value
            raise


def _is_whole(cls: type) -> bool:
    """Whether instances are complete without a state."""
    return cls.__module__.startswith(
        ("sklearn._loss.", "sklearn.linear_model.", "pandas._libs.tslibs.")
    )


# Arrow.


def _arrow(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    for each in args:
        if type(each).__module__ == "pyarrow.lib":
            continue
        if type(each) in (list, tuple):
            for part in each:
                own = type(part).__module__ == "pyarrow.lib"
                None if own else check_scalar(name, part)
        elif type(each) is not dict or each:
            check_scalar(name, each)
    return callee(*args)


def _arrow_buffer(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    if len(args) != 1 or type(args[0]).__name__ not in ("bytes", "bytearray", "PickleBuffer"):
        raise Refused(name, "it is given no bytes")
    return callee(*args)


def _arrow_array(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    """`_restore_array((type, length, null_count, offset, buffers, children, dictionary))`."""
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 1, 1)
    _check_arrow(name, args[0], 8)
    made = callee(*args)
    try:
        made.validate(full=True)
    except Exception as error:
        raise Refused(name, f"its offsets are wrong: {error}") from None
    return made


def _check_arrow(name: str, data: Any, depth: int) -> None:
    pyarrow = sys.modules["pyarrow"]
    if type(data) is not tuple or len(data) != 7 or depth == 0:
        raise Refused(name, "its parts are not those of an array")
    kind, length, nulls, offset, buffers, children, dictionary = data
    if (
        not isinstance(kind, pyarrow.DataType)
        or type(buffers) is not list
        or type(children) is not list
    ):
        raise Refused(name, "its parts are not those of an array")
    for number in (length, nulls, offset):
        if type(number) is not int or not -1 <= number < 1 << 40:
            raise Refused(name, "its sizes are none")
    if length < 0 or offset < 0 or nulls > length:
        raise Refused(name, "its sizes are none")
    expected = _buffers_of(pyarrow.types, kind)
    if expected is None or len(buffers) != expected or dictionary is not None or children:
        raise Refused(name, "an Arrow type whose buffers are not checked")
    if not all(each is None or isinstance(each, pyarrow.Buffer) for each in buffers):
        raise Refused(name, "it is given no buffers")
    # Beyond the validity bitmap, every buffer has to be there for its end to be checked.
    if expected and (any(each is None for each in buffers[1:]) or not _holds(kind, data)):
        raise Refused(name, "a buffer is shorter than its length says")


def _holds(kind: Any, data: Any) -> bool:
    _, length, nulls, offset, buffers, _, _ = data
    end = length + offset
    if nulls and buffers[0] is None:
        return False
    if buffers[0] is not None and buffers[0].size * 8 < end:
        return False
    if len(buffers) == 3:
        width = 8 if str(kind).startswith("large_") else 4
        return buffers[1].size >= (end + 1) * width or (end == 0 and buffers[1].size == 0)
    return buffers[1].size * 8 >= end * kind.bit_width


def _buffers_of(types: Any, kind: Any) -> int | None:
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    if any(is_kind(kind) for is_kind in texts):
        return 3
    plain = (types.is_primitive, types.is_decimal, types.is_fixed_size_binary, types.is_boolean)
    return 2 if any(is_kind(kind) for is_kind in plain) else None


def _arrow_chunks(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name, pyarrow = gate.name_of(callee), sys.modules["pyarrow"]
    check_count(name, args, 1, 2)
    is_chunks = type(args[0]) is list and all(isinstance(each, pyarrow.Array) for each in args[0])
    if not is_chunks or not all(isinstance(each, pyarrow.DataType) for each in args[1:]):
        raise Refused(name, "it is given no arrays")
    return callee(*args)


_ARROW: dict[str, Callable[..., Any]] = {
    "_restore_array": _arrow_array,
    "_restore_chunked_array": _arrow_chunks,
    "chunked_array": _arrow_chunks,
    "py_buffer": _arrow_buffer,
    **dict.fromkeys(
        """binary decimal128 decimal256 dictionary duration field fixed_shape_tensor large_binary
        large_list large_string list_ map_ run_end_encoded schema string struct time32 time64
        timestamp type_for_alias""".split(),
        _arrow,
    ),
}


# The functions of pandas whose arguments its invariants do not list.


def _block(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    check_count(name, args, 3, 3)
    check_block(gate, name, *args)
    return callee(*args)


def check_block(gate: Gate, name: str, values: Any, place: Any, dimensions: Any) -> None:
    """Look at the values of a block, and whether there is one column for each.

    Raises:
        Refused: if they do not agree.

    """
    check_argument(gate, name, values)
    if type(place) is slice:
        bounds = (place.start, place.stop, place.step or 1)
        if any(type(bound) is not int or abs(bound) >= 1 << 31 for bound in bounds):
            raise Refused(name, "its placement is none")
        count = len(range(*bounds))
    else:
        count = getattr(place, "size", -1)
        if type(place).__name__ != "ndarray" or place.dtype.kind not in "iu" or place.ndim != 1:
            raise Refused(name, "its placement is none")
    rows = values.shape[0] if getattr(values, "ndim", 1) == 2 else 1
    if dimensions not in (1, 2) or (dimensions == 2 and count != rows):
        raise Refused(name, "its placement has not as many columns as its values")
    check_state("pandas._libs.internals._unpickle_block", (values, place, dimensions))


def _manager_state(gate: Gate, value: Any, state: Any) -> None:
    """The axes and blocks of a series, as `__getstate__` of a manager writes them."""
    cls, version = type(value), "0.14.1"
    name, pandas = full_name(cls), sys.modules["pandas"]
    extra = state[3] if type(state) is tuple and len(state) == 4 else None
    parts = extra.get(version) if type(extra) is dict else None
    if type(parts) is not dict or parts.keys() != {"axes", "blocks"}:
        raise Refused(name, "its state is none that pandas writes")
    axes, blocks = parts["axes"], parts["blocks"]
    if type(axes) is not list or type(blocks) is not list or not 0 < len(axes) <= 2:
        raise Refused(name, "its state is none that pandas writes")
    for axis in axes:
        if not isinstance(axis, pandas.Index):
            raise Refused(name, "an axis of it is no index")
    for block in blocks:
        if type(block) is not dict or block.keys() != {"values", "mgr_locs"}:
            raise Refused(name, "its state is none that pandas writes")
        check_block(gate, name, block["values"], block["mgr_locs"], len(axes))
    value.__setstate__(state)
    keep(gate, name, value, ())
    gate.made[id(value)].is_built = True


def _index(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name, pandas = gate.name_of(callee), sys.modules["pandas"]
    check_count(name, args, 2, 2)
    cls, parts = args
    if not isinstance(cls, type) or not issubclass(cls, pandas.Index) or type(parts) is not dict:
        raise Refused(name, "it is given no class of an index")
    gate.name_of(cls)
    if any(type(key) is not str for key in parts) or parts.keys() - _INDEX_PARTS:
        raise Refused(name, "it is given a part that an index has not")
    for key, each in parts.items():
        if key == "tz" and each is not None and type(each) is not str:
            check_zone(name, each)
        elif key in ("data", "levels", "codes", "left", "right"):
            _check_values(gate, name, each)
        elif key not in ("name", "names"):
            check_argument(gate, name, each)
    check_state(name, args)
    made = callee(cls, dict(parts))
    return keep(gate, name, made, args)


def _check_values(gate: Gate, name: str, values: Any) -> None:
    if type(values) in (list, tuple):
        for each in values:
            check_argument(gate, name, each)
    elif type(values) is range or not hasattr(values, "dtype"):
        raise bomb(name, "it would run through what is no container")


_INDEX_PARTS = frozenset(
    """data name names start stop step dtype tz freq levels codes labels sortorder ordered
    categories closed left right copy""".split()
)


def _manager(gate: Gate, callee: Any, args: Args, keywords: Keywords) -> Any:
    del keywords
    name = gate.name_of(callee)
    for each in args:
        check_argument(gate, name, each)
    check_state(name, args)
    return keep(gate, name, callee(*args), args)


CALLS: dict[str, Callable[..., Any]] = {
    "pandas._libs.internals._unpickle_block": _block,
    **{
        f"pandas.core.indexes.{name}": _index
        for name in (
            "base._new_Index", "datetimes._new_DatetimeIndex", "timedeltas._new_TimedeltaIndex",
            "interval._new_IntervalIndex", "period._new_PeriodIndex",
        )
    },
    "pandas.core.internals.managers.BlockManager": _manager,
    "pandas.core.internals.managers.SingleBlockManager": _manager,
}  # fmt: skip
STATES: dict[str, Callable[[Gate, Any, Any], None]] = {
    "pandas.core.internals.managers.BlockManager": _manager_state,
    "pandas.core.internals.managers.SingleBlockManager": _manager_state,
}
