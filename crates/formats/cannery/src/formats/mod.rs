//! The formats, one module each.

#[cfg(feature = "can")]
pub(crate) mod can;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "json")]
pub(crate) mod jsonl;
#[cfg(feature = "msgpack")]
pub(crate) mod msgpack;
#[cfg(feature = "npy")]
pub(crate) mod npy;
#[cfg(feature = "npy")]
pub(crate) mod npz;
#[cfg(any(feature = "msgpack", feature = "yaml"))]
mod per_document;
#[cfg(feature = "protobuf")]
pub(crate) mod protobuf;
#[cfg(feature = "safetensors")]
pub(crate) mod safetensors;
#[cfg(feature = "yaml")]
pub(crate) mod yaml;

use cannery_core::{Result, Sink};

use crate::format::Reader;

/// A file of one document, which is read by this function.
struct Once<F>(F);

impl<F: FnOnce(&mut dyn Sink) -> Result<()>> Reader for Once<F> {
    fn read(self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        (self.0)(sink)
    }
}

/// A reader of one document.
fn once(read: impl FnOnce(&mut dyn Sink) -> Result<()> + 'static) -> Box<dyn Reader> {
    Box::new(Once(read))
}
