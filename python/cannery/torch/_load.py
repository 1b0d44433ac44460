"""`torch.load` without PyTorch: files, folders and open files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cannery._places import is_address, local, plain
from cannery.errors import DataError
from cannery.torch._file import check_file_name, load_buffer, load_file

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
    f = plain(f)
    if is_address(f):
        with local(f) as copy:
            return load_file(Path(copy), weights_only, mapped)
    path = Path(os.fsdecode(f))
    if path.is_dir():
        return _load_folder(path, weights_only, mapped)
    if path.name == ".metadata":
        return _load_folder(path.parent, weights_only, mapped)
    if path.name.endswith(_INDEX):
        return _load_shards(path, weights_only, mapped)
    return load_file(path, weights_only, mapped)


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
