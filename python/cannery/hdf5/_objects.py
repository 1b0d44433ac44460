"""Files, groups, datasets and their attributes, in h5py's manner."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Callable, ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from cannery.errors import CanneryError, DataError
from cannery.hdf5 import _groups
from cannery.hdf5._attributes import AttributeManager
from cannery.hdf5._dataset import Dataset, VDSmap
from cannery.hdf5._errors import ObjectError, object_error, read_error, shown
from cannery.hdf5._files import check_versions, opened
from cannery.hdf5._groups import ExternalLink, SoftLink, name_bytes
from cannery.hdf5._object import HLObject, State
from cannery.hdf5._references import Reference
from cannery.hdf5._types import file_type, text
from cannery.hdf5._virtual import VirtualLayout, built

if TYPE_CHECKING:
    from types import TracebackType

    from cannery import _native

__all__ = [
    "AttributeManager", "Dataset", "Datatype", "ExternalLink", "File", "Group", "HLObject",
    "HardLink", "SoftLink", "UserLink", "VDSmap", "is_hdf5",
]  # fmt: skip


class HardLink:
    """A link to an object of the same file."""


class UserLink:
    """A link of a kind that its writer defined; it cannot be followed."""

    def __init__(self, kind: int) -> None:
        self.kind = kind


class Datatype(HLObject):
    """A datatype with a name."""

    @property
    def dtype(self) -> np.dtype:
        """NumPy's type."""
        return file_type(self._node.datatype()).dtype

    def __repr__(self) -> str:
        if not self:
            return "<Closed HDF5 named type>"
        name = shown((self.name or "").rpartition("/")[2])
        name = f'"{name}"' if name else "(anonymous)"
        return f"<HDF5 named type {name} (dtype {self.dtype.str})>"


class Group(HLObject, MutableMapping[str, Any]):
    """A group: a mapping from names to groups, datasets and datatypes."""

    def __getitem__(self, name: str | bytes | Reference) -> Any:
        if isinstance(name, Reference):
            return self._referred(name)
        path = name_bytes(name)
        if not path:
            raise ObjectError("a name is missing")
        try:
            node = self._node.resolve(path)
            # In another file it has another path.
            is_here = node.id[0] == self._id[0]
            return _made(self._state, node, self._joined(path) if is_here else None)
        except (CanneryError, OSError) as error:
            raise object_error(text(path), error) from error

    def _referred(self, reference: Reference) -> Any:
        if not reference:
            raise ValueError("a null reference refers to nothing")
        try:
            node = reference._target()
            if node is None:
                raise ValueError("a null reference refers to nothing")
            return _made(self._state, node, None)
        except (CanneryError, OSError) as error:
            raise object_error("reference", error) from error

    def __setitem__(self, name: str | bytes, value: Any) -> None:
        _groups.set_member(self, name, value)

    def __delitem__(self, name: str | bytes) -> None:
        _groups.delete_member(self, name)

    def create_group(self, name: str | bytes | None, track_order: bool | None = None) -> Group:
        """Make a group, and those that lead to it; with `None` no link leads to it.

        `track_order` keeps the order in which members and attributes are made.
        """
        return _groups.create_group(self, name, track_order)

    def require_group(self, name: str) -> Group:
        """The group of a name, made if it is not there."""
        return _groups.require_group(self, name)

    def create_dataset(
        self,
        name: str | bytes | None,
        shape: int | tuple[int, ...] | None = None,
        dtype: Any = None,
        data: Any = None,
        **kwds: Any,
    ) -> Dataset:
        """Make a dataset, of a shape and type or of `data`.

        The keywords are h5py's: `maxshape`, `chunks`, `compression` (`"gzip"`, `"lzf"` or the
        number of a filter), `compression_opts`, `shuffle`, `fletcher32`, `scaleoffset`,
        `fillvalue`, `track_order`. Chunks are compressed by as many threads as the file has.

            file.create_dataset("run1/x", data=values, chunks=(100, 100), compression="gzip")
        """
        return _groups.create_dataset(self, name, shape, dtype, data, kwds)

    def create_dataset_like(self, name: str, other: Dataset, **kwds: Any) -> Dataset:
        """Make a dataset of the shape, type and storage of another one, without its elements."""
        keywords = _groups.like(other, kwds)
        shape, dtype = keywords.pop("shape"), keywords.pop("dtype")
        return _groups.create_dataset(
            self, name, shape, dtype, keywords.pop("data", None), keywords
        )

    def require_dataset(
        self, name: str, shape: Any, dtype: Any, exact: bool = False, **kwds: Any
    ) -> Dataset:
        """The dataset of a name, made if it is not there; `TypeError` if it is another one."""
        return _groups.require_dataset(self, name, shape, dtype, exact, kwds)

    def create_virtual_dataset(
        self, name: str, layout: VirtualLayout, fillvalue: Any = None
    ) -> Any:
        """Make a dataset whose elements are those of others."""
        node = layout._create(self, fillvalue)
        self[name] = _made(self._state, node, None)
        return self[name]

    def build_virtual_dataset(
        self, name: str, shape: tuple[int, ...], dtype: Any, maxshape: Any = None,
        fillvalue: Any = None,
    ) -> Any:  # fmt: skip
        """A context manager that gives a layout to fill, and makes the dataset at its end."""
        return built(self, name, VirtualLayout(shape, dtype, maxshape), fillvalue)

    def move(self, source: str | bytes, dest: str | bytes) -> None:
        """Give a member another name or another group."""
        _groups.move_member(self, source, dest)

    def copy(
        self,
        source: str | HLObject,
        dest: str | Group,
        name: str | None = None,
        shallow: bool = False,
        expand_soft: bool = False,
        expand_external: bool = False,
        expand_refs: bool = False,
        without_attrs: bool = False,
    ) -> None:
        """Copy an object, within the file or to another one.

        References in copies between files become null; with `expand_refs` the objects that they
        refer to are copied along, and the copies are referred to.
        """
        _groups.copy_member(
            self, source, dest, name, shallow, expand_soft, expand_external, expand_refs,
            without_attrs,
        )  # fmt: skip

    def _joined(self, path: bytes) -> str | None:
        if self._name is None:
            return None
        name = text(path)
        if name and "/" not in name and name != ".":
            return f"/{name}" if self._name == "/" else f"{self._name}/{name}"
        joined = posixpath.join(self._name, name)
        parts = [part for part in joined.split("/") if part not in ("", ".")]
        return "/" + "/".join(parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._node.text_names())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._node.text_names())

    def __len__(self) -> int:
        return self._node.count()

    def _ipython_key_completions_(self) -> list[str]:
        """The names that IPython offers between brackets."""
        return sorted(self)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, (str, bytes)) or not name or not self:
            return False
        path = name_bytes(name)
        try:
            self._node.resolve(path).kind()
        except (CanneryError, OSError):
            return self._has_link(path)
        return True

    def _has_link(self, path: bytes) -> bool:
        """Whether a link is there, though it leads to nothing or to another file."""
        try:
            return self._node.link(path)[0] != "hard"
        except (CanneryError, OSError):
            return False

    # A group is what it stands for, not what it holds.
    __eq__ = HLObject.__eq__
    __hash__ = HLObject.__hash__

    def __bool__(self) -> bool:
        return bool(self._state)

    def get(  # type: ignore[override]
        self,
        name: str | bytes,
        default: Any = None,
        getclass: bool = False,
        getlink: bool = False,
    ) -> Any:
        """The member of a name or, with `getlink`, the link; with `getclass` only its class."""
        if not getlink:
            try:
                found = self[name]
            except KeyError:
                return default
            return type(found) if getclass else found
        try:
            link = _link(self._node.link(name_bytes(name)))
        except (CanneryError, OSError):
            return default
        return type(link) if getclass else link

    def keys(self) -> KeysView[str]:
        """The names of the members."""
        return KeysViewHDF5(self)

    def values(self) -> ValuesView[Any]:
        """The members; `None` for links into nothing."""
        return ValuesViewHDF5(self)

    def items(self) -> ItemsView[str, Any]:
        """Names and members; `None` for links into nothing."""
        return ItemsViewHDF5(self)

    def visit(self, func: Callable[[str], Any]) -> Any:
        """Call `func(name)` for all objects below, each once, until one call returns a value."""
        return self._walk(lambda name, _: func(name))

    def visititems(self, func: Callable[[str, Any], Any]) -> Any:
        """Call `func(name, object)` for all objects below, until one call returns a value."""
        return self._walk(lambda name, found: func(name, found()))

    def visit_links(self, func: Callable[[str], Any]) -> Any:
        """Call `func(name)` for all links below, until one call returns a value."""
        return self._walk(lambda name, _: func(name), links=True)

    def visititems_links(self, func: Callable[[str, Any], Any]) -> Any:
        """Call `func(name, link)` for all links below, until one call returns a value."""
        return self._walk(lambda name, _: func(name, self.get(name, getlink=True)), links=True)

    def _walk(self, func: Callable[[str, Callable[[], Any]], Any], links: bool = False) -> Any:
        seen = {self._node.id}
        pending = [("", iter(sorted(self._node.names())), self._node)]
        while pending:
            before, names, group = pending[-1]
            name = next(names, None)
            if name is None:
                pending.pop()
                continue
            path = before + text(name)
            is_hard = group.link(name)[0] == "hard"
            node = group.resolve(name) if is_hard else None
            is_new = node is not None and node.id not in seen
            if links or is_new:
                result = func(path, lambda path=path: self[path])
                if result is not None:
                    return result
            if node is not None and is_new:
                seen.add(node.id)
                if node.kind() == "group":
                    pending.append((path + "/", iter(sorted(node.names())), node))
        return None

    def __repr__(self) -> str:
        if not self:
            return "<Closed HDF5 group>"
        return f'<HDF5 group "{shown(self.name or "anonymous")}" ({len(self)} members)>'


class KeysViewHDF5(KeysView[str]):
    """The names of a group, from the first to the last or back."""

    def __repr__(self) -> str:
        return f"<KeysViewHDF5 {[shown(name) for name in self]}>"

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._mapping)  # type: ignore[attr-defined]


class ValuesViewHDF5(ValuesView[Any]):
    """The members of a group."""

    def __iter__(self) -> Iterator[Any]:
        group: Any = self._mapping  # type: ignore[attr-defined]
        return (group.get(name) for name in group)

    def __reversed__(self) -> Iterator[Any]:
        group: Any = self._mapping  # type: ignore[attr-defined]
        return (group.get(name) for name in reversed(group))

    def __contains__(self, value: object) -> bool:
        return any(value == member for member in self)


class ItemsViewHDF5(ItemsView[str, Any]):
    """The names and members of a group."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        group: Any = self._mapping  # type: ignore[attr-defined]
        return ((name, group.get(name)) for name in group)

    def __reversed__(self) -> Iterator[tuple[str, Any]]:
        group: Any = self._mapping  # type: ignore[attr-defined]
        return ((name, group.get(name)) for name in reversed(group))

    def __contains__(self, item: object) -> bool:
        group: Any = self._mapping  # type: ignore[attr-defined]
        if not isinstance(item, tuple) or len(item) != 2 or item[0] not in group:
            return False
        return bool(group.get(item[0]) == item[1])


class File(Group):
    """An HDF5 file: its root group.

    `name` is a path, the bytes of a file (for reading), or a binary file object.
    `mode` is `"r"` to read, `"r+"` to change a file that exists, `"w"` to make a new one in place
    of an old one, `"x"` or `"w-"` to make one that must not exist, `"a"` for `"r+"` or `"x"`. A new
    file is written under another name, and takes its own when it is flushed or closed.
    `external` says which other files it may lead to by external links, virtual datasets and raw
    files: none (`"refuse"`), regular files beneath its folder (`"same-folder"`) or `"any"`.
    `threads` encode and decode chunks; 0 stands for as many as there are processors.
    `userblock_size` bytes of a new file, a power of two from 512 on, are the user's.
    `track_order` keeps the order of the members and attributes of a new file's root.
    `libver` is checked as h5py does; what is written is what HDF5 1.8 and all later versions read.
    With `fsync`, `flush` and `close` wait until what was written is on the disk; without, it
    outlives the process, and not always a loss of power.
    """

    def __init__(
        self,
        name: str | bytes | os.PathLike[str] | IO[bytes],
        mode: Literal["r", "r+", "w", "w-", "x", "a"] = "r",
        driver: str | None = None,
        libver: Any = None,
        userblock_size: int | None = None,
        swmr: bool = False,
        *,
        track_order: bool | None = None,
        locking: Any = None,
        external: Literal["refuse", "same-folder", "any"] = "refuse",
        threads: int = 0,
        fsync: bool = True,
        **kwds: Any,
    ) -> None:
        del locking
        check_versions(libver)
        if swmr and mode != "r":
            raise NotImplementedError("files are not written while others read them (swmr)")
        if driver not in (None, "sec2", "core", "stdio", "fileobj"):
            raise NotImplementedError(f"the driver `{shown(str(driver))}` is not there")
        for keyword in kwds:
            if not keyword.startswith(("rdcc_", "fs_", "alignment_", "meta_", "page_", "min_meta",
                                       "backing_store", "block_size")):  # fmt: skip
                raise TypeError(f"unknown keyword `{keyword}`")
        if userblock_size is not None and mode == "r":
            raise ValueError("a file that is only read gets no user block")
        if userblock_size is not None and not isinstance(userblock_size, int):
            raise ValueError("the size of the user block is a number")
        try:
            found = opened(name, mode, external, userblock_size or 0, bool(track_order), fsync)
        except DataError as error:
            raise read_error(error) from error
        self.filename, self.mode, self._writer, self._stream = (
            found.filename, found.mode, found.writer, found.stream
        )  # fmt: skip
        node, self.userblock_size, self._superblock = found.parts
        if userblock_size and mode in ("r+", "a") and self.userblock_size != userblock_size:
            # The file and its lock are given up, though the error holds this object.
            self._writer = node = found = None
            raise ValueError(f"the user block has {self.userblock_size} bytes")
        super().__init__(State(_made, self, threads), node, "/")

    def _other(self, state: State, node: _native.Hdf5Node) -> File:
        """A file that links of this one led to: it is open for reading as long as this one is."""
        file = File.__new__(File)
        file.filename, file.mode, file._writer, file._stream = str(node.file_path), "r", None, None
        root, file.userblock_size, file._superblock = node.file_parts()
        Group.__init__(file, state, root, "/")
        return file

    @property
    def libver(self) -> tuple[str, str]:
        """The oldest and newest versions of HDF5 for which the file is written."""
        return ("earliest", "v108")

    @property
    def driver(self) -> str:
        """What reads the file."""
        return "fileobj" if self._stream is not None else "sec2"

    @property
    def swmr_mode(self) -> bool:
        """Whether the file is written while others read it: it never is."""
        return False

    def close(self) -> None:
        """Write what was changed, and close the file: its objects cannot be used any more."""
        if self._state and self._writer is not None:
            try:
                self._writer.close()
                self._to_stream()
            finally:
                self._state.close()
                # The operating system's file is closed with it, and its lock released.
                self._writer = None
                self._opened_node = None  # type: ignore[assignment]
        self._state.close()

    def flush(self) -> None:
        """Write what was changed: from then on the file on disk has it."""
        if self._state and self._writer is not None:
            self._writer.flush()
            self._to_stream()

    def _to_stream(self) -> None:
        if self._stream is None or self._writer is None:
            return
        data = self._writer.bytes() or b""
        self._stream.seek(0)
        self._stream.write(data)
        self._stream.truncate(len(data))
        self._stream.flush()

    def __del__(self) -> None:
        if getattr(self, "_writer", None) is not None:
            with contextlib.suppress(CanneryError, OSError, ValueError):
                self.close()

    def __enter__(self) -> File:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self:
            return "<Closed HDF5 file>"
        return f'<HDF5 file "{shown(os.path.basename(self.filename))}" (mode {self.mode})>'  # noqa: PTH119


def is_hdf5(fname: str | os.PathLike[str]) -> bool:
    """Whether a file is an HDF5 file that can be opened."""
    try:
        File(fname).close()
    except (CanneryError, OSError):
        return False
    return True


def _link(parts: tuple[Any, ...]) -> HardLink | SoftLink | ExternalLink | UserLink:
    match parts:
        case ("soft", path):
            return SoftLink(text(path))
        case ("external", filename, path):
            return ExternalLink(text(filename), text(path))
        case ("user", kind):
            return UserLink(kind)
    return HardLink()


def _made(state: State, node: _native.Hdf5Node, name: str | None) -> HLObject:
    kind, state = node.kind(), state.of(node)
    if kind == "group":
        return Group(state, node, name)
    if kind == "dataset":
        return Dataset(state, node, name)
    return Datatype(state, node, name)
