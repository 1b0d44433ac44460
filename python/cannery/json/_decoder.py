"""The decoder of `cannery.json`, and its error."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from cannery import _native
from cannery.errors import CanneryError
from cannery.json._stdlib import decoder as _decoder
from cannery.json._stdlib import scanner as _scanner

_WHITESPACE = re.compile(r"[ \t\n\r]*")
_CONSTANTS = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}
_constant = _CONSTANTS.__getitem__


class JSONDecodeError(CanneryError, _decoder.JSONDecodeError):
    """A document that is not JSON: `msg`, `doc`, `pos`, `lineno`, `colno`, and a `hint`."""


class JSONDecoder:
    """The standard library's decoder, with a policy for duplicate keys and a limit of depth.

    >>> from cannery import json
    >>> json.JSONDecoder().raw_decode("[1] and more")
    ([1], 3)
    """

    def __init__(
        self,
        *,
        object_hook: Callable[[dict[str, Any]], Any] | None = None,
        parse_float: Callable[[str], Any] | None = None,
        parse_int: Callable[[str], Any] | None = None,
        parse_constant: Callable[[str], Any] | None = None,
        strict: bool = True,
        object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
        duplicates: str = "last",
        depth: int = 1024,
    ) -> None:
        """Keep the hooks.

        `object_hook` is called with every `dict`, `object_pairs_hook` (which wins) with every
        object's list of pairs, `parse_float`, `parse_int` and `parse_constant` with the text of
        numbers and of `NaN`, `Infinity`, `-Infinity`. With `strict=False`, control characters may
        stand in strings. `duplicates` is `"last"`, `"first"` or `"error"`.
        """
        self.object_hook = object_hook
        self.parse_float: Callable[[str], Any] = parse_float or float
        self.parse_int: Callable[[str], Any] = parse_int or int
        self.parse_constant: Callable[[str], Any] = parse_constant or _constant
        self.strict = strict
        self.object_pairs_hook = object_pairs_hook
        self.duplicates = duplicates
        self.depth = depth
        self.memo: dict[str, str] = {}
        # What the scanners of the standard library ask for.
        self.parse_object = _decoder.JSONObject  # pyright: ignore[reportAttributeAccessIssue]
        self.parse_array = _decoder.JSONArray  # pyright: ignore[reportAttributeAccessIssue]
        self.parse_string = _decoder.scanstring  # pyright: ignore[reportAttributeAccessIssue]

    def __getattr__(self, name: str) -> Any:
        """The scanner of the standard library; one that is set is used instead of our own."""
        if name == "scan_once":
            return _scanner.make_scanner(cast("Any", self))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def decode(self, s: str, _w: Callable[[str, int], re.Match[str]] = _WHITESPACE.match) -> Any:  # pyright: ignore[reportArgumentType]
        """Return the value of the document `s`."""
        if not isinstance(s, str):
            raise TypeError(f"expected str, not {type(s).__name__}")
        is_own = type(self).raw_decode is JSONDecoder.raw_decode
        if is_own and "scan_once" not in self.__dict__:
            return _native.json_read(s, *self._settings())
        value, end = self.raw_decode(s, idx=_w(s, 0).end())
        end = _w(s, end).end()
        if end != len(s):
            raise JSONDecodeError("Extra data", s, end)
        return value

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        """Return the value of the document that begins at `idx`, and the index where it ends."""
        try:
            if "scan_once" in self.__dict__:
                return self.scan_once(s, idx)
            return _native.json_read_prefix(s, idx, *self._settings())
        except StopIteration as stop:
            raise JSONDecodeError("Expecting value", s, stop.value) from None

    def _settings(self) -> tuple[Any, ...]:
        return (
            self.object_hook,
            None if self.parse_float is float else self.parse_float,
            None if self.parse_int is int else self.parse_int,
            None if self.parse_constant is _constant else self.parse_constant,
            self.object_pairs_hook,
            bool(self.strict),
            self.duplicates,
            self.depth,
        )


JSONDecodeError.__module__ = "cannery.json"


JSONDecoder.__module__ = "cannery.json"
