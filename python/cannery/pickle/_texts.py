"""Texts that a library would open, evaluate or import: none comes from a file."""

from __future__ import annotations

import re
from typing import Any

from cannery.pickle._refused import Refused

# Attributes of estimators that are paths, and the one value that each may have.
_PATHS = frozenset({"memory", "cache_dir", "filename", "cache_location"})
_DISPATCH = re.compile(r"(\d{1,6}\s*\*\s*)?n_jobs|all|\d{1,9}", re.ASCII)


def check(name: str, text: str) -> None:
    """Refuse a text that names a file.

    Raises:
        Refused: if it does.

    """
    if "dateutil" in text or text.startswith("/") or ".." in text or "//" in text or "\0" in text:
        raise Refused(name, "it is given a text that may name a file")
    if len(text) > 10_000:
        raise Refused(name, "it is given a text longer than any name")


def check_attribute(name: str, key: Any, value: Any) -> None:
    """Refuse attributes of estimators that a method later opens or evaluates.

    Raises:
        Refused: for paths, expressions and names of input files.

    """
    if key in _PATHS and value is not None:
        raise Refused(name, f"its `{key}` is a place of files")
    if key == "pre_dispatch" and type(value) is str and not _DISPATCH.fullmatch(value):
        raise Refused(name, "its `pre_dispatch` is an expression")
    if key == "input" and type(value) is str and value != "content":
        raise Refused(name, "its `input` names files")
