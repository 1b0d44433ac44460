"""Names of attributes that a file may set, and those that Python or a library gives a meaning."""

from __future__ import annotations

from collections.abc import Iterable

from cannery._objects._checks import PartError

OWN = frozenset(
    """
    __args__ __function__ __generic__ __items__ __kwargs__ __pairs__ __setter__ __state__
    __orig_class__ __cause__ __context__ __suppress_context__ __notes__
    __networkx_cache__ __pydantic_fields_set__ __pydantic_extra__ __pydantic_private__
    """.split()
)
"""Names with two underscores around them that are attributes or parts, and answer no protocol."""


def is_special(name: str) -> bool:
    """Whether a name is of the form `__name__`, which protocols look up."""
    return name[:2] == "__" and name[-2:] == "__"


def refuse_protocols(names: Iterable[object]) -> None:
    """Refuse names by which libraries ask an object what it is, `__array_interface__` for one.

    NumPy follows the address that such an attribute holds; a file must not give the answer.

    Raises:
        PartError: if there is one.

    """
    for name in names:
        if type(name) is str and is_special(name) and name not in OWN:
            raise PartError(f"{name!r} answers a protocol and is no attribute of data")
