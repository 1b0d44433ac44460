"""Small tables for notebooks. Whatever they show is escaped: names and texts come from files."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from cannery import _native

#: Characters of a cell that are shown.
_MAX_CELL = 200


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table."""
    head = "".join(f"<th>{_escaped(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{_escaped(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _escaped(value: object) -> str:
    text = _native.printable("" if value is None else str(value))
    return html.escape(text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}…")
