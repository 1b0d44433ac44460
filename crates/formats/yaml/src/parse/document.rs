//! Documents: directives, `---`, one node, `...`.

use cannery_core::{ErrorKind, Result};

use super::block::NodeContext;
use super::{OpenState, Parser};
use crate::{Event, Handler, Span};

impl Parser<'_> {
    /// Parses the next document; `false` at the end of the stream.
    pub(crate) fn document(&mut self, handler: &mut impl Handler) -> Result<bool> {
        let Some(explicit) = self.document_start()? else {
            self.check_characters()?;
            return Ok(false);
        };
        handler.event(Span::point(self.cursor.at), Event::DocumentStart { explicit })?;
        if explicit {
            self.cursor.at += 3;
        }
        let place = if explicit { NodeContext::AfterMarker } else { NodeContext::Fresh };
        self.node(-1, place, handler)?;
        while let Some(&frame) = self.open.last() {
            self.step(frame, handler)?;
        }
        let explicit = self.document_end()?;
        self.check_characters()?;
        handler.event(Span::point(self.cursor.at), Event::DocumentEnd { explicit })?;
        Ok(true)
    }

    /// Refuses control characters in what was read: in quotes and comments they were not looked for.
    fn check_characters(&self) -> Result<()> {
        match self.first_control {
            Some(at) if at < self.cursor.at => {
                Err(self.control_character(at, self.cursor.text.as_bytes()[at]))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, frame: OpenState, handler: &mut impl Handler) -> Result<()> {
        match frame {
            OpenState::BlockSequence { indent } => self.block_sequence(indent, handler),
            OpenState::BlockMapping { indent, next } => self.block_mapping(indent, next, handler),
            OpenState::FlowSequence { start, next } => self.flow_sequence(start, next, handler),
            OpenState::FlowPair { next } => self.flow_pair(next, handler),
            OpenState::FlowMapping { start, next } => self.flow_mapping(start, next, handler),
        }
    }

    /// Goes to where the next document begins; says whether `---` stands there, `None` at the end
    /// of the stream.
    fn document_start(&mut self) -> Result<Option<bool>> {
        self.handles.reset();
        let mut directives = false;
        loop {
            self.cursor.skip();
            self.cursor.skip_byte_order_mark();
            let marker = self.cursor.is_marker();
            match self.cursor.peek() {
                Some(b'%') if self.cursor.column() == 0 && !self.open_ended => {
                    self.directive()?;
                    directives = true;
                }
                Some(b'-') if marker => return Ok(Some(true)),
                Some(b'.') if marker && !directives => {
                    self.cursor.at += 3;
                    self.end_line("`...`")?;
                    self.open_ended = false;
                }
                None if !directives => return Ok(None),
                _ if directives => {
                    let message = format!("expected `---`, found {}", self.cursor.found());
                    return Err(self.error(message).with_hint("directives end with a line `---`"));
                }
                _ => return Ok(Some(false)),
            }
        }
    }

    /// Goes past the end of the document; says whether it is `...`.
    fn document_end(&mut self) -> Result<bool> {
        let fresh = self.cursor.skip();
        self.open_ended = true;
        match self.cursor.peek() {
            None => Ok(false),
            Some(b'-') if self.cursor.is_marker() => Ok(false),
            Some(b'.') if self.cursor.is_marker() => {
                self.cursor.at += 3;
                self.end_line("`...`")?;
                self.open_ended = false;
                Ok(true)
            }
            _ => Err(self.leftover(fresh)),
        }
    }

    #[cold]
    pub(super) fn leftover(&self, fresh: bool) -> cannery_core::Error {
        let found = self.cursor.found();
        if self.cursor.peek() == Some(b'#') {
            return self
                .error("expected a blank before the comment")
                .with_hint("a `#` without a blank before it begins no comment");
        }
        if fresh && !self.cursor.is_indented() {
            return self.error("a tab indents this line").with_hint("indent with spaces only");
        }
        if fresh {
            let message = format!("expected the end of the document, found {found}");
            self.error(message).with_hint(
                "this line is indented less than the collection before it, or is no part of it; \
                 documents are separated by `---`",
            )
        } else if self.cursor.is_indicator(b':') {
            self.error("a mapping cannot begin here").with_hint(
                "a key is on one line; put text with `: ` in quotes, and a nested mapping on lines \
                 of its own",
            )
        } else {
            self.error(format!("expected the end of the line, found {found}"))
        }
    }

    /// Goes to the end of the line, where only a comment may stand.
    pub(super) fn end_line(&mut self, after: &str) -> Result<()> {
        let fresh = self.cursor.skip();
        if fresh {
            return Ok(());
        }
        let message =
            format!("expected the end of the line after {after}, found {}", self.cursor.found());
        Err(cannery_core::Error::new(ErrorKind::Syntax, message).at_offset(self.cursor.at as u64))
    }
}
