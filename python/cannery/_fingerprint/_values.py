"""Values that steps change while they run: they count as they were before any step ran.

A step that counts its calls in a global variable, or fills a cache, would otherwise never be
found again in a process where it has run. What the pipeline itself changes between steps counts.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from types import CellType, FunctionType
from typing import Any

from cannery._fingerprint._content import numbered_digest

# A value with more parts (or kibibytes) is taken as it is: looking again takes milliseconds.
_MOST_WORK = 4096
_SCALARS = (int, float, bool, str, bytes, type(None))

# Whether what `lru_cache` remembers is looked at again: workers remember things of their own.
follows_memos = True
_MOST_PLACES = 4096
# By place: what a value that steps have changed was before. With the place, so that it lives.
_begins: dict[tuple[int, str], tuple[Any, dict[str, str]]] = {}
# By place: what steps had read when they left something there, for other steps to find.
_read_for: dict[tuple[int, str], tuple[Any, dict[str, str]]] = {}


class Variable:
    """A variable that the code of a run reaches: where it is kept, and how it was last seen."""

    def __init__(self, scope: Any, name: str, value: Any) -> None:
        self._scope = scope
        self._name = name
        self._value = value if isinstance(value, _SCALARS) else None
        self._is_scalar = isinstance(value, _SCALARS)
        self._seen = ""
        self._codes: list[Any] = []
        self._began = ""
        self._is_quick = True
        # What it remembers is not seen.
        self._is_memo = type(value).__name__ == "_lru_cache_wrapper"

    def look(self, digest: str, codes: list[Any], work: int) -> str:
        """Take note of the digest, and return that of the value before steps changed it.

        `work` is how much there was to digest.
        """
        self._is_quick = work <= _MOST_WORK
        self._seen, self._codes = digest, codes
        known = _begins.get(self._place)
        self._began = digest if known is None else known[1].get(digest, digest)
        return self._began

    def is_changed(self) -> bool:
        """Whether it is another than when it was last looked at."""
        if not self._is_quick or (self._is_memo and not follows_memos):
            return False
        try:
            value = self._current()
            if self._is_scalar and value is self._value:
                return False
            codes: list[Any] = []
            is_same = numbered_digest(value, codes).digest == self._seen
            return not is_same or not _are_same(codes, self._codes)
        except (AttributeError, LookupError, RecursionError, ValueError):
            return True

    def note_change_by_step(self, seen: Iterable[tuple[str, str]]) -> None:
        """Take what is another now as what a step made of it, which had `seen` things outside.

        A loader that remembers what it has read is not seen to read it for the next step.
        """
        for places in (_begins, _read_for):
            if len(places) > _MOST_PLACES:
                places.clear()
        is_changed = self.is_changed()
        if is_changed or self._is_memo:
            _read_for.setdefault(self._place, (self._scope, {}))[1].update(seen)
        if not is_changed:
            return
        try:
            value, codes = self._current(), []
            self._seen = numbered_digest(value, codes).digest
            self._codes = codes
        except (AttributeError, LookupError, RecursionError, ValueError):
            return
        self._value = value if self._is_scalar else None
        _begins.setdefault(self._place, (self._scope, {}))[1][self._seen] = self._began

    def read_by_others(self) -> Mapping[str, str]:
        """Return what steps had seen outside that have left something here."""
        return _read_for.get(self._place, (None, {}))[1]

    @property
    def _place(self) -> tuple[int, str]:
        return id(self._scope), self._name

    def _current(self) -> Any:
        scope, name = self._scope, self._name
        if isinstance(scope, dict):
            return scope[name]
        if isinstance(scope, CellType):
            return scope.cell_contents
        if isinstance(scope, FunctionType) and name in ("", "keyword"):
            return scope.__kwdefaults__ if name else scope.__defaults__
        return vars(scope)[name]


def _are_same(codes: list[Any], others: list[Any]) -> bool:
    return len(codes) == len(others) and all(map(operator.is_, codes, others))
