"""Objects to nodes, and nodes to events, with PyYAML's names."""

from __future__ import annotations

import base64
import contextlib
import datetime
import enum
from collections.abc import Callable
from typing import Any, ClassVar

from cannery._yaml_errors import RepresenterError, SerializerError
from cannery._yaml_nodes import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingNode,
    MappingStartEvent,
    ScalarEvent,
    ScalarNode,
    SequenceEndEvent,
    SequenceNode,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from cannery._yaml_registry import Registry

_PREFIX = "tag:yaml.org,2002:"


class BaseRepresenter:
    """Makes nodes of objects by the functions that are registered for their types."""

    yaml_representers: ClassVar[dict[Any, Callable[..., Any]]] = Registry()
    yaml_multi_representers: ClassVar[dict[Any, Callable[..., Any]]] = Registry()

    serialize: Any

    def __init__(
        self,
        default_style: str | None = None,
        default_flow_style: bool | None = False,
        sort_keys: bool = True,
    ) -> None:
        self.default_style = default_style
        self.default_flow_style = default_flow_style
        self.sort_keys = sort_keys
        self.represented_objects: dict[Any, Any] = {}
        self.object_keeper: list[Any] = []
        self.alias_key: Any = None

    @classmethod
    def add_representer(cls, data_type: Any, representer: Callable[..., Any]) -> None:
        """Make `representer(dumper, value)`, a node, of every value of just this type."""
        if "yaml_representers" not in cls.__dict__:
            cls.yaml_representers = Registry(cls.yaml_representers)
        cls.yaml_representers[data_type] = representer

    @classmethod
    def add_multi_representer(cls, data_type: Any, representer: Callable[..., Any]) -> None:
        """Make `representer(dumper, value)`, a node, of values of this type and its subclasses."""
        if "yaml_multi_representers" not in cls.__dict__:
            cls.yaml_multi_representers = Registry(cls.yaml_multi_representers)
        cls.yaml_multi_representers[data_type] = representer

    def represent(self, data: Any) -> None:
        """Write a value as a document."""
        self.serialize(self.represent_data(data))
        self.represented_objects = {}
        self.object_keeper = []
        self.alias_key = None

    def represent_data(self, data: Any) -> Any:
        """Return the node of a value."""
        self.alias_key = None if self.ignore_aliases(data) else id(data)
        if self.alias_key is not None:
            if self.alias_key in self.represented_objects:
                return self.represented_objects[self.alias_key]
            self.object_keeper.append(data)
        classes = type(data).__mro__
        function = self.yaml_representers.get(classes[0])
        if function is None:
            found = (self.yaml_multi_representers.get(c) for c in classes)
            function = next((f for f in found if f is not None), None)
        if function is None:
            function = self.yaml_multi_representers.get(None, self.yaml_representers.get(None))
        if function is None:
            return ScalarNode(None, str(data))
        return function(self, data)

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> Any:
        """Return a scalar."""
        return self._known(ScalarNode(tag, value, style=style or self.default_style))

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        """Return a sequence."""
        node = self._known(SequenceNode(tag, [], flow_style=flow_style))
        node.value.extend(self.represent_data(item) for item in sequence)
        self._choose_flow(node, flow_style, node.value)
        return node

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        """Return a mapping, of one or of pairs."""
        node = self._known(MappingNode(tag, [], flow_style=flow_style))
        if hasattr(mapping, "items"):
            mapping = list(mapping.items())
            if self.sort_keys:
                with contextlib.suppress(TypeError):
                    mapping = sorted(mapping)
        for key, value in mapping:
            node.value.append((self.represent_data(key), self.represent_data(value)))
        self._choose_flow(node, flow_style, [part for pair in node.value for part in pair])
        return node

    def _known(self, node: Any) -> Any:
        if self.alias_key is not None:
            self.represented_objects[self.alias_key] = node
        return node

    def _choose_flow(self, node: Any, flow_style: bool | None, parts: list[Any]) -> None:
        if flow_style is None and self.default_flow_style is not None:
            node.flow_style = self.default_flow_style
        elif flow_style is None:
            node.flow_style = all(isinstance(p, ScalarNode) and not p.style for p in parts)

    def ignore_aliases(self, data: Any) -> bool:
        """Whether a value is written anew each time it occurs."""
        del data
        return False


class SafeRepresenter(BaseRepresenter):
    """Knows Python's plain types."""

    inf_value = float("inf")

    def ignore_aliases(self, data: Any) -> bool:
        """Whether a value is written anew each time it occurs: scalars and the empty tuple."""
        return data is None or data == () or isinstance(data, (str, bytes, bool, int, float))

    def represent_none(self, data: Any) -> Any:
        """Return the node of `None`."""
        del data
        return self.represent_scalar(_PREFIX + "null", "null")

    def represent_str(self, data: str) -> Any:
        """Return the node of text."""
        return self.represent_scalar(_PREFIX + "str", data)

    def represent_binary(self, data: bytes) -> Any:
        """Return the node of bytes."""
        text = base64.encodebytes(data).decode("ascii")
        return self.represent_scalar(_PREFIX + "binary", text, style="|")

    def represent_bool(self, data: bool) -> Any:
        """Return the node of a truth value."""
        return self.represent_scalar(_PREFIX + "bool", "true" if data else "false")

    def represent_int(self, data: int) -> Any:
        """Return the node of an integer."""
        return self.represent_scalar(_PREFIX + "int", str(data))

    def represent_float(self, data: float) -> Any:
        """Return the node of a float."""
        if data != data:
            text = ".nan"
        elif data in (self.inf_value, -self.inf_value):
            text = ".inf" if data > 0 else "-.inf"
        else:
            text = repr(data).lower()
            # YAML 1.1 has no float without a point.
            if "." not in text and "e" in text:
                text = text.replace("e", ".0e", 1)
        return self.represent_scalar(_PREFIX + "float", text)

    def represent_list(self, data: Any) -> Any:
        """Return the node of a list."""
        return self.represent_sequence(_PREFIX + "seq", data)

    def represent_dict(self, data: Any) -> Any:
        """Return the node of a dictionary."""
        return self.represent_mapping(_PREFIX + "map", data)

    def represent_set(self, data: Any) -> Any:
        """Return the node of a set."""
        return self.represent_mapping(_PREFIX + "set", dict.fromkeys(data))

    def represent_date(self, data: datetime.date) -> Any:
        """Return the node of a date."""
        return self.represent_scalar(_PREFIX + "timestamp", data.isoformat())

    def represent_datetime(self, data: datetime.datetime) -> Any:
        """Return the node of a date with a time."""
        return self.represent_scalar(_PREFIX + "timestamp", data.isoformat(" "))

    def represent_yaml_object(
        self, tag: str, data: Any, cls: Any, flow_style: bool | None = None
    ) -> Any:
        """Return the node of an object of a class that the program registered."""
        del cls
        state = data.__getstate__() if hasattr(data, "__getstate__") else data.__dict__
        return self.represent_mapping(tag, dict(state or {}), flow_style=flow_style)

    def represent_undefined(self, data: Any) -> Any:
        """Refuse a value that no function is registered for."""
        raise RepresenterError("cannot represent an object", data)


for _type, _function in {
    type(None): SafeRepresenter.represent_none,
    str: SafeRepresenter.represent_str,
    bytes: SafeRepresenter.represent_binary,
    bool: SafeRepresenter.represent_bool,
    int: SafeRepresenter.represent_int,
    float: SafeRepresenter.represent_float,
    list: SafeRepresenter.represent_list,
    tuple: SafeRepresenter.represent_list,
    dict: SafeRepresenter.represent_dict,
    set: SafeRepresenter.represent_set,
    datetime.date: SafeRepresenter.represent_date,
    datetime.datetime: SafeRepresenter.represent_datetime,
    None: SafeRepresenter.represent_undefined,
}.items():
    SafeRepresenter.add_representer(_type, _function)


class Representer(SafeRepresenter):
    """As `SafeRepresenter`, with the tags of Python's plain types and of enumerations' values."""

    def represent_complex(self, data: complex) -> Any:
        """Return the node of a complex number."""
        text = str(data).strip("()")
        return self.represent_scalar(_PREFIX + "python/complex", text)

    def represent_tuple(self, data: Any) -> Any:
        """Return the node of a tuple."""
        return self.represent_sequence(_PREFIX + "python/tuple", data)

    def represent_subclass(self, data: Any) -> Any:
        """Return the node of the plain value that one of a subclass is."""
        if isinstance(data, enum.Enum):
            return self.represent_data(data.value)
        kinds: tuple[Any, ...] = (str, int, float, dict, list, set)
        for plain in kinds:
            if isinstance(data, plain):
                return self.represent_data(plain(data))
        return self.represent_undefined(data)


Representer.add_representer(complex, Representer.represent_complex)
Representer.add_representer(tuple, Representer.represent_tuple)
Representer.add_multi_representer(object, Representer.represent_subclass)


class Serializer:
    """Nodes to events; what occurs more than once gets an anchor."""

    ANCHOR_TEMPLATE = "id%03d"

    # What the other parts of a dumper provide.
    emit: Any
    resolve: Any
    descend_resolver: Any
    ascend_resolver: Any

    def __init__(
        self,
        encoding: str | None = None,
        explicit_start: bool | None = None,
        explicit_end: bool | None = None,
        version: tuple[int, int] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        self.use_encoding = encoding
        self.use_explicit_start = explicit_start
        self.use_explicit_end = explicit_end
        self.use_version = version
        self.use_tags = tags
        self.serialized_nodes: set[int] = set()
        self.anchors: dict[int, str | None] = {}
        self.last_anchor_id = 0
        self.closed: bool | None = None

    def open(self) -> None:
        """Begin the stream."""
        if self.closed is not None:
            raise SerializerError("serializer is closed" if self.closed else "already opened")
        self.emit(StreamStartEvent(encoding=self.use_encoding))
        self.closed = False

    def close(self) -> None:
        """End the stream."""
        if self.closed is None:
            raise SerializerError("serializer is not opened")
        if not self.closed:
            self.emit(StreamEndEvent())
            self.closed = True

    def serialize(self, node: Any) -> None:
        """Write a document."""
        if self.closed is not False:
            raise SerializerError("serializer is closed" if self.closed else "not opened")
        self.emit(
            DocumentStartEvent(
                explicit=self.use_explicit_start, version=self.use_version, tags=self.use_tags
            )
        )
        self.anchor_node(node)
        self.serialize_node(node, None, None)
        self.emit(DocumentEndEvent(explicit=self.use_explicit_end))
        self.serialized_nodes = set()
        self.anchors = {}
        self.last_anchor_id = 0

    def anchor_node(self, node: Any) -> None:
        """Name the nodes that occur more than once."""
        if id(node) in self.anchors:
            if self.anchors[id(node)] is None:
                self.anchors[id(node)] = self.generate_anchor(node)
            return
        self.anchors[id(node)] = None
        if isinstance(node, SequenceNode):
            for item in node.value:
                self.anchor_node(item)
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                self.anchor_node(key)
                self.anchor_node(value)

    def generate_anchor(self, node: Any) -> str:
        """Return a name for an anchor."""
        del node
        self.last_anchor_id += 1
        return self.ANCHOR_TEMPLATE % self.last_anchor_id

    def serialize_node(self, node: Any, parent: Any, index: Any) -> None:
        """Write the events of a node."""
        anchor = self.anchors[id(node)]
        if id(node) in self.serialized_nodes:
            self.emit(AliasEvent(anchor))
            return
        self.serialized_nodes.add(id(node))
        self.descend_resolver(parent, index)
        if isinstance(node, ScalarNode):
            plain = self.resolve(ScalarNode, node.value, (True, False))
            quoted = self.resolve(ScalarNode, node.value, (False, True))
            implicit = (node.tag == plain, node.tag == quoted)
            self.emit(ScalarEvent(anchor, node.tag, implicit, node.value, style=node.style))
        elif isinstance(node, SequenceNode):
            implicit = node.tag == self.resolve(SequenceNode, node.value, True)
            self.emit(SequenceStartEvent(anchor, node.tag, implicit, flow_style=node.flow_style))
            for position, item in enumerate(node.value):
                self.serialize_node(item, node, position)
            self.emit(SequenceEndEvent())
        else:
            implicit = node.tag == self.resolve(MappingNode, node.value, True)
            self.emit(MappingStartEvent(anchor, node.tag, implicit, flow_style=node.flow_style))
            for key, value in node.value:
                self.serialize_node(key, node, None)
                self.serialize_node(value, node, key)
            self.emit(MappingEndEvent())
        self.ascend_resolver()
