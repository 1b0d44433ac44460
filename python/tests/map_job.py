"""A program that maps a file, to be killed: `map_job.py SOURCE TARGET [KEY=VALUE ...]`."""

import sys
import time

import cannery

PAUSE = 0.03


def scale(rows):
    time.sleep(PAUSE)
    if sys.argv[2].endswith(("npy", "h5")):
        return [[row["id"], row["x"]] for row in rows if row["id"] % 7]
    return [{**row, "x": row["x"] / 96} for row in rows if row["id"] % 7]


if __name__ == "__main__":
    source, target, *options = sys.argv[1:]
    given = {name: eval(value) for name, value in (option.split("=", 1) for option in options)}
    done = cannery.map_chunks(scale, source, target, **{"rows": 100, "workers": 2, **given})
    print(done.chunks, done.resumed_chunks)
