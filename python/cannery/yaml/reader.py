"""Bytes to text, by the name that programs import."""

from cannery._yaml_errors import ReaderError
from cannery._yaml_parse import Reader

__all__ = ["Reader", "ReaderError"]
