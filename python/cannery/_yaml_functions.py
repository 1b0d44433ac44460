"""The functions of PyYAML that work on events, tokens and nodes, and those that register."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cannery import _yaml_classes as classes
from cannery._yaml_errors import DepthError


def scan(stream: Any, Loader: Any = classes.Loader) -> Iterator[Any]:  # noqa: N803 - PyYAML's name
    """Return an iterator over the tokens of a stream."""
    loader = Loader(stream)
    while loader.check_token():
        yield loader.get_token()


def parse(stream: Any, Loader: Any = classes.Loader) -> Iterator[Any]:  # noqa: N803
    """Return an iterator over the events of a stream."""
    loader = Loader(stream)
    while loader.check_event():
        yield loader.get_event()


def compose(stream: Any, Loader: Any = classes.Loader) -> Any:  # noqa: N803
    """Return the root node of the only document in a stream."""
    return Loader(stream).get_single_node()


def compose_all(stream: Any, Loader: Any = classes.Loader) -> Iterator[Any]:  # noqa: N803
    """Return an iterator over the root nodes of the documents in a stream."""
    loader = Loader(stream)
    while loader.check_node():
        yield loader.get_node()


def construct(stream: Any, loader: Any) -> Any:
    """Return the only document of a stream, as a loader of the program makes it."""
    made = loader(stream)
    try:
        return made.get_single_data()
    except RecursionError:
        raise _too_deep() from None
    finally:
        _dispose(made)


def construct_all(stream: Any, loader: Any) -> Iterator[Any]:
    """Return an iterator over documents, as a loader of the program makes them."""
    made = loader(stream)
    try:
        while made.check_data():
            yield made.get_data()
    except RecursionError:
        raise _too_deep() from None
    finally:
        _dispose(made)


def _too_deep() -> DepthError:
    return DepthError(None, None, "collections are nested too deep for a loader's constructors")


def _dispose(made: Any) -> None:
    if hasattr(made, "dispose"):
        made.dispose()


def _target(stream: Any, encoding: str | None) -> tuple[Any, Any]:
    if stream is not None:
        return stream, None
    made: Any = io.StringIO() if encoding is None else io.BytesIO()
    return made, made


def emit(
    events: Iterable[Any],
    stream: Any = None,
    Dumper: Any = classes.Dumper,  # noqa: N803
    canonical: bool | None = None,
    indent: int | None = None,
    width: float | None = None,
    allow_unicode: bool | None = None,
    line_break: str | None = None,
) -> Any:
    """Write events to a stream, or return the text if there is none."""
    target, own = _target(stream, None)
    dumper = Dumper(
        target,
        canonical=canonical,
        indent=indent,
        width=width,
        allow_unicode=allow_unicode,
        line_break=line_break,
    )
    for event in events:
        dumper.emit(event)
    return own.getvalue() if own is not None else None


def serialize_all(
    nodes: Iterable[Any],
    stream: Any = None,
    Dumper: Any = classes.Dumper,  # noqa: N803
    encoding: str | None = None,
    **options: Any,
) -> Any:
    """Write nodes, each as a document, to a stream, or return the text if there is none."""
    return _written(nodes, "serialize", stream, Dumper, encoding, options)


def serialize(
    node: Any,
    stream: Any = None,
    Dumper: Any = classes.Dumper,  # noqa: N803
    **options: Any,
) -> Any:
    """Write a node as a document to a stream, or return the text if there is none."""
    return serialize_all([node], stream, Dumper=Dumper, **options)


def represent_all(
    documents: Iterable[Any], stream: Any, dumper: Any, encoding: str | None, options: Any
) -> Any:
    """Write values as a dumper of the program does."""
    return _written(documents, "represent", stream, dumper, encoding, options)


def _written(
    parts: Iterable[Any],
    method: str,
    stream: Any,
    dumper: Any,
    encoding: str | None,
    options: dict[str, Any],
) -> Any:
    target, own = _target(stream, encoding)
    made = dumper(target, encoding=encoding, **options)
    made.open()
    for part in parts:
        getattr(made, method)(part)
    made.close()
    return own.getvalue() if own is not None else None


def _loaders(loader: Any) -> list[Any]:
    if loader is not None:
        return [loader]
    return [classes.Loader, classes.FullLoader, classes.UnsafeLoader]


def add_constructor(
    tag: Any,
    constructor: Callable[..., Any],
    Loader: Any = None,  # noqa: N803
) -> None:
    """Make `constructor(loader, node)` of every node with a tag."""
    for loader in _loaders(Loader):
        loader.add_constructor(tag, constructor)


def add_multi_constructor(
    tag_prefix: Any,
    multi_constructor: Callable[..., Any],
    Loader: Any = None,  # noqa: N803
) -> None:
    """Make `multi_constructor(loader, suffix, node)` of nodes whose tag begins so."""
    for loader in _loaders(Loader):
        loader.add_multi_constructor(tag_prefix, multi_constructor)


def add_representer(
    data_type: type,
    representer: Callable[..., Any],
    Dumper: Any = classes.Dumper,  # noqa: N803
) -> None:
    """Make `representer(dumper, value)`, a node, of every value of a type."""
    Dumper.add_representer(data_type, representer)


def add_multi_representer(
    data_type: type,
    multi_representer: Callable[..., Any],
    Dumper: Any = classes.Dumper,  # noqa: N803
) -> None:
    """Make `multi_representer(dumper, value)`, a node, of values of a type and its subclasses."""
    Dumper.add_multi_representer(data_type, multi_representer)


def add_implicit_resolver(
    tag: str,
    regexp: re.Pattern[str],
    first: Any = None,
    Loader: Any = None,  # noqa: N803
    Dumper: Any = classes.Dumper,  # noqa: N803
) -> None:
    """Give plain scalars that match `regexp` a tag, in reading and in writing."""
    for loader in _loaders(Loader):
        loader.add_implicit_resolver(tag, regexp, first)
    Dumper.add_implicit_resolver(tag, regexp, first)


def add_path_resolver(
    tag: str,
    path: Any,
    kind: Any = None,
    Loader: Any = None,  # noqa: N803
    Dumper: Any = classes.Dumper,  # noqa: N803
) -> None:
    """Give the node at a path from the root a tag."""
    for loader in _loaders(Loader):
        loader.add_path_resolver(tag, path, kind)
    Dumper.add_path_resolver(tag, path, kind)
