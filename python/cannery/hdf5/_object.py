"""What groups, datasets and datatypes have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cannery.hdf5._attributes import AttributeManager
from cannery.hdf5._references import Reference

if TYPE_CHECKING:
    from cannery import _native


class State:
    """Whether a file is open, and what makes objects of its nodes; false when it is closed."""

    def __init__(self, make: Callable[..., Any], file: Any, threads: int = 0) -> None:
        self.make, self.file, self.threads = make, file, threads
        self._is_open = True
        self.generation = 0
        self.shapes = 0
        #: Is told how many bytes each read of a dataset takes, and may refuse it.
        self.spend: Callable[[int], None] | None = None

    def __bool__(self) -> bool:
        return self._is_open

    def changed(self) -> None:
        """What was kept of objects may not hold any more."""
        self.generation += 1

    def resized(self) -> None:
        """The shape of a dataset is another one."""
        self.shapes += 1

    def close(self) -> None:
        """No object of the file can be used any more."""
        self._is_open = False


class HLObject:
    """An object of an HDF5 file."""

    def __init__(self, state: State, node: _native.Hdf5Node, name: str | None) -> None:
        self._state, self._opened_node, self._name = state, node, name
        self._id = node.id

    @property
    def _node(self) -> _native.Hdf5Node:
        if not self._state:
            raise ValueError("the file is closed")
        return self._opened_node

    @property
    def name(self) -> Any:
        """The path that led to the object; `None` where a reference did."""
        return self._name

    @property
    def id(self) -> tuple[int, int]:
        """What tells objects apart: the number of the open file and the address in it."""
        return self._id

    @property
    def file(self) -> Any:
        """The file."""
        if self._id[0] == self._state.file.id[0]:
            return self._state.file
        return self._state.make(self._state, self._node.root(), "/")

    @property
    def parent(self) -> Any:
        """The group that the path leads through last."""
        if self._name is None:
            raise ValueError("the path of the object is not known")
        return self.file[self._name.rpartition("/")[0] or "/"]

    @cached_property
    def attrs(self) -> AttributeManager:
        """The attributes."""
        return AttributeManager(self)

    @property
    def ref(self) -> Reference:
        """A reference to the object."""
        return Reference(self._node, self.id[1].to_bytes(8, "little"))

    def __bool__(self) -> bool:
        return bool(self._state)

    def __eq__(self, other: object) -> bool:
        # Arrays compare themselves with datasets.
        return self.id == other.id if isinstance(other, HLObject) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)
