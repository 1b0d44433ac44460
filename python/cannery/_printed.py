"""Keeps what steps print, and what they log, in the files of their logs.

Steps in threads share `sys.stdout`: a stream takes its place while steps run that tells them apart
by the thread that writes. A thread that belongs to no step writes for the only one that runs, if
there is only one.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cannery._fingerprint._hooks import observed_input

_lock = threading.RLock()
_by_thread: dict[int, list[StepLog]] = {}
_running: list[StepLog] = []
# How many runs there are in this process, and what was put in the place of what for them.
_runs = 0
_replaced: list[tuple[Any, str, Any, Any]] = []
# Threads in which pipelines run: what they print between steps is no step's.
_hosts: dict[int, int] = {}


class StepLog:
    """The log of one step that runs: a file that is made when there is something in it."""

    def __init__(
        self, path: str | os.PathLike[str], show: Callable[[bytes], object] | None
    ) -> None:
        self._path = Path(path)
        self._file: io.FileIO | None = None
        #: Shows what is printed, instead of the stream that it was printed to.
        self.show = show

    def write(self, data: bytes) -> None:
        """Add to the log, and show it."""
        with _lock:
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        if self.show is not None:
            self.show(data)

    def close(self) -> None:
        """Write no more."""
        with _lock:
            if self._file is not None:
                self._file.close()


@contextmanager
def capturing(log: StepLog) -> Iterator[None]:
    """Let what the calling thread prints go to a step's log, too."""
    thread = threading.get_ident()
    with _lock:
        _running.append(log)
        _by_thread.setdefault(thread, []).append(log)
    try:
        yield
    finally:
        with _lock:
            _running.remove(log)
            _by_thread[thread].remove(log)
            if not _by_thread[thread]:
                del _by_thread[thread]
        log.close()


@contextmanager
def listening() -> Iterator[None]:
    """Let the streams know of steps while a pipeline runs in the calling thread."""
    global _runs
    thread = threading.get_ident()
    with _lock:
        _runs += 1
        if _runs == 1:
            _install()
        _hosts[thread] = _hosts.get(thread, 0) + 1
    try:
        yield
    finally:
        with _lock:
            _hosts[thread] -= 1
            if not _hosts[thread]:
                del _hosts[thread]
            _runs -= 1
            if not _runs:
                _uninstall()


def _log_of_thread() -> StepLog | None:
    thread = threading.get_ident()
    own = _by_thread.get(thread)
    if own:
        return own[-1]
    running = tuple(_running)
    return running[0] if len(running) == 1 and thread not in _hosts else None


def _install() -> None:
    tees: dict[int, _Tee] = {}
    for name in ("stdout", "stderr"):
        original = getattr(sys, name)
        if original is not None:
            tees[id(original)] = _Tee(original)
            _replace(sys, name, original, tees[id(original)])
    if sys.stdin is not None:  # pyright: ignore[reportUnnecessaryComparison]
        _replace(sys, "stdin", sys.stdin, observed_input(sys.stdin))
    # Handlers that were made before have the stream itself.
    for handler in _handlers():
        stream = getattr(handler, "stream", None)
        if type(handler) is logging.StreamHandler and id(stream) in tees:
            _replace(handler, "stream", stream, tees[id(stream)])


def _replace(owner: Any, name: str, original: Any, stand_in: Any) -> None:
    setattr(owner, name, stand_in)
    _replaced.append((owner, name, original, stand_in))


def _uninstall() -> None:
    for owner, name, original, stand_in in _replaced:
        # A step may have put a stream of its own there, and means it.
        if getattr(owner, name) is stand_in:
            setattr(owner, name, original)
    _replaced.clear()


def _handlers() -> Iterator[logging.Handler]:
    loggers = tuple(logging.Logger.manager.loggerDict.values())
    for logger in (logging.getLogger(), *loggers):
        yield from getattr(logger, "handlers", ())


class _Tee:
    """Stands for a standard stream while steps run; everything else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Write for the step that the calling thread runs, or as the stream itself."""
        log = _log_of_thread()
        if log is not None and isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            log.write(text.encode("utf-8", "backslashreplace"))
            if log.show is not None:
                return len(text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str], /) -> None:
        """Write texts, one after another."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """The bytes below."""
        return _BinaryTee(self._stream.buffer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _BinaryTee:
    """The bytes below a standard stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        log = _log_of_thread()
        if log is not None:
            content = bytes(data)
            log.write(content)
            if log.show is not None:
                return len(content)
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
