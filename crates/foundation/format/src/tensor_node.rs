//! What is in a file of named tensors.

use std::collections::BTreeMap;

use cannery_core::{Order, Result, StorageInfo, TensorContainer, TensorDtype, TensorInfo};

use crate::dtype_name;
use crate::node::Node;

impl Node {
    /// The tensors of a container as the parts of a map.
    ///
    /// # Errors
    /// [`cannery_core::ErrorKind::Limit`] if a shape is too large to exist.
    pub fn of_tensors(container: &dyn TensorContainer) -> Result<Self> {
        let mut first: BTreeMap<usize, &TensorInfo> = BTreeMap::new();
        let mut parts = Vec::new();
        for info in container.tensors() {
            let shared = info.storage.and_then(|at| {
                let earlier = first.get(&at).map(|info| info.name.clone());
                first.entry(at).or_insert(info);
                earlier
            });
            parts.push(part(info, shared, container.storages())?);
        }
        Ok(Self::of_parts("tensors", parts))
    }
}

fn part(info: &TensorInfo, shared: Option<String>, storages: &[StorageInfo]) -> Result<Node> {
    let is_c = info.is_contiguous(Order::C);
    let is_fortran = !is_c && info.is_contiguous(Order::Fortran);
    let mut details = Vec::new();
    if !is_c && !is_fortran {
        details.push(format!("strides {:?}", info.strides));
    }
    match info.storage.and_then(|at| storages.get(at)) {
        None => details.push("no data".to_owned()),
        Some(_) => details.extend(shared.as_ref().map(|with| format!("shares memory with {with}"))),
    }
    Ok(Node {
        name: Some(info.name.clone()),
        kind: "tensor".to_owned(),
        dtype: Some(tensor_dtype_name(info)),
        shape: Some(info.shape.clone()),
        fortran_order: is_fortran,
        bytes: Some(info.len_in_bytes()?),
        details: (!details.is_empty()).then(|| details.join(", ")),
        shared_with: shared,
        ..Node::default()
    })
}

/// The name of a tensor's type, as [`dtype_name`] has it, or its own name where arrays have no such type.
#[must_use]
pub fn tensor_dtype_name(info: &TensorInfo) -> String {
    match (&info.dtype, info.dtype.to_dtype(info.byte_order)) {
        (TensorDtype::BFloat16, _) | (_, None) => info.dtype.to_string(),
        (dtype, Some(array)) if dtype.word_size() > 1 || !dtype.is_number() => dtype_name(&array),
        _ => info.dtype.to_string(),
    }
}
