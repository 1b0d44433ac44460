"""NumPy's arrays, as NPY files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cannery
from cannery import npy, safetensors
from cannery._tensor_types import is_packed, tensor_type
from cannery.materializers._base import Materializer

if TYPE_CHECKING:
    import numpy as np


# Below, reading takes no longer than mapping.
_WORTH_MAPPING = 1 << 20

_TENSOR = "array.safetensors"
_CAN = "array.can"
# What `dtype.isbuiltin` says of types that other libraries have added.
_FOREIGN = 2
_NAME = "array"


class ArrayMaterializer(Materializer["np.ndarray[Any, Any]"]):
    """Stores an array as an NPY file, or as safetensors if NPY lacks the type of its elements.

    A large one is memory-mapped when it is loaded.
    """

    format_id = "array.npy/1"

    def save(self, value: np.ndarray[Any, Any], to: Path) -> None:
        """Write the array in its own order and byte order."""
        if value.dtype.isbuiltin != _FOREIGN:
            npy.save(to / "array.npy", value)
            return
        known = tensor_type(value)
        if known is None or (is_packed(known[0]) and value.size % 4):
            cannery.dump(value, to / _CAN)
            return
        is_fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        metadata = {"order": "F"} if is_fortran else None
        safetensors.save_file({_NAME: value}, to / _TENSOR, metadata)

    def load(self, type: type[np.ndarray[Any, Any]], at: Path) -> np.ndarray[Any, Any]:
        """Read or map the file; changes to the array stay its own in either case."""
        tensor, can = at / _TENSOR, at / _CAN
        if tensor.exists():
            return _load_tensor(tensor)
        if can.exists():
            return cannery.load(can)
        file = at / "array.npy"
        if file.stat().st_size < _WORTH_MAPPING:
            return npy.load(file)
        import numpy as np

        return np.load(file, mmap_mode="c", allow_pickle=False).view(np.ndarray)

    def metadata(self, value: np.ndarray[Any, Any]) -> dict[str, Any]:
        """Say the element type and the shape."""
        return {"dtype": str(value.dtype), "shape": list(value.shape)}

    def preview(self, value: np.ndarray[Any, Any]) -> str:
        """Show the corners of the array."""
        import numpy as np

        return np.array2string(value, threshold=20, edgeitems=2)


def _load_tensor(file: Path) -> np.ndarray[Any, Any]:
    import numpy as np

    array = safetensors.load_file(file)[_NAME]
    with safetensors.open(file) as opened:
        return np.asfortranarray(array) if opened.metadata.get("order") == "F" else array


class MaskedArrayMaterializer(Materializer["np.ma.MaskedArray[Any, Any]"]):
    """Stores a masked array as two NPY files, data and mask, and a third for the fill value."""

    format_id = "masked.npy/1"

    def save(self, value: np.ma.MaskedArray[Any, Any], to: Path) -> None:
        """Write data, mask and fill value."""
        import numpy as np

        npy.save(to / "data.npy", value.data)
        npy.save(to / "mask.npy", np.ma.getmaskarray(value))
        npy.save(to / "fill.npy", np.asarray(value.fill_value, dtype=value.dtype))

    def load(self, type: type[Any], at: Path) -> np.ma.MaskedArray[Any, Any]:
        """Put data, mask and fill value together again."""
        import numpy as np

        data, mask = npy.load(at / "data.npy"), npy.load(at / "mask.npy")
        return np.ma.MaskedArray(data, mask=mask, fill_value=npy.load(at / "fill.npy")[()])

    def metadata(self, value: np.ma.MaskedArray[Any, Any]) -> dict[str, Any]:
        """Say the element type, the shape and how much is masked."""
        import numpy as np

        masked = int(np.ma.count_masked(value))
        return {"dtype": str(value.dtype), "shape": list(value.shape), "masked": masked}
