"""COCO detection documents to record collections, and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from records import BBox, ClassMap, Common, Detection, Record, RecordCollection

Json = dict[str, Any]


class CocoError(ValueError):
    """The document is not a COCO detection document, or contradicts itself."""


def parse(document: Mapping[str, Any]) -> RecordCollection:
    """Reads a COCO detection document; raises `CocoError` where it contradicts itself."""
    images, annotations, categories = (
        _rows(document, key) for key in ("images", "annotations", "categories")
    )
    class_map = _class_map(categories)
    records: dict[int, Record] = {}
    for image in images:
        record = _record(image, class_map)
        if record.common.record_id in records:
            raise CocoError(f"two images have the id {record.common.record_id}")
        records[record.common.record_id] = record
    for annotation in annotations:
        _add_annotation(annotation, records, class_map)
    return RecordCollection(records.values(), class_map)


def unparse(records: RecordCollection) -> Json:
    """Writes a COCO detection document; ids of images, annotations and categories stay."""
    return {
        "images": [_image(record.common) for record in records],
        "annotations": [row for record in records for row in _annotations(record)],
        "categories": _categories(records.class_map),
    }


def _rows(document: Mapping[str, Any], key: str) -> list[Json]:
    rows = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise CocoError(f"expected a list `{key}` at the top of a COCO document")
    return rows


def _get(row: Any, key: str, what: str) -> Any:
    """`row[key]`, or an error that names the row: what it is, and its id if it has one."""
    if not isinstance(row, dict):
        raise CocoError(f"expected {what} to be an object, found {row!r:.60}")
    if key not in row:
        number = f" {row['id']}" if "id" in row else ""
        raise CocoError(f"{what}{number} has no `{key}`")
    return row[key]


def _class_map(categories: list[Json]) -> ClassMap:
    names: dict[int, str] = {}
    supercategories: dict[int, str] = {}
    for category in categories:
        label_id = _get(category, "id", "category")
        if label_id in names:
            raise CocoError(f"two categories have the id {label_id}")
        names[label_id] = _get(category, "name", "category")
        if "supercategory" in category:
            supercategories[label_id] = category["supercategory"]
    try:
        return ClassMap(names, supercategories)
    except ValueError as error:
        raise CocoError(str(error)) from None


def _record(image: Json, class_map: ClassMap) -> Record:
    record_id, name, height, width = (
        _get(image, key, "image") for key in ("id", "file_name", "height", "width")
    )
    return Record(Common(record_id, Path(name), height, width), Detection(class_map))


def _add_annotation(row: Json, records: Mapping[int, Record], class_map: ClassMap) -> None:
    annotation_id, image_id, label_id, box = (
        _get(row, key, "annotation") for key in ("id", "image_id", "category_id", "bbox")
    )
    if image_id not in records:
        raise CocoError(
            f"annotation {annotation_id} is on image {image_id}, which `images` does not list"
        )
    if label_id not in class_map:
        raise CocoError(
            f"annotation {annotation_id} has category {label_id}, which `categories` does not list"
        )
    records[image_id].detection.add(
        label_id,
        _bbox(box, annotation_id),
        annotation_id=annotation_id,
        area=row.get("area"),
        iscrowd=bool(row.get("iscrowd", 0)),
        segmentation=row.get("segmentation"),
    )


def _bbox(box: Any, annotation_id: int) -> BBox:
    is_box = isinstance(box, list) and len(box) == 4
    if not is_box or not all(isinstance(number, int | float) for number in box):
        raise CocoError(
            f"annotation {annotation_id}: expected `bbox` as [x, y, width, height], "
            f"found {box!r:.60}"
        )
    return BBox.from_xywh(*box)


def _image(common: Common) -> Json:
    return {
        "id": common.record_id,
        "file_name": common.filepath.as_posix(),
        "height": common.height,
        "width": common.width,
    }


def _annotations(record: Record) -> list[Json]:
    boxes = record.detection
    return [
        {
            "id": boxes.annotation_ids[i],
            "image_id": record.common.record_id,
            "category_id": boxes.label_ids[i],
            # x + width - x is not width in binary; a millionth of a pixel is none
            "bbox": [round(number, 6) for number in boxes.bboxes[i].xywh],
            "area": boxes.areas[i],
            "iscrowd": int(boxes.iscrowds[i]),
            **_segmentation(boxes.segmentations[i]),
        }
        for i in range(len(boxes))
    ]


def _segmentation(segmentation: Any) -> Json:
    return {} if segmentation is None else {"segmentation": segmentation}


def _categories(class_map: ClassMap) -> list[Json]:
    rows: list[Json] = []
    for label_id in class_map:
        row = {"id": label_id, "name": class_map.name(label_id)}
        if supercategory := class_map.supercategory(label_id):
            row["supercategory"] = supercategory
        rows.append(row)
    return rows
