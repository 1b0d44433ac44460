//! Where bytes come from and go to: a path or `-`, compressed or not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A path, or `-` for standard input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Path(PathBuf),
    /// Standard input where it is read, standard output where it is written.
    Standard,
}

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl Compression {
    /// The packing that the first bytes of a file give away.
    #[must_use]
    pub fn of_start(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// The packing that an extension stands for.
    fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "gz" => Some(Compression::Gzip),
            "zst" | "zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

impl Location {
    /// What people call it in a message.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Location::Path(path) => path.display().to_string(),
            Location::Standard => "-".to_owned(),
        }
    }

    /// The packing that its name asks for.
    #[must_use]
    pub fn packing(&self) -> Option<Compression> {
        Compression::of_extension(&extension(self.path()?)?)
    }

    /// The extension that says what is inside the packing: `jsonl` of `rows.jsonl.gz`.
    #[must_use]
    pub fn extension(&self) -> Option<String> {
        let path = self.path()?;
        match self.packing() {
            Some(_) => extension(Path::new(path.file_stem()?)),
            None => extension(path),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Location::Path(path) => Some(path),
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

/// The error of a build that cannot read and write packed files.
#[cfg(not(feature = "compression"))]
#[cold]
pub(crate) fn without_compression(packing: Compression) -> cannery_core::Error {
    let message = format!("this build of cannery does not read and write {}", packing.name());
    cannery_core::Error::new(cannery_core::ErrorKind::Unsupported, message)
        .with_hint("build it with the feature `compression`")
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
            ("x.gz", Some(Compression::Gzip), None),
            ("json", None, None),
            (".json", None, None),
            ("-", None, None),
        ];
        for (name, packing, extension) in cases {
            let location = Location::from(name);
            assert_eq!((location.packing(), location.extension().as_deref()), (packing, extension));
        }
    }
}
