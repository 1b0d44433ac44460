"""The whole torch suite: what `expected.jsonl` says of each file, and `hostile.jsonl`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch_expected import Comparison, walk

import cannery
from cannery import torch

# Verdicts under which classes may come as records.
RECORDS = ("classes", "known-types")
HERE = Path(__file__).parent
HOSTILE_CHILD = HERE / "torch_hostile_child.py"
WITHOUT_ML_DTYPES = """
import pathlib, sys
sys.modules["ml_dtypes"] = None
import test_torch_suite as suite
folder = pathlib.Path(sys.argv[1])
lines = suite.lines(folder / "expected.jsonl")
lines = [line for line in lines if "dtype_" in line["file"] and line["verdict"] == "ok"]
for line in lines:
    suite.compare_file(line, suite.torch.load(folder / line["file"]))
half = suite.torch.load(folder / "zip/t2.15-float.pt")["bfloat16"]
assert half.dtype == [("bfloat16", "<u2")], half.dtype
print(len(lines))
"""
MOST_SECONDS, MOST_MEGABYTES = 1.0, 200


@pytest.fixture(scope="module")
def folder(suites: Path) -> Path:
    found = suites / "torch"
    if not found.is_dir():
        pytest.skip(f"no torch suite at {found}")
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def compare_document(expected: dict[str, Any], value: Any, verdict: str) -> Counter[str]:
    comparison = Comparison(expected, allow_records=verdict in RECORDS)
    comparison.compare(expected["plain"], value)
    for tensor in expected["tensors"]:
        comparison.tensor(tensor, walk(value, tensor["path"]), tensor["path"])
        comparison.counts["path"] += 1
    return comparison.counts


def compare_script(expected: dict[str, Any], module: Any) -> Counter[str]:
    comparison = Comparison(expected)
    names = [name for name, _ in expected["plain"]["items"]]
    assert list(module) == names
    for tensor in expected["tensors"]:
        comparison.tensor(tensor, walk(module, tensor["path"]), tensor["path"])
        comparison.counts["path"] += 1
    if "constants" in expected:
        comparison.counts += compare_document(expected["constants"], module.constants, "ok")
    return comparison.counts


def compare_file(expected: dict[str, Any], value: Any) -> Counter[str]:
    if expected["container"] == "torchscript":
        return compare_script(expected, value)
    if expected["container"] == "pt2":
        found: Counter[str] = Counter()
        for part in ("state_dict", "constants"):
            found += compare_document(expected[part], value[part], "ok")
        return found
    return compare_document(expected, value, expected["verdict"])


def judged(folder: Path, **options: Any) -> Iterator[tuple[str, Counter[str]]]:
    """What came of each file: counts of what was compared, or that it was refused."""
    all_lines = {line["file"]: line for line in lines(folder / "expected.jsonl")}
    for file, line in all_lines.items():
        may_refuse = line["verdict"] in ("torch-refuses", "ambiguous")
        try:
            value = torch.load(folder / file, **options)
        except cannery.CanneryError:
            assert may_refuse, file
            yield file, Counter(refused=1)
            continue
        expected = all_lines[line["twin"]] if "twin" in line else line
        if "plain" not in expected and "state_dict" not in expected:
            assert may_refuse, file
            yield file, Counter({"read, where torch refuses": 1})
            continue
        try:
            counts = compare_file(expected, value)
        except AssertionError as difference:
            pytest.fail(f"{file}: {difference}")
        yield file, counts


@pytest.mark.parametrize("mmap", [True, False])
def test_every_file(folder: Path, count_cases: Callable[[str, int], None], mmap: bool) -> None:
    total: Counter[str] = Counter()
    files = 0
    for _, counts in judged(folder, mmap=mmap):
        files += 1
        total += counts
    how = "mapped" if mmap else "read"
    for kind in ("crc32", "path", "value", "record", "storage", "refused"):
        count_cases(f"torch ({how}): {kind}", total[kind])
    count_cases(f"torch ({how}): files", files)
    assert files == len(lines(folder / "expected.jsonl"))
    assert total["crc32"] > 2 * files
    assert "torch" not in sys.modules


def test_without_ml_dtypes(folder: Path, count_cases: Callable[[str, int], None]) -> None:
    """The short floats are then records of one field, as wide and as they are stored."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-c", WITHOUT_ML_DTYPES, str(folder)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 0
    count_cases("torch without ml_dtypes: files", int(run.stdout))


def test_hostile_files(folder: Path, count_cases: Callable[[str, int], None]) -> None:
    cases = lines(folder / "hostile.jsonl")
    wrong = []
    for case in cases:
        found = load_in_child(folder / case["file"])
        complaint = complain(case, found)
        if complaint:
            wrong.append(f"{case['file']}: {complaint}: {found}")
        if case["expect"] == "danger":
            verdict = cannery.scan(folder / case["file"]).verdict
            assert verdict == "danger", f"{case['file']}: scanned as {verdict}"
    assert not wrong, "\n".join(wrong)
    count_cases("torch: hostile files", len(cases))


def load_in_child(path: Path) -> dict[str, Any]:
    """Load a file in a process of its own, which an audit hook watches."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(HOSTILE_CHILD), str(path)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, f"{path}: {run.stderr}"
    return json.loads(run.stdout)


def complain(case: dict[str, Any], found: dict[str, Any]) -> str | None:
    if found["events"]:
        return "something was imported, called or opened"
    if found["seconds"] > MOST_SECONDS or found["megabytes"] > MOST_MEGABYTES:
        return "it took too much"
    expect = case["expect"]
    if expect == "danger" and found["error"] != "UntrustedTypeError":
        return "it was not refused as dangerous"
    if expect == "error" and found["error"] is None:
        return "it was not refused"
    if expect == "error-or-crc" and found["error"] is None and found["crc32"] != [case["crc32"]]:
        return "it has other values"
    return None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("offset_beyond", "reaches beyond its storage of 24 bytes"),
        ("dup_entry", "two of its members have the same name, `a/data/0`"),
        ("record_short", "has 20 bytes, its storage 24"),
        ("call", "calls os.getpid()"),
        ("byteorder_middle", "neither `little` nor `big`"),
    ],
)
def test_errors_say_what_and_where(folder: Path, name: str, message: str) -> None:
    path = folder / f"hostile/{name}.pt"
    with pytest.raises(cannery.CanneryError) as raised:
        torch.load(path)
    assert message in str(raised.value)
    assert raised.value.file == str(path)


def test_scans_of_plain_state_are_ok(folder: Path, count_cases: Callable[[str, int], None]) -> None:
    """What holds tensors and plain data only is `ok`, a program `unknown`, and nothing a danger."""
    scanned = 0
    for line in lines(folder / "expected.jsonl"):
        path = folder / line["file"]
        if line["container"] == "dcp" or line["verdict"] in ("torch-refuses", "ambiguous"):
            continue
        report = cannery.scan(path)
        is_program = line["container"] in ("torchscript", "pt2")
        # Records of sparse and nested tensors of other versions are no names of the table.
        is_plain = line["verdict"] in ("ok", "known-types") and "skip_data" not in line["file"]
        expected = "unknown" if is_program else "ok" if is_plain else report.verdict
        assert report.verdict == expected, f"{line['file']}: {report.verdict}: {report.findings}"
        assert report.verdict != "danger", line["file"]
        scanned += 1
    count_cases("torch: scanned files", scanned)
