"""Text to tokens, by the name that programs import."""

from cannery._yaml_errors import ScannerError
from cannery._yaml_parse import Scanner

__all__ = ["Scanner", "ScannerError"]
