"""Values that steps change while they run: they count as they were before any step ran.

A step that counts its calls in a global variable, or fills a cache, would otherwise never be
found again in a process where it has run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any

from cannery._fingerprint._content import numbered_digest

# A value that takes longer to look at is taken as it is. In seconds.
_LONGEST_LOOK = 0.005

# By place: what a value that steps have changed was before. With the place, so that it lives.
_begins: dict[tuple[int, str], tuple[Any, dict[str, str]]] = {}


@dataclass
class _Begun:
    """A variable as it was when the run reached it."""

    where: tuple[Any, str]
    began: float
    digest: str = ""
    is_quick: bool = True

    def settle(self, digest: str) -> str:
        """Take note of the digest, and return that of the value before steps changed it."""
        self.is_quick = time.monotonic() - self.began < _LONGEST_LOOK
        scope, name = self.where
        known = _begins.get((id(scope), name))
        if known is not None:
            digest = known[1].get(digest, digest)
        self.digest = digest
        return digest


class Variables:
    """The variables that the code of one run reaches."""

    def __init__(self) -> None:
        self._begun: list[_Begun] = []

    def begin(self, where: tuple[Any, str], value: Any) -> _Begun:
        """Take note of a variable before its value is looked at."""
        begun = _Begun(where, time.monotonic())
        if not isinstance(value, (FunctionType, type)):
            self._begun.append(begun)
        return begun

    def note_changes(self) -> None:
        """Find the variables that the steps have changed since."""
        for begun in self._begun:
            if begun.is_quick:
                _note_change(begun)
        self._begun.clear()


def _note_change(begun: _Begun) -> None:
    scope, name = begun.where
    try:
        now, _ = numbered_digest(_value_at(scope, name))
    except (RecursionError, LookupError, ValueError):
        return
    if now != begun.digest:
        _begins.setdefault((id(scope), name), (scope, {}))[1][now] = begun.digest


def _value_at(scope: Any, name: str) -> Any:
    if isinstance(scope, dict):
        return scope[name]
    if isinstance(scope, CellType):
        return scope.cell_contents
    if isinstance(scope, FunctionType) and name in ("", "keyword"):
        return scope.__kwdefaults__ if name else scope.__defaults__
    return vars(scope)[name]
