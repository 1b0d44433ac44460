"""Numbers that describe a box: its geometry and, where there is a page image, its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from records import BBox, Common, Record, RecordCollection

GEOMETRY = (
    "width",
    "height",
    "aspect",
    "box_area",
    "object_area",
    "fill",
    "relative_x",
    "relative_y",
    "relative_width",
    "relative_height",
    "neighbours",
)
GRID = 8  # a crop is reduced to GRID x GRID grey values


@dataclass(eq=False)
class Features:
    """One row of numbers per box, and the label id of each row."""

    names: list[str]
    values: np.ndarray  # float64 [boxes, names]
    labels: np.ndarray  # int64 [boxes]


def features_of(records: RecordCollection, pages: Mapping[int, np.ndarray] | None) -> Features:
    """Geometry of every box, with its pixels when `pages` has the images by record id."""
    pixel_names = [f"pixel_{i}" for i in range(GRID * GRID)] if pages else []
    names = [*GEOMETRY, *pixel_names]
    rows = [
        [*_geometry(record, i), *(_pixels(pages[record.common.record_id], box) if pages else ())]
        for record in records
        for i, box in enumerate(record.detection.bboxes)
    ]
    labels = [label_id for record in records for label_id in record.detection.label_ids]
    values = np.array(rows, np.float64).reshape(len(rows), len(names))
    return Features(names, values, np.array(labels, np.int64))


def _geometry(record: Record, i: int) -> tuple[float, ...]:
    box, area = record.detection.bboxes[i], record.detection.areas[i]
    return (
        box.width,
        box.height,
        _ratio(box.width, box.height),
        box.area,
        area,
        _ratio(area, box.area),
        *_relative(box, record.common),
        len(record.detection),
    )


def _relative(box: BBox, common: Common) -> tuple[float, float, float, float]:
    """Centre and size as shares of the image."""
    return (
        (box.xmin + box.xmax) / 2 / common.width,
        (box.ymin + box.ymax) / 2 / common.height,
        box.width / common.width,
        box.height / common.height,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _pixels(page: np.ndarray, box: BBox) -> np.ndarray:
    """The crop of a box as GRID x GRID grey values from 0 to 1, each the mean of four."""
    rows = _samples(box.ymin, box.ymax, page.shape[0])
    columns = _samples(box.xmin, box.xmax, page.shape[1])
    crop = page[np.ix_(rows, columns)] / 255
    return crop.reshape(GRID, 2, GRID, 2).mean(axis=(1, 3)).ravel()


def _samples(start: float, stop: float, size: int) -> np.ndarray:
    """Pixel indices at the middles of 2 * GRID equal parts of `start` to `stop`."""
    middles = start + (np.arange(2 * GRID) + 0.5) * (stop - start) / (2 * GRID)
    return middles.astype(int).clip(0, size - 1)
