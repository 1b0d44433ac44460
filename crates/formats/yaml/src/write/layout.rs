//! Where nodes go: indentation, indicators and brackets.

use cannery_core::{Result, Text};

use super::anchors::{How, Point};
use super::{Next, OpenOutput, Shape, Writer, lacks};

/// A collection that has begun, but of which nothing is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unwritten {
    shape: Shape,
    place: NodePosition,
    /// Whether its tag stands on the line: then its entries begin on the next.
    tagged: bool,
    mark: Option<u64>,
    offset: usize,
}

/// Bytes of a key before its `:`, beyond which YAML has no key without `?` (8.2.2: 1,024 characters).
const LONGEST_KEY: usize = 1000;

/// What a node stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodePosition {
    /// Nothing, or `---`.
    Root,
    /// `-`, `?`, or the `:` of a key after `?`.
    Indicator,
    /// `key:`.
    Key,
    /// It is a key itself.
    IsKey,
    /// A bracket, a comma or a `:` in brackets.
    Flow,
}

impl Writer {
    /// Writes what stands before a node.
    fn lead(&mut self, is_scalar: bool) -> NodePosition {
        self.write_open();
        let Some(&frame) = self.open.last() else { return NodePosition::Root };
        if frame.flow {
            return self.lead_in_brackets(frame, is_scalar);
        }
        match (frame.shape, frame.next) {
            (Shape::Mapping, Next::Value) => NodePosition::Key,
            (Shape::Mapping, Next::ExplicitValue) => {
                self.new_line();
                self.out.push(b':');
                NodePosition::Indicator
            }
            (Shape::Mapping, _) if is_scalar => {
                self.new_line();
                NodePosition::IsKey
            }
            (shape, _) => {
                self.new_line();
                self.out.push(if shape == Shape::Sequence { b'-' } else { b'?' });
                NodePosition::Indicator
            }
        }
    }

    fn lead_in_brackets(&mut self, frame: OpenOutput, is_scalar: bool) -> NodePosition {
        match frame.next {
            Next::Value => return NodePosition::Flow,
            Next::ExplicitValue => self.out.extend_from_slice(b" : "),
            Next::Entry | Next::Key => {
                self.comma();
                if frame.next == Next::Key && !is_scalar {
                    self.out.extend_from_slice(b"? ");
                } else if frame.next == Next::Key {
                    return NodePosition::IsKey;
                }
            }
        }
        NodePosition::Flow
    }

    fn comma(&mut self) {
        if matches!(self.out.last(), Some(b'[' | b'{')) {
            return;
        }
        if self.options.width.is_some_and(|width| self.column() > width) {
            self.out.push(b',');
            self.new_line();
        } else {
            self.out.extend_from_slice(b", ");
        }
    }

    /// Goes to the line of the next entry, unless it stands on this one.
    fn new_line(&mut self) {
        let frame = self.open.last_mut().expect("an entry is in a collection");
        if std::mem::take(&mut frame.compact) {
            return;
        }
        let indent = frame.indent;
        self.out.push(b'\n');
        self.pad(indent);
    }

    /// A blank, unless nothing stands before.
    fn space(&mut self, place: NodePosition) {
        let alone = self.out.len() == self.start;
        if !alone && !matches!(place, NodePosition::IsKey | NodePosition::Flow) {
            self.out.push(b' ');
        }
    }

    /// Says what comes after the node that was written.
    pub(super) fn end_node(&mut self) {
        let Some(frame) = self.open.last_mut() else { return };
        frame.next = match frame.next {
            Next::Key => Next::ExplicitValue,
            _ => Next::Entry,
        };
    }

    /// Writes everything of a scalar but its content; says also where it begins.
    pub(super) fn begin_scalar(&mut self) -> (NodePosition, usize) {
        let place = self.lead(true);
        let start = self.out.len();
        self.remember_anchor(place);
        if let Some(tag) = self.tag.take() {
            self.space(place);
            self.write_tag(tag.as_text());
            self.out.push(b' ');
        } else {
            self.space(place);
        }
        (place, start)
    }

    /// Writes a scalar.
    #[inline]
    pub(super) fn scalar(&mut self, write: impl FnOnce(&mut Self)) {
        let mark = self.mark;
        let (place, start) = self.begin_scalar();
        write(self);
        if place == NodePosition::IsKey && self.out.len() - start > LONGEST_KEY {
            self.explicit_key(start);
            if let Some(id) = mark {
                // Its anchor moved with it.
                self.anchors.add(id, Point { offset: start + 2, how: How::Before });
            }
        } else if place == NodePosition::IsKey {
            self.end_key();
        } else {
            self.end_node();
        }
    }

    /// The `:` behind a key.
    pub(super) fn end_key(&mut self) {
        let frame = self.open.last_mut().expect("a key is in a mapping");
        frame.next = Next::Value;
        self.out.extend_from_slice(if frame.flow { b": " } else { b":" });
    }

    /// Writes a text key and its `:`.
    #[inline]
    pub(super) fn text_key(&mut self, key: Text<'_>) {
        self.write_open();
        let flow = self.open.last().is_some_and(|frame| frame.flow);
        if flow {
            self.comma();
        } else {
            self.new_line();
        }
        let start = self.out.len();
        self.write_key_text(key, flow);
        if self.out.len() - start > LONGEST_KEY {
            return self.explicit_key(start);
        }
        self.end_key();
    }

    /// Puts `? ` before a key that was written at `start` and is too long for the short form.
    #[cold]
    fn explicit_key(&mut self, start: usize) {
        self.out.splice(start..start, *b"? ");
        let frame = self.open.last_mut().expect("a key is in a mapping");
        frame.next = Next::ExplicitValue;
    }

    /// Writes an alias.
    pub(super) fn write_alias(&mut self, id: u64) -> Result<()> {
        let place = self.lead(true);
        let Some(name) = self.anchors.name(id, &self.out).map(str::to_owned) else {
            return Err(cannery_core::Error::new(
                cannery_core::ErrorKind::Reference,
                format!("an alias for {id}, which was not marked"),
            ));
        };
        self.space(place);
        self.out.push(b'*');
        self.out.extend_from_slice(name.as_bytes());
        if place == NodePosition::IsKey {
            self.out.push(b' ');
            self.end_key();
        } else {
            self.end_node();
        }
        Ok(())
    }

    fn remember_anchor(&mut self, place: NodePosition) {
        let Some(id) = self.mark.take() else { return };
        let alone = self.out.len() == self.start;
        let how = if alone || matches!(place, NodePosition::IsKey | NodePosition::Flow) {
            How::Before
        } else {
            How::Behind
        };
        self.anchors.add(id, Point { offset: self.out.len(), how });
    }

    fn write_tag(&mut self, tag: Text<'_>) {
        let tag = tag.to_str_lossy();
        let written = self.directives.written(&tag);
        self.out.extend_from_slice(written.as_bytes());
    }

    /// Begins a collection; in block style nothing of it is written before it has an entry.
    pub(super) fn begin_collection(&mut self, shape: Shape) -> Result<()> {
        let place = self.lead(false);
        if shape == Shape::Set && self.tag.replace("tag:yaml.org,2002:set".into()).is_some() {
            return Err(lacks("second tag for a set"));
        }
        let flow = std::mem::take(&mut self.flow_next) || self.options.flow;
        if place == NodePosition::Flow || flow {
            self.begin_brackets(shape, place);
            return Ok(());
        }
        let (mark, offset) = (self.mark.take(), self.out.len());
        let tag = self.tag.take();
        if let Some(tag) = &tag {
            self.space(place);
            self.write_tag(tag.as_text());
        }
        self.unwritten = Some(Unwritten { shape, place, tagged: tag.is_some(), mark, offset });
        Ok(())
    }

    fn begin_brackets(&mut self, shape: Shape, place: NodePosition) {
        self.remember_anchor(place);
        self.space(place);
        if let Some(tag) = self.tag.take() {
            self.write_tag(tag.as_text());
            self.out.push(b' ');
        }
        self.out.push(if shape == Shape::Sequence { b'[' } else { b'{' });
        let indent = self.open.last().map_or(0, |frame| frame.indent) + self.options.indent;
        self.open.push(OpenOutput { shape, indent, flow: true, compact: false, next: Next::Entry });
    }

    /// Writes the beginning of a collection that turns out to have an entry.
    #[inline]
    pub(super) fn write_open(&mut self) {
        if let Some(unwritten) = self.unwritten.take() {
            self.open_block(unwritten);
        }
    }

    fn open_block(&mut self, begun: Unwritten) {
        let Unwritten { shape, place, tagged, mark, offset } = begun;
        let around = self.open.last().map_or(0, |frame| frame.indent);
        let flush = shape == Shape::Sequence && !self.options.indent_sequences;
        let indent = match place {
            NodePosition::Indicator => around + 2,
            NodePosition::Key if flush => around,
            NodePosition::Key => around + self.options.indent,
            _ => 0,
        };
        let alone = offset == self.start;
        let compact = !tagged && (place == NodePosition::Indicator || alone);
        if let Some(id) = mark {
            let how = match (compact, alone) {
                (true, _) => How::Compact(indent),
                (false, true) => How::Before,
                (false, false) => How::Behind,
            };
            self.anchors.add(id, Point { offset, how });
        }
        if compact && !alone {
            self.out.push(b' ');
        }
        self.open.push(OpenOutput { shape, indent, flow: false, compact, next: Next::Entry });
    }

    /// Ends the innermost collection.
    pub(super) fn end_collection(&mut self) {
        if let Some(begun) = self.unwritten.take() {
            let alone = self.out.len() == self.start;
            if let Some(id) = begun.mark {
                let how = if alone { How::Before } else { How::Behind };
                self.anchors.add(id, Point { offset: begun.offset, how });
            }
            let brackets: &[u8] = if begun.shape == Shape::Sequence { b"[]" } else { b"{}" };
            if !alone {
                self.out.push(b' ');
            }
            self.out.extend_from_slice(brackets);
        } else if let Some(frame) = self.open.pop().filter(|frame| frame.flow) {
            self.out.push(if frame.shape == Shape::Sequence { b']' } else { b'}' });
        }
        self.end_node();
    }
}
