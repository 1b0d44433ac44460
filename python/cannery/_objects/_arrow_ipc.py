"""What Arrow's files and streams say about themselves, read before a library parses them.

The metadata of each message is a FlatBuffer (https://arrow.apache.org/docs/format/Columnar.html).
Checked are sizes, the depth of types, names of zones and extensions, and that nothing is packed:
the values themselves are validated by the library.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from cannery._objects._checks import PartError, explained
from cannery._objects._zone_names import zone_name

_MAGIC = b"ARROW1"
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_FIXED_SIZE_LIST, _TIMESTAMP = 16, 10
_DEEPEST = 32
_LONGEST_TEXT = 1 << 16


class _Table:
    """A table of a FlatBuffer: its fields by their numbers."""

    __slots__ = ("_at", "_data", "_vtable", "_vtable_size")

    def __init__(self, data: Any, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - _read(data, "<i", at)
        self._vtable_size = _read(data, "<H", self._vtable)

    def place(self, field: int) -> int:
        """Where a field lies; 0 if it is not there."""
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return 0
        offset = _read(self._data, "<H", self._vtable + entry)
        return self._at + offset if offset else 0

    def number(self, field: int, form: str, default: int = 0) -> int:
        """A number of a fixed size."""
        at = self.place(field)
        return _read(self._data, form, at) if at else default

    def table(self, field: int) -> _Table | None:
        """A table that the field refers to."""
        at = self.place(field)
        return _Table(self._data, at + _read(self._data, "<I", at)) if at else None

    def vector(self, field: int, size: int) -> tuple[int, int]:
        """Where the items of a vector begin, and how many of this size there are."""
        at = self.place(field)
        if not at:
            return 0, 0
        start = at + _read(self._data, "<I", at)
        count = _read(self._data, "<I", start)
        if start + 4 + count * size > len(self._data):
            raise PartError("the part 'ipc': a list of its metadata is longer than that")
        return start + 4, count

    def tables(self, field: int) -> Iterator[_Table]:
        """The tables of a vector."""
        start, count = self.vector(field, 4)
        for at in range(start, start + 4 * count, 4):
            yield _Table(self._data, at + _read(self._data, "<I", at))

    def structs(self, field: int, form: str) -> Iterator[tuple[int, ...]]:
        """The structs of a vector."""
        size = struct.calcsize(form)
        start, count = self.vector(field, size)
        for at in range(start, start + size * count, size):
            yield struct.unpack_from(form, self._data, at)

    def data(self, field: int) -> bytes:
        """A text, as bytes."""
        start, count = self.vector(field, 1)
        return bytes(self._data[start : start + count])


def _read(data: Any, form: str, at: int) -> int:
    if at < 0 or at + struct.calcsize(form) > len(data):
        raise PartError("the part 'ipc': its metadata leads out of it")
    return struct.unpack_from(form, data, at)[0]


def check_stream(data: Any) -> None:
    """Check the messages of a stream, or a single one.

    Raises:
        PartError: if it is damaged, packed, nested too deeply, or larger than its bytes explain.

    """
    view = memoryview(data).cast("B")
    at, limit = 0, explained(len(view))
    while at + 8 <= len(view):
        length = _message_length(view, at)
        if length == 0:
            return
        body = _check_message(view[at + 8 : at + 8 + length], limit)
        at += 8 + length + body
    if at > len(view):
        raise PartError("the part 'ipc': it ends within a message")


def check_file(data: Any) -> None:
    """Check the messages that the footer of a file lists.

    Raises:
        PartError: as `check_stream` does, or if blocks lie on each other.

    """
    view = memoryview(data).cast("B")
    size = len(view)
    if size < 24 or bytes(view[:6]) != _MAGIC or bytes(view[-6:]) != _MAGIC:
        raise PartError("the part 'ipc': no Arrow file")
    length = _read(view, "<i", size - 10)
    if not 0 < length <= size - 18:
        raise PartError("the part 'ipc': its footer is damaged")
    footer = _root(view[size - 10 - length : size - 10])
    schema = footer.table(1)
    if schema is not None:
        _check_schema(schema, length)
    blocks = sorted({*footer.structs(2, "<qi4xq"), *footer.structs(3, "<qi4xq")})
    count = footer.vector(2, 24)[1] + footer.vector(3, 24)[1]
    if len(blocks) != count:
        raise PartError("the part 'ipc': a block is listed twice")
    _check_blocks(view, blocks, size - 10 - length)


def _check_blocks(view: memoryview, blocks: list[tuple[int, ...]], end: int) -> None:
    limit, at = explained(len(view)), 8
    for offset, metadata, body in blocks:
        if offset < at or metadata < 8 or body < 0 or offset + metadata + body > end:
            raise PartError("the part 'ipc': a block lies outside of the file, or on another")
        found = _check_message(view[offset + 8 : offset + metadata], limit)
        if found > body:
            raise PartError("the part 'ipc': a message is longer than its block")
        at = offset + metadata + body


def _message_length(view: memoryview, at: int) -> int:
    if _read(view, "<I", at) != 0xFFFF_FFFF:
        raise PartError("the part 'ipc': no message of Arrow")
    length = _read(view, "<i", at + 4)
    if length < 0 or at + 8 + length > len(view):
        raise PartError("the part 'ipc': it ends within a message")
    return length


def _root(metadata: memoryview) -> _Table:
    return _Table(metadata, _read(metadata, "<I", 0))


def _check_message(metadata: memoryview, limit: int) -> int:
    """Check a message; give the length of its body."""
    message = _root(metadata)
    kind, header = message.number(1, "<B"), message.table(2)
    body = message.number(3, "<q")
    if header is None or not 0 <= body <= 1 << 62:
        raise PartError("the part 'ipc': a message without content")
    if kind == _SCHEMA:
        _check_schema(header, len(metadata))
    elif kind == _BATCH:
        _check_batch(header, body, limit)
    elif kind == _DICTIONARY:
        batch = header.table(1)
        if batch is not None:
            _check_batch(batch, body, limit)
    else:
        raise PartError(f"the part 'ipc': messages of kind {kind} are not expected here")
    return body


def _check_batch(batch: _Table, body: int, limit: int) -> None:
    if batch.table(3) is not None:
        raise PartError("the part 'ipc': its buffers are packed")
    if not 0 <= batch.number(0, "<q") <= limit:
        raise PartError("the part 'ipc': it has more rows than its bytes explain")
    for length, nulls in batch.structs(1, "<qq"):
        if not 0 <= length <= limit or not -1 <= nulls <= length:
            raise PartError("the part 'ipc': a column is longer than its bytes explain")
    total = 0
    for offset, length in batch.structs(2, "<qq"):
        if offset < 0 or length < 0 or offset + length > body:
            raise PartError("the part 'ipc': a buffer lies outside of the message")
        total += length
    if total > body:
        raise PartError("the part 'ipc': its buffers lie on each other")
    for (count,) in batch.structs(4, "<q"):
        if not 0 <= count <= body:
            raise PartError("the part 'ipc': a count of buffers is wrong")


def _check_schema(schema: _Table, size: int) -> None:
    _check_texts(schema, 2)
    left = [16 + size // 8]
    for field in schema.tables(1):
        _check_field(field, _DEEPEST, left)


def _check_field(field: _Table, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if depth == 0 or left[0] < 0:
        raise PartError("the part 'ipc': its types are nested too deeply")
    kind, detail = field.number(2, "<B"), field.table(3)
    if detail is not None and kind == _TIMESTAMP and (zone := detail.data(1)):
        zone_name(zone.decode("utf-8", "replace"), "ipc")
    if detail is not None and kind == _FIXED_SIZE_LIST and detail.number(0, "<i") < 0:
        raise PartError("the part 'ipc': a list of a negative size")
    _check_texts(field, 6)
    for child in field.tables(5):
        _check_field(child, depth - 1, left)


def _check_texts(owner: _Table, field: int) -> None:
    """Check what is said about a schema or a field: no zone from a path, no code, no bomb."""
    for pair in owner.tables(field):
        name, value = pair.data(0), pair.data(1)
        if name == b"ARROW:extension:name" and b"py_extension_type" in value:
            raise PartError("the part 'ipc': an extension type that would run what it holds")
        if name == b"ARROW:extension:metadata" and not _is_flat(value):
            raise PartError("the part 'ipc': what it says about an extension type is too large")
        if name == b"pandas" and (b"dateutil" in value or b"tzlocal" in value):
            raise PartError("the part 'ipc': the name of a time zone is a path")


def _is_flat(value: bytes) -> bool:
    opened = value.count(b"[") + value.count(b"{")
    return len(value) <= _LONGEST_TEXT and opened <= 100
