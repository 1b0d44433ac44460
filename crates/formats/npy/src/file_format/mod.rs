//! NPY and NPZ as file formats.

mod npy;
mod npz;

pub use npy::Npy;
pub use npz::{Npz, begins_with_array};
