"""The directories of Exif data, followed before an image library reads what they refer to."""

from __future__ import annotations

import struct

from cannery._objects._checks import PartError

_LARGEST = 1 << 16
# Directories that an entry refers to: of Exif, of positions, of interoperability.
_DIRECTORIES = (0x8769, 0x8825, 0xA005)
# Bytes that a value of each kind has.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}


def check_exif(data: bytes) -> None:
    """Check that Exif data refers to no more bytes than it has, whichever directory is read.

    Raises:
        PartError: if it is too large, or its entries refer to the same bytes many times.

    """
    if len(data) > _LARGEST:
        raise PartError(f"the part 'exif': {len(data)} bytes are too many")
    content = data.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None or len(content) < 8:
        return  # which Pillow does not read
    if content[2:4] not in (b"*\0", b"\0*"):
        raise PartError("the part 'exif': its header is not expected here")
    left = [4 * len(content) + 1024]
    _follow(content, order, struct.unpack_from(order + "I", content, 4)[0], left, 8)


def _follow(content: bytes, order: str, at: int, left: list[int], depth: int) -> None:
    """Count the bytes of the entries of a directory and of those below it."""
    if depth == 0:
        raise PartError("the part 'exif': its directories are nested too deeply")
    if at + 2 > len(content):
        return
    (count,) = struct.unpack_from(order + "H", content, at)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(content) - 11), 12):
        tag, kind, length, value = struct.unpack_from(order + "HHII", content, entry)
        size = length * _SIZES.get(kind, 1)
        left[0] -= 12 + min(size, len(content))
        if left[0] < 0:
            raise PartError("the part 'exif': its entries refer to the same bytes many times")
        if tag in _DIRECTORIES:
            _follow(content, order, value, left, depth - 1)
