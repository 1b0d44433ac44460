"""One chunk: what a worker is asked for, does, and answers."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass
from typing import Any, NoReturn

from cannery._chunks import load
from cannery._chunks._blocks import Form
from cannery._chunks._source import Piece
from cannery._map._function import Function, row_of_failure
from cannery._map._targets import Encoded, Head, Target, encoded
from cannery.errors import WorkerError


@dataclass(frozen=True)
class Job:
    """What is the same for all chunks."""

    fn: Function
    form: Form | None
    target: Target
    name: str


@dataclass(frozen=True)
class Task:
    """A chunk that is to be mapped."""

    index: int
    piece: Piece
    head: Head


@dataclass(frozen=True)
class Failure:
    """An exception, and the chunk that it was raised for."""

    index: int
    #: As it was raised; `None` if it cannot be sent to another process.
    exception: BaseException | None
    text: str
    notes: tuple[str, ...]


Answer = tuple[int, Encoded] | Failure


def do(job: Job, task: Task) -> Answer:
    """Load a chunk, call the function, encode what it returned."""
    block: Any = None
    is_called = False
    try:
        block = load(task.piece, job.form)
        is_called = True
        result = job.fn(block)
        return task.index, encoded(job.target, result, task.head)
    except Exception as error:  # the function may raise anything
        row = row_of_failure(job.fn, block, error) if is_called else None
        return _failure(task, error, _place(job, task.piece, task.index, row, is_called))


def _failure(task: Task, error: BaseException, place: str) -> Failure:
    text = "".join(traceback.format_exception(error))
    return Failure(task.index, error, text, (place,))


def _place(job: Job, piece: Piece, index: int, row: int | None, is_called: bool) -> str:
    name = getattr(piece, "name", job.name)
    first, last = piece.first_row, piece.first_row + piece.rows - 1
    chunk = f"chunk {index} (rows {first} to {last} of {name})"
    if not is_called:
        return f"in {chunk}"
    if row is None:
        return f"raised for {chunk}; rows count from 0"
    return f"raised for row {first + row} of {name}, in {chunk}; rows count from 0"


def sendable(failure: Failure) -> Failure:
    """Return a failure without its exception, if that cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(failure.exception))
    except Exception:  # whatever its own code raises
        return Failure(failure.index, None, failure.text, failure.notes)
    return failure


class RemoteTracebackError(Exception):
    """The traceback of another process, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def raise_failure(failure: Failure) -> NoReturn:
    """Raise the exception of a chunk, with the traceback that it had."""
    error = failure.exception
    if error is None:
        last = failure.text.rstrip().rpartition("\n")[2]
        error = WorkerError(f"the function failed: {last}")
    for note in failure.notes:
        error.add_note(note)
    if error.__traceback__ is None:
        raise error from RemoteTracebackError(failure.text)
    raise error
