//! Text from files, made harmless for a terminal before it is shown.
//!
//! A name in a file may hold what moves the cursor, retitles the window or turns the line around.
//! What is shown goes through here: such characters are written as escapes (`\u{1b}`).

use std::borrow::Cow;

/// Whether a character only shows itself: it is no control character (C0, DEL, C1), does not
/// change the direction of text, and ends no line. Line feeds and tabs are controls, too.
///
/// ```
/// assert!(cannery_core::is_printable('é') && !cannery_core::is_printable('\u{9b}'));
/// ```
#[must_use]
pub fn is_printable(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            // Marks, embeddings, overrides and isolates of the bidirectional algorithm, and the
            // separators of lines and paragraphs that lie between them.
            | '\u{61c}'
            | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            // Noncharacters: programs use them for purposes of their own.
            | '\u{fdd0}'..='\u{fdef}'
    )
}

/// A text for one line: everything that is not [printable](is_printable) as an escape.
///
/// ```
/// assert_eq!(cannery_core::printable("a\x1b[2J\n"), "a\\u{1b}[2J\\n");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, is_printable)
}

/// A text of lines: as [`printable`], but line feeds and tabs stay.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escape(text, |character| matches!(character, '\n' | '\t') || is_printable(character))
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&stays) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if stays(character) {
            escaped.push(character);
        } else {
            escaped.extend(character.escape_default());
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let cases = [
            ("plain é 漢 👍", "plain é 漢 👍"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}31m\x7f", "\\u{9b}31m\\u{7f}"),
            ("a\u{202e}b\u{2066}c\u{200f}d\u{61c}", "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{61c}"),
            ("a\u{2028}b\u{2029}c\u{85}", "a\\u{2028}b\\u{2029}c\\u{85}"),
            ("a\r\tb\n", "a\\r\\tb\\n"),
            ("\u{fdd0}", "\\u{fdd0}"),
        ];
        for (text, expected) in cases {
            assert_eq!(printable(text), expected);
            assert!(printable(text).chars().all(is_printable));
        }
        assert_eq!(printable_lines("a\r\tb\n\x1b"), "a\\r\tb\n\\u{1b}");
        assert!(matches!(printable_lines("a\n"), Cow::Borrowed(_)));
    }
}
