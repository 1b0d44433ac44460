"""The fingerprint of a function and of the project's own code that it reaches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cannery._fingerprint._content import UnseenError, digest_of_text, digest_of_value
from cannery._fingerprint._walk import Walk

__all__ = ["Fingerprint", "UnseenError", "digest_of_text", "digest_of_value", "fingerprint"]


@dataclass(frozen=True)
class Fingerprint:
    """Labelled digests of all that a function's result may depend on besides its arguments.

    `parts` maps labels (`function helpers.clean`, `class page.Page`, `variable page.LIMIT`,
    `package numpy`, `python`) to digests or versions; equal parts, equal code.
    """

    parts: dict[str, str]
    #: What could not be seen through, in words for the user.
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
