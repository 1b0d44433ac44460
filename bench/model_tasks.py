"""What people do with model files, and the memory that it takes: open a large one and take a
tensor, read many small ones, convert, scan."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cannery
from cannery import _native, safetensors, torch

from . import memory, peers
from .harness import (
    Contender,
    Effort,
    Table,
    measure,
    megabytes,
    megabytes_per_second,
    milliseconds,
    verified,
)

COUNT = 10_000
PIECE = 1 << 20


def tables(folder: Path, effort: Effort) -> Iterator[Table]:
    """Yields a table for each task."""
    side = 8192 if effort.rounds > 2 else 2048
    files = _write(folder, side)
    modules = peers.load(["safetensors", "torch", "picklescan.scanner", "fickling.fickle"])
    yield _first_tensor(files, modules, effort)
    yield _small_tensors(folder, modules, effort)
    yield _convert(folder, files, effort)
    yield _scan(files[1], modules, effort)
    yield _memory(folder, files, modules)


def _write(folder: Path, side: int) -> tuple[Path, Path]:
    """Write four tensors, 1 GB together, as safetensors and as a checkpoint."""
    import numpy as np

    tensors = {f"layer.{i}.weight": np.full((side, side), i, "f4") for i in range(4)}
    files = folder / "large.safetensors", folder / "large.pt"
    safetensors.save_file(tensors, files[0])
    torch.save(tensors, files[1])
    return files


def _first_tensor(files: tuple[Path, Path], modules: dict[str, Any], effort: Effort) -> Table:
    size = files[0].stat().st_size
    table = Table(f"open a file of {size / 1e9:.2f} GB and look at a tensor, ms", milliseconds)
    ours = [Contender("cannery", lambda path: _corner(safetensors.open(path)))]
    theirs: list[Contender] = []
    if "safetensors" in modules:
        from safetensors import safe_open

        theirs = [Contender("safetensors", partial(_library_corner, safe_open))]
    _time(table, "safetensors", [*ours, *theirs], files[0], lambda result: result == 0.0, effort)
    ours = [Contender("cannery", lambda path: float(torch.load(path)["layer.0.weight"][0, 0]))]
    theirs = []
    if "torch" in modules:
        load = partial(modules["torch"].load, mmap=True)
        theirs = [Contender("torch", lambda path: float(load(path)["layer.0.weight"][0, 0]))]
    _time(table, "checkpoint", [*ours, *theirs], files[1], lambda result: result == 0.0, effort)
    return table


def _corner(file: Any) -> float:
    return float(file["layer.0.weight"].mmap()[0, 0])


def _library_corner(safe_open: Any, path: Path) -> float:
    with safe_open(path, framework="np") as file:
        return float(file.get_slice("layer.0.weight")[0:1, 0:1][0, 0])


def _time(
    table: Table,
    column: str,
    contenders: list[Contender],
    value: Any,
    is_right: Callable[[Any], bool],
    effort: Effort,
) -> None:
    right = verified(contenders, value, is_right, table, column)
    figures = measure(right, value, clock=time.perf_counter_ns, effort=effort)
    table.add(column, Path(value).stat().st_size, figures)


def _small_tensors(folder: Path, modules: dict[str, Any], effort: Effort) -> Table:
    import numpy as np

    table = Table("10,000 tensors of 40 bytes, µs for each", _microseconds_each)
    tensors = {f"tensor.{i}": np.arange(10, dtype="f4") for i in range(COUNT)}
    paths = folder / "small.safetensors", folder / "small.pt"
    safetensors.save_file(tensors, paths[0])
    torch.save(tensors, paths[1])
    loaders = [Contender("cannery", safetensors.load_file)]
    savers = [Contender("cannery", lambda path: safetensors.save_file(tensors, path))]
    if "safetensors" in modules:
        import safetensors.numpy as library

        loaders.append(Contender("safetensors", library.load_file))
        savers.append(Contender("safetensors", lambda path: library.save_file(tensors, path)))
    checkpoints = [Contender("cannery", torch.load)]
    if "torch" in modules:
        checkpoints.append(Contender("torch", modules["torch"].load))

    def is_whole(result: Any) -> bool:
        return len(result) == COUNT

    _time(table, "load safetensors", loaders, paths[0], is_whole, effort)
    _time(table, "save safetensors", savers, paths[0], lambda result: result is None, effort)
    _time(table, "load a checkpoint", checkpoints, paths[1], is_whole, effort)
    return table


def _microseconds_each(seconds: float, _size: int) -> str:
    return f"{seconds / COUNT * 1e6:,.2f}"


def _convert(folder: Path, files: tuple[Path, Path], effort: Effort) -> Table:
    table = Table("convert, beside reading and hashing, MB/s of wall time", megabytes_per_second)
    targets = {"to safetensors": (files[1], "a.safetensors"), "to npz": (files[0], "a.npz")}
    for column, (source, target) in targets.items():
        command = ["cannery", "convert", "--quiet", str(source), str(folder / target)]
        contenders = [
            Contender("cannery convert", lambda _, command=command: _native.cli_main(command)),
            Contender("read and SHA-256", _read_and_hash),
        ]
        _time(table, column, contenders, source, lambda result: result in (0, 64), effort)
        (folder / target).unlink(missing_ok=True)
    return table


def _read_and_hash(path: Path) -> int:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return len(digest.hexdigest())


def _scan(path: Path, modules: dict[str, Any], effort: Effort) -> Table:
    table = Table("scan a checkpoint, ms", milliseconds)
    contenders = [Contender("cannery.scan", lambda path: cannery.scan(path).verdict == "ok")]
    if "picklescan.scanner" in modules:
        scan = modules["picklescan.scanner"].scan_bytes
        contenders.append(
            Contender(
                "picklescan",
                lambda path: not scan(io.BytesIO(path.read_bytes()), path).issues_count,
            )
        )
    if "fickling.fickle" in modules:
        from fickling import is_likely_safe  # pyright: ignore[reportMissingImports]

        contenders.append(Contender("fickling", lambda path: is_likely_safe(str(path))))
    _time(table, "four tensors", contenders, path, bool, effort)
    return table


def _memory(folder: Path, files: tuple[Path, Path], modules: dict[str, Any]) -> Table:
    """Peaks beyond what the imports take."""
    table = Table("peak memory, MB", megabytes)
    size = files[0].stat().st_size

    def add(column: str, **bodies: tuple[str, str]) -> None:
        peaks = {}
        for name, (setup, body) in bodies.items():
            peaks[name] = memory.peak(setup, body)
        table.add(column, size, peaks)

    ours, theirs = (
        "from cannery import safetensors as s, torch as t",
        "import safetensors.numpy as s",
    )
    first = "x['layer.0.weight'][0, 0]"
    loading = {"cannery": (ours, f"x = s.load_file({str(files[0])!r})")}
    if "safetensors" in modules:
        loading["safetensors"] = (theirs, f"x = s.load_file({str(files[0])!r})")
    add("load safetensors", **loading)
    opening = {"cannery": (ours, f"x = t.load({str(files[1])!r}); {first}")}
    if "torch" in modules:
        opening["torch"] = (
            "import torch as t",
            f"x = t.load({str(files[1])!r}, mmap=True); {first}",
        )
    add("a tensor of a checkpoint", **opening)
    command = ["cannery", "convert", "--quiet", str(files[1]), str(folder / "b.safetensors")]
    add("convert", cannery=("from cannery import _native", f"_native.cli_main({command!r})"))
    return table
