"""Which version of the code a pipeline runs, as Git knows it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

# A repository on a slow disk shall not hold a run up.
_PATIENCE = 5.0


def code_version(function: Any) -> str | None:
    """Return the commit of the project that a function belongs to, with `-dirty` if files differ.

    Nothing where it is in no repository, or there is no Git.
    """
    code = getattr(function, "__code__", None)
    file = Path("" if code is None else code.co_filename)
    folder = file.parent if file.is_absolute() and file.is_file() else Path.cwd()
    if not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() or None
