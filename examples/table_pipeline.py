"""A table from file to figures: scikit-learn's wines, cleaned, split and learnt from."""

import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("CANNERY_STORE", tempfile.mkdtemp())

import numpy as np

from cannery import Store, pipeline, step

WINES = Path(str(files("sklearn.datasets.data") / "wine_data.csv"))

Table = dict[str, list[float]]


@step
def read(path: Path) -> Table:
    """The first line of the file holds counts and names; every other one is a wine."""
    lines = path.read_text().splitlines()
    rows = [[float(cell) for cell in line.split(",")] for line in lines[1:]]
    names = ["alcohol", "acid", "ash", "alcalinity", "magnesium", "phenols", "flavanoids"]
    names += ["others", "proanthocyanins", "color", "hue", "dilution", "proline", "kind"]
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


@step
def clean(table: Table, most_magnesium: float) -> Table:
    """Without wines whose magnesium is out of bounds."""
    kept = [index for index, value in enumerate(table["magnesium"]) if value <= most_magnesium]
    print(f"{len(table['magnesium']) - len(kept)} wines left out")
    return {name: [column[index] for index in kept] for name, column in table.items()}


@step
def split(
    table: Table, seed: int
) -> tuple[Annotated[np.ndarray, "train"], Annotated[np.ndarray, "test"]]:
    rows = np.array(list(table.values())).T
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows[order[: len(rows) * 3 // 4]], rows[order[len(rows) * 3 // 4 :]]


@step
def centers(train: np.ndarray) -> dict[str, Any]:
    """A model that is plain numbers: scales, and the mean of each kind of wine."""
    values, kinds = train[:, :-1], train[:, -1]
    mean, spread = values.mean(axis=0), values.std(axis=0)
    scaled = (values - mean) / spread
    means = [scaled[kinds == kind].mean(axis=0) for kind in range(3)]
    return {"mean": mean, "spread": spread, "centers": np.array(means)}


@step
def accuracy(model: dict[str, Any], test: np.ndarray) -> float:
    scaled = (test[:, :-1] - model["mean"]) / model["spread"]
    distances = ((scaled[:, None, :] - model["centers"]) ** 2).sum(axis=2)
    return float((distances.argmin(axis=1) == test[:, -1]).mean())


@pipeline
def wines(path: Path = WINES, most_magnesium: float = 150.0, seed: int = 0) -> float:
    train, test = split(clean(read(path), most_magnesium), seed)
    return accuracy(centers(train), test)


if __name__ == "__main__":
    first = wines()
    print(f"right: {first.output.load():.1%}")
    second = wines(most_magnesium=125.0)
    print("cached:", *[name for name, each in second.steps.items() if each.cached])

    store = Store()
    print(store.artifact("accuracy", 2).diff(store.artifact("accuracy", 1)))
    picture = Path(tempfile.mkdtemp()) / "wines.svg"
    picture.write_text(second.record.to_svg())
    print("drawn:", picture.stat().st_size > 1000)
