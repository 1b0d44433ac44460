"""Loaders and dumpers that programs subclass, put together as PyYAML has them."""

from __future__ import annotations

from typing import Any, ClassVar

from cannery import _yaml_registry as _registry
from cannery._yaml_construct import (
    BaseConstructor,
    Constructor,
    FullConstructor,
    SafeConstructor,
    UnsafeConstructor,
)
from cannery._yaml_emit import Emitter
from cannery._yaml_parse import Composer, Parser, Reader, Scanner
from cannery._yaml_represent import BaseRepresenter, Representer, SafeRepresenter, Serializer
from cannery._yaml_resolve import BaseResolver, Resolver


class _Loader(Reader, Scanner, Parser, Composer):
    """What all loaders share."""

    def __init__(self, stream: Any) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseConstructor.__init__(self)  # type: ignore[arg-type]
        BaseResolver.__init__(self)  # type: ignore[arg-type]


class BaseLoader(_Loader, BaseConstructor, BaseResolver):
    """Leaves every scalar text."""

    def __init__(self, stream: Any) -> None:
        _Loader.__init__(self, stream)


class SafeLoader(_Loader, SafeConstructor, Resolver):
    """Reads YAML 1.1 into plain values; other tags are refused unless they are registered."""

    def __init__(self, stream: Any) -> None:
        _Loader.__init__(self, stream)


class FullLoader(_Loader, FullConstructor, Resolver):
    """As `SafeLoader`, with the tags of Python's plain types, such as ``!!python/tuple``."""

    def __init__(self, stream: Any) -> None:
        _Loader.__init__(self, stream)


class UnsafeLoader(_Loader, UnsafeConstructor, Resolver):
    """The name that programs use; tags that name code are refused here too."""

    def __init__(self, stream: Any) -> None:
        _Loader.__init__(self, stream)


class Loader(_Loader, Constructor, Resolver):
    """The name that programs use; tags that name code are refused here too."""

    def __init__(self, stream: Any) -> None:
        _Loader.__init__(self, stream)


class CBaseLoader(_Loader, BaseConstructor, BaseResolver):
    """As `BaseLoader`."""


class CSafeLoader(_Loader, SafeConstructor, Resolver):
    """As `SafeLoader`."""


class CFullLoader(_Loader, FullConstructor, Resolver):
    """As `FullLoader`."""


class CUnsafeLoader(_Loader, UnsafeConstructor, Resolver):
    """As `UnsafeLoader`."""


class CLoader(_Loader, Constructor, Resolver):
    """As `Loader`."""


class _Dumper(Emitter, Serializer):
    """What all dumpers share."""

    def __init__(
        self,
        stream: Any,
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
        tags: dict[str, str] | None = None,
        sort_keys: bool = True,
    ) -> None:
        Emitter.__init__(
            self,
            stream,
            canonical=canonical,
            indent=indent,
            width=width,
            allow_unicode=allow_unicode,
            line_break=line_break,
        )
        Serializer.__init__(
            self,
            encoding=encoding,
            explicit_start=explicit_start,
            explicit_end=explicit_end,
            version=version,
            tags=tags,
        )
        BaseRepresenter.__init__(
            self,  # type: ignore[arg-type]
            default_style=default_style,
            default_flow_style=default_flow_style,
            sort_keys=sort_keys,
        )
        BaseResolver.__init__(self)  # type: ignore[arg-type]


class BaseDumper(_Dumper, BaseRepresenter, BaseResolver):
    """Knows no types but those that are registered."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        _Dumper.__init__(self, *arguments, **options)


class SafeDumper(_Dumper, SafeRepresenter, Resolver):
    """Writes Python's plain types."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        _Dumper.__init__(self, *arguments, **options)


class Dumper(_Dumper, Representer, Resolver):
    """As `SafeDumper`, with tags for Python's other plain types; objects of classes are refused."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        _Dumper.__init__(self, *arguments, **options)


class CBaseDumper(_Dumper, BaseRepresenter, BaseResolver):
    """As `BaseDumper`."""


class CSafeDumper(_Dumper, SafeRepresenter, Resolver):
    """As `SafeDumper`."""


class CDumper(_Dumper, Representer, Resolver):
    """As `Dumper`."""


LOADERS = (
    BaseLoader, SafeLoader, FullLoader, UnsafeLoader, Loader, CBaseLoader, CSafeLoader,
    CFullLoader, CUnsafeLoader, CLoader,
)  # fmt: skip
DUMPERS = (BaseDumper, SafeDumper, Dumper, CBaseDumper, CSafeDumper, CDumper)

_READERS = {cls: _registry.loader_parts(cls) for cls in LOADERS}
_WRITERS = {cls: _registry.dumper_parts(cls) for cls in DUMPERS}

# What the definitions above registered is no change.
_registry.changed.clear()


def is_original_loader(cls: Any) -> bool:
    """Whether a class is one of these, and no program registered or replaced anything in it."""
    parts = _READERS.get(cls)
    if parts is None or parts != _registry.loader_parts(cls):
        return False
    return not _registry.changed or not _registry.is_changed(cls)


def is_original_dumper(cls: Any) -> bool:
    """Whether a class is one of these, and no program registered or replaced anything in it."""
    parts = _WRITERS.get(cls)
    if parts is None or parts != _registry.dumper_parts(cls):
        return False
    return not _registry.changed or not _registry.is_changed(cls)


class YAMLObjectMetaclass(type):
    """Registers a class that names a tag with its loaders and its dumper."""

    def __init__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> None:
        super().__init__(name, bases, attributes)
        if attributes.get("yaml_tag") is not None:
            loaders = cls.yaml_loader  # type: ignore[attr-defined]
            for loader in loaders if isinstance(loaders, (list, tuple)) else [loaders]:
                loader.add_constructor(cls.yaml_tag, cls.from_yaml)  # type: ignore[attr-defined]
            cls.yaml_dumper.add_representer(cls, cls.to_yaml)  # type: ignore[attr-defined]


class YAMLObject(metaclass=YAMLObjectMetaclass):
    """A class whose objects are read and written with a tag of their own."""

    __slots__ = ()

    yaml_loader: ClassVar[Any] = [Loader, FullLoader, UnsafeLoader]
    yaml_dumper: ClassVar[Any] = Dumper
    yaml_tag: ClassVar[str | None] = None
    yaml_flow_style: ClassVar[bool | None] = None

    @classmethod
    def from_yaml(cls, loader: Any, node: Any) -> Any:
        """Return the object of a node."""
        return loader.construct_yaml_object(node, cls)

    @classmethod
    def to_yaml(cls, dumper: Any, data: Any) -> Any:
        """Return the node of an object."""
        return dumper.represent_yaml_object(cls.yaml_tag, data, cls, flow_style=cls.yaml_flow_style)
