//! The `.can` container: a [tagged document](cannery_core::tagged) and what is too large for it.
//!
//! It is an ordinary ZIP archive, described for people and other languages in `docs/format.md`:
//!
//! | member | what it holds |
//! |---|---|
//! | `document.json` | the value, as a tagged document |
//! | `arrays/0.npy`, ... | its arrays, uncompressed and aligned, so that they can be mapped in place |
//! | `arrays/1.safetensors`, ... | those of types that NPY lacks |
//! | `bytes/0.bin`, ... | its longer strings of bytes |
//! | `manifest.json` | the version of the format; size and BLAKE3 digest of every other member |
//!
//! Nothing is read that the manifest does not list, and opening a file runs no code: what the
//! document names as types reaches the sink as names.

mod compression;
mod digest;
mod errors;
mod file_format;
mod manifest;
mod members;
mod read;
mod tensors;
mod write;

pub use cannery_npy::Bytes;
pub use compression::Compression;
pub use file_format::Can;
pub use manifest::{FORMAT, Member, VERSION};
pub use read::CanFile;
pub use tensors::has_member;
pub use write::{CanWriter, to_vec, write_document};

pub(crate) const DOCUMENT: &str = "document.json";
pub(crate) const MANIFEST: &str = "manifest.json";
/// The folders of members beside the document, and the endings of their names.
pub(crate) const ARRAYS: (&str, &str) = ("arrays/", ".npy");
pub(crate) const TENSORS: (&str, &str) = ("arrays/", ".safetensors");
pub(crate) const BLOBS: (&str, &str) = ("bytes/", ".bin");

/// Whether the first bytes of a ZIP archive are those of a `.can` file.
///
/// ```
/// let bytes = cannery_can::to_vec(&cannery_core::Value::Int(1))?;
/// assert!(cannery_can::is_can(&bytes));
/// # Ok::<(), cannery_core::Error>(())
/// ```
#[must_use]
pub fn is_can(start: &[u8]) -> bool {
    // The name of the first member follows thirty bytes of fixed length.
    let Some((header, rest)) = start.split_at_checked(30) else { return false };
    let len = usize::from(u16::from_le_bytes([header[26], header[27]]));
    let name = rest.get(..len).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    let is_beside = |(folder, ending): (&str, &str)| {
        name.strip_prefix(folder).and_then(|name| name.strip_suffix(ending)).is_some()
    };
    header.starts_with(b"PK\x03\x04")
        && (name == DOCUMENT
            || name == MANIFEST
            || [ARRAYS, TENSORS, BLOBS].into_iter().any(is_beside))
}
