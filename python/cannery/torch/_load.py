"""`torch.load` without PyTorch: files, folders and open files."""

from __future__ import annotations

import mmap as _mmap
import os
from pathlib import Path
from typing import Any

from cannery import _native
from cannery.errors import DataError, FileError, NotFoundError, UnpicklingError, UntrustedTypeError
from cannery.pickle._refused import Refused

_INDEX = ".index.json"


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    arrays: str = "numpy",
) -> Any:
    """Read a checkpoint; nothing in it is imported, called or run.

    `f` is a path, a binary file, the index of a sharded model, or the folder of a distributed
    checkpoint. Tensors come as NumPy arrays, those of the types that NumPy lacks as `ml_dtypes` has
    them, or as they are stored; tensors that share memory share it here. They lie in a private
    memory map of the file, so that nothing is read before it is looked at and writing to them
    leaves the file alone; with `mmap=False` the file is read at once. Objects of classes that are
    not data are `cannery.Record`s, or with `weights_only=True` an error.

    `map_location` is accepted: arrays are always in the memory of the computer. `arrays="torch"`
    makes PyTorch's tensors, if it is installed. `pickle_module` must be left out.

    Raises:
        UntrustedTypeError: if the file names what does harm.
        DataError: if it is damaged, or no checkpoint.
        LimitError: for bombs.

    """
    del map_location
    if pickle_module is not None:
        raise TypeError("`pickle_module` would run what the file says: leave it out")
    if arrays not in ("numpy", "torch"):
        raise ValueError(f"`arrays` is 'numpy' or 'torch', not {arrays!r}")
    loaded = _load_any(f, bool(weights_only), mmap is not False)
    if arrays == "torch":
        from cannery.torch._to_torch import to_torch

        return to_torch(loaded)
    return loaded


def _load_any(f: Any, weights_only: bool, mapped: bool) -> Any:
    if hasattr(f, "read"):
        return load_buffer(bytearray(f.read()), None, weights_only)
    path = Path(os.fspath(f))
    if path.is_dir():
        return _load_folder(path, weights_only, mapped)
    if path.name == ".metadata":
        return _load_folder(path.parent, weights_only, mapped)
    if path.name.endswith(_INDEX):
        return _load_shards(path, weights_only, mapped)
    return load_file(path, weights_only, mapped)


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
    if read.layout == "pt2":
        from cannery.torch._tensors import ExportedProgram

        members = [name for name, _ in read.members]
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


# Several files.


def _load_shards(index: Path, weights_only: bool, mapped: bool) -> dict[str, Any]:
    from cannery import json

    with index.open("rb") as file:
        listed = json.decode(file.read())
    names = listed.get("weight_map") if isinstance(listed, dict) else None
    if not isinstance(names, dict):
        raise DataError(f"{index} has no `weight_map`: it is no index of a sharded model")
    for file_name in names.values():
        check_file_name(file_name)
    loaded: dict[str, Any] = {}
    for file_name in sorted(set(names.values())):
        shard = _load_shard(index.parent / file_name, weights_only, mapped)
        loaded.update((name, shard[name]) for name in shard if names.get(name) == file_name)
    for name in names.keys() - loaded.keys():
        raise DataError(f"{index} says that {name!r} is in {names[name]}, which lacks it")
    return loaded


def _load_shard(path: Path, weights_only: bool, mapped: bool) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        from cannery import safetensors

        return safetensors.load_file(path)
    shard = load_file(path, weights_only, mapped)
    if not isinstance(shard, dict):
        raise DataError(f"{path} holds no dictionary of tensors")
    return shard


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


def _load_folder(path: Path, weights_only: bool, mapped: bool) -> Any:
    if (path / ".metadata").is_file():
        from cannery.torch._distributed import load_distributed

        return load_distributed(path, weights_only, mapped)
    indexes = sorted(path.glob(f"*{_INDEX}"))
    if len(indexes) == 1:
        return _load_shards(indexes[0], weights_only, mapped)
    found = [
        file
        for pattern in ("pytorch_model*.bin", "model*.safetensors")
        for file in sorted(path.glob(pattern))
    ]
    if len(found) == 1:
        return _load_shard(found[0], weights_only, mapped)
    error = DataError(f"{path} is no distributed checkpoint, and no folder of one sharded model")
    error.hint = "name the file, or the index of the sharded model"
    raise error
