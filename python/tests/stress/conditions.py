"""What makes trouble more likely, each as a context in which calls are made."""

from __future__ import annotations

import contextlib
import gc
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .world import Cycle, worlds


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """Nothing but what the value does itself."""
    yield


@contextlib.contextmanager
def collections() -> Iterator[None]:
    """A collection at every allocation of a container, with something to collect."""
    gc.set_threshold(1, 1, 1)
    Cycle()
    try:
        yield
    finally:
        gc.set_threshold(700, 10, 10)


@contextlib.contextmanager
def tracing() -> Iterator[None]:
    """A function of Python's at every call and line."""

    def trace(frame: Any, event: str, argument: Any) -> Any:
        if worlds and worlds[-1].random.random() < 0.02:
            worlds[-1].disturb()
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)


@contextlib.contextmanager
def signals() -> Iterator[None]:
    """A handler between any two opcodes, every millisecond."""

    def handler(number: int, frame: Any) -> None:
        if worlds:
            worlds[-1].disturb()

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def threads() -> Iterator[None]:
    """Seven more threads that change the same values, and take turns as often as they can."""
    stop = threading.Event()

    def disturb() -> None:
        while not stop.wait(0.0005):
            if worlds:
                worlds[-1].disturb()

    sys.setswitchinterval(1e-6)
    others = [threading.Thread(target=disturb, daemon=True) for _ in range(7)]
    for thread in others:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in others:
            thread.join()
        sys.setswitchinterval(0.005)


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Room for a few megabytes more than there are."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        size = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size + (6 << 20), resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


@contextlib.contextmanager
def failing_allocations() -> Iterator[None]:
    """The interpreter's allocators fail once, for a random allocation.

    Once, for PyO3 needs memory to say that there was none; where it gets none either, it aborts.
    """
    try:
        import _testcapi
    except ImportError:
        yield
        return
    start = worlds[-1].random.randrange(200) if worlds else 50
    _testcapi.set_nomemory(start, start + 1)
    try:
        yield
    finally:
        _testcapi.remove_mem_hooks()


@contextlib.contextmanager
def small_stack() -> Iterator[None]:
    """Calls are made in a thread with a small stack: see `run_in`."""
    yield


CONDITIONS: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    function.__name__: function
    for function in (
        plain,
        collections,
        tracing,
        signals,
        threads,
        little_memory,
        failing_allocations,
        small_stack,
    )
}


def run_in(condition: str, work: Callable[[], None]) -> None:
    """Does the work, in a thread of 256 KiB of stack where the condition says so."""
    if condition != "small_stack":
        work()
        return
    threading.stack_size(256 << 10)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
