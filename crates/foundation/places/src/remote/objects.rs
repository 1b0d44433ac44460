//! Objects in buckets: S3, Google's and Microsoft's storage, and this process's own memory.

use std::sync::{Arc, OnceLock};

use cannery_core::{Error, ErrorKind, Result};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt as _};

use super::answer::{FIRST, FoundPart, changed, reason, use_ring, wrong_length};
use crate::Url;
use crate::url::Scheme;

/// An object of a bucket.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) path: Path,
}

impl Object {
    /// The object of an address; the environment says who asks.
    pub(super) fn new(url: &Url) -> Result<Self> {
        let parsed = reqwest::Url::parse(url.as_str()).map_err(|error| {
            let message = format!("expected an address, found one that is damaged: {error}");
            Error::new(ErrorKind::Value, message)
        })?;
        if url.scheme() == Scheme::Memory {
            static MEMORY: OnceLock<Arc<InMemory>> = OnceLock::new();
            // Without a bucket, the host is the first part of the path.
            let path = format!("{}{}", parsed.host_str().unwrap_or_default(), parsed.path());
            let path = Path::parse(path.trim_matches('/')).map_err(|error| failed(error.into()))?;
            return Ok(Self { store: Arc::clone(MEMORY.get_or_init(Arc::default)) as _, path });
        }
        use_ring();
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.to_str()?.to_ascii_lowercase();
            let is_theirs = ["aws_", "google_", "azure_"].iter().any(|one| name.starts_with(one));
            is_theirs.then(|| Some((name, value.to_str()?.to_owned())))?
        });
        let (store, path) = object_store::parse_url_opts(&parsed, variables).map_err(failed)?;
        Ok(Self { store: store.into(), path })
    }

    /// The first bytes.
    pub(super) async fn first(&self) -> Result<FoundPart> {
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(0..FIRST)));
        let found = match self.store.get_opts(&self.path, options).await {
            Ok(found) => found,
            Err(error @ object_store::Error::NotFound { .. }) => return Err(failed(error)),
            // No part of an empty object can be asked for.
            Err(error) => match self.store.head(&self.path).await {
                Ok(meta) if meta.size == 0 => {
                    return Ok(FoundPart { bytes: Vec::new(), len: 0, etag: meta.e_tag });
                }
                _ => return Err(failed(error)),
            },
        };
        let (len, etag) = (found.meta.size, found.meta.e_tag.clone());
        Ok(FoundPart { bytes: bytes(found, len.min(FIRST)).await?, len, etag })
    }

    /// The bytes from `start` to `end`.
    pub(super) async fn fetch(&self, start: u64, end: u64, etag: Option<&str>) -> Result<Vec<u8>> {
        let range = GetRange::Bounded(start..end);
        let options = GetOptions::new().with_range(Some(range)).with_if_match(etag);
        let found = self.store.get_opts(&self.path, options).await.map_err(failed)?;
        bytes(found, end - start).await
    }
}

async fn bytes(found: GetResult, expected: u64) -> Result<Vec<u8>> {
    let bytes = Vec::from(found.bytes().await.map_err(failed)?);
    if bytes.len() as u64 == expected {
        Ok(bytes)
    } else {
        Err(wrong_length(expected, bytes.len()))
    }
}

#[cold]
pub(super) fn failed(error: object_store::Error) -> Error {
    use object_store::Error as Theirs;
    let kind = match &error {
        Theirs::NotFound { .. } => ErrorKind::NotFound,
        Theirs::PermissionDenied { .. } | Theirs::Unauthenticated { .. } => ErrorKind::Permission,
        Theirs::Precondition { .. } | Theirs::NotModified { .. } => return changed(),
        Theirs::NotSupported { .. } | Theirs::NotImplemented { .. } => ErrorKind::Unsupported,
        _ => ErrorKind::Io,
    };
    let message = match kind {
        ErrorKind::NotFound => "there is no such object".to_owned(),
        _ => format!("the service gives no answer: {}", reason(&error)),
    };
    let error = Error::new(kind, message).with_source(error);
    match kind {
        ErrorKind::Permission | ErrorKind::Io => error.with_hint(
            "who asks is said by variables of the environment: AWS_ACCESS_KEY_ID and others",
        ),
        _ => error,
    }
}
