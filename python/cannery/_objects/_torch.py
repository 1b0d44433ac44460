"""torch: tensors and parameters as arrays, modules by their attributes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch

from cannery._objects._classes import plan_of
from cannery.errors import DataTypeError

Parts = dict[str, Any]

# Types of elements that NumPy lacks, as integers of their size.
_AS_BITS = {
    name: (getattr(torch, name), bits)
    for name, bits in (
        ("bfloat16", "int16"),
        ("float8_e4m3fn", "uint8"),
        ("float8_e4m3fnuz", "uint8"),
        ("float8_e5m2", "uint8"),
        ("float8_e5m2fnuz", "uint8"),
        ("float8_e8m0fnu", "uint8"),
    )
    if hasattr(torch, name)
}
_NAMES = {kind: name for name, (kind, _) in _AS_BITS.items()}

# Modules of torch's own classes whose instances are nothing but attributes.
_PLAIN = ("torch.nn.modules.", "torch.nn.parameter.")


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How one of torch's own values is described; modules are as everybody's classes."""
    if cls is torch.nn.Parameter:
        return lambda value: ("torch.nn.Parameter", _tensor_parts(value))
    if cls is torch.Tensor:
        return lambda value: ("torch.Tensor", _tensor_parts(value))
    for name, (known, parts, _) in _SMALL.items():
        if cls is known:
            return lambda value: (name, parts(value))
    if class_of(f"{cls.__module__}.{cls.__qualname__}") is cls:
        plan = plan_of(cls)
        name = f"{cls.__module__}.{cls.__qualname__}"
        return None if plan is None else lambda value: (name, plan.parts(value))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    if name == "torch.Tensor":
        return _make_tensor
    if name == "torch.nn.Parameter":
        return _make_parameter
    return _SMALL[name][2] if name in _SMALL else None


def class_of(name: str) -> type | None:
    """One of the modules that torch comes with."""
    module, _, attribute = name.rpartition(".")
    if not f"{module}.".startswith(_PLAIN):
        return None
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        return None
    if not isinstance(found, type) or found.__module__ != module:
        return None
    return found if issubclass(found, torch.nn.Module) else None


# Functions of tensors that modules keep.
_ACTIVATIONS = frozenset("celu elu gelu relu selu sigmoid silu softmax tanh".split())


def function_of(name: str) -> Any:
    """A function of tensors that only computes."""
    module, _, attribute = name.rpartition(".")
    if module == "torch":
        return getattr(torch, attribute, None) if attribute in _ACTIVATIONS else None
    if module not in ("torch.nn.functional", "torch._C._nn"):
        return None
    found = getattr(torch.nn.functional, attribute, None)
    is_own = getattr(found, "__module__", None) == "torch.nn.functional"
    return found if is_own or attribute in _ACTIVATIONS else None


def _tensor_parts(tensor: Any) -> Parts:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        error = DataTypeError(f"a tensor of layout {tensor.layout} cannot be saved")
        error.hint = "save a dense one: tensor.to_dense(), tensor.dequantize()"
        raise error
    plain = tensor.detach().cpu().contiguous().resolve_conj().resolve_neg()
    parts: Parts = {}
    if plain.dtype in _NAMES:
        name = parts["dtype"] = _NAMES[plain.dtype]
        plain = plain.view(getattr(torch, _AS_BITS[name][1]))
    parts["value"] = plain.numpy()
    if tensor.requires_grad:
        parts["requires_grad"] = True
    return parts


def _plain_tensor(parts: Parts) -> Any:
    array = parts["value"]
    # Memory that lies at an odd place, or that nobody may write to, is no tensor's.
    is_fit = array.flags.writeable and array.flags.aligned
    tensor = torch.from_numpy(array if is_fit else np.array(array))
    return tensor.view(_AS_BITS[parts["dtype"]][0]) if "dtype" in parts else tensor


def _make_tensor(parts: Parts) -> Any:
    return _plain_tensor(parts).requires_grad_(parts.get("requires_grad", False))


def _make_parameter(parts: Parts) -> Any:
    return torch.nn.Parameter(_plain_tensor(parts), parts.get("requires_grad", False))


def _dtype_of(parts: Parts) -> Any:
    found = getattr(torch, parts["name"], None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"torch has no dtype {parts['name']!r}")
    return found


_SMALL: dict[str, tuple[Any, Callable[[Any], Parts], Callable[[Parts], Any]]] = {
    "torch.Size": (
        torch.Size,
        lambda size: {"value": list(size)},
        lambda parts: torch.Size(parts["value"]),
    ),
    "torch.dtype": (
        torch.dtype,
        lambda dtype: {"name": str(dtype).removeprefix("torch.")},
        _dtype_of,
    ),
    "torch.device": (
        torch.device,
        lambda device: {"value": str(device)},
        lambda parts: torch.device(parts["value"]),
    ),
}
