"""Says whether what was loaded is what `expected.jsonl` of the torch suite says: the verdicts of
its README, held against arrays, containers and records."""

from __future__ import annotations

import base64
import datetime
import zlib
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from cannery import Record
from cannery.torch import MetaTensor, NestedTensor, SparseTensor
from cannery.torch._tensors import Constant, Device, Dtype, Size


class DifferenceError(AssertionError):
    """Something is not as it should be."""


class Comparison:
    """Compares one value with what is expected of it."""

    def __init__(self, expected: dict[str, Any], allow_records: bool = False) -> None:
        self._tensors = expected["tensors"]
        self._storages = expected["storages"]
        self._allow_records = allow_records
        #: What was compared, by kind.
        self.counts: Counter[str] = Counter()
        self._objects: dict[int, Any] = {}
        self._bases: dict[int, int] = {}

    def compare(self, plain: Any, value: Any) -> None:
        """Compare all of a value."""
        self._same(plain, value, "$")
        self._check_storages()

    # Values.

    def _same(self, want: Any, value: Any, path: str) -> None:
        self.counts["value"] += 1
        if isinstance(want, dict):
            mark = next((key for key in want if key.startswith("$")), None)
            compare = getattr(self, f"_{mark[1:]}", None) if mark else None
            if compare is not None:
                compare(want, value, path)
                return
            _check(mark is None, path, f"a kind that the comparison does not know: {mark}")
            _check(type(value) is dict, path, f"a dictionary, not {type(value)}")
            pairs = [[key, item] for key, item in want.items()]
            self._pairs(pairs, value, path)
        elif isinstance(want, list):
            _check(type(value) is list and len(value) == len(want), path, f"{want} != {value}")
            for index, (item, found) in enumerate(zip(want, value, strict=True)):
                self._same(item, found, f"{path}[{index}]")
        else:
            same = type(value) is type(want) and value == want
            _check(same, path, f"{value!r} != {want!r}")

    def _pairs(self, pairs: list[Any], value: Any, path: str) -> None:
        _check(len(value) == len(pairs), path, f"{len(value)} entries, not {len(pairs)}")
        for (key, item), (found_key, found) in zip(pairs, value.items(), strict=True):
            self._same(key, found_key, f"{path} key")
            self._same(item, found, f"{path}[{found_key!r}]")

    def _t(self, want: Any, value: Any, path: str) -> None:
        number = want["$t"]
        known = self._objects.setdefault(number, value)
        _check(known is value, path, f"tensor {number} is two objects")
        if self.counts[f"tensor {number}"] == 0:
            self.counts[f"tensor {number}"] = 1
            self.counts["tensor"] += 1
            self.tensor(self._tensors[number], value, path)

    def _tuple(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is tuple, path, f"a tuple, not {type(value)}")
        self._same(want["$tuple"], list(value), path)

    def _tupleclass(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, tuple | Record), path, f"a tuple, not {type(value)}")

    def _dict(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is dict, path, f"a dictionary, not {type(value)}")
        self._pairs(want["$dict"], value, path)

    def _dictclass(self, want: Any, value: Any, path: str) -> None:
        if isinstance(value, Record):
            self._record(want["$dictclass"], value, path)
            return
        kinds = {"OrderedDict": OrderedDict, "Counter": Counter, "defaultdict": defaultdict}
        kind = kinds[want["$dictclass"].split(".")[-1]]
        _check(isinstance(value, kind), path, f"a {kind}, not {type(value)}")
        self._pairs(want["items"], value, path)
        for name, item in want.get("attrs", {}).items():
            self._same(item, getattr(value, name), f"{path}.{name}")

    def _object(self, want: Any, value: Any, path: str) -> None:
        if not isinstance(value, Record):
            _check(_full_name(type(value)) == want["$object"], path, f"{type(value)}")
            for name, item in want["state"].items():
                self._same(item, getattr(value, name), f"{path}.{name}")
            return
        self._record(want["$object"], value, path)
        for name, item in want["state"].items():
            if name in value:
                self._same(item, value[name], f"{path}.{name}")
            else:
                self.counts["attribute that the class adds"] += 1

    def _record(self, name: str, value: Record, path: str) -> None:
        self.counts["record"] += 1
        _check(self._allow_records, path, f"a record of {value.type_name}, not {name}")

    def _set(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) in (set, frozenset), path, f"a set, not {type(value)}")
        self._same(want.get("$set", want.get("$frozenset")), sorted(value, key=repr), path)

    _frozenset = _set

    def _deque(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is deque, path, f"a deque, not {type(value)}")
        _check(value.maxlen == want["maxlen"], path, f"{value.maxlen}")
        self._same(want["$deque"], list(value), path)

    def _bytes(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is bytes, path, f"bytes, not {type(value)}")
        _check(base64.b64encode(value).decode() == want["$bytes"], path, f"{value!r}")

    def _bytearray(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is bytearray, path, f"a bytearray, not {type(value)}")
        _check(base64.b64encode(value).decode() == want["$bytearray"], path, f"{value!r}")

    def _float(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is float and repr(value) == want["$float"], path, f"{value!r}")

    def _complex(self, want: Any, value: Any, path: str) -> None:
        _check(type(value) is complex, path, f"{value!r}")
        self._same(want["$complex"], [value.real, value.imag], path)

    def _size(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, Size) and list(value) == want["$size"], path, f"{value!r}")

    def _dtype(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, Dtype) and value.name == want["$dtype"], path, f"{value!r}")

    def _device(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, Device) and value == want["$device"], path, f"{value!r}")

    def _torch(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, Constant) and value == want["$torch"], path, f"{value!r}")

    def _known(self, is_same: bool, value: Any, path: str) -> None:
        """Compare what may be reported as a record."""
        if isinstance(value, Record):
            self._record("a value type", value, path)
        else:
            _check(is_same, path, f"{value!r}")

    def _npscalar(self, want: Any, value: Any, path: str) -> None:
        is_same = isinstance(value, np.generic) and value.dtype.str == want["$npscalar"]
        self._known(is_same and value.tobytes().hex() == want["hex"], value, path)

    def _ndarray(self, want: Any, value: Any, path: str) -> None:
        is_same = isinstance(value, np.ndarray) and list(value.shape) == want["shape"]
        same_type = is_same and value.dtype.str == want["$ndarray"]
        self._known(same_type and _crc(np.ascontiguousarray(value)) == want["crc32"], value, path)

    def _npdtype(self, want: Any, value: Any, path: str) -> None:
        is_same = isinstance(value, np.dtype) and value.str == want["$npdtype"]
        self._known(is_same, value, path)

    def _datetime(self, want: Any, value: Any, path: str) -> None:
        is_same = isinstance(value, datetime.datetime) and value.isoformat() == want["$datetime"]
        self._known(is_same, value, path)

    def _date(self, want: Any, value: Any, path: str) -> None:
        is_same = isinstance(value, datetime.date) and value.isoformat() == want["$date"]
        self._known(is_same, value, path)

    def _timedelta(self, want: Any, value: Any, path: str) -> None:
        days, seconds, rest = want["$timedelta"]
        self._known(value == datetime.timedelta(days, seconds, rest), value, path)

    def _text_of(self, want: Any, value: Any, path: str) -> None:
        self._known(str(value) in want.values(), value, path)

    _path = _decimal = _fraction = _uuid = _timezone = _text_of

    def _slice(self, want: Any, value: Any, path: str) -> None:
        self._known(value == slice(*want["$slice"]), value, path)

    def _range(self, want: Any, value: Any, path: str) -> None:
        self._known(value == range(*want["$range"]), value, path)

    def _inert(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, Record | type), path, f"a record, not {type(value)}")

    _enum = _class = _function = _opaque = _uninitialized = _inert

    def _cycle(self, want: Any, value: Any, path: str) -> None:
        self.counts["cycle"] += 1

    def _storage(self, want: Any, value: Any, path: str) -> None:
        _check(isinstance(value, np.ndarray), path, f"an array, not {type(value)}")
        _check(_dtype_name(value) == want["dtype"], path, f"{value.dtype}")
        storage = self._storages[want["$storage"]]
        found = _crc(np.ascontiguousarray(value))
        _check(found == storage["crc32"] and value.nbytes == storage["nbytes"], path, "its bytes")
        self.counts["storage"] += 1

    # Tensors.

    def tensor(self, want: Any, value: Any, path: str) -> None:
        """Compare a tensor in any layout, and what the file says about it."""
        if want.get("requires_grad"):
            _check(value.requires_grad, path, "it wants gradients")
        if "class" in want:
            _check(value.torch_class == want["class"], path, f"its class {value.torch_class}")
        for name, item in want.get("attrs", {}).items():
            if name in value.attributes:
                self._same(item, value.attributes[name], f"{path}.{name}")
            else:
                self.counts["attribute that the class adds"] += 1
        layout = want.get("layout")
        if layout is None:
            self._strided(want, value, path)
            self._check_quantizer(want, value, path)
        elif layout == "nested":
            _check(isinstance(value, NestedTensor), path, f"{type(value)}")
            for index, (part, found) in enumerate(zip(want["parts"], value.parts, strict=True)):
                self._strided(part, found, f"{path}.parts[{index}]")
        else:
            kind = NestedTensor if layout == "nested_jagged" else SparseTensor
            _check(isinstance(value, kind) and value.layout == layout, path, f"{value!r}")
            for name, part in want.items():
                if isinstance(part, dict) and "stride" in part:
                    self._strided(part, getattr(value, name), f"{path}.{name}")
            if "shape" in want:
                _check(list(value.shape) == want["shape"], path, f"shape {value.shape}")

    def _check_quantizer(self, want: Any, value: Any, path: str) -> None:
        for name in ("qscheme", "scale", "zero_point", "axis"):
            if name in want:
                _check(getattr(value, name) == want[name], path, f"{name} {getattr(value, name)}")
        for name in ("scales", "zero_points"):
            if name in want:
                self._strided(want[name], getattr(value, name), f"{path}.{name}")

    def _strided(self, want: Any, value: Any, path: str) -> None:
        if want.get("device") == "meta":
            _check(isinstance(value, MetaTensor), path, f"{type(value)}")
            _check(list(value.shape) == want["shape"], path, f"shape {value.shape}")
            _check(list(value.torch_strides) == want["stride"], path, "strides")
            return
        _check(isinstance(value, np.ndarray), path, f"an array, not {type(value)}")
        _check(_dtype_name(value) == want["dtype"], path, f"{value.dtype} != {want['dtype']}")
        if want.get("packed"):
            storage = self._storages[want["storage"]]
            _check(_crc(value) == storage["crc32"], path, "its packed bytes")
            return
        _check(list(value.shape) == want["shape"], path, f"shape {value.shape}")
        _check(value.nbytes == want["nbytes"], path, f"{value.nbytes} bytes")
        expected = want.get("crc32_resolved", want["crc32"])
        _check(_crc(np.ascontiguousarray(value)) == expected, path, "its values")
        self.counts["crc32"] += 1
        if value.size and not want.get("conj") and not want.get("neg"):
            strides = [stride // value.dtype.itemsize for stride in value.strides]
            steps = zip(strides, want["stride"], want["shape"], strict=True)
            same = all(a == b for a, b, side in steps if side > 1)
            _check(same, path, f"strides {strides} != {want['stride']}")
            self._check_base(want, value, path)

    def _check_base(self, want: Any, value: Any, path: str) -> None:
        """Check that tensors share memory if, and only if, they have one storage."""
        address = value.__array_interface__["data"][0]
        base = address - want["offset"] * value.dtype.itemsize
        known = self._bases.setdefault(want["storage"], base)
        _check(known == base, path, f"not in the memory of storage {want['storage']}")

    def _check_storages(self) -> None:
        addresses = list(self._bases.values())
        _check(len(set(addresses)) == len(addresses), "$", "two storages share memory")


def walk(value: Any, pointer: str) -> Any:
    """Follow a path of the suite: items by their keys, and attributes behind an `@`."""
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        value = getattr(value, token[1:]) if token.startswith("@") else _item(value, token)
    return value


def _item(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        found = [item for key, item in value.items() if str(key) == token]
    elif isinstance(value, list | tuple | deque):
        found = [value[int(token)]]
    elif isinstance(value, Record):
        found = [value[token]]
    else:
        found = [getattr(value, token)]
    if not found:
        raise DifferenceError(f"no item {token!r}")
    return found[0]


def pointers(tensors: list[Any]) -> Iterator[tuple[str, Any]]:
    """The paths to all tensors."""
    return ((tensor["path"], tensor) for tensor in tensors)


def _dtype_name(value: Any) -> str:
    named = getattr(value, "torch_dtype", "")
    if named:
        return named
    return value.dtype.name if value.dtype.names is None else value.dtype.names[0]


def _crc(array: Any) -> str:
    return f"{zlib.crc32(array.tobytes()):08x}"


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _check(is_same: bool, path: str, what: str) -> None:
    if not is_same:
        raise DifferenceError(f"{path}: {what}")
