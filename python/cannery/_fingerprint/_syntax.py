"""What only the source tells: the text of functions, what is but logged, what an import does.

A file that was edited after this process started is believed only where it still says what was
loaded.
"""

from __future__ import annotations

import ast
import linecache
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from cannery._fingerprint._origin import is_project_module

_STARTED = time.time()
# File systems stamp files by the kernel's tick.
_TICK = 0.02

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class SourceFile:
    """The functions of one file, found by name and line."""

    def __init__(self, file: str, text: str, *, edited: bool) -> None:
        self.file = file
        self.text = text
        self.lines = text.split("\n")
        self.edited = edited
        self.functions: dict[tuple[str, int], _Function] = {}
        self.tree = ast.parse(text)
        self._index(self.tree.body, "")
        self._codes: frozenset[CodeType] | None = None

    def _index(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, _Function):
                self.functions[prefix + node.name, _first_line(node)] = node
                self._index(node.body, f"{prefix}{node.name}.<locals>.")
            elif isinstance(node, ast.ClassDef):
                self._index(node.body, f"{prefix}{node.name}.")
            else:
                self._index(list(_statements_in(node)), prefix)

    def still_says(self, code: CodeType) -> bool:
        """Whether this code was compiled from the text as it is now."""
        return not self.edited or code in self.codes

    @property
    def codes(self) -> frozenset[CodeType]:
        """All code objects that the text is compiled to."""
        if self._codes is None:
            whole = compile(self.text, self.file, "exec", dont_inherit=True)
            self._codes = frozenset(_nested(whole))
        return self._codes


def source_file(file: str) -> SourceFile | None:
    """Read a file of source text, or a notebook's cell."""
    try:
        status = Path(file).stat()
    except (OSError, ValueError):
        return _cell(file, "".join(linecache.getlines(file)))
    return _read(file, status.st_mtime, status.st_size)


@lru_cache(maxsize=512)
def _read(file: str, changed: float, _size: int) -> SourceFile | None:
    import tokenize

    try:
        with tokenize.open(file) as stream:
            return SourceFile(file, stream.read(), edited=changed > _STARTED - _TICK)
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        return None  # compiled extensions, or broken meanwhile


@lru_cache(maxsize=512)
def _cell(file: str, text: str) -> SourceFile | None:
    try:
        return SourceFile(file, text, edited=False) if text else None
    except (SyntaxError, ValueError):
        return None


def function_node(code: CodeType) -> _Function | None:
    """Find the definition from which code was compiled; lambdas have none."""
    source = source_file(code.co_filename)
    if source is None:
        return None
    node = source.functions.get((code.co_qualname, code.co_firstlineno))
    return node if node is not None and source.still_says(code) else None


def source_text(code: CodeType) -> str | None:
    """Return the text of a function, if it is still what was loaded."""
    node = function_node(code)
    source = source_file(code.co_filename)
    if node is None or source is None:
        return None
    return "\n".join(source.lines[_first_line(node) - 1 : node.end_lineno])


# What is but logged

_LOGGING = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "write"}
)
_LOGGERS = frozenset({"logging", "warnings", "sys", "log", "logger", "_log", "_logger"})
# Calls whose arguments go nowhere else.
_HARMLESS = frozenset(
    {"abs", "float", "format", "int", "isoformat", "len", "max", "min", "monotonic", "now"}
    | {"perf_counter", "repr", "round", "str", "strftime", "time", "total_seconds", "utcnow"}
)


@lru_cache(maxsize=4096)
def logged_names(code: CodeType) -> frozenset[str]:
    """Names that a function only logs or prints, or computes with for a log.

    `START` in `log.info("took %s", time.time() - START)` changes with every process and with it no
    result.
    """
    if not _LOGGING.union({"print"}).intersection(code.co_names):
        return frozenset()
    node = function_node(code)
    if node is None:
        return frozenset()
    reader = _LogReader()
    for statement in node.body:
        reader.visit(statement)
    return reader.only_logged()


class _LogReader(ast.NodeVisitor):
    """Sorts the names that a function loads into those that it logs and those that it uses."""

    def __init__(self) -> None:
        self.logged: set[str] = set()
        self.used: set[str] = set()
        self.computed: list[tuple[str, set[str]]] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value
        if isinstance(call, ast.Call) and _is_log(call.func):
            for argument in (*call.args, *(each.value for each in call.keywords)):
                self.logged |= self._names(argument)
        else:
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Name):
            self.computed.append((target.id, self._names(node.value)))
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self.used.add(node.id)

    def visit_Global(self, node: ast.Global) -> None:
        self.used.update(node.names)

    def _names(self, node: ast.expr) -> set[str]:
        """Names in an expression that only computes; those in other calls count as used."""
        if isinstance(node, ast.Name):
            return {node.id}
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else None
            name = function.id if isinstance(function, ast.Name) else name
            if name not in _HARMLESS:
                self.generic_visit(node)
                return set()
        elif isinstance(node, (ast.Lambda, ast.NamedExpr, ast.ListComp, ast.GeneratorExp)):
            self.generic_visit(node)
            return set()
        found: set[str] = set()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                found |= self._names(child)
            elif isinstance(child, ast.keyword):
                found |= self._names(child.value)
        return found

    def only_logged(self) -> frozenset[str]:
        while True:
            added = [names - self.used for name, names in self.computed if name in self.used]
            if not any(added):
                break
            self.used.update(*added)
        computed = (name for _, names in self.computed for name in names)
        return frozenset((self.logged | set(computed)) - self.used)


def _is_log(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id == "print"
    base = function.value if isinstance(function, ast.Attribute) else None
    while isinstance(base, ast.Attribute):
        base = base.value
    known = isinstance(base, ast.Name) and base.id.lower() in _LOGGERS
    return known and isinstance(function, ast.Attribute) and function.attr in _LOGGING


# What an import does to other modules

_QUIET = frozenset({"logging", "warnings", "sys", "print", "atexit", "signal", "faulthandler"})


def module_effects(module: str | None) -> list[FunctionType]:
    """Return what a module of the project, and those that it imports, do to others on import.

    `pd.set_option(...)` and `decimal.getcontext().prec = 3` at the top of a module change results
    although no name of the module leads there.
    """
    found = _behind(module)
    return [function for name in sorted(found) for function in found[name]]


def modules_behind(module: str) -> list[str]:
    """Return a module of the project, and those of the project that it imports at the top."""
    return sorted(_behind(module))


def _behind(module: str | None) -> dict[str, list[FunctionType]]:
    found: dict[str, list[FunctionType]] = {}
    pending = [module or ""]
    while pending:
        name = pending.pop()
        loaded = sys.modules.get(name)
        if name in found or loaded is None or not is_project_module(name):
            continue
        found[name], imported = _effects_of(name, loaded)
        pending.extend(imported)
    return found


# With the module, since a reloaded one is another.
_effects: dict[str, tuple[ModuleType, list[FunctionType], list[str]]] = {}


def _effects_of(name: str, module: ModuleType) -> tuple[list[FunctionType], list[str]]:
    known = _effects.get(name)
    if known is not None and known[0] is module:
        return known[1], known[2]
    file = getattr(module, "__file__", None) or ""
    source = source_file(file) if file.endswith(".py") else None
    functions, imported = [], []
    for statement in _top_level(source.tree.body if source is not None else []):
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            imported += _imported(statement, module)
        elif _is_effect(statement, vars(module)):
            if isinstance(statement, _Registration):
                statement = ast.copy_location(ast.Expr(statement.value), statement)
            code = compile(ast.Module([statement], []), file, "exec", dont_inherit=True)
            functions.append(FunctionType(code, vars(module), "<import>"))
    _effects[name] = module, functions, imported
    return functions, imported


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, (*_definitions, ast.ClassDef)):
            yield from _registrations(statement)
            continue
        if isinstance(statement, ast.If) and _is_guard(statement.test):
            yield from _top_level(statement.orelse)
        elif isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            yield from _top_level(list(_statements_in(statement)))
        else:
            yield statement


class _Registration(ast.Expr):
    """A decorator that tells others of what it decorates, as the call that it is."""


def _registrations(
    statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> Iterator[_Registration]:
    for decorator in filter(_is_registering, statement.decorator_list):
        name = ast.Name(statement.name, ast.Load())
        call = _Registration(ast.Call(decorator, [name], []))
        yield ast.fix_missing_locations(ast.copy_location(call, statement))


def _is_registering(decorator: ast.expr) -> bool:
    names = [node.attr for node in ast.walk(decorator) if isinstance(node, ast.Attribute)]
    names += [node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)]
    return any(part in name.lower() for name in names for part in _REGISTERING)


_REGISTERING = ("register", "implements", "overload", "hookimpl", "accessor")
_definitions = (ast.FunctionDef, ast.AsyncFunctionDef)


def _is_guard(test: ast.expr) -> bool:
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    return bool(names & {"__name__", "TYPE_CHECKING"})


def _imported(statement: ast.Import | ast.ImportFrom, module: ModuleType) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    package = getattr(module, "__package__", None) or ""
    parts = package.split(".") if package else []
    base = parts[: len(parts) - statement.level + 1] if statement.level else []
    full = ".".join([*base, *([statement.module] if statement.module else [])])
    return [full, *(f"{full}.{alias.name}" for alias in statement.names)]


def _is_effect(statement: ast.stmt, scope: dict[str, Any]) -> bool:
    """Whether a statement changes something that is not the module's own."""
    if isinstance(statement, _Registration):
        return _is_foreign(_root(statement.value), scope)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        root = _root(statement.value.func)
        if root in ("sys", "warnings"):
            return _is_limiting(statement.value)
        return _is_foreign(root, scope) or _is_plain_function(root, scope)
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    else:
        return False
    return any(
        _is_foreign(_root(target), scope)
        for target in targets
        if isinstance(target, (ast.Attribute, ast.Subscript))
    )


def _is_limiting(call: ast.Call) -> bool:
    """Whether a call makes errors of what would be none."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    values = (*call.args, *(each.value for each in call.keywords))
    said = {each.value for each in values if isinstance(each, ast.Constant)}
    return name in ("setrecursionlimit", "set_int_max_str_digits") or "error" in said


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_foreign(name: str | None, scope: dict[str, Any]) -> bool:
    if name is None or name in _QUIET or name not in scope:
        return False
    value = scope[name]
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] not in _QUIET and value.__name__ != "cannery"
    module = getattr(value, "__module__", None)
    is_code = isinstance(value, type) or callable(value)
    return is_code and isinstance(module, str) and not _is_own(module)


def _is_own(module: str) -> bool:
    return module.partition(".")[0] in (*_QUIET, "cannery") or is_project_module(module)


def _is_plain_function(name: str | None, scope: dict[str, Any]) -> bool:
    """Whether a function of the project's is called that runs no pipeline."""
    value = scope.get(name or "")
    if not isinstance(value, FunctionType) or not is_project_module(value.__module__ or ""):
        return False
    reached = (value.__globals__.get(each) for each in value.__code__.co_names)
    return not any(type(each).__module__ == "cannery._steps" for each in reached)


def _statements_in(node: ast.stmt) -> Iterator[ast.stmt]:
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()):
            yield from [child] if isinstance(child, ast.stmt) else child.body


def _first_line(node: _Function) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
