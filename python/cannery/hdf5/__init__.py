"""HDF5 files, read and written in h5py's manner, without libhdf5: on all cores, and safe.

    with hdf5.File("measurements.h5") as file:
        temperature = file["run1/temperature"]
        temperature.shape, temperature.attrs["unit"]
        temperature[100:200, ::2]

    with hdf5.File("results.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(100, 100), compression="gzip")
        file["x"].attrs["unit"] = "m"

Names, signatures and results are h5py's. What differs: a file opens no other file unless
`external="same-folder"` or `external="any"` says so, chunks are decoded by all processors while
other threads go on, and numbers for which libhdf5 has no conversion are read all the same.
"""

from cannery.errors import LimitError
from cannery.hdf5._dims import DimensionManager, DimensionProxy
from cannery.hdf5._errors import FillValueError, ObjectError, ReadError
from cannery.hdf5._fsck import Checkup, Finding, fsck
from cannery.hdf5._objects import (
    AttributeManager,
    Dataset,
    Datatype,
    ExternalLink,
    File,
    Group,
    HardLink,
    HLObject,
    SoftLink,
    UserLink,
    VDSmap,
    is_hdf5,
)
from cannery.hdf5._references import Reference, RegionReference
from cannery.hdf5._select import MultiBlockSlice
from cannery.hdf5._tree import Tree, Variable
from cannery.hdf5._types import (
    Empty,
    check_dtype,
    check_enum_dtype,
    check_opaque_dtype,
    check_ref_dtype,
    check_string_dtype,
    check_vlen_dtype,
    enum_dtype,
    opaque_dtype,
    ref_dtype,
    regionref_dtype,
    special_dtype,
    string_dtype,
    string_info,
    vlen_dtype,
)
from cannery.hdf5._virtual import VirtualLayout, VirtualSource

UNLIMITED = None
"""The bound of a dimension that may grow without one."""

__all__ = [
    "UNLIMITED",
    "AttributeManager",
    "Checkup",
    "Dataset",
    "Datatype",
    "DimensionManager",
    "DimensionProxy",
    "Empty",
    "ExternalLink",
    "File",
    "FillValueError",
    "Finding",
    "Group",
    "HLObject",
    "HardLink",
    "LimitError",
    "MultiBlockSlice",
    "ObjectError",
    "ReadError",
    "Reference",
    "RegionReference",
    "SoftLink",
    "Tree",
    "UserLink",
    "VDSmap",
    "Variable",
    "VirtualLayout",
    "VirtualSource",
    "check_dtype",
    "check_enum_dtype",
    "check_opaque_dtype",
    "check_ref_dtype",
    "check_string_dtype",
    "check_vlen_dtype",
    "enum_dtype",
    "fsck",
    "is_hdf5",
    "opaque_dtype",
    "ref_dtype",
    "regionref_dtype",
    "special_dtype",
    "string_dtype",
    "string_info",
    "vlen_dtype",
]
