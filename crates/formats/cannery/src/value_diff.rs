//! Comparing two values, path by path.

use std::collections::HashMap;

use cannery_core::{Container, Path, Result, Segment, Sink, Source, Text, Value};
use cannery_format::{count_entry, text_entry};

/// What distinguishes two values.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ValueDiff {
    /// How many scalars are the same.
    pub same: u64,
    /// What is not, in the order of the first value, what only the second has behind it.
    pub changes: Vec<ValueChange>,
}

/// A place where two values differ.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ValueChange {
    /// Where it is; in the second value if only that has it.
    pub path: Path,
    /// What the first has there.
    pub first: Option<Value>,
    /// What the second has there.
    pub second: Option<Value>,
}

/// Compares two values: maps by key, lists by position behind what they begin and before what they
/// end with alike. Floats may be as far apart as `tolerated` says.
///
/// ```
/// use cannery::{Value, diff_values};
///
/// let first: Value = [("a", Value::Int(1)), ("b", Value::Int(2))].into_iter().collect();
/// let second: Value = [("b", Value::Int(3)), ("a", Value::Int(1))].into_iter().collect();
/// let diff = diff_values(&first, &second, |one, other| one == other);
/// assert_eq!((diff.same, diff.changes[0].path.to_string().as_str()), (1, "$.b"));
/// ```
pub fn diff_values(
    first: &Value,
    second: &Value,
    tolerated: impl Fn(f64, f64) -> bool,
) -> ValueDiff {
    let mut differ = Differ { tolerated, path: Path::default(), diff: ValueDiff::default() };
    differ.compare(first, second);
    differ.diff
}

struct Differ<T> {
    tolerated: T,
    path: Path,
    diff: ValueDiff,
}

impl<T: Fn(f64, f64) -> bool> Differ<T> {
    fn compare(&mut self, first: &Value, second: &Value) {
        match (first, second) {
            (Value::Map(one), Value::Map(other)) => self.maps(one, other),
            (Value::List(one), Value::List(other)) => self.lists(one, other),
            (Value::Float(one), Value::Float(other)) if (self.tolerated)(*one, *other) => {
                self.diff.same += 1;
            }
            (one, other) if one == other => self.diff.same += 1,
            (one, other) => self.change(Some(one), Some(other)),
        }
    }

    fn change(&mut self, first: Option<&Value>, second: Option<&Value>) {
        let path = self.path.clone();
        self.diff.changes.push(ValueChange {
            path,
            first: first.cloned(),
            second: second.cloned(),
        });
    }

    fn inside(&mut self, segment: Segment, compare: impl FnOnce(&mut Self)) {
        self.path.0.push(segment);
        compare(self);
        self.path.0.pop();
    }

    fn maps(&mut self, first: &[(Value, Value)], second: &[(Value, Value)]) {
        let mut others: HashMap<String, &Value> =
            second.iter().map(|(key, value)| (shown_key(key), value)).collect();
        for (key, value) in first {
            let other = others.remove(&shown_key(key));
            self.inside(segment(key), |differ| match other {
                Some(other) => differ.compare(value, other),
                None => differ.change(Some(value), None),
            });
        }
        for (key, value) in second {
            if others.remove(&shown_key(key)).is_some() {
                self.inside(segment(key), |differ| differ.change(None, Some(value)));
            }
        }
    }

    fn lists(&mut self, first: &[Value], second: &[Value]) {
        let pairs = first.iter().zip(second);
        let begin = pairs.take_while(|(one, other)| one == other).count();
        let rest = first.len().min(second.len()) - begin;
        let pairs = first.iter().rev().zip(second.iter().rev()).take(rest);
        let end = pairs.take_while(|(one, other)| one == other).count();
        let alike = first[..begin].iter().chain(&first[first.len() - end..]);
        self.diff.same += alike.map(scalars).sum::<u64>();
        let one = &first[begin..first.len() - end];
        let other = &second[begin..second.len() - end];
        for index in 0..one.len().max(other.len()) {
            let at = Segment::Index((begin + index) as u64);
            self.inside(at, |differ| match (one.get(index), other.get(index)) {
                (Some(one), Some(other)) => differ.compare(one, other),
                (one, other) => differ.change(one, other),
            });
        }
    }
}

fn segment(key: &Value) -> Segment {
    match key {
        Value::Text(text) => Segment::Key(text.clone()),
        other => Segment::Entry(shown_key(other)),
    }
}

fn shown_key(key: &Value) -> String {
    match key {
        Value::Text(text) => format!("{text:?}"),
        other => format!("{other:?}"),
    }
}

fn scalars(value: &Value) -> u64 {
    match value {
        Value::List(items) => items.iter().map(scalars).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| scalars(value)).sum(),
        _ => 1,
    }
}

impl Source for ValueDiff {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::Map, None)?;
        count_entry("same", self.same, sink)?;
        sink.key(Text::Ascii("changes"))?;
        sink.begin(Container::List, Some(self.changes.len()))?;
        for change in &self.changes {
            sink.begin(Container::Map, None)?;
            text_entry("path", &change.path.to_string(), sink)?;
            for (key, value) in [("first", &change.first), ("second", &change.second)] {
                if let Some(value) = value {
                    sink.key(Text::Ascii(key))?;
                    value.emit(sink)?;
                }
            }
            sink.end(Container::Map)?;
        }
        sink.end(Container::List)?;
        sink.end(Container::Map)
    }
}
