"""The standard library's `json`, taken hold of before a program puts this package in its place."""

from __future__ import annotations

import json
import json.decoder
import json.encoder
import json.scanner
from json import detect_encoding

decoder = json.decoder
encoder = json.encoder
scanner = json.scanner
version: str = getattr(json, "__version__", "2.0.9")

__all__ = ["decoder", "detect_encoding", "encoder", "scanner", "version"]
