"""Which names are those of secrets: what they stand for is not shown."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?i)(secret|token|passw|passphrase|credential|private|api_?key|apikey|auth|(^|_)key$|dsn$)"
)


def is_secret(name: str) -> bool:
    """Whether a variable, field or file of this name may hold a secret."""
    return _SECRET.search(name) is not None
