"""Messages of Protobuf: their bytes, and the schema that they are read by."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from cannery import protobuf
from cannery.errors import DataError
from cannery.materializers._base import Materializer

_MESSAGE = "message.binpb"
_SCHEMA = "schema.binpb"
_ABOUT = "message.json"
_SHOWN = 80


class MessageMaterializer(Materializer[Any]):
    """Stores a message as its bytes, with a descriptor set beside it: any Protobuf reads that.

    It is used for what is annotated with a message, and for instances of generated dataclasses.
    """

    format_id = "protobuf.binpb/1"

    def __init__(self, message: protobuf.MessageType | None = None) -> None:
        self.message = message

    def save(self, value: Any, to: Path) -> None:
        """Write the message, its schema, and which of its messages it is."""
        from cannery import json

        message = self._message_of(value)
        (to / _MESSAGE).write_bytes(message.encode(value, deterministic=True))
        (to / _SCHEMA).write_bytes(message.schema.descriptor_set())
        about = {"message": message.name, "dataclass": protobuf.message_of(type(value)) is not None}
        (to / _ABOUT).write_bytes(json.encode(about))

    def load(self, type: Any, at: Path) -> Any:
        """Read the message: as the dataclass asked for, or else as what it was."""
        from cannery import json

        about = json.decode((at / _ABOUT).read_bytes())
        name = about.get("message") if isinstance(about, dict) else None
        if not isinstance(name, str):
            raise DataError(f"`{_ABOUT}` of a stored message does not say which it is")
        data = (at / _MESSAGE).read_bytes()
        wanted = protobuf.message_of(type)
        if wanted is not None and wanted.name == name:
            return wanted.decode(data, type=type)
        message = _stored_schema((at / _SCHEMA).read_bytes())[name]
        return message.decode(data, type=message.dataclass if about.get("dataclass") else dict)

    def metadata(self, value: Any) -> dict[str, Any]:
        """Name the message, and show its fields."""
        message = self._message_of(value)
        fields = message.decode(message.encode(value, partial=True))
        shown = {str(name): _shown(field) for name, field in fields.items()}
        return {"message": message.name, "fields": shown}

    def preview(self, value: Any) -> str:
        """Show the message in the text format."""
        return self._message_of(value).to_text(value)[:400]

    def _message_of(self, value: Any) -> protobuf.MessageType:
        message = self.message or protobuf.message_of(type(value))
        if message is None:
            raise DataError(f"`{type(value).__qualname__}` is no message of a schema")
        return message


def _shown(value: Any) -> str:
    if isinstance(value, dict | list) and len(value) > 1:
        text = f"{len(value)}: {value!r}"
    else:
        text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


@functools.lru_cache(16)
def _stored_schema(data: bytes) -> protobuf.Schema:
    return protobuf.Schema(data)
