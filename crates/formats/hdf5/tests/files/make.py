"""Makes the files that `tests/files.rs` reads; needs h5py, whose libhdf5 writes szip."""

from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent
NUMBERS = (np.arange(600) * 7 % 251).astype("<i4").reshape(20, 30)


def create(name: str, libver: str) -> None:
    """One file with a dataset for each layout and filter, all of the same numbers."""
    with h5py.File(HERE / name, "w", libver=(libver, "latest")) as file:

        def add(name: str, **options: object) -> None:
            file.create_dataset(name, data=NUMBERS, track_times=False, **options)

        add("contiguous")
        add("single", chunks=(20, 30))
        add("fixed", chunks=(7, 8))
        add("extensible", chunks=(7, 8), maxshape=(None, 30))
        add("btree2", chunks=(7, 8), maxshape=(None, None))
        for filter in ("gzip", "lzf"):
            add(filter, chunks=(7, 8), compression=filter, shuffle=True, fletcher32=True)
        for block in (4, 8, 10, 16, 32):
            for kind in ("nn", "ec"):
                add(f"szip_{kind}_{block}", chunks=(20, 30), compression="szip",
                    compression_opts=(kind, block))  # fmt: skip
        add("scaleoffset", chunks=(7, 8), scaleoffset=0)
        nbit(file)
        file["text"] = np.array(["one", "two", "three"], h5py.string_dtype())
        file.attrs["answer"] = np.int16(42)
        file["soft"] = h5py.SoftLink("/contiguous")
        file["out"] = h5py.ExternalLink("other.h5", "/x")


def nbit(file: h5py.File) -> None:
    """Numbers of 20 bits, of which nothing else is stored."""
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(20)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((7, 8))
    plist.set_filter(5)
    plist.set_obj_track_times(False)
    space = h5py.h5s.create_simple(NUMBERS.shape)
    h5py.h5d.create(file.id, b"nbit", kind, space, plist).write(h5py.h5s.ALL, h5py.h5s.ALL, NUMBERS)


if __name__ == "__main__":
    create("earliest.h5", "earliest")
    create("v110.h5", "v110")
    create("latest.h5", "latest")
