"""Save any Python object, open it anywhere, run nothing.

Names are looked up when they are first used: `import cannery` reads no format, no pipeline engine
and no third-party package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cannery.errors import CanneryError, UntrustedTypeError

if TYPE_CHECKING:
    from cannery import (
        cbor,
        coco,
        errors,
        hdf5,
        json,
        jsonl,
        materializers,
        msgpack,
        npy,
        pickle,
        protobuf,
        safetensors,
        torch,
        yaml,
    )
    from cannery._artifact import Artifact, value_of
    from cannery._checks._arrays import Columns, DType, Shape
    from cannery._chunks import Chunks, chunks
    from cannery._map import MapSummary, map_chunks
    from cannery._objects import Record, dump, dumps, load, loads, register
    from cannery._scan import scan
    from cannery._session import Run
    from cannery._steps import pipeline, step
    from cannery._store import Store
    from cannery._stream import Stream
    from cannery.materializers import Materializer

    __version__: str
    """The version of this package."""

# Public modules.
_MODULES = frozenset(
    {
        "cbor", "coco", "errors", "hdf5", "json", "jsonl", "materializers", "msgpack", "npy",
        "pickle", "protobuf", "safetensors", "torch", "yaml",
    }
)  # fmt: skip

# Public names and the private modules they live in.
_NAMES = {
    "Record": "_objects",
    "dump": "_objects",
    "dumps": "_objects",
    "load": "_objects",
    "loads": "_objects",
    "register": "_objects",
    "scan": "_scan",
    "Artifact": "_artifact",
    "Chunks": "_chunks",
    "chunks": "_chunks",
    "MapSummary": "_map",
    "map_chunks": "_map",
    "Materializer": "materializers",
    "Run": "_session",
    "Store": "_store",
    "Stream": "_stream",
    "Shape": "_checks._arrays",
    "DType": "_checks._arrays",
    "Columns": "_checks._arrays",
    "value_of": "_artifact",
    "pipeline": "_steps",
    "step": "_steps",
}

__all__ = [
    "Artifact",
    "CanneryError",
    "Chunks",
    "Columns",
    "DType",
    "MapSummary",
    "Materializer",
    "Record",
    "Run",
    "Shape",
    "Store",
    "Stream",
    "UntrustedTypeError",
    "cbor",
    "chunks",
    "coco",
    "dump",
    "dumps",
    "errors",
    "hdf5",
    "json",
    "jsonl",
    "load",
    "loads",
    "map_chunks",
    "materializers",
    "msgpack",
    "npy",
    "pickle",
    "pipeline",
    "protobuf",
    "register",
    "safetensors",
    "scan",
    "step",
    "torch",
    "value_of",
    "yaml",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("cannery._native").version
    if name in _MODULES:
        return import_module(f"cannery.{name}")
    if name in _NAMES:
        value = getattr(import_module(f"cannery.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cannery' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
