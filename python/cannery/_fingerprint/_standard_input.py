"""Standard input, which is another one for each process: a step that reads it is not known again.

Python tells of `input()` and `open(0)`. While pipelines run, a stream in the place of `sys.stdin`
tells of other Python code; what is left of the input tells that programs and native code have read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

READS = "it reads standard input, so it runs every time"
_NUMBER = 0
_PATHS = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/proc/thread-self/fd/0"})
_READING = frozenset({"buffer", "detach", "read", "readline", "readlines"})


def is_standard_input(opened: Any) -> bool:
    """Say whether a path or a number that is opened is standard input."""
    if isinstance(opened, int):
        return opened == _NUMBER
    path = os.fsdecode(opened or "")
    return path in _PATHS or path == f"/proc/{os.getpid()}/fd/0"


def is_stream_of_it(value: Any) -> bool:
    """Say whether an object is a stream that reads standard input."""
    if isinstance(value, StandardInput):
        return True
    try:
        return bool(value.readable()) and value.fileno() == _NUMBER
    except (AttributeError, OSError, TypeError, ValueError):
        return False


def left() -> int | None:
    """Say where its next byte is in a file, or how many bytes wait in a pipe or a terminal."""
    try:
        return os.lseek(_NUMBER, 0, os.SEEK_CUR)
    except OSError:
        return _waiting()


def _waiting() -> int | None:
    try:
        import fcntl
        import termios

        answer = fcntl.ioctl(_NUMBER, termios.FIONREAD, b"\0" * 4)
        return -int.from_bytes(answer, sys.byteorder)
    except (ImportError, OSError):
        return None


def is_read_since(before: int | None) -> bool:
    """Say whether something was read from it; more that has arrived in a pipe is nothing read."""
    after = left()
    return before is not None and after is not None and after > before


class StandardInput:
    """Stands for `sys.stdin` while pipelines run, and tells that it is read."""

    def __init__(self, stream: Any, tell: Callable[[], object]) -> None:
        self._stream = stream
        self._tell = tell

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._tell()
        return next(self._stream)

    def __enter__(self) -> StandardInput:
        self._stream.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        if name in _READING:
            self._tell()
        return getattr(self._stream, name)
