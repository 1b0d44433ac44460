"""Peak memory of reading and writing large JSON and JSONL, each in a process of its own."""

from __future__ import annotations

import json as stdlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cannery import jsonl

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

#: From an open binary file, and to one.
LOAD = {
    "json": "json.load(file)",
    "orjson": "orjson.loads(file.read())",
    "msgspec.json": "msgspec.json.decode(file.read())",
    "cannery.json": "cannery.json.load(file)",
}
DUMP = {
    "json": "json.dump(value, io.TextIOWrapper(file))",
    "orjson": "file.write(orjson.dumps(value))",
    "msgspec.json": "file.write(msgspec.json.encode(value))",
    "cannery.json": "cannery.json.dump(value, file)",
}
#: The value goes through a generator: what it takes is not counted, for it is there before.
DUMP_ITERATOR = {
    "json": "json.dump(list(row for row in value), io.TextIOWrapper(file))",
    "orjson": "file.write(orjson.dumps(list(row for row in value)))",
    "cannery.json": "cannery.json.dump((row for row in value), file)",
}
READ_LINES = {
    "json": "[None for line in file if json.loads(line) is None]",
    "orjson": "[None for line in file if orjson.loads(line) is None]",
    "msgspec.json": "len(msgspec.json.Decoder().decode_lines(file.read()))",
    "cannery.jsonl": "[None for row in cannery.jsonl.read(file) if row is None]",
}
WRITE_LINES = {
    "json": "[file.write(json.dumps(row).encode() + b'\\n') for row in value]",
    "msgspec.json": "file.write(msgspec.json.Encoder().encode_lines(value))",
    "cannery.jsonl": "cannery.jsonl.write(file, (row for row in value))",
}


def tables(effort: Effort) -> Iterator[Table]:
    """Yields the peak beyond the input, which is in memory before."""
    size = 64_000_000 if effort.rounds > 2 else 8_000_000
    installed = {"json", "cannery.json", "cannery.jsonl", *peers.load(peers.JSON)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.json")
        path.write_text(stdlib.dumps(corpora.json_rows(size)))
        load = f"data = open({str(path)!r}, 'rb').read()"
        parse = f"import json\nvalue = json.load(open({str(path)!r}))"
        yield _table("read, the result included", load, READ, path, installed)
        yield _table("write, the result included", parse, WRITE, path, installed)
        read = f"file = open({str(path)!r}, 'rb')"
        write = f"import io\n{parse}\nfile = open({str(Path(folder, 'out'))!r}, 'wb')"
        yield _table("load from a file, the result included", read, LOAD, path, installed)
        yield _table("dump to a file", write, DUMP, path, installed)
        yield _table("dump what a generator yields", write, DUMP_ITERATOR, path, installed)
        lines = Path(folder, "events.jsonl")
        jsonl.write(lines, corpora.json_rows(size))
        read = f"file = open({str(lines)!r}, 'rb')"
        yield _table("read JSONL, row by row", read, READ_LINES, lines, installed)
        yield _table("write JSONL, row by row", write, WRITE_LINES, lines, installed)


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
