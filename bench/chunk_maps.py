"""A table larger than memory: preprocessed in chunks, beside a plain loop, polars and dask.

Each contender is a process of its own: wall time and peak memory of all its processes, modules and
all. `CANNERY_BENCH_MB=5000` makes the table that large.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .harness import Effort, Table, megabytes, megabytes_per_second

PRELUDE = """
import json, os, resource, sys, time
import cannery
from cannery import jsonl

source, target = sys.argv[1:]

def features(rows):
    return [
        {
            **row,
            "speed": row["km"] / row["hours"],
            "long": row["km"] > 500,
            "note": row["note"].upper(),
        }
        for row in rows
        if row["hours"] > 0.02
    ]

def report(seconds, workers):
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    each = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps([seconds, (own + workers * each) / 1e3]))
"""

LOOP = """
def run():
    def mapped():
        block = []
        for row in jsonl.read(source):
            block.append(row)
            if len(block) == 20_000:
                yield from features(block)
                block = []
        yield from features(block)
    jsonl.write(target, mapped())
"""

MAP = """
def run():
    cannery.map_chunks(features, source, target, rows=20_000, workers={workers})
"""

POLARS = """
def run():
    import polars as pl
    frame = pl.scan_ndjson(source).filter(pl.col("hours") > 0.02).with_columns(
        speed=pl.col("km") / pl.col("hours"), long=pl.col("km") > 500,
        note=pl.col("note").str.to_uppercase(),
    )
    frame.sink_ndjson(target)
"""

DASK = """
def run():
    import dask.bag
    lines = dask.bag.read_text(source, blocksize="16MiB").map(json.loads)
    lines = lines.map_partitions(lambda rows: features(list(rows))).map(json.dumps)
    lines.to_textfiles(target + ".*")
"""

MAIN = """
if __name__ == "__main__":
    started = time.perf_counter()
    run()
    report(time.perf_counter() - started, {workers})
"""


def tables(effort: Effort) -> Iterator[Table]:
    """Yield how quick each is, and the memory that it takes."""
    size = int(os.environ.get("CANNERY_BENCH_MB", 500 if effort.rounds > 2 else 20)) * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "trips.jsonl")
        rows = write_table(source, size)
        column = f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB"
        speed = Table("chunks: preprocess JSON Lines, MB/s of wall time", megabytes_per_second)
        memory = Table("chunks: peak memory of all processes, MB", megabytes)
        figures = {name: run(code, source, workers) for name, code, workers in contenders()}
        size = source.stat().st_size
        speed.add(column, size, {name: seconds for name, (seconds, _) in figures.items()})
        memory.add(column, size, {name: peak for name, (_, peak) in figures.items()})
        yield speed
        yield memory


def contenders() -> Iterator[tuple[str, str, int]]:
    """Yield names, programs and how many processes they start."""
    cpus = os.cpu_count() or 1
    yield "a plain loop", LOOP, 0
    if find_spec("polars"):
        yield "polars, streaming", POLARS, 0
    if find_spec("dask"):
        yield "dask.bag", DASK, cpus
    yield "cannery.map_chunks, this process", MAP.format(workers=0), 0
    yield f"cannery.map_chunks, {cpus} workers", MAP.format(workers=cpus), cpus


def write_table(path: Path, size: int) -> int:
    """Write rows until the file has that many bytes; return how many there are."""
    rows = 0
    with path.open("w") as file:
        while file.tell() < size:
            for _ in range(10_000):
                row = {
                    "id": rows,
                    "km": rows % 1009 / 1.7,
                    "hours": rows % 97 / 96,
                    "stop": f"stop {rows % 4001}",
                    "note": "a note of some length, as people write them",
                }
                file.write(json.dumps(row) + "\n")
                rows += 1
    return rows


def run(code: str, source: Path, workers: int) -> tuple[float, float]:
    """Run a contender; return seconds and megabytes."""
    program = source.with_name("program.py")
    program.write_text(textwrap.dedent(PRELUDE + code + MAIN.format(workers=workers)))
    target = source.with_name("target.jsonl")
    command = [sys.executable, str(program), str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for path in source.parent.glob("target*"):
        path.unlink()
    seconds, peak = json.loads(done.stdout)
    return seconds, peak
