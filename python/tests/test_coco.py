"""COCO files: read, checked, converted and written; masks as pycocotools has them."""

# ruff: noqa: E501  tables of cases

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cannery
from cannery import coco

SMALL: dict[str, Any] = {
    "info": {"year": 2026},
    "images": [
        {"id": 7, "file_name": "a/1.png", "width": 64, "height": 48},
        {"id": 9, "file_name": "2.png", "width": 10, "height": 20},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1.5, 2, 10, 5], "area": 50.0, "iscrowd": 0,
         "segmentation": [[1.5, 2, 11.5, 2, 11.5, 7, 1.5, 7]]},
        {"id": 5, "image_id": 7, "category_id": 1, "bbox": [0, 0, 4, 4], "area": 16, "iscrowd": 1},
    ],
    "categories": [{"id": 3, "name": "stamp"}, {"id": 1, "name": "redaction"}],
}  # fmt: skip


def small(**changed: Any) -> coco.Dataset:
    dataset = coco.loads(json.dumps(SMALL))
    dataset.annotations[0] |= changed
    return dataset


def test_a_file_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    coco.dump(small(), path)
    assert json.loads(path.read_bytes()) == SMALL
    assert coco.load(path) == small()
    text = io.StringIO()
    coco.dump(small(), text)
    assert coco.loads(text.getvalue()) == small()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[]", "expected a map of lists, found list"),
        ("{}", "expected a list `images`, found nothing"),
        ('{"images": [1], "categories": []}', r"expected a map as `images\[0\]`, found int"),
        ('{"images": [{}], "categories": []}', r"expected `id` in `images\[0\]`, found nothing"),
    ],
)
def test_what_is_no_data_set_is_refused(document: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        coco.loads(document)
    assert isinstance(caught.value, cannery.CanneryError)


def test_a_sound_data_set_has_no_problems() -> None:
    assert coco.check(small()) == []


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"image_id": 8}, "dangling id", "there is no image 8"),
        ({"category_id": 2}, "dangling id", "there is no category 2"),
        ({"id": 5}, "duplicate id", "the id 5 is that of annotations[0], too"),
        ({"bbox": [1, 2, 3]}, "box", "expected a `bbox` of four numbers, found [1, 2, 3]"),
        ({"bbox": [1, 2, 0, 3]}, "box", "the box [1, 2, 0, 3] is empty"),
        ({"bbox": [60, 2, 10, 5]}, "outside", "the box [60, 2, 10, 5] reaches beyond its image of 64 x 48"),
        ({"area": 500}, "area", "the area is 500, that of the segmentation 50"),
        ({"area": 500, "segmentation": None}, "area", "the area is 500, that of the box 50"),
        ({"segmentation": [[1, 2, 3, 4]]}, "segmentation", "at least three points"),
        ({"segmentation": {"size": [48, 64], "counts": [1]}}, "segmentation", "do not make up 48 x 64 pixels"),
        ({"segmentation": {"size": [4, 6], "counts": [24]}}, "segmentation", "not that of the image"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(changed: Any, kind: str, message: str) -> None:
    problems = coco.check(small(**changed))
    assert kind in [problem.kind for problem in problems]
    assert any(message in str(problem) for problem in problems), problems
    assert str(problems[0]).startswith("annotations[")


def test_records_and_back() -> None:
    records = coco.to_records(small(), root="scans")
    assert records[0]["common"]["filepath"] == Path("scans/a/1.png")
    assert records[0]["common"]["classes"] == ["background", "redaction", "stamp"]
    detection = records[0]["detection"]
    assert detection["label_ids"] == [2, 1]
    assert detection["bboxes"] == [(1.5, 2, 11.5, 7), (0, 0, 4, 4)]
    assert detection["iscrowds"] == [False, True]
    back = coco.from_records(records, root="scans")
    assert (back.images, back.annotations) == (small().images, small().annotations)
    assert back.categories == sorted(SMALL["categories"], key=lambda category: category["id"])
    assert cannery.loads(cannery.dumps(records)) == records


@dataclass
class Box:
    xyxy: tuple[float, ...]


class ClassMap:
    def get_classes(self) -> list[Any]:
        return ["background", "stamp", None, "redaction"]


class Record:
    def __init__(self) -> None:
        self.common = {"filepath": Path("x/1.png"), "height": 5, "width": 6}
        box = Box((1.0, 1.0, 3.0, 4.0))
        self.detection = {"class_map": ClassMap(), "label_ids": [3], "bboxes": [box]}


def test_records_of_objects() -> None:
    dataset = coco.from_records([Record(), Record()])
    assert [image["id"] for image in dataset.images] == [1, 2]
    assert [row["id"] for row in dataset.annotations] == [1, 2]
    assert dataset.annotations[0]["bbox"] == [1.0, 1.0, 2.0, 3.0]
    assert dataset.categories == [{"id": 1, "name": "stamp"}, {"id": 3, "name": "redaction"}]
    assert coco.check(dataset) == []


def test_tables_and_back() -> None:
    table = coco.to_table(small())
    assert table["category"] == ["stamp", "redaction"]
    back = coco.from_table(table)
    assert back.annotations == small().annotations
    assert back.images == small().images[:1]  # the other has no annotation
    pandas = pytest.importorskip("pandas")
    assert len(coco.from_table(pandas.DataFrame(table)).annotations) == 2


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40))
def test_counts_as_text(counts: list[int]) -> None:
    text = coco._masks.to_text(counts)
    assert coco._masks.from_text(text) == counts


@settings(max_examples=60)
@given(st.data())
def test_masks_are_those_of_pycocotools(data: Any) -> None:
    np, peer = pytest.importorskip("numpy"), pytest.importorskip("pycocotools.mask")
    height, width = data.draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    bits = data.draw(st.binary(min_size=height * width, max_size=height * width))
    mask = np.frombuffer(bits, np.uint8).reshape(height, width) > data.draw(st.integers(0, 255))
    theirs = peer.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = coco.encode(mask)
    assert ours == {"size": theirs["size"], "counts": theirs["counts"].decode()}
    assert (coco.decode(ours) == mask).all()
    assert (coco.decode(theirs) == mask).all()
    assert coco.area_of(ours) == peer.area(theirs)
    assert coco.box_of(ours) == peer.toBbox(theirs).tolist()


@settings(max_examples=300)
@given(st.data())
def test_polygons_cover_what_pycocotools_says(data: Any) -> None:
    peer = pytest.importorskip("pycocotools.mask")
    height, width = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    point = st.floats(-5, 45, width=32) | st.integers(0, 40).map(float)
    corners = st.lists(point, min_size=6, max_size=16).map(lambda p: p[: len(p) // 2 * 2])
    polygons = data.draw(st.lists(corners, min_size=1, max_size=3))
    theirs = peer.merge(peer.frPyObjects(polygons, height, width))
    ours = coco.rle_of({"segmentation": polygons}, height, width)
    assert coco._masks.to_text(ours["counts"]) == theirs["counts"].decode()


def test_every_kind_of_segmentation_has_a_mask() -> None:
    pytest.importorskip("numpy")
    counts = {"segmentation": {"size": [2, 3], "counts": [1, 2, 3]}}
    assert coco.mask_of(counts, 2, 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert coco.mask_of({"bbox": [1, 0, 2, 1]}, 2, 3).tolist() == [[0, 1, 1], [0, 0, 0]]
    for text in ("~", "P", "\x1f"):
        with pytest.raises(ValueError, match="mask's text"):
            coco.decode({"size": [1, 1], "counts": text})
