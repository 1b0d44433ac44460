"""Steps that read standard input: they run every time and say so, and others do not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import fileinput, os, subprocess, sys
from sys import stdin
import cannery
from cannery import Store, jsonl, pipeline, step

BUFFER = sys.stdin.buffer
READ = sys.stdin.read

def helper(stream=None):
    return (stream or sys.stdin).read()

@step(strict={strict})
def asked() -> str:
    return str({body})

@pipeline
def work():
    return asked()

found = work()
step, = found.steps.values()
print(step.cached, found.output.load().strip())
"""

READERS = {
    "the stream": "sys.stdin.read()",
    "its bytes": "sys.stdin.buffer.read().decode()",
    "its lines": "[line for line in sys.stdin]",
    "the next line": "next(sys.stdin)",
    "with": "[each.readline() for each in [sys.stdin.__enter__()]]",
    "a question": "input()",
    "its number": "open(0, closefd=False).read()",
    "its path": "open('/dev/stdin').read()",
    "its path in /proc": "open('/proc/self/fd/0').read()",
    "os.read": "os.read(0, 100).decode()",
    "os.readv": "[b := bytearray(100), os.readv(0, [b])][0].decode()",
    "os.fdopen": "os.fdopen(0, closefd=False).read()",
    "fileinput": "list(fileinput.input(()))",
    "imported before": "stdin.read()",
    "imported in the step": "__import__('importlib').import_module('sys').stdin.read()",
    "its bytes, kept": "BUFFER.read().decode()",
    "a method, kept": "READ()",
    "the first one": "sys.__stdin__.read()",
    "a helper": "helper()",
    "a format": "cannery.load('-', format='json')",
    "lines of JSON": "list(jsonl.read('-'))",
    "a program that inherits it": "subprocess.run(['cat'], capture_output=True, text=True).stdout",
}
OTHERS = {
    "is it a terminal": "sys.stdin.isatty()",
    "its encoding": "sys.stdin.encoding.lower()",
    "its number only": "sys.stdin.fileno()",
    "a program that is given another": "subprocess.run(['true'], input=b'x')",
    "what is only named": "sys.stdin.read() if len('a') > 1 else 'no'",
    "standard output": "print('', end='')",
}


def run(folder, body, given, strict=False):
    (folder / "work.py").write_text(
        PROGRAM.replace("{body}", body).replace("{strict}", str(strict))
    )
    return subprocess.run(
        [sys.executable, "work.py"],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("what", READERS)
def test_what_reads_it_runs_every_time_and_warns(tmp_path, what):
    for value in ("1", "2"):
        done = run(tmp_path, READERS[what], f'{{"a": {value}}}\n')
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("False "), done.stdout
        assert value in done.stdout, done.stdout
        assert "step `asked`" in done.stderr, done.stderr
        assert "it reads standard input, so it runs every time" in done.stderr, done.stderr


@pytest.mark.parametrize("what", OTHERS)
def test_what_does_not_read_it_is_known(tmp_path, what):
    for is_known in ("False", "True"):
        done = run(tmp_path, OTHERS[what], "1\n2\n")
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[0] == is_known, done.stdout
        assert "standard input" not in done.stderr


@pytest.mark.parametrize("what", ["the stream", "os.read", "its number", "imported before"])
def test_strict_steps_may_not(tmp_path, what):
    done = run(tmp_path, READERS[what], "1\n", strict=True)
    assert done.returncode == 1
    assert "standard input" in done.stderr.splitlines()[-1] or "DataError" in done.stderr


def test_what_the_pipeline_reads_is_a_parameter(tmp_path):
    program = """
import sys
from cannery import pipeline, step

@step
def double(text: str) -> str:
    return 2 * text

@pipeline
def work():
    return double(sys.stdin.read())

found = work()
print([step.cached for step in found.steps.values()], found.output.load())
"""
    (tmp_path / "work.py").write_text(program)
    told = []
    for given in ("a", "a", "b"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "work.py"],
            cwd=tmp_path,
            input=given,
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(done.stdout.strip())
    assert told == ["[False] aa", "[True] aa", "[False] bb"]


def test_the_stream_is_put_back(tmp_path, monkeypatch):
    from cannery import pipeline, step

    @step
    def one() -> int:
        return 1

    @pipeline(store=tmp_path / "store")
    def work():
        return one()

    before = sys.stdin
    work()
    assert sys.stdin is before
