"""Nesting in threads with small stacks: an answer or an exception, whatever the depth."""

# ruff: noqa: E501 -- tables of calls, one a line.

import sys

import pytest
from children import run_child

# The thread's stack in KiB: musl's, and one that people choose.
STACKS = (128, 512)
if sys.version_info >= (3, 13):
    # It frees nested lists, of anybody's, by recursion up to a count of its own, which is more than
    # small stacks hold.
    STACKS = (512,)
    DEEP_LISTS = 16 << 10
else:
    DEEP_LISTS = 0

PROTOBUF = """
from cannery import protobuf
Message = protobuf.Schema(
    'syntax = "proto3"; import "google/protobuf/struct.proto";'
    "message M { repeated M kids = 1; google.protobuf.Value value = 2; }"
)["M"]
data = b""
for _ in range(4000):
    size, prefix = len(data), b""
    while size > 127:
        prefix, size = prefix + bytes([size & 127 | 128]), size >> 7
    data = b"\\x0a" + prefix + bytes([size]) + data
"""

CALLS = {
    "json.loads": "text = '[' * 1000 + ']' * 1000; call = lambda: json.loads(text)",
    "json.loads deep": "text = '[' * 10**5 + ']' * 10**5; call = lambda: json.loads(text, depth=10**6)",
    "json.dumps": "value = nested(1000, lambda o: [o]); call = lambda: json.dumps(value)",
    "json.dumps laid out": "value = nested(900, lambda o: {'a': o}); call = lambda: json.dumps(value, indent=1)",
    "json.encode deep": "value = nested(10**5, lambda o: [o]); call = lambda: json.encode(value, depth=10**6)",
    "typed": "text = b'[' * 900 + b']' * 900; call = lambda: json.decode(text, type=list)",
    "msgpack lists": "data = b'\\x91' * 1000 + b'\\x01'; call = lambda: msgpack.unpackb(data)",
    "msgpack maps": "data = b'\\x81\\xa1a' * 1000 + b'\\x01'; call = lambda: msgpack.unpackb(data)",
    "msgpack maps as before": "data = b'\\x81\\xa1a' * 250 + b'\\x01'\n"
    "call = lambda: [msgpack.unpackb(data) for _ in range(5)]",
    "msgpack deep": "data = b'\\x91' * 10**5 + b'\\1'; call = lambda: msgpack.decode(data, depth=10**6)",
    "msgpack.packb": "value = nested(900, lambda o: {'a': o}); call = lambda: msgpack.packb(value)",
    "msgpack default": "value = nested(255, lambda o: {'b': object(), 'a': o})\n"
    "call = lambda: msgpack.packb(value, default=repr)",
    "yaml dashes": "call = lambda: yaml.safe_load('- ' * 1000 + 'a')",
    "yaml dashes deep": "call = lambda: yaml.load('- ' * 50_000 + 'a', depth=10**6)",
    "yaml question marks": "call = lambda: yaml.load('? ' * 900 + 'a', constructors={})",
    "yaml mixed": "call = lambda: yaml.load('- ? - ' * 300 + 'a')",
    "yaml brackets": "call = lambda: yaml.safe_load('[' * 1000 + ']' * 1000)",
    "yaml tags": "call = lambda: yaml.load('!a [' * 900 + ']' * 900)",
    "yaml.dump": "value = nested(900, lambda o: {'a': [o]}); call = lambda: yaml.dump(value)",
    "Tagged hash": "value = nested(10**5, lambda o: yaml.Tagged('!a', o)); call = lambda: hash(value)",
    "Tagged repr": "value = nested(10**5, lambda o: yaml.Tagged('!a', o)); call = lambda: repr(value)",
    "Tagged equal": "make = lambda: nested(10**5, lambda o: yaml.Tagged('!a', o))\n"
    "value, other = make(), make(); call = lambda: value == other",
    "Tagged end": "value = [nested(10**5, lambda o: yaml.Tagged('!a', o))]; call = value.clear",
    "Tagged end in lists": "value = [nested(10**5, lambda o: [yaml.Tagged('!a', o)])]; call = value.clear",
    "Tagged and lists": "make = lambda: nested(5000, lambda o: [yaml.Tagged('!a', o)])\n"
    "value, other = make(), make(); call = lambda: value == other",
    "Tagged and lists shown": "value = nested(5000, lambda o: [yaml.Tagged('!a', o)]); call = lambda: repr(value)",
    "Tagged and tuples": "value = nested(5000, lambda o: (yaml.Tagged('!a', o),)); call = lambda: hash(value)",
    "Tagged pickled": "value = nested(10**4, lambda o: yaml.Tagged('!a', o)); call = lambda: pickle.dumps(value)",
    "pickle.dumps": "value = nested(10**5, lambda o: [o]); call = lambda: pickle.dumps(value)",
    "pickle.dumps sorted": "value = nested(10**4, lambda o: frozenset([o]))\n"
    "call = lambda: pickle.dumps(value, deterministic=True)",
    "pickle.loads": "data = b'\\x80\\x04' + b']' * 10**5 + b'a' * (10**5 - 1) + b'.'; call = lambda: pickle.loads(data)",
    "cannery": "value = nested(900, lambda o: [o]); call = lambda: cannery.loads(cannery.dumps(value))",
    "cbor": "value = nested(900, lambda o: [o]); call = lambda: cbor.loads(cbor.dumps(value))",
    "cbor keys": "call = lambda: cbor.loads(b'\\xa1' * 900 + b'\\x01' * 901)",
    "cbor keys of arrays": "call = lambda: cbor.loads(b'\\xa1' + b'\\x81' * 900 + b'\\x01\\x01')",
    "cbor keys shown": "value = nested(900, lambda o: cbor.FrozenDict({1: o}))\n"
    "call = lambda: (repr(value), hash(value), value == nested(900, lambda o: cbor.FrozenDict({1: o})))",
    "cbor tags": "call = lambda: cbor.loads(b'\\xd8\\x40' * 10**5 + b'\\x01')",
    "records": "text = '{\"$type\": \"x.Y\", \"a\": ' * 900 + '1' + '}' * 900; value, other = cannery.loads(text), cannery.loads(text)\n"
    "call = lambda: (value == other, hash(value), repr(value))",
    "records equal": "make = lambda: nested(20_000, lambda o: cannery.Record('x.Y', {'a': o})); value, other = make(), make()\n"
    "call = lambda: value == other",
    "records end": "value = [nested(50_000, lambda o: cannery.Record('x.Y', {'a': o}))]; call = value.clear",
    "protobuf.encode": PROTOBUF
    + "value = nested(20_000, lambda o: {'kids': [o]}); call = lambda: Message.encode(value)",
    "protobuf.encode values": PROTOBUF
    + "value = {'value': nested(20_000, lambda o: [o])}; call = lambda: Message.encode(value)",
    "protobuf.encode cycle": PROTOBUF
    + "value = {}; value['kids'] = [value]; call = lambda: Message.encode(value)",
    "protobuf.decode": PROTOBUF + "call = lambda: Message.decode(data, depth=10**6)",
    "protobuf.decode classes": PROTOBUF
    + "Message.dataclass; call = lambda: Message.decode(data, depth=10**6, type=Message.dataclass)",
    "protobuf.inspect": PROTOBUF + "call = lambda: protobuf.inspect(data, depth=10**6)",
    "protobuf JSON": PROTOBUF
    + "text = '{\"kids\": [' * 3000 + ']}' * 3000; call = lambda: Message.from_json(text)",
    "protobuf JSON within its bounds": PROTOBUF + "text = '{\"kids\": [' * 90 + ']}' * 90\n"
    "call = lambda: Message.to_json(Message.encode(Message.from_json(text)))",
    "protobuf text": PROTOBUF
    + "text = 'kids {' * 3000 + '}' * 3000; call = lambda: Message.from_text(text)",
    "protobuf schemas": PROTOBUF
    + "text = 'syntax=\"proto3\";' + ''.join(f'message M{i} {{' for i in range(3000)) + '}' * 3000\n"
    "call = lambda: protobuf.Schema(text)",
    "torch.save": "from cannery import torch; value = nested(20_000, lambda o: [o]); call = lambda: torch.save(value, io.BytesIO())",
    "torch.load": "from cannery import torch; file = io.BytesIO(); torch.save(nested(150, lambda o: [o]), file)\n"
    "call = lambda: torch.load(io.BytesIO(file.getvalue()))",
    "hdf5 groups": "import tempfile; from cannery import hdf5; path = tempfile.mkdtemp() + '/a.h5'\n"
    "with hdf5.File(path, 'w') as file: file.create_group('/'.join('a' * 3000))\n"
    "call = lambda: hdf5.File(path).visit(lambda name: None)",
    "safetensors": "from cannery import safetensors; head = b'{\"__metadata__\":' + b'{\"a\":' * 3000 + b'1' + b'}' * 3001\n"
    "call = lambda: safetensors.load(len(head).to_bytes(8, 'little') + head)",
    "scan": "data = pickle.dumps(nested(50_000, lambda o: [o])); call = lambda: cannery.scan(data)",
    "explain": "data = pickle.dumps(nested(3000, lambda o: (o,))); call = lambda: pickle.explain(data)",
    "npy header": "head = b\"{'descr': \" + b'[' * 9000 + b']' * 9000 + b\", 'fortran_order': False, 'shape': (1,)}\\n\"\n"
    "call = lambda: npy.load(io.BytesIO(b'\\x93NUMPY\\x01\\x00' + len(head).to_bytes(2, 'little') + head))",
    "chunks": "import tempfile; path = tempfile.mkdtemp() + '/a.jsonl'; jsonl.write(path, [{'a': nested(900, lambda o: [o])}])\n"
    "call = lambda: list(cannery.chunks(path, rows=1))",
    "jsonl": "value = nested(900, lambda o: [o]); call = lambda: jsonl.loads(jsonl.dumps([value]))",
}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("code", CALLS.values(), ids=CALLS.keys())
def test_depth_needs_no_stack(code: str, stack: int) -> None:
    if "Tagged('!a', o)])]" in code or "value.clear" in code:
        stack = max(stack, DEEP_LISTS)
    outcome = run_child(f"{code}\nprint(in_thread(call, {stack}), flush=True)\nos._exit(0)")
    assert outcome in (
        "fine",
        "RecursionError",
        "DepthError",
        "StackError",
        "ConstructorError",
        "DataError",
        "CorruptError",
        "TypeError",
        "DataTypeError",
    )


def test_chains_of_tags_are_compared_hashed_and_shown_whole() -> None:
    run_child("""
        chain = lambda depth, inside: nested(depth, lambda o: yaml.Tagged("!a", o), inside)
        assert chain(10**4, 1) == chain(10**4, 1) != chain(10**4, 2) != chain(9999, 1)
        assert hash(chain(10**4, 1)) == hash(chain(10**4, 1.0))
        assert chain(3, [1]) == chain(3, [1]) and chain(2, 1) != yaml.Tagged("!b", yaml.Tagged("!a", 1))
        assert repr(chain(2, "x")) == "Tagged('!a', Tagged('!a', 'x'))"
        items = []
        items.append(yaml.Tagged("!a", yaml.Tagged("!b", items)))
        assert repr(items[0]) == "Tagged('!a', Tagged('!b', [Tagged(...)]))"
        held = chain(5, [1])
        inner = held.value.value
        del held
        assert repr(inner) == "Tagged('!a', Tagged('!a', Tagged('!a', [1])))"
        try:
            hash(chain(3, []))
        except TypeError:
            pass
        else:
            raise SystemExit("a list has a hash")
    """)
