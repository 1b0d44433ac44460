"""A YAML file that is edited in place: what `cannery.yaml.open` returns."""

from __future__ import annotations

import contextlib
import os
import stat
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cannery import yaml
from cannery._native import Tagged, YamlDocument
from cannery._yaml_errors import YAMLError, decoded, name_file
from cannery._yaml_views import Mapping, Node, Path_, Sequence, plain

__all__ = ["Document", "Mapping", "Sequence", "open_document"]

# UTF-32 first: its mark for little-endian begins with that of UTF-16. Decoded by these names, the
# mark stays in the text, and is written again with it.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("set", "omap", "pairs")}
"""The tags of collections that are values as a whole."""


def open_document(where: str | os.PathLike[str], *, schema: str = "core") -> Document:
    """Open a YAML file for editing in place.

    Comments, order, quoting, anchors, line breaks and everything else an edit does not touch stay
    byte for byte; nothing is written before `Document.save`.

    Raises:
        OSError: The file cannot be read.
        YAMLError: It is not YAML; the error says where.

    Example:
        >>> document = open_document("train.yaml")  # doctest: +SKIP
        >>> document["lr"] = 0.2  # doctest: +SKIP
        >>> document.save()  # doctest: +SKIP

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
    r"""A YAML text, edited in place.

    ``document[key]`` and ``document[index]`` reach into the first document of the stream; values
    that are mappings and sequences come as `Mapping` and `Sequence`, which edit the text when they
    are changed. `documents` has the others of a stream. The methods of a `dict` or a `list` work on
    the first document; one that is empty becomes a mapping or a sequence with its first entry.

    Every edit is a transaction: if the edited text did not hold just the value that the edit asks
    for, or lost a comment that is not part of what was removed, it is refused with an `EditError`,
    and the text is as before.

    Example:
        >>> document = Document("lr: 0.1  # found by a sweep\n")
        >>> document["lr"] = 0.2
        >>> document.text
        'lr: 0.2  # found by a sweep\n'

    """

    def __init__(self, text: str, *, schema: str = "core") -> None:
        self._native = YamlDocument(text, schema)
        self._schema = schema
        self._path: Path | None = None
        self._encoding = "utf-8"
        self._loaded: list[Any] | None = None
        self._indexes: dict[Path_, dict[Any, Path_]] = {}
        self._views: weakref.WeakSet[Node] = weakref.WeakSet()

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self._native.text

    @property
    def data(self) -> Any:
        """The first document as `cannery.yaml.load` reads it."""
        documents = self._load()
        return documents[0] if documents else None

    @property
    def root(self) -> Any:
        """The first document: a `Mapping`, a `Sequence`, or a scalar; it can be set."""
        return self._view((0,))

    @root.setter
    def root(self, value: Any) -> None:
        self._replace((0,), value)

    @property
    def documents(self) -> list[Any]:
        """Every document of the stream."""
        return [self._view((index,)) for index in range(len(self._native))]

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
        _write(Path(os.path.realpath(path)), self.text.encode(self._encoding))

    def __getitem__(self, key: Any) -> Any:
        return self._collection()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._is_empty():
            self.root = {key: value}
        else:
            self._collection()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._collection()[key]

    def __contains__(self, key: object) -> bool:
        return not self._is_empty() and key in self._collection()

    def __iter__(self) -> Iterator[Any]:
        return iter(() if self._is_empty() else self._collection())

    def __len__(self) -> int:
        return 0 if self._is_empty() else len(self._collection())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Document):
            return self.text == other.text
        return plain(self.root) == plain(other)

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        """The methods of the first document's mapping or sequence."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self._is_empty():
            return getattr(_Empty(self), name)
        return getattr(self._collection(), name)

    def __reduce__(self) -> Any:
        return _restored, (self.text, self._schema, self._path, self._encoding)

    def __repr__(self) -> str:
        name = f" {str(self._path)!r}" if self._path else ""
        return f"<cannery.yaml.Document{name}: {self.data!r}>"

    # What the views use.

    def _is_empty(self) -> bool:
        kind = self._native.kind((0,))
        return kind is None or (kind[0] == "scalar" and self._value((0,)) is None)

    def _collection(self) -> Mapping | Sequence:
        root = self.root
        if isinstance(root, Node):
            return root  # type: ignore[return-value]
        found = type(root).__name__
        raise TypeError(f"this document is a scalar, {found}, and has no entries")

    def _load(self) -> list[Any]:
        return list(yaml.load_all(self.text, schema=self._schema, duplicates="last"))

    def _view(self, path: Path_) -> Any:
        """What is at a path: a view of a collection, or a scalar."""
        native = self._native
        kind = native.kind(path)
        if kind is not None and kind[0] == "alias":
            path = tuple(native.resolve(path) or path)
            kind = native.kind(path)
        if kind is None or kind[0] in ("scalar", "alias") or kind[2] in _PLAIN_TAGS:
            return self._value(path)
        view = (Mapping if kind[0] == "mapping" else Sequence)(self, path)
        self._views.add(view)
        return view

    def _value(self, path: Path_) -> Any:
        """The plain value at a path; it must not be changed."""
        if self._loaded is None:
            self._loaded = self._load()
        if not self._loaded:
            return None
        return self._walk(self._loaded[path[0]], path)

    def _walk(self, value: Any, path: Path_) -> Any:
        for depth in range(1, len(path)):
            if isinstance(value, Tagged):
                value = value.value
            if isinstance(value, dict):
                value = value[self._key(path[:depth], path[depth])]
            else:
                value = value[path[depth]]
        return value

    def _keys(self, path: Path_) -> list[tuple[bool, Any]]:
        """For each entry of a mapping whether it is `<<`, and its key."""
        found: list[tuple[bool, Any]] = []
        for kind, key in self._native.keys(path):
            if kind == "source":
                key = next(iter(yaml.load_all(f"? {key}\n", schema=self._schema).__next__()))
            found.append((kind == "merge", key))
        return found

    def _key(self, path: Path_, position: int) -> Any:
        return self._keys(path)[position][1]

    def _index(self, path: Path_) -> dict[Any, Path_]:
        """Where the value of each key of a mapping is, those of merged mappings included."""
        index = self._indexes.get(path)
        if index is None:
            index = {}
            for source in self._native.merged(path):
                for key, where in self._index(tuple(source)).items():
                    index.setdefault(key, where)
            for position, (is_merge, key) in enumerate(self._keys(path)):
                if not is_merge:
                    index[key] = (*path, position)
            self._indexes[path] = index
        return index

    def _replace(self, path: Path_, value: Any) -> None:
        text = _text_of(value)
        below = len(path)

        def moved(other: Path_) -> Path_ | None:
            return None if other[:below] == path else other

        with self._edit(moved):
            self._native.set(path, text)

    def _insert(self, path: Path_, position: int, value: Any, key: Any = ...) -> None:
        text = _text_of(value)

        def moved(other: Path_) -> Path_ | None:
            if other[: len(path)] != path or len(other) == len(path):
                return other
            step = other[len(path)]
            return (*path, step + (step >= position), *other[len(path) + 1 :])

        with self._edit(moved):
            if key is ...:
                self._native.insert(path, position, text)
            else:
                self._native.insert_key(path, position, _text_of(key), text)

    def _remove(self, path: Path_, positions: Iterable[int]) -> None:
        gone = sorted(set(positions))

        def moved(other: Path_) -> Path_ | None:
            if other[: len(path)] != path or len(other) == len(path):
                return other
            step = other[len(path)]
            if step in gone:
                return None
            step -= sum(position < step for position in gone)
            return (*path, step, *other[len(path) + 1 :])

        with self._edit(moved):
            self._native.remove_all(path, gone)

    def _reorder(self, path: Path_, order: list[int]) -> None:
        places = {old: new for new, old in enumerate(order)}

        def moved(other: Path_) -> Path_ | None:
            if other[: len(path)] != path or len(other) == len(path):
                return other
            return (*path, places[other[len(path)]], *other[len(path) + 1 :])

        with self._edit(moved):
            self._native.reorder(path, order)

    @contextlib.contextmanager
    def _edit(self, moved: Any = None) -> Iterator[None]:
        """An edit of the text; `moved` says where what was at a path is afterwards."""
        paths: list[tuple[Node, Path_, Path_ | None]] = []
        if moved is not None:
            paths = [(view, view._path, moved(view._path)) for view in list(self._views)]
        lost = [(view, path) for view, path, new in paths if new is None]
        # Views of one value that goes stay views of one value.
        last = self._load() if lost else []
        kept = {view: self._walk(last[path[0]], path) for view, path in lost}
        yield
        for view, _, new in paths:
            if new is None:
                view._detach(kept[view])
                self._views.discard(view)
            else:
                view._path = new
        self._changed()

    @contextlib.contextmanager
    def _atomic(self) -> Iterator[None]:
        """Several edits, or none if one of them is refused."""
        before = self._native.copy()
        views = [(view, view._path) for view in self._views]
        try:
            yield
        except BaseException:
            self._native = before
            self._changed()
            for view, path in views:
                view._attach(self, path)
                self._views.add(view)
            raise

    def _changed(self) -> None:
        self._loaded = None
        self._indexes.clear()


class _Empty:
    """The methods of a document that has no value yet."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def get(self, key: Any, default: Any = None) -> Any:
        del key
        return default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._document.root = {key: default}
        return self._document[key]

    def update(self, other: Any = (), **entries: Any) -> None:
        new = dict(plain(other), **entries)
        if new:
            self._document.root = new

    def append(self, value: Any) -> None:
        self._document.root = [value]

    def insert(self, index: int, value: Any) -> None:
        del index
        self._document.root = [value]

    def extend(self, values: Iterable[Any]) -> None:
        new = list(values)
        if new:
            self._document.root = new

    def keys(self) -> Any:
        return {}.keys()

    def values(self) -> Any:
        return {}.values()

    def items(self) -> Any:
        return {}.items()

    def clear(self) -> None:
        pass


def _text_of(value: Any) -> str:
    return yaml.dump(value, sort_keys=False, representers={Node: plain})


def restored_value(value: Any) -> Any:
    """What the pickle of a view holds."""
    return value


def _restored(text: str, schema: str, path: Path | None, encoding: str) -> Document:
    document = Document(text, schema=schema)
    document._path = path
    document._encoding = encoding
    return document


def _write(path: Path, data: bytes) -> None:
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
