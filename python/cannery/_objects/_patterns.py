"""Patterns of `re`: how much work it is to compile one, before it is compiled."""

from __future__ import annotations

import re
from typing import Any

from cannery._objects._checks import PartError

# About a tenth of a second.
_MOST_WORK = 300_000
_LONGEST = 1 << 16
# What it is to parse and compile one character, in the same unit.
_PER_CHARACTER = 16
# `DEBUG` would print.
_FLAGS = re.ASCII | re.IGNORECASE | re.LOCALE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.UNICODE


class PatternBudget:
    """How much work the patterns of one document may be."""

    def __init__(self) -> None:
        self._left = 10 * _MOST_WORK
        self._known: set[tuple[type, str | bytes, int]] = set()

    def spend(self, pattern: str | bytes, flags: int) -> None:
        """Check one more pattern.

        Raises:
            PartError: if it is too much work to compile it, or to compile it too.

        """
        key = (type(pattern), pattern, int(flags))
        if key in self._known:  # `re` has it, too
            return
        self._left -= _PER_CHARACTER * len(pattern)
        if self._left >= 0:
            self._left -= work_of(pattern, flags)
        if self._left < 0:
            raise PartError("the patterns of the document are too much work to compile")
        self._known.add(key)


def work_of(pattern: str | bytes, flags: int) -> int:
    """How much work it is to compile a pattern, in characters that are gone through.

    A class of characters is expanded, character by character where case is ignored: nine
    characters of text then take a hundredth of a second.

    Raises:
        PartError: if it is more than one pattern may take.

    """
    if flags & ~_FLAGS:
        raise PartError(f"there are no such flags of a pattern: {flags & ~_FLAGS:#x}")
    if len(pattern) > _LONGEST:
        raise PartError(f"a pattern of {len(pattern):,} characters")
    work = _work_of_text(pattern, flags)
    if work > _MOST_WORK:
        raise PartError("a pattern whose groups or branches are too much work")
    import re._parser as parser  # pyright: ignore

    try:
        parsed = parser.parse(pattern, flags)
    except RecursionError:
        raise PartError("a pattern with too many groups in groups") from None
    work += _work(parsed, bool(parsed.state.flags & re.IGNORECASE))
    if work > _MOST_WORK:
        raise PartError("a pattern whose classes of characters are too much work")
    return work


_PARENTHESIS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|[()]", re.DOTALL)
_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x")


def _work_of_text(pattern: str | bytes, flags: int) -> int:
    """What is gone through once for each group around it, and what branches begin with alike."""
    text = pattern if type(pattern) is str else str(pattern, "latin-1")  # type: ignore[arg-type]
    count = text.count("(")
    if count <= 1:
        deepest = count
    elif flags & re.VERBOSE or _VERBOSE.search(text):
        deepest = count  # a comment may hold parentheses that are none
    else:
        depth = deepest = 0
        for found in _PARENTHESIS.finditer(text):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            deepest = max(deepest, depth)
    work = len(text) * max(deepest - 1, 0)
    return work + (len(text) ** 2 >> 13 if "|" in text else 0)


def _work(parsed: Any, ignores_case: bool) -> int:
    """The characters of all ranges; a sixteenth of them where they are not gone through."""
    work = 0
    waiting: list[Any] = [parsed]
    while waiting:
        item: Any = waiting.pop()
        if _is_range(item):
            low, high = item[1]
            work += (high - low) // (1 if ignores_case else 16)
        elif hasattr(item, "data"):
            waiting.extend(item.data)
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
    return work


def _is_range(item: Any) -> bool:
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and str(item[0]) == "RANGE"
        and isinstance(item[1], tuple)
    )
