"""How far a run has come, for those who wait at a terminal; in a pipe it says nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cannery._native import printable

#: Work that is done sooner needs no progress, and no line is written more often.
_PATIENCE, _INTERVAL = 0.5, 0.2


class Progress:
    """One line on standard error, which goes when the work is done."""

    def __init__(
        self,
        what: str,
        rows: int | None,
        size: int | None,
        pids: Callable[[], list[int]],
        shown: bool | None,
    ) -> None:
        self._is_shown = _is_terminal() if shown is None else shown
        self._is_line = _is_terminal()
        self._what, self._rows, self._size, self._pids = printable(what), rows, size, pids
        self._started = self._last = time.monotonic()
        self._before = 0.0
        self._width = 0

    def skip(self, rows: int, end: int) -> None:
        """Leave what an earlier run has done out of the rate."""
        self._before = self._fraction(rows, end) or 0.0
        self._started = time.monotonic()

    def show(self, rows: int, new: int, end: int) -> None:
        """Show how many rows are done, `new` of them in this run."""
        now = time.monotonic()
        quiet = _INTERVAL if self._is_line else 10.0
        if not self._is_shown or now - self._started < _PATIENCE or now - self._last < quiet:
            return
        self._last = now
        self._write(self._text(rows, new, end, now - self._started))

    def _text(self, rows: int, new: int, end: int, seconds: float) -> str:
        parts = [f"{rows:,} rows", f"{new / seconds:,.0f} rows/s"]
        fraction = self._fraction(rows, end)
        if fraction is not None:
            parts[0] += f" ({fraction:.0%})"
            done = fraction - self._before
            if done > 0:
                parts.append(f"{duration((1 - fraction) * seconds / done)} left")
        memory = memory_of([os.getpid(), *self._pids()])
        if memory:
            parts.append(f"{memory / 1e6:,.0f} MB of memory")
        return f"{self._what}: {', '.join(parts)}"

    def _fraction(self, rows: int, end: int) -> float | None:
        done, total = (rows, self._rows) if self._rows else (end, self._size)
        return min(1.0, done / total) if total else None

    def _write(self, text: str) -> None:
        if self._is_line:
            sys.stderr.write(f"\r{text:<{self._width}}")
            self._width = len(text)
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._width:
            sys.stderr.write(f"\r{'':<{self._width}}\r")
            sys.stderr.flush()
            self._width = 0


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def duration(seconds: float) -> str:
    """Return a duration for people."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def memory_of(pids: list[int]) -> int:
    """Return the bytes that processes have in memory, where the system tells; else 0."""
    total = 0
    for pid in pids:
        try:
            with Path(f"/proc/{pid}/statm").open("rb") as file:
                total += int(file.read().split()[1])
        except (OSError, IndexError, ValueError):
            continue
    return total * os.sysconf("SC_PAGE_SIZE") if total else 0
