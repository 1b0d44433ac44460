"""`cannery run`: finding the pipeline, its parameters, and the report."""

from __future__ import annotations

import json

import pytest

from cannery._run import run_file

PROGRAM = """
from pathlib import Path
from cannery import pipeline, step
import neighbour

@step
def repeat(text: str, times: int) -> str:
    if times < 0:
        raise ArithmeticError("less than nothing")
    return neighbour.SEPARATOR.join([text] * times)

@pipeline
def work(text: str = "x", times: int = 2):
    return repeat(text, times)
"""
SECOND = """
@pipeline
def other(values: list[int], where: Path = Path()):
    return repeat(str(sum(values)), 1)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "neighbour.py").write_text("SEPARATOR = '-'\n")
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    yield file
    import sys

    for name in ("program", "program_pipelines", "neighbour"):
        sys.modules.pop(name, None)


def test_the_only_pipeline_runs_and_its_steps_are_shown(file, capsys):
    assert run_file(file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("run 1 completed in ")
    assert lines[0].endswith(": 1 steps, 0 cached")
    assert lines[1].startswith("  repeat  0.")


def test_parameters_are_read_by_their_annotations(file, capsys):
    assert run_file(file, "work", {"text": "3", "times": "4"}, json=True) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["status"], first["steps"][0]["cached"]) == ("completed", False)
    assert run_file(file, "work", {"text": "3", "times": "4"}, json=True) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["cached"]


def test_structured_parameters(file, capsys):
    file.write_text(PROGRAM + SECOND)
    assert run_file(file, "other", {"values": "[1, 2]", "where": "a/b"}) == 0
    assert "1 steps" in capsys.readouterr().out


ERRORS = [
    ({"times": "many"}, None, "error: parameter `times`: expected `int`, found `many`\n"),
    (
        {"time": "1"},
        None,
        "error: pipeline `work` has no parameter `time`\nhint: it has: text, times\n",
    ),
    (
        {},
        "nowhere",
        "error: `{file}` has no pipeline `nowhere`\nhint: say which: `work`\n",
    ),
]


@pytest.mark.parametrize(("params", "name", "message"), ERRORS)
def test_mistakes_are_explained(file, capsys, params, name, message):
    assert run_file(file, name, params) == 2
    assert capsys.readouterr().err == message.replace("{file}", str(file))


def test_a_choice_is_asked_for(file, capsys):
    file.write_text(PROGRAM + SECOND)
    assert run_file(file) == 2
    assert capsys.readouterr().err.endswith("hint: say which: `work`, `other`\n")
    assert run_file(file, "other") == 2
    assert "needs a value for `values`\nhint: add `--param values=...`" in capsys.readouterr().err


def test_an_error_of_a_step_is_shown_with_its_place(file, capsys):
    assert run_file(file, None, {"times": "-1"}) == 2
    errors = capsys.readouterr().err
    assert "ArithmeticError: less than nothing\nin step `repeat` of run 1" in errors
    assert "program.py" in errors
    assert "_session.py" not in errors


def test_a_missing_file_is_explained(tmp_path, capsys):
    assert run_file(tmp_path / "no.py") == 2
    assert capsys.readouterr().err == f"error: there is no file `{tmp_path / 'no.py'}`\n"
