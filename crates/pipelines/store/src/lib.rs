//! Bytes by digest, artifact manifests and a catalog; knows no format and no Python.
//!
//! A store is a folder:
//!
//! ```text
//! .cannery/
//!   version           the layout's version; written last, so a folder without it is unfinished
//!   objects/ab/cdef…  every file ever kept, named by its BLAKE3 digest, never changed
//!   catalog.sqlite    runs, steps, artifact versions and what was made from what
//!   views/ab/cdef…    artifacts as folders of copies: a cache, may be deleted at any time
//!   tmp/              what is being written, one locked folder for each open store
//! ```
//!
//! Bytes enter `objects` by a rename, records enter the catalog by a transaction, and bytes come
//! before the records that name them. So a crash at any instant leaves the old state or the new
//! one, and many processes share a store without knowing of each other.
//!
//! ```
//! # fn main() -> cannery_store::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! use cannery_store::{Description, Store};
//!
//! let store = Store::open(folder.path())?;
//! let digest = store.put_bytes("note.txt", b"hello", &Description::new("Note", "text/1"))?;
//! let artifact = store.add_artifact("note", digest)?;
//! assert_eq!((artifact.name.as_str(), artifact.version), ("note", 1));
//! assert_eq!(store.read(digest, "note.txt")?, b"hello");
//! # Ok(())
//! # }
//! ```

mod blame;
mod blobs;
mod catalog;
mod digest;
mod failure;
mod folder;
mod manifest;
mod plain;
mod proof;
mod scratch;
mod store;
mod time;
mod verify;
mod view;

pub use blobs::{Blob, BlobWriter, Blobs, Durability};
pub use cannery_core::{Error, ErrorKind, Result};
pub use catalog::{
    ArtifactFilter, ArtifactId, ArtifactRecord, CachedStep, Direction, Edge, KeyPart, Lineage,
    NewRun, NewStep, Observation, Producer, RunFilter, RunId, RunRecord, RunStatus, StepEnd,
    StepId, StepOutput, StepRecord, StepStatus, step_label,
};
pub use digest::{Digest, Hasher};
pub use manifest::{Description, FileEntry, Manifest};
pub use scratch::ScratchFolder;
pub use store::{Store, StoreOptions};
pub use time::Timestamp;
pub use verify::{Damage, Verification};
