//! Model files: what looks into files of named tensors, converts and compares them, whatever their
//! format.

mod array;
mod arrays;
mod convert;
mod diff;
#[cfg(feature = "torch")]
mod distributed;
mod float;
mod names;
mod open;
mod options;
mod summary;
mod target;
#[cfg(feature = "torch")]
mod torch;
mod values;

pub use convert::{TensorsConverted, convert_if_tensors, convert_tensors};
pub use diff::{DiffOptions, TensorChange, TensorDiff, TensorValues, diff_tensors};
pub use names::tensor_dtype;
pub use open::{OpenTensors, open_tensors};
pub use options::TensorOptions;
pub use summary::{DtypeTotal, TensorSummary};
pub use target::TensorTarget;
