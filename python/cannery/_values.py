"""Values to stored files and back, through their materializers.

The items of an output annotated `tuple[A, B]`, or of a named tuple, are stored each by its own
materializer: in folders `0`, `1`, ... beside a `parts.json` that says what they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cannery._artifact import items_of
from cannery.errors import DataTypeError
from cannery.materializers._data import DataMaterializer, classes_in
from cannery.materializers._registry import materializer_for, materializer_of_format
from cannery.materializers._trust import find_class, full_name

if TYPE_CHECKING:
    from cannery import _native
    from cannery.materializers import Materializer

_PARTS = "parts/1"
_CLASSES = "classes"

_Materializers = Iterable[type["Materializer[Any]"]]


class Saved(NamedTuple):
    """What the store keeps about a saved value besides its files."""

    type_name: str
    format_id: str
    metadata: dict[str, Any]


def save_value(
    value: Any, to: Path, materializers: _Materializers = (), annotation: Any = None
) -> Saved:
    """Write a value's files below the empty folder `to`."""
    chosen = materializer_for(type(value), materializers)
    if chosen is DataMaterializer and _is_stored_in_parts(value, annotation):
        return _save_parts(value, to, materializers)
    materializer = chosen()
    materializer.save(value, to)
    metadata = materializer.metadata(value)
    if chosen is DataMaterializer and (classes := classes_in(to)):
        metadata |= {_CLASSES: classes}
    return Saved(full_name(type(value)), chosen.format_id, metadata)


def load_files(
    at: Path, saved: Saved, wanted: Any = None, materializers: _Materializers = ()
) -> Any:
    """Read the value whose files are below `at`."""
    if saved.format_id == _PARTS:
        return _load_parts(at, saved, wanted, materializers)
    found = materializer_of_format(saved.format_id, saved.type_name, materializers)
    if found is None:
        raise _no_reader(saved)
    return found().load(_type_of(saved, wanted), at)


def load_record(
    store: _native.Store,
    record: _native.Artifact,
    wanted: Any = None,
    materializers: _Materializers = (),
) -> Any:
    """Read a stored artifact."""
    saved = Saved(record.type_name, record.format, {})
    return load_files(store.view(record.digest), saved, wanted, materializers)


def _is_stored_in_parts(value: Any, annotation: Any) -> bool:
    if not isinstance(value, tuple) or not items_of(annotation):
        return False
    return any(materializer_for(type(item)) is not DataMaterializer for item in value)


def _save_parts(value: tuple[Any, ...], to: Path, materializers: _Materializers) -> Saved:
    from cannery import json

    parts, classes = [], set[str]()
    for index, item in enumerate(value):
        folder = to / str(index)
        folder.mkdir()
        part = save_value(item, folder, materializers)
        parts.append(part._asdict())
        classes |= _classes_in(part.type_name, part.format_id, part.metadata)
    (to / "parts.json").write_bytes(json.encode(parts))
    metadata = {"items": len(value), _CLASSES: sorted(classes)}
    return Saved(full_name(type(value)), _PARTS, metadata)


def classes_of(record: _native.Artifact) -> set[str]:
    """Name the classes whose methods may be reached through a stored artifact."""
    from cannery import json

    return _classes_in(record.type_name, record.format, json.loads(record.metadata))


def _classes_in(type_name: str, format_id: str, metadata: dict[str, Any]) -> set[str]:
    # Other materializers may say `classes` of their values and mean something else.
    is_ours = format_id in (_PARTS, DataMaterializer.format_id)
    return {type_name, *(metadata.get(_CLASSES, ()) if is_ours else ())}


def _load_parts(at: Path, saved: Saved, wanted: Any, materializers: _Materializers) -> Any:
    from cannery import json

    parts = [Saved(**part) for part in json.decode((at / "parts.json").read_bytes())]
    items = items_of(wanted) or []
    types = [item.type for item in items] if len(items) == len(parts) else [None] * len(parts)
    values = [
        load_files(at / str(index), part, type, materializers)
        for index, (part, type) in enumerate(zip(parts, types, strict=True))
    ]
    cls = _type_of(saved, wanted)
    return cls._make(values) if hasattr(cls, "_make") else tuple(values)


def _type_of(saved: Saved, wanted: Any) -> Any:
    stored = find_class(saved.type_name)
    if not isinstance(wanted, type):
        return stored or object
    # A value may be of a subclass of what was asked for.
    return stored if stored is not None and issubclass(stored, wanted) else wanted


def _no_reader(saved: Saved) -> DataTypeError:
    module = saved.type_name.rpartition(".")[0]
    error = DataTypeError(
        f"a `{saved.type_name}` stored as `{saved.format_id}`, and no materializer reads that"
    )
    error.hint = f"import the module that defines its materializer (perhaps `{module}`) first"
    error.add_note(f"hint: {error.hint}")
    return error
