//! What the modules of a package take from each other, read from their import statements.
//!
//! Imports inside functions and under `TYPE_CHECKING` count: a name that is needed late is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::graph::Graph;

/// The compiled part of the package.
const EXTENSION: &str = "_native";

/// Modules by dotted name, each with its file and what it imports: module and name.
#[derive(Debug, Default)]
struct Package {
    modules: BTreeMap<String, (String, Vec<(String, String)>)>,
}

/// Reads the package in `folder`, below `root`.
pub(crate) fn imports(root: &Path, folder: &Path) -> Result<Graph> {
    let mut package = Package::default();
    let base = folder.parent().unwrap_or(Path::new(""));
    for file in python_files(&root.join(folder))? {
        let path = file.strip_prefix(root)?.to_owned();
        let name = dotted(path.strip_prefix(base)?);
        let text = std::fs::read_to_string(&file)?;
        let found = statements(&text, &name, path.ends_with("__init__.py"));
        package.modules.insert(name, (path.display().to_string(), found));
    }
    Ok(package.arrows())
}

fn python_files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(python_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.insert(path);
        }
    }
    Ok(files)
}

fn dotted(path: &Path) -> String {
    let parts: Vec<_> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join(".").trim_end_matches(".__init__").to_owned()
}

/// Every `import a.b` and `from a.b import c` as a module and a name; the name is empty for `import`.
fn statements(text: &str, module: &str, is_package: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(names) = line.strip_prefix("import ") {
            let modules = names.split(',').map(|name| name.split(" as ").next().unwrap_or(name));
            found.extend(modules.map(|name| (name.trim().to_owned(), String::new())));
        } else if let Some((from, first)) =
            line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
        {
            let mut names = first.to_owned();
            while names.contains('(') && !names.contains(')') {
                let Some(next) = lines.next() else { break };
                names.push_str(next.split('#').next().unwrap_or_default());
            }
            let from = absolute(from.trim(), module, is_package);
            let names = names.replace(['(', ')'], "");
            let names =
                names.split(',').map(|name| name.split(" as ").next().unwrap_or(name).trim());
            found.extend(
                names.filter(|name| !name.is_empty()).map(|name| (from.clone(), name.to_owned())),
            );
        }
    }
    found
}

/// A module's name without the dots that count from the module that names it.
fn absolute(from: &str, module: &str, is_package: bool) -> String {
    let name = from.trim_start_matches('.');
    let dots = from.len() - name.len();
    if dots == 0 {
        return name.to_owned();
    }
    let parts: Vec<&str> = module.split('.').collect();
    let kept = parts.len().saturating_sub(dots - usize::from(is_package));
    let mut parts = parts[..kept].to_vec();
    parts.extend((!name.is_empty()).then_some(name));
    parts.join(".")
}

impl Package {
    fn arrows(&self) -> Graph {
        let mut graph = Graph::default();
        for (path, found) in self.modules.values() {
            for (module, name) in found {
                if let Some(target) = self.file_of(module, name, 0) {
                    graph.draw(path, target, name);
                }
            }
        }
        graph
    }

    /// The file that defines `name` of `module`: what a package's `__init__` hands on is another's.
    fn file_of(&self, module: &str, name: &str, depth: usize) -> Option<&str> {
        if let Some((path, _)) = self.modules.get(&format!("{module}.{name}")) {
            return Some(path);
        }
        let (path, found) = self.modules.get(module)?;
        let handed_on = found.iter().find(|(_, other)| other == name && !name.is_empty());
        match handed_on {
            Some((from, name)) if depth < 8 && path.ends_with("__init__.py") => {
                self.file_of(from, name, depth + 1).or(Some(path))
            }
            // The extension module lies beside the files, and stands on none of them.
            None if name == EXTENSION => None,
            _ => Some(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_import_is_read() {
        let text = "import a, b.c as d\nfrom . import x\nfrom ..y import (  # why\n    p,\n    q as r,\n)\n\
                    def f():\n    from a.b import c\n";
        let found: Vec<String> = statements(text, "m.n.o", false)
            .iter()
            .map(|(from, name)| format!("{from}:{name}"))
            .collect();
        assert_eq!(found.join(" "), "a: b.c: m.n:x m.y:p m.y:q a.b:c");
    }

    #[test]
    fn a_name_counts_for_the_module_that_defines_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("__init__.py", "from p.a import A\nfrom p.b import B\n"),
            ("a.py", "from p import B\n"),
            ("b.py", "def f():\n    from p import a\n"),
            ("c.py", "from p import A\n"),
        ] {
            std::fs::create_dir_all(folder.path().join("p")).expect("a folder");
            std::fs::write(folder.path().join("p").join(name), text).expect("a file");
        }
        let graph = imports(folder.path(), Path::new("p")).expect("a package");
        assert_eq!(graph.circles(), [vec!["p/a.py", "p/b.py"]]);
    }
}
