//! Where bytes come from and go to: a path, `-` or an address, compressed or not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::url::Meant;
use crate::{Compression, Url};

/// A path, an address, or `-` for standard input and output.
///
/// What a user gives is [parsed](Location::parse). Texts that a file holds are made into places by
/// `from`, which knows no addresses: no file makes its reader ask a service for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Path(PathBuf),
    /// A file that a service keeps.
    Url(Url),
    /// Standard input where it is read, standard output where it is written.
    Standard,
}

impl Location {
    /// What a user gives: an address if it begins as one (`https://`), otherwise a path or `-`.
    #[must_use]
    pub fn parse<T: AsRef<OsStr> + ?Sized>(given: &T) -> Self {
        let given = given.as_ref();
        match given.to_str().and_then(Url::parse) {
            Some(Meant::Url(url)) => Self::Url(url),
            Some(Meant::Path(path)) => Self::Path(path),
            None => Self::from(given),
        }
    }

    /// What people call it in a message.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Location::Path(path) => path.display().to_string(),
            Location::Url(url) => url.to_string(),
            Location::Standard => "-".to_owned(),
        }
    }

    /// The compression that its name asks for.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        Compression::of_extension(&extension(self.path()?)?)
    }

    /// The extension that says what is inside the compression: `jsonl` of `rows.jsonl.gz`.
    #[must_use]
    pub fn extension(&self) -> Option<String> {
        let path = self.path()?;
        match self.compression() {
            Some(_) => extension(Path::new(path.file_stem()?)),
            None => extension(path),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Location::Path(path) => Some(path),
            Location::Url(url) => Some(Path::new(url.file_name())),
            Location::Standard => None,
        }
    }
}

impl<T: AsRef<OsStr> + ?Sized> From<&T> for Location {
    fn from(text: &T) -> Self {
        match text.as_ref() {
            text if text == "-" => Location::Standard,
            path => Location::Path(PathBuf::from(path)),
        }
    }
}

impl From<OsString> for Location {
    fn from(text: OsString) -> Self {
        Self::from(&text)
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_inside() {
        let cases = [
            ("rows.jsonl", None, Some("jsonl")),
            ("a/rows.JSONL.GZ", Some(Compression::Gzip), Some("jsonl")),
            ("x.json.zst", Some(Compression::Zstd), Some("json")),
            ("x.YAML.Bz2", Some(Compression::Bzip2), Some("yaml")),
            ("x.gz", Some(Compression::Gzip), None),
            ("json", None, None),
            (".json", None, None),
            ("-", None, None),
        ];
        let addresses = [
            ("https://x.org/a.jsonl.gz?n=b.npy", Some(Compression::Gzip), Some("jsonl")),
            ("s3://bucket.json", None, None),
            ("memory://a.json.xz", Some(Compression::Xz), Some("json")),
            ("file:///tmp/a%20b.JSON", None, Some("json")),
        ];
        for (name, compression, extension) in cases.into_iter().chain(addresses) {
            let location = Location::parse(name);
            assert_eq!(
                (location.compression(), location.extension().as_deref()),
                (compression, extension)
            );
        }
    }
    #[test]
    fn addresses_are_told_from_paths() {
        let is_address = |text: &str| matches!(Location::parse(text), Location::Url(_));
        assert!(["http://h/a", "S3://b/k", "gs://b/k", "ftp://h/a"].into_iter().all(is_address));
        let paths = ["a", "-", "http:/h/a", "./http://h/a", "c://a", "://", "a b://c", "http:"];
        assert!(!paths.into_iter().any(is_address));
        assert_eq!(Location::parse("file://localhost/a%2Fb%"), Location::Path("/a/b%".into()));
        // Whatever a file says, it is a path.
        assert_eq!(Location::from("http://h/a"), Location::Path("http://h/a".into()));
    }

    #[test]
    fn names_of_addresses_hold_no_secrets() {
        let shown = |text: &str| Location::parse(text).name();
        assert_eq!(shown("https://me:pass@h.org/a?token=1#x"), "https://h.org/a?…");
        assert_eq!(shown("https://h.org/a@b.json"), "https://h.org/a@b.json");
        assert_eq!(shown("https://me@h.org"), "https://h.org");
        assert_eq!(shown("abfs://container@account/a"), "abfs://container@account/a");
        assert_eq!(format!("{:?}", Location::parse("http://a:b@c/d")), "Url(Url(http://c/d))");
    }
}
