"""The arguments of a step's call: values, artifacts, and containers that hold artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cannery._artifact import Artifact
from cannery._outputs import Output


class Slot(NamedTuple):
    """Stands for an artifact in a value that is digested."""

    path: str


class Input(NamedTuple):
    """One output of another step that goes into an argument."""

    path: str
    artifact: Artifact[Any]
    output: Output


def artifacts_in(value: Any, path: str) -> Iterator[tuple[str, Artifact[Any]]]:
    """Find the artifacts in an argument, with their paths: `pages`, `pages[0]`, `pages.cover`."""
    if isinstance(value, Artifact):
        yield path, value
    elif _is_sequence(value):
        for index, item in enumerate(value):
            yield from artifacts_in(item, f"{path}[{index}]")
    elif type(value) is dict:
        for key, item in value.items():
            yield from artifacts_in(item, f"{path}.{key}")


def outputs_in(path: str, artifact: Artifact[Any]) -> Iterator[Input]:
    """Yield the outputs that an artifact stands for: all that its step gives, or one."""
    items = artifact._call.step.outputs.items
    if artifact._output is not None:
        yield Input(path, artifact, artifact._output)
    elif artifact._call.step.outputs.whole is None:
        yield Input(path, artifact, items[0])
    else:
        yield from (Input(f"{path}.{item.name}", artifact, item) for item in items)


def replace_artifacts(value: Any, path: str, replace: Callable[[str, Artifact[Any]], Any]) -> Any:
    """Copy an argument with something else in the place of its artifacts."""
    return replace_instances(value, path, Artifact, replace)


def replace_instances(
    value: Any, path: str, kind: type[Any], replace: Callable[[str, Any], Any]
) -> Any:
    """Copy an argument with something else in the place of each instance of a class."""
    if isinstance(value, kind):
        return replace(path, value)
    if _is_sequence(value):
        named = ((f"{path}[{index}]", item) for index, item in enumerate(value))
        items = [replace_instances(item, at, kind, replace) for at, item in named]
        return items if type(value) is list else tuple.__new__(type(value), items)
    if type(value) is dict:
        return {k: replace_instances(v, f"{path}.{k}", kind, replace) for k, v in value.items()}
    return value


def with_slots(value: Any, path: str) -> Any:
    """Copy an argument with the item's place where an artifact is: what a digest can be made of."""
    return replace_artifacts(value, path, lambda at, artifact: Slot(f"{at} {artifact._item}"))


def _is_sequence(value: Any) -> bool:
    return type(value) in (list, tuple) or (isinstance(value, tuple) and hasattr(value, "_fields"))
