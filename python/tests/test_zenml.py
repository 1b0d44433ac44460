"""Materializers written for ZenML work with their imports changed."""

# ruff: noqa: PTH118  as they were written

from __future__ import annotations

import os
import subprocess
import sys
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
    assert Store().artifact("note").folder.joinpath("deep", "data.txt").read_text() == "aria"


# As ZenML's documentation has them, old and new, with ZenML's own imports.
UNCHANGED = """
import os
from typing import Any, Dict, Type

from zenml.artifact_stores.base_artifact_store import BaseArtifactStore
from zenml.artifacts import DataArtifact
from zenml.enums import ArtifactType, VisualizationType
from zenml.io import fileio
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.metadata.metadata_types import MetadataType


class MyObj:
    def __init__(self, name: str):
        self.name = name


class OldObj(MyObj):
    pass


class MyMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (MyObj,)
    ASSOCIATED_ARTIFACT_TYPE = ArtifactType.DATA

    def __init__(self, uri: str, artifact_store: BaseArtifactStore = None):
        super().__init__(uri, artifact_store)

    def load(self, data_type: Type[MyObj]) -> MyObj:
        with self.artifact_store.open(os.path.join(self.uri, "data.txt"), "r") as f:
            return MyObj(name=f.read())

    def save(self, my_obj: MyObj) -> None:
        with self.artifact_store.open(os.path.join(self.uri, "data.txt"), "w") as f:
            f.write(my_obj.name)

    def save_visualizations(self, my_obj: MyObj) -> Dict[str, VisualizationType]:
        return {os.path.join(self.uri, "data.html"): VisualizationType.HTML}

    def extract_metadata(self, my_obj: MyObj) -> Dict[str, MetadataType]:
        return {"name": my_obj.name}


class OldMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (OldObj,)
    ASSOCIATED_ARTIFACT_TYPES = (DataArtifact,)

    def handle_input(self, data_type: Type[OldObj]) -> OldObj:
        super().handle_input(data_type)
        with fileio.open(os.path.join(self.artifact.uri, "data.txt"), "r") as f:
            return OldObj(name=f.read())

    def handle_return(self, my_obj: OldObj) -> None:
        super().handle_return(my_obj)
        with fileio.open(os.path.join(self.artifact.uri, "data.txt"), "w") as f:
            f.write(my_obj.name)
"""

PIPELINE = """
import cannery.compat.zenml
cannery.compat.zenml.install()

from cannery import Store, pipeline, step
from unchanged import MyObj, OldObj

@step
def make() -> MyObj:
    return MyObj("my_object")

@step
def grow(one: MyObj) -> OldObj:
    return OldObj(one.name + "!")

@pipeline
def both():
    return grow(make())

for _ in range(2):
    found = both().output.load()
    print(type(found).__name__, found.name)
print(Store().artifact("make").metadata["name"], Store().artifact("grow").format)
"""


def test_not_even_the_imports_must_change(tmp_path):
    (tmp_path / "unchanged.py").write_text(UNCHANGED)
    (tmp_path / "both.py").write_text(PIPELINE)
    command = [sys.executable, "both.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == [
        "OldObj my_object!",
        "OldObj my_object!",
        "my_object zenml unchanged.OldMaterializer/1",
    ], run.stderr
