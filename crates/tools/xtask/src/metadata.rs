//! The part of `cargo metadata` that the house is proved from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
    pub(crate) workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    id: String,
    manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Dependency {
    /// Dev-dependencies may point up: a crate's tests are not part of it.
    fn ships(&self) -> bool {
        self.dep_kinds.iter().any(|dependency| dependency.kind.as_deref() != Some("dev"))
    }
}

/// Asks cargo, with every feature on: an arrow that a feature draws is an arrow.
pub(crate) fn read() -> Result<Metadata> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
        .output()
        .context("cannot start cargo")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata failed: {complaint}");
    serde_json::from_slice(&output.stdout).context("cargo metadata is not as expected")
}

impl Metadata {
    /// The names of the workspace's own crates.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.workspace_members.iter().map(|id| self.name(id))
    }

    /// Where `member` lies, from the root of the workspace.
    pub(crate) fn folder(&self, member: &str) -> Option<&Path> {
        let package = self.packages.iter().find(|package| package.name == member)?;
        package.manifest_path.parent()?.strip_prefix(&self.workspace_root).ok()
    }

    /// The workspace crates that `member` itself depends on.
    pub(crate) fn arrows(&self, member: &str) -> BTreeSet<&str> {
        let members: BTreeSet<&str> = self.members().collect();
        let direct = self.graph().remove(member).unwrap_or_default();
        direct.into_iter().filter(|name| members.contains(name)).collect()
    }

    /// A chain of dependencies from one package to another, both named, when there is one.
    pub(crate) fn chain<'a>(&'a self, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
        let graph = self.graph();
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![vec![from]];
        while let Some(chain) = open.pop() {
            let last = *chain.last()?;
            if last == to {
                return Some(chain);
            }
            for next in graph.get(last).into_iter().flatten().filter(|next| seen.insert(next)) {
                open.push([chain.as_slice(), &[*next]].concat());
            }
        }
        None
    }

    fn graph(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut graph = BTreeMap::<_, BTreeSet<_>>::new();
        for node in &self.resolve.nodes {
            let shipped = node.deps.iter().filter(|dependency| dependency.ships());
            let names = shipped.map(|dependency| self.name(&dependency.pkg));
            graph.entry(self.name(&node.id)).or_default().extend(names);
        }
        graph
    }

    fn name(&self, id: &str) -> &str {
        let package = self.packages.iter().find(|package| package.id == id);
        package.map_or("an unknown package", |package| &package.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Metadata of a workspace in which every crate is a member but those named `outside`.
    pub(crate) fn workspace(edges: &[(&str, &[&str])], outside: &[&str]) -> Metadata {
        let names: BTreeSet<&str> =
            edges.iter().flat_map(|(from, to)| to.iter().chain([from])).copied().collect();
        let node = |(from, to): &(&str, &[&str])| Node {
            id: (*from).into(),
            deps: to.iter().map(|to| dependency(to, None)).collect(),
        };
        Metadata {
            packages: names.iter().map(|name| package(name)).collect(),
            workspace_members: names
                .iter()
                .filter(|name| !outside.contains(name))
                .map(|name| (*name).into())
                .collect(),
            resolve: Resolve { nodes: edges.iter().map(node).collect() },
            workspace_root: PathBuf::new(),
        }
    }

    /// Metadata of a workspace of one crate, in another folder than its own.
    pub(crate) fn moved(name: &str, folder: &str) -> Metadata {
        let mut metadata = workspace(&[(name, &[])], &[]);
        metadata.packages[0].manifest_path = Path::new(folder).join("Cargo.toml");
        metadata
    }

    fn package(name: &str) -> Package {
        let manifest_path = Path::new(crate::arrows::folder_of(name)).join("Cargo.toml");
        Package { name: name.into(), id: name.into(), manifest_path }
    }

    fn dependency(name: &str, kind: Option<&str>) -> Dependency {
        let kind = kind.map(Into::into);
        Dependency { pkg: name.into(), dep_kinds: vec![DependencyKind { kind }] }
    }

    #[test]
    fn a_dev_dependency_is_no_arrow() {
        let mut metadata = workspace(&[("a", &["b"]), ("b", &[])], &[]);
        assert_eq!(metadata.arrows("a"), BTreeSet::from(["b"]));
        metadata.resolve.nodes[0].deps = vec![dependency("b", Some("dev"))];
        assert_eq!(metadata.arrows("a"), BTreeSet::new());
    }

    #[test]
    fn a_chain_goes_through_packages_outside_the_workspace() {
        let metadata = workspace(&[("a", &["b"]), ("b", &["c", "d"]), ("d", &["a"])], &["b"]);
        assert_eq!(metadata.chain("a", "c"), Some(vec!["a", "b", "c"]));
        assert_eq!(metadata.chain("c", "a"), None);
    }

    #[test]
    fn what_cargo_prints_is_understood() {
        let metadata: Metadata = serde_json::from_str(
            r#"{"packages": [{"name": "a", "id": "path+file:///a#0.1.0", "license": "MIT",
                    "manifest_path": "/a/crates/a/Cargo.toml"}],
                "workspace_members": ["path+file:///a#0.1.0"],
                "resolve": {"nodes": [{"id": "path+file:///a#0.1.0", "deps": [
                    {"name": "a", "pkg": "path+file:///a#0.1.0", "dep_kinds": [{"kind": null}]}]}]},
                "workspace_root": "/a"}"#,
        )
        .unwrap();
        assert_eq!(metadata.arrows("a"), BTreeSet::from(["a"]));
        assert_eq!(metadata.folder("a"), Some(Path::new("crates/a")));
    }
}
