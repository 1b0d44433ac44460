"""Audit events for files that native code opens, as the built-in `open` raises them.

Auditors of the interpreter hear of these files, and so does a step that notes what it reads.
"""

from __future__ import annotations

import os
import sys

from cannery._places import asking, is_address

_STANDARD = "-"


def reading(path: str) -> str:
    """Say that a file is about to be read, and return its path."""
    if is_address(path):
        return asking(path)
    sys.audit("open", 0 if path == _STANDARD else path, "rb", os.O_RDONLY)
    return path


def writing(path: str) -> str:
    """Say that a file is about to be written, and return its path."""
    if is_address(path):
        return asking(path)
    if path != _STANDARD:
        sys.audit("open", path, "wb", os.O_WRONLY | os.O_CREAT)
    return path
