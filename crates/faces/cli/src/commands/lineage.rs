//! `cannery lineage`: what an artifact was made from, or what was made from it.

use std::collections::{HashMap, HashSet};

use cannery::{Value, printable, size_name};
use cannery_store::{ArtifactId, ArtifactRecord, Direction, Lineage, Store};

use super::artifacts::{artifact_value, path_version};
use super::{object, print_json, seconds, shown_type, stores};
use crate::args::LineageArgs;
use crate::console::Style;
use crate::failure::Failure;
use crate::tree::Tree;
use crate::{Console, ExitStatus};

pub(crate) fn lineage(
    args: &LineageArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let direction = if args.down { Direction::Down } else { Direction::Up };
    let root = store.find_artifact(&args.artifact)?.id;
    let lineage = store.lineage(root, direction)?;
    if args.store.json {
        print_json(&lineage_value(&lineage), console)?;
        return Ok(ExitStatus::Success);
    }
    let mut shown = Shown::new(&store, &lineage, direction);
    let tree = shown.tree(root, None, 0, console)?;
    tree.print(console)?;
    Ok(ExitStatus::Success)
}

struct Shown<'a> {
    store: &'a Store,
    artifacts: HashMap<ArtifactId, &'a ArtifactRecord>,
    /// The artifacts next to each in the direction that is followed, sources with the arguments by
    /// which they went in.
    next: HashMap<ArtifactId, Vec<(ArtifactId, Option<&'a str>)>>,
    seen: HashSet<ArtifactId>,
}

/// Levels of a tree that are shown: a line has no room for more, and a stack has an end.
const MAX_LEVELS: usize = 100;

impl<'a> Shown<'a> {
    fn new(store: &'a Store, lineage: &'a Lineage, direction: Direction) -> Self {
        let artifacts = lineage.artifacts.iter().map(|artifact| (artifact.id, artifact)).collect();
        let mut next: HashMap<_, Vec<_>> = HashMap::new();
        for edge in &lineage.edges {
            let (from, to) = match direction {
                Direction::Up => (edge.result, (edge.source, Some(edge.argument.as_str()))),
                Direction::Down => (edge.source, (edge.result, None)),
            };
            next.entry(from).or_default().push(to);
        }
        Self { store, artifacts, next, seen: HashSet::new() }
    }

    /// An artifact and what hangs on it; what was shown before is not opened up again.
    fn tree(
        &mut self,
        id: ArtifactId,
        argument: Option<&str>,
        level: usize,
        console: &Console<'_>,
    ) -> Result<Tree, Failure> {
        let Some(artifact) = self.artifacts.get(&id) else { return Ok(Tree::default()) };
        let mut line = self.line(artifact, argument, console)?;
        let neighbours = self.next.get(&id).cloned().unwrap_or_default();
        if level == MAX_LEVELS && !neighbours.is_empty() {
            line.push_str("  (and more)");
            return Ok(Tree { line, children: Vec::new() });
        }
        if !self.seen.insert(id) {
            if !neighbours.is_empty() {
                line.push_str("  (as above)");
            }
            return Ok(Tree { line, children: Vec::new() });
        }
        let children = neighbours.into_iter();
        let children =
            children.map(|(other, argument)| self.tree(other, argument, level + 1, console));
        Ok(Tree { line, children: children.collect::<Result<_, _>>()? })
    }

    fn line(
        &self,
        artifact: &ArtifactRecord,
        argument: Option<&str>,
        console: &Console<'_>,
    ) -> Result<String, Failure> {
        let name = console.styled(Style::Strong, path_version(artifact));
        let name =
            argument.map_or(name.clone(), |argument| format!("{}: {name}", printable(argument)));
        let size = size_name(artifact.size);
        let type_name = shown_type(&artifact.type_name);
        let (type_name, format) = (printable(&type_name), printable(&artifact.format));
        let mut line = format!("{name}  {type_name}  {size}  {format}");
        if let Some(producer) = &artifact.producer {
            let duration = self.store.step(producer.step)?.duration().map(seconds);
            let duration = duration.map(|d| format!(", {d}")).unwrap_or_default();
            let made = format!("by {} in run {}{duration}", producer.name, producer.run);
            line = format!("{line}  {}", console.styled(Style::Faint, made));
        }
        Ok(line)
    }
}

fn lineage_value(lineage: &Lineage) -> Value {
    let artifacts: HashMap<_, _> =
        lineage.artifacts.iter().map(|artifact| (artifact.id, artifact)).collect();
    let name = |id: ArtifactId| -> Value {
        artifacts.get(&id).map(|artifact| path_version(artifact)).into()
    };
    let edges = lineage.edges.iter().map(|edge| {
        object([
            ("source", name(edge.source)),
            ("result", name(edge.result)),
            ("argument", edge.argument.as_str().into()),
        ])
    });
    object([
        ("artifacts", lineage.artifacts.iter().map(artifact_value).collect()),
        ("edges", edges.collect()),
    ])
}
