//! The cases of yaml-test-suite, each a folder.

use std::path::{Path, PathBuf};

pub(crate) struct Case {
    folder: PathBuf,
    name: String,
}

/// Every case below `folder`; some of the suite's folders hold several in numbered ones.
pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Case>) {
    for entry in std::fs::read_dir(folder).expect("the suite is readable") {
        let folder = entry.expect("the suite is readable").path();
        let name = folder.strip_prefix(root).expect("below it").display().to_string();
        if folder.join("in.yaml").exists() {
            found.push(Case { folder, name });
        } else if folder.is_dir() && name != "tags" && name != "name" {
            collect(root, &folder, found);
        }
    }
}

impl Case {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn must_fail(&self) -> bool {
        self.folder.join("error").exists()
    }

    pub(crate) fn read(&self, file: &str) -> std::io::Result<String> {
        std::fs::read_to_string(self.folder.join(file))
    }
}
