"""No short word that a reader of YAML takes for something else is written without quotes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from cannery import yaml

# The characters that numbers and dates are made of; letters that stand for all others are few.
CHARACTERS = "0189_+-.:eExob"
LENGTH = 4


def plain_words(length: int, characters: str = CHARACTERS) -> list[str]:
    """Every word of up to that many characters that `dump` leaves as it is."""
    words = [
        "".join(letters)
        for count in range(1, length + 1)
        for letters in itertools.product(characters, repeat=count)
    ]
    lines = yaml.dump(words, width=float("inf")).splitlines()
    assert len(lines) == len(words)
    return [word for word, line in zip(words, lines, strict=True) if line == f"- {word}"]


@pytest.fixture(scope="module")
def words() -> list[str]:
    return [*plain_words(LENGTH), *plain_words(5, "0_+.x1e")]


def test_pyyaml_takes_no_plain_word_for_a_number(words: list[str]) -> None:
    pyyaml = pytest.importorskip("yaml")
    rules = pyyaml.SafeLoader.yaml_implicit_resolvers
    wrong = [
        word
        for word in words
        if any(rule.match(word) for _, rule in [*rules.get(word[0], ()), *rules.get(None, ())])
    ]
    assert wrong == []


@pytest.mark.parametrize("version", [(1, 1), (1, 2)])
def test_ruamel_takes_no_plain_word_for_a_number(
    words: list[str], version: tuple[int, int]
) -> None:
    resolver = pytest.importorskip("ruamel.yaml.resolver")
    rules: dict[str, list[Any]] = {}
    for versions, _, rule, first in resolver.implicit_resolvers:
        for character in first if version in versions else ():
            rules.setdefault(character, []).append(rule)
    wrong = [word for word in words if any(rule.match(word) for rule in rules.get(word[0], ()))]
    assert wrong == []


def test_every_word_is_read_back_under_each_schema(words: list[str]) -> None:
    text = yaml.dump(words)
    for schema in ("core", "1.1", "json", "failsafe"):
        assert yaml.load(text, schema=schema) == words


def test_pyyaml_and_we_agree_on_every_short_word() -> None:
    pyyaml = pytest.importorskip("yaml")
    for count in (1, 2, 3):
        for letters in itertools.product("01_+-.:x", repeat=count):
            word = "".join(letters)
            try:
                theirs = pyyaml.safe_load(f"[{word}]")
            except Exception:
                continue
            try:
                ours = yaml.safe_load(f"[{word}]")
            except yaml.YAMLError:
                continue
            assert repr(ours) == repr(theirs), word
