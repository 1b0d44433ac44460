//! Where bytes come from and go to: paths, pipes and memory, compressed or not.
//!
//! ```
//! use std::io::{Read, Write};
//! use cannery_places::{Compression, Input, Location, Output};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! let location = Location::from(&folder.path().join("notes.txt.xz"));
//! assert_eq!(location.compression(), Some(Compression::Xz));
//! let mut output = Output::create(&location)?;
//! output.write_all(b"twenty").unwrap();
//! output.finish()?; // it appears now, and whole
//! let mut text = String::new();
//! Input::open(&location)?.into_reader().read_to_string(&mut text).unwrap();
//! assert_eq!(text, "twenty");
//! # Ok::<(), cannery_core::Error>(())
//! ```
//!
//! No format is known here. What compressed bytes expand to is bounded, see [`default_limits`].

mod bytes;
mod compression;
mod inflate;
mod input;
mod location;
mod map;
mod output;
mod pieces;
#[cfg(feature = "remote")]
mod remote;
mod source;
mod spooled;
mod url;

pub use bytes::Bytes;
pub use compression::Compression;
pub use inflate::{EXPANSION_HINT, default_limits};
pub use input::{Contents, Input, START_LEN};
pub use location::Location;
pub use output::{Output, Replace, remove_unfinished};
pub use pieces::{Piece, PieceOptions, Pieces, RecordEnds};
#[cfg(feature = "remote")]
pub use remote::{LocalCopy, RemoteFile, Waiting, set_waiting};
#[cfg(windows)]
pub use source::seek_read_exact;
pub use source::{ByteSource, FileSource, ends_early};
pub use spooled::SpooledWriter;
pub use url::Url;
