"""Agreement with protobuf's own library on schemas and messages made at random, by seed."""

from __future__ import annotations

import math
import random
import struct
import sys
from typing import Any

import pytest

from cannery import protobuf

try:
    from google.protobuf import (  # pyright: ignore[reportMissingImports]
        descriptor_pb2,
        descriptor_pool,
        json_format,
        message_factory,
        text_format,
    )
except ImportError:
    print("SKIPPED: protobuf is not installed: `pip install protobuf`", file=sys.stderr)
    pytest.skip("protobuf is not installed", allow_module_level=True)

SIGNED = ("int32", "sint32", "sfixed32", "int64", "sint64", "sfixed64")
UNSIGNED = ("uint32", "fixed32", "uint64", "fixed64")
SCALARS = (*SIGNED, *UNSIGNED, "float", "double", "bool", "string", "bytes")
KEYS = (*SIGNED, *UNSIGNED, "bool", "string")
ROUNDS = 120


class Maker:
    """Makes a schema, and messages of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.syntax = self.random.choice(["proto2", "proto3", "edition"])
        self.enums = [f"E{index}" for index in range(self.random.randint(1, 3))]
        self.messages: dict[str, list[dict[str, Any]]] = {
            f"M{index}": [] for index in range(self.random.randint(1, 5))
        }
        self.values = {name: self._values() for name in self.enums}
        for fields in self.messages.values():
            self._fill(fields)

    def _values(self) -> list[int]:
        zero = [0]
        more = self.random.sample(
            [1, 2, 5, 100, -1, 2**31 - 1, -(2**31)], self.random.randint(1, 5)
        )
        return zero + more

    def _fill(self, fields: list[dict[str, Any]]) -> None:
        numbers = self.random.sample([*range(1, 40), 100, 2047, 2048, 18999, 20000, 2**29 - 1], 12)
        oneof = 0
        for index in range(self.random.randint(0, 10)):
            kind = self.random.choice(["single"] * 3 + ["list"] * 2 + ["map", "oneof"])
            field = {"name": f"f_{index}", "number": numbers[index], "kind": kind}
            field["type"] = self.random.choice(
                [*SCALARS, self.random.choice(self.enums), self.random.choice(list(self.messages))]
            )
            if kind == "map":
                field["key"] = self.random.choice(KEYS)
            if kind == "oneof":
                oneof = oneof if self.random.random() < 0.6 else oneof + 1
                field["oneof"] = f"o{oneof}"
            packed = kind == "list" and field["type"] in (*SIGNED, *UNSIGNED, "float", "bool")
            if packed and self.syntax != "edition" and self.random.random() < 0.4:
                field["options"] = f" [packed = {self.random.choice(['true', 'false'])}]"
            if kind == "single" and self.syntax == "edition" and self.random.random() < 0.3:
                is_message = field["type"] in self.messages
                if not is_message:
                    field["options"] = " [features.field_presence = IMPLICIT]"
            field["optional"] = self.random.random() < 0.5
            fields.append(field)

    def text(self) -> str:
        head = 'edition = "2023";' if self.syntax == "edition" else f'syntax = "{self.syntax}";'
        lines = [head, "package r;"]
        for name, values in self.values.items():
            inner = " ".join(f"{name}_{index} = {v};" for index, v in enumerate(values))
            lines.append(f"enum {name} {{ {inner} }}")
        for name, fields in self.messages.items():
            lines.append(f"message {name} {{")
            oneofs: dict[str, list[str]] = {}
            for field in fields:
                declared = f"{field['type']} {field['name']} = {field['number']}"
                declared += field.get("options", "") + ";"
                if field["kind"] == "list":
                    lines.append(f"  repeated {declared}")
                elif field["kind"] == "map":
                    declared = declared.replace(
                        field["type"], f"map<{field['key']}, {field['type']}>", 1
                    )
                    lines.append(f"  {declared}")
                elif field["kind"] == "oneof":
                    oneofs.setdefault(field["oneof"], []).append(f"    {declared}")
                else:
                    lines.append(f"  {self._label(field)}{declared}")
            for oneof, members in oneofs.items():
                lines += [f"  oneof {oneof} {{", *members, "  }"]
            lines.append("}")
        return "\n".join(lines) + "\n"

    def _label(self, field: dict[str, Any]) -> str:
        if self.syntax == "edition":
            return ""
        return "optional " if self.syntax == "proto2" or field["optional"] else ""

    def scalar(self, of: str) -> Any:
        choose = self.random.choice
        if of in SIGNED:
            bits = 31 if "32" in of else 63
            return choose(
                [0, 1, -1, 127, 128, 2**bits - 1, -(2**bits), self.random.getrandbits(bits)]
            )
        if of in UNSIGNED:
            bits = 32 if "32" in of else 64
            return choose([0, 1, 255, 2**bits - 1, self.random.getrandbits(bits)])
        if of == "float":
            value = choose(
                [0.0, -0.0, 0.1, 1e-40, 3e38, math.inf, 16777217.0, self.random.gauss(0, 9)]
            )
            return struct.unpack("f", struct.pack("f", value))[0]
        if of == "double":
            return choose([0.0, -0.0, 1.5, 1e300, 5e-324, -math.inf, self.random.gauss(0, 1e6)])
        if of == "bool":
            return choose([True, False])
        if of == "string":
            return choose(["", "a", "é中😀", 'line\nbreak\t"\\', "x" * 200, "\u0000\u001f"])
        return choose([b"", b"\x00\xff", b"abc" * 50])

    def value(self, of: str, depth: int) -> Any:
        if of in self.values:
            index = self.random.randrange(len(self.values[of]))
            return f"{of}_{index}"
        return self.message(of, depth - 1) if of in self.messages else self.scalar(of)

    def message(self, name: str, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        taken: set[str] = set()
        for field in self.messages[name]:
            if self.random.random() < 0.3 or (depth <= 0 and field["type"] in self.messages):
                continue
            count = self.random.choice([0, 1, 2, 5])
            if field["kind"] == "list":
                made[field["name"]] = [self.value(field["type"], depth) for _ in range(count)]
            elif field["kind"] == "map":
                keys = [self.scalar(field["key"]) for _ in range(count)]
                made[field["name"]] = {key: self.value(field["type"], depth) for key in keys}
            elif field.get("oneof") not in taken:
                made[field["name"]] = self.value(field["type"], depth)
                taken.add(field.get("oneof", field["name"]))
        return made


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other) or one == other


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_schemas_and_messages(seed: int) -> None:
    maker = Maker(seed)
    text = maker.text()
    schema = protobuf.Schema(text)
    files = descriptor_pb2.FileDescriptorSet.FromString(schema.descriptor_set())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    own = sorted(name for name in schema if name.startswith("r."))
    assert own == sorted(f"r.{name}" for name in maker.messages)
    for name in maker.messages:
        ours = schema[f"r.{name}"]
        theirs = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"r.{name}"))
        for _ in range(6):
            value = maker.message(name, 3)
            data = ours.encode(value, deterministic=True)
            message = theirs.FromString(data)
            assert message.SerializeToString(deterministic=True) == data, text
            # Through their JSON, which has all but the sign of what is no number.
            printed = json_format.MessageToJson(message)
            decoded = ours.decode(data)
            assert ours.from_json(printed) == decoded
            assert json_format.Parse(ours.to_json(data), theirs()) == message
            assert text_format.Parse(ours.to_text(data), theirs()) == message
            assert ours.from_text(text_format.MessageToString(message)) == decoded
            # Dictionaries, dataclasses, and their messages give the same bytes.
            assert ours.encode(decoded, deterministic=True) == data
            typed = ours.decode(data, type=ours.dataclass)
            assert ours.encode(typed, deterministic=True) == data
            assert ours.decode(ours.encode(message)) == decoded
            damaged = mutated(data, maker.random)
            agree_on(damaged, ours, theirs)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Cut, doubled, shuffled, bits turned, unknown fields put in."""
    made = bytearray(data)
    what = chance.randrange(5)
    if what == 0 and made:
        del made[chance.randrange(len(made)) :]
    elif what == 1:
        made += data
    elif what == 2 and made:
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    elif what == 3:
        made += bytes([0x98, 0x3E, chance.randrange(128)])
    else:
        made = bytearray(chance.randbytes(chance.randrange(1, 12)))
    return bytes(made)


def agree_on(data: bytes, ours: protobuf.MessageType, theirs: Any) -> None:
    """Both refuse bytes, or both read the same of them."""
    try:
        message = theirs.FromString(data)
    except Exception:  # their `DecodeError` derives from this
        message = None
    try:
        decoded = ours.decode(data)
    except ValueError:
        decoded = None
    assert (message is None) == (decoded is None), data.hex()
    if message is None or decoded is None:
        return
    assert theirs.FromString(ours.encode(decoded)) == message or has_nan(decoded)
    names = {name for name in decoded if name != "@unknown"}
    assert names == {field.name for field, _ in message.ListFields()}


def has_nan(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_nan, value.values()))
    if isinstance(value, list):
        return any(map(has_nan, value))
    return isinstance(value, float) and math.isnan(value)


def test_the_maker_makes_all_kinds() -> None:
    """A generator that makes too little would pass everything."""
    texts = "\n".join(Maker(seed).text() for seed in range(ROUNDS))
    wanted = ["repeated", "map<", "oneof", "enum", *SCALARS, "packed = false", "IMPLICIT"]
    assert [what for what in wanted if what not in texts] == []
    sizes = [len(str(Maker(seed).message("M0", 3))) for seed in range(ROUNDS)]
    assert max(sizes) > 2000
