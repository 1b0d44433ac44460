"""How files are named so that a project can be moved or copied: relative to it where they are."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path, PurePath

_PROJECT = "{project}"
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg", "requirements.txt")
# Folders that hold more than a project.
_NEVER = frozenset({"/", "/home", "/tmp", "/root", "/usr", "/var", "/opt", "/mnt", "/data"})


@functools.lru_cache(maxsize=1024)
def root_of(file: str) -> str:
    """Find the folder of the project that a file of code belongs to."""
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100  links stay as they are
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    for each in (folder, *folder.parents):
        if is_too_wide(str(each)):
            break
        if any((each / mark).exists() for mark in _MARKS):
            return str(each)
    return str(folder)


def is_too_wide(folder: str) -> bool:
    """Whether a folder is that of a user or a system, rather than of a project."""
    return folder in _NEVER or folder == os.path.expanduser("~")  # noqa: PTH111  of a text


# The file of the program that a worker process works for; `None` for one without.
main_file: str | None = ""


def is_worker() -> bool:
    """Whether this process does steps of a run that is another process's."""
    return main_file != ""


def file_of_main() -> str | None:
    """Return the file of the program that this process runs, or works for."""
    if main_file != "":
        return main_file
    return getattr(sys.modules.get("__main__"), "__file__", None)


def arguments_of_program() -> list[str]:
    """Return the arguments of the program; those of the command `cannery` are not its own."""
    program = sys.argv[0] if sys.argv else ""
    is_command = os.path.basename(program) == "cannery"  # noqa: PTH119
    return [] if is_command or program.startswith(_PACKAGE) else sys.argv[1:]


_PACKAGE = str(Path(__file__).parent.parent) + os.sep


def main_root() -> str:
    """Find the folder of the project that this process runs."""
    file = file_of_main()
    return root_of(file if file else os.path.join(current_folder(), "-"))  # noqa: PTH118


def current_folder() -> str:
    """Return the current folder, without a look at it that would be noted."""
    try:
        return _getcwd()
    except OSError:
        return "/"


_getcwd = os.getcwd


def described_path(path: PurePath) -> str:
    """Describe a path among values, the same wherever the project is."""
    return named(str(path), main_root())


def named(path: str, root: str) -> str:
    """Name an absolute path relative to the project in `root`, if it is in there."""
    if path == root:
        return _PROJECT
    return f"{_PROJECT}{path[len(root) :]}" if path.startswith(root + os.sep) else path


def located(name: str, root: str) -> str:
    """Find the path of a name: in the project, or from the current folder."""
    if name.startswith(_PROJECT):
        return root + name[len(_PROJECT) :]
    return os.path.normpath(os.path.join(current_folder(), name))  # noqa: PTH118
