//! Reads the artifacts that `write_store.py` made, as Rust's own types and as trees.
//!
//! Nothing here runs Python or needs it: the store is files and a catalog, and its values are
//! documents in the tagged form.

use std::collections::BTreeMap;

use cannery::{ConvertOptions, Error, ErrorKind, Input, OpenSource, Result, Value};
use cannery_store::{ArtifactRecord, Manifest, Store};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A thing on a page: a dataclass of the same name and fields in Python.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Box {
    /// What it is.
    pub label: String,
    /// Left, top, width and height in pixels.
    pub xywh: [f64; 4],
}

/// A scanned page and what was found on it.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Page {
    /// Where the scan lies.
    pub path: String,
    /// When it was made, in ISO 8601.
    pub scanned: String,
    /// What is on it.
    pub boxes: Vec<Box>,
    /// What people called it.
    pub tags: Vec<String>,
    /// One of the boxes: in Python the same object, here a copy.
    pub best: Option<Box>,
    /// The scan, small, as the bytes of a file.
    pub thumbnail: Vec<u8>,
}

/// The pages that the step `read_pages` made.
///
/// # Errors
/// If there is no such artifact, or its document is not as the types say.
pub fn pages(store: &Store) -> Result<Vec<Page>> {
    typed(store, &store.find_artifact("read_pages")?)
}

/// How many boxes of each label the step `count_labels` found.
///
/// # Errors
/// As [`pages`].
pub fn counts(store: &Store) -> Result<BTreeMap<String, u32>> {
    typed(store, &store.find_artifact("count_labels")?)
}

/// An artifact as a serde type.
///
/// # Errors
/// As [`pages`].
pub fn typed<T: DeserializeOwned>(store: &Store, artifact: &ArtifactRecord) -> Result<T> {
    cannery::from_slice_tagged(&document(store, artifact)?, "json")
}

/// An artifact as a tree, with the names of its types and its shared references.
///
/// # Errors
/// As [`pages`].
pub fn tree(store: &Store, artifact: &ArtifactRecord) -> Result<Value> {
    let options = ConvertOptions::default().from(Some("json".to_owned())).tagged(true);
    let input = Input::from_memory(document(store, artifact)?)?;
    OpenSource::open(input, &options)?.into_value(&options)
}

/// The bytes of an artifact's only document; the store proves that they are the ones written.
fn document(store: &Store, artifact: &ArtifactRecord) -> Result<Vec<u8>> {
    let manifest = store.blobs().read(artifact.digest)?;
    let manifest = Manifest::from_text(&String::from_utf8_lossy(&manifest))?;
    let file = manifest.file("data.json").ok_or_else(|| {
        let message = format!("`{}` is stored as `{}`", artifact.name, artifact.format);
        Error::new(ErrorKind::Unsupported, message).with_hint("this program reads `data.json`")
    })?;
    store.blobs().read(file.digest)
}
