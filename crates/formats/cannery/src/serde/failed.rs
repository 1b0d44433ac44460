//! Errors on their way through serde.

use std::fmt;

use cannery_core::{Error, ErrorKind};

/// An error on its way through serde.
#[derive(Debug)]
pub(super) struct Failed(pub(super) Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl ::serde::ser::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failed(Error::new(ErrorKind::Value, message.to_string()))
    }
}

impl ::serde::de::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failed(Error::new(ErrorKind::Type, message.to_string()))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed(error)
    }
}
