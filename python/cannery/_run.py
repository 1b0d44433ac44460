"""`cannery run FILE.py[:pipeline]`: finds the pipeline, runs it and reports."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from cannery import _session
from cannery import json as _json
from cannery._backfill import backfill as run_each
from cannery._display import Display, QuietDisplay, display_for
from cannery._native import printable
from cannery._parameters import bind_parameters
from cannery._steps import Pipeline
from cannery._store import StepRun, Store
from cannery._tasks import scripts
from cannery.errors import CanneryError, DataError, NotFoundError

if TYPE_CHECKING:
    from cannery._backfill import Over

_FINE, _INCOMPLETE, _INTERRUPTED = 0, 2, 130
_HERE = str(Path(__file__).parent)
# Steps of one name, from as many on, are shown in one row.
_MANY = 4
_MOST_BAD = 10


def run_command(file: str | os.PathLike[str], options: str, store: Any = None) -> int:
    """Run a pipeline as the command was asked to; `options` are those of `run_file`, as JSON."""
    return run_file(file, store=store, **_json.loads(options))


def run_file(
    path: str | os.PathLike[str],
    name: str | None = None,
    params: Mapping[str, str] | None = None,
    json: bool = False,
    quiet: bool = False,
    force: Sequence[str] = (),
    params_files: Sequence[str] = (),
    store: str | os.PathLike[str] | None = None,
    resume: int | None = None,
    backfill: Mapping[str, str] | None = None,
    **options: Any,
) -> int:
    """Run a pipeline of a file and print how its steps went; return the command's exit code.

    Without `name` it is the file's only pipeline. Parameters are texts: JSON where the annotation
    is not `str` and it is JSON, else the text itself; those of `params_files` are values. The
    steps that `force` names run although their results are known, `*` for all. `resume` is the
    number of a run that is taken up with its parameters, 0 for the last that did not complete.
    With `quiet` only what goes wrong is told while it runs.
    With `backfill` there is a run for each value of a parameter: `{"month": "2026-01..2026-12"}`.
    Further options are those of `Pipeline.with_options`, and `keep_going`.
    """
    display = QuietDisplay(sys.stderr) if quiet else display_for(sys.stderr)
    try:
        # What the pipeline prints between its steps is no result.
        with redirect_stdout(sys.stderr):
            pipeline = _find(load_file(Path(path)), name)
            pipeline = _with_options(pipeline, force, store, options)
            given = _given(pipeline, params_files, resume)
            arguments = bind_parameters(pipeline, params or {}, given, backfill or ())
            with _session.shown_by(display):
                if backfill:
                    run = _run_each(pipeline, backfill, arguments, display)
                else:
                    run = pipeline(**arguments)
    except KeyboardInterrupt:
        display.close()
        print("interrupted; run it again: finished steps are not repeated", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:  # the pipeline's own code may raise anything
        display.close()
        report(error)
        _report_run(display.run)
        return _INCOMPLETE
    display.close()
    if isinstance(run, list):
        return _report_each(run, json=json)
    if isinstance(run, _session.DryRun):
        print(_json.dumps(_plan(run)) if json else printable(_plan_table(run), lines=True))
        return _FINE
    _warn_of_unknown(force, run)
    print(_json.dumps(_summary(run)) if json else printable(_table(run), lines=True))
    return _FINE


class _Each(NamedTuple):
    """A run of a back-fill."""

    said: str
    run: Any = None
    error: Exception | None = None
    #: The store's folder and the number of the run that failed.
    where: tuple[str, int] | None = None


def _run_each(
    pipeline: Pipeline[..., Any], over: Over, arguments: dict[str, Any], display: Display
) -> list[_Each]:
    """Run a pipeline for each value of a back-fill."""
    rows: list[_Each] = []

    def begin(said: str) -> None:
        display.next_run(said)
        rows.append(_Each(said))

    def end(run: Any) -> None:
        rows[-1] = rows[-1]._replace(run=run)

    def fail(error: Exception) -> None:
        rows[-1] = rows[-1]._replace(error=error, where=display.run)

    try:
        run_each(pipeline, over, (), arguments, begin=begin, end=end, fail=fail)
    except Exception:
        if not any(each.error for each in rows):
            raise
    return rows


def _report_each(rows: list[_Each], *, json: bool) -> int:
    for each in rows:
        if each.error is not None:
            report(each.error)
            _report_run(each.where)
    if json:
        print(_json.dumps([_told_of(each) for each in rows]))
    else:
        print(printable(_table_of_runs(rows), lines=True))
    return _INCOMPLETE if any(each.error for each in rows) else _FINE


def _told_of(each: _Each) -> dict[str, Any]:
    if each.run is None:
        return {"backfill": each.said, "run": each.where and each.where[1], "status": "failed"}
    is_plan = isinstance(each.run, _session.DryRun)
    return {"backfill": each.said, **(_plan(each.run) if is_plan else _summary(each.run))}


def _table_of_runs(rows: list[_Each]) -> str:
    width = max((len(printable(each.said)) for each in rows), default=0)
    failed = sum(each.run is None for each in rows)
    head = f"{len(rows)} runs" + (f", {failed} failed" if failed else "")
    return "\n".join([head, *(f"  {printable(r.said):<{width}}  {_went(r)}" for r in rows)])


def _went(each: _Each) -> str:
    if each.run is None:
        return "failed" if each.where is None else f"run {each.where[1]} failed"
    is_plan = isinstance(each.run, _session.DryRun)
    text = _plan_table(each.run) if is_plan else _table(each.run)
    return text.partition("\n")[0].removesuffix(":")


def _report_run(of: tuple[str, int] | None) -> None:
    """Say of a run that has failed which of its steps did, and what is left."""
    if of is None:
        return
    where, number = of
    with Store(where) as store:
        run = store.run(number)
        steps = list(run.steps.values())
        counts = Counter("cached" if step.cached else step.status for step in steps)
        said = ", ".join(f"{count} {status}" for status, count in counts.items())
        print(f"run {run.id} {run.status}: {said or 'no steps'}", file=sys.stderr)
        bad = [step for step in steps if step.status not in ("completed", "running")]
        width = max((len(printable(step.name)) for step in bad), default=0)
        for step in bad[:_MOST_BAD]:
            words = f"{step.status}: {step.error}" if step.error else step.status
            line = words.partition("\n")[0]
            print(f"  {printable(step.name):<{width}}  {printable(line)}", file=sys.stderr)
        if len(bad) > _MOST_BAD:
            print(f"  and {len(bad) - _MOST_BAD} more", file=sys.stderr)


def _with_options(
    pipeline: Pipeline[..., Any], force: Sequence[str], store: Any, options: dict[str, Any]
) -> Pipeline[..., Any]:
    keep_going = options.pop("keep_going", False)
    return pipeline.with_options(
        store=store,
        force=("*" in force or force) if force else None,
        fail_fast=False if keep_going else None,
        # What is not asked for is as the pipeline says it.
        **{name: value for name, value in options.items() if value not in ([], (), None)}
        | ({"cache": None} if options.get("cache", True) else {})
        | ({} if options.get("dry_run") else {"dry_run": None}),
    )


def _given(
    pipeline: Pipeline[..., Any], files: Sequence[str], resume: int | None
) -> dict[str, Any]:
    """Read parameters from files, and those of the run that is taken up."""
    given: dict[str, Any] = {} if resume is None else _parameters_of(pipeline, resume)
    for file in files:
        from cannery import load

        values = load(file)
        if not isinstance(values, dict):
            raise DataError(f"`{file}` holds no map of parameters")
        given |= {str(key): value for key, value in values.items()}  # pyright: ignore
    return given


def _parameters_of(pipeline: Pipeline[..., Any], number: int) -> dict[str, Any]:
    where = pipeline.store.path if isinstance(pipeline.store, Store) else pipeline.store
    with Store(where) as store:
        if number:
            run = store.run(number)
        else:
            runs = store.runs(pipeline.name, limit=100)
            run = next((each for each in runs if each.status not in ("completed", "running")), None)
            if run is None:
                raise NotFoundError(f"no run of `{pipeline.name}` is left to be taken up")
        if run.pipeline != pipeline.name:
            raise DataError(f"run {run.id} is one of `{run.pipeline}`, not of `{pipeline.name}`")
        return run._recorded_parameters()


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
        raise NotFoundError(f"there is no file `{printable(str(path))}`")
    name = _module_name(path.resolve())
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise DataError(f"`{path}` is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # As when Python itself runs a file: its neighbours can be imported.
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[name] = module
    scripts[name] = str(path.resolve())
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


def _plan(run: _session.DryRun) -> dict[str, Any]:
    steps = [{"name": name, "plan": plan} for name, plan in run.steps.items()]
    return {"complete": run.complete, "steps": steps}


def _plan_table(run: _session.DryRun) -> str:
    words = {"runs": "would run", "depends": "depends on a step that would run"}
    width = max((len(printable(name)) for name in run.steps), default=0)
    rows = [f"  {printable(n):<{width}}  {words.get(p, p)}" for n, p in run.steps.items()]
    count = sum(plan != "cached" for plan in run.steps.values())
    rows += [] if run.complete else ["  (and more: the pipeline needs a value to go on)"]
    return "\n".join([f"{len(run.steps)} steps, {count} not cached", *rows])


def _summary(run: _session.Run[Any]) -> dict[str, Any]:
    steps = [
        {"name": s.name, "status": s.status, "cached": s.cached, "duration": s.duration}
        for s in run.steps.values()
    ]
    return {"run": run.id, "status": run.status, "duration": run.duration, "steps": steps}


def _table(run: _session.Run[Any]) -> str:
    rows = _rows(run)
    width = max((len(printable(name)) for name, _ in rows), default=0)
    lines = [f"  {printable(name):<{width}}  {went}" for name, went in rows]
    steps = run.steps
    cached = sum(step.cached for step in steps.values())
    head = f"run {run.id} {run.status} in {_seconds(run.duration)}"
    return "\n".join([f"{head}: {len(steps)} steps, {cached} cached", *lines])


def _rows(run: _session.Run[Any]) -> list[tuple[str, str]]:
    """Say how each step went; the many of a map in one row."""
    by_name: dict[str, list[StepRun]] = {}
    for step in run.steps.values():
        by_name.setdefault(step.step, []).append(step)
    rows: list[tuple[str, str]] = []
    for name, steps in by_name.items():
        if len(steps) < _MANY:
            rows += [(s.name, "cached" if s.cached else _seconds(s.duration)) for s in steps]
            continue
        cached = sum(step.cached for step in steps)
        took = sum(step.duration or 0.0 for step in steps if not step.cached)
        notes = [f"{len(steps)} times", *([f"{cached} cached"] if cached else [])]
        rows.append(
            (name, ", ".join([*notes, *([f"{took:.3f} s"] if cached < len(steps) else [])]))
        )
    return rows


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
