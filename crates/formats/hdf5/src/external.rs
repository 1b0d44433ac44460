//! Other files: which of them a file may lead to, and the raw files that hold data.

use std::path::{Path, PathBuf};

use cannery_core::{Error, ErrorKind, Result};
use cannery_places::{ByteSource as _, FileSource};

use crate::bytes::{UNDEFINED, malformed, unsupported};
use crate::core::FileCore;
use crate::source;

/// Which other files a file may lead to: by external links, virtual datasets and raw files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExternalPolicy {
    /// None: what leads to another file is refused, with the reason.
    #[default]
    Refuse,
    /// Regular files that resolve to places beneath the folder of the file that was opened.
    SameFolder,
    /// All regular files.
    Any,
}

/// The policy, and the folder that it speaks of.
#[derive(Clone, Debug, Default)]
pub(crate) struct External {
    policy: ExternalPolicy,
    folder: Option<PathBuf>,
}

impl External {
    pub(crate) fn new(policy: ExternalPolicy, path: Option<&Path>) -> Self {
        let folder = path.and_then(Path::parent).map(Path::to_path_buf);
        Self { policy, folder }
    }

    /// Finds a file by the name that another file gives it: what it is, and where.
    pub(crate) fn find(&self, name: &[u8], beside: Option<&Path>) -> Result<PathBuf> {
        let shown = name.escape_ascii();
        if self.policy == ExternalPolicy::Refuse {
            let message = format!("the external file `{shown}` is not opened");
            let hint = "allow files of the same folder with `external=\"same-folder\"`, or all with `external=\"any\"`";
            return Err(Error::new(ErrorKind::Permission, message).with_hint(hint));
        }
        let name = to_path(name)?;
        let beside = beside.and_then(Path::parent);
        let mut refused = None;
        for candidate in candidates(&name, beside) {
            // Resolves links: what is checked is what will be opened.
            let Ok(path) = candidate.canonicalize() else { continue };
            if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
                refused = Some("is not a regular file");
            } else if self.policy == ExternalPolicy::SameFolder && !self.holds(&path) {
                refused = Some("lies outside the folder of the file that was opened");
            } else {
                return Ok(path);
            }
        }
        match refused {
            Some(why) => {
                Err(Error::new(ErrorKind::Permission, format!("the external file `{shown}` {why}")))
            }
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("the external file `{shown}` is not there"),
            )),
        }
    }

    fn holds(&self, path: &Path) -> bool {
        self.folder.as_ref().is_some_and(|folder| path.starts_with(folder))
    }
}

/// Where a file may be: as libhdf5, beside the file that names it, and there by its last name.
fn candidates(name: &Path, beside: Option<&Path>) -> Vec<PathBuf> {
    let mut candidates =
        vec![beside.map_or_else(|| name.to_path_buf(), |folder| folder.join(name))];
    if name.is_absolute()
        && let (Some(folder), Some(last)) = (beside, name.file_name())
    {
        candidates.push(folder.join(last));
    }
    candidates
}

#[cfg(unix)]
fn to_path(name: &[u8]) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    if name.is_empty() || name.contains(&0) {
        return Err(malformed("the name of an external file is not possible"));
    }
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(name)))
}

#[cfg(not(unix))]
fn to_path(name: &[u8]) -> Result<PathBuf> {
    let text =
        std::str::from_utf8(name).ok().filter(|text| !text.is_empty() && !text.contains('\0'));
    Ok(PathBuf::from(
        text.ok_or_else(|| malformed("the name of an external file is not possible"))?,
    ))
}

/// A part of a raw file that holds data of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalSegment {
    /// The name of the file.
    pub name: Vec<u8>,
    /// Where the data begin in it.
    pub offset: u64,
    /// How many bytes they take; all ones for the rest of the dataset.
    pub len: u64,
}

/// The raw files of a dataset, opened.
pub(crate) struct RawFiles(Vec<RawPart>);

struct RawPart {
    file: FileSource,
    offset: u64,
    start: u64,
    len: u64,
}

impl RawFiles {
    pub(crate) fn open(core: &FileCore, segments: &[ExternalSegment]) -> Result<Self> {
        let (mut parts, mut start) = (Vec::new(), 0_u64);
        for segment in segments {
            let path = core.external.find(&segment.name, core.path.as_deref())?;
            let (file, offset, len) = (source::open(&path)?, segment.offset, segment.len);
            parts.push(RawPart { file, offset, start, len });
            if len == UNDEFINED {
                break;
            }
            start = start.saturating_add(len);
        }
        Ok(Self(parts))
    }

    /// Reads bytes of the dataset; what a file is too short for is zeros.
    pub(crate) fn read(&self, mut at: u64, mut out: &mut [u8]) -> Result<()> {
        while !out.is_empty() {
            let part =
                self.0.iter().rev().find(|part| part.start <= at && at - part.start < part.len);
            let part =
                part.ok_or_else(|| unsupported("the raw files are smaller than the dataset"))?;
            let inside = at - part.start;
            let len = (part.len - inside).min(out.len() as u64);
            let (now, later) = out.split_at_mut(crate::bytes::index(len));
            let from = part.offset.saturating_add(inside);
            let there = part.file.len().saturating_sub(from).min(len);
            let (stored, missing) = now.split_at_mut(crate::bytes::index(there));
            part.file.read_at(from, stored)?;
            missing.fill(0);
            out = later;
            at += len;
        }
        Ok(())
    }
}
