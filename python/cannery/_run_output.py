"""What a pipeline returned, as the store keeps it: JSON in which artifacts are references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cannery._artifact import Artifact
from cannery._catalog_text import parsed

if TYPE_CHECKING:
    from cannery._store import ArtifactVersion, Store

_ARTIFACT = "$artifact"


def output_as_json(output: Any) -> str:
    """Write what a pipeline returned: `{"$artifact": [name, version]}` for an artifact."""
    from cannery import json

    return json.dumps(_encoded(output), default=repr, ensure_ascii=False)


def _encoded(output: Any) -> Any:
    if isinstance(output, Artifact):
        if output._is_several:
            return [_encoded(part) for part in output]
        name, version = output._call.reference(output._output)
        item = [] if output._item is None else [output._item]
        return {_ARTIFACT: [name, version, *item]}
    if isinstance(output, (list, tuple)):
        return [_encoded(item) for item in output]
    if isinstance(output, dict):
        return {str(key): _encoded(value) for key, value in output.items()}
    return output


def output_of_json(text: str | None, store: Store) -> Any:
    """Read what a pipeline returned, with the stored artifacts in their places."""
    if text is None:
        return None
    output = parsed(text, "an output", lambda value: _decoded(value, store))
    kind = {list: StoredList, dict: StoredDict}.get(type(output))
    return output if kind is None else kind(output)


class StoredList(list[Any]):
    """A list that a pipeline returned, of which `load` loads all."""

    def load(self) -> list[Any]:
        """Return the list with the values in the place of the artifacts."""
        return [_loaded(item) for item in self]


class StoredDict(dict[str, Any]):
    """A dictionary that a pipeline returned, of which `load` loads all."""

    def load(self) -> dict[str, Any]:
        """Return the dictionary with the values in the place of the artifacts."""
        return {key: _loaded(item) for key, item in self.items()}


def _loaded(value: Any) -> Any:
    from cannery._store import ArtifactVersion

    if isinstance(value, ArtifactVersion):
        return value.load()
    if isinstance(value, list):
        return [_loaded(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _loaded(item) for key, item in value.items()}  # pyright: ignore
    return value


def _decoded(value: Any, store: Store) -> Any:
    if isinstance(value, list):
        return [_decoded(item, store) for item in value]
    if not isinstance(value, dict):
        return value
    match value.get(_ARTIFACT):
        case [str(name), int(version), *item] if len(value) == 1:
            return _version(store, name, version, item)
        case _:
            return {key: _decoded(item, store) for key, item in value.items()}


def _version(store: Store, name: str, version: int, item: list[int]) -> ArtifactVersion:
    from cannery._store import ArtifactVersion

    return ArtifactVersion(store, store._native.artifact(name, version), *item)
