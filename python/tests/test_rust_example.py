"""The artifacts that the Rust example reads are the ones that Python writes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import cannery

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


def count_words() -> Path:
    """The program of the example, which `cargo test` and `cargo build` make."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = [target / profile / "count_words" for profile in ("debug", "release", "quick")]
    found = [program for program in found if program.is_file()]
    if not found:
        pytest.skip("!! no count_words: `cargo build -p cannery-examples` makes it")
    return max(found, key=lambda program: program.stat().st_mtime)


def test_rust_and_python_steps_share_artifacts_cache_and_store(tmp_path):
    command = [sys.executable, EXAMPLE / "word_flow.py", count_words()]
    store = tmp_path / "store"
    environment = {**os.environ, "CANNERY_STORE": str(store)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if ":" in line]
    assert said == [
        'counted: [("the", 2), ("mind", 1)]',
        "report: written",
        'known: [("the", 2), ("mind", 1)]',
        "report: known",
        'counted: [("mind", 2), ("the", 2)]',
        "report: written",
        "from: reporting/report, counting/most, counting/count, reading/words",
    ]
    counts = cannery.Store(store).artifact("counting/count", 1)
    assert counts.load() == {
        word: 2 if word == "the" else 1
        for word in "not that the question whether nobler mind".split()
    }
