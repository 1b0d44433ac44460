"""The digest of a value's typed content: `1` is not `"1"`, order counts where Python says so."""

from __future__ import annotations

import gc
import re
import struct
import sys
from _blake2 import blake2b  # `hashlib` would load OpenSSL
from collections.abc import Callable, Iterable
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, NamedTuple

from cannery._fingerprint._standard_input import StandardInput, is_stream_of_it

# What is code is named and looked into by the walk over code.
CODE_TYPES = (FunctionType, ModuleType, type)

# Types whose objects have no content that a result could depend on.
_INERT = frozenset(
    {"_thread.lock", "_thread.RLock", "threading.Event", "threading.Condition"}
    | {"threading.Semaphore", "threading.BoundedSemaphore", "threading.Barrier"}
    | {"_thread._local", "_thread.local", "threading.Thread", "_abc._abc_data"}
    | {"logging.Logger", "logging.RootLogger", "logging.LoggerAdapter"}
    | {"weakref.ReferenceType", "builtins.weakref"}
    | {"concurrent.futures.thread.ThreadPoolExecutor"}
    | {"concurrent.futures.process.ProcessPoolExecutor"}
)
# Primitives of processes are as inert as those of threads.
_INERT_MODULES = ("multiprocessing.", "_multiprocessing")
# What is kept as long as others keep it.
_WEAK: dict[str, Callable[[Any], Any]] = {
    "weakref.WeakKeyDictionary": lambda value: list(value.items()),
    "weakref.WeakValueDictionary": lambda value: list(value.items()),
    "weakref.WeakSet": list,
}
# Compiled types that keep to themselves what they are made of, and which refer to all of it.
_REFERRING = frozenset(
    {"functools.KeyWrapper", "_csv.reader", "numpy.ufunc", "_struct.Struct", "mmap.mmap"}
    | {"msgspec._core.Factory", "msgspec.Factory"}
    | {"builtins.generator", "builtins.coroutine", "_csv.Dialect"}
)
# Their objects are open files, or parts of them.
_OPEN_FILES = frozenset({"h5py", "netCDF4", "tables"})
_FACTS = (int, float, str, bytes, bool)
# Objects that stand for a function of the project: they lead to it by these attributes.
_LEADS = ("__wrapped__", "py_func", "callback")

_Describe = Callable[[Any], str]


class UnseenError(Exception):
    """A value that cannot be looked into (a generator, a socket)."""

    def __init__(self, value: object) -> None:
        super().__init__(f"a `{type(value).__qualname__}` cannot be looked into")


def digest_of_text(text: str) -> str:
    """Digest a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_of_value(value: Any, describe_code: _Describe) -> str:
    """Digest a value of any type.

    `describe_code` names functions, classes and modules, and paths.

    Raises `UnseenError` where a part of the value keeps its content to itself.
    """
    encoder = _Encoder(describe_code)
    encoder.feed(value)
    if encoder.unseen is not None:
        raise UnseenError(encoder.unseen)
    return encoder.hash.hexdigest()


class Digested(NamedTuple):
    """The digest of a value, the first part that cannot be seen, and how much there was to see.

    The last in parts, and in kibibytes of them: no clock says in one process that a value is large
    and in another that it is not.
    """

    digest: str
    unseen: object
    work: int


def numbered_digest(value: Any, codes: list[Any] | None = None) -> Digested:
    """Digest a value with numbers for the code in it, which is added to `codes`."""
    found = [] if codes is None else codes
    numbers: dict[int, int] = {}

    def describe(code: Any) -> str:
        number = numbers.setdefault(id(code), len(numbers))
        if number == len(found):
            found.append(code)
        return f"code {number}"

    encoder = _Encoder(describe)
    encoder.feed(value)
    return Digested(encoder.hash.hexdigest(), encoder.unseen, encoder.work)


class _Encoder:
    """Feeds values to a hash: a type's tag, the length, the bytes."""

    def __init__(self, describe_code: _Describe) -> None:
        self.hash = blake2b(digest_size=16)
        self.describe_code = describe_code
        self.seen: dict[int, int] = {}
        # Ids are unique only among living objects.
        self.alive: list[Any] = []
        self.unseen: object = None
        self.work = 0

    def put(self, tag: str, data: bytes | memoryview = b"") -> None:
        self.work += 1 + (len(data) >> 10)
        self.hash.update(f"{tag}:{len(data)}:".encode())
        self.hash.update(data)

    def feed(self, value: Any) -> None:
        scalar = _SCALARS.get(type(value))
        if scalar is not None:
            return self.put(*scalar(value))
        if isinstance(value, (*CODE_TYPES, PurePath)):
            return self.put("code", self.describe_code(value).encode("utf-8", "surrogatepass"))
        earlier = self.seen.get(id(value))
        if earlier is not None:
            return self.put("again", str(earlier).encode())
        self.seen[id(value)] = len(self.seen)
        self.alive.append(value)
        _COMPOUNDS.get(type(value), _Encoder.feed_object)(self, value)
        return None

    def feed_items(self, value: Iterable[Any]) -> None:
        items = list(value)
        self.put(type(value).__name__, str(len(items)).encode())
        for item in items:
            self.feed(item)

    def feed_dict(self, value: dict[Any, Any]) -> None:
        self.put("dict", str(len(value)).encode())
        for key, item in list(value.items()):
            self.feed(key)
            self.feed(item)

    def feed_set(self, value: Iterable[Any]) -> None:
        # A set's order depends on the process's hash seed.
        items = sorted(value, key=_apart)
        self.put(type(value).__name__, str(len(items)).encode())
        for item in items:
            self.feed(item)

    def feed_parts(self, tag: str, *parts: Any) -> None:
        self.put(tag, str(len(parts)).encode())
        for part in parts:
            self.feed(part)

    def feed_property(self, value: property) -> None:
        self.feed_parts("property", value.fget, value.fset, value.fdel)

    def feed_wrapped(self, value: Any) -> None:
        self.feed_parts(type(value).__name__, value.__func__)

    def feed_method(self, value: Any) -> None:
        self.feed_parts("method", value.__func__, value.__self__)

    def feed_builtin(self, value: Any) -> None:
        owner = value.__self__
        self.put("builtin", value.__qualname__.encode())
        if isinstance(owner, ModuleType) or owner is None:
            name = getattr(owner, "__name__", None) or value.__module__
            owner = sys.modules.get(name or "")
        self.feed(owner)

    def feed_descriptor(self, value: Any) -> None:
        self.put("descriptor", value.__name__.encode())
        self.feed(value.__objclass__)

    def feed_object(self, value: Any) -> None:
        if _is_array(value):
            return self.feed_array(value)
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name in _INERT or kind.__module__.startswith(_INERT_MODULES):
            return self.put("inert", kind.__qualname__.encode())
        if name in _WEAK:
            return self.feed_parts("weak", *sorted(_WEAK[name](value), key=_apart))
        if name in _REFERRING:
            return self.feed_referents(value)
        if kind.__module__.partition(".")[0] in _OPEN_FILES:
            return self.feed_open_file(value)
        if kind is StandardInput:
            return self.hide(value)
        if kind.__module__ == "_io":
            return self.feed_file(value)
        if kind.__module__ == "sqlite3":
            return self.feed_database(value)
        if kind.__module__ == "_contextvars":
            return self.feed_context(value)
        if not self.feed_stand_in(value):
            self.feed_state(value)
        return None

    def feed_database(self, value: Any) -> None:
        """Feed the file behind a connection that is open since before the step."""
        from pathlib import Path

        connection = getattr(value, "connection", value)
        try:
            files = [row[2] for row in connection.execute("PRAGMA database_list")]
            contents = [Path(file).read_bytes() for file in files if file]
        except Exception:  # another thread's, or closed
            return self.hide(value)
        return self.feed_parts("database", *contents)

    def feed_context(self, value: Any) -> None:
        try:
            self.feed_parts("context variable", value.get())
        except (AttributeError, LookupError):
            self.put("context variable without a value")

    def feed_referents(self, value: Any) -> None:
        """Feed what an object of a compiled type tells of itself, and what it refers to."""
        kind = type(value)
        self.put("referring", kind.__qualname__.encode())
        for name, member in sorted(vars(kind).items()):
            if isinstance(member, (GetSetDescriptorType, MemberDescriptorType)):
                fact = getattr(value, name, None)
                self.feed(fact if isinstance(fact, _FACTS) else None)
        for each in gc.get_referents(value):
            if each is not kind:
                self.feed(each)
        if kind.__qualname__ == "mmap":
            self.put("data", bytes(value))

    def feed_memo(self, value: Any) -> None:
        """Feed what a function of `lru_cache` remembers."""
        entries = sorted(_entries_of_memo(value), key=_apart)
        self.put("remembers", str(len(entries)).encode())
        for key, result in entries:
            self.feed(key)
            self.feed(result)

    def feed_stand_in(self, value: Any) -> bool:
        """Feed what a library's object stands for, as those of `lru_cache` do."""
        if type(value).__module__ == "cannery._steps" or not is_plain(type(value)):
            for attribute in _LEADS:
                # Not `getattr`, which a class may define as it likes.
                inner = _own_attribute(value, attribute)
                if isinstance(inner, CODE_TYPES) or _own_attribute(inner, "__wrapped__"):
                    self.feed_parts("stands for", type(value), inner)
                    if type(value).__name__ == "_lru_cache_wrapper":
                        self.feed_memo(value)
                    return True
        return False

    def feed_file(self, value: Any) -> None:
        if is_stream_of_it(value):
            return self.hide(value)
        name = getattr(value, "name", None)
        if not isinstance(name, (str, bytes)):
            return self.feed_buffer(value)
        from pathlib import Path

        path = Path(name.decode() if isinstance(name, bytes) else name)
        try:
            content = path.read_bytes() if value.readable() else b""
            self.feed_parts("file", path, content, value.tell() if value.readable() else 0)
        except (OSError, ValueError):
            self.feed_parts("file", path)
        return None

    def feed_open_file(self, value: Any) -> None:
        """Feed the content of the file that a library's object reads from."""
        from pathlib import Path

        try:
            file = getattr(value, "file", None) or value
            name = getattr(file, "filename", None) or getattr(file, "filepath", None)
            path = Path(str(name() if callable(name) else name))
            self.feed_parts("file", path, path.read_bytes(), getattr(value, "name", None))
        except Exception:  # closed, in memory, or another kind of object
            self.feed_state(value)

    def feed_buffer(self, value: Any) -> None:
        getvalue = getattr(value, "getvalue", None)
        try:
            self.feed_parts("buffer", type(value), getvalue and getvalue(), value.tell())
        except (OSError, ValueError):
            self.hide(value)

    def feed_array(self, value: Any) -> None:
        fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        self.put("array", f"{value.dtype.descr} {value.shape} {fortran}".encode())
        if value.dtype.hasobject:
            return self.feed(value.tolist())
        plain = value.T if fortran else value
        if not plain.flags.c_contiguous or plain.ndim == 0:
            plain = plain.copy(order="C").reshape(-1)
        self.put("data", memoryview(plain.reshape(-1).view("u1")) if plain.size else b"")
        return None

    def feed_state(self, value: Any) -> None:
        """Feed what the object itself would hand to a pickler; else its attributes."""
        cls = type(value)
        self.put("object")
        self.feed(cls)
        if is_plain(cls) and _is_reduced_by_python(cls):
            return self.feed_plain(value)
        try:
            reduced = value.__reduce_ex__(4)
        except RecursionError:
            raise
        except Exception:  # it runs the class's own code, which may raise anything
            return self.feed_attributes(value)
        if isinstance(reduced, str):
            return self.put("global", reduced.encode())
        function, arguments, *more = reduced
        state, items, pairs = (*more[:3], None, None, None)[:3]
        for part in (function, arguments, state):
            self.feed(part)
        for iterator in (items, pairs):
            self.feed(None if iterator is None else list(iterator))
        return None

    def feed_plain(self, value: Any) -> None:
        """Feed an object of a class written in Python, which may hold locks and the like."""
        cls = type(value)
        base = next(each for each in cls.__mro__ if not is_plain(each))
        for collection in (dict, list, tuple, set, frozenset, str, int, float, bytes):
            if issubclass(base, collection):
                content = collection.copy(value) if collection is dict else collection(value)
                self.feed(content)
                break
        else:
            if base is not object:
                return self.hide(value)
        getstate = getattr(cls, "__getstate__", None)
        own = getattr(object, "__getstate__", None)
        if getstate is not None and getstate is not own:
            try:
                return self.feed(value.__getstate__())
            except Exception:  # the class's own code may raise anything
                pass
        return self.feed(_attributes(value))

    def feed_attributes(self, value: Any) -> None:
        """Feed an object that no pickler takes."""
        attributes = _attributes(value)
        if not attributes and not is_plain(type(value)):
            return self.hide(value)
        return self.feed(attributes)

    def hide(self, value: Any) -> None:
        if self.unseen is None:
            self.unseen = value


def _entries_of_memo(value: Any) -> list[tuple[Any, Any]]:
    """Read what a function of `lru_cache` remembers, if it is the project's own."""
    from cannery._fingerprint._origin import is_project_module

    function = value.__wrapped__
    count = value.cache_info().currsize
    if not count or not is_project_module(getattr(function, "__module__", None) or "builtins"):
        return []
    found = gc.get_referents(value)
    if value.cache_parameters()["maxsize"] is None:
        memo = next((each for each in found if isinstance(each, dict) and len(each) == count), {})
        return list(memo.items())
    # After its type: for each entry the key, the result and the entry's type.
    return [(found[1 + 3 * n], found[2 + 3 * n]) for n in range(count)]


def _digest_of_code(code: CodeType) -> bytes:
    from cannery._fingerprint._bytecode import analysis

    return analysis(code).digest.encode()


def _apart(value: Any) -> str:
    """Digest a value with names for the code in it: of which it is one is not known yet."""
    encoder = _Encoder(lambda code: getattr(code, "__qualname__", None) or repr(code))
    encoder.feed(value)
    return encoder.hash.hexdigest()


def _attributes(value: Any) -> dict[str, Any]:
    """Return what is in an object's `__dict__` and in its slots."""
    found = dict(getattr(value, "__dict__", None) or {})
    for cls in filter(is_plain, type(value).__mro__):
        for name, member in vars(cls).items():
            if isinstance(member, MemberDescriptorType) and name not in found:
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue
    return found


def _is_reduced_by_python(cls: type) -> bool:
    is_default = cls.__reduce_ex__ is object.__reduce_ex__ and cls.__reduce__ is object.__reduce__
    return is_default and not hasattr(cls, "__getnewargs_ex__")


_HEAP_TYPE = 1 << 9
_IMMUTABLE_TYPE = 1 << 8
_WORD = struct.calcsize("P")


def is_plain(cls: type) -> bool:
    """Whether a class was made by a `class` statement, and not by C."""
    if not cls.__flags__ & _HEAP_TYPE or cls.__flags__ & _IMMUTABLE_TYPE or cls.__base__ is None:
        return False
    members = sum(isinstance(each, MemberDescriptorType) for each in vars(cls).values())
    # Besides its slots, a class adds room for its attributes and for weak references at most.
    return cls.__basicsize__ - cls.__base__.__basicsize__ <= _WORD * (members + 2)


def _own_attribute(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)
    except (AttributeError, TypeError):
        return None


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) in (numpy.ndarray, numpy.memmap)


_SCALARS: dict[type, Callable[[Any], tuple[str, bytes]]] = {
    type(None): lambda _: ("none", b""),
    type(Ellipsis): lambda _: ("ellipsis", b""),
    bool: lambda value: ("bool", b"1" if value else b"0"),
    int: lambda value: ("int", b"%x" % value),
    float: lambda value: ("float", struct.pack(">d", value)),
    complex: lambda value: ("complex", struct.pack(">dd", value.real, value.imag)),
    str: lambda value: ("str", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: ("bytes", value),
    memoryview: lambda value: ("memoryview", value.tobytes()),
    bytearray: lambda value: ("bytearray", bytes(value)),
    re.Pattern: lambda value: ("pattern", repr((value.pattern, value.flags)).encode()),
}

_COMPOUNDS: dict[type, Callable[[_Encoder, Any], None]] = {
    list: _Encoder.feed_items,
    tuple: _Encoder.feed_items,
    dict: _Encoder.feed_dict,
    MappingProxyType: _Encoder.feed_dict,
    set: _Encoder.feed_set,
    frozenset: _Encoder.feed_set,
    property: _Encoder.feed_property,
    staticmethod: _Encoder.feed_wrapped,
    classmethod: _Encoder.feed_wrapped,
    type(_Encoder(repr).put): _Encoder.feed_method,
    BuiltinFunctionType: _Encoder.feed_builtin,
    GetSetDescriptorType: _Encoder.feed_descriptor,
    MemberDescriptorType: _Encoder.feed_descriptor,
    MethodDescriptorType: _Encoder.feed_descriptor,
    WrapperDescriptorType: _Encoder.feed_descriptor,
    CodeType: lambda encoder, value: encoder.put("code object", _digest_of_code(value)),
}
