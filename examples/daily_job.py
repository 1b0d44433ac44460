"""A job that runs every day: it reads the new file, and adds to what it has computed before."""

import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("CANNERY_STORE", tempfile.mkdtemp())

from sklearn.datasets import load_diabetes

from cannery import Store, jsonl, pipeline, step

Figures = dict[str, float]


def deliver(folder: Path, days: int) -> None:
    """Write the files that come from elsewhere: some patients a day."""
    patients, progressions = load_diabetes(return_X_y=True, scaled=False)
    rows = [
        {"age": float(patient[0]), "bmi": float(patient[2]), "progression": float(progression)}
        for patient, progression in zip(patients, progressions, strict=True)
    ]
    for day in range(days):
        jsonl.write(folder / f"day-{day + 1}.jsonl", rows[day * 40 : (day + 1) * 40])


@step
def read(file: Path) -> list[dict[str, float]]:
    rows = list(jsonl.read(file))
    print(f"{len(rows)} patients in {file.name}")
    return rows


@step
def figures(rows: list[dict[str, float]]) -> Figures:
    return {
        "patients": float(len(rows)),
        "bmi": sum(row["bmi"] for row in rows),
        "progression": sum(row["progression"] for row in rows),
    }


@step
def total(before: Figures | None, today: Figures) -> Figures:
    return {name: (before or {}).get(name, 0.0) + today[name] for name in today}


@pipeline(partition="day")
def daily(day: int, folder: Path, before: Any = None) -> Figures:
    return total(before, figures(read(folder / f"day-{day}.jsonl")))


def run_day(store: Store, folder: Path, day: int) -> Figures:
    """Run the job for a day, on the total of the day before."""
    before = store.partitions("daily/total").get(f"day={day - 1}")
    run = daily(day, folder, before)
    ran = [name for name, each in run.steps.items() if not each.cached]
    print(f"day {day}: {', '.join(ran) or 'nothing'} ran")
    return run.output.load()


if __name__ == "__main__":
    folder, store = Path(tempfile.mkdtemp()), Store()
    deliver(folder, days=4)
    found = [run_day(store, folder, day) for day in range(1, 5)][-1]
    print(f"{found['patients']:.0f} patients, mean BMI {found['bmi'] / found['patients']:.2f}")

    print("the same day again")
    assert run_day(store, folder, 4) == found

    print("the file of day 2 is corrected")
    file = folder / "day-2.jsonl"
    file.write_text(file.read_text().replace('"bmi":', '"bmi":1', 1))
    found = [run_day(store, folder, day) for day in range(2, 5)][-1]
    print(f"{found['patients']:.0f} patients, mean BMI {found['bmi'] / found['patients']:.2f}")
    print("days:", ", ".join(store.partitions("daily/total")))
    print(len(store.artifact("daily/total").lineage()), "artifacts went into the last total")
