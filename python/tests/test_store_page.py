"""The examples of docs/store.md run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "store.md"


@pytest.mark.filterwarnings("ignore::cannery.errors.CacheWarning")
def test_the_examples_run(tmp_path, monkeypatch):
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) == 2
    program = tmp_path / "store_page.py"
    program.write_text("\n".join(examples))
    monkeypatch.syspath_prepend(tmp_path)
    __import__("store_page")
