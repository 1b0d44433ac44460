//! `cannery lineage`: what an artifact was made from, or what was made from it; as a tree, a
//! picture, or events.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;

use cannery::{Error, ErrorKind, Value, printable, size_name};
use cannery_lineage::{Graph, OpenLineageOptions, Reach, open_lineage, runs_of};
use cannery_store::{ArtifactId, ArtifactRecord, Direction, Lineage, RunFilter, RunId, Store};

use super::artifacts::{artifact_value, path_version};
use super::printing::{object, print_json};
use super::stores;
use crate::args::{LineageArgs, LineageFormat};
use crate::failure::Failure;
use crate::style::Style;
use crate::tree::Tree;
use crate::{Console, ExitStatus};
use cannery_lineage::{seconds, shown_type};

pub(crate) fn lineage(
    args: &LineageArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    match args.format.unwrap_or(LineageFormat::Tree) {
        LineageFormat::Tree => print_trees(&store, args, console)?,
        LineageFormat::Svg => write(&graph(&store, args)?.to_svg(), console)?,
        LineageFormat::Mermaid => write(&graph(&store, args)?.to_mermaid(), console)?,
        LineageFormat::Openlineage => {
            let options = OpenLineageOptions::default().namespace(args.namespace.clone());
            let runs = runs_asked(&store, args)?;
            write(&open_lineage(&store, &runs, &options)?, console)?;
        }
    }
    Ok(ExitStatus::Success)
}

/// What is for other programs is written as it is: it has been escaped for them.
fn write(text: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    Ok(console.json_out().write_all(text.as_bytes())?)
}

fn reach(args: &LineageArgs) -> Reach {
    match (args.down, args.both) {
        (_, true) => Reach::Both,
        (true, _) => Reach::Down,
        _ => Reach::Up,
    }
}

fn graph(store: &Store, args: &LineageArgs) -> Result<Graph, Failure> {
    Ok(match (args.run, &args.artifact) {
        (Some(run), _) => Graph::of_run(store, RunId(run))?,
        (None, Some(name)) => {
            Graph::of_artifact(store, store.find_artifact(name)?.id, reach(args))?
        }
        (None, None) => return Err(nothing_named().into()),
    })
}

/// The runs whose events are asked for: all of the store, where nothing is named.
fn runs_asked(store: &Store, args: &LineageArgs) -> Result<Vec<RunId>, Failure> {
    if let Some(run) = args.run {
        return Ok(vec![RunId(run)]);
    }
    let Some(name) = &args.artifact else {
        let runs = store.runs(&RunFilter::default())?;
        return Ok(runs.iter().rev().map(|run| run.id).collect());
    };
    let root = store.find_artifact(name)?.id;
    let mut artifacts = Vec::new();
    for direction in reach(args).directions() {
        artifacts.extend(store.lineage(root, *direction)?.artifacts);
    }
    Ok(runs_of(&artifacts))
}

#[cold]
fn nothing_named() -> Error {
    Error::new(ErrorKind::Value, "neither an artifact nor a run is named")
        .with_hint("`cannery lineage ARTIFACT`, or `cannery lineage --run RUN`")
}

fn print_trees(
    store: &Store,
    args: &LineageArgs,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let roots = match (args.run, &args.artifact) {
        (Some(run), _) => outputs_of(store, RunId(run))?,
        (None, Some(name)) => vec![store.find_artifact(name)?.id],
        (None, None) => return Err(nothing_named().into()),
    };
    let mut found = Vec::new();
    for root in roots {
        for direction in reach(args).directions() {
            found.push((root, *direction, store.lineage(root, *direction)?));
        }
    }
    if args.store.json {
        let mut all = Lineage::default();
        for (_, _, lineage) in found {
            let others = lineage.artifacts.into_iter().filter(|each| !all.artifacts.contains(each));
            let others: Vec<_> = others.collect();
            all.artifacts.extend(others);
            let others = lineage.edges.into_iter().filter(|edge| !all.edges.contains(edge));
            let others: Vec<_> = others.collect();
            all.edges.extend(others);
        }
        return print_json(&lineage_value(&all), console);
    }
    for (root, direction, lineage) in &found {
        Shown::new(store, lineage, *direction).tree(*root, None, 0, console)?.print(console)?;
    }
    Ok(())
}

/// What came out of a run and went into none of its steps.
fn outputs_of(store: &Store, run: RunId) -> Result<Vec<ArtifactId>, Failure> {
    store.run(run)?;
    let mut outputs = Vec::new();
    let mut used = HashSet::new();
    for step in store.steps(run)? {
        outputs.extend(store.step_outputs(step.id)?.into_iter().map(|(_, artifact)| artifact.id));
        used.extend(store.step_inputs(step.id)?.into_iter().map(|(_, artifact)| artifact.id));
    }
    outputs.retain(|artifact| !used.contains(artifact));
    Ok(outputs)
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
