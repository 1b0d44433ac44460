"""The names of the standard library's `json.scanner`."""

from __future__ import annotations

from typing import Any

from cannery.json._stdlib import scanner as _scanner

__all__ = ["make_scanner"]

make_scanner = _scanner.make_scanner


def __getattr__(name: str) -> Any:
    return getattr(_scanner, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_scanner)})
