"""A slice of `make soak`: see `stress`."""

import random

import pytest
from stress import memory
from stress.__main__ import run_child
from stress.conditions import CONDITIONS


@pytest.mark.parametrize("condition", CONDITIONS)
def test_changes_from_all_sides(condition: str) -> None:
    rounds = {"threads": 40, "signals": 80, "tracing": 60}.get(condition, 120)
    assert run_child(condition, random.Random(condition).randrange(1000), rounds, None) is None


@pytest.mark.parametrize("how", ["once", "few"])
@pytest.mark.parametrize(
    "name",
    [
        "can loads",
        "pickle.loads",
        "cbor.loads",
        "json.dumps",
        "protobuf.decode",
        "hdf5",
        "torch.load",
    ],
)
def test_memory_that_runs_out(name: str, how: str) -> None:
    pytest.importorskip("_testcapi")
    outcomes, wrong = memory.run_child(name, how, 60)
    assert wrong is None
    assert outcomes["MemoryError"] > 0
