//! What differs between two stored values: file by file, and in those that can be read, value by
//! value.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use cannery::{
    ConvertOptions, DiffOptions, Input, Limits, Location, OpenSource, TensorChange, Value,
    ValueBuilder, diff_tensors, open_tensors, printable, size_name,
};
use cannery_store::{Digest, FileEntry, Store};
use similar::{Algorithm, DiffTag, capture_diff_slices};

use crate::Result;
use crate::text::json_text;

/// Larger files are compared by their digests alone.
const MOST_BYTES: u64 = 64 << 20;

/// Differences of a file that are told one by one.
const MOST_TOLD: usize = 50;

/// Levels that are looked into; below, a value is the same or not.
const MOST_LEVELS: usize = 100;

/// Items of lists that are aligned.
const MOST_ALIGNED: usize = 20_000;

/// Characters of a value that are shown.
const MOST_SHOWN: usize = 60;

/// What differs between two stored values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueDiff {
    /// The files that differ; none if the values are the same.
    pub files: Vec<FileDiff>,
}

/// What differs in a file of an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDiff {
    /// Its path below the artifact's folder.
    pub path: String,
    /// How many bytes it was; nothing where it was not there.
    pub before: Option<u64>,
    /// How many bytes it is; nothing where it is not there.
    pub after: Option<u64>,
    /// What differs inside, the first of it; nothing in files that cannot be read.
    pub changes: Vec<ValueChange>,
    /// How much differs inside.
    pub count: u64,
}

/// A part of a value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueChange {
    /// Where: `$.rows[3].name`, `line 4`, a tensor's name.
    pub place: String,
    /// What it was; nothing where it was not there.
    pub before: Option<String>,
    /// What it is; nothing where it is not there.
    pub after: Option<String>,
}

impl ValueDiff {
    /// Compares what two manifests name.
    ///
    /// # Errors
    /// Those of the store, for contents that are damaged or gone.
    pub(crate) fn between(store: &Store, before: Digest, after: Digest) -> Result<Self> {
        if before == after {
            return Ok(Self::default());
        }
        let (first, second) = (store.manifest(before)?, store.manifest(after)?);
        let by_path = |files: &[FileEntry]| -> BTreeMap<String, FileEntry> {
            files.iter().map(|file| (file.path.clone(), file.clone())).collect()
        };
        let (old, mut new) = (by_path(&first.files), by_path(&second.files));
        // With their names, by which formats are known.
        let (old_folder, new_folder) = (store.linked_view(before)?, store.linked_view(after)?);
        let mut diff = Self::default();
        for (path, file) in old {
            let other = new.remove(&path);
            if other.as_ref().is_some_and(|other| other.digest == file.digest) {
                continue;
            }
            let after = other.map(|other| other.size);
            let mut found = FileDiff { before: Some(file.size), after, ..FileDiff::default() };
            if after.is_some_and(|after| after.max(file.size) <= MOST_BYTES) {
                let (old, new) = (old_folder.path().join(&path), new_folder.path().join(&path));
                let mut changes = Changes::default();
                // What cannot be read differs all the same.
                if changes.compare_files(&old, &new).is_ok() {
                    (found.changes, found.count) = (changes.told, changes.count);
                }
            }
            found.path = path;
            diff.files.push(found);
        }
        for (path, file) in new {
            diff.files.push(FileDiff { path, after: Some(file.size), ..FileDiff::default() });
        }
        Ok(diff)
    }
}

#[derive(Default)]
struct Changes {
    told: Vec<ValueChange>,
    count: u64,
}

impl Changes {
    fn add(&mut self, place: &str, before: Option<String>, after: Option<String>) {
        self.count += 1;
        if self.told.len() < MOST_TOLD {
            self.told.push(ValueChange { place: place.to_owned(), before, after });
        }
    }

    fn compare_files(&mut self, before: &Path, after: &Path) -> Result<()> {
        if before.extension().is_some_and(|extension| extension == "txt") {
            return self.compare_texts(before, after);
        }
        let (first, second) = (Location::from(before), Location::from(after));
        if let (Some(first), Some(second)) = (open_tensors(&first)?, open_tensors(&second)?) {
            let diff = diff_tensors(&*first.container, &*second.container, DiffOptions::default())?;
            diff.changes.iter().for_each(|change| self.add_tensor(change));
            return Ok(());
        }
        let (first, second) = (read(&first)?, read(&second)?);
        self.compare("$", &first, &second, 0);
        Ok(())
    }

    fn compare_texts(&mut self, before: &Path, after: &Path) -> Result<()> {
        let read = |path| {
            std::fs::read(path).map_err(|error| cannery::Error::io(error, "cannot read the text"))
        };
        let (before, after) = (read(before)?, read(after)?);
        let (before, after) = (String::from_utf8_lossy(&before), String::from_utf8_lossy(&after));
        let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
        for operation in capture_diff_slices(Algorithm::Patience, &old, &new) {
            let (tag, before, after) = operation.as_tag_tuple();
            if tag == DiffTag::Equal {
                continue;
            }
            let (from, to) = (before.start, after.start);
            let (old, new) = (&old[before], &new[after]);
            let shown = |line: Option<&&str>| line.map(|line| cut(&printable(line)));
            for index in 0..old.len().max(new.len()) {
                let line = if index < old.len() { from } else { to } + index + 1;
                let place = format!("line {line}");
                self.add(&place, shown(old.get(index)), shown(new.get(index)));
            }
        }
        Ok(())
    }

    fn add_tensor(&mut self, change: &TensorChange) {
        let name = change.name();
        let (before, after) = match change {
            TensorChange::Missing { .. } => (Some("a tensor".to_owned()), None),
            TensorChange::Added { .. } => (None, Some("a tensor".to_owned())),
            TensorChange::Renamed { name, to } => (Some(name.clone()), Some(to.clone())),
            TensorChange::Shape { shapes: (one, other), .. } => {
                (Some(format!("shape {one:?}")), Some(format!("shape {other:?}")))
            }
            TensorChange::Dtype { dtypes: (one, other), .. } => {
                (Some(one.clone()), Some(other.clone()))
            }
            TensorChange::Values { values, .. } => {
                let mut told = format!("{} of {} values differ", values.count, values.all);
                if !values.max.is_nan() {
                    let _ = write!(told, ", by {:.3e} at most", values.max);
                }
                let _ = write!(told, ", the first at {:?}", values.first);
                (None, Some(told))
            }
        };
        let place = if name.is_empty() { "$" } else { name };
        self.add(place, before, after);
    }

    fn compare(&mut self, place: &str, before: &Value, after: &Value, level: usize) {
        if before == after || is_nan(before) && is_nan(after) {
            return;
        }
        match (before, after) {
            _ if level == MOST_LEVELS => self.add_values(place, Some(before), Some(after)),
            (Value::Map(old), Value::Map(new)) => self.compare_maps(place, old, new, level),
            (Value::List(old), Value::List(new)) | (Value::Tuple(old), Value::Tuple(new)) => {
                self.compare_items(place, old, new, level);
            }
            (Value::Object(old), Value::Object(new)) if old.type_name == new.type_name => {
                let parts = |object: &cannery::Object| -> Vec<(Value, Value)> {
                    let parts = object.parts.iter();
                    parts.map(|(name, part)| (Value::Text(name.clone()), part.clone())).collect()
                };
                self.compare_maps(place, &parts(old), &parts(new), level);
            }
            _ => self.add_values(place, Some(before), Some(after)),
        }
    }

    fn compare_maps(
        &mut self,
        place: &str,
        old: &[(Value, Value)],
        new: &[(Value, Value)],
        level: usize,
    ) {
        let keyed = |entries: &[(Value, Value)]| -> BTreeMap<String, Value> {
            entries.iter().map(|(key, value)| (key_place(place, key), value.clone())).collect()
        };
        let (old, mut new) = (keyed(old), keyed(new));
        for (place, before) in &old {
            match new.remove(place) {
                Some(after) => self.compare(place, before, &after, level + 1),
                None => self.add_values(place, Some(before), None),
            }
        }
        for (place, after) in &new {
            self.add_values(place, None, Some(after));
        }
    }

    /// Items are compared one by one where there are equally many; else what is the same in both
    /// is found first.
    fn compare_items(&mut self, place: &str, old: &[Value], new: &[Value], level: usize) {
        if old.len() == new.len() || old.len().max(new.len()) > MOST_ALIGNED {
            return self.compare_pairs(place, (old, 0), (new, 0), level);
        }
        let texts = |items: &[Value]| items.iter().map(json_text).collect::<Vec<_>>();
        for operation in capture_diff_slices(Algorithm::Patience, &texts(old), &texts(new)) {
            let (tag, before, after) = operation.as_tag_tuple();
            if tag != DiffTag::Equal {
                let (from, to) = (before.start, after.start);
                self.compare_pairs(place, (&old[before], from), (&new[after], to), level);
            }
        }
    }

    /// Compares items of two lists, which begin at these numbers.
    fn compare_pairs(
        &mut self,
        place: &str,
        (old, from): (&[Value], usize),
        (new, to): (&[Value], usize),
        level: usize,
    ) {
        for (index, pair) in old.iter().zip(new).enumerate() {
            self.compare(&format!("{place}[{}]", from + index), pair.0, pair.1, level + 1);
        }
        let both = old.len().min(new.len());
        for (index, item) in old.iter().enumerate().skip(both) {
            self.add_values(&format!("{place}[{}]", from + index), Some(item), None);
        }
        for (index, item) in new.iter().enumerate().skip(both) {
            self.add_values(&format!("{place}[{}]", to + index), None, Some(item));
        }
    }

    fn add_values(&mut self, place: &str, before: Option<&Value>, after: Option<&Value>) {
        self.add(place, before.map(shown), after.map(shown));
    }
}

fn read(location: &Location) -> Result<Value> {
    let options = ConvertOptions::default().tagged(true);
    let mut builder = ValueBuilder::new(Limits::default());
    OpenSource::open(Input::open(location)?, &options)?.send(&mut builder, &options)?;
    builder.finish()
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(number) if number.is_nan())
}

fn key_place(place: &str, key: &Value) -> String {
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    match key.as_str() {
        Some(text) if is_word(text) => format!("{place}.{text}"),
        _ => format!("{place}[{}]", shown(key)),
    }
}

/// A value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(object) => object.type_name.to_string(),
        Value::Array(_) => "an array".to_owned(),
        Value::Bytes(bytes) => size_name(bytes.len() as u64),
        Value::Float(number) => number.to_string(),
        Value::Set(items) | Value::FrozenSet(items) => format!("a set of {}", items.len()),
        other => cut(&printable(&json_text(other))),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
