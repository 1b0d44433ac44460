//! A value in place of another.

use cannery_core::{Error, ErrorKind, ExpandAliases, Limits, Result, Source, Value, ValueBuilder};

use super::Document;
use super::atoms::{Atom, Piece};
use super::render::{bare, block_scalar, is_collection, json};
use super::splice::{Change, Splices};
use super::tree::{Entry, NodeId, TreeNodeKind};
use crate::{ReadOptions, ScalarStyle, Span, tags};

/// The column up to which lines after `>` are filled.
const FOLD_WIDTH: usize = 80;

/// One way to write a value.
enum Form {
    /// On the line of what announces it.
    Inline(String),
    /// A header on that line, and lines below.
    Lines { header: String, body: String },
    /// Lines of entries, all but the first indented by `column`.
    Entries { text: String, column: usize },
}

/// Where a value in block style stands, and what is kept around it.
struct Slot {
    /// What the value takes the place of, its properties included where they change.
    region: Span,
    /// Where lines below begin: the end of the indicator, or of properties that are kept.
    announced: usize,
    /// Properties to write before the value.
    lead: String,
    /// The comment behind, with the blanks before it.
    comment: String,
    /// The part whose comments go with the old value.
    dropped: Span,
    /// Whether the value begins its line.
    below: bool,
    /// Whether entries may begin on the line of the indicator.
    compact: bool,
}

impl Document {
    /// Puts a value in place of a node; `entry` is the one it is the value of, in `parent`.
    pub(super) fn replace(
        &mut self,
        id: NodeId,
        parent: Option<(NodeId, Entry)>,
        value: &Value,
    ) -> Result<()> {
        let tag = self.new_tag(id, value)?;
        let atoms = self.atoms_of(value)?;
        let in_flow = parent.is_some_and(|(parent, _)| self.tree.is_flow(parent));
        let changes = if in_flow {
            self.flow_changes(id, parent.map(|(_, entry)| entry), value, tag.as_deref())?
        } else {
            self.block_changes(id, parent, value, tag.as_deref())?
        };
        let pieces = self.replaced_pieces(id, atoms);
        self.commit(changes.into_iter().map(|(splices, dropped)| Change {
            splices,
            pieces: pieces.clone(),
            dropped: vec![dropped],
            added: Vec::new(),
        }))
    }

    /// What a value means in this document, and a refusal if that is not the value.
    pub(super) fn atoms_of(&self, value: &Value) -> Result<Vec<Atom>> {
        let text = self.layout.block_quoted(value, 0)?;
        let mut atoms = super::tree::Tree::parse(&text, &self.options)?.atoms;
        atoms.remove(0);
        if self.options.schema != ReadOptions::default().schema {
            let mut builder = ValueBuilder::new(Limits::default());
            crate::from_str(&text, &self.options, &mut builder)?;
            if format!("{:?}", builder.finish()?) != format!("{value:?}") {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the schema of this document has no such value",
                )
                .with_hint("set it to text, or open the document with another schema"));
            }
        }
        Ok(atoms)
    }

    fn replaced_pieces(&self, id: NodeId, mut atoms: Vec<Atom>) -> Vec<Piece> {
        let range = self.tree[id].atoms.clone();
        let anchor =
            self.tree.atoms[range.start].tagging().and_then(|tagging| tagging.anchor.clone());
        let mut pieces = vec![Piece::Old(0..range.start)];
        if anchor.is_some() {
            let mut first = atoms.remove(0);
            if let Some(tagging) = first.tagging_mut() {
                tagging.anchor = anchor;
            }
            pieces.push(Piece::Changed(range.start, first));
        }
        pieces.push(Piece::New(atoms));
        pieces.push(Piece::Old(range.end..self.tree.atoms.len()));
        pieces
    }

    /// The tag that the new value has of its own, as it is written.
    fn new_tag(&self, id: NodeId, value: &Value) -> Result<Option<String>> {
        let text = self.layout.block(value, 0)?;
        if text.starts_with('!') {
            let end = text.find([' ', '\n']).unwrap_or(text.len());
            return Ok(Some(text[..end].to_owned()));
        }
        match self.tree[id].tag.as_deref() {
            Some(tag) if tags::standard(tag).is_none() => {
                Err(Error::new(ErrorKind::Unsupported, "this value has a tag of its own")
                    .with_hint("set it to a `Tagged` value, or take the tag away first"))
            }
            _ => Ok(None),
        }
    }

    /// The properties of a node with another tag: the anchor stays, and a tag that says the same.
    fn new_properties(&self, id: NodeId, tag: Option<&str>) -> (String, bool) {
        let Some(span) = self.tree[id].properties else {
            return (tag.unwrap_or_default().to_owned(), tag.is_none());
        };
        let old = &self.text[span.start..span.end];
        let words = || old.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
        let old_tag = words().find(|word| word.starts_with('!'));
        if old_tag == tag {
            return (old.to_owned(), true);
        }
        let anchor = words().find(|word| word.starts_with('&'));
        let new: Vec<&str> = anchor.into_iter().chain(tag).collect();
        (new.join(" "), false)
    }

    fn flow_changes(
        &self,
        id: NodeId,
        entry: Option<Entry>,
        value: &Value,
        tag: Option<&str>,
    ) -> Result<Vec<(Splices, Span)>> {
        let node = &self.tree[id];
        let (lead, same) = self.new_properties(id, tag);
        let start = match node.properties {
            Some(properties) if !same => properties.start,
            _ => node.span.start,
        };
        let lead = if same || lead.is_empty() { String::new() } else { format!("{lead} ") };
        let missing_colon = entry.is_some_and(|e| e.key.is_some() && e.colon.is_none());
        let before = self.text[..start].chars().next_back();
        let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '[' | '{' | ','));
        let blank = if apart || start < node.span.end { "" } else { " " };
        let glue = if missing_colon { ": " } else { blank };
        let forms = self.inline_forms(id, value)?;
        let splice = |text: String| {
            let text = format!("{glue}{lead}{text}");
            (Splices::default().replace(start, node.span.end, text), node.span)
        };
        Ok(forms.into_iter().map(splice).collect())
    }

    /// The value on one line, the tag left out; the best first.
    fn inline_forms(&self, id: NodeId, value: &Value) -> Result<Vec<String>> {
        let mut forms = Vec::new();
        if let Some(json) = json(value).filter(|_| self.is_in_json(id)) {
            forms.push(json);
        }
        if let Some(inner) = text_of(value)
            && let TreeNodeKind::Scalar { style } = self.tree[id].kind
            && matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)
        {
            forms.push(self.layout.quoted(&inner, style)?);
        }
        forms.push(without_tag(&self.layout.flow(value)?));
        Ok(forms)
    }

    fn block_changes(
        &self,
        id: NodeId,
        parent: Option<(NodeId, Entry)>,
        value: &Value,
        tag: Option<&str>,
    ) -> Result<Vec<(Splices, Span)>> {
        if let Some((parent, entry)) = parent
            && let (Some(key), None) = (entry.key, entry.colon)
        {
            return self.value_of_lone_key(parent, key, value);
        }
        let slot = self.slot(id, parent, tag);
        let forms = self.block_forms(id, parent.map(|(parent, _)| parent), value)?;
        let changes = forms.iter().flat_map(|form| self.fill(&slot, form));
        Ok(changes.map(|splices| (splices, slot.dropped)).collect())
    }

    /// A value for `? key`, which has none.
    fn value_of_lone_key(
        &self,
        parent: NodeId,
        key: NodeId,
        value: &Value,
    ) -> Result<Vec<(Splices, Span)>> {
        let pad = " ".repeat(self.indent_of(parent));
        let at = self.line_end(self.tree.node_end(key));
        let text = self.with_breaks(&format!("\n{pad}: {}", self.layout.flow(value)?));
        Ok(vec![(Splices::default().insert(at, text), Span::point(at))])
    }

    fn slot(&self, id: NodeId, parent: Option<(NodeId, Entry)>, tag: Option<&str>) -> Slot {
        let node = &self.tree[id];
        let (lead, same) = self.new_properties(id, tag);
        let indicator = parent.map(|(parent, entry)| match entry.colon {
            Some(colon) => colon + 1,
            None if self.tree.is_sequence(parent) => entry.start + 1,
            None => entry.start,
        });
        let announced = match (node.properties, indicator) {
            (Some(properties), _) if same => properties.end,
            (Some(properties), None) => properties.start,
            (_, Some(indicator)) => indicator,
            (None, None) => node.span.start,
        };
        let start = if same || node.properties.is_none() { node.span.start } else { announced };
        let lead = if same { String::new() } else { lead };
        let block = self.tree.is_block_collection(id);
        let is_root = parent.is_none();
        let below = self.is_first(node.span.start) && node.span.start < node.span.end;
        let end = self.line_end(node.span.end);
        let (region, comment, dropped) = if block && below && !(is_root && start == announced) {
            let line = self.line_end(announced);
            let comment = self.text[announced..line].trim_end();
            (Span { start: announced, end }, comment.to_owned(), Span { start: line, end })
        } else if block {
            let line = self.line_end(node.span.start).min(end);
            let comment = if below { None } else { self.comment_on_line(node.span.start) };
            let text = comment.map(|comment| self.with_blanks_before(comment));
            let kept = comment.map_or(node.span.start, |_| line);
            (Span { start, end }, text.unwrap_or_default(), Span { start: kept, end })
        } else {
            let header = matches!(
                node.kind,
                TreeNodeKind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded }
            );
            let comment = if header {
                let comment = self.comment_on_line(node.span.start);
                comment.map(|comment| self.with_blanks_before(comment)).unwrap_or_default()
            } else {
                self.text[node.span.end..end].to_owned()
            };
            let dropped = if header { Span::point(end) } else { node.span };
            (Span { start, end }, comment, dropped)
        };
        let in_sequence = parent.is_some_and(|(parent, _)| self.tree.is_sequence(parent));
        let compact = in_sequence && !(below && block) && announced == indicator.unwrap_or(0);
        let below = below && !block || is_root && self.is_first(start);
        Slot { region, announced, lead, comment, dropped, below, compact }
    }

    fn with_blanks_before(&self, comment: Span) -> String {
        let before = &self.text[..comment.start];
        self.text[before.trim_end_matches([' ', '\t']).len()..comment.end].to_owned()
    }

    /// The ways to write a value in block style, the tag left out; the best first.
    fn block_forms(&self, id: NodeId, parent: Option<NodeId>, value: &Value) -> Result<Vec<Form>> {
        let mut forms = Vec::new();
        let outer = parent.map_or(0, |parent| self.indent_of(parent));
        let in_sequence = parent.is_some_and(|parent| self.tree.is_sequence(parent));
        let stays_flow = self.tree.is_flow(id) && is_collection(value);
        if stays_flow {
            forms.extend(self.inline_forms(id, value)?.into_iter().map(Form::Inline));
        }
        if let Some(inner) = text_of(value) {
            self.text_forms(id, &inner, outer, in_sequence, parent.is_none(), &mut forms)?;
        }
        let step = if in_sequence { 2 } else { self.layout.step(value) };
        let root = parent.is_none();
        let mut columns = vec![if root { 0 } else { outer + step }];
        let indent = self.layout.indent().max(if in_sequence { 2 } else { 1 });
        if !root {
            columns.push(outer + indent);
            if self.same_kind(id, value) {
                columns.insert(0, self.indent_of(id));
            }
        }
        for column in columns {
            let rendered = self.layout.block(value, column)?;
            let text = without_tag(&rendered);
            forms.push(match text.strip_prefix('\n') {
                Some(lines) => Form::Entries { text: lines.trim_start().to_owned(), column },
                None if is_collection(value) => Form::Entries { text, column },
                None => match text.split_once('\n') {
                    Some((header, _)) if header.starts_with(['|', '>']) => {
                        let rendered = without_tag(&self.layout.block(value, outer)?);
                        let (header, body) = rendered.split_once('\n').unwrap_or_default();
                        Form::Lines { header: header.to_owned(), body: body.to_owned() }
                    }
                    _ => Form::Inline(text),
                },
            });
        }
        if text_of(value).is_some() {
            let text = self.layout.quoted(value, ScalarStyle::DoubleQuoted)?;
            forms.push(Form::Inline(without_tag(&text)));
        }
        if !stays_flow {
            forms.push(Form::Inline(without_tag(&self.layout.flow(value)?)));
        }
        Ok(forms)
    }

    fn same_kind(&self, id: NodeId, value: &Value) -> bool {
        self.tree.is_block_collection(id)
            && self.tree.is_sequence(id) == matches!(bare(value), Value::List(_) | Value::Tuple(_))
    }

    /// Text in the style that the old scalar has.
    fn text_forms(
        &self,
        id: NodeId,
        text: &Value,
        outer: usize,
        in_sequence: bool,
        is_root: bool,
        forms: &mut Vec<Form>,
    ) -> Result<()> {
        let node = &self.tree[id];
        let TreeNodeKind::Scalar { style } = node.kind else { return Ok(()) };
        match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let quoted = self.layout.quoted(text, style)?;
                let is_kept = quoted.starts_with('\'') == (style == ScalarStyle::SingleQuoted);
                if is_kept && bare_lines(text) {
                    forms.push(Form::Inline(quoted));
                }
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let step = if in_sequence { 2 } else { self.layout.indent() };
                let column = if is_root { step } else { outer + step };
                let lines = self.text[node.span.start..node.span.end].lines().skip(1);
                let width = lines.map(|line| line.chars().count()).max().unwrap_or(0);
                let folded = style == ScalarStyle::Folded;
                let Value::Text(content) = text else { return Ok(()) };
                let header = self.text[node.span.start..].lines().next().unwrap_or_default();
                let header = header.split('#').next().unwrap_or_default();
                let ends = content.as_str().unwrap_or_default().ends_with('\n');
                // One line that would need another header is better off without any.
                if bare_lines(text) && (ends || !header.contains('-')) {
                    return Ok(());
                }
                for folded in [folded, false] {
                    let lines = content.as_str().and_then(|content| {
                        block_scalar(content, folded, column, step, width.max(FOLD_WIDTH))
                    });
                    forms.extend(lines.map(|(header, body)| Form::Lines { header, body }));
                }
            }
            ScalarStyle::Plain => {}
        }
        Ok(())
    }

    fn fill(&self, slot: &Slot, form: &Form) -> Vec<Splices> {
        let Span { start, end } = slot.region;
        let before = self.text[..start].chars().next_back();
        let glue = if before.is_none_or(char::is_whitespace) { "" } else { " " };
        let lead = &slot.lead;
        let space = if lead.is_empty() { "" } else { " " };
        let comment = &slot.comment;
        let put = |start: usize, text: String| {
            Splices::default().replace(start, end, self.with_breaks(&text))
        };
        match form {
            Form::Inline(text) => vec![put(start, format!("{glue}{lead}{space}{text}{comment}"))],
            Form::Lines { header, body } => {
                let text = format!("{glue}{lead}{space}{header}{comment}\n{body}");
                vec![put(start, text)]
            }
            Form::Entries { text, column } => {
                let pad = " ".repeat(*column);
                let mut found = Vec::new();
                if slot.compact && lead.is_empty() && comment.trim().is_empty() {
                    found.push(put(start, format!("{glue}{text}")));
                }
                if slot.below && lead.is_empty() {
                    let above = match comment.trim() {
                        "" => String::new(),
                        comment => format!("{comment}\n{}", " ".repeat(self.column(start))),
                    };
                    // The first line stands where the old value stood.
                    if self.column(start) == *column {
                        found.push(put(start, format!("{above}{text}")));
                    }
                    let line = self.line_start(start);
                    found.push(put(line, format!("{pad}{above}{text}")));
                }
                let from = self.text[..start].trim_end_matches([' ', '\t']).len();
                let from = from.max(slot.announced.min(start));
                let lead = if lead.is_empty() { String::new() } else { format!(" {lead}") };
                let root = from == 0 || self.text[..from].ends_with(['\n', '\r', '\u{feff}']);
                let lead = if root { lead.trim_start().to_owned() } else { lead };
                found.push(put(from, format!("{lead}{comment}\n{pad}{text}")));
                found
            }
        }
    }

    /// The column of the entries of a block collection.
    pub(super) fn indent_of(&self, id: NodeId) -> usize {
        self.tree.entries(id).first().map_or(0, |entry| self.column(entry.start))
    }

    /// Whether a node stands in brackets all of which is JSON.
    pub(super) fn is_in_json(&self, id: NodeId) -> bool {
        let span = self.tree[id].span;
        let around = |other: &NodeId| {
            let outer = self.tree[*other].span;
            self.tree.is_flow(*other) && outer.start <= span.start && span.end <= outer.end
        };
        let Some(outermost) = self.tree.ids().find(around) else { return false };
        let is_root = self.tree.roots.contains(&outermost);
        let text = &self.text[self.tree[outermost].span.start..self.tree[outermost].span.end];
        (is_root || text.contains('"')) && self.is_json(outermost)
    }

    /// Whether the text is one document of JSON.
    pub(super) fn is_whole_json(&self) -> bool {
        matches!(self.tree.roots[..], [root] if self.tree.is_flow(root) && self.is_json(root))
    }

    fn is_json(&self, id: NodeId) -> bool {
        let node = &self.tree[id];
        if node.properties.is_some() {
            return false;
        }
        let text = &self.text[node.span.start..node.span.end];
        match &node.kind {
            TreeNodeKind::Scalar { style: ScalarStyle::DoubleQuoted } => true,
            TreeNodeKind::Scalar { style: ScalarStyle::Plain } => is_json_word(text),
            TreeNodeKind::Alias { .. } | TreeNodeKind::Scalar { .. } => false,
            TreeNodeKind::Sequence { flow, entries } | TreeNodeKind::Mapping { flow, entries } => {
                let quoted = |key: NodeId| {
                    let kind = &self.tree[key].kind;
                    matches!(kind, TreeNodeKind::Scalar { style: ScalarStyle::DoubleQuoted })
                };
                let in_braces = text.starts_with(['{', '[']);
                *flow
                    && in_braces
                    && entries.last().is_none_or(|entry| entry.comma.is_none())
                    && entries
                        .iter()
                        .all(|entry| entry.key.is_none_or(quoted) && self.is_json(entry.value))
                    && !self.tree.comments.iter().any(|comment| {
                        node.span.start < comment.start && comment.end < node.span.end
                    })
            }
        }
    }
}

fn is_json_word(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    matches!(text, "null" | "true" | "false")
        || digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
}

/// The rendered value without its tag: behind it, with a break if lines follow.
fn without_tag(text: &str) -> String {
    if !text.starts_with('!') {
        return text.to_owned();
    }
    let rest = text.find([' ', '\n']).map_or("", |end| &text[end..]);
    rest.strip_prefix(' ').unwrap_or(rest).to_owned()
}

/// The text that a value is, with a tag or without.
fn text_of(value: &Value) -> Option<Value> {
    match bare(value) {
        Value::Text(_) => Some(bare(value).clone()),
        Value::Object(object) => match &object.parts[..] {
            [(_, part)] if object.type_name.as_str().is_some_and(|n| n.contains(['!', ':'])) => {
                matches!(part, Value::Text(_)).then(|| part.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether text is one line.
fn bare_lines(text: &Value) -> bool {
    matches!(text, Value::Text(text) if text.as_str().is_some_and(|text| !text.contains('\n')))
}

/// The value with what occurs twice written twice: a document's anchors are its own.
pub(super) fn expanded(value: &Value) -> Result<Value> {
    let mut sink = ExpandAliases::new(ValueBuilder::new(Limits::default()), Limits::default());
    value.emit(&mut sink)?;
    sink.into_inner().finish()
}
