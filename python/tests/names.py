"""Names of test cases that are the same in every process: pytest-xdist wants them so."""

import re

# An address, or what a set holds: it lies in another order under another seed of hashes.
_BY_CHANCE = re.compile(r" at 0x[0-9a-fA-F]+|(?<=\{)[^{}:]*(?=\})")


def lasting(value: object) -> str:
    """Return a short text for the value."""
    return _BY_CHANCE.sub("", ascii(value))[:60]
