//! Writing an object of a bucket: it is there, whole, when the last byte has arrived.

use std::io::{self, Write};
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Result};
use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt as _;

use super::answer::{reason, unknown_scheme};
use super::objects::{Object, failed};
use super::runtime;
use crate::Url;
use crate::url::Scheme;

/// Bytes of a part; smaller objects are written by one request.
const PART: usize = 8 << 20;

/// An object that is being written.
pub(crate) struct RemoteWriter {
    upload: BufWriter,
    is_finished: bool,
}

impl RemoteWriter {
    pub(crate) fn create(url: &Url) -> Result<Self> {
        match url.scheme() {
            Scheme::Bucket | Scheme::Memory => {}
            Scheme::Unknown => return Err(unknown_scheme()),
            Scheme::Http => {
                let message = "files cannot be written over HTTP";
                let hint = "write to a path, or to a bucket: s3://, gs:// or az://";
                return Err(Error::new(ErrorKind::Unsupported, message).with_hint(hint));
            }
        }
        let Object { store, path } = Object::new(url)?;
        let upload = BufWriter::with_capacity(Arc::clone(&store), path, PART);
        Ok(Self { upload, is_finished: false })
    }

    /// Puts the object in its place.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        self.is_finished = true;
        let upload = &mut self.upload;
        runtime::block_on(async { upload.shutdown().await.map_err(cannot_write) })
            .map_err(io::Error::other)
    }
}

impl Write for RemoteWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let upload = &mut self.upload;
        runtime::block_on(async { upload.write_all(bytes).await.map_err(cannot_write) })
            .map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // what is written is seen at the end only
    }
}

impl Drop for RemoteWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // Parts that are left behind cost money; that they stay is no reason to fail.
            let upload = &mut self.upload;
            let _ = runtime::block_on(async { upload.abort().await.map_err(failed) });
        }
    }
}

#[cold]
fn cannot_write(error: io::Error) -> Error {
    match error.downcast::<object_store::Error>() {
        Ok(theirs) => failed(theirs),
        Err(error) => Error::new(ErrorKind::Io, reason(&error)),
    }
}
