"""The examples of docs/pipelines.md run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "pipelines.md"


@pytest.mark.filterwarnings("ignore::cannery.errors.CacheWarning")
def test_the_examples_run(tmp_path, monkeypatch):
    pytest.importorskip("numpy")
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 7
    (tmp_path / "pipelines_page.py").write_text("\n".join(examples))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    __import__("pipelines_page")
