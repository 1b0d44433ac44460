"""Wiring that pyright must take, and such that it must refuse: the lines marked so."""
# ruff: noqa: B018, RUF059, I001  expressions are what is checked

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple
from collections.abc import Iterator, Iterable
from cannery import Artifact, pipeline, step, value_of


@dataclass
class Row:
    label: int


class Halves(NamedTuple):
    left: list[Row]
    right: list[int]


@step
def read(count: int) -> list[Row]:
    return [Row(n) for n in range(count)]


@step
def split(
    rows: list[Row],
) -> tuple[Annotated[list[Row], "train"], Annotated[dict[str, int], "facts"]]:
    return rows, {}


@step(retries=2)
def split2(rows: list[Row]) -> tuple[Annotated[list[Row], "train"], Annotated[list[Row], "test"]]:
    return rows, rows


@step
def halve(rows: list[Row]) -> Halves:
    return Halves(rows, [1])


@step(outputs=["first", "rest"])
def cut(rows: list[Row]):
    return rows[0], rows[1:]


@step
def many(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(rows)


@step
def train(rows: list[Row], rate: float = 0.1) -> float:
    return rate


@step
async def fetch(url: str) -> bytes:
    return b""


@step
def stream(count: int) -> Iterator[Row]:
    yield Row(1)


@step
def total(rows: Iterable[Row]) -> int:
    return 1


@step
def mean(values: list[float]) -> float:
    return 0.0


@pipeline
def flow(count: int) -> float:
    rows = read(count)
    parts = split(rows)
    train(parts["train"])
    one, facts = parts
    train(one)
    train(facts)  # error
    train(parts[0])
    train(parts[1])  # error
    parts.nothing  # error
    halves = halve(rows)
    train(halves.left)
    train(halves.right)  # error
    halves.middle  # error
    left, right = halve(rows)
    train(right)  # error
    train(rows, rate="x")  # error
    train(rows, speed=1)  # error
    train(read)  # error
    a, b = split2(rows)
    train(b)
    train(split2(rows)["test"])
    a, b, c = split2(rows)  # error
    first, rest = cut(rows)
    train(rest)
    train(first)  # error
    total(stream(3))
    train(stream(3))  # error
    total(many(rows))
    train(many(rows))  # error
    fetch("x").decode()
    train(fetch("x"))  # error
    mean(train.map([rows, rows]))
    mean(read.map([1, 2]))  # error
    number = value_of(train(rows))
    number.hex()
    number.upper()  # error
    value_of(parts)[0][0].label
    return train(rows)


run = flow(3)
flow("3")  # error
run.output.load().hex()
run.output.load().upper()  # error
kept: Artifact[float] = run.output
bad: Artifact[str] = run.output  # error
again = flow.with_options(force=["read"], workers=2)
again(3).output.load().hex()
again("x")  # error
flow.with_options(forse=True)  # error
plan = flow.with_options(dry_run=True)(3)
plan.steps
plan.output  # error
train.with_options(retries=3)(read(2))
