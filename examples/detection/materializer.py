"""How the project's own objects are stored: readable files, no pickle."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cannery import Materializer, json, jsonl, npy
from forest import Forest
from records import BBox, ClassMap, Common, Detection, Record, RecordCollection


class RecordCollectionMaterializer(Materializer[RecordCollection]):
    """Stores records as JSONL, one record a line, and the class map they share beside it."""

    types = (RecordCollection,)
    format_id = "detection.records/1"

    def save(self, value: RecordCollection, to: Path) -> None:
        jsonl.write(to / "records.jsonl", (_record_row(record) for record in value))
        with (to / "class_map.json").open("w", encoding="utf-8") as file:
            json.dump(_class_rows(value.class_map), file, indent=2)

    def load(self, type: type[RecordCollection], at: Path) -> RecordCollection:
        with (at / "class_map.json").open(encoding="utf-8") as file:
            class_map = _class_map(json.load(file))
        rows = jsonl.read(at / "records.jsonl")
        return type((_record(row, class_map) for row in rows), class_map)

    def metadata(self, value: RecordCollection) -> dict[str, Any]:
        return {
            "records": len(value),
            "boxes": value.box_count,
            "classes": len(value.class_map),
        }


class ForestMaterializer(Materializer[Forest]):
    """Stores a forest as the arrays it is made of."""

    types = (Forest,)
    format_id = "detection.forest/1"

    def save(self, value: Forest, to: Path) -> None:
        npy.savez_compressed(to / "forest.npz", **value.arrays())

    def load(self, type: type[Forest], at: Path) -> Forest:
        return type(**npy.load(at / "forest.npz"))

    def metadata(self, value: Forest) -> dict[str, Any]:
        return {
            "trees": len(value.roots),
            "nodes": len(value.feature),
            "classes": len(value.labels),
        }


def _record_row(record: Record) -> dict[str, Any]:
    boxes = record.detection
    return {
        "common": {**asdict(record.common), "filepath": record.common.filepath.as_posix()},
        "detection": {
            "label_ids": boxes.label_ids,
            "bboxes": [box.xyxy for box in boxes.bboxes],
            "areas": boxes.areas,
            "iscrowds": boxes.iscrowds,
            "annotation_ids": boxes.annotation_ids,
            "segmentations": boxes.segmentations,
        },
    }


def _record(row: dict[str, Any], class_map: ClassMap) -> Record:
    common, boxes = row["common"], row["detection"]
    return Record(
        Common(**{**common, "filepath": Path(common["filepath"])}),
        Detection(class_map, **{**boxes, "bboxes": [BBox(*box) for box in boxes["bboxes"]]}),
    )


def _class_rows(class_map: ClassMap) -> list[dict[str, Any]]:
    def row(label_id: int) -> Iterator[tuple[str, Any]]:
        yield "id", label_id
        yield "name", class_map.name(label_id)
        if supercategory := class_map.supercategory(label_id):
            yield "supercategory", supercategory

    return [dict(row(label_id)) for label_id in class_map]


def _class_map(rows: list[dict[str, Any]]) -> ClassMap:
    return ClassMap(
        {row["id"]: row["name"] for row in rows},
        {row["id"]: row["supercategory"] for row in rows if "supercategory" in row},
    )
