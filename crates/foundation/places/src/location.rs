//! Where bytes come from and go to: a path or `-`, compressed or not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::Compression;

/// A path, or `-` for standard input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Path(PathBuf),
    /// Standard input where it is read, standard output where it is written.
    Standard,
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
        for (name, compression, extension) in cases {
            let location = Location::from(name);
            assert_eq!(
                (location.compression(), location.extension().as_deref()),
                (compression, extension)
            );
        }
    }
}
