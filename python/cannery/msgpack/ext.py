"""`ExtType` and `Timestamp`, by the name of `msgpack.ext`."""

from __future__ import annotations

from cannery.msgpack._ext import ExtType, Timestamp

__all__ = ["ExtType", "Timestamp"]
