//! What files of known schemas consist of, as it is shown.

use std::fmt::Write as _;

use cannery_core::Value;
use cannery_format::Node;

use crate::known::{
    BoundingBox, EventSummary, OnnxDimension, OnnxModel, OnnxTensor, OnnxValue, OsmCounts,
    OsmHeader, TagSummary, TileLayer, VectorTile, degrees, onnx_type_name, utc_text,
};

fn some(parts: Vec<String>) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn said(what: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{what}{text}") }
}

fn plural(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn model_node(model: &OnnxModel) -> Node {
    let [producer, version] = &model.producer;
    let opsets = model.opsets.iter().map(|(domain, version)| {
        let domain = if domain.is_empty() { "ai.onnx" } else { domain };
        format!("{domain} {version}")
    });
    let opsets: Vec<_> = opsets.collect();
    let numbers = model.initializers.iter().filter_map(OnnxTensor::count);
    let numbers = numbers.fold(0_u64, u64::saturating_add);
    let details = some(vec![
        said("graph ", &model.graph),
        model.ir_version.map_or_else(String::new, |version| format!("IR version {version}")),
        said("operators ", &opsets.join(" and ")),
        said("from ", format!("{producer} {version}").trim()),
        if numbers > 0 { plural(numbers, "parameter") } else { String::new() },
    ]);
    let mut parts = vec![
        Node::of_parts("inputs", model.inputs.iter().map(value_node).collect()).named("inputs"),
        Node::of_parts("outputs", model.outputs.iter().map(value_node).collect()).named("outputs"),
        operators_node(model),
    ];
    let bytes = model.initializers.iter().map(|tensor| tensor.bytes).fold(0, u64::saturating_add);
    let initializers = model.initializers.iter().map(tensor_node).collect();
    let initializers = Node::of_parts("initializers", initializers).named("initializers");
    parts.push(Node { bytes: Some(bytes), ..initializers });
    if !model.functions.is_empty() {
        let functions = model.functions.iter().map(|name| leaf(name, "function", None));
        parts.push(Node::of_parts("functions", functions.collect()).named("functions"));
    }
    if !model.metadata.is_empty() {
        let entries = model.metadata.iter();
        let entries = entries.map(|(key, text)| leaf(key, "text", Some(text.clone())));
        parts.push(Node::of_parts("entries", entries.collect()).named("metadata"));
    }
    Node { kind: "model".to_owned(), details, parts, ..Node::default() }
}

fn leaf(name: &str, kind: &str, details: Option<String>) -> Node {
    Node { kind: kind.to_owned(), details, ..Node::default() }.named(name)
}

fn operators_node(model: &OnnxModel) -> Node {
    let mut operators: Vec<(&String, u64)> =
        model.operators.iter().map(|(name, &count)| (name, count)).collect();
    operators.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    let all = operators.iter().map(|(_, count)| count).sum();
    let parts = operators.into_iter().map(|(name, count)| Node {
        count: Some(count),
        ..leaf(name, "operator", Some(plural(count, "time")))
    });
    let parts: Vec<Node> = parts.collect();
    let details = (!parts.is_empty()).then(|| format!("{} different", parts.len()));
    let operators = Node { kind: "operators".to_owned(), parts, details, ..Node::default() };
    Node { len: Some((all, all)), ..operators }.named("operators")
}

fn value_node(value: &OnnxValue) -> Node {
    let fixed = value.shape.as_ref().and_then(|sides| {
        let sides = sides.iter().map(|side| match side {
            OnnxDimension::Fixed(side) => Some(*side),
            OnnxDimension::Named(_) => None,
        });
        sides.collect::<Option<Vec<u64>>>()
    });
    let node = leaf(&value.name, &value.kind, None);
    let Some(dtype) = value.dtype.clone() else { return node };
    if value.kind == "tensor"
        && let Some(shape) = fixed
    {
        return Node { dtype: Some(dtype), shape: Some(shape), ..node };
    }
    let mut shown = dtype.clone();
    if let Some(sides) = &value.shape {
        let sides = sides.iter().map(|side| match side {
            OnnxDimension::Fixed(side) => side.to_string(),
            OnnxDimension::Named(name) => name.clone(),
        });
        write!(shown, " [{}]", sides.collect::<Vec<_>>().join(", ")).expect("a string takes it");
    }
    Node { dtype: Some(dtype), details: Some(shown), ..node }
}

pub(super) fn tensor_node(tensor: &OnnxTensor) -> Node {
    let kind = if tensor.is_sparse { "sparse tensor" } else { "tensor" };
    // Other numbers may be kept in wider ones.
    let is_damaged = !tensor.is_sparse
        && matches!(tensor.data_type, 1 | 11)
        && tensor.bytes > 0
        && tensor.expected_bytes() != Some(tensor.bytes);
    let details = some(vec![
        tensor.external.as_ref().map_or_else(String::new, |file| format!("in the file {file}")),
        if is_damaged { "its bytes do not fit its shape".to_owned() } else { String::new() },
    ]);
    Node {
        dtype: Some(onnx_type_name(tensor.data_type)),
        shape: Some(tensor.dims.clone()),
        bytes: tensor.external.is_none().then_some(tensor.bytes),
        ..leaf(&tensor.name, kind, details)
    }
}

pub(super) fn tile_node(tile: &VectorTile) -> Node {
    Node::of_parts("layers", tile.layers.iter().map(layer_node).collect())
}

fn layer_node(layer: &TileLayer) -> Node {
    let things = ["feature of unknown geometry", "point", "line", "polygon"];
    let shapes = layer.geometry.iter().zip(things).filter(|(count, _)| **count > 0);
    let mut words: Vec<String> = shapes
        .map(|(&count, thing)| match (thing, count) {
            ("feature of unknown geometry", 2..) => format!("{count} of unknown geometry"),
            _ => plural(count, thing),
        })
        .collect();
    words.push(format!("extent {}", layer.extent));
    words.push(format!("version {}", layer.version));
    if layer.name.is_empty() {
        words.push("without a name".to_owned());
    }
    if layer.broken_tags > 0 {
        words.push(format!("{} to nothing", plural(layer.broken_tags, "tag")));
    }
    let keys = layer.keys.iter().map(|key| {
        let kinds: Vec<String> = key.kind_names().map(str::to_owned).collect();
        let kind = if kinds.is_empty() { "value".to_owned() } else { kinds.join(" or ") };
        let count = Some(key.features);
        Node { kinds, count, ..leaf(&key.name, &kind, None) }
    });
    let features = layer.features;
    Node {
        kind: "features".to_owned(),
        len: Some((features, features)),
        count: Some(features),
        details: some(words),
        parts: keys.collect(),
        ..Node::default()
    }
    .named(layer.name.clone())
}

fn shown_box(bbox: &BoundingBox) -> String {
    let [left, bottom, right, top] =
        [bbox.left, bbox.bottom, bbox.right, bbox.top].map(|side| degrees(side).to_string());
    format!("longitude {left} to {right}, latitude {bottom} to {top}")
}

fn box_node(name: &str, bbox: &BoundingBox) -> Node {
    let sides =
        [("left", bbox.left), ("bottom", bbox.bottom), ("right", bbox.right), ("top", bbox.top)];
    let parts = sides.into_iter().map(|(name, side)| {
        let value = Value::Float(degrees(side));
        Node {
            numbers: Some((value.clone(), value)),
            ..leaf(name, "float", Some(degrees(side).to_string()))
        }
    });
    let parts = parts.collect();
    let kind = "bounding box".to_owned();
    Node { kind, details: Some(shown_box(bbox)), parts, ..Node::default() }.named(name)
}

pub(super) fn extract_node(header: &OsmHeader, counts: &OsmCounts, blobs: u64) -> Node {
    let mut parts = Vec::new();
    let count =
        |name: &str, count: u64| Node { count: Some(count), ..leaf(name, "elements", None) };
    for (name, number) in [
        ("nodes", counts.nodes),
        ("ways", counts.ways),
        ("relations", counts.relations),
        ("changesets", counts.changesets),
    ] {
        if number > 0 || name != "changesets" {
            let node = count(name, number);
            parts.push(Node { len: Some((number, number)), ..node });
        }
    }
    if let Some(bbox) = &header.bbox {
        parts.push(box_node("bounding box", bbox));
    }
    if let Some(bbox) = &counts.bbox {
        let name = if header.bbox.is_some() { "bounding box of nodes" } else { "bounding box" };
        parts.push(box_node(name, bbox));
    }
    let texts = [
        ("required features", some(header.required_features.clone())),
        ("optional features", some(header.optional_features.clone())),
        ("program", header.program.clone()),
        ("source", header.source.clone()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            parts.push(leaf(name, "text", Some(text)));
        }
    }
    let kind = "blocks".to_owned();
    Node { kind, len: Some((blobs, blobs)), parts, ..Node::default() }
}

pub(super) fn events_node(summary: &EventSummary) -> Node {
    let steps = summary.steps.map_or_else(String::new, shown_steps);
    let details = some(vec![
        steps,
        said("version ", summary.version.as_deref().unwrap_or_default()),
        said("from ", summary.writer.as_deref().unwrap_or_default()),
        if summary.graphs > 0 { plural(summary.graphs, "graph") } else { String::new() },
        summary.times.map_or_else(String::new, |(first, last)| {
            let [first, last] = [first, last].map(utc_text);
            if first == last { format!("at {first}") } else { format!("{first} to {last}") }
        }),
    ]);
    let parts = summary.tags.iter().map(|(tag, summary)| tag_node(tag, summary)).collect();
    let len = Some((summary.events, summary.events));
    Node { kind: "events".to_owned(), len, details, parts, ..Node::default() }
}

fn shown_steps((first, last): (i64, i64)) -> String {
    if first == last { format!("step {first}") } else { format!("steps {first} to {last}") }
}

fn tag_node(tag: &str, summary: &TagSummary) -> Node {
    let range = summary.range.map_or_else(String::new, |(least, greatest)| {
        if least.to_bits() == greatest.to_bits() {
            least.to_string()
        } else {
            format!("{least} to {greatest}")
        }
    });
    let last = summary.last.filter(|_| summary.count > 1);
    let details = some(vec![
        shown_steps(summary.steps),
        range,
        last.map_or_else(String::new, |last| format!("at last {last}")),
        summary.size.map_or_else(String::new, |(width, height)| format!("{width} x {height}")),
    ]);
    let pair = |(least, greatest)| (Value::Float(least), Value::Float(greatest));
    Node {
        numbers: summary.range.map(pair),
        count: Some(summary.count),
        len: Some((summary.count, summary.count)),
        ..leaf(tag, summary.name(), details)
    }
}
