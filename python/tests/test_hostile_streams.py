"""Hostile streams by trick: none is `ok`, none is loaded, and each refusal says why."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest
from test_scan_hostile import TURNED, dtype, line_global, raw, short, stack_global

import cannery
from cannery import errors, pickle

ID = short("id")
SYSTEM = line_global("os", "system")
PAYLOAD = SYSTEM + b"(S'id'\ntR"


def state(
    flags: int, names: bytes = b"N", fields: bytes = b"N", size: int = -1, subarray: bytes = b"N"
) -> bytes:
    """Make the state of a dtype, and give it."""
    head = b"(K\x03" + short("|") + subarray + names + fields
    return head + b"J" + struct.pack("<i", size) + b"K\x01K" + bytes([flags]) + b"tb"


def field(inner: bytes, offset: int = 0) -> bytes:
    """Make the fields of a dtype: one, by the name `a`."""
    return b"}" + short("a") + inner + b"K" + bytes([offset]) + b"\x86s"


NAMES = short("a") + b"\x85"
OBJECT = dtype("O8", state(63))
F8 = dtype("f8", state(0))
ESTIMATOR = line_global("sklearn.preprocessing._function_transformer", "FunctionTransformer")

#: Ways to make NumPy follow addresses, or read beyond what it was given.
DTYPES = {
    "objects by another name": dtype("object", state(0)),
    "objects without a list": dtype("O8", state(1)),
    "pointers": dtype("f8", state(4)),
    "a class for a name": raw("numpy", "dtype", line_global("numpy", "object_"), b"\x89", b"\x88")
    + state(0),
    "a field of objects": dtype("V8", state(0, NAMES, field(OBJECT), 8)),
    "a field of objects, later": b"}\x94"
    + short("a")
    + F8
    + b"K\x00\x86s0"
    + dtype("V8", b"(K\x03" + short("|") + b"N" + NAMES + b"h\x00J\x08\0\0\0K\x01K\x00tb")
    + b"h\x00"
    + short("a")
    + OBJECT
    + b"K\x00\x86s\x86",
    "a field that becomes one of objects": dtype("V8")
    + b"\x94"
    + dtype("V8", state(0, NAMES, field(b"h\x00"), 8))
    + b"0h\x00"
    + state(63, NAMES, field(OBJECT), 8),
    "a record of objects": raw("numpy", "dtype", line_global("numpy", "record"), b"\x89", b"\x88")
    + state(0, NAMES, field(OBJECT), 8),
    "small arrays of objects": dtype("V8", state(0, size=8, subarray=OBJECT + b"K\x01\x85\x86")),
    "numbers called objects in a field": dtype("V8", state(63, NAMES, field(F8), 8)),
    "a field beyond its element": dtype("V8", state(0, NAMES, field(F8, 200), 8)),
    "small arrays that are too large": dtype(
        "V8", state(0, size=8, subarray=F8 + b"K\x7f\x85\x86")
    ),
    "fields that a call has made": dtype(
        "V8", state(0, NAMES, raw("collections", "OrderedDict", b"](" + NAMES + b"e"), 8)
    ),
    "a field that a call has made": dtype(
        "V8",
        state(
            0,
            NAMES,
            b"}" + short("a") + raw("builtins", "tuple", b"](" + OBJECT + b"K\x00e") + b"s",
            8,
        ),
    ),
    "a state twice": dtype("f8", state(0) + state(0)),
    "an old state": dtype("V8", b"(K\x01" + short("|") + b"NN}J\x08\0\0\0K\x01K\x00tb"),
    "a size that is a lie": dtype("f8", state(0, size=100)),
}

#: Streams that run code, or reach for it, by opcodes put together in odd ways.
TRICKS = {
    "name by two pickled halves": short("os")
    + b"\x94"
    + short("system")
    + b"\x94h\x00h\x01\x93"
    + ID
    + b"\x85R",
    "memo overwritten before use": line_global("collections", "OrderedDict")
    + b"q\x000"
    + SYSTEM
    + b"q\x00h\x00(S'id'\ntR",
    "memo overwritten by MEMOIZE": b"N\x94N\x94" + SYSTEM + b"q\x00\x94" + b"000h\x02(S'id'\ntR",
    "protocol 0 escapes in a name": b"Vo\\u0073\nVsy\\u0073tem\n\x93(S'id'\ntR",
    "STRING escapes in a name": b"S'\\x6f\\x73'\nS'sys\\164em'\n\x93(S'id'\ntR",
    "STRING in double quotes": b'S"os"\nS"system"\n\x93(S"id"\ntR',
    "names of Python 2": b"c__builtin__\neval\n(S'1'\ntR",
    "moved names of Python 2": b"ccommands\ngetoutput\n(S'id'\ntR",
    "dotted name through a module of data": stack_global("collections", "_sys.modules") + b"0N",
    "dotted name through a class": stack_global("collections", "OrderedDict.__init__.__globals__"),
    "dotted name to a builtin": stack_global("re", "enum.bltns.eval") + ID + b"\x85R",
    "GLOBAL with a dotted name": line_global("datetime", "sys.modules"),
    "chained getattr": raw(
        "builtins",
        "getattr",
        raw("builtins", "getattr", line_global("collections", "OrderedDict"), short("__init__")),
        short("__globals__"),
    ),
    "getattr by _reconstructor": raw(
        "copyreg", "_reconstructor", line_global("builtins", "getattr"), SYSTEM, b"N"
    ),
    "__newobj__ of a function": raw("copyreg", "__newobj__", SYSTEM, ID),
    "__newobj_ex__ of Popen": raw(
        "copyreg", "__newobj_ex__", line_global("subprocess", "Popen"), ID + b"\x85", b"}"
    ),
    "__reduce_ex__ of a value": raw(
        "builtins", "getattr", raw("datetime", "date", b"K\x01"), short("__reduce_ex__")
    ),
    "BUILD on a class": line_global("collections", "OrderedDict")
    + b"}"
    + short("__init__")
    + line_global("builtins", "print")
    + b"sb",
    "BUILD with slots": raw("types", "SimpleNamespace")
    + b"N}"
    + short("__class__")
    + line_global("subprocess", "Popen")
    + b"s\x86b",
    "BUILD replaces __setstate__": raw("types", "SimpleNamespace")
    + b"}"
    + short("__setstate__")
    + SYSTEM
    + b"sb"
    + ID
    + b"b",
    "BUILD twice, the second calls": raw("random", "Random")
    + b"}"
    + short("__setstate__")
    + line_global("builtins", "exec")
    + b"sb"
    + ID
    + b"b",
    "SETITEM on a module's dict": line_global("os", "environ") + short("PATH") + ID + b"s",
    "APPEND to sys.path": line_global("sys", "path") + short("/tmp") + b"a",
    "INST": b"(S'id'\nios\nsystem\n",
    "OBJ": b"(" + SYSTEM + b"S'id'\no",
    "OBJ within marks": b"((" + SYSTEM + b"S'id'\no1N",
    "payload dropped by POP_MARK": b"(" + PAYLOAD + b"1N",
    "payload as a key that is dropped": b"}" + PAYLOAD + b"Ns0N",
    "payload in a persistent id": PAYLOAD + b"Q",
    "a callable from a persistent id": b"Pos.system\n(S'id'\ntR",
    "arguments from a persistent id": line_global("collections", "OrderedDict") + b"Pargs\nR",
    "extension codes": b"\x82\x7b(S'id'\ntR",
    "partial of a gadget": raw("functools", "partial", line_global("os", "system"), ID) + b")R",
    "partial with a state": raw("functools", "partial", line_global("builtins", "print"))
    + b"("
    + SYSTEM
    + ID
    + b"\x85}Ntb",
    "methodcaller": raw("operator", "methodcaller", short("system"), ID),
    "attrgetter": raw("operator", "attrgetter", short("__class__.__base__")),
    "itemgetter on globals": raw("operator", "itemgetter", short("os")),
    "code object": raw("types", "CodeType", b"K\x00K\x00K\x00K\x00K\x00K\x00C\x00)))"),
    "function of code": raw("types", "FunctionType", raw("types", "CodeType"), b"}"),
    "marshal": raw("marshal", "loads", b"C\x01N"),
    "import_module": raw("importlib", "import_module", short("antigravity")),
    "resolve_name": raw("pkgutil", "resolve_name", short("os:system")),
    "pydoc.locate": raw("pydoc", "locate", short("os.system")),
    "logging.config": raw("logging.config", "dictConfig", b"}"),
    "ctypes": raw("ctypes", "CDLL", short("libc.so.6")),
    "pickle in a pickle": raw("_pickle", "loads", b"C\x01N"),
    "read_pickle": raw("pandas.io.pickle", "read_pickle", short("/tmp/x")),
    "pandas.eval": raw("pandas", "eval", short("@__import__('os')")),
    "query": raw("pandas.core.frame", "DataFrame.query", raw("builtins", "dict"), ID),
    "f2py": raw("numpy.f2py.crackfortran", "getlincoef", ID, b"}"),
    "numpy.load": raw("numpy", "load", short("/tmp/x"), b"N", b"\x88"),
    "savetxt by a private module": raw("numpy.lib._npyio_impl", "savetxt", short("/tmp/x"), b"]"),
    "torch.hub": raw("torch.hub", "load", short("x/y"), short("z")),
    "torch.load": raw("torch", "load", short("/tmp/x")),
    "torch storage with a pickle inside": raw(
        "torch.storage", "_load_from_bytes", b"C" + bytes([len(PAYLOAD) + 1]) + PAYLOAD + b"."
    ),
    "_rebuild_from_type_v2 of a gadget": raw(
        "torch._tensor", "_rebuild_from_type_v2", SYSTEM, SYSTEM, ID + b"\x85", b"}"
    ),
    "an estimator with a gadget": ESTIMATOR + b")\x81}" + short("func") + SYSTEM + b"sb",
    "an estimator with a lazy gadget": ESTIMATOR
    + b")\x81}"
    + short("func")
    + raw("functools", "partial", line_global("os", "system"))
    + b"sb",
    "a call of an estimator": ESTIMATOR + b"(" + SYSTEM + b"tR",
    "joblib.Memory": raw("joblib.memory", "Memory", short("/tmp/x")),
    "joblib.load": raw("joblib", "load", short("/tmp/x")),
    "a default factory": raw("collections", "defaultdict", SYSTEM),
    "a factory, and its use": raw(
        "collections", "defaultdict", raw("functools", "partial", SYSTEM, ID)
    ),
    "a chain of maps": raw("builtins", "list", raw("builtins", "map", SYSTEM, b"](" + ID + b"e")),
    "any over a map": raw("builtins", "any", raw("builtins", "map", SYSTEM, b"](" + ID + b"e")),
    "max with a key": raw("builtins", "sorted", b"](" + ID + b"e", b"N", SYSTEM),
    "endless items": raw(
        "collections",
        "defaultdict",
        b"N",
        raw(
            "builtins",
            "zip",
            raw("builtins", "iter", line_global("builtins", "object"), b"N"),
            raw("builtins", "iter", line_global("builtins", "object"), b"N"),
        ),
    ),
    "a class made of a name": raw(
        "builtins", "type", short("X"), line_global("subprocess", "Popen") + b"\x85", b"}"
    ),
    "a state of records that is a lie": raw(
        "numpy.core.multiarray", "_reconstruct", line_global("numpy", "ndarray"), b"K\x00\x85C\x01b"
    )
    + b"(K\x01K\x01\x85"
    + dtype("O8", state(0))
    + b"\x89C\x08AAAAAAAAtb",
    "weak references": raw("weakref", "finalize", line_global("builtins", "object"), SYSTEM),
    "an exit handler": raw("atexit", "register", SYSTEM),
    "a generator of NumPy's with a function": raw(
        "numpy.random._pickle", "__randomstate_ctor", ID, line_global("builtins", "memoryview")
    ),
} | DTYPES


REFUSALS = (pickle.UnpicklingError, pickle.UntrustedTypeError, errors.LimitError)


def streams() -> dict[str, bytes]:
    """Return whole pickles, by what they try."""
    both = TRICKS | TURNED
    return {name: b"\x80\x02" + stream + b"." for name, stream in both.items()}


@pytest.mark.parametrize("name", streams())
def test_no_trick_is_ok_or_loaded(name: str) -> None:
    data = streams()[name]
    report = cannery.scan(data)
    assert report.verdict != "ok"
    assert all(finding.reason for finding in report.findings)
    with pytest.raises(REFUSALS) as refused:
        pickle.loads(data, profile="torch")
    assert "at byte" in str(refused.value) or "persistent" in str(refused.value)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_that_lie_are_found_whatever_else_is_trusted(name: str) -> None:
    data = b"\x80\x02](" + raw("my_pkg", "Model") + DTYPES[name] + b"e."
    with pytest.raises(pickle.UntrustedTypeError):
        pickle.loads(data, trust=["my_pkg.*"], profile="numpy")


def zipped(*members: tuple[str, bytes], **options: Any) -> bytes:
    """Make a ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def npy(payload: bytes) -> bytes:
    """Make an array file of objects."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + payload


EVIL = PAYLOAD + b"."
GOOD = b"]."
#: Files around a payload.
WRAPPED = {
    "npz in zip": zipped(("a.npz", zipped(("x.npy", npy(EVIL))))),
    "zip in zip in zip": zipped(("a.bin", zipped(("b", zipped(("c.txt", EVIL)))))),
    "a name that is not the directory's": zipped(("aaaa.pkl", EVIL)).replace(b"aaaa", b"bbbb", 1),
    "two members of one name": zipped(("a.pkl", GOOD), ("b.pkl", EVIL)).replace(b"b.pkl", b"a.pkl"),
    "before the archive": EVIL + zipped(("a.pkl", GOOD)),
    "behind the archive": zipped(("a.pkl", GOOD)) + EVIL,
    "in its comment": zipped(("a.pkl", GOOD))[:-2] + struct.pack("<H", len(EVIL)) + EVIL,
    "as a PNG": b"\x89PNG\r\n\x1a\n" + EVIL,
    "a flag of encryption": zipped(("a.pkl", EVIL)).replace(
        b"PK\x03\x04\x14\0\0", b"PK\x03\x04\x14\0\1"
    ),
    "array of objects": npy(EVIL),
    "after STOP": GOOD + EVIL,
    "after STOP and junk": GOOD + bytes(range(128, 256)) * 3 + EVIL,
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", WRAPPED)
def test_no_wrapping_makes_it_ok(name: str) -> None:
    assert cannery.scan(WRAPPED[name]).verdict != "ok"
