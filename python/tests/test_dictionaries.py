"""Dictionaries that are made with their tables, as the interpreter makes its own."""

import gc
import random
import sys

import pytest

from cannery import json, msgpack, yaml

SIZES = [*range(1, 12), 20, 21, 22, 42, 43, 84, 85, 86, 170, 171, 300, 5000, 21845, 21846, 50000]


def plain(count: int, seed: int) -> dict[str, object]:
    rng = random.Random(seed)
    keys = {
        f"k{rng.randrange(10**9)}" if rng.random() < 0.9 else f"é{rng.random()}"
        for _ in range(count)
    }
    return {key: rng.choice([number, None, [number], {}]) for number, key in enumerate(keys)}


def used(made: dict[str, object], rng: random.Random) -> dict[str, object]:
    """Do with a dictionary what programs do."""
    keys = list(made)
    for key in rng.sample(keys, len(keys) // 3):
        del made[key]
        assert key not in made
    for number in range(len(keys) // 2 + 3):
        made[f"new {number}"] = number
    made[7] = made[(1, "a")] = "no text"
    made.update(dict.fromkeys(keys[:5], "again"))
    made.setdefault(keys[0], "there")
    made.popitem()
    assert all(made[key] is value for key, value in made.items())
    copy = {**made}
    assert copy == made
    assert list(copy) == list(made)
    made.clear()
    made["a"] = 1
    assert made == {"a": 1}
    return copy


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", [json, msgpack], ids=lambda form: form.__name__)
def test_what_is_read_is_used_as_any_dictionary(size: int, form):
    expected = plain(size, size)
    document = form.encode(expected)
    # The second and third time by a template, where records have one.
    for seed in range(3):
        made = form.decode(document)
        assert made == expected
        assert list(made) == list(expected)
        assert all(made[key] == expected[key] for key in expected)
        assert "not there" not in made
        assert used(made, random.Random(seed)) == used(dict(expected), random.Random(seed))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="made by the interpreter there")
def test_the_table_is_as_large_as_the_interpreters():
    for size in (3, 5, 6, 10, 11, 100, 1000):
        expected = plain(size, 1)
        grown = {}
        grown.update(expected)
        assert sys.getsizeof(json.decode(json.encode(expected))) <= sys.getsizeof(grown)


def test_records_of_many_shapes():
    rng = random.Random(5)
    keys = [f"key_{number}" for number in range(40)]
    rows = [dict.fromkeys(rng.sample(keys, rng.randrange(1, 12)), 1) for _ in range(5000)]
    assert json.decode(json.encode(rows)) == rows
    assert msgpack.decode(msgpack.encode(rows)) == rows
    assert [list(row) for row in json.decode(json.encode(rows))] == [list(row) for row in rows]
    some = rows[:300]
    assert yaml.load(yaml.dump(some)) == some


@pytest.mark.parametrize("count", [1, 2, 6, 100, 400])
def test_a_key_that_comes_twice_keeps_its_place_and_its_last_value(count: int):
    names = [f"name {number}" for number in range(count)]
    entries = [(name, number) for number, name in enumerate([*names, names[0], *names[::2]])]
    text = "{" + ", ".join(f'"{name}": {number}' for name, number in entries) + "}"
    for _ in range(3):
        assert list(json.loads(text).items()) == list(dict(entries).items())


def test_only_what_holds_containers_is_known_to_the_collector():
    assert not gc.is_tracked(json.decode(b'{"a": 1, "b": "x"}'))
    assert gc.is_tracked(json.decode(b'{"a": 1, "b": [1]}'))


def test_texts_and_records_that_never_come_again_are_not_kept():
    def document(seed: int) -> bytes:
        rng = random.Random(seed)
        return json.encode([{f"{rng.random()}": f"{rng.randrange(10**8)}"} for _ in range(3000)])

    for seed in range(30):
        assert json.encode(json.decode(document(seed))) == document(seed)
