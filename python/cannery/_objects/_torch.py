"""torch: tensors and parameters as arrays, modules by their attributes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch

from cannery._objects import _tensor_store
from cannery._objects._checks import (
    Check,
    PartError,
    array,
    check_parts,
    checked,
    exact,
    integer,
    mismatch,
    one_of,
    sequence_of,
    text,
)
from cannery._objects._classes import plan_of
from cannery._tensor_types import is_native, stored_dtype, tensor_type
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

# The modules that torch comes with, by the files of `torch.nn.modules` that define them.
_MODULES: dict[str, str] = {
    "activation": """
        CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax
        Mish MultiheadAttention PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin
        Softplus Softshrink Softsign Tanh Tanhshrink Threshold
    """,
    "adaptive": "AdaptiveLogSoftmaxWithLoss",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "channelshuffle": "ChannelShuffle",
    "container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "conv": """
        Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d
    """,
    "distance": "CosineSimilarity PairwiseDistance",
    "dropout": """
        AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout
    """,
    "flatten": "Flatten Unflatten",
    "fold": "Fold Unfold",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "linear": "Bilinear Identity Linear NonDynamicallyQuantizableLinear",
    "loss": """
        BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss
        HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss
        MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d
        PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss
    """,
    "normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "padding": """
        CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d
        ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d
        ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d
    """,
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": """
        AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
        AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d
        LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d
        MaxUnpool3d
    """,
    "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNCell",
    "sparse": "Embedding EmbeddingBag",
    "transformer": """
        Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder
        TransformerEncoderLayer
    """,
    "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
}
_CLASS_NAMES = {
    f"torch.nn.modules.{module}.{name}": (f"torch.nn.modules.{module}", name)
    for module, names in _MODULES.items()
    for name in names.split()
}


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
    if name in _MAKERS:
        return _MAKERS[name]
    cls = class_of(name)
    return None if cls is None else lambda parts: _fill_module(_empty_module(cls), parts)


def shell_of(name: str) -> tuple[Callable[[Parts], Any], Callable[[Any, Parts], Any]] | None:
    """How a module that is part of itself is made empty, and how it is filled."""
    cls = class_of(name)
    return None if cls is None else (lambda _: _empty_module(cls), _fill_module)


def class_of(name: str) -> type | None:
    """One of the modules that torch comes with, by its exact name."""
    if name not in _CLASS_NAMES:
        return None
    module, attribute = _CLASS_NAMES[name]
    found = getattr(import_module(module), attribute, None)
    is_module = isinstance(found, type) and issubclass(found, torch.nn.Module)
    return found if is_module and found.__module__ == module else None


# Functions of tensors that modules keep.
_ACTIVATIONS = frozenset("celu elu gelu relu selu sigmoid silu softmax tanh".split())
_FUNCTIONS = _ACTIVATIONS | frozenset(
    """
    binary_cross_entropy binary_cross_entropy_with_logits cosine_similarity cross_entropy
    glu hardshrink hardsigmoid hardswish hardtanh kl_div l1_loss layer_norm leaky_relu log_softmax
    logsigmoid mish mse_loss nll_loss normalize pairwise_distance prelu relu6 rrelu smooth_l1_loss
    softmin softplus softshrink softsign tanhshrink threshold
    """.split()
)


def function_of(name: str) -> Any:
    """A function of tensors that only computes."""
    module, _, attribute = name.rpartition(".")
    if module == "torch":
        return getattr(torch, attribute, None) if attribute in _ACTIVATIONS else None
    if module not in ("torch.nn.functional", "torch._C._nn") or attribute not in _FUNCTIONS:
        return None
    return getattr(torch.nn.functional, attribute, None)


# Modules: the attributes that a class lists, and no hooks.

_HOOKS = frozenset(
    """
    _backward_hooks _backward_pre_hooks _forward_hooks _forward_hooks_always_called
    _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
    _load_state_dict_post_hooks _load_state_dict_pre_hooks _state_dict_hooks
    _state_dict_pre_hooks
    """.split()
)
_TABLES = frozenset({"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"})


def _empty_module(cls: Any) -> Any:
    return cls.__new__(cls)


def _fill_module(module: Any, parts: Parts) -> Any:
    for name, part in parts.items():
        _check_attribute(type(module), name, part)
    for name in ("_parameters", "_buffers", "_modules"):
        if name not in parts:
            raise PartError(f"the part {name!r} is missing")
    # torch's own, of a class in the list: it adds what older versions lack, and weak references.
    module.__setstate__(dict(parts))
    return module


def _check_attribute(cls: Any, name: str, part: Any) -> None:
    if name in _HOOKS:
        if len(part) or type(part).__name__ not in ("dict", "OrderedDict"):
            raise PartError(f"the part {name!r}: hooks are functions, and no data")
    elif name == "_parameters":
        _table(torch.nn.Parameter)(part, name)
    elif name == "_buffers":
        _table(torch.Tensor)(part, name)
    elif name == "_modules":
        _table(torch.nn.Module)(part, name)
    elif name == "_non_persistent_buffers_set":
        exact(set)(part, name)
    else:
        _check_constant(cls, name, part)


def _table(expected: Any) -> Check:
    """Tensors or modules by their names, some of which may be missing."""

    def check(value: Any, path: str) -> None:
        if type(value).__name__ not in ("dict", "OrderedDict"):
            raise mismatch(value, path, "dict")
        for name, item in value.items():
            text(1000)(name, path)
            if item is not None and not isinstance(item, expected):
                raise mismatch(item, f"{path}[{name!r}]", f"torch {expected.__name__}")

    return check


_SCALARS = (bool, int, float, complex, str, type(None))
_OWN = (torch.Size, torch.dtype, torch.device, torch.Tensor, torch.nn.Module)


def _check_constant(cls: Any, name: str, part: Any) -> None:
    """Check an attribute: it hides nothing that its class has, and holds plain data."""
    found = inspect.getattr_static(cls, name, None)
    if name.startswith("__") or callable(found) or hasattr(type(found), "__get__"):
        raise PartError(f"there is no part {name!r}")
    _check_plain(part, name, 4)


def _check_plain(value: Any, path: str, left: int) -> None:
    if type(value) in (list, tuple) and left:
        for item in value:
            _check_plain(item, path, left - 1)
    elif type(value) in (torch.Size, torch.dtype, torch.device) or isinstance(
        value, (torch.Tensor, torch.nn.Module)
    ):
        return
    elif callable(value):
        name = getattr(value, "__name__", "")
        known = [function_of(f"{module}.{name}") for module in ("torch", "torch.nn.functional")]
        if not any(each is value for each in known):
            raise mismatch(value, path, "a function of torch")
    else:
        exact(*_SCALARS)(value, path)


def _tensor_parts(tensor: Any) -> Parts:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        error = DataTypeError(f"a tensor of layout {tensor.layout} cannot be saved")
        error.hint = "save a dense one: tensor.to_dense(), tensor.dequantize()"
        raise error
    plain = tensor.detach().cpu().contiguous().resolve_conj().resolve_neg()
    name = _NAMES.get(plain.dtype)
    if name is None:
        array = bits = plain.numpy()
    else:
        bits = plain.view(getattr(torch, _AS_BITS[name][1])).numpy()
        array = bits.view(stored_dtype(name))
    kept = _tensor_store.put(tensor, array)
    parts: Parts = {} if name is None else {"dtype": name}
    if kept is not None:
        parts["tensor"] = kept
    else:
        # A record that stands for the type is no type: the integers are kept.
        parts["value"] = array if array.dtype.names is None else bits
    if tensor.requires_grad:
        parts["requires_grad"] = True
    return parts


_TENSOR_KINDS = "biufcV"
_VALUE: dict[str, Check] = {"value": array(_TENSOR_KINDS)}
_KEPT: dict[str, Check] = {"tensor": text(1 << 16)}
_TENSOR_OPTIONS: dict[str, Check] = {
    "dtype": one_of(*_AS_BITS), "requires_grad": one_of(True),
}  # fmt: skip


def _plain_tensor(parts: Parts) -> Any:
    check_parts(parts, _KEPT if "tensor" in parts else _VALUE, _TENSOR_OPTIONS)
    array = _array_of(parts)
    # Memory that lies at an odd place, or that must not be written to, is no tensor's.
    is_fit = array.flags.writeable and array.flags.aligned
    tensor = torch.from_numpy(array if is_fit else np.array(array))
    return tensor.view(_AS_BITS[parts["dtype"]][0]) if "dtype" in parts else tensor


def _array_of(parts: Parts) -> Any:
    """The elements, as integers of their size where NumPy lacks the type."""
    if "tensor" in parts:
        array = _tensor_store.lent(parts["tensor"])
        if array is None:
            raise PartError(f"there is no tensor {parts['tensor']!r:.100} beside the document")
    else:
        array = parts["value"]
    if not array.dtype.isnative:
        raise PartError(f"the part 'value': {array.dtype} in the byte order of other machines")
    known = tensor_type(array)
    if "dtype" in parts:
        name, bits = parts["dtype"], _AS_BITS[parts["dtype"]][1]
        if array.dtype == bits:
            return array
        if known is None or known[0] != name:
            raise PartError(f"the part 'value': {array.dtype} holds no {name}")
        return array.view(bits)
    if known is None or not is_native(known[0]):
        raise PartError(f"the part 'value': an array of {array.dtype} needs a part 'dtype'")
    return array


def _make_tensor(parts: Parts) -> Any:
    return _plain_tensor(parts).requires_grad_(parts.get("requires_grad", False))


def _make_parameter(parts: Parts) -> Any:
    return torch.nn.Parameter(_plain_tensor(parts), parts.get("requires_grad", False))


_DTYPES = frozenset(
    """
    bfloat16 bool complex128 complex32 complex64 float16 float32 float64 float8_e4m3fn
    float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu int16 int32 int64 int8 uint16
    uint32 uint64 uint8
    """.split()
)


def _dtype_of(parts: Parts) -> Any:
    found = getattr(torch, parts["name"], None)
    if not isinstance(found, torch.dtype):
        raise PartError(f"torch has no dtype {parts['name']!r}")
    return found


_SIDE = integer(0, 2**62)
_SMALL: dict[str, tuple[Any, Callable[[Any], Parts], Callable[[Parts], Any]]] = {
    "torch.Size": (
        torch.Size,
        lambda size: {"value": list(size)},
        checked(lambda parts: torch.Size(parts["value"]), {"value": sequence_of(_SIDE)}),
    ),
    "torch.dtype": (
        torch.dtype,
        lambda dtype: {"name": str(dtype).removeprefix("torch.")},
        checked(_dtype_of, {"name": one_of(*_DTYPES)}),
    ),
    "torch.device": (
        torch.device,
        lambda device: {"value": str(device)},
        checked(lambda parts: torch.device(parts["value"]), {"value": text(32)}),
    ),
}

_MAKERS: dict[str, Callable[[Parts], Any]] = {
    "torch.Tensor": _make_tensor,
    "torch.nn.Parameter": _make_parameter,
    **{name: make for name, (_, _, make) in _SMALL.items()},
}
