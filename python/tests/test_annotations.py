"""Annotations as people write them, and what is said where one is wrong."""

# ruff: noqa: RUF036, UP044  annotations as people write them

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import (
    IO,
    Annotated,
    Any,
    ClassVar,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    TypeVarTuple,
    Union,
    Unpack,
    runtime_checkable,
)

import names
import pytest
import typing_extensions

from cannery import Columns, DType, Shape, Store, pipeline, step
from cannery._annotations._scope import annotations_of_function, scope_of_function
from cannery._checks import Walk, check_for
from cannery.errors import DataTypeError

T = TypeVar("T")
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")

Json: TypeAlias = Union[None, int, str, list["Json"], dict[str, "Json"]]  # noqa: UP007


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))


@dataclasses.dataclass
class Node(Generic[T]):
    value: T
    next: Node[T] | None = None
    kind: ClassVar[str] = "node"
    limit: Final[int] = 3

    def twin(self) -> Self:
        return self


@dataclasses.dataclass
class Numbers(Node[int]):
    more: tuple[Later, ...] = ()


@dataclasses.dataclass
class Later:
    number: int
    me: Self | None = None


@runtime_checkable
class Closing(Protocol):
    def close(self) -> None: ...


class Counting(Protocol[T]):
    count: T


class Options(typing_extensions.TypedDict, total=False):
    depth: typing_extensions.ReadOnly[int]
    name: typing_extensions.Required[typing_extensions.ReadOnly[str]]


class Pointed(typing_extensions.TypedDict, Generic[T]):
    at: T


class Closed(typing_extensions.TypedDict, closed=True):
    x: int


class Counter:
    def __init__(self, count: Any) -> None:
        self.count = count


class Lying:
    @property
    def __class__(self):
        raise RuntimeError("no class")


def find(annotation: Any, value: Any, **options: Any) -> str | None:
    """Say what is wrong with a value, as the error does."""
    missed = check_for(annotation).find(value, **options)
    return missed and f"{missed.path}: {missed.expected}, {missed.found}"


@pytest.mark.parametrize(
    ("annotation", "good", "bad", "said"),
    [
        (Node[int], Node(1, Node(2)), Node(1, Node("x")), '.next.value: int, str "x"'),
        (Numbers, Numbers(1), Numbers("x"), '.value: int, str "x"'),
        (Numbers, Numbers(1, more=(Later(1),)), Numbers(1, more=(Later("x"),)), ".more[0].number"),
        (Later, Later(1, Later(2)), Later(1, 3), ".me: "),
        (Options, {"name": "x"}, {"depth": 1}, "a dict without `name`"),
        (Options, {"name": "x", "depth": 1}, {"name": "x", "depth": "y"}, '.depth: int, str "y"'),
        (Pointed[int], {"at": 1}, {"at": "x"}, '.at: int, str "x"'),
        (Closed, {"x": 1}, {"x": 1, "y": 2}, "a dict with the key .y"),
        (Closing, sys.stdout, 3, "int without `close`"),
        (Counting[int], Counter(1), Counter("x"), '.count: int, str "x"'),
        (Counting[int], Counter(1), object(), "object without `count`"),
        (tuple[int, Unpack[tuple[str, ...]]], (1, "a", "b"), (1, "a", 2), "[2]: str, int 2"),
        (tuple[int, *tuple[str, ...], float], (1, 2.0), (1, "a", "b"), "[2]: float"),
        (tuple[int, *tuple[str, bool]], (1, "a", True), (1, "a"), "a tuple of 2"),
        (tuple[int, Unpack[Ts]], (1, "a", None), (), "a tuple of 0"),
        (Callable[Concatenate[int, P], str], len, 3, "int 3"),
        (Callable[[int, str], None], lambda a, b: None, lambda a: None, "does not take 2"),
        (type[int | str], bool, float, "type float"),
        (re.Pattern[str], re.compile("x"), re.compile(b"x"), "one of bytes"),
        (IO[str], sys.stdout, 3, "IO[str], int 3"),
        (typing.Never, open, 3, "Never, int 3"),
        (Mapping[str, Sequence[int]], {"a": (1,)}, {"a": "x"}, ".a: "),
        (typing.ItemsView[str, int], {"a": 1}.items(), {"a": "x"}.items(), "[0][1]: int"),
        (typing_extensions.TypeIs[int], True, 3, "bool, int 3"),
        (int, 3, Lying(), "int, test_annotations.Lying"),
        (Annotated[list[int], "words", ["unhashable"]], [1], ["x"], "[0]: int"),
    ],
    ids=names.lasting,
)
def test_a_check(annotation, good, bad, said):
    if annotation is not typing.Never:
        assert find(annotation, good) is None
    assert said in (find(annotation, bad) or "accepted")


def test_recursive_aliases_are_checked():
    def function(x: Json) -> None: ...

    hints = annotations_of_function(function)
    check = check_for(hints["x"], scope_of_function(function))
    assert check.find({"a": [1, {"b": ["x", None]}]}) is None
    missed = check.find({"a": [1, {"b": [1.5]}]})
    assert missed is not None


def test_arrays_and_frames():
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    from numpy.typing import ArrayLike, NDArray

    image = Annotated[np.ndarray, Shape("h", "w", 3), DType("uint8", "floating")]
    assert find(image, np.zeros((2, 4, 3), np.uint8)) is None
    assert find(image, np.zeros((2, 4, 3))) is None
    assert find(image, np.zeros((2, 4))) == ": numpy.ndarray".replace(
        "numpy.ndarray", "shape (h, w, 3), shape (2, 4)"
    )
    assert "dtype uint8 | floating, dtype int64" in find(image, np.zeros((2, 4, 3), int))
    square = Annotated[np.ndarray, Shape("n", "n", ...)]
    assert find(square, np.zeros((3, 3, 1))) is None
    assert "with" not in (find(square, np.zeros((3, 4))) or "with")
    assert find(NDArray[np.float32 | np.float64], np.zeros(2)) is None
    assert "an array of int64" in find(NDArray[np.float32 | np.float64], np.zeros(2, int))
    sized = np.ndarray[tuple[typing.Literal[3], int], np.dtype[Any]]
    assert find(sized, np.zeros((3, 9))) is None
    assert "an array of shape (2, 9)" in find(sized, np.zeros((2, 9)))
    assert find(ArrayLike, [[1, 2]]) is None
    assert find(np.dtype[np.float32], np.dtype("f4")) is None
    assert "dtype int64" in find(np.dtype[np.floating], np.dtype("i8"))

    columns = Columns("day", fare=float, count=int, name=str)
    data = {"day": [1], "fare": [1.5], "count": [2], "name": ["x"], "more": [None]}
    for frame in (pd.DataFrame(data), pl.DataFrame(data), pa.table(data)):
        kind = Annotated[type(frame), columns]
        assert find(kind, frame) is None, type(frame)
        assert "columns fare, count, name, more" in find(kind, _without_day(frame))
    frame = pd.DataFrame(data | {"fare": [1]})
    assert find(Annotated[pd.DataFrame, columns], frame) == ": column `fare` of float, int64"
    only = Annotated[pl.DataFrame, Columns("day", only=True)]
    assert "column `fare`" in find(only, pl.DataFrame(data))


def _without_day(frame: Any) -> Any:
    return frame.drop(columns=["day"]) if hasattr(frame, "iloc") else frame.drop(["day"])


def test_dimensions_are_the_same_in_all_arguments_of_a_call():
    np = pytest.importorskip("numpy")

    @step
    def rows(count: int) -> np.ndarray:
        return np.zeros((count, 2))

    @step
    def fit(
        x: Annotated[np.ndarray, Shape("n", "d")], y: Annotated[np.ndarray, Shape("n", "d")]
    ) -> int:
        return len(x) + len(y)

    @pipeline
    def fitting(one: int, two: int):
        return fit(rows(one), rows(two))

    assert fitting(3, 3).output.load() == 6
    with pytest.raises(TypeError) as caught:
        fitting(3, 4)
    assert str(caught.value) == "fit(y): expected shape (n, d) with n=3, d=2, got shape (4, 2)"


def test_large_containers_are_sampled_by_the_stated_rule():
    items = [[1] for _ in range(200_000)]
    items[101_001] = ["x"]
    assert find(list[list[int]], items) is None
    assert find(list[list[int]], items, full=True) == '[101001][0]: int, str "x"'
    items[499] = ["y"]
    assert find(list[list[int]], items) == '[499][0]: int, str "y"'
    # The types of all items are looked at where they alone decide.
    assert find(list[int], [*range(150_000), "x"]) == '[150000]: int, str "x"'
    table = {str(number): [number] for number in range(5000)}
    assert find(dict[str, list[int]], table | {"last": ["x"]}) == '.last[0]: int, str "x"'

    @step(validate="full")
    def thorough(rows: list[list[int]]) -> int:
        return len(rows)

    @pipeline
    def checking():
        return thorough(items)

    items[499] = [1]
    with pytest.raises(TypeError) as caught:
        checking()
    assert str(caught.value) == 'thorough(rows)[101001][0]: expected int, got str "x"'


def test_values_that_contain_themselves_and_deep_ones_end():
    loop: list[Any] = []
    loop.append(loop)

    def function(x: Json) -> None: ...

    check = check_for(annotations_of_function(function)["x"], scope_of_function(function))
    assert check.find(loop) is None
    deep: Any = 1.5
    for _ in range(100_000):
        deep = [deep]
    assert check.find(deep) is None
    with pytest.raises(RecursionError):
        check.find(deep, walk=Walk(full=True))
    while isinstance(deep, list):
        deep = deep[0]


class Hostile(list[int]):
    def __iter__(self):
        raise RuntimeError("no items")

    def __len__(self) -> int:
        return 3

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not equal to anything")

    __hash__ = None  # pyright: ignore


@pytest.mark.parametrize(
    "annotation",
    [
        getattr(module, name)
        for module in (typing, typing_extensions)
        for name in module.__all__
        if name not in ("NoExtraItems", "NoDefault")
    ],
    ids=names.lasting,
)
def test_everything_in_typing_can_be_an_annotation(annotation):
    try:
        check = check_for(annotation)
    except DataTypeError:
        return  # a function, such as `overload`
    for value in (3, "x", [1], {"a": 1}, None, len, int, Hostile([1]), Lying(), Counter(1)):
        check.find(value)
        check.find([value])


def test_a_value_whose_own_code_raises_is_no_crash():
    assert find(list[int], Hostile([1])) == (
        ": list[int], test_annotations.Hostile, whose own code raised RuntimeError"
    )


def test_names_of_a_function_that_is_over_are_known():
    def make() -> Any:
        @dataclasses.dataclass
        class Inner:
            size: Size

        @dataclasses.dataclass
        class Size:
            number: int

        @step
        def measure(inner: Inner, sizes: Iterator[Size] | None = None) -> int:
            return inner.size.number

        return measure, Inner, Size

    measure, inner, size = make()

    @pipeline
    def measuring(number: Any):
        return measure(inner(size(number)))

    assert measuring(3).output.load() == 3
    with pytest.raises(TypeError) as caught:
        measuring("x")
    assert str(caught.value) == 'measure(inner).size.number: expected int, got str "x"'


WRONG = """
    from __future__ import annotations
    from dataclasses import dataclass
    from typing import TYPE_CHECKING
    from cannery import pipeline, step
    if TYPE_CHECKING:
        from decimal import Decimal

    @dataclass
    class Row:
        label: strr

    @step
    def price(rows: list[int], of: Decimal) -> int:
        return 1

    @step
    def label(row: Row = None) -> int:
        return 1

    @step
    def late(
        a: int,
        b: Lattter
    ) -> int:
        return 1

    @step
    def returned() -> Nothing.at_all:
        return 1

    @step
    def called(x: sum) -> int:
        return 1

    class Later: ...

    def use(step, *args):
        print("ran")
        @pipeline
        def using():
            return step(*args)
        try:
            using()
        except TypeError as error:
            print(error, "|", error.hint)

    use(price, [1], 2)
    use(label, Row(1))
    use(late, 1, 2)
    use(returned)
    use(called, 3)
"""


def test_names_that_are_not_there_are_errors_at_first_wiring(tmp_path):
    file = tmp_path / "flow.py"
    file.write_text(textwrap.dedent(WRONG))
    done = subprocess.run(
        [sys.executable, str(file)],
        env={
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "CANNERY_STORE": str(tmp_path / "s"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line != "ran"]
    expected = [
        (f"{file}:14: step `price`, argument `of`: `Decimal` in", "`if TYPE_CHECKING` only"),
        (f"{file}:11: class `Row`, field `label`: `strr` in", "did you mean `str`?"),
        (f"{file}:24: step `late`, argument `b`: `Lattter` in", "did you mean `Later`?"),
        (f"{file}:29: step `returned`, its return: `Nothing` in", "define or import `Nothing`"),
        (f"{file}:33: step `called`, argument `x`: the annotation `sum` is a f", "name the class"),
    ]
    assert len(lines) == len(expected), done.stdout
    for line, (start, cure) in zip(lines, expected, strict=True):
        assert line.startswith(start), line
        assert cure in line


def test_arguments_of_any_number():
    ps = ParamSpec("ps")

    @step
    def gather(*numbers: int, **options: float) -> int:
        return len(numbers) + len(options)

    @step
    def unpacked(*values: *tuple[int, str], **options: Unpack[Options]) -> int:
        return len(values)

    def passing(function: Callable[ps, int]) -> Callable[ps, int]:
        def wrapper(*args: ps.args, **kwargs: ps.kwargs) -> int:
            return function(*args, **kwargs)

        return wrapper

    @pipeline
    def calling(call):
        return call()

    wrapped = step(passing(lambda x: x))
    assert calling(lambda: gather(1, 2, a=1.0)).output.load() == 3
    assert calling(lambda: unpacked(1, "x", name="y")).output.load() == 2
    assert calling(lambda: wrapped(3)).output.load() == 3
    for call, message in (
        (lambda: gather(1, "x"), 'gather(numbers)[1]: expected int, got str "x"'),
        (lambda: gather(1, a="x"), 'gather(options).a: expected float, got str "x"'),
        (lambda: unpacked(1, 2, name="y"), "unpacked(values)[1]: expected str, got int 2"),
        (lambda: unpacked(1, "x", name=3), "unpacked(options).name: expected str, got int 3"),
    ):
        with pytest.raises(DataTypeError) as caught:
            calling(call)
        assert str(caught.value) == message


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
def test_type_parameters_of_their_own_syntax(monkeypatch: pytest.MonkeyPatch):
    module = types.ModuleType("boxes_of_newer_syntax")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = vars(module)
    source = """
from __future__ import annotations
from dataclasses import dataclass
type Tree[V] = V | list[Tree[V]]
type Pair[A, B] = tuple[A, B]
@dataclass
class Box[V: (int, str)]:
    value: V
    inside: Tree[V] | None = None
def first[V: int](x: Pair[V, str], y: Box[str], z: Tree[int]) -> V: ...
"""
    exec(source, names)
    function = names["first"]
    hints = annotations_of_function(function)
    checks = {name: check_for(hint, scope_of_function(function)) for name, hint in hints.items()}
    box = names["Box"]
    assert checks["x"].find((1, "x")) is None
    assert checks["x"].find(("x", "x")) is not None
    assert checks["y"].find(box("x", ["a", ["b"]])) is None
    assert checks["y"].find(box("x", ["a", [1]])) is not None
    assert checks["z"].find([1, [2, [3]]]) is None
    assert checks["z"].find([1, [2, ["x"]]]) is not None


def test_a_step_that_is_read_only_checked_leaves_no_artifact():
    @step
    def listing() -> list[int]:
        return [1, "x"]  # pyright: ignore

    @pipeline
    def run():
        return listing()

    with pytest.raises(DataTypeError):
        run()
    assert Store().artifacts() == []
