"""Runs small projects in processes of their own, before and after an edit.

A warm process is forked for each run, since to start Python and import cannery takes longer than
everything that is tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

HEAD = "from cannery import step, pipeline\n"
STEP = "@step\ndef s(x: int) -> int:\n"
FOOT = """
@pipeline
def flow():
    return s(1)
if __name__ == "__main__":
    report(flow())
"""
REPORT = """
def report(run):
    import json, sys
    cached = all(step.cached for step in run.steps.values())
    by_name = {name: step.cached for name, step in run.steps.items()}
    sys.stdout.write("\\nRESULT " + json.dumps([cached, repr(run.output.load()), by_name]) + "\\n")
"""

Edit = tuple[str, str, str] | Callable[[Path], Any]


@dataclass
class Project:
    """Files, how they are edited, and what the edit must lead to."""

    name: str
    files: dict[str, str | bytes]
    edits: list[Edit] = field(default_factory=list)
    #: Whether the edit changes the result; if not, it must be found.
    changes: bool = True
    first: dict[str, str] = field(default_factory=dict)
    second: dict[str, str] = field(default_factory=dict)
    #: What is run in the project's folder, as Python's arguments.
    command: tuple[str, ...] = ("main.py",)
    command_after: tuple[str, ...] = ()
    folder_after: str = "."
    prepare: Callable[[Path], Any] | None = None


@dataclass
class Outcome:
    """What a run of a project printed."""

    cached: bool
    value: str
    steps: dict[str, bool]
    errors: str


def write(folder: Path, project: Project) -> None:
    for name, content in project.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(textwrap.dedent(content))
        old = file.stat().st_mtime - 10  # as if it had been there for a while
        os.utime(file, (old, old))
    if project.prepare is not None:
        project.prepare(folder)


def edit(folder: Path, project: Project) -> None:
    for each in project.edits:
        if callable(each):
            each(folder)
            continue
        name, before, after = each
        text = (folder / name).read_text()
        assert before in text, (name, before)
        (folder / name).write_text(text.replace(before, after))


class Runner:
    """The warm process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(
        self, folder: Path, command: tuple[str, ...], store: Path, variables: dict[str, str]
    ) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "folder": str(folder),
            "command": command,
            "variables": {**variables, "CANNERY_STORE": str(store)},
            "output": str(store.parent / "output.txt"),
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        output = Path(request["output"]).read_text()
        results = [line for line in output.splitlines() if line.startswith("RESULT ")]
        assert status == 0, output
        assert results, output
        cached, value, steps = json.loads(results[-1][7:])
        return Outcome(cached, value, steps, output)


def check(runner: Runner, project: Project, folder: Path) -> None:
    """Run a project, edit it, and compare with the same run on an empty store."""
    home = folder / "project"
    home.mkdir()
    write(home, project)
    store = folder / "store"
    runner.run(home, project.command, store, project.first)
    again = runner.run(home, project.command, store, project.first)
    assert again.cached, f"an unchanged project runs again: {again.errors}"
    edit(home, project)
    command = project.command_after or project.command
    variables = project.second or project.first
    after = home / project.folder_after
    found = runner.run(after, command, store, variables)
    truth = runner.run(after, command, folder / "truth", variables)
    assert found.value == truth.value, f"stale: {found.value}, not {truth.value}"
    assert found.cached != project.changes, f"cached: {found.steps}, {found.errors}"


# The warm process


def serve(requests: IO[str], answers: IO[str]) -> None:

    for line in requests:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _be_a_program(request)
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _be_a_program(request: dict[str, Any]) -> None:
    import runpy
    import time
    import traceback

    from cannery._fingerprint import _syntax

    _syntax._STARTED = time.time()
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(request["variables"])
    time.tzset()
    os.chdir(request["folder"])
    sys.dont_write_bytecode = True
    import builtins

    exec(REPORT, vars(builtins))
    del sys.modules["__main__"]
    status = 0
    try:
        _run_as_main(request["command"], runpy)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run_as_main(command: list[str], runpy: Any) -> None:
    import types

    kind, *rest = command
    sys.argv = [rest[0], *rest[1:]] if kind in ("-c", "-m") else list(command)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if kind == "-c":
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec", dont_inherit=True), vars(main))
    elif kind == "-m":
        sys.path.insert(0, str(Path.cwd()))
        runpy._run_module_as_main(rest[0], alter_argv=False)
    else:
        file = Path(os.path.abspath(kind))  # noqa: PTH100  as Python names it
        sys.path.insert(0, str(file.parent))
        main.__file__ = str(file)
        exec(compile(file.read_text(), str(file), "exec", dont_inherit=True), vars(main))


@contextmanager
def running() -> Iterator[Runner]:
    runner = Runner()
    try:
        yield runner
    finally:
        runner.close()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
