"""`map_chunks`: a function over data larger than memory, which goes on after an interruption."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from cannery._audit import writing
from cannery._chunks import Chunks, Where, chunks
from cannery._chunks._blocks import Form
from cannery._chunks._source import Piece
from cannery._map._function import Function
from cannery._map._journal import Done, Journal, sync_folder, tail_of
from cannery._map._progress import Progress
from cannery._map._targets import Encoded, Target, describe_target, open_target, sync
from cannery._map._task import Failure, Job, Task, raise_failure
from cannery._map._workers import Pool, open_pool, refuse_in_worker
from cannery.errors import ConflictError, DataError, DataTypeError, NotFoundError

__all__ = ["MapSummary", "map_chunks"]

#: Seconds between two entries of the journal.
_SYNC_INTERVAL = 0.5
#: Results that wait for an earlier one, for each worker.
_AHEAD = 2


@dataclass(frozen=True)
class MapSummary:
    """What a call of `map_chunks` did."""

    path: Path
    rows_in: int
    rows_out: int
    chunks: int
    #: Chunks that an interrupted run had done.
    resumed_chunks: int
    seconds: float


def map_chunks(
    fn: Function,
    src: Where | Chunks,
    dst: str | os.PathLike[str],
    *,
    rows: int | None = None,
    bytes: int | None = None,
    columns: Iterable[Any] | None = None,
    as_: Form | None = None,
    schema: Mapping[str, Any] | None = None,
    workers: int | None = None,
    executor: Literal["processes", "threads"] = "processes",
    resume: bool | Literal["restart"] = True,
    format: str | None = None,
    progress: bool | None = None,
) -> MapSummary:
    """Call `fn` with each chunk of `src` and write what it returns to `dst`, in order.

    `src`, `rows`, `bytes`, `columns`, `as_` and `schema` are as for `chunks`; `src` may be chunks,
    too. `fn` returns rows (a list, an array, a mapping of arrays, a data frame), as many as it
    likes; a mapping is one row, `None` is none. `dst` is written in the format of its name, or in
    `format`: JSON Lines, CSV, NPY, JSON, MessagePack, CBOR, YAML, Parquet or Arrow. It appears
    under its name when it is complete.

    `workers` processes call `fn` (by default one for each processor; 0 is this process), which must
    be able to import it: a script calls `map_chunks` under `if __name__ == "__main__":`.
    `executor="threads"` takes threads. About two chunks for each worker are in memory.

    A run that was interrupted, even by `kill -9`, is taken up where it was by the same call: the
    journal beside `dst` (`.journal`, and the rows so far in `.partial`) says what is done, and the
    result is that of a run without interruption. If `fn` or code of the project that it reaches, a
    parameter or the source was changed since, the call is refused; `resume="restart"` begins anew,
    `resume=False` also does and keeps no journal.

    A terminal shows progress on standard error; `progress=True` also writes lines into a pipe.

    Example:
        >>> import cannery
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> to = Path(mkdtemp()) / "squares.jsonl"
        >>> done = cannery.map_chunks(lambda rows: [n * n for n in rows], range(5), to, workers=0)
        >>> [done.rows_out, to.read_text().split()]
        [5, ['0', '1', '4', '9', '16']]

    Raises:
        Exception: what `fn` raised, with a note that says which row and chunk it was raised for.
        DataTypeError: for a function that worker processes cannot import; a result that is no rows.
        DataError: if an interrupted run was another one; for a format that is not written chunk by
            chunk.
        WorkerError: if a worker process ended, such as for want of memory.
        ConflictError: if another process writes `dst`.

    """
    refuse_in_worker()
    _check(fn, workers, executor, resume)
    path = Path(os.fspath(dst))
    source = _source(src, rows=rows, bytes=bytes, columns=columns, as_=as_, schema=schema)
    _check_place(path, source)
    target = open_target(str(path), format)
    writing(str(path))
    job = Job(fn, source.form, target, source.name)
    count = _cpus() if workers is None else workers
    pool = open_pool(job, count, executor)
    with Journal(path) as journal:
        run = _Run(job, source, path, journal, resume)
        finished = run.finished()
        if finished is not None:
            return finished
        line = f"{source.name} to {path.name}"
        shown = Progress(line, source.row_count, source.source_size, pool.pids, progress)
        try:
            return run.do(pool, shown)
        finally:
            shown.close()
            pool.close()


def _check(fn: object, workers: object, executor: object, resume: object) -> None:
    if not callable(fn):
        raise DataTypeError(f"expected a function, got {type(fn).__name__}")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int)):
        raise DataTypeError(f"expected a number of workers, got {workers!r}")
    if isinstance(workers, int) and workers < 0:
        raise DataError(f"expected a number of workers, got {workers}")
    if executor not in ("processes", "threads"):
        error = DataError(f"{executor!r} is no executor")
        error.hint = 'use "processes" or "threads"'
        raise error
    if resume not in (True, False, "restart"):
        error = DataError(f"{resume!r} is not known for resume=")
        error.hint = 'use True, False or "restart"'
        raise error


def _source(src: Where | Chunks, **options: Any) -> Chunks:
    if not isinstance(src, Chunks):
        return chunks(src, **options)
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise DataTypeError(f"these are chunks already: give {', '.join(given)} to `chunks`")
    return src


def _check_place(path: Path, source: Chunks) -> None:
    if not path.parent.is_dir():
        raise NotFoundError(f"there is no folder {path.parent}")
    if path.is_dir():
        raise DataError(f"{path} is a folder")
    if path.exists() and any(
        Path(file).exists() and path.samefile(file) for file in _files_of(source)
    ):
        error = DataError(f"{path} is the source, too")
        error.hint = "write to another file"
        raise error


def _files_of(source: Chunks) -> Iterator[str]:
    def walk(found: Any) -> Iterator[str]:
        if isinstance(found, dict):
            if isinstance(found.get("file"), str):
                yield found["file"]
            for value in found.values():
                yield from walk(value)
        elif isinstance(found, list):
            for value in found:
                yield from walk(value)

    yield from walk(source.identity())


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Run:
    """One run: what is done, and what is to be done."""

    def __init__(
        self,
        job: Job,
        source: Chunks,
        path: Path,
        journal: Journal,
        resume: bool | Literal["restart"],
    ) -> None:
        self._job, self._source, self._path, self._journal = job, source, path, journal
        self._target: Target = job.target
        identity = source.identity()
        # What cannot be told from something else is never taken up.
        self._keeps = resume is not False and identity is not None
        self._done = Done()
        self._started = time.monotonic()
        about = _about(job, source, identity)
        before = journal.read() if resume is True else None
        # Where nothing is done, nothing is lost.
        if before is not None and before[1].chunks and self._keeps:
            journal.cut()
            _check_same(before[0], about, journal)
            self._done = before[1]
            if not self._done.is_complete:
                journal.check_partial(self._done)
        else:
            journal.begin(about)
        self._resumed, self._rows_before = self._done.chunks, self._done.rows_in
        self._noted = time.monotonic()

    def finished(self) -> MapSummary | None:
        """Give a file its name that an interrupted run had completed; `None` if there is none.

        Raises:
            DataError: if it is not there any more as it was.

        """
        if not self._done.is_complete:
            return None
        own = (self._done.length, self._done.checksum)
        for path in (self._journal.assembled, self._journal.partial, self._path):
            if path.exists() and tail_of(path) == own:
                path.replace(self._path)
                self._journal.remove()
                return self._summary()
        error = DataError(f"{self._path} was changed since it was written")
        error.hint = 'pass resume="restart" to write it anew'
        raise error

    def do(self, pool: Pool, shown: Progress) -> MapSummary:
        """Map what is left."""
        partial = self._journal.partial
        with partial.open("r+b" if partial.exists() else "w+b") as file:
            file.truncate(self._done.length)
            file.seek(self._done.length)
            try:
                self._map(pool, shown, file)
                self._note(file)
            except BaseException as error:
                self._note(file)
                if not self._done.chunks:
                    self._journal.remove()
                elif self._keeps:
                    error.add_note(
                        f"{self._done.chunks} chunks ({self._done.rows_in} rows) are kept in "
                        f"{partial}: the same call goes on from there"
                    )
                raise
            complete = self._complete(file)
        self._rename(complete)
        return self._summary()

    def _map(self, pool: Pool, shown: Progress, file: BinaryIO) -> None:
        tasks = self._tasks(shown)
        window = max(1, pool.capacity * _AHEAD)
        waiting: dict[int, tuple[Piece, Encoded | Failure | None]] = {}
        working = 0
        is_over = has_failed = False
        while True:
            while not is_over and not has_failed and working < pool.capacity:
                # Until the first chunk says what the columns are, there is only one.
                alone = self._target.needs_head and self._done.head is None
                if len(waiting) >= (1 if alone else window):
                    break
                found = next(tasks, None)
                if found is None:
                    is_over = True
                    break
                index, piece = found
                waiting[index] = (piece, None)
                pool.submit(Task(index, piece, self._done.head))
                working += 1
            if not working:
                return
            for answer in pool.wait():
                working -= 1
                index = answer.index if isinstance(answer, Failure) else answer[0]
                result = answer if isinstance(answer, Failure) else answer[1]
                has_failed = has_failed or isinstance(answer, Failure)
                waiting[index] = (waiting[index][0], result)
            self._write_ready(waiting, shown, file)

    def _tasks(self, shown: Progress) -> Iterator[tuple[int, Piece]]:
        """Yield the chunks that are not done."""
        end = 0
        for index, piece in enumerate(self._source.pieces()):
            if index >= self._resumed:
                if index == self._resumed and index:
                    shown.skip(self._done.rows_in, end)
                yield index, piece
            end = piece.end

    def _write_ready(
        self,
        waiting: dict[int, tuple[Piece, Encoded | Failure | None]],
        shown: Progress,
        file: BinaryIO,
    ) -> None:
        """Write the results whose turn it is."""
        while (found := waiting.get(self._done.chunks)) is not None:
            piece, result = found
            if result is None:
                return
            if isinstance(result, Failure):
                raise_failure(result)
            del waiting[self._done.chunks]
            self._write(file, piece, result)
            done = self._done.rows_in
            shown.show(done, done - self._rows_before, piece.end)
            if self._keeps and time.monotonic() - self._noted > _SYNC_INTERVAL:
                self._note(file)

    def _write(self, file: BinaryIO, piece: Piece, result: Encoded) -> None:
        done = self._done
        new = replace(done, chunks=done.chunks + 1, rows_in=done.rows_in + piece.rows)
        if result.rows:
            begin = b"" if done.rows_out else self._target.begin(result.head)
            data = (self._target.between() if done.rows_out else b"") + result.data
            file.write(begin)
            file.write(data)
            new.prologue += len(begin)
            new.length += len(begin) + len(data)
            new.checksum = zlib.crc32(data, done.checksum)
            new.rows_out += result.rows
            new.head = result.head
        # At once: an interrupt comes before all of it or behind.
        self._done = new

    def _note(self, file: BinaryIO) -> None:
        if not self._keeps:
            return
        sync(file)
        self._journal.note(self._done)
        self._noted = time.monotonic()

    def _complete(self, file: BinaryIO) -> Path:
        """Complete the file, and return where it is.

        If this is interrupted, it is done again: what was noted of the partial file stays as it is.
        """
        done, assembled = self._done, self._journal.assembled
        file.flush()
        if self._target.assemble(self._journal.partial, done.head, assembled):
            with assembled.open("rb+") as whole:
                sync(whole)
            return assembled
        self._target.finish(file, done.head, done.rows_out)
        sync(file)
        return self._journal.partial

    def _rename(self, complete: Path) -> None:
        if self._keeps:
            length, checksum = tail_of(complete)
            self._journal.note(
                replace(self._done, length=length, checksum=checksum, is_complete=True)
            )
        complete.replace(self._path)
        sync_folder(self._path.parent)
        self._journal.remove()

    def _summary(self) -> MapSummary:
        done = self._done
        seconds = time.monotonic() - self._started
        return MapSummary(
            self._path, done.rows_in, done.rows_out, done.chunks, self._resumed, seconds
        )


def _about(job: Job, source: Chunks, identity: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a run is, for the journal."""
    return {
        "function": _function_parts(job.fn) if identity is not None else {},
        "parameters": {
            "rows": source.size.rows,
            "bytes": source.size.bytes,
            "as_": source.form,
            "columns": list(source.schema or ()),
            **describe_target(job.target),
        },
        "source": identity,
    }


def _function_parts(fn: Function) -> dict[str, str]:
    from types import FunctionType

    from cannery._fingerprint import fingerprint, fingerprint_value

    if isinstance(fn, FunctionType):
        found = fingerprint(fn)
        return {**found.parts, "all": found.digest}
    value = fingerprint_value(fn)
    code = {} if value.code is None else {**value.code.parts, "all": value.code.digest}
    return {**code, "value": value.text}


def _check_same(before: dict[str, Any], now: dict[str, Any], journal: Journal) -> None:
    """Make sure that an interrupted run was the same as this one.

    Raises:
        ConflictError: if it was another; it says in what.

    """
    from cannery import json

    # As the journal has it: a tuple is a list there.
    now = json.decode(json.encode(now))
    changed = []
    if before.get("function", {}).get("all") != now["function"].get("all") or before.get(
        "function", {}
    ).get("value") != now["function"].get("value"):
        changed.append(_changed_code(before.get("function", {}), now["function"]))
    for part, what in (("parameters", "the parameter"), ("source", "the source:")):
        old, new = before.get(part) or {}, now[part] or {}
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                changed.append(
                    f"{what} {name} ({_brief(old.get(name))}, now {_brief(new.get(name))})"
                )
    if not changed:
        return
    error = ConflictError(
        f"a run that was interrupted is kept in {journal.path}, and since then changed: "
        + "; ".join(changed)
    )
    error.hint = 'pass resume="restart" to begin anew; what was done is lost then'
    raise error


def _changed_code(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = [
        name
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name) and name not in ("all", "value")
    ]
    return f"the function ({', '.join(names[:5]) or 'what it holds'})"


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
