"""`cannery.protobuf`: schemas, dictionaries, dataclasses, JSON, text and streams."""

from __future__ import annotations

import contextlib
import datetime
import io
import itertools
import math
import re
import sys
import time
import types
from pathlib import Path
from types import SimpleNamespace

import pytest

from cannery import protobuf

SHOP = """
edition = "2023";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/any.proto";
import "google/protobuf/field_mask.proto";
enum State { STATE_UNKNOWN = 0; PAID = 1; }
message Order {
  int64 id = 1;
  string customer = 2;
  repeated Item items = 3;
  map<string, double> weights = 4;
  google.protobuf.Timestamp at = 5;
  State state = 6;
  oneof extra { string note = 7; bytes blob = 8; Item gift = 9; }
  google.protobuf.Duration took = 10;
  google.protobuf.Struct info = 11;
  google.protobuf.Int64Value count = 12;
  google.protobuf.Any any = 13;
  google.protobuf.FieldMask mask = 14;
  google.protobuf.Value value = 15;
  uint64 implicit = 16 [features.field_presence = IMPLICIT];
  repeated State states = 17;
  map<int32, Item> by_number = 18;
  float price = 19;
  Order parent = 20;
  string from = 21;
  extensions 100 to 200;
}
message Item { string name = 1; repeated int32 sizes = 2; double price = 3; }
extend Order { string tag = 100; repeated Item extra_items = 101; }
"""


@pytest.fixture(scope="module")
def schema() -> protobuf.Schema:
    return protobuf.Schema(SHOP)


@pytest.fixture(scope="module")
def order(schema: protobuf.Schema) -> protobuf.MessageType:
    return schema["shop.Order"]


VALUES = [
    {},
    {"id": 2**40, "customer": "Ada", "state": "PAID", "note": "x"},
    {
        "items": [{"name": "é中😀", "sizes": [1, -2, 2**31 - 1, -(2**31)]}, {}],
        "weights": {"a": 0.5},
    },
    {"at": datetime.datetime(2026, 11, 30, 22, 37, 1, 5, tzinfo=datetime.UTC)},
    {"took": datetime.timedelta(days=-1, seconds=5, microseconds=7)},
    {"info": {"a": [1.0, "b", None, {"c": True}], "d": {}}, "value": None, "count": 0},
    {"value": [1.5, {"x": []}]},
    {"any": {"@type": "type.googleapis.com/shop.Item", "name": "in it"}},
    {
        "any": {
            "@type": "type.googleapis.com/google.protobuf.Duration",
            "value": datetime.timedelta(1),
        }
    },
    {"mask": ["a.b", "c"], "blob": b"\x00\xff", "implicit": 2**64 - 1},
    {"states": ["PAID", "STATE_UNKNOWN", 77], "by_number": {-1: {"name": "x"}, 5: {}}},
    {"[shop.tag]": "t", "[shop.extra_items]": [{"name": "e"}]},
    {"parent": {"parent": {"id": 0, "customer": "", "price": math.inf}}},
    {"gift": {"price": 1e300}, "from": "keyword"},
    {"@unknown": b"\xa0\x3f\x05"},
]


@pytest.mark.parametrize("value", VALUES)
def test_a_dictionary_comes_back(order: protobuf.MessageType, value: dict) -> None:
    data = order.encode(value)
    assert order.decode(data) == value
    assert order.encode(order.decode(data), deterministic=True) == order.encode(
        value, deterministic=True
    )
    typed = order.decode(data, type=order.dataclass)
    if "@unknown" not in value:
        # An attribute that is `None` is not set, and extensions are no attributes.
        if "value" not in value and "[shop.tag]" not in value:
            assert order.encode(typed) == data
        assert order.from_json(order.to_json(value)) == value
        assert order.from_text(order.to_text(value)) == value


WRONG = [
    ({"items": [{"sizes": ["x"]}]}, "items[0].sizes[0]: expected int32, got str"),
    ({"items": [{}, {"price": "9"}]}, "items[1].price: expected double, got str"),
    ({"id": 2**63}, "id: expected int64, got 9223372036854775808"),
    ({"id": 1.5}, "id: expected int64, got float"),
    ({"id": True}, "id: expected int64, got bool"),
    ({"implicit": -1}, "implicit: expected uint64, got -1"),
    ({"customer": b"x"}, "customer: expected string, got bytes"),
    ({"blob": "x"}, "blob: expected bytes, got str"),
    ({"state": "GONE"}, "state: expected a value of enum shop.State, got `GONE`"),
    ({"weights": {1: 2.0}}, 'weights["1"]: expected string, got int'),
    ({"weights": [1]}, "weights: expected a dict, got list"),
    ({"items": {}}, "items: expected a list of message, got dict"),
    ({"items": "ab"}, "items: expected a list of message, got str"),
    ({"by_number": {1: {"name": 5}}}, 'by_number["1"].name: expected string, got int'),
    ({"note": "a", "blob": b""}, "expected one field of oneof `extra`, got `note` and `blob`"),
    ({"nope": 1}, "shop.Order has no field `nope`"),
    ({"parent": {"byNumber": {}}}, "parent: shop.Order has no field `byNumber`"),
    ({"price": 1e39}, "price: expected float, got 1e+39"),
    ({"[shop.Nope]": 1}, "shop.Order has no field `[shop.Nope]`"),
]


@pytest.mark.parametrize(("value", "message"), WRONG)
def test_errors_name_the_path(order: protobuf.MessageType, value: dict, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        order.encode(value)


def test_any_object_with_the_attributes(order: protobuf.MessageType) -> None:
    item = SimpleNamespace(name="n", sizes=(1, 2))
    data = order.encode(SimpleNamespace(id=1, items=[item], customer=None))
    assert order.decode(data) == {"id": 1, "items": [{"name": "n", "sizes": [1, 2]}]}
    with pytest.raises(ValueError, match=r"expected shop\.Order, got object"):
        order.encode(object())


def test_dataclasses(
    schema: protobuf.Schema, order: protobuf.MessageType, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = order.dataclass(id=1, items=[schema["shop.Item"].dataclass(name="é")], from_="x")
    data = order.encode(typed)
    again = order.decode(data, type=order.dataclass)
    assert again == typed
    assert again.from_ == "x"
    assert again.customer is None
    assert again.weights == {}
    assert again.implicit == 0
    assert order.dataclass is type(again)
    source = order.source()
    assert "class Order:" in source
    assert "items: list[Item]" in source
    generated = types.ModuleType("generated_shop")
    monkeypatch.setitem(sys.modules, generated.__name__, generated)
    exec(source, generated.__dict__)
    assert order.encode(generated.Order(id=7)) == order.encode({"id": 7})
    with pytest.raises(TypeError):
        order.decode(data, type=schema["shop.Item"].dataclass)


def test_a_descriptor_set_is_given_out_again(tmp_path: Path) -> None:
    (tmp_path / "b.proto").write_text('syntax = "proto3"; message B { int32 n = 1; }')
    (tmp_path / "a.proto").write_text(
        'syntax = "proto3"; import "b.proto"; import "google/protobuf/any.proto";'
        "message A { B b = 1; google.protobuf.Any any = 2; }"
    )
    data = protobuf.Schema(tmp_path / "a.proto").descriptor_set()
    again = protobuf.Schema(data)
    assert again.descriptor_set() == data
    message = {"b": {"n": 5}}
    assert again["A"].decode(protobuf.Schema(data)["A"].encode(message)) == message
    text = protobuf.Schema('syntax = "proto3"; message A {}')
    assert len(text.descriptor_set()) < 50


def test_any_number_of_files_may_import_each_other_in_a_row() -> None:
    """A descriptor set of 50,000 overflowed the stack."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    names = [b"f%d" % number for number in range(50_000)]
    files = [field(1, name) + field(3, after) for name, after in itertools.pairwise(names)]
    files += [field(1, names[-1]) + field(4, field(1, b"Last"))]
    assert "Last" in protobuf.Schema(b"".join(field(1, file) for file in files))


def test_names_of_a_descriptor_set_are_no_code() -> None:
    # field "x=print(1)" of message M
    field = b"\x0a\x0ax=print(1)\x18\x01\x20\x01\x28\x05"
    message = b"\x0a\x01M\x12" + bytes([len(field)]) + field
    file = b"\x0a\x01f\x22" + bytes([len(message)]) + message
    with pytest.raises(ValueError, match="identifier"):
        protobuf.Schema(b"\x0a" + bytes([len(file)]) + file)


def test_options_of_decode(order: protobuf.MessageType) -> None:
    data = order.encode({"state": "PAID", "items": [{}]})
    assert order.decode(data, enums="numbers") == {"state": 1, "items": [{}]}
    full = order.decode(data, defaults=True)
    assert full["customer"] == ""
    assert full["weights"] == {}
    assert full["states"] == []
    assert full["items"] == [{"name": "", "sizes": [], "price": 0.0}]
    assert "parent" not in full
    assert "note" not in full
    with pytest.raises(ValueError, match="enums must be"):
        order.decode(data, enums="both")  # type: ignore[arg-type]


def test_pieces_are_merged(order: protobuf.MessageType) -> None:
    first = order.encode({"parent": {"id": 1, "items": [{"name": "a"}]}, "note": "n"})
    second = order.encode({"parent": {"customer": "c", "items": [{"name": "b"}]}, "blob": b"b"})
    merged = {
        "parent": {"id": 1, "customer": "c", "items": [{"name": "a"}, {"name": "b"}]},
        "blob": b"b",
    }
    assert order.decode(first + second) == merged
    assert order.encode(order.decode(first + second, type=order.dataclass)) == order.encode(merged)
    info = order.encode({"info": {"a": 1.0}}) + order.encode({"info": {"b": 2.0}})
    assert order.decode(info) == {"info": {"a": 1.0, "b": 2.0}}


def test_limits(order: protobuf.MessageType) -> None:
    data = b""
    for _ in range(120):
        length = bytearray()
        size = len(data)
        while size >= 128:
            length.append(size & 127 | 128)
            size >>= 7
        length.append(size)
        data = b"\xa2\x01" + bytes(length) + data
    with pytest.raises(RecursionError, match="deeper"):
        order.decode(data)
    assert order.decode(data, depth=200)
    cycle: dict = {}
    cycle["parent"] = cycle
    with pytest.raises(RecursionError, match="deeper"):
        order.encode(cycle)
    for bad in (b"\x0a\xff\xff\xff\xff\x07", b"\x12\x02\xff\xfe", b"\x08", b"\x07"):
        with pytest.raises(ValueError, match=r"at byte \d"):
            order.decode(bad)


def test_json_and_text(order: protobuf.MessageType) -> None:
    value = {"id": 5, "by_number": {1: {"name": "x"}}, "state": "PAID"}
    assert order.to_json(value) == '{"id":"5","state":"PAID","byNumber":{"1":{"name":"x"}}}'
    assert order.to_json(order.encode(value), proto_names=True, enums="numbers") == (
        '{"id":"5","state":1,"by_number":{"1":{"name":"x"}}}'
    )
    assert order.to_text(value, single_line=True) == (
        'id: 5 state: PAID by_number { key: 1 value { name: "x" } }'
    )
    with pytest.raises(ValueError, match="line 2"):
        order.from_json('{"id": 1,\n "nope": 2}')
    assert order.from_json('{"id": 1, "nope": 2}', ignore_unknown=True) == {"id": 1}
    with pytest.raises(ValueError, match="set twice"):
        order.from_text("id: 1 id: 2")


def test_schemas_that_are_wrong(tmp_path) -> None:
    bad = tmp_path / "bad.proto"
    bad.write_text('syntax = "proto3";\nmessage A { int32 x = 1 }\nmessage B { Nope n = 1; }\n')
    with pytest.raises(ValueError, match=r"bad\.proto") as caught:
        protobuf.Schema(bad)
    assert "bad.proto: expected `;`, found `}` at line 2 column 25" in str(caught.value)
    assert "^" in str(caught.value)
    with pytest.raises(FileNotFoundError):
        protobuf.Schema(tmp_path / "none.proto")
    with pytest.raises(KeyError):
        protobuf.Schema(SHOP)["shop.Nope"]


def test_files_folders_and_sets(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.proto").write_text(
        'syntax = "proto3"; package a; message One { int32 x = 1; }'
    )
    (tmp_path / "two.proto").write_text(
        'syntax = "proto3"; import "a/one.proto"; message Two { a.One one = 1; }'
    )
    for schema in (
        protobuf.Schema(tmp_path / "two.proto"),
        protobuf.Schema(tmp_path),
        protobuf.Schema("two.proto", include=[tmp_path]),
        protobuf.Schema([tmp_path / "a" / "one.proto", tmp_path / "two.proto"], include=[tmp_path]),
    ):
        two = schema["Two"]
        assert two.decode(two.encode({"one": {"x": 1}})) == {"one": {"x": 1}}
        from_set = protobuf.Schema(schema.descriptor_set())
        assert from_set["Two"].encode({"one": {"x": 1}}) == two.encode({"one": {"x": 1}})
        assert from_set["a.One"].fields == schema["a.One"].fields


def test_required_fields() -> None:
    schema = protobuf.Schema('syntax = "proto2"; message M { required int32 x = 1; }')
    with pytest.raises(ValueError, match="required field `x`"):
        schema["M"].encode({})
    assert schema["M"].encode({}, partial=True) == b""


@pytest.mark.parametrize("kind", ["delimited", "tfrecord"])
@pytest.mark.parametrize("name", ["plain", "x.gz", "x.zst"])
def test_streams(tmp_path, kind: str, name: str) -> None:
    read = getattr(protobuf, f"read_{kind}")
    write = getattr(protobuf, f"write_{kind}")
    messages = [b"", b"a", b"b" * 1000]
    assert write(tmp_path / name, iter(messages)) == 3
    with read(tmp_path / name) as found:
        assert list(found) == messages
    stream = io.BytesIO()
    write(stream, messages)
    stream.seek(0)
    assert list(read(stream)) == messages


def test_damaged_records() -> None:
    stream = io.BytesIO()
    protobuf.write_tfrecord(stream, [b"one", b"two"])
    data = bytearray(stream.getvalue())
    data[13] ^= 1
    with pytest.raises(ValueError, match="checksum of a record is wrong at byte 0"):
        list(protobuf.read_tfrecord(io.BytesIO(data)))
    frames = protobuf.read_tfrecord(io.BytesIO(data), on_error="collect")
    assert list(frames) == [b"two"]
    assert len(frames.errors) == 1
    cut = protobuf.read_delimited(io.BytesIO(b"\x05ab"), on_error="skip")
    assert list(cut) == []


def test_inspect() -> None:
    [first, second] = protobuf.inspect(b"\x08\x96\x01\x12\x07testing")
    assert first["number"] == 1
    assert first["value"] == 150
    assert first["wire"] == "varint"
    assert second["value"] == "testing"
    assert second["likely"] == "string"
    assert 0 < second["sure"] <= 1


OPTION = (
    'import "google/protobuf/descriptor.proto";'
    "message O { optional O o = 1; optional int32 i = 2; }"
    "extend google.protobuf.FileOptions { optional O x = 50000; } option (x)"
)


@pytest.mark.parametrize("kind", ["oneofs", "maps", "the name of an option"])
def test_large_schemas_take_time_that_grows_with_them(kind: str) -> None:
    field = "optional int32" if kind == "oneofs" else "map<int32, int32>"
    text = f"message M {{ {''.join(f'{field} f{n} = {n + 20000};' for n in range(30_000))} }}"
    if kind == "the name of an option":
        text = OPTION + ".o" * 100_000 + ".i = 1;"
    before = time.process_time()
    with contextlib.suppress(ValueError):
        protobuf.Schema(f'syntax = "proto3"; {text}')
    assert time.process_time() - before < 5


def test_public_imports_in_a_row_are_counted() -> None:
    """Each file sees all that are behind it; on a small stack they overflowed it."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    def chain(count: int) -> bytes:
        names = [b"f%d" % number for number in range(count)]
        public = b"\x50\x00"
        files = [field(1, name) + field(3, at) + public for name, at in itertools.pairwise(names)]
        files += [field(1, names[-1]) + field(4, field(1, b"Last"))]
        return b"".join(field(1, file) for file in files)

    assert "Last" in protobuf.Schema(chain(2000))
    before = time.process_time()
    with pytest.raises(ValueError, match="too many others"):
        protobuf.Schema(chain(20_000))
    assert time.process_time() - before < 10
