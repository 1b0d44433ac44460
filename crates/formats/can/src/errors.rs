//! What is said of a file that is damaged.

use cannery_core::{Error, ErrorKind};
use zip::result::ZipError;

#[cold]
pub(crate) fn damaged(error: ZipError) -> Error {
    let error = match error {
        ZipError::CompressionMethodNotSupported(method) => {
            let message = format!("the file is packed with method {method}");
            return Error::new(ErrorKind::Unsupported, message)
                .with_hint("stored, deflated and Zstandard members are read");
        }
        other => other,
    };
    corrupt("the file is damaged or cut off: it is no whole ZIP archive".to_owned())
        .with_source(error)
}

#[cold]
pub(crate) fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}
