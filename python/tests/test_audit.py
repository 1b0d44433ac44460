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
def look_at_array(path: str):
    return read_array(path)


@pipeline
def look_at_rows(path: str):
    return read_rows(path)


def test_a_step_runs_again_when_a_file_changed_that_native_code_read(tmp_path: Path) -> None:
    array, rows = tmp_path / "a.npy", tmp_path / "a.jsonl"
    npy.save(array, ARRAY)
    jsonl.write(rows, ROWS)

    def cached() -> list[bool]:
        # In runs of their own: what only the system saw counts for all steps that are running.
        runs = look_at_array(str(array)), look_at_rows(str(rows))
        return [each.cached for run in runs for each in run.steps.values()]

    assert [cached(), cached()] == [[False, False], [True, True]]
    npy.save(array, ARRAY + 1)
    assert [cached(), cached()] == [[False, True], [True, True]]
    jsonl.write(rows, ROWS * 2)
    assert [cached(), cached()] == [[True, False], [True, True]]
