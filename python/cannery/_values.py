"""Values to stored files and back, through their materializers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cannery.errors import DataTypeError
from cannery.materializers._registry import materializer_for, materializer_of_format
from cannery.materializers._trust import find_class, full_name, trusting

if TYPE_CHECKING:
    from cannery import _native
    from cannery.materializers import Materializer


class Saved(NamedTuple):
    """What the store keeps about a saved value besides its files."""

    type_name: str
    format_id: str
    metadata: dict[str, Any]


def save_value(
    value: Any, to: Path, materializers: Iterable[type[Materializer[Any]]] = ()
) -> Saved:
    """Write a value's files below the empty folder `to`."""
    chosen = materializer_for(type(value), materializers)
    materializer = chosen()
    materializer.save(value, to)
    return Saved(full_name(type(value)), chosen.format_id, materializer.metadata(value))


def load_files(
    at: Path,
    saved: Saved,
    wanted: Any = None,
    materializers: Iterable[type[Materializer[Any]]] = (),
) -> Any:
    """Read the value whose files are below `at`."""
    found = materializer_of_format(saved.format_id, saved.type_name, materializers)
    if found is None:
        raise _no_reader(saved)
    return found().load(_type_of(saved, wanted), at)


def load_value(
    store: _native.Store,
    record: _native.Artifact,
    wanted: type[Any] | None = None,
    *,
    trust: Iterable[Any] | None = None,
) -> Any:
    """Read a stored artifact outside of a run."""
    saved = Saved(record.type_name, record.format, {})
    with trusting(trust or (), imports=False, project=trust is None):
        return load_files(store.view(record.digest), saved, wanted)


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
