"""Full disks, rotten bytes, lost catalogs and read-only stores, as people meet them."""

import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_pipeline_failures import finish, folder, obey_permissions, start

from cannery import Store, pipeline, step
from cannery.errors import LimitError

assert folder, "a fixture"


@step
def make(number: int) -> list[int]:
    return [number] * 1000


@step
def total(numbers: list[int]) -> int:
    return sum(numbers)


@pipeline
def work(number: int):
    return total(make(number))


def cannery(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cannery", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ.copy())


def objects() -> list[Path]:
    return sorted(path for path in (Store().path / "objects").rglob("*") if path.is_file())


def test_a_full_disk_fails_the_step_and_nothing_else():
    assert work(1).output.load() == 1000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The catalog's log may grow; what a step of many numbers makes may not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(OSError, match=r"(?i)file too large"):
            big(2_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert work(1).steps["make"].cached
    assert len(big(2_000_000).output.load()) == 2_000_000
    assert cannery("fsck", "--read-data").returncode == 0


@pipeline
def big(size: int):
    return many(size)


@step
def many(size: int) -> bytes:
    return bytes(size)


def test_a_quota_fails_the_step_and_says_what_to_do():
    work(1)
    assert "kB" in cannery("store", "quota", "8K").stdout
    with pytest.raises(LimitError, match="may hold 8192 bytes") as caught:
        big(9000)
    assert "cannery gc" in (caught.value.hint or "")
    assert cannery("store", "quota", "none").returncode == 0
    # Another process set it: this one asks again only after a while, and when it is exceeded.
    assert len(big(9000).output.load()) == 9000


def test_rotten_bytes_are_never_a_value():
    chooser = random.Random(7)
    for round in range(25):
        number = round % 3
        run = work(number)
        assert run.output.load() == 1000 * number
        path = chooser.choice(objects())
        data = bytearray(path.read_bytes())
        path.chmod(0o644)
        match chooser.randrange(3):
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(data[: len(data) // 2])
            case _:
                data[chooser.randrange(len(data))] ^= 1 << chooser.randrange(8)
                path.write_bytes(data)
    found = cannery("fsck", "--read-data")
    assert found.returncode == 1
    assert "made by run" in found.stdout
    cannery("fsck", "--read-data", "--repair")
    for number in range(3):
        assert work(number).output.load() == 1000 * number


def test_a_lost_catalog_is_made_anew():
    for number in (1, 2, 1):
        work(number)
    shown = cannery("runs").stdout
    for path in Store().path.glob("catalog.sqlite*"):
        path.unlink()
    lost = cannery("runs")
    assert lost.returncode == 2
    assert "fsck --repair" in lost.stderr
    assert cannery("fsck").returncode == 1
    assert cannery("fsck", "--repair").returncode == 0
    assert cannery("runs").stdout == shown
    assert all(step.cached for step in work(2).steps.values())


def test_a_copied_store_is_complete(tmp_path):
    work(1)
    done = cannery("store", "copy", tmp_path / "copy")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / "store")
    copied = work.with_options(store=tmp_path / "copy")(1)
    assert all(step.cached for step in copied.steps.values())
    assert cannery("store", "verify", "--store", tmp_path / "copy").returncode == 0


def test_old_runs_are_removed_and_what_newer_ones_use_stays():
    for number in (1, 2, 1):
        work(number)
    planned = cannery("gc", "--keep-last", 1, "--grace", "0s", "--dry-run").stdout
    assert "make@2" in planned
    assert "would remove: 1 runs" in planned
    assert "removed: 1 runs" in cannery("gc", "--keep-last", 1, "--grace", "0s").stdout
    assert [run.id for run in Store().runs()] == [3, 1]
    assert all(step.cached for step in work(1).steps.values())
    assert not any(step.cached for step in work(2).steps.values())
    assert cannery("fsck", "--read-data").stdout.startswith("ok")


def test_a_store_that_cannot_be_written_serves_cached_runs(folder):
    assert finish(start(folder, 1, 0, 2))[0] == 0
    store = folder / "store"
    runs = len(Store(store).runs())
    for path in (store, *store.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    code, printed, errors = finish(start(folder, 1, 0, 2, preexec_fn=obey_permissions))
    for path in (store, *store.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    assert code == 0, errors
    assert printed.splitlines()[-1] == "[True, True, True, True]"
    assert len(Store(store).runs()) == runs
