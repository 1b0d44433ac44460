"""Documents over the table's names with hostile parts, and what loading and using one must not do.

Run as a script it loads documents of one seed in this process, under an audit hook:
`python hostile_documents.py SEED COUNT`. It prints what was done that a file must not do.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peak_memory

import cannery
from cannery._objects import _adapters, _describe, _stdlib
from cannery._objects._known import BY_NAME
from cannery._objects._stdlib_classes import rules
from cannery.errors import CanneryError

Document = Any


def typed(name: str, /, **parts: Any) -> dict[str, Any]:
    return {"$type": name, **parts}


def a_tuple(*items: Any) -> dict[str, Any]:
    return typed("tuple", value=list(items))


def function(name: str) -> dict[str, Any]:
    return typed("function", name=name)


def a_class(name: str) -> dict[str, Any]:
    return typed("type", name=name)


ADDRESS = {
    "data": a_tuple(4096, False), "shape": a_tuple(1 << 20), "typestr": "|u1", "version": 3,
}  # fmt: skip
WRITER = typed(
    "operator.methodcaller", name="tofile", args=a_tuple("written-by-a-file"), keywords={}
)
HOSTILE: list[Document] = [
    None, True, -1, 0, 1, 10**9, 10**19, -(10**30), 1e308, float("nan"), float("-inf"), "", "x",
    "../../../etc/passwd", "/etc/passwd", "__class__", "__main__", "os.system", "\ud800", "1e999999999",
    "{0.__class__}", "%99999999d", "a" * 10_000, [], {}, [[]], [1, "a", None], {"a": 1}, a_tuple(),
    a_tuple(1, 2, 3), typed("bytes", value=""), typed("bytes", value="AAECAwQFBgc="),
    typed("itertools.count", args=a_tuple(0, 1)),
    typed("itertools.repeat", args=a_tuple(1)),
    typed("range", start=0, stop=10**12, step=1),
    typed("types.SimpleNamespace", value={"__array_interface__": ADDRESS}),
    typed("evil.Thing", **{"__array_interface__": ADDRESS}),
    typed("functools.partial", function=function("builtins.max"), args=a_tuple(), keywords={"key": WRITER}),
    typed("functools.partial", function=a_class("numpy.memmap"), args=a_tuple("written-by-a-file"), keywords={"mode": "w+", "shape": 9}),
    typed("functools.partial", function=a_class("bytearray"), args=a_tuple(10**11), keywords={}),
    WRITER,
    typed("operator.attrgetter", args=a_tuple("__class__.__base__")),
    function("builtins.max"), function("os.system"), function("builtins.exec"), a_class("int"),
    a_class("subprocess.Popen"), a_class("io.FileIO"), a_class("numpy.memmap"),
    typed("lightgbm.basic.Booster"), typed("sklearn.conftest"), typed("__main__.X"),
    typed("pathlib.PosixPath", value="/etc/passwd"),
    typed("decimal.Decimal", value="1e999999"),
    typed("fractions.Fraction", numerator=10**400, denominator=3),
    typed("collections.deque", value=[1, 2], maxlen=None),
    typed("collections.defaultdict", value={}, factory=a_class("list")),
    typed("builtins.ValueError", __args__=a_tuple("x")),
    typed("set", value=[1, 2]), typed("frozenset", value=[1]),
    typed("re.Pattern", pattern="a+", flags=0),
    typed("typing.ForwardRef", arg="__import__('os')", is_argument=True, module=None, is_class=False),
]  # fmt: skip

NUMBERS = (0, -1, 255, 256, 2**31 - 1, 2**31, 2**32, -(2**31), 2**63 - 1, 2**63, -(2**63), 2**64, 10**30,
           float("nan"), float("inf"), -0.0, 1e-320, 10**4300)  # fmt: skip
EXTRA_NAMES = ("__class__", "__dict__", "__reduce__", "__array_interface__", "__len__", "__del__",
               "__fspath__", "__index__", "predict", "close", "update", "_fields", "value", "data",
               "__items__", "__args__", "__state__", "__function__", "__kwargs__")  # fmt: skip


def names() -> list[str]:
    """Every name that the table has, and some that it has not."""
    import ast

    found = [*BY_NAME, *rules(), "argparse.Namespace", "type", "function", "bytes", "tuple", "set"]
    found += [f"ast.{name}" for name in vars(ast) if name[0].isupper()]
    found += [f"{module}.{name}" for module in ("builtins", "subprocess", "json.decoder", "urllib.error")
              for name in ("ValueError", "OSError", "UnicodeDecodeError", "UnicodeEncodeError",
                           "UnicodeTranslateError", "SyntaxError", "ExceptionGroup", "ImportError",
                           "StopIteration", "KeyError", "SystemExit", "JSONDecodeError", "HTTPError",
                           "CalledProcessError")]  # fmt: skip
    found += [
        f"{module}.{name}"
        for module in ("re", "socket", "ssl", "signal", "http", "enum", "inspect")
        for name in (
            "RegexFlag",
            "AddressFamily",
            "Options",
            "Signals",
            "HTTPStatus",
            "_ParameterKind",
        )
    ]
    return [
        *found,
        "x.Y",
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "tempfile.TemporaryDirectory",
    ]


def samples() -> list[bytes]:
    """Real objects of the table as they are written: what is mutated is otherwise right."""
    from samples import rarer, stdlib, values  # noqa: F401 - importing registers them
    from samples.registry import SAMPLES

    found = []
    for make in SAMPLES.values():
        try:
            found.append(cannery.dumps(make()))
            json.loads(found[-1])
        except (CanneryError, ValueError, RecursionError):
            found.pop()
    return found


class Generator:
    """Documents by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = names()
        self.samples = samples()

    def hostile(self, depth: int = 0) -> Document:
        """One hostile value; perhaps an object of the table around others."""
        pick = self.random.random()
        if pick < 0.75 or depth > 3:
            return copy.deepcopy(self.random.choice(HOSTILE))
        if pick < 0.85:
            return [self.hostile(depth + 1) for _ in range(self.random.randrange(4))]
        return self.made_up(depth + 1)

    def made_up(self, depth: int = 0) -> Document:
        """An object of any name of parts that other objects have."""
        other = json.loads(self.random.choice(self.samples))
        parts = next(iter(_objects(other)), {})
        keys = [key for key in parts if not key.startswith("$")] + list(EXTRA_NAMES)
        chosen = self.random.sample(keys, min(len(keys), self.random.randrange(5)))
        name = self.random.choice(self.names)
        return {"$type": name} | {key: self.hostile(depth) for key in chosen}

    def mutated(self) -> Document:
        """A real object with some of its parts exchanged, left out or added."""
        document = json.loads(self.random.choice(self.samples))
        for _ in range(self.random.randrange(1, 4)):
            places = list(_places(document))
            if not places:
                return self.hostile()
            container, key = self.random.choice(places)
            action = self.random.random()
            if action < 0.4:
                container[key] = self.hostile()
            elif action < 0.7:
                container[key] = self.changed(container[key], document)
            elif action < 0.8:
                self.refer(document, container, key)
            elif action < 0.9 and isinstance(container, dict):
                container[self.random.choice(EXTRA_NAMES)] = self.hostile()
            elif isinstance(container, dict):
                container.pop(key, None)
        return document

    def changed(self, value: Document, document: Document) -> Document:
        """Almost what there was: another sign, size or length, another type with the same parts."""
        if isinstance(value, bool) or value is None:
            return self.random.choice((not value, int(bool(value)), float(bool(value)), None))
        if isinstance(value, (int, float)):
            return self.random.choice(
                (
                    -value,
                    value + 1,
                    value - 1,
                    value * 2,
                    json.dumps(value) if abs(value) < 1e300 else "1",
                    [value],
                    *NUMBERS,
                )
            )
        if isinstance(value, str):
            return self.random.choice(
                (value[:-1], value * 2, value + "\0", value * 1000, [value], "")
            )
        if isinstance(value, list):
            return self.random.choice(
                (value[:-1], value[1:], value * 3, value[::-1], a_tuple(*value))
            )
        if "$type" in value and self.random.random() < 0.6:
            return value | {"$type": self.random.choice(self.names)}
        other = [item for _, item in ((c, c[k]) for c, k in _places(document)) if item is not value]
        try:
            return copy.deepcopy(self.random.choice(other)) if other else {}
        except RecursionError:  # of a part that nests deeper than Python copies
            return {}

    def refer(self, document: Document, container: Any, key: Any) -> None:
        """Share a part with another place, perhaps with one that it lies in."""
        objects = list(_objects(document))
        if not objects:
            return
        target = self.random.choice(objects)
        number = target.setdefault("$id", 1 + self.random.randrange(5))
        if target is not container[key]:
            container[key] = {"$ref": number}

    def __iter__(self) -> Iterator[Document]:
        while True:
            yield self.mutated() if self.random.random() < 0.7 else self.made_up()


def _objects(document: Document) -> Iterator[dict[str, Any]]:
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "$type" in item:
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _places(document: Document) -> Iterator[tuple[Any, Any]]:
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            keys: Any = [key for key in item if key != "$id"]
        elif isinstance(item, list):
            keys = range(len(item))
        else:
            continue
        for key in keys:
            yield item, key
            waiting.append(item[key])


# What loading and using a document must not do.

FORBIDDEN = (
    "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "exec", "marshal.", "pty.", "signal.",
    "tempfile.", "sqlite3.", "urllib.", "webbrowser.", "pickle.", "code.__new__", "winreg.",
)  # fmt: skip
# `import` reads folders and files, and runs the code in them; whatever it is told to import is
# looked at by itself.
HARMLESS = ("os.listdir", "os.scandir", "os.putenv", "os.unsetenv", "ctypes.dlopen")


class Watch:
    """An audit hook: what was done while it was on."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on = False
        self.importing = 0
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "import":
            # What a library imports when it is imported is its own.
            if args[0].partition(".")[0] not in ALLOWED_PACKAGES and _imports() < 2:
                self.seen.append(f"import {args[0]}")
        elif event == "open":
            if not _may_read(args):
                self.seen.append(f"open {args!r:.200}")
        elif event == "compile":
            if not _is_import():
                self.seen.append(f"compile {args!r:.200}")
        elif event.startswith(FORBIDDEN) and event not in HARMLESS and not _is_import():
            self.seen.append(f"{event} {args!r:.200}")


ALLOWED_PACKAGES = frozenset(sys.stdlib_module_names) | frozenset(
    "attr attrs cannery dateutil joblib kiwisolver lightgbm matplotlib ml_dtypes msgspec narwhals "
    "networkx numexpr bottleneck numpy pandas PIL polars _polars_runtime_32 pyarrow pydantic "
    "pydantic_core pytz scipy six sklearn threadpoolctl torch typing_extensions tzdata xgboost "
    "annotated_types typing_inspection cython cython_runtime".split()
)
_ROOTS = tuple(
    {sys.prefix, sys.base_prefix, "/usr/lib", "/usr/share/zoneinfo", "/proc", "/sys", "/dev"}
)


def _may_read(args: tuple[Any, ...]) -> bool:
    path, mode, _ = args
    if not isinstance(path, (str, bytes)):
        return True  # an open descriptor
    path = os.path.realpath(os.fsdecode(path))
    is_reading = mode is None or not set(mode) & set("wax+")
    here = str(Path(cannery.__file__).parent)
    return (is_reading and path.startswith((*_ROOTS, here))) or "__pycache__" in path


def _imports() -> int:
    """How many imports are under way, one within the other."""
    frame, count = sys._getframe(2), 0
    while frame is not None:
        count += frame.f_code.co_name == "_find_and_load"
        frame = frame.f_back
    return count


def _is_import() -> bool:
    return _imports() > 0


def use(value: Any) -> None:
    """What people do with a value that they loaded."""
    actions: list[Callable[[], Any]] = [
        lambda: repr(value),
        lambda: str(value),
        lambda: value == copy.copy(value),
        lambda: hash(value),
        lambda: bool(value),
        lambda: len(value),
        lambda: list(itertools.islice(iter(value), 50)),
        lambda: value["no such key"],
        lambda: value[0],
        lambda: copy.deepcopy(value),
        lambda: [getattr(value, name) for name in dir(value) if not name.startswith("__")][:50],
        lambda: float(value),
        lambda: "x" in value,
    ]
    if isinstance(value, (itertools.count, itertools.repeat)):
        actions = actions[:4]  # they go on for ever: that is what they are
    if isinstance(value, range):
        actions = actions[:6]
    for action in actions:
        try:
            action()
        except Exception:
            continue


def parts_of(value: Any) -> Iterator[Any]:
    """The value, and what plain containers hold."""
    waiting, seen = [value], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if type(item) is dict:
            waiting.extend(item.values())
        elif type(item) in (list, tuple, set, frozenset):
            waiting.extend(item)


def state() -> dict[str, Any]:
    """What a file must leave as it is."""
    found: dict[str, Any] = {f"environment {name}": value for name, value in os.environ.items()}
    found |= {"working folder": Path.cwd(), "sys.path": sys.path[:]}
    found["recursion limit"] = sys.getrecursionlimit()
    for module in (os, sys, json, cannery, _adapters, _describe, _stdlib, copy):
        found |= {f"{module.__name__}.{name}": id(item) for name, item in vars(module).items()}
    return found


def check(watch: Watch, data: bytes) -> list[str]:
    """What loading and using a document did that it must not."""
    watch.seen, found = [], list[str]()
    before, memory, seconds = state(), peak(), list[float]()
    watch.on = True
    try:
        value = _timed(seconds, cannery.loads, data)
        # One by one: to use all parts of a chain is quadratic in its length.
        for item in parts_of(value):
            _timed(seconds, use, item)
    except CanneryError:
        pass
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
    finally:
        watch.on = False
    found += watch.seen
    found += [
        f"{name} changed" for name, value in state().items() if before.get(name, value) != value
    ]
    if max(seconds) > 4 + len(data) / 1e5:
        found.append(f"it took {max(seconds):.1f} s")
    if peak() - memory > 256:
        found.append(f"it took {peak() - memory} MB")
    return found


def _timed(seconds: list[float], function: Callable[..., Any], argument: Any) -> Any:
    """The result of a call; its processor time goes into the list."""
    start = time.process_time()
    try:
        return function(argument)
    finally:
        seconds.append(time.process_time() - start)


def peak() -> int:
    return peak_memory.kilobytes() >> 10


def main(seed: int, count: int) -> int:
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    watch, failed = Watch(), 0
    for document in itertools.islice(Generator(seed), count):
        try:
            data = json.dumps(document).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):
            continue
        print(data.decode("utf-8", "replace")[:2000], file=sys.stderr, flush=True)
        found = check(watch, data)
        if found:
            failed += 1
            print(f"{data[:1500]!r}\n    " + "\n    ".join(found[:5]))
    print(f"{count} documents, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
