"""Writes the store that the Rust program beside this file reads: pages of boxes, and a count.

`python examples/rust/write_store.py FOLDER` makes it in FOLDER.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from cannery import Store, pipeline, step


@dataclass
class Box:
    """A thing on a page: its label, and x, y, width and height in pixels."""

    label: str
    xywh: tuple[float, float, float, float]


@dataclass
class Page:
    """A scanned page and what was found on it."""

    path: PurePosixPath
    scanned: datetime
    boxes: list[Box]
    tags: frozenset[str]
    best: Box | None
    thumbnail: bytes


@step
def read_pages() -> list[Page]:
    """Find two pages; the best box of the first is one of its boxes."""
    stamp, note = Box("stamp", (10, 20, 30.5, 40)), Box("note", (0, 0, 5, 5))
    scanned = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    first = PurePosixPath("scans/1.png")
    return [
        Page(first, scanned, [stamp, note], frozenset({"first"}), stamp, b"\x89PNG"),
        Page(first.with_name("2.png"), scanned, [], frozenset(), None, b""),
    ]


@step
def count_labels(pages: list[Page]) -> dict[str, int]:
    """Count the boxes of each label."""
    labels = [box.label for page in pages for box in page.boxes]
    return {label: labels.count(label) for label in labels}


@pipeline
def scans() -> None:
    """Read the pages and count what is on them."""
    count_labels(read_pages())


def write(folder: Path) -> Store:
    """Run the pipeline in the store of a folder."""
    store = Store(folder)
    scans.store = store
    scans()
    return store


if __name__ == "__main__":
    write(Path(sys.argv[1]))
