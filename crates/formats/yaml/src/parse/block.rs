//! Nodes outside of brackets, and the collections that indentation makes (chapter 8).

use cannery_core::Result;

use super::{Content, Item, Next, OpenState, Parser, Scanned};
use crate::chars::is_separator;
use crate::{Event, Handler, Properties, Span};

/// Where a node stands, as far as it matters for what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeContext {
    /// At the beginning of a document without `---`.
    Fresh,
    /// After `---`: no block collection on the same line.
    AfterMarker,
    /// After `-`: a compact collection may follow on the line.
    AfterDash,
    /// After `?`, or the `:` that belongs to it: likewise, and a sequence below may be indented as
    /// little as the indicator.
    AfterIndicator,
    /// After the `:` of a key on the same line: no block collection on it, but a sequence below may
    /// be indented as little as the key.
    AfterKey,
}

/// A node's properties, and what they and its place allow it to be.
struct Opening<'a> {
    /// Properties on lines of their own: those of a collection that begins here.
    outer: Properties<'a>,
    /// Properties on the node's own line: those of its key, if it turns out to be a mapping.
    inner: Properties<'a>,
    /// Where the node with its properties on this line begins.
    column: isize,
    /// Whether a mapping with a key on this line may begin.
    key: bool,
    /// Whether `-` or `?` may stand here.
    indicator: bool,
}

/// Where the first node of a collection stands that began on the same line.
struct Compact {
    parent: isize,
    place: NodeContext,
}

/// Nothing follows on the line that belongs to the node.
#[inline]
fn whole(parsed: Result<()>) -> Result<Option<Compact>> {
    parsed.map(|()| None)
}

impl<'a> Parser<'a> {
    /// Parses the node that belongs to something at indentation `parent`: a scalar or an alias
    /// whole, of a collection the beginning, and of collections that begin on its line those of all.
    pub(super) fn node(
        &mut self,
        mut parent: isize,
        mut place: NodeContext,
        handler: &mut impl Handler,
    ) -> Result<()> {
        // A loop: a line may hold as many of them as the limit for depth allows.
        while let Some(compact) = self.node_or_opening(parent, place, handler)? {
            (parent, place) = (compact.parent, compact.place);
        }
        Ok(())
    }

    fn node_or_opening(
        &mut self,
        parent: isize,
        place: NodeContext,
        handler: &mut impl Handler,
    ) -> Result<Option<Compact>> {
        let start = self.cursor.at;
        let fresh = self.cursor.skip();
        if fresh && self.is_absent(parent, place) {
            return whole(self.empty(&Properties::NONE, handler));
        }
        let compact = matches!(place, NodeContext::AfterDash | NodeContext::AfterIndicator)
            && !self.cursor.bytes[start..self.cursor.at].contains(&b'\t');
        let allowed = if fresh { self.cursor.is_indented() } else { compact };
        let opening = Opening {
            outer: Properties::default(),
            inner: Properties::default(),
            column: self.cursor.column(),
            key: allowed,
            indicator: allowed,
        };
        if self.has_property() {
            self.node_with_properties(parent, place, opening, handler)
        } else {
            self.content(parent, opening, handler)
        }
    }

    /// Whether what comes, on a line of its own, is no part of a node below `parent`.
    #[inline]
    fn is_absent(&self, parent: isize, place: NodeContext) -> bool {
        let spaces = self.cursor.spaces.cast_signed();
        if self.cursor.peek().is_none() || self.cursor.is_marker() {
            return true;
        }
        let as_little = matches!(place, NodeContext::AfterKey | NodeContext::AfterIndicator)
            && spaces == parent;
        spaces <= parent
            && !(as_little && self.cursor.is_indented() && self.cursor.is_indicator(b'-'))
    }

    fn node_with_properties(
        &mut self,
        parent: isize,
        place: NodeContext,
        mut opening: Opening<'a>,
        handler: &mut impl Handler,
    ) -> Result<Option<Compact>> {
        while self.has_property() {
            self.property(&mut opening.inner)?;
            if !self.cursor.skip() {
                opening.indicator = false;
                continue;
            }
            opening.outer = self.merge(opening.outer, std::mem::take(&mut opening.inner))?;
            if self.is_absent(parent, place) {
                return whole(self.empty(&opening.outer, handler));
            }
            opening.column = self.cursor.column();
            opening.key = self.cursor.is_indented();
            opening.indicator = opening.key;
        }
        self.content(parent, opening, handler)
    }

    /// Parses a node behind its properties.
    fn content(
        &mut self,
        parent: isize,
        opening: Opening<'a>,
        handler: &mut impl Handler,
    ) -> Result<Option<Compact>> {
        let separated = is_separator(self.cursor.peek_at(1));
        whole(match self.cursor.peek() {
            Some(indicator @ (b'-' | b'?')) if separated => {
                return self.begin_block(indicator, &opening, handler).map(Some);
            }
            Some(b':') if separated => self.mapping_with_empty_key(&opening, handler),
            Some(b'[' | b'{') => self.brackets(parent, opening, handler),
            Some(b'*') => self.alias_or_key(&opening, handler),
            Some(indicator @ (b'|' | b'>')) => {
                let properties = self.merge(opening.outer, opening.inner)?;
                let scanned = self.block_scalar(indicator, parent)?;
                self.scalar(&properties, scanned, handler)
            }
            _ => {
                let scanned = self.flow_scalar(parent)?;
                self.scalar_or_key(opening, scanned, handler)
            }
        })
    }

    /// Begins a collection of which an indicator stands here, and goes behind that.
    fn begin_block(
        &mut self,
        indicator: u8,
        opening: &Opening<'a>,
        handler: &mut impl Handler,
    ) -> Result<Compact> {
        if !opening.indicator {
            return Err(self.misplaced(opening));
        }
        let (properties, flow, indent) = (&opening.outer, false, opening.column);
        let (event, frame, place) = if indicator == b'-' {
            let event = Event::SequenceStart { properties, flow };
            (event, OpenState::BlockSequence { indent }, NodeContext::AfterDash)
        } else {
            let event = Event::MappingStart { properties, flow };
            (
                event,
                OpenState::BlockMapping { indent, next: Next::ExplicitKey },
                NodeContext::AfterIndicator,
            )
        };
        handler.event(Span::point(self.cursor.at), event)?;
        self.push(frame)?;
        self.skip_indicator(indicator, handler);
        Ok(Compact { parent: indent, place })
    }

    #[cold]
    fn misplaced(&self, opening: &Opening<'_>) -> cannery_core::Error {
        let found = self.cursor.found();
        if opening.inner.is_empty()
            && self.cursor.bytes[self.cursor.line..self.cursor.at].contains(&b'\t')
        {
            return self
                .error(format!("a tab stands before the indicator {found}"))
                .with_hint("indent with spaces only");
        }
        self.error(format!("a block collection cannot begin here, found {found}"))
            .with_hint("begin it on a line of its own, indented")
    }

    fn mapping_with_empty_key(
        &mut self,
        opening: &Opening<'a>,
        handler: &mut impl Handler,
    ) -> Result<()> {
        if !opening.key {
            return Err(self.leftover(false));
        }
        self.begin_mapping(opening, handler)?;
        self.empty(&opening.inner, handler)?;
        self.skip_indicator(b':', handler);
        Ok(())
    }

    /// Begins a mapping whose first key is on this line; its value is expected next.
    fn begin_mapping(&mut self, opening: &Opening<'a>, handler: &mut impl Handler) -> Result<()> {
        let at = usize::try_from(opening.column).map_or(self.cursor.at, |c| self.cursor.line + c);
        handler.event(
            Span::point(at),
            Event::MappingStart { properties: &opening.outer, flow: false },
        )?;
        self.push(OpenState::BlockMapping { indent: opening.column, next: Next::Value })
    }

    fn alias_or_key(&mut self, opening: &Opening<'a>, handler: &mut impl Handler) -> Result<()> {
        let start = self.cursor.at;
        let name = self.anchor_name("an alias")?;
        let is_key = opening.key && self.colon_ahead();
        let unfit = if is_key {
            &opening.inner
        } else {
            &self.merge(opening.outer.clone(), opening.inner.clone())?
        };
        if !unfit.is_empty() {
            self.cursor.at = start;
            return Err(self.error("an alias has no anchor or tag of its own"));
        }
        if is_key {
            self.begin_mapping(opening, handler)?;
        }
        handler.event(Span { start, end: self.cursor.at }, Event::Alias(name))?;
        if is_key {
            self.skip_colon(handler);
        }
        Ok(())
    }

    fn brackets(
        &mut self,
        parent: isize,
        opening: Opening<'a>,
        handler: &mut impl Handler,
    ) -> Result<()> {
        if opening.key && self.is_key_ahead() {
            self.begin_mapping(&opening, handler)?;
            self.expect(Next::Colon);
            return self.begin_flow(opening.column, &opening.inner, handler);
        }
        let properties = self.merge(opening.outer, opening.inner)?;
        self.begin_flow(parent, &properties, handler)
    }

    #[inline]
    fn scalar_or_key(
        &mut self,
        opening: Opening<'a>,
        scanned: Scanned,
        handler: &mut impl Handler,
    ) -> Result<()> {
        if opening.key && !scanned.multi_line && self.colon_ahead() {
            self.begin_mapping(&opening, handler)?;
            self.scalar(&opening.inner, scanned, handler)?;
            self.skip_colon(handler);
            return Ok(());
        }
        if opening.outer.is_empty() {
            return self.scalar(&opening.inner, scanned, handler);
        }
        let properties = self.merge(opening.outer, opening.inner)?;
        self.scalar(&properties, scanned, handler)
    }

    /// A scalar that begins here: quoted or plain.
    #[inline]
    pub(super) fn flow_scalar(&mut self, parent: isize) -> Result<Scanned> {
        match self.cursor.peek() {
            Some(b'"') => self.double_quoted(parent),
            Some(b'\'') => self.single_quoted(parent),
            _ => self.plain(parent),
        }
    }

    /// Whether a `:` follows on this line that makes a key of what stands before it.
    #[inline]
    pub(super) fn colon_ahead(&self) -> bool {
        let mut ahead = self.cursor;
        ahead.skip_blanks();
        ahead.is_indicator(b':')
    }

    #[inline]
    fn skip_colon(&mut self, handler: &mut impl Handler) {
        self.cursor.skip_blanks();
        self.skip_indicator(b':', handler);
    }

    #[inline]
    pub(super) fn skip_indicator(&mut self, indicator: u8, handler: &mut impl Handler) {
        handler.indicator(self.cursor.at, indicator);
        self.cursor.at += 1;
    }

    /// At the next entry of a sequence, or behind it.
    pub(super) fn block_sequence(
        &mut self,
        indent: isize,
        handler: &mut impl Handler,
    ) -> Result<()> {
        let fresh = self.cursor.skip();
        let column = self.cursor.column();
        if self.is_behind(indent, fresh)? {
            return self.end_block(Event::SequenceEnd, handler);
        }
        if column == indent && self.cursor.is_indicator(b'-') {
            return self.block_entry(indent, handler);
        }
        // A sequence that is indented as little as the key above it ends at the next key.
        let beside = self.open.iter().rev().nth(1);
        if column == indent
            && matches!(beside, Some(OpenState::BlockMapping { indent: i, .. }) if *i == indent)
        {
            return self.end_block(Event::SequenceEnd, handler);
        }
        let message = format!("expected `-` or less indentation, found {}", self.cursor.found());
        Err(self
            .error(message)
            .with_hint("the entries of a sequence stand exactly below each other"))
    }

    fn block_entry(&mut self, indent: isize, handler: &mut impl Handler) -> Result<()> {
        self.skip_indicator(b'-', handler);
        self.node(indent, NodeContext::AfterDash, handler)
    }

    /// Whether what comes is behind the block collection at `indent`.
    fn is_behind(&self, indent: isize, fresh: bool) -> Result<bool> {
        if self.cursor.peek().is_none() || self.cursor.is_marker() {
            return Ok(true);
        }
        if !fresh || !self.cursor.is_indented() {
            return Err(self.leftover(fresh));
        }
        Ok(self.cursor.column() < indent)
    }

    fn end_block(&mut self, event: Event<'_>, handler: &mut impl Handler) -> Result<()> {
        self.open.pop();
        handler.event(Span::point(self.cursor.at), event)
    }

    /// At the next key or value of a mapping, or behind it.
    pub(super) fn block_mapping(
        &mut self,
        indent: isize,
        next: Next,
        handler: &mut impl Handler,
    ) -> Result<()> {
        match next {
            Next::Value => {
                self.expect(Next::Key);
                self.node(indent, NodeContext::AfterKey, handler)
            }
            // A key in brackets has ended, on the line it began.
            Next::Colon => {
                self.skip_colon(handler);
                self.expect(Next::Value);
                Ok(())
            }
            Next::ExplicitKey => self.explicit_value(indent, handler),
            Next::Key | Next::Comma => self.block_key(indent, handler),
        }
    }

    fn block_key(&mut self, indent: isize, handler: &mut impl Handler) -> Result<()> {
        let fresh = self.cursor.skip();
        if self.is_behind(indent, fresh)? {
            return self.end_block(Event::MappingEnd, handler);
        }
        if self.cursor.column() > indent {
            let message =
                format!("expected a key below the other keys, found {}", self.cursor.found());
            let hint = "this line is indented more than the keys of its mapping, but is no value";
            return Err(self.error(message).with_hint(hint));
        }
        let separated = is_separator(self.cursor.peek_at(1));
        match self.cursor.peek() {
            Some(b'?') if separated => self.explicit_key(indent, handler),
            Some(b'-') if separated => Err(self
                .error("expected a key, found `-`")
                .with_hint("indent the sequence below its key, or quote the key")),
            _ => self.implicit_key(indent, handler),
        }
    }

    fn explicit_key(&mut self, indent: isize, handler: &mut impl Handler) -> Result<()> {
        self.skip_indicator(b'?', handler);
        self.expect(Next::ExplicitKey);
        self.node(indent, NodeContext::AfterIndicator, handler)
    }

    /// Behind the node after `?`: its value follows after `:`, or is empty.
    fn explicit_value(&mut self, indent: isize, handler: &mut impl Handler) -> Result<()> {
        let fresh = self.cursor.skip();
        self.expect(Next::Key);
        if self.is_behind(indent, fresh)? {
            return self.empty(&Properties::NONE, handler);
        }
        if self.cursor.column() == indent && self.cursor.is_indicator(b':') {
            self.skip_indicator(b':', handler);
            return self.node(indent, NodeContext::AfterIndicator, handler);
        }
        self.empty(&Properties::NONE, handler)
    }

    /// A key with its `:` on one line.
    #[inline]
    fn implicit_key(&mut self, indent: isize, handler: &mut impl Handler) -> Result<()> {
        let mut properties = Properties::NONE;
        while self.has_property() {
            self.property(&mut properties)?;
            if self.cursor.skip() {
                return Err(self.error("expected a key on the line of its anchor or tag"));
            }
        }
        self.expect(Next::Value);
        match self.cursor.peek() {
            Some(b':') if is_separator(self.cursor.peek_at(1)) => {
                self.empty(&properties, handler)?;
            }
            Some(b'[' | b'{') => {
                if !self.is_key_ahead() {
                    return Err(self.no_colon(self.cursor.at));
                }
                self.expect(Next::Colon);
                return self.begin_flow(indent, &properties, handler);
            }
            Some(b'*') => {
                let start = self.cursor.at;
                let name = self.anchor_name("an alias")?;
                if !properties.is_empty() {
                    return Err(self.error("an alias has no anchor or tag of its own"));
                }
                self.require_colon(start)?;
                handler.event(Span { start, end: self.cursor.at }, Event::Alias(name))?;
            }
            _ => {
                let scanned = self.flow_scalar(indent)?;
                if scanned.multi_line {
                    return Err(self.no_colon(scanned.start));
                }
                self.require_colon(scanned.start)?;
                self.scalar(&properties, scanned, handler)?;
            }
        }
        self.skip_colon(handler);
        Ok(())
    }

    #[inline]
    fn require_colon(&self, start: usize) -> Result<()> {
        if self.colon_ahead() { Ok(()) } else { Err(self.no_colon(start)) }
    }

    #[cold]
    fn no_colon(&self, start: usize) -> cannery_core::Error {
        let mut here = self.cursor;
        here.at = start;
        here.error("expected `:` after this key, on the same line")
            .with_hint("a line of a mapping reads `key: value`, with a blank after the `:`")
    }
}

impl Scanned {
    pub(super) fn source(start: usize, from: usize, to: usize, style: crate::ScalarStyle) -> Self {
        Self { start, content: Content::Source(from, to), style, multi_line: false }
    }
}

impl OpenState {
    /// A collection in brackets that begins at `start`.
    pub(super) fn in_brackets(bracket: u8, start: usize) -> Self {
        if bracket == b'[' {
            OpenState::FlowSequence { start, next: Item::Entry }
        } else {
            OpenState::FlowMapping { start, next: Next::Key }
        }
    }
}
