//! What is said of a file that is damaged.

use cannery_core::{Error, ErrorKind};

#[cold]
pub(crate) fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}
