"""A YAML file that is edited in place: what `cannery.yaml.open` returns."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any, overload

from cannery import yaml
from cannery._native import YamlDocument
from cannery._yaml_errors import YAMLError, decoded, name_file

__all__ = ["Document", "Mapping", "Sequence", "open_document"]

# UTF-32 first: its mark for little-endian begins with that of UTF-16. Decoded by these names, the
# mark stays in the text, and is written again with it.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def open_document(where: str | os.PathLike[str], *, schema: str = "core") -> Document:
    """Open a YAML file for editing in place.

    Comments, order, quoting, anchors, line breaks and everything else an edit does not touch stay
    byte for byte; nothing is written before `Document.save`.

    Raises:
        OSError: The file cannot be read.
        YAMLError: It is not YAML; the error says where.

    """
    path = Path(where)
    data = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        document = Document(decoded(data, encoding), schema=schema)
    except YAMLError as error:
        name_file(error, path)
        raise
    document._path = path
    document._encoding = encoding
    return document


class Document:
    """A YAML text, edited in place.

    ``document[key]`` and ``document[index]`` reach into the first document of the stream; values
    that are mappings and sequences come as `Mapping` and `Sequence`, which edit the text when they
    are changed. `documents` has the others of a stream.
    """

    def __init__(self, text: str, *, schema: str = "core") -> None:
        self._native = YamlDocument(text, schema)
        self._schema = schema
        self._path: Path | None = None
        self._encoding = "utf-8"
        self._loaded: tuple[str, list[Any]] | None = None

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self._native.text

    @property
    def data(self) -> Any:
        """The first document as `cannery.yaml.load` reads it."""
        return self._data(0)

    @property
    def root(self) -> Any:
        """The first document: a `Mapping`, a `Sequence`, or a scalar."""
        return _view(self, (0,))

    @property
    def documents(self) -> list[Any]:
        """Every document of the stream."""
        return [_view(self, (index,)) for index in range(len(self._native))]

    def save(self, where: str | os.PathLike[str] | None = None) -> None:
        """Write the text to the file it was read from, or to another.

        The file is replaced as a whole: a reader sees the old text or the new. Its mode
        stays, and a symbolic link stays one.

        Raises:
            ValueError: The document was made from text and `where` is not given.
            OSError: The file cannot be written; it is unchanged then.

        """
        path = self._path if where is None else Path(where)
        if path is None:
            raise ValueError("this document has no file yet: say where to save it")
        _replace(Path(os.path.realpath(path)), self.text.encode(self._encoding))

    def __getitem__(self, key: Any) -> Any:
        return self.root[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.root[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.root[key]

    def __contains__(self, key: object) -> bool:
        return key in self.root

    def __iter__(self) -> Iterator[Any]:
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)

    def __repr__(self) -> str:
        name = f" {str(self._path)!r}" if self._path else ""
        return f"<cannery.yaml.Document{name}: {self.data!r}>"

    def _data(self, index: int) -> Any:
        text = self.text
        if self._loaded is None or self._loaded[0] != text:
            self._loaded = text, list(yaml.load_all(text, schema=self._schema, duplicates="last"))
        documents = self._loaded[1]
        return documents[index] if documents else None


class _Node:
    """A collection in a document: a path, looked up anew each time it is used."""

    def __init__(self, document: Document, path: tuple[Any, ...]) -> None:
        self._document = document
        self._path = path

    @property
    def data(self) -> Any:
        """The collection as `cannery.yaml.load` reads it."""
        value = self._document._data(self._path[0])
        for step in self._path[1:]:
            value = value[step]
        return value

    def comment(self, key: Any) -> str | None:
        """The comment behind an entry, on its line."""
        return self._document._native.comments(self._to(key))[1]

    def set_comment(self, key: Any, comment: str | None) -> None:
        """Replace the comment behind an entry; ``None`` takes it away."""
        self._document._native.set_comment_behind(self._to(key), comment)

    def comments_above(self, key: Any) -> list[str]:
        """The comment lines right above an entry."""
        return self._document._native.comments(self._to(key))[0]

    def set_comments_above(self, key: Any, lines: Iterable[str]) -> None:
        """Replace the comment lines right above an entry."""
        self._document._native.set_comments_above(self._to(key), list(lines))

    def _to(self, key: Any) -> list[Any]:
        return [*self._path, key]

    def _set(self, key: Any, value: Any) -> None:
        if isinstance(value, _Node):
            value = value.data
        self._document._native.set(self._to(key), yaml.dump(value, sort_keys=False))

    def __eq__(self, other: object) -> bool:
        return self.data == (other.data if isinstance(other, _Node) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.data)


class Mapping(_Node, MutableMapping[Any, Any]):
    """A mapping of a document; changing it edits the text.

    Keys that come from a merge key (``<<``) are read like the others; setting one adds it to the
    mapping itself.
    """

    def __getitem__(self, key: Any) -> Any:
        if self._document._native.kind(self._to(key)) is None:
            return self.data[key]
        return _view(self._document, (*self._path, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._set(key, value)

    def __delitem__(self, key: Any) -> None:
        if self._document._native.kind(self._to(key)) is None:
            raise KeyError(key)
        self._document._native.remove(self._to(key))

    def rename(self, old: Any, new: Any) -> None:
        """Give another key to an entry, in its place.

        Raises:
            KeyError: There is no ``old``.
            ValueError: There is a ``new`` already.

        """
        if self._document._native.kind(self._to(old)) is None:
            raise KeyError(old)
        if new != old and self._document._native.kind(self._to(new)) is not None:
            raise ValueError(f"the key {new!r} is there already")
        self._document._native.rename(self._to(old), new)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class Sequence(_Node, MutableSequence[Any]):
    """A sequence of a document; changing it edits the text."""

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> MutableSequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return _view(self._document, (*self._path, self._position(index)))

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if isinstance(index, slice):
            raise TypeError("a sequence in a YAML document is set item by item")
        self._set(self._position(index), value)

    def __delitem__(self, index: int | slice) -> None:
        positions = range(len(self))[index] if isinstance(index, slice) else [self._position(index)]
        for position in sorted(positions, reverse=True):
            self._document._native.remove(self._to(position))

    def insert(self, index: int, value: Any) -> None:
        """Insert an item before the one at ``index``."""
        position = range(len(self) + 1)[slice(index, None)]
        value = value.data if isinstance(value, _Node) else value
        text = yaml.dump(value, sort_keys=False)
        self._document._native.insert(
            list(self._path), position[0] if position else len(self), text
        )

    def __len__(self) -> int:
        kind = self._document._native.kind(list(self._path))
        return kind[1] if kind else 0

    def _position(self, index: int) -> int:
        try:
            return range(len(self))[index]
        except IndexError:
            message = f"index {index} is out of range for a sequence of {len(self)}"
            raise IndexError(message) from None


def _view(document: Document, path: tuple[Any, ...]) -> Any:
    kind = document._native.kind(list(path))
    if kind is not None and kind[0] == "mapping":
        return Mapping(document, path)
    if kind is not None and kind[0] == "sequence":
        return Sequence(document, path)
    return _Node(document, path).data


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that a crash at any instant leaves the old one or the new one."""
    import tempfile

    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            Path(temporary).chmod(stat.S_IMODE(path.stat().st_mode))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
