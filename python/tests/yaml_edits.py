"""Random edits of random YAML documents beside the same edits of plain values.

    python python/tests/yaml_edits.py SEED EDITS

prints how many edits were made and refused, and each difference; it fails if there is one. The
suite runs a slice of it (`test_yaml_edits.py`), `make soak` a million edits.
"""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

from cannery import yaml

WORDS = [
    "a",
    "b",
    "key",
    "lr",
    "naïve",
    "x y",
    "1",
    "no",
    "true",
    "ключ",
    "k-1",
    "été",
    "😀",
    "0o7",
]
PLAIN = ["1", "-2.5", "true", "null", "~", "text", "two words", "no", "2026-11-21", "été", "1e3"]
SCALARS: list[Any] = [
    0, 1, -7, 2.5, True, False, None, "text", "two words", "no", "1", "", " lead", "trail ", "a: b",
    "a #b", "#c", "- x", "été 😀", "tab\there", "'q'", '"d"', "l1\nl2", "l1\nl2\n", "l1\n\n l2\n\n",
    "\n", " x\ny", "end\n\n\n", "back\\slash", "w " * 60, "{{ x }}", "&a", "*a", "!t", "| x",
    "\u2028",
]  # fmt: skip


class Writer:
    """Writes documents with everything that YAML has, in no particular style."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.comments = 0
        self.anchors: list[str] = []
        self.names = 0

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def comment(self) -> str:
        self.comments += 1
        return f"#{self.rng.choice(['', ' '])}c{self.comments}"

    def behind(self, share: float = 0.25) -> str:
        if self.chance(share):
            return self.rng.choice([" ", "  ", "\t"]) + self.comment()
        return self.rng.choice(["", "", "", "", " ", "\t"])

    def above(self, column: int) -> list[str]:
        lines = []
        for _ in range(self.rng.choice([0, 0, 0, 0, 1, 1, 2])):
            lines.append(" " * column + self.comment())
        if self.chance(0.15):
            lines.insert(0, self.rng.choice(["", "  "]))
        if self.chance(0.05):
            lines.insert(0, " " * (column + self.rng.choice([0, 0, 2])) + self.comment())
        return lines

    def properties(self) -> str:
        found = ""
        if self.chance(0.12):
            self.names += 1
            self.anchors.append(f"n{self.names}")
            found += f"&n{self.names} "
        return found

    def inline(self, depth: int, anchors: bool = True) -> str:
        """A node on one line, for block context."""
        if anchors and self.anchors and self.chance(0.1):
            return "*" + self.rng.choice(self.anchors)
        roll = self.rng.random()
        if roll < 0.2:
            return self.flow(depth)
        if roll < 0.25:
            return self.rng.choice(["!t ", "!!str ", "!<tag:x.org,2026:y> "]) + self.quoted()
        return self.rng.choice([self.rng.choice(PLAIN), self.quoted(), self.rng.choice(PLAIN)])

    def quoted(self) -> str:
        text = self.rng.choice(["x", "it", "a b", "#n", "é", ""])
        return f"'{text}'" if self.chance(0.5) else f'"{text}"'

    def flow(self, depth: int) -> str:
        items = [self.flow_item(depth) for _ in range(self.rng.choice([0, 1, 2, 3]))]
        if self.chance(0.5):
            tail = "," if items and self.chance(0.1) else ""
            return "[" + self.rng.choice([", ", ","]).join(items) + tail + "]"
        keys = self.keys(len(items))
        pairs = [f"{key}: {item}" for key, item in zip(keys, items, strict=True)]
        if self.chance(0.1) and pairs:
            return "[" + ", ".join(pairs) + "]"
        return "{" + ", ".join(pairs) + "}"

    def flow_item(self, depth: int) -> str:
        if depth > 2 or self.chance(0.7):
            return self.rng.choice(["1", "x", "true", self.quoted(), "two words", "é"])
        return self.flow(depth + 1)

    def flow_lines(self, column: int) -> list[str]:
        """Brackets over several lines; the first line is what goes behind the indicator."""
        pad = " " * (column + 2)
        lines = ["[" + self.behind()]
        count = self.rng.choice([1, 2, 3])
        for number in range(count):
            comma = "," if number + 1 < count or self.chance(0.5) else ""
            if self.chance(0.2):
                lines.append(pad + self.comment())
            lines.append(f"{pad}{self.flow_item(1)}{comma}{self.behind()}")
        return [*lines, " " * (column + 1) + "]" + self.behind()]

    def keys(self, count: int) -> list[str]:
        found = self.rng.sample(WORDS, count)
        return [f"'{key}'" if key in ("1", "no", "true", "0o7") and self.chance(0.5) else key
                for key in found]  # fmt: skip

    def block_text(self, column: int) -> list[str]:
        header = self.rng.choice(["|", ">"]) + self.rng.choice(["", "-", "+"])
        pad = " " * (column + self.rng.choice([1, 2, 4]))
        lines = [pad + self.rng.choice(["text", "# no comment", "a: b", "- x", "é", "two  words"])
                 for _ in range(self.rng.choice([1, 2, 3]))]  # fmt: skip
        if self.chance(0.3):
            lines.insert(1, self.rng.choice(["", pad, pad + " more"]))
        lines += [""] * self.rng.choice([0, 0, 1, 2])
        return [header + self.behind(0.2), *lines]

    def lines_of_text(self, column: int) -> list[str]:
        """Plain or quoted text over two lines."""
        pad = " " * (column + 1)
        quote = self.rng.choice(["", "'", '"'])
        return [f"{quote}one", f"{pad}two{quote}" + self.behind()]

    def value(self, column: int, depth: int, flush: bool) -> list[str]:
        """A node behind an indicator: what goes on its line, and the lines below."""
        roll = self.rng.random()
        if depth > 3 or roll < 0.5:
            return [" " + self.properties() * (roll < 0.1) + self.scalar_line(depth)]
        if roll < 0.58:
            first, *rest = self.block_text(column)
            return [" " + self.properties() + first, *rest]
        if roll < 0.63:
            first, *rest = self.lines_of_text(column)
            return [" " + first, *rest]
        if roll < 0.68:
            first, *rest = self.flow_lines(column)
            return [" " + self.properties() + first, *rest]
        if roll < 0.72:
            return [self.behind()]
        head = self.properties()
        head = (" " + head.rstrip() if head else "") + self.behind()
        if self.chance(0.5):
            step = 0 if flush and self.chance(0.5) else self.rng.choice([1, 2, 4])
            return [head, *self.sequence(column + step, depth + 1)]
        return [head, *self.mapping(column + self.rng.choice([1, 2, 3, 4]), depth + 1)]

    def scalar_line(self, depth: int) -> str:
        text = self.inline(depth)
        return text + self.behind()

    def sequence(self, column: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.rng.choice([1, 2, 2, 3])):
            lines += self.above(column)
            if depth < 4 and self.chance(0.25):
                inner = self.sequence if self.chance(0.3) else self.mapping
                first, *rest = self.compact(inner, column, depth)
                lines += [" " * column + "- " + first, *rest]
            else:
                first, *rest = self.value(column, depth, flush=False)
                lines += [" " * column + "-" + first, *rest]
        if self.chance(0.1):
            lines.append(" " * column + self.comment())
        return lines

    def compact(self, make: Callable[[int, int], list[str]], column: int, depth: int) -> list[str]:
        lines = make(column + 2, depth + 1)
        while not lines[0].strip() or lines[0].lstrip().startswith("#"):
            del lines[0]
        return [lines[0].lstrip(" "), *lines[1:]]

    def mapping(self, column: int, depth: int) -> list[str]:
        lines: list[str] = []
        pad = " " * column
        for key in self.keys(self.rng.choice([1, 2, 2, 3, 4])):
            lines += self.above(column)
            if self.chance(0.05):
                lines += [f"{pad}? {key}" + self.behind()]
                if self.chance(0.8):
                    first, *rest = self.value(column, 9, flush=False)
                    lines += [f"{pad}:" + first, *rest]
                continue
            first, *rest = self.value(column, depth, flush=True)
            lines += [f"{pad}{key}:" + first, *rest]
        if self.chance(0.1):
            lines.append(pad + self.comment())
        return lines

    def document(self) -> list[str]:
        self.anchors = []
        roll = self.rng.random()
        if roll < 0.03:
            return self.rng.choice([[], [self.comment()], ["text"], ["[]"], ["{}"]])
        if roll < 0.1:
            return [self.flow(0) + self.behind()]
        head = [self.comment(), ""] if self.chance(0.2) else []
        if self.chance(0.3):
            return head + self.sequence(0, 0)
        return head + self.mapping(0, 0)

    def stream(self) -> str:
        lines = self.document()
        if self.chance(0.15):
            lines = ["%YAML 1.2", "---" + self.behind(), *lines]
        elif self.chance(0.1):
            lines = ["---", *lines]
        while self.chance(0.1):
            lines += [*self.rng.choice([["---"], ["...", "---"], ["--- " + self.comment()]]),
                      *self.document()]  # fmt: skip
        text = "\n".join(lines) + self.rng.choice(["\n", "\n", "\n", "", "\n\n"])
        if self.chance(0.1):
            text = text.replace("\n", "\r\n")
        return text


def documents(rng: random.Random) -> Iterator[str]:
    """Streams that can be loaded."""
    while True:
        text = Writer(rng).stream()
        try:
            loaded = list(yaml.load_all(text, duplicates="error"))
        except yaml.YAMLError:
            continue
        # Values that hold themselves are compared elsewhere.
        if loaded and "..." not in repr(loaded):
            yield text


class Edit:
    """A random edit, of a document and of the plain value."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def scalar(self) -> Any:
        return self.rng.choice(SCALARS)

    def new_value(self, depth: int = 0) -> Any:
        roll = self.rng.random()
        if depth > 2 or roll < 0.6:
            return self.scalar()
        if roll < 0.8:
            return [self.new_value(depth + 1) for _ in range(self.rng.choice([0, 1, 2, 3]))]
        keys = self.rng.sample(WORDS, self.rng.choice([0, 1, 2, 3]))
        return {key: self.new_value(depth + 1) for key in keys}

    def make(self, value: Any) -> tuple[str, Callable[[Any], None]]:
        """What is done to a collection, and a name for it."""
        new = self.new_value()
        if isinstance(value, dict):
            return self.of_mapping(value, new)
        return self.of_sequence(value, new)

    def of_mapping(self, value: dict[Any, Any], new: Any) -> tuple[str, Callable[[Any], None]]:
        rng = self.rng
        keys = list(value)
        key = rng.choice(keys) if keys and rng.random() < 0.8 else rng.choice(WORDS)
        other = rng.choice(keys) if keys else key
        fresh = next(word for word in ["new", *WORDS] if word not in value)
        choices: list[tuple[str, Callable[[Any], None]]] = [
            (f"set {key!r} {new!r}", lambda at: at.__setitem__(key, copy.deepcopy(new))),
            (f"set {key!r} {new!r}", lambda at: at.__setitem__(key, copy.deepcopy(new))),
            (f"set {fresh!r} {new!r}", lambda at: at.__setitem__(fresh, copy.deepcopy(new))),
            (f"del {key!r}", lambda at: at.pop(key, None)),
            (f"setdefault {key!r}", lambda at: at.setdefault(key, copy.deepcopy(new))),
            (
                f"update {fresh!r} {key!r}",
                lambda at: at.update({fresh: 1, key: copy.deepcopy(new)}),
            ),
        ]
        if keys:
            choices += [
                (f"swap {key!r} {other!r}", lambda at: swap(at, keys[0], other)),
                (f"rename {keys[0]!r}", lambda at: rename(at, keys[0], fresh)),
                ("sort", sort_keys),
            ]
        if rng.random() < 0.1:
            choices.append(("clear", lambda at: at.clear()))
        return rng.choice(choices)

    def of_sequence(self, value: list[Any], new: Any) -> tuple[str, Callable[[Any], None]]:
        rng = self.rng
        at_end = rng.randrange(len(value) + 1)
        choices: list[tuple[str, Callable[[Any], None]]] = [
            (f"append {new!r}", lambda at: at.append(copy.deepcopy(new))),
            (f"insert {at_end} {new!r}", lambda at: at.insert(at_end, copy.deepcopy(new))),
            ("extend", lambda at: at.extend([copy.deepcopy(new), 2])),
            ("reverse", lambda at: at.reverse()),
        ]
        if value:
            index, other = rng.randrange(len(value)), rng.randrange(len(value))
            low, high = sorted((index, other))
            choices += [
                (f"set {index} {new!r}", lambda at: at.__setitem__(index, copy.deepcopy(new))),
                (f"set {index} {new!r}", lambda at: at.__setitem__(index, copy.deepcopy(new))),
                (f"del {index}", lambda at: at.__delitem__(index)),
                (f"pop {index}", lambda at: at.pop(index)),
                (f"del {low}:{high}", lambda at: at.__delitem__(slice(low, high))),
                (f"slice {low}:{high}", lambda at: at.__setitem__(slice(low, high), [new, 1])),
                (f"swap {index} {other}", lambda at: swap(at, index, other)),
                ("sort", lambda at: at.sort(key=repr)),
                ("to the end", lambda at: at.append(at.pop(0))),
            ]
        if rng.random() < 0.1:
            choices.append(("clear", lambda at: at.clear()))
        return rng.choice(choices)


def swap(at: Any, left: Any, right: Any) -> None:
    at[left], at[right] = at[right], at[left]


def rename(at: Any, old: Any, new: Any) -> None:
    if not isinstance(at, dict):
        at.rename(old, new)
        return
    entries = [(new if key == old else key, value) for key, value in at.items()]
    at.clear()
    at.update(entries)


def sort_keys(at: Any) -> None:
    if not isinstance(at, dict):
        at.sort(key=str)
        return
    entries = sorted(at.items(), key=lambda entry: str(entry[0]))
    at.clear()
    at.update(entries)


def collections(value: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Every list and dictionary in a value with its path; shared ones where they are first."""
    found: list[tuple[tuple[Any, ...], Any]] = []
    seen: set[int] = set()

    def visit(value: Any, path: tuple[Any, ...]) -> None:
        if not isinstance(value, (list, dict)) or id(value) in seen:
            return
        seen.add(id(value))
        found.append((path, value))
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in entries:
            visit(inner, (*path, key))

    visit(value, ())
    return found


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same, types and the order of keys included."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=True)
        return len(left) == len(right) and all(same(a, b) for a, b in pairs)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, (tuple, set)):
        return repr(left) == repr(right)
    if isinstance(left, yaml.Tagged):
        return left.tag == right.tag and same(left.value, right.value)
    return left == right or left != left


class DifferenceError(AssertionError):
    pass


def edit_once(rng: random.Random, document: yaml.Document) -> str:
    """Make one edit; say whether it was made, refused, or could not be compared."""
    number = rng.randrange(max(1, len(document.documents)))
    text = document.text
    before = list(yaml.load_all(text, duplicates="last"))
    found = collections(before[number]) if before else []
    if not found:
        if number == 0 and not document._is_empty():
            document.root = Edit(rng).new_value()
        elif number == 0:
            document["k"] = 1
        return "made"
    path, value = rng.choice(found)
    name, edit = Edit(rng).make(value)
    view = document.documents[number]
    for step in path:
        view = view[step]
    linked = "&" in text
    try:
        edit(view)
    except yaml.EditError:
        # Swapping is two edits, and moving to the end as well.
        if document.text != text and not name.startswith(("swap", "to the end")):
            raise DifferenceError(f"a refused edit changed the text: {name}\n{text}") from None
        return "refused"
    report = f"{name} at {path}\n--- before\n{text}\n--- after\n{document.text}"
    try:
        after = list(yaml.load_all(document.text, duplicates="error"))
    except yaml.YAMLError as error:
        raise DifferenceError(f"{error}\n{report}") from None
    edit(value)
    check_comments(name, text, document.text, report)
    if linked and not name.startswith(("append", "insert", "extend", "reverse", "sort")):
        # What an anchor stands for changes with it; the value that was edited must still be right.
        for step in path:
            after[number] = after[number][step]
        if not same(after[number], plain(before[number], path)) and "*" not in text:
            raise DifferenceError(report)
        return "made"
    if not all(map(same, after, before)) or len(after) != len(before):
        raise DifferenceError(f"{report}\n--- value\n{after}\n--- expected\n{before}")
    return "made"


def plain(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def check_comments(name: str, before: str, after: str, report: str) -> None:
    """No edit that takes nothing away loses a comment, and none invents one."""
    old, new = comments(before), comments(after)
    if new - old:
        raise DifferenceError(f"comments {new - old} appeared: {report}")
    if name.startswith(("append", "insert", "extend", "reverse", "sort", "rename")) and old - new:
        raise DifferenceError(f"comments {old - new} are gone: {report}")


def comments(text: str) -> set[str]:
    """The comments that the generator wrote, each of which has a number of its own."""
    found = set()
    for word in text.replace("#", " #").replace("# c", "#c").split():
        if word.startswith("#c") and word[2:].isdigit():
            found.add(word)
    return found


def run(seed: int, edits: int) -> dict[str, int]:
    rng = random.Random(seed)
    count = {"made": 0, "refused": 0}
    streams = documents(rng)
    while sum(count.values()) < edits:
        document = yaml.Document(next(streams))
        for _ in range(rng.choice([1, 2, 4, 8])):
            count[edit_once(rng, document)] += 1
    return count


def main() -> None:
    seed, edits = int(sys.argv[1]), int(sys.argv[2])
    print(seed, run(seed, edits))


if __name__ == "__main__":
    main()
