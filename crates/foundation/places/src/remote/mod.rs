//! Files that services keep: over HTTP, and as objects in buckets.
//!
//! One request finds out whether a file is there, how long it is and whether parts of it can be
//! asked for; it brings the first bytes, which are often all that is needed.

mod answer;
mod copy;
mod http;
mod objects;
mod reader;
mod runtime;
mod writer;

use std::io::Read;
use std::sync::Arc;

use cannery_core::Result;

pub use copy::LocalCopy;
pub(crate) use reader::RemoteReader;
pub use runtime::{Waiting, set_waiting};
pub(crate) use writer::RemoteWriter;

use answer::{FoundPart, unknown_scheme};

use crate::url::Scheme;
use crate::{ByteSource, Url, source};

/// What opening an address gave.
pub(crate) enum Opened {
    /// Any part of it can be read.
    File(RemoteFile),
    /// The service gives it from beginning to end only; its length, if it says so.
    Stream(Box<dyn Read + Send>, Option<u64>),
}

/// A file that a service keeps, any part of which can be read.
#[derive(Clone)]
pub struct RemoteFile {
    service: Arc<Service>,
    len: u64,
    /// What names this state of the file, so that parts of two states are never mixed.
    etag: Option<String>,
    first: Arc<[u8]>,
}

enum Service {
    Http(http::HttpFile),
    Object(objects::Object),
}

/// Opens an address for reading.
pub(crate) fn open(url: &Url) -> Result<Opened> {
    let (service, found) = match url.scheme() {
        Scheme::Http => match http::HttpFile::open(url)? {
            http::Answer::Part(file, found) => (Service::Http(file), found),
            http::Answer::Whole(stream, len) => return Ok(Opened::Stream(stream, len)),
        },
        Scheme::Bucket | Scheme::Memory => {
            let object = objects::Object::new(url)?;
            let found = runtime::block_on(object.first())?;
            (Service::Object(object), found)
        }
        Scheme::Unknown => return Err(unknown_scheme()),
    };
    let FoundPart { bytes, len, etag } = found;
    Ok(Opened::File(RemoteFile { service: Arc::new(service), len, etag, first: bytes.into() }))
}

impl RemoteFile {
    /// The first bytes, up to 64 KiB.
    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }

    /// The bytes from `start` to `end`, asked for over and over as long as that may help.
    async fn fetch(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        let etag = self.etag.as_deref();
        match &*self.service {
            Service::Http(file) => file.fetch(start, end, etag).await,
            Service::Object(object) => object.fetch(start, end, etag).await,
        }
    }
}

impl ByteSource for RemoteFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.len);
        let Some(end) = end else { return Err(source::ends_early(offset, out.len())) };
        let known = usize::try_from(offset).ok().and_then(|start| self.first.get(start..));
        if let Some(known) = known.and_then(|known| known.get(..out.len())) {
            out.copy_from_slice(known);
            return Ok(());
        }
        out.copy_from_slice(&runtime::block_on(self.fetch(offset, end))?);
        Ok(())
    }

    fn is_remote(&self) -> bool {
        true
    }
}
