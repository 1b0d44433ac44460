"""How a run is shown: lines as a terminal leaves them, and what is left of a run that failed."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from cannery._display import Display, LiveDisplay, _cut, _text


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"plain", "plain"),
        (b"\r 10%\r 20%\r 30%", " 30%"),
        (b"done\r", "done"),
        (b"\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[K", "red and green"),
        (b"\xff", "\\xff"),
        (b"\r\r", ""),
    ],
)
def test_lines_are_told_as_a_terminal_leaves_them(printed: bytes, shown: str) -> None:
    assert _text(printed) == shown


def test_the_live_lines_tell_of_maps_of_single_steps_and_of_the_whole() -> None:
    display = LiveDisplay(io.StringIO())
    display._over.set()
    display._thread.join()
    display.announce("load", 8)
    display.submitted("total")
    for number in range(1, 6):
        display.notice(f"load-{number}" if number > 1 else "load", "began", 0.0, "")
    for label in ("load", "load-2"):
        display.notice(label, "completed", 0.1, "")
    display.notice("total", "began", 0.0, "")
    display.notice("total", "printed", 0.0, b"\r 50%")
    many, single, whole = display._lines()
    assert many == "  [####............] load  2 of 8"
    assert single.startswith("  total  0.")
    assert single.endswith(" s   50%")
    assert whole.startswith("  2 of 9 steps, ")


def test_lines_are_cut_by_the_columns_that_they_take() -> None:
    assert _cut("x" * 9, 10) == "x" * 9
    assert _cut("x" * 10, 10) == "x" * 8 + "…"
    assert _cut("日本語のログ", 13) == "日本語のログ"
    assert _cut("日本語のログ", 12) == "日本語のロ…"
    assert _cut("e\u0301" * 9, 10) == "e\u0301" * 9


def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    display = Display(stream)
    display.submitted("bad")
    display.notice("bad", "began", 0.0, "")
    display.notice("bad", "failed", 0.1, "ValueError: no\nmore")
    display.close()
    assert stream.getvalue() == "bad  ...\nbad  failed: ValueError: no\n"


def test_quietly_only_what_goes_wrong_is_told(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(
        "from cannery import pipeline, step\n"
        "@step\ndef read() -> int:\n    print('printed')\n    return 1\n"
        "@step\ndef last(x: int, bad: bool) -> int:\n    return 1 // (not bad)\n"
        "@pipeline\ndef flow(bad: bool = False): return last(read(), bad)\n"
    )
    command = [sys.executable, "-m", "cannery", "run", "flow.py", "-q", "--store", "store"]
    fine = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert fine.stdout.startswith("run 1 completed")
    assert fine.stderr == ""
    command += ["--param", "bad=true"]
    bad = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("last  failed: ZeroDivisionError")
    assert "printed" not in bad.stderr


def test_a_run_that_failed_says_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(
        "from cannery import pipeline, step\n"
        "@step\ndef read() -> int: return 1\n"
        "@step\ndef bad(x: int) -> int: raise ValueError('no')\n"
        "@step\ndef last(x: int) -> int: return x\n"
        "@pipeline\ndef flow(): return last(bad(read()))\n"
    )
    command = [sys.executable, "-m", "cannery", "run", "flow.py", "--store", "store"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "run 1 failed: 1 completed, 1 failed, 1 skipped\n"
        "  bad   failed: ValueError: no\n"
        "  last  skipped\n"
    )
    assert "\x1b" not in done.stderr
