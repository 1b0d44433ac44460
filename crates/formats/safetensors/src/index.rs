//! The index of a set of files: which tensor lies in which.

use std::collections::HashSet;
use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Result};

use crate::json::{Parser, push_string};

/// How the names of indexes end.
pub const INDEX_SUFFIX: &str = ".index.json";

/// The index of a set of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The names of tensors and, for each, the name of the file that it is in.
    pub weight_map: Vec<(String, String)>,
    /// The bytes of all tensors, as the index claims.
    pub total_size: Option<u64>,
}

impl Index {
    /// Parses an index.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] if it is none; [`ErrorKind::Untrusted`] if a file's name is anything
    /// but plain: with a folder, a drive or a scheme.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let mut parser = Parser::new(text)?;
        let (mut index, mut has_map) = (Self::default(), false);
        parser.object(|parser, key, at| {
            match &*key {
                "weight_map" if has_map => {
                    let message = "the index has `weight_map` twice";
                    return Err(Error::new(ErrorKind::Value, message).at_offset(at as u64));
                }
                "weight_map" => {
                    has_map = true;
                    index.weight_map = weight_map(parser)?;
                }
                "metadata" if parser.peek() == Some(b'{') => {
                    index.total_size = total_size(parser)?;
                }
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        parser.end()?;
        if has_map {
            return Ok(index);
        }
        Err(Error::new(ErrorKind::Syntax, "the index has no `weight_map`"))
    }

    /// The names of the files, each once, in the order of the index.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let files = self.weight_map.iter().map(|(_, file)| file.as_str());
        files.filter(|file| seen.insert(*file)).collect()
    }

    /// The index as text, as the tools of models write it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\n  \"metadata\": {");
        if let Some(size) = self.total_size {
            // Writing to a string does not fail.
            let _ = write!(text, "\n    \"total_size\": {size}\n  ");
        }
        text.push_str("},\n  \"weight_map\": {");
        for (at, (name, file)) in self.weight_map.iter().enumerate() {
            text.push_str(if at == 0 { "\n    " } else { ",\n    " });
            push_string(name, &mut text);
            text.push_str(": ");
            push_string(file, &mut text);
        }
        text.push_str("\n  }\n}\n");
        text
    }
}

fn weight_map(parser: &mut Parser<'_>) -> Result<Vec<(String, String)>> {
    let (mut map, mut names) = (Vec::new(), HashSet::new());
    parser.object(|parser, name, at| {
        if !names.insert(name.clone()) {
            let message = format!("the name `{name}` occurs twice in the index");
            return Err(Error::new(ErrorKind::Value, message).at_offset(at as u64));
        }
        let file_at = parser.position();
        let file = parser.string()?;
        check_name(&file).map_err(|e| e.at_offset(file_at as u64))?;
        map.push((name.into_owned(), file.into_owned()));
        Ok(())
    })?;
    Ok(map)
}

/// The size in the metadata, which tools write as an integer; whatever else it is, it is ignored.
fn total_size(parser: &mut Parser<'_>) -> Result<Option<u64>> {
    let mut size = None;
    parser.object(|parser, key, _| {
        if key == "total_size" && matches!(parser.peek(), Some(b'0'..=b'9')) {
            size = parser.integer()?;
            return Ok(());
        }
        parser.skip()
    })?;
    Ok(size)
}

/// Checks that a file of a set lies beside its index.
fn check_name(name: &str) -> Result<()> {
    let is_plain =
        !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']);
    if is_plain {
        return Ok(());
    }
    let message = format!("expected the plain name of a file in the index, found `{name}`");
    Err(Error::new(ErrorKind::Untrusted, message)
        .with_hint("files of a set lie beside their index; nothing else is opened"))
}
