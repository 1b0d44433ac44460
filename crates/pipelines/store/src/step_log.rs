//! The log of a step: a file in its process's folder of `tmp/` while it runs, then a blob.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::PathBuf;

use crate::{Result, StepId, StepRecord, StepStatus, Store, failure, plain};

impl Store {
    /// Where a step that runs in this process, or for it, writes what it prints.
    pub fn live_log(&self, step: StepId) -> Result<PathBuf> {
        Ok(self.session()?.path().join(file_name(step)))
    }

    /// What a step has printed, from byte `from` on: all of it, or, while it runs, what there is
    /// by now. Nothing when it has printed nothing, or its process is gone and took it along.
    pub fn step_log(&self, step: &StepRecord, from: u64) -> Result<Option<File>> {
        let mut file = if let Some(digest) = step.log {
            self.blobs().open(digest)?
        } else if step.status == StepStatus::Running {
            let Some(folder) = self.session_folder_of(step.run)? else { return Ok(None) };
            let Ok(file) = plain::open(&folder.join(file_name(step.id))) else { return Ok(None) };
            file
        } else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(from))
            .map_err(|error| failure::io(error, "read", self.root()))?;
        Ok(Some(file))
    }
}

fn file_name(step: StepId) -> String {
    format!("log-{step}")
}
