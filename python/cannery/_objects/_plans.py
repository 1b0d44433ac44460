"""How the instances of a class are taken apart and made again: the form of a plan, and state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cannery._objects._checks import PLAIN_DICT
from cannery._objects._names import refuse_protocols, refuse_saving

Parts = dict[str, Any]

ITEMS, ARGS, KWARGS, STATE = "__items__", "__args__", "__kwargs__", "__state__"
NAME = "__name__"
ATTRIBUTES = "__attributes__"
FUNCTION, SETTER, PAIRS, GENERIC = "__function__", "__setter__", "__pairs__", "__generic__"


class Plan(NamedTuple):
    """How the instances of a class are taken apart and made again."""

    parts: Callable[[Any], Parts]
    empty: Callable[[], Any] | None
    """Makes an instance that is filled later; `None` if all parts are needed to make one."""
    fill: Callable[[Any, Parts], object] | None
    make: Callable[[Parts], Any] | None = None
    can_wait: bool = False
    """Whether it can be made while its parts have gaps: it does not look into them."""
    shell: Callable[[Parts], Any] | None = None
    """Makes an instance of some of its parts, where the others refer to it; `None` if it cannot."""


# Attributes and state.


def attributes(value: Any) -> Parts:
    """The attributes of an instance: its `__dict__` and its slots."""
    parts = dict(getattr(value, "__dict__", ()))
    for name in parts:
        if name[:2] == "__":
            refuse_saving(name)
    for name in slots_of(type(value)):
        try:
            parts[name] = getattr(value, name)
        except AttributeError:
            continue
    return parts


def slots_of(cls: type) -> list[str]:
    """The names of all slots, as attributes: private ones have the class's name in front."""
    names = []
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return names


def has_state_of_its_own(cls: type) -> bool:
    """Whether a class says itself what the state of its instances is."""
    getstate = getattr(cls, "__getstate__", None)
    is_default = getstate is object.__getstate__  # pyright: ignore[reportAttributeAccessIssue]
    # Dataclasses with slots get one that lists the values of their fields; we see the names.
    return not is_default and getattr(getstate, "__module__", None) != "dataclasses"


def state_parts(cls: type) -> Callable[[Any], Parts]:
    """How the state of the instances of a class is taken apart."""
    if not has_state_of_its_own(cls):
        return attributes

    def parts(value: Any) -> Parts:
        state = value.__getstate__()
        if type(state) is dict and all(type(key) is str for key in state):
            return dict(state)
        return {STATE: state}

    return parts


def set_state(cls: type) -> Callable[[Any, Parts], None]:
    """How the instances of a class get their state."""
    setstate = getattr(cls, "__setstate__", None)
    if setstate is None or getattr(setstate, "__module__", None) == "dataclasses":
        return set_attributes

    def set_by_class(value: Any, parts: Parts) -> None:
        state = parts.get(STATE, parts)
        if state is not None:  # which says that there is none
            setstate(value, state)

    return set_by_class


def set_attributes(value: Any, parts: Parts) -> None:
    """Set the attributes and slots that a state says, past what the class does about it."""
    state = parts.get(STATE, parts)
    # Attributes and slots may come apart.
    for some in state if isinstance(state, tuple) else (state,):
        _add_attributes(value, some or {})


def _add_attributes(value: Any, parts: Parts) -> None:
    PLAIN_DICT(parts, STATE)
    refuse_protocols(parts)
    own = getattr(value, "__dict__", None)
    if own is not None and not slots_of(type(value)):
        own.update(parts)
        return
    for name, part in parts.items():
        # Past the `__setattr__` of frozen classes.
        object.__setattr__(value, name, part)
