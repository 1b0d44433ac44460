"""A slice of `recording_machine.py`, which `make soak` runs at length."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy")

SEED = os.environ.get("CANNERY_SEED", "7")
COUNT = os.environ.get("CANNERY_PICKLES", "6000")


def test_what_the_analyzer_passes_stays_within_the_policy() -> None:
    folder = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, folder / "recording_machine.py", SEED, COUNT],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
    )
    assert run.stdout, run.stderr[-2000:]
    report = json.loads(run.stdout)
    assert not report["found"], report["found"]
    # A test of pickles that nothing passes would find nothing.
    assert report["outcomes"]["scan"] > int(COUNT) // 20
    assert report["outcomes"]["load"] > int(COUNT) // 100


def test_the_machine_tells_what_the_policy_does_not_allow() -> None:
    from recording_machine import Machine

    def violations(data: bytes) -> list[str]:
        machine = Machine(data)
        machine.load()
        return machine.violations

    called = violations(b"cposix\nsystem\n(S'id'\ntR.")
    assert called == ["finds posix.system", "calls posix.system"]
    assert violations(b"cbuiltins\nlist\n(tR.") == []
    assert violations(b"(cbuiltins\nlist\nI1\nN\x86bt.")


def test_what_lies_before_raw_numbers_is_no_finding_of_theirs() -> None:
    import cannery

    # `pickle.load` reads the numbers of joblib's arrays as opcodes: here a tuple of what is below.
    named = b"cos\nsystem\ncos\npopen\ncos\nfork\n"
    data = b"\x80\x04" + named + b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b\x87."
    assert cannery.scan(data).verdict == "danger"
