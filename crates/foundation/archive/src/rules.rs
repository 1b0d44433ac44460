//! What some families of files may do that others may not, in one place.

/// The exceptions that an archive is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Other bytes may lie before the archive, if they are none, and padding behind it.
    pub surrounded: bool,
    /// A checksum of 0 says that there is none.
    pub without_checksums: bool,
}

impl Rules {
    /// No exceptions: those of `.can` files.
    pub const STRICT: Self = Self { surrounded: false, without_checksums: false };

    /// Those of `PyTorch`'s checkpoints: its own writer computes checksums on request only, and its
    /// reader takes what lies around an archive.
    pub const TORCH: Self = Self { surrounded: true, without_checksums: true };
}
