"""What the caller of `load` trusts."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from cannery import _native
from cannery._objects._trust import Trust
from cannery.errors import UntrustedTypeError
from cannery.pickle._refused import shown

PROFILES = ("data", "numpy", "pandas", "scipy", "sklearn", "torch")
_WILDCARDS = "*?["


class Policy:
    """Finds what the caller named; refuses what may not be trusted."""

    def __init__(self, trust: Iterable[Any] | str | type = ()) -> None:
        items = [trust] if isinstance(trust, (str, type)) else list(trust)
        self.profiles = [item for item in items if isinstance(item, str) and item in PROFILES]
        named = [item for item in items if item not in self.profiles]
        self._trust = Trust(named)
        self._given = {id(item): item for item in named if not isinstance(item, str)}
        self._patterns = [item for item in named if isinstance(item, str)]
        #: Modules that were imported because the caller named them.
        self.imported: list[str] = []

    def find(self, module: str, name: str, in_table: bool = False) -> Any:
        """The class or function, if the caller trusts it; else `None`.

        Raises:
            UntrustedTypeError: if the caller named it, but it may not be trusted.

        """
        full_name = f"{module}.{name}"
        exact = full_name in self._patterns
        what = _native.pickle_danger(module, name)
        if what is not None:
            if exact or self._is_given(module, name) or self._matches(full_name):
                raise _forbidden(full_name, what)
            return None
        if in_table and not exact and not self._is_given(module, name):
            # Its own rules let more of it be read than trust in a class of this kind would.
            return None
        is_named = exact or self._is_given(module, name)
        if not is_named and not (self._matches(full_name) and self._is_known(module)):
            return None
        if "__main__" in module.split(".") and not self._is_given(module, name):
            return None
        return self._found(full_name)

    def _found(self, full_name: str) -> Any:
        before = set(sys.modules)
        found = self._trust.find(full_name)
        self.imported += sorted(set(sys.modules) - before)[:20]
        if isinstance(found, type) and hasattr(found, "__del__"):
            raise _forbidden(full_name, "has a finalizer that runs when the object is dropped")
        return found

    def _is_given(self, module: str, name: str) -> bool:
        """Whether the caller handed this class or function over itself."""
        return any(
            getattr(item, "__qualname__", None) == name
            and getattr(item, "__module__", None) in (module, "__main__")
            for item in self._given.values()
        )

    def _matches(self, full_name: str) -> bool:
        return self._trust.matches(full_name)

    def _is_known(self, module: str) -> bool:
        """Whether a module is imported already, or is the one that stands before a wildcard."""
        if module in sys.modules:
            return True
        return any(module == _before_wildcard(pattern) for pattern in self._patterns)


def _before_wildcard(pattern: str) -> str:
    first = min((at for at in map(pattern.find, _WILDCARDS) if at >= 0), default=len(pattern))
    return pattern[:first].rpartition(".")[0]


def _forbidden(name: str, what: str) -> UntrustedTypeError:
    error = UntrustedTypeError(
        f"the pickle names '{shown(name)}', which {what}: it cannot be trusted"
    )
    error.hint = 'load what is data in it with on_untrusted="record"'
    return error
