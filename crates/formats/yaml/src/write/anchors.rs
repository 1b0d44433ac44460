//! Anchors, which are written only where an alias came after all.

use std::collections::{HashMap, HashSet};

/// The marked nodes of a document, and those of them that need an anchor.
#[derive(Default)]
pub(super) struct Anchors {
    points: HashMap<u64, Point>,
    names: HashMap<u64, String>,
    taken: HashSet<String>,
    /// The last number that became a name.
    number: u64,
}

/// Where the anchor of a node goes, should it need one.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) offset: usize,
    pub(super) how: How,
}

/// What surrounds an anchor there.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// Something stands before it, with no blank between.
    Behind,
    /// The node follows at once.
    Before,
    /// A collection begins on the line: one blank here, then its first entry at this column. It
    /// moves to a line of its own.
    Compact(usize),
}

impl Anchors {
    pub(super) fn add(&mut self, id: u64, point: Point) {
        self.points.insert(id, point);
    }

    /// The name of a node for an alias; `None` if it was not marked.
    pub(super) fn name(&mut self, id: u64, out: &[u8]) -> Option<&str> {
        let point = self.points.get(&id)?;
        if !self.names.contains_key(&id) {
            let name = self.choose(key_before(&out[..point.offset]));
            self.taken.insert(name.clone());
            self.names.insert(id, name);
        }
        self.names.get(&id).map(String::as_str)
    }

    /// The key that the node belongs to, if it is a word that no other has; else a number.
    fn choose(&mut self, key: Option<String>) -> String {
        match key {
            Some(key) if !self.taken.contains(&key) => key,
            _ => loop {
                self.number += 1;
                let name = format!("id{:03}", self.number);
                if !self.taken.contains(&name) {
                    return name;
                }
            },
        }
    }

    /// Writes the anchors that aliases need into the document that begins at `start`, and forgets
    /// all.
    pub(super) fn insert(&mut self, out: &mut Vec<u8>, start: usize) {
        let names = std::mem::take(&mut self.names);
        let mut wanted: Vec<(Point, String)> =
            names.into_iter().map(|(id, name)| (self.points[&id], name)).collect();
        self.points.clear();
        self.taken.clear();
        self.number = 0;
        if wanted.is_empty() {
            return;
        }
        wanted.sort_by_key(|(point, _)| point.offset);
        let document = out.split_off(start);
        let mut copied = 0;
        for (point, name) in wanted {
            let offset = point.offset - start;
            out.extend_from_slice(&document[copied..offset]);
            copied = offset + point.how.write(&name, out);
        }
        out.extend_from_slice(&document[copied..]);
    }
}

impl How {
    /// Writes the anchor; returns how many bytes of the document it stands for.
    fn write(self, name: &str, out: &mut Vec<u8>) -> usize {
        let anchor = match self {
            How::Behind => format!(" &{name}"),
            How::Before => format!("&{name} "),
            How::Compact(0) => format!("&{name}\n"),
            How::Compact(column) => format!(" &{name}\n{:column$}", ""),
        };
        out.extend_from_slice(anchor.as_bytes());
        usize::from(matches!(self, How::Compact(column) if column > 0))
    }
}

/// The word of `word:` at the end of what is written, if nothing but indicators stands before it on
/// its line.
fn key_before(out: &[u8]) -> Option<String> {
    // No further back than this: lines may be long.
    const FAR: usize = 256;
    let text = out[out.len().saturating_sub(FAR)..].strip_suffix(b":")?;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let start = text.iter().rposition(|byte| !is_word(byte)).map_or(0, |at| at + 1);
    let before = text[..start].iter().rposition(|byte| !matches!(byte, b' ' | b'-'));
    let begins = before.map_or(text.len() + 1 == out.len(), |at| text[at] == b'\n');
    let key = std::str::from_utf8(&text[start..]).ok()?;
    (begins && (1..=32).contains(&key.len())).then(|| key.to_owned())
}
