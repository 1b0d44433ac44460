"""The collections of a YAML document as Python's, which edit its text when they are changed.

A view follows its collection: when entries before it come or go, it still means the same one. When
the collection is removed or another value is put in its place, the view keeps the last value that
it had, as a value of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, Any, overload

from cannery._native import Tagged
from cannery._yaml_errors import EditError

if TYPE_CHECKING:
    from cannery._yaml_document import Document

# Pickled and shown under the public name.
__name__ = "cannery.yaml"

Path_ = tuple[int, ...]
"""The number of a document, then positions of entries."""


def plain(value: Any) -> Any:
    """The value of a view, or the value itself."""
    return value.data if isinstance(value, Node) else value


class Node:
    """A collection of a document, or the value that was one."""

    def __init__(self, document: Document, path: Path_) -> None:
        self._document: Document | None = document
        self._path = path
        self._own: Any = None

    @property
    def data(self) -> Any:
        """The collection as `cannery.yaml.load` reads it, as a value of its own."""
        if self._document is None:
            return self._own
        return self._document._walk(self._document._load()[self._path[0]], self._path)

    @property
    def tag(self) -> str | None:
        """The tag of the collection in its long form, if it has one."""
        document, _ = self._attached()
        kind = document._native.kind(self._path)
        return kind[2] if kind else None

    def set_tag(self, key: Any, tag: str | None) -> None:
        """Give the value of an entry another tag, such as ``"!point"``; ``None`` takes it away.

        Raises:
            EditError: That is no tag, or the value is an alias.

        """
        document, _ = self._attached()
        with document._edit():
            document._native.set_tag(self._to(key), tag)

    def comment(self, key: Any) -> str | None:
        """The comment behind an entry, on its line."""
        document, _ = self._attached()
        return document._native.comments(self._to(key))[1]

    def set_comment(self, key: Any, comment: str | None) -> None:
        """Replace the comment behind an entry; ``None`` takes it away.

        Raises:
            EditError: Another entry stands behind it on its line.

        """
        document, _ = self._attached()
        with document._edit():
            document._native.set_comment_behind(self._to(key), comment)

    def comments_above(self, key: Any) -> list[str]:
        """The comment lines right above an entry."""
        document, _ = self._attached()
        return document._native.comments(self._to(key))[0]

    def set_comments_above(self, key: Any, lines: Iterable[str]) -> None:
        """Replace the comment lines right above an entry."""
        document, _ = self._attached()
        with document._edit():
            document._native.set_comments_above(self._to(key), list(lines))

    def copy(self) -> Any:
        """The collection as a value of its own: as `data`."""
        return self.data

    def _content(self) -> Any:
        """The `dict` or `list` behind this view; not to be changed while it is in a document."""
        document = self._document
        value = self._own if document is None else document._value(self._path)
        return value.value if isinstance(value, Tagged) else value

    def _attached(self) -> tuple[Document, Path_]:
        if self._document is None:
            raise EditError("this value is no longer part of its document")
        return self._document, self._path

    def _detach(self, value: Any) -> None:
        self._document, self._own = None, value

    def _attach(self, document: Document, path: Path_) -> None:
        self._document, self._path, self._own = document, path, None

    def _to(self, key: Any) -> Path_:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        value = self._content()
        if isinstance(other, Node):
            return value == other._content()
        return value == other

    __hash__ = object.__hash__

    def __copy__(self) -> Any:
        return self.data

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy

        return copy.deepcopy(self.data, memo)

    def __reduce__(self) -> Any:
        # A pickle holds the value, not the file it is in.
        from cannery._yaml_document import restored_value

        return restored_value, (self.data,)

    def __repr__(self) -> str:
        return repr(self._content())


class Mapping(Node, MutableMapping[Any, Any]):
    """A mapping of a document; changing it edits the text.

    Keys that come from a merge key (``<<``) are read like the others; setting one adds it to the
    mapping itself, and removing one is refused. A change inside of the value of such a key, or
    behind an alias, is made where the value is, and seen wherever it is used.
    """

    def __getitem__(self, key: Any) -> Any:
        if self._document is None:
            return self._content()[key]
        return self._document._view(self._document._index(self._path)[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._document is None:
            self._content()[key] = value
            return
        document, path = self._document, self._path
        where = document._index(path).get(key)
        if where is not None and where[:-1] == path:
            document._replace(where, value)
        else:
            kind = document._native.kind(path)
            document._insert(path, kind[1] if kind else 0, value, key)

    def __delitem__(self, key: Any) -> None:
        if self._document is None:
            del self._content()[key]
            return
        document, path = self._document, self._path
        if key not in document._index(path):
            raise KeyError(key)
        for source in document._native.merged(path):
            if key in document._index(tuple(source)):
                error = EditError(f"the key {key!r} comes from a mapping that is merged (`<<`)")
                error.hint = "remove it there, or set it to another value here"
                raise error
        keys = document._keys(path)
        positions = [at for at, (merge, other) in enumerate(keys) if not merge and other == key]
        document._remove(path, positions)

    def rename(self, old: Any, new: Any) -> None:
        """Give another key to an entry, in its place.

        Raises:
            KeyError: There is no ``old``.
            ValueError: There is a ``new`` already.

        """
        document, path = self._attached()
        where = document._index(path).get(old)
        if where is None or where[:-1] != path:
            raise KeyError(old)
        if new != old and new in document._index(path):
            raise ValueError(f"the key {new!r} is there already")
        from cannery._yaml_document import _text_of

        with document._edit():
            document._native.rename(where, _text_of(new))

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sort the entries by their keys, or by what ``key`` makes of a key; comments go along.

        Merge keys (``<<``) stay where they are.
        """
        document, path = self._attached()
        keys = document._keys(path)
        places = [at for at, (merge, _) in enumerate(keys) if not merge]
        make = key or _itself
        ordered = sorted(places, key=lambda at: make(keys[at][1]), reverse=reverse)
        order = list(range(len(keys)))
        for place, at in zip(places, ordered, strict=True):
            order[place] = at
        document._reorder(path, order)

    def move(self, key: Any, index: int) -> None:
        """Move an entry to another position, with the comments that belong to it.

        Raises:
            KeyError: There is no such entry in the mapping itself.

        """
        document, path = self._attached()
        _move(document, path, self._to(key)[-1], index)

    def insert(self, index: int, key: Any, value: Any) -> None:
        """Add an entry before the one at ``index``.

        Raises:
            ValueError: The key is there already.

        """
        document, path = self._attached()
        where = document._index(path).get(key)
        if where is not None and where[:-1] == path:
            raise ValueError(f"the key {key!r} is there already")
        count = len(document._keys(path))
        document._insert(path, range(count + 1)[_clamped(index, count)], value, key)

    def update(self, other: Any = (), /, **entries: Any) -> None:
        """Set the entries of a mapping or of pairs: all of them, or none if one is refused."""
        new = dict(plain(other), **entries)
        with _all_or_none(self):
            for key, value in new.items():
                self[key] = value

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove an entry and return its value, which is then one of its own."""
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return plain(value)

    def popitem(self) -> tuple[Any, Any]:
        """Remove the last entry and return its key and its value."""
        if not self:
            raise KeyError("popitem(): the mapping is empty")
        key = list(self)[-1]
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove all entries."""
        if self._document is None:
            self._content().clear()
        else:
            kind = self._document._native.kind(self._path)
            self._document._remove(self._path, range(kind[1] if kind else 0))

    def __contains__(self, key: object) -> bool:
        if self._document is None:
            return key in self._content()
        return key in self._document._index(self._path)

    def __iter__(self) -> Iterator[Any]:
        if self._document is None:
            return iter(self._content())
        return iter(list(self._document._index(self._path)))

    def __reversed__(self) -> Iterator[Any]:
        return reversed(list(self))

    def __len__(self) -> int:
        if self._document is None:
            return len(self._content())
        return len(self._document._index(self._path))

    def __or__(self, other: Any) -> Any:
        return dict(self.data) | dict(plain(other))

    def __ror__(self, other: Any) -> Any:
        return dict(other) | dict(self.data)

    def __ior__(self, other: Any) -> Mapping:
        self.update(other)
        return self

    def _to(self, key: Any) -> Path_:
        document, path = self._attached()
        where = document._index(path).get(key)
        if where is None or where[:-1] != path:
            raise KeyError(key)
        return where


class Sequence(Node, MutableSequence[Any]):
    """A sequence of a document; changing it edits the text."""

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> MutableSequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if self._document is None:
            return self._content()[index]
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._document._view((*self._path, self._position(index)))

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if self._document is None:
            self._content()[index] = value
        elif isinstance(index, slice):
            self._set_slice(index, list(value))
        else:
            self._document._replace((*self._path, self._position(index)), value)

    def _set_slice(self, index: slice, values: list[Any]) -> None:
        positions = range(*index.indices(len(self)))
        if positions.step != 1 and len(values) != len(positions):
            raise ValueError(
                f"attempt to assign sequence of size {len(values)} "
                f"to extended slice of size {len(positions)}"
            )
        # Views among the values mean what they are now, not what they become on the way.
        values = [plain(value) for value in values]
        with _all_or_none(self):
            for position, value in zip(positions, values, strict=False):
                self[position] = value
            rest = values[len(positions) :]
            for offset, value in enumerate(rest):
                self.insert(positions.start + len(positions) + offset, value)
            if len(values) < len(positions):
                del self[positions.start + len(values) : positions.stop]

    def __delitem__(self, index: int | slice) -> None:
        if self._document is None:
            del self._content()[index]
            return
        positions = range(len(self))[index] if isinstance(index, slice) else [self._position(index)]
        if positions:
            self._document._remove(self._path, positions)

    def insert(self, index: int, value: Any) -> None:
        """Insert an item before the one at ``index``."""
        if self._document is None:
            self._content().insert(index, value)
        else:
            self._document._insert(self._path, _clamped(index, len(self)), value)

    def append(self, value: Any) -> None:
        """Add an item at the end."""
        self.insert(len(self), value)

    def extend(self, values: Iterable[Any]) -> None:
        """Add items at the end; all of them, or none if one is refused."""
        new = [plain(value) for value in values]
        with _all_or_none(self):
            for value in new:
                self.append(value)

    def pop(self, index: int = -1) -> Any:
        """Remove an item and return its value, which is then one of its own."""
        value = self[index]
        del self[index]
        return plain(value)

    def clear(self) -> None:
        """Remove all items."""
        del self[:]

    def reverse(self) -> None:
        """Put the items into the opposite order; comments go along."""
        if self._document is None:
            self._content().reverse()
        else:
            self._document._reorder(self._path, list(range(len(self)))[::-1])

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sort the items, as `list.sort` does; comments go along."""
        if self._document is None:
            self._content().sort(key=key, reverse=reverse)
            return
        items, make = self._content(), key or _itself
        order = sorted(range(len(items)), key=lambda at: make(items[at]), reverse=reverse)
        self._document._reorder(self._path, order)

    def move(self, old: int, new: int) -> None:
        """Move an item to another position, with the comments that belong to it."""
        document, path = self._attached()
        _move(document, path, self._position(old), new)

    def __len__(self) -> int:
        if self._document is None:
            return len(self._content())
        kind = self._document._native.kind(self._path)
        return kind[1] if kind else 0

    def __iter__(self) -> Iterator[Any]:
        if self._document is None:
            return iter(self._content())
        return super().__iter__()

    def __add__(self, other: Any) -> Any:
        return list(self.data) + list(plain(other))

    def __radd__(self, other: Any) -> Any:
        return list(other) + list(self.data)

    def __mul__(self, count: int) -> Any:
        return list(self.data) * count

    def _position(self, index: int) -> int:
        try:
            return range(len(self))[index]
        except IndexError:
            message = f"index {index} is out of range for a sequence of {len(self)}"
            raise IndexError(message) from None

    def _to(self, key: Any) -> Path_:
        return (*self._path, self._position(key))


def _itself(value: Any) -> Any:
    return value


def _clamped(index: int, count: int) -> int:
    """Where `list.insert` puts an item."""
    return max(0, index + count) if index < 0 else min(index, count)


def _move(document: Document, path: Path_, old: int, new: int) -> None:
    kind = document._native.kind(path)
    order = list(range(kind[1] if kind else 0))
    order.remove(old)
    order.insert(_clamped(new, len(order)) if new >= 0 else new + len(order) + 1, old)
    document._reorder(path, order)


def _all_or_none(node: Node) -> Any:
    import contextlib

    return contextlib.nullcontext() if node._document is None else node._document._atomic()
