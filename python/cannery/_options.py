"""How a pipeline runs: what `with_options` and the command take."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable
from typing import Any, Literal

from cannery.errors import DataError

Executor = Literal["threads", "processes"]
EXECUTORS = ("threads", "processes")


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """How the steps of a run are done."""

    force: bool | frozenset[str] = False
    ttl: float | None = None
    cache: bool = True
    workers: int | None = None
    executor: Executor = "threads"
    fail_fast: bool = True
    dry_run: bool = False
    tags: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    on_failure: Callable[[Exception], object] | None = None

    def changed(self, **changes: Any) -> RunOptions:
        """Return these with others in their places; `None` leaves one as it is."""
        given = {name: value for name, value in changes.items() if value is not None}
        if "force" in given:
            given["force"] = _names(given["force"])
        if "ttl" in given:
            given["ttl"] = seconds(given["ttl"], "ttl")
        for name in given.keys() & {"tags", "partition"}:
            given[name] = _texts(given[name])
        if given.get("workers", 1) < 1:
            raise DataError(f"`workers` is a number of steps at a time, found `{given['workers']}`")
        if given.get("executor", "threads") not in EXECUTORS:
            raise DataError(f"`executor` is one of {EXECUTORS}, found `{given['executor']}`")
        return dataclasses.replace(self, **given)


def _names(force: bool | Iterable[str]) -> bool | frozenset[str]:
    if isinstance(force, bool):
        return force
    return frozenset([force] if isinstance(force, str) else force)


def _texts(texts: str | Iterable[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def seconds(time: float | datetime.timedelta | None, option: str) -> float | None:
    """Read a time that an option says: seconds, or a `timedelta`."""
    found = time.total_seconds() if isinstance(time, datetime.timedelta) else time
    if found is not None and not found >= 0:
        raise DataError(f"`{option}` is a number of seconds, found `{time}`")
    return found
