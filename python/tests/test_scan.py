"""Verdicts on files from strangers, and that reaching them runs nothing."""

from __future__ import annotations

import bz2
import collections
import datetime
import gzip
import io
import json
import lzma
import os
import pickle as stdlib
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

import cannery
from cannery import _native

SUITES = Path(
    os.environ.get("CANNERY_SUITES", Path(__file__).parents[3] / "shared" / "suites"), "pickle"
)


class Evil:
    """Runs a program when it is loaded."""

    def __reduce__(self) -> Any:
        return os.system, ("echo pwned",)


EVIL = stdlib.dumps({"weights": [1, 2], "x": [0, Evil()]}, 4)
DATA = stdlib.dumps({"when": datetime.datetime(2026, 11, 21), "c": collections.Counter("abca")})


def zipped(**members: bytes) -> bytes:
    """Return a ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(data: bytes) -> bytes:
    """Return a TAR archive with one member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("model.pkl")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


WRAPPINGS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zlib": zlib.compress,
    "zip": lambda data: zipped(model=data),
    "zip in zip": lambda data: zipped(inner=zipped(model=data)),
    "tar.gz": tarred,
    "gzip in zip": lambda data: zipped(model=gzip.compress(data)),
    "second": lambda data: DATA + data,
}


def test_a_finding_says_what_where_and_why(tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(EVIL)
    report = cannery.scan(path)
    (finding,) = report.findings
    assert (report.verdict, finding.verdict, finding.opcode) == ("danger", "danger", "REDUCE")
    assert finding.name == f"{os.name}.system"
    assert finding.path == "$.x[1]"
    assert EVIL[finding.offset : finding.offset + 1] == b"R"
    assert finding.reason.startswith(f'calls {os.name}.system("echo pwned"): runs programs')
    assert str(finding).endswith(f"at byte {finding.offset} (REDUCE)")
    assert not report
    assert str(report) == f"{path}: danger: {finding}"


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_nothing_hides_in_a_wrapping(wrapping: str) -> None:
    wrap = WRAPPINGS[wrapping]
    assert cannery.scan(wrap(EVIL)).verdict == "danger"
    assert cannery.scan(wrap(DATA)).verdict == "ok"
    whole = wrap(DATA)
    for end in range(12, len(whole), max(1, len(whole) // 50)):
        assert cannery.scan(whole[:end]).verdict != "ok" or whole[:end] == DATA


def test_a_folder_is_scanned_whole(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "evil.bin").write_bytes(EVIL)
    (tmp_path / "data.pkl").write_bytes(DATA)
    report = cannery.scan(tmp_path)
    verdicts = {Path(file.name).name: file.verdict for file in report.files}
    assert verdicts == {"evil.bin": "danger", "data.pkl": "ok"}
    assert cannery.scan([tmp_path / "data.pkl"]).verdict == "ok"
    assert cannery.scan(tmp_path / "nowhere").verdict == "unknown"
    assert cannery.scan(io.BytesIO(DATA)).verdict == "ok"


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    report = cannery.scan(bomb, max_unpacked=1_000_000)
    assert report.verdict == "unknown"
    assert "bomb" in report.findings[0].reason


@pytest.mark.parametrize(("name", "code"), [("data", 0), ("evil", 1), ("cut", 2), ("model", 2)])
def test_the_command(tmp_path: Path, name: str, code: int) -> None:
    data = {"data": DATA, "evil": EVIL, "cut": DATA[:-3], "model": b"cmy_pkg\nModel\n)\x81."}[name]
    path = tmp_path / f"{name}.pkl"
    path.write_bytes(data)
    for option in ("--json", "--format=text", "--format=sarif"):
        command = [sys.executable, "-m", "cannery", "scan", option, path]
        run = subprocess.run(command, capture_output=True, check=False, text=True)
        assert run.returncode == code, run.stderr
        if option == "--format=text":
            assert name in run.stdout
            assert "1 scanned" in run.stdout
            continue
        document = json.loads(run.stdout)
        if option == "--json":
            assert document["files"][0]["verdict"] == ["ok", "danger", "unknown"][code]
        else:
            assert document["version"] == "2.1.0"
            assert bool(document["runs"][0]["results"]) == bool(code)


#: Events of the interpreter that say that something was run, opened or imported.
FORBIDDEN = ("import", "exec", "compile", "open", "subprocess", "os.", "socket", "pickle", "ctypes")


def test_no_hostile_file_runs_anything() -> None:
    files = sorted((SUITES / "malicious").glob("*/*")) if SUITES.exists() else []
    samples = [EVIL, *(path.read_bytes() for path in files)]
    events: list[str] = []
    watching = False

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if watching and event.startswith(FORBIDDEN):
            events.append(event)

    sys.addaudithook(hook)
    cannery.scan(b"N.")
    watching = True
    for sample in samples:
        _native.scan_bytes(sample)
        cannery.scan(sample)
    watching = False
    assert events == []
    print(f"hostile files under an audit hook: {len(samples)} cases ran")
