"""Steps, their calls and artifacts as data that another process of the same user reads.

A step is found by its module and the qualified name of its function. The script that a process
runs has one name for all processes, that of its module: it is never loaded as `__main__` a second
time.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import io
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery._artifact import Artifact, artifact_of
from cannery._fingerprint._origin import module_name
from cannery.errors import DataError, DataTypeError, WorkerError

if TYPE_CHECKING:
    from cannery._code import Code
    from cannery._steps import Step
    from cannery._store import Store

_PACKAGE = str(Path(__file__).parent.parent)
_START = "import sys; sys.path.insert(0, {!r}); from cannery._worker import main; main()"

# Scripts that are loaded by their files: by module name.
scripts: dict[str, str] = {}
# In a worker: the name of the module that is `__main__` in the process of the run.
_main_name: str | None = None
# Why no pipeline may run now.
_refusal: str | None = None


@contextmanager
def refusing(why: str) -> Iterator[None]:
    """Let no pipeline run."""
    global _refusal
    before, _refusal = _refusal, why
    try:
        yield
    finally:
        _refusal = before


def check_may_run(pipeline: str) -> None:
    """Refuse a pipeline that is called while a module is loaded for its steps."""
    if _refusal is None:
        return
    error = DataError(f"pipeline `{pipeline}` is called while {_refusal}")
    error.hint = 'call it below `if __name__ == "__main__":`'
    error.add_note(f"hint: {error.hint}")
    raise error


def setup_of(store: Store) -> tuple[list[str], bytes]:
    """Return how a worker is started, and what it is told first."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # pyright: ignore
    main = sys.modules["__main__"]
    file = _file_of_main()
    name = None if file is None else module_name("__main__")
    # One that runs as a module is found by its name.
    is_script = getattr(main, "__spec__", None) is None
    of_main = {name: str(Path(file).resolve())} if file is not None and is_script else {}
    setup = {
        "store": str(store.path),
        "path": list(sys.path),
        "argv": list(sys.argv),
        "main": name,
        "main_file": file,
        "scripts": scripts | of_main,
    }
    return [sys.executable, *flags, "-c", _START.format(_PACKAGE)], pickle.dumps(setup)


def _file_of_main() -> str | None:
    """Return the file of the program, if it is one that another process can load."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return file if file is not None and Path(file).is_file() else None


def work_for(main: str | None, files: Mapping[str, str]) -> None:
    """Let this process find the code of another one."""
    global _main_name
    _main_name = main
    scripts.update(files)


def task_of(
    step: Step[..., Any], bound: inspect.BoundArguments
) -> tuple[str, str, list[str], bytes]:
    """Return a call as data: module, qualified name, ids of materializers, and a payload."""
    module, name = reference_of(step)
    try:
        payload = dump((step, bound.args, bound.kwargs, os.getcwd()))  # noqa: PTH109
    except Exception as error:
        told = DataTypeError(f"an argument of step `{step.name}` cannot be pickled: {error}")
        raise _with_hint(told, 'run it in threads, `executor="threads"`') from error
    return module, name, [each.format_id for each in step.materializers], payload


def reference_of(step: Step[..., Any]) -> tuple[str, str]:
    """Return the module and the qualified name by which another process finds a step."""
    function = step.function
    module, name = module_name(function.__module__), function.__qualname__
    if module == "__main__" or (function.__module__ == "__main__" and _file_of_main() is None):
        why = "in a notebook or an interactive session, which other processes cannot load"
    elif "<" in name:
        why = "inside of a function, where other processes cannot find it"
    else:
        return module, name
    error = DataTypeError(f"step `{step.name}` is defined {why}")
    raise _with_hint(error, 'move it to a module, or run it in threads: `executor="threads"`')


def find_step(module: str, qualname: str) -> Any:
    """Find a step, or a step's function, by its reference."""
    found: Any = _module_of(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    if found is None:
        error = DataError(f"module `{module}` has no step `{qualname}`")
        error.hint = "a step is found by the name of its function: do not give it another one"
        raise error
    return found


def _with_hint(error: DataTypeError, hint: str) -> DataTypeError:
    error.hint = hint
    error.add_note(f"hint: {hint}")
    return error


def _name_here(module: str) -> str:
    """Name a module of another process as this one knows it."""
    if module == "__main__" and _main_name is not None:
        return _main_name
    is_main = _main_name is None and module == module_name("__main__")
    return "__main__" if is_main and module not in sys.modules else module


def _module_of(module: str) -> Any:
    name = _name_here(module)
    if name not in sys.modules and name in scripts:
        return _load_script(name, scripts[name])
    return importlib.import_module(name)


def _load_script(name: str, file: str) -> Any:
    """Load a script as the module that it would be if it were imported."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise DataError(f"`{file}` is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


# What is pickled


def dump(value: Any) -> bytes:
    """Pickle a value for the other process; artifacts of a run stay references."""
    buffer = io.BytesIO()
    _Pickler(buffer).dump(value)
    return buffer.getvalue()


def load(data: bytes, code: Code | None = None) -> Any:
    """Read what the other process has pickled."""
    reader = _Unpickler(io.BytesIO(data))
    reader.code = code
    return reader.load()


def dump_error(error: BaseException) -> bytes:
    """Pickle an exception, or say what it was where it refuses."""
    notes, trace = getattr(error, "__notes__", []), "".join(traceback.format_exception(error))
    try:
        dumped = dump((error, notes, trace))
        load(dumped)
    except Exception:  # exceptions may refuse in any way
        dumped = dump((WorkerError(f"{type(error).__qualname__}: {error}"), notes, trace))
    return dumped


def load_error(dumped: bytes) -> BaseException:
    """Read an exception of another process."""
    error, notes, trace = load(dumped)
    error.__notes__ = [*notes, f"in a worker process:\n{trace.rstrip()}"]
    return error


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Artifact):
            return None
        step, output = obj._call.step, obj._output
        index = None if output is None else step.outputs.items.index(output)
        return step, index, obj._item


class _Unpickler(pickle.Unpickler):
    code: Code | None = None

    def persistent_load(self, pid: Any) -> Artifact[Any]:
        step, output, item = pid
        call: Any = _InputOf(self.code, step)
        artifact = artifact_of(call)
        if output is not None and step.outputs.whole is not None:
            artifact = artifact[output]
        return artifact if item is None else artifact[item]

    def find_class(self, module: str, name: str, /) -> Any:
        name_here = _name_here(module)
        if name_here not in sys.modules and name_here in scripts:
            _load_script(name_here, scripts[name_here])
        return super().find_class(name_here, name)


class _InputOf:
    """Stands for the call of a step whose output goes into another one, in its worker."""

    def __init__(self, code: Code | None, step: Step[..., Any]) -> None:
        self.session = code
        self.step = step

    def as_input(self, output: str) -> tuple[None, str]:
        """Return what no engine is given here."""
        return None, output

    @property
    def label(self) -> str:
        """Only the process of the run knows it."""
        return self.step.name
