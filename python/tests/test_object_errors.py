"""What is refused says where and what to do, and what cannot be made is a record that says why."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cannery
from cannery import pickle as safe_pickle
from cannery.errors import DataError, DepthError


class Stubborn:
    """Takes no state."""

    def __init__(self) -> None:
        self.part = 1

    def __getstate__(self) -> dict[str, int]:
        return {"part": 1}

    def __setstate__(self, state: dict[str, int]) -> None:
        raise ValueError("not today")


class Holder:
    """Has one part, and a base that may be called."""

    def __init__(self, part: Any) -> None:
        self.part = part


class AsBase(Holder):
    def __reduce__(self) -> Any:
        return Holder, (self.part,)


class AsOther(Holder):
    def __reduce__(self) -> Any:
        return Stubborn, ()


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


# Errors that our own Python code raises.


@pytest.mark.parametrize("name", ["value.can", "value.json", "value.yaml", "value.msgpack.gz"])
def test_what_goes_wrong_in_a_class_names_the_file(name: str, tmp_path: Path) -> None:
    where = tmp_path / name
    cannery.dump({"a": [Stubborn()]}, where)
    with pytest.raises(cannery.CanneryError, match="not today") as caught:
        cannery.load(where, trust=[Stubborn])
    assert caught.value.file == str(where)
    assert caught.value.hint is not None
    assert f"in `{where}`" in shown(caught.value)
    assert f"hint: {caught.value.hint}" in shown(caught.value)


def test_what_cannot_be_saved_is_shown_with_path_file_and_hint(tmp_path: Path) -> None:
    where = tmp_path / "value.can"
    with pytest.raises(cannery.CanneryError) as caught:
        cannery.dump({"a": [lambda: 1]}, where)
    text = shown(caught.value)
    assert all(part in text for part in ("in `$.a[0]`", f"in `{where}`", "hint: define it"))
    assert not where.exists()


def test_a_hint_that_is_replaced_is_shown_once() -> None:
    error = cannery.CanneryError("no")
    error.hint = "one"
    error.hint = error.hint
    error.hint = "two\x1b"
    assert error.__notes__ == ["hint: two\\u{1b}"]


# Libraries that are not installed.

READ = """
import json, sys
for name in {missing!r}: sys.modules[name] = None
import cannery
value = cannery.load({where!r})
again = cannery.dump(value, {again!r})
print(json.dumps([type(value[0]).__name__, value[0].__hint__, type(value[1]).__name__]))
"""


@pytest.mark.parametrize("missing", [["pandas"], ["numpy", "pandas", "pyarrow"]])
@pytest.mark.parametrize("format", ["can", "json", "msgpack"])
def test_objects_of_a_missing_library_are_records(
    format: str, missing: list[str], tmp_path: Path
) -> None:
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    where, again = tmp_path / f"value.{format}", tmp_path / f"again.{format}"
    frame, array = pd.DataFrame({"a": [1.5, 2.5]}), np.arange(6.0).reshape(2, 3).T
    cannery.dump([frame, array], where)
    code = READ.format(missing=missing, where=str(where), again=str(again))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kind, hint, of_array = json.loads(done.stdout)
    assert kind == "Record"
    assert "pandas is not installed" in hint
    assert of_array == ("Record" if "numpy" in missing else "ndarray")
    back, back_array = cannery.load(again)
    assert back.equals(frame)
    assert back_array.tolist() == array.tolist()
    assert back_array.flags.f_contiguous


def test_a_record_says_what_to_trust() -> None:
    record = cannery.loads(cannery.dumps(Holder(1)))
    with pytest.raises(AttributeError, match="has no part 'parts'") as caught:
        _ = record.parts
    assert f"trust=[{record.type_name!r}]" in shown(caught.value)


# What is deep.


def test_too_many_links_are_refused_with_a_way_out() -> None:
    last: Any = None
    for _ in range(12_000):
        last = Holder(last)
    with pytest.raises(DepthError) as caught:
        cannery.dumps(last)
    assert caught.value.hint is not None
    assert "in one list" in caught.value.hint


@pytest.mark.parametrize("make", [tuple, frozenset])
def test_what_a_reader_would_refuse_as_too_deep_is_refused_when_saved(
    make: Callable[[Any], Any],
) -> None:
    value = make(())
    for _ in range(1100):
        value = make((value,))
    with pytest.raises(DepthError):
        cannery.dumps(value)


# Keys that wait for their objects, in documents of strangers.


def test_marks_beyond_63_bits_are_refused() -> None:
    with pytest.raises(DataError, match="marked"):
        cannery.loads('{"$id": 9223372036854775808, "$type": "list", "value": []}')


def test_many_sets_that_wait_take_linear_time() -> None:
    inner = '{"$type": "set", "value": [{"$ref": 1}, 1]}'
    document = f'{{"$id": 1, "$type": "x.Y", "parts": [{", ".join([inner] * 20_000)}]}}'
    record = cannery.loads(document)
    assert all(record in part for part in record.parts)


# Functions that `__reduce__` names.


def test_only_a_base_may_be_called_instead_of_the_class() -> None:
    data = cannery.dumps(AsBase(5))
    back = cannery.loads(data, trust=[Holder, AsBase])
    assert (type(back), back.part) == (Holder, 5)
    assert isinstance(cannery.loads(data, trust=[AsBase]), cannery.Record)
    with pytest.raises(cannery.CanneryError):
        cannery.dumps(AsOther(5))
    name = f"{__name__}.AsBase"
    forged = {
        "$type": name,
        "__function__": {"$type": "type", "name": f"{__name__}.Stubborn"},
        "__args__": {"$type": "tuple", "value": []},
    }
    back = cannery.loads(json.dumps(forged), trust=[AsBase, Stubborn])
    assert isinstance(back, cannery.Record)


# Pickles.


def test_functions_of_equal_names_are_pickled_as_pickle_does() -> None:
    for name in ("first_module", "second_module"):
        module = types.ModuleType(name)
        sys.modules[name] = module
        exec("def same(): pass\nclass Outer:\n    def same(self): pass", vars(module))
    try:
        first, second = sys.modules["first_module"], sys.modules["second_module"]
        value = [first.same, second.same, first.Outer, second.Outer, first.Outer.same]
        value += [second.Outer.same, "same"]
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert safe_pickle.dumps(value, protocol) == pickle.dumps(value, protocol)
    finally:
        del sys.modules["first_module"], sys.modules["second_module"]


@pytest.mark.parametrize("packed", [False, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_a_file_of_joblib_is_named_as_one(packed: Any) -> None:
    joblib, np = pytest.importorskip("joblib"), pytest.importorskip("numpy")
    out = io.BytesIO()
    joblib.dump({"w": np.ones(3)}, out, compress=packed)
    with pytest.raises(cannery.CanneryError) as caught:
        safe_pickle.loads(out.getvalue(), profile="sklearn")
    assert "joblib" in f"{caught.value} {caught.value.hint}"
