"""A slice of the random edits of YAML; `make soak` runs a million."""

from __future__ import annotations

import pytest
import yaml_edits


@pytest.mark.parametrize("seed", range(6))
def test_random_edits_do_what_they_do_to_plain_values(seed: int) -> None:
    count = yaml_edits.run(seed, 400)
    # What the text does not allow is refused; that must stay the exception.
    assert count["refused"] < 0.06 * count["made"]
