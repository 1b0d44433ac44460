//! What is inside an HDF5 file: its tree, how data are stored, attributes, and the first elements.

use std::collections::HashSet;

use cannery_core::{Order, Result};
use cannery_format::Node as Part;

use super::{class_name, dtype_of, shape_of};
use crate::{
    Attribute, Dataset, Dataspace, Datatype, DimSelection, ExternalSegment, Link, LinkTarget, Node,
    NumberKind, ObjectKind, Selection, TypeClass,
};

/// Groups inside of one another that are followed.
const MAX_DEPTH: usize = 200;

/// Elements that are shown, at most.
const SHOWN: u8 = 4;

/// Characters of a text that are shown, at most.
const CHARACTERS: usize = 32;

/// Attributes of an object that are shown, at most.
const ATTRIBUTES: usize = 64;

/// Datasets whose elements are shown: reading these takes time.
const TASTED: usize = 2000;

/// Bytes of a chunk that is read for its first elements, at most.
const CHUNK: u64 = 8 << 20;

/// The tree below the root of a file.
pub(super) fn inspect_file(root: &Node) -> Result<Part> {
    Inspector::default().group(root, 0)
}

/// What was met on the way through a file.
#[derive(Default)]
struct Inspector {
    seen: HashSet<(u64, u64)>,
    tasted: usize,
}

impl Inspector {
    /// The tree below a group; an object that was met before is only named.
    fn group(&mut self, group: &Node, depth: usize) -> Result<Part> {
        if !self.seen.insert(group.id()) || depth >= MAX_DEPTH {
            return Ok(Part::of_parts("group seen above", Vec::new()));
        }
        let mut parts = attributes(group);
        let before = parts.len();
        for link in group.members()? {
            let name = String::from_utf8_lossy(&link.name).into_owned();
            parts.push(self.member(group, &link, depth)?.named(name));
        }
        let len = (parts.len() - before) as u64;
        let mut part = Part::of_parts("group", parts);
        part.len = Some((len, len));
        Ok(part)
    }

    fn member(&mut self, group: &Node, link: &Link, depth: usize) -> Result<Part> {
        if let Some(part) = other_link(&link.target) {
            return Ok(part);
        }
        let node = group.resolve(&link.name)?;
        Ok(match node.kind()? {
            ObjectKind::Group => self.group(&node, depth + 1)?,
            ObjectKind::Dataset => self.dataset(&node)?,
            ObjectKind::Datatype => Part {
                kind: "datatype".to_owned(),
                details: node.datatype().ok().map(|of| class_name(&of).to_owned()),
                ..Part::default()
            },
        })
    }

    fn dataset(&mut self, node: &Node) -> Result<Part> {
        let dataset = node.dataset()?;
        let mut part = outline(&dataset)?;
        let mut details = storage(&dataset);
        self.tasted += 1;
        if self.tasted <= TASTED
            && let Some(first) = first_elements(node, &dataset)
        {
            details.push(first);
        }
        part.details = (!details.is_empty()).then(|| details.join("  "));
        part.parts = attributes(node);
        part.parts.extend(other_files(&dataset));
        Ok(part)
    }
}

/// A link that is not followed: it is shown where it leads to.
fn other_link(target: &LinkTarget) -> Option<Part> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (kind, details) = match target {
        LinkTarget::Hard(_) => return None,
        LinkTarget::Soft(path) => ("soft link", text(path)),
        LinkTarget::External { file, path } => {
            ("external link", format!("{}:{}", text(file), text(path)))
        }
        LinkTarget::User(number, _) => ("link of the user's", format!("kind {number}")),
    };
    let details = Some(format!("to {details}"));
    Some(Part { kind: kind.to_owned(), details, ..Part::default() })
}

/// The files that a dataset names.
fn other_files(dataset: &Dataset) -> Vec<Part> {
    let file = |kind: &str, details: String| Part {
        kind: kind.to_owned(),
        details: Some(details),
        ..Part::default()
    };
    let raw = |segment: &ExternalSegment| {
        let name = String::from_utf8_lossy(&segment.name).into_owned();
        file("raw file", format!("from byte {}", segment.offset)).named(name)
    };
    let mut met = HashSet::new();
    let sources = dataset
        .virtual_sources()
        .map(|source| (source.file.clone(), source.path.clone()))
        .filter(|source| met.insert(source.clone()))
        .take(ATTRIBUTES)
        .map(|(name, path)| {
            let name = String::from_utf8_lossy(&name).into_owned();
            file("virtual source", String::from_utf8_lossy(&path).into_owned()).named(name)
        });
    dataset.external_segments().iter().take(ATTRIBUTES).map(raw).chain(sources).collect()
}

/// Type and shape.
fn outline(dataset: &Dataset) -> Result<Part> {
    let Some(shape) = shape_of(dataset) else {
        return Ok(Part { kind: "empty dataset".to_owned(), ..Part::default() });
    };
    if let Some(dtype) = dtype_of(dataset.datatype()) {
        return Part::of_array(&dtype, &shape, Order::C);
    }
    Ok(Part {
        kind: "dataset".to_owned(),
        dtype: Some(type_name(dataset.datatype(), 0)),
        shape: Some(shape),
        ..Part::default()
    })
}

/// The name of a type, with the fields of compound ones.
fn type_name(datatype: &Datatype, depth: usize) -> String {
    match &datatype.class {
        TypeClass::Compound(members) if depth < 3 => {
            let field = |member: &crate::Member| {
                let name = String::from_utf8_lossy(&member.name).into_owned();
                format!("{name}: {}", type_name(&member.datatype, depth + 1))
            };
            let mut fields: Vec<_> = members.iter().take(12).map(field).collect();
            if members.len() > fields.len() {
                fields.push("...".to_owned());
            }
            format!("{{{}}}", fields.join(", "))
        }
        TypeClass::Array { base, shape } => format!("{} {shape:?}", type_name(base, depth + 1)),
        TypeClass::Sequence(base) if depth < 8 => {
            format!("sequence of {}", type_name(base, depth + 1))
        }
        _ => dtype_of(datatype).map_or_else(
            || class_name(datatype).to_owned(),
            |dtype| cannery_format::dtype_name(&dtype),
        ),
    }
}

/// Chunks, filters and bounds, in words.
fn storage(dataset: &Dataset) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(chunks) = dataset.chunks() {
        words.push(format!("chunks {chunks:?}"));
    }
    if let Dataspace::Simple { shape, max_shape } = dataset.space()
        && max_shape.iter().zip(shape).any(|(most, &side)| *most != Some(side))
    {
        let side = |n: &Option<u64>| n.map_or("*".to_owned(), |n| n.to_string());
        let sides: Vec<_> = max_shape.iter().map(side).collect();
        words.push(format!("up to [{}]", sides.join(", ")));
    }
    let names: Vec<String> = dataset.filters().iter().map(crate::Filter::title).collect();
    if !names.is_empty() {
        words.push(names.join("+"));
    }
    words
}

/// The attributes of an object, each with its first elements.
fn attributes(node: &Node) -> Vec<Part> {
    let found = node.attributes().unwrap_or_default();
    let shown = found.into_iter().take(ATTRIBUTES).map(|(name, attribute)| {
        let name = format!("@{}", String::from_utf8_lossy(&name));
        let part = match attribute {
            Ok(attribute) => attribute_part(node, &attribute),
            Err(error) => Part {
                kind: "attribute that cannot be read".to_owned(),
                details: Some(error.message().to_string()),
                ..Part::default()
            },
        };
        part.named(name)
    });
    shown.collect()
}

fn attribute_part(node: &Node, attribute: &Attribute) -> Part {
    let shape = attribute.space.shape();
    let count = shape.iter().fold(1_u64, |count, &side| count.saturating_mul(side));
    let size = attribute.datatype.size as usize;
    let elements = attribute.data.chunks_exact(size.max(1));
    let taken = usize::try_from(count.min(SHOWN.into())).unwrap_or(0);
    let texts = elements.take(taken).map(|bytes| element(node, &attribute.datatype, bytes, 0));
    let details = match &attribute.space {
        Dataspace::Null => None,
        _ => Some(listed(texts.collect(), count, shape.is_empty())),
    };
    let shape = (!shape.is_empty()).then(|| shape.to_vec());
    let kind = type_name(&attribute.datatype, 0);
    // One text needs no other words.
    let is_text =
        matches!(attribute.datatype.class, TypeClass::String { .. } | TypeClass::VarString { .. });
    let kind = if is_text && shape.is_none() { "text".to_owned() } else { kind };
    let dtype = shape.is_some().then(|| kind.clone());
    Part { kind, details, dtype, shape, ..Part::default() }
}

fn listed(texts: Vec<String>, count: u64, is_scalar: bool) -> String {
    if is_scalar {
        return texts.into_iter().next().unwrap_or_default();
    }
    let more = if count > texts.len() as u64 { ", ..." } else { "" };
    format!("[{}{more}]", texts.join(", "))
}

/// The first elements of a dataset, if they are cheap to read.
fn first_elements(node: &Node, dataset: &Dataset) -> Option<String> {
    let shape = shape_of(dataset)?;
    let size = u64::from(dataset.datatype().size);
    let chunk = dataset.chunks().unwrap_or_default();
    let chunk = chunk.iter().fold(size, |bytes, &side| bytes.saturating_mul(side));
    let count = shape.iter().fold(1_u64, |count, &side| count.saturating_mul(side));
    if chunk > CHUNK || count == 0 || size > CHUNK || dataset.is_virtual() {
        return None;
    }
    let last = shape.last().copied().unwrap_or(1).min(SHOWN.into());
    let one = |count| DimSelection::Range { start: 0, step: 1, count };
    let mut dims: Vec<_> = shape.iter().map(|_| one(1)).collect();
    if let Some(dim) = dims.last_mut() {
        *dim = one(last);
    }
    let mut bytes = vec![0; usize::try_from(size.checked_mul(last)?).ok()?];
    dataset.read_into(&Selection(dims), &mut bytes, 1).ok()?;
    let datatype = dataset.datatype();
    let texts: Vec<_> = bytes
        .chunks_exact(datatype.size as usize)
        .map(|bytes| element(node, datatype, bytes, 0))
        .collect();
    Some(listed(texts, count, shape.is_empty()))
}

/// An element in words.
fn element(node: &Node, datatype: &Datatype, bytes: &[u8], depth: usize) -> String {
    match &datatype.class {
        TypeClass::String { .. } => {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            quoted(bytes[..end].trim_ascii_end())
        }
        TypeClass::VarString { .. } => match node.sequence(bytes, 1) {
            Ok((_, text)) => {
                let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
                quoted(&text[..end])
            }
            Err(_) => "?".to_owned(),
        },
        TypeClass::Enum { base, members } => {
            members.iter().find(|(_, value)| value == bytes).map_or_else(
                || element(node, base, bytes, depth),
                |(name, _)| String::from_utf8_lossy(name).into_owned(),
            )
        }
        TypeClass::Compound(members) if depth < 3 => {
            let parts = members.iter().take(12).map(|member| {
                let (at, len) = (member.offset as usize, member.datatype.size as usize);
                let part = bytes.get(at..).and_then(|rest| rest.get(..len));
                part.map_or("?".to_owned(), |part| element(node, &member.datatype, part, depth + 1))
            });
            let more = if members.len() > 12 { ", ..." } else { "" };
            format!("({}{more})", parts.collect::<Vec<_>>().join(", "))
        }
        TypeClass::Array { base, shape } if depth < 3 => {
            let count = shape.iter().fold(1, |count, &side| u64::from(side).saturating_mul(count));
            let parts = bytes.chunks_exact((base.size as usize).max(1)).take(usize::from(SHOWN));
            let parts = parts.map(|part| element(node, base, part, depth + 1)).collect();
            listed(parts, count, false)
        }
        TypeClass::Reference(_) => referred(node, bytes),
        _ => number(datatype, bytes).unwrap_or_else(|| "...".to_owned()),
    }
}

fn referred(node: &Node, bytes: &[u8]) -> String {
    match node.dereference(bytes) {
        Ok(None) => "null".to_owned(),
        Ok(Some(target)) => format!("-> {}", target.id().1),
        Err(_) => "reference".to_owned(),
    }
}

fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown: String = text.chars().take(CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    format!("{shown:?}")
}

fn number(datatype: &Datatype, bytes: &[u8]) -> Option<String> {
    let number = datatype.number()?;
    let mut raw = vec![0; number.size];
    if number.is_stored {
        raw.copy_from_slice(bytes);
    } else {
        datatype.convert_numbers(bytes, &mut raw).ok()?;
    }
    if number.big_endian {
        raw.reverse();
    }
    if number.size > 8 {
        return None;
    }
    let mut wide = [0; 8];
    wide[..raw.len()].copy_from_slice(&raw);
    let bits = u64::from_le_bytes(wide);
    let unused = 64 - 8 * u32::try_from(number.size).ok()?;
    Some(match (number.kind, number.size) {
        (NumberKind::Uint, _) => bits.to_string(),
        (NumberKind::Int, _) => ((bits << unused).cast_signed() >> unused).to_string(),
        (NumberKind::Float, 2) => half(u16::try_from(bits).ok()?).to_string(),
        (NumberKind::Float, 4) => f32::from_bits(u32::try_from(bits).ok()?).to_string(),
        (NumberKind::Float, _) => float(f64::from_bits(bits)),
    })
}

/// A number as short as it can be, with a power of ten where it is very large or small.
fn float(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && size.is_finite() && !(1e-5..1e16).contains(&size) {
        return format!("{value:e}");
    }
    value.to_string()
}

/// A number of half precision.
fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        0 => mantissa * 2_f32.powi(-24),
        _ => (mantissa + 1024.0) * 2_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}
