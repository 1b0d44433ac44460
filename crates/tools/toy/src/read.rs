//! Lines to events.

use cannery_core::{Container, Error, ErrorKind, Limits, Result, Sink};

/// The first line of every file.
pub(crate) const MAGIC: &[u8] = b"toy\n";

/// Sends the value that a file holds.
pub(crate) fn send(bytes: &[u8], limits: Limits, sink: &mut dyn Sink) -> Result<()> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        Error::new(ErrorKind::Encoding, "the file is not UTF-8").at_offset(e.valid_up_to() as u64)
    })?;
    if !bytes.starts_with(MAGIC) {
        return Err(wrong(text, 0, "a file begins with the line `toy`"));
    }
    let mut open = Vec::new();
    let (mut after_key, mut is_whole) = (false, false);
    let mut at = MAGIC.len();
    for line in text[at..].strip_suffix('\n').unwrap_or_default().split('\n') {
        let in_map = open.last() == Some(&Container::Map) && !after_key;
        after_key = false;
        match line.split_at_checked(1).unwrap_or_default() {
            _ if is_whole => return Err(wrong(text, at, "the value is over, and more follows")),
            (".", key) if in_map => {
                sink.key(unescaped(key).as_str().into())?;
                after_key = true;
            }
            ("}", "") if in_map => close(&mut open, sink)?,
            ("]", "") if open.last() == Some(&Container::List) => close(&mut open, sink)?,
            _ if in_map => return Err(wrong(text, at, "expected a key or `}`")),
            ("[" | "{", "") => {
                if open.len() >= limits.depth {
                    let message = format!("deeper than {} levels", limits.depth);
                    return Err(Error::new(ErrorKind::Depth, message).at_offset(at as u64));
                }
                open.push(if line == "[" { Container::List } else { Container::Map });
                sink.begin(open[open.len() - 1], None)?;
            }
            ("\"", rest) => sink.text(unescaped(rest).as_str().into())?,
            _ => match line {
                "null" => sink.null()?,
                "true" | "false" => sink.bool(line == "true")?,
                number if is_number(number) => sink.number(number)?,
                _ => return Err(wrong(text, at, "no such value")),
            },
        }
        is_whole = open.is_empty() && !after_key;
        at += line.len() + 1;
    }
    if is_whole { Ok(()) } else { Err(wrong(text, bytes.len(), "the value ends too early")) }
}

fn close(open: &mut Vec<Container>, sink: &mut dyn Sink) -> Result<()> {
    open.pop().map_or(Ok(()), |container| sink.end(container))
}

/// Whether a line is a number as JSON has it.
fn is_number(line: &str) -> bool {
    let digits = line.strip_prefix('-').unwrap_or(line);
    let ends = (digits.as_bytes().first(), digits.as_bytes().last());
    let is_framed = matches!(ends, (Some(b'0'..=b'9'), Some(b'0'..=b'9')));
    is_framed && line.parse::<f64>().is_ok()
}

/// `\n` and `\\` as what they stand for.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => characters.next().map_or('\\', |next| if next == 'n' { '\n' } else { next }),
            other => other,
        });
    }
    out
}

#[cold]
fn wrong(text: &str, at: usize, message: &'static str) -> Error {
    Error::new(ErrorKind::Syntax, message).at_offset(at as u64).locate(text.as_bytes())
}
