"""Materializers: values come back as they were, in files that hold no pickle."""

# ruff: noqa: E501  tables of values

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import names
import pytest

from cannery import Materializer, Store, pipeline, step
from cannery._objects._hints import hint_for
from cannery._values import Saved, load_files, save_value
from cannery.materializers._registry import materializer_for
from cannery.materializers._trust import trusting


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    tags: tuple[str, ...] = ()


class Plain:
    def __init__(self, inner):
        self.inner = inner

    def __eq__(self, other):
        return type(other) is Plain and self.inner == other.inner

    __hash__ = None  # pyright: ignore


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a

    def __eq__(self, other):
        return type(other) is Slotted and self.a == other.a

    __hash__ = None  # pyright: ignore


class Pair(NamedTuple):
    left: int
    right: Any


VALUES = [
    None, True, 3, -(2**70), 1.5, float("inf"), "text \u2028 😀", "lone \ud800", b"\x00\xff", bytearray(b"x"),
    2 + 3j, [1, [2, (3,)]], (1, "a"), {1, 2}, frozenset({"a"}), {"a": 1, (1, 2): {3: None}}, {"$type": "no tag"},
    dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC), dt.date(2026, 1, 2), dt.timedelta(seconds=1.5),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=7), pathlib.PurePosixPath("a/b"),
    collections.OrderedDict(b=1, a=2), collections.Counter("abca"), collections.deque([1, 2], maxlen=5),
    collections.defaultdict(list, a=[1]), range(3), Colour.RED, Point(1.0, ("a",)), Plain([Point(2.0)]),
    Slotted({"k": Plain(1)}), Pair(1, Point(0.5)),
]  # fmt: skip


def save_and_load(value: Any, folder: Path, annotation: Any = None, **options: Any) -> Any:
    saved = save_value(value, folder, annotation=annotation, **options)
    with trusting(()):
        return load_files(folder, saved, annotation, options.get("materializers", ()))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("value", VALUES, ids=names.lasting)
def test_a_value_comes_back_as_it_was(value, tmp_path):
    back = save_and_load(value, tmp_path)
    assert back == value
    assert type(back) is type(value)
    assert all(file.suffix in (".json", ".txt", ".bin") for file in files_below(tmp_path))


@pytest.mark.parametrize("value", VALUES, ids=names.lasting)
def test_an_equal_value_has_equal_files(value, tmp_path):
    texts = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        save_value(value, folder)
        texts.append({file.relative_to(folder): file.read_bytes() for file in files_below(folder)})
    assert texts[0] == texts[1]


def test_shared_values_stay_shared(tmp_path):
    shared = Plain(1)
    back = save_and_load([shared, {"again": shared}], tmp_path)
    assert back[0] is back[1]["again"]


def test_arrays(tmp_path):
    np = pytest.importorskip("numpy")
    arrays = [
        np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        np.zeros((0, 3)), np.array(3, "f4"), np.array(["2026-11-21"], "M8[D]"), np.array([True]),
        np.zeros(2, [("a", "<f4"), ("b", "S3")]), np.arange(20)[::-2], np.ones((1 << 18,), "f8"),
    ]  # fmt: skip
    for index, array in enumerate(arrays):
        folder = tmp_path / str(index)
        folder.mkdir()
        back = save_and_load(array, folder)
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert (back == array).all()
        assert type(back) is np.ndarray
        assert back.flags.f_contiguous == array.flags.f_contiguous or array.base is not None
        assert [file.name for file in files_below(folder)] == ["array.npy"]


def test_a_loaded_array_can_be_changed_and_the_store_does_not_change(tmp_path):
    np = pytest.importorskip("numpy")
    for count in (10, 1 << 18):
        folder = tmp_path / str(count)
        folder.mkdir()
        saved = save_value(np.zeros(count), folder)
        back = load_files(folder, saved)
        back += 1
        assert load_files(folder, saved).sum() == 0


def test_a_masked_array_keeps_its_mask(tmp_path):
    np = pytest.importorskip("numpy")
    array = np.ma.masked_array([1, 2, 3], [False, True, False], fill_value=9)
    back = save_and_load(array, tmp_path)
    assert back.mask.tolist() == array.mask.tolist()
    assert (back.fill_value, back.sum()) == (9, 4)


def test_tuples_of_annotated_types_are_stored_in_parts(tmp_path):
    np = pytest.importorskip("numpy")
    value = (np.arange(3), {"classes": ["a"]})
    annotation = tuple[np.ndarray, dict[str, list[str]]]
    back = save_and_load(value, tmp_path, annotation)
    assert back[0].tolist() == [0, 1, 2]
    assert back[1] == value[1]
    names = sorted(str(file.relative_to(tmp_path)) for file in files_below(tmp_path))
    assert names == ["0/array.npy", "1/data.json", "parts.json"]


class Word:
    def __init__(self, text):
        self.text = text


class LongWord(Word):
    pass


def define_materializer(suffix, *types):
    class WordMaterializer(Materializer[Any]):
        format_id = f"word.{suffix}/1"

        def save(self, value, to):
            (to / f"word.{suffix}").write_text(value.text)

        def load(self, type, at):
            return type((at / f"word.{suffix}").read_text())

    if types:
        from cannery.materializers._base import register

        WordMaterializer.types = types
        register(WordMaterializer)
    return WordMaterializer


def test_the_last_definition_for_a_type_and_its_subclasses_wins(tmp_path):
    define_materializer("first", Word)
    second = define_materializer("second", Word)
    assert materializer_for(Word) is second
    assert materializer_for(LongWord) is second
    back = save_and_load(LongWord("x"), tmp_path)
    assert (type(back), back.text) == (LongWord, "x")
    assert (tmp_path / "word.second").exists()
    third = define_materializer("third", LongWord)
    assert (materializer_for(LongWord), materializer_for(Word)) == (third, second)


def test_a_preferred_materializer_is_used_first(tmp_path):
    define_materializer("first", Word)
    mine = define_materializer("mine")
    assert save_and_load(Word("x"), tmp_path, materializers=[mine]).text == "x"
    assert (tmp_path / "word.mine").exists()


def test_what_cannot_be_saved_says_what_to_write(tmp_path):
    with pytest.raises(TypeError, match="lock") as caught:
        save_value([__import__("threading").Lock()], tmp_path)
    assert "__getstate__" in str(caught.value.hint)


def test_what_a_library_hides_says_what_to_write():
    class Grid:
        __slots__ = ()

    Grid.__module__, Grid.__qualname__ = "gridlib.core", "Grid"
    hint = hint_for(Grid())
    assert "parts=lambda value" in hint
    assert "class GridMaterializer(cannery.Materializer[gridlib.core.Grid])" in hint


def test_what_nobody_reads_says_what_to_do(tmp_path):
    with pytest.raises(TypeError, match="no materializer reads that") as caught:
        load_files(tmp_path, Saved("elsewhere.Thing", "thing/9", {}))
    assert caught.value.hint == (
        "import the module that defines its materializer (perhaps `elsewhere`) first"
    )


def test_a_plugin_is_found_by_the_name_of_the_module(tmp_path, monkeypatch):
    (tmp_path / "somelib.py").write_text("class Frame:\n    rows = 3\n")
    (tmp_path / "someplugin.py").write_text(
        "import somelib\n"
        "from cannery import Materializer\n"
        "class FrameMaterializer(Materializer):\n"
        "    types = (somelib.Frame,)\n"
        "    format_id = 'frame/1'\n"
    )
    info = tmp_path / "someplugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: someplugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cannery.materializers]\nsomelib = someplugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import somelib  # pyright: ignore

    assert materializer_for(somelib.Frame).format_id == "frame/1"


def test_a_step_is_not_repeated_for_a_class_that_did_not_change(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))

    @step
    def make() -> list[Any]:
        return [Plain(3)]

    @step
    def use(values: list[Any]) -> int:
        return values[0].inner

    @pipeline
    def making():
        return use(make())

    making()
    run = making()
    assert all(each.cached for each in run.steps.values())
    assert Store().artifact("make").metadata["classes"] == ["test_materializers.Plain"]
    assert "class test_materializers.Plain" in run.steps["use"].key_parts


def test_tables_and_models_are_stored_beside_their_document(tmp_path):
    pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    value = {"frame": pd.DataFrame({"a": np.arange(100)}), "point": Point(1.0)}
    back = save_and_load(value, tmp_path)
    assert back["frame"].equals(value["frame"])
    assert back["point"] == value["point"]
    assert [file.name for file in files_below(tmp_path)] == ["data.can"]


def test_a_figure_is_stored_as_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 2))
    figure.subplots().plot([1, 2])
    saved = save_value(figure, tmp_path)
    assert sorted(file.name for file in files_below(tmp_path)) == ["figure.png", "figure.svg"]
    assert saved.metadata == {"inches": [1.0, 2.0], "axes": 1}
    back = load_files(tmp_path, saved)
    assert (type(back), len(back.axes)) == (Figure, 1)
