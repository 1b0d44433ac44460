"""The acceptance stories beside the checkout, each run as a user would run it."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SUITES

import cannery

STORIES = SUITES.parent / "acceptance"

#: What a story needs that is not built yet, by names that will be there; another one must run.
NEEDS = {
    "arrays_hdf5.py": ["cannery.hdf5.Group.create_dataset"],
    "daily_pipeline.py": ["cannery.Run.compare"],
    "larger_than_memory.py": ["cannery.map_chunks"],
    "models.py": ["cannery.torch", "cannery.safetensors"],
    "untrusted.py": ["cannery.pickle", "cannery.scan"],
    "yaml_config.py": ["cannery.yaml"],
}


def missing(story: Path) -> list[str]:
    return [name for name in NEEDS.get(story.name, []) if not exists(name)]


def exists(name: str) -> bool:
    if name == ".can":
        return can_is_built()
    module, *path = name.split(".")
    found: object = importlib.import_module(module)
    for part in path:
        module = f"{module}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = importlib.import_module(module)
            except ImportError:
                return False
    return True


def command(story: Path) -> list[str]:
    """How to run a story; `files.py` without its last part while `.can` is not built.

    That part starts with `import numpy` and is left out where there is none, so none is there.
    """
    if story.name != "files.py" or can_is_built():
        return [sys.executable, str(story)]
    hide = f"import runpy, sys; sys.modules['numpy'] = None; runpy.run_path({str(story)!r}, None, "
    return [sys.executable, "-c", hide + "'__main__')"]


def can_is_built() -> bool:
    try:
        return bool(cannery.dumps({}, format="can"))
    except ValueError:
        return False


FOUND = sorted(STORIES.glob("*.py"))


@pytest.mark.parametrize("story", FOUND, ids=lambda story: story.name)
def test_story(story: Path, tmp_path: Path, count_cases: Callable[[str, int], None]) -> None:
    if absent := missing(story):
        pytest.skip(f"{story.name} needs {', '.join(absent)}, which is not built yet")
    done = subprocess.run(command(story), cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ok"
    part = "" if command(story)[1] == str(story) else ", without its `.can` part"
    count_cases(f"acceptance story {story.name}{part}", 1)


def test_every_need_is_of_a_story_that_is_there(suites: Path) -> None:
    assert {story.name for story in FOUND} >= set(NEEDS)
    assert suites.parent == STORIES.parent
