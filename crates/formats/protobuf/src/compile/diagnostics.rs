//! What is wrong with schemas: file, line, column and the line itself with a caret below.

use std::fmt::{self, Write};
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Pos};

/// Everything that is wrong with the schemas of one run, in the order in which it was found.
#[derive(Clone, Debug, Default)]
pub struct SchemaErrors(pub Vec<SchemaError>);

/// One thing that is wrong with a schema.
#[derive(Clone, Debug)]
pub struct SchemaError {
    /// The path by which the file is imported.
    pub file: String,
    /// Where in it; unknown where the schema came from a descriptor set.
    pub pos: Option<Pos>,
    /// What was expected and what was found.
    pub message: String,
    /// The line, for the caret.
    pub source: Option<String>,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)?;
        let Some(pos) = self.pos else { return Ok(()) };
        write!(f, " at {pos}")?;
        let Some(source) = &self.source else { return Ok(()) };
        let before = source.chars().take(usize::try_from(pos.column).unwrap_or(1) - 1);
        // A tab stays one, so that the caret lies below its character.
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "\n  | {source}\n  | {indent}^")
    }
}

impl fmt::Display for SchemaErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SchemaErrors {}

impl From<SchemaErrors> for Error {
    fn from(errors: SchemaErrors) -> Self {
        Error::new(ErrorKind::Syntax, errors.to_string())
    }
}

/// The text of a file, for positions.
#[derive(Clone, Debug)]
pub(crate) struct SourceText {
    pub(crate) name: String,
    pub(crate) text: Arc<[u8]>,
}

/// Collects what is wrong with one file.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    source: SourceText,
    pub(crate) errors: Vec<SchemaError>,
}

/// This many errors of a file are told; more would bury the first.
const MOST: usize = 100;

impl Diagnostics {
    pub(crate) fn new(source: SourceText) -> Self {
        Self { source, errors: Vec::new() }
    }

    pub(crate) fn error(&mut self, at: u32, message: impl Into<String>) {
        if self.is_full() {
            return;
        }
        let text = &self.source.text;
        let offset = (at as usize).min(text.len());
        let has_text = !text.is_empty();
        let start = text[..offset].iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let end =
            text[offset..].iter().position(|&b| b == b'\n').map_or(text.len(), |i| i + offset);
        let line = String::from_utf8_lossy(&text[start..end]);
        let shown = line.trim_end();
        let source = (has_text && shown.len() < 400).then(|| shown.to_owned());
        let pos = has_text.then(|| Pos::locate(text, u64::from(at)));
        let file = self.source.name.clone();
        self.errors.push(SchemaError { file, pos, message: message.into(), source });
    }

    /// Whether no further error is told: there is nothing to be found then.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MOST
    }

    /// Whether the file came as text, and not from a descriptor set.
    pub(crate) fn has_text(&self) -> bool {
        !self.source.text.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }
}
