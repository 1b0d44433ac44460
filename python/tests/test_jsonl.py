"""`cannery.jsonl` over everything that lines come from and go to."""

from __future__ import annotations

import gzip
import io
import json as stdlib
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cannery import jsonl
from cannery.errors import DataTypeError

ROWS = [{"id": 1, "text": "a"}, [1.5, None, "é"], "ページ", {"nested": {"deep": [[]]}}, 2**70]

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(plain))
def test_what_is_written_reads_back(rows):
    text = jsonl.dumps(rows)
    assert repr(jsonl.loads(text)) == repr(rows)
    assert repr([stdlib.loads(line) for line in text.split("\n")[:-1]]) == repr(rows)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst"])
def test_paths(tmp_path: Path, name: str):
    path = tmp_path / name
    assert jsonl.write(path, iter(ROWS)) == len(ROWS)
    assert list(jsonl.read(path)) == ROWS
    assert jsonl.write(str(path), ROWS[:2], append=True) == 2
    assert list(jsonl.read(str(path))) == ROWS + ROWS[:2]
    if name.endswith(".gz"):
        with gzip.open(path) as lines:
            assert [stdlib.loads(line) for line in lines] == ROWS + ROWS[:2]


def test_file_objects():
    binary, text = io.BytesIO(), io.StringIO()
    jsonl.write(binary, ROWS)
    jsonl.write(text, ROWS)
    assert binary.getvalue().decode() == text.getvalue() == jsonl.dumps(ROWS)
    assert list(jsonl.read(io.BytesIO(binary.getvalue()))) == ROWS
    assert list(jsonl.read(io.StringIO(text.getvalue()))) == ROWS
    assert list(jsonl.read(io.BytesIO(gzip.compress(binary.getvalue())))) == ROWS


def test_standard_input_and_output():
    code = "from cannery import jsonl; jsonl.write('-', jsonl.read('-'))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        input=jsonl.dumps(ROWS).encode(),
        capture_output=True,
        check=True,
    )
    assert jsonl.loads(ran.stdout) == ROWS


def test_a_bad_line_says_where_and_what_to_do(tmp_path: Path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": 1}\n{"id": oops}\n{"id": 3,}\n{"id": 4}\n')
    rows = jsonl.read(path)
    assert next(rows) == {"id": 1}
    with pytest.raises(ValueError, match=r"bad\.jsonl.*line 2 column 8|line 2 column 8") as caught:
        next(rows)
    assert str(path) in str(caught.value)
    assert list(jsonl.read(path, on_error="skip")) == [{"id": 1}, {"id": 4}]
    collecting = jsonl.read(path, on_error="collect")
    assert list(collecting) == [{"id": 1}, {"id": 4}]
    second, third = collecting.errors
    assert "line 2" in str(second)
    assert "line 3" in str(third)
    assert third.hint


def test_every_error_says_what_to_do(tmp_path: Path):
    path = tmp_path / "bad.jsonl"
    path.write_text("[1,]\n{x}\n")
    rows = jsonl.read(path)
    with pytest.raises(ValueError, match="line 1 column 4") as caught:
        next(rows)
    assert caught.value.hint.startswith("remove the comma before it; to go on without")
    with pytest.raises(ValueError, match=r"bad\.jsonl: expected a key") as caught:
        next(rows)
    assert 'on_error="skip"' in caught.value.hint
    assert (caught.value.file, caught.value.line, caught.value.column) == (str(path), 2, 2)
    assert list(rows) == []


def test_a_damaged_file_is_no_bad_line(tmp_path: Path):
    path = tmp_path / "cut.jsonl.gz"
    lines = "".join(f"[{number * number}]\n" for number in range(100_000))
    path.write_bytes(gzip.compress(lines.encode())[:-20_000])
    rows = jsonl.read(path, on_error="skip")
    with pytest.raises((ValueError, OSError)):
        list(rows)


def test_the_file_is_let_go(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    jsonl.write(path, ROWS)
    with jsonl.read(path) as rows:
        assert next(rows) == ROWS[0]
    assert list(rows) == []
    rows = jsonl.read(path)
    rows.close()
    assert list(rows) == []


@pytest.mark.parametrize("where", [bytearray(b"[1]"), ["[1]"], 5])
def test_what_is_no_place_is_refused(where):
    with pytest.raises(TypeError, match="expected a path"):
        jsonl.read(where)
    with pytest.raises(TypeError, match="expected a path"):
        jsonl.write(where, [])


def test_rows_may_be_iterators():
    assert jsonl.dumps([iter([1, 2]), {"a": map(str, [3])}]) == '[1,2]\n{"a":["3"]}\n'


def test_small_rows_and_pieces_of_every_size():
    rows = [{"n": n, "text": "é" * (n % 7)} for n in range(300)]
    text = jsonl.dumps(rows).replace("\n", " \r\n\n", 50)

    class Slow(io.BytesIO):
        def __init__(self, text: str, width: int) -> None:
            super().__init__(text.encode())
            self.width = width

        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, self.width))

    for width in (1, 2, 7, 64, 1000):
        assert list(jsonl.read(Slow(text, width))) == rows
        bad = text.replace('"n": 150', '"n": x').replace('"n":150', '"n":x')
        reading = jsonl.read(Slow(bad, width), on_error="collect")
        assert list(reading) == rows[:150] + rows[151:]
        assert "line 201 column 6" in str(reading.errors[0])


def test_documents_need_no_lines():
    text = '{"a":\n  1\n}\n\n[1,\n2] "x"{"b": 2}3 4\n'
    expected = [{"a": 1}, [1, 2], "x", {"b": 2}, 3, 4]
    assert jsonl.loads(text) == expected
    assert list(jsonl.read(io.StringIO(text))) == expected
    pretty = "\n".join(stdlib.dumps(row, indent=2) for row in ROWS)
    assert jsonl.loads(pretty) == ROWS


def test_a_row_that_cannot_be_written_leaves_no_trace(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    with pytest.raises(TypeError):
        jsonl.write(path, [{"a": 1}, {"b": object()}])
    assert not path.exists()
    jsonl.write(path, [1])
    with pytest.raises(TypeError):
        jsonl.write(path, [2, [object()], 3], append=True)
    assert list(jsonl.read(path)) == [1, 2]
    with pytest.raises(ValueError, match="not JSON compliant"):
        jsonl.write(path, [float("nan")], append=True)
    assert list(jsonl.read(path)) == [1, 2]
    assert jsonl.write(path, [{1, 2}], append=True, default=sorted) == 1
    assert list(jsonl.read(path)) == [1, 2, [1, 2]]


def test_writers_that_append_at_once_keep_lines_whole(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    code = (
        "import sys; from cannery import jsonl\n"
        "row = {'who': sys.argv[2], 'pad': 'x' * 5000}\n"
        "for i in range(50): jsonl.write(sys.argv[1], [row], append=True)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(who)]) for who in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    rows = list(jsonl.read(path))
    assert len(rows) == 200
    assert {row["who"] for row in rows} == set("0123")


def test_memory_is_constant(tmp_path: Path):
    path = tmp_path / "many.jsonl"
    row = {"text": "x" * 1000, "numbers": list(range(20))}
    tracemalloc.start()
    jsonl.write(path, (row for _ in range(20_000)))
    assert sum(1 for _ in jsonl.read(path)) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 20_000_000
    assert peak < 1_000_000


@pytest.mark.parametrize("value", [{"a": 1}, "text", b"bytes", 1])
def test_one_value_is_no_rows(value: object, tmp_path: Path) -> None:
    path, rows = tmp_path / "rows.jsonl", cast("list[object]", value)
    for write in (lambda: jsonl.write(path, rows), lambda: jsonl.dumps(rows)):
        with pytest.raises(DataTypeError, match="expected rows, got") as caught:
            write()
        assert "put it in a list" in str(caught.value.hint)
    assert not path.exists()
