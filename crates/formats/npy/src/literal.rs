//! The literals of a header: dictionaries, lists, tuples, texts, integers, truth values.
//!
//! A header is written as Python source. It is parsed here, never evaluated.

use cannery_core::{Error, ErrorKind, Result};

/// Containers inside each other, at most; a real header has a record type's five or six.
const DEPTH: usize = 64;

/// One value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

impl Literal {
    /// What it is, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Literal::Bool(_) => "a truth value",
            Literal::Int(_) => "an integer",
            Literal::Text(_) => "a string",
            Literal::List(_) => "a list",
            Literal::Tuple(_) => "a tuple",
            Literal::Dict(_) => "a dictionary",
        }
    }
}

/// Parses `text`, which holds one literal and nothing but blanks around it.
///
/// # Errors
/// [`ErrorKind::Syntax`] at the first byte that does not fit, [`ErrorKind::Depth`].
pub(crate) fn parse(text: &str) -> Result<Literal> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let value = parser.value()?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.expected("the end of the header")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The next character that is not blank.
    fn peek(&mut self) -> Option<char> {
        let blanks = self.rest().len() - self.rest().trim_ascii_start().len();
        self.at += blanks;
        self.rest().chars().next()
    }

    /// Steps over `wanted` if it comes next.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn value(&mut self) -> Result<Literal> {
        match self.peek() {
            Some('{') => self.nested(Self::dict),
            Some('[') => {
                self.nested(|parser| parser.items(']').map(|(items, _)| Literal::List(items)))
            }
            Some('(') => self.nested(Self::tuple),
            Some('\'' | '"' | 'u') => self.text().map(Literal::Text),
            Some('-' | '0'..='9') => self.int(),
            Some('T' | 'F') => self.bool(),
            _ => Err(self.expected("a value")),
        }
    }

    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Result<Literal>) -> Result<Literal> {
        if self.depth == DEPTH {
            let message = format!("the header is nested deeper than {DEPTH} levels");
            return Err(Error::new(ErrorKind::Depth, message).at_offset(self.at as u64));
        }
        self.depth += 1;
        self.at += 1;
        let value = parse(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn dict(&mut self) -> Result<Literal> {
        let mut entries = Vec::new();
        while !self.take('}') {
            let key = self.value()?;
            if !self.take(':') {
                return Err(self.expected("`:`"));
            }
            entries.push((key, self.value()?));
            if !self.take(',') && self.peek() != Some('}') {
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(Literal::Dict(entries))
    }

    /// The items up to `close`, and whether a comma follows the last.
    fn items(&mut self, close: char) -> Result<(Vec<Literal>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.take(close) {
            items.push(self.value()?);
            comma = self.take(',');
            if !comma && self.peek() != Some(close) {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
        }
        Ok((items, comma))
    }

    /// A tuple; in parentheses without a comma it is the single value itself, as in Python.
    fn tuple(&mut self) -> Result<Literal> {
        let (mut items, comma) = self.items(')')?;
        match items.pop() {
            Some(single) if items.is_empty() && !comma => Ok(single),
            last => {
                items.extend(last);
                Ok(Literal::Tuple(items))
            }
        }
    }

    fn bool(&mut self) -> Result<Literal> {
        for (word, value) in [("True", true), ("False", false)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(Literal::Bool(value));
            }
        }
        Err(self.expected("a value"))
    }

    /// An integer; Python 2 wrote long ones with an `L` behind them.
    fn int(&mut self) -> Result<Literal> {
        let sign = usize::from(self.rest().starts_with('-'));
        let digits = self.rest()[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let text = &self.rest()[..sign + digits];
        let value = text.parse().map_err(|_| self.expected("an integer of 64 bits"))?;
        self.at += sign + digits;
        self.at += usize::from(self.rest().starts_with('L'));
        Ok(Literal::Int(value))
    }

    fn text(&mut self) -> Result<String> {
        self.at += usize::from(self.rest().starts_with('u'));
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return Err(self.expected("a string"));
        };
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.rest().chars().next() {
                None | Some('\n') => return Err(self.expected(&format!("`{quote}`"))),
                Some('\\') => text.push(self.escape()?),
                Some(c) => {
                    self.at += c.len_utf8();
                    if c == quote {
                        return Ok(text);
                    }
                    text.push(c);
                }
            }
        }
    }

    /// One of the escapes that `repr` writes.
    fn escape(&mut self) -> Result<char> {
        let letter = self.rest().chars().nth(1);
        let (plain, digits) = match letter {
            Some('n') => ('\n', 0),
            Some('r') => ('\r', 0),
            Some('t') => ('\t', 0),
            Some(c @ ('\\' | '\'' | '"')) => (c, 0),
            Some('x') => ('\0', 2),
            Some('u') => ('\0', 4),
            Some('U') => ('\0', 8),
            _ => return Err(self.expected("an escape that `repr` writes")),
        };
        if digits == 0 {
            self.at += 2;
            return Ok(plain);
        }
        let hex =
            self.rest().get(2..2 + digits).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        let code = code.ok_or_else(|| self.expected(&format!("{digits} digits of a character")))?;
        self.at += 2 + digits;
        Ok(code)
    }

    #[cold]
    fn expected(&self, what: &str) -> Error {
        let found = match self.rest().chars().next() {
            Some(c) => format!("`{}`", c.escape_debug()),
            None => "the end of the header".to_owned(),
        };
        let message = format!("expected {what} in the header, found {found}");
        Error::new(ErrorKind::Syntax, message).at_offset(self.at as u64)
    }
}

/// Writes `text` as `repr` does, so that headers are the same bytes as NumPy's.
pub(crate) fn quote(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c < ' ' || ('\u{7f}'..='\u{a0}').contains(&c) || c == '\u{ad}' => {
                out.extend(format!("\\x{:02x}", u32::from(c)).chars());
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Literal {
        Literal::Text(value.to_owned())
    }

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let cases = [
            ("1", Literal::Int(1)),
            (" -12 ", Literal::Int(-12)),
            ("7L", Literal::Int(7)),
            ("True", Literal::Bool(true)),
            ("'a\\'b\\x41\\u20ac\\U0001f600\\n'", text("a'bA€😀\n")),
            ("u\"it's\"", text("it's")),
            ("()", Literal::Tuple(vec![])),
            ("(3,)", Literal::Tuple(vec![Literal::Int(3)])),
            ("(3)", Literal::Int(3)),
            ("(3, 4)", Literal::Tuple(vec![Literal::Int(3), Literal::Int(4)])),
            ("[ 3 , ]", Literal::List(vec![Literal::Int(3)])),
            ("{'a': 1, }", Literal::Dict(vec![(text("a"), Literal::Int(1))])),
        ];
        for (source, expected) in cases {
            assert_eq!(parse(source).unwrap(), expected, "{source}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            "",
            "1 2",
            "1.5",
            "None",
            "__import__('os')",
            "'open",
            "'a' 'b'",
            "[1 2]",
            "{1}",
            "{1:2",
            "(1",
            "'\\q'",
            "'\\x4'",
            "'\\ud800'",
            "99999999999999999999",
            "-",
            "Truth",
            "b'x'",
            "1 + 1",
            "[,]",
            "u",
        ];
        for source in cases {
            assert_eq!(parse(source).unwrap_err().kind(), ErrorKind::Syntax, "{source}");
        }
        let deep = "[".repeat(DEPTH + 1);
        insta::assert_snapshot!(parse(&deep).unwrap_err().report(), @"the header is nested deeper than 64 levels at byte 64");
        insta::assert_snapshot!(parse("{'a' 1}").unwrap_err().report(), @"expected `:` in the header, found `1` at byte 5");
        insta::assert_snapshot!(parse("[1").unwrap_err().report(), @"expected `,` or `]` in the header, found the end of the header at byte 2");
    }

    proptest::proptest! {
        #[test]
        fn what_is_quoted_reads_back(value in ".*") {
            proptest::prop_assert_eq!(parse(&quote(&value)).unwrap(), Literal::Text(value));
        }
    }
}
