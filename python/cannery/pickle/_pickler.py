"""`Pickler`, `dump` and `dumps`: the same in `cannery.pickle` and `cannery.pickle.unsafe`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cannery import _native
from cannery._native import pickle_dumps as dumps
from cannery.errors import PicklingError

__all__ = ["Pickler", "dump", "dumps"]

_PickleMemo = _native.PickleMemo


class Pickler:
    """Writes pickles to a file, byte for byte as `pickle.Pickler` does.

    A subclass may define `persistent_id` and `reducer_override`, and have a `dispatch_table`.

    >>> import io
    >>> from cannery import pickle
    >>> file = io.BytesIO()
    >>> pickle.Pickler(file).dump({"a": 1})
    >>> pickle.loads(file.getvalue())
    {'a': 1}
    """

    __module__ = "cannery.pickle"

    # Not there unless the caller defines or sets them, as in `pickle`.
    dispatch_table: Mapping[type, Callable[[Any], Any]]
    reducer_override: Callable[[Any], Any]

    def __init__(
        self,
        file: Any,
        protocol: int | None = None,
        *,
        fix_imports: bool = True,
        buffer_callback: Callable[[Any], Any] | None = None,
        deterministic: bool = False,
    ) -> None:
        """Write to `file`, which has `write`; the rest as for `dump`."""
        self._protocol = _native.pickle_protocol(protocol, buffer_callback)
        if not hasattr(file, "write"):
            raise TypeError("file must have a 'write' attribute")
        self._file = file
        self._buffer_callback = buffer_callback
        self._fix_imports = fix_imports
        self._deterministic = deterministic
        self._memo = _PickleMemo()
        self.bin = self._protocol > 0
        self.fast = False
        """Whether nothing is put into the memo; cyclic objects are an error then."""

    def persistent_id(self, obj: Any, /) -> Any:  # noqa: ARG002
        """Return what stands for the object in the file, or `None` to write it as it is."""
        return None

    def dump(self, obj: Any, /) -> None:
        """Write an object."""
        if not hasattr(self, "_memo"):
            name = type(self).__name__
            raise PicklingError(f"Pickler.__init__() was not called by {name}.__init__()")
        plain = type(self).persistent_id is Pickler.persistent_id
        persistent = not plain or "persistent_id" in vars(self)
        options = {
            "protocol": self._protocol,
            "fix_imports": self._fix_imports,
            "fast": self.fast,
            "deterministic": self._deterministic,
            "buffer_callback": self._buffer_callback,
            "persistent_id": self.persistent_id if persistent else None,
        }
        for name in ("reducer_override", "dispatch_table"):
            if hasattr(self, name):
                options[name] = getattr(self, name)
        _native.pickle_write(obj, options, self._memo, self._file.write)

    def clear_memo(self) -> None:
        """Forget what was written: the next pickle stands for itself."""
        self._memo.clear()

    @property
    def memo(self) -> Any:
        """What was written so far; another pickler's can be set."""
        return self._memo

    @memo.setter
    def memo(self, memo: Any) -> None:
        if isinstance(memo, _PickleMemo):
            memo = memo.copy()
        elif not isinstance(memo, dict):
            raise TypeError(f"'memo' attribute must be a dict, not {type(memo).__name__}")
        self._memo = _PickleMemo(memo)


def dump(
    obj: Any,
    file: Any,
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: Callable[[Any], Any] | None = None,
    deterministic: bool = False,
) -> None:
    """Write an object to a binary file object, byte for byte as `pickle.dump` does.

    With `deterministic=True` the bytes depend on the value alone: sets are sorted, equal texts
    count as one, and the memo keeps only what is referred to again.

    >>> import io
    >>> from cannery import pickle
    >>> file = io.BytesIO()
    >>> pickle.dump([1, 2], file)
    >>> pickle.loads(file.getvalue())
    [1, 2]

    Raises:
        PicklingError: for what cannot be pickled.

    """
    Pickler(
        file,
        protocol,
        fix_imports=fix_imports,
        buffer_callback=buffer_callback,
        deterministic=deterministic,
    ).dump(obj)
