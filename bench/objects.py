"""Any object: which types come back as they were, and how fast large ones do."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import cannery

from . import peers
from .harness import Contender, Effort, Table, measure, milliseconds
from .object_types import KINDS, Kind

PEERS = (
    "json", "orjson", "msgspec", "cattrs", "mashumaro.codecs.json", "pydantic", "srsly",
    "jsonpickle", "skops.io", "safetensors.numpy",
)  # fmt: skip

#: Through a library and back: of the value and its annotation.
Trip = Callable[[Any, Any], Any]


def tables(effort: Effort) -> Iterator[Table | KeptTable]:
    """Yields the table of types, then one for each of a few large objects."""
    yield _kept()
    with TemporaryDirectory() as folder:
        yield _instances(effort)
        yield _few_instances(effort)
        yield from _arrays(Path(folder), effort)
        yield from _frames(Path(folder), effort)


# Which types come back.


@dataclasses.dataclass
class KeptTable:
    """What became of each type with each library: kept, refused, or changed without a word."""

    outcomes: dict[str, dict[str, str]]

    def lines(self) -> Iterator[str]:
        """Yield the counts, and the types that are changed."""
        yield f"### {len(KINDS)} types there and back, without code for them"
        yield ""
        yield "| | lossless | refused | changed silently | crashed | changed |"
        yield "|---|---:|---:|---:|---:|---|"
        ranked = sorted(self.outcomes.items(), key=lambda row: -_count(row[1], "kept"))
        for name, outcomes in ranked:
            changed = [each for each, outcome in outcomes.items() if outcome == "changed"]
            shown = ", ".join(changed[:6]) + (", ..." if len(changed) > 6 else "")
            counts = [_count(outcomes, each) for each in ("kept", "refused", "changed", "crashed")]
            yield f"| {name} | {' | '.join(map(str, counts))} | {shown} |"

    def record(self) -> dict[str, Any]:
        """Return what a program reads later."""
        return {"title": "types", "outcomes": self.outcomes}


def _count(outcomes: dict[str, str], wanted: str) -> int:
    return Counter(outcomes.values())[wanted]


def _kept() -> KeptTable:
    modules = peers.load(PEERS)
    names = ["cannery", *(name.partition(".")[0] for name in modules)]
    return KeptTable({name: _outcomes(name) for name in names})


def _outcomes(library: str) -> dict[str, str]:
    """What became of each type, found out by processes of their own: some peers end theirs."""
    outcomes: dict[str, str] = {}
    while len(outcomes) < len(KINDS):
        command = [sys.executable, "-m", "bench.objects", library, str(len(outcomes))]
        child = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        outcomes |= dict(line.split("\t") for line in child.stdout.splitlines())
        if len(outcomes) < len(KINDS):
            outcomes[list(KINDS)[len(outcomes)]] = "crashed"
    return outcomes


def _try_from(library: str, start: int) -> None:
    """Prints the outcomes of all types from one on."""
    warnings.simplefilter("ignore")
    trip = _through_cannery if library == "cannery" else _trips(peers.load(PEERS))[library]
    for name in list(KINDS)[start:]:
        print(name, _outcome(trip, KINDS[name]), sep="\t", flush=True)


def _outcome(trip: Trip, kind: Kind) -> str:
    value = kind.make()
    try:
        back = trip(value, kind.annotation)
    except (Exception, RecursionError):
        return "refused"
    try:
        return "kept" if kind.same(value, back) else "changed"
    except Exception:
        return "changed"


def _through_cannery(value: Any, _: Any) -> Any:
    return cannery.loads(cannery.dumps(value, "can"), trust=[f"{__package__}.object_types.*"])


def _trips(modules: dict[str, ModuleType]) -> dict[str, Trip]:
    makers: dict[str, Callable[[Any], Trip]] = {
        "json": lambda json: lambda value, _: json.loads(json.dumps(value)),
        "orjson": lambda orjson: lambda value, _: orjson.loads(orjson.dumps(value)),
        "msgspec": _of_msgspec,
        "cattrs": _of_cattrs,
        "mashumaro.codecs.json": _of_mashumaro,
        "pydantic": _of_pydantic,
        "srsly": lambda srsly: lambda value, _: srsly.msgpack_loads(srsly.msgpack_dumps(value)),
        "jsonpickle": lambda jp: lambda value, _: jp.decode(jp.encode(value)),
        "skops.io": lambda skops: lambda value, _: skops.loads(skops.dumps(value)),
        "safetensors.numpy": _of_safetensors,
    }
    return {name.partition(".")[0]: makers[name](module) for name, module in modules.items()}


def _of_msgspec(msgspec: Any) -> Trip:
    return lambda value, kind: msgspec.json.decode(msgspec.json.encode(value), type=kind)


def _of_cattrs(_: Any) -> Trip:
    from cattrs.preconf.json import make_converter

    converter = make_converter()
    return lambda value, kind: converter.loads(converter.dumps(value, kind), kind)


def _of_mashumaro(codecs: Any) -> Trip:
    return lambda value, kind: codecs.JSONDecoder(kind).decode(
        codecs.JSONEncoder(kind).encode(value)
    )


def _of_pydantic(pydantic: Any) -> Trip:
    def trip(value: Any, kind: Any) -> Any:
        adapter = pydantic.TypeAdapter(kind)
        return adapter.validate_json(adapter.dump_json(value))

    return trip


def _of_safetensors(safetensors: Any) -> Trip:
    return lambda value, _: safetensors.load(safetensors.save({"value": value}))["value"]


# How fast large ones do.


@dataclasses.dataclass
class Point:
    x: float
    y: float
    name: str
    tags: list[str]


def _instances(effort: Effort) -> Table:
    count = 100_000 if effort.rounds > 2 else 5_000
    points = [Point(i * 0.5, i + 0.25, f"point {i}", ["a", "b"]) for i in range(count)]
    table = Table(f"{count} dataclass instances, ms", milliseconds)
    trust = [Point]
    dumped, pickled = cannery.dumps(points, "can"), pickle.dumps(points, 5)
    assert cannery.loads(dumped, trust=trust) == points
    dumpers = [
        Contender("pickle", partial(pickle.dumps, protocol=5)),
        Contender("cannery .can", partial(cannery.dumps, format="can")),
        Contender("cannery json", cannery.dumps),
    ]
    loaders = [
        Contender("pickle", lambda _: pickle.loads(pickled)),
        Contender("cannery .can", lambda _: cannery.loads(dumped, trust=trust)),
    ]
    table.add("dump", len(dumped), measure(dumpers, points, effort=effort))
    table.add("load", len(dumped), measure(loaders, effort=effort))
    return table


def _few_instances(effort: Effort) -> Table:
    """So few that the peers that take any object, too, are done within seconds."""
    points = [Point(i * 0.5, i + 0.25, f"point {i}", ["a", "b"]) for i in range(2_000)]
    table = Table(f"{len(points)} dataclass instances, ms", milliseconds)
    trust = [f"{__name__}.Point"]
    dump: dict[str, Callable[[Any], Any]] = {
        "pickle": partial(pickle.dumps, protocol=5),
        "cannery .can": partial(cannery.dumps, format="can"),
    }
    load: dict[str, Callable[[Any], Any]] = {
        "pickle": pickle.loads,
        "cannery .can": partial(cannery.loads, trust=trust),
    }
    modules = peers.load(["skops.io", "jsonpickle"])
    if skops := modules.get("skops.io"):
        dump["skops"], load["skops"] = skops.dumps, partial(skops.loads, trusted=trust)
    if jsonpickle := modules.get("jsonpickle"):
        dump["jsonpickle"], load["jsonpickle"] = jsonpickle.encode, jsonpickle.decode
    saved = {name: dumped(points) for name, dumped in dump.items()}
    assert all(load[name](data) == points for name, data in saved.items())
    size = len(saved["cannery .can"])
    dumpers = [Contender(name, dumped) for name, dumped in dump.items()]
    table.add("dump", size, measure(dumpers, points, effort=effort))
    loaders = [Contender(name, lambda _, name=name: load[name](saved[name])) for name in load]
    table.add("load", size, measure(loaders, effort=effort))
    return table


def _arrays(folder: Path, effort: Effort) -> Iterator[Table]:
    numpy = peers.load(["numpy"]).get("numpy")
    if numpy is None:
        return
    count = 26_250_000 if effort.rounds > 2 else 500_000
    array = numpy.random.default_rng(0).random(count, dtype="f4")
    table = Table(
        f"{array.nbytes / 1e6:.0f} MB array to a file and back, ms of wall time", milliseconds
    )
    paths = {name: folder / f"array.{name}" for name in ("npy", "pickle", "can")}
    dumpers = [
        Contender("np.save", lambda _: numpy.save(paths["npy"], array)),
        Contender("pickle", lambda _: _pickled(array, paths["pickle"])),
        Contender("cannery .can", lambda _: cannery.dump(array, paths["can"])),
    ]
    loaders = [
        Contender("np.load", lambda _: numpy.load(paths["npy"])),
        Contender("pickle", lambda _: _unpickled(paths["pickle"])),
        Contender("cannery .can", lambda _: cannery.load(paths["can"])),
    ]
    yield _timed(table, dumpers, loaders, array.nbytes, effort)
    assert (cannery.load(paths["can"]) == array).all()


def _frames(folder: Path, effort: Effort) -> Iterator[Table]:
    pandas = peers.load(["pandas"]).get("pandas")
    if pandas is None:
        return
    frame = _frame(pandas, 1_000_000 if effort.rounds > 2 else 20_000)
    size = int(frame.memory_usage(deep=True).sum())
    table = Table(f"{len(frame)}-row DataFrame to a file and back, ms of wall time", milliseconds)
    paths = {name: folder / f"frame.{name}" for name in ("parquet", "feather", "pickle", "can")}
    dumpers = [
        Contender("pickle", lambda _: _pickled(frame, paths["pickle"])),
        Contender("feather", lambda _: frame.to_feather(paths["feather"])),
        Contender("parquet", lambda _: frame.to_parquet(paths["parquet"])),
        Contender("cannery .can", lambda _: cannery.dump(frame, paths["can"])),
    ]
    loaders = [
        Contender("pickle", lambda _: _unpickled(paths["pickle"])),
        Contender("feather", lambda _: pandas.read_feather(paths["feather"])),
        Contender("parquet", lambda _: pandas.read_parquet(paths["parquet"])),
        Contender("cannery .can", lambda _: cannery.load(paths["can"])),
    ]
    yield _timed(table, dumpers, loaders, size, effort)
    pandas.testing.assert_frame_equal(cannery.load(paths["can"]), frame)


def _frame(pandas: Any, rows: int) -> Any:
    import numpy as np

    random = np.random.default_rng(0)
    return pandas.DataFrame(
        {
            "id": np.arange(rows),
            "score": random.random(rows),
            "label": random.integers(0, 9, rows).astype("i2"),
            "when": pandas.date_range("2026", periods=rows, freq="s"),
            "name": [f"row {i % 1000}" for i in range(rows)],
            "kind": pandas.Categorical.from_codes(random.integers(0, 3, rows), ["a", "b", "c"]),
        }
    )


def _pickled(value: Any, path: Path) -> None:
    with path.open("wb") as file:
        pickle.dump(value, file, 5)


def _unpickled(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _timed(
    table: Table, dumpers: list[Contender], loaders: list[Contender], size: int, effort: Effort
) -> Table:
    for column, contenders in (("dump", dumpers), ("load", loaders)):
        figures = measure(contenders, clock=time.perf_counter_ns, effort=effort)
        table.add(column, size, figures)
    return table


if __name__ == "__main__":
    _try_from(sys.argv[1], int(sys.argv[2]))
