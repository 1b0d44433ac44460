//! Whether the brackets that begin here are a key: known only behind them.

use super::{Cursor, Parser};
use crate::chars::{is_blank, is_break, is_flow_indicator, is_separator};

/// The most characters that an implicit key may have (chapter 7.4.2). It also bounds this scan, so
/// that brackets in brackets cost no more than linear time.
const KEY_LENGTH: usize = 1024;

impl Parser<'_> {
    /// Whether the brackets that begin here end on this line and a `:` follows them.
    pub(super) fn is_key_ahead(&self) -> bool {
        let Some(end) = end_of_brackets(&self.cursor) else { return false };
        let mut ahead = self.cursor;
        ahead.at = end;
        ahead.skip_blanks();
        let next = ahead.peek_at(1);
        let in_brackets = self.in_brackets();
        ahead.peek() == Some(b':') && (in_brackets || is_separator(next))
    }
}

/// Where the brackets that begin here end, if it is on this line.
fn end_of_brackets(cursor: &Cursor<'_>) -> Option<usize> {
    let mut depth = 0;
    // Whether a scalar may begin: quotes inside a plain one are ordinary characters.
    let mut begins = true;
    // Whether quotes or brackets have just ended: a `:` behind them needs no blank behind it.
    let mut closed = false;
    let mut at = cursor.at;
    while at < cursor.bytes.len().min(cursor.at + KEY_LENGTH) {
        let byte = cursor.bytes[at];
        let next = cursor.bytes.get(at + 1).copied();
        let ends = |next: Option<u8>| is_separator(next) || next.is_some_and(is_flow_indicator);
        (begins, closed) = match byte {
            b'[' | b'{' => {
                depth += 1;
                (true, false)
            }
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
                (false, true)
            }
            b'"' | b'\'' if begins => {
                at = end_of_quotes(cursor, at)?;
                (false, true)
            }
            b'&' | b'!' | b'*' if begins => {
                at = end_of_word(cursor, at);
                (true, false)
            }
            b'#' if is_blank(cursor.bytes[at - 1]) => return None,
            b',' => (true, false),
            b':' if closed || ends(next) => (true, false),
            b'?' if begins && ends(next) => (true, false),
            _ if is_break(byte) => return None,
            _ if is_blank(byte) => (begins, closed),
            _ => (false, false),
        };
        at += 1;
    }
    None
}

/// The last byte of the quoted scalar at `start`, if it ends on this line.
fn end_of_quotes(cursor: &Cursor<'_>, start: usize) -> Option<usize> {
    let quote = cursor.bytes[start];
    let mut at = start + 1;
    loop {
        match *cursor.bytes.get(at)? {
            b'\\' if quote == b'"' => at += 1,
            // Two single quotes are one, and no end.
            b'\'' if quote == b'\'' && cursor.bytes.get(at + 1) == Some(&b'\'') => at += 1,
            byte if byte == quote => return Some(at),
            byte if is_break(byte) => return None,
            _ => {}
        }
        at += 1;
    }
}

/// The last byte of the anchor, alias or tag at `start`.
fn end_of_word(cursor: &Cursor<'_>, start: usize) -> usize {
    let ends = |byte: &u8| is_blank(*byte) || is_break(*byte) || is_flow_indicator(*byte);
    let length = cursor.bytes[start + 1..].iter().position(ends);
    start + length.unwrap_or(cursor.bytes.len() - start - 1)
}
