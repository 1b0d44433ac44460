//! Where records end, found without parsing them.

use cannery_places::RecordEnds;

/// Which bytes separate fields; quotes are always `"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between fields.
    pub delimiter: u8,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',' }
    }
}

impl Dialect {
    /// The dialect of a text that begins so: the comma, unless its first record has none and has
    /// semicolons, tabs or vertical bars outside of quotes.
    #[must_use]
    pub fn of_start(start: &[u8]) -> Self {
        let end = Ends::new(Self::default()).next_end(start).unwrap_or(start.len());
        let mut counts = [0_usize; 4];
        let mut is_quoted = false;
        for &byte in &start[..end] {
            is_quoted ^= byte == b'"';
            if let Some(at) = Self::DELIMITERS.iter().position(|&one| one == byte)
                && !is_quoted
            {
                counts[at] += 1;
            }
        }
        let most = (1..4).rev().max_by_key(|&at| counts[at]).filter(|&at| counts[at] > 0);
        let at = if counts[0] > 0 { 0 } else { most.unwrap_or(0) };
        Self { delimiter: Self::DELIMITERS[at] }
    }

    const DELIMITERS: [u8; 4] = *b",;\t|";
}

/// Finds the ends of records; blank lines belong to the record behind them.
#[derive(Clone, Debug)]
pub struct Ends {
    dialect: Dialect,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a file, where there may be a byte order mark.
    Start,
    /// Before a record, where line ends are skipped.
    Before,
    /// At the beginning of a field.
    Field,
    /// In a field that is not quoted, or behind its quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote that may close the field or be the first of two.
    Quote,
}

impl Ends {
    /// For records of this dialect.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, state: State::Before }
    }

    /// For the records of a whole file, which may begin with a byte order mark.
    #[must_use]
    pub fn at_start(dialect: Dialect) -> Self {
        Self { dialect, state: State::Start }
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether a quote is open.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        self.state == State::Quoted
    }

    fn after(&self, state: State, byte: u8) -> State {
        match (state, byte) {
            (_, b'\n' | b'\r') => State::Before,
            (State::Start, 0xef | 0xbb | 0xbf) => State::Start,
            (State::Start | State::Before | State::Field | State::Quote, b'"') => State::Quoted,
            (_, byte) if byte == self.dialect.delimiter => State::Field,
            _ => State::Plain,
        }
    }
}

impl RecordEnds for Ends {
    fn next_end(&mut self, data: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < data.len() {
            if self.state == State::Quoted {
                at += memchr::memchr(b'"', &data[at..])? + 1;
                self.state = State::Quote;
                continue;
            }
            if self.state == State::Plain {
                let delimiter = self.dialect.delimiter;
                at += memchr::memchr3(delimiter, b'\n', b'\r', &data[at..])?;
            }
            let was = self.state;
            self.state = self.after(was, data[at]);
            at += 1;
            if self.state == State::Before && !matches!(was, State::Start | State::Before) {
                return Some(at);
            }
        }
        None
    }

    fn is_open(&self) -> bool {
        !matches!(self.state, State::Start | State::Before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<&str> {
        let mut ends = Ends::new(Dialect::default());
        let (mut found, mut rest) = (Vec::new(), text);
        while let Some(end) = ends.next_end(rest.as_bytes()) {
            found.push(&rest[..end]);
            rest = &rest[end..];
        }
        found.push(rest);
        found
    }

    #[test]
    fn records_end_outside_of_quotes() {
        assert_eq!(records("a,b\n1,2\n"), ["a,b\n", "1,2\n", ""]);
        assert_eq!(records("a\r\n\r\nb\r"), ["a\r", "\n\r\nb\r", ""]);
        assert_eq!(records("\"a\n\",b\n\"x\"\"\n\"\n"), ["\"a\n\",b\n", "\"x\"\"\n\"\n", ""]);
        assert_eq!(records("a\"b\nc\n"), ["a\"b\n", "c\n", ""]);
        assert_eq!(records("\"a\"b\"\nc\n"), ["\"a\"b\"\n", "c\n", ""]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_field() {
        let text = "\u{feff}\"a\nb\"\n";
        let dialect = Dialect::default();
        assert_eq!(Ends::at_start(dialect).next_end(text.as_bytes()), Some(text.len()));
        assert_eq!(Ends::new(dialect).next_end(text.as_bytes()), Some(6));
    }

    #[test]
    fn the_delimiter_is_what_the_first_record_has() {
        let cases = [
            ("a,b;c\n", b','),
            ("a;b\n1,5;2\n", b';'),
            ("a\tb", b'\t'),
            ("a|b|c;d", b'|'),
            ("\"a;b\"\n", b','),
            ("a", b','),
            ("", b','),
        ];
        for (text, delimiter) in cases {
            assert_eq!(Dialect::of_start(text.as_bytes()), Dialect { delimiter }, "{text}");
        }
    }
}
