//! The edits.

use cannery_core::{Error, ErrorKind, Result, Value};

use super::atoms::{Atom, Piece};
use super::splice::{Change, Splices};
use super::tree::{Entry, NodeId, TreeNodeKind};
use super::value::expanded;
use super::{Document, PathStep, missing};
use crate::Span;

impl Document {
    /// Puts `value` at `path`: in place of what is there, or as a new entry of a mapping.
    ///
    /// Anchors of what is replaced stay; comments beside it stay. In a document without a root the
    /// empty path sets that.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads nowhere, [`ErrorKind::Unsupported`] for values
    /// that YAML lacks, for nodes with a tag, and where the text does not allow the edit,
    /// [`ErrorKind::Reference`] if an anchor would go that is used. The text is unchanged then.
    pub fn set(&mut self, path: &[PathStep], value: &Value) -> Result<()> {
        let value = expanded(value)?;
        if let Some(id) = self.find(path) {
            let parent = match path {
                [] | [PathStep::Document(_)] => None,
                _ => self.entry_at(path).ok(),
            };
            let parent = parent.map(|(parent, index)| (parent, self.tree.entries(parent)[index]));
            return self.replace(id, parent, &value);
        }
        if matches!(path, [] | [PathStep::Document(0)]) && self.tree.roots.is_empty() {
            return self.add_root(&value);
        }
        let [around @ .., PathStep::Key(key)] = path else { return Err(missing(path)) };
        let map = self.require_collection(around)?;
        if !matches!(self.node(map).kind, TreeNodeKind::Mapping { .. }) {
            return Err(missing(path));
        }
        let entry = Value::Map(vec![(key.clone(), value)]);
        self.add_entry(map, self.tree.entries(map).len(), &entry)
    }

    /// Inserts an item before the one at `index` of the sequence at `path`, or behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no sequence, or it has fewer items; and as
    /// [`set`](Self::set).
    pub fn insert(&mut self, path: &[PathStep], index: usize, value: &Value) -> Result<()> {
        let id = self.require_collection(path)?;
        match &self.node(id).kind {
            TreeNodeKind::Sequence { entries, .. } if index <= entries.len() => {
                self.add_entry(id, index, &Value::List(vec![expanded(value)?]))
            }
            _ => Err(missing(&[path, &[PathStep::Index(index)]].concat())),
        }
    }

    /// Inserts an entry before the one at `index` of the mapping at `path`, or behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no mapping, or it has fewer entries; and as
    /// [`set`](Self::set).
    pub fn insert_key(
        &mut self,
        path: &[PathStep],
        index: usize,
        key: &Value,
        value: &Value,
    ) -> Result<()> {
        let id = self.require_collection(path)?;
        match &self.node(id).kind {
            TreeNodeKind::Mapping { entries, .. } if index <= entries.len() => {
                self.add_entry(id, index, &Value::Map(vec![(key.clone(), expanded(value)?)]))
            }
            _ => Err(missing(&[path, &[PathStep::Index(index)]].concat())),
        }
    }

    /// Removes the entry at `path`, with the comments that belong to it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads nowhere, [`ErrorKind::Reference`] if an anchor in
    /// it is used elsewhere.
    pub fn remove(&mut self, path: &[PathStep]) -> Result<()> {
        let (parent, index) = self.entry_at(path)?;
        let entries = self.tree.entries(parent);
        let atoms = self.tree.entry_atoms(entries[index]);
        let pieces = vec![Piece::Old(0..atoms.start), Piece::Old(atoms.end..self.tree.atoms.len())];
        let ways = if entries.len() == 1 {
            self.emptied(parent)
        } else if self.tree.is_flow(parent) {
            self.removed_in_brackets(entries, index)
        } else {
            self.removed_lines(parent, index)
        };
        self.commit(ways.into_iter().map(|(splices, dropped)| Change {
            splices,
            pieces: pieces.clone(),
            dropped: vec![dropped],
            added: Vec::new(),
        }))
    }

    /// Removes the entries at the positions of the collection at `path`: all of them, or none.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_all(&mut self, path: &[PathStep], positions: &[usize]) -> Result<()> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        self.atomically(|document| {
            positions.iter().rev().try_for_each(|&position| {
                document.remove(&[path, &[PathStep::Index(position)]].concat())
            })
        })
    }

    /// Makes several edits, or none if one of them is refused.
    ///
    /// # Errors
    /// That of the edit which was refused.
    pub fn atomically<T>(&mut self, edits: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.clone();
        let result = edits(self);
        if result.is_err() {
            *self = before;
        }
        result
    }

    /// Gives another key to the entry at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads to no entry of a mapping.
    pub fn rename(&mut self, path: &[PathStep], key: &Value) -> Result<()> {
        let (parent, index) = self.entry_at(path)?;
        let id = self.tree.entries(parent)[index].key.ok_or_else(|| missing(path))?;
        let atoms = self.tree[id].atoms.clone();
        let mut new = self.atoms_of(key)?;
        let mut pieces = vec![Piece::Old(0..atoms.start)];
        if let Some(old) = self.tree.atoms[atoms.start].tagging().filter(|t| t.anchor.is_some()) {
            let mut first = new.remove(0);
            if let Some(tagging) = first.tagging_mut() {
                *tagging = old.clone();
            }
            pieces.push(Piece::Changed(atoms.start, first));
        }
        pieces.push(Piece::New(new));
        pieces.push(Piece::Old(atoms.end..self.tree.atoms.len()));
        let span = self.node(id).span;
        let ways = self.key_forms(id, key)?.into_iter().map(|text| Change {
            splices: Splices::default().replace(span.start, span.end, text),
            pieces: pieces.clone(),
            dropped: vec![span],
            added: Vec::new(),
        });
        let ways: Vec<Change> = ways.collect();
        self.commit(ways)
    }

    /// Gives the node at `path` another tag, such as `!point`, or takes its tag away.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads nowhere, [`ErrorKind::Syntax`] if that is no tag,
    /// [`ErrorKind::Unsupported`] for an alias, and where the text does not allow it.
    pub fn set_tag(&mut self, path: &[PathStep], tag: Option<&str>) -> Result<()> {
        let id = self.require(path)?;
        let node = self.node(id);
        if matches!(node.kind, TreeNodeKind::Alias { .. }) {
            return Err(Error::new(ErrorKind::Unsupported, "an alias has no tag of its own")
                .with_hint("set the tag where the anchor is"));
        }
        let old = node.properties.map(|span| self.text[span.start..span.end].to_owned());
        let words = old.iter().flat_map(|old| old.split_whitespace());
        let anchor = words.clone().find(|word| word.starts_with('&'));
        let words: Vec<&str> = anchor.into_iter().chain(tag).collect();
        let properties = words.join(" ");
        let splices = Splices::default();
        let (splices, at) = match node.properties {
            Some(span) if properties.is_empty() => {
                let rest = &self.text[span.end..];
                let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                (splices.remove(span.start, span.end + blanks), span.start)
            }
            Some(span) => (splices.replace(span.start, span.end, properties), span.start),
            None if properties.is_empty() => return Ok(()),
            None => self.first_tag(id, path, &properties),
        };
        let atom = self.tag_atom(id, tag, at)?;
        let range = self.tree[id].atoms.clone();
        let pieces = vec![
            Piece::Old(0..range.start),
            Piece::Changed(range.start, atom),
            Piece::Old(range.start + 1..self.tree.atoms.len()),
        ];
        self.commit([Change { splices, pieces, dropped: Vec::new(), added: Vec::new() }])
    }

    /// Puts properties before a node that has none.
    fn first_tag(&self, id: NodeId, path: &[PathStep], properties: &str) -> (Splices, usize) {
        let node = self.node(id);
        let splices = Splices::default();
        let block = self.tree.is_block_collection(id);
        if let Ok((parent, index)) = self.entry_at(path)
            && (block || node.span.start == node.span.end)
        {
            let entry = self.tree.entries(parent)[index];
            let at = entry.colon.unwrap_or(entry.start) + 1;
            if self.is_first(node.span.start) || node.span.start == node.span.end {
                return (splices.insert(at, format!(" {properties}")), at);
            }
            let pad = " ".repeat(self.column(node.span.start));
            let text = self.with_breaks(&format!("{properties}\n{pad}"));
            return (splices.insert(node.span.start, text), at);
        }
        let blank = if block { self.with_breaks("\n") } else { " ".to_owned() };
        (splices.insert(node.span.start, format!("{properties}{blank}")), node.span.start)
    }

    /// The first atom of a node, with another tag.
    fn tag_atom(&self, id: NodeId, tag: Option<&str>, at: usize) -> Result<Atom> {
        let node = self.node(id);
        let sample = match (tag, &node.kind) {
            (tag, TreeNodeKind::Scalar { .. }) => {
                let text = &self.text[node.span.start..node.span.end];
                let text = if text.contains(['\n', '\r']) { "'text'" } else { text };
                format!("{} {text}", tag.unwrap_or_default())
            }
            (Some(tag), _) => format!("{tag} x"),
            (None, _) => "x".to_owned(),
        };
        let parsed = super::tree::Tree::parse(&sample, &self.options);
        let parsed = parsed.map_err(|_| not_a_tag(tag.unwrap_or_default()).at_offset(at as u64))?;
        let mut atom = self.tree.atoms[self.tree[id].atoms.start].clone();
        let new = match parsed.atoms.get(1).and_then(Atom::tagging) {
            Some(new) if tag.is_none() || new.tag.is_some() => new.tag.clone(),
            _ => return Err(not_a_tag(tag.unwrap_or_default())),
        };
        if let (Atom::Scalar { plain, text, .. }, Some(Atom::Scalar { plain: p, text: t, .. })) =
            (&mut atom, parsed.atoms.get(1))
        {
            *plain = *p;
            if !sample.ends_with("'text'") {
                text.clone_from(t);
            }
        }
        if let Some(tagging) = atom.tagging_mut() {
            tagging.tag = new;
        }
        Ok(atom)
    }

    /// A key on one line: in the quotes that the old one has, or with the least.
    fn key_forms(&self, id: NodeId, key: &Value) -> Result<Vec<String>> {
        let mut forms = Vec::new();
        if let (TreeNodeKind::Scalar { style }, Value::Text(_)) = (&self.node(id).kind, key)
            && matches!(style, crate::ScalarStyle::SingleQuoted | crate::ScalarStyle::DoubleQuoted)
        {
            forms.push(self.layout.quoted(key, *style)?);
        }
        forms.push(self.layout.flow(key)?);
        Ok(forms)
    }

    pub(super) fn entry_at(&self, path: &[PathStep]) -> Result<(NodeId, usize)> {
        let [around @ .., step] = path else { return Err(missing(path)) };
        let parent = self.require_collection(around)?;
        let index = self.tree.entry(parent, step).ok_or_else(|| missing(path))?;
        Ok((parent, index))
    }

    /// The collection at the end of a path, behind its alias if it has one.
    pub(super) fn require_collection(&self, path: &[PathStep]) -> Result<NodeId> {
        self.require(path).map(|id| self.tree.resolved(id))
    }

    /// Gives a root to a stream without documents.
    fn add_root(&mut self, value: &Value) -> Result<()> {
        let text = match super::render::json(value).filter(|_| self.layout.json) {
            Some(json) => json,
            None => self.layout.block(value, 0)?,
        };
        let atoms = [vec![Atom::Document], self.atoms_of(value)?].concat();
        let end = self.text.len();
        let glue =
            if self.text.is_empty() || self.text.ends_with(['\n', '\u{feff}']) { "" } else { "\n" };
        let text = self.with_breaks(&format!("{glue}{text}\n"));
        let pieces = vec![Piece::Old(0..self.tree.atoms.len()), Piece::New(atoms)];
        let splices = Splices::default().insert(end, text);
        self.commit([Change { splices, pieces, dropped: Vec::new(), added: Vec::new() }])
    }

    /// Adds an entry, given as a collection of one, before the one at `index`.
    fn add_entry(&mut self, id: NodeId, index: usize, entry: &Value) -> Result<()> {
        let mut atoms = self.atoms_of(entry)?;
        atoms.remove(0);
        atoms.pop();
        let entries = self.tree.entries(id);
        let range = self.tree[id].atoms.clone();
        let at =
            entries.get(index).map_or(range.end - 1, |&entry| self.tree.entry_atoms(entry).start);
        let pieces =
            vec![Piece::Old(0..at), Piece::New(atoms), Piece::Old(at..self.tree.atoms.len())];
        let ways = if self.tree.is_flow(id) {
            self.added_in_brackets(id, index, entry)?
        } else {
            self.added_lines(id, index, entry)?
        };
        self.commit(ways.into_iter().map(|splices| Change {
            splices,
            pieces: pieces.clone(),
            dropped: Vec::new(),
            added: Vec::new(),
        }))
    }

    /// Takes out the only entry of a collection: empty brackets are left.
    fn emptied(&self, id: NodeId) -> Vec<(Splices, Span)> {
        let node = self.node(id);
        let brackets = if self.tree.is_sequence(id) { "[]" } else { "{}" };
        let splices = Splices::default();
        if self.tree.is_flow(id) {
            return vec![(splices.replace(node.span.start, node.span.end, brackets), node.span)];
        }
        let entry: Entry = self.tree.entries(id)[0];
        let end = self.line_end(node.span.end);
        if self.tree.roots.contains(&id) {
            let below = self.is_first(node.span.start);
            let start = if below { self.first_line(entry) } else { node.span.start };
            return vec![(splices.replace(start, end, brackets), Span { start, end })];
        }
        if !self.is_first(node.span.start) {
            let comment = self.comment_on_line(node.span.start);
            let start = node.span.start;
            let dropped = Span { start: self.line_end(start), end };
            let text = comment.map_or(String::new(), |comment| {
                format!("  {}", &self.text[comment.start..comment.end])
            });
            return vec![(splices.replace(start, end, format!("{brackets}{text}")), dropped)];
        }
        let announced = self.announced(id);
        let line = self.line_end(announced);
        let splices = splices.insert(announced, format!(" {brackets}")).remove(line, end);
        vec![(splices, Span { start: line, end })]
    }

    /// Where what announces a collection below ends: its indicator, or its properties.
    pub(super) fn announced(&self, id: NodeId) -> usize {
        let node = self.node(id);
        if let Some(properties) = node.properties {
            return properties.end;
        }
        let owner = self.tree.ids().find_map(|parent| {
            self.tree.entries(parent).iter().find_map(|entry| {
                let is_key = entry.key == Some(id);
                (entry.value == id || is_key).then(|| match entry.colon {
                    Some(colon) if !is_key => colon + 1,
                    _ => entry.start + 1,
                })
            })
        });
        owner.unwrap_or(node.span.start)
    }
}

#[cold]
fn not_a_tag(tag: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("`{tag}` is no tag"))
        .with_hint("write a tag as YAML does: `!point`, `!!str` or `!<tag:example.com,2026:x>`")
}
