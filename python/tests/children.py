"""Code in a process of its own, so that a crash is a failure and no end of the tests."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

# What the children start with. `limited` makes a call with so many megabytes more than there are,
# and says what came of it; `in_thread` makes it in a thread with so many kilobytes of stack.
PRELUDE = """
import cannery, contextlib, gc, io, os, resource, sys, threading
from cannery import cbor, json, jsonl, msgpack, npy, pickle, yaml

def limited(call, megabytes):
    with open("/proc/self/status") as status:
        size = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size + (megabytes << 20), resource.RLIM_INFINITY))
    try:
        call()
    except MemoryError:
        return "MemoryError"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    return "fine"

def in_thread(call, kilobytes):
    outcome = []
    def run():
        try:
            call()
        except Exception as error:
            outcome.append(type(error).__name__)
        else:
            outcome.append("fine")
    threading.stack_size(kilobytes << 10)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    threading.stack_size(0)
    return outcome[0]

def nested(depth, wrap, inside=1):
    for _ in range(depth):
        inside = wrap(inside)
    return inside
"""


def run_child(code: str, *, timeout: float = 300) -> str:
    """Runs the code; gives what it printed, without the space around it."""
    source = PRELUDE + textwrap.dedent(code)
    paths = [str(Path(__file__).parent), *sys.path]
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", source],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert run.returncode == 0, f"status {run.returncode}\n{run.stderr[-4000:]}"
    return run.stdout.strip()
