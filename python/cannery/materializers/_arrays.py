"""NumPy's arrays, as NPY files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery import npy
from cannery.materializers._base import Materializer

if TYPE_CHECKING:
    import numpy as np


# Below, reading takes no longer than mapping.
_WORTH_MAPPING = 1 << 20


class ArrayMaterializer(Materializer["np.ndarray[Any, Any]"]):
    """Stores an array as an NPY file; a large one is memory-mapped when it is loaded."""

    format_id = "array.npy/1"

    def save(self, value: np.ndarray[Any, Any], to: Path) -> None:
        """Write the array in its own order and byte order."""
        npy.save(to / "array.npy", value)

    def load(self, type: type[np.ndarray[Any, Any]], at: Path) -> np.ndarray[Any, Any]:
        """Read or map the file; changes to the array stay its own in either case."""
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
