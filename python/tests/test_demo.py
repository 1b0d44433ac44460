"""The demo and the examples, run as a user runs them, and the detection project's own parts."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SUITES

EXAMPLES = ROOT / "examples"
PROJECT = EXAMPLES / "detection"
COCO = SUITES.parent / "corpora" / "coco" / "instances_val2017_80images.json"

STEPS = ["read_dataset", "clean", "split", "box_features", "train", "box_features-2", "evaluate"]
SUMMARY = re.compile(r"^(\d+) of (\d+) steps were cached; [\d.]+ s in all$", re.MULTILINE)
STEP_LINE = re.compile(r"^  ([\w-]+) +(cached|ran) ?", re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def _scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="the demo trains with scikit-learn")


@pytest.fixture(scope="module")
def coco_file() -> Path:
    if not COCO.is_file():
        pytest.skip(f"!! no COCO file at {COCO}: the demo was not tried on one")
    return COCO


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the project's modules importable, and forgets them: their names are common words."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(PROJECT))
    yield
    for name in set(sys.modules) - before:
        if str(PROJECT) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]


def run(script: Path, *arguments: object, cwd: Path) -> str:
    command = [sys.executable, script, *map(str, arguments)]
    narrow = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, cwd=cwd, env=narrow, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def runs_of(output: str) -> list[dict[str, bool]]:
    """What each run of the demo says: whether a step was cached, by its name."""
    parts = re.split(r"^Run \d: .*$", output, flags=re.MULTILINE)[1:]
    return [
        {name: how == "cached" for name, how in STEP_LINE.findall(part[: end.end()])}
        for part in parts
        if (end := SUMMARY.search(part))
    ]


def assert_story(output: str, steps: list[str]) -> None:
    """All steps run; none runs; those that depend on the changed parameter run."""
    first, second, third = runs_of(output)
    assert list(first) == list(second) == list(third) == steps
    assert not any(first.values())
    assert all(second.values())
    assert {name for name, cached in third.items() if not cached} == {"train", "evaluate"}
    counted = [tuple(map(int, counts)) for counts in SUMMARY.findall(output)]
    assert counted == [(0, len(steps)), (len(steps),) * 2, (len(steps) - 2, len(steps))]
    assert "parameter max_depth changed from `4` to `8`" in output
    assert re.search(r"^[ │├└]+ records: \w+/read_dataset@1  ", output, re.MULTILINE)
    assert max(map(len, output.splitlines())) <= 80


def accuracies(output: str) -> tuple[float, float]:
    accuracy, baseline = re.findall(r"^(?:accuracy|baseline) +([\d.]+)%", output, re.MULTILINE)
    return float(accuracy), float(baseline)


def test_demo_on_digits(tmp_path: Path) -> None:
    output = run(PROJECT / "demo.py", "--pages", 8, "--folder", "demo", cwd=tmp_path)
    assert_story(output, [STEPS[0], "read_pages", *STEPS[1:]])
    accuracy, baseline = accuracies(output)
    assert accuracy > 80 > 20 > baseline
    check_stored_forest(tmp_path / "demo" / "store", max_depth=8)


def test_demo_on_a_coco_file(
    tmp_path: Path, coco_file: Path, count_cases: Callable[[str, int], None]
) -> None:
    (tmp_path / "instances.json").symlink_to(coco_file)
    output = run(PROJECT / "demo.py", "--coco", "instances.json", "--folder", "demo", cwd=tmp_path)
    assert "80 images, 815 boxes (11 crowds), 80 classes" in output
    assert_story(output, STEPS)
    check_stored_forest(tmp_path / "demo" / "store", max_depth=8)
    count_cases("demo on COCO, images", 80)


FOREST_CHECK = """
import sys
from cannery import Store
import pipeline  # its materializers
from sklearn.ensemble import RandomForestClassifier

store = Store(sys.argv[1])
forest, training, test = (
    store.run(3).steps[name].outputs[""].load()
    for name in ("train", "box_features", "box_features-2")
)
peer = RandomForestClassifier(
    100, max_depth=int(sys.argv[2]), min_samples_leaf=2, random_state=0
)
peer.fit(training.values, training.labels)
for features in (training, test):
    assert (forest.predict(features.values) == peer.predict(features.values)).all()
print(*(path.name for path in store.artifact("train").folder.iterdir()), len(test.labels))
"""


def check_stored_forest(store: Path, max_depth: int) -> None:
    """The forest from the store predicts what scikit-learn's own predicts, box by box."""
    done = subprocess.run(
        [sys.executable, "-c", FOREST_CHECK, store, str(max_depth)],
        env={"PYTHONPATH": str(PROJECT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *files, tested = done.stdout.split()
    assert files == ["forest.npz"]
    assert int(tested) > 50


RUN_ONCE = """
import sys
from pathlib import Path
from pipeline import detection

steps = detection(Path(sys.argv[1])).steps
print(*(name for name, step in steps.items() if not step.cached))
"""


def steps_that_ran(project: Path, coco: Path) -> set[str]:
    command = [sys.executable, "-c", RUN_ONCE, coco]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def write_two_images(where: Path, height: int) -> None:
    """One box on each, so that either may be the one for the test."""
    box, image = document()["annotations"][0], document()["images"][0]
    boxes = [{**box, "id": n, "image_id": n, "bbox": [1, 2, 5, height]} for n in (3, 4)]
    images = [{**image, "id": n} for n in (3, 4)]
    where.write_text(json.dumps(document(images=images, annotations=boxes)))


def test_a_change_of_code_runs_what_reaches_it_and_no_more(tmp_path: Path) -> None:
    """The README of the examples invites to try it."""
    mine, data = tmp_path / "mine", tmp_path / "coco.json"
    shutil.copytree(PROJECT, mine, ignore=shutil.ignore_patterns("__pycache__"))
    write_two_images(data, height=6)
    assert steps_that_ran(mine, data) == set(STEPS)
    assert steps_that_ran(mine, data) == set()

    cleaning = mine / "cleaning.py"
    before = cleaning.read_text()
    cleaning.write_text(before.replace("SAME_BOX_IOU = 0.95", "SAME_BOX_IOU = 0.5"))
    assert steps_that_ran(mine, data) == {"clean"}, "it gives the same, so nothing follows"

    cleaning.write_text(before + "\n# a remark changes nothing\n")
    assert steps_that_ran(mine, data) == set()

    write_two_images(data, height=7)
    assert steps_that_ran(mine, data) == set(STEPS), "the file is not what it was"


def test_demo_refuses_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    command = [sys.executable, PROJECT / "demo.py", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert "is not empty" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "three years"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [', "cannot be used: "),
        ("[]", "cannot be used: expected a list `images` at the top of a COCO document"),
    ],
)
def test_demo_says_what_is_wrong_with_a_file(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(text)
    command = [sys.executable, PROJECT / "demo.py", "--coco", "bad.json", "--folder", "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert f"bad.json {message}" in done.stderr
    assert "Traceback" not in done.stderr


# The one on more data than fits into memory is run by the tests of chunks, which look at its memory.
SMALL = sorted(path for path in EXAMPLES.glob("*.py") if path.stem != "larger_than_memory")


@pytest.mark.parametrize("script", SMALL, ids=lambda path: path.name)
def test_small_example(script: Path, tmp_path: Path) -> None:
    assert run(script, cwd=tmp_path).strip()


def test_first_pipeline_says_what_was_cached(tmp_path: Path) -> None:
    output = run(EXAMPLES / "first_pipeline.py", cwd=tmp_path)
    assert output.count("reading ...") == 1
    assert output.count("counting ...") == 2
    assert "cached: ['read_words', 'count']" in output


def document(**changes: Any) -> dict[str, Any]:
    """A small COCO document with gaps in its ids, a polygon and a crowd."""
    box = {"id": 7, "image_id": 3, "category_id": 9, "bbox": [1.1, 2.2, 3.3, 4.4], "area": 9.5}
    rle = {"size": [20, 10], "counts": [5, 15, 180]}
    return {
        "images": [{"id": 3, "file_name": "a/b.png", "height": 20, "width": 10}],
        "annotations": [
            {**box, "iscrowd": 0, "segmentation": [[1.1, 2.2, 4.4, 2.2, 4.4, 6.6]]},
            {**box, "id": 8, "category_id": 2, "iscrowd": 1, "segmentation": rle},
        ],
        "categories": [{"id": 2, "name": "stamp"}, {"id": 9, "name": "seal", "supercategory": "s"}],
        **changes,
    }


@pytest.mark.usefixtures("project")
def test_coco_is_written_as_it_was_read() -> None:
    import coco

    assert coco.unparse(coco.parse(document())) == document()


@pytest.mark.usefixtures("project")
def test_a_real_coco_file_is_written_as_it_was_read(coco_file: Path) -> None:
    import coco

    before = json.loads(coco_file.read_text())
    after = coco.unparse(coco.parse(before))
    assert after["categories"] == before["categories"]
    assert sorted(after["annotations"], key=by_id) == sorted(before["annotations"], key=by_id)


def by_id(row: dict[str, Any]) -> int:
    return row["id"]


def annotation(**changes: Any) -> dict[str, Any]:
    return document(annotations=[{**document()["annotations"][0], **changes}])


def without(key: str, part: str) -> dict[str, Any]:
    rows = document()[part]
    return document(**{part: [{k: v for k, v in row.items() if k != key} for row in rows]})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "expected a list `images` at the top of a COCO document"),
        ([], "expected a list `images` at the top of a COCO document"),
        (document(categories=None), "expected a list `categories` at the top of a COCO document"),
        (document(images=[3]), "expected image to be an object, found 3"),
        (
            annotation(image_id=4),
            "annotation 7 is on image 4, which `images` does not list",
        ),
        (
            annotation(category_id=1),
            "annotation 7 has category 1, which `categories` does not list",
        ),
        (
            annotation(bbox=[1, 2, 3]),
            "annotation 7: expected `bbox` as [x, y, width, height], found [1, 2, 3]",
        ),
        (without("bbox", "annotations"), "annotation 7 has no `bbox`"),
        (without("id", "annotations"), "annotation has no `id`"),
        (without("height", "images"), "image 3 has no `height`"),
        (document(images=document()["images"] * 2), "two images have the id 3"),
        (document(categories=document()["categories"] * 2), "two categories have the id 2"),
        (
            document(categories=[{"id": 2, "name": "x"}, {"id": 9, "name": "x"}]),
            "class names must differ: ['x', 'x']",
        ),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_document_that_contradicts_itself(wrong: Any, message: str) -> None:
    import coco

    with pytest.raises(coco.CocoError, match=f"^{re.escape(message)}$"):
        coco.parse(wrong)


@pytest.mark.usefixtures("project")
def test_records_come_back_from_their_files(tmp_path: Path) -> None:
    import coco
    from materializer import RecordCollectionMaterializer

    records = coco.parse(document())
    RecordCollectionMaterializer().save(records, tmp_path)
    back = RecordCollectionMaterializer().load(type(records), tmp_path)
    assert back == records
    assert all(record.detection.class_map is back.class_map for record in back)
    assert isinstance(back[3].common.filepath, Path)
    assert {path.name for path in tmp_path.iterdir()} == {"records.jsonl", "class_map.json"}


@pytest.mark.usefixtures("project")
def test_cleaning_says_what_it_left_out() -> None:
    import coco
    from cleaning import CleaningReport, clean_records

    box = document()["annotations"][0]
    rows = [
        box,
        {**box, "id": 10},  # drawn twice
        {**box, "id": 11, "category_id": 2},  # the same place, something else
        {**box, "id": 12, "bbox": [2, 2, 0, 0]},  # a click
        {**box, "id": 13, "iscrowd": 1},
        {**box, "id": 14, "bbox": [-5, 10, 10, 5]},  # half outside
        {**box, "id": 15, "bbox": [50, 50, 10, 5]},  # wholly outside
    ]
    records, report = clean_records(
        coco.parse(document(annotations=rows)), min_area=4, drop_crowds=True
    )
    assert records[3].detection.annotation_ids == [7, 11, 14]
    assert records[3].detection.bboxes[2].xyxy == (0, 10, 5, 15)
    assert report == CleaningReport(boxes=7, crowds=1, small=2, duplicates=1, clipped=2, kept=3)


@pytest.mark.usefixtures("project")
def test_digit_pages_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    import numpy as np

    import digits

    one, two, other = (
        digits.write_pages(tmp_path / name, 2, seed)
        for name, seed in (("one", 5), ("two", 5), ("other", 6))
    )
    page = Path("pages/page-002.npy")
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    assert (np.load(one.parent / page) == np.load(two.parent / page)).all()


@pytest.mark.usefixtures("project")
def test_digit_boxes_are_exact_and_the_mess_is_there(tmp_path: Path) -> None:
    import numpy as np

    import coco
    import digits

    where = digits.write_pages(tmp_path / "set", 3, seed=1)
    records = coco.parse(json.loads(where.read_text()))
    page = np.load(where.parent / "pages" / records[1].common.filepath)
    boxes = records[1].detection
    crowd = boxes.iscrowds.index(True)
    rle = boxes.segmentations[crowd]
    assert rle["size"] == list(page.shape)
    assert sum(rle["counts"]) == page.size
    assert sum(rle["counts"][1::2]) == boxes.areas[crowd]
    assert 0.0 in [box.area for box in boxes.bboxes]
    outside = [
        box for record in records for box in record.detection.bboxes if box.xmax > page.shape[1]
    ]
    assert outside
    dark = np.zeros(page.shape, bool)
    for box in boxes.bboxes:
        left, top, right, bottom = map(int, box.xyxy)
        dark[top:bottom, left:right] = True
    # ink is 240 - 220 * shade: outside of every box there are but grain and dead pixels
    assert np.isin(page[~dark], [0]).mean() < 0.01
    assert page[~dark][page[~dark] > 0].min() > 200


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        ([[0, 0], [0, 0]], [4]),
        ([[1, 1], [1, 1]], [0, 4]),
        ([[0, 1], [0, 0]], [2, 1, 1]),
        ([[1, 0], [0, 1]], [0, 1, 2, 1]),
    ],
)
@pytest.mark.usefixtures("project")
def test_run_lengths(mask: list[list[int]], counts: list[int]) -> None:
    import numpy as np

    import digits

    assert digits.encode_rle(np.array(mask)) == {"size": [2, 2], "counts": counts}


@pytest.mark.parametrize("boxes", [1, 2])
@pytest.mark.usefixtures("project")
def test_a_tiny_data_set(tmp_path: Path, boxes: int) -> None:
    """One image cannot be split: everything is for training, and nothing is left to judge by."""
    from cannery import json
    from pipeline import detection

    tiny = document(annotations=document()["annotations"][:boxes])
    where = tmp_path / "tiny.json"
    where.write_text(json.dumps(tiny))
    result = detection(where, min_area=0.0, drop_crowds=False).output.load()
    assert (result.boxes, result.accuracy, result.baseline) == (0, 0.0, 0.0)


@pytest.mark.usefixtures("project")
def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    from cannery import json
    from pipeline import detection

    where = tmp_path / "empty.json"
    where.write_text(json.dumps(document(annotations=[])))
    with pytest.raises(ValueError, match="no box is left to train on"):
        detection(where)
