"""Pickle: six workloads beside `_pickle` and the libraries that stand on it, or replace it.

Reading, writing, peak memory, and the speed of scanning.
"""

from __future__ import annotations

import _pickle
import gc
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from cannery import pickle as ours

from . import memory, peers, scan
from .harness import Contender, Effort, Table, measure, megabytes, milliseconds, verified

#: Whom the goals name; the others are shown beside it.
REFERENCE = "_pickle"


@dataclass
class Point:
    """A small object inside another."""

    x: float
    y: float


@dataclass
class Item:
    """What people pickle by the hundred thousand."""

    id: int
    name: str
    at: Point
    tags: list[str]


#: What skops is asked for: it is hundreds of times slower than the others on anything else.
ONLY = {"skops.io": ("array", "forest")}

#: Whose memory is measured; cloudpickle and dill read with `_pickle`.
MEMORY = ("_pickle", "cloudpickle", "pyfory")

#: What the reader with a policy is told for each workload.
TRUST: dict[str, dict[str, Any]] = {
    "objects": {"trust": [Item, Point]},
    "forest": {"profile": "sklearn"},
    "frame": {"profile": "pandas"},
}


def dicts(count: int) -> Any:
    tags = ["a", "b"]
    return [
        {"id": i, "name": f"user{i % 1024}", "score": i * 0.5, "tags": tags, "at": (i, i + 1)}
        for i in range(count)
    ]


def objects(count: int) -> Any:
    tags = ["a", "b"]
    return [Item(i, f"user{i % 1024}", Point(i * 0.5, i * 0.25), tags) for i in range(count)]


def strings(count: int) -> Any:
    names = [f"name{i}" for i in range(1000)]
    return [names[i % 1000] if i % 2 else f"text{i}" for i in range(count * 5)]


def array(count: int) -> Any:
    import numpy as np

    return np.random.default_rng(0).random(count * 131)


def forest(count: int) -> Any:
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    made = np.random.default_rng(0).random((max(count // 100, 100), 20))
    model = RandomForestClassifier(100, n_jobs=1, random_state=0)
    return model.fit(made, made[:, 0] + made[:, 1] * made[:, 2] > 0.7)


def frame(count: int) -> Any:
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"f{i}": random.random(count * 5) for i in range(10)}
    columns["i0"] = random.integers(0, 1000, count * 5)
    columns["s"] = np.array([f"s{i % 1000}" for i in range(count * 5)], dtype=object)
    return pd.DataFrame(columns)


WORKLOADS = {each.__name__: each for each in (dicts, objects, strings, array, forest, frame)}


def tables(effort: Effort) -> Iterator[Table]:
    """Yields tables for reading, collector on and off, for writing, memory and scanning."""
    count = 100_000 if effort.rounds > 2 else 5_000
    modules = peers.load(peers.PICKLE)
    titles = ("loads, GC on", "loads, GC off", "dumps")
    made = [Table(f"pickle {title}, ms", milliseconds, against=REFERENCE) for title in titles]
    for name, make in WORKLOADS.items():
        try:
            value = make(count)
        except ImportError as error:
            made[0].complaints.append(f"- {name} is left out: {error}")
            continue
        codecs = {peer: codec(peer, module, name) for peer, module in modules.items()}
        codecs = {peer: found for peer, found in codecs.items() if name in ONLY.get(peer, [name])}
        codecs["cannery.pickle"] = codec("cannery.pickle", ours, name)
        _read(made[:2], name, value, codecs, effort)
        _write(made[2], name, value, codecs, effort)
        del value
        gc.collect()
    yield from made
    yield from _memory([name for name in MEMORY if name in modules], made[0].columns, count)
    yield from scan.tables(effort)


Codec = tuple[Callable[[Any], bytes], Callable[[bytes], Any]]


def codec(name: str, module: ModuleType, workload: str) -> Codec:
    """Returns two functions: from an object to bytes, and back."""
    if name == "cannery.pickle":
        trusting = partial(module.loads, **TRUST.get(workload, {}))
        return partial(module.dumps, protocol=5), trusting
    if name == "pyfory":
        limits = {"max_graph_memory_bytes": 1 << 33, "max_unbacked_container_items": 1 << 30}
        fory = module.Fory(xlang=False, ref=True, strict=False, **limits)
        return fory.serialize, fory.deserialize
    if name == "skops.io":
        return module.dumps, lambda data: module.loads(
            data, trusted=module.get_untrusted_types(data=data)
        )
    return partial(module.dumps, protocol=5), module.loads


def _read(
    made: list[Table], name: str, value: Any, codecs: dict[str, Codec], effort: Effort
) -> None:
    """Those who read the same bytes take turns; a format of its own is timed by itself."""
    groups: dict[bytes, list[Contender]] = {}
    for peer, (dumps, loads) in codecs.items():
        try:
            groups.setdefault(dumps(value), []).append(Contender(peer, loads))
        except Exception as error:
            complaint = f"- {peer} on {name}, not timed: {type(error).__name__}: {error}"
            made[0].complaints.append(complaint[:160])
    size = min(map(len, groups))
    for data, contenders in groups.items():
        right = verified(contenders, data, partial(same_pickle, value), made[0], name)
        for table, gc_on in zip(made, (True, False), strict=True):
            table.add(name, size, measure(right, data, gc_on=gc_on, effort=effort))


def _write(table: Table, name: str, value: Any, codecs: dict[str, Codec], effort: Effort) -> None:
    right = []
    for peer, (dumps, loads) in codecs.items():
        is_right = partial(_reads_back, value, loads)
        right += verified([Contender(peer, dumps)], value, is_right, table, name)
    table.add(name, 0, measure(right, value, effort=effort))


def _reads_back(value: Any, loads: Callable[[bytes], Any], data: bytes) -> bool:
    return same_pickle(value, loads(data))


def same_pickle(value: Any, result: Any) -> bool:
    """Compares as `_pickle` sees it: arrays and models have no `==` that answers."""
    return type(result) is type(value) and _flat(result) == _flat(value)


def _flat(value: Any) -> bytes:
    """Returns bytes that are equal for equal values, whatever those share."""
    file = io.BytesIO()
    pickler = _pickle.Pickler(file, 4)
    pickler.fast = True
    pickler.dump(value)
    return file.getvalue()


_SETUP = """
from pathlib import Path
from bench import peers
from bench.pickle_objects import codec
import cannery.pickle, pickle
module = cannery.pickle if {peer!r} == "cannery.pickle" else peers.load([{peer!r}])[{peer!r}]
dumps, loads = codec({peer!r}, module, {workload!r})
data = Path({path!r}).read_bytes()
"""


def _memory(installed: list[str], workloads: Iterable[str], count: int) -> Iterator[Table]:
    """Yields peaks of memory, each in a process of its own."""
    reading = Table("pickle peak memory of loads, the result included, MB", megabytes)
    writing = Table("pickle peak memory of dumps, the bytes included, MB", megabytes)
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads:
            _peaks(reading, writing, [*installed, "cannery.pickle"], workload, folder, count)
    yield reading
    yield writing


def _peaks(
    reading: Table, writing: Table, names: list[str], workload: str, folder: str, count: int
) -> None:
    value = WORKLOADS[workload](count)
    for peer in names:
        module = ours if peer == "cannery.pickle" else peers.load([peer])[peer]
        try:
            data = codec(peer, module, workload)[0](value)
            path = Path(folder, f"{workload}.{peer}")
            path.write_bytes(data)
            setup = _SETUP.format(peer=peer, workload=workload, path=str(path))
            # What a first call imports is no part of the peak.
            warm = f"{setup}\nloads(data)"
            reading.add(workload, len(data), {peer: memory.peak(warm, "result = loads(data)")})
            ready = f"{setup}\nvalue = loads(data)\ndumps(value)"
            writing.add(workload, len(data), {peer: memory.peak(ready, "result = dumps(value)")})
        except Exception as error:
            complaint = f"- {peer} on {workload}: {type(error).__name__}: {error}"
            reading.complaints.append(complaint[:160])
