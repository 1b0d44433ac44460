"""Data sets to tables, one row for each annotation, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cannery.coco._dataset import Dataset

_COLUMNS = (
    "id", "image_id", "file_name", "image_width", "image_height", "category_id", "category",
    "x", "y", "width", "height", "area", "iscrowd", "segmentation",
)  # fmt: skip


def to_table(dataset: Dataset) -> dict[str, list[Any]]:
    """Turn the annotations into columns by name, which pandas, polars and pyarrow all take.

    The columns are `id`, `image_id`, `file_name`, `image_width`, `image_height`, `category_id`,
    `category`, `x`, `y`, `width`, `height`, `area`, `iscrowd` and `segmentation`. Images without an
    annotation have no row.
    """
    images = {image["id"]: image for image in dataset.images}
    names = {category["id"]: category["name"] for category in dataset.categories}
    table: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for row in dataset.annotations:
        image, box = images.get(row["image_id"], {}), row["bbox"]
        values = (
            row.get("id"), row["image_id"], image.get("file_name"), image.get("width"),
            image.get("height"), row["category_id"], names.get(row["category_id"]),
            *box, row.get("area"), row.get("iscrowd", 0), row.get("segmentation"),
        )  # fmt: skip
        for column, value in zip(table.values(), values, strict=True):
            column.append(value)
    return table


def from_table(table: Mapping[str, Any]) -> Dataset:
    """Turn columns, as `to_table` makes them, into a data set.

    Anything with columns by name will do: a `dict` of lists, a data frame.
    """
    columns = {name: list(table[name]) for name in _COLUMNS if name in table}
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    images: dict[Any, dict[str, Any]] = {}
    categories: dict[Any, dict[str, Any]] = {}
    dataset = Dataset()
    for index, row in enumerate(rows, start=1):
        images.setdefault(row["image_id"], _image(row))
        categories.setdefault(row["category_id"], _category(row))
        box = [row[name] for name in ("x", "y", "width", "height")]
        annotation = {
            "id": row.get("id", index), "image_id": row["image_id"],
            "category_id": row["category_id"], "bbox": box,
            "area": row.get("area", box[2] * box[3]), "iscrowd": row.get("iscrowd", 0),
        }  # fmt: skip
        if row.get("segmentation") is not None:
            annotation["segmentation"] = row["segmentation"]
        dataset.annotations.append(annotation)
    dataset.images = list(images.values())
    dataset.categories = sorted(categories.values(), key=lambda category: category["id"])
    return dataset


def _image(row: dict[str, Any]) -> dict[str, Any]:
    size = {name: row.get(f"image_{name}") for name in ("width", "height")}
    return {"id": row["image_id"], "file_name": row.get("file_name"), **size}


def _category(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["category_id"], "name": row.get("category", str(row["category_id"]))}
