"""Steps in threads and in worker processes: the same results, cache, logs and errors."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cannery import Store, pipeline, step
from cannery.errors import CanneryError, DataTypeError, StepTimeoutError, WorkerError

SCRIPT = """
import dataclasses, logging, os, sys, warnings
from typing import Annotated
from cannery import pipeline, step

FACTOR = 2
print("loading", __name__, file=sys.stderr)

@dataclasses.dataclass
class Box:
    x: int

class Wrong(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code

    def __reduce__(self):
        return Wrong, (self.code,)

@step
def make(box: Box, n: int = 1) -> Box:
    print("making", n)
    logging.getLogger("flow").warning("careful")
    return Box(box.x * FACTOR + n)

@step
def split(box: Box) -> tuple[Annotated[int, "low"], Annotated[list[Box], "high"]]:
    return box.x, [box]

@step
def total(low: int, high: list[Box]) -> int:
    with open("extra.txt") as file:
        return low + sum(box.x for box in high) + int(file.read())

@step
def fail(box: Box) -> int:
    raise Wrong(7)

@pipeline
def flow(x: int = 1):
    low, high = split(make(Box(x), n=3))
    return total(low, high)

@pipeline
def failing():
    return fail(Box(1))

if __name__ == "__main__":
    executor = sys.argv[1]
    run = flow.with_options(executor=executor)(int(sys.argv[2]))
    print("result", run.output.load(), [s.cached for s in run.steps.values()])
    try:
        failing.with_options(executor=executor)()
    except Wrong as error:
        print("wrong", error.code, type(error).__module__)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))
    (tmp_path / "flow.py").write_text(SCRIPT)
    (tmp_path / "extra.txt").write_text("100")
    return tmp_path


def run_script(project, *args, file="flow.py"):
    done = subprocess.run(
        [sys.executable, file, *args], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("executors", [("threads", "processes"), ("processes", "threads")])
def test_a_script_gives_the_same_with_each_executor(project, executors):
    first = run_script(project, executors[0], "1")
    assert "result 110 [False, False, False]" in first.stdout
    assert "making 3" in first.stdout
    assert "wrong 7 __main__" in first.stdout
    second = run_script(project, executors[1], "1")
    assert "result 110 [True, True, True]" in second.stdout
    assert "wrong 7 __main__" in second.stdout
    (project / "extra.txt").write_text("200")  # a worker's reads count
    third = run_script(project, executors[1], "1")
    assert "result 210 [True, True, False]" in third.stdout
    fourth = run_script(project, executors[0], "1")
    assert "result 210 [True, True, True]" in fourth.stdout
    store = Store(project / "store")
    assert store.artifact("flow/make").type == "flow.Box"
    log = store.run(1).steps["make"].log
    assert "making 3\n" in log
    assert "careful\n" in log


def test_the_command_shares_the_cache_with_the_script(project):
    run_script(project, "threads", "1")
    for executor in ("processes", "threads"):
        done = subprocess.run(
            [sys.executable, "-m", "cannery", "run", "flow.py:flow", "--executor", executor],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "3 steps, 3 cached" in done.stdout
        assert "loading flow" in done.stderr
        assert "loading __main__" not in done.stderr


def test_a_pipeline_is_not_called_while_a_worker_loads_its_module(project):
    text = SCRIPT.partition("if __name__")[0]
    (project / "bare.py").write_text(f"{text}\nflow.with_options(executor='processes')(1)\n")
    done = subprocess.run(
        [sys.executable, "bare.py"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pipeline `flow` is called while a worker process loads the module" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr


def test_code_that_was_changed_since_is_refused(project):
    text = SCRIPT.replace(
        "    executor = sys.argv[1]", '    FACTOR = 3\n    executor = "processes"'
    )
    (project / "changed.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "changed.py", "processes", "1"],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "a worker process finds another `code` of step `make`" in done.stderr
    assert 'executor="threads"' in done.stderr


def test_functions_of_a_session_are_refused_for_processes(project):
    program = (
        "from cannery import pipeline, step\n"
        "@step\ndef one() -> int:\n    return 1\n"
        "@pipeline\ndef p():\n    return one()\n"
        "print(p().output.load())\n"
        "p.with_options(executor='processes', force=True)()\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=program, cwd=project, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == "1\n"
    assert "notebook or an interactive session" in done.stderr
    assert 'executor="threads"' in done.stderr


def test_a_local_function_is_refused_for_processes(tmp_path):
    @step
    def local() -> int:
        return 1

    @pipeline(store=tmp_path / "store", executor="processes")
    def here():
        return local()

    with pytest.raises(DataTypeError, match="inside of a function"):
        here()


# Steps of this module, which workers import


@step
def nap(n: int) -> int:
    time.sleep(1)
    return n


@step
def die() -> int:
    print("last words", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return 1


@step(timeout=1)
def hang() -> int:
    subprocess.run(["sleep", "600"], check=False)
    return 1


@step(timeout=0.1)
def late() -> int:
    time.sleep(0.3)
    return 1


@step
def rubbish(size: int) -> int:
    sys.stdout.buffer.write(b"\xff\x00\x1b[31m" * size)
    sys.stdout.flush()
    os.write(2, b"straight\n")
    return size


@step
def add(a: int, b: int) -> int:
    return a + b


def runs_of(tmp_path, function, **options):
    return pipeline(store=tmp_path / "store", **options)(function)


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_independent_steps_run_side_by_side(tmp_path, executor):
    def naps():
        return [nap(n) for n in range(4)]

    began = time.monotonic()
    run = runs_of(tmp_path, naps, workers=4, executor=executor)()
    elapsed = time.monotonic() - began
    assert [each.load() for each in run.output] == [0, 1, 2, 3]
    # Started within one nap: they overlap, however slow the machine is.
    started = [each.started.timestamp() for each in run.steps.values()]
    assert max(started) - min(started) < 0.9 or executor == "processes"
    assert elapsed < 4 or executor == "processes"


def test_a_worker_that_is_killed_is_a_failed_step(tmp_path):
    def killed():
        return die()

    run = runs_of(tmp_path, killed, executor="processes")
    with pytest.raises(WorkerError, match="killed by signal 9"):
        run()
    record = Store(tmp_path / "store").run(1)
    assert record.status == "failed"
    assert record.steps["die"].log == "last words\n"


def test_a_step_that_hangs_is_ended_with_what_it_has_started(tmp_path):
    def hangs():
        return hang()

    with pytest.raises(StepTimeoutError, match="its timeout of 1s, and was ended") as caught:
        runs_of(tmp_path, hangs, executor="processes")()
    assert isinstance(caught.value, TimeoutError)
    assert "in step `hang`" in "".join(caught.value.__notes__)
    assert Store(tmp_path / "store").run(1).steps["hang"].status == "failed"


def test_a_thread_is_said_to_be_late(tmp_path, capsys):
    def slow():
        return late()

    with pytest.raises(StepTimeoutError, match="of 100ms, and ended only now") as caught:
        runs_of(tmp_path, slow)()
    assert "a thread cannot be ended" in caught.value.hint
    assert "takes longer than its timeout" in capsys.readouterr().err


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_megabytes_of_rubbish_are_kept(tmp_path, executor, capfdbinary):
    def noisy():
        return rubbish(300_000)

    run = runs_of(tmp_path, noisy, executor=executor)()
    assert run.output.load() == 300_000
    steps = Store(tmp_path / "store").run(1).steps
    log = steps["rubbish"]._store._native.step_log(steps["rubbish"]._record.id, 0)
    assert log.startswith(b"\xff\x00\x1b[31m" * 300_000)
    # What goes past Python is only a worker's own.
    assert log.endswith(b"straight\n") == (executor == "processes")
    capfdbinary.readouterr()


def test_parameters_of_workers_may_hold_artifacts(tmp_path):
    def nested():
        three = add(1, 2)
        return add(three, add(three, 10))

    run = runs_of(tmp_path, nested, executor="processes")()
    assert run.output.load() == 16


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_steps_artifacts_and_runs_can_be_pickled(tmp_path, protocol):
    def sums():
        return add(1, 2)

    run = runs_of(tmp_path, sums)()
    copied = pickle.loads(pickle.dumps(run, protocol))
    assert (copied.id, copied.output.load()) == (run.id, 3)
    assert pickle.loads(pickle.dumps(run.output, protocol)).load() == 3
    assert pickle.loads(pickle.dumps(run.record, protocol)).output.load() == 3
    assert pickle.loads(pickle.dumps(add, protocol)) is add
    other = pickle.loads(pickle.dumps(add.with_options(name="plus"), protocol))
    assert (other.name, other.function) == ("plus", add.function)


def test_an_argument_that_cannot_be_pickled_is_named(tmp_path):
    def odd():
        return call(lambda: 1)

    with pytest.raises(CanneryError, match="an argument of step `call` cannot be pickled"):
        runs_of(tmp_path, odd, executor="processes")()


@step
def call(function: object) -> int:
    return function()


def test_ctrl_c_ends_workers_and_is_recorded(project):
    (project / "long.py").write_text(
        "import time\nfrom cannery import pipeline, step\n"
        "@step\ndef wait(n: int) -> int:\n    print('at work', flush=True)\n"
        "    time.sleep(600)\n    return n\n"
        "@pipeline\ndef long():\n    return [wait(n) for n in range(2)]\n"
    )
    for executor in ("processes", "threads"):
        command = [sys.executable, "-m", "cannery", "run", "long.py", "--executor", executor]
        # In a session of its own, as a terminal would signal it.
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            cwd=project,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for line in process.stderr:
            if "at work" in line:
                break
        # Again, should a thread of it have got the signal that has no use for it.
        for _ in range(60):
            os.killpg(process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
                break
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert out == ""
        assert "interrupted; run it again" in err
        assert "Traceback" not in err
    with Store(project / "store") as store:
        assert [run.status for run in store.runs()] == ["interrupted", "interrupted"]
    assert "long.py" not in running_commands(project)


def running_commands(folder: Path) -> str:
    """Return the command lines of processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return "\n".join(found)
