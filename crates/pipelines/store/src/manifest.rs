//! What an artifact consists of; the digest of its canonical text is the artifact's identity.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{Blob, Digest, Error, ErrorKind, Result};

/// What an artifact is: its type, how it is stored, and what its materializer says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The type's full name (`my_package.records.Page`).
    pub type_name: String,
    /// How the files are to be read (`page.txt/1`).
    pub format: String,
    /// What the materializer says about the value, as JSON; `{}` where it says nothing.
    pub metadata: String,
}

impl Description {
    /// A description without metadata.
    #[must_use]
    pub fn new(type_name: impl Into<String>, format: impl Into<String>) -> Self {
        Self { type_name: type_name.into(), format: format.into(), metadata: "{}".into() }
    }

    /// Adds metadata, as JSON. It takes part in the artifact's identity: leave times out of it.
    #[must_use]
    pub fn with_metadata(mut self, json: impl Into<String>) -> Self {
        self.metadata = json.into();
        self
    }
}

/// A file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileEntry {
    /// Its path below the artifact's folder, with `/` between the parts.
    pub path: String,
    /// The name of its bytes.
    pub digest: Digest,
    /// How many bytes they are.
    pub size: u64,
}

impl FileEntry {
    /// Its bytes.
    #[must_use]
    pub fn blob(&self) -> Blob {
        Blob { digest: self.digest, size: self.size }
    }
}

/// What an artifact consists of.
///
/// It is kept as a blob of its own, a text to be read by people and any language:
///
/// ```text
/// cannery artifact 1
/// type my_package.records.Page
/// format page.txt/1
/// metadata {"characters": 6}
/// file 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85 3 page.txt
/// folder attachments
/// ```
///
/// Files and empty folders are sorted, so equal artifacts have equal texts and one digest. In
/// fields, `\` and line ends are written `\\`, `\n` and `\r`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What it is.
    pub description: Description,
    /// Its files, sorted by path.
    pub files: Vec<FileEntry>,
    /// Folders in which there is nothing, sorted.
    pub empty_folders: Vec<String>,
}

impl Manifest {
    /// How its text begins.
    pub(crate) const FIRST_LINE: &str = "cannery artifact 1";

    /// Bytes of its text, at most: some 500,000 files.
    pub(crate) const MOST_BYTES: u64 = 64 << 20;

    /// A manifest in canonical order.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a path that leads out of the artifact's folder or comes twice.
    pub fn new(
        description: Description,
        mut files: Vec<FileEntry>,
        mut empty_folders: Vec<String>,
    ) -> Result<Self> {
        files.sort_unstable();
        empty_folders.sort_unstable();
        for path in files.iter().map(|file| &file.path).chain(&empty_folders) {
            check_path(path)?;
        }
        if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            let message = format!("artifact has two files named `{}`", pair[0].path);
            return Err(Error::new(ErrorKind::Value, message));
        }
        check_folders(&files, &empty_folders)?;
        Ok(Self { description, files, empty_folders })
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.iter().fold(0, |size, file| size.saturating_add(file.size))
    }

    /// The file at `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileEntry> {
        let index = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        Some(&self.files[index])
    }

    /// Its canonical text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Description { type_name, format, metadata } = &self.description;
        let mut text = format!("{}\n", Self::FIRST_LINE);
        for (label, field) in [("type", type_name), ("format", format), ("metadata", metadata)] {
            let _ = writeln!(text, "{label} {}", escape(field));
        }
        for file in &self.files {
            let _ = writeln!(text, "file {} {} {}", file.digest, file.size, escape(&file.path));
        }
        for folder in &self.empty_folders {
            let _ = writeln!(text, "folder {}", escape(folder));
        }
        text
    }

    /// Reads a manifest back.
    ///
    /// # Errors
    /// [`ErrorKind::Version`] for a later version, [`ErrorKind::Syntax`] for no manifest at all,
    /// [`ErrorKind::Value`] for paths as in [`new`](Self::new).
    pub fn from_text(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        check_first_line(lines.next().unwrap_or_default())?;
        let mut description = Description::default();
        let (mut files, mut empty_folders) = (Vec::new(), Vec::new());
        for line in lines {
            let (label, rest) = line.split_once(' ').ok_or_else(|| unexpected(line))?;
            match label {
                "type" => description.type_name = unescape(rest)?,
                "format" => description.format = unescape(rest)?,
                "metadata" => description.metadata = unescape(rest)?,
                "file" => files.push(file_entry(rest).ok_or_else(|| unexpected(line))??),
                "folder" => empty_folders.push(unescape(rest)?),
                _ => return Err(unexpected(line)),
            }
        }
        Self::new(description, files, empty_folders)
    }
}

fn check_first_line(line: &str) -> Result<()> {
    match line.strip_prefix("cannery artifact ") {
        Some("1") => Ok(()),
        Some(version) => {
            let message = format!("artifact manifest has version {version}, this release knows 1");
            Err(Error::new(ErrorKind::Version, message).with_hint("update cannery"))
        }
        None => Err(unexpected(line)),
    }
}

fn file_entry(rest: &str) -> Option<Result<FileEntry>> {
    let (digest, rest) = rest.split_once(' ')?;
    let (size, path) = rest.split_once(' ')?;
    let (digest, size) = (digest.parse().ok()?, size.parse().ok()?);
    Some(unescape(path).map(|path| FileEntry { path, digest, size }))
}

#[cold]
fn unexpected(line: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("expected an artifact manifest, found the line `{line}`"))
}

/// A manifest may come from anybody: its paths must stay inside the folder they are written to.
fn check_path(path: &str) -> Result<()> {
    let stays_inside = |part: &str| !matches!(part, "" | "." | "..");
    if path.split('/').all(stays_inside) && !path.contains('\0') && !leaves_on_windows(path) {
        return Ok(());
    }
    let message = format!("artifact has a file path that leaves its folder: `{path}`");
    Err(Error::new(ErrorKind::Value, message))
}

/// No path is that of a file and of a folder.
fn check_folders(files: &[FileEntry], empty_folders: &[String]) -> Result<()> {
    let names: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let all = files.iter().map(|file| &file.path).chain(empty_folders);
    let above = all.flat_map(|path| path.match_indices('/').map(|(end, _)| &path[..end]));
    match above.chain(empty_folders.iter().map(String::as_str)).find(|path| names.contains(path)) {
        None => Ok(()),
        Some(path) => {
            let message = format!("artifact has `{path}` both as a file and as a folder");
            Err(Error::new(ErrorKind::Value, message))
        }
    }
}

/// `\` and `:` are ordinary letters elsewhere, but lead anywhere on Windows.
fn leaves_on_windows(path: &str) -> bool {
    cfg!(windows) && path.contains(['\\', ':'])
}

fn escape(field: &str) -> String {
    field.replace('\\', r"\\").replace('\n', r"\n").replace('\r', r"\r")
}

fn unescape(field: &str) -> Result<String> {
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('r') => '\r',
                _ => return Err(unexpected(field)),
            },
            plain => plain,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(path: &str) -> FileEntry {
        FileEntry { path: path.into(), digest: Digest::of(path.as_bytes()), size: 3 }
    }

    #[test]
    fn the_text_is_canonical() {
        let description = Description::new("Page", "page.txt/1").with_metadata("{\"a\":\n1}");
        let one = Manifest::new(description.clone(), vec![file("b"), file("a/c")], vec![]).unwrap();
        let two = Manifest::new(description, vec![file("a/c"), file("b")], vec![]).unwrap();
        assert_eq!(one.to_text(), two.to_text());
        insta::assert_snapshot!(one.to_text(), @r#"
        cannery artifact 1
        type Page
        format page.txt/1
        metadata {"a":\n1}
        file 189720a490f9170d419af5d8dd197da2d6c659e9d3be2392905603ac4f467274 3 a/c
        file 10e5cf3d3c8a4f9f3468c8cc58eea84892a22fdadbc1acb22410190044c1d553 3 b
        "#);
    }

    #[test]
    fn bad_manifests_are_refused() {
        let cases = [
            ("", "expected an artifact manifest, found the line ``"),
            ("cannery artifact 9\n", "artifact manifest has version 9, this release knows 1"),
            (
                "cannery artifact 1\nfile x",
                "expected an artifact manifest, found the line `file x`",
            ),
            (
                "cannery artifact 1\nlink a",
                "expected an artifact manifest, found the line `link a`",
            ),
            (
                r"cannery artifact 1
type a\b",
                r"expected an artifact manifest, found the line `a\b`",
            ),
            (
                "cannery artifact 1\nfolder ../up",
                "artifact has a file path that leaves its folder: `../up`",
            ),
            (
                "cannery artifact 1\nfolder /etc",
                "artifact has a file path that leaves its folder: `/etc`",
            ),
            (
                "cannery artifact 1\nfolder a//b",
                "artifact has a file path that leaves its folder: `a//b`",
            ),
            (
                "cannery artifact 1\nfile 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85 3 a\nfolder a/b",
                "artifact has `a` both as a file and as a folder",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(Manifest::from_text(text).unwrap_err().message(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_comes_once() {
        let twice = Manifest::new(Description::default(), vec![file("a"), file("a")], vec![]);
        insta::assert_snapshot!(twice.unwrap_err(), @"artifact has two files named `a`");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            type_name in ".*", format in "(?s).*", metadata in "[a\\\\\n\r]*",
            paths in prop::collection::btree_set(r"([a-z\\\n\r ]{1,4}d/){0,2}[a-z.\r]{1,2}x", 0..5),
            folders in prop::collection::btree_set("[a-z ]{1,3}e", 0..3),
        ) {
            let description = Description::new(type_name, format).with_metadata(metadata);
            let files = paths.iter().map(|path| file(path)).collect();
            let manifest =
                Manifest::new(description, files, folders.into_iter().collect()).unwrap();
            prop_assert_eq!(Manifest::from_text(&manifest.to_text()).unwrap(), manifest);
        }
    }
}
