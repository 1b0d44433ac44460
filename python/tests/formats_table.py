"""The table of formats, as the registry has them."""

from __future__ import annotations

from cannery import _native


def table() -> list[str]:
    """Return the rows of the table of formats in `docs/command.md`."""
    rows, _ = _native.formats()
    return [
        f"| `{id}` | {' '.join(f'`.{each}`' for each in extensions)} | {holds} |"
        for id, _, extensions, holds, _ in rows
    ]
