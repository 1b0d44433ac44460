"""Options of runs: parameters, tags, retries, dry runs, what is kept of a run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cannery import Store, pipeline, step
from cannery._run import run_file
from cannery.errors import DataError

PROGRAM = """
from cannery import pipeline, step

@step
def load(day: str, count: int) -> list[int]:
    print("loading", day)
    return list(range(count))

@step
def double(x: int) -> int:
    return 2 * x

@step
def total(parts: list[int]) -> int:
    return sum(parts)

@pipeline
def daily(day: str = "monday", count: int = 3):
    return total(double.map(load(day, count)))
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "flow.py"
    file.write_text(PROGRAM)
    yield file
    sys.modules.pop("flow", None)


def test_parameters_come_from_files_and_those_that_are_typed_win(file, tmp_path, capsys):
    (tmp_path / "params.yaml").write_text("day: friday\ncount: 5\n")
    (tmp_path / "more.json").write_text('{"count": 2}')
    files = ["params.yaml", "more.json"]
    assert run_file(file, params_files=files, params={"day": "sunday"}) == 0
    run = Store().run(1)
    assert run.parameters == {"day": "sunday", "count": 2}
    assert run.steps["load"].log == "loading sunday\n"
    assert run.output.load() == 2
    (tmp_path / "wrong.yaml").write_text("count: many\n")
    assert run_file(file, params_files=["wrong.yaml"]) == 2
    assert "parameter `count`: expected `int`, found `'many'`" in capsys.readouterr().err
    (tmp_path / "list.yaml").write_text("- 1\n")
    assert run_file(file, params_files=["list.yaml"]) == 2
    assert "`list.yaml` holds no map of parameters" in capsys.readouterr().err


def test_many_of_a_map_are_one_line(file, capsys):
    assert run_file(file, params={"count": "40"}) == 0
    out, err = capsys.readouterr()
    assert "  double  40 times, " in out
    assert "double  40 of 40" in err
    assert err.count("double") < 10
    assert run_file(file, params={"count": "41"}) == 0
    out, err = capsys.readouterr()
    assert "  double  41 times, 40 cached, " in out
    assert "double  41 of 41, 40 cached" in err


def test_tags_find_runs(file, capsys):
    assert run_file(file, tags=["nightly"]) == 0
    assert run_file(file) == 0
    store = Store()
    assert [run.id for run in store.runs(tag="nightly")] == [1]
    store.run(2).tag("weekly", "late")
    assert store.run(2).tags == ("weekly", "late")
    assert [run.id for run in store.runs(tag="late")] == [2]
    assert run_file(file, tags=["a\nb"]) == 2
    assert "is no tag" in capsys.readouterr().err


def test_a_dry_run_runs_and_records_nothing(file, capsys):
    assert run_file(file, dry_run=True, json=True) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan == {"complete": False, "steps": [{"name": "load", "plan": "runs"}]}
    assert Store().runs() == []
    assert run_file(file) == 0
    capsys.readouterr()
    assert run_file(file, dry_run=True) == 0
    assert "5 steps, 0 not cached" in capsys.readouterr().out
    assert run_file(file, dry_run=True, force=["total"]) == 0
    assert "total     would run" in capsys.readouterr().out
    assert [run.id for run in Store().runs()] == [1]


def test_no_cache_and_an_age(file, capsys):
    assert run_file(file) == 0
    for options in ({"cache": False}, {"ttl": 0.0}):
        capsys.readouterr()
        assert run_file(file, **options) == 0
        assert "5 steps, 0 cached" in capsys.readouterr().out
    assert run_file(file, ttl=3600.0) == 0
    assert "5 steps, 5 cached" in capsys.readouterr().out


def test_a_run_is_taken_up_with_its_parameters(file, capsys):
    assert run_file(file, resume=0) == 2
    assert "no run of `daily` is left to be taken up" in capsys.readouterr().err
    file.write_text(PROGRAM.replace("    return sum(parts)", "    raise ArithmeticError"))
    assert run_file(file, params={"count": "4", "day": "friday"}) == 2
    file.write_text(PROGRAM)
    sys.modules.pop("flow", None)
    capsys.readouterr()
    assert run_file(file, resume=0) == 0
    assert "6 steps, 5 cached" in capsys.readouterr().out
    assert Store().run(2).parameters == {"day": "friday", "count": 4}


def test_the_command_passes_all_of_it(file, tmp_path):
    def cannery(*args, expected=0):
        done = subprocess.run(
            [sys.executable, "-m", "cannery", *args],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, done.stderr
        return done.stdout

    (tmp_path / "p.yaml").write_text("count: 2\n")
    out = cannery(
        "run", "flow.py:daily", "--param", "day=sunday", "--params", "p.yaml", "--workers", "2",
        "--tag", "nightly", "--tag", "x", "--store", "elsewhere", "--ttl", "1d", "--keep-going",
        "--json",
    )  # fmt: skip
    assert json.loads(out)["status"] == "completed"
    listed = json.loads(cannery("runs", "--store", "elsewhere", "--tag", "x", "--json"))
    assert [run["tags"] for run in listed] == [["nightly", "x"]]
    shown = cannery("runs", "1", "--store", "elsewhere")
    assert "tags        nightly, x" in shown
    assert "loading sunday" in cannery("logs", "1", "load", "--store", "elsewhere")
    cannery("run", "flow.py", "--workers", "0", expected=2)
    cannery("run", "flow.py", "--executor", "ray", expected=2)


# What Python's callers get

_tries: list[int] = []


def test_a_step_is_tried_again(tmp_path):
    failures: list[str] = []

    @step(retries=2, retry_delay=0.001, on_failure=lambda e: failures.append(str(e)))
    def flaky(until: int) -> int:
        _tries.append(1)
        print("try", len(_tries))
        if len(_tries) < until:
            raise OSError("not yet")
        return len(_tries)

    @pipeline(store=tmp_path / "store", on_failure=lambda e: failures.append(f"run: {e}"))
    def tries(until: int):
        return flaky(until)

    _tries.clear()
    run = tries(3)
    assert run.output.load() == 3
    assert failures == []
    record = run.steps["flaky"]
    assert record.attempts == 3
    assert "try 1\n[attempt 1 failed: OSError: not yet" in record.log
    _tries.clear()
    with pytest.raises(OSError, match="not yet"):
        tries(9)
    assert failures == ["not yet", "run: not yet"]
    assert Store(tmp_path / "store").run(2).steps["flaky"].attempts == 3


def test_a_run_may_go_on_after_a_failure(tmp_path):
    @step
    def bad() -> int:
        raise ValueError("bad")

    @step
    def after(x: int) -> int:
        return x

    @step
    def good() -> int:
        return 1

    def both():
        after(bad())
        good()

    with pytest.raises(ValueError, match="bad"):
        pipeline(store=tmp_path / "store", fail_fast=False)(both)()
    steps = Store(tmp_path / "store").run(1).steps
    found = {name: each.status for name, each in steps.items()}
    assert found == {"bad": "failed", "after": "skipped", "good": "completed"}


def test_runs_are_compared(tmp_path):
    @step
    def scale(x: int, factor: int) -> int:
        return x * factor

    @step
    def show(x: int) -> str:
        return str(x)

    @pipeline(store=tmp_path / "store")
    def compared(x: int, factor: int = 2):
        return {"text": show(scale(x, factor))}

    first, second, third = compared(3), compared(3), compared(2, factor=3)
    assert not second.compare(first)
    assert str(second.compare(first)).startswith("run 1 and run 2\n  the same steps")
    found = third.compare(first)
    assert found
    assert found.parameters == {"x": (3, 2), "factor": (2, 3)}
    assert "parameter x" in found.steps["scale"].changes
    assert found.steps["scale"].is_same is False
    assert found.steps["show"].is_same, "its input is the same"
    fourth = compared(5)
    assert list(fourth.compare(1).steps["show"].outputs) == [""]
    assert "step show\n" in str(fourth.compare(1))
    assert fourth.record.output["text"].load() == "10"


def test_the_version_of_the_code_is_that_of_git(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "flow.py").write_text(PROGRAM + "\nif __name__ == '__main__':\n    daily()\n")

    def run(*command):
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    run(sys.executable, "flow.py")
    run("git", "init", "-q")
    run("git", "add", "flow.py")
    run("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "one")
    run(sys.executable, "flow.py")
    (project / "flow.py").write_text((project / "flow.py").read_text() + "# more\n")
    run(sys.executable, "flow.py")
    commit = run("git", "rev-parse", "--short=12", "HEAD")
    store = Store(tmp_path / "store")
    versions = [store.run(number).code_version for number in (1, 2, 3)]
    assert versions == [None, commit, f"{commit}-dirty"]


def test_aliases_name_versions(tmp_path):
    @step
    def train(x: int) -> int:
        return x

    @pipeline(store=tmp_path / "store")
    def models(x: int):
        return train(x)

    models(1), models(2)
    store = Store(tmp_path / "store")
    store.set_alias("production", "train@1")
    assert store.artifact("train@production").load() == 1
    assert store.artifact("models/train@production").version == 1
    store.set_alias("production", store.artifact("train"))
    assert store.artifact("train@production").load() == 2
    assert list(store.aliases) == ["models/train@production"]
    assert store.remove_alias("train", "production")
    with pytest.raises(FileNotFoundError):
        store.artifact("train@production")
    with pytest.raises(DataError):
        store.set_alias("1", "train")


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"executor": "ray"}, {"ttl": -1.0}, {"nonsense": 1}],
)
def test_options_are_checked(options):
    with pytest.raises((DataError, TypeError)):
        pipeline(**options)(lambda: None)


def test_the_stored_output_loads_as_a_whole(tmp_path):
    @step
    def double(number: int) -> int:
        return 2 * number

    @pipeline(store=tmp_path / "store")
    def work():
        return {"one": double(1), "more": [double(2), double(3)], "said": "text"}

    @pipeline(store=tmp_path / "store")
    def two():
        return double(1), double(2)

    first, second = work(), two()
    expected = {"one": 2, "more": [4, 6], "said": "text"}
    assert first.output.load() == expected
    with Store(tmp_path / "store") as store:
        assert store.run(first.id).output.load() == expected
        assert store.run(second.id).output.load() == [2, 4]
