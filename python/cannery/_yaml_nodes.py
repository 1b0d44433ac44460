"""Nodes, events and tokens by PyYAML's names, for programs that look into documents."""

from __future__ import annotations

from typing import Any, ClassVar

from cannery._yaml_errors import Mark

# --- nodes


class Node:
    """A node of a document: its tag, its content, and where it stands."""

    id: ClassVar[str] = ""

    def __init__(
        self, tag: Any, value: Any, start_mark: Mark | None = None, end_mark: Mark | None = None
    ) -> None:
        self.tag = tag
        self.value = value
        self.start_mark = start_mark
        self.end_mark = end_mark

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tag={self.tag!r}, value={self.value!r})"


class ScalarNode(Node):
    """A scalar; `value` is its text."""

    id = "scalar"

    def __init__(
        self,
        tag: Any,
        value: Any,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        style: str | None = None,
    ) -> None:
        super().__init__(tag, value, start_mark, end_mark)
        self.style = style


class CollectionNode(Node):
    """A sequence or a mapping."""

    def __init__(
        self,
        tag: Any,
        value: Any,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        flow_style: bool | None = None,
    ) -> None:
        super().__init__(tag, value, start_mark, end_mark)
        self.flow_style = flow_style


class SequenceNode(CollectionNode):
    """A sequence; `value` is a list of nodes."""

    id = "sequence"


class MappingNode(CollectionNode):
    """A mapping; `value` is a list of pairs of nodes."""

    id = "mapping"


# --- events


class Event:
    """A step of a stream."""

    def __init__(self, start_mark: Mark | None = None, end_mark: Mark | None = None) -> None:
        self.start_mark = start_mark
        self.end_mark = end_mark

    def __repr__(self) -> str:
        names = ("anchor", "tag", "implicit", "value")
        shown = [f"{name}={getattr(self, name)!r}" for name in names if hasattr(self, name)]
        return f"{type(self).__name__}({', '.join(shown)})"


class NodeEvent(Event):
    """A node, or the beginning of one."""

    def __init__(
        self,
        anchor: str | None,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.anchor = anchor


class CollectionStartEvent(NodeEvent):
    """The beginning of a collection."""

    def __init__(
        self,
        anchor: str | None,
        tag: str | None,
        implicit: bool,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        flow_style: bool | None = None,
    ) -> None:
        super().__init__(anchor, start_mark, end_mark)
        self.tag = tag
        self.implicit = implicit
        self.flow_style = flow_style


class CollectionEndEvent(Event):
    """The end of a collection."""


class StreamStartEvent(Event):
    """The beginning of a stream."""

    def __init__(
        self,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        encoding: str | None = None,
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.encoding = encoding


class StreamEndEvent(Event):
    """The end of a stream."""


class DocumentStartEvent(Event):
    """The beginning of a document."""

    def __init__(
        self,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        explicit: bool | None = None,
        version: tuple[int, int] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.explicit = explicit
        self.version = version
        self.tags = tags


class DocumentEndEvent(Event):
    """The end of a document."""

    def __init__(
        self,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        explicit: bool | None = None,
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.explicit = explicit


class AliasEvent(NodeEvent):
    """The node with this anchor, once more."""


class ScalarEvent(NodeEvent):
    """A scalar."""

    def __init__(
        self,
        anchor: str | None,
        tag: str | None,
        implicit: tuple[bool, bool],
        value: str,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        style: str | None = None,
    ) -> None:
        super().__init__(anchor, start_mark, end_mark)
        self.tag = tag
        self.implicit = implicit
        self.value = value
        self.style = style


class SequenceStartEvent(CollectionStartEvent):
    """The beginning of a sequence."""


class SequenceEndEvent(CollectionEndEvent):
    """The end of a sequence."""


class MappingStartEvent(CollectionStartEvent):
    """The beginning of a mapping."""


class MappingEndEvent(CollectionEndEvent):
    """The end of a mapping."""


# --- tokens


class Token:
    """A piece of the text."""

    id: ClassVar[str] = ""

    def __init__(self, start_mark: Mark | None, end_mark: Mark | None) -> None:
        self.start_mark = start_mark
        self.end_mark = end_mark

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in sorted(vars(self).items())
                 if not name.endswith("_mark")]  # fmt: skip
        return f"{type(self).__name__}({', '.join(shown)})"


class ValuedToken(Token):
    """A token with content."""

    def __init__(self, value: Any, start_mark: Mark | None, end_mark: Mark | None) -> None:
        super().__init__(start_mark, end_mark)
        self.value = value


class DirectiveToken(Token):
    """A line that begins with ``%``."""

    id = "<directive>"

    def __init__(
        self, name: str, value: Any, start_mark: Mark | None, end_mark: Mark | None
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.name = name
        self.value = value


class DocumentStartToken(Token):
    """``---``."""

    id = "<document start>"


class DocumentEndToken(Token):
    """``...``."""

    id = "<document end>"


class StreamStartToken(Token):
    """The beginning of a stream."""

    id = "<stream start>"

    def __init__(
        self,
        start_mark: Mark | None = None,
        end_mark: Mark | None = None,
        encoding: str | None = None,
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.encoding = encoding


class StreamEndToken(Token):
    """The end of a stream."""

    id = "<stream end>"


class BlockSequenceStartToken(Token):
    """The beginning of a sequence that is indented."""

    id = "<block sequence start>"


class BlockMappingStartToken(Token):
    """The beginning of a mapping in block style."""

    id = "<block mapping start>"


class BlockEndToken(Token):
    """The end of a collection in block style."""

    id = "<block end>"


class FlowSequenceStartToken(Token):
    """``[``."""

    id = "["


class FlowMappingStartToken(Token):
    """``{``."""

    id = "{"


class FlowSequenceEndToken(Token):
    """``]``."""

    id = "]"


class FlowMappingEndToken(Token):
    """``}``."""

    id = "}"


class KeyToken(Token):
    """``?``, or where it could stand."""

    id = "?"


class ValueToken(Token):
    """``:``."""

    id = ":"


class BlockEntryToken(Token):
    """``-``."""

    id = "-"


class FlowEntryToken(Token):
    """``,``."""

    id = ","


class AliasToken(ValuedToken):
    """``*`` and a name."""

    id = "<alias>"


class AnchorToken(ValuedToken):
    """``&`` and a name."""

    id = "<anchor>"


class TagToken(ValuedToken):
    """A tag: its handle and its suffix."""

    id = "<tag>"


class ScalarToken(Token):
    """A scalar."""

    id = "<scalar>"

    def __init__(
        self,
        value: str,
        plain: bool,
        start_mark: Mark | None,
        end_mark: Mark | None,
        style: str | None = None,
    ) -> None:
        super().__init__(start_mark, end_mark)
        self.value = value
        self.plain = plain
        self.style = style
