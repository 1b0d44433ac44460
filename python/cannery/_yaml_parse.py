"""Text to events, tokens and nodes: what PyYAML's reader, scanner, parser and composer offer."""

from __future__ import annotations

import re
from typing import Any

from cannery import _native
from cannery._yaml_errors import ComposerError, Mark, ReaderError, YAMLError, decoded, name_file
from cannery._yaml_nodes import (
    AliasEvent,
    AliasToken,
    AnchorToken,
    BlockEndToken,
    BlockEntryToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
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

_DIRECTIVE = re.compile(r"^%(\S+)[ \t]+(.*?)[ \t]*(?:#.*)?$")
_PROPERTY = re.compile(r"!<[^>]*>|[&!][^\s,\[\]{}]*")
_TAG = re.compile(r"!<[^>]*>|![0-9A-Za-z-]*!|!")


class Reader:
    """The text of a stream, and the name that errors call it by."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream if hasattr(stream, "read") else None
        if isinstance(stream, str):
            self.name = "<unicode string>"
        elif isinstance(stream, (bytes, bytearray)):
            self.name = "<byte string>"
        else:
            self.name = getattr(stream, "name", "<file>")
        data: Any = stream if self.stream is None else self.stream.read()
        self.encoding: str | None = None
        if isinstance(data, (bytes, bytearray)):
            self.encoding = _encoding(bytes(data[:2]))
            data = decoded(bytes(data), self.encoding)
        if not isinstance(data, str):
            raise TypeError(f"expected str, bytes or a file object, not {type(data).__name__}")
        self.buffer = data

    def _mark(self, place: tuple[int, int, int]) -> Mark:
        return Mark(self.name, *place, self.buffer, place[0])


def _encoding(head: bytes) -> str:
    return {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(head, "utf-8")


class Scanner:
    """Tokens, one by one; of the text that a `Reader` has."""

    stream: Any
    name: str
    buffer: str
    encoding: str | None
    _mark: Any

    def __init__(self) -> None:
        self._tokens: list[Token] | None = None
        self._token = 0

    def check_token(self, *choices: type) -> bool:
        """Whether another token follows, of one of these types if there are some."""
        token = self.peek_token()
        return token is not None and (not choices or isinstance(token, choices))

    def peek_token(self) -> Any:
        """Return the next token, and leave it there."""
        tokens = self._all_tokens()
        return tokens[self._token] if self._token < len(tokens) else None

    def get_token(self) -> Any:
        """Return the next token and go on."""
        token = self.peek_token()
        self._token += 1
        return token

    def _all_tokens(self) -> list[Token]:
        if self._tokens is None:
            events, error = _native.yaml_events(self.buffer)
            if error is not None:
                name_file(error, self.stream)
                raise error
            self._tokens = _Tokens(self, events).all()
        return self._tokens


class Parser:
    """Events, one by one; of the text that a `Reader` has."""

    stream: Any
    name: str
    buffer: str
    encoding: str | None
    _mark: Any
    _tokens: list[Token] | None

    def __init__(self) -> None:
        self._events: list[Event] | None = None
        self._event = 0
        self._error: YAMLError | None = None

    def check_event(self, *choices: type) -> bool:
        """Whether another event follows, of one of these types if there are some."""
        event = self.peek_event()
        return event is not None and (not choices or isinstance(event, choices))

    def peek_event(self) -> Any:
        """Return the next event, and leave it there."""
        if self._events is None:
            self._events = self._all_events()
        if self._event < len(self._events):
            return self._events[self._event]
        if self._error is not None:
            raise self._error
        return None

    def get_event(self) -> Any:
        """Return the next event and go on."""
        event = self.peek_event()
        self._event += 1
        return event

    def dispose(self) -> None:
        """Let go of the text."""
        self._events, self._tokens = [], []

    def _all_events(self) -> list[Event]:
        found, self._error = _native.yaml_events(self.buffer)
        if self._error is not None:
            name_file(self._error, self.stream)
        start = self._mark((0, 0, 0))
        events: list[Event] = [StreamStartEvent(start, start, self.encoding)]
        behind = 0
        for event, following in zip(found, [*found[1:], None], strict=False):
            is_pair = event[0] == "mapping" and event[6] and self.buffer[event[1][0]] != "{"
            if is_pair and event[3] is None and event[4] is None and following:
                # A mapping without braces begins where its key does.
                event = (event[0], following[1], *event[2:])
            made = self._made(event, behind)
            if made is not None:
                events.append(made)
            behind = event[2][0]
        if self._error is None:
            events.append(StreamEndEvent(*[self._end_mark()] * 2))
        return events

    def _end_mark(self) -> Mark:
        lines = self.buffer.split("\n")
        return self._mark((len(self.buffer), len(lines) - 1, len(lines[-1])))

    def _made(self, event: Any, behind: int) -> Event | None:
        name, start, end, anchor, tag, value, style = event
        marks = self._mark(start), self._mark(end)
        if name == "scalar":
            plain = style == ""
            if tag == "!" or (tag is None and plain):
                implicit = (True, False)
            else:
                implicit = (False, tag is None)
            return ScalarEvent(anchor, tag, implicit, value, *marks, style or None)
        if name == "sequence":
            implicit = tag in (None, "!")
            return SequenceStartEvent(anchor, tag, implicit, *marks, style == "[")
        if name == "mapping":
            implicit = tag in (None, "!")
            return MappingStartEvent(anchor, tag, implicit, *marks, style == "[")
        if name == "document":
            version, tags = self._directives(behind, start[0])
            if version or tags:
                # Directives are part of it.
                first = self.buffer.index("%", behind)
                marks = self._mark((first, self.buffer.count("\n", 0, first), 0)), marks[1]
            return DocumentStartEvent(*marks, style == "-", version, tags)
        simple = {
            "end sequence": SequenceEndEvent,
            "end mapping": MappingEndEvent,
        }
        if name in simple:
            return simple[name](*marks)
        if name == "alias":
            return AliasEvent(anchor, *marks)
        return DocumentEndEvent(*marks, style == "-") if name == "end document" else None

    def _directives(self, start: int, end: int) -> tuple[Any, Any]:
        version, tags = None, {}
        for line in self.buffer[start:end].splitlines():
            found = _DIRECTIVE.match(line)
            if found is None:
                continue
            words = found[2].split()
            if found[1] == "YAML" and words:
                version = tuple(int(part) for part in words[0].split("."))
            elif found[1] == "TAG" and len(words) == 2:
                tags[words[0]] = words[1]
        return version, tags or None


class _Tokens:
    """The tokens behind events."""

    def __init__(self, reader: Any, events: list[Any]) -> None:
        self.reader = reader
        self.events = events
        self.found: list[Token] = []
        # For each open collection: its kind, its column, and what is expected next.
        self.open: list[list[Any]] = []

    def all(self) -> list[Token]:
        start = self.reader._mark((0, 0, 0))
        self.found.append(StreamStartToken(start, start, self.reader.encoding))
        behind = 0
        for event in self.events:
            self.token(event, behind)
            behind = event[2][0]
        lines = self.reader.buffer.split("\n")
        end = self.reader._mark((len(self.reader.buffer), len(lines) - 1, len(lines[-1])))
        self.found.append(StreamEndToken(end, end))
        return self.found

    def add(self, kind: Any, start: Any, end: Any, *content: Any) -> None:
        mark = self.reader._mark
        self.found.append(kind(*content, mark(start), mark(end)))

    def token(self, event: Any, behind: int) -> None:
        name, start, end, anchor, tag, value, style = event
        if name == "indicator":
            self.indicator(style, start, end)
        elif name == "document":
            self.directives(behind, start)
            if style:
                self.add(DocumentStartToken, start, end)
        elif name == "end document":
            if style:
                at = self.reader.buffer.rfind("...", 0, start[0])
                line = self.reader.buffer.count("\n", 0, at)
                marker, start = (at, line, 0), (at + 3, line, 3)
                self.add(DocumentEndToken, marker, start)
        elif name.startswith("end "):
            self.end(start, end)
        elif name == "alias":
            self.key(start)
            self.add(AliasToken, start, end, anchor)
        elif name == "scalar":
            self.key(start, empty=value == "" and start == end)
            at = self.properties(start, end, anchor, tag)
            if at != end or value:
                mark = self.reader._mark
                self.found.append(
                    ScalarToken(value, style == "", mark(at), mark(end), style or None)
                )
        else:
            self.begin(name, start, end, anchor, tag, style)

    def key(self, start: Any, empty: bool = False) -> None:
        """A key token where a key begins that has no `?`."""
        if not self.open:
            return
        innermost = self.open[-1]
        if innermost[0] != "mapping":
            return
        if innermost[2] == "key":
            if not innermost[3] and not empty:
                self.add(KeyToken, start, start)
            innermost[2], innermost[3] = "value", False
        else:
            innermost[2] = "key"

    def begin(self, name: str, start: Any, end: Any, anchor: Any, tag: Any, style: str) -> None:
        around = self.open[-1] if self.open else None
        self.key(start)
        at = self.properties(start, end, anchor, tag)
        if style:
            kinds = {"sequence": FlowSequenceStartToken, "mapping": FlowMappingStartToken}
            pair = self.reader.buffer[at[0] : at[0] + 1] not in ("[", "{")
            if not pair:
                self.add(kinds[name], at, (at[0] + 1, at[1], at[2] + 1))
            self.open.append([name, None if pair else "flow", "key", False])
            return
        indentless = name == "sequence" and around and around[0] == "mapping" and around[1] == at[2]
        if not indentless:
            kinds = {"sequence": BlockSequenceStartToken, "mapping": BlockMappingStartToken}
            self.add(kinds[name], at, at)
        self.open.append([name, -1 if indentless else at[2], "key", False])

    def end(self, start: Any, end: Any) -> None:
        name, column, _, _ = self.open.pop()
        if column == "flow":
            kinds = {"sequence": FlowSequenceEndToken, "mapping": FlowMappingEndToken}
            self.add(kinds[name], start, end)
        elif column is not None and column >= 0:
            self.add(BlockEndToken, start, start)

    def indicator(self, style: str, start: Any, end: Any) -> None:
        kinds = {"-": BlockEntryToken, ",": FlowEntryToken, ":": ValueToken, "?": KeyToken}
        if style == "?" and self.open:
            self.open[-1][3] = True
        self.add(kinds[style], start, end)

    def directives(self, behind: int, start: Any) -> None:
        at, number = behind, self.reader.buffer.count("\n", 0, behind)
        for line in self.reader.buffer[behind : start[0]].split("\n"):
            found = _DIRECTIVE.match(line.rstrip("\r"))
            if found is not None:
                value: Any = tuple(found[2].split())
                if found[1] == "YAML":
                    value = tuple(int(part) for part in found[2].split("."))
                places = (at, number, 0), (at + len(line), number, len(line))
                self.add(DirectiveToken, *places, found[1], value)
            at, number = at + len(line) + 1, number + 1

    def properties(self, start: Any, end: Any, anchor: Any, tag: Any) -> Any:
        """The tokens of an anchor and a tag; where what follows them begins."""
        if anchor is None and tag is None:
            return start
        text, at = self.reader.buffer, start[0]
        line, column = start[1], start[2]
        while at < end[0]:
            if text[at] == "\n":
                at, line, column = at + 1, line + 1, 0
            elif text[at] in " \t\r":
                at, column = at + 1, column + 1
            elif text[at] == "#":
                stop = text.find("\n", at)
                at = end[0] if stop < 0 else stop
            elif text[at] in "&!" and (anchor is not None or tag is not None):
                stop = _PROPERTY.match(text, at).end()  # type: ignore[union-attr]
                here, there = (at, line, column), (stop, line, column + stop - at)
                if text[at] == "&":
                    self.add(AnchorToken, here, there, anchor)
                    anchor = None
                else:
                    handle = _TAG.match(text, at)
                    found = handle[0] if handle else "!"
                    suffix = text[at + len(found) : stop]
                    whole = (None, found[2:-1]) if found.startswith("!<") else (found, suffix)
                    self.add(TagToken, here, there, whole)
                    tag = None
                at, column = stop, there[2]
            else:
                break
        return (at, line, column)


class Composer:
    """Nodes of documents, from events."""

    anchors: dict[str, Node]

    def __init__(self) -> None:
        self.anchors = {}

    # What the other parts of a loader provide.
    check_event: Any
    peek_event: Any
    get_event: Any
    resolve: Any
    descend_resolver: Any
    ascend_resolver: Any

    def check_node(self) -> bool:
        """Whether another document follows."""
        if self.check_event(StreamStartEvent):
            self.get_event()
        return not self.check_event(StreamEndEvent)

    def get_node(self) -> Any:
        """Return the root of the next document."""
        return None if self.check_event(StreamEndEvent) else self.compose_document()

    def get_single_node(self) -> Any:
        """Return the root of the only document, `None` if there is none."""
        self.get_event()
        root = None if self.check_event(StreamEndEvent) else self.compose_document()
        if not self.check_event(StreamEndEvent):
            event = self.get_event()
            raise ComposerError(
                "expected a single document in the stream",
                root.start_mark if root else None,
                "but found another document",
                event.start_mark,
            )
        self.get_event()
        return root

    def compose_document(self) -> Any:
        """Return the root of the document whose beginning comes next."""
        self.get_event()
        root = self.compose_node(None, None)
        self.get_event()
        self.anchors = {}
        return root

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the node that comes next, which is at `index` of `parent`."""
        event = self.peek_event()
        anchor = event.anchor
        if isinstance(event, AliasEvent):
            self.get_event()
            if anchor not in self.anchors:
                raise ComposerError(
                    None, None, f"found undefined alias {anchor!r}", event.start_mark
                )
            return self.anchors[anchor]
        self.descend_resolver(parent, index)
        if isinstance(event, ScalarEvent):
            node = self.compose_scalar_node(anchor)
        elif isinstance(event, SequenceStartEvent):
            node = self.compose_sequence_node(anchor)
        else:
            node = self.compose_mapping_node(anchor)
        self.ascend_resolver()
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        """Return the scalar that comes next."""
        event = self.get_event()
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.resolve(ScalarNode, event.value, event.implicit)
        node = ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style)
        return self._anchored(anchor, node)

    def compose_sequence_node(self, anchor: Any) -> Any:
        """Return the sequence that comes next."""
        event = self.get_event()
        node: Any = self._anchored(anchor, self._collection(SequenceNode, event))
        while not self.check_event(SequenceEndEvent):
            node.value.append(self.compose_node(node, len(node.value)))
        node.end_mark = self.get_event().end_mark
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Return the mapping that comes next."""
        event = self.get_event()
        node: Any = self._anchored(anchor, self._collection(MappingNode, event))
        while not self.check_event(MappingEndEvent):
            key = self.compose_node(node, None)
            node.value.append((key, self.compose_node(node, key)))
        node.end_mark = self.get_event().end_mark
        return node

    def _collection(self, kind: Any, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.resolve(kind, None, event.implicit)
        return kind(tag, [], event.start_mark, None, flow_style=event.flow_style)

    def _anchored(self, anchor: Any, node: Node) -> Node:
        if anchor is not None:
            self.anchors[anchor] = node
        return node


__all__ = ["Composer", "Parser", "Reader", "ReaderError", "Scanner"]
