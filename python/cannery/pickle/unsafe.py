"""The standard library's `pickle`, exactly: what it reads may run any code.

The same names and the same behaviour, for those who replace `pickle` and trust their input. For
files from anybody else there is `cannery.pickle`. Names that programs take from the standard
library's module besides, such as `_Pickler`, `_Unpickler`, `whichmodule`, `dispatch_table` and the
opcodes, are the standard library's own.

```python
from cannery.pickle import unsafe

assert unsafe.loads(unsafe.dumps({"a": 1})) == {"a": 1}
```
"""

from __future__ import annotations

import pickle as _stdlib
from collections.abc import Iterable
from pickle import (
    DEFAULT_PROTOCOL,
    HIGHEST_PROTOCOL,
    PickleBuffer,
    PickleError,
    PicklingError,
    UnpicklingError,
)
from typing import Any

from cannery._native import pickle_loads_all as loads
from cannery.pickle._pickler import Pickler, dump, dumps
from cannery.pickle._unpickler import UnsafeUnpickler as Unpickler

__all__ = [
    "DEFAULT_PROTOCOL",
    "HIGHEST_PROTOCOL",
    "PickleBuffer",
    "PickleError",
    "Pickler",
    "PicklingError",
    "Unpickler",
    "UnpicklingError",
    "dump",
    "dumps",
    "load",
    "loads",
]
__all__ += [name for name in _stdlib.__all__ if name not in __all__]


def __getattr__(name: str) -> Any:
    return getattr(_stdlib, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_stdlib)})


def load(
    file: Any,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = None,
) -> Any:
    """Read one pickle from a binary file object, as `pickle.load` does: it may run any code."""
    unpickler = Unpickler(
        file, fix_imports=fix_imports, encoding=encoding, errors=errors, buffers=buffers
    )
    return unpickler.load()
