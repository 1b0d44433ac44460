"""Steps that run although their results are known, and results that expire."""

import datetime
import subprocess
import sys
import threading

import pytest

from cannery import Store, pipeline, step
from cannery.errors import DataError

PROGRAM = """
import sys, time
from pathlib import Path
from cannery import pipeline, step

@step
def slow(number: int) -> int:
    with open(sys.argv[1], "a") as file:
        file.write("x")
    time.sleep(0.3)
    return number

@pipeline
def work():
    return slow(1)

if __name__ == "__main__":
    work()
"""


def counting(**options):
    count = []

    @step(**options)
    def counted(name: str) -> int:
        count.append(name)
        return len(count)

    @pipeline
    def work(name: str):
        return counted(name)

    return count, work


@pytest.mark.filterwarnings("ignore::cannery.errors.CacheWarning")
def test_a_forced_step_gives_the_result_from_then_on():
    count, work = counting(version="1")
    values = [
        work("a").output.load(),
        work.with_options(force=["counted"])("a").output.load(),
        work("a").output.load(),
        work.with_options(force=True)("a").output.load(),
        work.with_options(force=["other"])("a").output.load(),
    ]
    assert len(count) == 3
    assert values == [1, 2, 2, 3, 3]
    assert Store().artifact("counted").version == 3


@pytest.mark.filterwarnings("ignore::cannery.errors.CacheWarning")
def test_a_step_may_always_be_forced_or_expire():
    count, work = counting(force=True)
    assert [work("a").output.load() for _ in range(2)] == [1, 2]
    count, work = counting(ttl=datetime.timedelta(hours=1), version="2")
    for _ in range(2):
        work("a")
    assert len(count) == 1
    expired = work.with_options(ttl=0)
    expired("a")
    assert len(count) == 1, "what the step says counts"
    count, work = counting(ttl=0, version="3")
    for _ in range(2):
        work("a")
    assert len(count) == 2


def test_a_step_with_other_options_is_the_same_step():
    @step(version="1")
    def double(number: int) -> int:
        return number * 2

    forced = double.with_options(force=True)

    @pipeline
    def work(number: int):
        return double(number), forced(number)

    assert (forced.name, forced.version, forced.force) == ("double", "1", True)
    for _ in range(2):
        run = work(4)
        assert [each.load() for each in run.output] == [8, 8]
    assert run.steps["double"].cached
    assert not run.steps["double-2"].cached


def test_a_time_to_live_is_a_number_of_seconds():
    for wrong in (-1, float("nan"), datetime.timedelta(seconds=-1)):
        with pytest.raises(DataError, match="`ttl`"):
            step(ttl=wrong)(lambda: 1)


def test_processes_wait_for_the_one_that_computes(tmp_path):
    program, counted = tmp_path / "program.py", tmp_path / "count"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(counted)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert counted.read_text() == "x"


def test_a_process_takes_over_from_one_that_was_killed(tmp_path):
    program, counted = tmp_path / "program.py", tmp_path / "count"
    program.write_text(PROGRAM.replace("time.sleep(0.3)", "time.sleep(0.5)"))
    command = [sys.executable, str(program), str(counted)]
    first = subprocess.Popen(command)
    while not counted.exists():
        assert first.poll() is None
        threading.Event().wait(0.01)
    second = subprocess.Popen(command)
    first.kill()
    first.wait()
    assert second.wait(60) == 0
    assert counted.read_text() == "xx"
    runs = Store().runs()
    assert sorted(run.status for run in runs) == ["completed", "crashed"]
    crashed = next(run for run in runs if run.status == "crashed")
    assert "at work: slow" in (crashed.error or "")
