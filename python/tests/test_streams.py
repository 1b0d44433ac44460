"""Generator steps: stored chunk by chunk, read in parts, and asynchronous ones."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest

from cannery import Materializer, Store, Stream, pipeline, step
from cannery.errors import CorruptError

ran: list[str] = []


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    ran.clear()


@dataclasses.dataclass
class Row:
    number: int
    text: str = "x"


class Word:
    def __init__(self, text: str) -> None:
        self.text = text


class WordMaterializer(Materializer[Word]):
    types = (Word,)
    format_id = "stream-word.txt/1"

    def save(self, value, to):
        (to / "word.txt").write_text(value.text)

    def load(self, type, at):
        return type((at / "word.txt").read_text())


@step
def numbers(count: int) -> Iterator[int]:
    ran.append("numbers")
    yield from range(count)


@step
def rows(count: int) -> Generator[Row, None, None]:
    for number in range(count):
        yield Row(number)


@step
def total(values: Iterable[int]) -> int:
    return sum(values)


@pipeline
def counting(count: int):
    values = numbers(count)
    return total(values), values


def test_a_stream_is_stored_in_chunks_and_read_in_parts():
    run = counting(300_000)
    value, stream = run.output[0].load(), run.output[1].load()
    assert value == sum(range(300_000))
    assert isinstance(stream, Stream)
    assert (len(stream), stream[17], stream[-1]) == (300_000, 17, 299_999)
    assert run.output[1].open()[1000:2000] == list(range(1000, 2000))
    stored = Store().artifact("counting/numbers")
    assert stored.open()[299_990::3] == [299_990, 299_993, 299_996, 299_999]
    assert len(list(stored.folder.glob("*.jsonl"))) > 1
    assert list(stream) == list(stream) == list(range(300_000))
    assert (stored.type, stored.metadata["items"]) == ("cannery.Stream", 300_000)
    with pytest.raises(IndexError):
        stream[300_000]
    again = counting(300_000)
    assert all(each.cached for each in again.steps.values())
    assert ran == ["numbers"]


def test_only_the_chunks_that_are_read_are_proven():
    counting(300_000)
    stored = Store().artifact("numbers")
    chunks = sorted(stored.folder.glob("*.jsonl"))
    last = chunks[-1].read_bytes()
    for blob in (Store().path / "objects").glob("*/*"):
        if blob.is_file() and blob.read_bytes() == last:
            blob.chmod(0o644)
            blob.write_bytes(last.replace(b"9", b"8"))
    stream = stored.open()
    assert stream[5] == 5
    with pytest.raises(CorruptError):
        stream[-1]


def test_a_consumer_gets_what_its_annotation_says():
    kinds: dict[str, Any] = {}

    @step
    def one(values: Iterator[int]) -> int:
        kinds["one"] = type(values).__name__
        return next(values) + next(values)

    @step
    def two(values: list[int]) -> int:
        kinds["two"] = type(values).__name__
        return len(values)

    @step
    def three(values: Sequence[int]) -> int:
        kinds["three"] = type(values).__name__
        return values[3] + len(values[4:6])

    @step
    def four(values) -> int:
        return sum(values)

    @step
    def five(values: Annotated[list[int], "words"]) -> int:
        return len(values)

    @pipeline
    def consuming():
        values = numbers(10)
        return one(values), two(values), three(values), four(values), five(values)

    assert consuming().output.load() == (1, 10, 5, 45, 10)
    assert kinds == {"one": "generator", "two": "list", "three": "Stream"}


def test_objects_arrays_and_batches_come_back_as_they_were():
    np = pytest.importorskip("numpy")
    pa = pytest.importorskip("pyarrow")
    items = [
        *(np.full((2, 3), index, ">i4") for index in range(5)),
        np.array(3.5),
        np.zeros((0, 2)),
        pa.RecordBatch.from_pydict({"x": [1, 2]}),
        pa.RecordBatch.from_pydict({"x": [3]}),
        pa.table({"y": ["a"]}),
        Row(1),
        {"a": (1, {2}), "b": b"x"},
        None,
        "line\nbreak\u2028\ud800",
        Word("hello"),
        Row(2),
    ]

    @step
    def mixed() -> Iterator[Any]:
        yield from items

    @pipeline
    def mixing():
        return mixed()

    stream = mixing().output.load()
    assert len(stream) == len(items)
    for found, item in zip(stream, items, strict=True):
        if isinstance(item, np.ndarray):
            assert (type(found), found.dtype, found.shape) == (type(item), item.dtype, item.shape)
            assert np.array_equal(found, item)
        elif isinstance(item, Word):
            assert (type(found), found.text) == (Word, item.text)
        else:
            assert (type(found), found) == (type(item), item)
    names = {path.suffix for path in Store().artifact("mixed").folder.iterdir()}
    assert names == {".npy", ".arrow", ".jsonl", ".json", ""}


def test_an_array_that_is_filled_again_is_kept_as_it_was():
    np = pytest.importorskip("numpy")

    @step
    def filling() -> Iterator[Any]:
        buffer = np.zeros(3)
        for number in range(4):
            buffer[:] = number
            yield buffer

    @pipeline
    def arrays():
        return filling()

    assert [array[0] for array in arrays().output.load()] == [0, 1, 2, 3]


def test_a_generator_that_fails_midway_leaves_no_artifact():
    @step
    def failing() -> Iterator[int]:
        yield from range(100_000)
        raise ValueError("midway")

    @step
    def lying() -> Iterator[Row]:
        yield Row(1)
        yield Row("x")  # pyright: ignore

    for bad, message in ((failing, "midway"), (lying, "lying()[1].number: expected int, got str")):

        @pipeline
        def running(bad=bad):
            return bad()

        with pytest.raises((ValueError, TypeError)) as caught:
            running()
        assert message in str(caught.value)
    assert Store().artifacts() == []
    assert [run.status for run in Store().runs()] == ["failed", "failed"]


def test_items_are_checked_where_they_enter():
    @step
    def loose() -> Iterator[Any]:
        yield from (1, 2, "x")

    @pipeline
    def wiring():
        return total(loose())

    with pytest.raises(TypeError) as caught:
        wiring()
    assert str(caught.value) == 'total(values)[2]: expected int, got str "x"'

    @pipeline
    def excluded():
        return total(rows(3))

    with pytest.raises(
        TypeError, match=r"total\(values\): expected .*Iterable\[int\], got the out"
    ):
        excluded()


def test_what_a_generator_reads_is_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("1 2 3")

    @step
    def reading() -> Iterator[int]:
        for text in Path("input.txt").read_text().split():
            yield int(text)

    @pipeline
    def daily():
        return reading()

    assert list(daily().output.load()) == [1, 2, 3]
    assert daily().steps["reading"].cached
    Path("input.txt").write_text("4")
    assert list(daily().output.load()) == [4]


def test_named_outputs_may_be_streams():
    @step
    def both() -> tuple[Annotated[Iterator[int], "up"], Annotated[list[int], "down"]]:
        return (number for number in range(3)), [3, 2, 1]

    @pipeline
    def splitting():
        return both()

    up, down = splitting().output.load()
    assert (list(up), down) == ([0, 1, 2], [3, 2, 1])


def test_asynchronous_steps_run():
    @step
    async def waiting(seconds: float) -> int:
        await asyncio.sleep(seconds)
        return 3

    @step
    async def yielding(count: int) -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(0)
            yield number

    @step
    async def adding(values: AsyncIterator[int], more: int) -> int:
        return sum([value async for value in values]) + more

    @step
    async def failing() -> int:
        raise ValueError("in the loop")

    @pipeline
    def running():
        return adding(yielding(4), waiting(0.01))

    @pipeline
    def broken():
        return failing()

    assert running().output.load() == 9
    assert all(each.cached for each in running().steps.values())

    async def in_a_loop() -> Any:
        return running().output.load(), waiting.function(0.0).close()

    assert asyncio.run(in_a_loop())[0] == 9
    with pytest.raises(ValueError, match="in the loop"):
        broken()


MEMORY = """
import peak_memory
from collections.abc import Iterable, Iterator
from cannery import pipeline, step

@step
def blocks(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * 1_000_000

@step
def total(values: Iterable[bytes]) -> int:
    return sum(map(len, values))

@pipeline
def large(count: int):
    return total(blocks(count))

large(2)
before = peak_memory.kilobytes()
assert large(300).output.load() == 300_000_000
print((peak_memory.kilobytes() - before) // 1024)
"""


def test_a_stream_larger_than_its_chunks_takes_their_memory(tmp_path):
    (tmp_path / "large.py").write_text(MEMORY)
    done = subprocess.run(
        [sys.executable, "large.py"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "CANNERY_STORE": str(tmp_path / "s"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60, done.stdout
