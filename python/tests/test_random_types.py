"""Checks of random annotations against a judge that was written apart from them."""

from __future__ import annotations

import random
from collections import deque

import pytest

pytest.importorskip("pydantic")
pytest.importorskip("attrs")
pytest.importorskip("annotated_types")

from random_types import ODD_VALUES, random_kind, spoiled

from cannery._checks import check_for, excluded

SEEDS = 40
TYPES = 50


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_check_says_what_the_judge_says(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(TYPES):
        kind = random_kind(r)
        check = check_for(kind.annotation)
        values = [kind.make(r) for _ in range(4)]
        assert all(check.find(value) is None for value in values), (kind.annotation, values)
        values += [spoiled(r, value) for value in values] + [make() for make in ODD_VALUES]
        for value in values:
            found = check.find(value)
            assert (found is None) == kind.fits(value), (kind.annotation, value, found)
            assert found == check.find(value, full=True)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_wiring_is_refused_only_where_no_value_fits(seed: int) -> None:
    r = random.Random(1000 + seed)
    for _ in range(TYPES):
        given, wanted = random_kind(r), random_kind(r)
        assert not excluded(given.annotation, given.annotation)
        if not excluded(given.annotation, wanted.annotation):
            continue
        # An empty container fits where its items would not.
        values = [given.make(r) for _ in range(4)]
        fitting = [value for value in values if wanted.fits(value)]
        assert not [value for value in fitting if _holds_something(value)], (
            given.annotation,
            wanted.annotation,
            fitting,
        )


def _holds_something(value: object) -> bool:
    if isinstance(value, (list, tuple, dict, set, frozenset, deque)):
        parts = value.values() if isinstance(value, dict) else value
        return bool(value) and all(map(_holds_something, parts))
    return True
