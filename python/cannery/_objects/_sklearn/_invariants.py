"""What an object of scikit-learn has to be before it is used: for documents and for pickles.

`check_state` is called with what an instance is to be made of, before its state is set;
`check_object` with the finished instance, before it is handed out. Both raise `PartError`, and
`check_state` raises `Untrusted` where a record stands for a value.
"""

from __future__ import annotations

from typing import Any

from cannery._objects._checks import PartError, exact
from cannery._objects._sklearn._compiled import compiled_of
from cannery._objects._sklearn._fitted import check_fitted
from cannery._objects._sklearn._state import check_attributes
from cannery._objects._sklearn._table import class_of_table, is_table_class
from cannery._objects._sklearn._values import check_value


def check_state(name: str, args: Any, state: Any) -> None:
    """Check what an instance of the class of this name is to be made of.

    `args` are those of its constructor, `None` for an instance that is made without a call;
    `state` is what `__setstate__` gets, or the attributes by name.

    Raises:
        PartError: if no instance of the class is made of these, or the table has no such class.
        Untrusted: if one of them is a record.

    """
    cls: Any = class_of_table(name)
    if cls is None:
        raise PartError(f"{name!r:.200} is no class of data of scikit-learn")
    compiled = compiled_of(cls)
    if compiled is not None:
        compiled.check(cls, args, state)
    elif issubclass(cls, (tuple, dict)):
        check_value(args, "args")
        check_value(state, "state", functions=True)
    else:
        if args:
            raise PartError("the part 'args': expected none")
        if state is not None:  # which says that there is none
            exact(dict)(state, "state")
            check_attributes(cls, state)


def check_object(value: Any) -> None:
    """Check what the parts of a finished object have to agree on.

    Raises:
        PartError: if they do not.

    """
    cls = type(value)
    if not is_table_class(cls) or compiled_of(cls) is not None:
        return
    attributes = getattr(value, "__dict__", None)
    if type(attributes) is dict:
        check_fitted(cls, attributes)
