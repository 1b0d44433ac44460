"""Parameters of pipelines: read from texts and files, recorded, taken up again; back-fills."""

from __future__ import annotations

import json

import pytest

from cannery import Store
from cannery._run import run_file

PROGRAM = """
import dataclasses, datetime, decimal, enum, pathlib, uuid
from typing import Any, Literal, NamedTuple
from cannery import pipeline, step

class Color(enum.Enum):
    RED = "red"
    BLUE = 3

class Point(NamedTuple):
    x: int
    y: int

@dataclasses.dataclass
class Model:
    depth: int
    since: datetime.date = datetime.date(2020, 1, 1)
    point: Point = Point(0, 0)

@step
def show(value: Any, fail: bool) -> str:
    if fail:
        raise ArithmeticError("as asked")
    return f"{type(value).__name__} {value}"

@pipeline
def work(value: {annotation}, fail: bool = False):
    return show(value, fail)
"""

UUID = "12345678-1234-5678-1234-567812345678"
MODEL = "Model Model(depth=3, since=datetime.date(2026, 11, 30), point=Point(x=0, y=0))"
OTHER_MODEL = "Model Model(depth=3, since=datetime.date(2020, 1, 1), point=Point(x=1, y=2))"
# An annotation, the text, and what the step gets.
TEXTS = [
    ("datetime.date", "2026-11-30", "date 2026-11-30"),
    ("datetime.date | None", "2026-11-30", "date 2026-11-30"),
    ("datetime.date | None", "null", "NoneType None"),
    ("datetime.datetime", "2026-11-30T10:00:00", "datetime 2026-11-30 10:00:00"),
    ("datetime.time", "10:30", "time 10:30:00"),
    ("datetime.timedelta", "PT90S", "timedelta 0:01:30"),
    ("list[datetime.date]", '["2026-11-30"]', "list [datetime.date(2026, 11, 30)]"),
    ("decimal.Decimal", "1.20", "Decimal 1.20"),
    ("uuid.UUID", UUID, f"UUID {UUID}"),
    ("pathlib.Path", "a/b", "PosixPath a/b"),
    ("Color", "red", "Color Color.RED"),
    ("Color", "BLUE", "Color Color.BLUE"),
    ("Color", "3", "Color Color.BLUE"),
    ("Model", '{"depth": 3, "since": "2026-11-30"}', MODEL),
    ("Point", "[1, 2]", "Point Point(x=1, y=2)"),
    ("tuple[int, str]", '[1, "a"]', "tuple (1, 'a')"),
    ("set[int]", "[2]", "set {2}"),
    ("Literal['a', 'b']", "b", "str b"),
    ("bool", "True", "bool True"),
    ("bool", "false", "bool False"),
    ("float", ".5", "float 0.5"),
    ("float", "inf", "float inf"),
    ("int | str", "7", "int 7"),
    ("str", "7", "str 7"),
    ("str", "2026-11-30", "str 2026-11-30"),
    ("Any", "2026-11-30", "str 2026-11-30"),
    ("Any", "[1]", "list [1]"),
    ("bytes", "YQ==", "bytes b'a'"),
]  # fmt: skip


@pytest.fixture
def work(tmp_path, monkeypatch):
    store = tmp_path / "store"

    def call(annotation, *args, **kwargs):
        import sys

        sys.modules.pop("program", None)
        file = tmp_path / "program.py"
        file.write_text(PROGRAM.replace("{annotation}", annotation))
        return run_file(file, "work", *args, store=str(store), **kwargs)

    call.store, call.folder = store, tmp_path
    monkeypatch.syspath_prepend(str(tmp_path))
    return call


@pytest.mark.parametrize(("annotation", "text", "shown"), TEXTS)
def test_a_text_becomes_what_the_annotation_says_also_when_the_run_is_taken_up(
    work, annotation, text, shown, capsys
):
    assert work(annotation, {"value": text, "fail": "true"}) == 2
    assert "as asked" in capsys.readouterr().err
    assert work(annotation, {"fail": "false"}, resume=0) == 0, capsys.readouterr().err
    with Store(work.store) as store:
        assert store.artifact("work/show").load() == shown
        first, second = store.run(1).parameters, store.run(2).parameters
        assert first["value"] == second["value"]
        assert not str(first["value"]).startswith("datetime.")


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("datetime.date", "2026-02-30"),
        ("Color", "green"),
        ("Model", '{"depth": "x"}'),
        ("int", "1.5"),
    ],
)
def test_what_is_none_is_refused(work, annotation, text, capsys):
    assert work(annotation, {"value": text}) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: parameter `value`: expected `")
    assert f"found `{text}`" in error


YAML = [
    ("datetime.date", "2026-11-30", "date 2026-11-30"),
    ("datetime.datetime", "2026-11-30", "datetime 2026-11-30 00:00:00"),
    ("str", "2026-11-30", "str 2026-11-30"),
    ("Model", "{depth: 3, point: [1, 2]}", OTHER_MODEL),
    ("tuple[int, ...]", "[1, 2]", "tuple (1, 2)"),
    ("Color", "red", "Color Color.RED"),
    ("list[pathlib.Path]", "[a, b]", "list [PosixPath('a'), PosixPath('b')]"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "text", "shown"), YAML)
def test_a_file_says_the_same(work, annotation, text, shown, capsys):
    (work.folder / "params.yaml").write_text(f"value: {text}\n")
    files = [str(work.folder / "params.yaml")]
    assert work(annotation, params_files=files) == 0, capsys.readouterr().err
    with Store(work.store) as store:
        assert store.artifact("work/show").load() == shown


def test_what_is_no_data_is_recorded_as_its_text_and_asked_for_again(work, capsys):
    import sys

    assert work("Any", {"value": "1"}) == 0
    given = sys.modules["program"]
    with pytest.raises(ArithmeticError):
        given.work.with_options(store=work.store)({1: given.Color.RED}, fail=True)
    with Store(work.store) as store:
        run = store.run(2)
        assert run.parameters == {"value": "{1: <Color.RED: 'red'>}", "fail": True}
        assert run.compare(1).parameters["value"] == (1, "{1: <Color.RED: 'red'>}")
    capsys.readouterr()
    assert work("Any", {"fail": "false"}, resume=2) == 2
    assert capsys.readouterr().err == (
        "error: parameter `value` was `{1: <Color.RED: 'red'>}`, which is no data\n"
        "hint: give it again: `--param value=...`\n"
    )
    assert work("Any", {"value": "5", "fail": "false"}, resume=2) == 0


DAILY = """
import datetime
from cannery import Store, pipeline, step

@step
def visits(day: datetime.date, broken: int) -> int:
    if day.day == broken:
        raise ArithmeticError("no visits")
    return day.day

@step
def total(today: int, before: int | None) -> int:
    return today + (before or 0)

@pipeline(partition="day")
def counting(day: datetime.date, broken: int = 0):
    store = Store()
    yesterday = day - datetime.timedelta(1)
    before = store.partitions("counting/total").get(f"day={yesterday}")
    return total(visits(day, broken), before)

@pipeline
def monthly(month: str, number: int):
    return total(number, None)
"""


@pytest.fixture
def daily(tmp_path, monkeypatch):
    import sys

    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "daily_pipelines.py"
    file.write_text(DAILY)
    yield file
    sys.modules.pop("daily_pipelines", None)


def test_a_back_fill_does_what_lacks_a_result(daily, capsys):
    assert run_file(daily, "counting", {"day": "2026-10-31"}) == 0
    capsys.readouterr()
    assert run_file(daily, "counting", backfill={"day": "2026-10-30..2026-11-02"}, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["backfill"] for each in told] == [
        "day=2026-10-30", "day=2026-10-31", "day=2026-11-01", "day=2026-11-02"
    ]  # fmt: skip
    # The day that was there depends on the one before, which was not.
    assert [[step["cached"] for step in each["steps"]] for each in told] == [
        [False, False], [True, False], [False, False], [False, False]
    ]  # fmt: skip
    with Store() as store:
        found = store.partitions("counting/total")
        assert [each.load() for each in found.values()] == [30, 61, 62, 64]
    assert run_file(daily, "counting", backfill={"day": "2026-10-30..2026-11-02"}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 runs"
    assert all(line.endswith(": 2 steps, 2 cached") for line in lines[1:])


def test_a_back_fill_says_what_would_run(daily, capsys):
    given = {"day": "2026-11-01,2026-11-03"}
    assert run_file(daily, "counting", backfill=given, dry_run=True) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        "2 runs\n  day=2026-11-01  2 steps, 2 not cached\n  day=2026-11-03  2 steps, 2 not cached\n"
    )
    assert "failed" not in printed.err


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_back_fill_of_which_one_day_fails(daily, capsys, keep_going):
    given = {"day": "2026-11-01..2026-11-04"}
    assert run_file(daily, "counting", {"broken": "2"}, backfill=given, keep_going=keep_going) == 2
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == ("4 runs, 1 failed" if keep_going else "2 runs, 1 failed")
    assert lines[2].endswith("run 2 failed")
    assert "ArithmeticError: no visits" in printed.err
    assert "in the back-fill of day=2026-11-02" in printed.err
    with Store() as store:
        assert len(store.runs()) == (4 if keep_going else 2)


def test_a_back_fill_in_python(daily):
    import datetime

    from cannery._run import load_file

    module = load_file(daily)
    days = [datetime.date(2026, 11, 1), datetime.date(2026, 11, 2)]
    runs = module.counting.backfill({"day": days})
    assert [run.output.load() for run in runs] == [1, 3]
    runs = module.monthly.backfill({"month": "2026-11..2027-02", "number": "1..3,7"})
    assert len(runs) == 16
    assert runs[5].record.parameters == {"month": "2026-12", "number": 2}
    going = module.counting.with_options(fail_fast=False)
    with pytest.raises(ArithmeticError) as found:
        going.backfill({"day": "2026-11-01..2026-11-05"}, broken=3)
    assert found.value.__notes__[-2:] == [
        "in the back-fill of day=2026-11-03",
        "1 of 5 runs of the back-fill failed",
    ]
    with Store() as store:
        assert store.artifact("counting/total@day=2026-11-05").load() == 9
    plans = module.counting.with_options(dry_run=True).backfill({"day": "2026-11-05,2026-12-05"})
    assert [list(plan.steps.values()) for plan in plans] == [["runs", "depends"]] * 2


NO_RANGES = [
    ({"day": "2026-11-02..2026-11-01"}, "error: `day`: `2026-11-02..2026-11-01` is no range"),
    ({"day": "a..b"}, "error: `day`: `a..b` is no range"),
    ({"day": "0001-01-01..9999-12-31"}, "error: `day`: `0001-01-01..9999-12-31` is no range"),
    ({"day": "2026-11-01,,"}, "error: `day`: `2026-11-01,,` is no range"),
    ({"day": "1..3"}, "error: parameter `day`: expected `datetime.date`, found `1`"),
    ({"month": "1..3"}, "error: pipeline `counting` has no parameter `month`"),
    ({"broken": "1"}, "error: pipeline `counting` needs a value for `day`"),
]


@pytest.mark.parametrize(("given", "message"), NO_RANGES)
def test_back_fills_that_are_none(daily, capsys, given, message):
    assert run_file(daily, "counting", backfill=given) == 2
    assert capsys.readouterr().err.startswith(message)


def test_a_parameter_is_given_once(daily, capsys):
    days = {"day": "2026-11-01"}
    assert run_file(daily, "counting", days, backfill=days) == 2
    assert "`day` is given twice: by `--param`, and by `--backfill`" in capsys.readouterr().err
