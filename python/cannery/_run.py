"""`cannery run FILE.py[:pipeline]`: finds the pipeline, runs it and reports."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from cannery import _session
from cannery import json as _json
from cannery._annotations._scope import annotations_of_function
from cannery._checks import check_for
from cannery._native import printable
from cannery._steps import Pipeline
from cannery.errors import CanneryError, DataError, NotFoundError

_FINE, _INCOMPLETE, _INTERRUPTED = 0, 2, 130
_HERE = str(Path(__file__).parent)


def run_file(
    path: str | os.PathLike[str],
    name: str | None = None,
    params: Mapping[str, str] | None = None,
    json: bool = False,
    force: Sequence[str] = (),
) -> int:
    """Run a pipeline of a file and print how its steps went; return the command's exit code.

    Without `name` it is the file's only pipeline. Parameters are texts: JSON where the annotation
    is not `str` and it is JSON, else the text itself. The steps that `force` names run although
    their results are known, `*` for all.
    """
    try:
        pipeline = _find(load_file(Path(path)), name)
        if force:
            pipeline = pipeline.with_options(force="*" in force or force)
        with _session.reporting_to(_progress):
            run = pipeline(**_arguments(pipeline, params or {}))
    except KeyboardInterrupt:
        print("interrupted; run it again: finished steps are not repeated", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:  # the pipeline's own code may raise anything
        report(error)
        return _INCOMPLETE
    _warn_of_unknown(force, run)
    print(_json.dumps(_summary(run)) if json else printable(_table(run), lines=True))
    return _FINE


def _warn_of_unknown(force: Sequence[str], run: _session.Run[Any]) -> None:
    there = {step.step for step in run.steps.values()}
    for name in force:
        if name != "*" and name not in there:
            steps = ", ".join(f"`{step}`" for step in sorted(there)) or "none"
            message = f"warning: `--force {name}`: run {run.id} has no such step; it has: {steps}"
            print(printable(message), file=sys.stderr)


def load_file(path: Path) -> ModuleType:
    """Import a Python file as if it were run, and return its module."""
    if not path.is_file():
        raise NotFoundError(f"there is no file `{path}`")
    name = _module_name(path.resolve())
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise DataError(f"`{path}` is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # As when Python itself runs a file: its neighbours can be imported.
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _module_name(path: Path) -> str:
    """Name the module as an import would, so that its types are called the same everywhere."""
    other = sys.modules.get(path.stem)
    is_free = other is None or getattr(other, "__file__", None) == str(path)
    return path.stem if is_free else f"{path.stem}_pipelines"


def _find(module: ModuleType, name: str | None) -> Pipeline[..., Any]:
    found = {key: value for key, value in vars(module).items() if isinstance(value, Pipeline)}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is not None and name in found:
        return found[name]
    wanted = "no pipeline" if name is None and not found else "several pipelines"
    message = f"`{module.__file__}` has {wanted if name is None else f'no pipeline `{name}`'}"
    error = NotFoundError(message)
    there = ", ".join(f"`{key}`" for key in found)
    error.hint = f"say which: {there}" if found else "decorate a function with `@pipeline`"
    raise error


def _arguments(pipeline: Pipeline[..., Any], params: Mapping[str, str]) -> dict[str, Any]:
    hints = annotations_of_function(pipeline.function, "pipeline")
    known = pipeline.signature.parameters
    for name in params:
        if name not in known and not _takes_any(known):
            error = DataError(f"pipeline `{pipeline.name}` has no parameter `{name}`")
            error.hint = f"it has: {', '.join(known) or 'none'}"
            raise error
    missing = [name for name, p in known.items() if p.default is p.empty and name not in params]
    if missing and not _takes_any(known):
        error = DataError(f"pipeline `{pipeline.name}` needs a value for `{missing[0]}`")
        error.hint = f"add `--param {missing[0]}=...`"
        raise error
    return {name: _argument(name, text, hints.get(name, Any)) for name, text in params.items()}


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def _argument(name: str, text: str, annotation: Any) -> Any:
    check = check_for(annotation)
    for value in _readings(text, annotation):
        if check.find(value) is None:
            return value
    raise DataError(f"parameter `{name}`: expected `{check.expected}`, found `{text}`")


def _readings(text: str, annotation: Any) -> list[Any]:
    if annotation is str:
        return [text]
    try:
        read = _json.loads(text)
    except ValueError:
        return [text, Path(text)]
    return [read, text, Path(text)]


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(printable(line), file=sys.stderr)


def _summary(run: _session.Run[Any]) -> dict[str, Any]:
    steps = [
        {"name": s.name, "status": s.status, "cached": s.cached, "duration": s.duration}
        for s in run.steps.values()
    ]
    return {"run": run.id, "status": run.status, "duration": run.duration, "steps": steps}


def _table(run: _session.Run[Any]) -> str:
    steps = run.steps
    width = max((len(printable(name)) for name in steps), default=0)
    lines = [
        f"  {printable(name):<{width}}  {'cached' if step.cached else _seconds(step.duration)}"
        for name, step in steps.items()
    ]
    cached = sum(step.cached for step in steps.values())
    head = f"run {run.id} {run.status} in {_seconds(run.duration)}"
    return "\n".join([f"{head}: {len(steps)} steps, {cached} cached", *lines])


def _seconds(duration: float | None) -> str:
    return "" if duration is None else f"{duration:.3f} s"


def report(error: Exception) -> None:
    """Print an error of cannery's as a message, and one of the pipeline's code with its place."""
    if isinstance(error, CanneryError):
        notes = list(getattr(error, "__notes__", ()))
        hint = f"hint: {printable(error.hint, lines=True)}" if error.hint else ""
        lines = [f"error: {error}", *notes, *([hint] if hint and hint not in notes else [])]
        print(printable("\n".join(lines), lines=True), file=sys.stderr)
        return
    # What the pipeline's own code raises may quote what it has read.
    lines = traceback.format_exception(type(error), error, _outside(error.__traceback__))
    print(printable("".join(lines), lines=True), end="", file=sys.stderr)


def _outside(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of cannery itself that come first."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename.startswith(_HERE):
        inner = inner.tb_next
    return inner or trace
