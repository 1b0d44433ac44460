//! ZIP archives: read only where all readers agree, written without times.
//!
//! [`Archive`] finds the members of an archive that lies in memory, and refuses one in which two
//! readers could see different members, or whose members expand to more than the limits allow.
//! [`Rules`] are the exceptions that a family of files needs. [`ArchiveWriter`] writes members as they
//! come: equal members give equal bytes.
//!
//! ```
//! use cannery_archive::{Archive, ArchiveWriter, Method, Rules};
//! use cannery_core::Limits;
//!
//! let mut writer = ArchiveWriter::new(std::io::Cursor::new(Vec::new()));
//! writer.add("greeting.txt", b"hello", Some(64))?;
//! let data = writer.finish()?.into_inner();
//!
//! let archive = Archive::read(&data, Rules::STRICT, &Limits::default())?;
//! let member = archive.get("greeting.txt").unwrap();
//! assert_eq!(*member.bytes(&data)?, *b"hello");
//! assert_eq!((member.method(), member.place.start % 64), (Method::Stored, 0));
//! # Ok::<(), cannery_core::Error>(())
//! ```

mod fields;
mod read;
mod rules;
mod write;

pub use read::{Archive, Member};
pub use rules::Rules;
pub use write::ArchiveWriter;

/// How a member is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// It lies in the archive as it is.
    #[default]
    Stored,
    /// With DEFLATE, which every ZIP tool unpacks.
    Deflated,
    /// With Zstandard, which newer ZIP tools unpack.
    Zstd,
}

impl Method {
    /// The number that archives have for it.
    fn id(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
            Self::Zstd => 93,
        }
    }

    fn of_id(id: u16) -> Option<Self> {
        [Self::Stored, Self::Deflated, Self::Zstd].into_iter().find(|method| method.id() == id)
    }
}
