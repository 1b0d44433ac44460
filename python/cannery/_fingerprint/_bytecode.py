"""What a code object does, apart from names, and the names that it reaches."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Literal, NamedTuple

from cannery._fingerprint._content import digest_of_value

_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_FREE_LOADS = frozenset({"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
_ATTRIBUTE_LOADS = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
# What stands between a function's name and the constants that it is called with.
_BETWEEN_CALLS = frozenset({"PUSH_NULL", "PRECALL", "CALL", "KW_NAMES", "NOP", "CACHE"})
_IMPORT_CALLS = frozenset({"import_module", "__import__"})
# What a class statement inside of a function says about itself.
_CLASS_NAMES = frozenset({"__doc__", "__qualname__", "__module__", "__firstlineno__"})


class Name(NamedTuple):
    """A name as the code says it: `helpers.text.clean` is the global `helpers` and two attributes.

    An imported name's root is the module's name, with a dot in front for each level.
    """

    kind: Literal["global", "free", "import"]
    root: str
    attributes: tuple[str, ...] = ()


@dataclass
class Analysis:
    """What one code object and the code inside it (lambdas, comprehensions) do."""

    #: Of the instructions, with the position of a name among `reached` instead of the name.
    digest: str
    #: In the order in which the code comes by them.
    reached: list[Name]
    #: Those of `reached` that are only called, so that what they are called does not matter.
    called: frozenset[Name]
    #: All attributes and global names that the code mentions.
    mentions: frozenset[str]
    #: Texts among the constants.
    texts: tuple[str, ...]
    #: Whether modules are imported whose names are not written in the code.
    imports_unknown: bool


@dataclass
class _Found:
    """What is collected while code is read."""

    said: list[object] = field(default_factory=list)
    reached: dict[Name, int] = field(default_factory=dict)
    used_as_value: set[Name] = field(default_factory=set)
    mentions: set[str] = field(default_factory=set)
    texts: dict[str, None] = field(default_factory=dict)
    imports_unknown: bool = False

    def reach(self, name: Name, *, called: bool) -> int:
        if not called:
            self.used_as_value.add(name)
        return self.reached.setdefault(name, len(self.reached))


# By identity: to hash a code object takes longer than to look it up. With it, so that it lives.
_known: dict[int, tuple[CodeType, Analysis]] = {}
_MOST_KNOWN = 1 << 16


def analysis(code: CodeType) -> Analysis:
    """Analyse a code object, once."""
    known = _known.get(id(code))
    if known is not None:
        return known[1]
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    found = _analyse(code)
    _known[id(code)] = (code, found)
    return found


def _analyse(code: CodeType) -> Analysis:
    found = _Found()
    for part in _with_nested(code):
        _Reader(part, found).read()
    return Analysis(
        digest_of_value(found.said, repr),
        list(found.reached),
        frozenset(found.reached.keys() - found.used_as_value),
        frozenset(found.mentions),
        tuple(found.texts),
        found.imports_unknown,
    )


def _with_nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_nested(constant)


class _Reader:
    """Follows `LOAD_GLOBAL`, `LOAD_ATTR`, ... as long as they form one dotted name."""

    def __init__(self, code: CodeType, found: _Found) -> None:
        self.code = code
        self.found = found
        self.open: Name | None = None
        self.is_called = False
        self.modules: dict[str, str] = {}  # local variables that hold a module
        self.constants: list[object] = []
        self.imported: str | None = None
        self.importing = False  # between `import_module` and its argument
        self.literal: str | None = None  # the argument

    def read(self) -> None:
        instructions = [i for i in dis.get_instructions(self.code) if i.opname != "NOP"]
        ordinals = _ordinals(self.code, instructions)
        self.say(_signature(self.code))
        for instruction in instructions:
            if instruction.opcode in _JUMPS:
                self.close()
                self.say((instruction.opname, ordinals[instruction.argval]))
            else:
                for single in _singles(instruction):
                    self.step(single)
        self.close()
        for entry in _exception_entries(self.code):
            places = [ordinals[offset] for offset in (entry.start, entry.end, entry.target)]
            self.say(("except", *places, entry.depth, entry.lasti))

    def say(self, what: object) -> None:
        self.found.said.append(what)

    def step(self, instruction: dis.Instruction) -> None:
        opname, argument = instruction.opname, instruction.argval
        if opname in _ATTRIBUTE_LOADS:
            return self.load_attribute(instruction)
        self.close()
        if self.follow_literal_import(opname, argument):
            return None
        if opname in _GLOBAL_LOADS:
            self.begin(Name("global", str(argument)), bool((instruction.arg or 0) & 1))
        elif opname in _FREE_LOADS:
            self.begin(self.local(str(argument)) or Name("free", str(argument)))
        elif opname.startswith("LOAD_FAST") and isinstance(argument, str):
            self.load_local(instruction, argument)
        else:
            self.say_other(instruction)
            self.follow_import(opname, argument)
        return None

    def begin(self, name: Name, called: bool = False) -> None:
        self.open, self.is_called = name, called

    def load_attribute(self, instruction: dis.Instruction) -> None:
        attribute = str(instruction.argval)
        self.found.mentions.add(attribute)
        if self.open is None:
            if self.literal is not None:
                self.begin(Name("import", self.literal))
                self.literal = None
            else:
                return self.say(("attribute", attribute))
        assert self.open is not None
        self.open = self.open._replace(attributes=(*self.open.attributes, attribute))
        is_method = instruction.opname == "LOAD_METHOD" or _is_method_load(instruction)
        self.is_called = is_method
        return None

    def load_local(self, instruction: dis.Instruction, variable: str) -> None:
        name = self.local(variable)
        if name is None:
            self.say((instruction.opname, instruction.arg))
        else:
            self.begin(name)

    def local(self, variable: str) -> Name | None:
        module = self.modules.get(variable)
        return None if module is None else Name("import", module)

    def say_other(self, instruction: dis.Instruction) -> None:
        opname, argument = instruction.opname, instruction.argval
        if opname in ("STORE_NAME", "STORE_GLOBAL") and argument in _CLASS_NAMES:
            self.found.said.pop()  # the constant that is stored
            return
        if isinstance(argument, CodeType):
            argument = "code"  # it is read on its own
        elif opname in _BY_INDEX:
            argument = instruction.arg
        elif opname in ("IMPORT_NAME", "IMPORT_FROM"):
            argument = None  # what it is, is among the names that are reached
        self.note_texts(argument if opname in _CONSTANTS else None)
        if isinstance(argument, str) and opname in ("STORE_ATTR", "STORE_GLOBAL", "DELETE_ATTR"):
            self.found.mentions.add(argument)
        self.say((opname, argument))

    def note_texts(self, constant: object) -> None:
        if isinstance(constant, str):
            self.found.texts[constant] = None
        elif isinstance(constant, tuple):
            for item in constant:
                self.note_texts(item)

    def follow_literal_import(self, opname: str, argument: object) -> bool:
        """Follow `import_module("name")` to the attributes of what it returns."""
        if self.importing and opname == "LOAD_CONST" and isinstance(argument, str):
            self.importing = False
            if argument.startswith("."):
                self.found.imports_unknown = True
                return False
            self.literal = argument
            self.found.reach(Name("import", argument, ("__name__",)), called=False)
            self.say(("import", None))
            return True
        if self.literal is not None and opname not in _BETWEEN_CALLS:
            self.found.reach(Name("import", self.literal), called=False)
            if opname in ("STORE_FAST", "STORE_DEREF"):
                self.modules[str(argument)] = self.literal
            self.literal = None
        elif self.importing and opname not in _BETWEEN_CALLS:
            self.importing = False
            self.found.imports_unknown = True
        return False

    def follow_import(self, opname: str, argument: object) -> None:
        if opname in _CONSTANTS:
            self.constants = [*self.constants[-1:], argument]
        elif opname == "IMPORT_NAME":
            self.begin_import(str(argument))
        elif opname == "IMPORT_FROM" and self.imported is not None:
            name = Name("import", self.imported, (str(argument),))
            self.say(("from", self.found.reach(name, called=False)))
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
            self.found.reach(Name("import", module, ("__name__",)), called=False)
            module = module.partition(".")[0]
        self.imported = dots + module
        if isinstance(wanted, tuple) and "*" in wanted:
            self.found.reach(Name("import", self.imported), called=False)

    def close(self) -> None:
        name, self.open = self.open, None
        if name is None:
            return
        self.found.mentions.add(name.root)
        self.say(("name", self.found.reach(name, called=self.is_called)))
        last = name.attributes[-1] if name.attributes else name.root
        self.importing = last in _IMPORT_CALLS


def _signature(code: CodeType) -> tuple[object, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    return code.co_argcount, code.co_flags & _FLAGS, code.co_varnames[:count]


# Not whether it is nested, nor which features of the future are on.
_FLAGS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)
_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_CONSTANTS = frozenset({"LOAD_CONST", "RETURN_CONST", "LOAD_SMALL_INT"})
_BY_INDEX = frozenset(
    {"STORE_FAST", "DELETE_FAST", "MAKE_CELL", "COPY_FREE_VARS", "STORE_DEREF", "LOAD_CLOSURE"}
)
# Two instructions in one, from 3.13 on; the indices of their variables share the argument.
_PAIRS = {
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST_BORROW", "LOAD_FAST_BORROW"),
}


def _singles(instruction: dis.Instruction) -> Iterator[dis.Instruction]:
    pair = _PAIRS.get(instruction.opname)
    if pair is None:
        yield instruction
        return
    both = instruction.arg or 0
    parts = zip(pair, (both >> 4, both & 15), instruction.argval, strict=True)
    for opname, argument, variable in parts:
        yield instruction._replace(opname=opname, arg=argument, argval=variable)


def _is_method_load(instruction: dis.Instruction) -> bool:
    # From 3.12 on, the lowest bit of the argument says so.
    return "LOAD_METHOD" not in dis.opmap and bool((instruction.arg or 0) & 1)


def _ordinals(code: CodeType, instructions: list[dis.Instruction]) -> dict[int, int]:
    """Number the instructions: places in the bytecode move with what does nothing."""
    ordinals, number = {}, len(instructions)
    following = {each.offset: index for index, each in enumerate(instructions)}
    for offset in range(len(code.co_code), -1, -2):
        number = following.get(offset, number)
        ordinals[offset] = number
    return ordinals


def _exception_entries(code: CodeType) -> Iterator[Any]:
    return iter(getattr(dis.Bytecode(code), "exception_entries", ()))
