"""A format in a crate of its own joins the others by one line, and Python knows it, too.

Only the wheel of the tests has it, where it is built with the feature `toy`.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from formats_table import table

import cannery
from cannery import _native

pytestmark = pytest.mark.skipif(
    all(row[0] != "toy" for row in _native.formats()[0]), reason="built without the feature `toy`"
)

VALUE = {"a": (1, 2.5), "b": ["é\n\\", None, True], "when": datetime.date(2026, 12, 2), 3: {1, 2}}


@pytest.mark.parametrize("name", ["a.toy", "a.TOY", "a.toy.gz"])
def test_it_is_a_file_like_others(tmp_path: Path, name: str) -> None:
    cannery.dump(VALUE, tmp_path / name)
    assert cannery.load(tmp_path / name) == VALUE
    if name == "a.toy":
        (tmp_path / "unnamed").write_bytes((tmp_path / name).read_bytes())
        assert (tmp_path / name).read_bytes().startswith(b"toy\n{\n")
        assert cannery.load(tmp_path / "unnamed", format="toy") == VALUE


def test_its_bytes_are_recognized() -> None:
    data = cannery.dumps(VALUE, "toy")
    assert cannery.loads(data) == VALUE
    assert cannery.loads(cannery.dumps([1, 2], "toy"), type=set[int]) == {1, 2}
    shared = [1]
    again = cannery.loads(cannery.dumps([shared, shared], "toy"))
    assert again[0] is again[1]


def test_errors_say_where(tmp_path: Path) -> None:
    (tmp_path / "bad.toy").write_text("toy\n{\n1\n}\n")
    with pytest.raises(cannery.CanneryError, match="line 3 column 1"):
        cannery.load(tmp_path / "bad.toy")


def test_the_tables_list_it() -> None:
    assert "| `toy` | `.toy` | one document, an event to a line |" in table()
    with pytest.raises(cannery.CanneryError) as caught:
        cannery.dump(VALUE, "a.tory")
    assert "toy" in str(caught.value.hint)
