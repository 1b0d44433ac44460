"""The fingerprint of a function and of the project's own code that it reaches."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cannery._fingerprint._content import UnseenError, digest_of_value
from cannery._fingerprint._walk import Walk

__all__ = [
    "Fingerprint",
    "ValueFingerprint",
    "fingerprint",
    "fingerprint_classes",
    "fingerprint_value",
]

# Types whose `repr` says all, and no two of which have a `repr` in common.
_SHOWN = (int, str, bool, float, type(None))
_LONGEST_SHOWN = 100


@dataclass(frozen=True)
class Fingerprint:
    """Labelled digests of all that a function's result may depend on besides its arguments.

    `parts` maps labels (`function helpers.clean`, `class page.Page`, `variable page.LIMIT`,
    `package numpy`, `python`) to digests or versions; equal parts, equal code.
    """

    parts: dict[str, str]
    #: What could not be seen through, in words for the user.
    blind_spots: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValueFingerprint:
    """What a parameter is: a short text or a digest, and the code that comes with it."""

    text: str
    parts: dict[str, str]
    blind_spots: tuple[str, ...] = ()


def fingerprint(function: Callable[..., Any]) -> Fingerprint:
    """Fingerprint a function as it is loaded now.

    Comments, docstrings, formatting and places in a file do not count, nor do the annotations of
    functions; the bodies of functions and classes, defaults, closures, constants, dispatch tables
    and the versions of installed packages do.
    """
    walk = Walk()
    walk.run(function)
    walk.parts["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Fingerprint(walk.parts, tuple(walk.blind_spots))


def fingerprint_classes(classes: Iterable[type]) -> dict[str, str]:
    """Fingerprint classes, with all that their methods reach."""
    walk = Walk()
    for cls in classes:
        walk.run(cls)
    return walk.parts


def fingerprint_value(value: Any) -> ValueFingerprint:
    """Fingerprint a parameter by its typed content: `1` is not `"1"`.

    A value that keeps its content to itself (an open file) gets a text of its own every time.
    """
    if type(value) in _SHOWN:
        text = repr(value)
        if len(text) <= _LONGEST_SHOWN:
            return ValueFingerprint(text, {})
    walk = Walk()
    try:
        digest = digest_of_value(value, walk.visit)
    except UnseenError as unseen:
        return ValueFingerprint(os.urandom(16).hex(), {}, (str(unseen),))
    walk.run_pending()
    return ValueFingerprint(digest, walk.parts, tuple(walk.blind_spots))
