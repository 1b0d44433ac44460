"""A sweep of 50 runs over two parameters: what they share is computed once."""

import os
import tempfile

os.environ.setdefault("CANNERY_STORE", tempfile.mkdtemp())

from typing import Annotated

import numpy as np
from sklearn.datasets import load_digits

from cannery import Store, pipeline, step


@step
def digits() -> tuple[Annotated[np.ndarray, "images"], Annotated[np.ndarray, "labels"]]:
    images, labels = load_digits(return_X_y=True)
    return np.asarray(images)[:1000], np.asarray(labels)[:1000]


@step
def shrunk(images: np.ndarray, size: int) -> np.ndarray:
    """The first principal components of the images, as many as that."""
    centered = images - images.mean(axis=0)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    return centered @ directions[:size].T


@step
def score(points: np.ndarray, labels: np.ndarray, neighbours: int) -> float:
    """How many of the last 300 digits the nearest of the others name rightly."""
    known, asked = points[:-300], points[-300:]
    distances = (known**2).sum(axis=1) - 2 * asked @ known.T
    nearest = labels[np.argpartition(distances, neighbours, axis=1)[:, :neighbours]]
    votes = np.array([np.bincount(row, minlength=10).argmax() for row in nearest])
    return float((votes == labels[-300:]).mean())


@pipeline(tags=["sweep"])
def sweep(size: int, neighbours: int) -> float:
    images, labels = digits()
    return score(shrunk(images, size), labels, neighbours)


SIZES = [2, 3, 4, 5, 6, 8, 10, 12, 14, 16]
NEIGHBOURS = [1, 3, 5, 7, 9]


if __name__ == "__main__":
    for size in SIZES:
        for neighbours in NEIGHBOURS:
            sweep(size, neighbours)

    runs = Store().runs(tag="sweep")
    ran = sum(not each.cached for run in runs for each in run.steps.values())
    print(f"{len(runs)} runs, {ran} of {3 * len(runs)} steps ran")
    best = max(runs, key=lambda run: run.output.load())
    print("best:", best.parameters, f"{best.output.load():.1%}")
    best.tag("best")
    worst = min(runs, key=lambda run: run.output.load())
    print(best.compare(worst))
