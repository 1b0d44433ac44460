"""Editing YAML files in place."""

from __future__ import annotations

import stat
from pathlib import Path

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
    tagged = yaml.Document("a: !t 1\n")
    with pytest.raises(ValueError, match="tag of its own"):
        tagged["a"] = 2
