"""JSON Lines, MessagePack, CBOR and YAML where files were torn, joined, or written by others."""

from __future__ import annotations

import enum
import gzip
import io
import itertools
import json as stdlib_json
import random
from collections import OrderedDict, defaultdict, namedtuple
from pathlib import Path

import pytest

from cannery import cbor, json, jsonl, msgpack, yaml
from cannery.errors import DataError


def rows_of(data: bytes, **options) -> list:
    return list(jsonl.read(io.BytesIO(data), **options))


# JSON Lines: appending, and going on.


@pytest.mark.parametrize("head", ["", '{"a":1}\n', '{"a":1}', '{"a":1}\n{"tr', "\n", "x"])
@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.jsonl.zst"])
def test_appended_rows_stand_on_lines_of_their_own(tmp_path: Path, head: str, name: str) -> None:
    path = tmp_path / name
    if head:
        if name.endswith("gz"):
            path.write_bytes(gzip.compress(head.encode()))
        elif name.endswith("jsonl"):
            path.write_text(head)
        else:
            pytest.skip("no other writer of zstd at hand")
    for number in range(3):
        jsonl.write(path, [{"b": number}], append=True)
    good = [{"a": 1}] if head.startswith('{"a":1}') else []
    expected = [*good, {"b": 0}, {"b": 1}, {"b": 2}]
    assert list(jsonl.read(path, on_error="skip")) == expected
    if name.endswith("jsonl"):
        lines = path.read_text().split("\n")
        assert lines[-4:] == ['{"b":0}', '{"b":1}', '{"b":2}', ""]
        assert "" not in lines[1:-1] or head == "\n"


def test_a_torn_row_takes_no_other_with_it() -> None:
    random.seed(7)
    for _ in range(2000):
        rows = [
            {"id": number, "text": random.choice(["", "x y", "é\u2028", '"', "[{"]), "l": [1, {}]}
            for number in range(6)
        ]
        lines = [stdlib_json.dumps(row, ensure_ascii=False).encode() for row in rows]
        torn = random.randrange(6)
        line = lines[torn]
        cut = random.randrange(1, len(line))
        while line[cut : cut + 1] and line[cut] & 0xC0 == 0x80:
            cut += 1
        if cut == len(line):
            continue
        lines[torn] = line[:cut]
        ends = random.choice([b"\n", b"\r\n", b"\n\n"])
        found = rows_of(ends.join(lines) + ends, on_error="skip")
        assert found == [row for number, row in enumerate(rows) if number != torn], lines[torn]


def test_a_torn_row_at_the_edge_of_what_is_read_at_a_time() -> None:
    row = b'{"id": 1, "pad": "%s"}\n'
    for size in range(131000, 131080, 3):
        data = row % (b"x" * size) + b'{"b": [1,\n{"c":3}\n{"d":4}\n'
        assert rows_of(data, on_error="skip")[1:] == [{"c": 3}, {"d": 4}], size


def test_what_is_read_again_stays_in_proportion() -> None:
    # Every line begins a list that is never closed: each is read until it is too deep.
    data = b"[1,\n" * 200_000
    assert rows_of(data, on_error="skip") == []


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\x1e", b"\x1e\xef\xbb\xbf", b" \x1e \x1e"])
@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n"])
def test_marks_between_documents(mark: bytes, end: bytes) -> None:
    data = mark + b'{"a":1}' + end + mark + b'{"b":2}' + end + mark
    assert rows_of(data) == [{"a": 1}, {"b": 2}]
    assert jsonl.loads(data) == [{"a": 1}, {"b": 2}]
    # In pieces of any size.
    for size in (1, 2, 3):
        file = io.BufferedReader(Dribble(data, size), size)
        assert list(jsonl.read(file)) == [{"a": 1}, {"b": 2}]


class Dribble(io.RawIOBase):
    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = min(self.size, len(buffer), len(self.data))
        buffer[:count], self.data = self.data[:count], self.data[count:]
        return count


def test_half_a_mark_is_an_error() -> None:
    with pytest.raises(ValueError, match="not UTF-8"):
        rows_of(b'{"a":1}\n\xef\xbb{"b":2}\n')


@pytest.mark.parametrize("padding", [b"\0" * 10, b"\0" * 100_000])
def test_padding_behind_gzip_is_no_row(padding: bytes) -> None:
    assert rows_of(gzip.compress(b'{"a":1}\n') + padding) == [{"a": 1}]


# JSON as the standard library writes it.


class Own(list):
    def __iter__(self):
        return iter("ab")


class OwnTuple(tuple):
    def __iter__(self):
        return iter([7])


def test_a_list_says_itself_what_is_in_it() -> None:
    assert json.dumps(Own([1])) == '["a", "b"]'
    assert json.dumps({"x": Own([1]), "y": [OwnTuple((1,))]}) == '{"x": ["a", "b"], "y": [[7]]}'
    assert json.dumps(Own()) == "[]"
    assert json.dumps(Own([1]), indent=1) == stdlib_json.dumps(["a", "b"], indent=1)
    assert json.dumps(namedtuple("P", "x y")(1, 2)) == "[1, 2]"


@pytest.mark.parametrize("separators", [[",", ":"], iter([",", ":"]), (",", ":")])
def test_separators_are_anything_of_two(separators) -> None:
    assert json.dumps([1, {"a": 2}], separators=separators) == '[1,{"a":2}]'


@pytest.mark.parametrize("separators", [[","], [",", ":", ";"], [1, 2], 5])
def test_other_separators_are_refused(separators) -> None:
    with pytest.raises((TypeError, ValueError)):
        json.dumps([1], separators=separators)


class Tokens(json.JSONEncoder):
    def iterencode(self, o, _one_shot=False):
        for chunk in super().iterencode(o, _one_shot):
            yield chunk.upper()


def test_an_encoder_that_changes_the_chunks() -> None:
    class Expected(stdlib_json.JSONEncoder):
        iterencode = Tokens.iterencode

    for value in ([1, {"a": "b"}], "text", {"x": [True, None]}):
        assert json.dumps(value, cls=Tokens) == json.JSONEncoder.encode(Tokens(), value)
        file = io.StringIO()
        json.dump(value, file, cls=Tokens)
        assert file.getvalue() == stdlib_json.dumps(value).upper()


def test_a_decoder_with_a_scanner_of_its_own() -> None:
    decoder = json.JSONDecoder(parse_float=str)
    decoder.scan_once = json.scanner.py_make_scanner(decoder)
    assert decoder.decode(' [1.50, {"a": NaN}] ')[0] == "1.50"
    with pytest.raises(json.JSONDecodeError, match="Extra data"):
        decoder.decode("1 2")


# MessagePack and CBOR.


def test_single_floats_that_do_not_fit() -> None:
    for value in (1e300, -3.5e38, 3.4028236e38):
        with pytest.raises(OverflowError):
            msgpack.packb([value], use_single_float=True)
    for value in (3.4028234e38, float("inf"), 0.1):
        msgpack.packb(value, use_single_float=True)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("a1820102 6178", {(1, 2): "x"}),
        ("a1 8201820203 01", {(1, (2, 3)): 1}),
        ("a1 a1616101 02", {cbor.FrozenDict({"a": 1}): 2}),
        ("a1 d90102820102 02", {frozenset({1, 2}): 2}),
        ("d90102 81820102", {(1, 2)}),
        ("a1 a161618201 0202", {cbor.FrozenDict({"a": (1, 2)}): 2}),
    ],
)
def test_containers_as_keys(data: str, expected) -> None:
    assert cbor.loads(bytes.fromhex(data)) == expected
    assert cbor.loads(cbor.dumps(expected)) == expected


def test_items_of_a_stream_one_by_one() -> None:
    values = [1, "text", [1, [2.5, None]], {"a": b"x" * 9000}, -5, {}, [], list(range(5000))]
    data = b"".join(map(cbor.dumps, values)) + bytes.fromhex(
        "9f0102ff 5f4101ff bf6161f6ff c11a0001"
    )
    data = data[:-4]
    for file in (io.BytesIO(data), io.BufferedReader(Dribble(data, 100))):
        assert [cbor.load(file) for _ in values] == values
        assert cbor.load(file) == [1, 2]
        assert cbor.load(file) == b"\x01"
        assert cbor.load(file) == {"a": None}
        with pytest.raises(EOFError):
            cbor.load(file)


def test_simple_values() -> None:
    for number in itertools.chain(range(20), range(32, 256)):
        value = cbor.CBORSimpleValue(number)
        assert cbor.loads(cbor.dumps(value)) == value
    assert [cbor.loads(cbor.dumps(cbor.CBORSimpleValue(n))) for n in (20, 21, 22)] == [
        False, True, None,
    ]  # fmt: skip
    for number in range(24, 32):
        with pytest.raises(ValueError, match="simple value"):
            cbor.dumps(cbor.CBORSimpleValue(number))
    for number in (-1, 256):
        with pytest.raises(DataError):
            cbor.CBORSimpleValue(number)
    with pytest.raises(TypeError):
        cbor.CBORSimpleValue("1")  # type: ignore[arg-type]


# YAML.


def test_words_that_some_reader_takes_for_numbers_are_quoted() -> None:
    pyyaml = pytest.importorskip("yaml")
    resolver = pyyaml.resolver.Resolver()
    words = ("".join(w) for n in range(1, 6) for w in itertools.product("0_+-.x1e:b", repeat=n))
    wrong = []
    for word in words:
        if "_" not in word or yaml.dump([word]) != f"- {word}\n":
            continue
        tag = resolver.resolve(pyyaml.nodes.ScalarNode, word, (True, False))
        if tag != "tag:yaml.org,2002:str":
            wrong.append(word)
    assert wrong == []


def test_long_keys() -> None:
    pyyaml = pytest.importorskip("yaml")
    for length in (900, 1023, 1024, 1025, 5000):
        for key in ("k" * length, "é " * length + "x", "'" * length, "a\n" * length):
            for value in (1, [1], {"b": {"c" * length: [2]}}, "l1\nl2\n"):
                for options in ({}, {"default_flow_style": True}):
                    text = yaml.dump({key: value, "z": 0}, **options)
                    assert yaml.load(text) == {key: value, "z": 0}
                    assert pyyaml.safe_load(text) == {key: value, "z": 0}


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


def test_subclasses_are_written_as_what_they_derive_from() -> None:
    assert yaml.dump(Text("x")) == "x\n"
    assert yaml.dump([Color.RED, Level.HIGH]) == "- red\n- 3\n"
    assert yaml.dump(OrderedDict(b=1, a=2), sort_keys=False) == "b: 1\na: 2\n"
    assert yaml.dump(defaultdict(list, {"a": [1]})) == "a:\n- 1\n"
    assert yaml.dump(namedtuple("P", "x y")(1, 2)) == "- 1\n- 2\n"
    numpy = pytest.importorskip("numpy")
    assert (
        yaml.dump([numpy.float64(1.5), numpy.int64(2), numpy.bool_(True)]) == "- 1.5\n- 2\n- true\n"
    )
    assert yaml.dump(Color.RED, representers={Color: lambda c: c.name}) == "RED\n"
    with pytest.raises(yaml.YAMLError, match="no values of type"):
        yaml.dump(object())
