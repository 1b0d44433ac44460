//! `PyTorch`'s checkpoints, read without `PyTorch` and without running anything.
//!
//! [`Checkpoint::read`] opens every layout that `PyTorch` has written: the ZIP archives of
//! `torch.save`, the stream before version 1.6, the tape archive before 0.1.10, `TorchScript`, exported programs and
//! packages.
//! What the pickles inside call is never called: the calls by which `PyTorch` puts tensors together
//! are understood as descriptions, plain data is data, and everything else is an inert
//! [`Object`](node::Object). Tensors are proven to lie within their storages, and storages within
//! the file, before anything of that size is allocated.

mod checkpoint;
mod constants;
mod distributed;
pub mod dtype;
mod exported;
mod finish;
mod heap;
mod legacy;
pub mod node;
mod node_id;
mod old_script;
mod open;
mod persistent;
mod pickles;
mod reader;
mod rebuild;
mod script;
mod storages;
mod table;
mod tape;
pub mod tensor;
mod zip;

pub use checkpoint::{Checkpoint, Document, FileLayout};
pub use distributed::{DistributedValue, Stretch, TensorPart, read_distributed};
pub use dtype::TorchDtype;
pub use legacy::is_stream;
pub use node_id::NodeId;
pub use open::looks_like;
pub use table::Tensors;
