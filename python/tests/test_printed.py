"""What is printed cannot steer a terminal: no command writes a control character of a file's."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cannery
from cannery import _native, cbor, msgpack, npy, pipeline, step, yaml
from cannery import pickle as cannery_pickle
from cannery.errors import CanneryError, DataError

# A title for the window, a C1 control sequence, DEL, an override of the text's direction, a line
# separator, and the marks that the command itself puts around what it colours.
EVIL = "x\x1b]0;t\x07\x9b31m\x7f\u202e\u2028\u2066\u061c\x85\ufdd3\r"
# As names of files and in a shell's arguments.
NAME = "n\x1b[2J\x9b1m\u202e\u2028\x85\n"

Check = Callable[..., str]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef]"
)


@pytest.fixture
def check(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Runs a command and refuses what it prints, to either stream, if that steers a terminal."""

    def check(*words: object, cwd: Path | None = None, stdin: bytes | None = None) -> str:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        capfdbinary.readouterr()
        if stdin is None:
            code = _native.cli_main(["cannery", *map(str, words)])
            streams = capfdbinary.readouterr()
        else:
            command = [sys.executable, "-m", "cannery", *map(str, words)]
            done = subprocess.run(command, input=stdin, capture_output=True, check=False)
            code, streams = done.returncode, (done.stdout, done.stderr)
        assert code in (0, 1, 2), (words, code, streams)
        for stream in streams:
            text = stream.decode("utf-8", "surrogateescape")
            assert not _STEERS.search(text), (words, ascii(text))
            assert not re.search("[\udc80-\udcff]", text), (words, ascii(text))
        return streams[0].decode() + streams[1].decode()

    return check


def on_terminal(*words: object, cwd: Path | None = None) -> str:
    """What a command writes to a terminal, both of its streams."""
    main, other = pty.openpty()
    command = [sys.executable, "-m", "cannery", *map(str, words)]
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=other, stderr=other, env=environment
    )
    os.close(other)
    shown = b""
    while True:
        try:
            part = os.read(main, 1 << 16)
        except OSError:
            break
        if not part:
            break
        shown += part
    process.wait()
    os.close(main)
    return shown.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


@step
def make() -> list[int]:
    return [1]


@step
def use(found: list[int]) -> int:
    return len(found)


@pipeline
def both(n: int = 1) -> None:
    del n
    use(make())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "store"
    monkeypatch.setenv("CANNERY_STORE", str(root))
    both()
    return root


TEXTS = [
    ("artifacts", "name"),
    ("artifacts", "type_name"),
    ("artifacts", "format"),
    ("artifacts", "metadata"),
    ("runs", "pipeline"),
    ("runs", "params"),
    ("runs", "host"),
    ("runs", "error"),
    ("runs", "code_version"),
    ("steps", "name"),
    ("steps", "error"),
    ("key_parts", "label"),
    ("key_parts", "shown"),
    ("inputs", "argument"),
    ("outputs", "output"),
    ("runs", "status"),
    ("steps", "status"),
]


@pytest.mark.parametrize(("table", "column"), TEXTS, ids=".".join)
def test_no_text_of_a_catalog_steers_the_terminal(
    store: Path, check: Check, table: str, column: str
) -> None:
    unique = {"name": " || id", "label": " || label"}.get(column, "")
    catalog = sqlite3.connect(store / "catalog.sqlite")
    catalog.execute(f"UPDATE {table} SET {column} = ?{unique}", (EVIL + "\n",))
    catalog.commit()
    catalog.close()
    shown = ""
    for words in (
        ["artifacts"], ["artifacts", EVIL], ["artifacts", "--run", 1], ["runs"], ["runs", 1],
        ["runs", "--pipeline", EVIL], ["lineage", "use"], ["lineage", "make", "--down"],
        ["lineage", f"{EVIL}\n1"], ["why", 1, "use"], ["why", 1, EVIL],
    ):  # fmt: skip
        shown += check(*words)
        shown += check(*words, "--json")
    assert "x\\u" in shown
    for words in (["artifacts"], ["runs", 1], ["lineage", "use"], ["why", 1, "use"]):
        coloured = on_terminal(*words)
        assert not _STEERS.search(_COLOUR.sub("", coloured)), (words, ascii(coloured))


def plain(value: str) -> dict[str, object]:
    return {value: value, "list": [value, {"in": value}], "rest": 1}


def files_of(folder: Path) -> list[Path]:
    value = plain(EVIL)
    written = {
        "a.json": json.dumps(value, ensure_ascii=False).encode(),
        "a.jsonl": b"\n".join([json.dumps(value, ensure_ascii=False).encode()] * 3),
        "a.yaml": yaml.dump(value, allow_unicode=True).encode(),
        "a.msgpack": msgpack.packb(value),
        "a.cbor": cbor.dumps(value),
        "a.pkl": cannery_pickle.dumps(value),
    }
    for name, data in written.items():
        (folder / name).write_bytes(data)
    cannery.dump({"a": value, "b": cannery.Record("t" + EVIL, {"k" + EVIL: 1})}, folder / "a.can")
    paths = [folder / name for name in (*written, "a.can")]
    np = pytest.importorskip("numpy")
    npy.savez(folder / "a.npz", **{"m" + EVIL.replace("\r", ""): np.arange(3)})
    np.save(folder / "a.npy", np.zeros(2, [("f" + EVIL, "U9")]))
    return [*paths, folder / "a.npz", folder / "a.npy"]


def test_no_file_steers_the_terminal(tmp_path: Path, check: Check) -> None:
    for path in files_of(tmp_path):
        for words in (
            ["inspect"], ["inspect", "--json"], ["cat"], ["cat", "--json"], ["cat", "--tagged"],
            ["head"], ["cat", "--to", "yaml"], ["cat", "--to", "jsonl"], ["cat", "--to", "json"],
            ["scan"], ["scan", "--json"], ["scan", "--format", "sarif"], ["validate"],
            ["validate", "--json"], ["fmt", "--check"], ["fmt", "--diff"],
            ["cat", "--path", "$.none" + EVIL],
        ):  # fmt: skip
            check(*words, path)
        for to in ("json", "jsonl", "yaml"):
            check("convert", path, "-", "--to", to)
        for words in (
            ["cat"], ["inspect"], ["cat", "--to", "yaml"], ["cat", "--to", "msgpack"],
            ["convert", "--to", "json"], ["convert", "--to", "csv"], ["convert", "--to", "msgpack"],
        ):  # fmt: skip
            target = ["-"] if words[0] == "convert" else []
            shown = on_terminal(*words, path, *target)
            assert not _STEERS.search(_COLOUR.sub("", shown)), (words, path, ascii(shown))


def test_json_that_is_printed_means_the_same(tmp_path: Path, check: Check) -> None:
    value = plain(EVIL)
    (tmp_path / "a.json").write_text(json.dumps(value, ensure_ascii=False))
    for words in (
        ["cat", "a.json"],
        ["cat", "--json", "a.json"],
        ["convert", "a.json", "-", "--to", "json"],
        ["cat", "--to", "yaml", "a.json"],
    ):
        out = check(*words, cwd=tmp_path)
        assert (yaml.safe_load(out) if "yaml" in words else json.loads(out)) == value


@pytest.mark.parametrize("control", ["\x9b", "\x85", "\u202e", "\u2028", "\x7f"])
@pytest.mark.parametrize("format", ["json", "yaml"])
def test_what_is_laid_out_is_shown_or_refused(check: Check, control: str, format: str) -> None:
    texts = {"json": f'{{"a": "x{control}y"}}', "yaml": f"# {control}\na: 1\n"}
    check("fmt", "-", "--from", format, stdin=texts[format].encode())
    check("fmt", "-", "--diff", "--from", format, stdin=texts[format].encode())


def test_names_of_files_and_arguments_are_shown_only(tmp_path: Path, check: Check) -> None:
    (tmp_path / f"{NAME}.json").write_bytes(b"{")
    (tmp_path / f"{NAME}.pkl").write_bytes(b"cos\nsystem\n(S'x'\ntR.")
    (tmp_path / f"{NAME}.xyz").write_bytes(b"\x00\x01")
    (tmp_path / f"{NAME}.py").write_text("raise SystemError(__file__)")
    for ending in ("json", "pkl", "xyz", "none"):
        name = f"{NAME}.{ending}"
        for command in ("inspect", "cat", "head", "scan", "validate", "fmt"):
            check(command, name, cwd=tmp_path)
            if command != "head":
                check(command, "--json", name, cwd=tmp_path)
        check("convert", name, f"{NAME}.yaml", cwd=tmp_path)
        check("convert", name, f"{NAME}.{NAME}", cwd=tmp_path)
        shown = on_terminal("validate", name, cwd=tmp_path)
        assert not _STEERS.search(_COLOUR.sub("", shown)), ascii(shown)
    for words in (
        [NAME], [f"--{NAME}"], ["cat", f"--{NAME}"], ["cat", "--from", NAME, f"{NAME}.json"],
        ["cat", "--path", NAME, f"{NAME}.json"], ["scan", "--format", NAME, "x"],
        ["run", f"{NAME}.py"], ["run", f"{NAME}.py:{NAME}"], ["run", NAME],
        ["run", "x.py", "--param", NAME], ["artifacts", "--store", NAME], ["runs", NAME],
        ["runs", "--status", NAME],
    ):  # fmt: skip
        check(*words, cwd=tmp_path)
    for words in ([f"--{NAME}"], ["runs", NAME], ["cat", "--from", NAME, "x"]):
        shown = on_terminal(*words, cwd=tmp_path)
        assert not _STEERS.search(_COLOUR.sub("", shown)), (words, ascii(shown))


def test_a_pipeline_that_fails_quotes_what_it_read_harmlessly(tmp_path: Path, check: Check) -> None:
    (tmp_path / "pipe.py").write_text(
        "from cannery import pipeline, step\n"
        f"evil = {EVIL!r}\n"
        "@step\n"
        "def bad() -> int:\n    raise ValueError(evil)\n"
        "@step\n"
        "def wrong() -> int:\n    return {evil: 1}\n"
        "@pipeline\n"
        "def fails():\n    bad()\n"
        "@pipeline\n"
        "def misses():\n    wrong()\n"
    )
    for name in ("fails", "misses"):
        check("run", f"pipe.py:{name}", cwd=tmp_path, stdin=b"")
        check("run", f"pipe.py:{name}", "--json", cwd=tmp_path, stdin=b"")
    check("runs", 1, cwd=tmp_path)


def test_exceptions_are_shown_with_escapes() -> None:
    error = DataError(f"found `{EVIL}`")
    error.add_note(EVIL)
    assert not _STEERS.search(str(error))
    assert not _STEERS.search(error.__notes__[0])
    assert error.args == (f"found `{EVIL}`",)
    assert str(DataError("a\nb\tc")) == "a\nb\tc"
    assert "\\udc80" in str(DataError("lone \udc80"))
    for data in (b"cfoo\nbar\x1b[2J\n.", b"\x80\x04\x8c\x04\x1b[2J\x8c\x01a\x93."):
        with pytest.raises(CanneryError) as caught:
            cannery_pickle.loads(data)
        assert not _STEERS.search(str(caught.value))
    with pytest.raises(CanneryError) as caught:
        cannery.load(f"none{NAME}.json")
    assert not _STEERS.search(str(caught.value))


def test_records_of_a_store_are_shown_with_escapes(store: Path) -> None:
    catalog = sqlite3.connect(store / "catalog.sqlite")
    catalog.execute("UPDATE artifacts SET name = name || ?, type_name = ?", (EVIL, EVIL))
    catalog.execute("UPDATE runs SET pipeline = ?", (EVIL,))
    catalog.execute("UPDATE steps SET name = name || ?", (EVIL,))
    catalog.commit()
    catalog.close()
    found = cannery.Store(store)
    shown = [repr(found.artifacts()), repr(found.runs()), repr(found.run(1).steps)]
    for text in shown:
        assert not _STEERS.search(text), ascii(text)
