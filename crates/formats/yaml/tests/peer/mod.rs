//! The events of a text, ours and saphyr-parser's, in one form.

pub(crate) mod differences;

use std::collections::HashMap;
use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Limits, Result};
use cannery_yaml::{Event, Handler, ParseOptions, Properties, ScalarStyle, Span, parse};
use saphyr_parser::{Event as Theirs, Parser, ScalarStyle as TheirStyle, Tag};

/// Our events, a line each; an alias has the number of its anchor.
pub(crate) fn ours(text: &str) -> Result<String> {
    let mut log = Log::default();
    let options = ParseOptions::default().limits(Limits::unlimited());
    parse(text, &options, &mut log)?;
    Ok(log.lines)
}

#[derive(Default)]
struct Log {
    lines: String,
    anchors: HashMap<String, usize>,
    count: usize,
}

impl Log {
    fn properties(&mut self, properties: &Properties<'_>) -> (usize, Option<String>) {
        let tag = properties.tag.as_ref().map(ToString::to_string);
        let Some(anchor) = properties.anchor else { return (0, tag) };
        self.count += 1;
        self.anchors.insert(anchor.to_owned(), self.count);
        (self.count, tag)
    }
}

impl Handler for Log {
    fn event(&mut self, _span: Span, event: Event<'_>) -> Result<()> {
        let line = match event {
            Event::DocumentStart { explicit } => format!("+DOC {explicit}"),
            Event::DocumentEnd { .. } => "-DOC".to_owned(),
            Event::Scalar { properties, text, style } => {
                let Some(text) = text.to_str() else {
                    return Err(Error::new(ErrorKind::Unsupported, "half of a surrogate pair"));
                };
                format!("=VAL {:?} {:?} {text:?}", self.properties(properties), letter(style))
            }
            Event::SequenceStart { properties, .. } => {
                format!("+SEQ {:?}", self.properties(properties))
            }
            Event::MappingStart { properties, .. } => {
                format!("+MAP {:?}", self.properties(properties))
            }
            Event::SequenceEnd => "-SEQ".to_owned(),
            Event::MappingEnd => "-MAP".to_owned(),
            Event::Alias(name) => match self.anchors.get(name) {
                Some(number) => format!("=ALI {number}"),
                None => return Err(Error::new(ErrorKind::Reference, "an alias without an anchor")),
            },
        };
        writeln!(self.lines, "{line}").expect("a string takes all");
        Ok(())
    }
}

fn letter(style: ScalarStyle) -> char {
    match style {
        ScalarStyle::Plain => ':',
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        ScalarStyle::Literal => '|',
        ScalarStyle::Folded => '>',
    }
}

/// The peer's events.
pub(crate) fn theirs(text: &str) -> std::result::Result<String, String> {
    let mut lines = String::new();
    for event in Parser::new_from_str(text) {
        let line = match event.map_err(|error| error.to_string())?.0 {
            Theirs::Nothing | Theirs::StreamStart | Theirs::StreamEnd => continue,
            Theirs::DocumentStart(explicit) => format!("+DOC {explicit}"),
            Theirs::DocumentEnd => "-DOC".to_owned(),
            Theirs::Alias(number) => format!("=ALI {number}"),
            Theirs::Scalar(text, style, anchor, tag) => {
                format!("=VAL {:?} {:?} {text:?}", (anchor, written(tag)), their_letter(style))
            }
            Theirs::SequenceStart(anchor, tag) => format!("+SEQ {:?}", (anchor, written(tag))),
            Theirs::MappingStart(anchor, tag) => format!("+MAP {:?}", (anchor, written(tag))),
            Theirs::SequenceEnd => "-SEQ".to_owned(),
            Theirs::MappingEnd => "-MAP".to_owned(),
        };
        writeln!(lines, "{line}").expect("a string takes all");
    }
    Ok(lines)
}

fn written(tag: Option<std::borrow::Cow<'_, Tag>>) -> Option<String> {
    tag.map(|tag| format!("{}{}", tag.handle, tag.suffix))
}

fn their_letter(style: TheirStyle) -> char {
    match style {
        TheirStyle::Plain => ':',
        TheirStyle::SingleQuoted => '\'',
        TheirStyle::DoubleQuoted => '"',
        TheirStyle::Literal => '|',
        TheirStyle::Folded => '>',
    }
}
