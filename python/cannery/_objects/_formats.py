"""Which format a file is in, by its name or its bytes: what the registry of formats says."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from cannery import _native
from cannery._places import file_name, is_address
from cannery.errors import DataError

# Names of checkpoints of PyTorch end in these, and those of the indexes of sharded models.
_CHECKPOINTS = frozenset({".pt", ".pth", ".ckpt", ".pt2", ".ptl"})
_INDEXES = (".bin.index.json", ".safetensors.index.json")
# `.bin` is the name of anything: ZIP archives and the older streams begin so.
_CHECKPOINT_STARTS = (b"PK\x03\x04", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")

# What is looked at to tell a format.
_START = 4096
# The usual first bytes of JSON, which no other format begins with, or YAML, which says the same.
_JSON_STARTS = (b"{", b"[", b'"')


def is_checkpoint(where: str | bytes | os.PathLike[Any]) -> bool:
    """Whether `where` is a checkpoint of PyTorch, or the index or the folder of a model."""
    path = Path(file_name(where))
    if is_address(where):
        return path.suffix.lower() in _CHECKPOINTS
    if path.suffix.lower() in _CHECKPOINTS or path.name.endswith(_INDEXES):
        return True
    if path.suffix.lower() == ".bin" and path.is_file():
        with path.open("rb") as file:
            return file.read(_START).startswith(_CHECKPOINT_STARTS)
    return path.name == ".metadata" or (
        path.is_dir() and ((path / ".metadata").is_file() or any(path.glob("*.index.json")))
    )


class FileFormat(NamedTuple):
    """A format of files."""

    id: str
    #: Its name for people.
    title: str
    #: Without the dot.
    extensions: tuple[str, ...]
    #: What a file holds, in a few words.
    holds: str
    #: Whether that is any object.
    is_document: bool


@cache
def formats() -> dict[str, FileFormat]:
    """Return the formats by their short names."""
    rows, _ = _native.formats()
    return {
        id: FileFormat(id, title, tuple(extensions), holds, is_document)
        for id, title, extensions, holds, is_document in rows
    }


#: Formats of documents, which hold any object.
DOCUMENTS = frozenset(one.id for one in formats().values() if one.is_document)


@cache
def _compressions() -> frozenset[str]:
    return frozenset(_native.formats()[1])


@cache
def format_of_id(name: str) -> str:
    """Return the short name of a format that is given by it, or by an extension."""
    for format in formats().values():
        if name in (format.id, *format.extensions):
            return format.id
    error = DataError(f"{name!r} is no format")
    error.hint = f"use one of {all_formats()}"
    raise error


def extension_of(name: str | bytes | os.PathLike[Any]) -> tuple[str, str]:
    """Return the extension that says what is inside, and that of the compression around it."""
    endings = [suffix[1:].lower() for suffix in PurePath(file_name(name)).suffixes[-2:]]
    if endings and endings[-1] in _compressions():
        return (endings[0] if len(endings) == 2 else ""), endings[-1]
    return (endings[-1] if endings else ""), ""


def format_of_name(name: str | bytes | os.PathLike[Any]) -> str | None:
    """Return the short name of the format that a file's name tells, if it does."""
    extension, _ = extension_of(name)
    found = (one.id for one in formats().values() if extension in one.extensions)
    return next(found, None)


def format_of_data(data: Any) -> str:
    """Return the short name of the format that bytes look like; text is JSON."""
    if isinstance(data, str) or data[:1] in _JSON_STARTS:
        return "json"
    return _native.format_of_bytes(bytes(memoryview(data).cast("B")[:_START])) or "json"


def all_formats() -> str:
    """Return the short names, for a hint."""
    return ", ".join(sorted(formats()))


def format_of_file(where: Any, default: str | None = None) -> str:
    """Return the short name of the format of a path, or of an open file that has a name.

    Raises:
        DataError: if there is no name, or the name tells no format.

    """
    name = where if isinstance(where, (str, bytes, os.PathLike)) else getattr(where, "name", None)
    if not isinstance(name, (str, bytes, os.PathLike)):
        if default is not None:
            return default
        error = DataError("no format given, and the file has no name to take it from")
        error.hint = f"pass format=, one of {all_formats()}"
        raise error
    found = format_of_name(name)
    if found is None:
        error = DataError(f"the name {os.fsdecode(name)!r} does not say which format it is")
        error.hint = f"pass format=, one of {all_formats()}"
        raise error
    return found
