"""Peak memory of reading and writing one large JSON document, each in a process of its own."""

from __future__ import annotations

import json as stdlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import corpora, memory, peers
from .harness import Effort, Table, megabytes

READ = {
    "json": "json.loads(data)",
    "orjson": "orjson.loads(data)",
    "ssrjson": "ssrjson.loads(data)",
    "fastsimdjson": "fastsimdjson.loads(data)",
    "yjson": "yjson.loads(data)",
    "msgspec.json": "msgspec.json.decode(data)",
    "cannery.json": "cannery.json.decode(data)",
}
WRITE = {
    "json": 'json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()',
    "orjson": "orjson.dumps(value)",
    "ssrjson": "ssrjson.dumps_to_bytes(value)",
    "fastsimdjson": "fastsimdjson.dumpb(value)",
    "yjson": "yjson.dumps(value)",
    "msgspec.json": "msgspec.json.encode(value)",
    "cannery.json": "cannery.json.encode(value)",
}


def tables(effort: Effort) -> Iterator[Table]:
    """Yields the peak beyond the input, which is in memory before."""
    size = 64_000_000 if effort.rounds > 2 else 8_000_000
    installed = {"json", "cannery.json", *peers.load(peers.JSON)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.json")
        path.write_text(stdlib.dumps(corpora.json_rows(size)))
        load = f"data = open({str(path)!r}, 'rb').read()"
        parse = f"import json\nvalue = json.load(open({str(path)!r}))"
        yield _table("read, the result included", load, READ, path, installed)
        yield _table("write, the result included", parse, WRITE, path, installed)


def _table(
    title: str, prepare: str, calls: dict[str, str], path: Path, installed: set[str]
) -> Table:
    size = path.stat().st_size
    table = Table(f"JSON peak memory, {title}, MB", megabytes)
    figures = {
        name: memory.peak(f"import {name}\n{prepare}", f"result = {call}")
        for name, call in calls.items()
        if name in installed
    }
    table.add(f"events, {size / 1e6:.0f} MB", size, figures)
    return table
