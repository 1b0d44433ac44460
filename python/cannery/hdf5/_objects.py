"""Files, groups, datasets and their attributes, in h5py's manner."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from cannery import _native
from cannery._audit import reading
from cannery.errors import CanneryError, DataError
from cannery.hdf5._attributes import AttributeManager
from cannery.hdf5._dataset import Dataset, VDSmap
from cannery.hdf5._errors import object_error, shown
from cannery.hdf5._object import HLObject, State
from cannery.hdf5._references import Reference
from cannery.hdf5._types import file_type, text

if TYPE_CHECKING:
    from types import TracebackType

__all__ = [
    "AttributeManager", "Dataset", "Datatype", "ExternalLink", "File", "Group", "HLObject",
    "HardLink", "SoftLink", "UserLink", "VDSmap", "is_hdf5",
]  # fmt: skip

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class HardLink:
    """A link to an object of the same file."""


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

    def __init__(self, filename: str, path: str) -> None:
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
        return f'<HDF5 named type "{shown(self.name)}">'


class Group(HLObject, Mapping[str, Any]):
    """A group: a mapping from names to groups, datasets and datatypes."""

    def __getitem__(self, name: str | bytes | Reference) -> Any:
        if isinstance(name, Reference):
            return self._referred(name)
        path = _bytes(name)
        try:
            node = self._node.resolve(path)
            return _made(self._state, node, self._joined(path))
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

    def _joined(self, path: bytes) -> str | None:
        if self._name is None:
            return None
        joined = posixpath.join(self._name, text(path))
        parts = [part for part in joined.split("/") if part not in ("", ".")]
        return "/" + "/".join(parts)

    def __iter__(self) -> Iterator[str]:
        return iter([text(name) for name in self._node.names()])

    def __reversed__(self) -> Iterator[str]:
        return reversed([text(name) for name in self._node.names()])

    def __len__(self) -> int:
        return self._node.count()

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, (str, bytes)):
            return False
        try:
            self._node.resolve(_bytes(name)).kind()
        except (CanneryError, OSError):
            return False
        return True

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
            link = _link(self._node.link(_bytes(name)))
        except (CanneryError, OSError):
            return default
        return type(link) if getclass else link

    def keys(self) -> KeysView[str]:
        """The names of the members."""
        return KeysView(self)

    def values(self) -> ValuesView[Any]:
        """The members."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, Any]:
        """Names and members."""
        return ItemsView(self)

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


class File(Group):
    """An HDF5 file, opened for reading: its root group.

    `name` is a path, the bytes of a file, or a binary file object, which is read to its end.
    `external` says which other files it may lead to by external links, virtual datasets and raw
    files: none (`"refuse"`), regular files beneath its folder (`"same-folder"`) or `"any"`.
    `threads` decode the chunks of a read; 0 stands for as many as there are processors.
    """

    def __init__(
        self,
        name: str | bytes | os.PathLike[str] | IO[bytes],
        mode: Literal["r"] = "r",
        *,
        external: Literal["refuse", "same-folder", "any"] = "refuse",
        threads: int = 0,
    ) -> None:
        if mode != "r":
            hint = "open it with mode `r`; files are not written yet"
            error = DataError(f"expected the mode `r`, found `{shown(str(mode))}`")
            error.hint = hint
            raise error
        opened, self.filename = _opened(name, external)
        node, self.userblock_size, self._superblock = opened
        self.mode = "r"
        super().__init__(State(_made, self, threads), node, "/")

    def close(self) -> None:
        """Close the file: its objects cannot be used any more."""
        self._state.close()

    def flush(self) -> None:
        """Do nothing: the file is only read."""

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
        return f'<HDF5 file "{shown(os.path.basename(self.filename))}" (mode r)>'  # noqa: PTH119


def _opened(name: Any, external: str) -> tuple[tuple[_native.Hdf5Node, int, int], str]:
    if isinstance(name, (bytearray, memoryview)) or (
        isinstance(name, bytes) and name.startswith(_SIGNATURE)
    ):
        return _native.hdf5_open_bytes(bytes(name)), "<memory>"
    if not isinstance(name, bytes) and hasattr(name, "read"):
        name.seek(0)
        return _native.hdf5_open_bytes(name.read()), str(getattr(name, "name", "<memory>"))
    path = os.fspath(name)
    opened = _native.hdf5_open(reading(os.fsdecode(path)), external)
    return opened, os.fsdecode(path)


def is_hdf5(fname: str | os.PathLike[str]) -> bool:
    """Whether a file is an HDF5 file that can be opened."""
    try:
        File(fname).close()
    except (CanneryError, OSError):
        return False
    return True


def _bytes(name: str | bytes) -> bytes:
    if isinstance(name, bytes):
        return name
    if not isinstance(name, str):
        raise TypeError(f"expected a name or a reference, found `{type(name).__name__}`")
    return name.encode("utf-8", "surrogateescape")


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
    kind = node.kind()
    if kind == "group":
        return Group(state, node, name)
    if kind == "dataset":
        return Dataset(state, node, name)
    return Datatype(state, node, name)
