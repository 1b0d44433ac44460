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
    /// Whether a value may stand here: behind `[`, `,` and `:`.
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
    /// Goes on behind one byte. Says whether a document ends, before it or behind it.
    #[inline]
    fn step(&mut self, byte: u8) -> Option<Edge> {
        match self.state {
            State::Text => match byte {
                b'"' => {
                    self.state = State::Between;
                    self.takes_value = false;
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
            State::Between => return self.structure(byte),
        }
        None
    }

    #[inline]
    fn structure(&mut self, byte: u8) -> Option<Edge> {
        match byte {
            b'"' => self.state = State::Text,
            b'{' | b'[' if self.depth > 0 && !self.takes_value => {
                return Some(self.give_up(Edge::Before));
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.takes_value = byte == b'[';
            }
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                self.takes_value = false;
                return (self.depth == 0).then_some(Edge::Behind);
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // The bytes of a byte order mark.
            0xef | 0xbb | 0xbf if self.depth == 0 => {}
            _ if self.depth == 0 => self.state = State::Scalar,
            byte => self.takes_value = matches!(byte, b',' | b':'),
        }
        None
    }

    #[cold]
    fn give_up(&mut self, edge: Edge) -> Edge {
        *self = Self::default();
        edge
    }
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
            if self.state == State::Text {
                let plain = data[at..].iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
                at += plain?;
            }
            match self.step(data[at]) {
                None => at += 1,
                Some(Edge::Behind) => return Some(at + 1),
                Some(Edge::Before) => return Some(at),
            }
        }
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
