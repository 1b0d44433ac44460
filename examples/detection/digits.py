"""Scanned handwritten digits laid out on document pages, with their exact boxes as COCO.

The scans are real: the 1,797 digits that 13 people wrote on forms, 8 x 8 pixels
each, which come with scikit-learn. The pages are ours, and as untidy as annotated
pages are: digits cut by the edge, digits in a heap (a crowd), boxes drawn twice,
clicks that left an empty box, specks taken for a digit, noise on the paper.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cannery import json, npy

ROWS, COLUMNS = 10, 6
CELL, MARGIN = 44, 20
HEIGHT, WIDTH = ROWS * CELL + 2 * MARGIN, COLUMNS * CELL + 2 * MARGIN
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CROWD_SIZE = 3
EDGE_SHARE, TWICE_SHARE = 0.25, 0.03


@dataclass
class Page:
    """One page under construction: its ink (0 paper, 1 black) and its annotations."""

    image_id: int
    ink: np.ndarray = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH), np.float32))
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def annotate(self, digit: int, box: tuple[int, int, int, int], area: int, **more: Any) -> None:
        row = {"image_id": self.image_id, "category_id": digit + 1, "bbox": list(box)}
        self.annotations.append({**row, "area": area, "iscrowd": 0, **more})


def write_pages(folder: Path, pages: int, seed: int) -> Path:
    """Writes `pages` pages (30 use every scan): `pages/*.npy` and, returned, the COCO file."""
    from sklearn.datasets import load_digits  # slow to import, and only wanted here

    scans: Any = load_digits()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(scans.target))
    drawn: list[Page] = []
    (folder / "pages").mkdir(parents=True)
    for number in range(pages):
        chosen = order[number * ROWS * COLUMNS : (number + 1) * ROWS * COLUMNS]
        page = _draw(number + 1, scans.images[chosen] / 16, scans.target[chosen], rng)
        npy.save(folder / "pages" / _file_name(page), _scan(page.ink, rng))
        drawn.append(page)
    where = folder / "annotations.json"
    with where.open("w") as file:
        json.dump(_document(drawn), file)
    return where


def encode_rle(mask: np.ndarray) -> dict[str, Any]:
    """COCO's run lengths: column by column, beginning with the zeros."""
    flat = mask.flatten(order="F").astype(bool)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate(([0], edges, [len(flat)]))).tolist()
    return {"size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}


def _file_name(page: Page) -> str:
    return f"page-{page.image_id:03}.npy"


def _document(pages: list[Page]) -> dict[str, Any]:
    size = {"height": HEIGHT, "width": WIDTH}
    rows = [row for page in pages for row in page.annotations]
    return {
        "images": [{"id": p.image_id, "file_name": _file_name(p), **size} for p in pages],
        "annotations": [{"id": number, **row} for number, row in enumerate(rows, 1)],
        "categories": [
            {"id": digit + 1, "name": name, "supercategory": "digit"}
            for digit, name in enumerate(NAMES)
        ],
    }


def _draw(image_id: int, scans: np.ndarray, digits: np.ndarray, rng: np.random.Generator) -> Page:
    page = Page(image_id)
    crowd = _crowd(digits)
    cells = [divmod(cell, COLUMNS) for cell in range(ROWS * COLUMNS)]
    if len(crowd):
        _draw_crowd(page, scans[crowd], int(digits[crowd[0]]), cells.pop(), rng)
    single = np.setdiff1d(np.arange(len(digits)), crowd)
    for i, cell in zip(single, cells, strict=False):
        _draw_digit(page, scans[i], int(digits[i]), cell, rng)
    _spoil(page, rng)
    return page


def _crowd(digits: np.ndarray) -> np.ndarray:
    """Where the page's most frequent digit stands, as many of them as make a heap."""
    if not len(digits):
        return np.array([], int)
    digit, count = Counter(digits.tolist()).most_common(1)[0]
    return np.flatnonzero(digits == digit)[: CROWD_SIZE if count >= CROWD_SIZE else 0]


def _draw_digit(
    page: Page,
    scan: np.ndarray,
    digit: int,
    cell: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    glyph = _enlarge(scan, rng)
    y, x = _place(cell, glyph, rng)
    if cell[1] == COLUMNS - 1 and rng.random() < EDGE_SHARE:
        x = WIDTH - glyph.shape[1] // 2  # half of it fell off the scanner
    area = _stamp(page.ink, glyph, y, x)
    top, left, height, width = _ink_box(glyph)
    page.annotate(digit, (x + left, y + top, width, height), area)


def _draw_crowd(
    page: Page,
    scans: np.ndarray,
    digit: int,
    cell: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    heap = np.zeros_like(page.ink)
    for scan in scans:
        glyph = _enlarge(scan, rng)
        _stamp(heap, glyph, *_place(cell, glyph, rng))
    np.maximum(page.ink, heap, out=page.ink)
    top, left, height, width = _ink_box(heap)
    mask = heap > 0
    box = (left, top, width, height)
    page.annotate(digit, box, int(mask.sum()), iscrowd=1, segmentation=encode_rle(mask))


def _spoil(page: Page, rng: np.random.Generator) -> None:
    """What annotators do: the same box twice, a click without a drag, a speck of dirt."""
    for row in list(page.annotations):
        if rng.random() < TWICE_SHARE:
            page.annotations.append(dict(row))
    x, y = int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))
    page.annotate(int(rng.integers(10)), (x, y, 0, 0), 0)
    page.annotate(int(rng.integers(10)), (int(rng.integers(WIDTH - 2)), 2, 2, 2), 4)


def _enlarge(scan: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The scan 3 to 4 times as large, in whole pixels, so that its box stays exact."""
    return np.kron(scan, np.ones(rng.integers(3, 5, size=2)))


def _place(cell: tuple[int, int], glyph: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Top left corner of the glyph, somewhere in its cell."""
    free = CELL - np.array(glyph.shape)
    y, x = MARGIN + CELL * np.array(cell) + rng.integers(0, free + 1)
    return int(y), int(x)


def _stamp(ink: np.ndarray, glyph: np.ndarray, y: int, x: int) -> int:
    """Puts the glyph on the page, as far as it fits; returns its visible pixels."""
    target = ink[y : y + glyph.shape[0], x : x + glyph.shape[1]]
    seen = glyph[: target.shape[0], : target.shape[1]]
    np.maximum(target, seen, out=target)
    return int((seen > 0).sum())


def _ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, height and width of what is not paper."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return (
        int(rows[0]),
        int(columns[0]),
        int(rows[-1] - rows[0] + 1),
        int(columns[-1] - columns[0] + 1),
    )


def _scan(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The page as a grey image: bright paper with grain, dark ink, a few dead pixels."""
    grey = 240 - 220 * ink + rng.normal(0, 6, ink.shape)
    grey[rng.random(ink.shape) < 0.002] = 0
    return grey.clip(0, 255).astype(np.uint8)
