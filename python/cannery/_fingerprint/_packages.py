"""Versions of installed packages and of what they need, without importing any of them.

`importlib.metadata` answers the same by reading everything that is installed.
"""

from __future__ import annotations

import functools
import re
import sys
from _blake2 import blake2b
from collections.abc import Iterator
from pathlib import Path

_INFO_FOLDERS = (".dist-info", ".egg-info")
# Packages with more files than this say what they need in their metadata.
_MOST_FILES_READ = 64


@functools.cache
def version_of(top: str, site: Path) -> str:
    """Find the version of the package that installed a module into the folder `site`.

    One that was installed from a folder is known by its files, too, since its version stays as it
    is between edits; so is one that says no version.
    """
    info = find_info(top, site)
    if info is None:
        return f"files {_digest_of_files(top, site)}"
    version = _version_in(info)
    if (info / "direct_url.json").is_file():
        version += f" files {_digest_of_record(info)}"
    return version


@functools.cache
def dependencies_of(top: str, site: Path) -> tuple[tuple[str, str], ...]:
    """Find all installed packages that an installed one needs, with their versions."""
    found: dict[str, str] = {}
    pending = [top]
    while pending:
        for name in _direct_dependencies(pending.pop(), site):
            if name != top and name not in found and _is_in(name, site):
                found[name] = version_of(name, site)
                pending.append(name)
    return tuple(sorted(found.items()))


@functools.cache
def find_info(top: str, site: Path, kinds: tuple[str, ...] = _INFO_FOLDERS) -> Path | None:
    """Find the folder that says what is installed as the module `top`."""
    infos = [entry for entry in _entries(site) if entry.suffix in kinds]
    same_name = (info for info in infos if _normal(info.name.partition("-")[0]) == _normal(top))
    owners = (info for info in infos if _installed(info, top))
    return next(same_name, None) or next(owners, None)


@functools.cache
def _entries(site: Path) -> tuple[Path, ...]:
    try:
        entries = sorted(site.iterdir())
    except OSError:
        return ()
    return tuple(entry for entry in entries if entry.suffix in _INFO_FOLDERS)


def _direct_dependencies(top: str, site: Path) -> Iterator[str]:
    info = find_info(top, site)
    required = [] if info is None else _required(_metadata(info))
    if required:
        for name in required:
            yield from _modules_of(name, site)
    else:
        yield from _imported(top, site)


def _required(metadata: str) -> list[str]:
    lines = re.findall(r"^Requires-Dist: *([A-Za-z0-9._-]+)([^\n]*)", metadata, re.MULTILINE)
    return [name for name, rest in lines if "extra ==" not in rest.replace("extra==", "extra ==")]


@functools.cache
def _modules_of(package: str, site: Path) -> tuple[str, ...]:
    """Name the modules of a package: mostly one, that is called as the package is."""
    name = _normal(package)
    if _is_in(name, site):
        return (name,)
    infos = (each for each in _entries(site) if _normal(each.name.partition("-")[0]) == name)
    info = next(infos, None)
    if info is None:
        return ()
    try:
        return tuple((info / "top_level.txt").read_text("utf-8", "replace").split())
    except OSError:
        return (package,)


def _is_in(module: str, site: Path) -> bool:
    place = site / module
    return (
        place.is_dir()
        or place.with_name(f"{module}.py").is_file()
        or any(entry.name.partition("-")[0] == module for entry in _entries(site))
    )


def _imported(top: str, site: Path) -> set[str]:
    """Read which modules a small package imports, if its metadata says nothing of them."""
    files = _files_of(top, site)
    if len(files) > _MOST_FILES_READ:
        return set()
    found: set[str] = set()
    for file in files:
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        found.update(re.findall(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", text, re.MULTILINE))
    return found - sys.stdlib_module_names


def _files_of(top: str, site: Path) -> list[Path]:
    folder = site / top
    if not folder.is_dir():
        return [site / f"{top}.py"]
    return sorted(folder.rglob("*.py"))


def _digest_of_files(top: str, site: Path) -> str:
    hash = blake2b(digest_size=16)
    folder = site / top
    extensions = [*folder.rglob("*.so"), *site.glob(f"{top}.*.so"), *site.glob(f"{top}.so")]
    for file in (*_files_of(top, site), *sorted(extensions)):
        try:
            hash.update(f"{file.relative_to(site)}\0".encode() + file.read_bytes())
        except OSError:
            continue
    return hash.hexdigest()


def _digest_of_record(info: Path) -> str:
    # `RECORD` lists the digests of all files, the other says the commit.
    hash = blake2b(digest_size=16)
    for name in ("RECORD", "direct_url.json"):
        try:
            hash.update((info / name).read_bytes())
        except OSError:
            continue
    return hash.hexdigest()


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _installed(info: Path, top: str) -> bool:
    """Whether a package that is called otherwise installed the module, as `scikit-learn` does."""
    try:
        record = b"\n" + (info / "RECORD").read_bytes()
    except OSError:
        return False
    return any(f"\n{top}{end}".encode() in record for end in ("/", ".py,"))


def _version_in(info: Path) -> str:
    version = re.search(r"^Version: *(.+?) *$", _metadata(info), re.MULTILINE)
    return version[1] if version is not None else info.stem.partition("-")[2]


def _metadata(info: Path) -> str:
    for name in ("METADATA", "PKG-INFO", ""):
        try:
            return (info / name).read_text("utf-8", "replace")
        except OSError:
            continue
    return ""
