"""Small values through memory: how fast next to `pickle`, which everybody has."""

from __future__ import annotations

import dataclasses
import datetime
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import cannery

from . import peers
from .harness import Effort

FORMATS = ("can", "json", "msgpack")


@dataclasses.dataclass
class Optimizer:
    """Part of a configuration."""

    name: str = "adam"
    rate: float = 3e-4
    betas: tuple[float, float] = (0.9, 0.999)


@dataclasses.dataclass
class Config:
    """A configuration, as a step takes it."""

    name: str
    epochs: int
    optimizer: Optimizer
    layers: list[int]
    tags: dict[str, str]
    started: datetime.datetime


def _config() -> Config:
    started = datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.UTC)
    return Config("run 7", 20, Optimizer(), [64, 128, 256], {"team": "vision"}, started)


def _record() -> dict[str, Any]:
    return {"id": 7, "name": "box", "score": 0.5, "tags": ["a", "b"], "size": (3, 4), "none": None}


def _moments() -> list[datetime.datetime]:
    start = datetime.datetime(2026, 1, 1)
    return [start + datetime.timedelta(seconds=at) for at in range(100_000)]


VALUES: dict[str, Callable[[], Any]] = {
    "dict": _record,
    "config dataclass": _config,
    "100k datetimes": _moments,
    "100k floats": lambda: [at / 7 for at in range(100_000)],
    "100k ints": lambda: list(range(100_000)),
}
"""Values of Python's own types, by name."""


def _values() -> dict[str, Callable[[], Any]]:
    values = dict(VALUES)
    if numpy := peers.load(["numpy"]).get("numpy"):
        values["200 small arrays"] = lambda: [numpy.arange(at % 9 + 1) * 0.5 for at in range(200)]
    if "sklearn" in peers.load(["sklearn"]):
        values["forest of 20 trees"] = _forest
    return values


def _forest() -> Any:
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    features, labels = make_classification(200, 8, random_state=0)
    return RandomForestClassifier(20, random_state=0).fit(features, labels)


@dataclasses.dataclass
class RatioTable:
    """How fast each format is, in parts of `pickle`'s speed, writing and reading."""

    ratios: dict[str, dict[str, tuple[float, float]]]

    def lines(self) -> Iterator[str]:
        """Yield a row for each value: the ratios of the formats."""
        yield "### Small values through memory, in parts of pickle's speed (dumps / loads)"
        yield ""
        yield f"| | {' | '.join(FORMATS)} |"
        yield f"|---|{'---:|' * len(FORMATS)}"
        for name, row in self.ratios.items():
            cells = [f"{row[each][0]:.2f} / {row[each][1]:.2f}" for each in FORMATS]
            yield f"| {name} | {' | '.join(cells)} |"

    def record(self) -> dict[str, Any]:
        """Return what a program reads later."""
        return {"title": "small values", "ratios": self.ratios}


def tables(effort: Effort) -> Iterator[RatioTable]:
    """Yield the table of ratios."""
    yield RatioTable({name: _ratios(make(), effort) for name, make in _values().items()})


def _ratios(value: Any, effort: Effort) -> dict[str, tuple[float, float]]:
    trust = [Config, Optimizer]
    pickled = pickle.dumps(value, 5)
    calls: dict[str, Callable[[], Any]] = {
        "pickle dumps": lambda: pickle.dumps(value, 5),
        "pickle loads": lambda: pickle.loads(pickled),
    }
    for each in FORMATS:
        data = cannery.dumps(value, each)
        calls[f"{each} dumps"] = lambda each=each: cannery.dumps(value, each)
        calls[f"{each} loads"] = lambda each=each, data=data: cannery.loads(data, each, trust=trust)
    best = _best(calls, effort)
    return {
        each: (
            best["pickle dumps"] / best[f"{each} dumps"],
            best["pickle loads"] / best[f"{each} loads"],
        )
        for each in FORMATS
    }


def _best(calls: dict[str, Callable[[], Any]], effort: Effort) -> dict[str, float]:
    """The shortest time of each call, taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    repeats = {name: _repeats(call) for name, call in calls.items()}
    for _ in range(max(3, effort.rounds)):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                call()
            best[name] = min(best[name], (time.process_time() - start) / repeats[name])
    return best


def _repeats(call: Callable[[], Any]) -> int:
    """As many calls as take some ten milliseconds."""
    call()
    start = time.perf_counter()
    call()
    return max(1, int(0.02 / max(time.perf_counter() - start, 1e-7)))
