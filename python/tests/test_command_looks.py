"""The command: what it prints of hostile names, in pipes, and of files that are not its own."""

from __future__ import annotations

import json as stdlib_json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import cannery
from cannery import json, msgpack, npy, safetensors, torch

HOSTILE = [
    "\x1b[31m", "\x1b]0;t\x07", "\n", "\r", "\x9b31m", "\u202e", "\u2066", "\u200f", "\x7f", "\x08",
    "\nerror: fake", "\u2028", "\ufdd0", "\ufeff",
]  # fmt: skip


def run(*args: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "cannery", *map(os.fspath, args)]  # type: ignore[arg-type]
    package = str(Path(cannery.__file__).parents[1])
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": package} | environment,
        check=False,
    )
    assert b"No module named" not in done.stderr
    return done


def harmless(text: bytes, *names: str) -> None:
    shown = text.decode()
    for character in shown:
        code = ord(character)
        assert character in "\n\t" or (code >= 32 and not 0x7F <= code < 0xA0), ascii(shown)
        assert character not in "\u202e\u2066\u200f\u2028\ufdd0\ufeff", ascii(shown)
    assert not any(line.startswith("error: fake") for line in shown.splitlines()), ascii(shown)


def test_hostile_names_and_keys_show_themselves(tmp_path: Path) -> None:
    random.seed(5)
    for number in range(4):
        bad = "a" + "".join(random.sample(HOSTILE, 4)) + "b"
        name = bad.replace("/", "")
        files = {
            f"{name}.json": stdlib_json.dumps({bad: [1, {bad: bad}]}).encode(),
            f"{name}.msgpack": msgpack.packb({bad: bad}),
            f"{name}.yaml": f"k: {stdlib_json.dumps(bad)}\n".encode(),
            f"{name}-bad.json": b'{"a": ',
            f"{name}.bin": b"\x80\x04\x95",
        }
        for file, data in files.items():
            (tmp_path / file).write_bytes(data)
        safetensors.save_file({bad: __import__("numpy").ones(2)}, tmp_path / f"{name}.safetensors")
        files[f"{name}.safetensors"] = b""
        commands = [
            ["inspect"], ["inspect", "--json"], ["cat"], ["head"], ["fmt", "--check"],
            ["fmt", "--diff"], ["fmt"], ["validate"], ["validate", "--json"], ["scan"],
        ]  # fmt: skip
        for command in commands if number == 0 else random.sample(commands, 4):
            done = run(*command, *files, cwd=tmp_path)
            harmless(done.stdout + done.stderr)
        for arguments in (
            ["convert", f"{name}.json", f"{name}.npy"],
            ["diff", f"{name}.json", f"{name}.safetensors"],
            ["cat", "--path", f"$.{bad}", f"{name}.json"],
            ["cat", "--from", bad, f"{name}.json"],
            [bad],
            ["runs", "--store", bad],
            ["artifacts", bad, "--store", "."],
            ["run", f"{name}.py"],
            ["man", bad],
        ):
            done = run(*arguments, cwd=tmp_path)
            harmless(done.stdout + done.stderr)


def test_a_pipe_cuts_nothing(tmp_path: Path) -> None:
    long = "k" * 300
    safetensors.save_file({long: __import__("numpy").ones(2)}, tmp_path / "m.safetensors")
    shown = run("inspect", "m.safetensors", cwd=tmp_path, COLUMNS="40").stdout.decode()
    assert long in shown
    assert "…" not in shown


def test_cat_and_head_show_every_file_of_ours(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(6, dtype="f4").reshape(2, 3)
    npy.savez(tmp_path / "a.npz", w=array)
    npy.save(tmp_path / "a.npy", array)
    safetensors.save_file({"w": array}, tmp_path / "a.safetensors")
    torch.save({"w": array, "epoch": 3}, tmp_path / "a.pt")
    cannery.dump({"w": array}, tmp_path / "a.can")
    cannery.dump({"w": array}, tmp_path / "a.msgpack")
    cannery.dump({"w": array}, tmp_path / "a.yaml")
    for file in sorted(tmp_path.iterdir()):
        for command in ("cat", "head"):
            done = run(command, "--json", file.name, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            value = stdlib_json.loads(done.stdout)
            assert (value if file.suffix == ".npy" else value["w"]) == array.tolist(), file
        words = run("inspect", file.name, cwd=tmp_path).stdout.decode()
        assert "float32 [2, 3]" in words, words


def test_inspect_shows_types_of_the_tagged_form(tmp_path: Path) -> None:
    import datetime

    value = {
        "when": datetime.date(2026, 11, 21),
        "rows": [{"at": datetime.date(2026, 1, day), "t": (day, 2)} for day in (1, 9)],
        "s": {1, 2},
    }
    for ending in ("json", "yaml", "msgpack", "cbor", "can"):
        cannery.dump(value, tmp_path / f"a.{ending}")
        words = run("inspect", f"a.{ending}", cwd=tmp_path).stdout.decode()
        assert "datetime.date  2026-11-21" in words, words
        assert "datetime.date  2026-01-01 to 2026-01-09" in words, words
        assert "set of 2: int" in words
        assert "tuple of 2: int" in words
        assert "$type" not in words
        told = stdlib_json.loads(run("inspect", "--json", f"a.{ending}", cwd=tmp_path).stdout)
        (when,) = (part for part in told["root"]["parts"] if part["name"] == "when")
        assert (when["kind"], when["values"]) == ("datetime.date", ["2026-11-21"] * 2)


def test_json_is_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1e400, NaN]")
    done = run("cat", "a.json", cwd=tmp_path)
    assert done.returncode == 2
    assert b"--nan" in done.stderr
    assert json.loads(run("cat", "--nan", "a.json", cwd=tmp_path).stdout)[0] == float("inf")
    (tmp_path / "b.msgpack").write_bytes(msgpack.packb([float("nan"), b"x"]))
    told = run("inspect", "--json", "b.msgpack", cwd=tmp_path).stdout
    stdlib_json.loads(told, parse_constant=lambda _: 1 / 0)
    shown = run("cat", "b.msgpack", cwd=tmp_path).stdout
    stdlib_json.loads(shown, parse_constant=lambda _: 1 / 0)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$[-1]", [5, {"a": 6}]), ("$[-1][-1].a", 6), ("$[1:3]", [1, 2]),
        ("$[-2:]", [4, [5, {"a": 6}]]),
        ("$[:-4]", [0, 1]), ("$[::3]", [0, 3]), ("$[1:-1:2]", [1, 3]), ("$[-5:-3]", [1, 2]),
        ("$[5][:1]", [5]), ("$[9:]", []), ("$[-2:3]", []),
    ],
)  # fmt: skip
def test_places_from_the_end_and_slices(tmp_path: Path, path: str, expected: object) -> None:
    (tmp_path / "a.json").write_text('[0, 1, 2, 3, 4, [5, {"a": 6}]]')
    done = run("cat", "--json", "--path", path, "a.json", cwd=tmp_path)
    assert stdlib_json.loads(done.stdout) == expected, done.stderr


def test_slices_are_those_of_python(tmp_path: Path) -> None:
    numbers = list(range(7))
    (tmp_path / "a.json").write_text(stdlib_json.dumps(numbers))
    random.seed(3)
    for _ in range(25):
        start, stop = (random.choice([None, *range(-9, 10)]) for _ in range(2))
        step = random.choice([None, 1, 2, 3])
        text = ":".join("" if bound is None else str(bound) for bound in (start, stop, step))
        done = run("cat", "--json", "--path", f"$[{text}]", "a.json", cwd=tmp_path)
        assert stdlib_json.loads(done.stdout) == numbers[start:stop:step], text


def test_what_is_not_theirs_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a":1}')
    (tmp_path / "b.yaml").write_text("a: 1\n")
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "d.txt").write_text("no format of ours")
    done = run("fmt", "--check", "a.json", "b.yaml", "c.npy", "d.txt", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert b"4 files, 1 would change, 2 skipped" in done.stderr
    assert run("fmt", "d.txt", cwd=tmp_path).returncode == 2
    done = run("validate", "a.json", "d.txt", cwd=tmp_path)
    assert done.returncode == 0
    assert b"1 skipped" in done.stderr
    assert run("validate", "a.json", "d.txt", "--quiet", cwd=tmp_path).stderr == b""


def test_colours_are_as_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert b"\x1b[" in run("inspect", "--color", "always", "a.json", cwd=tmp_path).stdout
    for when in ("auto", "never"):
        assert b"\x1b[" not in run("inspect", "--color", when, "a.json", cwd=tmp_path).stdout


def test_manual_pages(tmp_path: Path) -> None:
    assert b".TH cannery" in run("man", cwd=tmp_path).stdout
    assert b"--path" in run("man", "cat", cwd=tmp_path).stdout.replace(b"\\-", b"-")
    assert run("man", "--out", "pages", cwd=tmp_path).returncode == 0
    assert (tmp_path / "pages/cannery-convert.1").exists()


def test_a_scan_that_is_quiet_tells_of_findings_only(tmp_path: Path) -> None:
    (tmp_path / "good.pkl").write_bytes(b"N.")
    assert run("scan", "--quiet", "good.pkl", cwd=tmp_path).stdout == b""
    (tmp_path / "bad.pkl").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    done = run("scan", "-q", ".", cwd=tmp_path)
    assert b"bad.pkl" in done.stdout
    assert b"good.pkl" not in done.stdout
    assert done.returncode == 1
