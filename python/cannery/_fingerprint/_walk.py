"""Walks the project's own code from a function on, and digests each piece it reaches."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from types import (
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, get_args

from cannery._fingerprint import _syntax
from cannery._fingerprint._content import (
    CODE_TYPES,
    UnseenError,
    digest_of_text,
    digest_of_value,
    is_decorated,
)
from cannery._fingerprint._names import Name, names
from cannery._fingerprint._origin import PROJECT, PYTHON, is_project_module, module_name, origin

# Code that these build or find cannot be followed.
_OPAQUE_BUILTINS = frozenset({"eval", "exec", "__import__", "globals"})
_DESCRIPTORS = (GetSetDescriptorType, MemberDescriptorType)
_MISSING = object()
# By id; with the value, so that it lives and the id stays its own.
_first_seen: dict[int, tuple[Any, str]] = {}


class Walk:
    """Collects labelled digests in `parts` and what could not be seen in `blind_spots`."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.blind_spots: dict[str, None] = {}
        self._visited: dict[int, str] = {}
        # Ids are unique only among living objects.
        self._alive: list[Any] = []
        # Variables that reached code changes, and which labels stand for their values.
        self._written: set[tuple[int, str]] = set()
        self._variables: dict[tuple[int, str], tuple[str, str, Any]] = {}
        self._pending: list[tuple[Any, str]] = []

    def run(self, function: Any) -> None:
        """Walk everything that a function reaches."""
        self.visit(function)
        self.run_pending()

    def run_pending(self) -> None:
        """Walk everything that was visited and not entered yet."""
        while self._pending:
            self._enter(*self._pending.pop())
        self._forget_written_values()

    def _forget_written_values(self) -> None:
        """Replace the values of variables that the code itself changes by how they begin.

        A step that counts its calls in a global list would otherwise never be cached.
        """
        for key in self._written & self._variables.keys():
            label, file, value = self._variables[key]
            nodes = _syntax.assignment_nodes(key[1], file)
            begins = "".join(map(_syntax.digest_of_node, nodes))
            self.parts[label] = f"begins {begins or self._first_seen(label, value)}"

    def _first_seen(self, label: str, value: Any) -> str:
        """Digest a value as it was when this process first came by, before it was changed."""
        if id(value) not in _first_seen:
            _first_seen[id(value)] = (value, self._digest(label, value))
        return _first_seen[id(value)][1]

    def visit(self, value: Any) -> str:
        """Reach a value that is code, and name it."""
        known = self._visited.get(id(value))
        if known is not None:
            return known
        self._alive.append(value)
        self._visited[id(value)] = name = self._describe(value)
        self._pending.append((value, name))
        return name

    def _describe(self, value: Any) -> str:
        if isinstance(value, MethodType):
            return f"method {value.__func__.__qualname__}"
        inner = getattr(value, "__wrapped__", value)
        kind = _kind_of(inner)
        if isinstance(inner, ModuleType):
            return f"{kind} {module_name(inner.__name__)}"
        module = module_name(getattr(inner, "__module__", None) or "builtins")
        return f"{kind} {module}.{getattr(inner, '__qualname__', type(inner).__qualname__)}"

    def _enter(self, value: Any, name: str) -> None:
        if isinstance(value, FunctionType):
            self._enter_function(value, name)
        elif isinstance(value, type):
            self._enter_class(value, name)
        elif isinstance(value, ModuleType):
            self._enter_module(value, name)
        elif isinstance(value, MethodType):
            self.visit(value.__func__)
            self._add_value(f"owner of {name}", value.__self__)
        elif is_decorated(value):
            self.visit(value.__wrapped__)
        else:
            self._add_package(origin(getattr(value, "__module__", None) or "builtins"))

    # Functions

    def _enter_function(self, function: FunctionType, name: str) -> None:
        code = function.__code__
        whose = origin(function.__module__ or "builtins", code.co_filename)
        if whose != PROJECT:
            self._add_package(whose)
            return self._enter_decorated(function)
        self._add_part(name, self._digest_of_function(function))
        self._note_writes(function)
        for reached in names(code).reached:
            self._reach(reached, function)
        for default in (function.__defaults__, function.__kwdefaults__):
            if default:
                self._add_value(f"defaults of {name}", default)
        self._enter_annotations(function)
        if is_decorated(function):
            self.visit(vars(function)["__wrapped__"])
        return None

    def _enter_decorated(self, function: FunctionType) -> None:
        """Look through a library's wrapper for the project's function inside."""
        for cell in function.__closure__ or ():
            content = _content_of(cell)
            if isinstance(content, FunctionType) and content is not function:
                self.visit(content)
        if is_decorated(function):
            self.visit(vars(function)["__wrapped__"])

    def _digest_of_function(self, function: FunctionType) -> str:
        node = _syntax.function_node(function.__code__)
        if node is not None:
            return _syntax.digest_of_node(node)
        if function.__name__ != "<lambda>" and not _is_generated(function.__code__):
            self._add_blind_spot(
                f"the source of `{function.__qualname__}` is not at hand: its bytecode is compared"
            )
        return _syntax.digest_of_code(function.__code__)

    def _note_writes(self, function: FunctionType) -> None:
        written = set(names(function.__code__).written)
        node = _syntax.function_node(function.__code__)
        if node is not None:
            written |= _syntax.written_names(node)
        cells = _cells(function)
        for name in written:
            self._written.add((id(cells.get(name, function.__globals__)), name))

    def _enter_annotations(self, function: FunctionType) -> None:
        # The methods of an argument are reached through nothing but its annotation.
        for annotation in getattr(function, "__annotations__", {}).values():
            if isinstance(annotation, str):
                for dotted in _syntax.annotation_names(annotation):
                    self._reach(Name("global", dotted[0], dotted[1:]), function)
            else:
                self._enter_type(annotation)

    def _enter_type(self, annotation: Any) -> None:
        if isinstance(annotation, type):
            self.visit(annotation)
        for argument in get_args(annotation):
            self._enter_type(argument)

    # Names

    def _reach(self, name: Name, function: FunctionType) -> None:
        if name.kind == "import":
            return self._reach_import(name, function.__globals__)
        cells = _cells(function)
        if name.kind == "free":
            if name.root in cells:
                value = _content_of(cells[name.root])
                self._reach_value(value, name, cells[name.root], f"{function.__qualname__}.")
            return None  # else a variable of the function around, which is walked itself
        self._reach_global(name, function.__globals__)
        return None

    def _reach_global(self, name: Name, scope: dict[str, Any]) -> None:
        if name.root not in scope:
            if name.root in _OPAQUE_BUILTINS:
                self._add_blind_spot(f"`{name.root}` may run code that is not seen")
            elif not hasattr(builtins, name.root):
                self._add_part(f"variable {name.root}", "missing")
            return
        self._reach_value(scope[name.root], name, scope, "")

    def _reach_value(self, value: Any, name: Name, scope: Any, prefix: str) -> None:
        if isinstance(value, ModuleType):
            return self._reach_attribute(value, name.attributes)
        if isinstance(value, CODE_TYPES) or is_decorated(value):
            self.visit(value)
            return None
        module = scope.get("__name__", "") if isinstance(scope, dict) else ""
        label = f"variable {prefix or module_name(module) + '.'}{name.root}"
        file = scope.get("__file__") or "" if isinstance(scope, dict) else ""
        self._variables[id(scope), name.root] = (label, file, value)
        self._add_value(label, value)
        return None

    def _reach_attribute(self, module: ModuleType, attributes: tuple[str, ...]) -> None:
        whose = origin(module.__name__)
        if whose != PROJECT:
            self._add_package(whose)
            if module.__name__ == "importlib" and attributes[:1] == ("import_module",):
                self._add_blind_spot("`importlib.import_module` may load code that is not seen")
            return
        if not attributes:
            self.visit(module)
            return
        value = _attribute(module, attributes[0])
        if value is _MISSING:
            self._add_part(f"variable {module.__name__}.{attributes[0]}", "missing")
        elif attributes[0] != "__name__":
            rest = Name("global", attributes[0], attributes[1:])
            self._reach_value(value, rest, vars(module), "")

    def _reach_import(self, name: Name, scope: dict[str, Any]) -> None:
        full = _absolute(name.root, scope)
        if not is_project_module(full):
            # Not loaded for this: it may take seconds, and its version says enough.
            self._add_package(origin(full))
            return
        try:
            module = importlib.import_module(full)
        except ImportError:
            self._add_part(f"module {full}", "missing")
        else:
            self._reach_attribute(module, name.attributes)

    # Modules, classes, values

    def _enter_module(self, module: ModuleType, name: str) -> None:
        """Reach all of a module, since nobody can tell what of it is used."""
        whose = origin(module.__name__)
        if whose != PROJECT:
            return self._add_package(whose)
        self._add_part(name, "whole")
        for variable in sorted(vars(module)):
            if not variable.startswith("__"):
                self._reach_attribute(module, (variable,))
        return None

    def _enter_class(self, cls: type, name: str) -> None:
        whose = origin(cls.__module__)
        if whose != PROJECT:
            return self._add_package(whose)
        methods = list(_methods(cls))
        file = _file_of_class(cls, methods)
        codes = [method.__code__ for method in methods if method.__code__.co_filename == file]
        nodes = _syntax.class_nodes(cls.__qualname__, file, codes)
        for base in cls.__bases__:
            self.visit(base)
        said = "".join(map(_syntax.digest_of_node, nodes))
        if not nodes or _syntax.is_edited(file):
            said += self._digest_of_members(cls, name)
        self._add_part(name, said)
        self._enter_class_body(cls, nodes)
        for method in methods:
            self._enter_method(method)
        return None

    def _enter_class_body(self, cls: type, nodes: Iterable[Any]) -> None:
        scope = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
        for node in nodes:
            for dotted in _syntax.class_body_names(node):
                if dotted[0] in scope:
                    self._reach_global(Name("global", dotted[0], dotted[1:]), scope)

    def _digest_of_members(self, cls: type, name: str) -> str:
        """Digest a class as it is loaded, where its source does not tell."""
        said: list[Any] = [cls.__qualname__, repr(vars(cls).get("__annotations__"))]
        for key, value in vars(cls).items():
            function = _unwrapped(value)
            if isinstance(function, FunctionType):
                said.append((key, _syntax.digest_of_code(function.__code__)))
            elif not key.startswith("__") and not isinstance(value, _DESCRIPTORS):
                said.append((key, value))
        return self._digest(name, said)

    def _enter_method(self, method: FunctionType) -> None:
        if method.__module__ is None or _is_generated(method.__code__):
            return  # made by `dataclass` and the like from what the class says
        self._note_writes(method)
        for reached in names(method.__code__).reached:
            if not (reached.kind == "free" and reached.root == "__class__"):
                self._reach(reached, method)
        for default in (method.__defaults__, method.__kwdefaults__):
            if default:
                self._add_value(f"defaults of {method.__qualname__}", default)
        self._enter_annotations(method)

    # Parts

    def _add_value(self, label: str, value: Any) -> None:
        self._add_part(label, self._digest(label, value))

    def _digest(self, label: str, value: Any) -> str:
        try:
            return digest_of_value(value, self.visit)
        except UnseenError as unseen:
            self._add_blind_spot(f"{label}: {unseen}")
            return digest_of_text(type(value).__qualname__)
        except RecursionError:
            self._add_blind_spot(f"{label}: nested too deeply to be looked into")
            return "deep"

    def _add_part(self, label: str, digest: str) -> None:
        unique, count = label, 1
        while self.parts.get(unique, digest) != digest:
            count += 1
            unique = f"{label} ({count})"
        self.parts[unique] = digest

    def _add_package(self, whose: str) -> None:
        if whose not in (PROJECT, PYTHON):
            name, _, version = whose.partition("==")
            self.parts[f"package {name}"] = version

    def _add_blind_spot(self, text: str) -> None:
        self.blind_spots[text] = None


def _kind_of(value: Any) -> str:
    if isinstance(value, type):
        return "class"
    return "module" if isinstance(value, ModuleType) else "function"


def _file_of_class(cls: type, methods: list[FunctionType]) -> str:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is None and methods:  # a notebook
        file = methods[0].__code__.co_filename
    return file or ""


def _cells(function: FunctionType) -> dict[str, Any]:
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


def _content_of(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # not assigned yet


def _is_generated(code: CodeType) -> bool:
    return code.co_filename.startswith("<string>")


def _attribute(module: ModuleType, name: str) -> Any:
    value = getattr(module, name, _MISSING)
    if value is _MISSING and hasattr(module, "__path__"):
        try:
            return importlib.import_module(f"{module.__name__}.{name}")
        except ImportError:
            return _MISSING
    return value


def _absolute(name: str, scope: dict[str, Any]) -> str:
    if not name.startswith("."):
        return name
    return importlib.util.resolve_name(name, scope.get("__package__") or "")


def _methods(cls: type) -> Iterator[FunctionType]:
    for value in vars(cls).values():
        candidates = (
            (value.fget, value.fset, value.fdel) if isinstance(value, property) else (value,)
        )
        for candidate in candidates:
            function = _unwrapped(candidate)
            if isinstance(function, FunctionType):
                yield function


def _unwrapped(value: Any) -> Any:
    """Look into what decorates methods: `staticmethod`, `property`, `cached_property`, wrappers."""
    for attribute in ("fget", "__func__", "__wrapped__", "func"):
        inner = getattr(value, attribute, None) if not isinstance(value, type) else None
        if isinstance(inner, FunctionType):
            return inner
    return value
