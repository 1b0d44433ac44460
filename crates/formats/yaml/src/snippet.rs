//! The line of a source where something went wrong, with a caret below it.

use std::fmt::Write as _;

use cannery_core::Pos;

/// Characters of a line that are shown at most: those around the place.
const WIDTH: usize = 76;

/// The line of `pos` in `text`, the line before it, and a caret below its column.
///
/// `pos` must know its line and column (see [`Pos::locate`]); `first_line` is the number of the line
/// that `text` begins with, for parts of a longer stream.
#[must_use]
pub fn snippet(text: &str, pos: Pos, first_line: u64) -> String {
    let index = usize::try_from(pos.line.saturating_sub(first_line)).unwrap_or(usize::MAX);
    let column = usize::try_from(pos.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut lines = text.split('\n').skip(index.saturating_sub(1));
    let before = if index > 0 { lines.next() } else { None };
    let line = lines.next().unwrap_or_default();
    let from = column.saturating_sub(WIDTH * 2 / 3);
    let gutter = pos.line.to_string().len();
    let mut out = String::new();
    if let Some(before) = before.filter(|line| !line.trim().is_empty() && from == 0) {
        let _ = writeln!(out, "{:>gutter$} | {}", pos.line - 1, shown(before, 0));
    }
    let _ = writeln!(out, "{} | {}", pos.line, shown(line, from));
    let cut = usize::from(from > 0);
    let margin: String = line
        .chars()
        .chain(std::iter::repeat(' '))
        .skip(from)
        .take(column - from + cut)
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    let _ = write!(out, "{:gutter$} | {margin}^", "");
    out
}

/// A line from a character on, cut where it is too long, without control characters.
fn shown(line: &str, from: usize) -> String {
    let visible = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    let mut out = String::from(if from > 0 { "…" } else { "" });
    let mut characters = line.trim_end_matches('\r').chars().skip(from).map(visible);
    out.extend(characters.by_ref().take(WIDTH));
    if characters.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> String {
        snippet(text, Pos::locate(text.as_bytes(), offset as u64), 1)
    }

    #[test]
    fn a_caret_stands_below_the_place() {
        insta::assert_snapshot!(at("a: 1\nb: [1, 2\nc: 3\n", 14), @r"
    2 | b: [1, 2
    3 | c: 3
      | ^
    ");
        insta::assert_snapshot!(at("é: x: y\r\n", 6), @r"
    1 | é: x: y
      |      ^
    ");
        insta::assert_snapshot!(at("a:\n\tb: 1", 4), @r"
    1 | a:
    2 | 	b: 1
      | 	^
    ");
        insta::assert_snapshot!(at("", 0), @r"
    1 | 
      | ^
    ");
        insta::assert_snapshot!(at("a: [\n", 5), @r"
    1 | a: [
    2 | 
      | ^
    ");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}!{}", "word ".repeat(40), "rest ".repeat(40));
        insta::assert_snapshot!(at(&text, 200), @r"
    1 | …word word word word word word word word word word !rest rest rest rest rest …
      |                                                    ^
    ");
        insta::assert_snapshot!(at(&text, 3), @r"
    1 | word word word word word word word word word word word word word word word w…
      |    ^
    ");
    }
}
