"""Events to text, laid out as PyYAML's users know it."""

from __future__ import annotations

import re
from typing import Any

from cannery._yaml_errors import EmitterError
from cannery._yaml_nodes import (
    AliasEvent,
    CollectionEndEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

_HANDLES = {"!": "!", "tag:yaml.org,2002:": "!!"}
_BREAKS = "\n\x85\u2028\u2029"
_ESCAPES = {
    "\0": "0", "\x07": "a", "\x08": "b", "\x09": "t", "\x0a": "n", "\x0b": "v", "\x0c": "f",
    "\x0d": "r", "\x1b": "e", '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L",
    "\u2029": "P",
}  # fmt: skip
_BREAK_RUNS = re.compile("([\n\x85\u2028\u2029]+)")
_LONGEST_KEY = 128


class ScalarAnalysis:
    """Which styles a text can have."""

    def __init__(self, scalar: str, allow_unicode: bool) -> None:
        self.scalar = scalar
        self.empty = not scalar
        self.multiline = any(c in _BREAKS for c in scalar)
        special = any(not _is_printable(c, allow_unicode) for c in scalar)
        lines = _split_lines(scalar)
        trailing = any(line.endswith((" ", "\t")) for line in lines[:-1])
        inner = any(line.startswith(" ") for line in lines[1:])
        edges = bool(scalar) and (scalar[0] in " " + _BREAKS or scalar[-1] in " " + _BREAKS)
        unfit_plain = self.empty or edges or special or self.multiline
        self.allow_flow_plain = not unfit_plain and _is_plain(scalar, flow=True)
        self.allow_block_plain = not unfit_plain and _is_plain(scalar, flow=False)
        self.allow_single_quoted = not (special or trailing or inner)
        self.allow_double_quoted = True
        ends_blank = bool(scalar) and (scalar[-1] in " \t" or trailing)
        self.allow_block = not (self.empty or special or ends_blank)


def _is_printable(character: str, allow_unicode: bool) -> bool:
    if character == "\n" or " " <= character <= "~":
        return True
    if not allow_unicode or character == "\ufeff":
        return False
    return (
        character == "\x85"
        or "\xa0" <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or "\U00010000" <= character <= "\U0010ffff"
    )


def _split_lines(text: str) -> list[str]:
    lines = [""]
    for character in text:
        if character in _BREAKS:
            lines.append("")
        else:
            lines[-1] += character
    return lines


def _is_plain(text: str, flow: bool) -> bool:
    if text.startswith(("---", "...")) or text[0] in "#,[]{}&*!|>'\"%@`":
        return False
    following = text[1:2] in ("", " ", "\t", "\0", "\r", *_BREAKS)
    if (text[0] in "?:" and (flow or following)) or (text[0] == "-" and following):
        return False
    if flow and any(c in ",?[]{}" for c in text):
        return False
    if flow and ":" in text:
        return False
    if ": " in text or ":\t" in text or text.endswith(":"):
        return False
    return " #" not in text and "\t#" not in text


class Emitter:
    """Writes events to a stream, or keeps the text for `getvalue`."""

    DEFAULT_TAG_PREFIXES = _HANDLES

    def __init__(
        self,
        stream: Any,
        canonical: bool | None = None,
        indent: int | None = None,
        width: float | None = None,
        allow_unicode: bool | None = None,
        line_break: str | None = None,
    ) -> None:
        self.stream = stream
        self.encoding: str | None = None
        self.canonical = bool(canonical)
        self.allow_unicode = bool(allow_unicode)
        self.best_indent = indent if indent and 1 < indent < 10 else 2
        self.best_width = width if width and width > self.best_indent * 2 else 80
        self.best_line_break = line_break if line_break in ("\r", "\n", "\r\n") else "\n"
        self.indents: list[int | None] = []
        self.indent: int | None = None
        self.flow_level = 0
        self.line = 0
        self.column = 0
        self.whitespace = True
        self.indention = True
        self.open_ended = False
        self.tag_prefixes: dict[str, str] = {}
        self.event: Any = None
        self._events: list[Any] = []
        self._at = 0
        self._is_first = True
        self._simple_key = False
        self._root = False

    # --- what is written

    def write(self, text: str) -> None:
        """Write text on the line."""
        self.stream.write(text.encode(self.encoding) if self.encoding else text)

    def flush_stream(self) -> None:
        """Flush the stream."""
        if hasattr(self.stream, "flush"):
            self.stream.flush()

    def _put(self, text: str) -> None:
        self.column += len(text)
        self.write(text)

    def write_indicator(
        self,
        indicator: str,
        need_whitespace: bool,
        whitespace: bool = False,
        indention: bool = False,
    ) -> None:
        """Write `-`, `?`, a bracket and the like."""
        if need_whitespace and not self.whitespace:
            indicator = " " + indicator
        self.whitespace = whitespace
        self.indention = self.indention and indention
        self.open_ended = False
        self._put(indicator)

    def write_indent(self) -> None:
        """Go to the column of the collection, on a new line where needed."""
        indent = self.indent or 0
        if (
            not self.indention
            or self.column > indent
            or (self.column == indent and not self.whitespace)
        ):
            self.write_line_break()
        if self.column < indent:
            self.whitespace = True
            self._put(" " * (indent - self.column))

    def write_line_break(self, data: str | None = None) -> None:
        """End the line."""
        self.whitespace = True
        self.indention = True
        self.line += 1
        self.column = 0
        self.write(data or self.best_line_break)

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Go deeper; a sequence in a mapping is `indentless`."""
        self.indents.append(self.indent)
        if self.indent is None:
            self.indent = self.best_indent if flow else 0
        elif not indentless:
            self.indent += self.best_indent

    # --- events

    def emit(self, event: Any) -> None:
        """Take an event; a document is written when it is complete."""
        if isinstance(event, StreamStartEvent):
            if event.encoding and not getattr(self.stream, "encoding", None):
                self.encoding = event.encoding
                if event.encoding.startswith("utf-16"):
                    self.write("\ufeff")
        elif isinstance(event, StreamEndEvent):
            if self.open_ended:
                self.write_indicator("...", True)
                self.write_line_break()
            self.flush_stream()
        else:
            self._events.append(event)
            if isinstance(event, DocumentEndEvent):
                events, self._events, self._at = self._events, [], 0
                self._document(events)

    def dispose(self) -> None:
        """Let go of what is left."""
        self._events = []

    def _document(self, events: list[Any]) -> None:
        start, end = events[0], events[-1]
        if not isinstance(start, DocumentStartEvent):
            raise EmitterError(f"expected DocumentStartEvent, but got {start!r}")
        if (start.version or start.tags) and self.open_ended:
            self.write_indicator("...", True)
            self.write_indent()
        if start.version:
            self._put("%YAML {}.{}".format(*start.version))
            self.write_line_break()
        self.tag_prefixes = dict(_HANDLES)
        for handle, prefix in sorted((start.tags or {}).items()):
            self.tag_prefixes[prefix] = handle
            self._put(f"%TAG {handle} {prefix}")
            self.write_line_break()
        implicit = (
            self._is_first and not start.explicit and not self.canonical
            and not start.version and not start.tags
        )  # fmt: skip
        if not implicit:
            self.write_indent()
            self.write_indicator("---", True)
            if self.canonical:
                self.write_indent()
        self._is_first = False
        self._events, self._at = events, 1
        self._node(root=True)
        self._events = []
        self.write_indent()
        if end.explicit:
            self.write_indicator("...", True)
            self.write_indent()
        self.flush_stream()

    def _next(self) -> Any:
        self.event = self._events[self._at]
        self._at += 1
        return self.event

    def _peek(self, ahead: int = 0) -> Any:
        return self._events[self._at + ahead]

    def _node(
        self,
        root: bool = False,
        mapping: bool = False,
        simple_key: bool = False,
    ) -> None:
        event = self._next()
        self._simple_key, self._root = simple_key, root
        if isinstance(event, AliasEvent):
            self._anchor("*", event)
            return
        if not isinstance(event, NodeEvent):
            raise EmitterError(f"expected NodeEvent, but got {event!r}")
        self._anchor("&", event)
        style = self.choose_scalar_style() if isinstance(event, ScalarEvent) else None
        self._tag(event, style)
        if isinstance(event, ScalarEvent):
            self.increase_indent(flow=True)
            self._scalar(event, style, split=not simple_key)
            self.indent = self.indents.pop()
            return
        is_sequence = isinstance(event, SequenceStartEvent)
        end = SequenceEndEvent if is_sequence else MappingEndEvent
        style = getattr(event, "flow_style", None)
        flow = self.flow_level or self.canonical or style
        if flow or isinstance(self._peek(), end):
            (self._flow_sequence if is_sequence else self._flow_mapping)()
        elif is_sequence:
            self._block_sequence(indentless=mapping and not self.indention)
        else:
            self._block_mapping()

    def _flow_sequence(self) -> None:
        self.write_indicator("[", True, whitespace=True)
        self.flow_level += 1
        self.increase_indent(flow=True)
        first = True
        while not isinstance(self._peek(), SequenceEndEvent):
            if not first:
                self.write_indicator(",", False)
            if self.canonical or self.column > self.best_width:
                self.write_indent()
            first = False
            self._node()
        self._end_flow("]", first)

    def _end_flow(self, bracket: str, empty: bool) -> None:
        self._next()
        self.indent = self.indents.pop()
        self.flow_level -= 1
        if self.canonical and not empty:
            self.write_indicator(",", False)
            self.write_indent()
        self.write_indicator(bracket, False)

    def _flow_mapping(self) -> None:
        self.write_indicator("{", True, whitespace=True)
        self.flow_level += 1
        self.increase_indent(flow=True)
        first = True
        while not isinstance(self._peek(), MappingEndEvent):
            if not first:
                self.write_indicator(",", False)
            if self.canonical or self.column > self.best_width:
                self.write_indent()
            first = False
            if not self.canonical and self._is_simple_key():
                self._node(mapping=True, simple_key=True)
                self.write_indicator(":", False)
            else:
                self.write_indicator("?", True)
                self._node(mapping=True)
                if self.canonical or self.column > self.best_width:
                    self.write_indent()
                self.write_indicator(":", True)
            self._node(mapping=True)
        self._end_flow("}", first)

    def _block_sequence(self, indentless: bool) -> None:
        self.increase_indent(flow=False, indentless=indentless)
        while not isinstance(self._peek(), SequenceEndEvent):
            self.write_indent()
            self.write_indicator("-", True, indention=True)
            self._node()
        self._next()
        self.indent = self.indents.pop()

    def _block_mapping(self) -> None:
        self.increase_indent(flow=False)
        while not isinstance(self._peek(), MappingEndEvent):
            self.write_indent()
            if self._is_simple_key():
                self._node(mapping=True, simple_key=True)
                self.write_indicator(":", False)
            else:
                self.write_indicator("?", True, indention=True)
                self._node(mapping=True)
                self.write_indent()
                self.write_indicator(":", True, indention=True)
            self._node(mapping=True)
        self._next()
        self.indent = self.indents.pop()

    def _is_simple_key(self) -> bool:
        event = self._peek()
        length = len(event.anchor or "")
        if isinstance(event, AliasEvent):
            return length < _LONGEST_KEY
        length += len(self._short_tag(event.tag)) if event.tag and not _implied(event) else 0
        if isinstance(event, ScalarEvent):
            analysis = self.analyze_scalar(event.value)
            length += len(event.value)
            return length < _LONGEST_KEY and not analysis.empty and not analysis.multiline
        return length < _LONGEST_KEY and isinstance(self._peek(1), CollectionEndEvent)

    # --- what stands before a node

    def _anchor(self, indicator: str, event: Any) -> None:
        if event.anchor is not None:
            self.write_indicator(indicator + event.anchor, True)

    def _tag(self, event: Any, style: str | None) -> None:
        tag = event.tag
        if isinstance(event, ScalarEvent):
            plain, quoted = event.implicit
            if (not self.canonical or tag is None) and (plain if style == "" else quoted):
                return
            if plain and tag is None:
                tag = "!"
        elif (not self.canonical or tag is None) and event.implicit:
            return
        if tag is None:
            raise EmitterError("tag is not specified")
        self.write_indicator(self._short_tag(tag), True)

    def _short_tag(self, tag: str) -> str:
        if tag == "!":
            return tag
        for prefix in sorted(self.tag_prefixes, key=len, reverse=True):
            if tag.startswith(prefix) and (prefix == "!" or len(prefix) < len(tag)):
                return self.tag_prefixes[prefix] + _uri(tag[len(prefix) :])
        return f"!<{_uri(tag)}>"

    # --- scalars

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        """Return which styles a text can have."""
        return ScalarAnalysis(scalar, self.allow_unicode)

    def choose_scalar_style(self) -> str:
        """Return the style of the scalar `event`."""
        event = self.event
        analysis = self.analyze_scalar(event.value)
        if event.style == '"' or self.canonical:
            return '"'
        simple = self._simple_key
        if not event.style and event.implicit[0]:
            allowed = analysis.allow_flow_plain if self.flow_level else analysis.allow_block_plain
            if allowed and not (simple and (analysis.empty or analysis.multiline)):
                return ""
            if analysis.empty and not self.flow_level and not simple:
                return ""
        room = not self.flow_level and not simple
        if event.style in ("|", ">") and room and analysis.allow_block:
            return event.style
        single = analysis.allow_single_quoted and not (simple and analysis.multiline)
        if single and event.style in (None, "", "'"):
            return "'"
        return '"'

    def _scalar(self, event: Any, style: str | None, split: bool) -> None:
        if style == '"':
            self.write_double_quoted(event.value, split)
        elif style == "'":
            self.write_single_quoted(event.value, split)
        elif style == ">":
            self.write_folded(event.value)
        elif style == "|":
            self.write_literal(event.value)
        else:
            self.write_plain(event.value, split)

    def write_plain(self, text: str, split: bool = True) -> None:
        """Write text without quotes."""
        # Behind a document that is plain text, only `...` says that it ends.
        self.open_ended = self.open_ended or self._root
        if not text:
            return
        if not self.whitespace:
            self._put(" ")
        self.whitespace = False
        self.indention = False
        self._words(text, split)

    def _words(self, text: str, split: bool) -> None:
        """Text on one line, broken at single blanks where the line is too long."""
        words = text.split(" ")
        for number, word in enumerate(words):
            if number:
                alone = word != "" and words[number - 1] != ""
                if alone and split and self.column > self.best_width:
                    self.write_indent()
                    self.whitespace = False
                    self.indention = False
                else:
                    self._put(" ")
            self._put(word)

    def write_single_quoted(self, text: str, split: bool = True) -> None:
        """Write text in single quotes."""
        self.write_indicator("'", True)
        parts = _BREAK_RUNS.split(text)
        for number, part in enumerate(parts):
            if number % 2:
                # One break alone would be read as a blank.
                if part[0] == "\n":
                    self.write_line_break()
                for character in part:
                    self.write_line_break(None if character == "\n" else character)
                self.write_indent()
            else:
                self._words(part.replace("'", "''"), split)
        self.write_indicator("'", False)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write text in double quotes, with escapes."""
        self.write_indicator('"', True)
        for number, character in enumerate(text):
            written = self._escaped(character)
            full = split and 0 < number < len(text) - 1 and self.column > self.best_width
            if full and character == " ":
                self._break_quoted(text[number])
            self._put(written)
            full = split and 0 < number < len(text) - 1 and self.column > self.best_width
            if full and written != character:
                self._break_quoted(text[number + 1])
        self.write_indicator('"', False)

    def _break_quoted(self, following: str) -> None:
        self._put("\\")
        self.write_indent()
        self.whitespace = False
        self.indention = False
        if following == " ":
            self._put("\\")

    def _escaped(self, character: str) -> str:
        special = character in '"\\\x85\u2028\u2029\ufeff' or character == "\n"
        wide = self.allow_unicode and (
            "\xa0" <= character <= "\ud7ff" or "\ue000" <= character <= "\ufffd"
        )
        if not special and (" " <= character <= "~" or wide):
            return character
        if character in _ESCAPES:
            return "\\" + _ESCAPES[character]
        code = ord(character)
        if code <= 0xFF:
            return f"\\x{code:02X}"
        return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"

    def _hints(self, text: str) -> str:
        hints = ""
        if text[0] in " " + _BREAKS:
            hints += str(self.best_indent)
        if text[-1] not in _BREAKS:
            return hints + "-"
        if len(text) == 1 or text[-2] in _BREAKS:
            hints += "+"
        return hints

    def write_literal(self, text: str) -> None:
        """Write text after `|`."""
        hints = self._hints(text)
        self.write_indicator("|" + hints, True)
        self.write_line_break()
        self._block_lines(_split_lines(text), hints)

    def write_folded(self, text: str) -> None:
        """Write text after `>`."""
        hints = self._hints(text)
        self.write_indicator(">" + hints, True)
        self.write_line_break()
        lines = []
        previous = " "
        for line in _split_lines(text):
            # Between two lines of text, one break alone would be read as a blank.
            if lines and line and line[0] != " " and previous and previous[0] != " ":
                lines.append("")
            lines.append(line)
            previous = line or previous
        self._block_lines(lines, hints, fold=True)

    def _block_lines(self, lines: list[str], hints: str, fold: bool = False) -> None:
        ended = lines[-1] == ""
        lines = lines[:-1] if ended else lines
        for number, line in enumerate(lines):
            if number:
                self.write_line_break()
            if line:
                self.write_indent()
                if fold and not line.startswith(" "):
                    self._words(line, split=True)
                else:
                    self._put(line)
                self.whitespace = False
                self.indention = False
        if ended and lines:
            self.write_line_break()
            self.indention = True
        if "+" in hints:
            self.open_ended = True


def _implied(event: Any) -> bool:
    return any(event.implicit) if isinstance(event.implicit, tuple) else bool(event.implicit)


def _uri(text: str) -> str:
    allowed = "-;/?:@&=+$,_.~*'()[]#"
    made = ""
    for character in text:
        if character.isascii() and (character.isalnum() or character in allowed):
            made += character
        else:
            made += "".join(f"%{byte:02X}" for byte in character.encode())
    return made
