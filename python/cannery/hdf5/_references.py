"""References to objects and to regions of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cannery import _native


class Reference:
    """A reference to an object; false if it is null."""

    __slots__ = ("_data", "_node")

    def __init__(self, node: _native.Hdf5Node | None = None, data: bytes = b"") -> None:
        self._node = node
        self._data = data

    def __bool__(self) -> bool:
        return any(self._data)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        return (self._node.id[0] if self._node is not None else 0), self._data

    def __repr__(self) -> str:
        return f"<HDF5 object reference{'' if self else ' (null)'}>"

    def _target(self) -> _native.Hdf5Node | None:
        return self._node.dereference(self._data) if self and self._node is not None else None


class RegionReference(Reference):
    """A reference to a region of a dataset; false if it is null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<HDF5 region reference{'' if self else ' (null)'}>"

    def _region(self) -> tuple[_native.Hdf5Node, tuple[Any, ...]] | None:
        if not self or self._node is None:
            return None
        return self._node.dereference_region(self._data)

    def _target(self) -> _native.Hdf5Node | None:
        region = self._region()
        return region[0] if region else None


class NewReference(Reference):
    """A reference of HDF5 1.12 and later, to an object or an attribute of it."""

    __slots__ = ()

    @property
    def attribute(self) -> str | None:
        """The name of the attribute that is referred to."""
        found = self._found()
        if found is None or found[2] is None:
            return None
        return found[2].decode("utf-8", "surrogateescape")

    def _found(self) -> Any:
        if not self or self._node is None:
            return None
        return self._node.dereference_new(self._data)

    def _target(self) -> _native.Hdf5Node | None:
        found = self._found()
        return found[0] if found else None


class NewRegionReference(RegionReference):
    """A reference of HDF5 1.12 and later to a region of a dataset."""

    __slots__ = ()

    def _region(self) -> tuple[_native.Hdf5Node, tuple[Any, ...]] | None:
        if not self or self._node is None:
            return None
        found = self._node.dereference_new(self._data)
        return (found[0], found[1]) if found is not None and found[1] is not None else None


#: What the first byte of a reference of HDF5 1.12 says of one to a region.
_REGION = 3


def made_reference(kind: str, node: _native.Hdf5Node, data: bytes) -> Reference:
    """A reference of a kind of types from its bytes."""
    if kind.startswith("new"):
        return (NewRegionReference if data[0] == _REGION else NewReference)(node, data)
    return (RegionReference if kind == "region" else Reference)(node, data)
