//! Scalars without quotes (chapter 7.3.3).

use cannery_core::Result;

use super::cursor::leading_spaces;
use super::flow::unquoted_start_error;
use super::{Content, Parser, Scanned};
use crate::ScalarStyle;
use crate::chars::{
    FLOW_PLAIN_STOPS, PLAIN_STOPS, is_blank, is_break, is_flow_indicator, is_separator,
};

impl Parser<'_> {
    /// Scans the plain scalar that begins here; its further lines are indented more than `parent`.
    #[inline]
    pub(super) fn plain(&mut self, parent: isize) -> Result<Scanned> {
        let start = self.cursor.at;
        let brackets = self.in_brackets();
        self.check_plain_start(brackets)?;
        let end = self.plain_line(start, brackets)?;
        self.cursor.at = end;
        let mut scanned = Scanned::source(start, start, end, ScalarStyle::Plain);
        if let Some(next) = self.continuation(end, parent, brackets)? {
            scanned = self.plain_lines(scanned, end, next, parent, brackets)?;
        }
        match self.first_mark {
            Some(mark) if mark < self.cursor.at => self.check_marks(start).map(|()| scanned),
            _ => Ok(scanned),
        }
    }

    /// Refuses a byte order mark in the scalar that began at `start` and ends here.
    #[cold]
    fn check_marks(&self, start: usize) -> Result<()> {
        let Some(at) = super::find_mark(&self.cursor.text[start..self.cursor.at]) else {
            return Ok(());
        };
        let mut here = self.cursor;
        here.at = start + at;
        let error = here.error("a byte order mark is not allowed inside a document");
        Err(error.with_hint("remove it, or write it as `\\ufeff` in double quotes"))
    }

    fn check_plain_start(&self, brackets: bool) -> Result<()> {
        let Some(byte) = self.cursor.peek() else { unreachable!("something stands here") };
        let valid = match byte {
            b'-' | b'?' | b':' => {
                let next = self.cursor.peek_at(1);
                !(is_separator(next) || brackets && next.is_some_and(is_flow_indicator))
            }
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' | b'\t' => false,
            _ => true,
        };
        if valid { Ok(()) } else { Err(unquoted_start_error(self, byte)) }
    }

    /// Where the content of a plain scalar ends that goes on at `from`, on its line, trailing
    /// blanks not counted.
    #[inline]
    fn plain_line(&self, from: usize, brackets: bool) -> Result<usize> {
        let bytes = self.cursor.bytes;
        let stops = if brackets { &FLOW_PLAIN_STOPS } else { &PLAIN_STOPS };
        let mut at = from;
        loop {
            let rest = &bytes[at..];
            at += rest.iter().position(|&b| stops[usize::from(b)]).unwrap_or(rest.len());
            match bytes.get(at) {
                Some(b':') => {
                    let next = bytes.get(at + 1).copied();
                    if is_separator(next) || (brackets && next.is_some_and(is_flow_indicator)) {
                        break;
                    }
                }
                Some(b'#') if at == from || !is_blank(bytes[at - 1]) => {}
                None | Some(b'#' | b'\n' | b'\r' | b',' | b'[' | b']' | b'{' | b'}') => break,
                Some(control) => return Err(self.control_character(at, *control)),
            }
            at += 1;
        }
        let trailing = bytes[from..at].iter().rev().take_while(|&&byte| is_blank(byte)).count();
        Ok(at - trailing)
    }

    #[cold]
    pub(super) fn control_character(&self, at: usize, byte: u8) -> cannery_core::Error {
        let mut here = self.cursor;
        here.at = at;
        here.error(format!("the control character {byte:#04x} is not allowed"))
            .with_hint(format!("write it as `\\x{byte:02x}` in double quotes"))
    }

    /// Where the scalar whose line's content ended at `end` goes on, if it does, and over how many
    /// line breaks.
    #[inline]
    fn continuation(
        &self,
        end: usize,
        parent: isize,
        brackets: bool,
    ) -> Result<Option<(usize, usize)>> {
        let bytes = self.cursor.bytes;
        if bytes.get(end) == Some(&b'\n') {
            // Mostly another line follows, with less indentation than would make it part of this.
            let spaces = leading_spaces(&bytes[end + 1..]);
            let next = bytes.get(end + 1 + spaces);
            if spaces.cast_signed() <= parent && next.is_some_and(|&b| !is_break(b) && b != b'\t') {
                return Ok(None);
            }
        }
        let mut at = end + bytes[end..].iter().take_while(|&&byte| is_blank(byte)).count();
        let mut breaks = 0;
        let mut line = at;
        while let Some(byte) = bytes.get(at).copied().filter(|&b| is_break(b) || is_blank(b)) {
            if is_break(byte) {
                at = self.cursor.after_break(at);
                line = at;
                breaks += 1;
            } else {
                at += 1;
            }
        }
        if breaks == 0 || at >= bytes.len() || bytes[at] == b'#' || self.cursor.is_marker_at(line) {
            return Ok(None);
        }
        let spaces = bytes[line..].iter().take_while(|&&byte| byte == b' ').count();
        if spaces.cast_signed() <= parent || self.plain_line(at, brackets)? == at {
            return Ok(None);
        }
        Ok(Some((at, breaks)))
    }

    /// Scans the further lines: a single break becomes a space, others stay as they are.
    fn plain_lines(
        &mut self,
        first: Scanned,
        mut end: usize,
        next: (usize, usize),
        parent: isize,
        brackets: bool,
    ) -> Result<Scanned> {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.cursor.bytes[first.start..end]);
        let mut next = Some(next);
        while let Some((from, breaks)) = next {
            self.fold(breaks);
            end = self.plain_line(from, brackets)?;
            self.scratch.extend_from_slice(&self.cursor.bytes[from..end]);
            next = self.continuation(end, parent, brackets)?;
        }
        self.go_to(end);
        Ok(Scanned { content: Content::Scratch, multi_line: true, ..first })
    }

    /// Appends what `breaks` line breaks between two lines of text come to.
    pub(super) fn fold(&mut self, breaks: usize) {
        match breaks {
            1 => self.scratch.push(b' '),
            _ => self.scratch.resize(self.scratch.len() + breaks - 1, b'\n'),
        }
    }

    /// Goes to `at`, which may be some lines further.
    pub(super) fn go_to(&mut self, at: usize) {
        let skipped = &self.cursor.bytes[self.cursor.at..at];
        if let Some(last) = memchr::memrchr2(b'\n', b'\r', skipped) {
            self.cursor.at += last;
            // The line feed of a CRLF was found: a carriage return alone breaks a line as well.
            self.cursor.skip_break();
        }
        self.cursor.at = at;
    }
}
