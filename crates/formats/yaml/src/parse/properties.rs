//! Anchors, aliases and tags (chapters 6.9 and 7.1).

use std::borrow::Cow;

use cannery_core::Result;

use super::Parser;
use super::directives::unescape;
use crate::Properties;
use crate::chars::{is_blank, is_break, is_flow_indicator, is_separator};

/// A byte of a tag behind its handle (production `ns-tag-char`), or of a character beyond ASCII,
/// which other readers let through as well.
fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-#;/?:@&=+$_.~*'()%".contains(&byte)
}

impl<'a> Parser<'a> {
    /// Whether an anchor or a tag begins here.
    #[inline]
    pub(super) fn has_property(&self) -> bool {
        matches!(self.cursor.peek(), Some(b'&' | b'!'))
    }

    /// Reads the anchor or tag that begins here.
    pub(super) fn property(&mut self, properties: &mut Properties<'a>) -> Result<()> {
        if self.cursor.peek() == Some(b'&') {
            if properties.anchor.is_some() {
                return Err(self.error("a second anchor for one node"));
            }
            properties.anchor = Some(self.anchor_name("an anchor")?);
        } else {
            if properties.tag.is_some() {
                return Err(self.error("a second tag for one node"));
            }
            properties.tag = Some(self.tag()?);
        }
        properties.end = self.cursor.at;
        self.property_end()
    }

    /// Adds the properties on a line of their own to those on the line of the node.
    pub(super) fn merge(
        &self,
        outer: Properties<'a>,
        inner: Properties<'a>,
    ) -> Result<Properties<'a>> {
        if outer.anchor.is_some() && inner.anchor.is_some() {
            return Err(self.error("a second anchor for one node"));
        }
        if outer.tag.is_some() && inner.tag.is_some() {
            return Err(self.error("a second tag for one node"));
        }
        let end = outer.end.max(inner.end);
        Ok(Properties { anchor: outer.anchor.or(inner.anchor), tag: outer.tag.or(inner.tag), end })
    }

    /// Reads the name after `&` or `*`.
    pub(super) fn anchor_name(&mut self, what: &str) -> Result<&'a str> {
        self.cursor.at += 1;
        let start = self.cursor.at;
        let ends = |byte| is_blank(byte) || is_break(byte) || is_flow_indicator(byte);
        while self.cursor.peek().is_some_and(|byte| !ends(byte)) {
            self.cursor.at += 1;
        }
        if start == self.cursor.at {
            let message = format!("expected the name of {what}, found {}", self.cursor.found());
            return Err(self.error(message).with_hint("put a text that begins so in quotes"));
        }
        Ok(&self.cursor.text[start..self.cursor.at])
    }

    fn tag(&mut self) -> Result<Cow<'a, str>> {
        if self.cursor.peek_at(1) == Some(b'<') {
            return self.verbatim_tag();
        }
        let start = self.cursor.at;
        let ends = |byte| is_blank(byte) || is_break(byte) || is_flow_indicator(byte);
        while self.cursor.peek().is_some_and(|byte| !ends(byte)) {
            self.cursor.at += 1;
        }
        let tag = &self.cursor.text[start..self.cursor.at];
        if tag == "!" {
            return Ok(Cow::Borrowed(tag));
        }
        // The handle goes to the second `!`, where there is one.
        let split = tag[1..].find('!').map_or(1, |at| at + 2);
        let (handle, suffix) = tag.split_at(split);
        self.resolve_tag(start, handle, suffix)
    }

    fn resolve_tag(&mut self, start: usize, handle: &str, suffix: &'a str) -> Result<Cow<'a, str>> {
        let Some(prefix) = self.handles.prefix(handle) else {
            self.cursor.at = start;
            let hint =
                format!("declare it before the document: `%TAG {handle} tag:example.com,2026:`");
            return Err(self
                .error(format!("the handle `{handle}` is not declared"))
                .with_hint(hint));
        };
        let suffix = match unescape(suffix) {
            Some(unescaped) if !suffix.is_empty() && suffix.bytes().all(is_tag_byte) => unescaped,
            _ => {
                self.cursor.at = start;
                return Err(self
                    .error(format!("expected a name after the handle `{handle}`"))
                    .with_hint(
                        "write other characters than those of a URI as `%` and two digits",
                    ));
            }
        };
        if prefix == "!" && matches!(suffix, Cow::Borrowed(_)) {
            return Ok(Cow::Borrowed(&self.cursor.text[start..self.cursor.at]));
        }
        Ok(Cow::Owned(format!("{prefix}{suffix}")))
    }

    fn verbatim_tag(&mut self) -> Result<Cow<'a, str>> {
        let start = self.cursor.at + 2;
        let rest = &self.cursor.bytes[start..];
        let stop = rest.iter().position(|&byte| byte == b'>' || is_blank(byte) || is_break(byte));
        match stop {
            Some(length) if length > 0 && rest[length] == b'>' => {
                self.cursor.at = start + length + 1;
                Ok(Cow::Borrowed(&self.cursor.text[start..start + length]))
            }
            _ => Err(self.error("expected a tag `!<...>`")),
        }
    }

    /// What follows a property is separated from it.
    fn property_end(&mut self) -> Result<()> {
        let next = self.cursor.peek();
        let in_brackets = self.in_brackets() && next.is_some_and(is_flow_indicator);
        if is_separator(next) || in_brackets {
            return Ok(());
        }
        Err(self.error(format!(
            "expected a blank after an anchor or tag, found {}",
            self.cursor.found()
        )))
    }

    /// Whether the innermost open collection is in brackets.
    pub(super) fn in_brackets(&self) -> bool {
        use super::OpenState::{FlowMapping, FlowPair, FlowSequence};
        matches!(self.open.last(), Some(FlowSequence { .. } | FlowPair { .. } | FlowMapping { .. }))
    }
}
