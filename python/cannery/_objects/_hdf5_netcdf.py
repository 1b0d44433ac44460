"""netCDF-4: variables whose dimensions have names."""

from __future__ import annotations

from typing import Any

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"


def is_netcdf(file: Any) -> bool:
    """Whether a file was written as netCDF-4."""
    if "_NCProperties" in file.attrs:
        return True
    return any(_is_dimension(file, name) for name in file)


def _is_dimension(group: Any, name: str) -> bool:
    from cannery import hdf5

    if group.get(name, getclass=True) is not hdf5.Dataset:
        return False
    return "_Netcdf4Dimid" in group[name].attrs


def is_variable(dataset: Any) -> bool:
    """Whether a dataset is more than the length of a dimension."""
    if not dataset.is_scale or "NAME" not in dataset.attrs:
        return True
    name = dataset.attrs["NAME"]
    data = name if isinstance(name, bytes) else str(name).encode()
    return not data.startswith(_NO_VARIABLE.encode())


def dimensions(dataset: Any, names: dict[Any, str]) -> tuple[str, ...]:
    """The names of a variable's dimensions; `names` are those of scales by what they are."""
    rank = len(dataset.shape or ())
    if "DIMENSION_LIST" not in dataset.attrs:
        if dataset.is_scale and rank == 1:
            return (_last(dataset.name),)
        return ("",) * rank
    found = []
    for scales in dataset.attrs["DIMENSION_LIST"]:
        target = dataset.file[scales[0]] if len(scales) and scales[0] else None
        found.append("" if target is None else names.get(target.id, ""))
    return (*found, *("",) * (rank - len(found)))


def scale_names(file: Any) -> dict[Any, str]:
    """The names of all dimension scales of a file."""
    from cannery import hdf5

    names: dict[Any, str] = {}

    def visit(path: str, made: Any) -> None:
        if isinstance(made, hdf5.Dataset) and made.is_scale:
            names.setdefault(made.id, _last(path))

    file.visititems(visit)
    return names


def _last(path: Any) -> str:
    return str(path).rpartition("/")[2]
