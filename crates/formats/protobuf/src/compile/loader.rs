//! Where the texts of files come from: include paths, texts at hand, and the bundled ones.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cannery_core::{Error, Result};

/// Finds files by the paths that imports name.
pub trait Loader {
    /// The text of a file; `None` if there is none of this path.
    fn load(&mut self, path: &str) -> Result<Option<Vec<u8>>>;
}

/// Texts at hand, then folders in order, then the well-known files that this crate brings along.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    folders: Vec<PathBuf>,
    texts: HashMap<String, Vec<u8>>,
}

impl Sources {
    /// Looks in these folders.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, texts: HashMap::new() }
    }

    /// Adds a file that is at hand.
    #[must_use]
    pub fn with_text(mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        self.texts.insert(path.into(), text.into());
        self
    }
}

impl Loader for Sources {
    fn load(&mut self, path: &str) -> Result<Option<Vec<u8>>> {
        if let Some(text) = self.texts.get(path) {
            return Ok(Some(text.clone()));
        }
        if is_plain(path) {
            for folder in &self.folders {
                if let Some(text) = read(&folder.join(path))? {
                    return Ok(Some(text));
                }
            }
        }
        Ok(bundled(path).map(|text| text.as_bytes().to_vec()))
    }
}

/// Whether a path stays inside the folder that it is looked for in.
fn is_plain(path: &str) -> bool {
    let parts = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    parts && !path.contains('\\')
}

/// Bytes of a schema, at most: an import of a stranger may lead to anything.
const LONGEST: u64 = 64 << 20;

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let named = |error: Error| error.in_file(path.display().to_string());
    let metadata = match std::fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        found => found,
    };
    let cannot_read = |error| named(Error::io(error, format!("cannot read `{}`", path.display())));
    let metadata = metadata.map_err(cannot_read)?;
    // A pipe would be waited for, and a device may have no end.
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(named(Error::new(cannery_core::ErrorKind::Io, "expected a regular file")));
    }
    if metadata.len() > LONGEST && metadata.is_file() {
        let message = format!("a schema of {} bytes is too long", metadata.len());
        return Err(named(Error::new(cannery_core::ErrorKind::Limit, message)));
    }
    std::fs::read(path).map(Some).map_err(cannot_read)
}

macro_rules! bundled {
    ($($name:literal)*) => {
        /// The text of a file that every protobuf brings along.
        pub(crate) fn bundled(path: &str) -> Option<&'static str> {
            Some(match path {
                $(concat!("google/protobuf/", $name, ".proto") => {
                    include_str!(concat!("../bundled/", $name, ".proto"))
                })*
                _ => return None,
            })
        }
    };
}

bundled! {
    "any" "api" "cpp_features" "descriptor" "duration" "empty" "field_mask" "go_features"
    "java_features" "source_context" "struct" "timestamp" "type" "wrappers"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_lead_to_files_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.proto"), "message A {}").unwrap();
        let long = std::fs::File::create(folder.path().join("long.proto")).unwrap();
        long.set_len(LONGEST + 1).unwrap();
        let mut sources = Sources::new(vec![folder.path().to_owned()]);
        assert_eq!(sources.load("a.proto").unwrap().as_deref(), Some(&b"message A {}"[..]));
        assert_eq!(sources.load("b.proto").unwrap(), None);
        assert_eq!(sources.load("a.proto/b.proto").unwrap(), None);
        assert_eq!(sources.load("../a.proto").unwrap(), None);
        assert!(sources.load("long.proto").unwrap_err().message().contains("too long"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.proto")).unwrap();
            let error = sources.load("zero.proto").unwrap_err();
            assert!(error.message().contains("regular file"));
        }
    }
}
