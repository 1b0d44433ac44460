"""Whether a file is whole."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cannery import _native
from cannery._audit import reading


@dataclass(frozen=True)
class Finding:
    """Something that is damaged, or that could not be checked."""

    name: str
    """The path of the object; `/` for the file itself."""
    offset: int | None
    """The byte of the file where it is, if it is known."""
    what: str


@dataclass(frozen=True)
class Checkup:
    """What of a file is damaged, and how much is whole."""

    damaged: list[Finding]
    """What is damaged, 10,000 findings at most."""
    damaged_count: int
    """How many findings there are."""
    not_checked: list[Finding]
    """What could not be checked, such as chunks with a filter that is not known."""
    whole: list[str]
    """The paths of objects in which nothing is damaged, 100,000 at most."""
    objects: int
    """Groups, datasets and committed datatypes that were looked at."""
    chunks: int
    """Chunks that are whole."""
    chunk_bytes: int
    """The bytes that these chunks take in the file."""

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return self.damaged_count == 0


def fsck(
    path: str | os.PathLike[str],
    *,
    repair_to: str | os.PathLike[str] | None = None,
    threads: int = 0,
) -> Checkup:
    """Check every structure, checksum and chunk that a file's root leads to.

    With `repair_to`, all that is whole is written to a new file, which must not exist. `threads`
    decode chunks; 0 stands for as many as there are processors.

        found = hdf5.fsck("run.h5", repair_to="saved.h5")
        for finding in found.damaged:
            print(finding.name, finding.offset, finding.what)

    Raises:
        OSError: if the file cannot be read, or the new one exists.

    """
    to = None if repair_to is None else os.fsdecode(os.fspath(repair_to))
    found = _native.hdf5_check(reading(os.fsdecode(os.fspath(path))), to, threads)

    def findings(parts: list[tuple[bytes, int | None, str]]) -> list[Finding]:
        return [Finding(_text(name), offset, what) for name, offset, what in parts]

    return Checkup(
        findings(found["damaged"]),
        found["damaged_count"],
        findings(found["not_checked"]),
        [_text(name) for name in found["whole"]],
        found["groups"] + found["datasets"] + found["datatypes"],
        found["chunks"],
        found["chunk_bytes"],
    )


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
