"""YAML: the suite, agreement with PyYAML, errors, tags, positions, limits, and dumps."""

from __future__ import annotations

import base64
import copy
import io
import json
import math
import os
import pickle
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml
import yaml as pyyaml
from hypothesis import assume, given
from hypothesis import strategies as st

from cannery import CanneryError, errors, yaml


def cases(suites: Path) -> list[Path]:
    return sorted(
        path.parent for path in suites.glob("yaml/**/in.yaml") if "tags" not in path.parts
    )


def as_json(value: Any) -> Any:
    """The value as the suite's JSON has it: keys as text, sets as objects."""
    match value:
        case dict():
            return {key_text(key): as_json(item) for key, item in value.items()}
        case set():
            return {key_text(item): None for item in value}
        case list() | tuple():
            return [as_json(item) for item in value]
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


def key_text(key: Any) -> str:
    return "" if key is None else key if isinstance(key, str) else str(key)


def json_documents(text: str) -> list[Any]:
    found, decoder = [], json.JSONDecoder()
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


def test_the_suite_reads_as_its_json(suites: Path, count_cases: Callable[[str, int], None]) -> None:
    equal, wrong = 0, []
    for case in cases(suites):
        if (case / "error").exists() or not (case / "in.json").exists():
            continue
        text = (case / "in.yaml").read_text()
        expected = json_documents((case / "in.json").read_text())
        found = list(yaml.load_all(text, constructors={"*": lambda _tag, value: value}))
        if unsplit(as_json(found)) == unsplit(expected):
            equal += 1
        else:
            wrong.append((case.name, found, expected))
    count_cases("yaml-test-suite, JSON equal", equal)
    assert not wrong
    assert equal == 279


def unsplit(value: Any) -> Any:
    """`!!binary` content may be broken into lines in the suite's JSON."""
    if isinstance(value, str):
        compact = "".join(value.split())
        return compact if len(compact) > 100 and value.endswith(("=\n", "=")) else value
    if isinstance(value, list):
        return [unsplit(item) for item in value]
    if isinstance(value, dict):
        return {key: unsplit(item) for key, item in value.items()}
    return value


def test_the_suite_is_refused_where_it_must_be(
    suites: Path, count_cases: Callable[[str, int], None]
) -> None:
    refused = 0
    for case in cases(suites):
        if not (case / "error").exists():
            continue
        with pytest.raises(yaml.YAMLError) as caught:
            list(yaml.load_all((case / "in.yaml").read_text()))
        assert caught.value.lineno is not None, case
        assert caught.value.snippet, case
        refused += 1
    count_cases("yaml-test-suite, refused", refused)
    assert refused == 94


def test_errors_show_the_place_and_a_cure() -> None:
    with pytest.raises(yaml.ParserError) as caught:
        yaml.load("a: 1\nb: [1, 2\nc: 3\n")
    error = caught.value
    assert str(error) == (
        "expected `,` or `]`, found `c` at line 3 column 1\n2 | b: [1, 2\n3 | c: 3\n  | ^"
    )
    assert (error.lineno, error.colno, error.line, error.column) == (3, 1, 3, 1)
    assert error.hint
    assert "close the bracket" in error.hint
    assert error.problem == "expected `,` or `]`, found `c`"
    mark = error.problem_mark
    assert mark
    assert (mark.line, mark.column, mark.index) == (2, 0, 14)
    assert mark.get_snippet() == error.snippet
    assert isinstance(error, ValueError)
    assert isinstance(error, CanneryError)


ERRORS = [
    ("a: *x", yaml.ComposerError, "alias `*x` has no anchor at line 1 column 4"),
    (
        "a: 1\nb: 2\na: 3",
        yaml.ConstructorError,
        "the key `a` occurs twice, first at line 1 column 1 at",
    ),
    (
        "- {x: 1, x: 2}",
        yaml.ConstructorError,
        "the key `x` occurs twice, first at line 1 column 4 at",
    ),
    ("? [a]\n: 1\n? [a]\n: 2", yaml.ConstructorError, "occurs twice"),
    ("<<: 3", yaml.ConstructorError, "expected a mapping to merge"),
    ("{[a]: 1, {b: 1}: 2}", yaml.ConstructorError, "a mapping cannot be the key of a `dict`"),
    ("a: 1\n---\nb: 2", yaml.ConstructorError, "expected one document, found a second one"),
    ("!!int x", yaml.ParserError, "`x` is no `!!int`"),
    ("!!timestamp 2026-02-30", yaml.ConstructorError, "is no date of the calendar"),
    ("[" * 2000, yaml.DepthError, "deep"),
    ("é: x: y", yaml.ParserError, "at line 1 column 5"),
    ("a: \x01", yaml.ParserError, "at line 1 column 4"),
    (b"a: \xff", yaml.ReaderError, "expected UTF-8"),
    ("a: \ud800", yaml.ReaderError, "half of a surrogate pair stands at character 3"),
    ("\tb: 1\n\tc: 2", yaml.ParserError, "at line"),
]


@pytest.mark.parametrize(("text", "kind", "message"), ERRORS)
def test_every_error_is_of_its_class(text: Any, kind: type, message: str) -> None:
    with pytest.raises(kind) as caught:
        yaml.load(text)
    assert message in str(caught.value)
    assert isinstance(caught.value, yaml.YAMLError)
    if kind is yaml.DepthError:
        assert isinstance(caught.value, RecursionError)


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("a: [")
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.load(path)
    assert caught.value.file == str(path)
    with path.open() as file, pytest.raises(yaml.YAMLError) as caught:
        yaml.load(file)
    assert caught.value.file == str(path)


def test_duplicate_keys_can_be_let_through() -> None:
    text = "a: 1\nb: 0\na: 2"
    assert yaml.load(text, duplicates="last") == {"a": 2, "b": 0}
    assert yaml.load(text, duplicates="first") == {"a": 1, "b": 0}
    with pytest.raises(ValueError, match="duplicates"):
        yaml.load(text, duplicates="some")


SCALARS = """
no on y yes n off No Yes ON true TRUE tRUE ~ null Null nULL = << 0o14 014 0x1F 0b11 1_000 1_0 _1
1e3 1.5e3 1.5e+3 1.5E-3 12e03 .5 5. . .. ... - -. +1 -1 +.5 -.5 1:30 -1:30 1:30.5 12:60 1:2:3
190:20:30 2001-01-01 2001-1-1 2001-12-14t21:59:43.10-05:00 .inf -.inf +.INF .nan .NaN 0 00 08 09
0o8 0x 0xg 1__2 0_7 -0x1f 0777 99999999999999999999 -99999999999999999999 0xffffffffffffffffffff
1. 1.0 1e 1e+ 685_230.15 6.8523015e+5 3E4415 088253 0b 0b2 +0b1 -0 +0 1,000 12e+3 4.e+3 !!str
2026-11-21T10:00:00Z 1:60
""".split()


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize(
    "text", [*SCALARS, "2001-12-14 21:59:43", "2001-12-15 2:59:43.1 -5", "a b"]
)
def test_schema_1_1_reads_scalars_as_pyyaml_does(text: str) -> None:
    document = f"a: {text}"
    try:
        expected = pyyaml.safe_load(document)
    except (pyyaml.YAMLError, ValueError):
        assert text in ("=", "-", "<<", "1:60")  # what PyYAML cannot construct
        return
    found = yaml.load(document, schema="1.1")
    assert same(found["a"], expected["a"])


@pytest.mark.parametrize("text", [text for text in SCALARS if text != "-"])
def test_the_core_schema_reads_scalars_as_the_specification_says(text: str) -> None:
    assert same(yaml.load(f"a: {text}")["a"], core(text) if text != "!!str" else "")


def core(text: str) -> Any:
    """The specification's table, section 10.3.2."""
    table: list[tuple[str, Callable[[str], Any]]] = [
        (r"null|Null|NULL|~|", lambda _: None),
        (r"true|True|TRUE", lambda _: True),
        (r"false|False|FALSE", lambda _: False),
        (r"[-+]?[0-9]+", int),
        (r"0o[0-7]+", lambda digits: int(digits[2:], 8)),
        (r"0x[0-9a-fA-F]+", lambda digits: int(digits, 16)),
        (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
        (r"[-+]?(\.inf|\.Inf|\.INF)", lambda digits: float(digits.replace(".", "").lower())),
        (r"\.nan|\.NaN|\.NAN", lambda _: math.nan),
    ]
    return next((make(text) for form, make in table if re.fullmatch(form, text)), text)


def test_schemas_differ_where_they_should() -> None:
    text = "[no, 0o14, 014, 1e3, ~, '~', 2026-11-21, True]"
    assert yaml.load(text) == ["no", 12, 14, 1000.0, None, "~", "2026-11-21", True]
    assert yaml.load(text, schema="1.2") == yaml.load(text)
    assert yaml.load(text, schema="1.1") == [
        False, "0o14", 12, "1e3", None, "~", date(2026, 11, 21), True,
    ]  # fmt: skip
    assert yaml.load("[true, True, 1, 01]", schema="json") == [True, "True", 1, "01"]
    strings = ["no", "0o14", "014", "1e3", "~", "~", "2026-11-21", "True"]
    assert yaml.load(text, schema="failsafe") == strings == yaml.load(text, yaml.BaseLoader)
    with pytest.raises(ValueError, match="schema must be"):
        yaml.load(text, schema="1.3")


def test_shared_and_cyclic_values_stay_so() -> None:
    value = yaml.load("a: &x [1]\nb: *x\nc: &me {self: *me}\nd: &s !!set {k}\ne: *s")
    assert value["a"] is value["b"]
    assert value["c"]["self"] is value["c"]
    assert value["d"] is value["e"]
    loop: list[Any] = [1]
    loop.append(loop)
    text = yaml.dump({"loop": loop, "again": loop})
    assert text == "again: &again\n- 1\n- *again\nloop: *again\n"
    again = yaml.load(text)
    assert again["again"][1] is again["again"] is again["loop"]


def test_merges_put_entries_below_the_own() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 0}\nd: {z: 9, <<: *b}"
    value = yaml.load(text)
    assert value["c"] == {"x": 0, "y": 2, "z": 4}
    assert value["d"] == {"y": 3, "z": 9}
    assert value == pyyaml.safe_load(text) == yaml.load(text, schema="1.1")
    assert yaml.load("{<<: 1}", schema="json") == {"<<": 1}
    assert yaml.load("{'<<': 1}") == {"<<": 1}
    with pytest.raises(yaml.YAMLError, match="itself"):
        yaml.load("&a {<<: *a}")


def test_tags_are_data() -> None:
    tagged = yaml.load("!!python/object/apply:os.system ['true']")
    assert isinstance(tagged, yaml.Tagged)
    assert tagged.tag == "tag:yaml.org,2002:python/object/apply:os.system"
    assert tagged.value == ["true"]
    assert repr(yaml.load("!point {x: 1}")) == "Tagged('!point', {'x': 1})"
    for text in ("!point\nx: 1\n", "!!python/tuple\n- 1\n", "!<tag:x.org:a> b\n", "!e 1\n"):
        tagged = yaml.load(text)
        assert yaml.load(yaml.dump(tagged)) == tagged
    assert yaml.dump(yaml.Tagged("!point", {"x": 1})) == "!point\nx: 1\n"
    assert {yaml.Tagged("!a", 1): 2}[yaml.Tagged("!a", 1)] == 2
    assert pickle.loads(pickle.dumps(tagged)) == copy.deepcopy(tagged) == tagged
    match tagged:
        case yaml.Tagged(tag, value):
            assert (tag, value) == ("!e", "1")


def test_constructors_make_something_of_tags() -> None:
    make = {"!point": lambda v: (v["x"], v["y"]), "!env/*": lambda name, v: f"{name}={v}"}
    text = "[!point {x: 1, y: 2}, !env/HOME x, !other 1, &p !point {x: 0, y: 0}, *p]"
    found = yaml.load(text, constructors=make)
    assert found == [(1, 2), "HOME=x", yaml.Tagged("!other", "1"), (0, 0), (0, 0)]
    assert found[3] is found[4]
    assert yaml.load("!!python/tuple [1]", constructors={"!!python/tuple": tuple}) == (1,)
    with pytest.raises(ZeroDivisionError) as caught:
        yaml.load("!z 0", constructors={"!z": lambda v: 1 / int(v)})
    assert "in the constructor of `!z`" in caught.value.__notes__
    with pytest.raises(yaml.YAMLError, match="part of itself"):
        yaml.load("&a !t [*a]", constructors={"!t": tuple})


def test_positions_are_told_on_request() -> None:
    text = "rows:\n- name: é\n  at: &x [1,\n    2]\n- *x\nlast: !t {a: b}\n"
    value, positions = yaml.load(text, positions=True)
    assert value == yaml.load(text)
    assert (positions.line, positions.column) == (1, 1)
    assert positions["rows"][0]["name"].column == 9
    assert positions.locate("rows", 0, "at", 1) == (4, 5)
    assert positions.locate("rows", 1) == (5, 3)
    assert positions.locate("rows", 1, 1) == (4, 5)
    assert positions.locate("last", "a") == (6, 14)
    with pytest.raises(KeyError):
        positions["missing"]
    second = list(yaml.load_all("a: 1\n---\nb:\n  c: 2\n", positions=True))[1]
    assert second[1].locate("b", "c") == (4, 6)
    base = "base: &b {x: 1}\nfine: {<<: *b, y: 2}"
    assert yaml.load(base, positions=True)[1].locate("fine", "x") == (1, 14)
    assert yaml.load("", positions=True)[0] is None


def test_positions_on_one_long_line_take_linear_time() -> None:
    count = 300_000  # quadratic time would be minutes
    value, positions = yaml.load("[" + "a," * count + "]", positions=True)
    assert len(value) == count
    assert positions.locate(count - 1) == (1, 2 * count)


def test_many_shared_values_are_written_in_linear_time() -> None:
    lists = [[number] for number in range(50_000)]
    for flow in (False, True):
        text = yaml.dump([lists, lists[::-1]], default_flow_style=flow)
        again = yaml.load(text)
        assert again[0][7] is again[1][-8]


def test_bombs_stop() -> None:
    laughs = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40)
    )
    value = yaml.load(laughs)  # shared, not expanded: it takes no room
    assert value["a39"][0] is value["a38"]
    again = yaml.load(yaml.dump(value))
    assert again["a39"][0] is again["a38"]
    merged = "a0: &a0 {x: 1}\n" + "".join(
        f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], k{i}: 1}}\n" for i in range(1, 3000)
    )
    with pytest.raises(yaml.LimitError, match="merge keys expand"):
        yaml.load(merged)
    with pytest.raises(errors.LimitError):
        yaml.load(merged)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_encodings_are_recognised(encoding: str, tmp_path: Path) -> None:
    text = "a: é\nb: 日本\n---\n- 𝄞\n"
    data = text.encode(encoding)
    expected = [{"a": "é", "b": "日本"}, ["𝄞"]]
    path = tmp_path / "file.yaml"
    path.write_bytes(data)
    assert list(yaml.load_all(data)) == expected
    assert list(yaml.load_all(io.BytesIO(data))) == expected
    assert list(yaml.load_all(path)) == expected
    assert (
        yaml.load(data.split("---".encode(encoding))[0]) == expected[0]
        if "-" in encoding[4:]
        else 1
    )


def test_sources_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: é\n", encoding="utf-8")
    for source in (path, path.read_text("utf-8"), path.read_bytes(), bytearray(path.read_bytes())):
        assert (
            yaml.load(source) == {"a": "é"} == yaml.safe_load(source) == next(yaml.load_all(source))
        )
    with path.open(encoding="utf-8") as text, path.open("rb") as binary:
        assert yaml.load(text) == yaml.load(binary) == {"a": "é"}
    assert yaml.load("") is None
    assert yaml.load("# nothing") is None
    assert list(yaml.load_all("")) == []
    with pytest.raises(TypeError, match="expected str"):
        yaml.load(3)  # type: ignore[arg-type]


def test_loaders_of_pyyaml_are_taken_for_what_they_mean() -> None:
    for loader in (yaml.SafeLoader, yaml.FullLoader, pyyaml.SafeLoader, pyyaml.CSafeLoader):
        assert yaml.load("a: 1", loader) == {"a": 1} == yaml.load("a: 1", Loader=loader)
    assert yaml.load("a: 1", pyyaml.BaseLoader) == {"a": "1"}
    assert yaml.load("a: no", pyyaml.UnsafeLoader) == {"a": False}
    with pytest.raises(TypeError, match="constructors="):
        yaml.load("a: 1", Loader=type("Mine", (pyyaml.SafeLoader,), {}))
    assert yaml.dump([1], Dumper=pyyaml.SafeDumper) == "- 1\n"
    with pytest.raises(TypeError, match="representers="):
        yaml.dump([1], Dumper=type("Mine", (), {}))


def test_streams_are_read_document_by_document() -> None:
    class Source(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            reads.append(size)
            return super().read(size)

    reads: list[int | None] = []
    documents = yaml.load_all(Source("".join(f"---\nn: {n}\n" for n in range(100_000))))
    assert next(documents) == {"n": 0}
    assert len(reads) < 5
    assert sum(document["n"] for document in documents) == sum(range(1, 100_000))
    broken = yaml.load_all("a: 1\n---\nb: [\n---\nc: 1\n")
    assert next(broken) == {"a": 1}
    with pytest.raises(yaml.YAMLError, match="line 4 column 1"):
        next(broken)
    assert list(broken) == []


def test_a_stream_takes_the_memory_of_its_longest_document() -> None:
    """Sixteen times the stream takes no more, counted in what the interpreter allocates."""

    class Source(io.RawIOBase):
        def __init__(self, documents: int) -> None:
            self.left = documents

        def read(self, size: int = -1) -> bytes:
            chunk = b"".join(
                b"---\nid: %d\nvalues: [1, 2, 3]\ntext: |\n  some\n  lines\n" % number
                for number in range(self.left, max(0, self.left - 1000), -1)
            )
            self.left = max(0, self.left - 1000)
            waiting.extend(chunk)
            given = bytes(waiting[:size])
            del waiting[:size]
            return given

    def peak(documents: int) -> int:
        waiting.clear()
        before = resident()
        highest = before
        for number, document in enumerate(yaml.load_all(Source(documents))):
            assert document["values"] == [1, 2, 3]
            if number % 5000 == 0:
                highest = max(highest, resident())
        return highest - before

    waiting = bytearray()
    peak(10_000)
    assert peak(160_000) < 4 << 20  # of 10 MB


def resident() -> int:
    """The memory that the process holds, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# --- what dumps look like


def test_dumps_are_what_people_write() -> None:
    value = {
        "name": "x",
        "list": [1, {"a": 1, "b": []}, [2, 3]],
        "text": "two\nlines\n",
        "empty": {},
        "none": None,
        "pi": 3.5,
    }
    assert yaml.dump(value, sort_keys=False) == (
        "name: x\nlist:\n- 1\n- a: 1\n  b: []\n- - 2\n  - 3\ntext: |\n  two\n  lines\n"
        "empty: {}\nnone: null\npi: 3.5\n"
    )
    assert yaml.dump({"b": 1, "a": 2}) == "a: 2\nb: 1\n"
    assert yaml.dump({1: 1, "a": 2}) == "1: 1\na: 2\n"
    assert yaml.dump("text") == "text\n"
    assert yaml.dump([]) == "[]\n"
    flow = {"a": [1, [2]], "b": {"x": "y, z"}}
    assert yaml.dump(flow, default_flow_style=True) == "{a: [1, [2]], b: {x: 'y, z'}}\n"
    assert yaml.dump(flow, default_flow_style=None) == "a:\n- 1\n- [2]\nb: {x: 'y, z'}\n"
    assert yaml.dump({"a": {"b": [1]}}, indent=4) == "a:\n    b:\n    - 1\n"
    assert yaml.dump({"é": "ü"}, allow_unicode=False) == '"\\xe9": "\\xfc"\n'
    assert yaml.dump(1, explicit_start=True, explicit_end=True) == "--- 1\n...\n"
    assert yaml.dump({"a": "b"}, line_break="\r\n", encoding="utf-8") == b"a: b\r\n"
    assert yaml.dump(["a", 1], default_style='"') == '- "a"\n- 1\n'
    assert yaml.dump(["a", "it's"], default_style="'") == "- 'a'\n- 'it''s'\n"
    assert yaml.dump(["a\nb"], default_style=">") == "- >-\n  a\n\n  b\n"
    assert yaml.dump(["a"], default_style="|") == "- |-\n  a\n"
    assert yaml.dump({"a": [1]}, canonical=True) == '--- {"a": [1]}\n'


def test_directives_are_written() -> None:
    tagged = yaml.Tagged("tag:example.com,2026:point", [1])
    text = yaml.dump(tagged, version=(1, 2), tags={"!e!": "tag:example.com,2026:"})
    assert text == "%YAML 1.2\n%TAG !e! tag:example.com,2026:\n--- !e!point\n- 1\n"
    assert yaml.load(text) == tagged
    stream = yaml.dump_all([tagged, 2, tagged], tags={"!e!": "tag:example.com,2026:"})
    assert list(yaml.load_all(stream)) == [tagged, 2, tagged]
    local = yaml.Tagged("!mine", "x")
    text = yaml.dump(local, tags={"!": "tag:example.com,2026:"})
    assert yaml.load(text) == local
    with pytest.raises(ValueError, match="version"):
        yaml.dump(1, version=(2, 0))
    with pytest.raises(ValueError, match="tag handle"):
        yaml.dump(1, tags={"e": "x"})


def test_streams_are_written(tmp_path: Path) -> None:
    assert yaml.dump_all([1, [2], {}]) == "1\n---\n- 2\n--- {}\n"
    assert yaml.dump_all([]) == ""
    assert yaml.dump_all([], encoding="utf-8") == b""
    path = tmp_path / "out.yaml"
    with path.open("wb") as file:
        assert yaml.dump_all(({"k": n} for n in range(3)), file) is None
        assert yaml.dump({"é": 1}, file) is None
    assert path.read_text("utf-8") == "k: 0\n---\nk: 1\n---\nk: 2\né: 1\n"
    out = io.StringIO()
    yaml.safe_dump({"a": 1}, out)
    assert out.getvalue() == "a: 1\n"


class Money:
    def __init__(self, amount: int) -> None:
        self.amount = amount


def test_values_without_a_form_are_refused_with_their_path() -> None:
    with pytest.raises(yaml.RepresenterError) as caught:
        yaml.dump({"rows": [1, {"when": Money(3)}]})
    assert caught.value.path == "$.rows[1].when"
    assert caught.value.hint
    assert "representers" in caught.value.hint
    dumped = yaml.dump([Money(3)], representers={Money: lambda m: yaml.Tagged("!money", m.amount)})
    assert dumped == "- !money 3\n"
    offset = timezone(timedelta(seconds=61))
    with pytest.raises(yaml.RepresenterError, match="time zone with seconds"):
        yaml.dump(datetime(2026, 1, 1, tzinfo=offset))


TRICKY = [
    *SCALARS,
    " a",
    "a ",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "#a",
    "",
    "- a",
    "-",
    "--- a",
    "---",
    "? a",
    "?",
    "a\tb",
    "\t",
    "a\nb",
    "\n",
    "a\n\nb\n",
    "\na",
    " a\nb",
    "a\r\nb",
    "\x85",
    "\u2028a",
    "\ufeff",
    "\x00",
    "\x7f",
    "é",
    "𝄞",
    "\ufffe",
    "\ue000",
    "'",
    '"',
    "a'b",
    "\\",
    "%a",
    "@a",
    "`a",
    "!a",
    "&a",
    "*a",
    "|",
    ">",
    "[a",
    "{a",
    "a, b",
    "]",
    "}",
    "a]b",
    "key: [",
    "\n\n",
    "a\n ",
    "a\n  b",
    " \n",
    "x" * 200,
    "word " * 60,
    "a b  c " * 30,
]

texts = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(exclude_categories=["Cs"])))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False),
    texts,
)
rich = st.one_of(
    scalars,
    st.binary(max_size=100),
    st.dates(),
    st.datetimes().map(lambda moment: moment.replace(fold=0)),
)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=5), st.dictionaries(texts | st.integers(), inner, max_size=5)
        ),
        max_leaves=12,
    )


options = st.fixed_dictionaries(
    {},
    optional={
        "default_flow_style": st.sampled_from([None, False, True]),
        "default_style": st.sampled_from(["'", '"', "|", ">"]),
        "indent": st.integers(1, 9),
        "width": st.integers(1, 100),
        "allow_unicode": st.booleans(),
        "explicit_start": st.booleans(),
        "sort_keys": st.booleans(),
        "line_break": st.sampled_from(["\n", "\r\n"]),
    },
)


def exactly(a: Any, b: Any) -> bool:
    """Equal, with the same types everywhere: 1 is not True, 0.0 is not -0.0."""
    return a == b and sorted_repr(a) == sorted_repr(b)


def sorted_repr(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{k!r}: {sorted_repr(v)}" for k, v in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(sorted_repr, value)) + "]"
    return repr(value)


@given(nested(rich), options)
def test_dumps_read_back_in_both_versions(value: Any, options: dict[str, Any]) -> None:
    text = yaml.dump(value, **options)
    assert exactly(yaml.load(text), value), text
    assert exactly(yaml.load(text, schema="1.1"), value), text


@given(nested(rich), options)
def test_dumps_read_back_in_pyyaml(value: Any, options: dict[str, Any]) -> None:
    text = yaml.dump(value, **options)
    assert exactly(pyyaml.load(text, pyyaml.SafeLoader), value), text


@given(nested(scalars), options)
def test_dumps_read_back_in_libyaml(value: Any, options: dict[str, Any]) -> None:
    text = yaml.dump(value, **options)
    assert exactly(pyyaml.load(text, pyyaml.CSafeLoader), value), text


@given(nested(scalars), options)
def test_dumps_read_back_in_ruamel(value: Any, options: dict[str, Any]) -> None:
    text = yaml.dump(value, **options)
    reader = ruamel.yaml.YAML(typ="safe", pure=True)
    assert exactly(reader.load(text), value), text


@given(nested(scalars))
def test_what_pyyaml_writes_reads_back(value: Any) -> None:
    text = pyyaml.safe_dump(value, allow_unicode=True)
    # Line breaks in YAML 1.1 and in no other: the schema is 1.1's, the grammar is 1.2's.
    assume(not any(mark in text for mark in "\x85\u2028\u2029"))
    assert exactly(yaml.load(text, schema="1.1"), value), text


@given(st.text("-[]{}:,?&*!|>#'\"%a1 \n", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = yaml.load(text)
    except yaml.YAMLError as error:
        refused = error
    else:
        refused = None
    if refused:
        assert refused.lineno is not None
        return
    again, positions = yaml.load(text, positions=True)
    assert sorted_repr(again) == sorted_repr(value) or "Tagged" in repr(value)
    assert positions.line >= 1


def test_sets_and_tuples_and_bytes_have_their_forms() -> None:
    value = {"set": {"a", "b"}, "bytes": b"\x00\xff", "when": datetime(2026, 1, 2, 3, 4, 5, 6)}
    text = yaml.dump(value)
    assert text == (
        "bytes: !!binary AP8=\nset: !!set\n  ? a\n  ? b\n"
        "when: !!timestamp 2026-01-02T03:04:05.000006\n"
    )
    assert yaml.load(text) == value == pyyaml.safe_load(text)
    assert yaml.load(yaml.dump((1, 2))) == [1, 2]
    utc = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert yaml.load(yaml.dump(utc)) == utc == pyyaml.safe_load(yaml.dump(utc))


def test_errors_of_a_file_name_it(tmp_path: Path) -> None:
    bad, broken = tmp_path / "bad.yaml", tmp_path / "broken.yaml"
    bad.write_text("a: 1\n---\nb: [1\n")
    broken.write_bytes(b"a: \xff\n")
    with bad.open() as text, bad.open("rb") as data:
        for read in (
            lambda: list(yaml.load_all(bad)),
            lambda: list(yaml.load_all(text)),
            lambda: list(yaml.load_all(data)),
            lambda: yaml.load(bad),
            lambda: yaml.open(bad),
        ):
            with pytest.raises(yaml.ParserError) as caught:
                read()
            assert str(caught.value).startswith(f"{bad}: ")
            assert caught.value.file == str(bad)
            assert caught.value.problem_mark.name == str(bad)
    for read in (lambda: yaml.load(broken), lambda: yaml.open(broken)):
        with pytest.raises(yaml.ReaderError, match=r"broken\.yaml: .*UTF-8"):
            read()


@pytest.mark.parametrize(("prefix", "digit"), [("0x", "f"), ("-0x", "a"), ("0", "7"), ("0b", "1")])
def test_long_numbers_of_bits_are_read_in_linear_time(prefix: str, digit: str) -> None:
    base = {"0x": 16, "-0x": 16, "0": 8, "0b": 2}[prefix]
    text = prefix + digit * 2_000_000
    before = time.process_time()
    value = yaml.safe_load(text)
    # By way of decimal digits it takes 2 to 20 seconds.
    assert time.process_time() - before < 1.0
    assert value == int(digit * 2_000_000, base) * (-1 if prefix[0] == "-" else 1)
