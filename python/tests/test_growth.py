"""Nothing is kept: every public call, that succeeds or fails, leaves as many blocks as there were."""

# ruff: noqa: E501 -- tables of calls, one a line.

import os

import pytest
from children import run_child

# `make soak` makes 100,000.
COUNT = int(os.environ.get("CANNERY_GROWTH_CALLS", "1500"))

SETUP = """
    import dataclasses, datetime, decimal, enum, tempfile, typing, uuid
    import numpy as np
    from cannery import safetensors
    class Plain:
        def __init__(self):
            self.a, self.b = 1, "x"
    class Fails:
        def __reduce_ex__(self, protocol):
            raise KeyError("no")
        def __getstate__(self):
            raise KeyError("no")
    @dataclasses.dataclass
    class Point:
        x: int
        y: list = dataclasses.field(default_factory=list)
    class Color(enum.Enum):
        RED = "red"
    def fails(*_):
        raise KeyError("no")
    def quiet(call):
        try:
            call()
        except Exception:
            pass
    plain = [Plain(), Plain()]
    value = {"a": [1, 2.5, None, True, "text", "\\u20ac", 2**70], "b": {"c": ["d"] * 3}}
    odd = {(1, 2): {3, 4}, "b": b"bytes", "t": (1, datetime.date(2026, 1, 1)), "p": Plain(), "n": np.arange(3)}
    text, packed, pickled = json.dumps(value), msgpack.packb({"a": [1, "b", 2.5]}), pickle.dumps(value)
    documents = {each: cannery.dumps(odd, each) for each in ("yaml", "msgpack")}
    can, document = cannery.dumps(odd, "can"), cannery.dumps(odd)
    folder = tempfile.mkdtemp()
    from cannery import hdf5, protobuf, torch
    Order = protobuf.Schema('''syntax = "proto3"; import "google/protobuf/struct.proto";
        message Item { string name = 1; repeated int32 sizes = 2; }
        message Order { int64 id = 1; repeated Item items = 2; map<string, double> weights = 3; google.protobuf.Struct info = 4; }
    ''')["Order"]
    ordered = Order.encode({"id": 1, "items": [{"name": "a", "sizes": [1, 2]}], "weights": {"a": 1.0}, "info": {"a": [1]}})
    with hdf5.File(folder + "/a.h5", "w") as file:
        file.create_dataset("x", data=np.arange(100.0), chunks=(10,), compression="gzip")
        file["s"], file.attrs["a"], file["bad"] = ["a", "b"], "t", hdf5.SoftLink("/nowhere")
    torch.save({"a": np.arange(5.0), "b": [1, (2,)]}, folder + "/a.pt")
    safetensors.save_file({"a": np.arange(5.0)}, folder + "/a.safetensors")
    protobuf.write_delimited(folder + "/d", [b"x"] * 10)
    with open(folder + "/a.csv", "w") as file:
        file.write("a,b\\n" + "1,x\\n" * 30)
    record = cannery.loads('{"$type": "x.Y", "a": 1}')
    def opened(call):
        with hdf5.File(folder + "/a.h5") as file:
            return call(file)
    def written(call):
        with hdf5.File(folder + "/w.h5", "w") as file:
            return call(file)
"""

CALLS = {
    "json.dumps": "json.dumps(value)",
    "json.dumps with default": "json.dumps([object(), plain], default=repr)",
    "json.dumps rich": "json.dumps([np.arange(3), datetime.date(2026, 1, 1)], default='rich')",
    "json.dumps fails": "quiet(lambda: json.dumps([value, object()]))",
    "json.dumps fails in default": "quiet(lambda: json.dumps([value, object()], default=fails))",
    "json.dumps cycle": "c = []; c.append(c); quiet(lambda: json.dumps(c)); c.clear()",
    "json.encode": "json.encode(value, indent=2, sort_keys=True)",
    "json.dump": "json.dump(value, io.StringIO())",
    "json.loads": "json.loads(text)",
    "json.loads fails": "quiet(lambda: json.loads(text[:-1])); quiet(lambda: json.loads('{\"a\" 1}'))",
    "json.loads with hooks": "json.loads(text, object_hook=lambda o: o, parse_float=str, parse_int=str)",
    "json.loads fails in a hook": "quiet(lambda: json.loads(text, object_hook=fails))",
    "json.loads many keys": "json.loads('{\"key%d\": 1}' % (next(count) % 5000))",
    "json.decode typed": 'json.decode(b\'{"x": 1, "y": [2]}\', type=Point)',
    "json.decode typed fails": 'quiet(lambda: json.decode(b\'{"x": "a"}\', type=Point))',
    "json.decode types": "json.decode(b'[\"red\", null]', type=list[Color | None])",
    "jsonl": "jsonl.loads(jsonl.dumps([value, 1]))",
    "jsonl.read": "list(jsonl.read(io.BytesIO(b'{\"a\": 1}\\n{oops}\\n[1]\\n'), on_error='collect'))",
    "jsonl.read fails": "quiet(lambda: list(jsonl.read(io.BytesIO(b'{oops}'))))",
    "jsonl.dumps fails": "quiet(lambda: jsonl.dumps([1, object()]))",
    "msgpack": "msgpack.unpackb(msgpack.packb({'a': [1, 'b', 2.5]}))",
    "msgpack.packb with default": "msgpack.packb([object(), plain], default=repr)",
    "msgpack.packb fails": "quiet(lambda: msgpack.packb([object()])); quiet(lambda: msgpack.packb(2**70))",
    "msgpack.packb surrogates": "quiet(lambda: msgpack.packb('\\ud800')); msgpack.packb('\\ud800', unicode_errors='ignore')",
    "msgpack.unpackb fails": "quiet(lambda: msgpack.unpackb(packed[:-1])); quiet(lambda: msgpack.unpackb(packed + b'a'))",
    "msgpack.unpackb with hooks": "msgpack.unpackb(packed, object_hook=lambda o: o, list_hook=tuple)",
    "msgpack extensions": "msgpack.unpackb(msgpack.packb([msgpack.ExtType(1, b'a'), msgpack.Timestamp(1, 2)]))",
    "msgpack typed": "msgpack.decode(msgpack.packb({'x': 1}), type=Point)",
    "Packer": "p = msgpack.Packer(autoreset=False, default=repr); p.pack(value['b']); bytes(p.getbuffer()); p.reset()",
    "Packer in a cycle": "h = []; p = msgpack.Packer(default=lambda o: h); h.append(p); del p, h",
    "Unpacker": "u = msgpack.Unpacker(); u.feed(packed * 2); list(u)",
    "Unpacker of a file": "list(msgpack.Unpacker(io.BytesIO(packed * 2), object_hook=lambda o: o))",
    "cbor": "cbor.loads(cbor.dumps(value))",
    "cbor fails": "quiet(lambda: cbor.dumps(object())); quiet(lambda: cbor.loads(b'\\x9f'))",
    "yaml": "yaml.safe_load(yaml.dump({'a': [1, 'x']}))",
    "yaml tags": "repr(yaml.load('!a [1, !b {c: d}]')), hash(yaml.Tagged('!a', yaml.Tagged('!b', 1)))",
    "yaml fails": "quiet(lambda: yaml.safe_load('a: b: c')); quiet(lambda: yaml.dump(object()))",
    "yaml in a cycle": "h = []; h.append(yaml.Tagged('!a', h)); del h",
    "pickle.dumps": "pickle.dumps(plain)",
    "pickle.dumps protocols": "pickle.dumps(value, 0), pickle.dumps(value, 2), pickle.dumps(odd, 5)",
    "pickle.dumps sorted": "pickle.dumps(odd, deterministic=True)",
    "pickle.dumps fails": "quiet(lambda: pickle.dumps([Fails()])); quiet(lambda: pickle.dumps(lambda: 1))",
    "Pickler": "p = pickle.Pickler(io.BytesIO()); p.dump(plain); p.memo.copy(); p.clear_memo()",
    "Pickler in a cycle": "p = pickle.Pickler(io.BytesIO()); h = [p.memo]; p.memo = p.memo.copy(); del p, h",
    "pickle.loads": "pickle.loads(pickled)",
    "pickle.loads fails": "quiet(lambda: pickle.loads(pickled[:-3])); quiet(lambda: pickle.loads(b'garbage'))",
    "cannery.dumps": "cannery.dumps(odd)",
    "cannery.dumps can": "cannery.dumps(odd, 'can')",
    "cannery.dumps fails": "quiet(lambda: cannery.dumps(Fails())); quiet(lambda: cannery.dumps(lambda: 1))",
    "cannery.loads": "cannery.loads(document, trust=[Plain])",
    "cannery.loads can": "cannery.loads(can, trust=[Plain])",
    "cannery.loads fails": "quiet(lambda: cannery.loads(document[:-5])); quiet(lambda: cannery.loads(can[:-50]))",
    "cannery.load": "cannery.dump(odd['n'], folder + '/a.can'); cannery.load(folder + '/a.can', mmap=True)",
    "cannery.scan": "cannery.scan(pickled)",
    "cannery.scan of a document": "cannery.scan(document if isinstance(document, bytes) else document.encode())",
    "cannery.scan fails": "cannery.scan(pickled[:-3]); quiet(lambda: cannery.scan('/nowhere'))",
    "pickle.dis": "quiet(lambda: pickle.explain(pickled))",
    "npy": "b = io.BytesIO(); npy.save(b, odd['n']); npy.load(io.BytesIO(b.getvalue()))",
    "npy fails": "quiet(lambda: npy.load(io.BytesIO(b'\\x93NUMPY')))",
    "safetensors": "safetensors.load(safetensors.save({'a': odd['n']}))",
    "safetensors fails": "quiet(lambda: safetensors.load(b'12345678'))",
    "cannery.loads yaml": "cannery.loads(documents['yaml'], format='yaml', trust=[Plain])",
    "cannery.loads msgpack": "cannery.loads(documents['msgpack'], format='msgpack', trust=[Plain])",
    "cannery.loads records": 'cannery.loads(\'[{"$type": "x.Y", "a": 1}]\')',
    "cannery.loads refuses": "quiet(lambda: cannery.loads('{\"$type\": \"subprocess.Popen\"}', trust=['subprocess.*']))",
    "protobuf": "Order.encode(Order.decode(ordered))",
    "protobuf classes": "Order.encode(Order.decode(ordered, type=Order.dataclass))",
    "protobuf fails": "quiet(lambda: Order.decode(ordered[:-3])); quiet(lambda: Order.encode({'id': 'x'})); quiet(lambda: Order.encode({'no': 1}))",
    "protobuf JSON and text": "Order.from_json(Order.to_json(ordered)); Order.from_text(Order.to_text(ordered))",
    "protobuf JSON and text fail": "quiet(lambda: Order.from_json('{')); quiet(lambda: Order.from_text('id: {'))",
    "protobuf.Schema": "protobuf.Schema('syntax=\"proto3\"; message A { int32 x = 1; }')['A'].decode(b'')",
    "protobuf.Schema with a class": "protobuf.Schema('syntax=\"proto3\"; message A { A x = 1; }')['A'].dataclass(x=None)",
    "protobuf.Schema fails": "quiet(lambda: protobuf.Schema('message A {'))",
    "protobuf.inspect": "protobuf.inspect(ordered)",
    "protobuf streams": "list(protobuf.read_delimited(folder + '/d')); protobuf.write_tfrecord(io.BytesIO(), [b'a'])",
    "protobuf streams fail": "quiet(lambda: list(protobuf.read_tfrecord(io.BytesIO(b'abc' * 10), 'collect')))",
    "protobuf streams to what refuses": "quiet(lambda: protobuf.write_delimited(io.BufferedReader(io.BytesIO()), [b'a']))",
    "hdf5": "opened(lambda f: (f['x'][()], f['x'][[1, 5]], f['s'][()], dict(f.attrs), repr(f['x'])))",
    "hdf5 fails": "quiet(lambda: opened(lambda f: f['bad'])); quiet(lambda: opened(lambda f: f['x'][500])); quiet(lambda: hdf5.File(io.BytesIO(b'x' * 99)))",
    "hdf5 walk": "opened(lambda f: f.visititems(lambda name, found: None))",
    "hdf5 written": "written(lambda f: (f.create_dataset('x', data=np.arange(5.0)), f.create_dataset('s', data=['a']), f.attrs.update(a=[1, 2])))",
    "hdf5 written fails": "quiet(lambda: written(lambda f: f.create_dataset('x', data=object())))",
    "torch": "torch.load(folder + '/a.pt'); torch.save({'a': odd['n']}, io.BytesIO())",
    "torch fails": "quiet(lambda: torch.load(io.BytesIO(b'x' * 99))); quiet(lambda: torch.save(object(), io.BytesIO()))",
    "safetensors.open": "safetensors.open(folder + '/a.safetensors')['a'][1:3]; safetensors.load_file(folder + '/a.safetensors')",
    "safetensors.open fails": "quiet(lambda: safetensors.open(folder + '/a.safetensors')['b'])",
    "chunks": "list(cannery.chunks(folder + '/a.csv', rows=10)); cannery.chunks(folder + '/a.csv', rows=10).describe()",
    "chunks fails": "quiet(lambda: list(cannery.chunks('/nowhere.csv', rows=3)))",
    "records": "repr(record), hash(record), record == cannery.Record('x.Y', {'a': 1})",
    "cbor keys": "repr(cbor.loads(b'\\xa1\\xa1\\x01\\x02\\x03')); hash(cbor.FrozenDict({1: 2}))",
    "cannery.scan of files": "cannery.scan(folder + '/a.pt'), cannery.scan(folder + '/a.h5'), cannery.scan(folder + '/a.safetensors')",
    "pickle.loads of profiles": "pickle.loads(pickled, profile=['data', 'numpy']); quiet(lambda: pickle.loads(pickled, profile=[list]))",
    "pickle.loads refuses": "quiet(lambda: pickle.loads(b\"cos\\nsystem\\n(S'id'\\ntR.\"))",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_calls_keep_nothing(call: str) -> None:
    run_child(
        f"""{SETUP}
    import itertools
    count = itertools.count()
    def call():
        {call}
    # A few blocks for caches that fill up; a kept block a call would be as many as calls.
    for rounds in (300, 300, 300, 4500 if "key%d" in {call!r} else 300):
        for _ in range(rounds):
            call()
        gc.collect()
    calls = {COUNT}
    # Caches may fill up once more; what is kept of each call is kept every time.
    for _ in range(4):
        before = sys.getallocatedblocks()
        for _ in range(calls):
            call()
        gc.collect()
        grown = sys.getallocatedblocks() - before
        if grown < calls // 5:
            break
    assert grown < calls // 5, f"{{grown}} blocks are left of {{calls}} calls"
    """,
        timeout=3600,
    )
