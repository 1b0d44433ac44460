"""Few bytes do not become many: compressed files, `.can` members, aliases, masks."""

from __future__ import annotations

import functools
import json
import os
import resource
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import cannery
from cannery import coco
from cannery.coco._masks import to_text
from cannery.errors import DataError, LimitError

MEBIBYTE = 1 << 20


@functools.cache
def _gzipped(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [b'"', *[b"a" * MEBIBYTE] * mebibytes, b'"']
    return b"".join([*map(packer.compress, parts), packer.flush()])


def gzipped(path: Path, mebibytes: int) -> Path:
    path.write_bytes(_gzipped(mebibytes))
    return path


def zstandard(path: Path, mebibytes: int) -> Path:
    """A frame of blocks that say how often a byte is repeated: 128 KiB of every four bytes."""
    block = 1 << 17
    data = bytearray(b"\x28\xb5\x2f\xfd\x00\x58")
    count = mebibytes * MEBIBYTE // block
    for number in range(count):
        is_last = number + 1 == count
        data += (block << 3 | 1 << 1 | is_last).to_bytes(3, "little") + b"a"
    path.write_bytes(bytes(data))
    return path


def in_child(code: str, *words: object, memory: int = 256) -> subprocess.CompletedProcess[str]:
    """Run code that may take so many mebibytes more than it takes to begin, and a minute."""
    measured = (
        "import peak_memory, sys, cannery\n"
        "before = peak_memory.kilobytes()\n"
        f"{code}\nafter = peak_memory.kilobytes()\n"
        f"assert after - before < {memory << 10}, after - before\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("CANNERY_MAX_EXPANDED", None)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    command = [sys.executable, "-c", measured, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, preexec_fn=limit
    )
    assert done.returncode == 0, done.stderr
    return done


LOADS = """
try: cannery.load(sys.argv[1])
except cannery.errors.LimitError as error: assert "CANNERY_MAX_EXPANDED" in error.hint
else: raise SystemExit("it was read")
"""
CLI = """
import os
from cannery import _native
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
assert _native.cli_main(["cannery", *sys.argv[1:]]) == 2
"""


@pytest.mark.parametrize("packed", ["gz", "zst"])
@pytest.mark.parametrize("ending", ["json", "yaml", "msgpack"])
def test_a_packed_bomb_is_not_loaded(tmp_path: Path, packed: str, ending: str) -> None:
    path = tmp_path / f"bomb.{ending}.{packed}"
    _ = gzipped(path, 260) if packed == "gz" else zstandard(path, 260)
    in_child(LOADS, path)


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (["cat"], "json"),
        (["head"], "jsonl"),
        (["inspect"], "yaml"),
        (["validate"], "json"),
        (["fmt", "--check"], "json"),
    ],
)
def test_no_command_reads_a_packed_bomb(tmp_path: Path, words: list[str], ending: str) -> None:
    in_child(CLI, *words, gzipped(tmp_path / f"bomb.{ending}.gz", 500), memory=400)


def test_what_is_trusted_is_read_when_its_size_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = gzipped(tmp_path / "a.json.gz", 150)
    with pytest.raises(LimitError):
        cannery.load(path)
    monkeypatch.setenv("CANNERY_MAX_EXPANDED", "200M")
    assert len(cannery.load(path)) == 150 * MEBIBYTE


def test_data_that_packs_well_is_read(tmp_path: Path) -> None:
    rows = [{"id": number, "name": f"name {number % 100}", "ok": True} for number in range(200_000)]
    cannery.dump(rows, tmp_path / "rows.json.gz")
    assert cannery.load(tmp_path / "rows.json.gz") == rows
    cannery.jsonl.write(tmp_path / "rows.jsonl.zst", rows)
    assert sum(1 for _ in cannery.jsonl.read(tmp_path / "rows.jsonl.zst")) == len(rows)


def test_a_can_bomb_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.can"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("document.json", "w", force_zip64=True) as member:
            for _ in range(200):
                member.write(b" " * MEBIBYTE)
        archive.writestr("manifest.json", "{}")
    in_child(LOADS, path, memory=128)
    in_child(CLI, "cat", path, memory=128)


def test_members_that_together_expand_to_too_much_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.can"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"bytes/{number}.bin", b" " * (20 * MEBIBYTE))
        archive.writestr("document.json", "1")
        archive.writestr("manifest.json", "{}")
    in_child(LOADS, path, memory=128)


def test_members_that_come_twice_or_share_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.can"
    cannery.dump([1, 2], path)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("document.json", "[3]")
    with pytest.raises(DataError, match="same name"):
        cannery.load(path)
    cannery.dump([b"a" * 5000, b"b" * 5000], path)
    data = bytearray(path.read_bytes())
    entries = [at for at in range(len(data)) if data[at : at + 4] == b"PK\x01\x02"]
    data[entries[1] + 42 : entries[1] + 46] = data[entries[0] + 42 : entries[0] + 46]
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="called otherwise by its own header"):
        cannery.load(path)


def _yaml_bomb(leaf: str) -> str:
    lines = [f"a: &a [{','.join([leaf] * 10)}]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{','.join(['*' + before] * 10)}]")
    return "\n".join(lines) + "\n"


def _wide_bomb() -> str:
    return f"a: &a {'x' * 100_000}\nb: [{','.join(['*a'] * 100_000)}]\n"


def _map_bomb() -> str:
    lines = ["a: &a {k: v}"]
    lines += [
        f"{n}: &{n} {{{', '.join(f'k{i}: *{b}' for i in range(9))}}}"
        for b, n in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    return "\n".join(lines) + "\n"


BOMBS = {
    "small": _yaml_bomb("x"),
    "long": _yaml_bomb("y" * 1000),
    "wide": _wide_bomb(),
    "maps": _map_bomb(),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_alias_bomb_stops_early(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[name])
    target = tmp_path / "out.json"
    for words in (["cat", path], ["head", path], ["convert", path, target]):
        command = [sys.executable, "-m", "cannery", *map(str, words)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            size = 0
            while part := process.stdout.read(MEBIBYTE):
                size += len(part)
            message = process.stderr.read().decode()
        assert size < 64 * MEBIBYTE, words
        if words[0] != "head":
            assert process.returncode == 2
            assert "expands to more" in message
            assert "CANNERY_MAX_EXPANDED" in message
    assert not target.exists()


def test_aliases_of_every_day_are_written_out(tmp_path: Path) -> None:
    text = "base: &base {image: python, steps: [a, b, c]}\n"
    text += "".join(f"job{number}: *base\n" for number in range(2000))
    (tmp_path / "ci.yaml").write_text(text)
    command = [sys.executable, "-m", "cannery", "cat", "--json", str(tmp_path / "ci.yaml")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert len(json.loads(done.stdout)) == 2001


MASKS = [
    {"size": [20_000, 30_000], "counts": [600_000_000]},
    {"size": [10**9, 10**9], "counts": [10**18]},
    {"size": [1, 10**12], "counts": [0, 10**12]},
    {"size": [20_000, 30_000], "counts": to_text([600_000_000])},
]
POLYGONS = [
    [[0, 0, 1e9, 1e9, 0, 1e9]],
    [[0, 0, 1e300, 0, 1e300, 1e300]],
    [[0, 0, 1e5, 1e5] * 500],
    [[0, 0, 4e4, 0, 4e4, 4e4]] * 1000,
]


@pytest.mark.parametrize("mask", MASKS, ids=range(len(MASKS)))
def test_a_mask_is_not_larger_than_was_asked_for(mask: dict[str, object]) -> None:
    pytest.importorskip("numpy")
    with pytest.raises(LimitError) as caught:
        coco.decode(mask)
    assert "max_pixels" in (caught.value.hint or "")
    small = {"size": [100, 100], "counts": [10_000]}
    assert coco.decode(small).shape == (100, 100)
    with pytest.raises(LimitError):
        coco.decode(small, max_pixels=9_999)
    wide = {"size": [1, (1 << 26) + 1], "counts": [(1 << 26) + 1]}
    assert coco.decode(wide, max_pixels=1 << 27).size == (1 << 26) + 1


@pytest.mark.parametrize("polygons", POLYGONS, ids=range(len(POLYGONS)))
def test_an_outline_is_not_longer_than_any_in_an_image(polygons: list[list[float]]) -> None:
    pytest.importorskip("numpy")
    with pytest.raises(LimitError):
        coco.mask_of({"segmentation": polygons}, 100, 100)
    with pytest.raises(LimitError):
        coco.mask_of({"bbox": [0, 0, 1, 1]}, 10**6, 10**6)


@pytest.mark.parametrize(
    "annotation",
    [
        {"segmentation": [[0, 0, float("nan"), 1, 2, 2]]},
        {"segmentation": [[0, 0, float("inf"), 1, 2, 2]]},
        {"segmentation": [[]]},
        {"segmentation": [["a", "b", "c", "d"]]},
        {"segmentation": {"size": [1.5, 2], "counts": [3]}},
        {"segmentation": {"size": [2], "counts": [2]}},
        {"segmentation": {"size": [-1, -4], "counts": [4]}},
        {"segmentation": {"size": [2, 2], "counts": ["a"]}},
        {"segmentation": {"size": [2, 2], "counts": "o" * 1_000_000}},
    ],
    ids=range(9),
)
def test_what_is_no_mask_is_a_data_error(annotation: dict[str, object]) -> None:
    pytest.importorskip("numpy")
    with pytest.raises(DataError):
        coco.mask_of(annotation, 4, 4)


@pytest.mark.parametrize("name", ["a.can.gz", "a.npy.zst", "a.msgpack.bz2", "a.pkl.xz"])
def test_what_is_dumped_can_be_loaded_however_dense_it_is(tmp_path: Path, name: str) -> None:
    zeros = np.zeros(10 << 20)  # 80 MiB, more than what a few bytes may become
    cannery.dump(zeros, tmp_path / name)
    loaded = np.asarray(cannery.load(tmp_path / name))
    assert loaded.shape == zeros.shape
    assert not loaded.any()
    assert cannery.scan(tmp_path / name).findings == ()
