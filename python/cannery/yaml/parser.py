"""Text to events, by the name that programs import."""

from cannery._yaml_errors import ParserError
from cannery._yaml_parse import Parser

__all__ = ["Parser", "ParserError"]
