"""Lineage across runs, as pictures and events, and what differs between versions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Annotated, Any

import pytest
from open_lineage import check_event

from cannery import Store, pipeline, step


@step
def read(day: str) -> list[int]:
    return [len(day), 2, 3]


@step
def split(
    rows: list[int],
) -> tuple[Annotated[list[int], "low"], Annotated[list[int], "high"]]:
    return rows[:1], rows[1:]


@step
def train(rows: list[int], depth: int = 1) -> dict[str, Any]:
    return {"depth": depth, "rows": rows, "name": "<b>&\"'"}


@pipeline
def daily(day: str, depth: int = 1):
    _low, high = split(read(day))
    return train(high, depth)


@step
def publish(model: Any) -> str:
    return str(model)


@pipeline
def publishing(model: Any):
    return publish(model)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    return Store()


def texts_of(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_an_artifact_is_followed_across_pipelines_and_runs(store):
    daily("monday")
    publishing(store.artifact("daily/train"))
    model, text = store.artifact("daily/train"), store.artifact("publishing/publish")
    assert [each.path for each in text.lineage()] == [
        "publishing/publish",
        "daily/train",
        "daily/split.high",
        "daily/read",
    ]
    assert [each.path for each in model.lineage(down=True)] == ["daily/train", "publishing/publish"]
    both = [each.path for each in model.lineage(both=True)]
    assert both[0] == "daily/train"
    assert set(both) == {each.path for each in text.lineage()}
    assert "publish" in texts_of(model.lineage(both=True).to_svg())
    assert "publish" not in texts_of(model.lineage().to_svg())


def test_a_stored_artifact_is_an_input_and_not_a_parameter(store):
    daily("monday")
    first = publishing(store.artifact("daily/train"))
    assert first.output.load().startswith("{'depth': 1")
    assert first.steps["publish"].inputs["model"].path == "daily/train"
    assert publishing(store.artifact("daily/train", 1)).steps["publish"].cached
    daily("monday", depth=2)
    assert not publishing(store.artifact("daily/train")).steps["publish"].cached
    # In a container, and in another process.
    run = publishing.with_options(workers=1)({"a": [store.artifact("daily/read")]})
    assert run.output.load() == "{'a': [[6, 2, 3]]}"


def test_an_artifact_of_another_store_is_refused(store, tmp_path):
    daily("monday")
    artifact = store.artifact("daily/train")
    other = publishing.with_options(store=tmp_path / "other")
    with pytest.raises(ValueError, match="artifact of another store as `model`"):
        other(artifact)


def test_pictures_hold_all_steps_and_no_markup_of_names(store):
    run = daily("monday")
    svg = run.record.to_svg()
    assert {"read", "split", "train", "split.low@1", "split.high@1"} <= set(texts_of(svg))
    assert run._repr_html_().startswith("<svg ")
    assert store.artifact("daily/train")._repr_html_().count("<svg ") == 1

    hostile = step(name='x"><script>alert(1)\x1b[2J')(train.function)
    hostile_run = pipeline(name="p&<i>")(lambda: hostile([1]))()
    svg = hostile_run.record.to_svg()
    assert "<script" not in svg
    assert "\x1b" not in svg
    assert any("<script>" in text for text in texts_of(svg)), "it is shown as it is"
    chart = hostile_run.record.to_mermaid()
    assert '"><' not in chart
    assert "#60;script#62;" in chart


def test_alike_steps_of_a_map_are_one_node(store):
    @pipeline
    def many(days: list[str]):
        return read.map(days)

    run = many([f"day {number}" for number in range(40)])
    assert "read × 40" in texts_of(run.record.to_svg())
    assert "40 artifacts" in texts_of(run.record.to_svg())


def test_events_are_those_of_openlineage(store):
    daily("monday")
    daily.with_options(tags=["nightly"])("monday")
    with pytest.raises(ZeroDivisionError):
        pipeline(name="failing")(lambda: failing(0))()
    lines = [
        json.loads(line)
        for run in (1, 2, 3)
        for line in store.run(run).to_openlineage().splitlines()
    ]
    kinds = [event["eventType"] for event in lines]
    assert kinds.count("START") == 3 + 7
    assert kinds.count("COMPLETE") == 2 + 6
    assert kinds.count("FAIL") == 2
    for event in lines:
        check_event(event)
    by_run: dict[str, list[str]] = {}
    for event in lines:
        by_run.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert all(len(events) == 2 and events[0] == "START" for events in by_run.values())
    of_train = [
        e for e in lines if e["job"]["name"] == "daily/train" and e["eventType"] == "COMPLETE"
    ]
    assert [d["name"] for d in of_train[0]["inputs"]] == ["daily/split.high"]
    assert [d["name"] for d in of_train[0]["outputs"]] == ["daily/train"]
    assert of_train[1]["run"]["facets"]["cannery_step"]["cached"] is True
    parent = of_train[0]["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == lines[0]["run"]["runId"]
    failed = [e for e in lines if e["eventType"] == "FAIL"]
    assert all("division by zero" in e["run"]["facets"]["errorMessage"]["message"] for e in failed)
    assert lines == [
        json.loads(line)
        for run in (1, 2, 3)
        for line in store.run(run).to_openlineage().splitlines()
    ], "an export is the same every time"


@step
def failing(x: int) -> float:
    return 1 / x


def test_versions_are_compared_in_how_they_were_made_and_in_their_values(store):
    daily("monday")
    daily("monday", depth=2)
    first, second = (store.artifact("daily/train", version) for version in (1, 2))
    assert not first.diff(first)
    diff = second.diff(first)
    assert diff
    assert diff.values == {"$.depth": ("1", "2")}
    assert {label: each for label, each in diff.made.items() if label.startswith("parameter")} == {
        "parameter depth": ("1", "2")
    }
    assert diff.inputs == {}
    daily("a longer day", depth=2)
    assert store.artifact("daily/read").diff(store.artifact("daily/read", 1)).values == {
        "$[0]": ("6", "12")
    }
    # The rows that it was trained on are the same, and so is the model.
    assert store.artifact("daily/train").version == 2


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ([1, 2, 3], [1, 3], {"$[1]": ("2", None)}),
        ([1, 2], [0, 1, 2], {"$[0]": (None, "0")}),
        ([0, 1, 2, 3, 4], [0, 2, 3, 5], {"$[1]": ("1", None), "$[4]": ("4", "5")}),
        ({"a": {"b c": 1}}, {"a": {"b c": 2}}, {'$.a["b c"]': ("1", "2")}),
        ("one\ntwo\n", "one\nthree\n", {"line 2": ("two", "three")}),
        ([float("nan"), 1.0], [float("nan"), 2.0], {"$[1]": ("1", "2")}),
        ({"x": 1, 2: "y"}, {"x": 1, 3: "y"}, {"$[2]": ('"y"', None), "$[3]": (None, '"y"')}),
    ],
)
def test_values_are_compared_place_by_place(store, before, after, changes):
    keep = step(name="keep")(lambda value: value)
    keeping = pipeline(name="keeping")(lambda value: keep(value))
    keeping(before)
    keeping(after)
    found = store.artifact("keep", 2).diff(store.artifact("keep", 1))
    assert found.values == changes, str(found)


def test_arrays_are_compared(store):
    numpy = pytest.importorskip("numpy")
    keep = step(name="keep")(
        lambda value: numpy.arange(6.0) + value * numpy.array([0, 0, 1, 0, 0, 0])
    )
    keeping = pipeline(name="keeping")(lambda value: keep(value))
    keeping(0)
    keeping(0.5)
    ((_, told),) = store.artifact("keep", 2).diff(store.artifact("keep", 1)).values.values()
    assert told is not None
    assert told.startswith("1 of 6 values differ, by 5.000e-1 at most")


def cannery_command(*args: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "cannery", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout


def test_the_command_says_the_same(store):
    daily("monday")
    daily("monday", depth=2)
    told = cannery_command("diff", "train@1", "train@2", status=1)
    assert told.rstrip("\n") == str(store.artifact("train", 2).diff(store.artifact("train", 1)))
    assert "parameter depth changed from `1` to `2`" in told
    data = json.loads(cannery_command("diff", "train@1", "train@2", "--json", status=1))
    assert data == store.artifact("train", 2).diff(store.artifact("train", 1)).data
    told = cannery_command("compare", "1", "2", status=1)
    assert "parameter depth: 1 -> 2" in told
    assert "output: daily/train@1 -> daily/train@2" in told
    assert cannery_command("lineage", "--run", "1", "--format", "svg") == store.run(1).to_svg()
    assert re.search(r"^    n0\[", cannery_command("lineage", "train", "--format", "mermaid"), re.M)
    events = cannery_command("lineage", "--format", "openlineage", "--namespace", "shop")
    assert {json.loads(line)["job"]["namespace"] for line in events.splitlines()} == {"shop"}
    cannery_command("tag", "1", "nightly")
    assert [run.id for run in store.runs(tag="nightly")] == [1]
    cannery_command("tag", "1", "nightly", "--remove")
    assert store.run(1).tags == ()
    cannery_command("alias", "production", "train@1")
    assert store.artifact("train@production").version == 1
    assert "production" in cannery_command("alias")
    cannery_command("alias", "production", "train", "--remove")
    assert store.aliases == {}
