"""`cannery.json` against the standard library, on what people give it and on what breaks others."""

from __future__ import annotations

import decimal
import enum
import gc
import io
import json as stdlib
import math
import os
import sys
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cannery
from cannery import json
from cannery.errors import MismatchError

SUITES = Path(
    os.environ.get("CANNERY_SUITES", Path(__file__).parents[2].parent / "shared" / "suites")
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.text()
)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=30,
)
keys = st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
with_keys = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner),
    max_leaves=20,
)


def same(a: object, b: object) -> bool:
    """Equality that tells types and NaNs apart from what they are not."""
    return repr(a) == repr(b)


def outcome(function, *args, **kwargs):
    try:
        return "value", function(*args, **kwargs)
    except Exception as error:
        return "error", type(error).__mro__[-3].__name__, str(error)


class TestAgainstTheStandardLibrary:
    @given(plain)
    def test_dumps_writes_the_same_text(self, value):
        assert json.dumps(value) == stdlib.dumps(value)

    @given(
        with_keys,
        st.booleans(),
        st.sampled_from([None, 0, 1, 4, "\t", "é"]),
        st.sampled_from([None, (",", ":"), (" , ", " => "), ("é", ":")]),
    )
    def test_layouts(self, value, ensure_ascii, indent, separators):
        options = {"ensure_ascii": ensure_ascii, "indent": indent, "separators": separators}
        assert json.dumps(value, **options) == stdlib.dumps(value, **options)

    @given(with_keys)
    def test_sorted_keys(self, value):
        ours, theirs = (outcome(m.dumps, value, sort_keys=True) for m in (json, stdlib))
        assert ours[0] == theirs[0]
        if ours[0] == "value":
            assert ours == theirs

    @given(plain, st.booleans())
    def test_loads_reads_the_same_value(self, value, ensure_ascii):
        text = stdlib.dumps(value, ensure_ascii=ensure_ascii)
        assert same(json.loads(text), stdlib.loads(text))
        data = text.encode("utf-8", "surrogatepass")
        assert same(json.loads(data), stdlib.loads(data))

    @given(plain, st.integers(0, 200), st.sampled_from(list('{}[]",:\\ \n0-.eNu\x01é\ud800')))
    @settings(max_examples=1000)
    def test_broken_documents_break_at_the_same_place(self, value, at, change):
        text = stdlib.dumps(value, ensure_ascii=False)
        at %= len(text) + 1
        for broken in (
            text[:at] + change + text[at:],
            text[:at],
            text[:at] + change + text[at + 1 :],
        ):
            ours, theirs = outcome(json.loads, broken), outcome(stdlib.loads, broken)
            if theirs[0] == "value":
                assert ours[0] == "value", (broken, ours)
                assert same(ours[1], theirs[1]), broken
            else:
                assert ours[0] == "error", broken
                assert ours[2] == theirs[2], broken

    @given(st.text('[]{}",:0123456789.eE+-truefalsn \\u\n', max_size=30))
    @settings(max_examples=2000)
    def test_soup(self, text):
        ours, theirs = outcome(json.loads, text), outcome(stdlib.loads, text)
        assert ours[0] == theirs[0], text
        if ours[0] == "value":
            assert same(ours[1], theirs[1])
        else:
            assert ours[2] == theirs[2], text

    @given(st.lists(plain, max_size=4), st.text(" \n\t\r", max_size=2))
    def test_raw_decode_goes_on(self, values, space):
        text = space.join(stdlib.dumps(value) + " " for value in values)
        decoder, reference = json.JSONDecoder(), stdlib.JSONDecoder()
        at = 0
        while at < len(text):
            ours = outcome(decoder.raw_decode, text, at)
            theirs = outcome(reference.raw_decode, text, at)
            assert same(ours, theirs)
            at = ours[1][1] if ours[0] == "value" else at + 1

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
    def test_encodings(self, encoding):
        value = {"é": ["€", "😀", 1]}
        data = stdlib.dumps(value, ensure_ascii=False).encode(encoding)
        assert json.loads(data) == json.loads(bytearray(data)) == value


class TestFastPair:
    @given(plain)
    def test_what_is_written_reads_back(self, value):
        text = json.encode(value, nan="write")
        assert same(json.loads(text), stdlib.loads(stdlib.dumps(value)))

    @given(st.floats(allow_nan=False, allow_infinity=False))
    @settings(max_examples=2000)
    def test_floats_are_exact(self, value):
        assert math.copysign(1, json.decode(json.encode(value))) == math.copysign(1, value)
        assert json.decode(json.encode(value)) == value
        assert json.encode(value).decode() == repr(value)

    @given(st.integers())
    def test_integers_are_exact(self, value):
        assert json.decode(json.encode(value)) == value

    @pytest.mark.parametrize("value", [2**63, -(2**63), 2**63 - 1, 2**64, -(2**64), 10**400])
    def test_large_integers(self, value):
        assert json.decode(json.encode(value)) == value

    def test_sources(self):
        for data in (
            b"[1]",
            bytearray(b"[1]"),
            memoryview(b"[1]"),
            memoryview(b"[_1_]")[::2],
            "[1]",
        ):
            if bytes(data, "utf8") if isinstance(data, str) else bytes(data) == b"[1]":
                assert json.decode(data) == [1]

    @pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b'"\n"', b"\xff", b"", b"[1,]", b"01"])
    def test_decode_is_strict(self, text):
        with pytest.raises(json.JSONDecodeError):
            json.decode(text)

    def test_no_utf8_copy_is_left_in_strings(self):
        text = "é" * 1000
        before = sys.getsizeof(text)
        json.encode([text])
        json.dumps([text])
        json.loads(f'"{text}"')
        assert sys.getsizeof(text) == before

    def test_options(self):
        value = {"b": 1, 2: float("nan")}
        assert json.encode(value, nan="null") == b'{"b":1,"2":null}'
        assert json.encode({"b": 1, "a": 2}, sort_keys=True, indent=1) == b'{\n "a": 2,\n "b": 1\n}'
        assert json.encode({(1,): 1, "a": 2}, skipkeys=True) == b'{"a":2}'
        assert json.encode(iter([1, 2]), iterators=True) == b"[1,2]"
        with pytest.raises(ValueError, match="not JSON compliant"):
            json.encode(value)


def suite_files(prefix: str) -> list[Path]:
    folder = SUITES / "json"
    return sorted(folder.rglob(f"{prefix}_*.json")) if folder.is_dir() else []


def test_json_test_suite(capsys):
    """JSONTestSuite: what must be accepted is, and what must be rejected is, in strict mode."""
    accepted, rejected = suite_files("y"), suite_files("n")
    if not accepted:
        pytest.skip(f"JSONTestSuite was NOT FOUND below {SUITES}: set CANNERY_SUITES")
    wrong = [
        file.name for file in accepted if outcome(json.decode, file.read_bytes())[0] == "error"
    ]
    wrong += [
        file.name for file in rejected if outcome(json.decode, file.read_bytes())[0] == "value"
    ]
    for file in suite_files("i"):
        outcome(json.decode, file.read_bytes())
    with capsys.disabled():
        print(
            f"\n  JSONTestSuite: {len(accepted)} to accept, {len(rejected)} to reject, "
            f"{wrong} wrong"
        )
    assert (len(accepted), len(rejected), wrong) == (95, 188, [])


class TestErrors:
    CASES: ClassVar = [
        ("", "Expecting value", 0, 1, 1),
        ("[1,\n 2,\n x]", "Expecting value", 9, 3, 2),
        ('{"é": 1 "b"}', "Expecting ',' delimiter", 8, 1, 9),
        ("['a']", "Expecting value", 1, 1, 2),
        ('["\\x"]', "Invalid \\escape", 2, 1, 3),
        ('["a\nb"]', "Invalid control character at", 3, 1, 4),
        ('["abc', "Unterminated string starting at", 1, 1, 2),
        ("[] []", "Extra data", 3, 1, 4),
    ]

    @pytest.mark.parametrize(("text", "message", "pos", "line", "column"), CASES)
    def test_position(self, text, message, pos, line, column):
        with pytest.raises(json.JSONDecodeError) as caught:
            json.loads(text)
        error = caught.value
        assert (error.msg, error.pos, error.lineno, error.colno) == (message, pos, line, column)
        assert error.doc == text
        assert isinstance(error, (ValueError, cannery.CanneryError, stdlib.JSONDecodeError))

    def test_hint(self):
        with pytest.raises(json.JSONDecodeError) as caught:
            json.loads("['a']")
        assert caught.value.hint == "JSON writes text in double quotes"

    def test_bytes_that_are_no_text(self):
        with pytest.raises(UnicodeDecodeError) as caught:
            json.loads(b'["\x80"]')
        assert isinstance(caught.value, cannery.CanneryError)
        with pytest.raises(json.JSONDecodeError, match="Invalid UTF-8"):
            json.decode(b'["\x80"]')

    def test_unserializable_values_have_a_path(self):
        with pytest.raises(TypeError) as caught:
            json.dumps({"rows": [{"when": {1, 2}}]})
        assert str(caught.value) == "Object of type set is not JSON serializable"
        assert caught.value.path == "$.rows[0].when"
        assert "default" in caught.value.hint

    def test_cycles(self):
        loop: list = []
        loop.append({"a": loop})
        for function in (json.dumps, json.encode):
            with pytest.raises(ValueError, match=r"^Circular reference detected"):
                function(loop)
        with pytest.raises(RecursionError):
            json.dumps(loop, check_circular=False)

    def test_cycles_far_down(self):
        loop: list = []
        inner = loop
        for _ in range(200):
            inner.append([])
            inner = inner[0]
        inner.append(loop[0])
        with pytest.raises(ValueError, match="Circular"):
            json.dumps(loop)

    @pytest.mark.parametrize(
        "text", ["[" * 1_000_000, '{"":' * 1_000_000, "[" * 500_000 + "]" * 500_000]
    )
    def test_a_million_brackets(self, text):
        for function in (json.loads, json.decode):
            with pytest.raises(RecursionError):
                function(text)

    def test_depth_is_an_option(self):
        text = "[" * 5000 + "]" * 5000
        value = json.decode(text, depth=5000)
        assert json.encode(value, depth=5000) == text.encode()
        with pytest.raises(RecursionError):
            json.encode(value)
        with pytest.raises(RecursionError):
            json.decode("[[1]]", depth=1)

    def test_exceptions_of_callbacks_come_through(self):
        with pytest.raises(ZeroDivisionError):
            json.dumps([{1}], default=lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            json.loads("{}", object_hook=lambda _: 1 / 0)
        with pytest.raises(TypeError, match="unhashable"):
            json.loads(
                '{"a": 1}', object_pairs_hook=lambda pairs: {(): 1} | {k: {[]} for k, _ in pairs}
            )


class TestHooks:
    def test_numbers(self):
        value = json.loads("[1.10, 2, 1e2]", parse_float=decimal.Decimal, parse_int=str)
        assert value == [decimal.Decimal("1.10"), "2", decimal.Decimal("1e2")]
        assert str(value[0]) == "1.10"

    def test_constants(self):
        text = "[NaN, Infinity, -Infinity, 1, 1e999]"
        assert json.loads(text, parse_constant=str) == ["NaN", "Infinity", "-Infinity", 1, math.inf]

    def test_duplicates(self):
        text = '{"a": 1, "b": 2, "a": 3}'
        assert json.loads(text) == {"a": 3, "b": 2}
        assert json.loads(text, duplicates="first") == {"a": 1, "b": 2}
        with pytest.raises(ValueError, match="`a` occurs twice"):
            json.loads(text, duplicates="error")
        assert json.decode(text) == {"a": 3, "b": 2}
        assert json.decode(text.encode(), duplicates="first") == {"a": 1, "b": 2}
        with pytest.raises(ValueError, match="the key `a` occurs twice"):
            json.decode(text, duplicates="error")
        with pytest.raises(ValueError, match="duplicates"):
            json.decode(text, duplicates="none")

    def test_duplicates_in_typed_reading(self):
        class Row(TypedDict):
            a: int
            b: int

        text = '{"a": 1, "b": 2, "a": 3}'
        assert json.decode(text, type=Row) == json.loads(text, type=Row) == {"a": 3, "b": 2}
        for read in (json.decode, json.loads):
            with pytest.raises(MismatchError, match=r"a.* occurs twice"):
                read(text, type=Row, duplicates="error")
            with pytest.raises(TypeError, match="type= goes with"):
                read(text, type=Row, duplicates="first")
            with pytest.raises(RecursionError):
                read(text, type=Row, depth=0)
            with pytest.raises(MismatchError, match="no field `c`"):
                read('{"a": 1, "b": 2, "c": 3}', type=Row, unknown="error")
        with pytest.raises(TypeError, match="type= or strict="):
            json.loads(text, type=Row, strict=False)

    def test_subclasses(self):
        class Number(enum.IntEnum):
            ONE = 1

        class Text(str):
            __slots__ = ()

        class Real(float):
            def __repr__(self):
                return "nonsense"

        value = [Number.ONE, Text("a"), Real(1.5), OrderedDict(a=1), defaultdict(int, b=2)]
        assert json.dumps(value) == stdlib.dumps(value)

    def test_decoder_and_encoder_classes(self):
        class Encoder(json.JSONEncoder):
            def default(self, o):
                return sorted(o)

        class Decoder(json.JSONDecoder):
            def decode(self, s):
                return super().decode(s), "decoded"

        assert json.dumps({"a": {2, 1}}, cls=Encoder, indent=1) == '{\n "a": [\n  1,\n  2\n ]\n}'
        assert json.loads("[1]", cls=Decoder) == ([1], "decoded")

    def test_a_callback_that_changes_what_is_written(self):
        rows = [object(), 1, 2, 3]

        def clear(_):
            rows.clear()
            gc.collect()
            return "x"

        assert json.dumps(rows, default=clear) == '["x"]'
        table = {"a": object(), "b": 2}

        def grow(_):
            table["c"] = 3
            return 1

        with pytest.raises(RuntimeError, match="changed size"):
            json.dumps(table, default=grow)


class TestFiles:
    def test_dump_streams(self):
        class Counting(io.StringIO):
            largest = calls = 0

            def write(self, text):
                self.largest = max(self.largest, len(text))
                self.calls += 1
                return super().write(text)

        rows = [{"id": i, "text": "é€😀" * 10} for i in range(5000)]
        for ensure_ascii in (True, False):
            fp = Counting()
            json.dump(rows, fp, ensure_ascii=ensure_ascii)
            assert fp.getvalue() == stdlib.dumps(rows, ensure_ascii=ensure_ascii)
            assert fp.calls > 5
            assert fp.largest < 200_000

    def test_binary_files(self):
        fp = io.BytesIO()
        json.dump({"é": 1}, fp, ensure_ascii=False)
        assert fp.getvalue() == '{"é": 1}'.encode()
        fp.seek(0)
        assert json.load(fp) == {"é": 1}

    def test_iterators(self):
        for value, text in [
            ((i * i for i in range(4)), "[0, 1, 4, 9]"),
            ({"rows": ({"n": n} for n in range(2))}, '{"rows": [{"n": 0}, {"n": 1}]}'),
            ([map(str, [1]), zip("a", "b", strict=True), iter(())], '[["1"], [["a", "b"]], []]'),
        ]:
            fp = io.StringIO()
            json.dump(value, fp)
            assert fp.getvalue() == text
        assert json.dumps(iter([1])) == "[1]"
        assert json.encode(iter([1]), default="rich") == b"[1]"

    def test_iterators_are_left_to_a_function_and_files_are_none(self):
        for write in (json.dumps, json.encode):
            assert json.loads(write(iter([1]), default=lambda _: "asked")) == "asked"
            with pytest.raises(TypeError, match="StringIO is not JSON serializable"):
                write(io.StringIO("a line"))
        fp = io.StringIO()
        json.dump(iter([1]), fp, default=str, iterators=True)
        assert fp.getvalue() == "[1]"
        with pytest.raises(TypeError, match="generator is not JSON serializable"):
            json.dump((i for i in range(4)), fp, iterators=False)

    def test_a_file_that_fails(self):
        class Full(io.StringIO):
            def write(self, text):
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space left") as caught:
            json.dump([1] * 100_000, Full())
        assert caught.value.errno == 28


def test_memory_does_not_grow():
    """Neither success nor failure, anywhere, leaks a reference."""
    documents = [
        '{"a": [1, 2.5, "text", "é", null], "b": {"c": 12345678901234567890}}' * 2,
        '[{"a": [1, "x',
        "[1, 2",
    ]
    rows = [{"k": [1, "é", {"x": None}], "o": object()}]

    def once():
        for text in documents:
            outcome(json.loads, text)
            outcome(json.loads, text, object_hook=lambda _: 1 / 0)
            outcome(json.loads, text, parse_float=str)
        outcome(json.dumps, rows)
        outcome(json.dumps, rows, default=str)
        outcome(json.encode, {"deep": [[[{1}]]]})

    def blocks() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    def growth() -> int:
        before = blocks()
        for _ in range(500):
            once()
        return blocks() - before

    # The interpreter's own caches settle in some round; a leak is in every one.
    assert min(growth() for _ in range(6)) < 50


def test_the_collector_is_as_it_was():
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            json.loads('[{"a": 1}]')
            outcome(json.loads, "[1,")
            json.loads("{}", object_hook=lambda _: None)
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


def test_threads():
    value = {"rows": [{"id": i, "name": f"n{i % 7}", "é": [i / 3, None]} for i in range(300)]}
    text = stdlib.dumps(value)
    wrong = []

    def work():
        for _ in range(30):
            if json.loads(text) != value or json.loads(json.dumps(value)) != value:
                wrong.append("value")
            if json.loads(text, object_hook=lambda d: d) != value:
                wrong.append("hook")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class TestDirectWriter:
    """The shortest way of writing must not differ from the long one, wherever it gives up."""

    #: Asking for a layout with lines takes the long way.
    @given(with_keys | plain)
    def test_both_ways_say_the_same(self, value):
        def compact(text: str) -> object:
            return stdlib.loads(text, parse_float=str, parse_int=str)

        short = outcome(json.dumps, value, ensure_ascii=False, separators=(",", ":"))
        long = outcome(json.dumps, value, ensure_ascii=False, indent=1)
        assert short[0] == long[0]
        if short[0] == "value":
            assert compact(short[1]) == compact(long[1])
            assert short[1] == stdlib.dumps(value, ensure_ascii=False, separators=(",", ":"))

    @pytest.mark.parametrize("ensure_ascii", [True, False])
    @pytest.mark.parametrize(
        "alphabet", ['a"', "a\\b\x00", "aé\x7f\x80ÿ", "a\nページ", "a😀\t\ud800"]
    )
    def test_texts_of_every_length(self, alphabet, ensure_ascii):
        for length in [*range(70), 127, 128, 129, 4095, 4096, 4097, 9000]:
            for shift in range(len(alphabet)):
                text = (alphabet * length)[shift : shift + length]
                value = {text: [text, text[::-1]]}
                expected = stdlib.dumps(value, ensure_ascii=ensure_ascii)
                assert json.dumps(value, ensure_ascii=ensure_ascii) == expected
        plain = "x" * 500
        for at in range(0, 500, 7):
            text = plain[:at] + alphabet + plain[at:]
            assert json.dumps(text, ensure_ascii=ensure_ascii) == stdlib.dumps(
                text, ensure_ascii=ensure_ascii
            )

    def test_dictionaries_of_every_kind(self):
        class Holder:
            def __init__(self):
                self.a, self.b = 1, "x"

        holes = {str(i): i for i in range(20)}
        for key in list(holes)[::3]:
            del holes[key]
        mixed = {"a": 1, 2: "b", None: []}
        emptied = {"a": 1}
        del emptied["a"]
        for value in (vars(Holder()), holes, mixed, emptied, {}, {"": {}}, dict.fromkeys("abc")):
            assert json.dumps(value) == stdlib.dumps(value)
            assert stdlib.loads(json.encode(value)) == stdlib.loads(stdlib.dumps(value))

    def test_separators(self):
        value = {"a": [1, {"b": "é"}], "c": []}
        for separators in [(",", ":"), (" , ", " : "), ("ä", "ö"), ("," * 20, ":" * 20), ("", "")]:
            expected = stdlib.dumps(value, separators=separators)
            assert json.dumps(value, separators=separators) == expected

    def test_depth_is_the_same_limit(self):
        deep: list = []
        for _ in range(1023):
            deep = [deep]
        assert json.encode(deep) == b"[" * 1024 + b"]" * 1024
        with pytest.raises(RecursionError):
            json.encode([deep])
        assert json.encode([[[]]], depth=3) == b"[[[]]]"
        with pytest.raises(RecursionError):
            json.encode([[[[]]]], depth=3)


class TestRecords:
    """Records with the same keys share a template while they are read, and nothing afterwards."""

    def test_records_are_independent(self):
        text = "[" + ",".join(f'{{"a": {i}, "b": [{i}], "c": null}}' for i in range(9)) + "]"
        rows = json.decode(text)
        assert rows == stdlib.loads(text)
        rows[3]["a"] = "changed"
        rows[4]["new"] = 1
        del rows[5]["b"]
        rows[6].clear()
        assert rows[7:] == stdlib.loads(text)[7:]
        assert json.decode(text) == stdlib.loads(text)

    def test_keys_that_occur_twice(self):
        text = '[{"a": 1, "a": 2}, {"a": 3, "a": 4}, {"a": 5, "a": 6}, {"a": 7, "a": 8}]'
        assert json.decode(text) == [{"a": 2}, {"a": 4}, {"a": 6}, {"a": 8}]

    @given(st.lists(st.dictionaries(st.text(max_size=3) | st.sampled_from("abcd"), scalars)))
    def test_any_records(self, rows):
        text = stdlib.dumps(rows * 3)
        assert same(json.loads(text), stdlib.loads(text))

    @pytest.mark.parametrize(
        ("key", "verbatim"), [(rb"a\"b", b'a"b'), (rb"a\u0001b", b"a\x01b"), (rb"a\\b", rb"a\b")]
    )
    def test_an_expected_key_is_not_taken_for_what_stands_there(self, key, verbatim):
        rows = [b'{"%s": 1}' % key] * 20
        rows.insert(15, b'{"%s": 1}' % verbatim)
        text = b"[%s]" % b",".join(rows)
        if b"\\" in verbatim:
            assert json.decode(text) == stdlib.loads(text)
        else:
            with pytest.raises(json.JSONDecodeError):
                json.decode(text)

    def test_cycles_through_records_are_collected(self):
        gc.collect()
        for row in json.decode('[{"a": 1, "b": []}, {"a": 2, "b": []}, {"a": 3, "b": []}]'):
            assert gc.is_tracked(row)
            row["b"].append(row)
        del row
        assert gc.collect() >= 3

    @given(st.text(min_size=1), st.integers(0, 40))
    def test_texts_beyond_ascii(self, text, count):
        value = [text * count, "x" * count + text, {text: text}]
        assert (
            json.decode(stdlib.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            == value
        )

    @pytest.mark.parametrize(
        "alphabet",
        ["aé", "éñ", "aжд", "жд", "a日本", "日本語", "a日🦀", "🦀", "é日🦀a", "\ud800日"],
    )
    def test_texts_of_any_width(self, alphabet):
        for length in [*range(70), 200, 1000]:
            letters = [alphabet[(i * i + length) % len(alphabet)] for i in range(length)]
            value = ["".join(letters), "".join(sorted(letters)), "x\n" + "".join(letters)]
            text = stdlib.dumps({"key": value, alphabet: "end"}, ensure_ascii=False)
            expected = stdlib.loads(text)
            assert json.loads(text) == expected
            assert json.decode(text) == expected
            assert json.loads(text.encode("utf-8", "surrogatepass")) == expected
            found = json.loads(text)["key"][1]
            assert sys.getsizeof(found) == sys.getsizeof("".join(list(found)))
            assert hash(found) == hash(value[1])
            assert found.encode("utf-8", "surrogatepass") == value[1].encode(
                "utf-8", "surrogatepass"
            )

    @pytest.mark.parametrize(
        "bad", [b"\xe6\x97", b"\xed\x9f", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xff"]
    )
    def test_texts_that_are_none(self, bad):
        for before in ("", "a", "日" * 7, "日" * 8, "ж" * 16, "a" * 31):
            for behind in ("", "b", "日" * 9):
                with pytest.raises(ValueError, match=r"utf-8|UTF-8"):
                    json.decode(
                        b'["%s", 1]' % (before.encode() + bad + behind.encode()) + b" " * 40
                    )


def test_decoded_memory_is_no_more_than_the_standard_library_s():
    text = stdlib.dumps(
        [{"id": i, "name": "x", "box": [1, 2], "k": None, "l": True} for i in range(50)]
    )
    ours, theirs = json.loads(text), stdlib.loads(text)
    assert sum(map(sys.getsizeof, ours)) <= sum(map(sys.getsizeof, theirs))


@pytest.mark.parametrize("text", ["x" * 10, "ü" * 10, "語" * (1 << 20), "a😀\ud800" * (1 << 19)])
def test_load_reads_texts_of_any_length(text):
    document = stdlib.dumps([text, {text[:3]: None}], ensure_ascii=False)
    assert json.load(io.StringIO(document)) == stdlib.loads(document)
    for broken in (document[:-1], document + "x", "\ufeff" + document, "\0" + document):
        assert outcome(json.load, io.StringIO(broken)) == outcome(stdlib.loads, broken)


def test_load_keeps_one_copy_of_the_text():
    class Endless(io.StringIO):
        def read(self, size=-1):
            assert size == 1 << 20, "piece by piece"
            return super().read(size)

    assert json.load(Endless('["' + "é" * (3 << 20) + '"]')) == ["é" * (3 << 20)]


@pytest.mark.parametrize(
    ("use", "hint"),
    [
        (lambda: json.decode("[NaN]"), "`json.loads` reads them"),
        (lambda: json.decode('"\n"'), "`strict=False`"),
        (lambda: json.loads("\ufeff1"), "`utf-8-sig`"),
        (lambda: json.dumps([math.inf], allow_nan=False), "`allow_nan=True`"),
        (lambda: json.encode([math.nan]), '`nan="null"`'),
    ],
)
def test_hints_name_options_of_this_module(use: Callable[[], object], hint: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each has its own message
        use()
    assert hint in str(getattr(caught.value, "hint", ""))
