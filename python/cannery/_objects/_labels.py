"""Values that are hashed: names, keys and labels, with bounded work for all of them together."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterable
from typing import Any

from cannery._objects._checks import PartError, Untrusted
from cannery._objects._record import Record

_NESTED = (tuple, frozenset)
_HASHED_DEEPLY = (types.GenericAlias, types.UnionType, types.MappingProxyType, slice)
_DEEPEST = 64
_LARGEST = 10_000
_ALIKE = 64
"""How many values may have one hash: more are made to collide."""

PROTOCOLS = frozenset(
    """
    __array__ __array_finalize__ __array_function__ __array_interface__ __array_namespace__
    __array_priority__ __array_struct__ __array_ufunc__ __array_wrap__ __arrow_array__
    __arrow_c_array__ __arrow_c_device_array__ __arrow_c_schema__ __arrow_c_stream__
    __bytes__ __call__ __class__ __complex__ __cuda_array_interface__ __dataframe__ __dict__
    __dlpack__ __dlpack_device__ __float__ __fspath__ __geo_interface__ __index__ __int__
    __iter__ __jax_array__ __len__ __reduce__ __reduce_ex__ __setstate__ __tf_tensor__
    __torch_function__
    """.split()
)
"""Names that libraries look up on instances, to be given memory or code."""


def label(value: Any, path: str) -> None:
    """A value that may be hashed: its tuples are few and not deep, and none of it is a record."""
    _work_of(value, path, _LARGEST)


def _work_of(value: Any, path: str, limit: int) -> int:
    """How many values are looked at to hash this one, which shares none of the work."""
    if type(value) not in _NESTED:
        _check_leaf(value, path)
        return 1
    work, waiting = 0, [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        work += 1
        if work > limit or depth > _DEEPEST:
            raise PartError(f"the part {path!r}: a name or key is too large to be hashed")
        if type(item) in _NESTED:
            waiting.extend((each, depth + 1) for each in item)
        else:
            _check_leaf(item, path)
    return work


def _check_leaf(value: Any, path: str) -> None:
    if type(value) is Record:
        raise Untrusted(value.__type_name__)
    if isinstance(value, _HASHED_DEEPLY):
        raise PartError(f"the part {path!r}: a {type(value).__name__} is no name or key")
    if type(value) is range and value[_LARGEST:]:
        # It is hashed at once, but libraries go through names that are sequences.
        raise PartError(f"the part {path!r}: a range as long as this is no name or key")
    try:
        hash(value)
    except TypeError:
        raise PartError(f"the part {path!r}: a {type(value).__name__} has no hash") from None


def check_labels(values: Iterable[Any], path: str) -> None:
    """Check values that are hashed together, such as the labels of an index.

    Raises:
        PartError: if it takes too long to hash them, or too many have the same hash.
        Untrusted: if one is, or has, a record.

    """
    values = list(values)
    left = 16 * len(values) + _LARGEST
    alike: dict[int, list[Any]] = {}
    for value in values:
        left -= _work_of(value, path, min(left, _LARGEST))
        found = alike.setdefault(hash(value), [value, 0])
        found[1] += found[0] is not value and found[0] != value
    # pandas folds hashes into 32 bits.
    folded = Counter((each ^ (each >> 32)) & 0xFFFF_FFFF for each in alike)
    most = max((unequal for _, unequal in alike.values()), default=0)
    if most > _ALIKE or max(folded.values(), default=0) > _ALIKE:
        raise PartError(f"the part {path!r}: too many of its values have the same hash")


def check_no_protocols(values: Iterable[Any], path: str) -> None:
    """Check that no label is a name that libraries look up on what has it as an attribute."""
    for value in values:
        if type(value) is str and value in PROTOCOLS:
            raise PartError(f"the part {path!r}: {value!r} is the name of a protocol")
