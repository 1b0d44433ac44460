"""What tensors and programs are loaded as: arrays where they can be, else their parts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Tensor(np.ndarray):
    """An array that knows more about itself than its elements: a parameter, a subclass.

    `attributes` are those that the file gives it; they can also be read as attributes of the array
    where it has none of that name itself.
    """

    torch_dtype: str = ""
    """The type of the elements by PyTorch's name: `bfloat16`."""
    torch_class: str = "torch.Tensor"
    """The name of the class that the tensor had."""
    requires_grad: bool = False
    """Whether gradients are wanted."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What the file says about the tensor beyond its elements."""
        return self.__dict__.setdefault("_attributes", {})

    def __getattr__(self, name: str) -> Any:
        return _attribute(self, name)


class QuantizedTensor(Tensor):
    """The integers of a quantized tensor; `dequantize` gives the numbers that they stand for."""

    qscheme: str
    """`per_tensor_affine`, or `per_channel_affine` with or without `_float_qparams`."""
    scale: float
    zero_point: int
    scales: NDArray[Any]
    zero_points: NDArray[Any]
    axis: int

    def dequantize(self) -> NDArray[Any]:
        """Compute the numbers that the integers stand for, as `float32`."""
        numbers = np.asarray(self).astype(np.float32)
        if self.qscheme == "per_tensor_affine":
            return (numbers - np.float32(self.zero_point)) * np.float32(self.scale)
        shape = [1] * self.ndim
        shape[self.axis] = -1
        zero_points = np.asarray(self.zero_points, np.float32).reshape(shape)
        scales = np.asarray(self.scales, np.float32).reshape(shape)
        if self.qscheme.endswith("_float_qparams"):
            return numbers * scales + zero_points
        return (numbers - zero_points) * scales


class _Parts:
    """A tensor that no array can show: its parts, and what the file says about it."""

    torch_class = "torch.Tensor"
    requires_grad = False

    def __init__(self, layout: str) -> None:
        self.layout = layout
        self.attributes: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return _attribute(self, name)


class SparseTensor(_Parts):
    """A sparse tensor: the arrays of its indices and of its values.

    The indices are called `indices`, or, by the layout, `crow_indices` and `col_indices`,
    `ccol_indices` and `row_indices`.
    """

    indices: NDArray[Any]
    crow_indices: NDArray[Any]
    col_indices: NDArray[Any]
    ccol_indices: NDArray[Any]
    row_indices: NDArray[Any]

    def __init__(self, layout: str, shape: tuple[int, ...], values: NDArray[Any]) -> None:
        super().__init__(layout)
        self.shape = shape
        self.values = values
        self.coalesced: bool | None = None

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self.values.dtype

    def __repr__(self) -> str:
        return f"SparseTensor({self.layout!r}, shape={self.shape}, dtype={self.dtype})"


class NestedTensor(_Parts):
    """Tensors of different shapes: `parts`, or the `values` of all and the `offsets` of each."""

    parts: list[NDArray[Any]]
    values: NDArray[Any]
    offsets: NDArray[Any]


class MetaTensor(_Parts):
    """A tensor without elements: its shape and type."""

    device = "meta"

    def __init__(self, torch_dtype: str, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__("strided")
        self.torch_dtype = torch_dtype
        self.shape = shape
        self.torch_strides = strides

    @property
    def dtype(self) -> Any:
        """The type that the elements would have."""
        return dtype_of(self.torch_dtype)

    def __repr__(self) -> str:
        return f"MetaTensor({self.torch_dtype}, shape={self.shape})"


def _attribute(value: Any, name: str) -> Any:
    # Names like `__array_interface__` are asked for by libraries, and not a file's to answer.
    attributes = value.__dict__.get("_attributes" if isinstance(value, Tensor) else "attributes")
    if attributes and name in attributes and not name.startswith("__"):
        return attributes[name]
    raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")


class Size(tuple):
    """`torch.Size`: a tuple of sides."""

    __slots__ = ()


class Dtype(str):
    """`torch.dtype`: its name, `torch.bfloat16`."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name without `torch.`."""
        return self.removeprefix("torch.")


class Device(str):
    """`torch.device`: `cpu`, `cuda:0`."""

    __slots__ = ()


class Constant(str):
    """A layout, a quantization scheme or a memory format: `torch.strided`."""

    __slots__ = ()


class ScriptModule(OrderedDict):
    """A TorchScript program: its parameters and buffers by their names; nothing of it can be run.

    `constants` are the tensors that the program has built in, `code` its sources by their files'
    names, `extra_files` what was saved beside it, and `module` the tree of its modules as records.
    """

    constants: Any = ()
    module: Any = None

    def __init__(self, read: Callable[[str], bytes], members: list[str]) -> None:
        super().__init__()
        self._read = read
        self.members = members

    @property
    def code(self) -> dict[str, str]:
        """The sources of the program."""
        sources = [name for name in self.members if _is_source(name)]
        return {name[5:]: self._read(name).decode("utf-8", "replace") for name in sources}

    @property
    def extra_files(self) -> dict[str, bytes]:
        """What was saved beside the program."""
        return {name[6:]: self._read(name) for name in self.members if name.startswith("extra/")}


def _is_source(name: str) -> bool:
    return name.startswith("code/") and name.endswith(".py")


class ExportedProgram(dict):
    """An exported program: its `state_dict` and its `constants`; nothing of it can be run."""

    def __init__(self, read: Callable[[str], bytes], members: list[str]) -> None:
        super().__init__()
        self._read = read
        self.members = members

    @property
    def state_dict(self) -> dict[str, Any]:
        """Its parameters and buffers by their names."""
        return self["state_dict"]

    @property
    def constants(self) -> dict[str, Any]:
        """The tensors that the program has built in."""
        return self["constants"]

    def read(self, member: str) -> bytes:
        """Read a member of the archive, such as `models/model.json`."""
        return self._read(member)


class Package(dict):
    """A package: its pickles by their names, such as `model/weights`; no code of it is run.

    `members` are all that is in it, of which `read` gives the bytes: sources, texts, other files.
    """

    def __init__(self, read: Callable[[str], bytes], members: list[str]) -> None:
        super().__init__()
        self._read = read
        self.members = members

    def read(self, member: str) -> bytes:
        """Read a member of the archive, such as `notes/readme.txt`."""
        return self._read(member)

    @property
    def code(self) -> dict[str, str]:
        """The sources of the modules that it brings along."""
        sources = [name for name in self.members if name.endswith(".py")]
        return {name: self._read(name).decode("utf-8", "replace") for name in sources}


# Integers of quantized tensors, and other names of types that others have.
_SAME = {"qint8": "int8", "quint8": "uint8", "qint32": "int32"}
# Types that stay bytes: what they pack is not said by their names alone.
_BYTES = {
    "quint4x2": "|u1", "quint2x4": "|u1", "float4_e2m1fn_x2": "|u1", "bits8": "|u1",
    "bits1x8": "|u1", "bits2x4": "|u1", "bits4x2": "|u1", "bits16": "<u2", "bcomplex32": "<u4",
    **{f"{sign}int{bits}": "|u1" for sign in ("", "u") for bits in range(1, 8)},
}  # fmt: skip
_PACKED = frozenset({"quint4x2", "quint2x4"})


def dtype_of(name: str) -> Any:
    """Get NumPy's type for one of PyTorch's.

    `ml_dtypes` has some that NumPy lacks; others, and these without it, are records of one field of
    that name.
    """
    from cannery._tensor_types import stored_dtype

    name = _SAME.get(name, name)
    if name in _BYTES:
        return np.dtype([(name, _BYTES[name])])
    return stored_dtype(name)


def is_packed(name: str) -> bool:
    """Say whether a byte of this type holds several elements."""
    return name in _PACKED


def is_plain(name: str) -> bool:
    """Say whether NumPy's type tells all about PyTorch's."""
    return name not in _SAME
