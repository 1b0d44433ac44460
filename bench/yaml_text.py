"""YAML: text to objects and back, and opened for editing, against the libraries people use."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cannery import yaml

from . import corpora, peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second, same, verified


def tables(effort: Effort) -> Iterator[Table]:
    """Yields a table each for loading, dumping, and opening for editing."""
    modules = peers.load(peers.YAML)
    yield _table("load", _readers(modules), effort, _reads)
    yield _table("dump", _writers(modules), effort, _writes)
    yield _table("open for editing", _openers(modules), effort, _opens)


def _table(
    title: str,
    contenders: list[Contender],
    effort: Effort,
    prepare: Callable[[str], tuple[Any, Callable[[Any], bool]]],
) -> Table:
    table = Table(f"YAML {title}, MB/s of text, GC off", megabytes_per_second)
    for name, document in corpora.yaml_documents().items():
        value, is_right = prepare(document)
        right = verified(contenders, value, is_right, table, name)
        figures = measure(right, value, gc_on=False, effort=effort)
        table.add(name, len(document.encode()), figures)
    return table


def _reads(document: str) -> tuple[Any, Callable[[Any], bool]]:
    # The reference is ours: the tests hold it against the whole test suite.
    return document, partial(same, yaml.load(document))


def _writes(document: str) -> tuple[Any, Callable[[Any], bool]]:
    value = yaml.load(document)
    return value, lambda text: yaml.load(text) == value


def _opens(document: str) -> tuple[Any, Callable[[Any], bool]]:
    # Each hands out values in a form of its own; refusing the text is what must not happen.
    return document, lambda opened: opened is not None


def _readers(modules: dict[str, Any]) -> list[Contender]:
    calls: dict[str, Callable[[Any], Callable[[str], Any]]] = {
        "yamlrocks": lambda module: module.loads,
        "yaml_rs": lambda module: module.loads,
        "fast_yaml": lambda module: module.safe_load,
        "pyrs_yaml": lambda module: module.safe_load,
        "ryaml": lambda module: module.loads,
        "yaml": lambda module: partial(module.load, Loader=module.CSafeLoader),
        "ruamel.yaml": lambda module: module.YAML(typ="safe").load,
    }
    return [*_peers(modules, calls), Contender("cannery.yaml.load", yaml.load)]


def _writers(modules: dict[str, Any]) -> list[Contender]:
    calls: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
        "yamlrocks": lambda module: lambda value: module.dumps(value),
        "yaml_rs": lambda module: module.dumps,
        "fast_yaml": lambda module: module.safe_dump,
        "pyrs_yaml": lambda module: module.safe_dump,
        "ryaml": lambda module: module.dumps,
        "yaml": lambda module: partial(
            module.dump, Dumper=module.CSafeDumper, sort_keys=False, allow_unicode=True
        ),
        "ruamel.yaml": lambda module: partial(_dump_with, module.YAML(typ="safe")),
    }
    ours = partial(yaml.dump, sort_keys=False)
    return [*_peers(modules, calls), Contender("cannery.yaml.dump", ours)]


def _openers(modules: dict[str, Any]) -> list[Contender]:
    calls: dict[str, Callable[[Any], Callable[[str], Any]]] = {
        "yamlrocks": lambda module: partial(module.loads, option=module.OPT_ROUND_TRIP),
        "pyrs_yaml": lambda module: module.parse,
        "ruamel.yaml": lambda module: module.YAML(typ="rt").load,
    }
    return [*_peers(modules, calls), Contender("cannery.yaml.Document", yaml.Document)]


def _peers(
    modules: dict[str, Any], calls: dict[str, Callable[[Any], Callable[[Any], Any]]]
) -> list[Contender]:
    return [Contender(name, call(modules[name])) for name, call in calls.items() if name in modules]


def _dump_with(writer: Any, value: Any) -> str:
    out = io.StringIO()
    writer.dump(value, out)
    return out.getvalue()
