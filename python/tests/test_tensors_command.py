"""`cannery inspect`, `convert` and `diff` on files of tensors."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")

import cannery  # noqa: E402
from cannery import npy, safetensors, torch  # noqa: E402

TENSORS = {
    "w": np.arange(12.0).reshape(3, 4),
    "layer.bias": np.ones(3, "f4"),
    "steps": np.arange(4),
    "turned": np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3)),
}


def run(*arguments: object, status: int = 0) -> str:
    command = [sys.executable, "-m", "cannery", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def files(tmp_path: Path) -> Path:
    safetensors.save_file(TENSORS, tmp_path / "a.safetensors", {"by": "us"})
    npy.savez_compressed(tmp_path / "a.npz", **TENSORS)
    return tmp_path


def test_inspect_tells_names_shapes_and_totals(files: Path) -> None:
    shown = run("inspect", files / "a.npz")
    assert "turned      big-endian float32 [2, 3]  Fortran order  24 B" in shown
    assert "total  4 tensors  25 parameters  164 B" in shown
    told = json.loads(run("inspect", "--json", files / "a.safetensors"))
    assert told["totals"]["parameters"] == 25
    assert told["totals"]["metadata"] == {"by": "us"}
    shapes = {part["name"]: (part["dtype"], part["shape"]) for part in told["root"]["parts"]}
    assert shapes == {name: (a.dtype.name, list(a.shape)) for name, a in TENSORS.items()}


@pytest.mark.parametrize("target", ["b.safetensors", "b.npz", "folder/", "b.can"])
def test_convert_keeps_every_value(files: Path, target: str) -> None:
    for source in ("a.npz", "a.safetensors"):
        run("convert", files / source, f"{files}/{target}")
        back = files / "back.safetensors"
        run("convert", f"{files}/{target}", back)
        assert "4 the same, 0 different" in run("diff", files / source, back)
        loaded = safetensors.load_file(back)
        assert all(np.array_equal(loaded[name], array) for name, array in TENSORS.items())


def test_convert_writes_what_readers_of_models_expect(files: Path) -> None:
    run("convert", files / "a.npz", files / "b.safetensors")
    assert safetensors.open(files / "b.safetensors").metadata == {"format": "pt"}


def test_convert_chooses_types_and_names(files: Path) -> None:
    run(
        "convert",
        "--dtype",
        "bf16",
        "--include",
        "w",
        "--include",
        "*s",
        files / "a.npz",
        files / "b.safetensors",
    )
    opened = safetensors.open(files / "b.safetensors")
    assert {name: tensor.type for name, tensor in opened.items()} == {
        "w": "bfloat16",
        "layer.bias": "bfloat16",
        "steps": "int64",
    }
    assert "no tensor is called `x`" in run(
        "convert", "--include", "x", files / "a.npz", files / "c.npz", status=2
    )
    assert "bfloat16, with the same values" in run(
        "diff", files / "a.npz", files / "b.safetensors", status=1
    )


def test_what_cannot_be_carried_is_listed(files: Path) -> None:
    npy.savez(files / "c.npz", a=np.arange(3), text=np.array(["x"]), big=np.ones(1, "c16"))
    out = files / "c.safetensors"
    refused = run("convert", files / "c.npz", out, status=2)
    assert "text: the target has no type <U1; big: the target has no type complex128" in refused
    assert not out.exists()
    done = json.loads(run("convert", "--lossy", "--json", files / "c.npz", out).partition("\n")[0])
    assert done["tensors"] == 1
    assert list(safetensors.open(out)) == ["a"]


def test_large_targets_are_divided(files: Path) -> None:
    run("convert", "--shard-size", "60", files / "a.npz", files / "b.safetensors")
    index = files / "b.safetensors.index.json"
    assert len(set(json.loads(index.read_text())["weight_map"].values())) == 3
    assert "4 the same" in run("diff", files / "a.npz", index)


def test_diff_says_which_and_by_how_much(files: Path) -> None:
    changed = {name: array.copy() for name, array in TENSORS.items()}
    changed["w"][1, 2] += 0.5
    changed["renamed"] = changed.pop("layer.bias")
    changed["steps"] = changed["steps"].reshape(2, 2)
    changed["new"] = np.zeros(1)
    del changed["turned"]
    safetensors.save_file(changed, files / "b.safetensors")
    told = json.loads(
        run("diff", "--json", files / "a.safetensors", files / "b.safetensors", status=1)
    )
    changes = {change.pop("name"): change for change in told["changes"]}
    assert changes["w"] == {
        "change": "values", "count": 1, "all": 12, "max": 0.5, "mean": 0.5 / 12, "first": [1, 2],
    }  # fmt: skip
    assert changes["layer.bias"] == {"change": "renamed", "to": "renamed"}
    assert changes["steps"] == {"change": "shape", "shapes": [[4], [2, 2]]}
    assert changes["new"] == {"change": "added"}
    assert changes["turned"] == {"change": "missing"}
    both = (files / "a.safetensors", files / "b.safetensors")
    shown = run("diff", *both, status=1)
    assert (
        "w  1 of 12 values differ, by 5.000e-1 at most, 4.167e-2 on average, the first at [1, 2]"
        in shown
    )
    near = run("diff", "--atol", "0.5", *both, status=1)
    assert not any(line.startswith("w ") for line in near.splitlines())
    near = run("diff", "--rtol", "0.1", *both, status=1)
    assert not any(line.startswith("w ") for line in near.splitlines())
    assert "no file of named tensors" in run("diff", files / "a.npz", __file__, status=2)
    assert "cannot open" in run("diff", files / "a.npz", files / "none", status=2)


def test_nan_equals_nan_and_differs_from_numbers(files: Path) -> None:
    one = np.array([1.0, np.nan, np.inf])
    safetensors.save_file({"x": one, "y": one}, files / "n.safetensors")
    safetensors.save_file({"x": one.astype("f4"), "y": one[::-1]}, files / "m.safetensors")
    told = json.loads(
        run(
            "diff",
            "--json",
            "--atol",
            "9",
            files / "n.safetensors",
            files / "m.safetensors",
            status=1,
        )
    )
    assert [(c["name"], c["change"], c.get("count")) for c in told["changes"]] == [
        ("x", "dtype", None),
        ("y", "values", 2),
    ]


def test_scan_finds_nothing_in_data(files: Path) -> None:
    assert "2 scanned, 0 dangerous, 0 unknown" in run(
        "scan", files / "a.npz", files / "a.safetensors"
    )


def test_scan_agrees_with_the_reader(suites: Path, count_cases) -> None:
    import cannery

    folder = suites / "safetensors"
    cases = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    cases = [case for case in cases if "kind" not in case and not case.get("spec")]
    for case in cases:
        verdict = cannery.scan(folder / case["file"]).verdict
        assert verdict == "ok" if case["accept"] else verdict != "danger", case["file"]
    count_cases("safetensors scanned", len(cases))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process its memory so")
def test_converting_takes_the_memory_of_a_piece(files: Path) -> None:
    size = 200 << 20
    with (files / "large.safetensors").open("wb") as file:
        header = json.dumps(
            {"x": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
        )
        file.write(len(header).to_bytes(8, "little") + header.encode())
        file.truncate(8 + len(header) + size)
    code = """
import sys
from cannery import _native
assert _native.cli_main(["cannery", "convert", *sys.argv[1:]]) == 0
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""
    command = [
        sys.executable,
        "-c",
        code,
        files / "large.safetensors",
        files / "large.npz",
        "--dtype",
        "f16",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert int(done.stdout) < 60 << 10, done.stderr
    assert (files / "large.npz").stat().st_size > size // 2


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the arrays in nested containers by their names joined by dots."""
    if isinstance(value, np.ndarray):
        return {name: value}
    if not isinstance(value, dict | list):
        return {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    parts = [flat(inner, f"{name}.{key}" if name else str(key)) for key, inner in items]
    return {key: array for part in parts for key, array in part.items()}


@pytest.mark.parametrize("folder", ["t2.15-fs", "t2.15-fs_per_tensor"])
def test_distributed_checkpoints_are_files_of_tensors(
    suites: Path, tmp_path: Path, folder: str
) -> None:
    source, target = suites / "torch/dcp" / folder, tmp_path / "a.safetensors"
    run("convert", "--lossy", source, target)
    expected = flat(cannery.load(source))
    found = safetensors.load_file(target)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].tobytes() == np.ascontiguousarray(array).tobytes(), name
    assert json.loads(run("inspect", "--json", source))["totals"]["tensors"] == len(expected)


@pytest.mark.parametrize("model", ["torch/hf/t2.15", "torch/dcp/t2.15-hf"])
def test_folders_of_sharded_models(suites: Path, tmp_path: Path, model: str) -> None:
    expected = cannery.load(suites / model)
    run("convert", suites / model, tmp_path / "a.npz")
    found = npy.load(tmp_path / "a.npz")
    assert set(found) == set(expected)
    assert json.loads(run("cat", suites / model)).keys() == expected.keys()


def test_converting_takes_memory_for_a_piece(tmp_path: Path) -> None:
    weights = {f"w{i}": np.full((1000, 4000), i, "f4") for i in range(6)}
    torch.save(weights, tmp_path / "a.pt")
    code = "import peak_memory; from cannery import _native; import sys\n"
    code += "sys.argv = ['cannery', 'convert', 'a.pt', 'a.safetensors']\n"
    code += "from cannery.__main__ import main\n"
    code += "status = main()\n"
    code += "print(status, peak_memory.kilobytes())"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    status, memory = done.stdout.split()
    assert status in ("0", "None")
    assert int(memory) < 60_000
