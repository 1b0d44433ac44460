"""Names in annotations: where they are looked up, and what is said where there is none."""

from __future__ import annotations

import ast
import builtins
import difflib
import functools
import inspect
import linecache
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cannery._annotations._refusal import refusal

_LOCALS = ".<locals>"


class Definition(NamedTuple):
    """Where a function or class is defined, and what it is called in messages."""

    what: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.file else self.what


class Scope:
    """Where the names of one definition's annotations are looked up."""

    def __init__(self, names: Mapping[str, Any], module: str, qualname: str) -> None:
        self._names = names
        self._module = module
        self._qualname = qualname

    @property
    def globals(self) -> dict[str, Any]:
        """The names of the module."""
        found = sys.modules.get(self._module)
        return {} if found is None else vars(found)

    def locals(self) -> dict[str, Any]:
        """The names that are nearer than the module's."""
        # A function that is still running knows the names that its inner ones do not use.
        return {**_names_of_running(self._qualname, self._module), **self._names}

    def evaluate(self, annotation: Any) -> Any:
        """Evaluate the names in an annotation.

        Raises whatever its evaluation raises: mostly `NameError`.
        """
        # A class, since only classes may say `ClassVar` and its kin.
        holder = type("holder", (), {"__annotations__": {"it": annotation}})
        hints = typing.get_type_hints(holder, self.globals, self.locals(), include_extras=True)
        return hints["it"]


def scope_of_function(function: Any) -> Scope:
    """Return where a function's annotations are looked up."""
    inner = inspect.unwrap(function)
    names = {parameter.__name__: parameter for parameter in getattr(inner, "__type_params__", ())}
    names |= _closure_of(inner)
    module = getattr(inner, "__module__", None) or ""
    if sys.modules.get(module) is None or vars(sys.modules[module]) is not _globals_of(inner):
        names = {**_globals_of(inner), **names}
    return Scope(names, module, getattr(inner, "__qualname__", ""))


def scope_of_class(cls: Any) -> Scope:
    """Return where a class's own annotations are looked up."""
    # The module's names come first: a field may be called as its type, `date: date = today`.
    module = sys.modules.get(cls.__module__)
    above = {} if module is None else vars(module)
    names = {name: value for name, value in vars(cls).items() if name not in above}
    names = {cls.__name__: cls, **names} if cls.__name__ not in above else names
    names |= {parameter.__name__: parameter for parameter in getattr(cls, "__type_params__", ())}
    return Scope(names, cls.__module__, cls.__qualname__)


def annotations_of_class(cls: Any) -> dict[str, Any]:
    """Evaluate the annotations of a class and its bases.

    Raises:
        DataTypeError: for a name that is not there, with the line of the definition.

    """
    try:
        return _annotations_of_class(cls)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _annotations_of_class.__wrapped__(cls)


@functools.lru_cache(maxsize=512)
def _annotations_of_class(cls: Any) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        own = vars(base).get("__annotations__", {})
        if not isinstance(own, Mapping) or not own:
            continue
        scope = scope_of_class(base)
        for name, annotation in own.items():
            hints[name] = _evaluated(
                scope, annotation, lambda name=name, base=base: _place_of_field(base, name)
            )
    return hints


def annotations_of_function(function: Any, kind: str = "step") -> dict[str, Any]:
    """Evaluate the annotations of a function.

    Raises:
        DataTypeError: for a name that is not there, with the line of the definition.

    """
    scope = scope_of_function(function)
    annotations = getattr(inspect.unwrap(function), "__annotations__", {})
    return {
        name: _evaluated(
            scope,
            annotation,
            lambda name=name: place_of_argument(function, name, kind),
        )
        for name, annotation in annotations.items()
    }


def _evaluated(scope: Scope, annotation: Any, where: Any) -> Any:
    try:
        return scope.evaluate(annotation)
    except Exception as error:  # an annotation may be any expression
        text = _text_of(annotation)
        plain = _without_arguments(text, error)
        if plain is not None:
            return _evaluated(scope, plain, where)
        raise unresolved(text, error, scope, where()) from error


def unresolved(text: str, error: Exception, scope: Scope, where: Definition) -> Exception:
    """Return the error for an annotation that cannot be evaluated."""
    name = getattr(error, "name", None) if isinstance(error, (NameError, AttributeError)) else None
    if name is None:
        return refusal(
            f"{where}: the annotation `{text}` cannot be evaluated: {error}",
            "write a type that Python can evaluate, or `Any`",
        )
    if name in _names_for_checkers(where.file):
        cure = f"`{name}` is there `if TYPE_CHECKING` only: import it for the program, too"
    else:
        known = {*scope.globals, *scope.locals(), *vars(builtins), *typing.__all__}
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        meant = f"did you mean `{close[0]}`? else " if close else ""
        cure = f"{meant}define or import `{name}` in the module"
    return refusal(f"{where}: `{name}` in the annotation `{text}` is not defined", cure)


def _text_of(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else str(annotation).removeprefix("typing.")


def _without_arguments(text: str, error: Exception) -> str | None:
    """Leave out the arguments of a class that takes them in its stub only, as `pd.Series[int]`."""
    if not isinstance(error, TypeError) or "subscriptable" not in str(error):
        return None
    plain, bracket, rest = text.partition("[")
    return plain if bracket and rest.endswith("]") else None


def _globals_of(function: Any) -> dict[str, Any]:
    return getattr(function, "__globals__", {})


def _closure_of(function: Any) -> dict[str, Any]:
    cells = getattr(function, "__closure__", None) or ()
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found = {}
    for name, cell in zip(names, cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    return found


def _names_of_running(qualname: str, module: str) -> dict[str, Any]:
    """Return the local names of the functions around a definition, where they still run."""
    around = [qualname[:at] for at in _positions(qualname, _LOCALS)]
    if not around:
        return {}
    found: dict[str, dict[str, Any]] = {}
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_qualname
        if name in around and name not in found and frame.f_globals.get("__name__") == module:
            found[name] = frame.f_locals
        frame = frame.f_back
    return {key: value for name in around for key, value in found.get(name, {}).items()}


def _positions(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


# Where a definition is.


def place_of_argument(function: Any, name: str, kind: str = "step") -> Definition:
    """Say where an argument of a function is annotated, or its return."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    called = getattr(function, "__name__", repr(function))
    what = f"{kind} `{called}`, " + ("its return" if name == "return" else f"argument `{name}`")
    if code is None:
        return Definition(what, "", 0)
    line = code.co_firstlineno
    for node in ast.walk(_tree_of(code.co_filename)):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and node.name == code.co_name
            and min([node.lineno, *(each.lineno for each in node.decorator_list)]) == line
        ):
            line = _line_of_argument(node, name)
            break
    return Definition(what, code.co_filename, line)


def _line_of_argument(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> int:
    if name == "return":
        return node.lineno if node.returns is None else node.returns.lineno
    arguments = node.args
    each = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    each += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
    return next((one.lineno for one in each if one.arg == name), node.lineno)


def _place_of_field(cls: Any, name: str) -> Definition:
    what = f"class `{cls.__qualname__}`, field `{name}`"
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    last = cls.__qualname__.rpartition(".")[2]
    for node in ast.walk(_tree_of(file)):
        if isinstance(node, ast.ClassDef) and node.name == last:
            for inner in node.body:
                target = inner.target if isinstance(inner, ast.AnnAssign) else None
                if isinstance(target, ast.Name) and target.id == name:
                    return Definition(what, file, inner.lineno)
    return Definition(what, file, 1) if file else Definition(what, "", 0)


def _tree_of(file: str) -> ast.AST:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _names_for_checkers(file: str) -> set[str]:
    """Return the names that a module defines `if TYPE_CHECKING` only."""
    names: set[str] = set()
    for node in ast.walk(_tree_of(file)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in (each for part in node.body for each in ast.walk(part)):
                if isinstance(inner, (ast.Import, ast.ImportFrom)):
                    names |= {(a.asname or a.name).partition(".")[0] for a in inner.names}
                elif isinstance(inner, (ast.ClassDef, ast.FunctionDef)):
                    names.add(inner.name)
                elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    names.add(inner.id)
    return names
