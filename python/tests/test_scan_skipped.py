"""What scans skip: files that no loader would unpickle, and never one that would run something."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import py_compile
import subprocess
import sys
import zipfile
from pathlib import Path

import hidden_pickles
import numpy as np
import pytest

import cannery

TAG = "!!python/object/apply:os.system [id]"
HERE = Path(__file__).parent
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
MARKDOWN = f"# Tags\n\nNever load `{TAG}`:\n\n```yaml\na: {TAG}\n```\n".encode()


def verdict(data: bytes) -> str:
    """Scan one file."""
    return cannery.scan(data).files[0].verdict


def run(*args: object) -> subprocess.CompletedProcess[str]:
    """Run `cannery scan`."""
    command = [sys.executable, "-m", "cannery", "scan", *map(str, args)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, text=True)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_runs_is_skipped(seed: int) -> None:
    hidden, others = 0, 0
    for data in hidden_pickles.cases(seed, 150):
        found = verdict(data)
        if hidden_pickles.runs(data):
            hidden += 1
            assert found in ("unknown", "danger"), data
        else:
            others += found in ("skipped", "code")
    assert hidden > 20
    assert others > 20


def test_published_pickles_are_not_hidden_by_what_lies_before(suites: Path) -> None:
    files = (path for path in sorted((suites / "pickle/malicious").rglob("*")) if path.is_file())
    pickles = tuple(path.read_bytes() for path in files if path.stat().st_size < 20_000)
    assert pickles
    for data in hidden_pickles.cases(7, 200, pickles):
        if hidden_pickles.runs(data):
            assert verdict(data) in ("unknown", "danger"), data[:200]


SKIPPED = {
    "empty": b"",
    "image": PNG,
    "document": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "unknown": bytes(range(200, 256)),
    "font": b"\0\1\0\0\0\x0f\0\x80\0\3\0pFFTM" + bytes(40),
    "prose": b"Words, and more of them.\n",
    "prose that begins as a pickle": b"N.B. these are words.\n",
    "prose that begins as a name": b"cannery is a tool.\nIt saves things.\n",
    "a page that quotes a tag": MARKDOWN,
    "a page that quotes a pickle": b"# Pickles\n\n```\ncos\nsystem\n(S'id'\ntR.\n```\n",
    "words of another width": "Words.\n".encode("utf-16"),
    "bitmap": b"BM\x36\x10\0\0\0\0\0\0\x36\0\0\0" + bytes(50),
}
CODE = {
    "python": b"import os\n\nos.getpid()\n",
    "python with a layer": b"import x\n\nLAYER = {'class_name': 'Lambda'}\n",
    "script": b"#!/bin/sh\necho\n",
    "c": b"#include <stdio.h>\n",
    "machine code": b"\x7fELF\x02\x01\x01" + bytes(50),
    "windows": b"MZ\x90\0\xff\xff" + bytes(50),
}
JUDGED = {
    "json": b'{"a": [1]}',
    "yaml": b"a: 1\nb: [x]\n",
    "lines": b'{"a": 1}\n{"a": 2}\n',
    "a tag in a text of JSON": json.dumps({"note": TAG}).encode(),
}
FOUND = {
    "a tag": f"a: {TAG}\n".encode(),
    "a tag behind a document": f'{{"a": 1}}\n---\n{TAG}\n'.encode(),
    "a tag before an error": f"{TAG}\n--- {{\n".encode(),
    "a tag of another width": f"a: {TAG}\n".encode("utf-16"),
    "a layer": b'{"class_name": "Lambda"}',
    "cut off": b"\x80\x04\x95\x20\0\0\0\0\0\0\0}",
    "depth": b"[" * 100_000,
    "many aliases": b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (name + 1, name + 1, b",".join([b"*%c" % name] * 10))
        for name in b"abcdefgh"
    ),
}


@pytest.mark.parametrize("name", SKIPPED)
def test_skipped(name: str) -> None:
    assert (verdict(SKIPPED[name]), cannery.scan(SKIPPED[name]).verdict) == ("skipped", "unknown")


@pytest.mark.parametrize("name", CODE)
def test_code(name: str) -> None:
    assert (verdict(CODE[name]), cannery.scan(CODE[name]).verdict) == ("code", "unknown")


@pytest.mark.parametrize("name", JUDGED)
def test_judged(name: str) -> None:
    assert verdict(JUDGED[name]) == "ok"


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    assert verdict(FOUND[name]) in ("unknown", "danger")


def archive(name: str, data: bytes) -> bytes:
    """Return a ZIP archive with one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, data)
    return file.getvalue()


def test_archives_are_what_their_members_are() -> None:
    assert verdict(archive("a.png", PNG)) == "skipped"
    assert verdict(archive("a.py", CODE["python"])) == "code"
    assert verdict(archive("a.json", b"{}")) == "ok"
    for name in ("../a.json", "/a.json", "a/../../b.json", "C:/a.json", "..\\a.json"):
        report = cannery.scan(archive(name, b"{}"))
        assert (report.verdict, report.findings[0].member) == ("unknown", name)
        assert "leaves the folder" in report.findings[0].reason


def test_a_folder_of_nothing_to_judge(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "README.md").write_bytes(MARKDOWN)
    source = tmp_path / "a.py"
    source.write_bytes(CODE["python"])
    py_compile.compile(str(source), cfile=str(tmp_path / "a.pyc"))
    done = run(tmp_path)
    last = "4 scanned, 0 dangerous, 0 unknown, 2 skipped, 2 files of code: nothing to judge"
    assert (done.returncode, done.stdout.splitlines()[-1]) == (2, last)
    assert run("--quiet", tmp_path).stdout == ""
    sarif = json.loads(run("--format=sarif", tmp_path).stdout)
    assert sarif["runs"][0]["results"] == []
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    assert run(tmp_path).returncode == 0


def test_a_folder_of_a_package_has_no_finding() -> None:
    report = cannery.scan(Path(np.__file__).parent)
    assert (report.verdict, report.findings) == ("ok", ())


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"]
)
def test_what_expands_to_far_more_is_a_bomb(pack):
    zeros = bytes(80 << 20)
    bomb = cannery.scan(pack(zeros))
    assert (bomb.verdict, bomb.findings[0].reason.partition(": ")[2]) == (
        "unknown",
        "a resource bomb",
    )
    assert (
        cannery.scan(pack(b'"' + bytes(80 << 20).replace(b"\0", b" ") + b'"')).verdict == "unknown"
    )
    assert cannery.scan(pack(bytes(1 << 20))).files[0].verdict == "skipped"
    # No reader unpacks that either.
    assert cannery.scan(pack(pickle.dumps(zeros))).verdict == "unknown"
    assert cannery.scan(pack(pickle.dumps(zeros[: 8 << 20]))).verdict == "ok"


def test_members_of_archives_are_bombs_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bin", bytes(80 << 20))
    assert "a resource bomb" in cannery.scan(tmp_path / "a.zip").findings[0].reason
    np.savez_compressed(tmp_path / "a.npz", np.zeros(10 << 20))
    assert cannery.scan(tmp_path / "a.npz").verdict == "ok"


BOMBS = """
import sys
import cannery
import peak_memory
cannery.scan(b"PK")
before = peak_memory.kilobytes()
print(cannery.scan(sys.argv[1]).verdict, peak_memory.kilobytes() - before)
"""


def zip_of(name: str, method: int, pieces: list[bytes]) -> bytes:
    """Make an archive of one member."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", method) as archive, archive.open(name, "w") as member:
        for piece in pieces:
            member.write(piece)
    return into.getvalue()


ZEROS = [bytes(1 << 20)] * 120
HEADER = io.BytesIO()
np.lib.format.write_array_header_1_0(
    HEADER, {"descr": "|u1", "fortran_order": False, "shape": (120 << 20,)}
)
METHODS = {"deflate": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}


@pytest.mark.parametrize("pack", [*METHODS, "gz", "bz2", "xz"])
@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("a.npy", [HEADER.getvalue(), *ZEROS]),
        ("a.json", [b'["', *[b"a" * (1 << 20)] * 120, b'"]']),
        ("a.pkl", [b"\x80\x04B" + (120 << 20).to_bytes(4, "little"), *ZEROS, b"."]),
        ("a.bin", ZEROS),
    ],
    ids=["array", "text", "pickle", "bytes"],
)
def test_bombs_are_not_unpacked_to_be_judged(tmp_path, pack, name, pieces):
    if pack in METHODS:
        data = zip_of(name, METHODS[pack], pieces)
    else:
        whole = b"".join(pieces)
        data = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[pack](whole)
    (tmp_path / "bomb").write_bytes(data)
    command = [sys.executable, "-c", BOMBS, tmp_path / "bomb"]
    done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=HERE)
    verdict, kilobytes = done.stdout.split()
    # An array of zeros is no bomb where it may be read: deflate packs it no denser than 1,032 to 1.
    assert verdict == ("ok" if (pack, name) == ("deflate", "a.npy") else "unknown")
    assert int(kilobytes) < 64 << 10
