"""PyTorch's checkpoints, read without PyTorch and without running anything.

`load` opens what `torch.save` wrote in any version (ZIP archives, the stream before 1.6, the tape
archive before 0.1.10), TorchScript, exported programs, packages, distributed checkpoints and
sharded models. Tensors are NumPy arrays in the file's memory map; nothing that the file names is
imported or called. `save` writes state dicts that PyTorch loads with `weights_only=True`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cannery.torch._load import load
from cannery.torch._save import save

if TYPE_CHECKING:
    from cannery.torch._tensors import (
        ExportedProgram,
        MetaTensor,
        NestedTensor,
        Package,
        QuantizedTensor,
        ScriptModule,
        SparseTensor,
        Tensor,
    )

__all__ = [
    "ExportedProgram",
    "MetaTensor",
    "NestedTensor",
    "Package",
    "QuantizedTensor",
    "ScriptModule",
    "SparseTensor",
    "Tensor",
    "load",
    "save",
]


def __getattr__(name: str) -> Any:
    # The classes of tensors need NumPy, which is imported when it is needed.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cannery.torch import _tensors

    return getattr(_tensors, name)
