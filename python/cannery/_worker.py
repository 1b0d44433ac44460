"""A process that executes steps for the run of another one.

It is told where the code is, and then gets tasks: the module and qualified name of a step, its
parameters, and references of stored artifacts. A task whose code is not the same here as there is
refused by the engine, which compares the parts of the cache key.
"""

from __future__ import annotations

import inspect
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery import _native
from cannery._call import Made, StepCall
from cannery._code import Code
from cannery._fingerprint import _places
from cannery._store import Store
from cannery._tasks import dump, dump_error, load, refusing, work_for

if TYPE_CHECKING:
    from cannery._steps import Step


def main() -> None:
    """Do tasks until there are no more."""
    worker = _Worker()
    _native.serve_worker(worker.begin, worker.find)


class _Worker:
    def __init__(self) -> None:
        self._code: _WorkerCode | None = None

    def begin(self, setup: bytes) -> _native.Store:
        """Find the code, and open the store."""
        told = pickle.loads(setup)
        sys.path[:], sys.argv[:] = told["path"], told["argv"]
        _places.main_file = told["main_file"]
        work_for(told["main"], told["scripts"])
        store = Store(told["store"])
        self._code = _WorkerCode(store)
        return store._native

    def find(self, _module: str, _name: str, payload: bytes) -> StepCall | _Failed:
        """Return the call of a task, to be executed."""
        try:
            return self._find(payload)
        except BaseException as error:
            return _Failed(error)

    def _find(self, payload: bytes) -> StepCall:
        assert self._code is not None
        with refusing("a worker process loads the module that calls it"):
            step, args, kwargs, folder = load(payload, self._code)
        if folder != _places.current_folder():
            os.chdir(folder)
        bound = step.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _WorkerCall(self._code, step, bound)


class _Failed:
    """Stands for a call that cannot be made, to tell the process of the run why."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def key_parts(self, _inputs: Any) -> dict[str, str]:
        """Raise the error."""
        raise self._error

    def dump_error(self, error: BaseException) -> bytes:
        """Write an exception for the other process."""
        return dump_error(error)


class _WorkerCode(Code):
    """The code of the steps that a worker executes."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.warnings: list[str] = []

    def warn(self, message: str, step: Step[..., Any]) -> None:  # noqa: ARG002
        """Leave it to the process of the run to warn."""
        self.warnings.append(message)

    @contextmanager
    def printing(self, log: Any, label: str) -> Iterator[None]:  # noqa: ARG002
        """All that the process prints goes to the log already."""
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:  # pyright: ignore[reportUnnecessaryComparison]
                    stream.flush()


class _WorkerCall(StepCall):
    """A call of a step in a worker."""

    def __init__(
        self, code: _WorkerCode, step: Step[..., Any], bound: inspect.BoundArguments
    ) -> None:
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
