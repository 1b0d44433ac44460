"""What to write for objects that cannot be saved, ready to be pasted."""

from __future__ import annotations

import io
import sys
import types
from typing import Any


def hint_for(value: Any) -> str:
    """What to do instead of saving a value that is no data."""
    cls = type(value)
    if isinstance(value, types.ModuleType):
        return f'save its name: "{value.__name__}"'
    if isinstance(value, (types.FunctionType, types.MethodType, types.BuiltinFunctionType)):
        return "define it with `def` in a module: functions are saved by their names"
    if isinstance(value, io.IOBase):
        return "save what is in the file, or its path"
    if hasattr(cls, "__next__"):
        return "make a list of what it yields, and save that"
    if cls.__module__.partition(".")[0] in sys.stdlib_module_names:
        return _leave_out(cls.__name__.strip("_").lower())
    return _register(cls)


def _leave_out(name: str) -> str:
    return f"""\
it is part of the running program: leave it out of the object that has it

    def __getstate__(self):
        return {{key: part for key, part in vars(self).items() if key != "{name}"}}

    def __setstate__(self, state):
        vars(self).update(state, {name}=...)  # made anew"""


def _register(cls: type) -> str:
    package, name = cls.__module__.partition(".")[0], cls.__qualname__.split(".")[-1]
    full, short = f"{cls.__module__}.{cls.__qualname__}", name.lower()
    return f"""\
say what it is made of, before it is saved and loaded

    cannery.register(
        "{package}.{short}/v1",
        parts=lambda value: {{"part": value.part}},
        make=lambda parts: {full}(parts["part"]),
    )({full})

or, for steps, write a materializer

    class {name}Materializer(cannery.Materializer[{full}]):
        types = ({full},)
        format_id = "{short}/1"

        def save(self, value, to): ...

        def load(self, type, at): ..."""
