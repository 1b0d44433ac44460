"""Values against annotations: one row per case."""

# ruff: noqa: E501  tables of cases
# ruff: noqa: UP045  people write `Optional`

from __future__ import annotations

import collections
import collections.abc as abc
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
)

import names
import pytest

from cannery._annotations._scope import annotations_of_function as hints_of
from cannery._checks import check_for

Bound = TypeVar("Bound", bound=int)
Constrained = TypeVar("Constrained", int, str)
UserId = NewType("UserId", int)


@dataclass
class Box:
    label: str
    size: float = 1.0
    inside: list[Box] = field(default_factory=list)


class Pair(NamedTuple):
    left: int
    right: str


class Row(TypedDict, total=False):
    name: str
    tags: list[str]


class Drawable(Protocol):
    def draw(self) -> None: ...


loop = Box("loop")
loop.inside.append(loop)

ACCEPTED = [
    (int, 3), (int, True), (float, 3), (float, 3.5), (complex, 1), (str, "x"), (None, None),
    (Any, object()), (object, 3), (Path, Path()),
    (list[int], [1, 2]), (list[int], []), (list, ["a", 1]), (list[Any], [1, "a"]),
    (list[list[int]], [[1], []]), (set[str], {"a"}), (frozenset[int], frozenset({1})),
    (tuple[int, str], (1, "a")), (tuple[int, ...], (1, 2, 3)), (tuple[()], ()),
    (dict[str, int], {"a": 1}), (collections.defaultdict[str, int], collections.defaultdict(int)),
    (collections.Counter[str], collections.Counter("ab")), (abc.Sequence[int], (1, 2)),
    (abc.Sequence[str], "text"), (abc.Mapping[str, float], {"a": 1}), (abc.Iterator[int], iter("a")),
    (Optional[int], None), (int | str, "a"), (list[int | None], [1, None]),
    (Literal["a", 1], 1), (Annotated[int, "metres"], 3), (Annotated[list[int], ["unhashable"]], [1]),
    (Bound, 3), (Constrained, "a"), (UserId, 3), (abc.Callable[[int], int], len),
    (type[Exception], ValueError), (Row, {"name": "x"}), (Row, {}), (Pair, Pair(1, "a")),
    (Box, Box("x", 2)), (Box, loop),
]  # fmt: skip

REFUSED = [
    (int, "3", "", "int", 'str "3"'),
    (int, 3.0, "", "int", "float 3.0"),
    (str, None, "", "str", "None"),
    (None, 0, "", "None", "int 0"),
    (list[int], ["a"], "[0]", "int", 'str "a"'),
    (list[int], (1,), "", "list[int]", "tuple"),
    (list[int], [*range(1000), "x"], "[1000]", "int", 'str "x"'),
    (list[dict[str, int]], [{"a": 1}, {"b": None}], "[1].b", "int", "None"),
    (dict[str, int], {"a b": "c"}, "['a b']", "int", 'str "c"'),
    (dict[str, int], {1: 1}, ".keys()", "str", "int 1"),
    (tuple[int, str], (1, 2), "[1]", "str", "int 2"),
    (tuple[int, str], (1,), "", "tuple[int, str]", "a tuple of 1"),
    (tuple[int, ...], (1, "x"), "[1]", "int", 'str "x"'),
    (int | str, 1.5, "", "int | str", "float 1.5"),
    (Optional[list[int]], ["x"], "[0]", "int", 'str "x"'),
    (Literal["a", 1], True, "", "Literal['a', 1]", "bool True"),
    (Bound, "x", "", "int", 'str "x"'),
    (type[Exception], 3, "", "type[Exception]", "int 3"),
    (Row, {"tags": [1]}, ".tags[0]", "str", "int 1"),
    (Pair, (1, "a"), "", "test_types.Pair", "tuple"),
    (Pair, Pair(1, 2), ".right", "str", "int 2"),  # pyright: ignore[reportArgumentType]
    (Box, Box("x", inside=[Box(3)]), ".inside[0].label", "str", "int 3"),  # pyright: ignore
    (set[int], {"x"}, "[0]", "int", 'str "x"'),
    (abc.Callable[[int], int], 3, "", "collections.abc.Callable[[int], int]", "int 3"),
]


@pytest.mark.parametrize(("annotation", "value"), ACCEPTED, ids=names.lasting)
def test_a_fitting_value_is_accepted(annotation, value):
    assert check_for(annotation).find(value) is None


@pytest.mark.parametrize(
    ("annotation", "value", "path", "expected", "found"), REFUSED, ids=names.lasting
)
def test_a_mismatch_is_named_with_its_place(annotation, value, path, expected, found):
    assert check_for(annotation).find(value) == (path, expected, found)


def test_a_required_key_may_not_be_absent():
    class Point(TypedDict):
        x: int

    assert check_for(Point).find({}).found == "a dict without `x`"  # pyright: ignore


def test_arrays_are_checked_by_element_type_and_axes():
    np = pytest.importorskip("numpy")
    from numpy.typing import NDArray

    floats = np.zeros((2, 2), np.float32)
    assert check_for(np.ndarray).find(floats) is None
    assert check_for(NDArray[np.float32]).find(floats) is None
    assert check_for(NDArray[np.floating]).find(floats) is None
    assert check_for(np.ndarray[tuple[int, int], np.dtype[np.float32]]).find(floats) is None
    wrong_type = check_for(NDArray[np.int64]).find(floats)
    assert wrong_type == ("", "ndarray of int64", "an array of float32")
    wrong_axes = check_for(np.ndarray[tuple[int], np.dtype[np.float32]]).find(floats)
    assert wrong_axes is not None
    assert wrong_axes.found == "an array of 2 axes"
    assert check_for(NDArray[np.float32]).find([1.0]) == ("", "ndarray of float32", "list")


def test_another_class_of_the_same_name_is_told_apart():
    other = type("Box", (), {"__module__": Box.__module__, "__qualname__": "Box"})
    missed = check_for(Box).find(other())
    assert missed is not None
    assert "another class of this name" in missed.found


def test_a_name_that_is_not_there_is_an_error_with_its_line():
    def function(
        a: int,
        b: Lst[int],  # pyright: ignore # noqa: F821
    ) -> list[Box]: ...

    line = function.__code__.co_firstlineno + 2
    with pytest.raises(TypeError) as caught:
        hints_of(function)
    assert f"test_types.py:{line}: step `function`, argument `b`: `Lst`" in str(caught.value)
    assert "`Lst[int]` is not defined" in str(caught.value)
    assert "did you mean `List`?" in caught.value.hint  # pyright: ignore


def test_hints_see_the_enclosing_function():
    class Local: ...

    def function(a: Local) -> Local:
        return Local() if a else a

    assert hints_of(function)["a"] is Local
