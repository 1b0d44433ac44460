"""Pickle without fear: what is data is loaded, code that a file names is not run.

`dump`, `dumps` and `Pickler` write what the standard library's `pickle` writes, byte for byte.
`load`, `loads` and `Unpickler` read it under a policy: plain data, Python's own data types and
NumPy's arrays are rebuilt; a library's objects with `profile="pandas"` and the like, your own
classes with `trust=[...]`. Anything else is refused with an `UntrustedTypeError` before any of it
is imported, called or built; or it is kept as inert `Record`s with `on_untrusted="record"`.

`scan` says what opening a file would do, `explain` shows it as a Python program that is never run,
and `dis` takes it apart as `pickletools` does.

`cannery.pickle.unsafe` reads exactly as CPython does, for input that you wrote yourself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pickle import DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, PickleBuffer
from typing import Any

from cannery import _native
from cannery._dis import dis, explain
from cannery._native import pickle_loads as loads
from cannery._scan import scan
from cannery.errors import (
    PickleEndError,
    PickleError,
    PicklingError,
    UnpicklingError,
    UntrustedTypeError,
)
from cannery.pickle._pickler import Pickler, dump, dumps
from cannery.pickle._unpickler import BaseUnpickler

__all__ = [
    "DEFAULT_PROTOCOL",
    "HIGHEST_PROTOCOL",
    "PickleBuffer",
    "PickleEndError",
    "PickleError",
    "Pickler",
    "PicklingError",
    "Unpickler",
    "UnpicklingError",
    "UntrustedTypeError",
    "dis",
    "dump",
    "dumps",
    "explain",
    "load",
    "loads",
    "scan",
]


class Unpickler(BaseUnpickler):
    """Reads pickles of data from a file.

    A subclass may look names up itself (`find_class`, whose base knows the policy) and resolve
    persistent ids (`persistent_load`).
    """

    def __init__(
        self,
        file: Any,
        *,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: Iterable[Any] | None = None,
        trust: Iterable[Any] = (),
        profile: str | Iterable[str] = "data",
        on_untrusted: str = "error",
    ) -> None:
        """Read from `file`, which has `read` and `readline`; the rest as for `load`."""
        super().__init__(
            file, fix_imports=fix_imports, encoding=encoding, errors=errors, buffers=buffers
        )
        self._options |= {"trust": trust, "profile": profile, "on_untrusted": on_untrusted}

    def _run(self, data: bytes, options: dict[str, Any]) -> Any:
        if self._finds_itself(Unpickler):
            options["find_class"] = self.find_class
        return _native.pickle_run(data, options, self._memo)

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return what the policy allows by that name.

        Raises:
            UntrustedTypeError: for any other name.

        """
        names = ("fix_imports", "trust", "profile")
        options = (self._options[name] for name in names)
        return _native.pickle_find_trusted(module_name, global_name, self._protocol, *options)


def load(
    file: Any,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = None,
    trust: Iterable[Any] = (),
    profile: str | Iterable[str] = "data",
    on_untrusted: str = "error",
) -> Any:
    """Read one pickle of data from a binary file object, and not a byte more.

    `trust` names classes (`"my_pkg.records.*"`, `MyClass`) that may be rebuilt, and functions by
    their exact names. `profile` (`"data"`, `"numpy"`, `"pandas"`, `"scipy"`, `"sklearn"`,
    `"torch"`) adds what the pickles of a library name. With `on_untrusted="record"`, what is not
    trusted becomes `cannery.Record`s. The rest as in `pickle.load`.

    >>> import io
    >>> from cannery import pickle
    >>> pickle.load(io.BytesIO(pickle.dumps([1, 2])))
    [1, 2]

    Raises:
        UntrustedTypeError: if it names anything else; nothing was imported, called or built then.
        UnpicklingError: if it is no pickle, or one on which readers would disagree.
        LimitError: for bombs.

    """
    return Unpickler(
        file,
        fix_imports=fix_imports,
        encoding=encoding,
        errors=errors,
        buffers=buffers,
        trust=trust,
        profile=profile,
        on_untrusted=on_untrusted,
    ).load()
