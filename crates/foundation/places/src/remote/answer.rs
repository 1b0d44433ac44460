//! What services answer, and the errors of it, whichever the service.

use std::sync::Once;

use cannery_core::{Error, ErrorKind};

/// The schemes that are known, for a hint.
const KNOWN_SCHEMES: &str =
    "http://, https://, s3://, gs://, az://, abfs://, file:// and memory://";

/// Bytes that the first request asks for.
pub(super) const FIRST: u64 = 64 << 10;

/// A part of a file, and what the service said of the whole.
pub(super) struct FoundPart {
    pub(super) bytes: Vec<u8>,
    pub(super) len: u64,
    pub(super) etag: Option<String>,
}

/// Chooses the implementation of TLS, once.
pub(super) fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails if the program has chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cold]
pub(super) fn unknown_scheme() -> Error {
    Error::new(ErrorKind::Unsupported, "addresses of this kind are not known")
        .with_hint(format!("known are {KNOWN_SCHEMES}; a path that looks like one begins with ./"))
}

#[cold]
pub(super) fn wrong_length(expected: u64, found: usize) -> Error {
    let message = format!("asked for {expected} bytes, the service gave {found}");
    Error::new(ErrorKind::Io, message)
}

#[cold]
pub(super) fn changed() -> Error {
    Error::new(ErrorKind::Conflict, "the file changed while it was read").with_hint("read it again")
}

/// The innermost of the reasons, which is the one that says most.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
