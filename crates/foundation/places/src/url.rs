//! Addresses of services that keep files: `https://…`, `s3://…`.

use std::fmt;
use std::path::PathBuf;

/// Which kind of service keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `http://` and `https://`.
    Http,
    /// `s3://`, `gs://`, `az://` and their other names: buckets of objects.
    Bucket,
    /// `memory://`: objects of this process, for tests.
    Memory,
    /// None that is known.
    Unknown,
}

/// What an address is of.
pub(crate) enum Meant {
    /// A file of a service.
    Url(Url),
    /// A file of this machine.
    Path(PathBuf),
}

/// The address of a file that a service keeps, such as `s3://bucket/rows.jsonl.gz`.
///
/// ```
/// use cannery_places::Location;
///
/// let Location::Url(url) = Location::parse("https://me:secret@example.org/a.json?key=1") else {
///     unreachable!()
/// };
/// assert_eq!(url.to_string(), "https://example.org/a.json?…"); // nothing secret
/// assert_eq!(url.file_name(), "a.json");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    scheme: Scheme,
}

impl Url {
    /// What a text with `://` behind a scheme stands for.
    pub(crate) fn parse(text: &str) -> Option<Meant> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
        // One letter is a drive of Windows.
        if scheme.len() < 2 || !scheme.bytes().all(is_scheme) {
            return None;
        }
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "file" => return Some(Meant::Path(local_path(rest))),
            "http" | "https" => Scheme::Http,
            "s3" | "s3a" | "gs" | "az" | "adl" | "azure" | "abfs" | "abfss" => Scheme::Bucket,
            "memory" => Scheme::Memory,
            _ => Scheme::Unknown,
        };
        Some(Meant::Url(Self { text: text.to_owned(), scheme }))
    }

    /// The whole address, with what may be secret in it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[cfg(feature = "remote")]
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The last part of its path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let rest = self.before_query().split_once("://").map_or("", |(_, rest)| rest);
        let path = match self.scheme {
            Scheme::Memory => rest, // there are no hosts
            _ => rest.split_once('/').map_or("", |(_, path)| path),
        };
        path.rsplit('/').next().unwrap_or_default()
    }

    fn before_query(&self) -> &str {
        self.text.split(['?', '#']).next().unwrap_or_default()
    }
}

impl fmt::Display for Url {
    /// The address without a user's name and password and without its query: it is shown in
    /// messages, and may be kept in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.before_query();
        let (scheme, rest) = shown.split_once("://").unwrap_or_default();
        let host_end = rest.find('/').unwrap_or(rest.len());
        // `abfs://container@account` names no user.
        let user_end = match self.scheme {
            Scheme::Http => rest[..host_end].rfind('@').map_or(0, |at| at + 1),
            _ => 0,
        };
        let query = if self.text.len() > shown.len() { "?…" } else { "" };
        write!(f, "{scheme}://{}{query}", &rest[user_end..])
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// The path of `file://`, behind the host, which is this one.
fn local_path(rest: &str) -> PathBuf {
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    let mut bytes = Vec::with_capacity(path.len());
    let mut left = path.as_bytes();
    while let [first, after @ ..] = left {
        let escaped = if *first == b'%' { after.get(..2).and_then(hex_byte) } else { None };
        bytes.push(escaped.unwrap_or(*first));
        left = if escaped.is_some() { &after[2..] } else { after };
    }
    #[cfg(unix)]
    return PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes));
    #[cfg(not(unix))]
    return PathBuf::from(String::from_utf8_lossy(&bytes).trim_start_matches('/'));
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}
