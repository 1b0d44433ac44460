"""Data sets to records of one image each, and back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

from cannery.coco._dataset import Dataset, Row

_BACKGROUND = "background"


def to_records(dataset: Dataset, root: str | PurePath = "") -> list[Row]:
    """Turn a data set into records, one for each image.

    A record is `{"common": {...}, "detection": {...}}`: `common` says `record_id`, `filepath` (a
    `Path` below `root`), `height`, `width` and `classes` (names by label id, 0 is the background);
    `detection` has lists of the same length, `label_ids`, `bboxes` (`(xmin, ymin, xmax, ymax)`),
    `areas`, `iscrowds`, `segmentations` and `annotation_ids`. Label ids count the categories in
    the order of their ids; `category_ids` in `common` are the original ones.
    """
    categories = sorted(dataset.categories, key=lambda category: category["id"])
    label_of = {category["id"]: index for index, category in enumerate(categories, start=1)}
    common = {
        "classes": [_BACKGROUND, *(category["name"] for category in categories)],
        "category_ids": list(label_of),
    }
    groups = dataset.of_image()
    root = Path(root)
    return [
        {
            "common": _common(image, root) | common,
            "detection": _detection(groups[image["id"]], label_of),
        }
        for image in dataset.images
    ]


def _common(image: Row, root: Path) -> Row:
    size = {name: image.get(name) for name in ("height", "width")}
    return {"record_id": image["id"], "filepath": root / image["file_name"], **size}


def _detection(annotations: list[Row], label_of: dict[Any, int]) -> Row:
    return {
        "label_ids": [label_of[row["category_id"]] for row in annotations],
        "bboxes": [(x, y, x + w, y + h) for x, y, w, h in (row["bbox"] for row in annotations)],
        "areas": [row.get("area") for row in annotations],
        "iscrowds": [bool(row.get("iscrowd", 0)) for row in annotations],
        "segmentations": [row.get("segmentation") for row in annotations],
        "annotation_ids": [row.get("id") for row in annotations],
    }


def from_records(
    records: Iterable[Any], classes: Iterable[str] | None = None, root: str | PurePath = ""
) -> Dataset:
    """Turn records into a data set.

    Records are what `to_records` makes, or objects whose attributes `common` and `detection` (or
    whose `as_dict()`) say the same; boxes are four numbers, or have them as `xyxy`. Names of
    classes come from `classes`, background first, or from the records' `classes` or
    `class_map`. File names are written relative to `root`.
    """
    dataset = Dataset()
    next_id = 1
    names: list[Any] = list(classes or ())
    ids: list[Any] = []
    for index, record in enumerate(map(_sections, records), start=1):
        common, detection = record
        names = names or _names_of(common, detection)
        ids = ids or list(common.get("category_ids", ()))
        image = _image(common, index, root)
        dataset.images.append(image)
        rows = _annotations(detection, image["id"], ids, next_id)
        next_id = max([next_id, *(row["id"] + 1 for row in rows if type(row["id"]) is int)])
        dataset.annotations += rows
    named = [(label, name) for label, name in enumerate(names) if label and name is not None]
    dataset.categories = [{"id": _category(label, ids), "name": name} for label, name in named]
    return dataset


def _sections(record: Any) -> tuple[Row, Row]:
    if hasattr(record, "as_dict"):
        record = record.as_dict() | {"detection_object": getattr(record, "detection", None)}
    if isinstance(record, dict):
        detection = _mapping(record["detection"])
        extra = record.get("detection_object")
        if extra is not None and "class_map" not in detection and hasattr(extra, "class_map"):
            detection = detection | {"class_map": extra.class_map}
        return _mapping(record["common"]), detection
    return _mapping(record.common), _mapping(record.detection)


def _mapping(section: Any) -> Row:
    return section if isinstance(section, dict) else vars(section)


def _names_of(common: Row, detection: Row) -> list[Any]:
    found: Any = (
        common.get("classes") or detection.get("class_map") or common.get("class_map") or ()
    )
    return list(found.get_classes() if hasattr(found, "get_classes") else found)


def _image(common: Row, index: int, root: str | PurePath) -> Row:
    path = PurePath(common["filepath"])
    below = PurePath(root)
    name = path.relative_to(below) if str(root) and path.is_relative_to(below) else path
    size = {key: common[key] for key in ("height", "width") if common.get(key) is not None}
    return {"id": common.get("record_id", index), "file_name": name.as_posix(), **size}


def _category(label: int, ids: list[Any]) -> Any:
    return ids[label - 1] if label <= len(ids) else label


def _annotations(detection: Row, image_id: Any, ids: list[Any], next_id: int) -> list[Row]:
    labels = detection["label_ids"]

    def column(name: str) -> list[Any]:
        values = detection.get(name)
        return [None] * len(labels) if values is None else list(values)

    names = ("bboxes", "areas", "iscrowds", "segmentations", "annotation_ids")
    rows = zip(labels, *map(column, names), strict=True)
    return [_annotation(row, image_id, ids, next_id + offset) for offset, row in enumerate(rows)]


def _annotation(row: tuple[Any, ...], image_id: Any, ids: list[Any], new_id: int) -> Row:
    label, box, area, iscrowd, segmentation, id = row
    xmin, ymin, xmax, ymax = getattr(box, "xyxy", box)
    width, height = xmax - xmin, ymax - ymin
    annotation = {
        "id": new_id if id is None else id,
        "image_id": image_id,
        "category_id": _category(label, ids),
        "bbox": [xmin, ymin, width, height],
        "area": width * height if area is None else area,
        "iscrowd": int(bool(iscrowd)),
    }
    return annotation if segmentation is None else annotation | {"segmentation": segmentation}
