"""Mails: what Python's `email` parses is looked at before, for it takes quadratic time."""

from __future__ import annotations

import email
import re
from typing import Any

from cannery._objects._checks import PartError, exact, instance, sequence_of
from cannery._objects._nested import count_nested

Parts = dict[str, Any]


def mail_parts(mail: Any) -> Parts:
    return {"value": mail.as_bytes()}


_LONGEST_HEADER = 1 << 14
_MOST_MARKS = 500
# What Python parses to the last word, in quadratic time; addresses one by one.
_ADDRESSES = frozenset(
    b"""to cc bcc from sender reply-to
    resent-to resent-cc resent-bcc resent-from resent-sender""".split()
)
_STRUCTURED = frozenset(
    b"""content-type content-disposition content-transfer-encoding mime-version message-id date
    orig-date resent-date""".split()
)
_LONGEST_STRUCTURED = 1 << 12
_LONGEST_ADDRESS = 1 << 10
# Lines are looked at once for each part around them.
_MOST_LINES = 5_000_000
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


def _check_mail(data: bytes) -> None:
    """Refuse parts in parts, and headers, that Python's `email` takes quadratic time for."""
    lines, folded = data.splitlines(), data.lower()
    boundaries = folded.count(b"boundary")
    if boundaries > 100 and boundaries * len(lines) > _MOST_LINES:
        raise PartError("a mail of too many parts in parts")
    header = _Header()
    is_header, holds_mails = True, b"message/" in folded
    for line in lines:
        if not line or line.startswith(b"--"):
            is_header = bool(line)
            header = _Header()
        elif line[:1] in (b" ", b"\t") and header.name:
            header.add(line)
        elif is_header or (holds_mails and _FIELD.match(line)):
            header = _Header(line.partition(b":")[0].strip().lower())
            header.add(line)
        else:
            header = _Header()


def check_mail_headers(headers: Any, path: str) -> None:
    """Check the headers of a mail, as pairs of a name and a value."""
    exact(list)(headers, path)
    for at, pair in enumerate(headers):
        exact(tuple, list)(pair, f"{path}[{at}]")
        texts = [part for part in pair if type(part) is str]
        if texts:
            header = _Header(texts[0].strip().lower().encode("utf-8", "replace"))
            header.add(": ".join(texts).encode("utf-8", "replace"))


class _Header:
    """What is known of a header while its lines are gone through."""

    def __init__(self, name: bytes = b"") -> None:
        self.name = name
        self._length = self._marks = self._address = 0

    def add(self, line: bytes) -> None:
        self._length += len(line)
        self._marks += sum(line.count(mark) for mark in (b";", b",", b'"', b"(", b"<"))
        first, *others = line.split(b",") if self.name in _ADDRESSES else [b""]
        longest = max(map(len, others), default=0)
        longest = max(longest, self._address + len(first))
        self._address = len(others[-1]) if others else self._address + len(first)
        most = _LONGEST_STRUCTURED if self.name in _STRUCTURED else _LONGEST_HEADER
        if self._length > most or self._marks > _MOST_MARKS or longest > _LONGEST_ADDRESS:
            raise PartError("a header of a mail that is too long")


def make_mail(parts: Parts) -> Any:
    import email.policy

    _check_mail(parts["value"])
    return email.message_from_bytes(parts["value"], policy=email.policy.default)


def make_old_mail(parts: Parts) -> Any:
    _check_mail(parts["value"])
    return email.message_from_bytes(parts["value"])


def are_mails(value: Any, path: str) -> None:
    """The parts of a mail, which its methods go through as often as they are there."""
    from email.message import Message

    def inner(mail: Any) -> Any:
        payload = vars(mail).get("_payload")
        return payload if type(payload) is list else ()

    sequence_of(instance("email.message", "Message"), list)(value, path)
    count_nested(value, inner, Message)
