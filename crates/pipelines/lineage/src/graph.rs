//! The graph of steps and of what went from one to another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cannery::size_name;
use cannery_store::{
    ArtifactId, ArtifactRecord, Direction, NEEDS, RunId, StepId, StepRecord, StepStatus, Store,
};

use crate::text::{seconds, shown_type};
use crate::{Error, ErrorKind, Result};

/// Steps and what went from one to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Graph {
    /// What it is the graph of.
    pub title: String,
    /// Steps, and artifacts that no step of the graph has made.
    pub nodes: Vec<GraphNode>,
    /// What went from one into another.
    pub edges: Vec<GraphEdge>,
}

/// A step, or an artifact that no step of the graph has made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphNode {
    /// Its name: the step's in its run, or the artifact's.
    pub title: String,
    /// How long it took, its run, how many it stands for.
    pub detail: String,
    /// How it stands.
    pub status: NodeStatus,
    /// What came out of it.
    pub ports: Vec<Port>,
}

/// An output of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// The artifact with its version.
    pub label: String,
    /// Its type and size.
    pub detail: String,
    /// Whether it is what was asked for.
    pub is_asked: bool,
}

/// An output of one step that went into another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct GraphEdge {
    /// The node that it came out of.
    pub from: usize,
    /// Which of its ports.
    pub port: usize,
    /// The node that it went into.
    pub to: usize,
    /// The argument by which it went in.
    pub argument: String,
}

/// How a node stands: what a step's record says of it, or that it is no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NodeStatus {
    /// The step has run.
    Completed,
    /// The step's result was known.
    Cached,
    /// The step runs.
    Running,
    /// The step failed.
    Failed,
    /// Something that the step needs failed.
    Skipped,
    /// The step was stopped.
    Interrupted,
    /// The step's process ended without saying so.
    Crashed,
    /// It is an artifact that no step of the graph has made.
    Artifact,
}

impl NodeStatus {
    fn of(step: &StepRecord) -> Self {
        match step.status {
            _ if step.cached => Self::Cached,
            StepStatus::Running => Self::Running,
            StepStatus::Failed => Self::Failed,
            StepStatus::Skipped => Self::Skipped,
            StepStatus::Interrupted => Self::Interrupted,
            StepStatus::Crashed => Self::Crashed,
            _ => Self::Completed,
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cached => "cached",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::Crashed => "crashed",
            Self::Artifact => "artifact",
        }
    }

    /// Its colour in pictures.
    pub(crate) fn color(self) -> &'static str {
        match self {
            Self::Completed => "#1a7f37",
            Self::Cached => "#57606a",
            Self::Running => "#9a6700",
            Self::Skipped => "#8250df",
            Self::Failed | Self::Interrupted | Self::Crashed => "#cf222e",
            Self::Artifact => "#0969da",
        }
    }
}

/// Which artifacts belong to an artifact's graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All that it was made from.
    Up,
    /// All that was made from it.
    Down,
    /// Both.
    Both,
}

impl Reach {
    /// The ways that are followed.
    #[must_use]
    pub fn directions(self) -> &'static [Direction] {
        match self {
            Self::Up => &[Direction::Up],
            Self::Down => &[Direction::Down],
            Self::Both => &[Direction::Up, Direction::Down],
        }
    }
}

/// Nodes that a picture can have; with more it takes long and is not understood.
const MAX_NODES: usize = 1000;

/// From how many alike on, steps are drawn as one.
const MANY: usize = 10;

/// Nodes that are looked at, over and over again, to find those that are alike.
const MAX_WORK: usize = 5_000_000;

impl Graph {
    /// The steps of a run.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such run, [`ErrorKind::Limit`] for too many steps.
    pub fn of_run(store: &Store, run: RunId) -> Result<Self> {
        let record = store.run(run)?;
        let title = format!("run {run} of {}: {}", record.pipeline, record.status);
        let mut builder = Builder::default();
        let steps = store.steps(run)?;
        for step in &steps {
            let outputs = store.step_outputs(step.id)?;
            let node = builder.add_step(step, step.label(), duration_of(step));
            for (_, artifact) in outputs {
                let label = format!("{}@{}", artifact.short_name(), artifact.version);
                builder.add_port(node, &artifact, label, false);
            }
        }
        for (node, step) in steps.iter().enumerate() {
            for (argument, artifact) in store.step_inputs(step.id)? {
                let source = builder.source(&artifact);
                builder.connect(source, node, argument);
            }
        }
        // What skipped steps would have got from steps that gave nothing.
        let by_label: HashMap<_, _> =
            steps.iter().enumerate().map(|(node, step)| (step.label(), node)).collect();
        for (node, step) in steps.iter().enumerate() {
            if step.status != StepStatus::Skipped {
                continue;
            }
            for needed in store.observations(step.id)? {
                if let Some(argument) = needed.label.strip_prefix(NEEDS)
                    && let Some(source) = by_label.get(&needed.state)
                {
                    builder.connect((*source, 0), node, argument.to_owned());
                }
            }
        }
        builder.finish(title)
    }

    /// An artifact, and what it came from or what was made from it, across runs.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such artifact, [`ErrorKind::Limit`] for too many
    /// steps.
    pub fn of_artifact(store: &Store, artifact: ArtifactId, reach: Reach) -> Result<Self> {
        let asked = store.artifact_by_id(artifact)?;
        let mut builder = Builder::default();
        let (mut artifacts, mut edges) = (BTreeMap::new(), BTreeSet::new());
        for direction in reach.directions() {
            let lineage = store.lineage(artifact, *direction)?;
            artifacts.extend(lineage.artifacts.into_iter().map(|each| (each.id, each)));
            edges.extend(lineage.edges);
        }
        // In the order in which they were made, which is that of a step's outputs, too.
        for artifact in artifacts.values() {
            builder.add_artifact(store, artifact, artifact.id == asked.id)?;
        }
        for edge in edges {
            let target = builder.ports.get(&edge.result).map(|(node, _)| *node);
            let source = builder.ports.get(&edge.source).copied();
            if let (Some(source), Some(target)) = (source, target) {
                builder.connect(source, target, edge.argument);
            }
        }
        builder.finish(format!("{}@{}", asked.name, asked.version))
    }
}

fn duration_of(step: &StepRecord) -> String {
    step.duration().filter(|_| !step.cached).map(seconds).unwrap_or_default()
}

#[derive(Default)]
struct Builder {
    graph: Graph,
    /// Of each node, what makes it like others: its step's name and run.
    families: Vec<Option<(String, RunId)>>,
    steps: HashMap<StepId, usize>,
    ports: HashMap<ArtifactId, (usize, usize)>,
    connected: HashSet<(usize, usize, usize, String)>,
}

impl Builder {
    fn add_step(&mut self, step: &StepRecord, title: String, detail: String) -> usize {
        self.families.push(Some((step.name.clone(), step.run)));
        let status = NodeStatus::of(step);
        self.add_node(GraphNode { title, detail, status, ports: Vec::new() })
    }

    fn add_node(&mut self, node: GraphNode) -> usize {
        self.graph.nodes.push(node);
        self.graph.nodes.len() - 1
    }

    fn add_port(&mut self, node: usize, artifact: &ArtifactRecord, label: String, is_asked: bool) {
        let ports = &mut self.graph.nodes[node].ports;
        // Two steps with one output: what went on is told of the first.
        self.ports.entry(artifact.id).or_insert((node, ports.len()));
        let detail = format!("{} · {}", shown_type(&artifact.type_name), size_name(artifact.size));
        ports.push(Port { label, detail, is_asked });
    }

    /// The artifact, at the step that made it.
    fn add_artifact(
        &mut self,
        store: &Store,
        artifact: &ArtifactRecord,
        asked: bool,
    ) -> Result<()> {
        if self.ports.contains_key(&artifact.id) {
            return Ok(());
        }
        let label = format!("{}@{}", artifact.name, artifact.version);
        let Some(producer) = &artifact.producer else {
            self.add_lone_artifact(artifact, asked);
            return Ok(());
        };
        let node = if let Some(node) = self.steps.get(&producer.step) {
            *node
        } else {
            let step = store.step(producer.step)?;
            let took = duration_of(&step);
            let pause = if took.is_empty() { "" } else { " · " };
            let detail = format!("run {}{pause}{took}", step.run);
            let node = self.add_step(&step, step.label(), detail);
            self.steps.insert(producer.step, node);
            node
        };
        self.add_port(node, artifact, label, asked);
        Ok(())
    }

    fn add_lone_artifact(&mut self, artifact: &ArtifactRecord, is_asked: bool) -> (usize, usize) {
        self.families.push(None);
        let made = artifact.producer.as_ref().map(|producer| format!("run {}", producer.run));
        let node = self.add_node(GraphNode {
            title: artifact.name.clone(),
            detail: made.unwrap_or_default(),
            status: NodeStatus::Artifact,
            ports: Vec::new(),
        });
        let label = format!("{}@{}", artifact.short_name(), artifact.version);
        self.add_port(node, artifact, label, is_asked);
        (node, 0)
    }

    /// Where an artifact came out; one of elsewhere becomes a node.
    fn source(&mut self, artifact: &ArtifactRecord) -> (usize, usize) {
        match self.ports.get(&artifact.id) {
            Some(source) => *source,
            None => self.add_lone_artifact(artifact, false),
        }
    }

    fn connect(&mut self, (from, port): (usize, usize), to: usize, argument: String) {
        if self.connected.insert((from, port, to, argument.clone())) {
            self.graph.edges.push(GraphEdge { from, port, to, argument });
        }
    }

    fn finish(mut self, title: String) -> Result<Graph> {
        self.graph.title = title;
        let graph = folded(self.graph, &self.families);
        if graph.nodes.len() > MAX_NODES {
            let message = format!("{} steps are too many for one picture", graph.nodes.len());
            return Err(Error::new(ErrorKind::Limit, message).with_hint(
                "ask for one artifact's lineage; as text and events there is no limit",
            ));
        }
        Ok(graph)
    }
}

/// The same graph, in which many steps of one name and run that are fed and used alike are one:
/// those of two `map`s, one over what the other gave, are two cards.
fn folded(graph: Graph, families: &[Option<(String, RunId)>]) -> Graph {
    let classes = classes_of(&graph, families);
    let mut alike: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, class) in classes.into_iter().enumerate() {
        alike.entry(class).or_default().push(node);
    }
    let groups: Vec<_> = alike.into_values().filter(|nodes| nodes.len() >= MANY).collect();
    if groups.is_empty() {
        return graph;
    }
    fold(graph, &groups, families)
}

/// Of each node, the class of those that it is drawn with.
///
/// Steps are alike until their sources or targets are found not to be; a class that is too small
/// to be drawn as one is taken apart, which tells its neighbours apart in turn.
fn classes_of(graph: &Graph, families: &[Option<(String, RunId)>]) -> Vec<usize> {
    let mut classes = numbered(graph.nodes.iter().enumerate().map(|(index, node)| {
        let is_asked = node.ports.iter().any(|port| port.is_asked);
        let went_well = matches!(node.status, NodeStatus::Cached | NodeStatus::Completed);
        let status = (!went_well).then_some(node.status);
        match &families[index] {
            Some(family) if !is_asked => (Some((family, status)), 0),
            _ => (None, index),
        }
    }));
    for _ in 0..(MAX_WORK / classes.len().max(1)).max(MANY) {
        let count = count_of(&classes);
        classes = refined(graph, &classes);
        if count_of(&classes) > count {
            continue;
        }
        let mut sizes = vec![0; count];
        for class in &classes {
            sizes[*class] += 1;
        }
        classes = numbered(classes.iter().enumerate().map(|(node, class)| {
            let is_lone = sizes[*class] < MANY;
            (*class, if is_lone { node } else { 0 })
        }));
        if count_of(&classes) == count {
            return classes;
        }
    }
    (0..classes.len()).collect() // a long chain of steps of one name: none is like another
}

/// The classes, told apart by those of their sources and targets.
fn refined(graph: &Graph, classes: &[usize]) -> Vec<usize> {
    let mut sources = vec![BTreeSet::new(); classes.len()];
    let mut targets = vec![BTreeSet::new(); classes.len()];
    for edge in &graph.edges {
        sources[edge.to].insert((classes[edge.from], edge.port));
        targets[edge.from].insert(classes[edge.to]);
    }
    numbered((0..classes.len()).map(|node| (classes[node], &sources[node], &targets[node])))
}

/// Numbers of the keys, equal ones for equal keys, from 0 on without gaps.
fn numbered<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<usize> {
    let mut numbers = BTreeMap::new();
    keys.map(|key| {
        let next = numbers.len();
        *numbers.entry(key).or_insert(next)
    })
    .collect()
}

fn count_of(classes: &[usize]) -> usize {
    classes.iter().max().map_or(0, |last| last + 1)
}

fn fold(graph: Graph, groups: &[Vec<usize>], families: &[Option<(String, RunId)>]) -> Graph {
    let group_of: HashMap<usize, usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(group, nodes)| nodes.iter().map(move |node| (*node, group)))
        .collect();
    let mut folded = Graph { title: graph.title.clone(), ..Graph::default() };
    let mut place = vec![0; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let nodes = group_of.get(&index).map(|group| &groups[*group]);
        place[index] = match nodes {
            Some(nodes) if nodes[0] != index => place[nodes[0]],
            _ => folded.nodes.len(),
        };
        match nodes {
            None => folded.nodes.push(node.clone()),
            Some(nodes) if nodes[0] == index => {
                let name = families[index].as_ref().map(|(name, _)| name.as_str());
                folded.nodes.push(stack(&graph, nodes, name.unwrap_or(&node.title)));
            }
            Some(_) => {}
        }
    }
    let mut seen = BTreeSet::new();
    for mut edge in graph.edges {
        (edge.from, edge.to) = (place[edge.from], place[edge.to]);
        edge.port = edge.port.min(folded.nodes[edge.from].ports.len().saturating_sub(1));
        if seen.insert((edge.from, edge.port, edge.to)) {
            folded.edges.push(edge);
        }
    }
    folded
}

/// One node for many that are alike.
fn stack(graph: &Graph, nodes: &[usize], name: &str) -> GraphNode {
    let members = || nodes.iter().map(|node| &graph.nodes[*node]);
    let mut counts: BTreeMap<NodeStatus, usize> = BTreeMap::new();
    members().for_each(|node| *counts.entry(node.status).or_default() += 1);
    // How many are of a status is said where they differ.
    let said = if counts.len() > 1 { counts.clone() } else { BTreeMap::new() };
    let detail: Vec<_> =
        said.iter().map(|(status, count)| format!("{count} {}", status.as_str())).collect();
    let status = *counts.keys().next().unwrap_or(&NodeStatus::Cached);
    let outputs: usize = members().map(|node| node.ports.len()).sum();
    let first = members().find_map(|node| node.ports.first());
    let kind = first.and_then(|port| port.detail.split(" · ").next()).unwrap_or_default();
    let port = Port { label: format!("{outputs} artifacts"), detail: kind.into(), is_asked: false };
    GraphNode {
        title: format!("{name} × {}", nodes.len()),
        detail: detail.join(", "),
        status,
        ports: if outputs == 0 { Vec::new() } else { vec![port] },
    }
}
