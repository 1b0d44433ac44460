"""JSON: bytes and text to objects and back, against the stdlib and the fast libraries."""

from __future__ import annotations

import json as stdlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cannery import json

from . import corpora, peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second, same, verified


def tables(effort: Effort) -> Iterator[Table]:
    """Yields one table for each direction and condition."""
    modules = peers.load(peers.JSON)
    for gc_on in (True, False):
        state = "on" if gc_on else "off"
        yield _reading(
            f"loads(bytes), GC {state}",
            readers(modules, "cannery.json.decode", json.decode),
            bytes,
            gc_on,
            effort,
        )
    yield _reading(
        "loads(str), GC on",
        readers(modules, "cannery.json.loads", json.loads),
        bytes.decode,
        True,
        effort,
    )
    yield _writing("encode to bytes, warm", writers(modules), effort, cold=False)
    yield _writing("encode to bytes, cold (fresh objects)", writers(modules), effort, cold=True)
    yield _writing("dumps to str, warm", _to_text(modules), effort, cold=False)
    yield _writing("dumps to str, cold (fresh objects)", _to_text(modules), effort, cold=True)


def readers(modules: dict[str, Any], name: str, ours: Callable[[Any], Any]) -> list[Contender]:
    """Returns every peer's way to parse one document, and last ours."""
    return [
        Contender("json", stdlib.loads),
        *(
            Contender(peer, module.decode if peer == "msgspec.json" else module.loads)
            for peer, module in modules.items()
        ),
        Contender(name, ours),
    ]


def compact(value: Any) -> bytes:
    """Writes as the stdlib does when asked for the least text."""
    return stdlib.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def writers(modules: dict[str, Any]) -> list[Contender]:
    """Returns every peer's fastest way to bytes, and ours."""
    names = {"ssrjson": "dumps_to_bytes", "fastsimdjson": "dumpb", "msgspec.json": "encode"}
    return [
        Contender("json", compact),
        *(
            Contender(name, getattr(module, names.get(name, "dumps")))
            for name, module in modules.items()
        ),
        Contender("cannery.json.encode", json.encode),
    ]


def _to_text(modules: dict[str, Any]) -> list[Contender]:
    return [
        Contender("json", _compact_text(stdlib)),
        *(Contender(name, _decoded(name, module)) for name, module in modules.items()),
        Contender("cannery.json.dumps", _compact_text(json)),
    ]


def _compact_text(module: Any) -> Callable[[Any], str]:
    """Called as people call it: a `partial` would make a dictionary of its arguments each time."""
    dumps = module.dumps
    return lambda value: dumps(value, separators=(",", ":"), ensure_ascii=False)


def _decoded(name: str, module: Any) -> Callable[[Any], str]:
    """The peer's way to a `str`: its own, or its bytes decoded where it has none."""
    if name == "ssrjson":
        return module.dumps
    if name == "fastsimdjson":
        return _compact_text(module)
    to_bytes = module.encode if name == "msgspec.json" else module.dumps
    return lambda value: to_bytes(value).decode()


def _reading(
    title: str,
    contenders: list[Contender],
    convert: Callable[[bytes], Any],
    gc_on: bool,
    effort: Effort,
) -> Table:
    table = Table(f"JSON {title}, MB/s", megabytes_per_second)
    for name, document in corpora.json_documents().items():
        value = convert(document)
        right = verified(contenders, value, partial(same, stdlib.loads(document)), table, name)
        table.add(name, len(document), measure(right, value, gc_on=gc_on, effort=effort))
    return table


def _writing(title: str, contenders: list[Contender], effort: Effort, *, cold: bool) -> Table:
    table = Table(f"JSON {title}, MB/s of compact text", megabytes_per_second)
    for name, document in corpora.json_documents().items():
        value = stdlib.loads(document)
        right = verified(contenders, value, partial(_reads_back, value), table, name)
        fresh = partial(stdlib.loads, document) if cold else None
        table.add(name, len(compact(value)), measure(right, value, fresh=fresh, effort=effort))
    return table


def _reads_back(value: Any, text: bytes | str) -> bool:
    return same(stdlib.loads(text), value)
