"""`cannery map-chunks FILE.py:FUNCTION SOURCE TARGET`: finds the function, maps and reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cannery import _run
from cannery import json as _json
from cannery._map import MapSummary, map_chunks
from cannery._native import printable
from cannery._steps import Pipeline
from cannery.errors import NotFoundError

_FINE, _INCOMPLETE, _INTERRUPTED = 0, 2, 130


def map_file(
    file: str | os.PathLike[str],
    function: str,
    source: str,
    target: str,
    rows: int | None = None,
    bytes: int | None = None,
    workers: int | None = None,
    restart: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Map a file by a function of a Python file; return the command's exit code."""
    try:
        done = map_chunks(
            _find(Path(file), function),
            source,
            target,
            rows=rows,
            bytes=bytes,
            workers=workers,
            resume="restart" if restart else True,
            progress=False if quiet else None,
        )
    except KeyboardInterrupt as interrupt:
        notes = getattr(interrupt, "__notes__", ())
        print(printable("; ".join(["interrupted", *notes])), file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:  # the function may raise anything
        _run.report(error)
        return _INCOMPLETE
    print(_json.dumps(_record(done)) if json else printable(_line(done)))
    return _FINE


def _find(path: Path, name: str) -> Callable[[Any], Any]:
    module = _run.load_file(path)
    found = getattr(module, name, None)
    if callable(found) and not isinstance(found, Pipeline):
        return found
    error = NotFoundError(f"`{path}` has no function `{name}`")
    there = [
        key
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    ]
    error.hint = f"it has {', '.join(there) or 'none'}"
    raise error


def _record(done: MapSummary) -> dict[str, Any]:
    return {
        "target": str(done.path),
        "rows_in": done.rows_in,
        "rows_out": done.rows_out,
        "chunks": done.chunks,
        "resumed_chunks": done.resumed_chunks,
        "seconds": done.seconds,
    }


def _line(done: MapSummary) -> str:
    resumed = f", {done.resumed_chunks} of them before" if done.resumed_chunks else ""
    return (
        f"{done.path}: {done.rows_out} rows of {done.rows_in}, "
        f"{done.chunks} chunks{resumed}, {done.seconds:.1f} s"
    )
