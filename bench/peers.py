"""The peers' modules, each imported if it is there; one that is missing is named loudly."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterable
from types import ModuleType

HDF5 = ("h5py", "tables", "pyfive")
JSON = ("orjson", "ssrjson", "fastsimdjson", "yjson", "msgspec.json")
MSGPACK = ("ormsgpack", "msgspec.msgpack", "msgpack")
YAML = ("yamlrocks", "yaml_rs", "fast_yaml", "pyrs_yaml", "ryaml", "yaml", "ruamel.yaml")
PICKLE = ("_pickle", "cloudpickle", "dill", "pyfory", "skops.io")
DISTRIBUTIONS = (
    "h5py",
    "hdf5plugin",
    "tables",
    "pyfive",
    "orjson",
    "ssrjson",
    "fastsimdjson",
    "yjson",
    "msgspec",
    "ormsgpack",
    "msgpack",
    "joblib",
    "yamlrocks",
    "yaml-rs",
    "fastyaml-rs",
    "pyrs_yaml",
    "ryaml",
    "pyyaml",
    "ruamel.yaml",
    "cloudpickle",
    "dill",
    "pyfory",
    "skops",
    "cattrs",
    "mashumaro",
    "pydantic",
    "srsly",
    "jsonpickle",
    "safetensors",
    "numpy",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "protobuf",
)


def load(names: Iterable[str]) -> dict[str, ModuleType]:
    """Imports each peer, and says which cannot be."""
    modules = {}
    for name in names:
        try:
            modules[name] = importlib.import_module(name)
        except ImportError as error:
            print(f"!! peer {name} is missing, its rows are left out: {error}", file=sys.stderr)
    return modules


def versions(names: Iterable[str]) -> str:
    """Returns one line that names the interpreter and every distribution's version."""
    found = [f"{platform.python_implementation()} {platform.python_version()}"]
    for name in names:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} (missing)")
    return ", ".join(found)
