"""Random pickles: mostly valid ones, made with a model of the stack, and some damaged ones."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

NUMBERS = [0, 1, 7, 255, 256, 65535, 65536, 2**31 - 1, -1, -128, -(2**31)]
TEXTS = [b"", b"a", b"key", b"longer than a word", "é".encode(), "😀".encode(), b"\xed\xa0\x80"]

# Names that every reader finds, and what calling them without arguments makes.
NAMES = {
    b"builtins\nlist": "list",
    b"builtins\ndict": "dict",
    b"builtins\nset": "set",
    b"builtins\nfrozenset": "frozenset",
    b"builtins\nbytearray": "other",
    b"builtins\ntuple": "tuple",
    b"builtins\nint": "atom",
    b"collections\nOrderedDict": "dict",
    b"collections\ndeque": "list",
}


@dataclass
class Value:
    """What is known of a value on the stack."""

    kind: str
    hashable: bool


@dataclass
class Model:
    """A machine of which only the kinds of values are known."""

    stack: list[Value] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Value] = field(default_factory=dict)
    protocol: int = 0

    @property
    def free(self) -> list[Value]:
        """Values above the innermost mark."""
        return self.stack[self.marks[-1] if self.marks else 0 :]

    def push(self, kind: str, hashable: bool) -> None:
        self.stack.append(Value(kind, hashable))

    def close(self) -> list[Value]:
        """Take the innermost mark and what is above it."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    @property
    def below_mark(self) -> Value | None:
        """The value right below the innermost mark, if no other mark is between."""
        start = self.marks[-1]
        under = self.marks[-2] if len(self.marks) > 1 else 0
        return self.stack[start - 1] if start > under else None


class Streams:
    """Makes streams of opcodes, the same for the same seed."""

    def __init__(self, seed: int, damaged: float = 0.35) -> None:
        self.random = random.Random(seed)
        self.damaged = damaged

    def stream(self) -> bytes:
        parts = self.valid()
        if self.random.random() < self.damaged:
            for _ in range(self.random.randrange(1, 4)):
                self.damage(parts)
        data = self.framed(parts)
        if self.random.random() < self.damaged / 4:
            at = self.random.randrange(len(data))
            data = data[:at] + bytes([self.random.randrange(256)]) + data[at + 1 :]
        return data

    def valid(self) -> list[bytes]:
        """Opcodes that a machine takes, all of what they made in one value at the end."""
        self.model = Model()
        parts = []
        if self.random.random() < 0.6:
            self.model.protocol = self.random.randrange(6)
            parts.append(bytes([0x80, self.model.protocol]))
        for _ in range(self.random.randrange(1, 40)):
            parts.append(self.step())
        while self.model.marks:
            parts.append(b"t")
            items = self.model.close()
            self.model.push("tuple", all(item.hashable for item in items))
        parts += [b"\x86"] * (len(self.model.stack) - 1)
        return [*parts, b"."] if self.model.stack else [*parts, b"N", b"."]

    def step(self) -> bytes:
        """One opcode that the model says is valid here."""
        steps: list[Callable[[], bytes | None]] = [self.atom] * 6
        steps += [self.empty] * 3 + [self.mark] * 2 + [self.gather] * 3
        steps += [self.close] * 5 + [self.edit] * 4 + [self.put] * 3 + [self.get] * 3
        steps += [self.pop, self.duplicate, self.name, self.call, self.call]
        while True:
            code = self.random.choice(steps)()
            if code is not None:
                return code

    def atom(self) -> bytes:
        self.model.push("atom", True)
        number = self.random.choice([*NUMBERS, self.random.randrange(-(2**31), 2**31)])
        text = self.random.choice(TEXTS)
        large = number.to_bytes(5, "little", signed=True)
        return self.random.choice(
            [
                b"N",
                b"\x88",
                b"\x89",
                b"I00\n",
                b"I01\n",
                b"I%d\n" % number,
                b"L%dL\n" % number,
                b"L%d\n" % (number << 40),
                b"K" + bytes([number & 255]),
                b"M" + struct.pack("<H", number & 0xFFFF),
                b"J" + struct.pack("<i", number),
                b"\x8a" + bytes([len(large)]) + large,
                b"\x8a\x00",
                b"\x8b\x05\x00\x00\x00" + large,
                b"F" + repr(number / 8).encode() + b"\n",
                b"Finf\n",
                b"G" + struct.pack(">d", number / 3),
                b"X" + struct.pack("<I", len(text)) + text,
                b"\x8c" + bytes([len(text)]) + text,
                b"\x8d" + struct.pack("<Q", len(text)) + text,
                b"V\\u0041b\xe9\n",
                b"S'a\\x41\\n'\n",
                b'S"q"\n',
                b"U\x01z",
                b"T\x01\x00\x00\x00z",
                b"C\x02by",
                b"B\x01\x00\x00\x00\xff",
                b"\x8e\x01\x00\x00\x00\x00\x00\x00\x00b",
            ]
        )

    def empty(self) -> bytes:
        code, kind = self.random.choice(
            [(b")", "tuple"), (b"]", "list"), (b"}", "dict"), (b"\x8f", "set")]
        )
        if self.random.random() < 0.1:
            self.model.push("other", False)
            return b"\x96\x01\x00\x00\x00\x00\x00\x00\x00b"
        self.model.push(kind, kind == "tuple")
        return code

    def mark(self) -> bytes:
        self.model.marks.append(len(self.model.stack))
        return b"("

    def gather(self) -> bytes | None:
        count = self.random.randrange(1, 4)
        if len(self.model.free) < count:
            return None
        items = self.model.stack[-count:]
        del self.model.stack[-count:]
        self.model.push("tuple", all(item.hashable for item in items))
        return bytes([0x84 + count])

    def close(self) -> bytes | None:
        """Makes a container of what is above a mark, or edits the one below it."""
        if not self.model.marks:
            return None
        items, below = self.model.free, self.model.below_mark
        hashable = all(item.hashable for item in items)
        pairs = len(items) % 2 == 0 and all(item.hashable for item in items[::2])
        ways: list[tuple[bytes, str | None]] = [(b"t", "tuple"), (b"l", "list"), (b"1", None)]
        if pairs:
            ways.append((b"d", "dict"))
        if hashable:
            ways.append((b"\x91", "frozenset"))
        if below is not None:
            edits = {"list": b"e", "dict": b"u" * pairs, "set": b"\x90" * hashable}
            ways += [(edits[below.kind], None)] * 4 if edits.get(below.kind) else []
        code, kind = self.random.choice(ways)
        self.model.close()
        if kind:
            self.model.push(kind, kind in ("tuple", "frozenset") and hashable)
        return code

    def edit(self) -> bytes | None:
        free = self.model.free
        if len(free) > 1 and free[-2].kind == "list":
            self.model.stack.pop()
            return b"a"
        if len(free) > 2 and free[-3].kind == "dict" and free[-2].hashable:
            del self.model.stack[-2:]
            return b"s"
        return None

    def put(self) -> bytes | None:
        if not self.model.free:
            return None
        index = len(self.model.memo)
        code = b"\x94"
        if self.random.random() < 0.5:
            index = self.random.randrange(6)
            code = self.random.choice(
                [
                    b"q" + bytes([index]),
                    b"p%d\n" % index,
                    b"r" + struct.pack("<I", index),
                ]
            )
        self.model.memo[index] = self.model.stack[-1]
        return code

    def get(self) -> bytes | None:
        if not self.model.memo:
            return None
        index = self.random.choice(list(self.model.memo))
        self.model.stack.append(self.model.memo[index])
        return self.random.choice(
            [b"h" + bytes([index]), b"g%d\n" % index, b"j" + struct.pack("<I", index)]
        )

    def pop(self) -> bytes | None:
        if not self.model.free or self.random.random() < 0.5:
            return None
        self.model.stack.pop()
        return b"0"

    def duplicate(self) -> bytes | None:
        if not self.model.free:
            return None
        self.model.stack.append(self.model.stack[-1])
        return b"2"

    def name(self) -> bytes:
        name = self.random.choice(list(NAMES))
        self.model.push("name " + NAMES[name], True)
        module, qualname = name.split(b"\n")
        if self.random.random() < 0.5:
            return b"c" + name + b"\n"
        return b"".join(b"\x8c" + bytes([len(x)]) + x for x in (module, qualname)) + b"\x93"

    def call(self) -> bytes | None:
        """Makes an instance of a name that is on top, in one of the ways there are."""
        if not self.model.free or not self.model.free[-1].kind.startswith("name "):
            return None
        kind = self.model.stack.pop().kind.removeprefix("name ")
        self.model.push(kind, kind in ("tuple", "frozenset", "atom"))
        return self.random.choice([b")R", b")\x81", b")}\x92"])

    def damage(self, parts: list[bytes]) -> None:
        """Does to the opcodes what nobody's pickler does."""
        at = self.random.randrange(len(parts))
        match self.random.randrange(5):
            case 0:
                del parts[at]
            case 1:
                parts.insert(at, parts[self.random.randrange(len(parts))])
            case 2:
                other = self.random.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts.insert(at, self.junk())
            case 4:
                parts[at] = parts[at][: self.random.randrange(len(parts[at]) + 1)]
        if not parts:
            parts.append(b".")

    def junk(self) -> bytes:
        """An opcode that is odd, out of place, or read differently by somebody."""
        odd = [
            *(b"I010\n", b"I1_0\n", b"I 5\n", b"I0x1f\n", b"I\n", b"L5\n", b"L\n", b"LL\n"),
            *(b"I 1\n", b"I+1\n", b"I-0\n", b"I1\n", b"I 07\n", b"I1\x002\n", b"I\x000\n"),
            *(b"F1e400\n", b"F 1.5\n", b"Fnan\n", b"F1_0\n", b"F\n", b"F0x1p3\n"),
            *(b"V\\U00110000\n", b"V\\u12\n", b"V\\\n", b"\x8c\x01\xff", b"X\x02\x00\x00\x00\xc3("),
            *(b"S'bad\n", b"S''\n", b"S\n", b"Sx\n", b"S'\\x4'\n", b"U\x01\xe9"),
            *(
                b"T\xff\xff\xff\xff",
                b"\x8b\xff\xff\xff\xff",
                b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f",
            ),
            *(b"p-1\n", b"g 1\n", b"p1_0\n", b"g99\n", b"h\x63", b"p\n"),
            *(b"cnone\nthere\n", b"P1\n", b"Q", b"\x82\x01", b"\x84\xff\xff\xff\xff", b"\x80\x07"),
            *(b"\x95" + struct.pack("<Q", self.random.randrange(6)), b"\x97", b"\x98", b"o", b"b"),
            b"ibuiltins\nlist\n",
        ]
        single = bytes([self.random.choice(b"012()]}abdelstuRQo.\x81\x85\x86\x87\x90\x91\x93\x94")])
        return self.random.choice([*odd, *[single] * 20])

    def framed(self, parts: list[bytes]) -> bytes:
        """Joins the opcodes, some of them in frames."""
        if self.random.random() < 0.6:
            return b"".join(parts)
        data, rest = parts[0], parts[1:]
        while rest:
            count = self.random.randrange(1, 12)
            chunk, rest = b"".join(rest[:count]), rest[count:]
            if self.random.random() < 0.7:
                chunk = b"\x95" + struct.pack("<Q", len(chunk)) + chunk
            data += chunk
        return data
