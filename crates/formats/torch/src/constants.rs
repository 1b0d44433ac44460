//! The constants of `PyTorch`'s that pickles name.

use crate::dtype::TorchDtype;
use crate::node::Node;

/// The constant of `PyTorch`'s that has a name: a dtype, a layout, a quantization scheme.
pub(crate) fn constant(module: &str, name: &str) -> Option<Node> {
    if module != "torch" {
        return None;
    }
    if let Some(dtype) = TorchDtype::from_name(name) {
        return Some(Node::Dtype(dtype));
    }
    is_constant(name).then(|| Node::Constant(format!("torch.{name}")))
}

fn is_constant(name: &str) -> bool {
    const NAMES: &str = "strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc jagged \
        _mkldnn per_tensor_affine per_channel_affine per_channel_affine_float_qparams \
        per_tensor_symmetric per_channel_symmetric contiguous_format channels_last \
        channels_last_3d preserve_format";
    NAMES.split_ascii_whitespace().any(|known| known == name)
}
