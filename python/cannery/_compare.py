"""What differs between two runs: parameters, code, inputs, values and times."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from cannery._native import printable

if TYPE_CHECKING:
    from cannery._store import RunRecord, StepRun

_DIGEST = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{32})?")


@dataclasses.dataclass(frozen=True)
class StepComparison:
    """What differs between a step of two runs."""

    name: str
    #: What its key was made of that differs: `code`, `parameter x`, `input rows`; before and after.
    changes: dict[str, tuple[str | None, str | None]]
    #: What it read from outside that differs.
    observations: dict[str, tuple[str | None, str | None]]
    #: Outputs whose contents differ: their versions before and after.
    outputs: dict[str, tuple[str | None, str | None]]
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
    parameters: dict[str, tuple[Any, Any]]
    code_version: tuple[str | None, str | None]
    #: Steps that are in both, by name.
    steps: dict[str, StepComparison]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    duration: tuple[float | None, float | None]

    def __bool__(self) -> bool:
        is_other = self.parameters or self.only_before or self.only_after
        return bool(is_other) or any(not step.is_same for step in self.steps.values())

    def __str__(self) -> str:
        lines = [f"run {self.before} and run {self.after}"]
        lines += [f"  parameter {n}: {a!r} -> {b!r}" for n, (a, b) in self.parameters.items()]
        if self.code_version[0] != self.code_version[1]:
            lines.append(f"  code version: {self.code_version[0]} -> {self.code_version[1]}")
        lines += [f"  step {name} is only in run {self.before}" for name in self.only_before]
        lines += [f"  step {name} is only in run {self.after}" for name in self.only_after]
        for step in self.steps.values():
            lines += _lines_of(step)
        if len(lines) == 1:
            lines.append("  the same")
        return "\n".join(printable(line) for line in lines)


def compare(before: RunRecord, after: RunRecord) -> RunComparison:
    """Compare two runs of one store, or of two."""
    first, second = dict(before.steps), dict(after.steps)
    return RunComparison(
        before=before.id,
        after=after.id,
        parameters=_changes(before.parameters, after.parameters),
        code_version=(before.code_version, after.code_version),
        steps={n: _compare_steps(n, first[n], second[n]) for n in first if n in second},
        only_before=tuple(name for name in first if name not in second),
        only_after=tuple(name for name in second if name not in first),
        duration=(before.duration, after.duration),
    )


def _compare_steps(name: str, before: StepRun, after: StepRun) -> StepComparison:
    digests = [{n: v.digest for n, v in step.outputs.items()} for step in (before, after)]
    versions = [{n: f"{v.name}@{v.version}" for n, v in s.outputs.items()} for s in (before, after)]
    outputs = _changes(*digests)
    return StepComparison(
        name=name,
        changes=_changes(before.key_parts, after.key_parts),
        observations=_changes(before.ran.observations, after.ran.observations),
        outputs={n: (versions[0].get(n), versions[1].get(n)) for n in outputs},
        duration=(before.duration, after.duration),
    )


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys((*before, *after))
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _lines_of(step: StepComparison) -> list[str]:
    if step.is_same:
        return []
    lines = [f"  step {step.name}"]
    lines += [f"    {label}: {_shown(a)} -> {_shown(b)}" for label, (a, b) in step.changes.items()]
    lines += [f"    {label} changed" for label in step.observations]
    lines += [f"    output {n or step.name}: {a} -> {b}" for n, (a, b) in step.outputs.items()]
    return lines


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    if _DIGEST.fullmatch(text):
        return text[:8]  # the first digits tell as much as all of them
    return text if len(text) <= 60 else f"{text[:57]}..."
