"""The command `cannery`, and `python -m cannery`."""

from __future__ import annotations

import sys

from cannery import _native


def main() -> int:
    """Run the command line of this process; return its exit status."""
    return _native.cli_main(["cannery", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
