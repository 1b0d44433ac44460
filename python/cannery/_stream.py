"""What a generator step gave: items that were stored chunk by chunk, and are read so."""

from __future__ import annotations

import contextvars
from bisect import bisect_right
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from itertools import accumulate
from typing import Any, TypeVar, Union, get_args, get_origin, overload

from cannery._checks import alternatives, plain

_T_co = TypeVar("_T_co", covariant=True)

_ONE_SHOT = (Iterator, Generator)
_ASYNC = (AsyncIterator, AsyncGenerator, AsyncIterable)
_STREAMS = (*_ONE_SHOT, *_ASYNC, Iterable)


class Stream(Sequence[_T_co]):
    """The items that a generator step yielded, which are read chunk by chunk.

    It can be iterated over again and again, has a length, and `stream[1000:2000]` reads the chunks
    in which these items are. Of the chunks one is held in memory at a time.
    """

    def __init__(self, counts: Sequence[int], read: Callable[[int], Sequence[Any]]) -> None:
        self._ends = list(accumulate(counts))
        self._read = read
        # The trust that its reader has given.
        self._context = contextvars.copy_context()
        self._last: tuple[int, Sequence[Any]] | None = None
        self._check: Callable[[int, Any], None] | None = None

    def checked(self, check: Callable[[int, Any], None]) -> Stream[_T_co]:
        """Return the same stream, each item of which is looked at when it is read."""
        other: Stream[_T_co] = Stream.__new__(Stream)
        other.__dict__.update(self.__dict__)
        other._check = check
        return other

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[_T_co]:
        number = 0
        for chunk in range(len(self._ends)):
            for item in self._chunk(chunk):
                yield self._seen(number, item)
                number += 1

    @overload
    def __getitem__(self, index: int) -> _T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[_T_co]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self._at(number) for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"item {index} of a stream of {len(self)}")
        return self._at(number)

    def _at(self, number: int) -> Any:
        chunk = bisect_right(self._ends, number)
        before = self._ends[chunk - 1] if chunk else 0
        return self._seen(number, self._chunk(chunk)[number - before])

    def _seen(self, number: int, item: Any) -> Any:
        if self._check is not None:
            self._check(number, item)
        return item

    def _chunk(self, chunk: int) -> Sequence[Any]:
        if self._last is None or self._last[0] != chunk:
            self._last = None  # not two at a time
            # A context can be entered once at a time, and threads may share a stream.
            self._last = (chunk, self._context.copy().run(self._read, chunk))
        return self._last[1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Stream, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"<stream of {len(self)} items>"


def is_stream(value: Any, annotation: Any) -> bool:
    """Say whether a value is stored chunk by chunk.

    A generator is; another iterator where the annotation says that the step gives one.
    """
    if isinstance(value, (Stream, Generator)):
        return True
    return isinstance(value, Iterator) and _class_of(annotation) in _STREAMS


def item_type(annotation: Any) -> Any:
    """Return the type of the items of a stream or a container."""
    arguments = get_args(_wanted(annotation))
    return arguments[0] if arguments else Any


def is_asynchronous(annotation: Any) -> bool:
    """Say whether a type is of what is iterated over with `async for`."""
    return _class_of(annotation) in _ASYNC


def types_of_stream(annotation: Any, wanted: Any) -> Any:
    """Return what the output of a generator step can be had as; other types as they are."""
    if _class_of(annotation) not in (*_ONE_SHOT, *_ASYNC):
        return annotation
    item = item_type(annotation)
    if is_asynchronous(_wanted(wanted)):
        return AsyncIterator[item]
    return Union[  # noqa: UP007  computed
        list[item], tuple[item, ...], set[item], frozenset[item], Iterator[item]
    ]


def as_type(stream: Stream[Any], annotation: Any) -> Any:
    """Return a stream as what an argument is annotated with."""
    wanted = _class_of(_wanted(annotation))
    if wanted in (list, tuple, set, frozenset):
        return wanted(stream)
    if wanted in _ONE_SHOT:
        return (item for item in stream)
    return _asynchronously(stream) if wanted in _ASYNC else stream


def _wanted(annotation: Any) -> Any:
    """Return the alternative of a union that a stream can be, where there is but one."""
    annotation = plain(annotation)
    options = [plain(each) for each in alternatives(annotation)]
    streams = [each for each in options if get_args(each) or each in (list, tuple, set, Any)]
    return streams[0] if len(streams) == 1 else annotation


def _class_of(annotation: Any) -> Any:
    annotation = plain(annotation)
    return get_origin(annotation) or annotation


async def _asynchronously(stream: Stream[Any]) -> AsyncGenerator[Any, None]:
    for item in stream:
        yield item
