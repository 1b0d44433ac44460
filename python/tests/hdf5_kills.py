"""Kills a program that appends to an HDF5 file at random moments, and looks at what it left.

`python hdf5_kills.py FOLDER KILLS SEED`: that number of kills. After each the file opens, and holds
what the last flush that was reported left, or what the one after it was about to leave.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BATCH = 50


def child(path: Path) -> None:
    """Append batch after batch, and report each flush."""
    import numpy as np

    from cannery import hdf5

    with hdf5.File(path, "a") as file:
        if "rows" not in file:
            file.create_dataset(
                "rows", (0, 3), "i8", maxshape=(None, 3), chunks=(64, 3), compression="gzip"
            )
            file.create_group("small")
        rows = file["rows"]
        while True:
            done = len(rows)
            rows.resize(done + BATCH, axis=0)
            rows[done:] = np.arange(done, done + BATCH)[:, None]
            rows.attrs["batches"] = done // BATCH + 1
            file.flush()
            print(len(rows), flush=True)
            if done % (7 * BATCH) == 0 and f"d{done}" not in file["small"]:
                file["small"][f"d{done}"] = np.arange(done % 100)
                file.flush()


def check(path: Path, reported: int, module: Any) -> int:
    """Check what a killed program left; return how many rows there are."""
    import numpy as np

    with module.File(path, "r") as file:
        if "rows" not in file:
            assert reported == 0
            return 0
        rows = file["rows"][()]
        assert len(rows) in (reported, reported + BATCH), (len(rows), reported)
        assert (rows == np.arange(len(rows))[:, None]).all()
        assert file["rows"].attrs.get("batches", 0) * BATCH == len(rows)
        for name, member in file["small"].items():
            assert member[()].tolist() == list(range(int(name[1:]) % 100))
        return len(rows)


def kill_often(folder: Path, kills: int, seed: int) -> int:
    """Return how many rows were left at the end."""
    from cannery import _native, hdf5

    try:
        import h5py

        modules = [hdf5, h5py]
    except ImportError:
        modules = [hdf5]
    chance, path, reported = random.Random(seed), folder / "killed.h5", 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, __file__, "--child", str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        # The first line says that the program is past its imports.
        lines = [process.stdout.readline()]
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        lines += [line + "\n" for line in rest.split("\n")[:-1]]
        whole = [int(line) for line in lines if line.endswith("\n")]
        reported = whole[-1] if whole else reported
        found = {check(path, reported, module) for module in modules}
        assert len(found) == 1
        reported = found.pop()
        assert not _native.hdf5_check(str(path), None, 1)["damaged"]
    return reported


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(Path(sys.argv[2]))
    rows = kill_often(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(f"{sys.argv[2]} kills, {rows} rows, none lost")
