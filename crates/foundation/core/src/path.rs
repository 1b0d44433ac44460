//! Where a value is inside a document: `$.rows[3].when`.

use std::fmt;

use crate::TextBuf;

/// The way from a document's root to one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Segment>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The value behind a text key, or a named part of an object.
    Key(TextBuf),
    /// The item at a position, counted from 0.
    Index(u64),
    /// The value behind a key that is not text, shown as it prints.
    Entry(String),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|segment| segment.fmt(f))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Key(key) => match key.as_str() {
                Some(name) if is_name(name) => write!(f, ".{name}"),
                _ => write!(f, "[{key:?}]"),
            },
            Segment::Index(index) => write!(f, "[{index}]"),
            Segment::Entry(key) => write!(f, "[{key}]"),
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        let key = |name: &str| Segment::Key(name.into());
        let path = Path(vec![key("rows"), Segment::Index(3), key("when")]);
        insta::assert_snapshot!(path, @"$.rows[3].when");
        let path = Path(vec![key("a b"), key(""), key("1"), key("é-1"), key("it\"s")]);
        insta::assert_snapshot!(path, @"$[\"a b\"][\"\"][\"1\"].é-1[\"it\\\"s\"]");
        insta::assert_snapshot!(Path(vec![Segment::Entry("(1, 2)".to_owned())]), @"$[(1, 2)]");
        insta::assert_snapshot!(Path::default(), @"$");
    }
}
