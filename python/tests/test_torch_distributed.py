"""Distributed checkpoints whose tensors lie in parts, written after the layout of PyTorch's."""

from __future__ import annotations

import io
import pickle as stdlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cannery
from cannery import torch

METADATA = "torch.distributed.checkpoint.metadata"
FILESYSTEM = "torch.distributed.checkpoint.filesystem"


class Writer:
    """Writes a folder as two processes of PyTorch's would."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._classes: dict[str, type] = {}
        for module in ("torch", METADATA, FILESYSTEM):
            monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
        self.described: dict[str, Any] = {}
        self.stored: dict[Any, Any] = {}
        self.paths: dict[str, tuple[Any, ...]] = {}

    def make(self, module: str, name: str, **state: Any) -> Any:
        """An object that is pickled as an instance of that class."""
        cls = self._classes.get(name)
        if cls is None:
            cls = self._classes[name] = type(name, (), {"__module__": module})
            setattr(sys.modules[module], name, cls)
        made = cls()
        vars(made).update(state)
        return made

    def size(self, sides: tuple[int, ...]) -> Any:
        """A `torch.Size`."""
        cls = self._classes.setdefault("Size", type("Size", (tuple,), {"__module__": "torch"}))
        sys.modules["torch"].Size = cls  # type: ignore[attr-defined]
        return cls(sides)

    def put(self, file: str, name: str, corner: tuple[int, ...] | None, value: Any) -> None:
        """Append a part to a file."""
        part = io.BytesIO()
        torch.save(value, part)
        path = self.folder / file
        offset = path.stat().st_size if path.exists() else 0
        with path.open("ab") as out:
            out.write(part.getvalue())
        where = None if corner is None else self.size(corner)
        index = self.make(METADATA, "MetadataIndex", fqn=name, offset=where, index=None)
        place = {"relative_path": file, "offset": offset, "length": len(part.getvalue())}
        self.stored[index] = self.make(FILESYSTEM, "_StorageInfo", **place)

    def tensor(self, name: str, array: Any, boxes: list[tuple[Any, ...]]) -> None:
        """Write a tensor in parts, each a tuple of slices, in one file after the other."""
        chunks = []
        for number, box in enumerate(boxes):
            corner = tuple(side.start for side in box)
            self.put(f"__{number % 2}_0.distcp", name, corner, np.ascontiguousarray(array[box]))
            place = {"offsets": self.size(corner), "sizes": self.size(array[box].shape)}
            chunks.append(self.make(METADATA, "ChunkStorageMetadata", **place))
        described = {"properties": None, "size": self.size(array.shape), "chunks": chunks}
        self.described[name] = self.make(METADATA, "TensorStorageMetadata", **described)

    def finish(self) -> None:
        """Write what says where everything is."""
        metadata = self.make(
            METADATA, "Metadata", state_dict_metadata=self.described, planner_data=self.paths,
            storage_data=self.stored,
        )  # fmt: skip
        (self.folder / ".metadata").write_bytes(stdlib.dumps(metadata))


ARRAY = np.arange(24.0).reshape(4, 6)
BOXES = [
    (slice(0, 2), slice(0, 6)),
    (slice(2, 4), slice(0, 3)),
    (slice(2, 4), slice(3, 6)),
]


def test_parts_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path, monkeypatch)
    writer.tensor("model.w", ARRAY, BOXES)
    writer.put("__0_0.distcp", "step", None, 7)
    writer.described["step"] = writer.make(METADATA, "BytesStorageMetadata")
    writer.paths = {"model.w": ("model", "w"), "step": ("list", 1)}
    writer.finish()
    loaded = torch.load(tmp_path)
    np.testing.assert_array_equal(loaded["model"]["w"], ARRAY)
    assert loaded["list"] == [None, 7]
    np.testing.assert_array_equal(torch.load(tmp_path / ".metadata")["model"]["w"], ARRAY)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (BOXES[:2], "do not make up its shape"),
        ([*BOXES, BOXES[0]], "do not make up its shape"),
        ([BOXES[0], (slice(1, 3), slice(0, 6))], "have the same elements"),
    ],
)
def test_missing_parts_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boxes: Any, message: str
) -> None:
    writer = Writer(tmp_path, monkeypatch)
    writer.tensor("w", ARRAY, boxes)
    writer.finish()
    with pytest.raises(cannery.errors.DataError, match=message):
        torch.load(tmp_path)


@pytest.mark.parametrize("change", ["../x", "/etc/passwd", "a/b", ""])
def test_parts_stay_in_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    writer = Writer(tmp_path, monkeypatch)
    writer.tensor("w", ARRAY, BOXES)
    vars(next(iter(writer.stored.values())))["relative_path"] = change
    writer.finish()
    with pytest.raises(cannery.errors.DataError, match="no plain file name"):
        torch.load(tmp_path)


@pytest.mark.parametrize("change", [{"offset": 10**12}, {"offset": -1}, {"length": 10**12}])
def test_parts_lie_within_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, int]
) -> None:
    writer = Writer(tmp_path, monkeypatch)
    writer.tensor("w", ARRAY, BOXES)
    vars(next(iter(writer.stored.values()))).update(change)
    writer.finish()
    with pytest.raises(cannery.errors.DataError, match="beyond the end"):
        torch.load(tmp_path)


def test_a_shape_alone_allocates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path, monkeypatch)
    writer.tensor("w", ARRAY, BOXES)
    vars(writer.described["w"])["size"] = writer.size((1 << 40, 1 << 20))
    writer.paths = {"w": (10**9,)}
    writer.finish()
    with pytest.raises(cannery.errors.DataError, match="do not make up its shape"):
        torch.load(tmp_path)
