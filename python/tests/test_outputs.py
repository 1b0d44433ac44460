"""Named outputs, wiring by types, and artifacts by path."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NewType, Protocol

import pytest

from cannery import Artifact, Store, pipeline, step, value_of
from cannery.errors import DataError, NotFoundError

ran: list[str] = []


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    ran.clear()


class Halves(NamedTuple):
    low: list[int]
    high: list[int]


@dataclasses.dataclass
class Both:
    low: list[int]
    high: list[int]


Count = NewType("Count", int)


@step
def read(top: int = 4) -> list[int]:
    return list(range(1, top + 1))


@step
def split(rows: list[int]) -> tuple[Annotated[list[int], "low"], Annotated[list[int], "high"]]:
    ran.append("split")
    return [row for row in rows if row <= 2], [row for row in rows if row > 2]


@step
def halve(rows: list[int]) -> Halves:
    return Halves(rows[:2], rows[2:])


@step(outputs=["low", "high"])
def cut(rows: list[int]):
    return rows[:2], rows[2:]


@step
def count(rows: list[int]) -> int:
    ran.append("count")
    return len(rows)


@step
def join(halves: Halves) -> int:
    return sum(halves.low) - sum(halves.high)


@step
def add(pair: tuple[list[int], list[int]]) -> int:
    return sum(map(sum, pair))


@pytest.mark.parametrize("splitting", [split, halve, cut])
def test_each_output_is_an_artifact(splitting):
    @pipeline
    def daily(top: int = 4):
        whole = splitting(read(top))
        low, high = whole
        assert isinstance(low, Artifact)
        assert (low.name, high.path) == (f"{splitting.name}.low", f"daily/{splitting.name}.high")
        return count(whole["low"]), count(whole[1]), whole, whole.high, whole

    run = daily()
    assert [part.load() for part in run.output[:2]] == [2, 2]
    assert run.output[2].load() == ([1, 2], [3, 4])
    assert type(run.output[2].load()) is (Halves if splitting is halve else tuple)
    assert run.output.load()[3] == [3, 4]
    stored = run.steps[splitting.name].outputs
    assert {name: each.load() for name, each in stored.items()} == {"low": [1, 2], "high": [3, 4]}
    assert [each.path for each in stored.values()] == [
        f"daily/{splitting.name}.low",
        f"daily/{splitting.name}.high",
    ]
    assert all(each.cached for each in daily().steps.values())
    # `low` is the same, and so is what was made of it.
    again = daily(5).steps
    assert [again[name].cached for name in ("count", "count-2")] == [True, False]


def test_the_whole_goes_into_other_steps():
    @pipeline
    def daily():
        rows = read()
        return join(halve(rows)), add(split(rows)), add((split(rows)["low"], rows))

    run = daily()
    assert [each.load() for each in run.output] == [3 - 7, 10, 13]
    assert sorted(run.steps["join"].inputs) == ["halves.high", "halves.low"]


def test_a_wrong_number_of_outputs_says_so():
    @step
    def three(rows: list[int]) -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        return 1, 2, 3  # pyright: ignore

    @step(outputs=["a", "b"])
    def none(rows: list[int]) -> Any:
        return None

    @step
    def wrong(rows: list[int]) -> tuple[Annotated[int, "a"], Annotated[list[int], "b"]]:
        return 1, ["x"]  # pyright: ignore

    for bad, message in (
        (three, "three(): expected 2 outputs (a, b), got 3"),
        (none, "none(): expected 2 outputs (a, b), got NoneType"),
        (wrong, 'wrong().b[0]: expected int, got str "x"'),
    ):

        @pipeline
        def failing(bad=bad):
            return bad(read())

        with pytest.raises(TypeError) as caught:
            failing()
        assert str(caught.value) == message
    assert Store().artifacts("wrong.a") == []


def test_names_that_do_not_fit_are_refused():
    @step
    def half() -> tuple[Annotated[int, "a"], int]:
        return 1, 2

    @step
    def twice() -> tuple[Annotated[int, "a"], Annotated[int, "a"]]:
        return 1, 2

    @step(outputs=["a", "b", "c"])
    def more() -> tuple[int, int]:
        return 1, 2

    for bad, message in (
        (half, "output 1 has no name and others have: name all or none"),
        (twice, "two outputs are named `a`"),
        (more, "`outputs` names 3 outputs, its annotation has 2"),
    ):

        @pipeline
        def failing(bad=bad):
            return bad()

        with pytest.raises(TypeError) as caught:
            failing()
        assert str(caught.value) == message
    with pytest.raises(DataError, match=r"`a/b` is no name"):
        step(outputs=["a/b"])(lambda: 1)

    @pipeline
    def misspelt():
        return split(read())["middle"]

    with pytest.raises(TypeError, match=r"has no output `middle`; it has: low, high"):
        misspelt()


def test_other_types_stay_one_artifact():
    @step
    def both() -> Both:
        return Both([1], [2])

    @step
    def units() -> tuple[Annotated[float, "in metres per second"], float]:
        return 1.0, 2.0

    @step(outputs={"model": int})
    def one():
        return 3

    @pipeline
    def making():
        return both(), units(), one()

    assert making().output.load() == (Both([1], [2]), (1.0, 2.0), 3)
    paths = sorted(each.path for each in Store().artifacts())
    assert paths == ["making/both", "making/one.model", "making/units"]


def test_artifacts_are_found_by_path_and_by_name():
    @pipeline
    def daily(top: int = 4):
        return count(split(read(top))["high"])

    @pipeline
    def weekly():
        return count(read())

    daily()
    store = Store()
    assert store.artifact("count").path == "daily/count"
    daily(5)
    assert store.artifact("daily/count").version == 2
    assert store.artifacts("daily/count").latest().load() == 3
    assert store.artifacts("daily/split.low").latest().load() == [1, 2]
    assert [a.version for a in store.artifacts("count", all_versions=True)] == [2, 1]
    weekly()
    with pytest.raises(DataError) as caught:
        store.artifact("count")
    assert "several artifacts are called `count`: `daily/count`, `weekly/count`" in str(
        caught.value
    )
    assert (store.artifact("weekly/count").load(), store.artifact("weekly/count").version) == (4, 1)
    assert store.artifact("daily/count", version=1).load() == 2
    with pytest.raises(NotFoundError) as missing:
        store.artifact("daily/split")
    assert missing.value.hint == "they are: `daily/split.high`, `daily/split.low`"
    with pytest.raises(NotFoundError):
        store.artifacts("nothing").latest()
    with pytest.raises(DataError, match="several artifacts"):
        store.artifacts().latest()


def test_a_result_of_another_pipeline_becomes_an_artifact_of_this_one():
    @pipeline
    def first():
        return count(read())

    @pipeline
    def second():
        return count(read())

    first()
    run = second()
    assert run.steps["count"].cached
    stored = run.output.stored
    assert (stored.path, stored.version, stored.load()) == ("second/count", 1, 4)
    assert stored.producer.run.pipeline == "first"  # pyright: ignore
    assert [each.path for each in run.steps["count"].inputs.values()] == ["second/read"]
    second()
    assert Store().artifact("second/count").version == 1
    assert ran == ["count"]


# Wiring


class Sized(Protocol):
    def size(self) -> int: ...


@step
def text() -> str:
    ran.append("text")
    return "x"


@step
def maybe() -> int | str:
    return 1


@step
def texts() -> list[str]:
    return []


@step
def needs_int(x: int) -> int:
    return x


@step
def needs_ints(x: list[int], y: dict[str, int] | None = None) -> int:
    return len(x)


@step
def needs_sized(x: Sized) -> int:
    return x.size()


@step
def needs_two(x: tuple[int, str]) -> int:
    return x[0]


@step
def pair() -> tuple[int, str]:
    return 1, "x"


@step
def counted() -> Count:
    return Count(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: needs_int(text()), "needs_int(x): expected int, got the output of step `text`"),
        (lambda: needs_ints(texts()), "needs_ints(x): expected list[int], got the output"),
        (lambda: needs_ints([count(read()), text()]), "needs_ints(x[1]): expected int"),
        (lambda: needs_ints(read(), {"a": text()}), None),
        (lambda: needs_sized(text()), "needs_sized(x): expected test_outputs.Sized"),
        (lambda: needs_two(split(read())), "needs_two(x): expected tuple[int, str]"),
        (lambda: needs_int(pair()[1]), "needs_int(x): expected int, got the output"),
        (lambda: needs_int(split(read())["low"]), "which is list[int]"),
    ],
)
def test_wiring_that_types_exclude_is_refused_before_anything_runs(call, message):
    @pipeline
    def wiring():
        return call()

    with pytest.raises(TypeError) as caught:
        wiring()
    if message is not None:
        assert message in str(caught.value)
        assert ran == []


def test_wiring_that_types_allow_runs():
    @pipeline
    def wiring():
        return needs_int(maybe()), needs_int(counted()), needs_two(pair()), needs_int(pair()[0])

    assert wiring().output.load() == (1, 1, 1, 1)


def test_value_of_loads_inside_a_pipeline():
    @pipeline
    def deciding():
        return text() if value_of(count(read())) > 3 else count(read())

    assert deciding().output.load() == "x"
    assert value_of([1, {"a": 2}]) == [1, {"a": 2}]


SAMPLE = """
    from collections.abc import Iterator
    from typing import Annotated

    from cannery import pipeline, step, value_of
    from cannery._artifact import Artifact

    @step
    def read(day: str) -> list[int]:
        return [1]

    @step
    def split(rows: list[int]) -> tuple[Annotated[list[int], "low"], Annotated[list[str], "high"]]:
        return rows, []

    @step(version="2")
    async def count(rows: list[int]) -> int:
        return len(rows)

    @step
    def numbers() -> Iterator[int]:
        yield 1

    @pipeline
    def daily(day: str = "x"):
        low, high = split(read(day))
        number = count(low)
        if value_of(number) > 3:
            return count(read(1))  # error
        count(high)  # error
        count(number)  # error
        read()  # error
        return number

    run = daily("y")
    daily(3)  # error
    total: int = run.output.load()
    wrong: str = run.output.load()  # error
    kept: Artifact[int] = run.output
    other: Artifact[str] = run.output  # error
"""


def test_pyright_sees_wrong_wiring(tmp_path: Path):
    file = tmp_path / "sample.py"
    file.write_text(textwrap.dedent(SAMPLE))
    _check_by_pyright(file, tmp_path)


def test_pyright_knows_the_types_of_outputs(tmp_path: Path):
    file = tmp_path / "typed_wiring.py"
    file.write_text((Path(__file__).parent / "typed_wiring.py").read_text())
    _check_by_pyright(file, tmp_path)


def _check_by_pyright(file: Path, folder: Path) -> None:
    """Hold what pyright finds against the lines that are marked as errors."""
    pytest.importorskip("pyright")
    root = Path(__file__).parents[1]
    (folder / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{root}"]}}')
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if " - error" in line}
    lines = file.read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
    assert found == expected, done.stdout
