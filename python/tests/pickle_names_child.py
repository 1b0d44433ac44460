"""Loads generated pickles in a process of its own, and uses what they hold, under an audit hook.

Reads `{"jobs": [[profile, hex], ...], "at": n}` and prints one JSON line for each job: what came of
it, and what it did that no data does. A job that ends the process is told by its missing line.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import itertools
import json
import os
import resource
import signal
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import Any

import cannery

warnings.simplefilter("ignore")
MEMORY = 512 << 20
SECONDS = 3.0
BAD = ("import", "exec", "open", "compile", "subprocess", "os.", "socket", "ctypes", "shutil",
       "marshal", "pickle.", "urllib", "tempfile", "glob", "code.", "sys.set")  # fmt: skip
# Python itself makes these, also of what is data.
FINE = ("os.listdir", "os.scandir", "object.", "sys.setrecursionlimit", "code.__new__", "marshal")
events: list[str] = []
watching = False


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what data does not do."""
    if watching and event.startswith(BAD) and not event.startswith(FINE):
        if event == "open" and (is_zone(arguments[0]) or is_installed(arguments[0])):
            return
        if event == "import" and is_listed(arguments[0]):
            return
        if event == "exec" and is_installed(getattr(arguments[0], "co_filename", "")):
            return
        # Libraries compile texts of their own; those of the pickles say these words.
        if event in ("compile", "exec") and "__import__" not in str(arguments):
            return
        events.append(f"{event} {str(arguments)[:160]}")


def is_zone(path: Any) -> bool:
    """Whether a file is one of the time zones of the system."""
    return isinstance(path, str) and "/zoneinfo/" in path and ".." not in path


# What the libraries of the tables import when their objects are shown or used.
LISTED = sys.stdlib_module_names | {
    *("cannery", "dateutil", "joblib", "numpy", "pandas", "pyarrow", "pytz", "scipy", "sklearn"),
    *("six", "threadpoolctl", "tzdata"),
}
INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
# The standard library's archive is on the path of every interpreter, and looked for when a library
# makes Python look at its folders again.
ARCHIVE = "python{}{}.zip".format(*sys.version_info)


OWN = str(Path(cannery.__file__).parent)


def is_listed(module: Any) -> bool:
    """Whether a module belongs to a library of the tables, or is imported already."""
    return module in sys.modules or str(module).partition(".")[0] in LISTED


def is_installed(path: Any) -> bool:
    """Whether a file is one of the installed modules."""
    if not isinstance(path, str):
        return False
    is_archive = path in sys.path and path.endswith(f"/{ARCHIVE}")
    return is_archive or path.startswith((*INSTALLED, "/usr/lib/python3", OWN))


def use(value: Any) -> None:
    """Do with a value what programs do with data."""
    steps = [
        lambda: repr(value)[:100],
        lambda: str(value)[:100],
        lambda: bool(value == value),
        lambda: bool(value == 1),
        lambda: hash(value),
        lambda: copy.copy(value),
        lambda: copy.deepcopy(value),
        lambda: list(itertools.islice(iter(value), 50)),
        lambda: value["missing"],
        lambda: value[0],
        lambda: len(value),
        lambda: value.predict([[1.0, 2.0]]),
        lambda: value.transform([[1.0, 2.0]]),
        lambda: value.query([[1.0, 2.0]]),
        lambda: value.random(3),
        lambda: value.toarray().sum(),
        lambda: value.sum(),
        lambda: value + value,
        lambda: vars(value),
    ]
    for step in steps:
        with contextlib.suppress(Exception):
            step()


def space() -> int:
    """Bytes of address space in use."""
    pages = Path("/proc/self/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def late(*_: Any) -> None:
    """Stop a job that takes too long."""
    raise TimeoutError


def attempt(load: Any, profile: str, data: bytes) -> str:
    """Load a pickle, and use what it holds."""
    try:
        value = load(data, profile=profile)
    except TimeoutError:
        events.append("time while loading")
        return "late"
    except MemoryError:
        events.append("memory while loading")
        return "memory"
    except Exception as error:
        return type(error).__name__
    try:
        use(value)
        del value
    except TimeoutError:
        pass  # what a program computes with its data takes the time that it takes
    return "loaded"


def main() -> None:
    """Take the jobs, one after another."""
    global watching
    given = json.load(sys.stdin)
    # What the values print when they are used is no result.
    results = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for module in given["modules"]:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    from cannery import pickle
    from cannery._objects import _record

    del _record
    for data in (
        b"cdatetime\ndate\n(K\x01tR.",
        b"cos\nsystem\n.",
        b"cre\n_compile\n(X\x01\0\0\0aK\x00tR.",
    ):
        with contextlib.suppress(Exception):
            pickle.loads(data, profile="sklearn")
    sys.addaudithook(hook)
    signal.signal(signal.SIGPROF, late)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    folder, environment = Path.cwd(), dict(os.environ)
    for profile, text in given["jobs"]:
        events.clear()
        data = bytes.fromhex(text)
        resource.setrlimit(resource.RLIMIT_AS, (space() + MEMORY, hard))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        watching = True
        outcome = attempt(pickle.loads, profile, data)
        watching = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        if Path.cwd() != folder or dict(os.environ) != environment:
            events.append("the folder or the environment has changed")
        results.write(json.dumps([outcome, events[:5]]) + "\n")


if __name__ == "__main__":
    main()
