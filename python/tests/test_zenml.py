"""Materializers written for ZenML work with their imports changed."""

# ruff: noqa: PTH118  as they were written

from __future__ import annotations

import os
from typing import Any

import pytest

from cannery import Store, pipeline, step
from cannery.compat.zenml import ArtifactType, BaseMaterializer, DataArtifact, fileio


class Note:
    def __init__(self, name):
        self.name = name


class NoteMaterializer(BaseMaterializer):
    """As they were written before 0.40."""

    ASSOCIATED_TYPES = (Note,)
    ASSOCIATED_ARTIFACT_TYPES = (DataArtifact,)

    def handle_input(self, data_type):
        super().handle_input(data_type)
        with fileio.open(os.path.join(self.artifact.uri, "deep", "data.txt"), "r") as f:
            return data_type(f.read())

    def handle_return(self, note):
        super().handle_return(note)
        with fileio.open(os.path.join(self.artifact.uri, "deep", "data.txt"), "w") as f:
            f.write(note.name)


class Tag(Note):
    pass


class TagMaterializer(BaseMaterializer):
    """As they are written since."""

    ASSOCIATED_TYPES = (Tag,)
    ASSOCIATED_ARTIFACT_TYPE = ArtifactType.DATA

    def load(self, data_type: type[Any]) -> Tag:
        with self.artifact_store.open(os.path.join(self.uri, "tag.txt"), "r") as f:
            return Tag(f.read())

    def save(self, tag: Tag) -> None:
        with self.artifact_store.open(os.path.join(self.uri, "tag.txt"), "w") as f:
            f.write(tag.name)

    def extract_metadata(self, tag: Tag) -> dict[str, Any]:
        return {"length": len(tag.name)}


@step(materializers=[NoteMaterializer])
def note() -> Note:
    return Note("aria")


@step
def tag(n: Note) -> Tag:
    return Tag(n.name.upper())


@pytest.mark.parametrize("again", [False, True])
def test_both_kinds_in_a_pipeline(tmp_path, monkeypatch, again):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path))

    @pipeline
    def notes():
        return tag(note())

    for _ in range(1 + again):
        assert notes().output.load().name == "ARIA"
    stored = Store().artifact("tag")
    assert (stored.format, stored.metadata) == ("zenml test_zenml.TagMaterializer/1", {"length": 4})
    assert Store().artifact("note").path.joinpath("deep", "data.txt").read_text() == "aria"
