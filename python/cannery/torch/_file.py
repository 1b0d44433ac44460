"""Reads one file of one checkpoint."""

from __future__ import annotations

import mmap as _mmap
import os
from pathlib import Path
from typing import Any

from cannery import _native
from cannery.errors import DataError, FileError, NotFoundError, UnpicklingError, UntrustedTypeError
from cannery.pickle._refused import Refused


def load_file(path: Path, weights_only: bool = False, mapped: bool = True) -> Any:
    """Read one file of one checkpoint."""
    return load_buffer(read_buffer(path, mapped), str(path), weights_only)


def read_buffer(path: Path, mapped: bool) -> Any:
    """Map a file privately, or read it."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not mapped or size == 0:
                whole = bytearray(size)
                del whole[file.readinto(whole) :]
                whole += file.read()  # a pipe has no size, and a file may have grown
                return whole
            return _mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_COPY)
    except FileNotFoundError as error:
        raise NotFoundError(*error.args[:2], str(path)) from None
    except OSError as error:
        raise FileError(*error.args[:2], str(path)) from None


def load_buffer(data: Any, name: str | None, weights_only: bool) -> Any:
    """Read the checkpoint in a buffer, which arrays keep alive."""
    from cannery.torch._factory import Factory

    read = _native.torch_read(data, name)
    factory = Factory(data, read.storages(data), weights_only)
    try:
        made = _build(read, data, factory)
        factory.finish()
    except Refused as refused:
        error = UntrustedTypeError(refused.message)
        error.hint = refused.hint
        raise error from None
    except (TypeError, ValueError) as error:
        if isinstance(error, DataError | UnpicklingError):
            raise
        raise UnpicklingError(f"the checkpoint holds what cannot be: {error}") from error
    return made


def _build(read: Any, data: Any, factory: Any) -> Any:
    documents = dict(read.documents)
    if read.layout == "torchscript":
        return _build_script(read, data, factory, documents)
    values = read.build(factory, list(documents.values()))
    members = [name for name, _ in read.members]
    if read.layout == "torchscript before 1.4":
        from cannery.torch._tensors import ScriptModule

        module = ScriptModule(lambda name: _member(read, data, name), members)
        made = dict(zip(documents, values, strict=True))
        module.update(made["state_dict"])
        module.constants = made["constants"]
        return module
    if read.layout == "package":
        from cannery.torch._tensors import Package

        package = Package(lambda name: _member(read, data, name), members)
        package.update(zip(documents, values, strict=True))
        return package
    if read.layout == "pt2":
        from cannery.torch._tensors import ExportedProgram

        program = ExportedProgram(lambda name: _member(read, data, name), members)
        program.update(zip(documents, values, strict=True))
        return program
    return values[0] if len(values) == 1 else values


def _build_script(read: Any, data: Any, factory: Any, documents: dict[str, int]) -> Any:
    from cannery.torch._tensors import ScriptModule

    state = read.script_state(data)
    wanted = [node for _, node in state]
    values = read.build(factory, [*wanted, *documents.values()])
    members = [name for name, _ in read.members]
    module = ScriptModule(lambda name: _member(read, data, name), members)
    for (name, _), value in zip(state, values, strict=False):
        module[name] = value
    others = dict(zip(documents, values[len(wanted) :], strict=True))
    module.module = others.get("data")
    module.constants = others.get("constants", ())
    return module


def _member(read: Any, data: Any, name: str) -> bytes:
    found = read.member(data, name)
    if found is None:
        raise KeyError(name)
    return found


def check_file_name(name: Any) -> None:
    """Refuse what is no plain file name: an index must not lead out of its folder.

    Raises:
        DataError: if it has folders in it.

    """
    is_name = isinstance(name, str) and name not in ("", ".", "..")
    if not is_name or any(mark in name for mark in "/\\:\0"):
        error = DataError(f"{name!r:.200} is no plain file name")
        error.hint = "shards lie in the folder of their index"
        raise error
