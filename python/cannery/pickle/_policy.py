"""What the caller of `load` vouches for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cannery import _native
from cannery._objects._trust import Trust, names_of
from cannery.errors import UntrustedTypeError

PROFILES = ("data", "numpy", "pandas", "scipy", "sklearn", "torch")


class Policy:
    """Finds what the caller named; refuses what nobody may vouch for."""

    def __init__(self, trust: Iterable[Any] | str | type = ()) -> None:
        items = [trust] if isinstance(trust, (str, type)) else list(trust)
        self.profiles = [item for item in items if isinstance(item, str) and item in PROFILES]
        named = [item for item in items if item not in self.profiles]
        self._trust = Trust(named)
        # Objects that the caller handed over, under all the names they go by.
        self._given = {
            name for item in named if hasattr(item, "__qualname__") for name in names_of(item)
        }

    def find(self, module: str, name: str) -> Any:
        """The class or function, if the caller vouches for it; else `None`.

        Raises:
            UntrustedTypeError: if the caller did, but nobody may.

        """
        full_name = f"{module}.{name}"
        what = _native.pickle_danger(module, name)
        if what is not None:
            if full_name in self._given or self._trust.matches(full_name):
                raise _forbidden(full_name, what)
            return None
        return self._trust.find(full_name)


def _forbidden(name: str, what: str) -> UntrustedTypeError:
    error = UntrustedTypeError(f"the pickle names {name!r}, which {what}: nobody may vouch for it")
    error.hint = 'load what is data in it with on_untrusted="record"'
    return error
