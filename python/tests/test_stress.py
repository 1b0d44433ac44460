"""A slice of `make soak`: see `stress`."""

import random

import pytest
from stress.__main__ import run_child
from stress.conditions import CONDITIONS


@pytest.mark.parametrize("condition", CONDITIONS)
def test_changes_from_all_sides(condition: str) -> None:
    rounds = {"threads": 40, "signals": 80, "tracing": 60}.get(condition, 120)
    assert run_child(condition, random.Random(condition).randrange(1000), rounds, None) is None
