"""HDF5: whole datasets, many small ones, single rows and many links, read beside h5py, PyTables
and pyfive, by one thread and by two; whole datasets, many small ones and rows that are appended,
written beside h5py.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

from cannery import hdf5

from . import peers
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
from .memory import peak

ROWS, COLUMNS, CHUNK, SMALL, LINKS = 4000, 1000, 250, 10_000, 100_000


def tables(effort: Effort) -> Iterator[Table]:
    """Yields whole reads on one core and on all, then small datasets and single rows."""
    modules = peers.load(peers.HDF5)
    if "h5py" not in modules:
        return
    peers.load(["hdf5plugin"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.h5")
        columns = _write(modules["h5py"], path)
        for clock, what in ((time.process_time_ns, "CPU"), (time.perf_counter_ns, "wall")):
            yield _whole(modules, path, columns, effort, (clock, what))
        yield _warm(modules["h5py"], path, effort)
        yield _many(modules, path, effort)
        yield _threads(modules["h5py"], path, effort)
        yield _peaks(modules, path, columns)
        for clock, what in ((time.process_time_ns, "CPU"), (time.perf_counter_ns, "wall")):
            yield _written(modules["h5py"], Path(folder), effort, (clock, what))
        yield _appended(modules["h5py"], Path(folder), effort)


@cache
def _array() -> Any:
    import numpy as np

    steps = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    return np.round(np.cumsum(steps, axis=0), 2).astype("f4")


def _write(h5py: Any, path: Path) -> list[str]:
    import numpy as np

    array, chunks = _array(), (CHUNK, CHUNK)
    options: dict[str, dict[str, Any]] = {
        "contiguous": {},
        "chunked": {"chunks": chunks},
        "gzip": {"chunks": chunks, "compression": "gzip"},
        "shuffle+gzip": {"chunks": chunks, "compression": "gzip", "shuffle": True},
        "shuffle+lzf": {"chunks": chunks, "compression": "lzf", "shuffle": True},
    }
    try:
        import hdf5plugin

        options["blosc"] = {"chunks": chunks, **hdf5plugin.Blosc()}
        options["zstd"] = {"chunks": chunks, **hdf5plugin.Zstd()}
    except ImportError:
        pass
    with h5py.File(path, "w") as file:
        for name, more in options.items():
            file.create_dataset(name, data=array, **more)
        small = file.create_group("small")
        for number in range(SMALL):
            small[str(number)] = np.arange(5)
        links = file.create_group("links")
        for number in range(LINKS):
            links[str(number)] = small
    return list(options)


def _reader(name: str, module: Any, path: Path, **options: Any) -> Callable[[str], Any]:
    """Opens the file for each read: chunks that a library keeps would be read once only."""

    def read(dataset: str) -> Any:
        if name == "tables":
            with module.open_file(path) as file:
                return file.get_node("/", dataset)[:]
        with module.File(path, **options) as file:
            values = file[dataset][()]
            # A map of the file is not read yet.
            return values.copy() if name == "pyfive" else values

    return read


def _whole(
    modules: dict[str, Any],
    path: Path,
    columns: list[str],
    effort: Effort,
    clocked: tuple[Callable[[], int], str],
) -> Table:
    clock, what = clocked
    table = Table(f"HDF5 whole datasets, {what} time, MB/s", megabytes_per_second)
    array = _array()
    threads = 1 if what == "CPU" else 0
    ours = _reader("cannery.hdf5", hdf5, path, threads=threads)
    for column in columns:
        contenders = [
            *(Contender(peer, _reader(peer, module, path)) for peer, module in modules.items()),
            Contender(f"cannery.hdf5, threads={threads}", ours),
        ]
        right = verified(contenders, column, partial(_equals, array), table, column)
        figures = measure(right, column, clock=clock, effort=effort)
        table.add(column, array.nbytes, figures)
    return table


def _warm(h5py: Any, path: Path, effort: Effort) -> Table:
    """Reads to memory that is there, beside one plain read of as many bytes of the file."""
    import numpy as np

    table = Table("HDF5 read_direct, CPU time, MB/s", megabytes_per_second)
    out = np.ones((ROWS, COLUMNS), "f4")
    with h5py.File(path) as theirs, hdf5.File(path, threads=1) as ours, path.open("rb", 0) as raw:
        start = theirs["contiguous"].id.get_offset()

        def plain(_: str) -> None:
            raw.seek(start)
            raw.readinto(out.data)

        for column in ("contiguous", "chunked"):
            contenders = [
                Contender("a plain read", plain),
                Contender("h5py", lambda c: theirs[c].read_direct(out)),
                Contender("cannery.hdf5, threads=1", lambda c: ours[c].read_direct(out)),
            ]
            table.add(column, out.nbytes, measure(contenders, column, effort=effort))
    return table


def _many(modules: dict[str, Any], path: Path, effort: Effort) -> Table:
    table = Table("HDF5 small reads, CPU ms", milliseconds)
    tasks: dict[str, Callable[[Any], Any]] = {
        f"{SMALL} datasets": _small,
        "300 rows": _rows,
        f"{LINKS} links": _links,
    }
    for column, task in tasks.items():
        contenders = [
            Contender("h5py", lambda _, task=task: task(modules["h5py"].File(path))),
            Contender("cannery.hdf5", lambda _, task=task: task(hdf5.File(path, threads=1))),
        ]
        expected = contenders[0].call(None)
        right = verified(contenders, None, expected.__eq__, table, column)
        table.add(column, 0, measure(right, None, effort=effort))
    return table


def _small(file: Any) -> int:
    with file:
        return sum(int(dataset[()].sum()) for dataset in file["small"].values())


def _links(file: Any) -> int:
    with file:
        return len(list(file["links"])) + len(file["links/77777"])


def _threads(h5py: Any, path: Path, effort: Effort) -> Table:
    """The same reads by one thread of Python and by two, which share a file."""
    table = Table("HDF5 eight whole reads, wall ms", milliseconds)

    def read(file: Any, workers: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda _: file["shuffle+gzip"][()], range(8)))

    theirs, one, own = h5py.File(path), hdf5.File(path, threads=1), hdf5.File(path)
    for workers in (1, 2):
        contenders = [
            Contender("h5py", partial(read, theirs)),
            Contender("cannery.hdf5, threads=1", partial(read, one)),
            Contender("cannery.hdf5, threads=0", partial(read, own)),
        ]
        figures = measure(contenders, workers, clock=time.perf_counter_ns, effort=effort)
        table.add(f"{workers} in Python", 0, figures)
    return table


def _peaks(modules: dict[str, Any], path: Path, columns: list[str]) -> Table:
    """The memory of one whole read, what it returns included."""
    table = Table("HDF5 whole datasets, peak memory, MB", megabytes)
    names = [*modules, "cannery.hdf5"]
    for column in columns:
        figures = {}
        for name in names:
            opened = "open_file" if name == "tables" else "File"
            read = f"get_node('/', {column!r})[:]" if name == "tables" else f"[{column!r}][()]"
            dot = "." if name == "tables" else ""
            copied = ".copy()" if name == "pyfive" and column == "contiguous" else ""
            # What is imported at the first read is no part of it.
            setup = "\n".join(
                [
                    "import numpy, contextlib",
                    "with contextlib.suppress(ImportError): import hdf5plugin",
                    f"import {name} as library",
                    f"file = library.{opened}({str(path)!r})",
                    f"file{dot}{read.replace(repr(column), repr('small/1'))}",
                ]
            )
            try:
                figures[name] = peak(setup, f"kept = file{dot}{read}{copied}")
            except RuntimeError as error:
                table.complaints.append(f"{name} on {column}, not measured: {error}")
        table.add(column, 0, figures)
    return table


def _rows(file: Any) -> float:
    with file:
        dataset = file["shuffle+gzip"]
        return sum(float(dataset[i * 7919 % ROWS][0]) for i in range(300))


def _equals(expected: Any, found: Any) -> bool:
    return found.dtype == expected.dtype and (found == expected).all()


#: What is written: gzip at h5py's default level, 4.
_OPTIONS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "gzip 4": {"chunks": (CHUNK, CHUNK), "compression": "gzip"},
    "shuffle+gzip 4": {"chunks": (CHUNK, CHUNK), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (CHUNK, CHUNK), "compression": "lzf"},
    "shuffle+lzf": {"chunks": (CHUNK, CHUNK), "compression": "lzf", "shuffle": True},
}


def _write_one(module: Any, path: Path, array: Any, more: dict[str, Any], column: str) -> int:
    """Write a new file, and return its length."""
    path.unlink(missing_ok=True)
    with module.File(path, "w", **more) as file:
        file.create_dataset("x", data=array, **_OPTIONS[column])
    return path.stat().st_size


def _written(
    h5py: Any, folder: Path, effort: Effort, clocked: tuple[Callable[[], int], str]
) -> Table:
    clock, what = clocked
    table = Table(f"HDF5 whole datasets written, {what} time, MB/s", megabytes_per_second)
    array, threads = _array(), 1 if what == "CPU" else 0
    ours, theirs = folder / "ours.h5", folder / "theirs.h5"
    for column in _OPTIONS:
        # As h5py, without waiting for the disk.
        options = {"threads": threads, "fsync": False}
        sizes = (
            _write_one(h5py, theirs, array, {}, column),
            _write_one(hdf5, ours, array, options, column),
        )
        title = f"{column}, {sizes[1] / sizes[0]:.2f} of h5py's size"
        contenders = [
            Contender("h5py", lambda c: _write_one(h5py, theirs, array, {}, c)),
            Contender(
                f"cannery.hdf5, threads={threads}",
                lambda c, o=options: _write_one(hdf5, ours, array, o, c),
            ),
        ]
        if column == "contiguous":
            contenders.append(Contender("write()", lambda _: _plain_write(folder / "raw", array)))
        table.add(title, array.nbytes, measure(contenders, column, clock=clock, effort=effort))
    return table


def _plain_write(path: Path, array: Any) -> None:
    path.unlink(missing_ok=True)
    with path.open("wb", 0) as file:
        file.write(array.data)


def _appended(h5py: Any, folder: Path, effort: Effort) -> Table:
    table = Table("HDF5 small writes, CPU ms", milliseconds)
    tasks: dict[str, Callable[[Any, Path, dict[str, Any]], None]] = {
        f"{SMALL} datasets": _write_small,
        "500 batches of 1000 rows": partial(_append_rows, {}),
        "500 batches of 1000 rows, gzip": partial(_append_rows, {"compression": "gzip"}),
    }
    for column, task in tasks.items():
        contenders = [
            Contender("h5py", lambda _, t=task: t(h5py, folder / "theirs.h5", {})),
            Contender(
                "cannery.hdf5",
                lambda _, t=task: t(hdf5, folder / "ours.h5", {"threads": 1, "fsync": False}),
            ),
        ]
        table.add(column, 0, measure(contenders, None, effort=effort))
    return table


def _write_small(module: Any, path: Path, more: dict[str, Any]) -> None:
    import numpy as np

    data = np.arange(5)
    with module.File(path, "w", **more) as file:
        for number in range(SMALL):
            file[str(number)] = data


def _append_rows(options: dict[str, Any], module: Any, path: Path, more: dict[str, Any]) -> None:
    batch = _array()[:1000, :8]
    with module.File(path, "w", **more) as file:
        rows = file.create_dataset(
            "rows", (0, 8), "f4", maxshape=(None, 8), chunks=(1000, 8), **options
        )
        for number in range(500):
            rows.resize(1000 * (number + 1), axis=0)
            rows[-1000:] = batch
            file.flush()
