"""Loads one file while an audit hook listens; prints what came of it as JSON."""

from __future__ import annotations

import json
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import peak_memory

import cannery.json
import cannery.safetensors
import cannery.torch._distributed  # noqa: F401
from cannery import CanneryError, torch

# What a load may do: look at its file, map it, and import what this library itself needs.
_HARMLESS = ("mmap.", "array.", "sys._getframe", "object.__getattr__", "compile", "import")
_OWN = ("cannery", "ml_dtypes", "numpy", "json", "decimal", "datetime", "_json", "uuid")


def main(path: str) -> None:
    # What any load imports is there before.
    state = {"w": np.arange(3.0)}
    warm = Path(path).parent / "../zip/t2.15-tied.pt"
    torch.load(warm)
    del state
    events: list[str] = []
    is_listening = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not is_listening[0]:
            return
        if event == "open" and str(arguments[0]) == path:
            return
        is_own = event == "import" and str(arguments[0]).partition(".")[0] in _OWN
        if event.startswith(_HARMLESS) and (event != "import" or is_own):
            return
        events.append(f"{event} {arguments!r:.100}")

    sys.addaudithook(hook)
    before = time.process_time()
    error, found = None, []
    try:
        loaded = torch.load(path)
        if isinstance(loaded, dict):
            small = [
                array for array in loaded.values() if getattr(array, "nbytes", 1 << 40) < 1 << 20
            ]
            found = [f"{zlib.crc32(np.ascontiguousarray(array).tobytes()):08x}" for array in small]
    except CanneryError as raised:
        error = type(raised).__name__
    seconds = time.process_time() - before
    is_listening[0] = False
    megabytes = peak_memory.kilobytes() // 1024
    result = {"error": error, "crc32": found, "events": events}
    print(json.dumps({**result, "seconds": seconds, "megabytes": megabytes}))


main(sys.argv[1])
