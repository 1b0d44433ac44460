"""Steps and pipelines: caching, edges, types, versions, lineage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cannery import Artifact, Materializer, Store, pipeline, step
from cannery.errors import CacheWarning

calls: list[Any] = []


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    calls.clear()


@dataclass
class Box:
    label: str
    size: float = 1.0


class Word:
    def __init__(self, text):
        self.text = text


class WordMaterializer(Materializer[Word]):
    types = (Word,)
    format_id = "word.txt/1"

    def save(self, value, to):
        (to / "word.txt").write_text(value.text)

    def load(self, type, at):
        return type((at / "word.txt").read_text())


class Split(NamedTuple):
    train: Word
    test: list[int]


@step
def one() -> int:
    calls.append("one")
    return 1


@step
def add(x: int, y: int = 10) -> int:
    calls.append(("add", x, y))
    return x + y


@step
def total(values: list[int]) -> int:
    return sum(values)


def test_a_step_outside_a_pipeline_is_a_plain_call():
    assert add(1, y=2) == 3
    assert one() == 1


def test_a_pipeline_returns_a_run_with_its_steps():
    @pipeline
    def adding(y: int):
        return add(one(), y=y)

    run = adding(y=5)

    assert (run.status, run.output.load(), run.id) == ("completed", 6, 1)
    assert list(run.steps) == ["one", "add"]
    assert run.steps["add"].inputs["x"].load() == 1
    assert run.steps["add"].duration is not None
    assert repr(run).startswith("<run 1 of adding: completed in ")


def test_what_did_not_change_does_not_run_again():
    @pipeline
    def adding(y):
        return add(one(), y)

    adding(1)
    assert not any(step.cached for step in adding(2).steps.values() if step.name == "add")
    assert calls == ["one", ("add", 1, 1), ("add", 1, 2)]
    again = adding(1)
    assert all(step.cached for step in again.steps.values())
    assert again.output.load() == 2
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, "1"),
        (1, 1.0),
        (1, True),
        ([1, 2], [2, 1]),
        ((1,), [1]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_parameters_are_told_apart_by_type_and_order(first, second):
    @step
    def show(x) -> str:
        return repr(x)

    @pipeline
    def showing(x):
        return show(x)

    assert showing(first).output.load() == repr(first)
    assert showing(second).output.load() == repr(second)
    assert showing(first).steps["show"].cached


def test_artifacts_travel_inside_containers():
    @pipeline
    def summing():
        return total([one(), add(one(), 1), 5])

    run = summing()
    assert run.output.load() == 8
    assert list(run.steps) == ["one", "one-2", "add", "total"]
    assert sorted(run.steps["total"].inputs) == ["values[0]", "values[1]"]


def test_an_artifact_is_a_future_and_says_so():
    @pipeline
    def misusing():
        x = one()
        assert isinstance(x, Artifact)
        with pytest.raises(TypeError, match=r"used as a condition before it is there"):
            bool(x)
        with pytest.raises(TypeError, match=r"iterated over before it is there"):
            list(x)
        with pytest.raises(AttributeError, match=r"call `.load\(\)` for its value"):
            x.real  # noqa: B018
        return add(x) if x.load() == 1 else x

    assert misusing().output.load() == 11


@step
def split() -> Split:
    return Split(Word("train"), [1, 2])


@step
def pair() -> tuple[Word, int]:
    return Word("pair"), 3


@step
def text_of(word: Word, number: int = 0) -> str:
    return f"{word.text}{number}"


def test_items_of_an_output_can_be_unpacked_and_passed_on():
    @pipeline
    def unpacking():
        word, number = pair()
        both = split()
        return text_of(word, number), text_of(both.train), total(both["test"])

    run = unpacking()
    assert [output.load() for output in run.output] == ["pair3", "train0", 3]
    assert Store().artifact("pair").load()[0].text == "pair"
    assert Store().artifact("split.train").load().text == "train"
    assert Store().artifact("unpacking/split.test").load() == [1, 2]
    assert all(step.cached for step in unpacking().steps.values())


def test_an_equal_output_stops_the_cascade():
    @step
    def noisy(x) -> int:
        return abs(x)

    @pipeline
    def chain(x):
        return add(noisy(x))

    chain(3)
    run = chain(-3)
    assert (run.steps["noisy"].cached, run.steps["add"].cached) == (False, True)


def test_versions_and_lineage():
    @pipeline
    def adding(y):
        return add(one(), y)

    adding(1)
    adding(2)
    store = Store()
    latest = store.artifact("add")
    assert (latest.version, latest.load(), latest.type) == (2, 3, "builtins.int")
    assert store.artifact("add", version=1).load() == 2
    assert [source.name for source in latest.upstream] == ["one"]
    assert sorted(each.version for each in store.artifact("one").downstream) == [1, 2]
    assert [each.name for each in latest.lineage()] == ["add", "one"]
    assert latest.producer.step == "add"
    assert latest.producer.run.parameters == {"y": 2}
    with pytest.raises(FileNotFoundError, match="ad"):
        store.artifact("ad")


def test_wrong_types_are_refused_where_they_leave_and_enter():
    @step
    def liar() -> list[int]:
        return [1, "three"]  # pyright: ignore

    @step
    def honest() -> str:
        return "x"

    @pipeline
    def lying():
        return liar()

    @pipeline
    def mixing():
        return add(honest())

    @pipeline
    def passing():
        return add("x")

    with pytest.raises(TypeError) as caught:
        lying()
    expected = 'liar()[1]: expected int, got str "three"'
    assert str(caught.value) == expected
    assert caught.value.__notes__ == ["in step `liar` of run 1"]
    with pytest.raises(TypeError) as caught:
        mixing()
    expected_of_wiring = "add(x): expected int, got the output of step `honest`, which is str"
    assert str(caught.value) == expected_of_wiring
    assert Store().run(2).steps["honest"].status == "skipped"
    with pytest.raises(TypeError, match=r'^add\(x\): expected int, got str "x"'):
        passing()
    assert [run.status for run in Store().runs()] == ["failed"] * 3
    assert expected in Store().run(1).error


def test_a_step_that_raises_keeps_what_was_made_before():
    broken = [True]

    @step
    def fragile(x: int) -> int:
        if broken:
            raise KeyError("no such thing")
        return x

    @pipeline
    def failing():
        return add(fragile(add(one())))

    with pytest.raises(KeyError, match="no such thing") as caught:
        failing()
    assert caught.value.__notes__ == ["in step `fragile` of run 1"]
    steps = Store().run(1).steps
    assert [step.status for step in steps.values()] == [
        "completed",
        "completed",
        "failed",
        "skipped",
    ]
    broken.clear()
    run = failing()
    assert [step.cached for step in run.steps.values()] == [True, True, False, False]


def test_an_error_of_the_pipeline_itself_fails_the_run():
    @pipeline
    def failing():
        one().load()
        raise LookupError("between the steps")

    with pytest.raises(LookupError):
        failing()
    assert Store().runs()[0].status == "failed"


def test_a_pipeline_in_a_pipeline_joins_its_run():
    @pipeline
    def inner(x):
        return add(x)

    @pipeline
    def outer():
        return inner(inner(one()))

    run = outer()
    assert run.output.load() == 21
    assert list(run.steps) == ["one", "add", "add-2"]


def test_an_artifact_of_another_run_is_refused():
    @pipeline
    def making():
        return one()

    made = making().output

    @pipeline
    def using():
        return add(made)

    with pytest.raises(ValueError, match="artifact of another run as `x`"):
        using()


def test_custom_objects_need_no_materializer():
    @step
    def boxes() -> dict[str, list[Box]]:
        return {"all": [Box("a"), Box("b", 2.5)]}

    @step
    def largest(boxes: dict[str, list[Box]]) -> Box:
        return max(boxes["all"], key=lambda box: box.size)

    @pipeline
    def measuring():
        return largest(boxes())

    assert measuring().output.load() == Box("b", 2.5)
    assert Store().artifact("largest").load() == Box("b", 2.5)
    assert Store().artifact("largest").load(trust=()) != Box("b", 2.5)


def test_arrays_are_stored_as_npy():
    np = pytest.importorskip("numpy")

    @step
    def make() -> np.ndarray:
        return np.arange(6, dtype=">f4").reshape(2, 3)

    @step
    def double(x: np.ndarray) -> np.ndarray:
        return x * 2

    @pipeline
    def arrays():
        return double(make())

    run = arrays()
    assert run.output.load().tolist() == [[0, 2, 4], [6, 8, 10]]
    stored = Store().artifact("make")
    assert (stored.format, stored.metadata) == ("array.npy/1", {"dtype": ">f4", "shape": [2, 3]})
    assert np.load(stored.folder / "array.npy").dtype == ">f4"


def test_options_of_a_step():
    @step(name="renamed", cache=False)
    def uncached() -> int:
        return 1

    @pipeline
    def running():
        return uncached()

    running()
    assert not running().steps["renamed"].cached
    with pytest.raises(TypeError, match="`step` has no option `cahce`"):
        step(cahce=False)  # pyright: ignore


def test_a_declared_version_or_variable_is_part_of_the_key(monkeypatch):
    def build(version):
        @step(version=version, environment=["MODE"])
        def versioned() -> int:
            return 1

        return _pipeline_of(versioned)

    def cached(version):
        return build(version)().steps["versioned"].cached

    assert [cached("1"), cached("1"), cached("2"), cached("2")] == [False, True, False, True]
    monkeypatch.setenv("MODE", "fast")
    assert [cached("2"), cached("2")] == [False, True]


def _pipeline_of(a_step):
    @pipeline
    def single():
        return a_step()

    return single


def test_code_that_cannot_be_seen_through_is_warned_about():
    @step
    def evaluating() -> int:
        return eval("1")

    with pytest.warns(CacheWarning, match="`eval` may run code that is not seen"):
        _pipeline_of(evaluating)()

    @step(strict=True)
    def strict() -> int:
        return eval("1")

    with pytest.raises(ValueError, match="`eval` may run code"):
        _pipeline_of(strict)()


def test_steps_that_wait_for_nothing_run_side_by_side():
    import threading

    together = threading.Barrier(2, timeout=10)

    @step(cache=False)
    def meet(name: str) -> str:
        together.wait()
        return name

    @pipeline
    def meeting():
        return [meet("a"), meet("b")]

    assert [each.load() for each in meeting().output] == ["a", "b"]


def test_a_store_of_its_own(tmp_path):
    @pipeline(store=tmp_path / "elsewhere", name="named")
    def storing():
        return one()

    storing()
    assert [run.pipeline for run in Store(tmp_path / "elsewhere").runs()] == ["named"]
    assert Store().runs() == []
    assert Path(tmp_path / "elsewhere" / "catalog.sqlite").exists()
