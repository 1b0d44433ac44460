"""Random programs that write HDF5 files: the same operations for `cannery.hdf5` and for h5py."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Operation(NamedTuple):
    """What is done to an open file of either library; without `run` the file is opened again."""

    name: str
    run: Callable[[Any, Any], Any] | None


NUMBERS = ["i1", "<i2", ">i4", "i8", "u1", "u2", ">u4", "u8", "f2", "f4", ">f8", "c8", "c16", "?"]


def random_type(seed: int, library: Any) -> np.dtype:
    """A type of elements."""
    rng = random.Random(seed)
    records = [("s", library.string_dtype()), ("n", "i2"), ("v", library.vlen_dtype("f4"))]
    return rng.choice(
        [
            np.dtype(rng.choice(NUMBERS)),
            np.dtype("S5"),
            np.dtype("V6"),
            library.string_dtype(),
            library.string_dtype("ascii"),
            library.string_dtype("utf-8", 7),
            np.dtype([("a", "i4"), ("b", ">f8"), ("c", "S3")]),
            np.dtype([("x", "f4", (2,)), ("y", "?")]),
            library.enum_dtype({"R": 0, "G": 1, "B": 2}, "i2"),
            library.vlen_dtype("i4"),
            np.dtype(records),
        ]
    )


def random_values(seed: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Elements of a type."""
    return _values(random.Random(seed), dtype, shape)


def _values(rng: random.Random, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    count = int(np.prod(shape))
    metadata = dtype.metadata or {}
    if "vlen" in metadata:
        out = np.empty(count, object)
        for i in range(count):
            out[i] = _variable(rng, numbers, metadata["vlen"])
        return out.reshape(shape)
    if dtype.names:
        out = np.zeros(shape, dtype)
        for name in dtype.names:
            field = dtype[name]
            inner = field.subdtype[1] if field.subdtype else ()
            base = field.subdtype[0] if field.subdtype else field
            out[name] = _values(rng, base, shape + inner)
        return out
    if "enum" in metadata:
        return numbers.integers(0, 3, shape).astype(dtype)
    if dtype.kind == "S":
        texts = [_text(rng, numbers, dtype.itemsize) for _ in range(count)]
        return np.array(texts, dtype).reshape(shape)
    if dtype.kind == "V":
        return np.frombuffer(numbers.bytes(count * dtype.itemsize), dtype).reshape(shape)
    if dtype.kind == "b":
        return numbers.integers(0, 2, shape).astype(bool)
    if dtype.kind == "c":
        return (numbers.integers(-9, 9, shape) + 1j * numbers.integers(-9, 9, shape)).astype(dtype)
    if dtype.kind == "f":
        return (numbers.integers(-999, 999, shape) / 8).astype(dtype)
    return numbers.integers(0, 100, shape).astype(dtype)


def _variable(rng: random.Random, numbers: np.random.Generator, kind: Any) -> Any:
    if kind is str:
        return "é" * rng.randrange(4) + str(rng.randrange(99))
    if kind is bytes:
        return b"q" * rng.randrange(1, 5)
    return numbers.integers(0, 99, rng.randrange(4)).astype(kind)


def _text(rng: random.Random, numbers: np.random.Generator, size: int) -> bytes:
    return numbers.integers(97, 120, rng.randrange(size + 1)).astype("u1").tobytes()


def _selection(rng: random.Random, shape: list[int]) -> tuple[Any, ...]:
    chosen: list[Any] = []
    for n in shape:
        kind = rng.randrange(5)
        has_list = any(isinstance(one, list) for one in chosen)
        has_index = any(isinstance(one, int) for one in chosen)
        if kind == 0:
            chosen.append(slice(None))
        elif kind == 1 and n and not has_list:
            chosen.append(rng.randrange(n))
        elif kind == 2 and n:
            start = rng.randrange(n)
            chosen.append(slice(start, rng.randrange(start, n + 1)))
        elif kind == 3 and n > 1 and not has_list and not has_index:
            chosen.append(sorted(rng.sample(range(n), rng.randrange(2, min(n, 4) + 1))))
        else:
            chosen.append(slice(rng.randrange(n + 1), None, rng.randrange(1, 4)))
    return tuple(chosen)


class Program:
    """Operations that follow from a seed."""

    def __init__(self, seed: int) -> None:
        import h5py

        self._h5py = h5py
        self._rng = random.Random(seed)
        self._groups = [""]
        self._datasets: dict[str, tuple[list[int], Any, int]] = {}
        self.operations: list[Operation] = []
        kinds = [self._create] * 5 + [self._group, self._link] + [self._attributes] * 2
        kinds += [self._delete_attribute] + [self._write] * 3
        kinds += [self._resize, self._remove, self._move, self._reopen]
        for number in range(self._rng.randrange(8, 40)):
            self._rng.choice(kinds)(number)

    def _add(self, name: str, run: Callable[[Any, Any], Any] | None) -> None:
        self.operations.append(Operation(name, run))

    def _seed(self) -> int:
        return self._rng.randrange(1 << 30)

    def _create(self, number: int) -> None:
        rng = self._rng
        path = f"{rng.choice(self._groups)}/d{number}"
        least = 0 if rng.random() < 0.1 else 1
        shape = tuple(rng.randrange(least, 13) for _ in range(rng.randrange(4)))
        kind, data = self._seed(), self._seed()
        dtype = random_type(kind, self._h5py)
        keywords = self._storage(shape, dtype)
        is_number = dtype.kind in "iuf" and dtype.metadata is None
        if rng.random() < 0.3 and is_number:
            keywords["fillvalue"] = rng.randrange(9)
        if rng.random() < 0.2:
            keywords["track_order"] = True
        # What is never written is seen where h5py does not give out memory that was not set.
        is_empty = is_number and rng.random() < 0.3

        def run(library: Any, file: Any) -> None:
            made = random_type(kind, library)
            values = None if is_empty else random_values(data, made, shape)
            file.create_dataset(path, shape, made, data=values, **keywords)

        self._add(f"create {path} {shape} {dtype} {keywords}", run)
        self._datasets[path] = (list(shape), keywords.get("maxshape"), kind)

    def _storage(self, shape: tuple[int, ...], dtype: np.dtype) -> dict[str, Any]:
        rng, keywords = self._rng, {}
        if not shape or rng.random() < 0.3:
            return keywords
        bounds = tuple(None if rng.random() < 0.5 else n + rng.randrange(9) for n in shape)
        chunks = tuple(rng.randrange(1, max(n, 1) + 1) for n in shape)
        chunks = tuple(c if m is None else min(c, m) for c, m in zip(chunks, bounds, strict=True))
        keywords: dict[str, Any] = {"maxshape": bounds}
        if 0 not in chunks:
            keywords["chunks"] = chunks
        kind = rng.randrange(6)
        if kind == 0:
            keywords |= {"compression": "gzip", "compression_opts": rng.randrange(10)}
        elif kind == 1:
            keywords["compression"] = "lzf"
        if rng.random() < 0.4:
            keywords["shuffle"] = True
        if rng.random() < 0.3 and not dtype.hasobject:
            keywords["fletcher32"] = True
        elif rng.random() < 0.3 and dtype.kind in "iu" and dtype.metadata is None:
            keywords["scaleoffset"] = 0
        return keywords

    def _group(self, number: int) -> None:
        path, order = f"{self._rng.choice(self._groups)}/g{number}", self._rng.random() < 0.4
        self._add(f"group {path}", lambda _, file: file.create_group(path, track_order=order))
        self._groups.append(path)

    def _link(self, number: int) -> None:
        path, is_external = f"{self._rng.choice(self._groups)}/l{number}", self._rng.random() < 0.5

        def run(library: Any, file: Any) -> None:
            soft = library.SoftLink("/d")
            file[path] = library.ExternalLink("o.h5", "/x") if is_external else soft

        self._add(f"link {path}", run)

    def _owner(self) -> str:
        return self._rng.choice([*self._groups, *self._datasets]) or "/"

    def _attributes(self, number: int) -> None:
        owner, seed, count = self._owner(), self._seed(), self._rng.choice([1, 1, 2, 12])

        def run(library: Any, file: Any) -> None:
            rng = random.Random(seed)
            for _ in range(count):
                dtype = random_type(rng.randrange(1 << 30), library)
                values = _values(rng, dtype, rng.choice([(), (3,), (2, 2)]))
                file[owner].attrs.create(f"a{rng.randrange(20)}", values, dtype=dtype)

        self._add(f"attributes of {owner} {number}", run)

    def _delete_attribute(self, _: int) -> None:
        owner = self._owner()

        def run(_: Any, file: Any) -> None:
            for name in list(file[owner].attrs)[:1]:
                del file[owner].attrs[name]

        self._add(f"delete an attribute of {owner}", run)

    def _write(self, _: int) -> None:
        if not self._datasets:
            return
        path = self._rng.choice(list(self._datasets))
        shape, _, kind = self._datasets[path]
        chosen, data = _selection(self._rng, shape), self._seed()
        result = np.empty(shape, "u1")[chosen].shape
        vlen = (random_type(kind, self._h5py).metadata or {}).get("vlen")
        # h5py takes sequences in other ways where there are not just as many of one axis.
        if not shape or 0 in result or (vlen not in (None, str, bytes) and len(result) != 1):
            return

        def run(library: Any, file: Any) -> None:
            file[path][chosen] = random_values(data, random_type(kind, library), result)

        self._add(f"write {path}{chosen} of {shape}", run)

    def _resize(self, _: int) -> None:
        found = [path for path, (_, bounds, _) in self._datasets.items() if bounds is not None]
        if not found:
            return
        path = self._rng.choice(found)
        shape, bounds, _ = self._datasets[path]
        pairs = zip(shape, bounds, strict=True)
        shape[:] = [self._rng.randrange((n + 10 if m is None else m) + 1) for n, m in pairs]
        new = tuple(shape)
        self._add(f"resize {path} {new}", lambda _, file: file[path].resize(new))

    def _remove(self, _: int) -> None:
        if self._datasets:
            path = self._rng.choice(list(self._datasets))
            del self._datasets[path]
            self._add(f"delete {path}", lambda _, file: file.__delitem__(path))

    def _move(self, number: int) -> None:
        if self._datasets:
            path = self._rng.choice(list(self._datasets))
            new = f"{self._rng.choice(self._groups)}/m{number}"
            self._datasets[new] = self._datasets.pop(path)
            self._add(f"move {path} to {new}", lambda _, file: file.move(path, new))

    def _reopen(self, _: int) -> None:
        if self._rng.random() < 0.6:
            self._add("reopen", None)
        else:
            self._add("flush", lambda _, file: file.flush())


def apply(library: Any, path: str, operations: list[Operation], mode: str) -> Any:
    """Do operations to a file; gives back what it holds before it is closed."""
    file = library.File(path, mode)
    try:
        for operation in operations:
            if operation.run is None:
                file.close()
                file = library.File(path, "r+")
                continue
            operation.run(library, file)
        return contents(file)
    finally:
        file.close()


def contents(file: Any) -> dict[str, Any]:
    """All that a file holds, in a form that can be compared."""
    found: dict[str, Any] = {}
    _collect(file, "", found)
    return found


def _collect(group: Any, path: str, found: dict[str, Any]) -> None:
    found[path] = ("group", list(group), _attributes(group))
    for name in group:
        link = group.get(name, getlink=True)
        if type(link).__name__ != "HardLink":
            found[f"{path}/{name}"] = (type(link).__name__, link.path)
            continue
        member = group[name]
        if hasattr(member, "keys"):
            _collect(member, f"{path}/{name}", found)
            continue
        is_number = member.dtype.kind in "iufc" and member.dtype.metadata is None
        fill = _comparable(member.fillvalue) if is_number else None
        found[f"{path}/{name}"] = (
            member.shape, member.maxshape, member.chunks, str(member.dtype), member.compression,
            member.compression_opts, member.shuffle, member.fletcher32, fill,
            _attributes(member), _comparable(member[()]),
        )  # fmt: skip


def _attributes(owner: Any) -> list[tuple[str, Any]]:
    return [(name, _comparable(owner.attrs[name])) for name in owner.attrs]


def _comparable(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind == "O":
        items = [one.tolist() if isinstance(one, np.ndarray) else one for one in array.ravel()]
        return array.shape, items
    if array.dtype.names:
        return array.shape, [(name, _comparable(array[name])) for name in array.dtype.names]
    return array.dtype.str, array.shape, array.tobytes()
