"""A data set as its file has it."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass, field
from typing import IO, Any

from cannery import json
from cannery.errors import DataError

Row = dict[str, Any]
Where = str | os.PathLike[str] | IO[bytes] | IO[str]

_LISTS = ("images", "annotations", "categories")


@dataclass
class Dataset:
    """Images, annotations and categories, as lists of the file's own maps."""

    images: list[Row] = field(default_factory=list)
    annotations: list[Row] = field(default_factory=list)
    categories: list[Row] = field(default_factory=list)
    more: Row = field(default_factory=dict)
    """Everything else in the file: `info`, `licenses`."""

    def of_image(self) -> dict[Any, list[Row]]:
        """Group the annotations by image; an image without any has an empty list."""
        groups: dict[Any, list[Row]] = {image["id"]: [] for image in self.images}
        for annotation in self.annotations:
            groups.setdefault(annotation["image_id"], []).append(annotation)
        return groups


def loads(data: bytes | str) -> Dataset:
    """Read a data set from JSON.

    Raises:
        ValueError: if it is no JSON, or no data set; see `check` for what else may be wrong.

    """
    # The collector waits: the first object after `decode` would set off a search of all.
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        return _dataset_of(json.decode(data.encode() if isinstance(data, str) else data))
    finally:
        if is_enabled:
            gc.enable()


def _dataset_of(document: Any) -> Dataset:
    if not isinstance(document, dict):
        raise _no_dataset("a map of lists", document)
    more = {name: value for name, value in document.items() if name not in _LISTS}
    images, annotations, categories = (_rows(document, name) for name in _LISTS)
    return Dataset(images, annotations, categories, more)


def load(where: Where) -> Dataset:
    """Read a data set from a file, as `loads`."""
    if isinstance(where, (str, os.PathLike)):
        with open(where, "rb") as file:  # noqa: PTH123  any path-like
            return loads(file.read())
    return loads(where.read())


def dumps(dataset: Dataset) -> bytes:
    """Write a data set as JSON, in the order of the original files."""
    lists = {name: getattr(dataset, name) for name in _LISTS}
    return json.encode({**dataset.more, **lists})


def dump(dataset: Dataset, where: Where) -> None:
    """Write a data set to a file."""
    data = dumps(dataset)
    if isinstance(where, (str, os.PathLike)):
        with open(where, "wb") as file:  # noqa: PTH123  any path-like
            file.write(data)
    elif hasattr(where, "encoding"):
        where.write(data.decode())  # pyright: ignore[reportArgumentType, reportCallIssue]
    else:
        where.write(data)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _rows(document: Row, name: str) -> list[Row]:
    rows = document.get(name, [] if name == "annotations" else None)
    if not isinstance(rows, list):
        raise _no_dataset(f"a list `{name}`", rows)
    key = "image_id" if name == "annotations" else "id"
    bad = next((at for at, row in enumerate(rows) if type(row) is not dict or key not in row), None)
    if bad is not None:
        raise _bad_row(rows[bad], f"{name}[{bad}]", key)
    return rows


def _bad_row(row: Any, path: str, key: str) -> DataError:
    if not isinstance(row, dict):
        return _no_dataset(f"a map as `{path}`", row)
    return _no_dataset(f"`{key}` in `{path}`", None)


def _no_dataset(expected: str, found: Any) -> DataError:
    what = "nothing" if found is None else type(found).__name__
    error = DataError(f"expected {expected}, found {what}")
    error.hint = "a COCO file is a map with the lists `images`, `annotations` and `categories`"
    return error
