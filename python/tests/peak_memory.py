"""How much memory a process has held."""

import resource
from pathlib import Path

STATUS = Path("/proc/self/status")


def kilobytes() -> int:
    """Return the most memory that this process has held, in kB.

    Linux's `ru_maxrss` begins with what the parent held when this process was started: a child of a
    large test run could take all of that unseen.
    """
    if STATUS.exists():
        return int(STATUS.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
