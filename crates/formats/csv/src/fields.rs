//! The fields of one record.

use std::borrow::Cow;

use crate::Dialect;

/// A field, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// What stands in it.
    pub text: Cow<'a, [u8]>,
    /// Whether it began with a quote.
    pub is_quoted: bool,
    /// Where in the record it begins.
    pub start: usize,
}

/// Splits a record at its delimiters.
#[derive(Debug)]
pub struct Fields<'a> {
    record: &'a [u8],
    delimiter: u8,
    /// `None` behind the last field.
    at: Option<usize>,
}

impl<'a> Fields<'a> {
    /// The fields of a record; the line ends around it are not part of any.
    #[must_use]
    pub fn new(record: &'a [u8], dialect: Dialect) -> Self {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let start = record.iter().position(|byte| !is_end(byte)).unwrap_or(record.len());
        // No record ends within quotes, so that this is the line end behind it.
        let rest = record[start..].iter().rev().take_while(|byte| is_end(byte)).count();
        Self {
            record: &record[..record.len() - rest.min(record.len() - start)],
            delimiter: dialect.delimiter,
            at: Some(start),
        }
    }

    fn quoted(&mut self, start: usize) -> Field<'a> {
        let mut text: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        let mut from = start + 1;
        let mut add = |part: &'a [u8]| match &mut text {
            Cow::Borrowed([]) => text = Cow::Borrowed(part),
            text => text.to_mut().extend_from_slice(part),
        };
        loop {
            let Some(len) = memchr::memchr(b'"', &self.record[from..]) else {
                add(&self.record[from..]);
                self.at = None;
                break;
            };
            let quote = from + len;
            if self.record.get(quote + 1) == Some(&b'"') {
                add(&self.record[from..=quote]);
                from = quote + 2;
                continue;
            }
            add(&self.record[from..quote]);
            let end = self.end_of_plain(quote + 1);
            add(&self.record[quote + 1..end]);
            break;
        }
        Field { text, is_quoted: true, start }
    }

    /// The end of what is not quoted from `from` on; goes on behind it.
    fn end_of_plain(&mut self, from: usize) -> usize {
        let rest = &self.record[from..];
        // Fields are short: a loop finds the end sooner than a call.
        let len = rest.iter().position(|&byte| byte == self.delimiter);
        self.at = len.map(|len| from + len + 1);
        from + len.unwrap_or(rest.len())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.at?;
        if self.record.get(start) == Some(&b'"') {
            return Some(self.quoted(start));
        }
        let end = self.end_of_plain(start);
        Some(Field { text: Cow::Borrowed(&self.record[start..end]), is_quoted: false, start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lose_their_quotes() {
        let cases: [(&str, &[(&str, bool)]); 8] = [
            ("a,b\n", &[("a", false), ("b", false)]),
            (",\r\n", &[("", false), ("", false)]),
            ("\"\",x", &[("", true), ("x", false)]),
            ("\"a\"\"b\",\"c\nd\"\n", &[("a\"b", true), ("c\nd", true)]),
            ("\"a\"b\"c,d", &[("ab\"c", true), ("d", false)]),
            ("\"\"\"\"", &[("\"", true)]),
            (" \"a\"", &[(" \"a\"", false)]),
            ("\"\n\"\n", &[("\n", true)]),
        ];
        for (record, expected) in cases {
            let fields = Fields::new(record.as_bytes(), Dialect::default());
            let found: Vec<_> = fields
                .map(|field| (String::from_utf8(field.text.into_owned()).unwrap(), field.is_quoted))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(text, quoted)| ((*text).to_owned(), *quoted)).collect();
            assert_eq!(found, expected, "{record:?}");
        }
    }
}
