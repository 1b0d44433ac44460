"""Models of Keras: weights by the names of their layers, configurations as data. Nothing is built.

A `.keras` file is a ZIP of both; `.h5` files hold both in attributes and groups, `.weights.h5`
files weights only.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

from cannery._objects._hdf5_names import most_expanded
from cannery.errors import DataError, LimitError

_DOCUMENTS = ("model_config", "training_config")
_LAYERS = ("layers", "_layer_checkpoint_dependencies")


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
    known = set(names)
    others = [name for name in group if name not in known]
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
    from cannery._objects import _hdf5_read

    found: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(where) as archive:
            members = _Members(archive, Path(where).stat().st_size)
            for name in members.named(".json"):
                found[name[:-5]] = json.decode(members.read(name))
            for name in members.named(".weights.h5"):
                known = "weights" if name == "model.weights.h5" else name
                found[known] = _hdf5_read.load(io.BytesIO(members.read(name)), trust)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"the archive is damaged: {error}") from error
    return found


class _Members:
    """The members of an archive, which together expand to as much as other files may."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._left = most_expanded(size)

    def named(self, end: str) -> list[str]:
        """Those at the top of the archive whose names end so, each once."""
        names = dict.fromkeys(self._archive.namelist())
        return [name for name in names if name.endswith(end) and "/" not in name]

    def read(self, name: str) -> bytes:
        """All bytes of a member."""
        stated = self._archive.getinfo(name)
        if stated.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"`{name}` is packed as no archive of Keras is")
        if stated.file_size > self._left:
            error = LimitError(f"`{name}` expands to more bytes than the limit allows")
            error.hint = (
                "if it is trusted, name the bytes that it may expand to in the environment "
                "variable `CANNERY_MAX_EXPANDED`"
            )
            raise error
        with self._archive.open(name) as file:
            data = file.read(stated.file_size + 1)
        if len(data) > stated.file_size:
            raise DataError(f"`{name}` is longer than the archive says")
        self._left -= len(data)
        return data
