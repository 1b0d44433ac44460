"""Train on more images than fit into memory: cut, prepare, split, shuffle and learn chunk by chunk.

`python larger_than_memory.py [MEGABYTES]`. The images are the 1,797 scanned digits that ship with
scikit-learn, each shifted and lit in many ways, until the table has that size.
"""

import resource
import sys
import tempfile
from itertools import cycle
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

import cannery

PIXELS = [f"p{n}" for n in range(64)]


def make_table(path: Path, megabytes: float) -> None:
    """Write one CSV: 64 pixels from 0 to 16 and the digit; some pixels were not recorded."""
    blocks = [as_csv(shift, light) for shift in (-1, 0, 1) for light in (0.6, 0.7, 0.8, 0.9, 1.0)]
    with path.open("w") as file:
        file.write(",".join([*PIXELS, "digit"]) + "\n")
        for block in cycle(blocks):
            if file.tell() >= megabytes * 1e6:
                break
            file.write(block)


def as_csv(shift: int, light: float) -> str:
    """Return all images as rows, shifted by some pixels and in that light."""
    images, digits = load_digits(return_X_y=True)
    lit = np.rint(images * light).astype(int).reshape(-1, 8, 8)
    gaps = np.random.default_rng(1).integers(0, 64, len(images))
    rows = np.roll(lit, shift, axis=1).reshape(-1, 64).astype(str).astype(object)
    rows[np.arange(len(rows)), gaps] = ""
    return "".join(f"{','.join(row)},{digit}\n" for row, digit in zip(rows, digits, strict=True))


def prepare(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Fill the gaps, and add how bright each row and column of the image is."""
    pixels = np.nan_to_num(np.column_stack([columns[name] for name in PIXELS]))
    square = pixels.reshape(-1, 8, 8)
    digit = columns["digit"][:, None]
    return np.hstack([pixels, square.sum(1), square.sum(2), digit]).astype(np.float32)


def most_memory() -> int:
    """Return the most memory that this process has held, in kB, as Linux counts it.

    `ru_maxrss` begins with what the process that started this one held.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def main(megabytes: float) -> None:
    """Tell the story, and what it took."""
    here = Path(tempfile.mkdtemp())
    make_table(here / "digits.csv", megabytes)
    print(f"table: {(here / 'digits.csv').stat().st_size / 1e6:.0f} MB")

    # A function over all of it. After an interruption, the same call goes on where it was.
    done = cannery.map_chunks(
        prepare, here / "digits.csv", here / "features.npy", rows=20_000, as_="arrays", workers=2
    )
    print(f"prepared: {done.rows_out} rows in {done.chunks} chunks, {done.seconds:.1f} s")

    data = cannery.chunks(here / "features.npy", rows=20_000)
    train, test = data.split((0.9, 0.1), seed=0)
    about = train.describe()
    means = np.array([about[f"column_{n + 1}"]["mean"] for n in range(80)], np.float32)
    scales = np.array([about[f"column_{n + 1}"]["std"] or 1 for n in range(80)], np.float32)

    model = SGDClassifier(alpha=1e-4, random_state=0)
    for chunk in train.shuffle(seed=1):
        model.partial_fit((chunk[:, :80] - means) / scales, chunk[:, 80], classes=range(10))

    right = rows = 0
    for chunk in test:
        right += int((model.predict((chunk[:, :80] - means) / scales) == chunk[:, 80]).sum())
        rows += len(chunk)
    print(f"right: {right / rows:.3f} of {rows} images")
    each = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"memory: {most_memory() // 1000} MB, and at most {each // 1000} MB in each worker")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 200)
