"""What differs between two runs, as the store tells it: parameters, code, inputs and values."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from cannery import json
from cannery._catalog_text import parsed
from cannery._parameters import parameter_for_people
from cannery.errors import DataError

if TYPE_CHECKING:
    from cannery._store import RunRecord

_Changes = dict[str, tuple[Any, Any]]
# How the labels of what a step's key is made of begin; the others are of what it saw outside.
_OF_KEYS = (
    "argument", "attribute", "class", "code", "defaults", "function", "input", "item",
    "materializer", "module", "output", "package", "parameter", "python", "type", "variable",
    "version",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class StepComparison:
    """What differs between a step of two runs."""

    name: str
    #: What its key was made of that differs: `code`, `parameter x`, `input rows`; before and after.
    changes: _Changes
    #: What it read from outside that differs.
    observations: _Changes
    #: Outputs whose contents differ: their versions before and after.
    outputs: _Changes
    #: Seconds before and after.
    duration: tuple[float | None, float | None]

    @property
    def is_same(self) -> bool:
        """Whether it is the same, but for its time."""
        return not (self.changes or self.observations or self.outputs)


@dataclasses.dataclass(frozen=True)
class RunComparison:
    """What differs between two runs, `before` and `after`. It is true if anything does."""

    before: int
    after: int
    parameters: _Changes
    code_version: tuple[str | None, str | None]
    #: Steps that are in both, by name.
    steps: dict[str, StepComparison]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    duration: tuple[float | None, float | None]
    text: str = dataclasses.field(repr=False)
    """The same for people, as `cannery compare` prints it."""

    def __bool__(self) -> bool:
        is_other = self.parameters or self.only_before or self.only_after
        return bool(is_other) or any(not step.is_same for step in self.steps.values())

    def __str__(self) -> str:
        return self.text


def compare(before: RunRecord, after: RunRecord) -> RunComparison:
    """Compare two runs of one store."""
    if before._store.path != after._store.path:
        error = DataError(f"run {before.id} is of the store `{before._store.path}`")
        error.hint = f"runs are compared within one store, here `{after._store.path}`"
        raise error
    text, found = after._store._native.compare(before.id, after.id)
    told = json.loads(found)
    first, second = dict(before.steps), dict(after.steps)
    others = {step["step"]: step for step in told["steps"]}
    return RunComparison(
        before=before.id,
        after=after.id,
        parameters={name: _parsed(pair) for name, pair in _pairs(told, "parameter").items()},
        code_version=(before.code_version, after.code_version),
        steps={
            name: _step(name, others.get(name, {}), (first[name].duration, second[name].duration))
            for name in first
            if name in second
        },
        only_before=tuple(told["only_before"]),
        only_after=tuple(told["only_after"]),
        duration=(before.duration, after.duration),
        text=text,
    )


def _step(
    name: str, told: dict[str, Any], duration: tuple[float | None, float | None]
) -> StepComparison:
    changes = {each["label"]: (each["before"], each["after"]) for each in told.get("changes", ())}
    of_key = {label: pair for label, pair in changes.items() if label.startswith(_OF_KEYS)}
    return StepComparison(
        name=name,
        changes=of_key,
        observations={label: pair for label, pair in changes.items() if label not in of_key},
        outputs={
            each["output"]: (each["before"], each["after"]) for each in told.get("outputs", ())
        },
        duration=duration,
    )


def _pairs(told: dict[str, Any], name: str) -> _Changes:
    return {each[name]: (each["before"], each["after"]) for each in told[f"{name}s"]}


def _parsed(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    """Read parameters, which are told as JSON."""
    before, after = (None if text is None else parsed(text, "parameters") for text in pair)
    return parameter_for_people(before), parameter_for_people(after)
