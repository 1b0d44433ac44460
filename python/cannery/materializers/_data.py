"""Python's own types and plain classes: text, bytes, and everything else as tagged JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cannery
from cannery.materializers._base import Materializer
from cannery.materializers._trust import trusted_classes

_TYPE_TAG = re.compile(rb'"\$type":\s*"([^"\\]+)"')


class TextMaterializer(Materializer[str]):
    """Stores text as a UTF-8 file."""

    format_id = "text.txt/1"

    def save(self, value: str, to: Path) -> None:
        """Write the text; lone surrogates are kept."""
        (to / "text.txt").write_bytes(value.encode("utf-8", "surrogatepass"))

    def load(self, type: type[str], at: Path) -> str:
        """Read the text."""
        return (at / "text.txt").read_bytes().decode("utf-8", "surrogatepass")

    def metadata(self, value: str) -> dict[str, Any]:
        """Count the characters."""
        return {"characters": len(value)}

    def preview(self, value: str) -> str:
        """Show how the text begins."""
        return value[:400]


class BytesMaterializer(Materializer[bytes]):
    """Stores bytes as a file."""

    format_id = "bytes.bin/1"

    def save(self, value: bytes, to: Path) -> None:
        """Write the bytes."""
        (to / "data.bin").write_bytes(value)

    def load(self, type: type[bytes], at: Path) -> bytes:
        """Read the bytes."""
        return (at / "data.bin").read_bytes()


class DataMaterializer(Materializer[Any]):
    """Stores containers, scalars, dataclasses and plain objects as one tagged JSON document."""

    format_id = "data.json/1"

    def save(self, value: Any, to: Path) -> None:
        """Write the document."""
        (to / "data.json").write_bytes(cannery.dumps(value, format="json"))

    def load(self, type: type[Any], at: Path) -> Any:
        """Read the document; only classes that the caller trusts are made again."""
        data = (at / "data.json").read_bytes()
        names = {name.decode() for name in _TYPE_TAG.findall(data)}
        return cannery.loads(data, format="json", trust=trusted_classes(names))

    def metadata(self, value: Any) -> dict[str, Any]:
        """Count the items of a container."""
        return (
            {"items": len(value)} if isinstance(value, (list, tuple, dict, set, frozenset)) else {}
        )

    def preview(self, value: Any) -> str:
        """Show how the value begins."""
        return repr(value)[:400]
