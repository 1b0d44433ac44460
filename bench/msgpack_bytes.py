"""MessagePack: objects to bytes and back, against the fast libraries; CBOR on the same data."""

from __future__ import annotations

import json as stdlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cannery import msgpack

from . import corpora, peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second, same, verified


def tables(effort: Effort) -> Iterator[Table]:
    """Yields one table for each direction and condition."""
    modules = peers.load(peers.MSGPACK)
    for gc_on in (True, False):
        yield _unpacking(modules, effort, gc_on=gc_on)
    for cold in (False, True):
        yield _packing(modules, effort, cold=cold)


def _unpacking(modules: dict[str, Any], effort: Effort, *, gc_on: bool) -> Table:
    title = f"MessagePack unpack, GC {'on' if gc_on else 'off'}, MB/s"
    table = Table(title, megabytes_per_second)
    for name, value in documents().items():
        data = msgpack.encode(value)
        contenders = [
            *(Contender(peer, _unpacker(peer, module)) for peer, module in modules.items()),
            Contender("cannery.msgpack.decode", msgpack.decode),
        ]
        right = verified(contenders, data, partial(same, value), table, name)
        table.add(name, len(data), measure(right, data, gc_on=gc_on, effort=effort))
    return table


def _packing(modules: dict[str, Any], effort: Effort, *, cold: bool) -> Table:
    title = f"MessagePack pack, {'cold (fresh objects)' if cold else 'warm'}, MB/s"
    table = Table(title, megabytes_per_second)
    for name, value in documents().items():
        data = msgpack.encode(value)
        contenders = [
            *(Contender(peer, _packer(peer, module)) for peer, module in modules.items()),
            Contender("cannery.msgpack.encode", msgpack.encode),
        ]
        right = verified(contenders, value, partial(_reads_back, value), table, name)
        fresh = partial(stdlib.loads, stdlib.dumps(value)) if cold else None
        table.add(name, len(data), measure(right, value, fresh=fresh, effort=effort))
    return table


def documents() -> dict[str, Any]:
    """Returns the corpora as objects."""
    return {name: stdlib.loads(text) for name, text in corpora.json_documents().items()}


def _unpacker(name: str, module: Any) -> Callable[[bytes], Any]:
    return module.decode if name == "msgspec.msgpack" else module.unpackb


def _packer(name: str, module: Any) -> Callable[[Any], bytes]:
    return module.encode if name == "msgspec.msgpack" else module.packb


def _reads_back(value: Any, data: bytes) -> bool:
    return same(msgpack.decode(data), value)
