"""Pickles that would run, hidden in what looks like something else, for the tests of scans.

A case is the bytes of a file. Whether a loader would look up a name in it is found out by the
loaders themselves, with the looking up replaced: nothing is imported or called.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import random
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

EVIL = (
    b"cos\nsystem\n(S'id'\ntR.",
    b"\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.",
    b"\x80\x04\x95\x16\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
    b"(S'id'\nios\nsystem\n.",
    b"(cbuiltins\neval\nS'1'\no.",
    b"\x80\x03cmy_pkg\nModel\n)\x81}b.",
)
MAGIC = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"GIF89a",
    b"GIF87a\0\0\0",
    b"BM",
    b"RIFF\0\0\0\0WEBP",
    b"%PDF-1.7\n",
    b"PAR1",
    b"ARROW1\0\0",
    b"OggS",
    b"fLaC",
    b"\x7fELF\x02\x01\x01\0",
    b"MZ\x90\0",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
    b"\xa7\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0\xe3",
    b"U\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0\xe3",
    b"#!/usr/bin/env python\nimport os\n",
    b"import os\n",
    b"from os import path\n",
    b"class A:\n",
    b"# A page\n\nWords.\n",
    b"Words, and more of them.\n",
    b"N.B. words\n",
    b"]. words\n",
    b"<?xml version='1.0'?>\n",
    b"II*\0",
    b"\0\0\1\0",
    b"P6\n1 1\n255\n",
    b'{"a": 1}\n',
    b"a: 1\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0" * 16,
    b"PK\x05\x06" + b"\0" * 18,
)


class Reached(Exception):  # noqa: N818 - it is what is looked for
    """A name was looked up."""


class Reader(pickle.Unpickler):
    """A reader that stops at the first name."""

    def find_class(self, module: str, name: str, /) -> Any:
        """Stop where a module may have the name; no line of prose is one."""
        if re.fullmatch(r"[\w.-]+", module):
            raise Reached
        raise ModuleNotFoundError(module, name)


def runs(data: bytes, depth: int = 0) -> bool:
    """Return whether some loader would look up a name in `data`."""
    return depth < 4 and (_unpickles(data) or any(runs(part, depth + 1) for part in _parts(data)))


def _unpickles(data: bytes) -> bool:
    source = io.BytesIO(data)
    try:
        # Several pickles in a row, as PyTorch's older files are read.
        while source.tell() < len(data):
            Reader(source).load()
    except Reached:
        return True
    except Exception:
        return False
    return False


def _parts(data: bytes) -> Iterator[bytes]:
    """Yield what loaders unpack: joblib's compressors, ZIP anywhere, TAR, arrays of objects."""
    unpackers = {
        b"\x1f\x8b": gzip.decompress,
        b"BZ": bz2.decompress,
        b"\x5d\0": lambda packed: lzma.decompress(packed, lzma.FORMAT_ALONE),
        b"\xfd7zXZ": lzma.decompress,
        b"\x78": zlib.decompress,
        b"ZF": lambda packed: zlib.decompress(packed[21:].removeprefix(b" ")),
        b"\x93NUMPY": lambda packed: packed[10 + int.from_bytes(packed[8:10], "little") :],
    }
    for prefix, unpack in unpackers.items():
        if data.startswith(prefix):
            with contextlib.suppress(Exception):
                yield unpack(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from [archive.read(name) for name in archive.namelist()]
    except Exception:
        pass
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = [archive.extractfile(member) for member in archive if member.isfile()]
            yield from [member.read() for member in members if member]
    except Exception:
        pass


def zipped(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("archive/data.pkl", data)
    return file.getvalue()


def zip64_by_locator(data: bytes) -> bytes:
    """Return an archive whose end record says that it is empty, and whose ZIP64 record does not."""
    archive = zipped(data)
    end = archive.rindex(b"PK\x05\x06")
    size, offset = struct.unpack("<II", archive[end + 12 : end + 20])
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    return archive[:end] + wide + locator + b"PK\x05\x06" + bytes(18)


def tarred(data: bytes, *, odd: bool = False) -> bytes:
    """Return a TAR archive; an odd one has a checksum that only Python takes for a number."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("pickle")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    made = file.getvalue()
    if odd:
        told = made[148:154].lstrip(b"0")
        made = made[:148] + (b"0o" + told).ljust(8, b"\0") + made[156:]
    return made


def wrapped(data: bytes, rng: random.Random) -> bytes:
    """Return `data` in a wrapping that a loader takes off."""
    dictionary = rng.choice((1 << 12, 0x1234_5600, 0x10_0100, 1 << 16))
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary}]
    joblib = zlib.compress(data)
    length = f"{len(data):#x}" if rng.random() < 0.5 else f"{len(data):x}"
    return rng.choice(
        (
            lambda: gzip.compress(data),
            lambda: bz2.compress(data),
            lambda: lzma.compress(data, lzma.FORMAT_ALONE, filters=filters),
            lambda: lzma.compress(data),
            lambda: zlib.compress(data, rng.randrange(10)),
            lambda: b"ZF" + length.ljust(19).encode() + joblib,
            lambda: zipped(data, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))),
            lambda: zip64_by_locator(data),
            lambda: tarred(data, odd=rng.random() < 0.5),
        )
    )()


def cases(seed: int, count: int, pickles: tuple[bytes, ...] = EVIL) -> Iterator[bytes]:
    """Yield files, many of which would run something."""
    rng = random.Random(seed)
    for _ in range(count):
        data = rng.choice(pickles)
        if rng.random() < 0.4:
            # Opcodes that make the machine pass over what lies before.
            magic = rng.choice(MAGIC)
            opening = rng.choice(
                (
                    b"U" + bytes([len(magic)]) + magic + b"0",
                    b"C" + bytes([len(magic)]) + magic + b"0",
                    b"(" * rng.randrange(4),
                    b"N0" * rng.randrange(9),
                    b"N.",
                    b"I1\n.",
                    b"V" + magic.replace(b"\n", b"").replace(b"\\", b"") + b"\n0",
                )
            )
            data = opening + data
        if rng.random() < 0.5:
            data = wrapped(data, rng)
        if rng.random() < 0.6:
            data = rng.choice(MAGIC) + data
        if rng.random() < 0.2:
            data = wrapped(data, rng)
        if rng.random() < 0.2:
            data += rng.choice(
                (b"\0" * 30, b"\n", b"words\n", bytes(rng.randrange(256) for _ in range(40)))
            )
        if rng.random() < 0.3:
            at = rng.randrange(min(len(data), 40))
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + rng.randrange(2) :]
        yield data
