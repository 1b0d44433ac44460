"""Addresses of services in place of paths: `https://`, `s3://`, `gs://`, `az://`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard
from urllib.parse import unquote, urlsplit

from cannery import _native
from cannery.errors import CanneryError, DataError

# One letter is a drive of Windows; a `Path` is never an address.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(where: Any) -> TypeGuard[str]:
    """Whether `where` names a file that a service keeps."""
    return isinstance(where, str) and _ADDRESS.match(where) is not None


def plain(where: Any) -> Any:
    """Return the path that a `file://` address means; anything else as it is."""
    if isinstance(where, str) and where[:7].lower() == "file://":
        return unquote(urlsplit(where).path, errors="surrogateescape")
    return where


def file_name(where: str | bytes | os.PathLike[Any]) -> str:
    """Return what tells a file's format: of an address the last part of its path, else the path."""
    if is_address(where):
        url = urlsplit(where)
        path = url.netloc + url.path if url.scheme == "memory" else url.path
        return unquote(path.rpartition("/")[2])
    return os.fsdecode(where)


def asking(address: str) -> str:
    """Say that a service is about to be asked for a file, and return its address."""
    sys.audit("cannery.address", address)
    return address


@contextmanager
def local(address: str) -> Iterator[str]:
    """Give the path of a copy; what is open when the block ends can be read on."""
    copy = _native.LocalCopy(asking(address))
    try:
        yield copy.path
    except CanneryError as error:
        error.args = tuple(
            one.replace(copy.path, copy.name) if isinstance(one, str) else one for one in error.args
        )
        raise


def refuse_address(where: Any, doing: str) -> None:
    """Refuse an address where only a path will do."""
    if is_address(where):
        error = DataError(f"{doing} needs a path, not an address")
        error.hint = "copy the file first: `cannery.dump` and `cannery convert` write addresses"
        raise error
