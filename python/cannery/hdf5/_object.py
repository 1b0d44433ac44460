"""What groups, datasets and datatypes have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cannery.hdf5._attributes import AttributeManager
from cannery.hdf5._paths import Paths
from cannery.hdf5._references import Reference

if TYPE_CHECKING:
    from cannery import _native


class State:
    """Whether a file is open, and what makes objects of its nodes; false when it is closed.

    A file that links of another one led to has a state of its own, and closes with that one.
    """

    def __init__(
        self, make: Callable[..., Any], file: Any, threads: int = 0, owner: State | None = None
    ) -> None:
        self.make, self.file, self.threads, self._owner = make, file, threads, owner
        self._is_open = True
        self.generation = 0
        self.shapes = 0
        self._spend: Callable[[int], None] | None = None
        self._others: dict[int, State] = {}
        self._paths: tuple[int, Paths] | None = None

    def __bool__(self) -> bool:
        return self._is_open and (self._owner is None or bool(self._owner))

    @property
    def spend(self) -> Callable[[int], None] | None:
        """Is told how many bytes each read of a dataset takes, and may refuse it."""
        return self._spend if self._owner is None else self._owner.spend

    @spend.setter
    def spend(self, spend: Callable[[int], None] | None) -> None:
        self._spend = spend

    def of(self, node: _native.Hdf5Node) -> State:
        """The state of the file that an object is in."""
        first, number = self._owner or self, node.id[0]
        if number == first.file.id[0]:
            return first
        if number not in first._others:
            other = State(first.make, None, first.threads, first)
            other.file = first.file._other(other, node)
            first._others[number] = other
        return first._others[number]

    def path_of(self, node: _native.Hdf5Node) -> str | None:
        """The first path to an object of the file; `None` if no link leads to it."""
        if self._paths is None or self._paths[0] != self.generation:
            self._paths = self.generation, Paths(node.root())
        return self._paths[1].of(node.id)

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
        """The path that led to the object, or the first one that does; `None` if none does."""
        if self._name is None and self._state:
            self._name = self._state.path_of(self._node)
        return self._name

    @property
    def id(self) -> tuple[int, int]:
        """What tells objects apart: the number of the open file and the address in it."""
        return self._id

    @property
    def file(self) -> Any:
        """The file that the object is in."""
        return self._state.file

    @property
    def parent(self) -> Any:
        """The group that the path leads through last."""
        if self.name is None:
            raise ValueError("no path leads to the object")
        return self.file[self.name.rpartition("/")[0] or "/"]

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
