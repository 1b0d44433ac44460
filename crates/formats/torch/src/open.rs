//! Files of every layout: which it is, and the checkpoint in it.

use cannery_archive::{Archive, Rules};
use cannery_core::{Error, ErrorKind, Limits, Result};

use crate::checkpoint::{Checkpoint, FileLayout};
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::{exported, legacy, old_script, script, tape, zip};

impl Checkpoint {
    /// The checkpoint in these bytes.
    ///
    /// ```
    /// let error = cannery_torch::Checkpoint::read(b"no checkpoint", &Default::default());
    /// assert!(error.unwrap_err().to_string().contains("no checkpoint"));
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Untrusted`] if it names what does harm; [`ErrorKind::Corrupt`],
    /// [`ErrorKind::Syntax`] and [`ErrorKind::Truncated`] if it is damaged;
    /// [`ErrorKind::Limit`] for bombs.
    pub fn read(data: &[u8], limits: &Limits) -> Result<Self> {
        let reader = Reader::new(data, limits);
        if data.starts_with(b"PK\x03\x04") {
            read_archive(reader, limits)
        } else if data.starts_with(b"\x80") || legacy::is_stream(data) {
            legacy::read(reader)
        } else if tape::is_tape(data) {
            tape::read(reader)
        } else if memchr::memmem::rfind(data, b"PK\x05\x06").is_some() {
            read_archive(reader, limits)
        } else {
            Err(no_checkpoint(data))
        }
    }

    /// The tensors of a program's modules by their names: those that `state_dict` would list.
    #[must_use]
    pub fn script_state(&self, data: &[u8]) -> Vec<(String, NodeId)> {
        script::state(self, data)
    }
}

/// Whether these bytes are a checkpoint, by what is in them; nothing of it is read.
#[must_use]
pub fn looks_like(data: &[u8]) -> bool {
    if data.starts_with(b"PK\x03\x04") {
        zip::is_checkpoint(data)
    } else {
        legacy::is_stream(data) || tape::is_checkpoint(data)
    }
}

fn read_archive(mut reader: Reader<'_>, limits: &Limits) -> Result<Checkpoint> {
    let archive = Archive::read(reader.data, Rules::TORCH, limits)?;
    let folder = zip::folder(&archive)?;
    let layout = zip::layout(&archive, &folder);
    match layout {
        FileLayout::Exported => exported::read(&mut reader, &archive, &folder, limits)?,
        FileLayout::Package => zip::read_package(&mut reader, &archive, &folder)?,
        FileLayout::OldScript => old_script::read(&mut reader, &archive, &folder)?,
        _ => zip::read(&mut reader, &archive, &folder, layout)?,
    }
    reader.finish(layout, archive, folder)
}

#[cold]
fn no_checkpoint(data: &[u8]) -> Error {
    let message =
        if data.is_empty() { "the file is empty" } else { "this is no checkpoint of PyTorch's" };
    Error::new(ErrorKind::Corrupt, message)
        .with_hint("`cannery inspect` and `cannery scan` say what the file is")
}
