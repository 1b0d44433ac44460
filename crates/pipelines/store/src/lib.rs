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
//!   runs/12           what the catalog says of each run, to make it anew from
//!   damaged/          what was taken out because it is not as it was written
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
mod copy;
mod digest;
#[doc(hidden)]
pub mod failpoint;
mod failure;
mod flight;
mod folder;
mod fsck;
mod gc;
mod manifest;
mod plain;
mod proof;
mod quota;
mod rebuild;
mod run_record;
mod scratch;
mod step_log;
mod store;
mod time;
mod verify;
mod view;

pub use blobs::{Blob, BlobWriter, Blobs, Durability};
pub use cannery_core::{Error, ErrorKind, Result};
pub use catalog::{
    Alias, ArtifactFilter, ArtifactId, ArtifactRecord, CachedStep, Direction, Edge, KeyPart,
    Lineage, NEEDS, NewRun, NewStep, Observation, Producer, Reuse, RunFilter, RunId, RunRecord,
    RunStatus, SkippedStep, StepEnd, StepId, StepOutput, StepRecord, StepReport, StepStatus, Usage,
    artifact_path, step_label,
};
pub use copy::Copied;
pub use digest::{Digest, Hasher};
pub use flight::Claim;
pub use fsck::{Checkup, Finding, FsckOptions};
pub use gc::{Collected, GcOptions};
pub use manifest::{Description, FileEntry, Manifest};
pub use quota::StoreSize;
pub use rebuild::Rebuilt;
pub use scratch::ScratchFolder;
pub use store::{Store, StoreOptions};
pub use time::Timestamp;
pub use verify::{Damage, Verification};
pub use view::Files;
