//! Where the texts of files come from: include paths, texts at hand, and the bundled ones.

use std::collections::HashMap;
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

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => {
            let doing = format!("cannot read `{}`", path.display());
            Err(Error::io(error, doing).in_file(path.display().to_string()))
        }
    }
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
