"""The error for what is no data."""

from __future__ import annotations

import types
from typing import Any

from cannery._objects._hints import hint_for
from cannery._objects._trust import full_name
from cannery.errors import DataTypeError


def refuse(value: Any) -> Any:
    """Raise the error for what is no data, which says what to do instead."""
    error = DataTypeError(f"{kind_of(value)} is no data and cannot be saved")
    error.hint = hint_for(value)
    raise error


def kind_of(value: Any) -> str:
    """What a value is called in an error."""
    if isinstance(value, types.FunctionType):
        what = "lambda" if value.__name__ == "<lambda>" else "nested function"
        return f"a {what} ({value.__qualname__})"
    if isinstance(value, types.ModuleType):
        return f"the module {value.__name__}"
    if isinstance(value, (types.MethodType, types.BuiltinFunctionType)):
        return f"a method that is bound to an object ({value.__qualname__})"
    name = full_name(type(value)).removeprefix("builtins.")
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
