//! Where the documents of JSONL end, found without parsing them.

use cannery_places::RecordEnds;

/// Finds the ends of documents, which may stand on several lines or one behind the other.
///
/// Of text that is no JSON it finds some ends or others: line ends within a string are one, and what
/// stands where no value can stand begins the next document. So little is lost of the documents behind it.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Open brackets.
    depth: usize,
    state: State,
    /// Whether a value may stand at the beginning of what is looked at next.
    takes_value: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// In a string.
    Text,
    /// Behind a backslash in a string.
    Escape,
    /// In a number or word outside of all brackets.
    Scalar,
}

impl Ends {
    /// Goes on behind the byte at a place. Says whether a document ends, before it or behind it.
    #[inline]
    fn step(&mut self, data: &[u8], at: usize) -> Option<Edge> {
        let byte = data[at];
        match self.state {
            State::Text => match byte {
                b'"' => {
                    self.state = State::Between;
                    return (self.depth == 0).then_some(Edge::Behind);
                }
                b'\\' => self.state = State::Escape,
                b'\n' => return Some(self.give_up(Edge::Behind)),
                _ => {}
            },
            State::Escape => self.state = State::Text,
            State::Scalar => match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.state = State::Between;
                    return Some(Edge::Behind);
                }
                b'{' | b'[' | b'"' => return Some(self.give_up(Edge::Before)),
                _ => {}
            },
            State::Between => return self.structure(data, at),
        }
        None
    }

    #[inline]
    fn structure(&mut self, data: &[u8], at: usize) -> Option<Edge> {
        match data[at] {
            b'"' => self.state = State::Text,
            b'{' | b'[' if self.depth > 0 && !takes_value(&data[..at], self.takes_value) => {
                return Some(self.give_up(Edge::Before));
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return (self.depth == 0).then_some(Edge::Behind);
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // The bytes of a byte order mark.
            0xef | 0xbb | 0xbf if self.depth == 0 => {}
            _ if self.depth == 0 => self.state = State::Scalar,
            _ => {}
        }
        None
    }

    #[cold]
    fn give_up(&mut self, edge: Edge) -> Edge {
        *self = Self::default();
        edge
    }
}

/// Whether a value may stand behind this text, in brackets: behind `[`, `,` and `:`. `before` says
/// it of a text of blanks.
fn takes_value(text: &[u8], before: bool) -> bool {
    let last = text.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    last.map_or(before, |byte| matches!(byte, b'[' | b',' | b':'))
}

/// Bytes that mean something within brackets, and those that do within a string.
const STRUCTURE: [bool; 256] = table(b"\"{}[]");
const STRING: [bool; 256] = table(b"\"\\\n");

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

#[derive(Clone, Copy)]
enum Edge {
    Before,
    Behind,
}

impl RecordEnds for Ends {
    fn next_end(&mut self, data: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < data.len() {
            let stops = match self.state {
                State::Text => Some(&STRING),
                State::Between if self.depth > 0 => Some(&STRUCTURE),
                _ => None,
            };
            if let Some(stops) = stops {
                let plain = data[at..].iter().position(|&byte| stops[usize::from(byte)]);
                at += plain.unwrap_or(data.len() - at);
                if at == data.len() {
                    break;
                }
            }
            match self.step(data, at) {
                None => at += 1,
                Some(Edge::Behind) => return Some(at + 1),
                Some(Edge::Before) => return Some(at),
            }
        }
        self.takes_value = takes_value(data, self.takes_value);
        None
    }

    fn is_open(&self) -> bool {
        self.depth > 0 || self.state != State::Between
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str, step: usize) -> Vec<String> {
        let mut ends = Ends::default();
        let (mut found, mut open) = (Vec::new(), String::new());
        for part in text.as_bytes().chunks(step) {
            let mut rest = std::str::from_utf8(part).unwrap();
            while let Some(end) = ends.next_end(rest.as_bytes()) {
                open += &rest[..end];
                found.push(std::mem::take(&mut open).trim().to_owned());
                rest = &rest[end..];
            }
            open += rest;
        }
        if ends.is_open() {
            found.push(open.trim().to_owned());
        }
        found
    }

    #[test]
    fn documents_end_where_their_brackets_do() {
        let cases: [(&str, &[&str]); 8] = [
            ("{\"a\": 1}\n{\"a\": 2}\n", &["{\"a\": 1}", "{\"a\": 2}"]),
            ("{\"a\":\n [1, {}]\n}\n[]", &["{\"a\":\n [1, {}]\n}", "[]"]),
            ("\"}{\" \"\\\"\" 1 true\nnull", &["\"}{\"", "\"\\\"\"", "1", "true", "null"]),
            ("{\"a\": \"}\\\\\"}{}", &["{\"a\": \"}\\\\\"}", "{}"]),
            ("\n\n", &[]),
            ("1{}", &["1", "{}"]),
            ("{\"a\": \"x\n{\"b\": 1}\n", &["{\"a\": \"x", "{\"b\": 1}"]),
            ("{\"a\": [1\n{\"b\": 1}\n{}\n", &["{\"a\": [1", "{\"b\": 1}", "{}"]),
        ];
        for (text, expected) in cases {
            for step in [1, 2, 3, 100] {
                assert_eq!(documents(text, step), expected, "{text:?} by {step}");
            }
        }
    }
}
