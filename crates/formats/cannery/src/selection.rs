//! A part of a document, named by the path to it: `$.rows[3].name`, `$.rows[*].name`.

use std::fmt;
use std::str::FromStr;

use cannery_core::{Error, ErrorKind, Path, Result, Segment};

/// Which part of a document is meant.
///
/// ```
/// let selection: cannery::Selection = "$.rows[*]['first name']".parse()?;
/// assert_eq!(selection.to_string(), r#"$.rows[*]["first name"]"#);
/// # Ok::<(), cannery::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub(crate) steps: Vec<PathStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    One(Segment),
    /// Every item or entry.
    Each,
}

impl Selection {
    /// Whether it means any number of values: those of a list then.
    #[must_use]
    pub fn is_many(&self) -> bool {
        self.steps.contains(&PathStep::Each)
    }

    /// The path up to the first step that is none of one value.
    pub(crate) fn base(&self) -> Path {
        let steps = self.steps.iter().map_while(|step| match step {
            PathStep::One(segment) => Some(segment.clone()),
            PathStep::Each => None,
        });
        Path(steps.collect())
    }

    /// The first steps of it.
    pub(crate) fn prefix(&self, len: usize) -> Self {
        Self { steps: self.steps[..len].to_vec() }
    }

    /// One step of it, as it is written alone.
    pub(crate) fn step(&self, at: usize) -> String {
        let step = Self { steps: vec![self.steps[at].clone()] }.to_string();
        step.trim_start_matches(['$', '.']).to_owned()
    }
}

impl From<Path> for Selection {
    /// The value at a path.
    fn from(path: Path) -> Self {
        Self { steps: path.0.into_iter().map(PathStep::One).collect() }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.steps.iter().try_for_each(|step| match step {
            PathStep::One(segment) => segment.fmt(f),
            PathStep::Each => f.write_str("[*]"),
        })
    }
}

impl FromStr for Selection {
    type Err = Error;

    /// Reads a path as errors show it; the `$` may be left out.
    fn from_str(text: &str) -> Result<Self> {
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        let is_bare = !text.starts_with(['$', '.', '[']) && !text.is_empty();
        if is_bare {
            // A bare name: `rows[3]`.
            let (step, behind) = name(rest, text)?;
            steps.push(step);
            rest = behind;
        }
        while !rest.is_empty() {
            let (step, behind) = step(rest, text)?;
            steps.push(step);
            rest = behind;
        }
        Ok(Self { steps })
    }
}

fn step<'t>(rest: &'t str, text: &str) -> Result<(PathStep, &'t str)> {
    if let Some(rest) = rest.strip_prefix('.') {
        return name(rest, text);
    }
    let Some(inner) = rest.strip_prefix('[') else {
        return Err(expected("`.`, `[` or the end of the path", rest, text));
    };
    if let Some(behind) = inner.strip_prefix("*]") {
        return Ok((PathStep::Each, behind));
    }
    let (segment, behind) = match inner.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(inner, quote, text)?,
        _ => index(inner, text)?,
    };
    let behind = behind.strip_prefix(']').ok_or_else(|| expected("`]`", behind, text))?;
    Ok((PathStep::One(segment), behind))
}

fn name<'t>(rest: &'t str, text: &str) -> Result<(PathStep, &'t str)> {
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    match rest.split_at(end) {
        ("", _) => Err(expected("a key", rest, text)),
        ("*", behind) => Ok((PathStep::Each, behind)),
        (name, behind) => Ok((PathStep::One(Segment::Key(name.into())), behind)),
    }
}

fn index<'t>(inner: &'t str, text: &str) -> Result<(Segment, &'t str)> {
    let end = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
    let (digits, behind) = inner.split_at(end);
    let index = digits.parse().map_err(|_| expected("a position, counted from 0", inner, text))?;
    Ok((Segment::Index(index), behind))
}

/// A key in quotes, in which `\` takes the next character as it is.
fn quoted<'t>(inner: &'t str, quote: char, text: &str) -> Result<(Segment, &'t str)> {
    let mut key = String::new();
    let mut characters = inner[1..].chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => key.extend(characters.next()),
            end if end == quote => return Ok((Segment::Key(key.into()), characters.as_str())),
            other => key.push(other),
        }
    }
    Err(expected("the key's closing quote", "", text))
}

#[cold]
fn expected(what: &str, rest: &str, text: &str) -> Error {
    let found = match rest.chars().next() {
        Some(character) => format!("`{character}`"),
        None => "its end".to_owned(),
    };
    let column = text[..text.len() - rest.len()].chars().count() + 1;
    let message = format!("the path `{text}`: expected {what}, found {found} at column {column}");
    Error::new(ErrorKind::Syntax, message)
        .with_hint("for one: `$.rows[3].name`, `$.rows[*]`, `$[\"a key\"]`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let cases = [
            ("$", "$"),
            ("", "$"),
            ("$.a[3].b", "$.a[3].b"),
            ("a[3].b", "$.a[3].b"),
            (".a.*", "$.a[*]"),
            ("$[*][0]", "$[*][0]"),
            (r#"$["a b"]['it\'s']"#, r#"$["a b"]["it's"]"#),
            ("$.é-1", "$.é-1"),
        ];
        for (text, shown) in cases {
            assert_eq!(text.parse::<Selection>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_says_where() {
        let refusal = |text: &str| text.parse::<Selection>().unwrap_err().to_string();
        insta::assert_snapshot!(refusal("$a"), @"the path `$a`: expected `.`, `[` or the end of the path, found `a` at column 2");
        insta::assert_snapshot!(refusal("$.a."), @"the path `$.a.`: expected a key, found its end at column 5");
        insta::assert_snapshot!(refusal("$.a[-1]"), @"the path `$.a[-1]`: expected a position, counted from 0, found `-` at column 5");
        insta::assert_snapshot!(refusal("$.a[1"), @"the path `$.a[1`: expected `]`, found its end at column 6");
        insta::assert_snapshot!(refusal("$.a['b"), @"the path `$.a['b`: expected the key's closing quote, found its end at column 7");
        insta::assert_snapshot!(refusal("$.a[1]b"), @"the path `$.a[1]b`: expected `.`, `[` or the end of the path, found `b` at column 7");
        insta::assert_snapshot!(refusal("$[99999999999999999999]"), @"the path `$[99999999999999999999]`: expected a position, counted from 0, found `9` at column 3");
    }
}
