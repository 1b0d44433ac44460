"""Protobuf without a compiler step: `Schema("shop.proto")["shop.Order"].decode(data)`.

A schema is compiled when it is needed, from `.proto` files or text or a descriptor set, by a
compiler of cannery's own: proto2, proto3, editions 2023 to 2026. A message is a plain dictionary,
its keys the names of the fields; or an instance of a dataclass that is generated from the schema.
`docs/protobuf.md` says what each type becomes.
"""

from __future__ import annotations

import dataclasses
import datetime
import keyword
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any, Literal, cast, get_args, get_origin

from cannery import _native
from cannery._audit import reading, writing
from cannery._native import ProtoFrames
from cannery._places import plain

__all__ = [
    "MessageType",
    "ProtoFrames",
    "Schema",
    "bundled",
    "inspect",
    "message_of",
    "osm_elements",
    "read_delimited",
    "read_osm",
    "read_tfrecord",
    "write_delimited",
    "write_osm",
    "write_tfrecord",
]

Where = str | os.PathLike[str] | IO[bytes]
OnError = Literal["raise", "skip", "collect"]


class Schema(Mapping[str, "MessageType"]):
    """The messages of some `.proto` files and of those that they import, by full name.

    `source` is the path of a `.proto` file or of a folder of them, the text of a schema, the bytes
    of a `FileDescriptorSet`, a `_pb2` module or a message class of Google's library; or a list of
    paths. Imports are looked for in the folders `include`, then beside the file itself; the
    well-known types are always there. A schema that is wrong raises a `ValueError` that names every
    error with file, line and column.
    """

    def __init__(
        self,
        source: str | bytes | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Any,
        include: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        files, folders, texts, data = _sources(source, [Path(folder) for folder in include])
        self._native = _native.ProtoSchema(files, [str(f) for f in folders], texts, data)
        self._types: dict[str, MessageType] = {}

    def __getitem__(self, name: str) -> MessageType:
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = MessageType(self, name, self._native.message(name))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._native.messages())

    def __len__(self) -> int:
        return len(self._native.messages())

    def __repr__(self) -> str:
        return f"<Schema of {len(self)} messages>"

    def descriptor_set(self) -> bytes:
        """Return the bytes of a `FileDescriptorSet`, as protoc writes it."""
        return self._native.descriptor_set()

    def source(self) -> str:
        """Return Python source of the dataclasses of all messages."""
        return _source_of(self, list(self))


class MessageType:
    """One message of a schema."""

    def __init__(self, schema: Schema, name: str, number: int) -> None:
        self.schema = schema
        self.name = name
        self._number = number
        self._decode = schema._native.decode_plain
        self._dataclass: Any = None

    def __repr__(self) -> str:
        return f"<MessageType {self.name}>"

    def decode(
        self,
        data: bytes | bytearray | memoryview,
        *,
        type: Any = dict,
        defaults: bool = False,
        enums: Literal["names", "numbers"] = "names",
        depth: int = 100,
    ) -> Any:
        """Return the message in `data` as a dictionary, or as an instance of `type`.

        `type` is `dict` or this message's `dataclass`. With `defaults`, fields that are not set are
        there as well, but for messages and the members of oneofs. `enums="numbers"` leaves enum
        values as integers. Unknown fields are kept as bytes under `"@unknown"`.
        """
        if type is dict and not defaults and enums == "names" and depth == 100:
            return self._decode(self._number, data)
        as_class = type is not dict
        if as_class and type is not (self._dataclass or self.dataclass):
            raise TypeError(f"type must be dict or the dataclass of {self.name}, not {type!r}")
        if enums not in ("names", "numbers"):
            raise ValueError(f"enums must be 'names' or 'numbers', not {enums!r}")
        return self.schema._native.decode(
            self._number,
            data,
            as_class=as_class,
            defaults=defaults,
            enum_numbers=enums == "numbers",
            depth=depth,
        )

    def encode(self, obj: Any, *, deterministic: bool = False, partial: bool = False) -> bytes:
        """Return the bytes of a message.

        `obj` is a dictionary, a dataclass, a message of Google's library or any object with the
        fields as attributes; what is `None` is not set. With `deterministic`, maps are written in
        the order of their keys, so that equal messages are equal bytes. `partial` allows required
        fields to be missing.
        """
        return self.schema._native.encode(
            self._number, obj, deterministic=deterministic, partial=partial
        )

    def to_json(
        self,
        obj: Any,
        *,
        defaults: bool = False,
        proto_names: bool = False,
        enums: Literal["names", "numbers"] = "names",
        indent: int | None = None,
    ) -> str:
        """Return a message, or the bytes of one, as JSON by Protobuf's mapping.

        `indent` is how many spaces a level is indented by, up to 100.
        """
        if indent is not None and not 0 <= indent <= 100:
            raise ValueError(f"indent must be from 0 to 100, got {indent}")
        if not defaults and not proto_names and enums == "names" and not indent:
            obj = bytes(obj) if isinstance(obj, (bytearray, memoryview)) else obj
            return self.schema._native.plain_json(self._number, obj)
        return self.schema._native.bytes_to_json(
            self._number,
            self._bytes(obj),
            defaults=defaults,
            proto_names=proto_names,
            enum_numbers=enums == "numbers",
            indent=indent or 0,
        )

    def from_json(
        self, text: str | bytes, *, type: Any = dict, ignore_unknown: bool = False
    ) -> Any:
        """Return the message that JSON says, as `decode` does."""
        if isinstance(text, bytes):
            text = text.decode()
        as_class = type is not dict
        if as_class and type is not self.dataclass:
            raise TypeError(f"type must be dict or the dataclass of {self.name}, not {type!r}")
        return self.schema._native.json_to_python(self._number, text, ignore_unknown, as_class)

    def to_text(self, obj: Any, *, unknown_fields: bool = False, single_line: bool = False) -> str:
        """Return a message, or the bytes of one, in the text format."""
        return self.schema._native.bytes_to_text(
            self._number,
            self._bytes(obj),
            unknown_fields=unknown_fields,
            single_line=single_line,
        )

    def from_text(self, text: str, *, type: Any = dict) -> Any:
        """Return the message that the text format says, as `decode` does."""
        return self.decode(self.schema._native.text_to_bytes(self._number, text), type=type)

    @property
    def __cannery_name__(self) -> str:
        return self.name

    def __cannery_check__(
        self, value: Any, names: dict[str, int]
    ) -> tuple[str, str] | tuple[str, str, str] | None:
        """Say what of a value is not as the message has it: for annotations of steps."""
        del names
        try:
            self.encode(value)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            told = re.fullmatch(r"(?:(.*?): )?expected (.+), got (.+)", str(error), re.DOTALL)
            if told is None:
                return self.name, str(error)
            path = told[1] or ""
            return told[2], told[3], path if path.startswith("[") or not path else f".{path}"
        return None

    def _bytes(self, obj: Any) -> bytes:
        if isinstance(obj, (bytes, bytearray, memoryview)):
            return bytes(obj)
        return self.encode(obj, partial=True)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """What the schema says of each field: name, number, type, label, default."""
        return self.schema._native.describe(self._number)["fields"]

    @property
    def dataclass(self) -> Any:
        """The dataclass of this message, generated when it is first asked for."""
        if self._dataclass is None:
            _make_classes(self)
        return self._dataclass

    def source(self) -> str:
        """Return Python source of this message's dataclass, and of those that it holds."""
        return _source_of(self.schema, _reached(self))


def bundled(name: Literal["onnx", "vector_tile", "osm", "tensorboard"]) -> Schema:
    """Return a schema that is at hand: of ONNX, vector tiles, OpenStreetMap or TensorBoard.

    >>> from cannery import protobuf
    >>> protobuf.bundled("vector_tile")["vector_tile.Tile"]
    <MessageType vector_tile.Tile>
    """
    found = _BUNDLED.get(name)
    if found is None:
        found = _BUNDLED[name] = Schema(_native.proto_schema_text(name))
    return found


_BUNDLED: dict[str, Schema] = {}


def message_of(annotation: Any) -> MessageType | None:
    """Return the message that `Annotated[dict, message]` or a generated dataclass is for."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        for each in metadata:
            if isinstance(each, MessageType):
                return each
        return message_of(inner)
    found = annotation.__dict__.get("__protobuf__") if isinstance(annotation, type) else None
    return found if isinstance(found, MessageType) else None


def read_delimited(
    where: Where, on_error: OnError = "raise", *, largest: int = 2**31 - 1
) -> ProtoFrames:
    """Iterate over the messages in `where`, as bytes, each with its length as a varint before it.

    `where` is a path, `"-"` or a binary file object; compressed input is recognized. A damaged
    message raises a `ValueError` that says where it begins; with `on_error="skip"` it is left out,
    with `"collect"` its exception is also kept in `.errors` of the iterator.
    """
    return _frames(where, "delimited", on_error, largest)


def write_delimited(where: Where, messages: Iterable[bytes]) -> int:
    """Write messages, each with its length before it, and return how many there were."""
    return _write(where, "delimited", messages)


def read_tfrecord(
    where: Where, on_error: OnError = "raise", *, largest: int = 2**31 - 1
) -> ProtoFrames:
    """Iterate over the records of a TFRecord file, whose checksums are checked."""
    return _frames(where, "tfrecord", on_error, largest)


def write_tfrecord(where: Where, messages: Iterable[bytes]) -> int:
    """Write the records of a TFRecord file, and return how many there were."""
    return _write(where, "tfrecord", messages)


def read_osm(where: Where, on_error: OnError = "raise") -> Iterator[tuple[str, bytes]]:
    """Iterate over the blobs of an OpenStreetMap extract: the type and the unpacked block of each.

    A block of type `"OSMHeader"` is an `OSMPBF.HeaderBlock`, one of `"OSMData"` an
    `OSMPBF.PrimitiveBlock` of the schema `bundled("osm")`; `osm_elements` takes that apart.
    """
    return cast("Iterator[tuple[str, bytes]]", _frames(where, "osm", on_error, 2**31 - 1))


def write_osm(where: Where, blocks: Iterable[tuple[str, bytes]]) -> int:
    """Write blocks as the blobs of an OpenStreetMap extract, and return how many there were."""
    return _write(where, "osm", blocks)


def osm_elements(block: bytes | bytearray | memoryview) -> list[dict[str, Any]]:
    """Return the nodes, ways and relations of a block of type `"OSMData"`, as dictionaries."""
    return _native.osm_elements(block)


def _frames(where: Where, kind: str, on_error: OnError, largest: int) -> ProtoFrames:
    path, file = _split(where, sys.stdin, "read")
    return _native.proto_frames(path and reading(path), file, kind, on_error, largest)


def _write(where: Where, kind: str, messages: Iterable[Any]) -> int:
    path, file = _split(where, sys.stdout, "write")
    return _native.proto_write(path and writing(path), file, messages, kind)


def _split(where: Where, standard: Any, method: str) -> tuple[str | None, Any]:
    if where == "-":
        return None, getattr(standard, "buffer", standard)
    if isinstance(where, (str, os.PathLike)):
        return os.fspath(plain(where)), None
    if not hasattr(where, method):
        found = type(where).__name__
        raise TypeError(f'expected a path, "-" or a file object with `{method}`, got {found}')
    return None, where


# Where schemas come from.

_Sources = tuple[list[str], list[Path], dict[str, str], bytes | None]


def _sources(source: Any, include: list[Path]) -> _Sources:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return [], include, {}, bytes(source)
    if isinstance(source, str) and _is_text(source):
        return ["schema.proto"], include, {"schema.proto": source}, None
    if isinstance(source, (str, os.PathLike)):
        return _of_path(Path(source), include)
    descriptor = getattr(source, "DESCRIPTOR", None)
    if descriptor is not None:
        return [], include, {}, _set_of(descriptor)
    files: list[str] = []
    for path in source:
        more, include, _, _ = _of_path(Path(path), include)
        files += more
    return files, include, {}, None


def _is_text(source: str) -> bool:
    return "\n" in source or ";" in source or "{" in source


def _of_path(path: Path, include: list[Path]) -> _Sources:
    if path.is_dir():
        reading(os.fspath(path))
        found = sorted(path.rglob("*.proto"))
        return [file.relative_to(path).as_posix() for file in found], [path, *include], {}, None
    reading(os.fspath(path))
    if path.suffix in (".binpb", ".pb", ".desc", ".protoset"):
        return [], include, {}, path.read_bytes()
    path = path if path.exists() else _on(include, path)
    for folder in include:
        # The name by which others import it counts.
        if path.resolve().is_relative_to(folder.resolve()):
            name = path.resolve().relative_to(folder.resolve()).as_posix()
            return [name], include, {}, None
    return [path.name], [*include, path.parent], {}, None


def _on(include: list[Path], path: Path) -> Path:
    for folder in include:
        if (folder / path).exists():
            return folder / path
    raise FileNotFoundError(2, "no such schema", os.fspath(path))


def _set_of(descriptor: Any) -> bytes:
    """The descriptor set of a file of Google's library, as bytes."""
    file = getattr(descriptor, "file", descriptor)
    seen: dict[str, bytes] = {}

    def collect(file: Any) -> None:
        if file.name not in seen:
            for dependency in file.dependencies:
                collect(dependency)
            seen[file.name] = file.serialized_pb

    collect(file)
    return b"".join(b"\x0a" + _varint(len(data)) + data for data in seen.values())


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# Dataclasses.

_SCALARS = {
    "double": "float",
    "float": "float",
    "bool": "bool",
    "string": "str",
    "bytes": "bytes",
}

_WELL_KNOWN = {
    "google.protobuf.Timestamp": "datetime.datetime",
    "google.protobuf.Duration": "datetime.timedelta",
    "google.protobuf.Struct": "dict[str, Any]",
    "google.protobuf.Value": "Any",
    "google.protobuf.ListValue": "list[Any]",
    "google.protobuf.FieldMask": "list[str]",
    "google.protobuf.Any": "dict[str, Any]",
    "google.protobuf.DoubleValue": "float",
    "google.protobuf.FloatValue": "float",
    "google.protobuf.Int64Value": "int",
    "google.protobuf.UInt64Value": "int",
    "google.protobuf.Int32Value": "int",
    "google.protobuf.UInt32Value": "int",
    "google.protobuf.BoolValue": "bool",
    "google.protobuf.StringValue": "str",
    "google.protobuf.BytesValue": "bytes",
}


_KNOWN_TYPES: dict[str, Any] = {
    "datetime.datetime": datetime.datetime,
    "datetime.timedelta": datetime.timedelta,
    "dict[str, Any]": dict[str, Any],
    "Any": Any,
    "list[Any]": list[Any],
    "list[str]": list[str],
    "float": float,
    "int": int,
    "bool": bool,
    "str": str,
    "bytes": bytes,
}


def _attribute(name: str) -> str:
    """The attribute for a field, as the decoder has it: no name that Python looks up."""
    if name.startswith("__"):
        return f"{name}___"
    return f"{name}_" if keyword.iskeyword(name) else name


_USED = frozenset("__debug__ dataclasses datetime Any bool bytes dict float int list str".split())
"""What the source of classes refers to: no class of a schema has such a name."""


def _class_name(schema: Schema, message: str) -> str:
    """`shop.Order.Item` is called `Order_Item`: messages begin where the package ends."""
    parts = message.split(".")
    start = len(parts) - 1
    while start > 0 and ".".join(parts[:start]) in schema._native.messages():
        start -= 1
    name = "_".join(parts[start:])
    return f"{name}_" if keyword.iskeyword(name) or name in _USED else name


def _annotation(schema: Schema, field: dict[str, Any]) -> str:
    if field["label"] == "map":
        key, value = field["key"], field["value"]
        return f"dict[{_single(schema, key)}, {_single(schema, value)}]"
    single = _single(schema, field)
    if field["label"] == "repeated":
        return f"list[{single}]"
    return f"{single} | None" if _is_optional(field) and single != "Any" else single


def _is_optional(field: dict[str, Any]) -> bool:
    """Whether the attribute of a field that is not set is `None`."""
    return field["presence"] and field["label"] in ("optional", "required")


def _single(schema: Schema, field: dict[str, Any]) -> str:
    if field["type"] in ("message", "group"):
        message = field["message"]
        return _WELL_KNOWN.get(message) or _class_name(schema, message)
    if field["type"] == "enum":
        return "str | int"
    return _SCALARS.get(field["type"], "int")


_NO_LITERALS = (float("inf"), float("-inf"))


def _default(field: dict[str, Any]) -> str:
    if field["label"] == "repeated":
        return "dataclasses.field(default_factory=list)"
    if field["label"] == "map":
        return "dataclasses.field(default_factory=dict)"
    default = field["default"]
    if _is_optional(field):
        return "None"
    return f'float("{default}")' if default in _NO_LITERALS or default != default else repr(default)


def _messages_in(field: dict[str, Any]) -> Iterator[str]:
    if field["label"] == "map":
        yield from _messages_in(field["value"])
    elif field["type"] in ("message", "group") and field["message"] not in _WELL_KNOWN:
        yield field["message"]


def _reached(root: MessageType) -> list[str]:
    """A message and all that it holds, each behind what it is held by."""
    order = [root.name]
    for name in order:
        for field in root.schema[name].fields:
            order += [held for held in _messages_in(field) if held not in order]
    return order


def _class_source(message: MessageType) -> str:
    lines = ["@dataclasses.dataclass", f"class {_class_name(message.schema, message.name)}:"]
    lines.append(f'    """`{message.name}`"""')
    for field in message.fields:
        annotation = _annotation(message.schema, field)
        name = _attribute(field["name"])
        lines.append(f"    {name}: {annotation} = {_default(field)}")
    return "\n".join(lines)


def _source_of(schema: Schema, names: list[str]) -> str:
    head = "from __future__ import annotations\n\nimport dataclasses\nimport datetime\n"
    head += "from typing import Any\n"
    classes = [_class_source(schema[name]) for name in names if name not in _WELL_KNOWN]
    return "\n\n\n".join([head, *classes]) + "\n"


def _make_classes(root: MessageType) -> None:
    schema = root.schema
    names = [name for name in _reached(root) if name not in _WELL_KNOWN]
    made = [schema[name] for name in names if schema[name]._dataclass is None]
    for message in made:
        _make_class(message)
    # Classes may hold each other: their annotations are true when all of them are there.
    for message in made:
        types = {_attribute(field["name"]): _type(schema, field) for field in message.fields}
        message._dataclass.__annotations__ = types
        for field in dataclasses.fields(message._dataclass):
            field.type = types[field.name]


def _type(schema: Schema, field: dict[str, Any]) -> Any:
    """The type that the annotation of a field says."""
    if field["label"] == "map":
        return dict[_single_type(schema, field["key"]), _single_type(schema, field["value"])]
    single = _single_type(schema, field)
    if field["label"] == "repeated":
        return list[single]
    return single | None if _is_optional(field) and single is not Any else single


def _single_type(schema: Schema, field: dict[str, Any]) -> Any:
    if field["type"] in ("message", "group"):
        message = field["message"]
        known = _WELL_KNOWN.get(message)
        return schema[message]._dataclass if known is None else _KNOWN_TYPES[known]
    if field["type"] == "enum":
        return str | int
    return _KNOWN_TYPES[_SCALARS.get(field["type"], "int")]


def _make_class(message: MessageType) -> None:
    template: dict[str, Any] = {}
    lists: list[str] = []
    maps: list[str] = []
    fields: list[tuple[str, Any, Any]] = []
    for field in message.fields:
        name = _attribute(field["name"])
        if field["label"] == "repeated":
            lists.append(name)
            default = dataclasses.field(default_factory=list)
        elif field["label"] == "map":
            maps.append(name)
            default = dataclasses.field(default_factory=dict)
        else:
            template[name] = None if _is_optional(field) else field["default"]
            default = dataclasses.field(default=template[name])
        fields.append((name, _annotation(message.schema, field), default))
    # Not by executing source: the names of a descriptor set are a stranger's.
    made = dataclasses.make_dataclass(_class_name(message.schema, message.name), fields)
    made.__module__ = __name__
    made.__doc__ = f"`{message.name}`"
    made.__protobuf__ = message
    message.schema._native.set_class(message._number, made, template, lists, maps)
    message._dataclass = made


def inspect(data: bytes | bytearray | memoryview, *, depth: int = 10) -> list[dict[str, Any]]:
    """Return the fields of a message without its schema: numbers, wire types, likely meanings.

    Each field is a dictionary with its `number`, `wire` type, the `value` as the wire has it, and
    `likely`, what it may mean, with `sure` between 0 and 1.
    """
    return _native.proto_inspect(data, depth)
