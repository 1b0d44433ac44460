"""Kills `map_job.py` at random moments until it comes through, and compares with a straight run.

`python kill_harness.py FOLDER KILLS SEED`: that number of kills, in as many runs as it takes.
"""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from cannery import jsonl

JOB = Path(__file__).with_name("map_job.py")
FORMATS = ("jsonl", "csv", "jsonl.gz", "npy", "parquet", "json", "h5")


def run(source: Path, target: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(JOB), str(source), str(target), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode()


def kill_often(
    folder: Path, kills: int, seed: int, formats: tuple[str, ...] = FORMATS
) -> tuple[int, int]:
    """Return how many kills met a run, and how many results had been taken up.

    Every result is that of the straight run.
    """
    chance = random.Random(seed)
    source = folder / "in.jsonl"
    jsonl.write(source, ({"id": i, "x": float(i % 97)} for i in range(6_000)))
    met = resumed = 0
    while met < kills:
        format = formats[met % len(formats)]
        straight, killed = folder / f"straight.{format}", folder / f"killed.{format}"
        if not straight.exists():
            finish(run(source, straight))
        killed.unlink(missing_ok=True)
        while True:
            process = run(source, killed)
            # From before the workers are there to behind the end.
            time.sleep(chance.uniform(0.1, 1.8))
            if process.poll() is not None or met >= kills:
                resumed += int(finish(process).split()[1]) > 0
                break
            process.send_signal(signal.SIGKILL)
            process.communicate()
            met += 1
        assert killed.read_bytes() == straight.read_bytes(), f"{format} after {met} kills"
        left = {path.name for path in folder.iterdir() if path.name.startswith("killed.")}
        assert left <= {f"killed.{other}" for other in formats}, left
    return met, resumed


if __name__ == "__main__":
    met, resumed = kill_often(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(f"{met} kills, {resumed} results of runs that were taken up")
