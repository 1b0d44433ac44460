"""Stored artifacts, of this run or of any other, as arguments of steps."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from cannery._artifact import Artifact
from cannery._inputs import replace_instances
from cannery._outputs import Output, Outputs
from cannery._store import ArtifactVersion
from cannery.errors import DataError

if TYPE_CHECKING:
    from cannery import _native
    from cannery._session import Session
    from cannery._steps import Step


class StoredSource:
    """In the place of the step that gives an artifact: it is there already."""

    outputs = Outputs([Output("", None)])


class StoredCall:
    """In the place of the call of a step."""

    step = StoredSource()

    def __init__(self, session: Session, version: ArtifactVersion) -> None:
        self.session = session
        self.label = f"{version.path}@{version.version}"
        self._record = version._record

    def as_input(self, _output: str) -> _native.Artifact:
        """Return what the engine is given where it goes into a step."""
        return self._record


def with_stored(
    session: Session, step: Step[..., Any], bound: inspect.BoundArguments
) -> inspect.BoundArguments:
    """Put what the engine takes for an input in the places of stored artifacts.

    A step that asks for a version itself, by its annotation, gets it.
    """
    for name, value in bound.arguments.items():
        if step.annotation_of(name) is ArtifactVersion:
            continue

        def given(path: str, version: Any) -> Artifact[Any]:
            return _given(session, step, path, version)

        bound.arguments[name] = replace_instances(value, name, ArtifactVersion, given)
    return bound


def _given(
    session: Session, step: Step[..., Any], path: str, version: ArtifactVersion
) -> Artifact[Any]:
    here, there = session.store.path, version._store.path
    if here != there:
        message = f"step `{step.name}` gets an artifact of another store as `{path}`: {there}"
        error = DataError(message)
        error.hint = "pass its value, `.load()`"
        error.add_note(f"hint: {error.hint}")
        raise error
    call: Any = StoredCall(session, version)
    return Artifact(call, None, StoredSource.outputs.items[0], version._item)
