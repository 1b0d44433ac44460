"""First contact: what an import costs, and two steps that run, and that are looked up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


our_read, our_order = step(read), step(order)


@pipeline
def tidy() -> Any:
    return our_order(our_read())


def tables(effort: Effort) -> Iterator[Table]:
    """Yields wall-clock times: an import and a store are not CPU alone."""
    modules = peers.load(["joblib"])
    yield _imports(["cannery", *modules], effort)
    with tempfile.TemporaryDirectory() as folder:
        yield _two_steps(_runners(modules), Path(folder), effort)


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
