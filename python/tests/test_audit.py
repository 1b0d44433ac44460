"""Files that native code opens are heard of: by auditors, and by steps that read them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cannery import jsonl, npy, pipeline, step

np = pytest.importorskip("numpy")

heard: list[tuple[str, str]] | None = None


def hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and heard is not None and isinstance(arguments[0], str):
        heard.append(arguments[:2])


sys.addaudithook(hear)  # for good: a hook cannot be removed

ROWS = [{"a": 1}]
ARRAY = np.arange(3)

CALLS: list[tuple[str, str, Callable[[Path], object]]] = [
    ("a.npy", "wb", lambda path: npy.save(path, ARRAY)),
    ("a.npy", "rb", npy.load),
    ("a.npy", "rb", lambda path: npy.load(path, mmap=True)),
    ("a.npy", "rb", npy.open),
    ("a.npz", "wb", lambda path: npy.savez(path, a=ARRAY)),
    ("a.npz", "wb", lambda path: npy.savez_compressed(path, a=ARRAY)),
    ("a.npz", "rb", npy.load),
    ("a.jsonl", "wb", lambda path: jsonl.write(path, ROWS)),
    ("a.jsonl", "rb", lambda path: list(jsonl.read(path))),
]


@pytest.mark.parametrize(("name", "mode", "call"), CALLS)
def test_every_file_is_announced(
    name: str, mode: str, call: Callable[[Path], object], tmp_path: Path
) -> None:
    global heard
    path = tmp_path / name
    npy.save(tmp_path / "a.npy", ARRAY)
    npy.savez(tmp_path / "a.npz", a=ARRAY)
    jsonl.write(tmp_path / "a.jsonl", ROWS)
    heard = []
    call(path)
    events, heard = heard, None
    assert (str(path), mode) in events


@step
def read_array(path: str) -> list[int]:
    return npy.load(path).tolist()


@step
def read_rows(path: str) -> list[Any]:
    return list(jsonl.read(path))


@pipeline
def read(array: str, rows: str):
    return [read_array(array), read_rows(rows)]


def test_a_step_runs_again_when_a_file_changed_that_native_code_read(tmp_path: Path) -> None:
    array, rows = tmp_path / "a.npy", tmp_path / "a.jsonl"
    npy.save(array, ARRAY)
    jsonl.write(rows, ROWS)

    def cached() -> list[bool]:
        return [each.cached for each in read(str(array), str(rows)).steps.values()]

    assert [cached(), cached()] == [[False, False], [True, True]]
    npy.save(array, ARRAY + 1)
    assert [cached(), cached()] == [[False, True], [True, True]]
    jsonl.write(rows, ROWS * 2)
    assert [cached(), cached()] == [[True, False], [True, True]]
