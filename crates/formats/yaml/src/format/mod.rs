//! A text laid out anew: its indentation, its blanks and its empty lines, and nothing else.
//!
//! Lines stay lines and tokens stay tokens: every comment, quote, anchor and style is the author's.
//! What was laid out is parsed again and must say the same, comment by comment and event by event.

mod options;
mod print;
mod scan;

use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Result};

pub use self::options::FormatOptions;
use self::print::print;
use self::scan::{NodeStyle, Token, scan};
use crate::{Event, Handler, ParseOptions, Properties, Span, parse};

/// Lays out a text; doing it twice changes nothing more.
///
/// ```
/// let text = "a:   1   # one\nb:\n     - x\n     -   {c : [ 1,2 ]}\n";
/// let neat = cannery_yaml::format(text, &Default::default())?;
/// assert_eq!(neat, "a: 1   # one\nb:\n  - x\n  - {c: [1, 2]}\n");
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// As [`parse`]; [`ErrorKind::Unsupported`] for a text that cannot be laid out without a change of
/// what it says.
pub fn format(text: &str, options: &FormatOptions) -> Result<String> {
    let tokens = scan(text, options)?;
    let neat = print(text, &tokens, options);
    let again = scan(&neat, options).map_err(|_| cannot())?;
    let same = events(text)? == events(&neat).map_err(|_| cannot())?
        && comments(text, &tokens).eq(comments(&neat, &again));
    if same { Ok(neat) } else { Err(cannot()) }
}

#[cold]
fn cannot() -> Error {
    Error::new(ErrorKind::Unsupported, "this text cannot be laid out without changing what it says")
        .with_hint("leave it as it is; its author chose its layout with care")
}

fn comments<'t>(text: &'t str, tokens: &'t [Token]) -> impl Iterator<Item = &'t str> {
    let comments = tokens.iter().filter(|token| token.kind == NodeStyle::Comment);
    comments.map(|token| text[token.start..token.end].trim_end())
}

/// What a text says, with how it says it.
fn events(text: &str) -> Result<String> {
    let mut events = Events(String::with_capacity(text.len() * 2));
    parse(text, &ParseOptions::default(), &mut events)?;
    Ok(events.0)
}

struct Events(String);

impl Events {
    fn add(&mut self, what: &str, properties: &Properties<'_>) {
        let Properties { anchor, tag, .. } = properties;
        let _ = writeln!(self.0, "{what} {anchor:?} {tag:?}");
    }
}

impl Handler for Events {
    fn event(&mut self, _span: Span, event: Event<'_>) -> Result<()> {
        match event {
            Event::Scalar { properties, text, style } => {
                self.add(&format!("{style:?} {text:?}"), properties);
            }
            Event::SequenceStart { properties, flow } => {
                self.add(if flow { "[" } else { "-" }, properties);
            }
            Event::MappingStart { properties, flow } => {
                self.add(if flow { "{" } else { "?" }, properties);
            }
            other => {
                let _ = writeln!(self.0, "{other:?}");
            }
        }
        Ok(())
    }
}
