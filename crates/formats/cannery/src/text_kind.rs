//! What a text is to those who read JSON and YAML, for scans.

use std::collections::HashMap;

use cannery_core::{Error, ErrorKind, NullSink, Result};
use cannery_json::ReadOptions;
use cannery_pickle::scan::TextKind;
use cannery_yaml::{Event, Handler, ParseOptions, Properties, Span};

/// Errors at texts that some readers of YAML take all the same.
const READ_BY_OTHERS: &[&str] = &[
    "a tab",
    "expected a blank after",
    "a value cannot begin with",
    "expected `,` or",
    "a mapping cannot begin here",
    "a block collection cannot begin here",
    "the control character",
];

/// Nodes that a document may expand to without being suspect, and how many for each that it has.
const MAX_NODES: u64 = 1_000_000;
const MAX_EXPANSION: u64 = 100;

/// Tells documents from prose, in which tags and keys are only quoted.
pub(crate) fn text_kind(text: &str) -> TextKind {
    let text = text.trim_start_matches('\u{feff}');
    match is_json(text) {
        Ok(true) => return TextKind::Data,
        Err(error) if matches!(error.kind(), ErrorKind::Depth | ErrorKind::Limit) => {
            return TextKind::Bomb;
        }
        _ => {}
    }
    let mut nodes = Nodes::default();
    match cannery_yaml::parse(text, &ParseOptions::default(), &mut nodes) {
        Ok(()) => nodes.kind(),
        Err(error) if matches!(error.kind(), ErrorKind::Depth | ErrorKind::Limit) => TextKind::Bomb,
        Err(error) => {
            let is_read =
                READ_BY_OTHERS.iter().any(|beginning| error.message().starts_with(beginning));
            let has_tags = nodes.has_tagged_documents || (is_read && nodes.has_tags);
            if has_tags { TextKind::Tagged } else { TextKind::Prose }
        }
    }
}

/// Whether a text is documents of JSON one behind the other, the first an array or an object.
fn is_json(text: &str) -> Result<bool> {
    let options = ReadOptions::default().nan(true).control_characters(true);
    let mut rest = text.trim_start();
    if !rest.starts_with(['{', '[']) {
        return Ok(false);
    }
    while !rest.is_empty() {
        let end = cannery_json::from_str_prefix(rest, &options, &mut NullSink)?;
        rest = rest[end..].trim_start();
    }
    Ok(true)
}

/// What the nodes of a stream are.
#[derive(Default)]
struct Nodes {
    has_mappings: bool,
    has_tags: bool,
    /// Whether a document that is complete has tags: readers make it before they read on.
    has_tagged_documents: bool,
    /// The nodes of the text, and of what its aliases expand to.
    count: u64,
    expanded: u64,
    /// Nodes below each anchor of the document.
    anchored: HashMap<String, u64>,
    /// The anchors of open collections, and the nodes before them.
    open: Vec<(Option<String>, u64)>,
}

impl Handler for Nodes {
    fn event(&mut self, _: Span, event: Event<'_>) -> Result<()> {
        match event {
            Event::Scalar { properties, .. } => {
                self.look_at(properties);
                if let Some(anchor) = properties.anchor {
                    self.anchored.insert(anchor.to_owned(), 1);
                }
            }
            Event::SequenceStart { properties, .. } => self.begin(properties),
            Event::MappingStart { properties, .. } => {
                self.has_mappings = true;
                self.begin(properties);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((Some(anchor), before)) = self.open.pop() {
                    self.anchored.insert(anchor, self.expanded.saturating_sub(before));
                }
            }
            Event::Alias(anchor) => {
                let nodes = self.anchored.get(anchor).copied().unwrap_or(1);
                self.count += 1;
                self.expanded = self.expanded.saturating_add(nodes);
            }
            Event::DocumentStart { .. } => self.anchored.clear(),
            Event::DocumentEnd { .. } => self.has_tagged_documents |= self.has_tags,
        }
        if self.expanded > MAX_NODES && self.expanded / MAX_EXPANSION > self.count {
            return Err(Error::new(ErrorKind::Limit, "aliases expand to more than the text has"));
        }
        Ok(())
    }
}

impl Nodes {
    fn begin(&mut self, properties: &Properties<'_>) {
        self.open.push((properties.anchor.map(str::to_owned), self.expanded));
        self.look_at(properties);
    }

    fn look_at(&mut self, properties: &Properties<'_>) {
        const STANDARD: &[&str] = &["str", "int", "float", "bool", "null", "map", "seq", "binary"];
        self.count += 1;
        self.expanded = self.expanded.saturating_add(1);
        let Some(tag) = &properties.tag else { return };
        let name = tag.strip_prefix("tag:yaml.org,2002:");
        self.has_tags |= !name.is_some_and(|name| STANDARD.contains(&name));
    }

    fn kind(&self) -> TextKind {
        match self {
            Self { has_tags: true, .. } => TextKind::Tagged,
            Self { has_mappings: true, .. } => TextKind::Data,
            _ => TextKind::Prose,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let line = |(last, next): (char, char)| {
            let aliases = format!("*{last},").repeat(10);
            format!("{next}: &{next} [{aliases}]\n")
        };
        let lines: Vec<String> = ('a'..'i').zip('b'..='i').map(line).collect();
        let bomb = format!("a: &a [x,x,x,x,x,x,x,x,x,x]\n{}", lines.concat());
        let deep = "[".repeat(100_000);
        let cases = [
            ("", TextKind::Prose),
            ("Words, and more words.\n\nAnother line.\n", TextKind::Prose),
            ("{\"a\": [1, NaN]}", TextKind::Data),
            ("{\"a\": 1}\n{\"a\": 2}\n", TextKind::Data),
            ("a: 1\nb: [x]\n", TextKind::Data),
            ("a: !!python/name:os.system ''\n", TextKind::Tagged),
            ("{\"a\": 1}\n---\n!!python/name:os.system ''\n", TextKind::Tagged),
            ("!!python/name:os.system ''\n--- {\n", TextKind::Tagged),
            ("{\"a\": \"!!python/name:os.system ''\"}", TextKind::Data),
            ("Never load `!!python/name:os.system ''`.\n", TextKind::Prose),
            ("# Tags\n\nSee:\n\n```yaml\na: !!python/name:os.system ''\n```\n", TextKind::Prose),
            (&bomb, TextKind::Bomb),
            (&deep, TextKind::Bomb),
        ];
        for (text, expected) in cases {
            let shown: String = text.chars().take(80).collect();
            assert_eq!(text_kind(text), expected, "{shown}");
        }
    }
}
