"""The names that a function's bytecode reaches."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Literal, NamedTuple

# Methods of Python's containers that change them.
MUTATORS = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop"}
    | {"popitem", "popleft", "remove", "reverse", "rotate", "setdefault", "sort", "subtract"}
    | {"update"}
)

_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_FREE_LOADS = frozenset({"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
_ATTRIBUTE_LOADS = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


class Name(NamedTuple):
    """A name as the code says it: `helpers.text.clean` is the global `helpers` and two attributes.

    An imported name's root is the module's name, with a dot in front for each level.
    """

    kind: Literal["global", "free", "import"]
    root: str
    attributes: tuple[str, ...] = ()


@dataclass
class Names:
    """What one code object reaches, and which of it it changes."""

    reached: list[Name] = field(default_factory=list)
    written: set[str] = field(default_factory=set)


@lru_cache(maxsize=4096)
def names(code: CodeType) -> Names:
    """Find the names that a code object and the code inside it (lambdas, comprehensions) reach."""
    found = Names()
    for part in _with_nested(code):
        _Reader(part, found).read()
    found.reached = list(dict.fromkeys(found.reached))
    return found


def _with_nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_nested(constant)


class _Reader:
    """Follows `LOAD_GLOBAL`, `LOAD_ATTR`, ... as long as they form one dotted name."""

    def __init__(self, code: CodeType, found: Names) -> None:
        self.code = code
        self.found = found
        self.open: Name | None = None
        self.modules: dict[str, str] = {}  # local variables that hold a module
        self.constants: list[object] = []
        self.imported: str | None = None

    def read(self) -> None:
        for instruction in dis.get_instructions(self.code):
            self.step(instruction.opname, instruction.argval)
        self.close()

    def step(self, opname: str, argument: object) -> None:
        if opname in _ATTRIBUTE_LOADS and self.open is not None:
            attributes = (*self.open.attributes, str(argument))
            self.open = self.open._replace(attributes=attributes)
            return
        self.close()
        if opname in _GLOBAL_LOADS:
            self.open = Name("global", str(argument))
        elif opname in _FREE_LOADS:
            self.open = self.local(str(argument)) or Name("free", str(argument))
        elif opname.startswith("LOAD_FAST"):
            self.open = self.local(argument if isinstance(argument, str) else "")
        elif opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            self.found.written.add(str(argument))
        else:
            self.follow_import(opname, argument)

    def local(self, variable: str) -> Name | None:
        module = self.modules.get(variable)
        return None if module is None else Name("import", module)

    def follow_import(self, opname: str, argument: object) -> None:
        if opname == "LOAD_CONST":
            self.constants = [*self.constants[-1:], argument]
        elif opname == "IMPORT_NAME":
            self.begin_import(str(argument))
        elif opname == "IMPORT_FROM" and self.imported is not None:
            self.found.reached.append(Name("import", self.imported, (str(argument),)))
        elif opname in ("STORE_FAST", "STORE_DEREF") and self.imported is not None:
            self.modules[str(argument)] = self.imported
            self.imported = None
        elif opname == "POP_TOP":
            self.imported = None

    def begin_import(self, module: str) -> None:
        level, wanted = (0, None) if len(self.constants) < 2 else self.constants
        dots = "." * (level if isinstance(level, int) else 0)
        if wanted is None and not dots:
            # `import a.b` binds `a`; that `a.b` is loaded too matters to what `a` reaches.
            self.found.reached.append(Name("import", module, ("__name__",)))
            module = module.partition(".")[0]
        self.imported = dots + module
        if isinstance(wanted, tuple) and "*" in wanted:
            self.found.reached.append(Name("import", self.imported))

    def close(self) -> None:
        name, self.open = self.open, None
        if name is None:
            return
        self.found.reached.append(name)
        if len(name.attributes) == 1 and name.attributes[0] in MUTATORS:
            self.found.written.add(name.root)
