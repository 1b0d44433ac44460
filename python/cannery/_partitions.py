"""Partitions: which part of the data a run was about, such as `day=2026-11-30`.

A partition is an alias with a key and a value. The latest version of an artifact that a run of the
partition gave has it, and is kept by `cannery gc`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cannery.errors import DataError

if TYPE_CHECKING:
    from cannery._store import RunRecord

Partition = str | Mapping[str, Any]
_VALUE = re.compile(r"[\w.:+ -]+")


def partition_text(partition: Partition) -> str:
    """Write a partition as `day=2026-11-30,region=eu`.

    Raises `DataError` for what cannot be one.
    """
    if isinstance(partition, str):
        keys = [key.partition("=") for key in partition.split(",")]
        if not all(name and sign for name, sign, _ in keys):
            error = DataError(f"`{partition}` is no partition")
            error.hint = "a key and a value, such as `day=2026-11-30`, or a dictionary of them"
            raise error
        return partition
    return ",".join(f"{name}={_value_text(name, value)}" for name, value in partition.items())


def _value_text(name: str, value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime.date) else str(value)
    if not _VALUE.fullmatch(text):
        error = DataError(f"partition `{name}`: `{text}` cannot be the name of one")
        error.hint = "letters, digits, spaces and `-_.:+`"
        raise error
    return text


def partition_of_run(names: Iterable[str], parameters: Mapping[str, Any], pipeline: str) -> str:
    """Take the partition of a run out of its parameters; empty for a run without one."""
    found: dict[str, Any] = {}
    for name in names:
        if name not in parameters:
            error = DataError(
                f"pipeline `{pipeline}` has no parameter `{name}` to be partitioned by"
            )
            error.hint = f"it has: {', '.join(parameters) or 'none'}"
            raise error
        found[name] = parameters[name]
    return partition_text(found)


def record_partition(run: RunRecord, partition: str) -> None:
    """Let all that a run gave be the latest of its partition."""
    store = run._store
    if not partition or store.is_read_only:
        return
    known = {(path, alias): version for path, alias, version in store._native.aliases()}
    for step in run.steps.values():
        for artifact in step.outputs.values():
            if known.get((artifact.path, partition)) != artifact.version:
                store.set_alias(partition, artifact)
