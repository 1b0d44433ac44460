"""Values with objects in them whose code changes the values around them."""

from __future__ import annotations

import contextlib
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np


class World:
    """The containers of the value in work, and what the code does that is called meanwhile."""

    def __init__(self, seed: int, change: bool = True) -> None:
        self.random = random.Random(seed)
        self.containers: list[Any] = []
        self.change = change
        self.junk: Any = None

    def disturb(self) -> None:
        """Changes a container, and takes the memory of what it held."""
        if not self.change or not self.containers:
            return
        target = self.random.choice(self.containers)
        # What refuses, for it is being looked at, does what it should.
        with contextlib.suppress(Exception):
            self.random.choice(CHANGES[type(target)])(self, target)
        self.junk = [float(i) + 0.25 for i in range(200)], [bytes([i]) * 40 for i in range(50)]

    def value(self, depth: int = 4) -> Any:
        """A value of plain types, of subclasses, and of objects whose code disturbs the world."""
        pick = self.random.random()
        if depth and pick < 0.45:
            return self.container(depth)
        return self.random.choice(SCALARS)(self)

    def container(self, depth: int) -> Any:
        """A list, tuple, dictionary or the like, which the world knows."""
        items = [self.value(depth - 1) for _ in range(self.random.randrange(5))]
        made = self.random.choice((list, tuple, dict, List, Dict))
        if issubclass(made, dict):
            keys = self.random.choice((TEXT_KEYS, TEXT_KEYS, OTHER_KEYS))
            container = made(zip(self.random.sample(keys, len(items)), items, strict=True))
        else:
            container = made(items)
        if not isinstance(container, tuple):
            self.containers.append(container)
        return container

    def buffer(self) -> Any:
        """Bytes that can be taken away."""
        array = bytearray(self.random.randbytes(self.random.choice((3, 100, 70_000))))
        self.containers.append(array)
        return self.random.choice((array, pickle.PickleBuffer(array), memoryview(array)))

    def array(self) -> Any:
        array = np.arange(self.random.choice((3, 5000)), dtype=self.random.choice(("f8", "i4")))
        self.containers.append(array)
        return array


TEXT_KEYS = ["a", "key", "\u00e9", "\u20ac uro", "\U0001f600", "long" * 30, "\ud800k", "b", "c"]
OTHER_KEYS = ["a", 1, 2.5, None, b"bytes", (1, "two"), 2**80, True]


class List(list):
    """A subclass."""


class Dict(dict):
    """A subclass, whose items are asked for by its own method."""

    def items(self) -> Any:
        worlds[-1].disturb()
        return super().items()


class Evil:
    """An object that is written by way of its own code, and of that of hooks."""

    def __getstate__(self) -> Any:
        worlds[-1].disturb()
        return {"state": [1, "x"]}

    def __setstate__(self, state: Any) -> None:
        worlds[-1].disturb()

    def __reduce_ex__(self, protocol: Any) -> Any:
        worlds[-1].disturb()
        return Evil, ()

    def __repr__(self) -> str:
        worlds[-1].disturb()
        return "Evil()"

    def __hash__(self) -> int:
        worlds[-1].disturb()
        return 1

    def __eq__(self, other: object) -> bool:
        worlds[-1].disturb()
        return self is other

    def __iter__(self) -> Any:
        worlds[-1].disturb()
        return iter([1, 2])

    def __del__(self) -> None:
        if worlds:
            worlds[-1].disturb()


class Cycle:
    """What only a collection ends, whose end disturbs the world."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        if worlds:
            worlds[-1].disturb()


# The world in work, last: objects find it there.
worlds: list[World] = []

SCALARS: list[Callable[[World], Any]] = [
    lambda w: None,
    lambda w: w.random.choice((True, False)),
    lambda w: w.random.randrange(-(2**31), 2**31),
    lambda w: (1 << 100) + w.random.randrange(1000),
    lambda w: w.random.random() * 10**6,
    lambda w: "text" * w.random.randrange(9),
    lambda w: w.random.choice(TEXT_KEYS) * w.random.randrange(1, 30),
    lambda w: w.random.randbytes(9),
    World.buffer,
    World.array,
    lambda w: Evil(),
    lambda w: {Evil(), 1},
]


def _resize(world: World, array: Any) -> None:
    array.resize(world.random.choice((0, 100_000)), refcheck=False)


CHANGES: dict[type, list[Callable[[World, Any], Any]]] = {
    list: [
        lambda w, c: c.clear(),
        lambda w, c: c.append(c[:]),
        lambda w, c: c.pop(),
        lambda w, c: c.__setitem__(slice(0, 1), [w.value(0)] * 40),
    ],
    dict: [
        lambda w, c: c.clear(),
        lambda w, c: c.popitem(),
        lambda w, c: c.update({str(i): i for i in range(50)}),
        lambda w, c: c.__setitem__(next(iter(c)), [1.5]),
    ],
    bytearray: [lambda w, c: c.clear(), lambda w, c: c.extend(bytes(100_000))],
    np.ndarray: [_resize],
}
CHANGES[List], CHANGES[Dict] = CHANGES[list], CHANGES[dict]
