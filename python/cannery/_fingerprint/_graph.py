"""Walks the project's own code from a function on, and digests each piece that it reaches."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path, PurePath
from types import FunctionType, ModuleType
from typing import Any, get_args

from cannery._fingerprint._bytecode import Analysis, Name, analysis
from cannery._fingerprint._classes import ClassParts, parts_of_class
from cannery._fingerprint._content import (
    CODE_TYPES,
    digest_of_text,
    is_plain,
    numbered_digest,
)
from cannery._fingerprint._nodes import MISSING, CodeGuard, Guard, Node
from cannery._fingerprint._origin import (
    PROJECT,
    PYTHON,
    file_of,
    is_project_module,
    module_name,
    origin,
)
from cannery._fingerprint._packages import dependencies_of
from cannery._fingerprint._places import arguments_of_program, described_path
from cannery._fingerprint._secrets import is_secret
from cannery._fingerprint._standard_input import READS, is_stream_of_it
from cannery._fingerprint._syntax import (
    logged_names,
    module_effects,
    modules_behind,
    source_text,
)
from cannery._fingerprint._values import Variable

# Code that these run cannot be followed.
_OPAQUE_BUILTINS = frozenset({"eval", "exec", "compile"})
_EXTENSIONS = (".so", ".pyd")
# What asks functions and classes for their names, texts and annotations.
_REFLECTION = {
    "__name__": lambda f: f.__name__,
    "__qualname__": lambda f: f.__qualname__,
    "__module__": lambda f: module_name(f.__module__ or ""),
    "__doc__": lambda f: f.__doc__,
    "getdoc": lambda f: f.__doc__,
    "__annotations__": lambda f: repr(f.__annotations__),
    "get_type_hints": lambda f: repr(f.__annotations__),
    "signature": lambda f: repr(f.__annotations__),
    "getsource": lambda f: source_text(f.__code__),
    "__code__": lambda f: f.__code__.co_name,
}
# They speak to servers from compiled code, of which nothing is heard.
_NATIVE_CLIENTS = frozenset(
    {"MySQLdb", "adbc_driver_manager", "confluent_kafka", "connectorx", "cx_Oracle", "oracledb"}
    | {"psycopg2", "psycopg_binary", "psycopg_c", "pymssql", "pyodbc"}
)
# A graph that is kept for later runs grows with every function that was a parameter.
_MOST_NODES = 5000
# Libraries find variables by their names in texts.
_QUERIES = frozenset({"query", "eval", "evaluate", "sql"})
_LOCAL_TIME = frozenset(
    {"localtime", "fromtimestamp", "astimezone", "mktime", "ctime", "timestamp"}
)
_LEVELS = frozenset({"isEnabledFor", "getEffectiveLevel"})
_ARGUMENTS = frozenset({"argv", "parse_args", "parse_known_args"})
# They find modules and functions by names that may come from anywhere.
_FINDERS = frozenset({"locate", "resolve_name", "entry_points", "import_string", "import_object"})
# What Python itself puts into modules.
_OF_MODULES = frozenset({"__name__", "__file__", "__package__", "__spec__", "__loader__"})


class Graph:
    """All that the code of one run reaches; each piece is looked at once.

    `blind_spots` maps nodes to what could not be seen in them.
    """

    def __init__(self) -> None:
        self.blind_spots: dict[Node, dict[str, None]] = {}
        #: Whether none of it belongs to a function that is gone one day, with what it holds.
        self.is_lasting = True
        self._nodes: dict[Any, Node] = {}
        # Ids are unique only among living objects.
        self._alive: list[Any] = []
        self._pending: list[tuple[Callable[[Any, Node], None], Any, Node]] = []
        # Pieces that are what they are called: packages, builtins, what is missing.
        self._named_nodes: dict[str, Node] = {}

    @property
    def is_kept(self) -> bool:
        """Whether a later run may use it: it holds modules' own values only, and not too many."""
        return self.is_lasting and len(self._nodes) < _MOST_NODES

    def root(self, value: Any) -> Node:
        """Reach a function, class or value, and all that it leads to."""
        node = self._node(value)
        self.settle()
        return node

    def value(self, value: Any, label: str) -> Node:
        """Reach a value that has no place of its own, such as a parameter."""
        node = Node(label, "")
        self._describe_value(node, value, label)
        self.settle()
        return node

    def settle(self) -> None:
        """Walk everything that was reached and not entered yet."""
        while self._pending:
            enter, value, node = self._pending.pop()
            enter(value, node)

    def _node(self, value: Any) -> Node:
        """Find or make the node of a function, class, module, or path."""
        if isinstance(value, PurePath):
            node = self._fixed("", f"path {described_path(value)}")
            node.paths = (str(value),)
            return node
        known = self._nodes.get(id(value))
        if known is not None:
            return known
        self._alive.append(value)
        self._nodes[id(value)] = node = Node("", "")
        if isinstance(value, FunctionType):
            self._begin_function(value, node)
        elif isinstance(value, type):
            self._begin_class(value, node)
        elif isinstance(value, ModuleType):
            self._begin_module(value, node)
        else:
            self._describe_value(node, value, "")
        return node

    def _fixed(self, label: str, own: str) -> Node:
        node = self._named_nodes.get(label + own)
        if node is None:
            self._named_nodes[label + own] = node = Node(label, own)
        return node

    def _blind(self, node: Node, text: str) -> None:
        self.blind_spots.setdefault(node, {})[text] = None

    # Functions

    def _begin_function(self, function: FunctionType, node: Node) -> None:
        code = function.__code__
        whose = _origin_of_function(function)
        if whose != PROJECT:
            node.own = f"function {module_name(function.__module__ or '')}.{function.__qualname__}"
            self._link_package(node, function.__module__ or "", whose)
            self._pending.append((self._enter_foreign, function, node))
            return
        found = analysis(code)
        node.label = f"function {module_name(function.__module__ or '')}.{function.__qualname__}"
        node.own = f"function {found.digest}"
        node.paths = tuple(filter(_may_be_path, found.texts))
        node.show = lambda: source_text(code)
        self._pending.append((self._enter_function, function, node))

    def _enter_function(self, function: FunctionType, node: Node) -> None:
        found = analysis(function.__code__)
        logged = self._logged(function)
        node.guards.append(CodeGuard(function))
        if vars(function):
            node.guards.append(Guard(vars(function), None, dict(vars(function))))
        self.is_lasting &= not function.__closure__
        for name in found.reached:
            if name in logged:
                node.edges.append(("logged", self._fixed("", "")))
            else:
                self._link_name(node, name, function, called=name in found.called)
        self._link_defaults(function, node)
        self._link_attributes(function, node)
        self._link_annotations(function.__annotations__.values(), function.__globals__, node)
        self._link_special(found, function, node)
        self._link_effects(function.__module__, node)

    def _logged(self, function: FunctionType) -> frozenset[Name]:
        """Names whose values go nowhere but into the log, such as a time of start."""
        return frozenset(
            Name("global", name)
            for name in logged_names(function.__code__)
            if not isinstance(function.__globals__.get(name), (*CODE_TYPES,))
        )

    def _link_defaults(self, function: FunctionType, node: Node) -> None:
        for kind, defaults in (("", function.__defaults__), ("keyword", function.__kwdefaults__)):
            if defaults:
                label = f"defaults of {node.label}"
                self._link_value(node, f"defaults {kind}", defaults, (function, kind), label)

    def _link_attributes(self, function: FunctionType, node: Node) -> None:
        for name, value in sorted(vars(function).items()):
            if not name.startswith("__") or name == "__wrapped__":
                label = f"attribute {name} of {node.label}"
                self._link_value(node, f"attribute {name}", value, (function, name), label)

    def _link_annotations(
        self, annotations: Iterable[Any], scope: dict[str, Any], node: Node
    ) -> None:
        """Reach the project's own classes: an argument's methods are named nowhere else."""
        for annotation in annotations:
            for cls in _classes_named(annotation, scope):
                if origin(_module_of(cls)) == PROJECT:
                    node.edges.append(("annotation", self._node(cls)))

    def _link_special(self, found: Analysis, function: FunctionType, node: Node) -> None:
        scope, mentions = function.__globals__, found.mentions
        for name in sorted(_REFLECTION.keys() & mentions):
            self._link_reflection(node, name, found, function)
        if "__subclasses__" in mentions:
            for cls in self._classes_of(found, function):
                for each in _subclasses(cls):
                    node.edges.append(("subclass", self._node(each)))
        own = sys.modules.get(scope.get("__name__", ""))
        if (
            own is not None
            and mentions & {"globals", "modules"}
            and is_project_module(own.__name__)
        ):
            node.edges.append(("own module", self._node(own)))
        if "modules" in mentions or found.imports_unknown:
            self._link_named_modules(found, function, node)
        if mentions & _OPAQUE_BUILTINS and self._is_opaque(found, scope):
            self._link_evaluated(found, function, node)
        if mentions & _QUERIES:
            self._link_queried(found, function, node)
        if mentions & _LOCAL_TIME:
            node.edges.append(("", self._fixed("time zone", repr((time.tzname, time.timezone)))))
        if mentions & _ARGUMENTS:
            said = digest_of_text(repr(arguments_of_program()))
            node.edges.append(("", self._fixed("arguments of the program", said)))
        if mentions & _LEVELS:
            node.edges.append(("", self._fixed("levels of logging", _logging_levels())))
        self._link_dotted_names(found, function, node)
        if mentions & _FINDERS and own is not None and is_project_module(own.__name__):
            self._link_imported(own, node)

    def _link_reflection(
        self, node: Node, name: str, found: Analysis, function: FunctionType
    ) -> None:
        """Count what is asked of functions and classes by name, such as their docstrings."""
        values = [function, *self._values_of(found, function)]
        said = [
            _REFLECTION[name](value)
            for value in values
            if isinstance(value, FunctionType) and origin(value.__module__ or "") == PROJECT
        ]
        said += [
            (value.__name__, value.__doc__)
            for value in values
            if isinstance(value, type) and origin(value.__module__) == PROJECT
        ]
        node.edges.append((f"asked for {name}", self._fixed("", digest_of_text(repr(said)))))

    def _values_of(self, found: Analysis, function: FunctionType) -> Iterator[Any]:
        cells = _cells(function)
        for name in found.reached:
            if name.kind == "global":
                yield _follow(function.__globals__.get(name.root), name.attributes)
            elif name.kind == "free" and name.root in cells:
                yield _follow(_content_of(cells[name.root]), name.attributes)

    def _classes_of(self, found: Analysis, function: FunctionType) -> Iterator[type]:
        scope = function.__globals__
        for name in found.reached:
            value = scope.get(name.root)
            for attribute in ("", *name.attributes):
                value = getattr(value, attribute, None) if attribute else value
                if isinstance(value, type):
                    yield value
        owner = scope.get(function.__qualname__.partition(".")[0])
        if isinstance(owner, type):
            yield owner

    def _link_named_modules(self, found: Analysis, function: FunctionType, node: Node) -> None:
        """Reach the project's modules whose names are texts in the code or in what it reaches."""
        texts = [*found.texts]
        for value in self._values_of(found, function):
            texts += _texts_in(value)
        for text in texts:
            loaded = sys.modules.get(text)
            if loaded is not None and is_project_module(text):
                node.edges.append((f"module {text}", self._node(loaded)))
        if found.imports_unknown:
            self._blind(node, "`importlib.import_module` may load code that is not seen")

    def _is_opaque(self, found: Analysis, scope: dict[str, Any]) -> bool:
        return any(
            name.kind == "global" and name.root in _OPAQUE_BUILTINS and name.root not in scope
            for name in found.reached
        )

    def _link_evaluated(self, found: Analysis, function: FunctionType, node: Node) -> None:
        """Follow texts that are Python, since `eval` and `exec` may run them."""
        for text in found.texts:
            try:
                code = compile(text, "<text>", "exec", dont_inherit=True)
            except (SyntaxError, ValueError):
                continue
            for name in analysis(code).reached:
                if name.kind == "global" and name.root not in function.__globals__:
                    continue
                self._link_name(node, name, function, called=False)
        names = {name.root for name in found.reached} & {"eval", "exec"}
        for name in sorted(names):
            self._blind(node, f"`{name}` may run code that is not seen")

    def _link_queried(self, found: Analysis, function: FunctionType, node: Node) -> None:
        """Reach variables that texts name which libraries evaluate: `df.query("a > @LIMIT")`."""
        words = (word for text in found.texts for word in _IDENTIFIER.findall(text))
        for word in dict.fromkeys(words):
            if word in function.__globals__:
                self._link_name(node, Name("global", word), function, called=False)

    def _link_dotted_names(self, found: Analysis, function: FunctionType, node: Node) -> None:
        """Reach code of the project that texts name: `"helpers.text.clean"`, `"helpers:clean"`."""
        texts = [*found.texts]
        for value in self._values_of(found, function):
            texts += _texts_in(value)
        for text in dict.fromkeys(texts):
            module, name = _dotted(text)
            loaded = sys.modules.get(module)
            if loaded is not None and is_project_module(module):
                value = vars(loaded).get(name, MISSING)
                if isinstance(value, (FunctionType, type)):
                    node.edges.append((f"named {text}", self._node(value)))

    def _link_imported(self, module: ModuleType, node: Node) -> None:
        """Reach all modules that a module imports, since some may be found by computed names."""
        for name in modules_behind(module.__name__):
            if name != module.__name__ and is_project_module(name):
                node.edges.append((f"module {name}", self._node(sys.modules[name])))

    def _enter_foreign(self, function: FunctionType, node: Node) -> None:
        """Look through a library's wrapper for the project's function and settings inside."""
        for name, cell in _cells(function).items():
            content = _content_of(cell)
            if content is not function:
                label = f"variable {function.__qualname__}.{name}"
                self._link_value(node, f"cell {name}", content, (cell, ""), label, quiet=True)
        for name in ("__wrapped__", "registry"):
            inner = vars(function).get(name)
            if inner is not None:
                self._link_value(node, name, inner, (function, name), "", quiet=True)

    # Names

    def _link_name(self, node: Node, name: Name, function: FunctionType, *, called: bool) -> None:
        scope = function.__globals__
        if name.kind == "import":
            return self._link_import(node, name, scope)
        if name.kind == "free":
            cell = _cells(function).get(name.root)
            if cell is not None:  # else a variable of the function around, which is walked itself
                place = f"{function.__qualname__}.{name.root}"
                self._link_content(node, _content_of(cell), name, (cell, ""), place, called)
            return None
        node.guards.append(Guard(scope, name.root, scope.get(name.root, MISSING)))
        if name.root in _OF_MODULES:
            node.edges.append(
                (f"{name.root} {_module_fact(name.root, scope)}", self._fixed("", ""))
            )
        elif name.root in scope:
            place = f"{module_name(scope.get('__name__', ''))}.{name.root}"
            value = scope[name.root]
            self._link_content(node, value, name, (scope, name.root), place, called)
        elif hasattr(builtins, name.root):
            how = ".".join((name.root, *name.attributes))
            node.edges.append((f"builtin {how}", self._fixed("", "")))
        else:
            node.edges.append(("", self._fixed(f"variable {name.root}", "missing")))
        return None

    def _link_content(
        self,
        node: Node,
        value: Any,
        name: Name,
        where: tuple[Any, str],
        place: str,
        called: bool,
    ) -> None:
        """Link what a name stands for, as far as its attributes can be followed."""
        if isinstance(value, ModuleType):
            return self._link_in_module(node, value, name.attributes, called)
        how = ".".join(name.attributes)
        if isinstance(value, CODE_TYPES):
            if not called and not how and isinstance(value, FunctionType):
                how = f"named {value.__name__}"  # who gets it may ask for its name
            node.edges.append((how, self._node(value)))
            return None
        return self._link_value(node, how, value, where, f"variable {place}")

    def _link_in_module(
        self, node: Node, module: ModuleType, attributes: tuple[str, ...], called: bool
    ) -> None:
        whose = origin(module.__name__)
        if whose != PROJECT:
            if (module.__name__, *attributes[:1]) == ("sys", "__stdin__"):
                self._count_anew(node)
            how = ".".join((module.__name__, *attributes))
            node.edges.append((how, self._fixed("", "")))
            return self._link_package(node, module.__name__, whose)
        if not attributes:
            node.edges.append(("", self._node(module)))
            return None
        if _is_extension(module):
            node.edges.append((".".join(attributes), self._node(module)))
            return None
        self._link_effects(module.__name__, node)
        value = _attribute(module, attributes[0])
        found = vars(module).get(attributes[0], MISSING)
        node.guards.append(Guard(vars(module), attributes[0], found))
        place = f"{module_name(module.__name__)}.{attributes[0]}"
        if value is MISSING:
            node.edges.append(("", self._fixed(f"variable {place}", "missing")))
        elif attributes[0] != "__name__":
            if attributes[0] not in vars(module) and "__getattr__" in vars(module):
                node.edges.append(("made by", self._node(vars(module)["__getattr__"])))
            rest = Name("global", attributes[0], attributes[1:])
            where = (vars(module), attributes[0])
            return self._link_content(node, value, rest, where, place, called)
        return None

    def _count_anew(self, node: Node) -> None:
        """Let code that has standard input be something else every time."""
        self.is_lasting = False
        node.edges.append(("", self._fixed("standard input", os.urandom(16).hex())))
        self._blind(node, READS)

    def _link_import(self, node: Node, name: Name, scope: dict[str, Any]) -> None:
        full = _absolute(name.root, scope)
        if not is_project_module(full):
            # Not loaded for this: it may take seconds, and its version says enough.
            node.edges.append((".".join((full, *name.attributes)), self._fixed("", "")))
            return self._link_package(node, full, origin(full))
        try:
            module = importlib.import_module(full)
            node.guards.append(Guard(sys.modules, full, module))
        except ImportError:
            node.edges.append(("", self._fixed(f"module {full}", "missing")))
        else:
            self._link_in_module(node, module, name.attributes, called=True)
        return None

    # Modules and packages

    def _begin_module(self, module: ModuleType, node: Node) -> None:
        whose = origin(module.__name__)
        if whose != PROJECT:
            node.own = f"module {module.__name__}"
            self._link_package(node, module.__name__, whose)
            return
        node.label = f"module {module_name(module.__name__)}"
        node.own = "whole module"
        if _is_extension(module):
            node.own = f"extension {_digest_of_extension(str(module.__file__))}"
            return
        self._pending.append((self._enter_module, module, node))

    def _enter_module(self, module: ModuleType, node: Node) -> None:
        """Reach all of a module, since it is not known what of it is used."""
        node.guards.append(Guard(vars(module), None, dict(vars(module))))
        self._link_effects(module.__name__, node)
        for variable in sorted(vars(module)):
            if not variable.startswith("__") or variable == "__getattr__":
                value = vars(module)[variable]
                if isinstance(value, ModuleType):
                    if not is_project_module(value.__name__):
                        self._link_package(node, value.__name__, origin(value.__name__))
                    continue
                node.edges.append((variable, self._fixed("", "")))
                self._link_in_module(node, module, (variable,), called=False)

    def _link_effects(self, module: str | None, node: Node) -> None:
        """Count what the module of some code does to other modules while it is imported."""
        for function in module_effects(module):
            node.edges.append(("import", self._node(function)))

    def _link_package(self, node: Node, module: str, whose: str) -> None:
        if whose in (PROJECT, PYTHON):
            return
        name, _, version = whose.partition("==")
        package = self._named_nodes.get(f"package {name}")
        if package is None:
            self._named_nodes[f"package {name}"] = package = Node(f"package {name}", version)
            package.show = lambda: version
            if name in _NATIVE_CLIENTS:
                self._blind(package, f"what `{name}` asks servers for is not seen")
            for other, number in _dependencies(module, name):
                package.edges.append((other, self._fixed(f"package {other}", number)))
        node.edges.append(("", package))

    # Classes and values

    def _begin_class(self, cls: type, node: Node) -> None:
        module = _module_of(cls)
        whose = origin(module)
        if whose != PROJECT or not (is_plain(cls) or module in sys.modules):
            node.own = f"class {module}.{cls.__qualname__}"
            self._link_package(node, module, whose)
            return
        node.label = f"class {module_name(module)}.{cls.__qualname__}"
        node.own = f"class {cls.__qualname__}"
        self._pending.append((self._enter_class, cls, node))

    def _enter_class(self, cls: type, node: Node) -> None:
        parts: ClassParts = parts_of_class(cls)
        node.guards.append(Guard(vars(cls), None, dict(vars(cls))))
        node.own += f" {parts.said}"
        for base in parts.bases:
            node.edges.append(("base", self._node(base)))
        for name, value in parts.members:
            if isinstance(value, FunctionType):
                node.edges.append((name, self._node(value)))
            else:
                label = f"attribute {name} of {node.label}"
                self._link_value(node, name, value, (cls, name), label, quiet=not parts.is_plain)
        scope = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
        self._link_annotations(parts.annotations, scope, node)
        self._link_effects(cls.__module__, node)

    def _link_value(
        self,
        node: Node,
        how: str,
        value: Any,
        where: tuple[Any, str],
        label: str,
        *,
        quiet: bool = False,
    ) -> None:
        """Link a value, named by where it is kept: a scope, cell or class, and a name."""
        key = (id(where[0]), where[1], "value")
        known = self._nodes.get(key)
        if known is None:
            self._alive.append(where[0])
            self._nodes[key] = known = Node(label, "")
            known.variable = None if where[1].startswith("field ") else Variable(*where, value)
            self._describe_value(known, value, label, quiet=quiet)
            if is_secret(where[1]):
                known.show = lambda: "(redacted)"
        node.edges.append((how, known))

    def _describe_value(self, node: Node, value: Any, label: str, *, quiet: bool = False) -> None:
        node.label = label
        node.show = lambda: _shown(value)
        node.paths = tuple(filter(_may_be_path, _texts_in(value)))
        codes: list[Any] = []
        try:
            node.own, unseen, work = numbered_digest(value, codes)
        except RecursionError:
            node.own, unseen, work = "deep", None, 0
            self._blind(node, f"{label}: nested too deeply to be looked into")
        if node.variable is not None:
            node.own = node.variable.look(node.own, codes, work)
        for code in codes:
            # Who gets a function may ask for its name.
            name = f"named {code.__name__}" if isinstance(code, FunctionType) else ""
            node.edges.append((name, self._node(code)))
        if unseen is not None and is_stream_of_it(unseen):
            self._count_anew(node)
        elif unseen is not None and not quiet:
            kind = type(unseen).__qualname__
            self._blind(node, f"{label}: a `{kind}` cannot be looked into".removeprefix(": "))


def _module_of(cls: type) -> str:
    # Those of some compiled classes are descriptors.
    return cls.__module__ if isinstance(cls.__module__, str) else "builtins"


def _classes_named(annotation: Any, scope: dict[str, Any]) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    elif isinstance(annotation, str):
        for name in _IDENTIFIER.findall(annotation):
            if isinstance(scope.get(name), type):
                yield scope[name]
    for argument in get_args(annotation):
        yield from _classes_named(argument, scope)


def _logging_levels() -> str:
    import logging

    loggers = logging.root.manager.loggerDict.items()
    levels = {name: each.level for name, each in loggers if isinstance(each, logging.Logger)}
    said = sorted((name, level) for name, level in levels.items() if level)
    return digest_of_text(repr((logging.root.level, logging.root.manager.disable, said)))


def _dotted(text: str) -> tuple[str, str]:
    """Take a name apart: the module and what is in it, if it may be one."""
    if len(text) > _LONGEST_NAME or not _DOTTED.fullmatch(text):
        return "", ""
    module, _, name = text.replace(":", ".").rpartition(".")
    return module, name


_LONGEST_NAME = 200
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def _origin_of_function(function: FunctionType) -> str:
    module, file = function.__module__ or "builtins", function.__code__.co_filename
    if module == "builtins" and file.startswith("<") and not file.startswith("<frozen"):
        return PROJECT  # of code that was generated
    return origin(module, file)


def _dependencies(module: str, name: str) -> Iterable[tuple[str, str]]:
    file = file_of(module) or file_of(name)
    if file is None:
        return ()
    path = Path(file)
    place = next((each for each in (path, *path.parents) if each.stem == name), None)
    return () if place is None else dependencies_of(name, place.parent)


_extensions: dict[str, str] = {}


def _digest_of_extension(file: str) -> str:
    # As it was when it was first looked at: it cannot be loaded again.
    if file not in _extensions:
        try:
            content = Path(file).read_bytes()
        except OSError:
            content = b""
        _extensions[file] = digest_of_text(content.decode("latin-1"))
    return _extensions[file]


def _is_extension(module: ModuleType) -> bool:
    return str(getattr(module, "__file__", "")).endswith(_EXTENSIONS)


def _subclasses(cls: type) -> Iterator[type]:
    for each in sorted(type.__subclasses__(cls), key=lambda found: found.__qualname__):
        if origin(each.__module__) == PROJECT:
            yield each
        yield from _subclasses(each)


def _module_fact(name: str, scope: dict[str, Any]) -> str:
    if name == "__file__":
        return described_path(PurePath(str(scope.get(name))))
    return module_name(scope.get("__name__", ""))


def _cells(function: FunctionType) -> dict[str, Any]:
    return dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


def _content_of(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # not assigned yet


def _follow(value: Any, attributes: tuple[str, ...]) -> Any:
    for attribute in attributes:
        is_code = isinstance(value, (ModuleType, type)) and attribute not in _REFLECTION
        if not is_code or attribute not in vars(value):
            return value
        value = vars(value)[attribute]
    return value


def _may_be_path(text: str) -> bool:
    return 0 < len(text) < 1024 and not _NOT_IN_PATHS.search(text)


_NOT_IN_PATHS = re.compile(r"[\s\0]")


_DEEPEST_TEXTS = 3


def _texts_in(value: Any, depth: int = 0) -> list[str]:
    if is_dataclass(value) or type(value).__module__ == "types":
        value = getattr(value, "__dict__", None)
    elif depth == 0 and _is_object_of_project(value):
        value = vars(value)
    if isinstance(value, dict) and depth < _DEEPEST_TEXTS:
        found = [item for item in value if isinstance(item, str)]
        return found + [text for item in value.values() for text in _texts_in(item, depth + 1)]
    if isinstance(value, (str, PurePath)):
        return [str(value)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [str(item) for item in value if isinstance(item, (str, PurePath))]
    return []


def _is_object_of_project(value: Any) -> bool:
    cls = type(value)
    return isinstance(getattr(value, "__dict__", None), dict) and (
        not isinstance(value, CODE_TYPES)
        and isinstance(cls.__module__, str)
        and is_project_module(cls.__module__)
    )


def _attribute(module: ModuleType, name: str) -> Any:
    value = getattr(module, name, MISSING)
    if value is MISSING and hasattr(module, "__path__"):
        try:
            return importlib.import_module(f"{module.__name__}.{name}")
        except ImportError:
            return MISSING
    return value


def _absolute(name: str, scope: dict[str, Any]) -> str:
    if not name.startswith("."):
        return name
    return importlib.util.resolve_name(name, scope.get("__package__") or "")


_LONGEST_SHOWN = 2000


def _shown(value: Any) -> str | None:
    """Show a value of Python's own plain types; others may keep secrets, or much."""
    if type(value) in (int, float, bool, str, type(None), complex):
        return repr(value)[:_LONGEST_SHOWN]
    if not isinstance(value, type) and is_dataclass(value):
        return _shown_fields(value)
    return _shown_items(value)


def _shown_items(value: Any) -> str | None:
    if type(value) not in (list, tuple, dict, set, frozenset) or len(value) > _LONGEST_SHOWN // 4:
        return None
    import pprint

    plain = (int, float, bool, str, type(None), list, tuple, dict)
    items = value.values() if isinstance(value, dict) else value
    if not all(type(item) in plain for item in items):
        return None
    if isinstance(value, dict):
        value = {k: "(redacted)" if is_secret(str(k)) else v for k, v in value.items()}
    text = pprint.pformat(value, width=80, sort_dicts=False)
    return text if len(text) <= _LONGEST_SHOWN else None


def _shown_fields(value: Any) -> str | None:
    """Show an object of a dataclass by its fields, where these are plain."""
    shown = []
    for field in fields(value):
        item = getattr(value, field.name, None)
        # One that is a dataclass, too, may lead back here.
        text = type(item).__qualname__ if is_dataclass(item) else _shown(item)
        text = "(redacted)" if is_secret(field.name) else text
        if text is None:
            return None
        shown.append(f"{field.name}={text}")
    text = f"{type(value).__qualname__}({', '.join(shown)})"
    return text if len(text) <= _LONGEST_SHOWN else None
