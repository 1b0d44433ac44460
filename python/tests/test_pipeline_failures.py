"""Bad days: Ctrl-C, `kill -9`, two runs at once, stores that are read-only or from the future."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cannery import Store
from cannery.errors import VersionError

PROGRAM = """
import sys, time
from pathlib import Path
from cannery import pipeline, step

@step
def first(n: int) -> int:
    return n

@step
def slow(n: int, seconds: float, tag: str) -> int:
    print(f"slow {tag} begins", flush=True)
    time.sleep(seconds)
    return n + 1

@pipeline
def work(n: int, seconds: float, count: int):
    return [slow(first(n), seconds, f"tag {i}") for i in range(count)]

run = work(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
print([step.cached for step in run.steps.values()], flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "program.py").write_text(PROGRAM)
        yield path


def start(folder: Path, *arguments: object, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(folder / "program.py"), *map(str, arguments)],
        env={**os.environ, "CANNERY_STORE": str(folder / "store")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # pyright: ignore
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def wait_until_it_sleeps(process: subprocess.Popen[str], steps: int = 1) -> None:
    assert process.stdout is not None
    for _ in range(steps):
        assert process.stdout.readline().startswith("slow")
    time.sleep(0.1)


@pytest.mark.parametrize("count", [1, 2], ids=["one step", "two steps side by side"])
def test_control_c_in_a_step_stops_the_run(folder, count):
    process = start(folder, 1, 30, count)
    wait_until_it_sleeps(process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, errors = finish(process)

    assert code in (130, -signal.SIGINT)
    assert errors.rstrip().splitlines()[-1].startswith(("KeyboardInterrupt", "in step `slow"))
    assert time.monotonic() - began < 5
    run = Store(folder / "store").runs()[0]
    assert run.status == "interrupted"
    assert run.steps["first"].status == "completed"
    assert run.steps["slow"].status == "interrupted"
    assert finish(start(folder, 1, 0, 1))[1].endswith("[True, False]\n")


def test_a_killed_run_is_continued(folder):
    process = start(folder, 1, 30, 1)
    wait_until_it_sleeps(process)
    assert Store(folder / "store").runs()[0].status == "running"
    process.kill()
    process.wait()

    store = Store(folder / "store")
    assert store.runs()[0].status == "crashed"
    code, output, errors = finish(start(folder, 1, 0, 1))
    assert (code, output) == (0, "slow tag 0 begins\n[True, False]\n"), errors
    assert [run.status for run in store.runs()] == ["completed", "crashed"]


def test_two_runs_may_start_at_the_same_moment(folder):
    processes = [start(folder, n % 2, 0.1, 2) for n in range(4)]
    for process in processes:
        code, _, errors = finish(process)
        assert code == 0, errors
    store = Store(folder / "store")
    assert [run.status for run in store.runs()] == ["completed"] * 4
    assert {artifact.load() for artifact in store.artifacts("slow", all_versions=True)} <= {1, 2}
    code, output, _ = finish(start(folder, 1, 0.1, 2))
    assert (code, output) == (0, "[True, True, True, True]\n")


def obey_permissions() -> None:
    """Give up the superuser's right to write anyway."""
    drop_from_bounding_set, override_permissions = 24, 1
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(drop_from_bounding_set, override_permissions):
        os.setuid(65534)


def test_a_store_that_cannot_be_written_says_so(folder):
    assert finish(start(folder, 1, 0, 1))[0] == 0
    store = folder / "store"
    for path in (store, *store.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)

    code, _, errors = finish(start(folder, 2, 0, 1, preexec_fn=obey_permissions))

    assert code == 1
    last = [line for line in errors.splitlines() if line.strip()][-2:]
    assert "cannery.errors.AccessError" in last[0]
    assert str(store) in last[0]
    assert last[1].startswith("hint: ")
    for path in (store, *store.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


def test_a_store_of_a_later_release_is_left_alone(folder):
    assert finish(start(folder, 1, 0, 1))[0] == 0
    version = folder / "store" / "version"
    version.write_text("99\n")

    with pytest.raises(VersionError) as caught:
        Store(folder / "store")

    assert "99" in str(caught.value)
    assert caught.value.hint
    code, _, errors = finish(start(folder, 2, 0, 1))
    assert code == 1
    assert "hint: " in errors
    assert version.read_text() == "99\n"
