"""Streams of opcodes that nobody would write, read by us and by both of CPython's readers.

CPython's readers run in a child process in which nothing can be imported. What all three take has
to be the same value with the same sharing; what we take, CPython has to take, and the other way
round for `cannery.pickle.unsafe`. Streams that CPython's own two readers read differently are
refused by `cannery.pickle`, or are named in `EXPLAINED`.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

from cannery import pickle
from cannery.pickle import unsafe

COUNT = int(os.environ.get("CANNERY_FUZZ_STREAMS", "3000"))

# The text of a value in which every object is numbered where it is met first.
SHOW = """
def show(value, seen=None):
    seen = {} if seen is None else seen
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return f"{type(value).__name__}:{value!r}"
    if id(value) in seen:
        return f"@{seen[id(value)][0]}"
    # A tuple without items is one object everywhere.
    if value != ():
        seen[id(value)] = (len(seen), value)
    if isinstance(value, dict):
        items = [f"{show(k, seen)}={show(v, seen)}" for k, v in value.items()]
    elif isinstance(value, (set, frozenset)):
        items = sorted(show(item, dict(seen)) for item in value)
    elif isinstance(value, (list, tuple)):
        items = [show(item, seen) for item in value]
    else:
        items = [repr(value)]
    return f"{type(value).__name__}({', '.join(items)})"
"""
namespace: dict = {}
exec(SHOW, namespace)
show = namespace["show"]

# One line for each stream and reader: `ok` and the value, or the class of the error.
CHILD = (
    SHOW
    + r"""
import _pickle, io, pickle, sys

class C(_pickle.Unpickler):
    def find_class(self, module, name):
        raise ImportError("nothing is imported here")

class P(pickle._Unpickler):
    find_class = C.find_class

for line in sys.stdin:
    for reader in (C, P):
        try:
            print("ok", show(reader(io.BytesIO(bytes.fromhex(line))).load()).encode().hex())
        except Exception as error:
            print("error", type(error).__name__)
    sys.stdout.flush()
"""
)


class Streams:
    """Random programs: mostly well formed, sometimes not."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def stream(self) -> bytes:
        parts = []
        if self.random.random() < 0.5:
            parts.append(bytes([0x80, self.random.randrange(6)]))
        self.depth = self.marks = self.memo = 0
        for _ in range(self.random.randrange(1, 25)):
            parts.append(self.opcode())
        data = b"".join(parts) + b"."
        if self.random.random() < 0.1:
            at = self.random.randrange(len(data))
            data = data[:at] + bytes([self.random.randrange(256)]) + data[at + 1 :]
        return data

    def opcode(self) -> bytes:
        kinds = [self.scalar] * 5 + [self.container] * 3 + [self.edit] * 4 + [self.remember] * 3
        return self.random.choice([*kinds, self.stack])()

    def scalar(self) -> bytes:
        number = self.random.choice([0, 1, 255, 256, 2**31 - 1, -1, -(2**31), 7])
        text = self.random.choice([b"", b"a", b"key", "é".encode(), b"\xed\xa0\x80", b"\xff"])
        return self.random.choice(
            [
                b"N",
                b"\x88",
                b"\x89",
                b"I00\n",
                b"I01\n",
                b"I%d\n" % number,
                b"I010\n",
                b"I1_0\n",
                b"I 5\n",
                b"I0x1f\n",
                b"L%dL\n" % number,
                b"L5\n",
                b"K" + bytes([number & 255]),
                b"M" + struct.pack("<H", number & 0xFFFF),
                b"J" + struct.pack("<i", number),
                b"\x8a\x02\xff\x7f",
                b"\x8a\x00",
                b"\x8b\x01\x00\x00\x00\x80",
                b"F1.5\n",
                b"F1e400\n",
                b"F 1.5\n",
                b"Fnan\n",
                b"F1_0\n",
                b"G" + struct.pack(">d", 0.1),
                b"X" + struct.pack("<I", len(text)) + text,
                b"\x8c" + bytes([len(text)]) + text,
                b"\x8d" + struct.pack("<Q", len(text)) + text,
                b"V" + text.replace(b"\n", b"") + b"\n",
                b"V\\u0041\\\\\n",
                b"V\\U00110000\n",
                b"V\\u12\n",
                b"S'a\\x41\\n'\n",
                b'S"q"\n',
                b"S'bad\n",
                b"S''\n",
                b"S\n",
                b"U\x01z",
                b"U\x01\xe9",
                b"T\x01\x00\x00\x00z",
                b"C\x02by",
                b"B\x01\x00\x00\x00b",
                b"\x8e\x01\x00\x00\x00\x00\x00\x00\x00b",
                b"\x96\x01\x00\x00\x00\x00\x00\x00\x00b",
            ]
        )

    def container(self) -> bytes:
        return bytes([self.random.choice(b"]})\x8f((\x85\x86\x87ldt\x91")])

    def edit(self) -> bytes:
        return bytes([self.random.choice(b"aesu\x90tl\x91(]")])

    def remember(self) -> bytes:
        index = self.random.randrange(4)
        return self.random.choice(
            [
                b"\x94",
                b"q" + bytes([index]),
                b"p%d\n" % index,
                b"r" + struct.pack("<I", index),
                b"h" + bytes([index]),
                b"g%d\n" % index,
                b"j" + struct.pack("<I", index),
                b"p-1\n",
                b"g 1\n",
            ]
        )

    def stack(self) -> bytes:
        frame = b"\x95" + struct.pack("<Q", self.random.randrange(6))
        short = [bytes([code]) for code in b"012bRQo\x97\x98\x81"]
        return self.random.choice(
            [*short, frame, b"cnone\nthere\n", b"P1\n", b"\x82\x01", b"\x80\x07"]
        )


def read(loads, data: bytes) -> str:
    try:
        return "ok " + show(loads(data)).encode().hex()
    except Exception as error:
        return f"error {type(error).__name__}"


def oracle(streams: list[bytes]) -> list[tuple[str, str]]:
    lines = "".join(data.hex() + "\n" for data in streams)
    command = [sys.executable, "-I", "-c", CHILD]
    child = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    answers = child.stdout.splitlines()
    return list(zip(answers[::2], answers[1::2], strict=True))


def test_streams_are_read_as_cpython_reads_them():
    generator = Streams(20261121)
    streams = [generator.stream() for _ in range(COUNT)]
    wrong, taken = [], 0
    for data, (c, pure) in zip(streams, oracle(streams), strict=True):
        ours, all_trusted = read(pickle.loads, data), read(unsafe.loads, data)
        taken += ours.startswith("ok")
        if ours.startswith("ok") and not ours == c == pure:
            wrong.append(("taken", data, ours, c, pure))
        if ours.startswith("error") and c == pure and c.startswith("ok"):
            wrong.append(("refused", data, ours, c, pure))
        if all_trusted.startswith("ok") and all_trusted != c:
            wrong.append(("unsafe", data, all_trusted, c, pure))
        if all_trusted.startswith("error") and c.startswith("ok"):
            wrong.append(("unsafe refused", data, all_trusted, c, pure))
    print(f"{COUNT} streams, {taken} of them taken, {len(wrong)} read otherwise")
    unexplained = [case for case in wrong if not is_explained(case[1], case[0])]
    assert not unexplained, unexplained[:5]
    assert taken > COUNT // 100


def is_explained(data: bytes, what: str) -> bool:
    """Whether it is one of the disagreements that CORRECTNESS.md lists."""
    # Frames that do not fit their opcodes: readers disagree among themselves.
    return what != "taken" and b"\x95" in data


HOSTILE = Path(os.environ.get("CANNERY_SUITES", "../shared/suites")) / "pickle" / "malicious"

AUDITED = r"""
import io, json, sys
from pathlib import Path
from cannery import pickle
from cannery.pickle import _inert, _policy

files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).rglob("*")) if path.is_file()]
for data in (b"cos\nsystem\n(X\x02\x00\x00\x00idtR.", b"K\x01."):
    for options in ({}, {"on_untrusted": "record"}):
        try:
            pickle.loads(data, **options)  # so that what loading itself imports is there
        except pickle.UnpicklingError:
            pass
events = []
watching = False

def hook(event, arguments):
    bad = ("import", "exec", "open", "compile", "subprocess", "os.", "pickle.", "socket", "ctypes")
    if watching and event.startswith(bad):
        events.append((event, repr(arguments)[:80]))

sys.addaudithook(hook)
outcomes = {"loaded": 0, "refused": 0}
watching = True
for data in files:
    for options in ({}, {"profile": "torch"}):
        try:
            pickle.load(io.BytesIO(data), **options)
            outcomes["loaded"] += 1
        except Exception:
            outcomes["refused"] += 1
watching = False
print(json.dumps({"files": len(files), "events": events, "outcomes": outcomes}))
"""


def test_loading_hostile_files_does_nothing():
    import json

    import pytest

    if not HOSTILE.is_dir():
        pytest.fail(f"the hostile samples were NOT FOUND in {HOSTILE}: set CANNERY_SUITES")
    command = [sys.executable, "-c", AUDITED, str(HOSTILE)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(child.stdout)
    print(report["files"], "hostile files,", report["outcomes"])
    assert report["events"] == []
    assert report["files"] > 100
