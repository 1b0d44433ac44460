"""Documents of estimators with one part changed, loaded and used in child processes.

A child loads mutants one after the other, uses each, and writes what it is about to do into a
file: a signal, a hang, growth or a file that was opened is then the work of one seed.
"""

from __future__ import annotations

import base64
import copy
import gc
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import warnings
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import peak_memory

import cannery
from cannery._objects import _xgboost_model
from cannery._objects._checks import PartError, Untrusted

Document = Any
NUMBERS = (0, 1, -1, 2, 3, -2, 7, 255, 256, 10**4, 2**31 - 1, 2**31, 2**32, 10**8, -(10**8))
LARGE = (10**12, 2**63 - 1, -(2**63), 2**64, 10**30)
FLOATS = (0.0, -1.0, 1e300, -1e300, 0.5, 1e-300)
TEXTS = ("", "x", "precomputed", "brute", "kd_tree", "ball_tree", "zero", "auto", "rbf", "content")
DTYPES = ("<f8", "<f4", "<i8", "<i4", "<u1", "|b1", "<u4", ">f8", "<c16", "<i2")


def mutate(document: Document, rng: random.Random) -> Document:
    """The document with one to three of its nodes changed."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        nodes = list(_nodes(document))
        holder, key = rng.choice(nodes)
        holder[key] = _changed(holder[key], rng, nodes)
    return document


def _nodes(value: Any) -> Any:
    """Every place in a document: what holds it, and its key there."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            if key == "$type":
                continue
            yield value, key
            if isinstance(value[key], (dict, list)):
                waiting.append(value[key])


def _changed(value: Any, rng: random.Random, nodes: Any) -> Any:
    if rng.random() < 0.12:  # anything else that is in the document
        holder, key = rng.choice(nodes)
        return copy.deepcopy(holder[key])
    if rng.random() < 0.06:
        return rng.choice((None, True, [], {}, "x", 1, 1.5, {"$type": "shop.Item", "value": 1}))
    if isinstance(value, dict) and value.get("$type") == "ndarray":
        return _changed_array(value, rng)
    if isinstance(value, dict) and value.get("$type") == "bytes":
        return _changed_bytes(value, rng)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, value * 2, *NUMBERS, *LARGE))
    if isinstance(value, float):
        return rng.choice((value * 2, *FLOATS, *NUMBERS))
    if isinstance(value, str):
        return _changed_text(value, rng) if len(value) > 60 else rng.choice(TEXTS)
    if isinstance(value, list) and value:
        return _changed_list(value, rng)
    return _without_one(value, rng) if isinstance(value, dict) else value


def _changed_bytes(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Bytes of a model of xgboost: one changed, or a number of the model it holds."""
    try:
        data = bytearray(base64.b64decode(value["value"]))
        model = _xgboost_model.checked_model(bytes(data))[1]
    except (PartError, Untrusted, TypeError, ValueError, KeyError):
        return value
    if rng.random() < 0.3:
        at = rng.randrange(len(data))
        data[at] = rng.choice((0, 1, 8, 127, 128, 255, data[at] ^ (1 << rng.randrange(8))))
    else:
        holder, key = rng.choice(list(_numbers_in(model)))
        _change_number(holder, key, rng)
        data = bytearray()
        _xgboost_model._write(model, data)
    return {"$type": "bytes", "value": base64.b64encode(bytes(data)).decode()}


def _numbers_in(value: Any) -> Any:
    """Places in a model: where a number, a text or an array of numbers is."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, (dict, list)):
            yield from _numbers_in(item)


def _change_number(holder: Any, key: Any, rng: random.Random) -> None:
    item = holder[key]
    if isinstance(item, array) and len(item):
        at = rng.randrange(len(item))
        try:
            item[at] = rng.choice((*NUMBERS, item[at] + 1, 2**31 - 1))
        except (OverflowError, TypeError):
            item.pop()
        if rng.random() < 0.2:
            item.append(item[0])
    elif isinstance(item, list) and item:
        holder[key] = _changed_list(item, rng)
    elif isinstance(item, str):
        holder[key] = rng.choice(("0", "1", "2", "3", "1000000", "-1", "", item + "1", "[1,2]"))
    else:
        holder[key] = rng.choice((0, 1, -1, 7, 10**6))


_WORD = re.compile(r"-?\d+(\.\d+)?")


def _changed_text(value: str, rng: random.Random) -> str:
    """A number of a text changed, or a line of it gone or doubled."""
    found = list(_WORD.finditer(value))
    if found and rng.random() < 0.7:
        word = rng.choice(found)
        new = rng.choice(
            ("0", "-1", "1", "2", "3", "100", "-100", "2147483647", "1e300", "", "1 1")
        )
        return value[: word.start()] + new + value[word.end() :]
    lines = value.split("\n")
    at = rng.randrange(len(lines))
    lines[at : at + 1] = rng.choice(([], [lines[at]] * 2, [lines[at][:-1]], [lines[at] + "0"]))
    return "\n".join(lines)


def _changed_list(value: list[Any], rng: random.Random) -> list[Any]:
    at = rng.randrange(len(value))
    return rng.choice(
        (value[:at], value[:at] + value[at + 1 :], [*value, value[at]], value[::-1], [])
    )


def _without_one(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    names = [name for name in value if name != "$type"]
    if not names:
        return value
    gone = rng.choice(names)
    return {name: part for name, part in value.items() if name != gone}


def _changed_array(value: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    value = dict(value)
    try:
        data = bytearray(base64.b64decode(value["data"]))
        shape = [int(side) for side in value["shape"]]
    except (TypeError, ValueError, KeyError):  # changed already
        return value
    value["shape"] = shape
    what = rng.random()
    if what < 0.6 and data:
        _change_element(data, value["dtype"], rng)
    elif what < 0.75:
        value["shape"] = [max(0, each + rng.choice((-1, 0, 1))) for each in value["shape"]]
        data = _resized(data, value, rng)
    elif what < 0.85 and isinstance(value["dtype"], str):
        value["dtype"] = rng.choice(DTYPES)
        data = _resized(data, value, rng)
    elif what < 0.95:
        value["shape"] = rng.choice(([*value["shape"], 1], value["shape"][::-1], [len(data)]))
        data = _resized(data, value, rng)
    else:
        value["order"] = "F" if value.get("order") == "C" else "C"
    value["data"] = base64.b64encode(bytes(data)).decode()
    return value


def _change_element(data: bytearray, dtype: Any, rng: random.Random) -> None:
    """Another number in the place of one, or of one field of a record."""
    item = _dtype(dtype)
    if item.itemsize == 0 or len(data) < item.itemsize:
        return
    at = rng.randrange(len(data) // item.itemsize) * item.itemsize
    if item.fields:
        item, offset = rng.choice(list(item.fields.values()))[:2]
        at += offset
    choices = FLOATS if item.kind == "f" else (*NUMBERS, *LARGE)
    if item.itemsize == 0 or at + item.itemsize > len(data):
        return
    number = np.array([rng.choice(choices)], dtype=object)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            raw = number.astype(item).tobytes()
        except (OverflowError, TypeError, ValueError):
            raw = bytes(rng.randrange(256) for _ in range(item.itemsize))
    data[at : at + item.itemsize] = raw


def _resized(data: bytearray, value: dict[str, Any], rng: random.Random) -> bytearray:
    """As many bytes as the shape says, most of the time."""
    size = _dtype(value["dtype"]).itemsize
    for side in value["shape"]:
        size *= side
    if rng.random() < 0.1 or size > 10**6:
        return data
    return (data * (size // max(len(data), 1) + 1))[:size] if data else bytearray(size)


def _dtype(dtype: Any) -> Any:
    """The element type of a document; bytes where it was changed to something else."""
    try:
        return _element_type(dtype)
    except (TypeError, KeyError, ValueError):
        return np.dtype("u1")


def _element_type(dtype: Any) -> Any:
    if isinstance(dtype, str):
        return np.dtype(dtype)
    fields = dtype["fields"]
    return np.dtype(
        {
            "names": [field["name"] for field in fields],
            "formats": [field["dtype"] for field in fields],
            "offsets": [field["offset"] for field in fields],
            "itemsize": dtype["itemsize"],
        }
    )


# Use.


def use(value: Any, rows: Any, answers: Any) -> None:
    """Call what people call: errors are answers."""
    calls = (
        lambda: repr(value),
        lambda: value.get_params(),
        lambda: answers(value, rows),
        lambda: value.score(rows, np.zeros(len(rows), dtype=int)),
        lambda: value.query(np.zeros((2, 2)), k=1),
        lambda: value.inplace_predict(rows),  # and boosters
        lambda: value.get_dump(with_stats=True),
        lambda: value.get_score(importance_type="gain"),
        lambda: value.dump_model(),
        lambda: value.feature_importance("gain"),
        lambda: value.predict(rows, pred_contrib=True),
        lambda: value.predict(rows, pred_leaf=True),
        lambda: cannery.dumps(value),
    )
    for call in calls:
        try:
            call()
        except (Exception, RecursionError):
            continue


# Children.

FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "socket.connect", "exec_shell")
GROWTH = 64 << 10
"""In kilobytes, as `peak_memory` counts."""


class Findings:
    """What went wrong in children: `(seed, name, what)`."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str, str]] = []
        self.loaded = 0
        self.refused = 0


def run(cases: list[tuple[str, Document, Any]], seeds: range, at: Path) -> Findings:
    """Load and use mutants in children, a new one behind each that died.

    Children are new processes, not forks: threads of compiled code do not survive a fork.
    """
    findings = Findings()
    file, log, start = at / "cases", at / "log", seeds.start
    file.write_bytes(pickle.dumps(cases))
    while start < seeds.stop:
        log.write_text("")
        arguments = [str(file), str(start), str(seeds.stop), str(log)]
        command = [sys.executable, __file__, *arguments]
        # One thread: more of them wait for each other on a machine that is busy.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **threads}
        )
        lines = log.read_text().splitlines()
        start = _read_log(lines, findings, done.returncode, start)
        if done.returncode == 0:
            break
        if done.returncode > 0:
            findings.found[-1] = (*findings.found[-1][:2], done.stderr[-2000:])
    return findings


def _read_log(lines: list[str], findings: Findings, status: int, start: int) -> int:
    """Take findings over; returns the seed to go on with."""
    last, name = start, "?"
    for line in lines:
        kind, seed, name, *what = line.split("\t")
        last = int(seed)
        findings.loaded += kind == "loaded"
        findings.refused += kind == "refused"
        if kind == "found":
            findings.found.append((last, name, what[0]))
    if status != 0:
        signalled = signal.Signals(-status).name if status < 0 else status
        findings.found.append((last, name, f"died: {signalled}"))
    return last + 1


def _child(file: str, start: str, stop: str, log: str) -> None:
    import sklearn.utils  # noqa: F401 - what the cases name is imported before anything is watched
    from sklearn_models import answers

    warnings.simplefilter("ignore")
    cases = pickle.loads(Path(file).read_bytes())
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lines = Path(log).open("a", buffering=1)  # noqa: SIM115 - the child ends with it
    watch = _Watch()
    sys.addaudithook(watch)
    for seed in range(int(start), int(stop)):
        rng = random.Random(seed)
        name, document, rows = cases[seed % len(cases)]
        print("begin", seed, name, sep="\t", file=lines)

        def say(kind: str, *what: str, seed: int = seed, name: str = name) -> None:
            print(kind, seed, name, *what, sep="\t", file=lines)

        _one(json.dumps(mutate(document, rng)).encode(), rows, answers, watch, say)
    watch.active = False
    gc.collect()
    # Nothing is left of the mutants. How libraries take down their threads (jemalloc has one) is
    # not what is asked here, and rarely goes wrong on a machine that is busy.
    os._exit(0)


def _one(text: bytes, rows: Any, answers: Any, watch: Any, say: Any) -> None:
    before = peak_memory.kilobytes()
    # Its default action ends the process: also within compiled code that never returns.
    signal.setitimer(signal.ITIMER_PROF, 1.0)
    watch.active = True
    try:
        value = cannery.loads(text)
    except cannery.CanneryError:
        value = None
    except MemoryError:
        say("found", "MemoryError while loading")
        value = None
    finally:
        watch.active = False
        signal.setitimer(signal.ITIMER_PROF, 0)
    grown = peak_memory.kilobytes() - before
    if grown > GROWTH + len(text) // 256:
        say("found", f"loading grew by {grown >> 10} MB")
    say("refused" if value is None else "loaded")
    if value is not None and type(value) is not cannery.Record:
        signal.setitimer(signal.ITIMER_PROF, 10.0)
        watch.active = True
        try:
            use(value, rows, answers)
        finally:
            watch.active = False
            signal.setitimer(signal.ITIMER_PROF, 0)
    for event in watch.taken():
        say("found", event)


class _Watch:
    """An audit hook that notes what neither loading nor predicting does."""

    def __init__(self) -> None:
        self.active = False
        self._events: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event in FORBIDDEN and args[0] != "lscpu":  # joblib counts the processors
            self._events.append(f"{event} {str(args)[:80]}")
        elif event == "open" and len(args) == 3 and _is_written(args):
            self._events.append(f"open {str(args)[:80]}")
        elif event == "import" and not _is_library(args[0]):
            self._events.append(f"import {args[0]}")

    def taken(self) -> list[str]:
        """The events since the last call."""
        events, self._events = self._events, []
        return events


def _is_written(args: tuple[Any, ...]) -> bool:
    _, mode, flags = args
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    return bool(flags & writes) or (isinstance(mode, str) and bool(set(mode) & set("wax+")))


_LIBRARIES = frozenset(
    """
    cannery joblib lightgbm narwhals numpy pandas rich scipy sklearn threadpoolctl xgboost
    """.split()
)


def _is_library(name: str) -> bool:
    package = name.partition(".")[0]
    tests = ".tests" in name or "conftest" in name
    return not tests and (package in _LIBRARIES or package in sys.stdlib_module_names)


if __name__ == "__main__":
    _child(*sys.argv[1:])
