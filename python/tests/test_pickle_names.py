"""Pickles over all names of the tables with hostile arguments: none does more than hold data."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("numpy")

POLICY = Path(__file__).parents[2] / "crates" / "formats" / "pickle" / "policy"
CHILD = Path(__file__).with_name("pickle_names_child.py")
SEED = int(os.environ.get("CANNERY_SEED", "7"))
COUNT = int(os.environ.get("CANNERY_PICKLES", "4000"))


def table() -> list[tuple[str, str]]:
    """All pairs of module and name, of all profiles but PyTorch's."""
    names = set()
    for profile in ("data", "numpy", "pandas", "scipy", "sklearn"):
        module = ""
        for line in (POLICY / f"{profile}.txt").read_text().splitlines():
            if line.startswith("#"):
                continue
            for word in line.split():
                if word.endswith(":"):
                    module = word[:-1]
                else:
                    names.add((module, word.strip("&+").removesuffix("()").strip("&+")))
    extension = [(m, f"__pyx_unpickle_{n}") for m, n in names if m.split(".")[0] in LIBRARIES]
    return sorted(names) + sorted(extension)[::7]


LIBRARIES = ("numpy", "scipy", "pandas", "sklearn")


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


def call(module: str, name: str, *parts: bytes) -> bytes:
    return named(module, name) + b"(" + b"".join(parts) + b"tR"


def number(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def many(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


NONE, TRUE, EMPTY = b"N", b"\x88", b")"
LONG_RANGE = call("builtins", "range", number(10**9))
NUMBERS = many(*(number(n) for n in (0, 1, 2, -1, 10**8)))
PROTOCOL = (
    b"}" + text("__array_interface__") + b"}" + text("data") + many(number(4096), b"\x89") + b"ss"
)
SPACE = call("types", "SimpleNamespace") + b"}" + text("__array_interface__") + NONE + b"sb"
OBJECT = call("numpy", "dtype", text("O8"), b"\x89", TRUE)
FLOAT = call("numpy", "dtype", text("f8"), b"\x89", TRUE)
INT32 = call("numpy", "dtype", text("i4"), b"\x89", TRUE)
ADDRESSES = b"C\x10" + b"A" * 16


def array(dtype: bytes, data: bytes, *shape: int) -> bytes:
    sizes = many(*(number(size) for size in shape))
    buffer = b"\x96" + struct.pack("<Q", len(data)) + data
    return call("numpy._core.numeric", "_frombuffer", buffer, dtype, sizes, text("C"))


FLOATS = array(FLOAT, struct.pack("<4d", 1, 2, 3, 4), 2, 2)
INDICES = array(INT32, struct.pack("<3i", 0, 10**8, -1), 3)
VALUES: dict[str, bytes] = {
    "none": NONE, "true": TRUE, "zero": b"K\x00", "minus": number(-1), "small": b"K\x03",
    "billion": number(10**9), "huge": number(2**62), "long": number(1 << 1800),
    "float": b"G" + struct.pack(">d", 1e308), "nan": b"G" + struct.pack(">d", float("nan")),
    "text": text("x"), "path": text("/etc/hostname"), "up": text("../../etc/hostname"),
    "code": text("__import__('os').system('true')"), "dotted": text("os.system"),
    "exponent": text("1e1000000000"), "zone": text("dateutil//etc/hostname"),
    "bytes": b"C\x04abcd", "addresses": ADDRESSES, "list": b"](K\x01K\x02e", "empty": EMPTY,
    "numbers": NUMBERS, "dict": b"}" + text("a") + b"K\x01s", "protocol": PROTOCOL,
    "class": b"}" + text("__class__") + named("builtins", "dict") + b"s",
    "methods": b"}" + text("predict") + named("builtins", "print") + b"s",
    "range": LONG_RANGE, "counting": call("builtins", "enumerate", b"](K\x01e"),
    "print": named("builtins", "print"), "max": named("builtins", "max"),
    "object": named("builtins", "object"), "deque": call("collections", "deque"),
    "partial": call("functools", "partial", named("builtins", "print")),
    "space": SPACE, "floats": FLOATS, "indices": INDICES, "objects": OBJECT, "dtype": FLOAT,
    "array class": named("numpy", "ndarray"), "nested": b"K\x01" + b"\x85" * 300,
    "slice": call("builtins", "slice", b"K\x00", number(10**9), b"K\x01"),
    "set": b"\x8f(K\x01K\x02\x90", "decimal": call("decimal", "Decimal", text("1e9")),
    "fraction": call("fractions", "Fraction", b"K\x01", b"K\x03"),
    "date": call("datetime", "date", b"M\xe8\x07", b"K\x01", b"K\x01"),
}  # fmt: skip


class Generator:
    """Makes pickles of one seed."""

    def __init__(self, seed: int, names: list[tuple[str, str]]) -> None:
        self.random = random.Random(seed)
        self.names = names

    def value(self, depth: int = 2) -> bytes:
        roll = self.random.random()
        if depth and roll < 0.15:
            return self.made(depth - 1)
        if depth and roll < 0.25:
            return many(*(self.value(depth - 1) for _ in range(self.random.randrange(5))))
        if depth and roll < 0.3:
            module, name = self.random.choice(self.names)
            return named(module, name)
        return self.random.choice(list(VALUES.values()))

    def made(self, depth: int = 2, name: tuple[str, str] | None = None) -> bytes:
        module, own = name or self.random.choice(self.names)
        if own.startswith("__pyx_unpickle_"):
            cls = named(module, own.removeprefix("__pyx_unpickle_"))
            parts = [cls, number(self.random.choice([0, 82904607, 65708578])), self.value(depth)]
            return self.filled(call(module, own, *parts), depth)
        parts = [self.value(depth) for _ in range(self.random.choice([0, 0, 1, 1, 2, 3, 4, 7]))]
        way = self.random.randrange(5)
        if way == 0:
            made = named(module, own) + many(*parts) + b"\x81"
        elif way == 1:
            made = named(module, own) + many(*parts) + b"}" + text("a") + b"K\x01s\x92"
        elif way == 2:
            made = b"(" + named(module, own) + b"".join(parts) + b"o"
        elif way == 3:
            cls = named(module, own)
            made = call("copyreg", "_reconstructor", cls, named("builtins", "object"), NONE)
        else:
            made = call(module, own, *parts)
        return self.filled(made, depth)

    def filled(self, made: bytes, depth: int) -> bytes:
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            way = self.random.randrange(6)
            if way < 3:
                made += self.value(depth) + b"b"
            elif way == 3:
                made += b"(" + self.value(depth) + self.value(depth) + b"e"
            elif way == 4:
                made += b"(" + self.value(depth) + self.value(depth) + b"u"
            else:
                made += b"(" + self.value(depth) + b"\x90"
        return made

    def pickles(self, count: int) -> Iterator[bytes]:
        for at in range(count):
            name = self.names[at % len(self.names)] if self.random.random() < 0.8 else None
            yield b"\x80\x04" + self.made(2, name) + b"."


def run(jobs: list[tuple[str, str]], modules: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """What came of each job; a child that ends before its time is replaced by another."""
    at = 0
    while at < len(jobs):
        given = json.dumps({"jobs": jobs[at : at + 2000], "modules": modules})
        child = subprocess.run(
            [sys.executable, str(CHILD)], input=given, capture_output=True, text=True, check=False
        )
        lines = child.stdout.splitlines()
        for line in lines:
            if line.startswith("["):
                outcome, events = json.loads(line)
                yield at, outcome, events
                at += 1
        if child.returncode:
            yield at, f"exit {child.returncode}", [child.stderr[-300:]]
            at += 1


def test_no_name_does_more_than_hold_data(count_cases: Callable[[str, int], None]) -> None:
    names = table()
    assert len(names) > 2000
    pickles = list(Generator(SEED, names).pickles(COUNT))
    jobs = [("sklearn", data.hex()) for data in pickles]
    modules = sorted({module for module, _ in names})
    outcomes: Counter[str] = Counter()
    bad = []
    for at, outcome, events in run(jobs, modules):
        outcomes[outcome] += 1
        if events or outcome.startswith("exit"):
            bad.append((pickles[at], outcome, events))
    assert bad == []
    assert outcomes["loaded"] > COUNT // 100
    assert outcomes["UntrustedTypeError"] > COUNT // 2
    count_cases("pickles over the names of the tables", COUNT)
