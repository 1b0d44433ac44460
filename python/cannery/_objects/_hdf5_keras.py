"""Models of Keras: weights by the names of their layers, configurations as data. Nothing is built.

A `.keras` file is a ZIP of both; `.h5` files hold both in attributes and groups, `.weights.h5`
files weights only.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import IO, Any

from cannery.errors import DataError, LimitError

_DOCUMENTS = ("model_config", "training_config")
_LAYERS = ("layers", "_layer_checkpoint_dependencies")
_MOST_DOCUMENT_BYTES = 256 << 20


class Value:
    """A member that is known already."""

    def __init__(self, value: Any) -> None:
        self.value = value


def texts(group: Any, name: str) -> list[str]:
    """A list of names in an attribute, or in several where it was too long for one."""
    import numpy as np

    names = [name] if name in group.attrs else []
    if not names:
        while f"{name}{len(names)}" in group.attrs:
            names.append(f"{name}{len(names)}")
    found: list[Any] = []
    for one in names:
        value = group.attrs[one]
        if getattr(value, "shape", ()) is not None:
            found += np.atleast_1d(np.asarray(value, object)).tolist()
    return [v.decode("utf-8", "surrogateescape") if isinstance(v, bytes) else str(v) for v in found]


def entries(group: Any) -> dict[str, Any] | None:
    """The members of a group of Keras': names and paths; `None` for other groups."""
    if "model_config" in group.attrs or "model_weights" in group:
        return _model(group)
    if "layer_names" in group.attrs or "layer_names0" in group.attrs:
        return _layers(group)
    if "weight_names" in group.attrs or "weight_names0" in group.attrs:
        return {name: name for name in texts(group, "weight_names")}
    if _is_saved_state(group):
        return _state(group)
    return None


def _model(group: Any) -> dict[str, Any]:
    from cannery import json

    found: dict[str, Any] = {}
    for name in group.attrs:
        value = group.attrs[name]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "surrogateescape")
        if name in _DOCUMENTS and isinstance(value, str):
            value = json.decode(value)
        found[name] = Value(value)
    found.update((name, name) for name in group)
    return found


def _layers(group: Any) -> dict[str, Any]:
    names = texts(group, "layer_names")
    others = [name for name in group if name not in set(names)]
    return {name: name for name in (*names, *others) if name in group}


def _is_saved_state(group: Any) -> bool:
    """Whether a group is what Keras 3 saves of a model or of a layer."""
    if "vars" not in group or not hasattr(group["vars"], "keys"):
        return False
    variables = group["vars"]
    is_named = "name" in variables.attrs
    return is_named or any(name in group for name in _LAYERS) or list(variables) == [
        str(i) for i in range(len(variables))
    ]  # fmt: skip


def _state(group: Any) -> dict[str, Any]:
    """The variables of a layer by their numbers, and the layers in it by their names."""
    found: dict[str, Any] = {name: f"vars/{name}" for name in group["vars"]}
    for name in group:
        if name == "vars" or not hasattr(group[name], "keys"):
            continue
        if name not in _LAYERS:
            found[name] = name
            continue
        names = [_layer_name(group[name][child], child) for child in group[name]]
        is_clear = len(set(names)) == len(names) and not set(names) & set(found)
        for child, known in zip(group[name], names, strict=True):
            found[known if is_clear else child] = f"{name}/{child}"
    return found


def _layer_name(group: Any, name: str) -> str:
    if not hasattr(group, "keys") or "vars" not in group:
        return name
    found = group["vars"].attrs.get("name") if hasattr(group["vars"], "keys") else None
    return found if isinstance(found, str) and found else name


def is_archive(where: Any) -> bool:
    """Whether a file is a `.keras` archive."""
    return str(where).endswith(".keras") and Path(where).is_file() and zipfile.is_zipfile(where)


def load_archive(where: Any, trust: tuple[Any, ...]) -> dict[str, Any]:
    """Read a `.keras` archive: its documents, and its weights by name."""
    from cannery import json

    found: dict[str, Any] = {}
    with zipfile.ZipFile(where) as archive:
        for name in archive.namelist():
            if name.endswith(".json") and "/" not in name:
                found[name[:-5]] = json.decode(_document(archive, name))
        for name in archive.namelist():
            if name.endswith(".weights.h5") and "/" not in name:
                with archive.open(name) as file:
                    known = "weights" if name == "model.weights.h5" else name
                    found[known] = _weights(file, archive.getinfo(name).file_size, trust)
    return found


def _document(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(_MOST_DOCUMENT_BYTES + 1)
    if len(data) > _MOST_DOCUMENT_BYTES:
        raise LimitError(f"`{name}` has more than {_MOST_DOCUMENT_BYTES} bytes")
    return data


def _weights(file: IO[bytes], size: int, trust: tuple[Any, ...]) -> Any:
    from cannery._objects import _hdf5_read

    data = file.read(size + 1)
    if len(data) > size:
        raise DataError("a file of weights is longer than the archive says")
    return _hdf5_read.load(io.BytesIO(data), trust)
