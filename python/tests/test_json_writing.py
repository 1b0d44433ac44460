"""What is special about writing JSON: texts of every width, floats in company, memory."""

from __future__ import annotations

import gc
import json as stdlib
import random
import sys

import pytest

from cannery import json

#: Characters of every width in memory, those that must be escaped, and lone surrogates.
CHARACTERS = ['"', "\\", "\n", "\x01", "\0", "a", "\x7f", "é", "ÿ", "Ā", "日", "\ud800", "語", "😀"]

OPTIONS = [
    {},
    {"ensure_ascii": False},
    {"ensure_ascii": False, "separators": (",", ":")},
    {"ensure_ascii": False, "separators": (" ,  ", "  : ")},
]


def check(value: object) -> None:
    for options in OPTIONS:
        ours, theirs = json.dumps(value, **options), stdlib.dumps(value, **options)
        assert ours == theirs
        # As wide as it must be, and fit for what texts are used for.
        assert sys.getsizeof(ours) == sys.getsizeof("".join(list(theirs)))
        assert hash(ours) == hash(theirs)
        assert ours + "é😀" == theirs + "é😀"


@pytest.mark.parametrize("widest", range(1, len(CHARACTERS) + 1))
def test_texts_of_any_width_and_length(widest: int) -> None:
    make = random.Random(widest)
    for length in [*range(70), 1000, 10_000]:
        texts = ["".join(make.choices(CHARACTERS[:widest], k=length)) for _ in range(3)]
        check([*texts, "plain", 17, {texts[0]: texts[1], "plain": texts[2]}])


@pytest.mark.parametrize("escaped", ['"', "\n", "\x01"])
@pytest.mark.parametrize("wide", ["é", "日", "😀"])
def test_a_text_of_which_nearly_all_is_escaped(escaped: str, wide: str) -> None:
    for place in range(40):
        check([escaped * place + wide + escaped * 5000, "a" * place, wide * place])


@pytest.mark.parametrize("wide", ["é", "日", "😀"])
def test_a_long_document_that_becomes_wide_at_its_end(wide: str) -> None:
    rows = [{"id": number, "name": f"row {number}"} for number in range(2000)]
    check([*rows, wide])
    check([wide, *rows])


def floats(make: random.Random, count: int) -> list[float]:
    return [make.uniform(-200, 200) * 10.0 ** make.choice((0, 0, 0, -9, 17)) for _ in range(count)]


def test_lists_of_floats() -> None:
    make = random.Random(3)
    for count in range(50):
        numbers = floats(make, count)
        check(numbers)
        for place in range(0, count, 7):
            check(
                [*numbers[:place], make.choice([1, None, "é", [], 0.0, 5e-324]), *numbers[place:]]
            )


def test_rows_of_floats() -> None:
    make = random.Random(4)
    for count in range(1, 12):
        for rows in (1, 2, 7, 8, 9, 40):
            table: list = [floats(make, count) for _ in range(rows)]
            check(table)
            check({"table": [table, tuple(table)]})
            table.insert(make.randrange(rows + 1), make.choice([[], [1.5, 2], [0.5], ["x"], 3]))
            check(table)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_float_that_json_lacks_among_others(bad: float) -> None:
    for place in range(20):
        numbers = [0.5] * 20
        numbers[place] = bad
        for value in (numbers, [numbers[:10], numbers[10:]], [[1.5, 2.5], [bad, 1.5]]):
            assert json.dumps(value) == stdlib.dumps(value)
            with pytest.raises(ValueError, match=r"not JSON compliant|JSON has no"):
                json.encode(value)


def test_rows_count_as_a_level() -> None:
    rows = [[0.5, 1.5], [2.5, 3.5]]
    assert json.encode(rows, depth=2) == b"[[0.5,1.5],[2.5,3.5]]"
    with pytest.raises(RecursionError):
        json.encode(rows, depth=1)


def test_strings_stay_as_they_are() -> None:
    texts = ["é" * 1000, "日" * 1000, "😀" * 1000]
    before = [sys.getsizeof(text) for text in texts]
    json.encode([texts, dict.fromkeys(texts, 1)])
    json.dumps(texts)
    json.dumps([texts, dict.fromkeys(texts, 1)], ensure_ascii=False)
    assert [sys.getsizeof(text) for text in texts] == before


def test_memory_does_not_grow() -> None:
    rows = [{"é": "日本語" * 100, "b": ['"' * 500 + "😀", 1.5, [0.5, 1.5]]}] * 3

    def growth() -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(500):
            json.dumps(rows, ensure_ascii=False)
            json.dumps([*rows, "é" * 3], ensure_ascii=False, separators=(",", ":"))
            with pytest.raises(TypeError):
                json.dumps([*rows, object()], ensure_ascii=False)
        gc.collect()
        return sys.getallocatedblocks() - before

    # The interpreter's own caches settle in some round; a leak is in every one.
    assert min(growth() for _ in range(4)) < 50
