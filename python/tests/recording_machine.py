"""Pickles over the names of the tables, read by the analyzer and by CPython's own machine.

The machine looks names up in a function that records instead of importing, so that it says what any
reader would be made to call. What the analyzer passes (`scan` says "ok", or `loads` gives a value)
calls, makes and fills only what the policy allows. `recording_machine.py SEED COUNT` goes on for as
long as it is told.
"""

from __future__ import annotations

import _compat_pickle
import io
import json
import pickle
import random
import resource
import struct
import sys
import warnings
from collections import Counter
from typing import Any

from test_pickle_names import FLOAT, array, call, many, named, number, table, text

import cannery
from cannery import _native
from cannery import pickle as safe

CALL, NEW, STATE, ITEMS = 2, 4, 8, 16
# They are no data, but pickles of data use them, with arguments that the analyzer looks at.
GUARDED = {
    ("builtins", "getattr"),
    ("functools", "reduce"),
    ("torch.storage", "_load_from_bytes"),
    ("numpy", "memmap"),
    ("numpy.memmap", "memmap"),
    ("numpy.core.memmap", "memmap"),
    ("numpy._core.memmap", "memmap"),
}
FOREIGN = [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "eval"),
    ("builtins", "getattr"), ("operator", "methodcaller"), ("operator", "attrgetter"),
    ("functools", "reduce"), ("functools", "partial"), ("builtins", "map"), ("builtins", "filter"),
    ("numpy", "memmap"), ("numpy", "load"), ("shop.models", "Item"), ("builtins", "print"),
    ("subprocess", "Popen"), ("copyreg", "_reconstructor"), ("copyreg", "__newobj__"),
    ("copyreg", "__newobj_ex__"), ("types", "FunctionType"), ("builtins", "object.__reduce_ex__"),
    ("collections", "defaultdict"), ("_codecs", "encode"), ("builtins", "str.format"),
    ("torch.storage", "_load_from_bytes"), ("builtins", "type"), ("builtins", "object"),
]  # fmt: skip


class Name:
    """What a pickle named."""

    def __init__(self, machine: Machine, module: str, name: str) -> None:
        self.machine, self.module, self.name = machine, module, name
        self.uses = _native.pickle_uses(module, name)
        # `NEWOBJ` asks the class for it.
        self.__dict__["__new__"] = self._new
        is_guarded = (module, name) in GUARDED
        if not is_guarded and (not self.uses or _native.pickle_danger(module, name)):
            machine.violate(f"finds {self}")

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    def _new(self, cls: Any, *args: Any, **keywords: Any) -> Made:
        if cls is not self or not self.uses & NEW:
            self.machine.violate(f"makes an instance of {cls}")
        return Made(self, args)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        pair = self.module, self.name
        if pair == ("builtins", "getattr") and len(args) == 2:
            return self._attribute(*args)
        if self.module == "copyreg" and args and isinstance(args[0], Name):
            if not args[0].uses & (NEW | CALL):
                self.machine.violate(f"makes an instance of {args[0]}")
            return Made(args[0], args)
        if pair == ("functools", "reduce"):
            function = args[0] if args else None
            if not isinstance(function, Name) or not _native.pickle_is_pure(
                function.module, function.name
            ):
                self.machine.violate(f"reduces with {function}")
        elif pair == ("torch.storage", "_load_from_bytes"):
            # The analyzer reads what these bytes hold as it reads the pickle itself.
            if not args or not isinstance(args[0], bytes | bytearray | str | Made):
                self.machine.violate(f"calls {self}")
        elif not self.uses & CALL:
            self.machine.violate(f"calls {self}")
        if pair == ("functools", "partial") and args:
            self._held(args[0])
        return Made(self, args)

    def _held(self, function: Any) -> None:
        """What a partial calls computes, or is a class that holds data."""
        pair = (function.module, function.name) if isinstance(function, Name) else ("", "")
        if not (_native.pickle_uses(*pair) & CALL or _native.pickle_is_pure(*pair)):
            self.machine.violate(f"keeps {function} to be called")

    def _attribute(self, of: Any, name: Any) -> Any:
        if not isinstance(of, Name) or type(name) is not str:
            self.machine.violate(f"reads an attribute of {of}")
            return Made(self, ())
        return Name(self.machine, of.module, f"{of.name}.{name}")

    def _is_no_instance(self, *_: Any) -> None:
        self.machine.violate(f"changes {self} itself")

    __setstate__ = append = extend = add = __setitem__ = update = _is_no_instance


class Made:
    """What a use of a name has made."""

    def __init__(self, name: Name, args: Any) -> None:
        self.made_by = name
        named = [each for each in args if isinstance(each, Name)]
        self.uses = name.uses
        for each in named:  # `_reconstruct(ndarray, ...)` gives an array
            self.uses |= each.uses & (STATE | ITEMS)

    def __str__(self) -> str:
        return f"an instance of {self.made_by}"

    def __call__(self, *args: Any) -> Any:
        self.made_by.machine.violate(f"calls {self}")
        return Made(self.made_by, args)

    def __setstate__(self, state: Any) -> None:
        if not self.uses & STATE:
            self.made_by.machine.violate(f"gives a state to {self}")

    def _take(self, *_: Any) -> None:
        if not self.uses & ITEMS:
            self.made_by.machine.violate(f"gives items to {self}")

    append = extend = add = __setitem__ = update = _take


class Machine(pickle._Unpickler):  # type: ignore[name-defined, misc]
    """CPython's machine, written in Python, over names that are recorded."""

    proto = 0

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.violations: list[str] = []

    def violate(self, what: str) -> None:
        self.violations.append(what)

    def find_class(self, module: str, name: str) -> Any:
        if self.proto < 3:
            pair = (module, name)
            if pair in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[pair]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        if not all(part.isidentifier() for part in f"{module}.{name}".split(".")):
            # A line of a text: a module has no such name, but is imported to see that.
            if _native.pickle_danger(module, "*"):
                self.violate(f"imports {module}")
            raise AttributeError(name)
        return Name(self, module, name)

    def get_extension(self, code: int) -> None:
        self.violate(f"finds what extension code {code} stands for")
        self.append(Made(Name(self, "copyreg", "_reconstructor"), ()))  # type: ignore[has-type]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("a persistent id")  # as CPython's own does


class Streams:
    """Makes pickles over the names of the tables, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = table()
        self.samples = samples()

    def stream(self) -> bytes:
        if self.random.random() < 0.3:
            return self.damaged(self.random.choice(self.samples))
        protocol = self.random.choice((b"", b"\x80\x02", b"\x80\x04", b"\x80\x04"))
        return protocol + self.value(self.random.randrange(1, 5)) + b"."

    def damaged(self, data: bytes) -> bytes:
        """A pickle of data whose names are others, or with another byte."""
        choose = self.random
        if choose.random() < 0.5:
            at = choose.randrange(len(data))
            return data[:at] + bytes([choose.randrange(256)]) + data[at + 1 :]
        start = choose.randrange(len(data))
        return data[:start] + self.value(1) + data[start:]

    def value(self, depth: int) -> bytes:
        if depth <= 0:
            return self.atom()
        inner = lambda: self.value(depth - 1)  # noqa: E731
        kinds = {
            "atom": lambda: self.atom(),
            "name": lambda: self.name(),
            "tuple": lambda: many(*(inner() for _ in range(self.random.randrange(4)))),
            "list": lambda: b"](" + inner() + inner() + b"e",
            "dict": lambda: b"}(" + self.atom() + inner() + b"u",
            "call": lambda: self.called(inner),
            "memo": lambda: inner() + b"\x94" + b"0h\x00" * self.random.randrange(2),
            "state": lambda: self.called(inner) + inner() + b"b",
            "items": lambda: self.called(inner) + b"(" + inner() + inner() + b"e",
            "pairs": lambda: self.called(inner) + b"(" + self.atom() + inner() + b"u",
            "added": lambda: self.called(inner) + b"(" + self.atom() + b"\x90",
        }
        weights = (3, 2, 2, 1, 1, 6, 1, 3, 1, 1, 1)
        return self.random.choices(list(kinds.values()), weights)[0]()

    def called(self, inner: Any) -> bytes:
        count = self.random.choice((0, 1, 1, 1, 2, 2, 3))
        arguments = [self.argument(inner) for _ in range(count)]
        module, name = self.pair()
        line = f"{module}\n{name}\n".encode()
        return self.random.choice(
            (
                self.name() + many(*arguments) + b"R",
                self.name() + many(*arguments) + b"\x81",
                self.name() + many(*arguments) + b"}\x92",
                b"(" + b"".join(arguments) + b"i" + line,
                b"(" + self.name() + b"".join(arguments) + b"o",
                call("copyreg", "_reconstructor", self.name(), named("builtins", "object"), b"N"),
                call("builtins", "getattr", self.name(), text(self.random.choice(ATTRIBUTES))),
            )
        )

    def argument(self, inner: Any) -> bytes:
        return self.random.choice((self.atom, self.atom, self.name, inner))()

    def name(self) -> bytes:
        module, name = self.pair()
        if self.random.random() < 0.3:
            return f"c{module}\n{name}\n".encode()
        return named(module, name)

    def pair(self) -> tuple[str, str]:
        return self.random.choice(self.names if self.random.random() < 0.8 else FOREIGN)

    def atom(self) -> bytes:
        size = self.random.choice((0, 1, 3, 255, 10**9, -1))
        return self.random.choice(
            (
                b"N", b"\x88", b")", b"}", b"]", b"\x8f", number(size), text("a"), text("system"),
                text("__reduce__"), b"C\x02ab", b"G" + struct.pack(">d", 0.5), text("<f8"),
                text("O"), array(FLOAT, b"C\x08" + b"a" * 8, 1),
            )
        )  # fmt: skip


ATTRIBUTES = (
    "__class__", "__subclasses__", "fromkeys", "maketrans", "join", "system", "__globals__",
)  # fmt: skip


def samples() -> list[bytes]:
    """Pickles of data, with most of the names that pickles have."""
    import collections
    import datetime
    import decimal
    import functools
    import re
    import uuid

    import numpy as np

    values = [
        collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), decimal.Decimal("1.5"),
        collections.Counter("aab"), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        re.compile("a+"), uuid.UUID(int=7), np.arange(4.0), np.float64(1.5), np.dtype("i4,f8"),
        np.array(["a", None], dtype=object), np.ma.array([1, 2], mask=[True, False]),
        functools.partial(abs, -1), {1, 2}, frozenset("ab"), range(9), slice(1, 2), 1j,
        bytearray(b"abc"), ValueError("x"), np.random.default_rng(1),
    ]  # fmt: skip
    return [pickle.dumps(value, protocol) for value in values for protocol in (0, 2, 4)]


def check(data: bytes, loads: bool, outcomes: Counter[str]) -> str | None:
    """What the machine does beyond the policy, in a pickle that the analyzer passes."""
    passed = []
    if cannery.scan(data).verdict == "ok":
        passed.append("scan")
    if loads:
        try:
            safe.loads(data, profile="sklearn")
        except Exception as error:
            outcomes[f"not loaded: {type(error).__name__}"] += 1
        else:
            passed.append("load")
    outcomes.update(passed or ["refused"])
    if not passed:
        return None
    machine = Machine(data)
    try:
        machine.load()
    except Exception as error:
        # The readers differ where instances are no instances: what came before counts.
        outcomes[f"stopped: {type(error).__name__}"] += 1
    if machine.violations:
        return f"{' and '.join(passed)} passed what {machine.violations[0]}: {data!r}"
    return None


def main(seed: int, count: int) -> None:
    """Print what was found, and how many pickles were passed by which reader."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    warnings.simplefilter("ignore")
    streams = Streams(seed)
    outcomes: Counter[str] = Counter()
    found = []
    for at in range(count):
        data = streams.stream()
        wrong = check(data, at % 4 == 0, outcomes)
        if wrong:
            found.append(wrong)
    print(json.dumps({"found": found[:20], "count": len(found), "outcomes": outcomes}))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
