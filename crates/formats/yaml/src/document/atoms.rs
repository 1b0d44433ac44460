//! What a text means, node by node, without its layout: an edit is proved by comparing this.

use std::ops::Range;

use crate::schema::{Scalar, Schema};
use crate::{Event, Properties, ScalarStyle};

/// One step of a stream, as far as its meaning goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    Document,
    /// `plain` says that it is no text, although nothing but its letters says so.
    Scalar {
        properties: Tagging,
        text: Box<[u8]>,
        plain: bool,
    },
    Alias(Box<str>),
    Sequence(Tagging),
    Mapping(Tagging),
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Resolved {
    Text,
    Null,
    Other,
}

/// The anchor and the tag of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tagging {
    pub(super) anchor: Option<Box<str>>,
    pub(super) tag: Option<Box<str>>,
}

impl Tagging {
    fn of(properties: &Properties<'_>) -> Self {
        Self {
            anchor: properties.anchor.map(Into::into),
            tag: properties.tag.as_deref().map(Into::into),
        }
    }
}

impl Atom {
    pub(super) fn of(event: Event<'_>, schema: Schema) -> Option<Self> {
        Some(match event {
            Event::DocumentStart { .. } => Atom::Document,
            Event::DocumentEnd { .. } => return None,
            Event::Scalar { properties, text, style } => {
                let bare = style == ScalarStyle::Plain && properties.tag.is_none();
                let resolved = match text.to_str().filter(|_| bare) {
                    Some(text) => match schema.resolve(&text) {
                        Scalar::Text => Resolved::Text,
                        Scalar::Null => Resolved::Null,
                        _ => Resolved::Other,
                    },
                    None => Resolved::Text,
                };
                let plain = resolved != Resolved::Text || bare && text == *"<<";
                let is_null = resolved == Resolved::Null;
                let text = if is_null { Box::default() } else { text.to_utf8().into() };
                Atom::Scalar { properties: Tagging::of(properties), text, plain }
            }
            Event::Alias(name) => Atom::Alias(name.into()),
            Event::SequenceStart { properties, .. } => Atom::Sequence(Tagging::of(properties)),
            Event::MappingStart { properties, .. } => Atom::Mapping(Tagging::of(properties)),
            Event::SequenceEnd | Event::MappingEnd => Atom::End,
        })
    }

    pub(super) fn tagging(&self) -> Option<&Tagging> {
        match self {
            Atom::Scalar { properties, .. }
            | Atom::Sequence(properties)
            | Atom::Mapping(properties) => Some(properties),
            Atom::Document | Atom::Alias(_) | Atom::End => None,
        }
    }

    pub(super) fn tagging_mut(&mut self) -> Option<&mut Tagging> {
        match self {
            Atom::Scalar { properties, .. }
            | Atom::Sequence(properties)
            | Atom::Mapping(properties) => Some(properties),
            Atom::Document | Atom::Alias(_) | Atom::End => None,
        }
    }
}

/// A part of what an edited text shall mean.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Atoms of the text before the edit.
    Old(Range<usize>),
    /// One of them, changed.
    Changed(usize, Atom),
    New(Vec<Atom>),
}

/// The atoms an edit shall lead to, each with the one it was before.
pub(super) fn expected(old: &[Atom], pieces: &[Piece]) -> Vec<(Atom, Option<usize>)> {
    let mut result = Vec::with_capacity(old.len() + 8);
    for piece in pieces {
        match piece {
            Piece::Old(range) => {
                result.extend(range.clone().map(|index| (old[index].clone(), Some(index))));
            }
            Piece::Changed(index, atom) => result.push((atom.clone(), Some(*index))),
            Piece::New(atoms) => result.extend(atoms.iter().map(|atom| (atom.clone(), None))),
        }
    }
    result
}

/// The anchored node that each alias stands for: the last one before it in its document.
pub(super) fn targets<'a>(
    atoms: impl Iterator<Item = &'a Atom>,
) -> Vec<(usize, &'a str, Option<usize>)> {
    let mut anchors = std::collections::HashMap::new();
    let mut found = Vec::new();
    for (index, atom) in atoms.enumerate() {
        match atom {
            Atom::Document => anchors.clear(),
            Atom::Alias(name) => found.push((index, &**name, anchors.get(&**name).copied())),
            _ => {
                if let Some(Tagging { anchor: Some(name), .. }) = atom.tagging() {
                    anchors.insert(&**name, index);
                }
            }
        }
    }
    found
}
