"""Shows on standard error how a run goes: live on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections import Counter
from typing import Any, Final
from unicodedata import combining, east_asian_width

from cannery._native import printable

# Steps of one name, from as many on, are shown in one line.
_MANY = 4
_INTERVAL: Final = 0.1
_PLAIN_INTERVAL: Final = 2.0
_MOST_LINES = 10
_BAR = 16
_RED, _PLAIN = "\x1b[31m", "\x1b[0m"
_BAD = ("failed: ", "takes longer than")
_ENDS = frozenset({"cached", "completed", "failed", "interrupted"})


class Display:
    """Hears what happens to the steps of a run, from any thread."""

    _names_runs = True

    def __init__(self, stream: Any = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        """Begin with a run of which nothing is known."""
        self._submitted: Counter[str] = Counter()
        self._announced: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._cached: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        #: What a step has printed of a line that has not ended.
        self._unended: dict[str, bytes] = {}
        self._told: dict[str, float] = {}
        self._started = time.monotonic()
        #: The run that is shown: its store's folder and number.
        self.run: tuple[str, int] | None = None

    def next_run(self, title: str) -> None:
        """Show another run below a line that says which it is."""
        with self._lock:
            for label in list(self._unended):
                self._end_line(label)
            self._forget()
            if self._names_runs:
                self._write(title)

    def announce(self, name: str, count: int) -> None:
        """Count steps that the pipeline is about to call."""
        self._submitted[name] += count
        self._announced[name] += count

    def submitted(self, name: str) -> None:
        """Count a step that the pipeline has called."""
        if self._announced[name]:
            self._announced[name] -= 1
        else:
            self._submitted[name] += 1

    def notice(self, label: str, event: str, seconds: float, text: str | bytes) -> None:
        """Hear that something happened to a step."""
        with self._lock:
            if isinstance(text, bytes):
                self._show_printed(label, text)
                return
            if event == "began":
                self._began[label] = time.monotonic()
            if event in _ENDS:
                self._began.pop(label, None)
                self._end(label, event)
            line = self._line(label, event, seconds, text)
            if line is not None:
                self._write(line)

    def close(self) -> None:
        """Show what is left."""
        with self._lock:
            for label in list(self._unended):
                self._end_line(label)

    def _end(self, label: str, event: str) -> None:
        self._end_line(label)
        name = self._name_of(label)
        self._ended[name] += 1
        self._cached[name] += event == "cached"
        self._failed[name] += event == "failed"

    def _name_of(self, label: str) -> str:
        name, _, number = label.rpartition("-")
        return name if number.isdigit() and name in self._submitted else label

    def _is_of_many(self, label: str) -> bool:
        return self._submitted[self._name_of(label)] >= _MANY

    def _line(self, label: str, event: str, seconds: float, text: str) -> str | None:
        if event in ("failed", "retrying", "late"):
            return f"{label}  {_words(event, seconds, text)}"
        if event == "interrupted" or (event == "began" and self._is_of_many(label)):
            return None
        if self._is_of_many(label):
            return self._progress(self._name_of(label))
        return f"{label}  {_words(event, seconds, text)}"

    def _progress(self, name: str) -> str | None:
        """Tell of many now and then, and when all are done."""
        now = time.monotonic()
        is_over = self._ended[name] == self._submitted[name]
        if not is_over and now - self._told.get(name, -_PLAIN_INTERVAL) < _PLAIN_INTERVAL:
            return None
        self._told[name] = now
        return self._count(name)

    def _count(self, name: str) -> str:
        notes = [
            f"{count[name]} {what}"
            for count, what in ((self._cached, "cached"), (self._failed, "failed"))
            if count[name]
        ]
        done = f"{name}  {self._ended[name]} of {self._submitted[name]}"
        return ", ".join([done, *notes])

    def _show_printed(self, label: str, data: bytes) -> None:
        *lines, rest = (self._unended.pop(label, b"") + data).split(b"\n")
        for line in lines:
            self._write(f"{label} | {_text(line)}")
        if rest:
            self._unended[label] = rest
            if len(rest) > 1 << 16:
                self._end_line(label)

    def _end_line(self, label: str) -> None:
        rest = self._unended.pop(label, b"")
        if rest:
            self._write(f"{label} | {_text(rest)}")

    def _write(self, line: str, color: str = "") -> None:
        """Write a line; a reader that is gone is no reason to stop."""
        try:
            text = printable(line)
            print(f"{color}{text}{_PLAIN}" if color else text, file=self._stream, flush=True)
        except (OSError, ValueError):
            self._stream = _Nowhere()


class LiveDisplay(Display):
    """A few lines at the bottom of a terminal that say what is at work, below all others."""

    def __init__(self, stream: Any = None) -> None:
        super().__init__(stream)
        self._shown = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name="cannery display", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the live lines away."""
        self._over.set()
        self._thread.join()
        super().close()
        with self._lock:
            self._clear()
            self._flush()

    def _line(self, label: str, event: str, seconds: float, text: str) -> str | None:
        return None if event == "began" else super()._line(label, event, seconds, text)

    def _progress(self, name: str) -> str | None:
        return self._count(name) if self._ended[name] == self._submitted[name] else None

    def _write(self, line: str, color: str = "") -> None:
        self._clear()
        is_bad = any(f"  {word}" in line for word in _BAD) and " | " not in line
        super()._write(line, _RED if is_bad and "NO_COLOR" not in os.environ else color)

    def _refresh(self) -> None:
        while not self._over.wait(_INTERVAL):
            with self._lock:
                self._clear()
                lines = self._lines()
                try:
                    self._stream.write("".join(f"{line}\n" for line in lines))
                except (OSError, ValueError):
                    return
                self._shown = len(lines)
                self._flush()

    def _lines(self) -> list[str]:
        now, width = time.monotonic(), _width(self._stream)
        at_work = {self._name_of(label) for label in self._began}
        many = [n for n, c in self._submitted.items() if c >= _MANY and self._ended[n] < c]
        lines = [
            f"  {_bar(self._ended[name], self._submitted[name])} {self._count(name)}"
            for name in many
            if self._ended[name] or name in at_work
        ]
        singles = [(b, n) for n, b in self._began.items() if self._name_of(n) not in many]
        for began, label in sorted(singles):
            said = _text(self._unended.get(label, b""))
            lines.append(f"  {label}  {_duration(now - began)}" + (f"  {said}" if said else ""))
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES - 1 :] = [f"  and {len(lines) - _MOST_LINES + 1} more"]
        if lines:
            lines.append(self._whole(now))
        return [_cut(printable(line), width) for line in lines]

    def _whole(self, now: float) -> str:
        """Tell of all steps that are known by now."""
        done, failed = sum(self._ended.values()), sum(self._failed.values())
        notes = [f"{done} of {sum(self._submitted.values())} steps"]
        notes += [f"{failed} failed"] if failed else []
        return f"  {', '.join(notes)}, {_duration(now - self._started)}"

    def _clear(self) -> None:
        if self._shown:
            try:
                self._stream.write(f"\x1b[{self._shown}F\x1b[J")
            except (OSError, ValueError):
                self._stream = _Nowhere()
            self._shown = 0

    def _flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = _Nowhere()


class QuietDisplay(Display):
    """Says only what goes wrong."""

    _names_runs = False

    def _line(self, label: str, event: str, seconds: float, text: str) -> str | None:
        is_bad = event in ("failed", "retrying", "late")
        return super()._line(label, event, seconds, text) if is_bad else None

    def _show_printed(self, label: str, data: bytes) -> None: ...


class _Nowhere:
    """Takes the place of a stream that nothing reads."""

    def write(self, _text: str) -> None: ...

    def flush(self) -> None: ...


def display_for(stream: Any) -> Display:
    """Choose how a run is shown on a stream."""
    is_plain = os.environ.get("TERM") == "dumb"
    return LiveDisplay(stream) if stream.isatty() and not is_plain else Display(stream)


def _words(event: str, seconds: float, text: str) -> str:
    match event:
        case "completed":
            return f"done in {_duration(seconds)}"
        case "failed":
            return f"failed: {_first_line(text)}"
        case "retrying":
            return f"{_first_line(text)}; again in {_duration(seconds)}"
        case "late":
            return (
                f"takes longer than its timeout of {_duration(seconds)}; it goes on, for a thread "
                'cannot be ended (executor="processes" can)'
            )
        case "began":
            return "..."
        case _:
            return event


def _bar(done: int, count: int) -> str:
    full = _BAR * done // max(count, 1)
    return f"[{'#' * full}{'.' * (_BAR - full)}]"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds:.3f} s"
    return (
        f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02} min"
    )


# Colours, and what takes the rest of a line away.
_CODES = re.compile(rb"\x1b\[[0-9;]*[mK]")


def _text(data: bytes) -> str:
    """Give a line as a terminal leaves it: of what was written over and over again, the last."""
    parts = [part for part in _CODES.sub(b"", data).split(b"\r") if part]
    return parts[-1].decode("utf-8", "backslashreplace") if parts else ""


def _cut(line: str, width: int) -> str:
    """Cut a line to less than that many columns; some characters take two of them, some none."""
    if line.isascii() and len(line) < width:
        return line
    columns, end = 0, 0
    for at, character in enumerate(line):
        columns += _columns(character)
        if columns >= width:
            return f"{line[:end]}…"
        if columns <= max(width - 2, 1):
            end = at + 1
    return line


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _width(stream: Any) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns
