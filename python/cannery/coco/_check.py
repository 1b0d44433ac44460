"""What may be wrong with a data set that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

from cannery.coco._dataset import Dataset, Row
from cannery.coco._masks import area_of

# Boxes are rounded to two digits in the original files.
_SLACK = 1.0
_AREA_SLACK = 0.02


class Problem(NamedTuple):
    """One thing that is wrong."""

    kind: str
    """`duplicate id`, `dangling id`, `box`, `outside`, `area`, `segmentation` or `missing`."""
    where: str
    """The place in the file, such as `annotations[3]`."""
    message: str
    """What is wrong there."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def check(dataset: Dataset) -> list[Problem]:
    """List everything that is wrong; an empty list means a sound data set."""
    return [*_ids(dataset), *_annotations(dataset)]


def _ids(dataset: Dataset) -> Iterator[Problem]:
    for name in ("images", "annotations", "categories"):
        seen: dict[Any, int] = {}
        for index, row in enumerate(getattr(dataset, name)):
            where = f"{name}[{index}]"
            if "id" not in row:
                yield Problem("missing", where, "it has no `id`")
            elif row["id"] in seen:
                first = f"{name}[{seen[row['id']]}]"
                yield Problem("duplicate id", where, f"the id {row['id']} is that of {first}, too")
            else:
                seen[row["id"]] = index


def _annotations(dataset: Dataset) -> Iterator[Problem]:
    images = {image["id"]: image for image in dataset.images}
    categories = {category["id"] for category in dataset.categories}
    for index, row in enumerate(dataset.annotations):
        where = f"annotations[{index}]"
        image = images.get(row["image_id"])
        if image is None:
            yield Problem("dangling id", where, f"there is no image {row['image_id']}")
        if row.get("category_id") not in categories:
            yield Problem("dangling id", where, f"there is no category {row.get('category_id')}")
        for kind, message in _content(row, image or {}):
            yield Problem(kind, where, message)


def _content(row: Row, image: Row) -> Iterator[tuple[str, str]]:
    box = row.get("bbox")
    if not _is_box(box):
        yield "box", f"expected a `bbox` of four numbers, found {box!r}"
        return
    if box[2] <= 0 or box[3] <= 0:
        yield "box", f"the box {box} is empty"
    elif _is_outside(box, image):
        size = f"{image['width']} x {image['height']}"
        yield "outside", f"the box {box} reaches beyond its image of {size}"
    yield from _segmentation(row, image)


def _is_box(box: Any) -> TypeGuard[list[float]]:
    numbers = isinstance(box, (list, tuple)) and len(box) == 4
    return numbers and all(type(side) in (int, float) for side in box)


def _is_outside(box: list[float], image: Row) -> bool:
    if "width" not in image or "height" not in image:
        return False
    x, y, width, height = box
    right, bottom = x + width - image["width"], y + height - image["height"]
    return min(x, y) < -_SLACK or max(right, bottom) > _SLACK


def _segmentation(row: Row, image: Row) -> Iterator[tuple[str, str]]:
    shape, box = row.get("segmentation"), row["bbox"]
    if not shape:
        if "area" in row and _differs(row["area"], box[2] * box[3]):
            yield "area", f"the area is {row['area']}, that of the box {box[2] * box[3]:g}"
        return
    try:
        area = _area(shape, image)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        yield "segmentation", f"the segmentation is not sound: {error}"
        return
    if area is not None and "area" in row and _differs(row["area"], area):
        yield "area", f"the area is {row['area']}, that of the segmentation {area:g}"


def _area(shape: Any, image: Row) -> float | None:
    if isinstance(shape, dict):
        height, width = shape["size"]
        if image and (height, width) != (image.get("height"), image.get("width")):
            raise ValueError(f"its size {shape['size']} is not that of the image")
        return area_of(shape)
    for polygon in shape:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError("a polygon needs at least three points, each an x and a y")
    # Polygons may lie on each other: then their areas do not add up.
    return _shoelace(shape[0]) if len(shape) == 1 else None


def _shoelace(polygon: list[float]) -> float:
    xs, ys = polygon[::2], polygon[1::2]
    pairs = zip(xs, ys, [*xs[1:], xs[0]], [*ys[1:], ys[0]], strict=True)
    return abs(sum(x * v - u * y for x, y, u, v in pairs)) / 2


def _differs(claimed: Any, area: float) -> bool:
    if type(claimed) not in (int, float):
        return True
    # A rounded outline is off by about half a pixel all around.
    slack = _AREA_SLACK * area + 2 * area**0.5 + 1
    return abs(claimed - area) > slack
