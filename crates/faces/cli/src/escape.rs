//! What is printed shows itself and does nothing else: names and texts of files are escaped.

use std::io::{self, Write};

use cannery::{is_printable, printable_lines};

use crate::style::Style;

/// Marks for where a style begins and ends, in texts that are not printed yet. They are
/// noncharacters, which [`cannery::printable`] escapes: what comes from a file has none.
const BEGIN: char = '\u{fdd0}';
const END: char = '\u{fdef}';

const STYLES: [Style; 5] = [Style::Strong, Style::Faint, Style::Good, Style::Bad, Style::Hint];

/// A text between marks.
pub(crate) fn mark(style: Style, text: &str) -> String {
    let number = STYLES.iter().position(|other| *other == style).unwrap_or_default();
    let begin = char::from_u32(BEGIN as u32 + u32::try_from(number).unwrap_or_default());
    format!("{}{text}{END}", begin.unwrap_or(BEGIN))
}

/// Whether a character is a mark, which takes no room.
pub(crate) fn is_mark(character: char) -> bool {
    (BEGIN..=END).contains(&character)
}

/// A text as it is written: marks as colours where there are any, all else that is not printable
/// escaped.
pub(crate) fn render(text: &str, is_colored: bool) -> String {
    if !is_colored {
        return printable_lines(text).into_owned();
    }
    let mut rendered = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_mark) {
        let mark = piece.chars().next_back().filter(|character| is_mark(*character));
        let plain = &piece[..piece.len() - mark.map_or(0, char::len_utf8)];
        rendered.push_str(&printable_lines(plain));
        if let Some(mark) = mark {
            let number = usize::try_from(mark as u32 - BEGIN as u32).unwrap_or(usize::MAX);
            let code = STYLES.get(number).map_or("0", |style| style.code());
            rendered.extend(["\x1b[", code, "m"]);
        }
    }
    rendered
}

/// Writes JSON, in whose strings it writes what is not printable as `\u009b`: so they mean the
/// same, and show themselves only.
pub(crate) struct JsonEscaper<W> {
    writer: W,
    /// The beginning of a character whose end has not come.
    begun: Vec<u8>,
}

impl<W: Write> JsonEscaper<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { writer, begun: Vec::new() }
    }

    fn write_text(&mut self, text: &str) -> io::Result<()> {
        // A control character outside of strings can only be layout; inside, JSON has escaped it.
        let is_dangerous = |c: char| c > '\x1f' && !is_printable(c);
        let mut rest = text;
        while let Some(at) = rest.find(is_dangerous) {
            self.writer.write_all(&rest.as_bytes()[..at])?;
            let character = rest[at..].chars().next().unwrap_or_default();
            write!(self.writer, "\\u{:04x}", character as u32)?;
            rest = &rest[at + character.len_utf8()..];
        }
        self.writer.write_all(rest.as_bytes())
    }

    /// Writes all whole characters; returns how many bytes at the end are a part of one.
    fn write_bytes(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        loop {
            let Err(error) = std::str::from_utf8(bytes) else {
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                return self.write_text(text).map(|()| 0);
            };
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            self.write_text(std::str::from_utf8(valid).unwrap_or_default())?;
            let Some(len) = error.error_len() else { return Ok(rest.len()) };
            self.writer.write_all("\u{fffd}".as_bytes())?;
            bytes = &rest[len..];
        }
    }
}

impl<W: Write> Write for JsonEscaper<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let joined;
        let all = if self.begun.is_empty() {
            bytes
        } else {
            joined = [&self.begun, bytes].concat();
            &joined
        };
        let left = self.write_bytes(all)?;
        let begun = all[all.len() - left..].to_vec();
        self.begun = begun;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_become_colours() {
        let text = format!("{}  \x1b[2J\u{9b}", mark(Style::Good, "ok"));
        assert_eq!(render(&text, true), "\x1b[32mok\x1b[0m  \\u{1b}[2J\\u{9b}");
        assert_eq!(render("\u{fdd3}", false), "\\u{fdd3}");
    }

    #[test]
    fn json_means_the_same_and_shows_itself() {
        let text = "{\"a\u{9b}é\": \"\u{202e}\u{7f}漢\"}\n";
        for len in 1..text.len() {
            let mut out = Vec::new();
            let mut escaper = JsonEscaper::new(&mut out);
            text.as_bytes().chunks(len).for_each(|part| escaper.write_all(part).unwrap());
            let shown = String::from_utf8(out).unwrap();
            assert_eq!(shown, "{\"a\\u009bé\": \"\\u202e\\u007f漢\"}\n", "{len}");
        }
        let mut out = Vec::new();
        JsonEscaper::new(&mut out).write_all(b"\"\x9b\"").unwrap();
        assert_eq!(out, "\"\u{fffd}\"".as_bytes());
    }
}
