"""`@step` and `@pipeline`."""

from __future__ import annotations

import datetime
import functools
import inspect
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, overload

from cannery import _session
from cannery._types import hints_of
from cannery.errors import DataError, DataTypeError

if TYPE_CHECKING:
    from cannery._store import Store
    from cannery.materializers import Materializer

_Function = Callable[..., Any]


class Step:
    """A function whose outputs are kept, and which runs only when its result is not known yet.

    Inside a pipeline a call returns an `Artifact` at once; anywhere else it is a plain call.
    """

    def __init__(self, function: _Function, name: str | None, options: dict[str, Any]) -> None:
        if not callable(function):
            raise DataTypeError(f"`step` is for functions, found {type(function).__qualname__}")
        functools.update_wrapper(self, function)
        self.function = function
        self.name: str = name or function.__name__
        self.cache: bool = options["cache"]
        self.materializers: tuple[type[Materializer[Any]], ...] = tuple(
            # Those of `cannery.compat` bring along what stands for them here.
            getattr(each, "__cannery_materializer__", each)
            for each in options["materializers"]
        )
        self.trust: tuple[Any, ...] = tuple(options["trust"])
        self.version: str | None = options["version"]
        self.environment: tuple[str, ...] = tuple(options["environment"])
        self.strict: bool = options["strict"]
        self.external: bool = options["external"]
        self.force: bool = options["force"]
        self.ttl: float | None = _seconds(options["ttl"])
        self._options = options

    def with_options(self, *, name: str | None = None, **options: Any) -> Step:
        """Return the same step with other options, those of `@step`."""
        return step(name=name or self.name, **self._options | options)(self.function)

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of the function."""
        return inspect.signature(self.function)

    @functools.cached_property
    def hints(self) -> dict[str, Any]:
        """The annotations of the function, evaluated."""
        return hints_of(self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        session = _session.current()
        if session is None:
            return self.function(*args, **kwargs)
        return session.submit(self, args, kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<step {self.name}>"


class Pipeline:
    """A function that calls steps; calling it runs them and returns a `Run`."""

    def __init__(
        self,
        function: _Function,
        name: str | None,
        store: Store | str | os.PathLike[str] | None,
        force: bool | Iterable[str] = False,
        ttl: float | datetime.timedelta | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name: str = name or function.__name__
        self.store = store
        self.force: bool | frozenset[str] = force if isinstance(force, bool) else _names(force)
        self.ttl: float | None = _seconds(ttl)

    def with_options(
        self,
        *,
        store: Store | str | os.PathLike[str] | None = None,
        force: bool | Iterable[str] | None = None,
        ttl: float | datetime.timedelta | None = None,
    ) -> Pipeline:
        """Return the same pipeline with another store, or with steps that run again.

        `daily.with_options(force=["read"])(day)` runs `read` although its result is known.
        """
        return Pipeline(
            self.function,
            self.name,
            self.store if store is None else store,
            self.force if force is None else force,
            self.ttl if ttl is None else ttl,
        )

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of the function."""
        return inspect.signature(self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _session.current() is not None:
            return self.function(*args, **kwargs)  # its steps join the run
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _session.run(self, bound)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"


@overload
def step(function: _Function, /) -> Step: ...


@overload
def step(
    *,
    name: str | None = None,
    cache: bool = True,
    materializers: Iterable[type[Any]] = (),
    trust: Iterable[Any] = (),
    version: str | None = None,
    environment: Iterable[str] = (),
    strict: bool = False,
    external: bool = False,
    force: bool = False,
    ttl: float | datetime.timedelta | None = None,
) -> Callable[[_Function], Step]: ...


def step(
    function: _Function | None = None, /, *, name: str | None = None, **options: Any
) -> Step | Callable[[_Function], Step]:
    """Make a function a step, as `@step` or `@step(...)`.

    - `name`: the step's name, and its artifact's; else the function's.
    - `cache`: with `False` it runs every time.
    - `materializers`: used for its inputs and outputs before all others.
    - `trust`: classes, or patterns of names, that may be made again from its inputs besides the
      project's own.
    - `version`: with a new one it runs again.
    - `environment`: variables on which it depends although its own code does not read them.
    - `strict`: refuse what cannot be seen through, such as `eval` or another program, instead of
      warning.
    - `external`: files that it writes and whose paths it returns are not its output: they are not
      stored, and may be changed or removed.
    - `force`: it runs although its result is known; what comes out is the result from then on.
    - `ttl`: seconds, or a `timedelta`, after which a known result is not used any more.

    >>> from cannery import pipeline, step
    >>> @step
    ... def double(number: int) -> int:
    ...     return 2 * number
    >>> @pipeline(store="runs")
    ... def twice(number: int):
    ...     return double(double(number))
    >>> run = twice(5)
    >>> run.status, run.output.load()
    ('completed', 20)
    """
    defaults = {
        "cache": True,
        "materializers": (),
        "trust": (),
        "version": None,
        "environment": (),
        "strict": False,
        "external": False,
        "force": False,
        "ttl": None,
    }
    unknown = options.keys() - defaults.keys()
    if unknown:
        raise DataTypeError(f"`step` has no option `{min(unknown)}`")
    options = defaults | options
    if function is not None:
        return Step(function, name, options)
    return lambda function: Step(function, name, options)


@overload
def pipeline(function: _Function, /) -> Pipeline: ...


@overload
def pipeline(
    *,
    name: str | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    force: bool | Iterable[str] = False,
    ttl: float | datetime.timedelta | None = None,
) -> Callable[[_Function], Pipeline]: ...


def pipeline(
    function: _Function | None = None,
    /,
    *,
    name: str | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    force: bool | Iterable[str] = False,
    ttl: float | datetime.timedelta | None = None,
) -> Pipeline | Callable[[_Function], Pipeline]:
    """Make a function a pipeline, as `@pipeline` or `@pipeline(name=..., store=...)`.

    - `force`: `True`, or names of steps, that run although their results are known.
    - `ttl`: how old known results may be, for steps that do not say it themselves.

    >>> from cannery import pipeline, step
    >>> @step
    ... def double(number: int) -> int:
    ...     return 2 * number
    >>> @pipeline(store="runs")
    ... def twice(number: int):
    ...     return double(double(number))
    >>> [step.cached for step in twice(1).steps.values()]
    [False, False]
    >>> [step.cached for step in twice(1).steps.values()]
    [True, True]
    """
    if function is not None:
        return Pipeline(function, name, store, force, ttl)
    return lambda function: Pipeline(function, name, store, force, ttl)


def _names(force: Iterable[str]) -> frozenset[str]:
    return frozenset([force] if isinstance(force, str) else force)


def _seconds(ttl: float | datetime.timedelta | None) -> float | None:
    """Read how old a result may be; it is in no cache key."""
    seconds = ttl.total_seconds() if isinstance(ttl, datetime.timedelta) else ttl
    if seconds is not None and not seconds >= 0:
        raise DataError(f"`ttl` is how many seconds a result is used for, found `{ttl}`")
    return seconds
