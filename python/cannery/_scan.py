"""Verdicts on files from strangers: what opening them would do, from their bytes alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any, Literal

from cannery import _native

__all__ = ["FileReport", "Finding", "Report", "Verdict", "scan"]

Verdict = Literal["ok", "unknown", "danger", "skipped", "code"]
Where = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a file is not `ok`."""

    #: How bad it is: `"unknown"` or `"danger"`.
    verdict: Verdict
    #: The name it is about, as in `posix.system`; empty if it is about none.
    name: str
    #: Bytes before it in the file, or in the member of an archive.
    offset: int
    #: The opcode that does it; empty outside of pickles.
    opcode: str
    #: Where in the object: `$.model.steps[1]`.
    path: str
    #: What is known about it, in a sentence.
    reason: str
    #: Where in the archive: `data.pkl`, `inner.zip!data.pkl`; empty for the file itself.
    member: str

    def __str__(self) -> str:
        opcode = f" ({self.opcode})" if self.opcode else ""
        member = f" of {self.member}" if self.member else ""
        return f"{self.reason} at byte {self.offset}{opcode}{member}"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What scanning one file came to."""

    #: Its path; empty for bytes.
    name: str
    #: The worst of its findings; without any, `"ok"` if it was judged and read to its end,
    #: `"skipped"` if no loader would unpickle it, and `"code"` if it is a program.
    verdict: Verdict
    #: What it is, in a few words.
    summary: str
    #: Its length.
    size: int
    #: How many pickles were found in it.
    pickles: int
    #: Why it is not `ok`, the worst first.
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        first = str(self.findings[0]) if self.findings else self.summary
        return _native.printable(f"{self.name or 'bytes'}: {self.verdict}: {first}")

    def _repr_html_(self) -> str:
        return Report((self,))._repr_html_()


@dataclass(frozen=True, slots=True)
class Report:
    """What a scan came to."""

    #: Every file, in the order of its name.
    files: tuple[FileReport, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict; `"unknown"` if there was nothing to judge."""
        verdicts = {file.verdict for file in self.files}
        worst: tuple[Verdict, ...] = ("danger", "unknown", "ok")
        for verdict in worst:
            if verdict in verdicts:
                return verdict
        return "unknown"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all files."""
        return tuple(finding for file in self.files for finding in file.findings)

    def __bool__(self) -> bool:
        """Whether everything is `ok`."""
        return self.verdict == "ok"

    def __str__(self) -> str:
        return "\n".join(str(file) for file in self.files)

    def _repr_html_(self) -> str:
        from cannery import _html

        rows = [
            (
                file.name or "bytes",
                file.verdict,
                file.findings[0] if file.findings else file.summary,
            )
            for file in self.files
        ]
        return _html.table(f"scan: {self.verdict}", ("file", "verdict", "finding"), rows)


def scan(where: Where | Iterable[str | os.PathLike[str]], *, max_unpacked: int = 2 << 30) -> Report:
    r"""Say what opening `where` would do; nothing of it is run, imported or built.

    `where` is a path of a file or a folder (everything below it is scanned), several of them,
    bytes, or a binary file object. Pickles are found in every wrapping people use: several in a
    row, compressed, in joblib's and NumPy's files, in checkpoints of PyTorch of any age, and in
    ZIP, TAR and 7z archives inside of one another, whatever the names and headers claim.

    Verdicts are `"ok"` (data only, read to its end), `"unknown"` (something cannery does not
    know, or could not read) and `"danger"` (something that no data needs and that does harm).
    Files that no loader would unpickle are `"skipped"`, and programs are `"code"`; where there is
    nothing else, the report as a whole is `"unknown"`.
    A file that unpacks to more than `max_unpacked` bytes is `"unknown"`.

    >>> import pickle, cannery
    >>> cannery.scan(pickle.dumps([1, 2])).verdict
    'ok'
    >>> cannery.scan(b"cos\nsystem\n(S'id'\ntR.").verdict
    'danger'
    """
    if isinstance(where, str | os.PathLike):
        return _report(_native.scan_paths([os.fspath(where)], max_unpacked))
    if isinstance(where, bytes | bytearray | memoryview):
        return _report([_native.scan_bytes(bytes(where), max_unpacked)])
    read = getattr(where, "read", None)
    if read is not None:
        return _report([_native.scan_bytes(read(), max_unpacked)])
    return _report(_native.scan_paths([os.fspath(path) for path in where], max_unpacked))  # type: ignore[union-attr]


def _report(files: list[Any]) -> Report:
    return Report(
        tuple(
            FileReport(name, verdict, summary, size, pickles, tuple(Finding(*f) for f in findings))
            for name, verdict, summary, size, pickles, findings in files
        )
    )
