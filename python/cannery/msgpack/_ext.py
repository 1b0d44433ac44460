"""Extension types and moments in time, as the package `msgpack` has them."""

from __future__ import annotations

import datetime
from collections import namedtuple


class ExtType(namedtuple("ExtType", "code data")):
    """An extension: a `code` from 0 to 127 and its `data`.

    >>> from cannery import msgpack
    >>> msgpack.unpackb(msgpack.packb(msgpack.ExtType(5, b"x")))
    ExtType(code=5, data=b'x')
    """

    __slots__ = ()

    def __new__(cls, code: int, data: bytes) -> ExtType:
        """Check both."""
        if not isinstance(code, int):
            raise TypeError("code must be int")
        if not isinstance(data, bytes):
            raise TypeError("data must be bytes")
        if not 0 <= code <= 127:
            raise ValueError("code must be 0~127")
        return super().__new__(cls, code, data)


class Timestamp:
    """A moment in time: whole seconds since 1970-01-01T00:00:00Z, and nanoseconds after them.

    >>> from cannery import msgpack
    >>> msgpack.unpackb(msgpack.packb(msgpack.Timestamp(1, 500)))
    Timestamp(seconds=1, nanoseconds=500)
    """

    __slots__ = ("nanoseconds", "seconds")

    seconds: int
    """Negative before 1970."""

    nanoseconds: int
    """Below 1,000,000,000."""

    def __init__(self, seconds: int, nanoseconds: int = 0) -> None:
        """Check both."""
        if not isinstance(seconds, int):
            raise TypeError("seconds must be an integer")
        if not isinstance(nanoseconds, int):
            raise TypeError("nanoseconds must be an integer")
        if not 0 <= nanoseconds < 10**9:
            raise ValueError("nanoseconds must be a non-negative integer less than 999999999.")
        self.seconds = seconds
        self.nanoseconds = nanoseconds

    def __repr__(self) -> str:
        return f"Timestamp(seconds={self.seconds}, nanoseconds={self.nanoseconds})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return False
        return self.seconds == other.seconds and self.nanoseconds == other.nanoseconds

    def __hash__(self) -> int:
        return hash((self.seconds, self.nanoseconds))

    @staticmethod
    def from_bytes(b: bytes) -> Timestamp:
        """Decode the data of an extension of code -1: 4, 8 or 12 bytes."""
        if len(b) == 4:
            return Timestamp(int.from_bytes(b, "big"))
        if len(b) == 8:
            word = int.from_bytes(b, "big")
            return Timestamp(word & (1 << 34) - 1, word >> 34)
        if len(b) == 12:
            return Timestamp(
                int.from_bytes(b[4:], "big", signed=True), int.from_bytes(b[:4], "big")
            )
        raise ValueError("Timestamp type can only be created from 32, 64, or 96-bit byte objects")

    def to_bytes(self) -> bytes:
        """Encode as the data of an extension of code -1, in the shortest form."""
        if self.seconds >> 34:
            whole = self.seconds.to_bytes(8, "big", signed=True)
            return self.nanoseconds.to_bytes(4, "big") + whole
        word = self.nanoseconds << 34 | self.seconds
        return word.to_bytes(8 if word >> 32 else 4, "big")

    @staticmethod
    def from_unix(unix_sec: float) -> Timestamp:
        """Make one from seconds, with a fraction."""
        return Timestamp(int(unix_sec // 1), int((unix_sec % 1) * 10**9))

    def to_unix(self) -> float:
        """Return the seconds, with a fraction."""
        return self.seconds + self.nanoseconds / 1e9

    @staticmethod
    def from_unix_nano(unix_ns: int) -> Timestamp:
        """Make one from nanoseconds."""
        return Timestamp(*divmod(unix_ns, 10**9))

    def to_unix_nano(self) -> int:
        """Return the nanoseconds since 1970."""
        return self.seconds * 10**9 + self.nanoseconds

    def to_datetime(self) -> datetime.datetime:
        """Return a `datetime` in UTC, which has microseconds only."""
        since = datetime.timedelta(seconds=self.seconds, microseconds=self.nanoseconds // 1000)
        return _EPOCH + since

    @staticmethod
    def from_datetime(dt: datetime.datetime) -> Timestamp:
        """Make one from a `datetime`; a naive one is taken for local time."""
        since = (dt.astimezone() if dt.tzinfo is None else dt) - _EPOCH
        return Timestamp(since.days * 86400 + since.seconds, since.microseconds * 1000)


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

for _class in (ExtType, Timestamp):
    _class.__module__ = "cannery.msgpack"
