//! Texts of pictures: how long they are, how they are cut, and names as people know them.

use std::time::Duration;

use cannery::{Value, json, printable};

/// What is called so and differs: its name, and what it was and is.
pub type Changed = (String, Option<String>, Option<String>);

/// How long something took, with three digits or so.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_secs() {
        0 => format!("{seconds:.3} s"),
        1..60 => format!("{seconds:.1} s"),
        whole => format!("{}:{:02} min", whole / 60, whole % 60),
    }
}

/// The name of a type as people know it: built-in ones without their module.
#[must_use]
pub fn shown_type(name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let mut shown = String::with_capacity(name.len());
    for piece in name.split_inclusive(|c: char| !is_word(c)) {
        shown.push_str(piece.strip_prefix("builtins.").unwrap_or(piece));
    }
    shown
}

/// A value as JSON, in one line.
pub(crate) fn json_text(value: &Value) -> String {
    let bytes = json::to_vec(value).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| "a value".to_owned())
}

/// Widths of a text in a font of that size, a little more than usual fonts without serifs need.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(char_width).sum::<f64>() * size
}

fn char_width(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | 'I' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' | ' ' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '"' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        'A'..='Z' => 0.72,
        '\0'..='~' => 0.62,
        '\u{300}'..='\u{36f}' => 0.0,
        // Scripts whose characters are as wide as high, and pictures.
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ffe6}' => 1.05,
        '\u{1f000}'.. => 1.3,
        _ => 0.72,
    }
}

/// A text for one line of a picture: escaped where it cannot be printed, and cut in its middle
/// where it is longer than `most`, so that both its beginning and its end can be told.
pub(crate) fn fitted(text: &str, size: f64, most: f64) -> String {
    let text = printable(text);
    if width(&text, size) <= most {
        return text.into_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let mut left = (most - size) / size;
    let (mut head, mut tail) = (0, characters.len());
    while head < tail {
        let (at, is_head) =
            if head <= characters.len() - tail { (head, true) } else { (tail - 1, false) };
        left -= char_width(characters[at]);
        if left < 0.0 {
            break;
        }
        if is_head { head += 1 } else { tail -= 1 }
    }
    let head: String = characters[..head].iter().collect();
    let tail: String = characters[tail..].iter().collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_both_ends() {
        let cut = fitted("the_beginning_of_a_very_long_name_and_its_end", 12.0, 160.0);
        assert!(cut.starts_with("the_beg") && cut.ends_with("its_end"), "{cut}");
        assert!(width(&cut, 12.0) <= 160.0);
        assert_eq!(fitted("short", 12.0, 160.0), "short");
        assert_eq!(fitted("a\u{1b}[2J", 12.0, 160.0), "a\\u{1b}[2J");
    }

    #[test]
    fn types_are_shown_as_people_know_them() {
        let cases = [
            ("builtins.list", "list"),
            ("shop.Order", "shop.Order"),
            ("builtins.dict[builtins.str, x.builtins.T]", "dict[str, x.builtins.T]"),
        ];
        for (name, shown) in cases {
            assert_eq!(shown_type(name), shown);
        }
    }
}
