"""Partitions: what a run was about, to find the latest version for it."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cannery import Store, pipeline, step
from cannery.errors import DataError, NotFoundError


@step
def read(day: datetime.date, region: str) -> list[int]:
    return [day.day, len(region)]


@step
def constant() -> int:
    return 7


@step
def total(rows: list[int], extra: int, factor: int) -> int:
    return factor * sum(rows) + extra


@pipeline(partition=["day"])
def daily(day: datetime.date, region: str = "eu", factor: int = 1):
    return total(read(day, region), constant(), factor)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    return Store()


def day(number: int) -> datetime.date:
    return datetime.date(2026, 11, number)


def test_the_latest_version_of_each_partition_is_found(store: Store) -> None:
    for number in (28, 29, 30):
        daily(day(number))
    daily(day(29), factor=2)  # the day is computed once more
    found = store.partitions("daily/total")
    assert {name: each.load() for name, each in found.items()} == {
        "day=2026-11-28": 37,
        "day=2026-11-29": 69,
        "day=2026-11-30": 39,
    }
    assert store.artifact("total", partition={"day": day(29)}).load() == 69
    assert store.artifact("total", partition="day=2026-11-28").load() == 37
    assert store.artifact("total@day=2026-11-28").load() == 37
    assert store.artifact("total").partitions == ("day=2026-11-29",)
    assert store.artifacts("total", partition="day=2026-11-30").latest().load() == 39
    of_day = store.artifacts(partition="day=2026-11-30")
    assert {each.path for each in of_day} == {"daily/read", "daily/constant", "daily/total"}
    # What is the same for all days is of all of them.
    assert len(store.artifact("constant").partitions) == 3


def test_a_run_that_finds_all_known_makes_its_results_the_latest(store: Store) -> None:
    daily(day(29))
    daily(day(29), factor=2)
    daily(day(29))
    assert store.artifact("total", partition="day=2026-11-29").load() == 38


def test_several_keys_and_what_is_no_partition(store: Store) -> None:
    both = daily.with_options(partition=["day", "region"])
    both(day(1), "us")
    assert store.artifact("total", partition={"day": day(1), "region": "us"}).load() == 10
    assert list(store.partitions("total")) == ["day=2026-11-01,region=us"]
    with pytest.raises(NotFoundError, match="no partition `day=2026-11-02`") as error:
        store.artifact("total", partition={"day": day(2)})
    assert "day=2026-11-01,region=us" in str(error.value.hint)
    with pytest.raises(DataError, match="no parameter `hour`"):
        daily.with_options(partition="hour")(day(1))
    with pytest.raises(DataError, match="cannot be the name"):
        both(day(1), "a/b")
    with pytest.raises(DataError, match="no partition"):
        store.artifacts(partition="2026")
    assert len(store.runs()) == 1, "what cannot be a partition is refused before anything runs"


def test_a_run_that_fails_is_no_latest_version(store: Store) -> None:
    daily(day(29))
    with pytest.raises(TypeError):
        daily(day(29), region=3)  # type: ignore[arg-type]
    assert store.artifact("read", partition="day=2026-11-29").version == 1


def test_the_command_lists_partitions(store: Store, tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(
        "from cannery import pipeline, step\n"
        "@step\ndef size(day: str) -> str: return day\n"
        "@pipeline\ndef job(day: str): return size(day)\n"
    )

    def cannery(*arguments: str) -> str:
        command = [sys.executable, "-m", "cannery", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    for name in ("2026-11-29", "2026-11-30"):
        cannery("run", "flow.py:job", "--param", f"day={name}", "--partition", "day")
    table = cannery("artifacts", "size", "--partition")
    assert "day=2026-11-29  job/size@1" in table
    assert "day=2026-11-30  job/size@2" in table
    found = json.loads(cannery("artifacts", "--partition", "day=2026-11-29", "--json"))
    assert [each["artifact"]["version"] for each in found] == [1]
    assert "job/size@2" in cannery("lineage", "job/size@day=2026-11-30")
    cannery("fsck", "--read-data")
    rebuilt = Store(store.path)
    assert list(rebuilt.partitions("size")) == ["day=2026-11-29", "day=2026-11-30"]
