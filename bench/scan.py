"""Scanning: small objects and a large array, against the scanners and a mere read of the file."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import cannery

from . import peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second

#: A scanner, and the standard library's mere walk over the opcodes.
PEERS = ("picklescan.scanner", "pickletools")


def tables(effort: Effort) -> Iterator[Table]:
    """Yields a table for small objects, and one for an array."""
    rows = 400_000 if effort.rounds > 2 else 20_000
    modules = peers.load(PEERS)
    with TemporaryDirectory() as folder:
        # The peers take half a minute on the larger file.
        for count, others in ((rows // 10, modules), (rows, {})):
            small = Path(folder, f"{count}.pkl")
            small.write_bytes(pickle.dumps([_row(i) for i in range(count)], 5))
            yield _table(f"{count} small objects", small, others, effort)
        large = Path(folder, "array.pkl")
        large.write_bytes(pickle.dumps({"weights": bytes(rows * 256)}, 5))
        yield _table("a large array", large, {}, effort)


def _row(i: int) -> dict[str, Any]:
    tags = ["a", "b"]
    return {"id": i, "name": f"user{i % 1000}", "score": i * 0.5, "tags": tags, "at": (i, i + 1)}


def _table(title: str, path: Path, modules: dict[str, ModuleType], effort: Effort) -> Table:
    table = Table(f"scan {title}, MB/s", megabytes_per_second)
    contenders = [
        *([] if modules else [Contender("read the file", Path.read_bytes)]),
        *(Contender(name, _peer(name, module)) for name, module in modules.items()),
        Contender("cannery.scan", _scan),
    ]
    size = path.stat().st_size
    table.add(f"{size / 1e6:.0f} MB", size, measure(contenders, path, effort=effort))
    return table


def _scan(path: Path) -> object:
    report = cannery.scan(path)
    if report.verdict != "ok":
        raise ValueError(report.findings)
    return report


def _peer(name: str, module: ModuleType) -> Any:
    if name == "pickletools":
        return lambda path: sum(1 for _ in module.genops(path.read_bytes()))
    return lambda path: module.scan_bytes(io.BytesIO(path.read_bytes()), path)
