"""NumPy's random generators, by their states and the seeds that they spawn others from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cannery._objects import _invariants_numpy as invariants
from cannery._objects._checks import PartError, checked, exact, instance, integer, optional
from cannery.errors import DataTypeError

Parts = dict[str, Any]

_BIT_GENERATORS: dict[str, Any] = {
    name: getattr(np.random, name) for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
}
_SEEDS = ("entropy", "spawn_key", "pool_size", "n_children_spawned")


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How a generator, its bit generator or its seeds are described."""
    if cls is np.random.Generator:
        return lambda value: ("numpy.random.Generator", {"bit_generator": value.bit_generator})
    if cls is np.random.RandomState:
        return lambda value: ("numpy.random.RandomState", _random_state_parts(value))
    if cls is np.random.SeedSequence:
        return lambda value: (
            "numpy.random.SeedSequence",
            {name: getattr(value, name) for name in _SEEDS},
        )
    if _BIT_GENERATORS.get(cls.__name__) is cls:
        return lambda value: (f"numpy.random.{cls.__name__}", _bit_generator_parts(value))
    return None


def _bit_generator_parts(value: Any) -> Parts:
    seeds = value.seed_seq
    if seeds is not None and type(seeds) is not np.random.SeedSequence:
        error = DataTypeError(f"a bit generator with seeds of the class {type(seeds).__name__}")
        error.hint = "make it of a numpy.random.SeedSequence"
        raise error
    return {"state": value.state, "seeds": seeds}


def _random_state_parts(value: Any) -> Parts:
    state = value.get_state(legacy=False)
    gauss = {name: state[name] for name in ("has_gauss", "gauss")}
    return {"bit_generator": value._bit_generator, **gauss}


def _bit_generator_maker(name: str) -> Callable[[Parts], Any]:
    cls = _BIT_GENERATORS[name]

    def make(parts: Parts) -> Any:
        seeds = parts["seeds"]
        made = cls(0 if seeds is None else seeds)
        if seeds is None:
            made.__setstate__((parts["state"], None))
        else:
            made.state = parts["state"]
        return made

    return checked(make, {"state": invariants.bit_state(name), "seeds": optional(_is_seeds)})


def _make_random_state(parts: Parts) -> Any:
    made = np.random.RandomState(parts["bit_generator"])
    gauss = {"has_gauss": parts["has_gauss"], "gauss": parts["gauss"]}
    made.set_state({**parts["bit_generator"].state, **gauss})
    return made


def _make_seeds(parts: Parts) -> Any:
    invariants.check_seeds(parts)
    return np.random.SeedSequence(**parts)


def _is_seeds(value: Any, path: str) -> None:
    instance("numpy.random.bit_generator", "SeedSequence")(value, path)
    if type(value) is not np.random.SeedSequence:
        raise PartError(f"the part {path!r}: expected a numpy.random.SeedSequence")


_IS_BIT_GENERATOR = instance("numpy.random.bit_generator", "BitGenerator")

MAKERS: dict[str, Callable[[Parts], Any]] = {
    "numpy.random.Generator": checked(
        lambda parts: np.random.Generator(parts["bit_generator"]),
        {"bit_generator": _IS_BIT_GENERATOR},
    ),
    "numpy.random.RandomState": checked(
        _make_random_state,
        {
            "bit_generator": _IS_BIT_GENERATOR,
            "has_gauss": integer(0, 1),
            "gauss": exact(float, int),
        },
    ),
    "numpy.random.SeedSequence": checked(_make_seeds, invariants.SEEDS),
    **{f"numpy.random.{name}": _bit_generator_maker(name) for name in _BIT_GENERATORS},
}
"""How they are made again, by the names of their types."""
