"""Masks: run lengths, their text form, and what polygons cover.

A mask is counted column by column: so many pixels outside, so many inside, and so on. The rules by
which polygons are rasterized are those of pycocotools' `maskApi.c`, step by step, for annotations
are compared by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from operator import index
from typing import TYPE_CHECKING, Any

from cannery.errors import DataError, LimitError

if TYPE_CHECKING:
    import numpy as np

Rle = dict[str, Any]

# Polygons are drawn at five times the resolution, and then looked at in the middle of each pixel.
_SCALE = 5
# Pixels of a mask, unless the caller asks for more: an image of 8,192 x 8,192. A few bytes in a
# file can claim any size.
_MOST_PIXELS = 1 << 26
# An outline may have one point for so many of these pixels: the perimeter of a square that large is
# a hundredth of that.
_PIXELS_PER_POINT = 16
# Bits of a number in a mask's text; pycocotools has 32.
_MOST_BITS = 60
# What C makes of a slope of 0/0, of an edge without a length.
_NO_NUMBER = -(2**31)


def decode(rle: Rle, *, max_pixels: int = _MOST_PIXELS) -> np.ndarray[Any, Any]:
    """Turn run lengths, as numbers or text, into a mask of `uint8`, `(height, width)`.

    A mask of more than `max_pixels` is refused with a `LimitError`: raise it for larger images.
    """
    import numpy as np

    height, width = _size_of(rle, max_pixels)
    counts = _counts_of(rle)
    inside = np.zeros(len(counts), np.uint8)
    inside[1::2] = 1
    return np.repeat(inside, counts).reshape(width, height).T.copy(order="F")


def encode(mask: Any) -> Rle:
    """Turn a mask, anything with two dimensions, into run lengths as text."""
    import numpy as np

    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    changes = np.flatnonzero(np.diff(flat.astype(np.int8), prepend=0))
    counts = np.diff(np.concatenate([[0], changes, [flat.size]]))
    return {"size": [*np.shape(mask)], "counts": to_text(counts.tolist())}


def mask_of(
    annotation: dict[str, Any], height: int, width: int, *, max_pixels: int = _MOST_PIXELS
) -> np.ndarray[Any, Any]:
    """Return the mask of an annotation, whatever its segmentation is; without one, its box.

    A mask of more than `max_pixels` is refused, as `decode` does.
    """
    _check_pixels(height, width, max_pixels)
    rle = rle_of(annotation, height, width, max_pixels=max_pixels)
    return decode(rle, max_pixels=max_pixels)


def rle_of(
    annotation: dict[str, Any], height: int, width: int, *, max_pixels: int = _MOST_PIXELS
) -> Rle:
    """Return the mask of an annotation as run lengths: counts as numbers.

    Polygons whose outlines are longer than any in an image of `max_pixels` are refused.
    """
    shape = annotation.get("segmentation")
    if isinstance(shape, dict):
        return {"size": list(_size_of(shape)), "counts": _counts_of(shape)}
    if not shape:
        x, y, w, h = annotation["bbox"]
        shape = [[x, y, x, y + h, x + w, y + h, x + w, y]]
    corners = [_corners(polygon) for polygon in shape]
    if sum(map(_length, corners)) > max_pixels // _PIXELS_PER_POINT:
        raise _too_large("polygons with such long outlines")
    covered = [_polygon(each, height, width) for each in corners]
    return {"size": [height, width], "counts": _union(covered, height * width)}


def area_of(rle: Rle) -> int:
    """Count the pixels inside."""
    return sum(_counts_of(rle)[1::2])


def box_of(rle: Rle) -> list[float]:
    """Return the smallest box around the pixels inside, `[x, y, width, height]`."""
    height, _ = _size_of(rle)
    ends = list(accumulate(_counts_of(rle)))
    runs = [(start, end) for start, end in zip(ends[::2], ends[1::2], strict=False) if end > start]
    if not runs:
        return [0.0, 0.0, 0.0, 0.0]
    left, right = runs[0][0] // height, (runs[-1][1] - 1) // height
    # A run that goes on in the next column has been at the top and at the bottom.
    spans = [
        (0, height - 1)
        if start // height != (end - 1) // height
        else (start % height, (end - 1) % height)
        for start, end in runs
    ]
    top, bottom = min(first for first, _ in spans), max(last for _, last in spans)
    return [float(left), float(top), float(right - left + 1), float(bottom - top + 1)]


def _counts_of(rle: Rle) -> list[int]:
    counts, (height, width) = rle["counts"], _size_of(rle)
    if isinstance(counts, (str, bytes)):
        counts = from_text(counts)
    try:
        counts = [index(count) for count in counts]
    except TypeError:
        raise DataError("run lengths are whole numbers, or text") from None
    if any(count < 0 for count in counts) or sum(counts) != height * width:
        raise DataError(f"the run lengths do not make up {height} x {width} pixels")
    return counts


def _size_of(rle: Rle, max_pixels: int | None = None) -> tuple[int, int]:
    try:
        height, width = (index(side) for side in rle["size"])
    except (TypeError, ValueError):
        raise DataError("a mask's `size` is its height and its width") from None
    if max_pixels is not None:
        _check_pixels(height, width, max_pixels)
    return height, width


def _check_pixels(height: int, width: int, most: int) -> None:
    if height < 0 or width < 0:
        raise DataError(f"a mask cannot have {height} x {width} pixels")
    if height * width > most:
        raise _too_large(f"a mask of {height} x {width} pixels")


def _too_large(what: str) -> LimitError:
    error = LimitError(f"{what}: more than the limit allows")
    error.hint = "raise `max_pixels=` if the images are that large"
    error.add_note(f"hint: {error.hint}")
    return error


def to_text(counts: list[int]) -> str:
    """Write counts as text: five bits a character, from the third on only what changed."""
    out = bytearray()
    for number, count in enumerate(counts):
        rest = count - counts[number - 2] if number > 2 else count
        while True:
            bits, rest = rest & 0x1F, rest >> 5
            more = rest != -1 if bits & 0x10 else rest != 0
            out.append((bits | 0x20 if more else bits) + 48)
            if not more:
                break
    return out.decode()


def from_text(text: str | bytes) -> list[int]:
    """Read the counts that `to_text` wrote."""
    counts: list[int] = []
    value = shift = 0
    for character in text.encode() if isinstance(text, str) else text:
        bits = character - 48
        if not 0 <= bits < 64:
            raise DataError(f"a mask's text cannot have the character {chr(character)!r}")
        value |= (bits & 0x1F) << shift
        shift += 5
        if shift > _MOST_BITS:
            raise DataError("a mask's text has a number that no mask has")
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise DataError("a mask's text ends inside a number")
    return counts


def _polygon(corners: list[tuple[int, int]], height: int, width: int) -> list[int]:
    """The run lengths of what one polygon covers."""
    crossings = sorted(_crossings(_outline(corners), height, width))
    counts: list[int] = []
    for start, end in pairwise([0, *crossings, height * width]):
        counts.append(end - start)
    return _without_gaps(counts)


def _without_gaps(counts: list[int]) -> list[int]:
    """Join the runs around an empty one, but for the first."""
    joined = counts[:1]
    rest = iter(counts[1:])
    for count in rest:
        if count:
            joined.append(count)
        else:
            joined[-1] += next(rest, 0)
    return joined


def _corners(polygon: list[float]) -> list[tuple[int, int]]:
    """The corners of a polygon at the higher resolution, the first once more at the end."""
    try:
        xs = [int(_SCALE * x + 0.5) for x in polygon[::2]]
        ys = [int(_SCALE * y + 0.5) for y in polygon[1::2]]
        return [*zip(xs, ys, strict=True), (xs[0], ys[0])]
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        raise DataError(f"a polygon is a list of numbers, each an x and a y: {error}") from None


def _length(corners: list[tuple[int, int]]) -> int:
    """How many points an outline has."""
    edges = pairwise(corners)
    return sum(max(abs(xe - xs), abs(ye - ys)) + 1 for (xs, ys), (xe, ye) in edges)


def _outline(corners: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The points along a polygon's edges at the higher resolution."""
    for start, end in pairwise(corners):
        yield from _edge(*start, *end)


def _edge(xs: int, ys: int, xe: int, ye: int) -> list[tuple[int, int]]:
    dx, dy = abs(xe - xs), abs(ys - ye)
    flat = dx >= dy
    if not (dx or dy):
        return [(xs, _NO_NUMBER)]
    flip = xs > xe if flat else ys > ye
    if flip:
        xs, ys, xe, ye = xe, ye, xs, ys
    if flat:
        slope = (ye - ys) / dx
        points = [(t + xs, int(ys + slope * t + 0.5)) for t in range(dx + 1)]
    else:
        slope = (xe - xs) / dy
        points = [(int(xs + slope * t + 0.5), t + ys) for t in range(dy + 1)]
    return points[::-1] if flip else points


def _crossings(points: Iterable[tuple[int, int]], height: int, width: int) -> list[int]:
    """Where the outline goes from one column of pixels to the next, as a place in the mask."""
    found: list[int] = []
    for (u0, v0), (u, v) in pairwise(points):
        if u == u0:
            continue
        x = ((u if u < u0 else u - 1) + 0.5) / _SCALE - 0.5
        if x != int(x) or not 0 <= x <= width - 1:
            continue
        y = (min(v, v0) + 0.5) / _SCALE - 0.5
        y = min(max(y, 0), height)
        found.append(int(x) * height + -int(-y // 1))
    return found


def _union(masks: list[list[int]], pixels: int) -> list[int]:
    """The run lengths of what any of the masks covers."""
    if len(masks) == 1:
        return masks[0]
    runs: list[tuple[int, int]] = []
    for counts in masks:
        ends = list(accumulate(counts))
        runs += zip(ends[::2], ends[1::2], strict=False)
    merged: list[int] = [0]
    for start, end in sorted(run for run in runs if run[1] > run[0]):
        if len(merged) > 1 and start <= merged[-1]:
            merged[-1] = max(merged[-1], end)
        else:
            merged += [start, end]
    counts = [end - start for start, end in pairwise([*merged, pixels])]
    return counts[:-1] if len(counts) > 1 and not counts[-1] else counts
