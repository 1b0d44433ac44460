"""`cannery.msgpack` against the specification, its suite, and the package `msgpack`."""

from __future__ import annotations

import array
import dataclasses
import datetime
import gc
import io
import json as stdlib
import threading
import tracemalloc
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cannery
from cannery import msgpack
from cannery.errors import MismatchError
from cannery.msgpack import ExtType, Packer, Timestamp, Unpacker, packb, unpackb

UTC = datetime.UTC
Point = namedtuple("Point", "x y")

ints = st.integers(-(2**63), 2**64 - 1)
extensions = st.builds(ExtType, st.integers(0, 127), st.binary(max_size=20))
moments = st.builds(Timestamp, st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**9 - 1))
scalars = st.none() | st.booleans() | ints | st.floats() | st.text() | st.binary()
keys = st.text() | st.binary() | ints | st.booleans() | st.none()
values = st.recursive(
    scalars | extensions | moments,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
    max_leaves=40,
)


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and repr(a) == repr(b)


@given(values)
def test_what_is_packed_is_unpacked(value):
    assert same(unpackb(packb(value), strict_map_key=False), value)
    assert same(msgpack.decode(msgpack.encode(value)), value)


@given(values)
@settings(max_examples=60)
def test_bytes_are_those_of_the_package_in_every_direction(value):
    peer = pytest.importorskip("msgpack")
    theirs = peer.packb(as_peer(peer, value))
    assert packb(value) == theirs
    for options in [{}, {"raw": True}, {"use_list": False}, {"timestamp": 1}, {"timestamp": 2}]:
        options["strict_map_key"] = False
        ours = outcome(unpackb, theirs, options)
        assert ours == outcome(peer.unpackb, theirs, options), options


@given(st.binary(max_size=40))
@settings(max_examples=500)
def test_the_package_refuses_what_we_refuse(data):
    peer = pytest.importorskip("msgpack")
    ours, theirs = outcome(unpackb, data, {}), outcome(peer.unpackb, data, {})
    assert ours == theirs


def as_peer(peer: Any, value: Any) -> Any:
    match value:
        case Timestamp():
            return peer.Timestamp(value.seconds, value.nanoseconds)
        case ExtType():
            return peer.ExtType(value.code, value.data)
        case list():
            return [as_peer(peer, item) for item in value]
        case dict():
            return {key: as_peer(peer, item) for key, item in value.items()}
    return value


def outcome(unpack: Callable[..., Any], data: bytes, options: dict[str, Any]) -> str:
    try:
        return repr(unpack(data, **options))
    except Exception as error:
        return "refused" if isinstance(error, (ValueError, TypeError)) else repr(error)


@given(values, st.integers(1, 9))
def test_streams_are_unpacked_piece_by_piece(value, size):
    data = packb(value) * 3
    unpacker = Unpacker(strict_map_key=False)
    found = []
    for start in range(0, len(data), size):
        unpacker.feed(data[start : start + size])
        found += list(unpacker)
    assert same(found, [value] * 3)
    assert unpacker.tell() == len(data)
    from_file = Unpacker(io.BytesIO(data), read_size=size, strict_map_key=False)
    assert same(list(from_file), [value] * 3)


def test_the_suite(suites: Path, count_cases):
    groups = stdlib.loads((suites / "msgpack" / "msgpack-test-suite.json").read_text())
    read = 0
    for case in (case for cases in groups.values() for case in cases):
        expected = suite_value(case)
        encodings = [bytes.fromhex(text.replace("-", "")) for text in case["msgpack"]]
        for encoding in encodings:
            assert unpackb(encoding) == expected, encoding
            read += 1
        if not isinstance(expected, float):
            assert packb(expected) in encodings
    count_cases("msgpack-test-suite encodings", read)
    assert read == 233


def suite_value(case: dict[str, Any]) -> Any:
    if "bignum" in case:
        return int(case["bignum"])
    for kind, make in [
        ("binary", lambda text: bytes.fromhex(text.replace("-", ""))),
        ("timestamp", lambda parts: Timestamp(*parts)),
        ("ext", lambda parts: ExtType(parts[0], bytes.fromhex(parts[1].replace("-", "")))),
    ]:
        if kind in case:
            return make(case[kind])
    return next(value for name, value in case.items() if name != "msgpack")


@pytest.mark.parametrize(
    ("value", "options", "packed"),
    [
        ((1, "a"), {}, "92 01 a1 61"),
        (Point(1, 2), {}, "92 01 02"),
        (OrderedDict(b=1, a=2), {}, "82 a1 62 01 a1 61 02"),
        (bytearray(b"ab"), {}, "c4 02 61 62"),
        (memoryview(b"ab"), {}, "c4 02 61 62"),
        (b"ab", {"use_bin_type": False}, "a2 61 62"),
        ("a" * 32, {"use_bin_type": False}, "da 00 20" + " 61" * 32),
        (1.5, {"use_single_float": True}, "ca 3f c0 00 00"),
        ({1, 2}, {"default": sorted}, "92 01 02"),
        (2**64, {"default": str}, "b4" + b"18446744073709551616".hex()),
        ([(1,)], {"strict_types": True, "default": list}, "91 91 01"),
        ("\udc80", {"unicode_errors": "surrogateescape"}, "a1 80"),
        ("\ud800", {"unicode_errors": "surrogatepass"}, "a3 ed a0 80"),
        ("a\udc80é", {"unicode_errors": "ignore"}, "a3 61 c3 a9"),
        ({b"k": None, 1: 2, (3,): 4}, {}, "83 c4 01 6b c0 01 02 91 03 04"),
        (datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), {"datetime": True}, "d6 ff 00000001"),
    ],
)
def test_what_objects_become(value, options, packed):
    assert packb(value, **options) == bytes.fromhex(packed)


@pytest.mark.parametrize(
    ("packed", "options", "value"),
    [
        ("92 01 90", {"use_list": False}, (1, ())),
        ("a2 ff fe", {"raw": True}, b"\xff\xfe"),
        ("a1 80", {"unicode_errors": "surrogateescape"}, "\udc80"),
        ("81 a1 80 01", {"unicode_errors": "replace"}, {"\ufffd": 1}),
        ("81 01 02", {"strict_map_key": False}, {1: 2}),
        ("81 c4 01 61 02", {}, {b"a": 2}),
        ("81 91 01 02", {"strict_map_key": False, "use_list": False}, {(1,): 2}),
        ("81 a1 61 01", {"object_hook": lambda found: [*found]}, ["a"]),
        ("82 a1 61 01 a1 61 02", {"object_pairs_hook": list}, [("a", 1), ("a", 2)]),
        ("93 01 02 03", {"list_hook": sum}, 6),
        ("d4 05 61", {"ext_hook": lambda code, data: (code, data)}, (5, b"a")),
        ("d6 ff 00000001", {}, Timestamp(1)),
        ("d7 ff 77359400 00000001", {"timestamp": 1}, 1.5),
        ("d7 ff 77359400 00000001", {"timestamp": 2}, 1_500_000_000),
        ("d6 ff 00000001", {"timestamp": 3}, datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_what_bytes_become(packed, options, value):
    found = unpackb(bytes.fromhex(packed), **options)
    assert same(found, value)


@pytest.mark.parametrize(
    ("packed", "options", "error", "message", "hint"),
    [
        ("c1", {}, msgpack.FormatError, "expected a value, found byte `0xc1` at byte 0", None),
        ("93 01", {}, ValueError, "the input ends after 1 of at least 3 bytes at byte 1", None),
        ("dd ffffffff", {}, ValueError, "the input ends after 0 of at least 4294967295", None),
        ("81 01 02", {}, ValueError, "an integer is not allowed for map key at byte 1", "strict_"),
        ("a1 ff", {}, UnicodeDecodeError, "'utf-8' codec can't decode byte 0xff", None),
        ("93 010203", {"max_array_len": 2}, ValueError, "3 exceeds max_array_len(2)", "raise"),
        ("a3 616263", {"max_str_len": 2}, ValueError, "3 exceeds max_str_len(2)", "raise"),
        ("c4 03 616263", {"max_bin_len": 2}, ValueError, "3 exceeds max_bin_len(2)", "raise"),
        ("81 a0 01", {"max_map_len": 0}, ValueError, "1 exceeds max_map_len(0)", "raise"),
        ("d5 01 6162", {"max_ext_len": 1}, ValueError, "2 exceeds max_ext_len(1)", "raise"),
        ("91" * 2000 + "01", {}, msgpack.StackError, "nested deeper than 1024 levels", "raise"),
        ("01 02", {}, msgpack.ExtraData, "unpack(b) received extra data.", "Unpacker"),
    ],
)
def test_what_is_refused(packed, options, error, message, hint):
    with pytest.raises(error) as caught:
        unpackb(bytes.fromhex(packed), **options)
    assert isinstance(caught.value, cannery.CanneryError)
    assert message in str(caught.value)
    assert (hint is None) or hint in caught.value.hint
    if not isinstance(caught.value, UnicodeDecodeError):
        assert caught.value.offset is not None


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (2**64, OverflowError, "Integer value out of range"),
        (-(2**63) - 1, OverflowError, "Integer value out of range"),
        ([{"a": object()}], TypeError, "can not serialize 'object' object in `$[0].a`"),
        ({1: {2}}, TypeError, "can not serialize 'set' object in `$[1]`"),
        ("\ud800", UnicodeEncodeError, "surrogates not allowed"),
    ],
)
def test_what_cannot_be_packed(value, error, message):
    with pytest.raises(error) as caught:
        packb(value)
    assert isinstance(caught.value, cannery.CanneryError)
    assert message in str(caught.value)


def test_what_default_gives_is_not_given_to_it_again():
    with pytest.raises(TypeError, match="can not serialize 'set' object"):
        packb({1}, default=lambda value: value)
    assert packb([{1}], default=lambda value: [*value]) == b"\x91\x91\x01"


def test_values_that_hold_themselves_are_refused_and_deep_ones_are_not():
    cycle: list[Any] = []
    cycle.append({"a": cycle})
    with pytest.raises(ValueError, match="nested deeper than 1024 levels"):
        packb(cycle)
    deep: Any = None
    for _ in range(1024):
        deep = [deep]
    assert packb(deep) == b"\x91" * 1024 + b"\xc0"
    assert packb(unpackb(packb(deep))) == packb(deep)
    assert msgpack.encode([deep], depth=1025) == b"\x91" * 1025 + b"\xc0"
    with pytest.raises(RecursionError):
        msgpack.decode(b"\x91" * 1_000_000)


def test_a_list_or_dict_that_changes_under_the_hand():
    changing: list[Any] = [{1}, 2, 3]

    def shorten(value):
        del changing[1:]
        return list(value)

    assert unpackb(packb(changing, default=shorten)) == [[1]]
    growing: dict[str, Any] = {"a": {1}}

    def grow(value):
        growing["b"] = 1
        return list(value)

    with pytest.raises(RuntimeError, match="changed size"):
        packb(growing, default=grow)


def test_extra_data_is_kept():
    with pytest.raises(msgpack.ExtraData) as caught:
        unpackb(b"\x01\x02\x03")
    assert (caught.value.unpacked, caught.value.extra) == (1, b"\x02\x03")


def test_packers_collect_and_reset():
    packer = Packer(autoreset=False)
    packer.pack_array_header(2)
    packer.pack(1)
    packer.pack_map_pairs([("a", 1)])
    packer.pack_ext_type(5, b"abc")
    expected = b"\x92\x01\x81\xa1a\x01\xc7\x03\x05abc"
    assert packer.bytes() == bytes(packer.getbuffer()) == bytes(memoryview(packer)) == expected
    with pytest.raises(TypeError):
        packer.pack([1, object()])
    assert packer.bytes() == expected
    with packer.getbuffer(), pytest.raises(BufferError):
        packer.pack(1)
    packer.reset()
    assert packer.bytes() == b""
    assert Packer().pack_map_header(2**32 - 1) == b"\xdf\xff\xff\xff\xff"
    for wrong in (-1, 2**32):
        with pytest.raises(ValueError, match=r"size must be|expected a size"):
            packer.pack_array_header(wrong)


def test_classes_may_be_derived_from():
    class Mine(Packer):
        def __init__(self, prefix: bytes) -> None:
            super().__init__(use_bin_type=False)
            self.prefix = prefix

        def pack(self, obj: Any) -> bytes:
            return self.prefix + super().pack(obj)

    assert Mine(b">").pack(b"a") == b">\xa1a"

    class Reading(Unpacker):
        def __init__(self, source: bytes) -> None:
            super().__init__(io.BytesIO(source))

    assert list(Reading(b"\x01\x02")) == [1, 2]


def test_unpackers_read_headers_bytes_and_skip():
    unpacker = Unpacker()
    unpacker.feed(b"\x92\x01\x81\xa1a\x02\x93\x01\x02\x03xyz\xdd\x00")
    assert unpacker.read_array_header() == 2
    with pytest.raises(ValueError, match="expected map"):
        unpacker.read_map_header()
    assert unpacker.unpack() == 1
    assert (unpacker.read_map_header(), unpacker.unpack(), unpacker.unpack()) == (1, "a", 2)
    unpacker.skip()
    assert (unpacker.read_bytes(3), unpacker.tell()) == (b"xyz", 13)
    for attempt in (unpacker.read_array_header, unpacker.unpack, unpacker.skip):
        with pytest.raises(msgpack.OutOfData):
            attempt()
    unpacker.feed(b"\x00\x00\x01\x07")
    assert unpacker.unpack() == [7]


def test_a_stream_goes_on_behind_what_was_refused():
    unpacker = Unpacker()
    unpacker.feed(b"\x01\xc1\x02")
    assert unpacker.unpack() == 1
    with pytest.raises(msgpack.FormatError) as caught:
        unpacker.unpack()
    assert caught.value.offset == 1


def test_hooks_are_called_once_however_the_bytes_arrive():
    seen = []
    unpacker = Unpacker(object_hook=seen.append, list_hook=tuple)
    for byte in packb([{"a": 1}, {"b": 2}]):
        unpacker.feed(bytes([byte]))
        for found in unpacker:
            assert found == (None, None)
    assert seen == [{"a": 1}, {"b": 2}]


def test_hooks_cannot_feed_the_unpacker_that_calls_them():
    unpacker = Unpacker(list_hook=lambda _: unpacker.feed(b"\x01"))
    unpacker.feed(b"\x90")
    with pytest.raises(RuntimeError):
        unpacker.unpack()


def test_buffers_have_a_limit():
    unpacker = Unpacker(max_buffer_size=4)
    unpacker.feed(b"\x93\x01\x02")
    with pytest.raises(msgpack.BufferFull, match=r"max_buffer_size\(4\)") as caught:
        unpacker.feed(b"\x03\x04")
    assert "max_buffer_size" in caught.value.hint
    endless = Unpacker(io.BytesIO(packb(b"x" * 100)), max_buffer_size=10, max_bin_len=100)
    with pytest.raises(msgpack.BufferFull):
        endless.unpack()
    with pytest.raises(ValueError, match="read_size"):
        Unpacker(read_size=5, max_buffer_size=4)


def test_long_streams_in_small_pieces_take_linear_time():
    data = packb([[number] * 3 for number in range(100_000)])
    unpacker = Unpacker()
    pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    for piece in pieces[:-1]:
        unpacker.feed(piece)
        with pytest.raises(msgpack.OutOfData):
            unpacker.unpack()
    unpacker.feed(pieces[-1])
    assert len(unpacker.unpack()) == 100_000


@pytest.mark.parametrize("claim", [b"\xdd\xff\xff\xff\xff", b"\xdf\x7f\xff\xff\xff", b"\xc6\xff"])
def test_claims_allocate_nothing(claim):
    tracemalloc.start()
    for _ in range(100):
        with pytest.raises(ValueError, match="bytes"):
            unpackb(claim + b"\x01" * 8)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_any_buffer_of_bytes_is_taken():
    data = packb([1, "a"])
    for buffer in (bytearray(data), memoryview(data), array.array("B", data)):
        assert unpackb(buffer) == [1, "a"]
    assert unpackb(memoryview(bytes(byte for byte in data for _ in "ab"))[::2]) == [1, "a"]
    with pytest.raises(BufferError):
        unpackb(array.array("I", [1]))
    with pytest.raises(TypeError):
        unpackb("text")


def test_timestamps_convert():
    stamp = Timestamp(-1, 500_000_000)
    assert Timestamp.from_bytes(stamp.to_bytes()) == stamp
    assert Timestamp.from_unix(-0.5) == Timestamp.from_unix_nano(-500_000_000) == stamp
    assert (stamp.to_unix(), stamp.to_unix_nano()) == (-0.5, -500_000_000)
    when = datetime.datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    assert (stamp.to_datetime(), Timestamp.from_datetime(when)) == (when, stamp)
    assert unpackb(packb(when, datetime=True), timestamp=3) == when
    for wrong in [(1.5, 0), (1, "a"), (1, 10**9), (1, -1)]:
        with pytest.raises((TypeError, ValueError)):
            Timestamp(*wrong)
    with pytest.raises(OverflowError):
        unpackb(packb(Timestamp(2**62)), timestamp=3)
    with pytest.raises(ValueError, match="tzinfo=None"):
        packb(datetime.datetime(2026, 1, 1), datetime=True)


def test_files_and_aliases():
    stream = io.BytesIO()
    msgpack.pack({"a": [1]}, stream)
    stream.seek(0)
    assert msgpack.unpack(stream) == {"a": [1]}
    assert (msgpack.dumps, msgpack.loads) == (msgpack.packb, msgpack.unpackb)


def test_memory_is_freed_and_the_collector_left_alone():
    data = packb([{"key": [str(n), n, b"x", ExtType(1, b"y"), Timestamp(n)]} for n in range(200)])

    def round_trip():
        with pytest.raises(ValueError, match="expected 4 more bytes"):
            unpackb(data[:-1])
        packb(unpackb(data))

    for _ in range(5):
        round_trip()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50):
        round_trip()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000
    assert gc.isenabled()


def test_many_threads_at_once():
    value = [{"key": str(number), "n": [number] * 5} for number in range(300)]
    failures = []

    def work():
        for _ in range(20):
            if unpackb(packb(value)) != value:
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_any_object_is_kept_as_a_tagged_document(tmp_path: Path):
    value: dict[Any, Any] = {
        "set": {1},
        "tuple": (b"\x00", 1.5, 2**70, "\ud800"),
        7: datetime.datetime(2026, 11, 21, tzinfo=UTC),
        "$key": float("inf"),
    }
    value["self"] = value
    data = cannery.dumps(value, format="msgpack")
    found = cannery.loads(data, format="msgpack")
    assert found["self"] is found
    assert {**found, "self": None} == {**value, "self": None}
    cannery.dump([1, (2,)], tmp_path / "a.msgpack")
    assert cannery.load(tmp_path / "a.msgpack") == [1, (2,)]


class TestTypedUnpacker:
    @dataclasses.dataclass
    class Row:
        id: int
        name: str = ""

    def test_values_of_a_type_in_pieces(self):
        unpacker = Unpacker(type=self.Row)
        data = b"".join(packb({"id": n, "name": "é" * n}) for n in range(5))
        found = []
        for byte in data:
            unpacker.feed(bytes([byte]))
            found += unpacker
        assert found == [self.Row(n, "é" * n) for n in range(5)]

    def test_the_stream_goes_on_behind_an_object_of_another_type(self):
        rows = [{"id": 1}, {"id": "two", "name": [1, 2, 3]}, {"id": 3}]
        unpacker = Unpacker(io.BytesIO(b"".join(map(packb, rows))), type=self.Row)
        assert unpacker.unpack() == self.Row(1)
        with pytest.raises(MismatchError, match=r"^\$.id: expected int, got str"):
            unpacker.unpack()
        assert list(unpacker) == [self.Row(3)]

    def test_options_that_do_not_go_together(self):
        with pytest.raises(TypeError, match="type= or hooks and raw"):
            Unpacker(type=self.Row, raw=True)
        with pytest.raises(MismatchError, match="no field `more`"):
            Unpacker(io.BytesIO(packb({"more": 1})), type=self.Row, unknown="error").unpack()
