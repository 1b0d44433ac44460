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
    /// An item counted from the end of a list: 1 is the last.
    FromEnd(u64),
    /// The items of a list that a slice of Python takes.
    Slice(Slice),
}

/// A slice of a list: bounds below 0 count from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) start: i64,
    pub(crate) stop: Option<i64>,
    pub(crate) step: u64,
}

impl Slice {
    /// Whether it takes the item at `index` of a list of `len`.
    pub(crate) fn takes(self, index: u64, len: u64) -> bool {
        let bound = |bound: i64| match u64::try_from(bound) {
            Ok(bound) => bound.min(len),
            Err(_) => len.saturating_sub(bound.unsigned_abs()),
        };
        let (start, stop) = (bound(self.start), self.stop.map_or(len, bound));
        start <= index && index < stop && (index - start).is_multiple_of(self.step)
    }

    /// How many items must be known before it is known whether the first of them is taken; `None`
    /// if it depends on none.
    pub(crate) fn lag(self) -> Option<u64> {
        let behind = |bound: i64| u64::try_from(-bound).unwrap_or(0);
        if self.start < 0 {
            return Some(behind(self.start));
        }
        self.stop.filter(|stop| *stop < 0).map(behind)
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        if self.start != 0 {
            self.start.fmt(f)?;
        }
        f.write_str(":")?;
        if let Some(stop) = self.stop {
            stop.fmt(f)?;
        }
        if self.step != 1 {
            write!(f, ":{}", self.step)?;
        }
        f.write_str("]")
    }
}

impl PathStep {
    /// Whether it means any number of values.
    pub(crate) fn is_many(&self) -> bool {
        matches!(self, PathStep::Each | PathStep::Slice(_))
    }
}

impl Selection {
    /// Whether it means any number of values: those of a list then.
    #[must_use]
    pub fn is_many(&self) -> bool {
        self.steps.iter().any(PathStep::is_many)
    }

    /// The path up to the first step that is none of one value.
    pub(crate) fn base(&self) -> Path {
        let steps = self.steps.iter().map_while(|step| match step {
            PathStep::One(segment) => Some(segment.clone()),
            _ => None,
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
            PathStep::FromEnd(places) => write!(f, "[-{places}]"),
            PathStep::Slice(slice) => slice.fmt(f),
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
    let (step, behind) = match inner.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (segment, behind) = quoted(inner, quote, text)?;
            (PathStep::One(segment), behind)
        }
        _ => position(inner, text)?,
    };
    let behind = behind.strip_prefix(']').ok_or_else(|| expected("`]`", behind, text))?;
    Ok((step, behind))
}

fn name<'t>(rest: &'t str, text: &str) -> Result<(PathStep, &'t str)> {
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    match rest.split_at(end) {
        ("", _) => Err(expected("a key", rest, text)),
        ("*", behind) => Ok((PathStep::Each, behind)),
        (name, behind) => Ok((PathStep::One(Segment::Key(name.into())), behind)),
    }
}

/// A position, or a slice: `3`, `-1`, `2:10`, `:-1`, `::2`.
fn position<'t>(inner: &'t str, text: &str) -> Result<(PathStep, &'t str)> {
    let (first, mut behind) = number(inner, text)?;
    let mut parts = [first, None, None];
    let mut count = 1;
    while let Some(rest) = behind.strip_prefix(':')
        && count < parts.len()
    {
        (parts[count], behind) = number(rest, text)?;
        count += 1;
    }
    if count > 1 {
        let step = u64::try_from(parts[2].unwrap_or(1)).ok().filter(|&step| step > 0);
        let step = step.ok_or_else(|| expected("a step of 1 or more", behind, text))?;
        let slice = Slice { start: parts[0].unwrap_or(0), stop: parts[1], step };
        return Ok((PathStep::Slice(slice), behind));
    }
    let Some(index) = first else {
        return Err(expected("a position, counted from 0", inner, text));
    };
    let step = match u64::try_from(index) {
        Ok(index) => PathStep::One(Segment::Index(index)),
        Err(_) => PathStep::FromEnd(index.unsigned_abs()),
    };
    Ok((step, behind))
}

/// A number, if one stands there.
fn number<'t>(rest: &'t str, text: &str) -> Result<(Option<i64>, &'t str)> {
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let sign = rest.len() - digits.len();
    let end = sign + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (number, behind) = rest.split_at(end);
    if number.is_empty() {
        return Ok((None, behind));
    }
    let number = number.parse::<i64>().ok().filter(|&number| sign == 0 || number < 0);
    match number {
        Some(number) => Ok((Some(number), behind)),
        None => Err(expected("a position, counted from 0", rest, text)),
    }
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
    Error::new(ErrorKind::Syntax, message).with_hint(
        "for one: `$.rows[3].name`, `$.rows[*]`, `$.rows[-1]`, `$.rows[2:5]`, `$[\"a key\"]`",
    )
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
            ("rows[-1].x", "$.rows[-1].x"),
            ("$[2:5]", "$[2:5]"),
            ("$[:]", "$[:]"),
            ("$[-3:]", "$[-3:]"),
            ("$[:-1][::2]", "$[:-1][::2]"),
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
        insta::assert_snapshot!(refusal("$.a[-0]"), @"the path `$.a[-0]`: expected a position, counted from 0, found `-` at column 5");
        insta::assert_snapshot!(refusal("$.a[]"), @"the path `$.a[]`: expected a position, counted from 0, found `]` at column 5");
        insta::assert_snapshot!(refusal("$.a[1:2:0]"), @"the path `$.a[1:2:0]`: expected a step of 1 or more, found `]` at column 10");
        insta::assert_snapshot!(refusal("$.a[1"), @"the path `$.a[1`: expected `]`, found its end at column 6");
        insta::assert_snapshot!(refusal("$.a['b"), @"the path `$.a['b`: expected the key's closing quote, found its end at column 7");
        insta::assert_snapshot!(refusal("$.a[1]b"), @"the path `$.a[1]b`: expected `.`, `[` or the end of the path, found `b` at column 7");
        insta::assert_snapshot!(refusal("$[99999999999999999999]"), @"the path `$[99999999999999999999]`: expected a position, counted from 0, found `9` at column 3");
    }
}
