"""The syntax of loaded code, without what does not matter to what it does.

Comments, positions, docstrings and the annotations of functions are left out. A file that was
edited after this process started is believed only where it still says what was loaded.
"""

from __future__ import annotations

import ast
import linecache
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType

from cannery._fingerprint._content import digest_of_text, digest_of_value
from cannery._fingerprint._names import MUTATORS

_STARTED = time.time()
# File systems stamp files by the kernel's tick.
_TICK = 0.02

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef
_IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "lineno", "returns", "annotation"})


class SourceFile:
    """The definitions of one file, found by name and line."""

    def __init__(self, file: str, text: str, *, edited: bool) -> None:
        self.file = file
        self.text = text
        self.edited = edited
        self.functions: dict[tuple[str, int], _Function] = {}
        self.classes: dict[str, list[ast.ClassDef]] = {}
        self.assignments: dict[str, list[ast.stmt]] = {}
        self.tree = ast.parse(text)
        self._index(self.tree.body, "")
        self._codes: frozenset[CodeType] | None = None

    def _index(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, _Function):
                self.functions[prefix + node.name, _first_line(node)] = node
                self._index(node.body, f"{prefix}{node.name}.<locals>.")
            elif isinstance(node, ast.ClassDef):
                self.classes.setdefault(prefix + node.name, []).append(node)
                self._index(node.body, f"{prefix}{node.name}.")
            else:
                self._index_statement(node, prefix)

    def _index_statement(self, node: ast.stmt, prefix: str) -> None:
        if not prefix:
            for name in _assigned(node):
                self.assignments.setdefault(name, []).append(node)
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            for child in getattr(node, field, ()):
                inner = child.body if not isinstance(child, ast.stmt) else [child]
                self._index(inner, prefix)

    def still_says(self, code: CodeType) -> bool:
        """Whether this code was compiled from the text as it is now."""
        return not self.edited or code in self.codes

    @property
    def codes(self) -> frozenset[CodeType]:
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


def class_nodes(qualname: str, file: str, codes: list[CodeType]) -> list[ast.ClassDef]:
    """Find the definitions of a class; `codes` are its methods, to tell whether it was edited."""
    source = source_file(file)
    if source is None or not all(source.still_says(code) for code in codes):
        return []
    return source.classes.get(qualname, [])


def assignment_nodes(name: str, file: str) -> list[ast.stmt]:
    """Find the statements of a module that assign to a name."""
    source = source_file(file)
    return [] if source is None or source.edited else source.assignments.get(name, [])


def is_edited(file: str) -> bool:
    """Whether a file may say something else than what was loaded from it."""
    source = source_file(file)
    return source is None or source.edited


@lru_cache(maxsize=4096)
def digest_of_node(node: ast.AST) -> str:
    """Digest what a piece of syntax says."""
    return digest_of_text("".join(_outline(node)))


@lru_cache(maxsize=4096)
def digest_of_code(code: CodeType) -> str:
    """Digest bytecode, for code whose source is not at hand."""
    import dis

    said: list[object] = [code.co_name, code.co_argcount, code.co_kwonlyargcount, code.co_flags]
    said.append(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    for instruction in dis.get_instructions(code):
        value = instruction.argval
        if isinstance(value, CodeType):
            value = digest_of_code(value)
        elif instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            value = instruction.arg  # as a distance, not as a place
        said.append((instruction.opname, value))
    return digest_of_value(said, repr)


@lru_cache(maxsize=4096)
def written_names(node: ast.AST) -> frozenset[str]:
    """Names whose value the code changes: `x.append(1)`, `x["a"] = 1`, `x.count += 1`."""
    written = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            target = part.func.value if part.func.attr in MUTATORS else None
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and _is_changed(part):
            target = part.value
        else:
            continue
        name = _base_name(target)
        if name is not None:
            written.add(name)
    return frozenset(written)


@lru_cache(maxsize=4096)
def class_body_names(node: ast.ClassDef) -> tuple[tuple[str, ...], ...]:
    """Find dotted names that run when the class is made, and those of its fields' annotations."""
    return tuple(dict.fromkeys(_class_body_names(node)))


def _class_body_names(node: ast.ClassDef) -> Iterator[tuple[str, ...]]:
    yield from _dotted_names([*node.decorator_list, *node.bases, *node.keywords])
    for statement in node.body:
        if isinstance(statement, _Function):
            defaults = [d for d in (*statement.args.defaults, *statement.args.kw_defaults) if d]
            yield from _dotted_names([*statement.decorator_list, *defaults])
        elif not isinstance(statement, ast.ClassDef):
            yield from _dotted_names([statement])


def annotation_names(text: str) -> list[tuple[str, ...]]:
    """Dotted names in an annotation that is written as text."""
    try:
        return list(_dotted_names([ast.parse(text, mode="eval")]))
    except SyntaxError:
        return []


def _dotted_names(nodes: list[ast.AST]) -> Iterator[tuple[str, ...]]:
    for node in nodes:
        dotted = _dotted(node)
        if dotted is not None:
            yield dotted
        else:
            yield from _dotted_names(list(ast.iter_child_nodes(node)))


def _dotted(node: ast.AST) -> tuple[str, ...] | None:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return None if base is None else (*base, node.attr)
    return None


def _outline(node: ast.AST) -> Iterator[str]:
    yield type(node).__name__
    yield "("
    for name in node._fields:
        if name in _IGNORED_FIELDS and not isinstance(node, ast.AnnAssign):
            continue
        yield from _outline_of_field(node, name, getattr(node, name, None))
    yield ")"


def _outline_of_field(node: ast.AST, name: str, value: object) -> Iterator[str]:
    if name == "decorator_list" and isinstance(node, _Function):
        return  # a decorator's effect is the function that it returned
    if name == "body" and isinstance(node, _Definition):
        value = _without_docstring(node.body)
    if isinstance(value, ast.AST):
        yield from _outline(value)
    elif isinstance(value, list):
        yield f"[{len(value)}:"
        for item in value:
            yield from _outline(item) if isinstance(item, ast.AST) else (repr(item),)
        yield "]"
    else:
        text = repr(value)
        yield f"{len(text)}:{text}"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:] if isinstance(first.value.value, str) else body
    return body


def _first_line(node: _Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.For)):
        targets = [node.target]
    else:
        return
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                yield part.id


def _is_changed(node: ast.Subscript | ast.Attribute) -> bool:
    return isinstance(node.ctx, (ast.Store, ast.Del))


def _base_name(node: ast.AST | None) -> str | None:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
