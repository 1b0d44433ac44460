"""After an edit a step's result is that of the same program with an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stale_code import CODE
from stale_further import FURTHER
from stale_projects import Project, Runner, check, running
from stale_reads import READS


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with running() as runner:
        yield runner


@pytest.mark.parametrize("project", CODE, ids=lambda project: project.name)
def test_code_and_values(project: Project, runner: Runner, tmp_path: Path) -> None:
    check(runner, project, tmp_path)


@pytest.mark.parametrize("project", READS, ids=lambda project: project.name)
def test_what_is_read(project: Project, runner: Runner, tmp_path: Path) -> None:
    check(runner, project, tmp_path)


@pytest.mark.parametrize("project", FURTHER, ids=lambda project: project.name)
def test_further_ways_to_code_and_data(project: Project, runner: Runner, tmp_path: Path) -> None:
    check(runner, project, tmp_path)
