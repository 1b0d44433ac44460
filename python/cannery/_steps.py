"""`@step` and `@pipeline`."""

from __future__ import annotations

import datetime
import functools
import inspect
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    ParamSpec,
    ParamSpecArgs,
    ParamSpecKwargs,
    Protocol,
    SupportsIndex,
    TypedDict,
    TypeVar,
    TypeVarTuple,
    Unpack,
    cast,
    overload,
)

from cannery import _session
from cannery._annotations._refusal import refusal
from cannery._annotations._scope import (
    annotations_of_function,
    place_of_argument,
    scope_of_function,
)
from cannery._artifact import Artifact
from cannery._async import finished
from cannery._checks import check_for, evaluate_fields, unpacked
from cannery._options import Executor, RunOptions, seconds
from cannery._outputs import Output, Outputs, check_names, outputs_of
from cannery._stream import item_type
from cannery._tasks import find_step, reference_of
from cannery.errors import DataError, DataTypeError

if TYPE_CHECKING:
    from cannery._backfill import Over
    from cannery._checks import Check
    from cannery._session import DryRun, Run
    from cannery._store import Store
    from cannery.materializers import Materializer

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Several = TypeVarTuple("_Several")
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


if TYPE_CHECKING:

    class SeveralOutputs(tuple[*_Several]):
        """What a step gives that returns a tuple: named outputs can be asked for by name, too.

        Names stand in `Annotated`, where type checkers do not look: `split["train"]` is `Any` for
        them. `train, test = split(...)` and `split(...)[0]` have the types of the items.
        """

        @overload
        def __getitem__(self, key: SupportsIndex, /) -> Any: ...
        @overload
        def __getitem__(self, key: slice, /) -> tuple[Any, ...]: ...
        @overload
        def __getitem__(self, key: str, /) -> Any: ...
        def __getitem__(self, key: Any, /) -> Any: ...  # pyright: ignore


class _NamedTuple(Protocol):
    """A named tuple, whose outputs are its attributes."""

    def _asdict(self) -> dict[str, Any]: ...


_N = TypeVar("_N", bound=_NamedTuple)


class Step(Generic[_P, _R]):
    """A function whose outputs are kept, and which runs only when its result is not known yet.

    Inside a pipeline a call returns an `Artifact` at once; anywhere else it is a plain call. For
    type checkers a call has the type of its value, so that wrong wiring is seen: `value_of` is what
    loads it then.
    """

    def __init__(
        self, function: Callable[_P, _R], name: str | None, options: dict[str, Any]
    ) -> None:
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
        self.ttl: float | None = seconds(options["ttl"], "ttl")
        self.timeout: float | None = seconds(options["timeout"], "timeout")
        self.retries: int = _count(options["retries"])
        self.retry_delay: float = seconds(options["retry_delay"], "retry_delay") or 0.0
        self.retry_backoff: float = options["retry_backoff"]
        self.on_failure: Callable[[Exception], object] | None = options["on_failure"]
        self.declared_outputs: Any = options["outputs"]
        check_names(self.declared_outputs)
        self.is_checked_fully = _is_full(options["validate"])
        self._checks: dict[str, Check] = {}
        self._is_known = False
        self._options = options
        if "<locals>" in getattr(function, "__qualname__", ""):
            self._look_ahead()

    def with_options(self, *, name: str | None = None, **options: Any) -> Step[_P, _R]:
        """Return the same step with other options, those of `@step`."""
        return Step(self.function, name or self.name, _checked_options(self._options | options))

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of the function."""
        return inspect.signature(self.function)

    @functools.cached_property
    def hints(self) -> dict[str, Any]:
        """The annotations of the function, evaluated.

        Raises `DataTypeError` for a name that is not there, with the line of the definition.
        """
        return annotations_of_function(self.function)

    @functools.cached_property
    def outputs(self) -> Outputs:
        """The outputs of the step, by name."""
        try:
            return outputs_of(self.hints.get("return", Any), self.declared_outputs)
        except DataTypeError as error:
            error.add_note(f"in the outputs of step `{self.name}`")
            raise

    def annotation_of(self, name: str) -> Any:
        """Return the type of an argument; `*args` is a tuple, `**options` is a dictionary."""
        annotation = self.hints.get(name, Any)
        parameter = self.signature.parameters.get(name)
        if parameter is None or parameter.kind not in _VARIABLE:
            return annotation
        if isinstance(annotation, (ParamSpecArgs, ParamSpecKwargs)):
            return Any
        inner = unpacked(annotation)
        if parameter.kind is parameter.VAR_POSITIONAL:
            return tuple[annotation, ...] if inner is None else tuple[annotation]
        return dict[str, annotation] if inner is None else inner

    def check_of_argument(self, name: str) -> Check:
        """Return the check for an argument."""
        if name not in self._checks:
            self._checks[name] = self._check(name, self.annotation_of(name))
        return self._checks[name]

    def check_of_output(self, output: Output) -> Check:
        """Return the check for an output."""
        key = f"-> {output.name}"
        if key not in self._checks:
            self._checks[key] = self._check("return", output.type)
        return self._checks[key]

    def check_of_items(self, output: Output) -> Check:
        """Return the check for each item that a generator yields."""
        return self._check("return", item_type(output.type))

    def check_of_items_of(self, name: str) -> Check:
        """Return the check for each item of a stream that is an argument."""
        return self._check(name, item_type(self.annotation_of(name)))

    def _check(self, name: str, annotation: Any) -> Check:
        try:
            return check_for(annotation, scope_of_function(self.function))
        except DataTypeError as error:
            message = f"{place_of_argument(self.function, name)}: {error}"
            raise refusal(message, error.hint) from error

    def check_annotations(self) -> None:
        """Evaluate and compile all annotations, so that a wrong one is an error before it runs."""
        if self._is_known:
            return
        for name in self.signature.parameters:
            self.check_of_argument(name)
        for output in self.outputs.items:
            self.check_of_output(output)
        for annotation in self.hints.values():
            evaluate_fields(annotation)
        self._is_known = True

    def _look_ahead(self) -> None:
        """Keep what annotations mean while the function around the step still knows the names."""
        try:
            for annotation in self.hints.values():
                evaluate_fields(annotation)
        except Exception:  # said when the step is first called in a pipeline
            self.__dict__.pop("hints", None)

    def run(self, arguments: inspect.BoundArguments) -> Any:
        """Call the function; of one that is asynchronous, wait for its result."""
        function: Callable[..., Any] = self.function
        return finished(function(*arguments.args, **arguments.kwargs))

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        session = _session.current()
        if session is None:
            return self.function(*args, **kwargs)
        return cast("_R", session.submit(self, args, kwargs))

    def map(self, items: Any, /, *others: Any, **same: Any) -> list[_R]:
        """Call the step for each item, and return the list of what it gives.

        `items` is a list or another iterable, whose items may be artifacts; or one artifact, for
        whose value it waits. Each item is a parameter of its own: of a list in which one item is
        new, only that runs. Further positional arguments are iterables of the same length;
        keyword arguments are the same for every call.

        >>> from cannery import pipeline, step
        >>> @step
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> double.map([1, 2])
        [2, 4]
        """
        rows = [_items_of(each) for each in (items, *others)]
        if len({len(row) for row in rows}) > 1:
            lengths = ", ".join(str(len(row)) for row in rows)
            raise DataError(f"`{self.name}.map` needs items of one length, found {lengths}")
        session = _session.current()
        if session is not None:
            session.announce(self, len(rows[0]))
        return [cast("Any", self)(*row, **same) for row in zip(*rows, strict=True)]

    def __reduce__(self) -> Any:
        return _found, (*reference_of(self), self.name, _told(self._options))

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        bound = cast("Callable[..., Any]", self)
        return self if instance is None else functools.partial(bound, instance)

    def __repr__(self) -> str:
        return f"<step {self.name}>"


class _OtherOptions(TypedDict, total=False):
    """The options of a pipeline besides `dry_run`."""

    store: Store | str | os.PathLike[str] | None
    force: bool | Iterable[str] | None
    ttl: float | datetime.timedelta | None
    cache: bool | None
    workers: int | None
    executor: Executor | None
    fail_fast: bool | None
    tags: str | Iterable[str] | None
    partition: str | Iterable[str] | None
    on_failure: Callable[[Exception], object] | None


class _Rehearsal(Protocol[_P]):
    """A pipeline whose calls run nothing."""

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> DryRun: ...


class Pipeline(Generic[_P, _R]):
    """A function that calls steps; calling it runs them and returns a `Run`."""

    def __init__(
        self,
        function: Callable[_P, _R],
        name: str | None,
        store: Store | str | os.PathLike[str] | None,
        options: RunOptions,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name: str = name or function.__name__
        self.store = store
        self.options = options

    @overload
    def with_options(
        self, *, dry_run: Literal[True], **options: Unpack[_OtherOptions]
    ) -> _Rehearsal[_P]: ...

    @overload
    def with_options(
        self, *, dry_run: Literal[False] | None = None, **options: Unpack[_OtherOptions]
    ) -> Pipeline[_P, _R]: ...

    def with_options(
        self,
        *,
        store: Store | str | os.PathLike[str] | None = None,
        force: bool | Iterable[str] | None = None,
        ttl: float | datetime.timedelta | None = None,
        cache: bool | None = None,
        workers: int | None = None,
        executor: Executor | None = None,
        fail_fast: bool | None = None,
        dry_run: bool | None = None,
        tags: str | Iterable[str] | None = None,
        partition: str | Iterable[str] | None = None,
        on_failure: Callable[[Exception], object] | None = None,
    ) -> Any:
        """Return the same pipeline with other options, those of `@pipeline`.

        `daily.with_options(force=["read"])(day)` runs `read` although its result is known.
        """
        options = self.options.changed(
            force=force,
            ttl=ttl,
            cache=cache,
            workers=workers,
            executor=executor,
            fail_fast=fail_fast,
            dry_run=dry_run,
            tags=tags,
            partition=partition,
            on_failure=on_failure,
        )
        return Pipeline(self.function, self.name, self.store if store is None else store, options)

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of the function."""
        return inspect.signature(self.function)

    def backfill(self, over: Over, /, *args: Any, **kwargs: Any) -> list[Run[_R]]:
        """Run the pipeline for each value of a parameter, in their order, and return the runs.

        `daily.backfill({"day": "2026-11-01..2026-11-30"}, rows=5)` runs thirty days: known results
        are used, so that only what lacks one, or depends on what has changed, is done. Values are a
        text (a range of days, months or numbers with both its ends, or a list with commas), or an
        iterable of the values themselves; those of several parameters are combined. Other arguments
        are the same for every run. With `fail_fast=False` later runs go on after one has failed,
        and the first exception is raised at the end.

        >>> from cannery import pipeline, step
        >>> @step
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> @pipeline(store="runs", partition="number")
        ... def twice(number: int):
        ...     return double(number)
        >>> [run.output.load() for run in twice.backfill({"number": "3..5"})]
        [6, 8, 10]
        """
        from cannery._backfill import backfill

        return backfill(self, over, args, kwargs)

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> Run[_R]:
        if _session.current() is not None:
            return cast("Run[_R]", self.function(*args, **kwargs))  # its steps join the run
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _session.run(self, bound)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"


@overload
def step(function: Callable[_P, Coroutine[Any, Any, _R]], /) -> Step[_P, _R]: ...


@overload
def step(function: Callable[_P, _N], /) -> Step[_P, _N]: ...


@overload
def step(function: Callable[_P, tuple[*_Several]], /) -> Step[_P, SeveralOutputs[*_Several]]: ...


@overload
def step(function: Callable[_P, _R], /) -> Step[_P, _R]: ...


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
    timeout: float | datetime.timedelta | None = None,
    retries: int = 0,
    retry_delay: float | datetime.timedelta = 1.0,
    retry_backoff: float = 2.0,
    on_failure: Callable[[Exception], object] | None = None,
    outputs: Iterable[str] | Mapping[str, Any] | None = None,
    validate: Literal["sample", "full"] = "sample",
) -> _StepDecorator: ...


def step(function: Any = None, /, *, name: str | None = None, **options: Any) -> Any:
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
    - `timeout`: seconds after which it has failed; in a process it is ended, a thread cannot be.
    - `retries`: how often it is tried again when it fails; `retry_delay` seconds after the first
      failure, `retry_backoff` times as long after each further one.
    - `on_failure`: called with the exception when it has failed, after the last retry.
    - `outputs`: names of the items of the tuple that it returns, each of which is an artifact of
      its own; names with their types may stand instead (a dictionary).
    - `validate`: `"full"` checks all items of large containers against the annotations, and not
      some of more than 1,000.

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
    options = _checked_options(options)
    if function is not None:
        return Step(function, name, options)
    return lambda function: Step(function, name, options)


class _StepDecorator(Protocol):
    """What `@step(...)` gives."""

    @overload
    def __call__(self, function: Callable[_P, Coroutine[Any, Any, _R]], /) -> Step[_P, _R]: ...
    @overload
    def __call__(self, function: Callable[_P, _N], /) -> Step[_P, _N]: ...
    @overload
    def __call__(
        self, function: Callable[_P, tuple[*_Several]], /
    ) -> Step[_P, SeveralOutputs[*_Several]]: ...
    @overload
    def __call__(self, function: Callable[_P, _R], /) -> Step[_P, _R]: ...


class _PipelineDecorator(Protocol):
    """What `@pipeline(...)` gives."""

    def __call__(self, function: Callable[_P, _R], /) -> Pipeline[_P, _R]: ...


def _checked_options(options: dict[str, Any]) -> dict[str, Any]:
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
        "timeout": None,
        "retries": 0,
        "retry_delay": 1.0,
        "retry_backoff": 2.0,
        "on_failure": None,
        "outputs": None,
        "validate": "sample",
    }
    unknown = options.keys() - defaults.keys()
    if unknown:
        raise DataTypeError(f"`step` has no option `{min(unknown)}`")
    return defaults | options


@overload
def pipeline(function: Callable[_P, _R], /) -> Pipeline[_P, _R]: ...


@overload
def pipeline(
    *,
    name: str | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    force: bool | Iterable[str] = False,
    ttl: float | datetime.timedelta | None = None,
    cache: bool = True,
    workers: int | None = None,
    executor: Executor = "threads",
    fail_fast: bool = True,
    dry_run: bool = False,
    tags: str | Iterable[str] = (),
    partition: str | Iterable[str] = (),
    on_failure: Callable[[Exception], object] | None = None,
) -> _PipelineDecorator: ...


def pipeline(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    store: Store | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Any:
    """Make a function a pipeline, as `@pipeline` or `@pipeline(name=..., store=...)`.

    - `force`: `True`, or names of steps, that run although their results are known.
    - `ttl`: how old known results may be, for steps that do not say it themselves.
    - `cache`: with `False` no known result is used.
    - `workers`: how many steps run at a time; else one for each core.
    - `executor`: where steps run, in `"threads"` of this process or in `"processes"` of their own.
    - `fail_fast`: with `False`, steps that do not need one that has failed run all the same.
    - `dry_run`: run nothing and return a `DryRun`, which says what would run.
    - `tags`: texts to find the run by.
    - `partition`: parameters whose values say which partition a run is about: with
      `partition="day"`, what a run gives is found by `store.artifact(name, partition="day=...")`.
    - `on_failure`: called with the exception when a run has failed.

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
    unknown = options.keys() - RunOptions.__dataclass_fields__.keys()
    if unknown:
        raise DataTypeError(f"`pipeline` has no option `{min(unknown)}`")
    run_options = RunOptions().changed(**options)
    if function is not None:
        return Pipeline(function, name, store, run_options)
    return lambda function: Pipeline(function, name, store, run_options)


def _found(module: str, qualname: str, name: str, options: dict[str, Any]) -> Any:
    """Find a step that was pickled, with its options."""
    found = find_step(module, qualname)
    is_same = isinstance(found, Step) and found.name == name and _told(found._options) == options
    return found if is_same else Step(getattr(found, "function", found), name, options)


def _told(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only the process of the run does."""
    return options | {"on_failure": None}


def _items_of(items: Any) -> list[Any]:
    if isinstance(items, Artifact):
        try:
            return list(items)
        except DataTypeError:
            items = items.load()  # how many there are is known when it is there
    return list(items)


def _count(retries: int) -> int:
    if retries < 0:
        raise DataError(f"`retries` is how often a step is tried again, found `{retries}`")
    return retries


def _is_full(validate: str) -> bool:
    if validate not in ("sample", "full"):
        raise DataError(f'`validate` is "sample" or "full", found `{validate!r}`')
    return validate == "full"
