"""`cannery fsck FILE`: damage is named, and what h5py still reads is in the repaired file."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hdf5_kills
import peak_memory
import pytest

from cannery import hdf5

h5py = pytest.importorskip("h5py")
np = pytest.importorskip("numpy")


def make(path: Path, libver: Any, ordered: bool) -> None:
    """A file of all kinds of structures, small enough to be damaged at many places."""
    with h5py.File(path, "w", libver=libver, track_order=ordered) as file:
        numbers = np.arange(600).reshape(20, 30)
        file["plain"] = numbers
        file.create_dataset(
            "packed", data=numbers, chunks=(7, 8), compression="gzip", fletcher32=True
        )
        file.create_dataset("grows", data=numbers, chunks=(4, 30), maxshape=(None, 30))
        file.create_dataset("both", data=numbers, chunks=(4, 4), maxshape=(None, None))
        file.create_dataset("texts", data=["a" * i for i in range(20)], dtype=h5py.string_dtype())
        file["packed"].attrs["unit"] = "km"
        many = file.create_group("many")
        for i in range(20):
            many[f"d{i}"] = np.arange(i)
            many.attrs[f"a{i}"] = i
        file.create_group("deep/deeper")["z"] = np.arange(9)
        file["soft"] = h5py.SoftLink("/plain")


NAMES = ["plain", "packed", "grows", "both", "texts", "deep/deeper/z", "soft",
         *(f"many/d{i}" for i in range(20))]  # fmt: skip


def values(path: Path) -> dict[str, str]:
    """What h5py reads of a file, by name."""
    found = {}
    try:
        file = h5py.File(path, "r")
    except OSError:
        return {}
    with file:
        for name in NAMES:
            try:
                found[name] = repr(file[name][()].tolist())
            except (OSError, KeyError, RuntimeError, ValueError, TypeError, MemoryError):
                continue
    return found


def check(path: Path, repaired: Path | None = None) -> dict[str, Any]:
    from cannery import _native

    return _native.hdf5_check(str(path), None if repaired is None else str(repaired), 1)


def flips(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= chance.choice([1, 0x10, 0x80, 0xFF])
        yield bytes(damaged)
    yield data[: len(data) * 3 // 4]


@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_what_h5py_reads_is_in_the_repaired_file(libver: str, tmp_path: Path) -> None:
    bounds: Any = ("earliest", "v108") if libver == "v108" else libver
    whole, damaged, repaired = (tmp_path / name for name in ("a.h5", "b.h5", "c.h5"))
    make(whole, bounds, libver != "earliest")
    expected = values(whole)
    assert len(expected) == len(NAMES)
    assert check(whole)["damaged"] == []
    found = 0
    for data in flips(whole.read_bytes(), 120, len(libver)):
        damaged.write_bytes(data)
        repaired.unlink(missing_ok=True)
        report = check(damaged, repaired)
        found += report["damaged_count"] > 0
        still = {name: value for name, value in values(damaged).items() if expected[name] == value}
        after = values(repaired)
        assert {name: after.get(name) for name in still} == still
        assert check(repaired)["damaged"] == []
    assert found > 10


def test_damage_is_named(tmp_path: Path) -> None:
    path, repaired = tmp_path / "a.h5", tmp_path / "b.h5"
    with hdf5.File(path, "w") as file:
        made = file.create_dataset("x", data=np.arange(100), chunks=(25,), fletcher32=True)
        made.attrs["unit"] = "m"
        file["y"] = [1, 2, 3]
    data = bytearray(path.read_bytes())
    # The third chunk of four.
    at = data.index(np.arange(50, 75).tobytes())
    data[at + 3] ^= 0x40
    path.write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "cannery",
        "fsck",
        str(path),
        "--json",
        "--repair",
        str(repaired),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    (found,) = report["damaged"]
    assert (found["name"], found["offset"]) == ("/x", at)
    assert found["what"].startswith("chunk at [50]: ")
    assert "checksum" in found["what"]
    assert sorted(report["whole"]) == ["/", "/y"]
    with h5py.File(repaired) as file:
        x = file["x"]
        assert x[:50].tolist() == list(range(50))
        assert x[75:].tolist() == list(range(75, 100))
        assert x[50:75].tolist() == [0] * 25
        assert x.attrs["damaged_chunks"].tolist() == [[50]]
        assert x.attrs["unit"] == "m"
        assert file["y"][()].tolist() == [1, 2, 3]
    again = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_lost_objects_are_found(tmp_path: Path) -> None:
    path, repaired = tmp_path / "a.h5", tmp_path / "b.h5"
    with hdf5.File(path, "w") as file:
        file["group/x"] = np.arange(5)
    data = bytearray(path.read_bytes())
    root = data.index(b"OHDR")
    data[root + 20] ^= 0xFF
    path.write_bytes(data)
    assert check(path, repaired)["damaged_count"] > 0
    with h5py.File(repaired) as file:
        (group,) = file["lost+found"].values()
        assert group["x"][()].tolist() == list(range(5))


def test_a_program_that_is_killed_leaves_what_it_flushed(tmp_path: Path) -> None:
    assert hdf5_kills.kill_often(tmp_path, 4, seed=5) > 0


def test_hostile_files_are_checked_in_bounded_memory(suites: Path, tmp_path: Path) -> None:
    files = [*sorted((suites / "hdf5" / "hostile").glob("*.h5")),
             *sorted((suites / "hdf5" / "hostile2").glob("*.h5"))]  # fmt: skip
    if not files:
        pytest.skip("the files are not there")
    code = (
        "import sys, resource; from cannery import _native\n"
        "for path in sys.argv[1:]:\n"
        "    try: _native.hdf5_check(path, None, 1)\n"
        "    except (ValueError, OSError, TypeError, NotImplementedError): pass\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import peak_memory; print(peak_memory.kilobytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, files)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 400_000
    assert peak_memory.kilobytes() > 0
