//! Documents that a reader refuses for what they would cost: `scan` says so, and builds nothing.
//!
//! The checks of loading count exactly, where objects are made; these are estimates of the same
//! costs from the document alone.

use std::collections::HashMap;

use cannery_core::tagged::TagDecoder;
use cannery_core::{ErrorKind, Graph, GraphBuilder, Limits, Node, NodeId, ObjectNode, Result};
use cannery_pickle::costs::{PatternCosts, is_costly_header, is_costly_mail};
use cannery_pickle::hashes::has_equal_hashes;
use cannery_pickle::scan::BinaryDocument;

/// Longer texts are not read as documents: searching them is all that a scan does.
const LONGEST_DOCUMENT: usize = 64 << 20;
/// What objects may copy of what they share, beyond this number of items for each value.
const FREE_ITEMS: f64 = 2_097_152.0;
const ITEMS_PER_VALUE: f64 = 50.0;
/// What is written out where aliases are, beyond this multiple of the values that there are.
const FREE_VALUES: f64 = 16_777_216.0;
const WRITTEN_OUT: f64 = 25.0;
const KEY_ITEMS: f64 = 1_048_576.0;
/// Objects that methods go through, in objects of the same kind.
const MOST_NESTED: f64 = 16_384.0;
/// Digits of the numbers by which hashes are chosen.
const DIGITS: usize = 14;
/// At most this number of them, and of identifiers and addresses, is looked at.
const FEW: usize = 64;
/// Items of a range that is a part of an object.
const MOST_ITEMS: f64 = 1e7;
/// Labels of a range that pandas writes out, as a reader takes them.
const MOST_LABELS: f64 = 4_194_304.0;

/// Why a document would cost more than it holds; `None` if it would not, or is no document.
pub(crate) fn document_bomb(data: &[u8]) -> Option<&'static str> {
    if data.len() > LONGEST_DOCUMENT || !is_worth_reading(data) {
        return None;
    }
    let text = std::str::from_utf8(data).ok()?;
    graphs_of(text).iter().find_map(|graph| Costs::of(graph)?.bomb())
}

/// What MessagePack or CBOR that fills a file to its end is, and why it would cost more than it holds.
pub(crate) fn binary_document(data: &[u8]) -> Option<BinaryDocument> {
    if data.len() > LONGEST_DOCUMENT {
        return None;
    }
    let msgpack = |data: &[u8], sink: &mut TagDecoder<GraphBuilder>| {
        cannery_msgpack::from_slice_prefix(data, &cannery_msgpack::ReadOptions::default(), sink)
    };
    let cbor = |data: &[u8], sink: &mut TagDecoder<GraphBuilder>| {
        cannery_cbor::from_slice_prefix(data, &cannery_cbor::ReadOptions::default(), sink)
    };
    // Empty containers begin pickles, too; alone, they are no document that needs to be judged.
    let is_msgpack = matches!(data, [0x81..=0x8f | 0x91..=0x9f | 0xdc..=0xdf, ..]);
    let is_cbor = matches!(data, [0x81..=0x9f | 0xa1..=0xbf | 0xc0..=0xdb, ..]);
    let msgpack = is_msgpack.then(|| document_of("MessagePack", data, msgpack)).flatten();
    let cbor = is_cbor.then(|| document_of("CBOR", data, cbor)).flatten();
    // Some bytes are both: the worse of them counts.
    msgpack.filter(|document| document.bomb.is_some()).or(cbor).or(msgpack)
}

fn document_of(
    name: &'static str,
    data: &[u8],
    read: impl Fn(&[u8], &mut TagDecoder<GraphBuilder>) -> Result<usize>,
) -> Option<BinaryDocument> {
    let mut bomb = None;
    let mut rest = data;
    while let Some(&first) = rest.first() {
        // Bytes that are numbers one after the other say nothing.
        if first < 0x80 {
            return None;
        }
        let mut sink = TagDecoder::new(GraphBuilder::new(Limits::default()));
        let graph = match read(rest, &mut sink) {
            Ok(used) => {
                rest = &rest[used..];
                sink.into_inner().finish()
            }
            Err(error) => Err(error),
        };
        match graph {
            Ok(graph) => bomb = bomb.or_else(|| Costs::of(&graph)?.bomb()),
            Err(error) if matches!(error.kind(), ErrorKind::Depth | ErrorKind::Limit) => {
                let reason = "it nests too deeply, or is far more than it holds: a resource bomb";
                return Some(BinaryDocument { name, bomb: Some(reason) });
            }
            Err(_) => return None,
        }
    }
    Some(BinaryDocument { name, bomb })
}

/// Whether it has references, types, or many of the numbers by which hashes are chosen.
fn is_worth_reading(data: &[u8]) -> bool {
    let has = |needle: &[u8]| data.windows(needle.len()).any(|window| window == needle);
    (data.contains(&b'&') && data.contains(&b'*')) || has(b"$type") || has_many_numbers(data)
}

/// Fractions of floats are long, too, and not counted, but those in quotes are.
fn has_many_numbers(data: &[u8]) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_hexdigit() || b":-.+/".contains(&byte);
    let (mut found, mut at) = (0, 0);
    while at < data.len() {
        let len = data[at..].iter().take_while(|&&byte| is_inside(byte)).count();
        let is_quoted = at > 0 && matches!(data[at - 1], b'"' | b'\'');
        found += usize::from(len >= DIGITS && is_chosen(&data[at..at + len], is_quoted));
        if found > FEW {
            return true;
        }
        at += len + 1;
    }
    false
}

/// Whether a word is a long number, an identifier or an address.
fn is_chosen(word: &[u8], is_quoted: bool) -> bool {
    let is_address = word.split(|&byte| byte == b':').count() > 2;
    let whole = word.split(|&byte| byte == b'.' && !is_quoted).next().unwrap_or_default();
    let digits = whole.iter().filter(|byte| byte.is_ascii_digit()).count();
    is_address || matches!(word.len(), 32 | 36) || digits >= DIGITS
}

fn graphs_of(text: &str) -> Vec<Graph> {
    let new = || TagDecoder::new(GraphBuilder::new(Limits::default()));
    if text.trim_start().starts_with(['{', '[']) {
        let mut sink = new();
        if cannery_json::from_str(text, &cannery_json::ReadOptions::default(), &mut sink).is_ok() {
            return sink.into_inner().finish().into_iter().collect();
        }
    }
    let mut documents = cannery_yaml::Documents::new(text, &cannery_yaml::ReadOptions::default());
    let mut graphs = Vec::new();
    loop {
        let mut sink = new();
        match documents.read_unmerged(&mut sink) {
            Ok(true) => graphs.extend(sink.into_inner().finish()),
            Ok(false) | Err(_) => return graphs,
        }
    }
}

/// The values of a document, those within others before them.
struct Costs<'a> {
    graph: &'a Graph,
    order: Vec<NodeId>,
    places: HashMap<NodeId, usize>,
}

impl<'a> Costs<'a> {
    fn of(graph: &'a Graph) -> Option<Self> {
        let mut costs = Self { graph, order: Vec::new(), places: HashMap::new() };
        let mut waiting = vec![(graph.root()?, false)];
        let mut seen = std::collections::HashSet::new();
        while let Some((id, is_done)) = waiting.pop() {
            if is_done {
                costs.places.insert(id, costs.order.len());
                costs.order.push(id);
            } else if seen.insert(id) {
                waiting.push((id, true));
                graph[id].for_each_inner(|id| waiting.push((id, false)));
            }
        }
        Some(costs)
    }

    fn bomb(&self) -> Option<&'static str> {
        if self.shares_too_much() {
            return Some("values that refer to each other again and again: a resource bomb");
        }
        if self.nests_too_much() {
            return Some("objects that hold the same objects again and again: a resource bomb");
        }
        if has_equal_hashes(self.graph) {
            return Some("keys that all have the same hash: a resource bomb");
        }
        let mut patterns = PatternCosts::default();
        self.objects().find_map(|object| self.object_bomb(object, &mut patterns))
    }

    fn objects(&self) -> impl Iterator<Item = &'a ObjectNode> {
        self.order.iter().filter_map(|&id| match &self.graph[id] {
            Node::Object(object) => Some(&**object),
            _ => None,
        })
    }

    /// How much each value is when everything that it refers to is counted as often as it does;
    /// `goes_in` says into which objects.
    fn weights(&self, goes_in: impl Fn(&ObjectNode) -> bool, own: f64) -> Vec<f64> {
        let mut weights: Vec<f64> = Vec::with_capacity(self.order.len());
        for &id in &self.order {
            let node = &self.graph[id];
            let mut weight = match node {
                Node::Object(_) => 1.0,
                _ => own,
            };
            if !matches!(node, Node::Object(object) if !goes_in(object)) {
                node.for_each_inner(|id| {
                    // What is part of itself has no weight there yet.
                    let place = self.places.get(&id);
                    weight += place.and_then(|&place| weights.get(place)).copied().unwrap_or(0.0);
                });
            }
            weights.push(weight);
        }
        weights
    }

    fn shares_too_much(&self) -> bool {
        let weights = self.weights(copies, 1.0);
        let weight = |id: &NodeId| self.places.get(id).map_or(0.0, |&place| weights[place]);
        let count = float(self.order.len());
        let whole = weights.last().copied().unwrap_or(0.0);
        if whole > FREE_VALUES && whole > WRITTEN_OUT * count {
            return true;
        }
        let mut copied = 0.0;
        self.order.iter().any(|id| match &self.graph[*id] {
            Node::Object(object) if copies(object) => {
                copied += weight(id);
                copied > FREE_ITEMS + ITEMS_PER_VALUE * count
            }
            Node::Map(entries) => entries.iter().any(|(key, _)| weight(key) > KEY_ITEMS),
            Node::Set(items) | Node::FrozenSet(items) => {
                items.iter().any(|item| weight(item) > KEY_ITEMS)
            }
            _ => false,
        })
    }

    fn nests_too_much(&self) -> bool {
        let weights = self.weights(nests, 0.0);
        self.order.iter().zip(&weights).any(|(id, &weight)| {
            matches!(&self.graph[*id], Node::Object(object) if nests(object))
                && weight > MOST_NESTED
        })
    }

    fn object_bomb(
        &self,
        object: &ObjectNode,
        patterns: &mut PatternCosts,
    ) -> Option<&'static str> {
        let name = type_name(object);
        if name == "re.Pattern" {
            let pattern = self.text(part(object, "pattern")?)?;
            let flags = part(object, "flags").map(|id| &self.graph[id]);
            let flags = if let Some(Node::Int(flags)) = flags { *flags } else { 0 };
            return patterns
                .spend(pattern, flags)
                .then_some("a pattern that takes long to compile: a resource bomb");
        }
        if name.starts_with("email.") && self.is_costly_mail(object) {
            return Some("a mail that takes long to be taken apart: a resource bomb");
        }
        if name == "configparser.ConfigParser" || name == "configparser.RawConfigParser" {
            return self
                .refers_too_much(object)
                .then_some("options that refer to each other again and again: a resource bomb");
        }
        self.holds_a_long_range(object)
            .then_some("a range that would be gone through: a resource bomb")
    }

    fn is_costly_mail(&self, object: &ObjectNode) -> bool {
        let whole = part(object, "value").is_some_and(|id| match &self.graph[id] {
            Node::Bytes(bytes) => is_costly_mail(bytes),
            Node::Text(text) => is_costly_mail(text.as_str().unwrap_or_default().as_bytes()),
            _ => false,
        });
        let headers = part(object, "_headers").map(|id| items(&self.graph[id]).to_vec());
        whole
            || headers.into_iter().flatten().any(|pair| {
                let &[name, value] = items(&self.graph[pair]) else { return false };
                let texts = self.text(name).zip(self.text(value));
                texts.is_some_and(|(name, value)| is_costly_header(name, value))
            })
    }

    /// Whether options with references to options come to far more than their text.
    fn refers_too_much(&self, object: &ObjectNode) -> bool {
        const MOST_TEXT: f64 = 1_048_576.0;
        let mut options: HashMap<String, String> = HashMap::new();
        let mut waiting: Vec<NodeId> = object.parts.iter().map(|&(_, id)| id).collect();
        while let Some(id) = waiting.pop() {
            let Node::Map(entries) = &self.graph[id] else { continue };
            for &(key, value) in entries {
                match self.text(key).zip(self.text(value)) {
                    Some((key, value)) => drop(options.insert(key.to_lowercase(), value.into())),
                    None => waiting.push(value),
                }
            }
        }
        // As deep as Python goes.
        let mut lengths: HashMap<&str, f64> = HashMap::new();
        for _ in 0..10 {
            let mut next = HashMap::new();
            for (name, text) in &options {
                let own = float(text.len());
                let inner: f64 =
                    references(text).map(|name| lengths.get(&*name).copied().unwrap_or(0.0)).sum();
                next.insert(name.as_str(), own + inner);
            }
            lengths = next;
        }
        let own: usize = options.values().map(String::len).sum();
        lengths.values().any(|&length| length > MOST_TEXT && length > 64.0 * float(own))
    }

    fn holds_a_long_range(&self, object: &ObjectNode) -> bool {
        let number =
            |object: &ObjectNode, name: &str| match part(object, name).map(|id| &self.graph[id]) {
                Some(Node::Int(value)) => signed(*value),
                Some(Node::BigInt(_)) => f64::INFINITY,
                _ => 1.0,
            };
        let length = |range: &ObjectNode| {
            let length = number(range, "stop") - number(range, "start");
            (length / number(range, "step")).abs()
        };
        let writes_out = writes_out(type_name(object));
        let is_long = |id: NodeId| match &self.graph[id] {
            Node::Object(inner) => match type_name(inner) {
                "range" | "builtins.range" => length(inner) > MOST_ITEMS,
                "pandas.RangeIndex" => writes_out && length(inner) > MOST_LABELS,
                _ => false,
            },
            _ => false,
        };
        copies(object)
            && object.parts.iter().any(|&(_, id)| {
                is_long(id) || items(&self.graph[id]).iter().any(|&item| is_long(item))
            })
    }

    fn text(&self, id: NodeId) -> Option<&'a str> {
        match &self.graph[id] {
            Node::Text(text) => text.as_str(),
            _ => None,
        }
    }
}

/// The names between `%(` and `)s`, and between `${` and `}`, in lower case.
fn references(text: &str) -> impl Iterator<Item = String> {
    text.split("%(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .chain(text.split("${").skip(1).filter_map(|rest| rest.split('}').next()))
        .map(|name| name.rsplit(':').next().unwrap_or(name).to_lowercase())
}

fn items(node: &Node) -> &[NodeId] {
    match node {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => items,
        _ => &[],
    }
}

fn part(object: &ObjectNode, name: &str) -> Option<NodeId> {
    object.parts.iter().find(|(part, _)| part.as_str() == Some(name)).map(|&(_, id)| id)
}

fn type_name(object: &ObjectNode) -> &str {
    object.type_name.as_str().unwrap_or_default()
}

/// Whether an object is one of Python's own, which copy or go through what they are given.
fn copies(object: &ObjectNode) -> bool {
    let name = type_name(object);
    let module = name.split('.').next().unwrap_or_default();
    !name.contains('.')
        || matches!(
            module,
            "builtins"
                | "collections"
                | "functools"
                | "itertools"
                | "array"
                | "xml"
                | "email"
                | "types"
                | "numpy"
                | "pandas"
        )
}

/// Whether pandas makes an array of an index that it is given, which may be a range of few bytes.
fn writes_out(type_name: &str) -> bool {
    matches!(
        type_name,
        "pandas.MultiIndex"
            | "pandas.Categorical"
            | "pandas.CategoricalDtype"
            | "pandas.arrays.IntervalArray"
    )
}

/// Whether methods of an object go through objects of its own kind.
fn nests(object: &ObjectNode) -> bool {
    let name = type_name(object);
    name.starts_with("email.")
        || matches!(
            name,
            "collections.ChainMap"
                | "builtins.ExceptionGroup"
                | "builtins.BaseExceptionGroup"
                | "xml.etree.ElementTree.Element"
        )
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn signed(number: i64) -> f64 {
    number as f64
}
