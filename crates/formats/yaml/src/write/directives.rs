//! What stands before the `---` of every document: `%YAML` and `%TAG`.

use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Result};

use crate::tags;

/// The directives of every document of a writer.
#[derive(Debug, Default)]
pub(super) struct Directives {
    text: String,
    handles: Vec<(String, String)>,
}

impl Directives {
    pub(super) fn new(version: Option<(u8, u8)>, handles: &[(String, String)]) -> Result<Self> {
        let mut text = String::new();
        match version {
            None => {}
            Some((1, minor)) => {
                let _ = writeln!(text, "%YAML 1.{minor}");
            }
            Some((major, minor)) => {
                let message = format!("expected a version 1.x of YAML, found {major}.{minor}");
                return Err(Error::new(ErrorKind::Value, message));
            }
        }
        for (handle, prefix) in handles {
            check(handle, prefix)?;
            let _ = writeln!(text, "%TAG {handle} {prefix}");
        }
        Ok(Self { text, handles: handles.to_vec() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A tag as it is written in these documents.
    pub(super) fn written(&self, tag: &str) -> String {
        tags::written(tag, &self.handles)
    }
}

/// Productions `c-tag-handle` and `ns-tag-prefix`.
fn check(handle: &str, prefix: &str) -> Result<()> {
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let name = handle.strip_prefix('!').map(|rest| rest.strip_suffix('!').unwrap_or(rest));
    let closed = handle.len() == 1 || handle.ends_with('!');
    if !closed || !name.is_some_and(is_word) {
        let message = format!("expected a tag handle, found `{}`", handle.escape_debug());
        return Err(Error::new(ErrorKind::Value, message)
            .with_hint("a handle is `!`, `!!` or a word between two `!`"));
    }
    let is_uri = |b: u8| b.is_ascii_alphanumeric() || b"-#;/?:@&=+$,_.!~*'()[]%".contains(&b);
    if prefix.is_empty() || prefix.starts_with([',', '[', ']']) || !prefix.bytes().all(is_uri) {
        let message = format!("expected the prefix of a tag, found `{}`", prefix.escape_debug());
        return Err(Error::new(ErrorKind::Value, message)
            .with_hint("a prefix begins with `!` or is a URI, such as `tag:example.com,2026:`"));
    }
    Ok(())
}
