"""Streams in files: written chunk by chunk, each in the format that its items ask for.

Plain data and objects are lines of tagged JSON (`.jsonl`), arrays of one shape and element type
are stacked (`.npy`), Arrow's batches and tables are IPC files (`.arrow`), and anything else is
stored by its materializer in a folder. `stream.json` lists the chunks in order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cannery._stream import Stream
from cannery.errors import DataError
from cannery.materializers._data import DataMaterializer, type_names_in
from cannery.materializers._registry import materializer_for
from cannery.materializers._trust import project_code, trusted_classes

if TYPE_CHECKING:
    from cannery.materializers import Materializer

FORMAT = "stream/1"
INDEX = "stream.json"

# Bytes of a chunk, after which the next one begins.
_MOST_TEXT = 1 << 20
_MOST_ARRAYS = 8 << 20

# What `dtype.isbuiltin` says of types that NPY lacks.
_FOREIGN = 2

_Save = Callable[[Any, Path], Any]


class Chunk(NamedTuple):
    """A chunk of a stream."""

    kind: str
    file: str
    items: int


class StreamWriter:
    """Writes the items of a stream below a folder."""

    def __init__(
        self, to: Path, materializers: Iterable[type[Materializer[Any]]], save: _Save
    ) -> None:
        self._to = to
        self._materializers = tuple(materializers)
        self._save = save
        self._chunks: list[Chunk] = []
        self._key: Any = None
        self._items: list[Any] = []
        self._size = 0
        self.classes: set[str] = set()

    def write(self, items: Iterable[Any]) -> int:
        """Write all items; return how many there were."""
        from cannery import json

        for item in items:
            self._add(item)
        self._flush()
        index = [chunk._asdict() for chunk in self._chunks]
        (self._to / INDEX).write_bytes(json.encode(index))
        return sum(chunk.items for chunk in self._chunks)

    def _add(self, item: Any) -> None:
        key, stored, size = self._prepared(item)
        most = _MOST_TEXT if key[0] == "jsonl" else _MOST_ARRAYS
        if self._items and (key != self._key or self._size + size > most):
            self._flush()
        self._key = key
        self._items.append(stored)
        self._size += size

    def _prepared(self, item: Any) -> tuple[tuple[Any, ...], Any, int]:
        """Return what tells in which chunk an item goes, what is kept of it, and its size."""
        kind = type(item)
        top = kind.__module__.partition(".")[0]
        if top == "numpy" and kind is sys.modules["numpy"].ndarray and not item.dtype.hasobject:
            # A copy: a generator may fill the same array again.
            if item.dtype.isbuiltin == _FOREIGN:
                return ("value", object()), item.copy(order="K"), item.nbytes
            key = ("npy", item.dtype.str, item.dtype.descr, item.shape)
            return key, item.copy(), item.nbytes
        if top == "torch":
            return ("value", object()), item, 0
        if top == "pyarrow" and kind.__name__ in ("RecordBatch", "Table"):
            is_batch = kind.__name__ == "RecordBatch"
            # A table is a chunk of its own.
            key = ("batches", item.schema) if is_batch else ("table", object())
            return key, item, item.nbytes
        if materializer_for(kind, self._materializers).__module__ == DataMaterializer.__module__:
            import cannery

            line = cannery.dumps(item, "json")
            return ("jsonl",), line, len(line) + 1
        return ("value", object()), item, 0

    def _flush(self) -> None:
        if not self._items:
            return
        kind = self._key[0]
        name = f"{len(self._chunks):08}"
        file = {"jsonl": f"{name}.jsonl", "npy": f"{name}.npy", "value": name}
        chunk = Chunk(kind, file.get(kind, f"{name}.arrow"), len(self._items))
        _WRITERS[kind](self, self._to / chunk.file, self._items)
        self._chunks.append(chunk)
        self._items, self._size = [], 0

    def _write_lines(self, file: Path, lines: list[bytes]) -> None:
        text = b"\n".join(lines) + b"\n"
        self.classes.update(project_code(type_names_in(text)))
        file.write_bytes(text)

    def _write_arrays(self, file: Path, arrays: list[Any]) -> None:
        import numpy as np

        from cannery import npy

        stacked = np.empty((len(arrays), *arrays[0].shape), arrays[0].dtype)
        for index, array in enumerate(arrays):
            stacked[index] = array
        npy.save(file, stacked)

    def _write_batches(self, file: Path, batches: list[Any]) -> None:
        import pyarrow as pa

        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, batches[0].schema) as writer:
            for batch in batches:
                writer.write(batch)

    def _write_value(self, folder: Path, values: list[Any]) -> None:
        from cannery import json

        (folder / "files").mkdir(parents=True)
        saved = self._save(values[0], folder / "files")
        self.classes |= {saved.type_name, *saved.metadata.get("classes", ())}
        (folder / "saved.json").write_bytes(json.encode(saved._asdict()))


_WRITERS: dict[str, Callable[[StreamWriter, Path, list[Any]], None]] = {
    "jsonl": StreamWriter._write_lines,
    "npy": StreamWriter._write_arrays,
    "batches": StreamWriter._write_batches,
    "table": StreamWriter._write_batches,
    "value": StreamWriter._write_value,
}


def open_stream(find: Callable[[str], Path], load: Callable[[Path, Any], Any]) -> Stream[Any]:
    """Return a stream whose files `find` finds, and whose other values `load` reads."""
    chunks = list(_chunks_in(find(INDEX).read_bytes()))

    def read(number: int) -> Sequence[Any]:
        chunk = chunks[number]
        items = _READERS[chunk.kind](find, load, chunk.file)
        if len(items) != chunk.items:
            raise DataError(f"chunk {number} of a stream has {len(items)} items, not {chunk.items}")
        return items

    return Stream([chunk.items for chunk in chunks], read)


def has_values(index: bytes) -> bool:
    """Say whether other materializers have stored items of a stream."""
    return any(chunk.kind == "value" for chunk in _chunks_in(index))


def _chunks_in(index: bytes) -> Iterator[Chunk]:
    from cannery import json

    for number, found in enumerate(json.decode(index, type=list[dict[str, Any]])):
        kind, file, items = (found.get(field) for field in Chunk._fields)
        name = f"{number:08}"
        fits = kind in _READERS and type(items) is int and items > 0
        if not fits or file not in (name, f"{name}.jsonl", f"{name}.npy", f"{name}.arrow"):
            raise DataError(f"chunk {number} of a stored stream is not as one is written")
        yield Chunk(str(kind), file, items)  # pyright: ignore[reportArgumentType]


def _read_lines(find: Callable[[str], Path], _load: Any, file: str) -> list[Any]:
    import cannery

    text = find(file).read_bytes()
    trust = trusted_classes(type_names_in(text))
    return [cannery.loads(line, "json", trust=trust) for line in text.splitlines()]


def _read_arrays(find: Callable[[str], Path], _load: Any, file: str) -> Sequence[Any]:
    import numpy as np

    from cannery import npy

    stacked = npy.load(find(file))
    return [np.asarray(stacked[index, ...]) for index in range(len(stacked))]


def _read_batches(find: Callable[[str], Path], _load: Any, file: str) -> list[Any]:
    import pyarrow as pa

    with pa.memory_map(str(find(file))) as source:
        reader = pa.ipc.open_file(source)
        return [reader.get_batch(index) for index in range(reader.num_record_batches)]


def _read_table(find: Callable[[str], Path], _load: Any, file: str) -> list[Any]:
    import pyarrow as pa

    with pa.memory_map(str(find(file))) as source:
        return [pa.ipc.open_file(source).read_all()]


def _read_value(
    find: Callable[[str], Path], load: Callable[[Path, Any], Any], file: str
) -> list[Any]:
    from cannery import json

    saved = json.decode(find(f"{file}/saved.json").read_bytes(), type=dict[str, Any])
    return [load(find(f"{file}/files"), saved)]


_READERS: dict[str, Callable[[Callable[[str], Path], Any, str], Sequence[Any]]] = {
    "jsonl": _read_lines,
    "npy": _read_arrays,
    "batches": _read_batches,
    "table": _read_table,
    "value": _read_value,
}
