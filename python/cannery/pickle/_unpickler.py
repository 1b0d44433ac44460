"""The two `Unpickler` classes: what they share, and what each trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cannery import _native
from cannery.errors import UnpicklingError

_UnpickleMemo = _native.UnpickleMemo


class BaseUnpickler:
    """Reads pickles from a file, one by one."""

    # Not there unless the caller defines or sets it, as in `pickle`.
    persistent_load: Callable[[Any], Any]
    find_class: Callable[[str, str], Any]

    def __init__(
        self,
        file: Any,
        *,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: Iterable[Any] | None = None,
    ) -> None:
        # Both are looked at before either is missed: an attribute may raise an error of its own.
        if None in [getattr(file, method, None) for method in ("read", "readline")]:
            raise TypeError("file must have 'read' and 'readline' attributes")
        self._file = file
        self._options: dict[str, Any] = {
            "fix_imports": fix_imports,
            "encoding": encoding,
            "errors": errors,
            "buffers": None if buffers is None else iter(buffers),
        }
        self._memo = _UnpickleMemo()
        self._protocol = 0

    def load(self) -> Any:
        """Read the next pickle and return its object."""
        try:
            options = {**self._options, "persistent_load": getattr(self, "persistent_load", None)}
        except AttributeError:
            name = type(self).__name__
            raise UnpicklingError(
                f"Unpickler.__init__() was not called by {name}.__init__()"
            ) from None
        data = _native.pickle_intake(self._file)
        self._protocol = data[1] if data[:1] == b"\x80" and len(data) > 1 else 0
        return self._run(data, options)

    def _run(self, data: bytes, options: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _finds_itself(self, base: type[Any]) -> bool:
        """Say whether a subclass of `base`, or an attribute that was set, looks names up."""
        return "find_class" in vars(self) or type(self).find_class is not base.find_class

    @property
    def memo(self) -> Any:
        """What was put aside so far, by number; another unpickler's can be set."""
        return self._memo

    @memo.setter
    def memo(self, memo: Any) -> None:
        if isinstance(memo, _UnpickleMemo):
            memo = memo.copy()
        elif not isinstance(memo, dict):
            raise TypeError(f"'memo' attribute must be a dict, not {type(memo).__name__}")
        self._memo = _UnpickleMemo(memo)


class UnsafeUnpickler(BaseUnpickler):
    """`pickle.Unpickler`: reads pickles as CPython does, and runs what they say."""

    __module__ = "cannery.pickle.unsafe"
    __qualname__ = "Unpickler"

    def _run(self, data: bytes, options: dict[str, Any]) -> Any:
        if self._finds_itself(UnsafeUnpickler):
            options["find_class"] = self.find_class
        return _native.pickle_run(data, options, self._memo)

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return what a module, imported if it must be, has by a name."""
        fix_imports = self._options["fix_imports"]
        return _native.pickle_find_class(module_name, global_name, fix_imports, self._protocol)
