"""YAML 1.2 with PyYAML's names: read, written, and edited in place.

`load`, `load_all`, `dump` and `dump_all` (and their `safe_` names) take PyYAML's arguments. Nothing
is ever constructed from a tag that names code: unknown tags become `Tagged` values, or go to
`constructors`. Plain scalars mean what YAML 1.2's core schema says; `schema="1.1"` reads them as
PyYAML does. What `dump` writes reads back the same under both.

`open` reads a file for editing in place, comments and all.

https://yaml.org/spec/1.2.2/
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal

from cannery import _native
from cannery import _yaml_classes as _classes
from cannery import _yaml_functions as _functions
from cannery._native import Tagged
from cannery._yaml_classes import (
    BaseDumper,
    BaseLoader,
    CBaseDumper,
    CBaseLoader,
    CDumper,
    CFullLoader,
    CLoader,
    CSafeDumper,
    CSafeLoader,
    CUnsafeLoader,
    Dumper,
    FullLoader,
    Loader,
    SafeDumper,
    SafeLoader,
    UnsafeLoader,
    YAMLObject,
    YAMLObjectMetaclass,
)
from cannery._yaml_document import Document
from cannery._yaml_document import open_document as open
from cannery._yaml_errors import (
    ComposerError,
    ConstructorError,
    DepthError,
    EditError,
    EmitterError,
    LimitError,
    Mark,
    MarkedYAMLError,
    ParserError,
    ReaderError,
    RepresenterError,
    ResolverError,
    ScannerError,
    SerializerError,
    YAMLError,
    decoded,
    name_file,
)
from cannery._yaml_functions import (
    add_constructor,
    add_implicit_resolver,
    add_multi_constructor,
    add_multi_representer,
    add_path_resolver,
    add_representer,
    compose,
    compose_all,
    emit,
    parse,
    scan,
    serialize,
    serialize_all,
)
from cannery._yaml_nodes import (
    AliasEvent,
    AliasToken,
    AnchorToken,
    BlockEndToken,
    BlockEntryToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    CollectionEndEvent,
    CollectionNode,
    CollectionStartEvent,
    DirectiveToken,
    DocumentEndEvent,
    DocumentEndToken,
    DocumentStartEvent,
    DocumentStartToken,
    Event,
    FlowEntryToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    KeyToken,
    MappingEndEvent,
    MappingNode,
    MappingStartEvent,
    Node,
    NodeEvent,
    ScalarEvent,
    ScalarNode,
    ScalarToken,
    SequenceEndEvent,
    SequenceNode,
    SequenceStartEvent,
    StreamEndEvent,
    StreamEndToken,
    StreamStartEvent,
    StreamStartToken,
    TagToken,
    Token,
    ValueToken,
)
from cannery.yaml import (
    composer,
    constructor,
    cyaml,
    dumper,
    emitter,
    error,
    events,
    loader,
    nodes,
    parser,
    reader,
    representer,
    resolver,
    scanner,
    serializer,
    tokens,
)

__version__ = "6.0.3"
"""The version of PyYAML whose names are here."""

__with_libyaml__ = True

__all__ = [
    "AliasEvent",
    "AliasToken",
    "AnchorToken",
    "BaseDumper",
    "BaseLoader",
    "BlockEndToken",
    "BlockEntryToken",
    "BlockMappingStartToken",
    "BlockSequenceStartToken",
    "CBaseDumper",
    "CBaseLoader",
    "CDumper",
    "CFullLoader",
    "CLoader",
    "CSafeDumper",
    "CSafeLoader",
    "CUnsafeLoader",
    "CollectionEndEvent",
    "CollectionNode",
    "CollectionStartEvent",
    "ComposerError",
    "ConstructorError",
    "DepthError",
    "DirectiveToken",
    "Document",
    "DocumentEndEvent",
    "DocumentEndToken",
    "DocumentStartEvent",
    "DocumentStartToken",
    "Dumper",
    "EditError",
    "EmitterError",
    "Event",
    "FlowEntryToken",
    "FlowMappingEndToken",
    "FlowMappingStartToken",
    "FlowSequenceEndToken",
    "FlowSequenceStartToken",
    "FullLoader",
    "KeyToken",
    "LimitError",
    "Loader",
    "MappingEndEvent",
    "MappingNode",
    "MappingStartEvent",
    "Mark",
    "MarkedYAMLError",
    "Node",
    "NodeEvent",
    "ParserError",
    "Positions",
    "ReaderError",
    "RepresenterError",
    "ResolverError",
    "SafeDumper",
    "SafeLoader",
    "ScalarEvent",
    "ScalarNode",
    "ScalarToken",
    "ScannerError",
    "SequenceEndEvent",
    "SequenceNode",
    "SequenceStartEvent",
    "SerializerError",
    "StreamEndEvent",
    "StreamEndToken",
    "StreamStartEvent",
    "StreamStartToken",
    "TagToken",
    "Tagged",
    "Token",
    "UnsafeLoader",
    "ValueToken",
    "YAMLError",
    "YAMLObject",
    "YAMLObjectMetaclass",
    "add_constructor",
    "add_implicit_resolver",
    "add_multi_constructor",
    "add_multi_representer",
    "add_path_resolver",
    "add_representer",
    "compose",
    "compose_all",
    "composer",
    "constructor",
    "cyaml",
    "dump",
    "dump_all",
    "dumper",
    "emit",
    "emitter",
    "error",
    "events",
    "full_load",
    "full_load_all",
    "load",
    "load_all",
    "loader",
    "nodes",
    "open",
    "parse",
    "parser",
    "reader",
    "representer",
    "resolver",
    "safe_dump",
    "safe_dump_all",
    "safe_load",
    "safe_load_all",
    "scan",
    "scanner",
    "serialize",
    "serialize_all",
    "serializer",
    "tokens",
    "unsafe_load",
    "unsafe_load_all",
    "warnings",
]


Text = str | bytes | bytearray | IO[str] | IO[bytes] | os.PathLike[str]
"""What holds documents: text, bytes in UTF-8, UTF-16 or UTF-32, a file object, or a path."""


def load(
    stream: Text,
    Loader: type | None = None,  # noqa: N803 - PyYAML's name
    *,
    schema: str | None = None,
    duplicates: str | None = None,
    constructors: Mapping[str, Callable[..., Any]] | None = None,
    positions: bool = False,
    depth: int = 1024,
    type: Any = None,
    unknown: Literal["ignore", "error"] = "ignore",
) -> Any:
    """Return the value of the only document in `stream`, and `None` if there is none.

    Values that have anchors are shared, as the same object. Sets, bytes, dates and times come as
    Python's own.

    Args:
        stream: Text, bytes (UTF-8, UTF-16 or UTF-32), a file object of either, or a path.
        Loader: A loader of PyYAML's names, or a subclass of one: the stream is read as PyYAML reads
            it (YAML 1.1, of keys that occur twice the last), and tags are made by what was
            registered; others are refused.
        schema: What plain scalars mean: `"core"` (or `"1.2"`; the default), `"1.1"` (as PyYAML has
            it, where `no` is false and `2026-11-21` a date), `"json"`, or `"failsafe"` (all are
            text).
        duplicates: What a key that occurs twice in a mapping does: `"error"` (the default), or the
            `"first"` or the `"last"` value counts.
        constructors: Functions that make something of the values with a tag, by tag: called with
            the value for `"!point"` or `"!!python/tuple"`; with the rest of the tag and the value
            for all tags with a prefix, `"!env/*"`. Other tags give `Tagged`.
        positions: Return a pair: the value, and the `Positions` of all that is in it.
        depth: How deep collections may lie inside each other.
        type: What the value shall be, as in `json.decode`: any annotation.
        unknown: What is done about fields that the type has not, `"ignore"` or `"error"`.

    Raises:
        MismatchError: The value is not of that type.
        YAMLError: The stream is not YAML, holds more than one document, a key twice, or more than
            the limits allow; the error says where, and what to do.

    """
    text = stream if isinstance(stream, str) else _whole(stream)
    if Loader is None:
        schema, duplicates = schema or "core", duplicates or "error"
    else:
        if schema is None and _is_constructed(Loader, text, constructors):
            return _functions.construct(_named(text, stream), _of_ours(Loader))
        schema, duplicates = _schema_of(Loader, schema), duplicates or "last"
    make = None if constructors is None else dict(constructors)
    try:
        if type is not None:
            if make or positions:
                raise TypeError("load takes type= or constructors and positions, not both")
            return _native.yaml_load_typed(text, type, unknown, schema, duplicates, depth)
        return _native.yaml_load(text, schema, duplicates, make, positions, depth)
    except YAMLError as error:
        name_file(error, stream)
        raise


def load_all(
    stream: Text,
    Loader: type | None = None,  # noqa: N803 - PyYAML's name
    *,
    schema: str | None = None,
    duplicates: str | None = None,
    constructors: Mapping[str, Callable[..., Any]] | None = None,
    positions: bool = False,
    depth: int = 1024,
) -> Iterator[Any]:
    """Return an iterator over the documents in `stream`; the arguments are those of `load`.

    A file object or a path is read as the documents are asked for, and takes memory for its longest
    document.

    Raises:
        YAMLError: As `load`, when the document with the error is asked for.

    """
    if Loader is None:
        schema, duplicates = schema or "core", duplicates or "error"
    else:
        if schema is None and constructors is None:
            text = stream if isinstance(stream, str) else _whole(stream)
            if _is_constructed(Loader, text, constructors):
                return _functions.construct_all(_named(text, stream), _of_ours(Loader))
            stream = text
        schema, duplicates = _schema_of(Loader, schema), duplicates or "last"
    source = _source(stream)
    make = None if constructors is None else dict(constructors)
    documents = _native.yaml_load_all(source, schema, duplicates, make, positions, depth)
    return documents if isinstance(source, (str, bytes)) else _of_file(documents, stream)


def safe_load(stream: Text, **options: Any) -> Any:
    """Return the value of the only document in `stream`, as PyYAML's `safe_load` reads it.

    YAML 1.1, and of keys that occur twice the last: `load` with `SafeLoader`.

    Example:
        >>> safe_load("a: no")
        {'a': False}

    """
    return load(stream, SafeLoader, **options)


def safe_load_all(stream: Text, **options: Any) -> Iterator[Any]:
    """Return an iterator over the documents in `stream`: `load_all` with `SafeLoader`."""
    return load_all(stream, SafeLoader, **options)


def full_load(stream: Text, **options: Any) -> Any:
    """Return the value of the only document in `stream`: `load` with `FullLoader`."""
    return load(stream, FullLoader, **options)


def full_load_all(stream: Text, **options: Any) -> Iterator[Any]:
    """Return an iterator over the documents in `stream`: `load_all` with `FullLoader`."""
    return load_all(stream, FullLoader, **options)


def unsafe_load(stream: Text, **options: Any) -> Any:
    """Return the only document in `stream`; tags that name code are refused here too."""
    return load(stream, UnsafeLoader, **options)


def unsafe_load_all(stream: Text, **options: Any) -> Iterator[Any]:
    """Return an iterator over documents; tags that name code are refused here too."""
    return load_all(stream, UnsafeLoader, **options)


def warnings(settings: Any = None) -> Any:
    """Do nothing: PyYAML had warnings once."""
    del settings
    return {}


def dump(
    data: Any,
    stream: IO[str] | IO[bytes] | None = None,
    Dumper: type | None = None,  # noqa: N803 - PyYAML's name
    *,
    default_style: str | None = None,
    default_flow_style: bool | None = False,
    canonical: bool | None = None,
    indent: int | None = None,
    width: float | None = None,
    allow_unicode: bool | None = None,
    line_break: str | None = None,
    encoding: str | None = None,
    explicit_start: bool | None = None,
    explicit_end: bool | None = None,
    version: tuple[int, int] | None = None,
    tags: Mapping[str, str] | None = None,
    sort_keys: bool = True,
    representers: Mapping[type, Callable[[Any], Any]] | None = None,
) -> Any:
    r"""Write `data` as one document to `stream`, or return it if there is none.

    Text is quoted so that YAML 1.1 and 1.2 read it back as the same text. Lists and other
    containers that occur more than once become anchors and aliases, named by the keys they stand
    at. Tuples are written as sequences, sets as `!!set`, bytes as `!!binary`, dates and times as
    `!!timestamp`.

    Args:
        data: Plain values: `None`, `bool`, `int`, `float`, `str`, `bytes`, `date`, `datetime`,
            `list`, `tuple`, `dict`, `set`, `frozenset`, `Tagged`; others by `representers`.
        stream: A file object, of text or of bytes.
        Dumper: A dumper of PyYAML's names. With a subclass, or one with which functions were
            registered, the document is laid out as PyYAML does: lines of 80 columns, characters
            beyond ASCII as escapes, unless the other arguments say otherwise.
        default_style: How text is written where it can be, `"'"`, `'"'`, `"|"` or `">"`; by
            default without quotes, and after `|` if it has several lines.
        default_flow_style: Whether collections are in brackets; `None`: those of scalars only.
        canonical: Everything in brackets and double quotes, after `---`.
        indent: Columns, from 1 to 9; 2 by default.
        width: Columns after which lines are broken where they can be; never by default.
        allow_unicode: Whether characters beyond ASCII are written as they are, not as escapes;
            they are by default.
        line_break: What ends a line: `"\n"` by default.
        encoding: Return or write bytes in this encoding.
        explicit_start: Begin with `---`.
        explicit_end: End with `...`.
        version: Begin with `%YAML` and this version, such as `(1, 2)`.
        tags: Begin with a `%TAG` for each of these handles, such as `{"!e!": "tag:e.com,2026:"}`.
        sort_keys: Sort the keys of each mapping, where they can be compared.
        representers: Functions that make plain values of others, by type; for subclasses too.

    Raises:
        RepresenterError: A value has no form in YAML; the error says where it is.

    """
    settings = (
        default_style, default_flow_style, canonical, indent, width, allow_unicode, explicit_start,
        explicit_end, version, tags,
    )  # fmt: skip
    if Dumper is not None or not _classes.is_original_dumper(_classes.Dumper):
        own = _own_dumper(Dumper, representers)
        if own is not None:
            options = dict(
                zip(_OPTIONS, settings, strict=True), line_break=line_break, sort_keys=sort_keys
            )
            return _functions.represent_all([data], stream, own, encoding, options)
    choices = None if settings == _DEFAULTS else _choices(*settings)
    represent = None if representers is None else dict(representers)
    text = _native.yaml_dump(data, sort_keys, choices, represent)
    if stream is None and encoding is None and line_break is None:
        return text
    return _write(text, stream, encoding, line_break)


def dump_all(
    documents: Iterable[Any],
    stream: IO[str] | IO[bytes] | None = None,
    Dumper: type | None = None,  # noqa: N803 - PyYAML's name
    *,
    default_style: str | None = None,
    default_flow_style: bool | None = False,
    canonical: bool | None = None,
    indent: int | None = None,
    width: float | None = None,
    allow_unicode: bool | None = None,
    line_break: str | None = None,
    encoding: str | None = None,
    explicit_start: bool | None = None,
    explicit_end: bool | None = None,
    version: tuple[int, int] | None = None,
    tags: Mapping[str, str] | None = None,
    sort_keys: bool = True,
    representers: Mapping[type, Callable[[Any], Any]] | None = None,
) -> Any:
    """Write each of `documents` to `stream`, one at a time, or return them all if there is none.

    The arguments are those of `dump`.

    Raises:
        RepresenterError: A value has no form in YAML; the documents before it were written.

    """
    settings = (
        default_style, default_flow_style, canonical, indent, width, allow_unicode, explicit_start,
        explicit_end, version, tags,
    )  # fmt: skip
    if Dumper is not None or not _classes.is_original_dumper(_classes.Dumper):
        own = _own_dumper(Dumper, representers)
        if own is not None:
            options = dict(
                zip(_OPTIONS, settings, strict=True), line_break=line_break, sort_keys=sort_keys
            )
            return _functions.represent_all(documents, stream, own, encoding, options)
    choices = _choices(*settings)
    choices["sort_keys"] = sort_keys
    parts: list[Any] = []

    def write(text: str) -> None:
        parts.append(_write(text, stream, encoding, line_break))

    represent = None if representers is None else dict(representers)
    _native.yaml_dump_all(iter(documents), write, choices, represent)
    if stream is not None:
        return None
    return (b"" if encoding else "").join(parts)


def safe_dump(data: Any, stream: IO[str] | IO[bytes] | None = None, **options: Any) -> Any:
    """Write `data` as one document: `dump` with `SafeDumper`."""
    return dump(data, stream, SafeDumper, **options)


def safe_dump_all(
    documents: Iterable[Any], stream: IO[str] | IO[bytes] | None = None, **options: Any
) -> Any:
    """Write each of `documents`: `dump_all` with `SafeDumper`."""
    return dump_all(documents, stream, SafeDumper, **options)


class Positions:
    """Where a value stands, and what is in it: `positions["rows"][3].line`.

    `line` and `column` count from 1, columns in characters.
    """

    __slots__ = ("_parts", "column", "line")

    def __init__(self, place: tuple[Any, ...]) -> None:
        self.line: int
        self.column: int
        self.line, self.column, self._parts = place or (1, 1, None)

    def __getitem__(self, step: Any) -> Positions:
        if self._parts is None:
            raise KeyError(step)
        return Positions(self._parts[step])

    def locate(self, *path: Any) -> tuple[int, int]:
        """Return line and column of the value that the keys and indexes of `path` lead to."""
        found = self
        for step in path:
            found = found[step]
        return found.line, found.column

    def __repr__(self) -> str:
        return f"<line {self.line} column {self.column}>"


_DEFAULTS = (None, False, None, None, None, None, None, None, None, None)
_OPTIONS = (
    "default_style", "default_flow_style", "canonical", "indent", "width", "allow_unicode",
    "explicit_start", "explicit_end", "version", "tags",
)  # fmt: skip


def _choices(
    style: str | None,
    flow: bool | None,
    canonical: bool | None,
    indent: int | None,
    width: float | None,
    unicode: bool | None,
    explicit_start: bool | None,
    explicit_end: bool | None,
    version: tuple[int, int] | None,
    tags: Mapping[str, str] | None,
) -> dict[str, Any]:
    if indent is not None and not 1 <= indent <= 9:
        raise ValueError(f"indent must be between 1 and 9, not {indent}")
    return {
        "style": '"' if canonical else style,
        "flow": True if canonical else flow,
        "indent": indent or 2,
        "width": None if width is None or width == float("inf") else int(width),
        "unicode": unicode is None or bool(unicode),
        "explicit_start": bool(explicit_start or canonical),
        "explicit_end": bool(explicit_end),
        "version": version,
        "tags": list((tags or {}).items()),
        "sort_keys": True,
    }


def _write(text: str, stream: Any, encoding: str | None, line_break: str | None) -> Any:
    if line_break not in (None, "\n"):
        if line_break not in ("\r", "\r\n"):
            raise ValueError(f"line_break must be '\\n', '\\r\\n' or '\\r', not {line_break!r}")
        text = text.replace("\n", line_break)
    data = text.encode(encoding) if encoding else text
    if stream is None:
        return data
    if isinstance(data, str) and _is_binary(stream):
        data = data.encode()
    stream.write(data)
    return None


def _is_binary(stream: Any) -> bool:
    binary = (io.RawIOBase, io.BufferedIOBase)
    return isinstance(stream, binary) or "b" in str(getattr(stream, "mode", ""))


_OURS = (_classes.BaseConstructor, _classes.BaseRepresenter)
_NAMES = {cls.__name__: cls for cls in (*_classes.LOADERS, *_classes.DUMPERS)}


def _of_ours(cls: Any) -> Any:
    """The class of this module by the name of one of PyYAML's; others as they are."""
    if isinstance(cls, type) and issubclass(
        cls, (_classes.BaseConstructor, _classes.BaseRepresenter)
    ):
        return cls
    module = getattr(cls, "__module__", "").split(".")[0]
    return _NAMES.get(getattr(cls, "__name__", ""), cls) if module in ("yaml", "_yaml") else cls


def _is_constructed(loader: Any, text: str | bytes, constructors: Any) -> bool:
    """Whether the stream goes through the classes: those of a program, or tags in it."""
    if constructors is not None:
        return False
    tagged = "!" in text if isinstance(text, str) else b"!" in text
    if _classes.is_original_loader(loader):
        return tagged
    cls = _of_ours(loader)
    if not (isinstance(cls, type) and issubclass(cls, _classes.BaseConstructor)):
        _schema_of(loader, None)
    return tagged or not _classes.is_original_loader(cls)


def _schema_of(loader: Any, schema: str | None) -> str:
    """The schema that a loader of PyYAML's or ours stands for."""
    if loader is SafeLoader:
        return schema or "1.1"
    cls = _of_ours(loader)
    if cls in (BaseLoader, CBaseLoader):
        return "failsafe"
    if isinstance(cls, type) and issubclass(cls, _classes.LOADERS):
        return schema or "1.1"
    name = getattr(loader, "__name__", str(loader))
    raise TypeError(
        f"{name} is no loader of this module: make it a subclass of `cannery.yaml.SafeLoader`, or "
        "pass a function for each tag as constructors={...}, and leave Loader out"
    )


def _named(text: str | bytes, stream: Any) -> Any:
    """The text of a stream as a file that has its name."""
    if isinstance(stream, (str, bytes, bytearray)):
        return text
    name = (
        os.fspath(stream) if isinstance(stream, os.PathLike) else getattr(stream, "name", "<file>")
    )
    file: Any = _NamedText(text) if isinstance(text, str) else _NamedBytes(text)
    file.name = name
    return file


class _NamedText(io.StringIO):
    name: str


class _NamedBytes(io.BytesIO):
    name: str


def _own_dumper(dumper: Any, representers: Any) -> Any:
    """The dumper to use if it is one of the program's, or was changed by it."""
    if representers is not None:
        return None
    if dumper is not None and _classes.is_original_dumper(dumper):
        return None
    cls = Dumper if dumper is None else _of_ours(dumper)
    if _classes.is_original_dumper(cls):
        return None
    if isinstance(cls, type) and issubclass(cls, _classes.BaseRepresenter):
        return cls
    name = getattr(dumper, "__name__", str(dumper))
    raise TypeError(
        f"{name} is no dumper of this module: make it a subclass of `cannery.yaml.SafeDumper`, or "
        "pass a function for each type as representers={...}, and leave Dumper out"
    )


def _of_file(documents: Iterator[Any], stream: Any) -> Iterator[Any]:
    """The documents of a file, whose errors name it."""
    try:
        yield from documents
    except YAMLError as error:
        name_file(error, stream)
        raise


def _whole(stream: Any) -> str | bytes:
    """Everything in `stream`: text, or bytes in UTF-8."""
    if isinstance(stream, os.PathLike):
        stream = Path(stream).read_bytes()
    elif hasattr(stream, "read"):
        stream = stream.read()
    if isinstance(stream, str):
        return stream
    if not isinstance(stream, (bytes, bytearray, memoryview)):
        found = type(stream).__name__
        raise TypeError(f"expected str, bytes, a file object or a path, not {found}")
    data = bytes(stream)
    encoding = _encoding(data[:4])
    return data if encoding == "utf-8" else decoded(data, encoding)


def _source(stream: Any) -> Any:
    """What documents are read from one by one: text, bytes, or a file object in UTF-8."""
    if isinstance(stream, os.PathLike):
        stream = Path(stream).open("rb")  # noqa: SIM115 - it is closed with the iterator
    if not hasattr(stream, "read"):
        return _whole(stream)
    if not _is_binary(stream):
        return stream
    head = stream.read(4)
    source = _Resumed(head, stream)
    encoding = _encoding(head)
    return source if encoding == "utf-8" else codecs.getreader(encoding)(source)


class _Resumed(io.RawIOBase):
    """A binary file whose first bytes were read already."""

    def __init__(self, head: bytes, file: Any) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> Any:
        head, self._head = self._head, b""
        return head or self._file.read(size)


_MARKS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\0\0\0", "utf-32-be"),
    (b"\0", "utf-16-be"),
)


def _encoding(head: bytes) -> str:
    """The encoding that a stream's first four bytes say, or show (section 5.2)."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[1:2] != b"\0":
        return "utf-8"
    return "utf-32-le" if head[2:4] == b"\0\0" else "utf-16-le"
