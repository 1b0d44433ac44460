"""Values that steps change while they run: they count as they were before any step ran.

A step that counts its calls in a global variable, or fills a cache, would otherwise never be
found again in a process where it has run. What the pipeline itself changes between steps counts.
"""

from __future__ import annotations

import operator
import time
from types import CellType, FunctionType
from typing import Any

from cannery._fingerprint._content import numbered_digest

# A value that takes longer to look at is taken as it is. In seconds.
_LONGEST_LOOK = 0.005
_SCALARS = (int, float, bool, str, bytes, type(None))

# By place: what a value that steps have changed was before. With the place, so that it lives.
_begins: dict[tuple[int, str], tuple[Any, dict[str, str]]] = {}


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
        self._looked = time.monotonic()

    def look(self, digest: str, codes: list[Any]) -> str:
        """Take note of the digest, and return that of the value before steps changed it."""
        self._is_quick = time.monotonic() - self._looked < _LONGEST_LOOK
        self._seen, self._codes = digest, codes
        known = _begins.get((id(self._scope), self._name))
        self._began = digest if known is None else known[1].get(digest, digest)
        return self._began

    def is_changed(self) -> bool:
        """Whether it is another than when it was last looked at."""
        if not self._is_quick:
            return False
        try:
            value = self._current()
            if self._is_scalar and value is self._value:
                return False
            codes: list[Any] = []
            is_same = numbered_digest(value, codes)[0] == self._seen
            return not is_same or not _are_same(codes, self._codes)
        except (AttributeError, LookupError, RecursionError, ValueError):
            return True

    def note_change_by_step(self) -> None:
        """Take what is another now as what a step made of it."""
        if not self.is_changed():
            return
        try:
            value, codes = self._current(), []
            self._seen, _ = numbered_digest(value, codes)
            self._codes = codes
        except (AttributeError, LookupError, RecursionError, ValueError):
            return
        self._value = value if self._is_scalar else None
        place = id(self._scope), self._name
        _begins.setdefault(place, (self._scope, {}))[1][self._seen] = self._began

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
