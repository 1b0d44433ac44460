"""Peak memory of a piece of code, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

# Linux lets a process set its own high-water mark back: what is read afterwards is the peak of
# `body` alone, the imports and the input already in memory.
_CHILD = """
import gc
def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024
{setup}
gc.collect()
with open("/proc/self/clear_refs", "w") as marks:
    marks.write("5")
before = status("VmRSS")
{body}
print(status("VmHWM") - before)
"""


def peak(setup: str, body: str) -> float:
    """Returns the bytes that `body` needs at its peak beyond what `setup` left in memory."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD.format(setup=setup, body=body)],
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        raise RuntimeError(child.stderr.strip().splitlines()[-1])
    return float(child.stdout)
