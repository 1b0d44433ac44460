"""The chunks of a PNG file, compared with each other before an image library makes room for it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from cannery._objects._checks import PartError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Those that say something about pixels: no text, no profile, no frames.
_KNOWN = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB", b"cHRM", b"pHYs"}
)
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = (1, 2, 4, 8, 16)
_PIECE = 1 << 20


def check_png(data: Any, size: tuple[int, int], most_pixels: int) -> None:
    """Check that a PNG is of a size, and holds the pixels of that size.

    Raises:
        PartError: if a chunk is damaged or not expected, or its pixels are more or fewer.

    """
    view = memoryview(data).cast("B")
    if bytes(view[:8]) != _SIGNATURE:
        raise PartError("the part 'png': no PNG file")
    chunks = list(_chunks(view))
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        raise PartError("the part 'png': its chunks are out of order")
    if sum(kind == b"IHDR" for kind, _ in chunks) != 1:
        raise PartError("the part 'png': it has two headers")
    expected = _length_of_pixels(chunks[0][1], size, most_pixels)
    _check_pixels([content for kind, content in chunks if kind == b"IDAT"], expected)


def _chunks(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 8
    while at < len(view):
        if at + 12 > len(view):
            raise PartError("the part 'png': it ends within a chunk")
        length, kind = struct.unpack_from(">I4s", view, at)
        if at + 12 + length > len(view):
            raise PartError("the part 'png': it ends within a chunk")
        if kind not in _KNOWN:
            raise PartError(f"the part 'png': the chunk {kind!r} is not expected here")
        yield kind, view[at + 8 : at + 8 + length]
        at += 12 + length


def _length_of_pixels(header: memoryview, size: tuple[int, int], most_pixels: int) -> int:
    if len(header) != 13:
        raise PartError("the part 'png': its header is damaged")
    width, height, depth, color, packing, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if (width, height) != size or not 0 < width * height <= most_pixels:
        raise PartError(f"the part 'png': it is of the size {width} x {height}")
    is_known = color in _SAMPLES and depth in _DEPTHS and packing == filtering == interlaced == 0
    if not is_known:
        raise PartError("the part 'png': its kind of pixels is not expected here")
    return height * (1 + (width * depth * _SAMPLES[color] + 7) // 8)


def _check_pixels(pieces: list[memoryview], expected: int) -> None:
    """Unpack the pixels without keeping them: there are exactly those that the header states."""
    unpack = zlib.decompressobj()
    found = 0
    try:
        for piece in pieces:
            rest: Any = piece
            while rest and found <= expected:
                found += len(unpack.decompress(rest, _PIECE))
                rest = unpack.unconsumed_tail
    except zlib.error as error:
        raise PartError(f"the part 'png': {error}") from None
    found += len(unpack.flush(_PIECE)) if found < expected else 0
    if found != expected:
        raise PartError(f"the part 'png': its data does not unpack into {expected} bytes")
