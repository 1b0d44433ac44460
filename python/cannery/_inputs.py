"""The arguments of a step's call: values, artifacts, and containers that hold artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cannery._artifact import Artifact


class Slot(NamedTuple):
    """Stands for an artifact in a value that is digested."""

    path: str


def artifacts_in(value: Any, path: str) -> Iterator[tuple[str, Artifact]]:
    """Find the artifacts in an argument, with their paths: `pages`, `pages[0]`, `pages.cover`."""
    if isinstance(value, Artifact):
        yield path, value
    elif type(value) in (list, tuple):
        for index, item in enumerate(value):
            yield from artifacts_in(item, f"{path}[{index}]")
    elif type(value) is dict:
        for key, item in value.items():
            yield from artifacts_in(item, f"{path}.{key}")


def replace_artifacts(value: Any, path: str, replace: Callable[[str, Artifact], Any]) -> Any:
    """Copy an argument with something else in the place of its artifacts."""
    if isinstance(value, Artifact):
        return replace(path, value)
    if type(value) in (list, tuple):
        items = (replace_artifacts(v, f"{path}[{i}]", replace) for i, v in enumerate(value))
        return type(value)(items)
    if type(value) is dict:
        return {k: replace_artifacts(v, f"{path}.{k}", replace) for k, v in value.items()}
    return value


def with_slots(value: Any, path: str) -> Any:
    """Copy an argument with the item's place where an artifact is: what a digest can be made of."""
    return replace_artifacts(value, path, lambda at, artifact: Slot(f"{at} {artifact._item}"))
