"""What a step reads from outside is part of what its result depends on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cannery import Store, pipeline, step
from cannery._fingerprint._hooks import observing
from cannery._fingerprint._observe import Observations, state_of

SETTING = "CANNERY_TEST_SETTING"


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    monkeypatch.setenv(SETTING, "a")


@step
def read_text(path: str) -> str:
    return Path(path).read_text()


@step
def read_setting() -> str:
    return os.environ[SETTING]


@step
def maybe_setting() -> str:
    return os.getenv("CANNERY_TEST_UNSET", "default")


@step
def list_folder(path: str) -> list[str]:
    return sorted(child.name for child in Path(path).iterdir())


@step
def through_a_file_of_its_own(path: str) -> str:
    Path(path).write_text("mine")
    return Path(path).read_text()


def run(a_step, *arguments):
    @pipeline
    def single():
        return a_step(*arguments)

    result = single()
    (step_run,) = result.steps.values()
    return step_run.cached, result.output.load()


def test_a_file_that_is_read(tmp_path):
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("1")
    other.write_text("2")
    assert run(read_text, str(one)) == (False, "1")
    assert run(read_text, str(other)) == (False, "2")
    assert run(read_text, str(one)) == (True, "1")
    one.write_text("1")
    assert run(read_text, str(one)) == (True, "1"), "touched, not changed"
    one.write_text("3")
    assert run(read_text, str(one)) == (False, "3")
    one.write_text("1")
    assert run(read_text, str(one)) == (True, "1"), "as it was two runs ago"


def test_an_environment_variable_that_is_read(monkeypatch):
    assert run(read_setting) == (False, "a")
    assert run(read_setting) == (True, "a")
    monkeypatch.setenv(SETTING, "b")
    assert run(read_setting) == (False, "b")
    monkeypatch.setenv("CANNERY_TEST_OTHER", "b")
    assert run(read_setting) == (True, "b")


def test_a_variable_that_was_not_set(monkeypatch):
    assert run(maybe_setting) == (False, "default")
    assert run(maybe_setting) == (True, "default")
    monkeypatch.setenv("CANNERY_TEST_UNSET", "now it is")
    assert run(maybe_setting) == (False, "now it is")


def test_a_folder_that_is_listed(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run(list_folder, str(folder)) == (False, [])
    (folder / "new").touch()
    assert run(list_folder, str(folder)) == (False, ["new"])
    assert run(list_folder, str(folder)) == (True, ["new"])


def test_a_file_that_the_step_wrote_itself(tmp_path):
    path = tmp_path / "own.txt"
    assert run(through_a_file_of_its_own, str(path)) == (False, "mine")
    path.unlink()
    assert run(through_a_file_of_its_own, str(path)) == (True, "mine")


def test_what_is_read_is_recorded(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("1")
    run(read_text, str(path))
    assert list(Store().runs()[0].steps["read_text"].observations) == [f"file {path}"]


def test_imports_are_not_observed():
    with observing(Observations()) as seen:
        import colorsys  # noqa: F401
        import tomllib  # noqa: F401
    assert seen.states() == []


def test_states():
    assert state_of("environment CANNERY_TEST_UNSET") == "absent"
    assert state_of("file /no/such/file") == "absent"
    assert state_of("environment " + SETTING) != state_of("environment HOME")


def test_settings_that_a_child_reads_may_name_paths_outside(tmp_path):
    project, outside = tmp_path / "project", tmp_path / "outside.txt"
    project.mkdir()
    outside.write_text("x")
    (project / "pyproject.toml").touch()
    (project / "settings.ini").write_text(f"path = {outside}\n")
    (project / "flow.py").write_text(
        "import subprocess\n"
        "from cannery import pipeline, step\n"
        "@step\n"
        "def length() -> int:\n"
        "    command = ['/bin/cat', 'settings.ini']\n"
        "    return len(subprocess.run(command, capture_output=True, check=True).stdout)\n"
        "@pipeline\n"
        "def flow():\n"
        "    return length()\n"
        "print(flow().output.load())\n"
    )
    # It waited for itself, for ever.
    run = subprocess.run(
        [sys.executable, "flow.py"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == len(f"path = {outside}\n")
