"""Nodes to objects: PyYAML's classes, to subclass and to register functions with.

No class here imports a module, names a class of the program or calls anything that a document
asks for: a tag is constructed by the function that was registered for it, and refused otherwise.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import types
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from cannery._yaml_errors import ConstructorError, LimitError
from cannery._yaml_nodes import MappingNode, ScalarNode, SequenceNode
from cannery._yaml_registry import Registry

_PREFIX = "tag:yaml.org,2002:"
_MERGE = _PREFIX + "merge"
_VALUE = _PREFIX + "value"

# What is bounded as where no class takes part: keys with one hash, and entries that merges repeat.
_MOST_COLLISIONS = 256
_MOST_MERGED = 1_000_000
# To the base 60, as many places as decimal digits that Python reads by default.
_MOST_PLACES = 2_400

_TIMESTAMP = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:(?:[Tt]|[ \t]+)(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})"
    r"(?:\.(?P<fraction>\d*))?(?:[ \t]*(?P<zone>Z|(?P<sign>[-+])(?P<hours>\d{1,2})"
    r"(?::(?P<minutes>\d{2}))?))?)?$"
)


class BaseConstructor:
    """Makes objects of nodes by the functions that are registered for their tags."""

    yaml_constructors: ClassVar[dict[Any, Callable[..., Any]]] = Registry()
    yaml_multi_constructors: ClassVar[dict[Any, Callable[..., Any]]] = Registry()

    # Entries that merges have repeated in the document.
    merged_entries = 0
    # What the other parts of a loader provide.
    check_node: Any
    get_node: Any
    get_single_node: Any

    def __init__(self) -> None:
        self.constructed_objects: dict[Any, Any] = {}
        self.recursive_objects: dict[Any, Any] = {}
        self.state_generators: list[Any] = []
        self.deep_construct = False

    @classmethod
    def add_constructor(cls, tag: Any, constructor: Callable[..., Any]) -> None:
        """Make `constructor(loader, node)` of every node with this tag."""
        if "yaml_constructors" not in cls.__dict__:
            cls.yaml_constructors = Registry(cls.yaml_constructors)
        cls.yaml_constructors[tag] = constructor

    @classmethod
    def add_multi_constructor(cls, tag_prefix: Any, multi_constructor: Callable[..., Any]) -> None:
        """Make `multi_constructor(loader, suffix, node)` of nodes whose tag begins so."""
        if "yaml_multi_constructors" not in cls.__dict__:
            cls.yaml_multi_constructors = Registry(cls.yaml_multi_constructors)
        cls.yaml_multi_constructors[tag_prefix] = multi_constructor

    def check_data(self) -> bool:
        """Whether another document follows."""
        return self.check_node()

    def get_data(self) -> Any:
        """Return the next document."""
        return self.construct_document(self.get_node()) if self.check_node() else None

    def get_single_data(self) -> Any:
        """Return the only document, `None` if there is none."""
        node = self.get_single_node()
        return None if node is None else self.construct_document(node)

    def construct_document(self, node: Any) -> Any:
        """Return the value of the root of a document."""
        value = self.construct_object(node)
        while self.state_generators:
            generators, self.state_generators = self.state_generators, []
            for generator in generators:
                for _ in generator:
                    pass
        self.constructed_objects = {}
        self.recursive_objects = {}
        self.deep_construct = False
        self.merged_entries = 0
        return value

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Return the value of a node; with `deep`, with all that is in it."""
        if node in self.constructed_objects:
            return self.constructed_objects[node]
        if node in self.recursive_objects:
            raise ConstructorError(
                None, None, "found unconstructable recursive node", node.start_mark
            )
        outer_deep = self.deep_construct
        self.deep_construct = outer_deep or deep
        self.recursive_objects[node] = None
        value = self._call(node)
        if isinstance(value, types.GeneratorType):
            generator = value
            value = next(generator)
            if self.deep_construct:
                # What is in it comes before the value is used.
                self.constructed_objects[node] = value
                for _ in generator:
                    pass
            else:
                self.state_generators.append(generator)
        self.constructed_objects[node] = value
        del self.recursive_objects[node]
        self.deep_construct = outer_deep
        return value

    def _call(self, node: Any) -> Any:
        constructor = self.yaml_constructors.get(node.tag)
        if constructor is not None:
            return constructor(self, node)
        for prefix, multi in self.yaml_multi_constructors.items():
            if prefix is not None and node.tag and node.tag.startswith(prefix):
                return multi(self, node.tag[len(prefix) :], node)
        if None in self.yaml_multi_constructors:
            return self.yaml_multi_constructors[None](self, node.tag, node)
        if None in self.yaml_constructors:
            return self.yaml_constructors[None](self, node)
        if isinstance(node, ScalarNode):
            return self.construct_scalar(node)
        if isinstance(node, SequenceNode):
            return self.construct_sequence(node)
        return self.construct_mapping(node)

    def construct_scalar(self, node: Any) -> Any:
        """Return the text of a scalar."""
        if not isinstance(node, ScalarNode):
            raise _unfit("a scalar", node)
        return node.value

    def construct_sequence(self, node: Any, deep: bool = False) -> list[Any]:
        """Return the items of a sequence."""
        if not isinstance(node, SequenceNode):
            raise _unfit("a sequence", node)
        return [self.construct_object(item, deep=deep) for item in node.value]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the entries of a mapping."""
        if not isinstance(node, MappingNode):
            raise _unfit("a mapping", node)
        found: dict[Any, Any] = {}
        hashes: dict[int, int] | None = {} if len(node.value) > _MOST_COLLISIONS else None
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, Hashable):
                raise ConstructorError(
                    "while constructing a mapping",
                    node.start_mark,
                    "found unhashable key",
                    key_node.start_mark,
                )
            # Texts are hashed with a secret.
            if hashes is not None and type(key) not in (str, bytes):
                seen = hashes[hash(key)] = hashes.get(hash(key), 0) + 1
                if seen > _MOST_COLLISIONS:
                    problem = f"more than {_MOST_COLLISIONS} keys have the same hash"
                    raise LimitError(None, None, problem, key_node.start_mark)
            found[key] = self.construct_object(value_node, deep=deep)
        return found

    def construct_pairs(self, node: Any, deep: bool = False) -> list[tuple[Any, Any]]:
        """Return the entries of a mapping as pairs."""
        if not isinstance(node, MappingNode):
            raise _unfit("a mapping", node)
        return [
            (self.construct_object(key, deep=deep), self.construct_object(value, deep=deep))
            for key, value in node.value
        ]


def _unfit(expected: str, node: Any) -> ConstructorError:
    return ConstructorError(
        None, None, f"expected {expected} node, but found {node.id}", node.start_mark
    )


def _unexpected(expected: str, found: str, node: Any) -> ConstructorError:
    problem = f"expected {expected}, but found {found[:40]!r}"
    return ConstructorError(None, None, problem, node.start_mark)


class SafeConstructor(BaseConstructor):
    """Makes Python's plain values of YAML's types."""

    bool_values: ClassVar[dict[str, bool]] = {
        "yes": True, "no": False, "true": True, "false": False, "on": True, "off": False,
    }  # fmt: skip

    def construct_scalar(self, node: Any) -> Any:
        """Return the text of a scalar, or of the entry `=` of a mapping."""
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if key.tag == _VALUE:
                    return self.construct_scalar(value)
        return super().construct_scalar(node)

    def flatten_mapping(self, node: Any) -> None:
        """Put the entries that `<<` names before those of the mapping itself."""
        merged: list[Any] = []
        own = []
        # A mapping that merges itself finds nothing there.
        entries, node.value = node.value, []
        for key, value in entries:
            if key.tag == _MERGE:
                merged += self._merged(node, value)
                continue
            if key.tag == _VALUE:
                key.tag = _PREFIX + "str"
            own.append((key, value))
        node.value = merged + own

    def _count_merged(self, node: Any, entries: int) -> None:
        self.merged_entries += entries
        if self.merged_entries > _MOST_MERGED:
            problem = f"merges repeat more than {_MOST_MERGED} entries"
            raise LimitError(None, None, problem, node.start_mark)

    def _merged(self, node: Any, value: Any) -> list[Any]:
        if isinstance(value, MappingNode):
            self.flatten_mapping(value)
            self._count_merged(node, len(value.value))
            return value.value
        wrong = value
        if isinstance(value, SequenceNode):
            wrong = next((item for item in value.value if not isinstance(item, MappingNode)), None)
        if wrong is not None:
            raise ConstructorError(
                "while constructing a mapping",
                node.start_mark,
                f"expected a mapping or list of mappings for merging, but found {wrong.id}",
                wrong.start_mark,
            )
        found: list[Any] = []
        for item in reversed(value.value):
            self.flatten_mapping(item)
            self._count_merged(node, len(item.value))
            found += item.value
        return found

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the entries of a mapping, those that it merges included."""
        if isinstance(node, MappingNode):
            self.flatten_mapping(node)
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_null(self, node: Any) -> None:
        """Return `None`."""
        self.construct_scalar(node)

    def construct_yaml_bool(self, node: Any) -> bool:
        """Return a truth value."""
        text = self.construct_scalar(node)
        value = self.bool_values.get(text.lower())
        if value is None:
            raise _unexpected("a truth value", text, node)
        return value

    def construct_yaml_int(self, node: Any) -> int:
        """Return an integer of YAML 1.1."""
        try:
            return self._integer(node)
        except LimitError:
            raise
        except ValueError:
            raise _unexpected("an integer", self.construct_scalar(node), node) from None

    def _integer(self, node: Any) -> int:
        text = self.construct_scalar(node).replace("_", "")
        sign = -1 if text.startswith("-") else 1
        text = text.lstrip("+-")
        for prefix, base in (("0b", 2), ("0x", 16)):
            if text.startswith(prefix):
                return sign * int(text[2:], base)
        if text != "0" and text.startswith("0"):
            return sign * int(text, 8)
        parts = text.split(":")
        if len(parts) > _MOST_PLACES:
            problem = f"a number has more than {_MOST_PLACES} places to the base 60"
            raise LimitError(None, None, problem, node.start_mark)
        number = 0
        for part in parts:
            number = number * 60 + int(part)
        return sign * number

    def construct_yaml_float(self, node: Any) -> float:
        """Return a float of YAML 1.1."""
        text = self.construct_scalar(node).replace("_", "").lower()
        sign = -1.0 if text.startswith("-") else 1.0
        text = text.lstrip("+-")
        if text in (".inf", ".nan"):
            return sign * float(text[1:])
        number = 0.0
        try:
            for part in text.split(":"):
                number = number * 60 + float(part)
        except ValueError:
            raise _unexpected("a float", text, node) from None
        return sign * number

    def construct_yaml_binary(self, node: Any) -> bytes:
        """Return the bytes of text in base 64."""
        text = self.construct_scalar(node)
        try:
            return base64.decodebytes(text.encode("ascii"))
        except (UnicodeEncodeError, binascii.Error) as error:
            message = f"failed to decode base64 data: {error}"
            raise ConstructorError(None, None, message, node.start_mark) from None

    def construct_yaml_timestamp(self, node: Any) -> Any:
        """Return a date, or a date with a time."""
        text = self.construct_scalar(node)
        found = _TIMESTAMP.match(text)
        if found is None:
            raise ConstructorError(None, None, f"{text!r} is no timestamp", node.start_mark)
        day = [int(found[name]) for name in ("year", "month", "day")]
        if found["hour"] is None:
            return datetime.date(*day)
        time = [int(found[name]) for name in ("hour", "minute", "second")]
        micros = int((found["fraction"] or "0")[:6].ljust(6, "0"))
        zone = None
        if found["sign"]:
            offset = datetime.timedelta(
                hours=int(found["hours"]), minutes=int(found["minutes"] or 0)
            )
            zone = datetime.timezone(-offset if found["sign"] == "-" else offset)
        elif found["zone"]:
            zone = datetime.UTC
        return datetime.datetime(*day, *time, micros, tzinfo=zone)  # type: ignore[misc]

    def construct_yaml_omap(self, node: Any) -> Any:
        """Return the pairs of a sequence of mappings of one entry each."""
        found: list[Any] = []
        yield found
        if not isinstance(node, SequenceNode):
            raise _unfit("a sequence", node)
        for item in node.value:
            if not isinstance(item, MappingNode) or len(item.value) != 1:
                raise _unfit("a mapping of length 1", item)
            key, value = item.value[0]
            found.append((self.construct_object(key), self.construct_object(value)))

    construct_yaml_pairs = construct_yaml_omap

    def construct_yaml_set(self, node: Any) -> Any:
        """Return the keys of a mapping."""
        found: set[Any] = set()
        yield found
        found.update(self.construct_mapping(node))

    def construct_yaml_str(self, node: Any) -> str:
        """Return text."""
        return self.construct_scalar(node)

    def construct_yaml_seq(self, node: Any) -> Any:
        """Return a list."""
        found: list[Any] = []
        yield found
        found.extend(self.construct_sequence(node))

    def construct_yaml_map(self, node: Any) -> Any:
        """Return a dictionary."""
        found: dict[Any, Any] = {}
        yield found
        found.update(self.construct_mapping(node))

    def construct_yaml_object(self, node: Any, cls: Any) -> Any:
        """Return an object of a class that the program registered."""
        made = cls.__new__(cls)
        yield made
        if hasattr(made, "__setstate__"):
            made.__setstate__(self.construct_mapping(node, deep=True))
        else:
            made.__dict__.update(self.construct_mapping(node))

    def construct_undefined(self, node: Any) -> Any:
        """Refuse a tag that no function is registered for."""
        raise ConstructorError(
            None,
            None,
            f"could not determine a constructor for the tag {node.tag!r}",
            node.start_mark,
        )


for _name in (
    "null", "bool", "int", "float", "binary", "timestamp", "omap", "pairs", "set", "str", "seq",
    "map",
):  # fmt: skip
    _method = getattr(SafeConstructor, "construct_yaml_" + _name)
    SafeConstructor.add_constructor(_PREFIX + _name, _method)
SafeConstructor.add_constructor(None, SafeConstructor.construct_undefined)


class FullConstructor(SafeConstructor):
    """As `SafeConstructor`, with the tags of Python's plain types; no tag that names code."""

    def construct_python_str(self, node: Any) -> str:
        """Return text."""
        return self.construct_scalar(node)

    construct_python_unicode = construct_python_str

    def construct_python_bytes(self, node: Any) -> bytes:
        """Return the bytes of text in base 64."""
        return self.construct_yaml_binary(node)

    def construct_python_long(self, node: Any) -> int:
        """Return an integer."""
        return self.construct_yaml_int(node)

    def construct_python_complex(self, node: Any) -> complex:
        """Return a complex number."""
        return complex(self.construct_scalar(node))

    def construct_python_tuple(self, node: Any) -> tuple[Any, ...]:
        """Return a tuple."""
        return tuple(self.construct_sequence(node, deep=True))


for _name, _make in {
    "none": FullConstructor.construct_yaml_null,
    "bool": FullConstructor.construct_yaml_bool,
    "str": FullConstructor.construct_python_str,
    "unicode": FullConstructor.construct_python_unicode,
    "bytes": FullConstructor.construct_python_bytes,
    "int": FullConstructor.construct_yaml_int,
    "long": FullConstructor.construct_python_long,
    "float": FullConstructor.construct_yaml_float,
    "complex": FullConstructor.construct_python_complex,
    "list": FullConstructor.construct_yaml_seq,
    "tuple": FullConstructor.construct_python_tuple,
    "dict": FullConstructor.construct_yaml_map,
}.items():
    FullConstructor.add_constructor(f"{_PREFIX}python/{_name}", _make)


class UnsafeConstructor(FullConstructor):
    """The name that programs use; it constructs no more than `FullConstructor`."""


class Constructor(UnsafeConstructor):
    """The name that programs use; it constructs no more than `FullConstructor`."""
