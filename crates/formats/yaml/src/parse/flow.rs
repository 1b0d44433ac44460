//! Collections in brackets and braces (chapter 7.4).

use cannery_core::{Error, Result};

use super::{Cursor, Item, Next, OpenState, Parser};
use crate::chars::{is_flow_indicator, is_separator};
use crate::{Event, Handler, Properties, Span};

/// Where a node in brackets stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// An entry of a sequence, which is a pair if a `:` follows on its line.
    Entry,
    /// A key or a value.
    Other,
}

impl<'a> Parser<'a> {
    /// Begins the collection whose bracket stands here, below a block collection at `indent`.
    pub(super) fn begin_flow(
        &mut self,
        indent: isize,
        properties: &Properties<'a>,
        handler: &mut impl Handler,
    ) -> Result<()> {
        if !self.in_brackets() {
            self.flow_indent = indent;
        }
        self.open_bracket(properties, handler)
    }

    fn open_bracket(
        &mut self,
        properties: &Properties<'a>,
        handler: &mut impl Handler,
    ) -> Result<()> {
        let (start, flow) = (self.cursor.at, true);
        let bracket = self.cursor.bytes[start];
        let event = if bracket == b'[' {
            Event::SequenceStart { properties, flow }
        } else {
            Event::MappingStart { properties, flow }
        };
        handler.event(Span { start, end: start + 1 }, event)?;
        self.push(OpenState::in_brackets(bracket, start))?;
        self.cursor.at += 1;
        Ok(())
    }

    fn close_bracket(&mut self, event: Event<'_>, handler: &mut impl Handler) -> Result<()> {
        self.open.pop();
        let start = self.cursor.at;
        handler.event(Span { start, end: start + 1 }, event)?;
        self.cursor.at += 1;
        Ok(())
    }

    /// Goes to the next token in brackets.
    #[inline]
    fn skip_in_brackets(&mut self) -> Result<()> {
        if !self.cursor.skip() || self.cursor.at != self.cursor.line + self.cursor.spaces {
            // Not at the beginning of a line, or behind a tab on it.
            return self.check_tab_indentation();
        }
        self.check_indentation()
    }

    #[inline]
    fn check_tab_indentation(&self) -> Result<()> {
        if self.cursor.is_first() { self.check_indentation() } else { Ok(()) }
    }

    /// A line in brackets is indented more than the block collection around them; a closing
    /// bracket need not be, for people write it below the key.
    fn check_indentation(&self) -> Result<()> {
        let enough = self.cursor.spaces.cast_signed() > self.flow_indent;
        match self.cursor.peek() {
            Some(b'-' | b'.') if self.cursor.is_marker() => Err(self.unclosed()),
            None | Some(b']' | b'}') => Ok(()),
            _ if enough => Ok(()),
            _ => Err(self.unclosed().with_hint(
                "close the bracket, or indent the lines in it more than the key or entry it \
                 belongs to, with spaces",
            )),
        }
    }

    /// The error for brackets that have not ended where they must have.
    #[cold]
    fn unclosed(&self) -> Error {
        let bracket = self.open.iter().rev().find_map(|frame| match *frame {
            OpenState::FlowSequence { start, .. } => Some((start, '[', ']')),
            OpenState::FlowMapping { start, .. } => Some((start, '{', '}')),
            _ => None,
        });
        let (start, open, close) = bracket.expect("brackets are open");
        let mut place = cannery_core::Pos::locate(self.cursor.bytes, start as u64);
        place.line += self.lines_before;
        let found = self.cursor.found();
        self.error(format!("expected `,` or `{close}`, found {found}"))
            .with_hint(format!("the `{open}` at {place} is not closed"))
    }

    pub(super) fn flow_sequence(
        &mut self,
        start: usize,
        next: Item,
        handler: &mut impl Handler,
    ) -> Result<()> {
        self.skip_in_brackets()?;
        match (self.cursor.peek(), next) {
            (Some(b']'), _) => self.close_bracket(Event::SequenceEnd, handler),
            (Some(b','), Item::Comma) => {
                self.skip_indicator(b',', handler);
                self.set(OpenState::FlowSequence { start, next: Item::Entry });
                Ok(())
            }
            (Some(byte), Item::Entry) if byte != b',' => {
                self.set(OpenState::FlowSequence { start, next: Item::Comma });
                self.flow_entry(handler)
            }
            _ => Err(self.unclosed()),
        }
    }

    fn set(&mut self, frame: OpenState) {
        *self.open.last_mut().expect("a collection is open") = frame;
    }

    fn flow_entry(&mut self, handler: &mut impl Handler) -> Result<()> {
        if self.cursor.is_indicator(b'?') {
            self.begin_pair(Next::ExplicitKey, handler)?;
            self.skip_indicator(b'?', handler);
            return Ok(());
        }
        self.flow_node(Role::Entry, handler)
    }

    fn begin_pair(&mut self, next: Next, handler: &mut impl Handler) -> Result<()> {
        let properties = &Properties::NONE;
        let here = Span::point(self.cursor.at);
        handler.event(here, Event::MappingStart { properties, flow: true })?;
        self.push(OpenState::FlowPair { next })
    }

    /// Whether `?` or `:` stands here as an indicator.
    #[inline]
    fn is_flow_indicator(&self, indicator: u8) -> bool {
        let next = self.cursor.peek_at(1);
        self.cursor.peek() == Some(indicator)
            && (is_separator(next) || next.is_some_and(is_flow_indicator))
    }

    pub(super) fn flow_pair(&mut self, next: Next, handler: &mut impl Handler) -> Result<()> {
        match next {
            Next::ExplicitKey => {
                self.skip_in_brackets()?;
                self.expect(Next::Colon);
                self.flow_node(Role::Other, handler)
            }
            Next::Colon => {
                let key_end = self.cursor.at;
                self.skip_in_brackets()?;
                self.expect(Next::Value);
                if is_colon(&self.cursor, key_end) {
                    self.skip_indicator(b':', handler);
                    return Ok(());
                }
                self.expect(Next::Comma);
                self.empty(&Properties::NONE, handler)
            }
            Next::Value => {
                self.skip_in_brackets()?;
                self.expect(Next::Comma);
                self.flow_node(Role::Other, handler)
            }
            Next::Key | Next::Comma => {
                self.open.pop();
                handler.event(Span::point(self.cursor.at), Event::MappingEnd)
            }
        }
    }

    pub(super) fn flow_mapping(
        &mut self,
        start: usize,
        next: Next,
        handler: &mut impl Handler,
    ) -> Result<()> {
        let key_end = self.cursor.at;
        self.skip_in_brackets()?;
        let next_is = |next| OpenState::FlowMapping { start, next };
        match (self.cursor.peek(), next) {
            (Some(b'}'), Next::Key | Next::Comma) => self.close_bracket(Event::MappingEnd, handler),
            (Some(b','), Next::Comma) => {
                self.skip_indicator(b',', handler);
                self.set(next_is(Next::Key));
                Ok(())
            }
            (None | Some(b','), Next::Key) | (_, Next::Comma) => Err(self.unclosed()),
            (_, Next::Key) if self.cursor.is_indicator(b'?') => {
                self.skip_indicator(b'?', handler);
                self.set(next_is(Next::ExplicitKey));
                Ok(())
            }
            (_, Next::Key | Next::ExplicitKey) => {
                self.set(next_is(Next::Colon));
                self.flow_node(Role::Other, handler)
            }
            (_, Next::Colon) if is_colon(&self.cursor, key_end) => {
                self.skip_indicator(b':', handler);
                self.set(next_is(Next::Value));
                Ok(())
            }
            (_, Next::Colon) => {
                self.set(next_is(Next::Comma));
                self.empty(&Properties::NONE, handler)
            }
            (_, Next::Value) => {
                self.set(next_is(Next::Comma));
                self.flow_node(Role::Other, handler)
            }
        }
    }

    /// Parses a node in brackets; it is empty where a comma, a bracket or a `:` stands.
    fn flow_node(&mut self, role: Role, handler: &mut impl Handler) -> Result<()> {
        let mut properties = Properties::NONE;
        // The line of the node with its properties: a key is on one line.
        let first = self.cursor.at;
        while self.has_property() {
            self.property(&mut properties)?;
            self.skip_in_brackets()?;
        }
        match self.cursor.peek() {
            None => Err(self.unclosed()),
            Some(b',' | b']' | b'}') => self.empty(&properties, handler),
            Some(b':') if self.is_flow_indicator(b':') => {
                if role == Role::Entry {
                    self.begin_pair(Next::Colon, handler)?;
                }
                self.check_empty_key()?;
                self.empty(&properties, handler)
            }
            Some(b'[' | b'{') => {
                if role == Role::Entry && self.is_key_ahead() {
                    self.begin_pair(Next::Colon, handler)?;
                }
                self.open_bracket(&properties, handler)
            }
            Some(b'*') => self.flow_alias(role, &properties, handler),
            _ => {
                let scanned = self.flow_scalar(self.flow_indent)?;
                let on_line = first >= self.cursor.line && !scanned.multi_line;
                if role == Role::Entry && on_line && self.flow_colon_ahead() {
                    self.begin_pair(Next::Colon, handler)?;
                }
                self.scalar(&properties, scanned, handler)
            }
        }
    }

    /// Behind the `:` of a key that is not there, a value needs a blank before it.
    fn check_empty_key(&self) -> Result<()> {
        match self.cursor.peek_at(1) {
            Some(b'[' | b'{') => Err(self.error("expected a blank between `:` and the value")),
            _ => Ok(()),
        }
    }

    fn flow_alias(
        &mut self,
        role: Role,
        properties: &Properties<'a>,
        handler: &mut impl Handler,
    ) -> Result<()> {
        let start = self.cursor.at;
        if !properties.is_empty() {
            return Err(self.error("an alias has no anchor or tag of its own"));
        }
        let name = self.anchor_name("an alias")?;
        if role == Role::Entry && self.flow_colon_ahead() {
            self.begin_pair(Next::Colon, handler)?;
        }
        handler.event(Span { start, end: self.cursor.at }, Event::Alias(name))
    }

    /// Whether a `:` follows on this line that makes a key of what stands before it.
    #[inline]
    fn flow_colon_ahead(&self) -> bool {
        let mut ahead = self.cursor;
        ahead.skip_blanks();
        is_colon(&ahead, self.cursor.at)
    }
}

/// Whether a `:` stands here that separates a value from its key. Behind quotes and brackets it
/// needs no blank after it.
#[inline]
fn is_colon(cursor: &Cursor<'_>, key_end: usize) -> bool {
    if cursor.peek() != Some(b':') {
        return false;
    }
    let next = cursor.peek_at(1);
    let like_json = key_end > 0 && matches!(cursor.bytes[key_end - 1], b'"' | b'\'' | b']' | b'}');
    like_json || is_separator(next) || next.is_some_and(is_flow_indicator)
}

/// The error for a character that no scalar without quotes can begin with.
#[cold]
pub(super) fn unquoted_start_error(parser: &Parser<'_>, byte: u8) -> Error {
    let found = parser.cursor.found();
    let error = parser.error(format!("a value cannot begin with {found}"));
    match byte {
        b'@' | b'`' => error.with_hint("this character is reserved: put the text in quotes"),
        b'\t' => error.with_hint("indent with spaces only"),
        b'%' => error.with_hint("put the text in quotes; a directive stands before `---`"),
        _ => error.with_hint("put the text in quotes"),
    }
}
