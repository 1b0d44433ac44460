//! The formats, one module each.

#[cfg(feature = "can")]
pub(crate) mod can;
#[cfg(feature = "cbor")]
pub(crate) mod cbor;
#[cfg(feature = "csv")]
pub(crate) mod csv;
#[cfg(feature = "hdf5")]
pub(crate) mod hdf5;
#[cfg(feature = "hdf5")]
pub(crate) mod hdf5_files;
#[cfg(feature = "hdf5")]
mod hdf5_inspect;
#[cfg(feature = "hdf5")]
mod hdf5_write;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "json")]
pub(crate) mod jsonl;
#[cfg(feature = "protobuf")]
pub(crate) mod known;
#[cfg(feature = "protobuf")]
mod known_nodes;
#[cfg(feature = "msgpack")]
pub(crate) mod msgpack;
#[cfg(feature = "npy")]
pub(crate) mod npy;
#[cfg(feature = "npy")]
pub(crate) mod npz;
#[cfg(any(feature = "cbor", feature = "msgpack", feature = "protobuf", feature = "yaml"))]
mod per_document;
#[cfg(feature = "pickle")]
pub(crate) mod pickle;
#[cfg(feature = "protobuf")]
pub(crate) mod protobuf;
#[cfg(feature = "safetensors")]
pub(crate) mod safetensors;
#[cfg(feature = "yaml")]
pub(crate) mod yaml;

use cannery_core::{Result, Sink};

use crate::Contents;
use crate::Input;
use crate::format::{ReadOptions, Reader};

/// A file of one document, which is read by this function.
struct Once<F>(F);

impl<F: FnOnce(&mut dyn Sink) -> Result<()>> Reader for Once<F> {
    fn read(self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        (self.0)(sink)
    }
}

/// A reader of one document.
pub(crate) fn once(read: impl FnOnce(&mut dyn Sink) -> Result<()> + 'static) -> Box<dyn Reader> {
    Box::new(Once(read))
}

/// All bytes of an input, mapped where they can be.
#[cfg(any(feature = "cbor", feature = "pickle"))]
fn bytes_of(input: Input, options: &ReadOptions) -> Result<Box<dyn AsRef<[u8]>>> {
    match input.into_whole(&options.limits)? {
        #[cfg(feature = "npy")]
        Contents::File(file) => Ok(Box::new(cannery_npy::Bytes::from_file(&file)?)),
        #[cfg(not(feature = "npy"))]
        Contents::File(mut file) => {
            let mut bytes = Vec::new();
            let read = cannery_core::read_to_end(&mut file, &mut bytes);
            read.map_err(|e| cannery_core::Error::io(e, "cannot read the file"))?;
            Ok(Box::new(bytes))
        }
        Contents::Memory(bytes) => Ok(Box::new(bytes)),
    }
}
