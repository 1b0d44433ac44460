"""Asynchronous steps: run to their end, in an event loop of their own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")


def finished(value: Any) -> Any:
    """Wait for what an asynchronous function returned; return everything else as it is.

    What an asynchronous generator yields is iterated over.
    """
    if inspect.iscoroutine(value):
        return _in_own_loop(lambda: asyncio.run(value))
    if isinstance(value, AsyncIterator):
        return _items(value)
    return value


def _items(values: AsyncIterator[Any]) -> Iterator[Any]:
    with asyncio.Runner() as runner:
        while True:
            try:
                item = _in_own_loop(lambda: runner.run(_awaited(anext(values))))
            except StopAsyncIteration:
                return
            yield item


async def _awaited(value: Awaitable[_T]) -> _T:
    return await value


def _in_own_loop(run: Callable[[], _T]) -> _T:
    """Run an event loop; in another thread if this one is in the middle of one, as in notebooks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    outcome: list[Any] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.extend((True, context.run(run)))
        except BaseException as error:
            outcome.extend((False, error))

    thread = threading.Thread(target=work, name="cannery event loop")
    thread.start()
    thread.join()
    if not outcome[0]:
        raise outcome[1]
    return outcome[1]
