"""Model files: safetensors beside its library, compressed archives of arrays beside NumPy,
checkpoints beside PyTorch, where it is installed, and joblib's files beside joblib."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cannery
from cannery import npy, safetensors, torch

from . import model_tasks, peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second, verified

LARGE, SIDE, SMALL = 8, 2500, 10_000


def tables(effort: Effort) -> Iterator[Table]:
    """Yields safetensors large and small, archives by their time on all cores, and tasks."""
    peers.load(["numpy", "safetensors"])
    with tempfile.TemporaryDirectory() as folder:
        yield from _safetensors(Path(folder), effort)
        yield from _archives(Path(folder), effort)
        yield from _checkpoints(Path(folder), effort)
        yield from _joblib(Path(folder), effort)
        yield from model_tasks.tables(Path(folder), effort)


def _safetensors(folder: Path, effort: Effort) -> Iterator[Table]:
    import numpy as np

    try:
        import safetensors.numpy as library
    except ImportError:
        return
    random = np.random.default_rng(0)
    inputs = {
        "8 tensors of 25 MB": {
            f"layer.{i}.weight": random.random((SIDE, SIDE), "f4") for i in range(LARGE)
        },
        "10,000 of 40 bytes": {f"tensor.{i}": np.arange(10, dtype="f4") for i in range(SMALL)},
    }
    jobs: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "save_file": (safetensors.save_file, library.save_file),
        "load_file": (safetensors.load_file, library.load_file),
        "save": (safetensors.save, library.save),
        "load": (safetensors.load, library.load),
    }
    for job, (ours, theirs) in jobs.items():
        table = Table(f"safetensors, {job}, MB/s of wall time", megabytes_per_second)
        for column, tensors in inputs.items():
            contenders = [
                Contender("cannery", partial(_call, job, ours, folder / "ours")),
                Contender("safetensors 0.8", partial(_call, job, theirs, folder / "theirs")),
            ]
            library.save_file(tensors, folder / "ours")
            library.save_file(tensors, folder / "theirs")
            value = library.save(tensors) if job == "load" else tensors
            is_right = partial(_same, tensors, folder)
            right = verified(contenders, value, is_right, table, column)
            figures = measure(right, value, clock=time.perf_counter_ns, effort=effort)
            table.add(column, sum(array.nbytes for array in tensors.values()), figures)
        yield table


def _first(load: Callable[..., Any], path: Path, _: Any) -> Any:
    return load(path)["arr_0"]


def _call(job: str, function: Callable[..., Any], path: Path, value: Any) -> Any:
    if job == "save_file":
        return function(value, path)
    return function(path) if job == "load_file" else function(value)


def _same(tensors: dict[str, Any], folder: Path, result: Any) -> bool:
    import numpy as np

    if result is None:
        result = safetensors.load_file(folder / "ours")
    elif isinstance(result, bytes):
        result = safetensors.load(result)
    return result.keys() == tensors.keys() and all(
        np.array_equal(result[name], array) for name, array in tensors.items()
    )


def _archives(folder: Path, effort: Effort) -> Iterator[Table]:
    import numpy as np

    random = np.random.default_rng(0)
    steps = np.cumsum(random.normal(size=(4000, 1000)), axis=0)
    inputs = {
        "measured values (f4)": np.round(steps, 2).astype("f4"),
        "integers (i4)": random.integers(0, 1000, 4_000_000).astype("i4"),
        "noise (f4)": random.normal(size=4_000_000).astype("f4"),
    }
    writing = Table("savez_compressed, MB/s of wall time", megabytes_per_second)
    reading = Table("load a compressed archive, MB/s of wall time", megabytes_per_second)
    for column, array in inputs.items():
        ours, theirs = folder / "ours.npz", folder / "theirs.npz"
        savers = [
            Contender("cannery", partial(npy.savez_compressed, ours)),
            Contender("numpy", partial(np.savez_compressed, theirs)),
        ]
        figures = measure(savers, array, clock=time.perf_counter_ns, effort=effort)
        writing.add(column, array.nbytes, figures)
        ratio = ours.stat().st_size / theirs.stat().st_size
        writing.complaints.append(f"{column}: our file has {ratio:.3f} of the bytes of NumPy's.")
        loaders = [
            Contender("cannery, its own file", partial(_first, npy.load, ours)),
            Contender("cannery, NumPy's file", partial(_first, npy.load, theirs)),
            Contender("numpy", partial(_first, np.load, theirs)),
        ]
        right = verified(loaders, None, partial(np.array_equal, array), reading, column)
        figures = measure(right, clock=time.perf_counter_ns, effort=effort)
        reading.add(column, array.nbytes, figures)
    yield writing
    yield reading


def _checkpoints(folder: Path, effort: Effort) -> Iterator[Table]:
    import numpy as np

    inputs = {
        "8 tensors of 25 MB": {f"layer.{i}": np.full((SIDE, SIDE), i, "f4") for i in range(LARGE)},
        "10,000 of 40 bytes": {f"tensor.{i}": np.arange(10, dtype="f4") for i in range(SMALL)},
    }
    saving = Table("torch.save, MB/s of wall time", megabytes_per_second)
    loading = Table("torch.load and the sum of the first tensor, MB/s", megabytes_per_second)
    for column, tensors in inputs.items():
        path, size = folder / "state.pt", sum(array.nbytes for array in tensors.values())
        savers = [Contender("cannery", partial(_save_checkpoint, torch.save, path))]
        loaders = [
            Contender("cannery", partial(_first_sum, torch.load, path)),
            Contender("cannery, read at once", partial(_first_sum, _load_at_once, path)),
        ]
        try:
            import torch as library
        except ImportError:
            saving.complaints = ["PyTorch is not installed: there is no peer beside it."]
        else:
            state = {name: library.from_numpy(array) for name, array in tensors.items()}
            theirs = partial(_save_checkpoint, library.save, folder / "theirs.pt", state)
            savers.append(Contender("torch", lambda _, save=theirs: save()))
            loaders.append(Contender("torch", partial(_first_sum, library.load, path)))
        saving.add(
            column, size, measure(savers, tensors, clock=time.perf_counter_ns, effort=effort)
        )
        torch.save(tensors, path)
        loading.add(column, size, measure(loaders, clock=time.perf_counter_ns, effort=effort))
    yield saving
    yield loading


def _save_checkpoint(save: Callable[..., Any], path: Path, state: Any) -> None:
    save(state, path)


def _load_at_once(path: Path) -> Any:
    return torch.load(path, mmap=False)


def _first_sum(load: Callable[..., Any], path: Path, _: Any = None) -> float:
    return float(next(iter(load(path).values())).sum())


def _joblib(folder: Path, effort: Effort) -> Iterator[Table]:
    import numpy as np

    try:
        import joblib
    except ImportError:
        return
    path = folder / "arrays.joblib"
    table = Table("load a joblib file, MB/s of wall time", megabytes_per_second)
    for column, compress in (("not compressed", 0), ("zlib, level 3", 3)):
        arrays = {f"a{i}": np.arange(2_500_000.0) // 100 for i in range(4)}
        joblib.dump(arrays, path, compress=compress)
        loaders = [
            Contender("cannery", partial(_first_sum, cannery.load, path)),
            Contender("joblib", partial(_first_sum, joblib.load, path)),
        ]
        size = sum(array.nbytes for array in arrays.values())
        table.add(column, size, measure(loaders, clock=time.perf_counter_ns, effort=effort))
    yield table
