"""The pipeline: read, clean, split, describe the boxes, train, evaluate.

cannery run examples/detection/pipeline.py:detection --param annotations=instances.json
"""

import random
from pathlib import Path

import numpy as np

from cannery import Artifact, json, npy, pipeline, step
from cleaning import CleaningReport, clean_records
from coco import parse
from evaluation import Evaluation
from features import Features, features_of
from forest import Forest
from materializer import ForestMaterializer, RecordCollectionMaterializer
from records import RecordCollection

__all__ = ["ForestMaterializer", "RecordCollectionMaterializer", "detection"]


@step
def read_dataset(annotations: Path) -> RecordCollection:
    """Reads a COCO detection file."""
    with annotations.open("rb") as file:
        return parse(json.load(file))


@step
def read_pages(records: RecordCollection, folder: Path) -> dict[int, np.ndarray]:
    """The page image of each record, by record id."""
    files = {record.common.record_id: record.common.filepath for record in records}
    return {record_id: npy.load(folder / file) for record_id, file in files.items()}


@step
def clean(
    records: RecordCollection, min_area: float, drop_crowds: bool
) -> tuple[RecordCollection, CleaningReport]:
    return clean_records(records, min_area=min_area, drop_crowds=drop_crowds)


@step
def split(
    records: RecordCollection, test_fraction: float, seed: int
) -> tuple[RecordCollection, RecordCollection]:
    """Whole images go to training or to test, so that no image is in both."""
    ids = records.ids()
    random.Random(seed).shuffle(ids)
    tests = round(len(ids) * test_fraction)
    if len(ids) > 1:  # neither side may be empty
        tests = min(max(tests, 1), len(ids) - 1)
    return records.select(ids[tests:]), records.select(ids[:tests])


@step
def box_features(records: RecordCollection, pages: dict[int, np.ndarray] | None = None) -> Features:
    return features_of(records, pages)


@step
def train(features: Features, trees: int, max_depth: int, seed: int) -> Forest:
    if not len(features.labels):
        raise ValueError("no box is left to train on; a smaller `min_area` would keep more")
    return Forest.fit(features.values, features.labels, trees=trees, max_depth=max_depth, seed=seed)


@step
def evaluate(model: Forest, features: Features) -> Evaluation:
    majority = int(model.labels[model.frequencies.argmax()])
    return Evaluation.of(features.labels, model.predict(features.values), majority)


@pipeline
def detection(
    annotations: Path,
    images: Path | None = None,
    min_area: float = 16.0,
    drop_crowds: bool = True,
    test_fraction: float = 0.25,
    trees: int = 100,
    max_depth: int = 8,
    seed: int = 0,
) -> Artifact:
    """Which class is in a box? Judged by its geometry and, given the images, its pixels."""
    records = read_dataset(annotations)
    pages = read_pages(records, images) if images else None
    cleaned, _report = clean(records, min_area=min_area, drop_crowds=drop_crowds)
    training, test = split(cleaned, test_fraction=test_fraction, seed=seed)
    model = train(box_features(training, pages), trees=trees, max_depth=max_depth, seed=seed)
    return evaluate(model, box_features(test, pages))
