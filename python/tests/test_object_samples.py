"""Hundreds of objects, saved by one process and loaded by another: each is what it was."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import samples
import samples.classes
import samples.libraries
import samples.library_kinds
from object_pictures import picture

import cannery

# Libraries take long to be imported: their samples go through the form that differs most.
MODULES = {
    "python": samples,
    "libraries": samples.libraries,
    "library kinds": samples.library_kinds,
}
FORMATS = {
    "python": ["can", "json", "yaml", "msgpack"],
    "libraries": ["can", "msgpack"],
    "library kinds": ["can", "json", "yaml", "msgpack"],
}


@pytest.mark.parametrize("module", MODULES)
def test_another_process_loads_what_was_saved(module: str, tmp_path: Path) -> None:
    saved = {
        f"{format} {name}": cannery.dumps(make(), format)
        for format in FORMATS[module]
        for name, make in MODULES[module].SAMPLES.items()
    }
    (tmp_path / "saved").write_bytes(pickle.dumps(saved))
    command = [sys.executable, "-W", "ignore", __file__, module, str(tmp_path / "saved")]
    reader = subprocess.run(command, capture_output=True, text=True, check=False)
    assert reader.returncode == 0, reader.stderr
    compared, different = json.loads(reader.stdout)
    assert different == {}
    assert compared == len(saved)


@pytest.mark.parametrize("name", samples.REFUSED)
def test_what_is_no_data_is_refused(name: str) -> None:
    with pytest.raises(cannery.CanneryError):
        cannery.dumps([samples.REFUSED[name]()])


def test_a_function_is_called_only_if_it_was_named() -> None:
    data = cannery.dumps(samples.classes.ReduceFunction(5), "can")
    record = cannery.loads(data, trust=["samples.*"])
    assert isinstance(record, cannery.Record)
    assert record["__function__"].name == "samples.classes.rebuild"
    assert cannery.dumps(record, "can") == data


def difference(module: Any, name: str, format: str, data: bytes) -> str | None:
    expected = module.SAMPLES[name]()
    back = cannery.loads(data, format, trust=module.TRUST)
    is_same = getattr(module, "SAME", {}).get(name)
    is_right = is_same(expected, back) if is_same else picture(expected) == picture(back)
    return None if is_right else f"{back!r:.200}"


def main(module: Any, path: Path) -> None:
    warnings.simplefilter("ignore")
    different = {}
    saved = pickle.loads(path.read_bytes())
    for key, data in saved.items():
        format, _, name = key.partition(" ")
        seen = difference(module, name, format, data)
        if seen is not None:
            different[key] = seen
    print(json.dumps([len(saved), different]))


if __name__ == "__main__":
    main(MODULES[sys.argv[1]], Path(sys.argv[2]))
