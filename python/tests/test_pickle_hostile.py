"""Hostile pickles: none does anything, few load at all, and bombs cost neither time nor memory."""

from __future__ import annotations

import io
import json
import os
import pickle as stdlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import SUITES

import cannery
from cannery import pickle
from cannery.errors import LimitError, UntrustedTypeError

HOSTILE = SUITES / "pickle" / "malicious"

# Runs in a process of its own: an audit hook cannot be removed.
AUDITED = r"""
import codecs, io, json, sys
from pathlib import Path
import cannery
from cannery import pickle
from cannery._objects import _invariants
from cannery.pickle import _gate, _inert, _policy, unsafe

files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).rglob("*")) if path.is_file()]
codecs.lookup("latin1")  # in which old protocols write bytes
events = []
watching = False

def hook(event, arguments):
    bad = ("import", "exec", "open", "compile", "subprocess", "os.", "pickle.", "socket", "ctypes")
    if watching and event.startswith(bad):
        events.append((event, repr(arguments)[:80]))

def attempt(call):
    try:
        call()
        return "done"
    except Exception:
        return "refused"

ways = {
    "load": lambda data: pickle.load(io.BytesIO(data)),
    "loads": pickle.loads,
    "loads torch": lambda data: pickle.loads(data, profile="torch"),
    "loads records": lambda data: pickle.loads(data, on_untrusted="record"),
    "scan": cannery.scan,
    "dis": lambda data: pickle.dis(data, io.StringIO(), annotate=1, stack=True),
    "explain": pickle.explain,
}
for way in ways.values():  # so that what our own code imports late is there
    for data in (b"cos\nsystem\n(X\x02\x00\x00\x00idtR.", b"K\x01."):
        attempt(lambda: way(data))
sys.addaudithook(hook)
outcomes = {}
watching = True
for name, way in ways.items():
    results = [attempt(lambda: way(data)) for data in files]
    outcomes[name] = results.count("done")
watching = False
print(json.dumps({"files": len(files), "events": events, "outcomes": outcomes}))
"""


@pytest.fixture(scope="module")
def hostile() -> Path:
    if not HOSTILE.is_dir():
        pytest.fail(f"the hostile samples were NOT FOUND in {HOSTILE}: set CANNERY_SUITES")
    return HOSTILE


def test_hostile_files_do_nothing(hostile: Path, count_cases: Callable[[str, int], None]) -> None:
    command = [sys.executable, "-c", AUDITED, str(hostile)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(child.stdout)
    assert report["events"] == []
    assert report["files"] > 100
    # Each is looked at by every one that looks only, and what loads is named below.
    outcomes = report["outcomes"]
    assert outcomes["scan"] == outcomes["explain"] == report["files"]
    assert outcomes["load"] == outcomes["loads"] == outcomes["loads torch"] == len(HARMLESS_FIRST)
    count_cases("hostile pickles under an audit hook", report["files"] * len(outcomes))


# Samples that load, because their first pickle holds data only. What is hostile is a second pickle
# behind its `STOP`, which one call does not read, and the next one refuses.
HARMLESS_FIRST: dict[str, Any] = {
    "modelscan/malicious6.pkl": ["a"],
    "picklescan/malicious6.pkl": ["a", "b", "c"],
}


def test_what_loads_is_data(hostile: Path) -> None:
    loaded = {}
    for path in sorted(hostile.rglob("*")):
        if path.is_file():
            try:
                loaded[str(path.relative_to(hostile))] = pickle.loads(path.read_bytes())
            except (pickle.UnpicklingError, EOFError, ValueError):
                continue
    assert loaded == HARMLESS_FIRST
    for name in loaded:
        file = io.BytesIO((hostile / name).read_bytes())
        assert pickle.load(file) == HARMLESS_FIRST[name]
        with pytest.raises(pickle.UntrustedTypeError):
            pickle.load(file)


def doubled(levels: int) -> bytes:
    """A tuple whose items are both the same tuple, and so on: to hash it takes for ever."""
    return b"K\x01" + b"2\x86" * levels


def colliding(count: int) -> dict[int, int]:
    return {n * (2**61 - 1): n for n in range(1, count)}


COLLIDING = stdlib.dumps(list(colliding(20_000)), 2)[2:-1]
SIZES = {
    "bytes": b"\x8e",
    "bytearray": b"\x96",
    "text": b"\x8d",
    "frame": b"\x95",
}
BOMBS: dict[str, tuple[bytes, object]] = {
    "a memo index of 5e7": (b"Nr\x80\xf0\xfa\x02.", None),
    "a memo index of 2^31-1": (b"Nr\xff\xff\xff\x7f.", None),
    "a memo index in decimal": (b"Np18446744073709551615\n.", "refused"),
    "keys of doubled tuples": (b"}(" + doubled(64) + b"Nu.", LimitError),
    "a set of them": (b"\x80\x04\x8f(" + doubled(64) + b"\x90.", LimitError),
    "a frozen set of them": (b"\x80\x04(" + doubled(64) + b"\x91.", LimitError),
    "a call that makes a set of them": (
        b"\x80\x02cbuiltins\nset\n](" + doubled(64) + b"e\x85R.",
        LimitError,
    ),
    "a call that makes a dictionary of pairs of them": (
        b"\x80\x02cbuiltins\ndict\n](" + doubled(64) + b"N\x86e\x85R.",
        LimitError,
    ),
    "a counter of them": (
        b"\x80\x02ccollections\nCounter\n](" + doubled(64) + b"e\x85R.",
        LimitError,
    ),
    "colliding keys": (stdlib.dumps(colliding(20_000)), LimitError),
    "a call that makes a set of colliding keys": (
        b"\x80\x02cbuiltins\nset\n" + COLLIDING + b"\x85R.",
        LimitError,
    ),
    "a thousand copies of a megabyte": (
        b"cbuiltins\nbytearray\nq\x000B\x00\x00\x10\x00"
        + bytes(1 << 20)
        + b"\x85q\x010]("
        + b"h\x00h\x01R" * 1000
        + b"e.",
        LimitError,
    ),
    **{
        f"{what} of 2^62 bytes": (b"\x80\x04" + code + b"\0\0\0\0\0\0\0\x40.", "refused")
        for what, code in SIZES.items()
    },
    "an integer of 2^31-1 bytes": (b"\x8b\xff\xff\xff\x7f.", "refused"),
    "a million digits": (b"I" + b"1" * 1_000_000 + b"\n.", "refused"),
    "a million hexadecimal digits": (b"L0x" + b"f" * 1_000_000 + b"L\n.", "loaded"),
    "a fraction of 1e9 digits": (
        b"cfractions\nFraction\n(X\x0c\x00\x00\x001e1000000000tR.",
        "refused",
    ),
    "bytes of a length": (b"cbuiltins\nbytes\n(J\xff\xff\xff\x7ftR.", "refused"),
    "a list of a range": (
        b"cbuiltins\nlist\n(cbuiltins\nrange\n(J\xff\xff\xff\x7ftRtR.",
        "refused",
    ),
    "an array of a shape": (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(J\xff\xff\xff\x7ftU\x01btR.",
        "refused",
    ),
    "200,000 lists in lists": (b"]" * 200_000 + b"a" * 199_999 + b".", "loaded"),
    "200,000 tuples in tuples": (b")" + b"\x85" * 200_000 + b".", "loaded"),
    "200,000 marks": (b"(" * 200_000 + b"N.", "loaded"),
    "lists doubled 60 times": (b"]" + b"q\x000](h\x00h\x00e" * 60 + b".", "loaded"),
}

# The address space may grow by 64 MB while a bomb is read, and by no byte more.
BOUNDED = r"""
import io, json, resource, sys
from cannery import pickle
bombs = json.load(sys.stdin)

def space():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[0]) * resource.getpagesize()

def attempt(load):
    try:
        load()
        return "loaded"
    except MemoryError:
        return "out of memory"
    except Exception as error:
        return type(error).__name__

for data in (b"N.", b"cos\nsystem\n.", b"cbuiltins\nset\n)R."):
    attempt(lambda: pickle.loads(data))
results = {}
for name, data in bombs.items():
    data = bytes.fromhex(data)
    for way in (lambda: pickle.loads(data), lambda: pickle.load(io.BytesIO(data))):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (space() + (64 << 20), hard))
        outcome = attempt(way)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        results.setdefault(name, []).append(outcome)
json.dump(results, sys.stdout)
"""
ERRORS = ("UnpicklingError", "LimitError", "UntrustedTypeError", "PickleEndError")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_bombs_cost_no_memory() -> None:
    # A second of CPU for each: what stops them is a count, far from that.
    bombs = {name: data.hex() for name, (data, _) in BOMBS.items()}
    child = subprocess.run(
        [sys.executable, "-c", BOUNDED],
        input=json.dumps(bombs),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONMALLOC": "malloc"},
    )
    for name, outcomes in json.loads(child.stdout).items():
        expected = BOMBS[name][1]
        for outcome in outcomes:
            if expected in (None, "loaded"):
                assert outcome == "loaded", name
            elif expected is LimitError:
                assert outcome == "LimitError", name
            else:
                assert outcome in ERRORS, name


GUARDED = ["functools reduce", "builtins getattr", "numpy memmap", "torch.storage _load_from_bytes"]


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("behind", [b"0N.", b"\x940N.", b"N.", b"q\x000K\x05."])
def test_names_that_are_only_looked_up_are_not_passed(name: str, behind: bytes) -> None:
    data = b"\x80\x04c" + name.replace(" ", "\n").encode() + b"\n" + behind
    with pytest.raises(UntrustedTypeError):
        pickle.loads(data)
    assert cannery.scan(data).verdict == "unknown"
    in_a_tuple = data[:2] + b"(" + data[2 : -len(behind)] + b"t0N."
    assert cannery.scan(in_a_tuple).verdict == "unknown"
