"""Who does the work: this process, threads of it, or worker processes."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from multiprocessing import connection, get_context, parent_process, process
from typing import Any

from cannery._map._function import pickled
from cannery._map._task import Answer, Failure, Job, Task, do, sendable
from cannery.errors import WorkerError

#: The exit code of a worker whose main file calls `map_chunks` while it is imported.
_UNGUARDED = 78
_GUARD_HINT = (
    "worker processes import the file that was started: put what shall run only once under "
    '`if __name__ == "__main__":`; or work in this process with workers=0'
)


class Pool(ABC):
    """Does tasks, a few at a time."""

    #: How many tasks can be worked on at the same time.
    capacity: int

    @abstractmethod
    def submit(self, task: Task) -> None:
        """Begin a task; there are fewer under way than the capacity."""

    @abstractmethod
    def wait(self) -> list[Answer]:
        """Wait until at least one task has been done."""

    def close(self) -> None:
        """End all that is under way."""
        return

    def pids(self) -> list[int]:
        """Return the processes besides this one."""
        return []


def open_pool(job: Job, workers: int, executor: str) -> Pool:
    """Return the pool that is asked for."""
    if workers == 0:
        return InlinePool(job)
    return ThreadPool(job, workers) if executor == "threads" else ProcessPool(job, workers)


class InlinePool(Pool):
    """Does each task in this process, when it is submitted."""

    capacity = 1

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done: list[Answer] = []

    def submit(self, task: Task) -> None:
        """Do the task."""
        self._done.append(do(self._job, task))

    def wait(self) -> list[Answer]:
        """Return what was done."""
        done, self._done = self._done, []
        return done


class ThreadPool(Pool):
    """Threads of this process."""

    def __init__(self, job: Job, workers: int) -> None:
        self.capacity = workers
        self._job = job
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        for number in range(workers):
            name = f"cannery-map-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._done.put(do(self._job, task))

    def submit(self, task: Task) -> None:
        """Give the task to a thread."""
        self._tasks.put(task)

    def wait(self) -> list[Answer]:
        """Wait for one answer."""
        while True:
            # With a limit, so that Ctrl-C is seen.
            with contextlib.suppress(queue.Empty):
                return [self._done.get(timeout=0.5)]

    def close(self) -> None:
        """Let the threads end when they have done what they do."""
        for _ in range(self.capacity):
            self._tasks.put(None)


class ProcessPool(Pool):
    """Worker processes, each with a pipe of its own.

    They are started afresh (`spawn`): a copy of this process (`fork`) would hold locks of threads
    that it does not have, those of NumPy's and Polars' among them.
    """

    def __init__(self, job: Job, workers: int) -> None:
        refuse_in_worker()
        self.capacity = workers
        self._setup = pickle.dumps((job.form, job.target, job.name))
        self._function = pickled(job.fn)
        self._context = get_context("spawn")
        self._idle: list[_Worker] = []
        self._busy: dict[connection.Connection, _Worker] = {}

    def submit(self, task: Task) -> None:
        """Send the task to a worker, a new one if there are fewer than allowed."""
        worker = (
            self._idle.pop() if self._idle else _Worker(self._context, self._function, self._setup)
        )
        worker.task = task
        self._busy[worker.pipe] = worker
        try:
            worker.pipe.send(task)
        except OSError as cause:
            raise worker.failed() from cause

    def wait(self) -> list[Answer]:
        """Wait until a worker answers.

        Raises:
            WorkerError: if one ended instead.

        """
        answers = []
        for pipe in connection.wait(list(self._busy)):
            worker = self._busy[pipe]  # type: ignore[index]
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError) as cause:
                raise worker.failed() from cause
            del self._busy[worker.pipe]
            worker.task = None
            self._idle.append(worker)
            answers.append(answer)
        return answers

    def close(self) -> None:
        """End the workers, whatever they do."""
        workers = [*self._idle, *self._busy.values()]
        self._idle, self._busy = [], {}
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.end()

    def pids(self) -> list[int]:
        """Return the workers."""
        workers = [*self._idle, *self._busy.values()]
        return [worker.process.pid for worker in workers if worker.process.pid is not None]


class _Worker:
    """A worker process, and what it works on."""

    def __init__(self, context: Any, function: bytes, setup: bytes) -> None:
        self.task: Task | None = None
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=work, args=(theirs, function, setup), name="cannery map_chunks"
        )
        with _without_interrupts():
            self.process.start()
        theirs.close()

    def end(self) -> None:
        """Wait until it has ended."""
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()

    def failed(self) -> WorkerError:
        """Return the error of a worker that ended."""
        self.process.join(5)
        code = self.process.exitcode
        if code == _UNGUARDED:
            error = WorkerError("`map_chunks` was called while a worker imported the main file")
            error.hint = _GUARD_HINT
            return error
        what = _ending(code)
        if self.task is None:
            return WorkerError(f"a worker process {what} before it began")
        piece = self.task.piece
        last = piece.first_row + piece.rows - 1
        place = f"chunk {self.task.index} (rows {piece.first_row} to {last})"
        error = WorkerError(f"a worker process {what} while it worked on {place}")
        if code == -signal.SIGKILL:
            error.hint = (
                "the system kills processes when memory runs out: use fewer workers or smaller "
                "chunks (rows=); run it again to go on from here"
            )
        else:
            error.hint = "what it printed last may say why; run it again to go on from here"
        return error


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started meanwhile: the parent ends them in order."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def refuse_in_worker() -> None:
    """End a worker whose main file begins the same work while it is imported."""
    if getattr(process.current_process(), "_inheriting", False):
        # Nothing else of that file shall run, whatever it catches.
        os._exit(_UNGUARDED)


def work(pipe: Any, function: bytes, setup: bytes) -> None:
    """Do tasks until the pipe is closed: what a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _end_with_parent()
    try:
        form, target, name = pickle.loads(setup)
        job = Job(pickle.loads(function), form, target, name)
    except Exception as error:  # what is imported may raise anything
        job = _unloadable(error)
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = pipe.recv()
            answer = job if isinstance(job, Failure) else do(job, task)
            if isinstance(answer, Failure):
                answer = sendable(Failure(task.index, answer.exception, answer.text, answer.notes))
            pipe.send(answer)


def _unloadable(error: Exception) -> Failure:
    text = "".join(traceback.format_exception(error))
    return Failure(0, error, text, ("raised when a worker process loaded the function",))


def _end_with_parent() -> None:
    """End this process when its parent has ended, whatever it does then."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        sys.stderr.flush()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
