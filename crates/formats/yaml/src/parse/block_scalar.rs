//! Text after `|` and `>` (chapter 8.1).

use cannery_core::Result;

use super::{Content, Parser, Scanned};
use crate::ScalarStyle;
use crate::chars::{is_blank, is_break};

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Parser<'_> {
    /// Scans the scalar whose indicator stands here, below something at indentation `parent`.
    pub(super) fn block_scalar(&mut self, indicator: u8, parent: isize) -> Result<Scanned> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let (explicit, chomping) = self.block_header()?;
        let indentation = match explicit {
            Some(more) => usize::try_from(parent.max(0)).unwrap_or(0) + more,
            None => self.detect_indentation(parent)?,
        };
        let style = if indicator == b'|' { ScalarStyle::Literal } else { ScalarStyle::Folded };
        self.scratch.clear();
        let trailing = match style {
            ScalarStyle::Literal => self.literal_lines(indentation),
            _ => self.folded_lines(indentation),
        };
        self.check_line_behind()?;
        let has_text = !self.scratch.is_empty();
        let breaks = match chomping {
            Chomping::Strip => 0,
            Chomping::Clip => usize::from(has_text),
            Chomping::Keep => trailing + usize::from(has_text),
        };
        self.scratch.resize(self.scratch.len() + breaks, b'\n');
        let scanned = Scanned::source(start, start, start, style);
        Ok(Scanned { content: Content::Scratch, multi_line: true, ..scanned })
    }

    /// The digit and the sign after the indicator, in either order, and the rest of their line.
    fn block_header(&mut self) -> Result<(Option<usize>, Chomping)> {
        let (mut explicit, mut chomping) = (None, None);
        while let Some(byte) = self.cursor.peek() {
            match byte {
                b'1'..=b'9' if explicit.is_none() => explicit = Some(usize::from(byte - b'0')),
                b'-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                b'+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                _ => break,
            }
            self.cursor.at += 1;
        }
        let header_end = self.cursor.at;
        self.cursor.skip_blanks();
        if self.cursor.peek() == Some(b'#') && self.cursor.at > header_end {
            self.cursor.skip_line();
        }
        match self.cursor.peek() {
            None => {
                self.cursor.begin_line(self.cursor.at);
            }
            Some(byte) if is_break(byte) => self.cursor.skip_break(),
            Some(_) => {
                let message =
                    format!("expected the end of the line, found {}", self.cursor.found());
                return Err(self
                    .error(message)
                    .with_hint("after `|` or `>` come a digit 1 to 9, `+` or `-`, and a comment"));
            }
        }
        Ok((explicit, chomping.unwrap_or(Chomping::Clip)))
    }

    /// The indentation of the first line with text, which empty lines before it may not exceed.
    fn detect_indentation(&self, parent: isize) -> Result<usize> {
        let mut ahead = self.cursor;
        let mut widest = 0;
        loop {
            ahead.at = ahead.line + ahead.spaces;
            match ahead.peek() {
                Some(byte) if is_break(byte) => {
                    widest = widest.max(ahead.spaces);
                    ahead.skip_break();
                }
                None => return Ok(widest.max(ahead.spaces)),
                Some(_) => break,
            }
        }
        let least = usize::try_from(parent + 1).unwrap_or(0);
        if ahead.spaces < least || ahead.is_marker_at(ahead.line) {
            // No text at all: the lines before are the breaks at the end.
            return Ok(widest.max(least));
        }
        if widest > ahead.spaces {
            return Err(ahead
                .error("an empty line above has more spaces than this first line of text")
                .with_hint("remove them, or say the indentation: `|2`"));
        }
        Ok(ahead.spaces)
    }

    /// A line of blanks behind the text is no empty line of it if there is a tab in it.
    fn check_line_behind(&self) -> Result<()> {
        let mut ahead = self.cursor;
        ahead.skip_blanks();
        let blank = self.cursor.column() == 0 && ahead.peek().is_none_or(is_break);
        if blank && !ahead.is_indented() {
            return Err(ahead
                .error("a tab indents this line")
                .with_hint("indent with spaces only"));
        }
        Ok(())
    }

    /// The next line's text, if it belongs to the scalar: empty lines do, whatever their spaces.
    fn block_line(&self, indentation: usize) -> Option<(usize, usize)> {
        let cursor = &self.cursor;
        let rest = &cursor.bytes[cursor.line..];
        if rest.is_empty() || cursor.is_marker_at(cursor.line) && indentation == 0 {
            return None;
        }
        let end = cursor.line + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let text = cursor.line + indentation;
        if cursor.spaces >= indentation {
            return Some((text, end));
        }
        (cursor.line + cursor.spaces == end).then_some((end, end))
    }

    /// Goes past the line that ends at `end`.
    fn end_block_line(&mut self, end: usize) {
        self.cursor.at = end;
        if self.cursor.peek().is_some() {
            self.cursor.skip_break();
        } else {
            self.cursor.begin_line(end);
        }
    }

    /// Copies lines as they are; returns how many empty ones there are at the end.
    fn literal_lines(&mut self, indentation: usize) -> usize {
        let mut empty = 0;
        let mut first = true;
        while let Some((from, to)) = self.block_line(indentation) {
            if from >= to {
                empty += 1;
            } else {
                let breaks = empty + usize::from(!first);
                self.scratch.resize(self.scratch.len() + breaks, b'\n');
                self.scratch.extend_from_slice(&self.cursor.bytes[from..to]);
                (empty, first) = (0, false);
            }
            self.end_block_line(to);
        }
        empty
    }

    /// Copies lines, joined where both are plain text; returns how many empty ones there are at
    /// the end. Lines that begin with a blank are kept apart from their neighbours.
    fn folded_lines(&mut self, indentation: usize) -> usize {
        let mut empty = 0;
        let mut first = true;
        let mut apart = false;
        while let Some((from, to)) = self.block_line(indentation) {
            if from >= to {
                empty += 1;
            } else {
                let was_apart = apart;
                apart = is_blank(self.cursor.bytes[from]);
                match (first, was_apart || apart, empty) {
                    (true, ..) => self.scratch.resize(self.scratch.len() + empty, b'\n'),
                    (_, true, _) => self.scratch.resize(self.scratch.len() + empty + 1, b'\n'),
                    (_, _, 0) => self.scratch.push(b' '),
                    _ => self.scratch.resize(self.scratch.len() + empty, b'\n'),
                }
                self.scratch.extend_from_slice(&self.cursor.bytes[from..to]);
                (empty, first) = (0, false);
            }
            self.end_block_line(to);
        }
        empty
    }
}
