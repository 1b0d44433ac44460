"""Times contenders side by side: verified first, interleaved, the best of many rounds."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: Our rows, which the best of the others is held against.
OURS = "cannery"

#: Times the fastest contender's time, from which on more rounds would tell nothing new.
FAR_BEHIND = 10.0


@dataclass(frozen=True)
class Contender:
    """One way of doing the job: `call` takes the input and returns the result."""

    name: str
    call: Callable[[Any], Any]

    @property
    def is_ours(self) -> bool:
        return self.name.startswith(OURS)


@dataclass(frozen=True)
class Effort:
    """How long to measure: seconds for each contender in each cell, and rounds at least."""

    seconds: float = 0.4
    rounds: int = 5

    @classmethod
    def quick(cls) -> Effort:
        return cls(seconds=0.05, rounds=2)

    def rounds_of(self, seconds: float) -> int:
        """As many rounds as the effort pays for when one takes that long."""
        return max(self.rounds, int(self.seconds / max(seconds, 1e-3)))


@dataclass
class Table:
    """Figures of contenders (rows) on inputs (columns); the lower the figure, the better.

    `show` turns a figure and the input's size in bytes into what is printed. The ratio is to the
    best of the others, or to the one that is named in `against`.
    """

    title: str
    show: Callable[[float, int], str]
    columns: dict[str, int] = field(default_factory=dict)
    figures: dict[tuple[str, str], float] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    against: str = ""

    def add(self, column: str, size: int, figures: dict[str, float]) -> None:
        self.columns[column] = size
        self.figures |= {(row, column): figure for row, figure in figures.items()}

    @property
    def rows(self) -> list[str]:
        return list(dict.fromkeys(row for row, _ in self.figures))

    def best(self, column: str, *, ours: bool) -> float | None:
        figures = [
            figure
            for (row, at), figure in self.figures.items()
            if at == column and row.startswith(OURS) == ours
        ]
        return min(figures, default=None)

    def ratio(self, column: str) -> float | None:
        """The best peer's figure divided by ours: above 1, we are ahead."""
        ours = self.best(column, ours=True)
        if self.against:
            peer = self.figures.get((self.against, column))
        else:
            peer = self.best(column, ours=False)
        return peer / ours if peer is not None and ours else None

    def lines(self) -> Iterator[str]:
        """Yields the table as Markdown, the best peer of each column in bold."""
        yield f"### {self.title}"
        yield ""
        yield "| | " + " | ".join(self.columns) + " |"
        yield "|---|" + "---:|" * len(self.columns)
        for row in self.rows:
            yield f"| {row} | " + " | ".join(self._cell(row, at) for at in self.columns) + " |"
        ratios = [self.ratio(column) for column in self.columns]
        shown = [f"**{ratio:.2f}x**" if ratio else "" for ratio in ratios]
        yield f"| {self.against or 'best peer'} / {OURS} | " + " | ".join(shown) + " |"
        yield from (f"\n{complaint}" for complaint in self.complaints)

    def _cell(self, row: str, column: str) -> str:
        figure = self.figures.get((row, column))
        if figure is None:
            return ""
        shown = self.show(figure, self.columns[column])
        is_best = not row.startswith(OURS) and figure == self.best(column, ours=False)
        return f"**{shown}**" if is_best else shown

    def record(self) -> dict[str, Any]:
        """Returns what a program reads later: figures in seconds or bytes, and the ratios."""
        return {
            "title": self.title,
            "sizes": self.columns,
            "figures": [[row, at, figure] for (row, at), figure in self.figures.items()],
            "ratios": {column: self.ratio(column) for column in self.columns},
            "complaints": self.complaints,
        }


def megabytes_per_second(seconds: float, size: int) -> str:
    return f"{size / seconds / 1e6:,.0f}"


def milliseconds(seconds: float, _size: int) -> str:
    return f"{seconds * 1e3:,.2f}"


def megabytes(figure: float, _size: int) -> str:
    return f"{figure / 1e6:,.1f}"


def same(result: object, expected: object) -> bool:
    """Compares exactly: types, order of keys and every digit, which `==` lets differ."""
    return result == expected and repr(result) == repr(expected)


def verified(
    contenders: list[Contender],
    value: Any,
    is_right: Callable[[Any], bool],
    table: Table,
    column: str,
) -> list[Contender]:
    """Returns those that answer rightly; the others are named under the table, and not timed."""
    right = []
    for contender in contenders:
        try:
            complaint = None if is_right(contender.call(value)) else "a different result"
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}"[:160]
        if complaint is None:
            right.append(contender)
        else:
            table.complaints.append(f"- {contender.name} on {column}, not timed: {complaint}")
    return right


def measure(
    contenders: list[Contender],
    value: Any = None,
    *,
    fresh: Callable[[], Any] | None = None,
    gc_on: bool = True,
    clock: Callable[[], int] = time.process_time_ns,
    effort: Effort,
) -> dict[str, float]:
    """Returns each contender's least CPU seconds for a call, letting go of the result included.

    All take turns in every round, and a slow moment of the machine hits them alike; but those that
    are far behind after the first round sit the others out. With `fresh` every call gets an input
    of its own, made outside the time. What waits for the disk or for other processes needs another
    `clock`.
    """
    with collector(gc_on):
        runners = [_Runner(each, value, fresh, clock, effort) for each in contenders]
        limit = FAR_BEHIND * min((runner.best for runner in runners), default=0.0)
        racing = [runner for runner in runners if runner.best <= limit]
        slowest = max((runner.round() for runner in racing), default=1.0)
        for turn in range(effort.rounds_of(slowest)):
            first = turn % max(len(racing), 1)
            for runner in racing[first:] + racing[:first]:
                runner.round()
    return {runner.contender.name: runner.best for runner in runners}


class _Runner:
    """One contender on one input, with its best time so far."""

    def __init__(
        self,
        contender: Contender,
        value: Any,
        fresh: Callable[[], Any] | None,
        clock: Callable[[], int],
        effort: Effort,
    ) -> None:
        self.clock = clock
        self.contender = contender
        self.value = value
        self.fresh = fresh
        self.calls = 1
        self.best = float("inf")
        self.round()
        if not fresh:  # enough calls in a row that a tick of the clock does not matter
            self.calls = max(1, int(effort.seconds / 10 / max(self.best, 1e-7)))

    def round(self) -> float:
        """Returns the CPU seconds of one round, and keeps the best time of a call."""
        call = self.contender.call
        value = self.fresh() if self.fresh else self.value
        repeat = itertools.repeat(None, self.calls)
        start = self.clock()
        for _ in repeat:
            call(value)
        seconds = (self.clock() - start) / 1e9
        self.best = min(self.best, seconds / self.calls)
        return seconds


@contextmanager
def collector(on: bool) -> Iterator[None]:
    """Runs the block with the cyclic garbage collector on or off, from a clean heap."""
    was_on = gc.isenabled()
    gc.collect()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if was_on else gc.disable)()
