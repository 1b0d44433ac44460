"""A process that executes steps for the run of another one.

It is told where the code is, and then gets tasks: the module and qualified name of a step, its
parameters, and references of stored artifacts. The script that the other process runs is loaded
under its own name, never as `__main__` a second time. A task whose code is not the same here as
there is refused by the engine, which compares the parts of the cache key.
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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cannery import _native, _session
from cannery._artifact import Artifact, artifact_of
from cannery._call import Made, StepCall
from cannery._code import Code
from cannery._fingerprint import _places
from cannery._fingerprint._origin import module_name
from cannery._store import Store
from cannery._steps import Step
from cannery.errors import DataError, DataTypeError

if TYPE_CHECKING:
    from cannery._session import Session

_PACKAGE = str(Path(__file__).parent.parent)
_START = "import sys; sys.path.insert(0, {!r}); from cannery._worker import main; main()"

# In a worker: the name of the module that is `__main__` in the process of the run.
_main_name: str | None = None


# In the process of the run


def command_for(store: Store, scripts: Mapping[str, str]) -> tuple[list[str], bytes]:
    """Return how a worker is started, and what it is told first."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # pyright: ignore
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    file = getattr(main, "__file__", None)
    setup = {
        "store": str(store.path),
        "path": list(sys.path),
        "argv": list(sys.argv),
        "main": None if file is None else (module_name("__main__"), str(Path(file).resolve())),
        "main_file": file,
        "is_module": spec is not None,
        "scripts": dict(scripts),
    }
    return [sys.executable, *flags, "-c", _START.format(_PACKAGE)], pickle.dumps(setup)


def task_of(
    step: Step, bound: inspect.BoundArguments
) -> tuple[str, str, list[str], bytes]:
    """Return a call as data: module, qualified name, ids of materializers, and a payload."""
    module, name = reference_of(step)
    try:
        payload = dump((step, bound.args, bound.kwargs, os.getcwd()))  # noqa: PTH109
    except Exception as error:
        told = DataTypeError(f"an argument of step `{step.name}` cannot be pickled: {error}")
        raise _with_hint(told, 'run it in threads, `executor="threads"`') from error
    return module, name, [each.format_id for each in step.materializers], payload


def reference_of(step: Step) -> tuple[str, str]:
    """Return the module and the qualified name by which another process finds a step."""
    function = step.function
    module, name = module_name(function.__module__), function.__qualname__
    if module == "__main__":
        why = "in a notebook or an interactive session, which other processes cannot load"
    elif "<locals>" in name or "<lambda>" in name:
        why = "inside of a function, where other processes cannot find it"
    else:
        return module, name
    error = DataTypeError(f"step `{step.name}` is defined {why}")
    raise _with_hint(error, 'move it to a module, or run it in threads: `executor="threads"`')


def _with_hint(error: DataTypeError, hint: str) -> DataTypeError:
    error.hint = hint
    error.add_note(f"hint: {hint}")
    return error


# In both


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
        if module == "__main__" and _main_name is not None:
            module = _main_name
        elif module == module_name("__main__") and _main_name is None:
            module = "__main__"
        if module not in sys.modules and module in _scripts:
            _load_script(module, _scripts[module])
        return super().find_class(module, name)


class _InputOf:
    """Stands for the call of a step whose output goes into another one, in its worker."""

    submitted = None

    def __init__(self, code: Code | None, step: Step) -> None:
        self.session = code
        self.step = step

    @property
    def label(self) -> str:
        """Only the process of the run knows it."""
        return self.step.name


def find_step(module: str, qualname: str) -> Any:
    """Find a step, or a step's function, by its reference. Also called to unpickle one."""
    if _main_name is None and module == module_name("__main__"):
        module = "__main__"
    if module not in sys.modules and module in _scripts:
        _load_script(module, _scripts[module])
    found: Any = importlib.import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    if found is None:
        error = DataError(f"module `{module}` has no step `{qualname}`")
        error.hint = "a step is found by the name of its function: do not give it another one"
        raise error
    return found


# In the worker

# The files of modules that are loaded by them.
_scripts: dict[str, str] = {}


def main() -> None:
    """Do tasks until there are no more."""
    worker = _Worker()
    _native.serve_worker(worker.begin, worker.find)


class _Worker:
    def __init__(self) -> None:
        self._code: _WorkerCode | None = None

    def begin(self, setup: bytes) -> _native.Store:
        """Find the code, and open the store."""
        global _main_name
        told = pickle.loads(setup)
        sys.path[:], sys.argv[:] = told["path"], told["argv"]
        _places.main_file = told["main_file"]
        _scripts.update(told["scripts"])
        if told["main"] is not None:
            _main_name, file = told["main"]
            if not told["is_module"]:
                _scripts[_main_name] = file
        store = Store(told["store"])
        self._code = _WorkerCode(store)
        return store._native

    def find(self, _module: str, _name: str, payload: bytes) -> StepCall:
        """Return the call of a task, to be executed."""
        assert self._code is not None
        with _session.refusing("a worker process loads the module that calls it"):
            step, args, kwargs, folder = load(payload, self._code)
        if folder != _places.current_folder():
            os.chdir(folder)
        bound = step.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _WorkerCall(self._code, step, bound)


def _load_script(name: str, file: str) -> None:
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


class _WorkerCode(Code):
    """The code of the steps that a worker executes."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Leave it to the process of the run to warn."""
        self.warnings.append(message)

    @contextmanager
    def printing(self, log: Any, label: str) -> Iterator[None]:
        """All that the process prints goes to the log already."""
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # pyright: ignore[reportUnnecessaryComparison]
                    stream.flush()


class _WorkerCall(StepCall):
    """A call of a step in a worker."""

    def __init__(self, code: _WorkerCode, step: Step, bound: inspect.BoundArguments) -> None:
        session: Any = code
        self._prepare(session, step, bound)
        for _ in self._inputs():
            pass  # for the code that comes with them
        self._worker_code = code

    def execute(self, inputs: Any, to: Path, where: str, log: Path) -> Made:
        """Do as in the process of the run, and tell it of warnings."""
        self._worker_code.warnings.clear()
        made = super().execute(inputs, to, where, log)
        return made._replace(notes=dump(self._worker_code.warnings))

    @property
    def label(self) -> str:
        """Only the process of the run knows it."""
        return self.step.name
