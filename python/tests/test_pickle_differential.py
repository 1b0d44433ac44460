"""Random streams of opcodes, read by us and by both of CPython's readers.

CPython's readers run in a child process in which nothing can be imported. What all three take has
to be the same value with the same sharing; what we take, CPython has to take, and the other way
round for `cannery.pickle.unsafe`, whose errors are those of CPython's C reader. Streams that
CPython's own two readers read differently are refused by `cannery.pickle`, or are among those that
CORRECTNESS.md lists. `CANNERY_FUZZ_STREAMS=200000` and `CANNERY_FUZZ_SEED=7` look further.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections import Counter
from typing import Any

from opcode_streams import NAMES, Streams

from cannery import pickle
from cannery.pickle import unsafe

COUNT = int(os.environ.get("CANNERY_FUZZ_STREAMS", "4000"))
SEED = int(os.environ.get("CANNERY_FUZZ_SEED", "20261121"))

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
    elif isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
        items = [show(item, seen) for item in value]
    elif isinstance(value, memoryview):
        items = [repr(bytes(value)), repr(value.readonly)]
    else:
        items = [repr(value)]
    return f"{type(value).__name__}({', '.join(items)})"
"""
namespace: dict[str, Any] = {}
exec(SHOW, namespace)
show = namespace["show"]


# What the names in the streams stand for; no other name is looked up.
FIND = f"""
import builtins, collections
KNOWN = {[tuple(name.decode().split(chr(10))) for name in NAMES]!r}

def find(module, name):
    if (module, name) not in KNOWN:
        raise ImportError("nothing is imported here")
    return getattr({{"builtins": builtins, "collections": collections}}[module], name)
"""
exec(FIND, namespace)

# One line for each stream and reader: `ok` and the value, or the class of the error.
CHILD = (
    SHOW
    + FIND
    + r"""
import _pickle, io, pickle, resource, sys

# C's memo has room for every number up to the largest: some streams ask for gigabytes.
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

class C(_pickle.Unpickler):
    def find_class(self, module, name):
        return find(module, name)

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


class Unsafe(unsafe.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return namespace["find"](module_name, global_name)


def load(data: bytes) -> Any:
    return pickle.load(io.BytesIO(data))


def load_unsafe(data: bytes) -> Any:
    return Unsafe(io.BytesIO(data)).load()


def read(loads: Any, data: bytes) -> tuple[str, list[str]]:
    """Return what the child prints too, and the names of all classes of the error."""
    try:
        return "ok " + show(loads(data)).encode().hex(), []
    except Exception as error:
        names = [base.__name__ for base in type(error).__mro__]
        return f"error {names[0]}", names


def oracle(streams: list[bytes]) -> list[tuple[str, str]]:
    """Return what C and Python say to each; some streams crash the reader in C of some releases."""
    answers: list[str] = []
    while len(answers) < 2 * len(streams):
        lines = "".join(data.hex() + "\n" for data in streams[len(answers) // 2 :])
        command = [sys.executable, "-I", "-c", CHILD]
        child = subprocess.run(command, input=lines, capture_output=True, text=True)
        answers += child.stdout.splitlines()
        if child.returncode == 0:
            break
        assert child.returncode < 0, child.stderr
        answers = [*answers[: len(answers) // 2 * 2], "error MemoryError", "error MemoryError"]
    return list(zip(answers[::2], answers[1::2], strict=True))


def differences(data: bytes, c: str, pure: str) -> list[str]:
    """Return how we and CPython's readers disagree about a stream."""
    found = []
    ours, names = read(load, data)
    if ours.startswith("ok") and not ours == c == pure:
        found.append("taken")
    trusted = "UntrustedTypeError" not in names
    if names and trusted and c == pure and c.startswith("ok"):
        found.append("refused")
    every, names = read(load_unsafe, data)
    if every.startswith("ok") and every != c:
        found.append("unsafe")
    if names and c.startswith("ok"):
        found.append("unsafe refused")
    if names and c.startswith("error") and not same_class(c.removeprefix("error "), names):
        found.append(f"unsafe raises {every.removeprefix('error ')}")
    return found


def same_class(expected: str, names: list[str]) -> bool:
    """Whether the error is of the class that C raises, or of one that CORRECTNESS.md names."""
    # What a size merely claims is allocated by C, and a number that is no text decoded.
    instead = {
        "MemoryError": "UnpicklingError",
        "OverflowError": "UnpicklingError",
        "UnicodeDecodeError": "ValueError",
    }
    return expected in names or instead.get(expected) in names


def test_streams_are_read_as_cpython_reads_them() -> None:
    generator = Streams(SEED)
    streams = [generator.stream() for _ in range(COUNT)]
    wrong: list[tuple[str, bytes, str, str]] = []
    counts: Counter[str] = Counter()
    for data, (c, pure) in zip(streams, oracle(streams), strict=True):
        counts["valid"] += c.startswith("ok")
        counts["taken"] += read(load, data)[0].startswith("ok")
        wrong += [
            (what, data, c, pure)
            for what in differences(data, c, pure)
            if not is_explained(data, what, c)
        ]
    print(f"{COUNT} streams, {dict(counts)}, {len(wrong)} read otherwise")
    assert not wrong, wrong[:5]
    assert counts["taken"] > COUNT // 2


def is_explained(data: bytes, what: str, c: str) -> bool:
    """Whether it is one of the disagreements that CORRECTNESS.md lists."""
    # A 0 or 1 of two characters is refused even where nothing comes of it.
    if what == "refused" and re.search(rb"I[ +-][01]\n", data):
        return True
    # Memo numbers for which C has no room; and frames that do not fit their opcodes, on which
    # readers disagree among themselves.
    return c == "error MemoryError" or (what != "taken" and b"\x95" in data)
