"""Changing groups: new members, links, copies."""

from __future__ import annotations

import functools
import os
import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cannery.errors import CanneryError, DataError
from cannery.hdf5._create import NewDataset
from cannery.hdf5._encode import native_type, plain_type
from cannery.hdf5._errors import ReadOnlyError, shown
from cannery.hdf5._object import HLObject
from cannery.hdf5._references import made_reference
from cannery.hdf5._types import text

if TYPE_CHECKING:
    from cannery import _native
    from cannery.hdf5._dataset import Dataset
    from cannery.hdf5._objects import Group


_Refer = Callable[[str, bytes], bytes]


class SoftLink:
    """A link to what a path leads to."""

    def __init__(self, path: str) -> None:
        self._path = str(path)

    @property
    def path(self) -> str:
        """The path, from the group that holds the link, or from the root."""
        return self._path

    def __repr__(self) -> str:
        return f'<SoftLink to "{shown(self._path)}">'


class ExternalLink:
    """A link to what a path leads to in another file."""

    def __init__(self, filename: str | os.PathLike[str], path: str) -> None:
        self._filename, self._path = os.fspath(filename), str(path)

    @property
    def filename(self) -> str:
        """The name of the other file."""
        return self._filename

    @property
    def path(self) -> str:
        """The path in it."""
        return self._path

    def __repr__(self) -> str:
        return f'<ExternalLink to "{shown(self._path)}" in file "{shown(self._filename)}">'


def name_bytes(name: str | bytes) -> bytes:
    """A name as the file has it."""
    if isinstance(name, bytes):
        return name
    if not isinstance(name, str):
        raise TypeError(f"expected a name or a reference, found `{type(name).__name__}`")
    return name.encode("utf-8", "surrogateescape")


def _split(group: Any, path: bytes) -> tuple[_native.Hdf5Node, list[bytes]]:
    """The group where a path begins, and its parts."""
    node = group._node.root() if path.startswith(b"/") else group._node
    return node, [part for part in path.split(b"/") if part not in (b"", b".")]


def _parent(group: Any, name: str | bytes, make: bool = True) -> tuple[_native.Hdf5Node, bytes]:
    """The group that a path leads through last, which is made if it is not there; and the name."""
    node, parts = _split(group, name_bytes(name))
    if not parts:
        raise ValueError("a name is missing")
    for part in parts[:-1]:
        try:
            node.link(part)
        except (CanneryError, OSError):
            if not make:
                raise
            made = node.create_group(False)
            node.insert_hard(part, made)
            node = made
            continue
        node = node.resolve(part)
        if node.kind() != "group":
            raise ValueError(f"`{shown(text(part))}` is no group")
    return node, parts[-1]


def _exists(node: _native.Hdf5Node, name: bytes) -> bool:
    try:
        node.link(name)
    except (CanneryError, OSError):
        return False
    return True


def _free(node: _native.Hdf5Node, name: bytes) -> None:
    if _exists(node, name):
        error = DataError(f"unable to create `{shown(text(name))}`: the name exists already")
        error.hint = "delete it first, or use `require_group` or `require_dataset`"
        raise error


def _check_writable(group: Group) -> None:
    if group._state and group._state.file.mode == "r":
        error = ReadOnlyError("unable to create an object: the file is open for reading only")
        error.hint = 'open it with the mode "r+" or "a"'
        raise error


def create_group(group: Group, name: str | bytes | None, track_order: bool | None) -> Any:
    """Make a group."""
    if name is None:
        made = group._node.create_group(bool(track_order))
        group._state.changed()
        return group._state.make(group._state, made, None)
    _check_writable(group)
    node, last = _parent(group, name)
    _free(node, last)
    made = node.create_group(bool(track_order))
    node.insert_hard(last, made)
    group._state.changed()
    return group._state.make(group._state, made, group._joined(name_bytes(name)))


def create_dataset(
    group: Group, name: str | bytes | None, shape: Any, dtype: Any, data: Any, keywords: Any
) -> Dataset:
    """Make a dataset."""
    _check_writable(group)
    if shape is None and dtype is None and not keywords:
        made = _add_plain(group, name, data)
        if made is not None:
            return group._state.make(group._state, made, group._joined(name_bytes(name or b"")))
    new = NewDataset(shape, dtype, data, **keywords)
    node, last, path = group._node, b"", None
    if name is not None:
        node, last = _parent(group, name)
        _free(node, last)
        path = group._joined(name_bytes(name))
    made = new.create(node)
    new.write(made, group._state.threads)
    if name is not None:
        node.insert_hard(last, made)
    group._state.changed()
    return group._state.make(group._state, made, path)


def _add_plain(group: Group, name: Any, data: Any) -> _native.Hdf5Node | None:
    """Make a dataset of numbers at once; `None` if more has to be looked at."""
    if type(name) is not str or "/" in name or name in ("", "."):
        return None
    if isinstance(data, (int, float)):
        data = np.asarray(data)
    native = plain_type(data)
    if native is None:
        return None
    raw = data.reshape(-1).view("u1")
    made = group._node.add_dataset(name_bytes(name), native, data.shape, raw)
    if made is not None:
        group._state.changed()
    return made


def set_member(group: Group, name: str | bytes, value: Any) -> None:
    """Make what `group[name] = value` says."""
    if isinstance(value, HLObject):
        if value.id[0] != group.id[0]:
            raise ValueError("an object of another file cannot be linked; copy it")
        node, last = _parent(group, name)
        _free(node, last)
        node.insert_hard(last, value._node)
    elif isinstance(value, SoftLink) or _is_kind(value, "SoftLink"):
        node, last = _parent(group, name)
        _free(node, last)
        node.insert_soft(last, name_bytes(value.path))
    elif isinstance(value, ExternalLink) or _is_kind(value, "ExternalLink"):
        node, last = _parent(group, name)
        _free(node, last)
        node.insert_external(last, os.fsencode(value.filename), name_bytes(value.path))
    elif isinstance(value, np.dtype):
        node, last = _parent(group, name)
        _free(node, last)
        node.insert_hard(last, node.commit_datatype(native_type(value)))
    else:
        _check_writable(group)
        if _add_plain(group, name, value) is None:
            create_dataset(group, name, None, None, value, {})
    group._state.changed()


def _is_kind(value: Any, name: str) -> bool:
    return type(value).__name__ == name and hasattr(value, "path")


def delete_member(group: Group, name: str | bytes) -> None:
    """Remove a link."""
    try:
        node, last = _parent(group, name, make=False)
        node.remove_link(last)
    except CanneryError as error:
        from cannery.hdf5._errors import object_error

        raise object_error(text(name_bytes(name)), error) from error
    group._state.changed()


def move_member(group: Group, source: str | bytes, dest: str | bytes) -> None:
    """Give a link another place."""
    if name_bytes(source) == name_bytes(dest):
        return
    node, last = _parent(group, source, make=False)
    node.link(last)
    to, new = _parent(group, dest)
    _free(to, new)
    node.move_link(last, to, new)
    group._state.changed()


def require_dataset(
    group: Group, name: str, shape: Any, dtype: Any, exact: bool, keywords: Any
) -> Any:
    """The dataset of a name, made if it is not there."""
    if name not in group:
        return create_dataset(group, name, shape, dtype, keywords.pop("data", None), keywords)
    found = group[name]
    from cannery.hdf5._dataset import Dataset

    if not isinstance(found, Dataset):
        raise TypeError(f"Incompatible object ({type(found).__name__}) already exists")
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    if found.shape != wanted:
        if "maxshape" not in keywords:
            raise TypeError(f"Shapes do not match (existing {found.shape} vs new {wanted})")
        most = keywords["maxshape"]
        if most != found.maxshape:
            raise TypeError(f"Max shapes do not match (existing {found.maxshape} vs new {most})")
    dtype = np.dtype(dtype)
    if exact and dtype != found.dtype:
        raise TypeError(f"Datatypes do not exactly match (existing {found.dtype} vs new {dtype})")
    if not np.can_cast(dtype, found.dtype):
        raise TypeError(f"Datatypes cannot be safely cast (existing {found.dtype} vs new {dtype})")
    return found


def copy_member(
    group: Group,
    source: Any,
    dest: Any,
    name: str | None,
    shallow: bool,
    expand_soft: bool,
    expand_external: bool,
    expand_refs: bool,
    without_attrs: bool,
) -> None:
    """Copy an object, within a file or to another one."""
    found = source if isinstance(source, HLObject) else group[source]
    if isinstance(dest, HLObject):
        target = dest
        if name is None:
            base = (
                posixpath.basename(found.name or "")
                if isinstance(source, HLObject)
                else (posixpath.basename(text(name_bytes(source))))
            )
            name = base
    else:
        target, name = group, dest
    if not name:
        raise ValueError("a name for the copy is missing")
    node, last = _parent(target, name)
    _free(node, last)
    follow = _Followed(expand_soft, expand_external, expand_refs)
    copier = _Copier(target, follow, shallow, without_attrs)
    made = copier.copy(found)
    node.insert_hard(last, made)
    target._state.changed()


class _Followed(NamedTuple):
    """What leads to objects that are copied along."""

    soft: bool
    external: bool
    references: bool


class _Copier:
    """A copy of objects that lead to each other: each is copied once."""

    def __init__(self, target: Any, follow: _Followed, shallow: bool, without_attrs: bool) -> None:
        self._target, self._follow = target, follow
        self._shallow, self._without_attrs = shallow, without_attrs
        self._done: dict[tuple[int, int], _native.Hdf5Node] = {}

    def copy(self, found: Any) -> _native.Hdf5Node:
        made = self._done.get(found.id)
        if made is not None:
            return made
        kind = found._node.kind()
        node = self._target._node
        if kind == "group":
            made = node.create_group(found._node.keeps_order())
            self._done[found.id] = made
            self._members(found, made)
            if not self._without_attrs:
                self._attributes(found, made)
            return made
        if kind == "datatype":
            made = node.commit_datatype(found._node.datatype())
            self._done[found.id] = made
        else:
            made = self._dataset(found)
        if not self._without_attrs:
            self._attributes(found, made)
        return made

    def _members(self, found: Any, made: _native.Hdf5Node) -> None:
        for name in found._node.names():
            link = found._node.link(name)
            follow = link[0] == "hard"
            follow |= link[0] == "soft" and self._follow.soft
            follow |= link[0] == "external" and self._follow.external
            if follow:
                try:
                    child = found[name]
                except KeyError:
                    if link[0] == "hard":
                        raise
                else:
                    if self._shallow and child._node.kind() == "group":
                        copied = self._done.get(child.id)
                        if copied is None:
                            order = child._node.keeps_order()
                            copied = self._target._node.create_group(order)
                            self._done[child.id] = copied
                            if not self._without_attrs:
                                self._attributes(child, copied)
                        made.insert_hard(name, copied)
                    else:
                        made.insert_hard(name, self.copy(child))
                    continue
            if link[0] == "soft":
                made.insert_soft(name, link[1])
            elif link[0] == "external":
                made.insert_external(name, link[1], link[2])

    def _attributes(self, found: Any, made: _native.Hdf5Node) -> None:
        for name, parts in found._node.attributes():
            if isinstance(parts, BaseException):
                raise parts
            native, shape, data = parts
            moved = self._moved(native.describe(), data, found, made, self._follow.references)
            made.set_attribute(name, native, None, shape, moved)

    def _dataset(self, found: Any) -> _native.Hdf5Node:
        native = found._native
        described = native.datatype.describe()
        storage: Any = list(native.chunks) if native.chunks else "contiguous"
        if native.is_virtual:
            block = native.virtual_block()
            storage = "contiguous" if block is None else ("virtual", block)
        filters = [(n, flags, list(values)) for n, _, flags, values in native.filters]
        filters = [_given(*one) for one in filters]
        shape = native.shape
        max_shape = None if not shape else list(native.max_shape)
        fill = native.fill_value
        if isinstance(fill, bytes):
            fill = self._moved(described, fill, found, self._target._node, expand=False)
        made = self._target._node.create_dataset(
            native.datatype, None, shape, max_shape, storage, filters, fill,
            found._node.keeps_order(),
        )  # fmt: skip
        self._done[found.id] = made
        if shape is None or 0 in shape or native.is_virtual:
            return made
        # As many rows at a time as take some megabytes.
        size = native.datatype.describe()[1]
        for wanted, count in _parts(shape, native.chunks, size):
            raw = np.empty(count * size, "u1")
            native.read_into(wanted, raw, found._state.threads)
            # As libhdf5 has it, elements of a copy in the same file refer to what they did.
            expand = self._follow.references and found.id[0] != made.id[0]
            moved = self._moved(described, raw, found, made, expand)
            made.write(wanted, moved, found._state.threads)
        return made

    def _moved(
        self, described: Any, data: Any, found: Any, made: _native.Hdf5Node, expand: bool
    ) -> Any:
        refer = functools.partial(self._referring, found) if expand else None
        return move_elements(described, data, found._node, made, refer)

    def _referring(self, found: Any, kind: str, reference: bytes) -> bytes:
        """A reference to the copy of what a reference leads to; null if that is not there."""
        try:
            referred = made_reference(kind, found._node, reference)
            node = referred._target() if any(reference) else None
        except (CanneryError, OSError):
            node = None
        if node is None or kind not in ("object", "region"):
            return bytes(len(reference))
        state = found._state.of(node)
        copied = self.copy(state.make(state, node, None))
        if kind == "object":
            return copied.id[1].to_bytes(len(reference), "little")
        region = found._node.dereference_region(reference)[1]
        return copied.put_region(region[1] if len(region) > 1 else region[0])


def _given(number: int, flags: int, values: list[int]) -> tuple[int, int, list[int]]:
    """The parameters of a filter without those that follow from the dataset."""
    if number == 32008:
        return number, flags, values[3:]
    if number in (2, 32000):
        return number, flags, []
    return number, flags, values[:2] if number == 6 else values


def _parts(shape: Any, chunks: Any, size: int) -> Any:
    if not shape:
        yield [], 1
        return
    row = max(1, size * int(np.prod(shape[1:], dtype=float)))
    step = max(1, (16 << 20) // row)
    if chunks:
        step = max(1, step // chunks[0]) * chunks[0]
    for start in range(0, shape[0], step):
        rows = min(step, shape[0] - start)
        wanted = [(start, 1, rows), *((0, 1, n) for n in shape[1:])]
        count = rows
        for n in shape[1:]:
            count *= n
        yield wanted, count


def has_heap_data(described: Any) -> bool:
    """Whether elements lead to other places of their file."""
    kind = described[0]
    if kind == "compound":
        return any(has_heap_data(member) for _, _, member in described[2])
    if kind == "array":
        return has_heap_data(described[2])
    return kind in ("varstring", "sequence", "reference", "unknown")


def move_elements(
    described: Any, data: Any, source: Any, target: Any, refer: _Refer | None = None
) -> Any:
    """Elements of one file as those of another: sequences go along.

    References are what `refer` makes of their kind and bytes; without, they become null.
    """
    raw = np.frombuffer(data, "u1")
    if not has_heap_data(described) or len(raw) == 0:
        return raw
    rows = raw.reshape(-1, described[1]).copy()
    _move(described, rows, source, target, refer)
    return rows.reshape(-1)


def _move(described: Any, rows: np.ndarray, source: Any, target: Any, refer: _Refer | None) -> None:
    kind, size = described[0], described[1]
    if kind == "compound":
        for _, offset, member in described[2]:
            if has_heap_data(member):
                part = np.ascontiguousarray(rows[:, offset : offset + member[1]])
                _move(member, part, source, target, refer)
                rows[:, offset : offset + member[1]] = part
    elif kind == "array":
        _move(described[2], rows.reshape(-1, described[2][1]), source, target, refer)
    elif kind == "varstring":
        texts = source.strings(np.ascontiguousarray(rows).reshape(-1), size)
        rows[:] = np.frombuffer(target.put_sequences(texts, 1), "u1").reshape(rows.shape)
    elif kind == "sequence":
        base = described[2]
        counts, data = source.sequences(np.ascontiguousarray(rows).reshape(-1), size, base[1])
        moved = bytes(move_elements(base, data, source, target, refer))
        ends = np.cumsum([count * base[1] for count in counts]).tolist()
        parts = [moved[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        rows[:] = np.frombuffer(target.put_sequences(parts, base[1]), "u1").reshape(rows.shape)
    elif kind == "unknown":
        raise DataError("elements that cannot be read are not copied")
    elif refer is not None:
        for row in rows:
            row[:] = np.frombuffer(refer(described[2], row.tobytes()), "u1")
    elif source.id[0] != target.id[0]:
        rows[:] = 0


def require_group(group: Group, name: str) -> Any:
    """The group of a name, made if it is not there."""
    if name not in group:
        return group.create_group(name)
    found = group[name]
    if found._node.kind() != "group":
        raise TypeError(f"Incompatible object ({type(found).__name__}) already exists")
    return found


def like(other: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    """The keywords for a dataset like another one."""
    found = {
        "shape": other.shape, "dtype": other.dtype, "chunks": other.chunks,
        "compression": other.compression, "compression_opts": other.compression_opts,
        "shuffle": other.shuffle or None, "fletcher32": other.fletcher32 or None,
        "maxshape": other.maxshape if other.chunks else None,
    }  # fmt: skip
    if "shape" in keywords:
        # Chunks and bounds of another shape do not fit.
        found["maxshape"] = None
        found["chunks"] = True if other.chunks else None
    try:
        fill = other.fillvalue
        if np.any(fill):
            found["fillvalue"] = fill
    except (TypeError, RuntimeError, ValueError):
        pass
    return {**found, **keywords}
