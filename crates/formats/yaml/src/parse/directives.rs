//! `%YAML` and `%TAG`, and the handles of tags (chapter 6.8).

use std::borrow::Cow;
use std::collections::HashMap;

use cannery_core::Result;

use super::Parser;
use crate::chars::{is_blank, is_break};

/// The tag handles of a document.
#[derive(Default)]
pub(super) struct Handles<'a> {
    declared: HashMap<&'a str, &'a str>,
    version: bool,
}

impl<'a> Handles<'a> {
    pub(super) fn reset(&mut self) {
        self.declared.clear();
        self.version = false;
    }

    /// The prefix that a handle stands for.
    pub(super) fn prefix(&self, handle: &str) -> Option<&'a str> {
        self.declared.get(handle).copied().or(match handle {
            "!" => Some("!"),
            "!!" => Some("tag:yaml.org,2002:"),
            _ => None,
        })
    }
}

impl<'a> Parser<'a> {
    /// Reads the directive that begins here; directives of other names are passed over, as the
    /// specification asks.
    pub(super) fn directive(&mut self) -> Result<()> {
        self.cursor.at += 1;
        if self.cursor.peek().is_some_and(is_blank) {
            return Err(self.error("expected the name of a directive right after `%`"));
        }
        match self.word() {
            "YAML" => self.version(),
            "TAG" => self.tag_handle(),
            "" => Err(self.error("expected the name of a directive after `%`")),
            _ => {
                self.cursor.skip_line();
                Ok(())
            }
        }
    }

    fn version(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.handles.version, true) {
            return Err(self.error("a second `%YAML` directive"));
        }
        let at = self.cursor.at;
        let version = self.word();
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let valid = version.split_once('.').is_some_and(|(a, b)| number(a) && number(b));
        if !valid {
            self.cursor.at = at;
            return Err(self.error(format!("expected a version such as `1.2`, found `{version}`")));
        }
        if !version.starts_with("1.") {
            self.cursor.at = at;
            let message = format!("expected version 1 of YAML, found `{version}`");
            return Err(self.error(message).with_hint("write `%YAML 1.2`, or leave the line out"));
        }
        self.end_line("`%YAML`")
    }

    fn tag_handle(&mut self) -> Result<()> {
        let handle = self.word();
        let inner = handle.strip_prefix('!').map(|rest| rest.strip_suffix('!').unwrap_or(rest));
        let is_word = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let ends = handle == "!" || (handle.len() > 1 && handle.ends_with('!'));
        if !inner.is_some_and(is_word) || !ends {
            return Err(self.error(format!("expected a handle such as `!e!`, found `{handle}`")));
        }
        if self.handles.declared.contains_key(handle) {
            return Err(self.error(format!("a second `%TAG` directive for `{handle}`")));
        }
        let prefix = self.word();
        if prefix.is_empty() {
            return Err(self.error(format!("expected a prefix for `{handle}`")));
        }
        self.handles.declared.insert(handle, prefix);
        self.end_line("`%TAG`")
    }

    /// The next word on this line; empty where there is none.
    fn word(&mut self) -> &'a str {
        self.cursor.skip_blanks();
        let start = self.cursor.at;
        while self.cursor.peek().is_some_and(|byte| !is_blank(byte) && !is_break(byte)) {
            self.cursor.at += 1;
        }
        &self.cursor.text[start..self.cursor.at]
    }
}

/// Resolves `%41` and the like in the suffix of a tag; `None` if it is not UTF-8 then.
pub(super) fn unescape(suffix: &str) -> Option<Cow<'_, str>> {
    if !suffix.contains('%') {
        return Some(Cow::Borrowed(suffix));
    }
    let mut bytes = Vec::with_capacity(suffix.len());
    let mut rest = suffix.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}
