"""The refusal of a step while a pickle is being read."""

from __future__ import annotations

from typing import Any

LOOK = (
    'see what it is with `cannery explain`, or load what is data in it with `on_untrusted="record"`'
)


class Refused(Exception):  # noqa: N818 - turned into an error of ours where the offset is known
    """A step that is not taken: its name, and why."""

    def __init__(self, name: str, reason: str, *, is_bomb: bool = False) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason
        self.is_bomb = is_bomb
        #: What was imported up to now; set where it is known.
        self.imported: tuple[str, ...] = ()
        #: The object that was refused when all was read.
        self.value: Any = None

    @property
    def message(self) -> str:
        """Say what was refused."""
        what = "would need far more than it holds" if self.is_bomb else "misuses"
        if self.is_bomb:
            return f"the pickle {what}: `{shown(self.name)}`: {shown(self.reason)}"
        return f"the pickle {what} `{shown(self.name)}`: {shown(self.reason)}"

    @property
    def done(self) -> str:
        """Say what was done before."""
        if not self.imported:
            return "nothing was imported, and nothing but data was built"
        names = "`, `".join(self.imported[:8])
        more = f" and {len(self.imported) - 8} more" if len(self.imported) > 8 else ""
        return f"imported until then: `{names}`{more}; nothing but data was built"

    @property
    def hint(self) -> str:
        """Say what to do."""
        if self.is_bomb:
            return LOOK
        return f'{LOOK}, or, if you know its author, `trust=["{shown(self.name)}"]`'


def bomb(name: str, reason: str) -> Refused:
    """Make the refusal of what would take memory or time that the file does not pay for."""
    return Refused(name, reason, is_bomb=True)


def shown(text: str) -> str:
    """Escape what would steer a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
