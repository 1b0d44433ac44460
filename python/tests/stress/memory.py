"""Every format and direction while memory runs out: no process ends.

The interpreter's allocators fail at the first, second, third ... allocation, once or six times one
after the other; and the system gives that many more pages and no more. A child makes the calls of one
row; no panic shows.
`python -m stress.memory` from `python/tests`.
"""

# ruff: noqa: E501 -- tables of calls, one a line.

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

SETUP = """
import collections, faulthandler, io, resource, sys, tempfile
faulthandler.enable()
import numpy as np
import cannery
from cannery import cbor, coco, json, jsonl, msgpack, npy, pickle, safetensors, yaml
import dataclasses
@dataclasses.dataclass
class Point:
    x: int
    y: list
value = {"a": [1, 2.5, None, True, "text", "\\u20ac", 2**70] * 20, "b": {"c": ["d" * 300] * 3}}
rows = [{"id": at, "name": "n" * at} for at in range(60)]
plain = {"a": [1, 2.5, "x", None, b"bytes"] * 30}
array = np.arange(3000.0)
odd = {(1, 2): {3, 4}, "b": b"bytes" * 500, "n": array, "d": collections.OrderedDict(a=1)}
large = "\\u20ac" * 300_000 + '"' * 300_000
from cannery import hdf5, protobuf, torch
schema = protobuf.Schema('''syntax = "proto3"; import "google/protobuf/struct.proto";
    message Item { string name = 1; repeated int32 sizes = 2; uint64 large = 3; bytes raw = 4; }
    message Order { int64 id = 1; repeated Item items = 2; map<string, double> weights = 3; google.protobuf.Struct info = 4; }
''')
Order = schema["Order"]
folder = tempfile.mkdtemp()
"""

CALLS = {
    "json.dumps": "json.dumps(value)",
    "json.dumps large": "json.dumps(large)",
    "json.encode": "json.encode(value, indent=2)",
    "json.loads": "json.loads(text)",
    "json.loads large": "json.loads(large_text)",
    "json.decode": 'json.decode(b\'[{"x": 1, "y": [2]}]\', type=list[Point])',
    "jsonl.dumps": "jsonl.dumps(rows)",
    "jsonl.loads": "jsonl.loads(lines)",
    "msgpack.packb": "msgpack.packb(plain)",
    "msgpack.unpackb": "msgpack.unpackb(packed)",
    "msgpack.Unpacker": "list(msgpack.Unpacker(io.BytesIO(packed)))",
    "msgpack.decode": "msgpack.decode(point, type=Point)",
    "cbor.dumps": "cbor.dumps(value)",
    "cbor.loads": "cbor.loads(cbored)",
    "yaml.dump": "yaml.dump({'a': [1, 'x'], 'b': 'text: y'})",
    "yaml.safe_load": "yaml.safe_load(yamled)",
    "pickle.dumps": "pickle.dumps(value)",
    "pickle.dumps 0": "pickle.dumps(value, 0)",
    "pickle.loads": "pickle.loads(pickled)",
    "pickle.loads array": "pickle.loads(array_pickled)",
    "npy.dumps": "npy.save(io.BytesIO(), array)",
    "npy.loads": "npy.load(io.BytesIO(npyed))",
    "can dumps": "cannery.dumps(odd, 'can')",
    "can loads": "cannery.loads(can)",
    "document dumps": "cannery.dumps(odd)",
    "document loads": "cannery.loads(document)",
    "yaml document loads": "cannery.loads(yaml_document, format='yaml')",
    "msgpack document loads": "cannery.loads(msgpack_document, format='msgpack')",
    "safetensors.save": "safetensors.save({'a': array})",
    "safetensors.load": "safetensors.load(tensors)",
    "scan": "cannery.scan(pickled)",
    "protobuf.decode": "Order.decode(ordered)",
    "protobuf.decode class": "Order.decode(ordered, type=Order.dataclass)",
    "protobuf.encode": "Order.encode(order)",
    "protobuf JSON": "Order.from_json(ordered_json), Order.to_json(ordered)",
    "protobuf text": "Order.from_text(ordered_text), Order.to_text(ordered)",
    "protobuf streams": "list(protobuf.read_delimited(io.BytesIO(delimited.getvalue())))",
    "protobuf.inspect": "protobuf.inspect(ordered)",
    "protobuf fails": "Order.decode(ordered[:-3])",
    "hdf5": "with hdf5.File(hdf5_path) as file: file['x'][()], file['s'][()], file.attrs['a'], list(file)",
    "hdf5 written": "with hdf5.File(io.BytesIO(), 'w') as file: file['x'] = array; file['s'] = ['a', 'b']",
    "torch.load": "torch.load(torch_path)",
    "torch.save": "torch.save({'a': array}, io.BytesIO())",
    "chunks": "list(cannery.chunks(csv_path, rows=7))",
    "records": "repr(record), hash(record), record == cannery.Record('x.Y', {'a': 1})",
    "json fails": "json.loads(text[:-1])",
    "json.dumps fails": "json.dumps([value, object()])",
    "msgpack fails": "msgpack.unpackb(packed[:-1])",
    "cbor fails": "cbor.loads(cbored[:-1])",
    "yaml fails": "yaml.safe_load('a: b: c')",
    "pickle fails": "pickle.loads(pickled[:-3])",
    "pickle refuses": "pickle.loads(b'cposix\\nsystem\\n.')",
    "typed fails": 'json.decode(b\'[{"x": "a"}]\', type=list[Point])',
}

INPUTS = """
text, large_text, lines = json.dumps(value), json.dumps(large), jsonl.dumps(rows)
packed, point = msgpack.packb(plain), msgpack.packb({"x": 1, "y": [2]})
cbored, yamled = cbor.dumps(value), yaml.dump({"a": [1, "x"] * 20, "b": {"c": "d"}})
pickled, array_pickled = pickle.dumps(value), pickle.dumps(array)
file = io.BytesIO(); npy.save(file, array); npyed = file.getvalue()
can, document = cannery.dumps(odd, "can"), cannery.dumps(odd)
yaml_document, msgpack_document = cannery.dumps(odd, "yaml"), cannery.dumps(odd, "msgpack")
tensors = safetensors.save({"a": array})
order = {
    "id": 2**40, "items": [{"name": "n" * 30, "sizes": [2**30] * 9, "large": 2**63, "raw": b"x" * 99}] * 9,
    "weights": {"a": 1.5}, "info": {"a": [1, "x"]},
}
ordered = Order.encode(order)
ordered_json, ordered_text = Order.to_json(ordered), Order.to_text(ordered)
Order.dataclass
hdf5_path, torch_path, csv_path = folder + "/a.h5", folder + "/a.pt", folder + "/a.csv"
with hdf5.File(hdf5_path, "w") as file:
    file["x"], file["s"], file.attrs["a"] = array, ["a", "bb"], "text"
torch.save({"a": array, "b": [1, (2, 2**70)]}, torch_path)
with open(csv_path, "w") as file:
    file.write("a,b\\n" + "1000,text\\n" * 30)
delimited = io.BytesIO(); protobuf.write_delimited(delimited, [ordered] * 3)
record = cannery.loads('{"$type": "x.Y", "a": 1}')
"""

RUN = """
def call():
    {call}
call(), call()
outcomes = collections.Counter()
def tried(set_up, take_down):
    set_up()
    try:
        call()
    except BaseException as error:
        take_down()
        name = type(error).__name__
    else:
        take_down()
        name = "fine"
    outcomes[name] += 1
    return name
if {how!r} == "pages":
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * 4096
    unlimited = (resource.RLIM_INFINITY,) * 2
    for pages in range(0, 2 * {rounds}):
        more = pages * 4096 * (1 + pages // 16)
        limit = (size + more, resource.RLIM_INFINITY)
        tried(
            lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
            lambda: resource.setrlimit(resource.RLIMIT_AS, unlimited),
        )
else:
    try:
        import _testcapi
    except ImportError:
        _testcapi = None
    fails = 1 if {how!r} == "once" else 6
    for start in range({rounds}) if _testcapi else ():
        tried(lambda: _testcapi.set_nomemory(start, start + fails), _testcapi.remove_mem_hooks)
print(",".join(f"{{name}}={{count}}" for name, count in sorted(outcomes.items())))
"""

WAYS = ("once", "few", "pages")


def run_child(name: str, how: str, rounds: int) -> tuple[Counter[str], str | None]:
    """Makes the calls of a row; gives what came of them, and what was wrong."""
    code = SETUP + INPUTS + RUN.format(call=CALLS[name], how=how, rounds=rounds)
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=600,
    )
    outcomes: Counter[str] = Counter()
    if run.returncode != 0:
        what = f"{name}, {how}: ended with {run.returncode}\n{run.stderr[-1500:]}"
        return outcomes, what
    for word in filter(None, run.stdout.strip().split(",")):
        outcome, _, count = word.partition("=")
        outcomes[outcome] += int(count)
    panics = outcomes["PanicException"]
    return outcomes, f"{name}, {how}: {dict(outcomes)}" if panics else None


def main(rounds: int) -> int:
    """All rows, in all ways."""
    failures, total = 0, Counter[str]()
    for name in CALLS:
        for how in WAYS:
            outcomes, wrong = run_child(name, how, rounds)
            total += outcomes
            if wrong:
                failures += 1
                print(wrong, flush=True)
    print(f"{len(CALLS) * len(WAYS)} children, {failures} failed: {dict(total)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
