//! safetensors: named tensors behind a header in JSON that accounts for every byte.
//!
//! Follows the [format's description](https://github.com/huggingface/safetensors#format) and its
//! library, version 0.8: what that refuses is refused, and so is what the description forbids
//! although the library reads it (names that occur twice, a header that does not begin with `{`).
//! A header is parsed where it lies; nothing is allocated on its word alone.
//!
//! ```
//! use cannery_core::{TensorContainer, TensorDtype};
//! use cannery_safetensors::{SafetensorsFile, Tensor, to_vec};
//!
//! let bias = Tensor { name: "bias", dtype: &TensorDtype::Float(4), shape: &[2], data: &[0; 8] };
//! let bytes = to_vec(&[bias], &[])?;
//! let file = SafetensorsFile::from_bytes(bytes)?;
//! assert_eq!(file.tensors()[0].shape, [2]);
//! # Ok::<(), cannery_core::Error>(())
//! ```

mod array;
mod dtype;
mod file;
mod file_format;
mod header;
mod index;
mod json;
mod shards;
mod write;

pub use dtype::{dtype_code, dtype_of_code};
pub use file::SafetensorsFile;
pub use file_format::Safetensors;
pub use header::{Header, MAX_HEADER, TensorEntry, looks_like};
pub use index::{INDEX_SUFFIX, Index};
pub use shards::{ShardedSet, shard_name, split_into_shards};
pub use write::{Layout, Tensor, to_vec, to_writer};
