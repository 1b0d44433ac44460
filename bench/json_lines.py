"""JSONL: a file of events read as a stream, read and kept, and written."""

from __future__ import annotations

import json as stdlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cannery import jsonl

from . import corpora, json_text, peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second, same, verified


def tables(effort: Effort) -> Iterator[Table]:
    """Yields reading and writing of one large file; every peer goes line by line."""
    modules = peers.load(peers.JSON)
    size = 64_000_000 if effort.rounds > 2 else 8_000_000
    rows = corpora.json_rows(size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.jsonl")
        jsonl.write(path, rows)
        yield _reading("stream", _streams(modules), path, rows, effort)
        yield _reading("keep every row", _keeps(modules), path, rows, effort)
        yield _writing(modules, Path(folder, "written.jsonl"), rows, effort)


def _streams(modules: dict[str, Any]) -> list[Contender]:
    def count(rows: Iterable[Any]) -> int:
        return sum(1 for _ in rows)

    return _each_way(modules, count)


def _keeps(modules: dict[str, Any]) -> list[Contender]:
    return _each_way(modules, list)


def _each_way(modules: dict[str, Any], use: Callable[[Iterable[Any]], Any]) -> list[Contender]:
    """Every peer line by line, its own JSONL call where it has one, and ours."""

    def by_line(loads: Callable[[bytes], Any]) -> Callable[[Path], Any]:
        def run(path: Path) -> Any:
            with path.open("rb") as lines:
                return use(loads(line) for line in lines)

        return run

    peers_by_line = json_text.readers(modules, "", stdlib.loads)[:-1]
    contenders = [Contender(peer.name, by_line(peer.call)) for peer in peers_by_line]
    if fastsimdjson := modules.get("fastsimdjson"):
        loads_many = fastsimdjson.loads_many
        contenders.append(
            Contender("fastsimdjson.loads_many", lambda path: use(loads_many(path.read_bytes())))
        )
    if msgspec := modules.get("msgspec.json"):
        decode_lines = msgspec.Decoder().decode_lines
        contenders.append(
            Contender("msgspec decode_lines", lambda path: use(decode_lines(path.read_bytes())))
        )
    return [*contenders, Contender("cannery.jsonl.read", lambda path: use(jsonl.read(path)))]


def _reading(
    title: str, contenders: list[Contender], path: Path, rows: list, effort: Effort
) -> Table:
    size = path.stat().st_size
    column = f"events, {size / 1e6:.0f} MB"
    table = Table(f"JSONL read, {title}, MB/s", megabytes_per_second)
    right = verified(contenders, path, partial(_is_all, rows), table, column)
    table.add(column, size, measure(right, path, effort=effort))
    return table


def _writers(modules: dict[str, Any], path: Path) -> list[Contender]:
    def by_line(dumps: Callable[[Any], bytes]) -> Callable[[list], None]:
        def run(rows: list) -> None:
            with path.open("wb") as file:
                file.writelines(dumps(row) + b"\n" for row in rows)

        return run

    peers_by_line = json_text.writers(modules)[:-1]
    contenders = [Contender(peer.name, by_line(peer.call)) for peer in peers_by_line]
    if fastsimdjson := modules.get("fastsimdjson"):
        dumpb_many = fastsimdjson.dumpb_many
        contenders.append(
            Contender("fastsimdjson.dumpb_many", lambda rows: path.write_bytes(dumpb_many(rows)))
        )
    if msgspec := modules.get("msgspec.json"):
        encode_lines = msgspec.Encoder().encode_lines
        contenders.append(
            Contender("msgspec encode_lines", lambda rows: path.write_bytes(encode_lines(rows)))
        )
    return [*contenders, Contender("cannery.jsonl.write", lambda rows: jsonl.write(path, rows))]


def _writing(modules: dict[str, Any], path: Path, rows: list, effort: Effort) -> Table:
    contenders = _writers(modules, path)
    table = Table("JSONL write, MB/s", megabytes_per_second)
    size = sum(len(json_text.compact(row)) + 1 for row in rows)
    column = f"events, {size / 1e6:.0f} MB"

    right = verified(contenders, rows, lambda _: _has_lines(path, rows), table, column)
    table.add(column, size, measure(right, rows, effort=effort))
    return table


def _is_all(rows: list, result: int | list) -> bool:
    return result == len(rows) if isinstance(result, int) else same(result, rows)


def _has_lines(path: Path, rows: list) -> bool:
    with path.open("rb") as lines:
        return same([stdlib.loads(line) for line in lines], rows)
