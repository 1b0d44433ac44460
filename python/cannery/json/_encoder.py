"""The encoder of `cannery.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

from cannery._native import json_dumps as dumps
from cannery._native import json_loads as loads
from cannery.json._stdlib import encoder as _encoder


class JSONEncoder:
    """The standard library's encoder: override `default` for types of your own.

    >>> from cannery import json
    >>> class Sets(json.JSONEncoder):
    ...     def default(self, o):
    ...         return sorted(o)
    >>> json.dumps({3, 1}, cls=Sets)
    '[1, 3]'
    """

    item_separator = ", "
    key_separator = ": "

    def __init__(
        self,
        *,
        skipkeys: bool = False,
        ensure_ascii: bool = True,
        check_circular: bool = True,
        allow_nan: bool = True,
        sort_keys: bool = False,
        indent: int | str | None = None,
        separators: tuple[str, str] | None = None,
        default: Callable[[Any], Any] | Literal["rich"] | None = None,
    ) -> None:
        """Keep the options; they are those of `dumps`."""
        self.skipkeys = skipkeys
        self.ensure_ascii = ensure_ascii
        self.check_circular = check_circular
        self.allow_nan = allow_nan
        self.sort_keys = sort_keys
        self.indent = indent
        if separators is not None:
            self.item_separator, self.key_separator = separators
        elif indent is not None:
            self.item_separator = ","
        if default is not None:
            self.default = default  # pyright: ignore[reportAttributeAccessIssue]

    def default(self, o: Any) -> Any:
        """Return something serializable for `o`, or raise `TypeError`."""
        raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")

    def encode(self, o: Any) -> str:
        """Return the JSON text of `o`."""
        if type(self).iterencode is JSONEncoder.iterencode or isinstance(o, str):
            return self._text(o)
        return "".join(self.iterencode(o, _one_shot=True))

    def _text(self, o: Any) -> str:
        return dumps(
            o,
            skipkeys=self.skipkeys,
            ensure_ascii=self.ensure_ascii,
            check_circular=self.check_circular,
            allow_nan=self.allow_nan,
            indent=self.indent,
            separators=(self.item_separator, self.key_separator),
            default=self._default(),
            sort_keys=self.sort_keys,
        )

    def iterencode(self, o: Any, _one_shot: bool = False) -> Iterator[str]:
        """Yield the JSON text of `o` in chunks."""
        if _one_shot or type(self).iterencode is JSONEncoder.iterencode:
            yield self._text(o)
        else:
            # A class that changes the chunks expects one for each token.
            yield from self._tokens(o)

    def _tokens(self, o: Any) -> Iterator[str]:
        """The chunks of the standard library's encoder."""
        stdlib: Any = _encoder.JSONEncoder(
            skipkeys=self.skipkeys,
            ensure_ascii=self.ensure_ascii,
            check_circular=self.check_circular,
            allow_nan=self.allow_nan,
            sort_keys=self.sort_keys,
            indent=self.indent,
            separators=(self.item_separator, self.key_separator),
            default=self._plain,
        )
        return stdlib.iterencode(o)

    def _plain(self, o: Any) -> Any:
        """What the standard library's encoder writes in place of `o`."""
        if self.default == "rich":
            # It is read again as what JSON has.
            return loads(dumps(o, default="rich"))
        if self._default() is None and isinstance(o, Iterator) and not hasattr(o, "read"):
            return list(cast("Iterator[Any]", o))
        return self.default(o)

    def _default(self) -> Callable[[Any], Any] | None:
        """The function for other types; `None` where the built-in error says more."""
        default = self.default
        return None if getattr(default, "__func__", None) is JSONEncoder.default else default


JSONEncoder.__module__ = "cannery.json"
