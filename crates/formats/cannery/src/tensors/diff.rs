//! Comparing two files of tensors, by name.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

use cannery_core::{Container, Result, Sink, Source, TensorContainer, TensorInfo, Text};
use cannery_format::{count_entry, text_entry};

use super::values::{self, Complex};

/// How far values may be from each other: `|a - b| <= atol + rtol * |b|`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DiffOptions {
    /// The absolute tolerance.
    pub atol: f64,
    /// The tolerance relative to the second value.
    pub rtol: f64,
}

impl DiffOptions {
    /// Sets [`atol`](Self::atol).
    #[must_use]
    pub fn atol(mut self, tolerance: f64) -> Self {
        self.atol = tolerance;
        self
    }

    /// Sets [`rtol`](Self::rtol).
    #[must_use]
    pub fn rtol(mut self, tolerance: f64) -> Self {
        self.rtol = tolerance;
        self
    }
}

/// What distinguishes two files of tensors.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TensorDiff {
    /// How many tensors are the same.
    pub same: u64,
    /// What is not, in the order of the first file and then of the second.
    pub changes: Vec<TensorChange>,
}

/// What distinguishes two tensors.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorChange {
    /// Only the first file has it.
    Missing {
        /// Its name.
        name: String,
    },
    /// Only the second file has it.
    Added {
        /// Its name.
        name: String,
    },
    /// The second file has it by another name.
    Renamed {
        /// Its name in the first file.
        name: String,
        /// Its name in the second.
        to: String,
    },
    /// The shapes are not the same.
    Shape {
        /// Its name.
        name: String,
        /// The shapes in both files.
        shapes: (Vec<u64>, Vec<u64>),
    },
    /// The types are not the same, although the values are.
    Dtype {
        /// Its name.
        name: String,
        /// The types in both files.
        dtypes: (String, String),
    },
    /// Values are not the same.
    Values {
        /// Its name.
        name: String,
        /// The types in both files, if they are not the same.
        dtypes: Option<(String, String)>,
        /// Which, and by how much.
        values: TensorValues,
    },
}

/// By how much the values of two tensors differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorValues {
    /// How many differ by more than is tolerated.
    pub count: u64,
    /// How many there are.
    pub all: u64,
    /// The greatest difference; "not a number" if there are no numbers to be compared.
    pub max: f64,
    /// The mean difference over all values.
    pub mean: f64,
    /// The index of the first value that differs.
    pub first: Vec<u64>,
}

impl TensorChange {
    /// The name of the tensor in the first file, or else in the second.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name }
            | Self::Added { name }
            | Self::Renamed { name, .. }
            | Self::Shape { name, .. }
            | Self::Dtype { name, .. }
            | Self::Values { name, .. } => name,
        }
    }
}

/// Compares the tensors of two files.
///
/// # Errors
/// Those of reading them.
pub fn diff_tensors(
    first: &dyn TensorContainer,
    second: &dyn TensorContainer,
    options: DiffOptions,
) -> Result<TensorDiff> {
    let others: HashMap<&str, &TensorInfo> =
        second.tensors().iter().map(|info| (info.name.as_str(), info)).collect();
    let mut diff = TensorDiff::default();
    let mut missing = Vec::new();
    for info in first.tensors() {
        let Some(other) = others.get(info.name.as_str()) else {
            missing.push(info);
            continue;
        };
        match compare((first, info), (second, other), options)? {
            None => diff.same += 1,
            Some(change) => diff.changes.push(change),
        }
    }
    let names: HashSet<&str> = first.tensors().iter().map(|info| info.name.as_str()).collect();
    let mut added: Vec<_> =
        second.tensors().iter().filter(|info| !names.contains(info.name.as_str())).collect();
    for info in missing {
        let name = info.name.clone();
        diff.changes.push(match renamed((first, info), second, &added)? {
            None => TensorChange::Missing { name },
            Some(at) => TensorChange::Renamed { name, to: added.remove(at).name.clone() },
        });
    }
    let added = added.into_iter().map(|info| TensorChange::Added { name: info.name.clone() });
    diff.changes.extend(added);
    Ok(diff)
}

/// A tensor and the file it is in.
type Located<'a> = (&'a dyn TensorContainer, &'a TensorInfo);

/// Which of the tensors that were added has the bytes of one that is missing.
fn renamed(
    missing: Located<'_>,
    second: &dyn TensorContainer,
    added: &[&TensorInfo],
) -> Result<Option<usize>> {
    let (first, info) = missing;
    let is_candidate = |other: &TensorInfo| {
        (&other.dtype, &other.shape) == (&info.dtype, &info.shape) && other.storage.is_some()
    };
    if info.storage.is_none() || !added.iter().any(|other| is_candidate(other)) {
        return Ok(None);
    }
    let wanted = digest(first, info)?;
    for (at, other) in added.iter().enumerate() {
        if is_candidate(other) && digest(second, other)? == wanted {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn digest(container: &dyn TensorContainer, info: &TensorInfo) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    info.read_pieces(container, &mut |piece| {
        hasher.write(piece);
        Ok(())
    })?;
    Ok(hasher.finish())
}

fn compare(
    first: Located<'_>,
    second: Located<'_>,
    options: DiffOptions,
) -> Result<Option<TensorChange>> {
    let (one, other) = (first.1, second.1);
    let name = || one.name.clone();
    if one.shape != other.shape {
        let shapes = (one.shape.clone(), other.shape.clone());
        return Ok(Some(TensorChange::Shape { name: name(), shapes }));
    }
    let dtypes =
        (one.dtype != other.dtype).then(|| (one.dtype.to_string(), other.dtype.to_string()));
    let values = compare_values(first, second, options)?;
    Ok(match (values, dtypes) {
        (Some(values), dtypes) => Some(TensorChange::Values { name: name(), dtypes, values }),
        (None, Some(dtypes)) => Some(TensorChange::Dtype { name: name(), dtypes }),
        (None, None) => None,
    })
}

/// The values of one tensor, piece by piece beside those of the other.
fn compare_values(
    (first, one): Located<'_>,
    (second, other): Located<'_>,
    options: DiffOptions,
) -> Result<Option<TensorValues>> {
    let mut found = Comparison::new(options, one.elements()?);
    if one.storage.is_none() || other.storage.is_none() {
        // One without data differs from one with data, and equals another.
        let differs = one.storage.is_none() != other.storage.is_none();
        found.count = if differs { found.all } else { 0 };
        (found.sum, found.max) = (f64::NAN, f64::NAN);
        return Ok(found.finish(&one.shape));
    }
    let is_same_type = one.dtype == other.dtype;
    // Pieces of the second tensor are read as far as those of the first have come.
    let second_bytes = SecondReader::new(second, other)?;
    let mut done = 0_u64;
    one.read_pieces(first, &mut |piece| {
        let elements = piece.len() as u64 * 8 / one.dtype.bits().max(1);
        let theirs = second_bytes.read(done, elements)?;
        if is_same_type && *piece == *theirs {
            found.skip(elements);
        } else if one.dtype.is_number() && other.dtype.is_number() {
            found.numbers((&one.dtype, piece), (&other.dtype, &theirs));
        } else {
            found.opaque(piece, &theirs, one.dtype.itemsize().unwrap_or(1));
        }
        done += elements;
        Ok(())
    })?;
    Ok(found.finish(&one.shape))
}

/// Elements of a tensor from anywhere: read where they lie, or gathered before.
struct SecondReader<'a> {
    array: super::array::TensorArray<'a>,
    bits: u64,
}

impl<'a> SecondReader<'a> {
    fn new(container: &'a dyn TensorContainer, info: &'a TensorInfo) -> Result<Self> {
        let array = super::array::TensorArray::new(container, info, info.dtype.clone(), false)?;
        Ok(Self { array, bits: info.dtype.bits() })
    }

    fn read(&self, start: u64, elements: u64) -> Result<Vec<u8>> {
        let len = usize::try_from((elements * self.bits).div_ceil(8))
            .map_err(|_| cannery_core::Error::out_of_memory())?;
        let mut bytes = vec![0; len];
        self.array.read_bytes(start * self.bits / 8, &mut bytes)?;
        Ok(bytes)
    }
}

/// What is known of the differences so far.
struct Comparison {
    options: DiffOptions,
    all: u64,
    seen: u64,
    count: u64,
    sum: f64,
    max: f64,
    first: Option<u64>,
}

impl Comparison {
    fn new(options: DiffOptions, all: u64) -> Self {
        Self { options, all, seen: 0, count: 0, sum: 0.0, max: 0.0, first: None }
    }

    /// Elements that are the same.
    fn skip(&mut self, elements: u64) {
        self.seen += elements;
    }

    fn numbers(
        &mut self,
        (dtype, bytes): (&cannery_core::TensorDtype, &[u8]),
        (other_dtype, other_bytes): (&cannery_core::TensorDtype, &[u8]),
    ) {
        let mut others = Vec::with_capacity(bytes.len());
        values::for_each(other_dtype, other_bytes, &mut |value| others.push(value));
        let mut others = others.into_iter();
        values::for_each(dtype, bytes, &mut |value| {
            self.number(value, others.next().unwrap_or((f64::NAN, 0.0)));
        });
    }

    fn number(&mut self, one: Complex, other: Complex) {
        let is_nan = |value: Complex| value.0.is_nan() || value.1.is_nan();
        let distance = if one == other || (is_nan(one) && is_nan(other)) {
            0.0
        } else {
            (one.0 - other.0).hypot(one.1 - other.1)
        };
        let tolerated = self.options.atol + self.options.rtol * other.0.hypot(other.1);
        // Neither a distance that is no number nor an infinite tolerance makes them the same.
        let is_same = distance == 0.0 || distance.is_finite() && distance <= tolerated;
        self.max = if distance.is_nan() { distance } else { self.max.max(distance) };
        self.sum += distance;
        self.element(is_same);
    }

    /// Elements that are no numbers: texts, dates, records.
    fn opaque(&mut self, bytes: &[u8], others: &[u8], itemsize: usize) {
        (self.sum, self.max) = (f64::NAN, f64::NAN);
        let mut others = others.chunks(itemsize.max(1));
        for element in bytes.chunks(itemsize.max(1)) {
            self.element(others.next() == Some(element));
        }
    }

    fn element(&mut self, is_same: bool) {
        if !is_same {
            self.count += 1;
            self.first.get_or_insert(self.seen);
        }
        self.seen += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "the mean is told in a few digits")]
    fn finish(self, shape: &[u64]) -> Option<TensorValues> {
        let mut rest = self.first.unwrap_or(0);
        let mut first: Vec<u64> = shape
            .iter()
            .rev()
            .map(|&side| {
                let index = rest % side.max(1);
                rest /= side.max(1);
                index
            })
            .collect();
        first.reverse();
        let mean = self.sum / self.all.max(1) as f64;
        let Self { count, all, max, .. } = self;
        (count > 0).then_some(TensorValues { count, all, max, mean, first })
    }
}

impl Source for TensorDiff {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::Map, None)?;
        count_entry("same", self.same, sink)?;
        sink.key(Text::Ascii("changes"))?;
        sink.begin(Container::List, Some(self.changes.len()))?;
        self.changes.iter().try_for_each(|change| change.emit(sink))?;
        sink.end(Container::List)?;
        sink.end(Container::Map)
    }
}

impl Source for TensorChange {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        sink.begin(Container::Map, None)?;
        text_entry("name", self.name(), sink)?;
        match self {
            Self::Missing { .. } => text_entry("change", "missing", sink)?,
            Self::Added { .. } => text_entry("change", "added", sink)?,
            Self::Renamed { to, .. } => {
                text_entry("change", "renamed", sink)?;
                text_entry("to", to, sink)?;
            }
            Self::Shape { shapes, .. } => {
                text_entry("change", "shape", sink)?;
                sink.key(Text::Ascii("shapes"))?;
                sink.begin(Container::List, Some(2))?;
                numbers(&shapes.0, sink)?;
                numbers(&shapes.1, sink)?;
                sink.end(Container::List)?;
            }
            Self::Dtype { dtypes, .. } => {
                text_entry("change", "dtype", sink)?;
                pair("dtypes", dtypes, sink)?;
            }
            Self::Values { dtypes, values, .. } => {
                text_entry("change", "values", sink)?;
                if let Some(dtypes) = dtypes {
                    pair("dtypes", dtypes, sink)?;
                }
                values.emit_entries(sink)?;
            }
        }
        sink.end(Container::Map)
    }
}

impl TensorValues {
    fn emit_entries<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        count_entry("count", self.count, sink)?;
        count_entry("all", self.all, sink)?;
        for (key, value) in [("max", self.max), ("mean", self.mean)] {
            sink.key(Text::Ascii(key))?;
            // JSON has no other numbers.
            if value.is_finite() { sink.float(value)? } else { sink.null()? }
        }
        sink.key(Text::Ascii("first"))?;
        numbers(&self.first, sink)
    }
}

fn numbers<S: Sink + ?Sized>(numbers: &[u64], sink: &mut S) -> Result<()> {
    sink.begin(Container::List, Some(numbers.len()))?;
    numbers.iter().try_for_each(|&number| cannery_format::send_count(number, sink))?;
    sink.end(Container::List)
}

fn pair<S: Sink + ?Sized>(key: &'static str, texts: &(String, String), sink: &mut S) -> Result<()> {
    sink.key(Text::Ascii(key))?;
    sink.begin(Container::List, Some(2))?;
    sink.text(texts.0.as_str().into())?;
    sink.text(texts.1.as_str().into())?;
    sink.end(Container::List)
}
