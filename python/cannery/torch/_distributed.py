"""Distributed checkpoints: a folder of files with a tensor or a part of one after the other."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cannery import pickle
from cannery._objects import Record
from cannery.errors import DataError
from cannery.torch._file import check_file_name, load_buffer, read_buffer


def load_distributed(folder: Path, weights_only: bool, mapped: bool) -> Any:
    """Read all of a distributed checkpoint, nested as it was saved."""
    with (folder / ".metadata").open("rb") as file:
        metadata = pickle.load(file, on_untrusted="record")
    described = _part(metadata, "state_dict_metadata", dict)
    places = _places(_part(metadata, "storage_data", dict))
    reader = _Reader(folder, weights_only, mapped)
    values = {name: reader.value(name, described[name], places) for name in described}
    paths = _optional(metadata, "planner_data")
    return _nested(values, paths) if isinstance(paths, dict) else values


def _part(value: Any, name: str, kind: type) -> Any:
    found = _optional(value, name)
    if not isinstance(found, kind):
        raise DataError(f"the metadata of the distributed checkpoint has no `{name}`")
    return found


def _optional(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, Record) and name in value else None


Place = tuple[str, int, int]


def _places(listed: dict[Any, Any]) -> dict[tuple[str, tuple[int, ...]], Place]:
    """Get file, offset and length of each part, by its name and where in the tensor it is."""
    found: dict[tuple[str, tuple[int, ...]], Place] = {}
    for index, info in listed.items():
        name = _part(index, "fqn", str)
        corner = _shape(_optional(index, "offset")) or ()
        file = _part(info, "relative_path", str)
        check_file_name(file)
        if _optional(info, "transform_descriptors"):
            raise DataError(f"the part {name!r} is packed, which is not supported")
        place = (file, _part(info, "offset", int), _part(info, "length", int))
        found[name, corner] = place
    return found


def _shape(value: Any) -> tuple[int, ...] | None:
    """Get the sides in a `torch.Size`, which is a record here."""
    if isinstance(value, Record):
        arguments = _optional(value, "args")
        value = arguments[0] if isinstance(arguments, tuple) and arguments else ()
    if not isinstance(value, tuple | list) or not all(type(side) is int for side in value):
        return None
    if any(side < 0 for side in value):
        raise DataError(f"a shape has a negative side: {value}")
    return tuple(value)


class _Reader:
    """Reads parts out of the files of a folder, each of which is mapped once."""

    def __init__(self, folder: Path, weights_only: bool, mapped: bool) -> None:
        self._folder = folder
        self._weights_only = weights_only
        self._mapped = mapped
        self._buffers: dict[str, Any] = {}

    def value(self, name: str, described: Any, places: dict[Any, Place]) -> Any:
        """Read a tensor, put together of its parts, or an object."""
        chunks = _optional(described, "chunks")
        if not isinstance(chunks, list):
            return self._read(name, places.get((name, ())))
        shape = _shape(_optional(described, "size"))
        if shape is None:
            raise DataError(f"the metadata of {name!r} has no shape")
        boxes = [(_shape(_optional(c, "offsets")), _shape(_optional(c, "sizes"))) for c in chunks]
        parts = [self._chunk(name, corner, sides, places) for corner, sides in boxes]
        if len(parts) == 1 and parts[0].shape == shape:
            return parts[0] if parts[0].flags.c_contiguous else parts[0].copy()
        return _joined(name, shape, [corner or () for corner, _ in boxes], parts)

    def _chunk(self, name: str, corner: Any, sides: Any, places: dict[Any, Place]) -> Any:
        # The place of a tensor without sides has no corner.
        array = self._read(name, places.get((name, corner or ())))
        if not isinstance(array, np.ndarray) or array.shape != sides:
            raise DataError(f"a part of {name!r} is not of the shape that the metadata says")
        return array

    def _read(self, name: str, place: Place | None) -> Any:
        if place is None:
            raise DataError(f"the metadata does not say where {name!r} is")
        file, offset, length = place
        if file not in self._buffers:
            self._buffers[file] = memoryview(read_buffer(self._folder / file, self._mapped))
        buffer = self._buffers[file]
        if offset < 0 or length < 0 or offset + length > len(buffer):
            raise DataError(f"{name!r} lies beyond the end of {file}")
        where = f"{self._folder / file}: {name}"
        return load_buffer(buffer[offset : offset + length], where, self._weights_only)


def _joined(name: str, shape: tuple[int, ...], corners: list[Any], parts: list[Any]) -> Any:
    """Put a tensor together; its parts have as many elements as it has."""
    if not parts or sum(part.size for part in parts) != math.prod(shape):
        raise DataError(f"the parts of {name!r} do not make up its shape {shape}")
    joined = np.empty(shape, parts[0].dtype)
    # Parts without an overlap that have as many elements as the whole leave none out.
    is_there = np.zeros(shape, bool)
    for corner, part in zip(corners, parts, strict=True):
        box = tuple(slice(at, at + side) for at, side in zip(corner, part.shape, strict=True))
        if part.dtype != joined.dtype or joined[box].shape != part.shape:
            raise DataError(f"a part of {name!r} does not fit into it")
        if is_there[box].any():
            raise DataError(f"two parts of {name!r} have the same elements")
        is_there[box] = True
        joined[box] = part
    return joined


def _nested(values: dict[str, Any], paths: dict[str, Any]) -> Any:
    """Put values where they were in the state that was saved."""
    root: dict[Any, Any] = {}
    for name, value in values.items():
        path = paths.get(name, (name,))
        if not isinstance(path, tuple) or not path:
            raise DataError(f"the path of {name!r} is none")
        inner: Any = root
        for key, following in pairwise(path):
            inner = _child(inner, key, [] if type(following) is int else {}, len(values))
        _put(inner, path[-1], value, len(values))
    return root


def _child(container: Any, key: Any, empty: Any, most: int) -> Any:
    if isinstance(container, dict):
        return container.setdefault(key, empty)
    _extend(container, key, most)
    if container[key] is None:
        container[key] = empty
    return container[key]


def _put(container: Any, key: Any, value: Any, most: int) -> None:
    if not isinstance(container, dict):
        _extend(container, key, most)
    container[key] = value


def _extend(container: Any, key: Any, most: int) -> None:
    if not isinstance(container, list) or type(key) is not int or not 0 <= key < most:
        raise DataError(f"the metadata puts a value at {key!r}, where no list has one")
    container.extend([None] * (key + 1 - len(container)))
