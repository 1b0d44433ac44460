"""Schemas and messages of a stranger: names are no code, and few bytes cost little."""
# ruff: noqa: E501  tables of cases

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
import types
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import cannery
from cannery import protobuf
from cannery.errors import CanneryError, DepthError, LimitError
from cannery.protobuf import MessageType, Schema

NAMES = [
    "__init__", "__class__", "__slots__", "__del__", "__dict__", "__doc__", "__module__", "__hash__",
    "__annotations__", "__post_init__", "__match_args__", "__dataclass_fields__", "__setattr__",
    "__getattr__", "__array_interface__", "__array_struct__", "__fspath__", "__index__", "__reduce__",
    "__set_name__", "__class_getitem__", "__private", "__", "self", "print", "_", "mro", "MISSING",
]  # fmt: skip
KEYWORDS = ["class", "None", "True", "lambda", "import", "async", "yield"]
CLASSES = ["class", "None", "int", "str", "list", "dict", "dataclasses", "datetime", "Any", "__init__",
           "__debug__", "__build_class__", "object", "property", "_"]  # fmt: skip


def message(fields: str, more: str = "") -> MessageType:
    return Schema(f"syntax = 'proto3';\n{more}\nmessage M {{ {fields} }}")["M"]


def field(number: int, value: bytes | int) -> bytes:
    """A field of a message, of at most 127 bytes in a row."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def module_of(source: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """What a program has that keeps the source of the classes in a file."""
    module = types.ModuleType("generated_by_a_stranger")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "<generated>", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("name", NAMES + KEYWORDS)
@pytest.mark.parametrize("kind", ["int32", "repeated int32", "map<string, int32>", "string"])
def test_a_field_is_never_what_python_looks_up(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = message(f"{kind} {name} = 1; int32 other = 2;")
    typed = made.dataclass
    fields = [field.name for field in dataclasses.fields(typed)]
    assert not any(field.startswith("__") and not field.endswith("___") for field in fields)
    value = made.decode(b"\x10\x05", type=typed)
    assert type(value) is typed
    assert repr(value).endswith("other=5)")
    assert value == made.decode(b"\x10\x05", type=typed)
    assert made.encode(value) == b"\x10\x05"
    module = module_of(made.source(), monkeypatch)
    assert [field.name for field in dataclasses.fields(module.M)] == fields
    assert made.encode(module.M(other=5)) == b"\x10\x05"


def test_a_field_gives_no_address_to_numpy() -> None:
    made = message("map<string, int64> __array_interface__ = 1;")
    value = made.decode(field(1, field(1, b"version") + field(2, 3)), type=made.dataclass)
    assert value.__array_interface_____ == {"version": 3}
    assert np.asarray(value).dtype == object
    assert made.encode(value) == made.encode({"__array_interface__": {"version": 3}})


@pytest.mark.parametrize("name", CLASSES)
def test_a_message_is_never_called_as_what_its_source_needs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"syntax = 'proto3'; message {name} {{ repeated int32 a = 1; {name} b = 2; }}"
    made = Schema(text)[name]
    module = module_of(made.source(), monkeypatch)
    [own] = [item for item in vars(module).values() if dataclasses.is_dataclass(item)]
    assert isinstance(own, type)
    assert made.encode(own(a=[1])) == made.encode({"a": [1]})
    assert made.decode(field(2, field(1, 7)), type=made.dataclass).b.a == [7]


def test_numbers_without_a_literal_are_defaults_too() -> None:
    for word in ("inf", "-inf", "nan"):
        field = {"label": "optional", "presence": False, "default": float(word)}
        assert protobuf._default(field) == f'float("{word}")'


MANY = 100_000
LARGE = {
    "values": "enum E {" + "".join(f"A{i} = {i};" for i in range(MANY)) + "}",
    "aliases": "enum E { option allow_alias = true;" + "".join(f"A{i} = 0;" for i in range(MANY)) + "}",
    "reserved values": "enum E { A = 0; reserved " + ", ".join(str(-2 * i - 1) for i in range(MANY)) + ";"
    + "".join(f"B{i} = {i + 1};" for i in range(MANY)) + "}",
    "reserved names": "message M { reserved " + ", ".join(f'"a{i}"' for i in range(MANY)) + "; }",
    "reserved numbers": "message M { reserved " + ", ".join(str(2 * i + 1) for i in range(MANY)) + ";"
    + "".join(f"int32 a{i} = {2 * i + 2};" for i in range(9_000)) + "}",
    "oneofs": "message M {" + "".join(f"oneof o{i} {{ int32 a{i} = {i + 1}; }}" for i in range(18_900)) + "}",
    "messages": "".join(f"message M{i} {{}}" for i in range(MANY)),
    "errors": "message M {" + "int32 =;" * MANY + "}",
    "one number": "message M {" + "".join(f"int32 a{i} = 1;" for i in range(MANY)) + "}",
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_large_schema_takes_linear_time(name: str) -> None:
    start = time.process_time()
    try:
        Schema(f"syntax = 'proto3';\n{LARGE[name]}")
    except ValueError:
        assert name in ("errors", "one number")
    assert time.process_time() - start < 5


def test_ranges_that_overlap_are_still_told() -> None:
    for text, told in (
        ("message M { reserved 5 to 9, 8; }", "overlaps"),
        ("message M { reserved 5 to 9; int32 a = 7; }", "reserved number 7"),
        ("message M { reserved 'a'; int32 a = 7; }", "is reserved"),
        ("message M { reserved 'a', 'b', 'a'; }", "twice"),
        ("message M { int32 a = 7; int32 b = 8; int32 c = 7; }", "already used"),
        ("enum E { A = 0; B = 3; reserved 2 to 4; }", "reserved number 3"),
        ("enum E { A = 0; reserved 2 to 4, 4; }", "overlaps"),
    ):
        with pytest.raises(ValueError, match=told):
            Schema(f"syntax = 'proto3'; {text}")
    for text in (
        "message M { extensions 5 to 9; optional int32 a = 7; }",
        "message M { extensions 5 to 9; reserved 9 to 12; }",
        "message M { extensions 5 to 9, 9 to 10; }",
    ):
        with pytest.raises(ValueError, match=r"includes|overlaps"):
            Schema(f"syntax = 'proto2'; {text}")


def test_files_that_import_each_other_in_a_row(tmp_path: Path) -> None:
    for index in range(300):
        text = f'syntax = "proto3"; import "f{index + 1}.proto"; message M{index} {{}}'
        (tmp_path / f"f{index}.proto").write_text(text)
    (tmp_path / "f300.proto").write_text('syntax = "proto3";')
    with pytest.raises(ValueError, match="more than 100 files"):
        Schema(tmp_path / "f0.proto")
    assert len(Schema(tmp_path / "f250.proto")) >= 50


def test_a_descriptor_set_of_files_in_a_row() -> None:
    files = b""
    for index in range(5_000):
        file = field(1, f"f{index}".encode())
        if index:
            file += field(3, f"f{index - 1}".encode())
        files += field(1, file + field(4, field(1, f"M{index}".encode())) + field(12, b"proto3"))
    assert Schema(files)["M4999"].decode(b"") == {}


WELL_KNOWN = "".join(
    f"import 'google/protobuf/{name}.proto';" for name in ("struct", "field_mask", "any")
)


def test_pieces_that_are_put_together_again_and_again() -> None:
    made = message(
        "google.protobuf.ListValue l = 1; google.protobuf.FieldMask m = 2; M n = 3;", WELL_KNOWN
    )
    start = time.process_time()
    for data in (
        field(1, field(1, field(3, b"k"))) * 200_000,
        field(2, field(1, b"a.b")) * 200_000,
        field(3, field(99, b"unknown bytes" * 8)) * 100_000,
    ):
        with pytest.raises(LimitError):
            made.decode(data)
    few = made.decode(field(1, field(1, field(3, b"k"))) * 100)
    assert few == {"l": ["k"] * 100}
    assert time.process_time() - start < 20


def test_a_oneof_of_many_fields() -> None:
    many = "".join(f"int32 a{i} = {i + 1};" for i in range(18_000))
    made = message(f"oneof o {{ {many} }}")
    start = time.process_time()
    with pytest.raises(LimitError):
        made.decode((field(1, 1) + field(2, 1)) * 200_000)
    assert made.decode(field(1, 1) + field(2, 1)) == {"a1": 1}
    assert time.process_time() - start < 20


def test_fields_that_are_not_set_are_not_made_for_nothing() -> None:
    many = "".join(f"repeated int32 a{i} = {i + 2};" for i in range(2_000))
    made = message(f"repeated M m = 1; {many}")
    with pytest.raises(LimitError, match="not set"):
        made.decode(b"\x0a\x00" * 10_000, type=made.dataclass)
    with pytest.raises(LimitError, match="not set"):
        made.decode(b"\x0a\x00" * 10_000, defaults=True)
    assert len(made.decode(b"\x0a\x00" * 10_000)["m"]) == 10_000
    assert len(made.decode(b"\x0a\x00" * 100, type=made.dataclass).m) == 100


DEEP = """
import sys, threading
from cannery.errors import CanneryError
from cannery.protobuf import Schema
text = "syntax = 'proto3'; import 'google/protobuf/any.proto';"
made = Schema(text + "message M { M m = 1; google.protobuf.Any a = 2; }")["M"]
def varint(n):
    out = bytearray()
    while n > 127: out.append(n & 127 | 128); n >>= 7
    return bytes([*out, n])
def field(number, value): return varint(number << 3 | 2) + varint(len(value)) + value
deep = any_ = b""
for _ in range(20_000): deep = field(1, deep)
for _ in range(3_000): any_ = field(2, field(1, b"x/M") + field(2, any_))
value = {}
for _ in range(99): value = {"m": value}
def work():
    for call in (
        lambda: made.decode(deep, depth=10**9),
        lambda: made.decode(b"\\x9b\\x06" * 500_000, depth=10**9),
        lambda: made.decode(deep, depth=10**9, type=made.dataclass),
        lambda: made.decode(any_), lambda: made.to_text(any_), lambda: made.to_json(any_),
        lambda: made.encode(value), lambda: made.to_json(deep[-200:]),
    ):
        try: call()
        except CanneryError: pass
threading.stack_size(int(sys.argv[1]))
thread = threading.Thread(target=work); thread.start(); thread.join(); work()
print("done")
"""


@pytest.mark.parametrize("size", [128 << 10, 512 << 10, 8 << 20])
def test_depth_ends_before_the_stack_does(size: int) -> None:
    command = [sys.executable, "-c", DEEP, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]


def test_messages_within_any_are_shown_to_a_depth() -> None:
    made = message("google.protobuf.Any a = 1;", WELL_KNOWN)
    data = reduce(lambda data, _: field(1, field(1, b"x/M") + field(2, data)), range(3000), b"")
    assert len(made.to_text(data)) < 100 * len(data)
    with pytest.raises(DepthError):
        made.to_json(data)


@pytest.mark.parametrize("indent", [101, 2**31, 2**62, 2**80, -1])
def test_an_indentation_is_no_bomb(indent: int) -> None:
    made = message("M m = 1;")
    with pytest.raises(ValueError, match="indent must be from 0 to 100"):
        made.to_json({"m": {"m": {}}}, indent=indent)
    assert "\n" in made.to_json({"m": {}}, indent=100)


def test_errors_are_cannerys(tmp_path: Path) -> None:
    made = message("int32 a = 1;")
    for data in (b"\x08", b"\xff" * 20, b"\x0b" * 50, b"\x08\x01\x0f"):
        with pytest.raises(CanneryError):
            made.decode(data)
    assert issubclass(LimitError, cannery.CanneryError)
