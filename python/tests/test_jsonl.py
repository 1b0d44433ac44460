"""`cannery.jsonl` over everything that lines come from and go to."""

from __future__ import annotations

import gzip
import io
import json as stdlib
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cannery import jsonl

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
