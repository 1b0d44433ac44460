"""`docs/unsafe.md` against the sources that it is about."""

import re

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "unsafe.md"
CRATES = ROOT / "crates"
ROW = re.compile(r"\| `(?P<file>[^`]+\.rs)` \| (?P<blocks>\d+) \| (?P<letters>[A-Z ]+) \|")

pytestmark = pytest.mark.skipif(not CRATES.is_dir(), reason="the sources are not here")


def blocks_of(text: str) -> int:
    return len(re.findall(r"\bunsafe\s*\{|\bunsafe impl\b", text))


def test_every_block_is_listed() -> None:
    listed = {row["file"]: int(row["blocks"]) for row in ROW.finditer(PAGE.read_text())}
    found = {
        str(path.relative_to(CRATES)): blocks
        for path in CRATES.rglob("*.rs")
        if (blocks := blocks_of(path.read_text()))
    }
    assert listed == found


def test_every_assumption_has_tests_that_exist() -> None:
    text = PAGE.read_text()
    letters = {letter for row in ROW.finditer(text) for letter in row["letters"].split()}
    assumptions = dict(re.findall(r"^\| ([A-Z]) \|.*\| ([^|]+) \|$", text, re.M))
    assert letters == assumptions.keys()
    for tests in assumptions.values():
        named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", tests)
        assert named or "properties" in tests
        for file, function in named:
            source = (ROOT / "python" / "tests" / file).read_text()
            assert f"def {function or 'test_'}" in source
