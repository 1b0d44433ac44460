"""Files from outside as parameters of a step."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Input:
    """A file or folder and the digest of what is in it.

    A path alone would be the same value after the file changed, and a step that takes it would
    not run again.
    """

    path: Path
    digest: str

    @classmethod
    def of(cls, path: Path) -> Self:
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
        return cls(path, digest.hexdigest())
