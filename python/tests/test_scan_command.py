"""`cannery scan` as a program: folders, odd files, text, JSON and SARIF, exit codes."""

from __future__ import annotations

import json
import os
import pickle as stdlib
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import cannery

DATA = stdlib.dumps({"rows": [1, 2]})
EVIL = b"\x80\x02}X\x04\0\0\0hookcos\nsystem\n(U\x02idtRs."
UNKNOWN = b"\x80\x02cmy_pkg\nModel\n)\x81."


def run(*args: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `cannery scan`."""
    command = [sys.executable, "-m", "cannery", "scan", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files of each verdict."""
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "evil model.pkl").write_bytes(EVIL)
    (tmp_path / "deep" / "unknown.bin").write_bytes(UNKNOWN)
    (tmp_path / "data.pkl").write_bytes(DATA)
    (tmp_path / "empty.pkl").write_bytes(b"")
    return tmp_path


def test_a_folder_as_people_see_it(folder: Path) -> None:
    done = run(folder)
    lines = done.stdout.decode().replace(str(folder), "F").splitlines()
    assert [re.sub(" {2,}", "  ", line) for line in lines] == [
        "F/data.pkl  ok  a pickle of plain data",
        'F/deep/deeper/evil model.pkl  DANGER  calls os.system("id"): runs programs, changes'
        " files and the environment  in $.hook  at byte 29 (REDUCE)",
        "F/deep/unknown.bin  unknown  makes an instance of my_pkg.Model: cannery does not"
        " know it  at byte 17 (NEWOBJ)",
        "F/empty.pkl  skipped  an empty file",
        "4 scanned, 1 dangerous, 1 unknown, 1 skipped",
    ]
    assert done.returncode == 1
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("name", "code"),
    [("data.pkl", 0), ("deep/deeper", 1), ("deep/unknown.bin", 2), ("empty.pkl", 2), ("no", 2)],
)
def test_exit_codes(folder: Path, name: str, code: int) -> None:
    for option in ("--format=text", "--format=json", "--format=sarif", "--json"):
        assert run(option, folder / name).returncode == code


def test_wrong_use() -> None:
    for args in ((), ("--format=xml", "x"), ("--json", "--format=sarif", "x")):
        done = run(*args)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"error" in done.stderr


def test_json(folder: Path) -> None:
    document = json.loads(run("--json", folder).stdout)
    assert (document["verdict"], document["scanned"]) == ("danger", 4)
    assert (document["dangerous"], document["unknown"]) == (1, 1)
    assert (document["skipped"], document["code"]) == (1, 0)
    evil = next(file for file in document["files"] if "evil" in file["path"])
    assert evil == {
        "path": str(folder / "deep" / "deeper" / "evil model.pkl"),
        "verdict": "danger",
        "summary": "a pickle of plain data",
        "bytes": len(EVIL),
        "pickles": 1,
        "findings": [
            {
                "verdict": "danger",
                "name": "os.system",
                "reason": 'calls os.system("id"): runs programs, changes files and the environment',
                "offset": EVIL.index(b"Rs."),
                "opcode": "REDUCE",
                "path": "$.hook",
                "member": "",
            }
        ],
    }


def check_sarif(document: Any) -> None:
    """Check what SARIF 2.1.0 (OASIS, sections 3.13 to 3.52) asks for."""
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    for one in document["runs"]:
        driver = one["tool"]["driver"]
        assert driver["name"]
        assert driver["version"]
        rules = [rule["id"] for rule in driver["rules"]]
        assert len(set(rules)) == len(rules)
        assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
        assert all(isinstance(i["executionSuccessful"], bool) for i in one["invocations"])
        for result in one["results"]:
            assert result["ruleId"] in rules
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["message"]["text"]
            for location in result["locations"]:
                physical = location["physicalLocation"]
                assert re.fullmatch(r"[A-Za-z0-9%/:._~-]+", physical["artifactLocation"]["uri"])
                assert physical["region"]["byteOffset"] >= 0
                for logical in location.get("logicalLocations", []):
                    assert logical["fullyQualifiedName"]


def test_sarif(folder: Path) -> None:
    odd = folder / "naïve & odd#name%20?.pkl"
    odd.write_bytes(EVIL)
    document = json.loads(run("--format=sarif", folder).stdout)
    check_sarif(document)
    results = document["runs"][0]["results"]
    assert sorted(result["level"] for result in results) == ["error", "error", "warning"]
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    assert f"file://{odd}" in {unquote(uri) for uri in uris}
    empty = json.loads(run("--format=sarif", folder / "data.pkl").stdout)
    check_sarif(empty)
    assert empty["runs"][0]["results"] == []


def test_standard_input() -> None:
    assert run("-", stdin=DATA).returncode == 0
    done = run("-", stdin=EVIL)
    assert done.returncode == 1
    assert b"os.system" in done.stdout


def test_odd_files_in_a_folder_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "data.pkl").write_bytes(DATA)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    done = run(tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        b"1 scanned, 0 dangerous, 0 unknown",
    )
    (tmp_path / "evil.pkl").write_bytes(EVIL)
    (tmp_path / "link.pkl").symlink_to(tmp_path / "evil.pkl")
    assert len(cannery.scan(tmp_path).findings) == 2
    assert cannery.scan(tmp_path / "loop").verdict == "unknown"
    assert cannery.scan(tmp_path / "nowhere").verdict == "unknown"


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(EVIL,))
    writer.start()
    done = run(pipe)
    writer.join()
    assert done.returncode == 1


def test_a_device_without_an_end_is_left() -> None:
    report = cannery.scan("/dev/zero", max_unpacked=1_000_000)
    assert (report.verdict, report.files[0].summary) == ("unknown", "unreadable")


def test_an_empty_folder_is_not_ok(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (
        2,
        b"0 scanned, 0 dangerous, 0 unknown: nothing to judge\n",
    )


def test_holes(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pkl"
    path.write_bytes(DATA)
    os.truncate(path, 1 << 26)
    assert cannery.scan(path).verdict == "ok"
    with path.open("r+b") as file:
        file.seek(1 << 25)
        file.write(EVIL)
    assert cannery.scan(path).verdict == "danger"
    # What a terabyte of nothing hides is not waited for.
    os.truncate(path, 1 << 40)
    assert cannery.scan(path).verdict == "danger"
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)
    assert cannery.scan(path).verdict == "unknown"


def test_names_do_not_command_the_terminal(tmp_path: Path) -> None:
    name = "\x1b[31mred\n.pkl"
    (tmp_path / name).write_bytes(b"c\x1b[2Jos\nsys\x1btem\n(S'\\x1b'\ntR.")
    output = run(tmp_path).stdout
    assert b"\x1b" not in output
    assert len(output.splitlines()) <= 4


def test_many_files_at_once(tmp_path: Path) -> None:
    for i in range(300):
        (tmp_path / f"{i:03}.pkl").write_bytes(EVIL if i % 3 == 0 else DATA)
    report = cannery.scan(tmp_path)
    assert [Path(file.name).name for file in report.files] == [f"{i:03}.pkl" for i in range(300)]
    assert sum(file.verdict == "danger" for file in report.files) == 100
    assert str(report.findings[0]).startswith("calls os.system")
