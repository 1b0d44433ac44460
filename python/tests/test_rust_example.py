"""The artifacts that the Rust example reads are the ones that Python writes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "rust"
ARTIFACTS = EXAMPLE / "tests" / "artifacts"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("write_store", EXAMPLE / "write_store.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["write_store"] = module
    try:
        spec.loader.exec_module(module)
        yield module.write(tmp_path_factory.mktemp("rust") / "store")
    finally:
        del sys.modules["write_store"]


@pytest.mark.parametrize("name", ["read_pages", "count_labels"])
def test_python_writes_the_bytes_that_the_rust_program_reads(store, name):
    blobs = store.path / "objects"
    digest = store.artifact(name).digest
    manifest = (blobs / digest[:2] / digest[2:]).read_text()
    assert manifest == (ARTIFACTS / name / "manifest.txt").read_text()
    data = next(line.split()[1] for line in manifest.splitlines() if line.startswith("file "))
    written = (blobs / data[:2] / data[2:]).read_bytes()
    assert written == (ARTIFACTS / name / "data.json").read_bytes()
