"""Rows in random order, and rows dealt out to parts, without having them all in memory."""

from __future__ import annotations

import pickle
import random
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cannery._chunks._blocks import Form, concat, length, take
from cannery._chunks._source import BlockPiece, Identity, Piece, Size, Source
from cannery.errors import DataError

#: What one part of the shuffle takes in the source, about: it is in memory as a whole later, where
#: rows take some eight times what their text takes.
_PART_BYTES = 16 << 20
_PART_BYTES_OF_ROWS = 4 << 20
_MOST_PARTS = 512
_READ = Size(rows=10_000, bytes=8 << 20)


class ShuffledSource(Source):
    """The rows of another source in random order: every order is as likely as any other.

    Each row goes into a part at random, in a temporary file; the parts are shuffled in memory one
    after the other. They stay for the next pass, and go with the source.
    """

    def __init__(self, source: Source, seed: int) -> None:
        self._source, self._seed = source, seed
        self.name = source.name
        self.form: Form | None = source.form
        self.row_count = source.row_count
        self._folder: Path | None = None

    def identity(self) -> Identity | None:
        """Return that of the source, and the seed."""
        found = self._source.identity()
        return None if found is None else {"shuffled": self._seed, "of": found}

    def schema(self) -> dict[str, str] | None:
        """Return that of the source."""
        return self._source.schema()

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the shuffled rows."""
        folder = self._parts()
        rows = size.rows or 10_000
        first, ready = 0, None
        for path in sorted(folder.iterdir()):
            block = _unspooled(path)
            order = list(range(length(block)))
            random.Random(f"{self._seed}/{path.name}").shuffle(order)
            block = take(block, order)
            ready = block if ready is None else concat([ready, block])
            start = 0
            while length(ready) - start >= rows:
                yield BlockPiece(take(ready, range(start, start + rows)), first, rows)
                first, start = first + rows, start + rows
            ready = take(ready, range(start, length(ready)))
        if ready is not None and length(ready):
            yield BlockPiece(ready, first, length(ready))

    def _parts(self) -> Path:
        """Deal the rows out to the parts, at the first pass."""
        if self._folder is not None:
            return self._folder
        folder = tempfile.TemporaryDirectory(prefix="cannery-shuffle-")
        weakref.finalize(self, folder.cleanup)
        parts = 0
        chance = random.Random(self._seed)
        for piece in self._source.pieces(_READ):
            block = piece.load()
            parts = parts or _part_count(self._source.size, block)
            dealt: list[list[int]] = [[] for _ in range(parts)]
            for row in range(length(block)):
                dealt[chance.randrange(parts)].append(row)
            for part, indices in enumerate(dealt):
                if indices:
                    _spool(Path(folder.name) / f"{part:04}", take(block, indices))
        self._folder = Path(folder.name)
        return self._folder


def _part_count(size: int | None, block: Any) -> int:
    if size is None:
        return _MOST_PARTS
    each = _PART_BYTES_OF_ROWS if isinstance(block, list) else _PART_BYTES
    return max(1, min(_MOST_PARTS, -(-size // each)))


# What is unpickled here was pickled by this process, in a folder that only this user can open.
def _spool(path: Path, block: Any) -> None:
    with path.open("ab") as file:
        pickle.dump(block, file, protocol=5)


def _unspooled(path: Path) -> Any:
    blocks = []
    with path.open("rb") as file:
        while file.peek(1):
            blocks.append(pickle.load(file))
    return concat(blocks)


class SplitSource(Source):
    """The rows of another source that a seed deals out to one of several parts."""

    def __init__(self, source: Source, counts: Sequence[int], part: int, seed: int) -> None:
        self._source, self._counts = source, tuple(counts)
        self._part, self._seed = part, seed
        self.name = f"part {part + 1} of {len(counts)} of {source.name}"
        self.form: Form | None = source.form
        self.row_count = counts[part]

    def identity(self) -> Identity | None:
        """Return that of the source, and what part it is."""
        found = self._source.identity()
        own = {"split": list(self._counts), "part": self._part, "seed": self._seed}
        return None if found is None else {**own, "of": found}

    def schema(self) -> dict[str, str] | None:
        """Return that of the source."""
        return self._source.schema()

    def pieces(self, size: Size) -> Iterator[Piece]:
        """Cut the rows of this part."""
        rows = size.rows or 10_000
        ready: list[Any] = []
        count = first = 0
        for block in self._blocks():
            at = 0
            while at < length(block):
                part = take(block, range(at, min(length(block), at + rows - count)))
                ready.append(part)
                at, count = at + length(part), count + length(part)
                if count == rows:
                    yield BlockPiece(concat(ready), first, rows)
                    first, count, ready = first + rows, 0, []
        if count:
            yield BlockPiece(concat(ready), first, count)

    def _blocks(self) -> Iterator[Any]:
        left = list(self._counts)
        total = sum(left)
        chance = random.Random(self._seed)
        for piece in self._source.pieces(_READ):
            block = piece.load()
            own = []
            for row in range(length(block)):
                if total == 0:
                    raise DataError(f"{self._source.name} has more rows than when it was split")
                part = _drawn(chance.randrange(total), left)
                left[part] -= 1
                total -= 1
                if part == self._part:
                    own.append(row)
            if own:
                yield take(block, own)


def _drawn(number: int, left: list[int]) -> int:
    """Return the part whose rows that are left a number falls upon."""
    for part, count in enumerate(left):
        if number < count:
            return part
        number -= count
    return len(left) - 1


def counts_of(fractions: Sequence[float], total: int) -> list[int]:
    """Return how many rows each part has; the last fraction is what is left, if it is not given.

    Raises:
        DataError: for fractions that are not positive, or together more than all.

    """
    sums = sum(fractions)
    if not fractions or any(fraction <= 0 for fraction in fractions) or sums > 1 + 1e-9:
        error = DataError(f"expected positive fractions of 1 together, found {tuple(fractions)}")
        error.hint = "(0.8, 0.1, 0.1), or (0.8,) for that and the rest"
        raise error
    parts = list(fractions)
    if sums < 1 - 1e-9:
        parts.append(1 - sums)
    counts = [int(fraction * total) for fraction in parts]
    # What rounding left over goes to those who lost most.
    order = sorted(range(len(parts)), key=lambda at: counts[at] - parts[at] * total)
    for at in order[: total - sum(counts)]:
        counts[at] += 1
    return counts
