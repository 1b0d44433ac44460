"""The documents: every Python block runs, and every link to a file leads to one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
#: Its blocks are values beside their tagged form: test_format_page.py compares the two.
NO_PROGRAM = ROOT / "docs" / "format.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


PROGRAMS = [path for path in DOCUMENTS if path != NO_PROGRAM and BLOCK.search(path.read_text())]


@pytest.mark.parametrize("document", PROGRAMS, ids=name)
def test_the_blocks_of_a_document_run_in_order(document: Path, tmp_path: Path) -> None:
    """As one program, in an empty folder: a reader types them one after the other."""
    program = tmp_path / "blocks.py"
    program.write_text("\n".join(BLOCK.findall(document.read_text())))
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_to_files_lead_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_readme_shows_code() -> None:
    assert BLOCK.search((ROOT / "README.md").read_text())
