"""The acceptance stories beside the checkout, each run as a user would run it."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SUITES

STORIES = SUITES.parent / "acceptance"

#: What a story needs beyond the first slice of the house; one that is not here must run.
NEEDS = {
    "untrusted.py": ["cannery.pickle", "cannery.scan"],
    "yaml_config.py": ["cannery.yaml"],
    "records.py": ["cannery.compat.zenml"],
}


def missing(story: Path) -> list[str]:
    return [name for name in NEEDS.get(story.name, []) if not exists(name)]


def exists(name: str) -> bool:
    parent, _, last = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(parent), last) or bool(importlib.import_module(name))
    except ImportError:
        return False


FOUND = sorted(STORIES.glob("*.py"))


@pytest.mark.parametrize("story", FOUND, ids=lambda story: story.name)
def test_story(story: Path, tmp_path: Path, count_cases: Callable[[str, int], None]) -> None:
    if absent := missing(story):
        pytest.skip(f"{story.name} needs {', '.join(absent)}, which is not built yet")
    done = subprocess.run(
        [sys.executable, story], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
    count_cases(f"acceptance story {story.name}", 1)


def test_every_need_is_of_a_story_that_is_there(suites: Path) -> None:
    assert {story.name for story in FOUND} >= set(NEEDS)
    assert suites.parent == STORIES.parent
