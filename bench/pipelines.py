"""What an import costs, steps that run and that are looked up, and bytes that reach the disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cannery import pipeline, step

from . import peers
from .harness import Contender, Effort, Table, measure, milliseconds, verified


def read() -> list[int]:
    """The first step of every contender."""
    return [3, 1, 2]


def order(numbers: list[int]) -> list[int]:
    """The second one, which takes what the first made."""
    return sorted(numbers)


def one_of_many(number: int) -> int:
    """A step that is called many times."""
    return number * 2


def many_bytes(size: int) -> bytes:
    """A step that makes one large value."""
    return bytes(range(256)) * (size // 256)


our_read, our_order = step(read), step(order)
our_one_of_many, our_many_bytes = step(one_of_many), step(many_bytes)

FIFTY, THOUSAND = 50, 1000
LARGE = 100 << 20


@pipeline
def tidy() -> Any:
    return our_order(our_read())


@pipeline
def repeat(count: int) -> Any:
    return [our_one_of_many(number) for number in range(count)]


@pipeline
def make_large(size: int) -> Any:
    return our_many_bytes(size)


def tables(effort: Effort) -> Iterator[Table]:
    """Yields wall-clock times: an import and a store are not CPU alone."""
    modules = peers.load(["joblib"])
    yield _imports(["cannery", *modules], effort)
    with tempfile.TemporaryDirectory() as folder:
        yield _two_steps(_runners(modules), Path(folder), effort)
        yield _fifty_steps(modules, Path(folder), effort)
        yield _to_the_disk(Path(folder), effort)


def _imports(names: list[str], effort: Effort) -> Table:
    table = Table("Import in a new interpreter, ms beyond starting it", milliseconds)

    def start(code: str, _: object = None) -> None:
        subprocess.run([sys.executable, "-I", "-c", code], check=True)

    contenders = [Contender("nothing", partial(start, "pass"))]
    contenders += [Contender(name, partial(start, f"import {name}")) for name in names]
    patient = Effort(seconds=effort.seconds * 5, rounds=effort.rounds * 4)
    figures = measure(contenders, clock=time.perf_counter_ns, effort=patient)
    nothing = figures.pop("nothing")
    table.add("import", 0, {name: seconds - nothing for name, seconds in figures.items()})
    return table


def _runners(modules: dict[str, Any]) -> list[Contender]:
    contenders = [Contender("cannery", _run_ours)]
    if joblib := modules.get("joblib"):
        contenders.append(Contender("joblib.Memory", partial(_run_joblib, joblib)))
    return contenders


def _run_ours(folder: Path) -> list[int]:
    os.environ["CANNERY_STORE"] = str(folder / "cannery")
    return tidy().output.load()


def _run_joblib(joblib: Any, folder: Path) -> list[int]:
    memory = joblib.Memory(folder / "joblib", verbose=0)
    return memory.cache(order)(memory.cache(read)())


def _two_steps(contenders: list[Contender], folder: Path, effort: Effort) -> Table:
    table = Table("Two steps and their result, ms", milliseconds)

    def new_folder() -> Path:
        return Path(tempfile.mkdtemp(dir=folder))

    right = verified(contenders, new_folder(), lambda result: result == [1, 2, 3], table, "all")
    timed = partial(measure, right, clock=time.perf_counter_ns, effort=effort)
    table.add("first run", 0, timed(fresh=new_folder))
    known = new_folder()
    for contender in right:
        contender.call(known)
    table.add("run again", 0, timed(known))
    return table


def _fifty_steps(modules: dict[str, Any], folder: Path, effort: Effort) -> Table:
    table = Table("Fifty steps, ms", milliseconds)

    def ours(at: Path) -> list[int]:
        steps = repeat.with_options(store=at / "cannery")(FIFTY).steps
        return [0 if each.cached else 1 for each in steps.values()]

    def joblib(at: Path) -> list[int]:
        function = modules["joblib"].Memory(at / "joblib", verbose=0).cache(one_of_many)
        return [function(number) for number in range(FIFTY)]

    contenders = [Contender("cannery", ours)]
    if "joblib" in modules:
        contenders.append(Contender("joblib.Memory", joblib))
    timed = partial(measure, contenders, clock=time.perf_counter_ns, effort=effort)
    table.add("first run", 0, timed(fresh=lambda: Path(tempfile.mkdtemp(dir=folder))))
    known = Path(tempfile.mkdtemp(dir=folder))
    for contender in contenders:
        contender.call(known)
    table.add("run again", 0, timed(known))
    return table


def _to_the_disk(folder: Path, effort: Effort) -> Table:
    """Compares runs with the files that they write, written plainly, hashed and synced once."""
    table = Table("Results that reach the disk, ms", milliseconds)
    new_folder = partial(tempfile.mkdtemp, dir=folder)

    def small(at: str) -> None:
        repeat.with_options(store=at)(THOUSAND)

    def large(at: str) -> None:
        make_large.with_options(store=at)(LARGE)

    timed = partial(measure, clock=time.perf_counter_ns, effort=effort, fresh=new_folder)
    for column, ours in (("1,000 small", small), ("100 MB", large)):
        written = _files_of(ours, new_folder())
        plain = Contender("files, hashed and synced once", partial(_write_files, written))
        table.add(column, 0, timed([Contender("cannery", ours), plain]))
    return table


def _files_of(run: Callable[[str], None], at: str) -> list[bytes]:
    """Returns the contents that a run keeps."""
    run(at)
    return [path.read_bytes() for path in (Path(at) / "objects").rglob("*") if path.is_file()]


def _write_files(contents: list[bytes], at: str) -> None:
    for number, content in enumerate(contents):
        path = Path(at) / str(number)
        path.write_bytes(content)
        hashlib.blake2b(content).digest()
    if len(contents) > 8:
        os.sync()
    else:
        _sync(Path(at), len(contents))


def _sync(folder: Path, count: int) -> None:
    for number in range(count):
        with (folder / str(number)).open("rb") as file:
            os.fsync(file.fileno())
