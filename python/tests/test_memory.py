"""Memory that is not there is a `MemoryError`, whatever it was wanted for."""

# ruff: noqa: E501 -- tables of calls, one a line.

import sys

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are set as Linux has them")

VALUES = {
    "a text": "'x' * (24 << 20)",
    "a text beyond ASCII": "'\\u20ac' * (10 << 20)",
    "bytes": "b'x' * (24 << 20)",
    "a bytearray": "bytearray(24 << 20)",
    "many texts": "[str(i) * 5 for i in range(150_000)]",
    "many lists": "[[i] for i in range(150_000)]",
    "many entries": "[{'a': i, 'b': str(i)} for i in range(80_000)]",
}
WRITERS = {
    "json.dumps": "json.dumps(value)",
    "json.dumps wide": "json.dumps(value, ensure_ascii=False)",
    "json.dumps laid out": "json.dumps(value, ensure_ascii=False, indent=1)",
    "json.encode": "json.encode(value)",
    "json.dump": "json.dump(value, io.StringIO())",
    "jsonl.dumps": "jsonl.dumps([value] * 3)",
    "jsonl.write": "jsonl.write(io.BytesIO(), [value] * 3)",
    "msgpack.packb": "msgpack.packb(value)",
    "msgpack.packb with a hook": "msgpack.packb(value, default=repr)",
    "msgpack.Packer": "p = msgpack.Packer(autoreset=False); p.pack(value); p.pack(value); p.bytes()",
    "yaml.dump": "yaml.dump(value)",
    "cbor.dumps": "cbor.dumps(value)",
    "pickle.dumps": "pickle.dumps(value)",
    "pickle.dumps as text": "pickle.dumps(value, 0)",
    "pickle.dump": "pickle.dump(value, io.BytesIO())",
    "cannery.dumps can": "cannery.dumps(value, 'can')",
    "cannery.dumps json": "cannery.dumps(value, 'json')",
    "cannery.dumps msgpack": "cannery.dumps(value, 'msgpack')",
    "cannery.dumps yaml": "cannery.dumps(value, 'yaml')",
}


AS_BASE64 = ("cannery.dumps json", "cannery.dumps yaml")

# Each call says its name before it is made, so that an abort shows whose it is.
EACH = """
    outcomes = {{}}
    for name, call in calls.items():
        print(name, file=sys.stderr, flush=True)
        for megabytes in (2, 12):
            try:
                outcome = limited(call, megabytes)
            except Exception as error:
                # What a format has no words for is refused.
                panics = type(error).__name__ == "PanicException"
                outcome = repr(error) if panics else "fine"
            outcomes.setdefault(outcome, []).append(name)
    assert outcomes.keys() <= {{"fine", "MemoryError"}}, outcomes
    print(len(outcomes.get("MemoryError", ())), flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_writing_without_memory(value: str) -> None:
    writers = WRITERS.items()
    if "byte" in value or "b'" in value:
        # Formats of text spell bytes in base64, in memory that is asked for infallibly.
        writers = [pair for pair in writers if pair[0] not in AS_BASE64]
    calls = "\n".join(
        f"    def call(): {code}\n    calls[{name!r}] = call" for name, code in writers
    )
    failed = run_child(f"    value, calls = {value}, {{}}\n{calls}{EACH.format()}")
    # Many small things may find room that others have left.
    assert int(failed) > (5 if "<<" in value else -1), "the limit was none"


READERS = {
    "json.loads": ("json.dumps(value)", "json.loads(data)"),
    "json.loads bytes": ("json.dumps(value).encode()", "json.loads(data)"),
    "json.loads bytearray": ("bytearray(json.dumps(value).encode())", "json.loads(data)"),
    "json.loads with a hook": ("json.dumps(value)", "json.loads(data, object_hook=dict)"),
    "json.decode": ("json.encode(value)", "json.decode(data)"),
    "json.decode as a type": ("json.encode([value])", "json.decode(data, type=list)"),
    "jsonl.loads": ("json.dumps(value)", "jsonl.loads(data)"),
    "msgpack.unpackb": ("msgpack.packb(value)", "msgpack.unpackb(data)"),
    "Unpacker": (
        "msgpack.packb(value)",
        "u = msgpack.Unpacker(max_buffer_size=0); u.feed(data); u.feed(data); u.unpack()",
    ),
    "cbor.loads": ("cbor.dumps(value)", "cbor.loads(data)"),
    "pickle.loads": ("pickle.dumps(value)", "pickle.loads(data)"),
    "cannery.loads": ("cannery.dumps(value, 'can')", "cannery.loads(data)"),
}


# Of many small objects the last to fail may be one of Rust's own, of a few bytes, which aborts;
# a long text with escapes is put together in memory that is asked for infallibly.
@pytest.mark.parametrize("value", ["a text", "a bytearray"])
def test_reading_without_memory(value: str) -> None:
    readers = READERS.items()
    if value == "a bytearray":
        readers = [pair for pair in readers if not pair[0].startswith("json")]
    calls = "\n".join(
        f"    def call(data={make}): {code}\n    calls[{name!r}] = call"
        for name, (make, code) in readers
    )
    failed = run_child(f"    value, calls = {VALUES[value]}, {{}}\n{calls}{EACH.format()}")
    assert int(failed) > (2 if value == "a text" else -1), "the limit was none"


def test_sizes_that_no_memory_has() -> None:
    run_child("""
        for width in (2**62, 2**63 - 1, 2**64, 2**40):
            for write in (json.dumps, json.encode, lambda o, indent: json.dump(o, io.StringIO(), indent=indent)):
                try:
                    write([1], indent=width)
                except (MemoryError, OverflowError):
                    continue
                raise SystemExit(f"{width} blanks were written")
        for size in (2**62, 2**63 - 1):
            try:
                msgpack.Packer(buf_size=size)
            except (MemoryError, OverflowError):
                continue
            raise SystemExit(f"a buffer of {size} bytes was made")
        assert json.dumps([1], indent=-3) == "[\\n1\\n]"
    """)


def test_lines_before_a_failure_are_whole() -> None:
    run_child("""
        import json as standard
        rows = [{"a": i, "b": "x" * 50} for i in range(600)]
        text = "y" * (30 << 20)
        file = io.BytesIO()
        outcome = limited(lambda: jsonl.write(file, rows + [{"k": [text] * 6}] + rows), 150)
        lines = file.getvalue().splitlines()
        assert [standard.loads(line) for line in lines][:600] == rows[: len(lines)]
        assert outcome == "MemoryError" or len(lines) == 1201
    """)


def test_a_packer_and_an_unpacker_go_on_after_a_failure() -> None:
    run_child("""
        packer = msgpack.Packer(autoreset=False)
        packer.pack([1, 2])
        value = b"x" * (60 << 20)
        assert limited(lambda: packer.pack(value), 20) == "MemoryError"
        assert packer.bytes() == b"\\x92\\x01\\x02"
        unpacker = msgpack.Unpacker(max_buffer_size=0)
        unpacker.feed(b"\\x01")
        assert limited(lambda: unpacker.feed(value), 20) == "MemoryError"
        unpacker.feed(b"\\x02")
        assert [unpacker.unpack(), unpacker.unpack()] == [1, 2]
    """)
