"""Editing YAML files in place."""

from __future__ import annotations

import copy
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cannery import yaml

CONFIG = """\
# training settings
base: &base
  lr: 0.1      # found by sweep
  layers: [64, 64]
fine:
  <<: *base    # inherits
  lr: 0.01
names:
- Ada   # first
- Grace
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "train.yaml"
    path.write_text(CONFIG)
    return path


def test_edits_change_what_they_say_and_nothing_else(path: Path) -> None:
    document = yaml.open(path)
    document["base"]["lr"] = 0.2
    document["fine"]["epochs"] = 3
    document["names"].append("Barbara")
    document["names"][1] = {"first": "Grace", "last": "Hopper"}
    del document["base"]["layers"]
    document.save()
    assert (
        path.read_text()
        == """\
# training settings
base: &base
  lr: 0.2      # found by sweep
fine:
  <<: *base    # inherits
  lr: 0.01
  epochs: 3
names:
- Ada   # first
- first: Grace
  last: Hopper
- Barbara
"""
    )


def test_a_mapping_reads_like_the_loaded_one(path: Path) -> None:
    document = yaml.open(path)
    assert document.data == yaml.load(CONFIG)
    fine = document["fine"]
    assert fine == {"lr": 0.01, "layers": [64, 64]}
    assert list(fine) == list(yaml.load(CONFIG)["fine"])
    assert fine["layers"] == [64, 64]
    assert "layers" in fine
    assert len(fine) == 2
    fine["layers"] = [8]
    assert document["base"]["layers"] == [64, 64]
    assert fine["layers"] == [8]
    with pytest.raises(KeyError):
        fine["missing"]
    with pytest.raises(KeyError):
        del fine["missing"]
    with pytest.raises(IndexError):
        document["names"][2]


def test_keys_and_comments_are_edited(path: Path) -> None:
    document = yaml.open(path)
    base = document["base"]
    base.rename("lr", "learning_rate")
    assert base.comment("learning_rate") == "found by sweep"
    base.set_comment("learning_rate", "by hand")
    assert document.root.comments_above("base") == ["training settings"]
    document.root.set_comments_above("fine", ["second stage"])
    with pytest.raises(ValueError, match="there already"):
        base.rename("layers", "learning_rate")
    assert document.text.startswith(
        "# training settings\nbase: &base\n  learning_rate: 0.1      # by"
    )
    assert "# second stage\nfine:\n" in document.text


@pytest.mark.parametrize(
    "data",
    [
        b"a: 1\r\nb: 2\r\n",
        b"\xef\xbb\xbfa: 1\n",
        b"a:\t1\t# tab\nb: 2",
        "a: \u00e9\n".encode("utf-16"),
        "\ufeffa: \u00e9\n".encode("utf-16-be"),
        "\ufeffa: 1\n".encode("utf-32-le"),
    ],
)
def test_what_is_not_touched_stays_byte_for_byte(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(data)
    document = yaml.open(path)
    document.save()
    assert path.read_bytes() == data
    document["new"] = 1
    document.save()
    assert yaml.open(path)["new"] == 1
    assert yaml.open(path)["a"] in (1, "\u00e9")


def test_saving_keeps_mode_and_link_and_leaves_nothing_behind(path: Path) -> None:
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    document = yaml.open(link)
    document["x"] = 1
    document.save()
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["link.yaml", "train.yaml"]
    document.save(path.with_name("copy.yaml"))
    assert path.with_name("copy.yaml").read_text() == path.read_text()


def test_a_stream_of_documents_is_edited_one_by_one() -> None:
    document = yaml.Document("a: 1\n---\nb: [1]\n---\nscalar\n")
    first, second, third = document.documents
    second["b"].insert(0, 0)
    first["c"] = None
    assert third == "scalar"
    assert document.text == "a: 1\nc: null\n---\nb: [0, 1]\n---\nscalar\n"


def test_errors_say_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 3 column 1"):
        yaml.Document("a: 1\nb: [1\nc: 2\n")
    with pytest.raises(FileNotFoundError):
        yaml.open(tmp_path / "missing.yaml")
    with pytest.raises(ValueError, match="say where to save"):
        yaml.Document("a: 1\n").save()
    unchanged = yaml.Document("a: &x 1\nb: *x\n")
    with pytest.raises(yaml.EditError, match="is used by"):
        del unchanged["a"]
    assert unchanged.text == "a: &x 1\nb: *x\n"
    tagged = yaml.Document("a: !t 1\n")
    with pytest.raises(ValueError, match="tag of its own"):
        tagged["a"] = 2


def edited(text: str, edit: Callable[[Any], object], **options: Any) -> str:
    document = yaml.Document(text, **options)
    edit(document)
    return document.text


def test_comments_belong_to_entries() -> None:
    text = "# top\n\n# a\na: 1  # one\n\n# b\nb: |-  # two\n  x\n\n# c\nc: [1]\n"
    assert edited(text, lambda d: d.pop("b")) == "# top\n\n# a\na: 1  # one\n\n# c\nc: [1]\n"
    assert "b: |-  # two\n  y\n  z\n" in edited(text, lambda d: put(d, "b", "y\nz"))
    assert "b: y  # two\n" in edited(text, lambda d: put(d, "b", 7)).replace(": 7", ": y")
    swapped = edited("- 1  # one\n# two\n- 2\n", lambda d: d.reverse())
    assert swapped == "# two\n- 2\n- 1  # one\n"
    flow = "a: [\n  1,  # one\n  2,  # two\n]\n"
    assert edited(flow, lambda d: d["a"].pop()) == "a: [\n  1,  # one\n]\n"
    assert edited(flow, lambda d: d["a"].reverse()) == "a: [\n  2,  # two\n  1,  # one\n]\n"


def test_styles_are_kept() -> None:
    assert edited("a: >-\n  x\n  y\n", lambda d: put(d, "a", "z z")) == "a: >-\n  z z\n"
    assert edited("a: |+\n  x\n\nb: 1\n", lambda d: put(d, "a", "y\n\n")) == (
        "a: |+\n  y\n\nb: 1\n"
    )
    assert edited("a: 'x'\n", lambda d: put(d, "a", "it's")) == "a: 'it''s'\n"
    assert edited("[x: 1, y: 2]\n", lambda d: put(d, 0, 5)) == "[5, y: 2]\n"
    assert edited("[x: 1]\n", lambda d: put(d[0], "z", 3)) == "[{x: 1, z: 3}]\n"
    json = '{"a": [1, "x"]}\n'
    assert edited(json, lambda d: d["a"].append("y")) == '{"a": [1, "x", "y"]}\n'
    assert edited("{}", lambda d: put(d, "a", None)) == '{"a": null}'


def test_views_are_values() -> None:
    document = yaml.Document("a: {x: 1}\nb: {y: 2}\nl:\n- {n: 1}\n- {n: 2}\n")
    document["a"], document["b"] = document["b"], document["a"]
    assert document.data["a"] == {"y": 2}
    assert document.data["b"] == {"x": 1}
    items = document["l"]
    first = items[0]
    items.insert(0, {"n": 0})
    first["n"] = 10
    assert items == [{"n": 0}, {"n": 10}, {"n": 2}]
    taken = items.pop(1)
    taken["m"] = 1
    items.append(taken)
    assert document.data["l"] == [{"n": 0}, {"n": 2}, {"n": 10, "m": 1}]
    old = document["a"]
    document["a"] = 5
    old["z"] = 1
    assert old == {"y": 2, "z": 1}
    assert document["a"] == 5
    items[0:2] = [1, 2, 3]
    assert items == [1, 2, 3, {"n": 10, "m": 1}]
    assert pickle.loads(pickle.dumps(items)) == items.data
    assert copy.deepcopy(items) == items
    assert document.setdefault("new", []) == []
    document.update({"new": [1], "other": 2})
    assert document.get("missing", 3) == 3
    assert list(document.keys()) == ["a", "b", "l", "new", "other"]


def test_edits_behind_aliases_and_merges_are_made_where_the_value_is() -> None:
    text = "a: &x {p: 1}\nb: *x\nc:\n  <<: *x\n  q: 2\n"
    assert edited(text, lambda d: put(d["b"], "p", 5)).startswith("a: &x {p: 5}\nb: *x\n")
    document = yaml.Document(text)
    with pytest.raises(yaml.EditError, match="merged"):
        del document["c"]["p"]
    document["c"]["p"] = 9
    assert document.text == text + "  p: 9\n"
    document["b"] = 1
    assert document.data["b"] == 1
    assert document.data["a"] == {"p": 1}


def test_tags_and_empty_documents() -> None:
    document = yaml.Document("")
    document["a"] = "x"
    assert document.text == "a: x\n"
    document["a"] = yaml.Tagged("!Sub", "${y}")
    assert document.text == "a: !Sub ${y}\n"
    document.root.set_tag("a", None)
    document["a"] = "plain"
    assert document.text == "a: plain\n"
    document.root.set_tag("a", "!t")
    assert document.text == "a: !t plain\n"
    with pytest.raises(yaml.EditError, match="is no tag"):
        document.root.set_tag("a", "t")
    lines = yaml.Document("# only a comment\n")
    lines.append(1)
    assert lines.text == "# only a comment\n- 1\n"


def put(view: Any, key: Any, value: Any) -> None:
    view[key] = value
