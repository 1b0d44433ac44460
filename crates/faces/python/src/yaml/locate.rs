//! Where values and keys stand: for `positions=True`, and to find a key that occurs twice.

use std::collections::HashMap;

use cannery_core::{
    ArraySource, BigInt, Container, Error, ErrorKind, Note, Pos, Result, Sink, Text, Wants,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::construct::{Hooks, MergeKey, PyBuilder, hashable};
use crate::errors::from_exception;
use crate::memory;

/// A builder that also notes where everything stands.
///
/// The place of a value is a tuple of its line, its column, and the places of what is in it: `None`,
/// a `list`, or a `dict` by the keys that the value has.
pub(super) struct Tracker<'a, 'py, H: Hooks<'py>> {
    builder: PyBuilder<'py, H>,
    py: Python<'py>,
    lines: Lines<'a>,
    /// Where the text begins in its stream.
    start: Pos,
    only_duplicates: bool,
    at: usize,
    mark: Option<u64>,
    marked: HashMap<u64, Bound<'py, PyTuple>>,
    open: Vec<OpenPlace<'py>>,
    root: Option<Bound<'py, PyTuple>>,
}

/// A container or an object that is open.
struct OpenPlace<'py> {
    /// Its line and column.
    place: (u64, u64),
    mark: Option<u64>,
    parts: Parts<'py>,
}

enum Parts<'py> {
    List(Bound<'py, PyList>),
    Set {
        seen: Bound<'py, PyDict>,
    },
    Map {
        /// Where each key stands.
        seen: Bound<'py, PyDict>,
        places: Bound<'py, PyDict>,
        merged: Vec<Bound<'py, PyTuple>>,
        /// Whether the next value is a key.
        entry: bool,
        key: Option<Bound<'py, PyAny>>,
    },
    /// A value with a tag: it stands where its content stands.
    Object(Option<Bound<'py, PyTuple>>),
}

/// Counts lines up to places that mostly lie one behind the other.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
    column: u64,
}

impl Lines<'_> {
    /// Counts on from where it is: then lines may be long.
    fn locate(&mut self, at: usize) -> (u64, u64) {
        let at = at.min(self.text.len());
        let passed = &self.text[self.at.min(at)..at];
        match memchr::memrchr(b'\n', passed) {
            Some(last) => {
                self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
                self.column = 1 + characters(&passed[last + 1..]);
            }
            None => self.column += characters(passed),
        }
        self.at = self.at.max(at);
        (self.line, self.column)
    }
}

fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64
}

impl<'a, 'py, H: Hooks<'py>> Tracker<'a, 'py, H> {
    /// A tracker around a builder for the documents of `text`, which begins at `start`.
    pub(super) fn new(builder: PyBuilder<'py, H>, text: &'a str, start: Pos) -> Self {
        Self {
            py: builder.py(),
            builder,
            lines: Lines { text: text.as_bytes(), at: 0, line: start.line, column: 1 },
            start,
            only_duplicates: false,
            at: 0,
            mark: None,
            marked: HashMap::new(),
            open: Vec::new(),
            root: None,
        }
    }

    /// A key that occurs twice is an error.
    pub(super) fn only_duplicates(self) -> Self {
        Self { only_duplicates: true, ..self }
    }

    /// The value that was built, and its place.
    pub(super) fn finish(mut self) -> (Bound<'py, PyAny>, Option<Bound<'py, PyTuple>>) {
        (self.builder.take().expect("a document was read"), self.root)
    }

    fn place(
        &self,
        (line, column): (u64, u64),
        parts: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (line, column) = (memory::unsigned(self.py, line)?, memory::unsigned(self.py, column)?);
        memory::new_tuple(self.py, &[line, column, parts])
    }

    fn scalar(&mut self) -> Result<()> {
        let mark = self.mark.take();
        let here = self.lines.locate(self.at);
        let place = self.place(here, self.py.None().into_bound(self.py));
        self.done(mark, place.map_err(from_exception)?)
    }

    fn begin_parts(&mut self, parts: Parts<'py>) {
        let place = self.lines.locate(self.at);
        self.open.push(OpenPlace { place, mark: self.mark.take(), parts });
    }

    fn end_parts(&mut self) -> Result<()> {
        let open = self.open.pop().expect("readers close what they opened");
        let place = match open.parts {
            Parts::Object(place) => place.map(Ok),
            Parts::List(places) => Some(self.place(open.place, places.into_any())),
            Parts::Set { .. } => Some(self.place(open.place, self.py.None().into_bound(self.py))),
            Parts::Map { places, merged, .. } => {
                merge_places(&places, &merged).map_err(from_exception)?;
                Some(self.place(open.place, places.into_any()))
            }
        };
        match place {
            Some(place) => self.done(open.mark, place.map_err(from_exception)?),
            // The key `<<` has no content.
            None => Ok(()),
        }
    }

    /// A value was built, which has this place.
    fn done(&mut self, mark: Option<u64>, place: Bound<'py, PyTuple>) -> Result<()> {
        if let Some(id) = mark {
            self.marked.insert(id, place.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(place);
            return Ok(());
        };
        match &mut open.parts {
            Parts::Object(content) => *content = Some(place),
            Parts::List(places) => places.append(place).map_err(from_exception)?,
            Parts::Set { .. } | Parts::Map { entry: true, .. } => return self.note_key(),
            Parts::Map { places, merged, key, .. } => match key.take() {
                Some(key) if key.is_exact_instance_of::<MergeKey>() => merged.push(place),
                Some(key) => places.set_item(key, place).map_err(from_exception)?,
                None => {}
            },
        }
        Ok(())
    }

    /// The value that was built last is a key of the innermost mapping or set.
    fn note_key(&mut self) -> Result<()> {
        let Some(key) = self.builder.last().cloned() else { return Ok(()) };
        let at = self.at;
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let is_merge = key.is_exact_instance_of::<MergeKey>();
        let key = hashable(&key)?;
        let seen = match &mut open.parts {
            Parts::Map { seen, entry, key: current, .. } => {
                *entry = false;
                *current = Some(key.clone());
                seen
            }
            Parts::Set { seen } => seen,
            _ => return Ok(()),
        };
        if is_merge {
            return Ok(());
        }
        let first = seen.get_item(&key).map_err(from_exception)?;
        if let Some(first) = first.filter(|_| self.only_duplicates) {
            let first: usize = first.extract().map_err(from_exception)?;
            return Err(self.twice(&key, first, at));
        }
        seen.set_item(&key, at).map_err(from_exception)
    }

    #[cold]
    fn twice(&self, key: &Bound<'py, PyAny>, first: usize, second: usize) -> Error {
        let key = match key.cast::<pyo3::types::PyString>() {
            Ok(text) => text.to_string(),
            Err(_) => key.repr().map_or_else(|_| "?".to_owned(), |text| text.to_string()),
        };
        let Pos { line, column, .. } = Pos::locate(self.lines.text, first as u64);
        let line = line + self.start.line - 1;
        let message = format!("the key `{key}` occurs twice, first at line {line} column {column}");
        Error::new(ErrorKind::Value, message)
            .at_offset(second as u64)
            .with_hint("rename or remove one, or pass `duplicates=\"last\"` or `\"first\"`")
    }
}

/// Adds the places of merged entries where a mapping has none of its own.
fn merge_places<'py>(places: &Bound<'py, PyDict>, merged: &[Bound<'py, PyTuple>]) -> PyResult<()> {
    for place in merged {
        let parts = place.get_item(2)?;
        if let Ok(list) = parts.cast::<PyList>() {
            let list: Vec<Bound<'py, PyTuple>> = list.extract()?;
            merge_places(places, &list)?;
        }
        let Ok(parts) = parts.cast_into::<PyDict>() else { continue };
        for (key, place) in parts {
            if !places.contains(&key)? {
                places.set_item(key, place)?;
            }
        }
    }
    Ok(())
}

impl<'py, H: Hooks<'py>> Sink for Tracker<'_, 'py, H> {
    fn null(&mut self) -> Result<()> {
        self.builder.null()?;
        self.scalar()
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.builder.bool(value)?;
        self.scalar()
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.builder.int(value)?;
        self.scalar()
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.builder.big_int(value)?;
        self.scalar()
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.builder.float(value)?;
        self.scalar()
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.builder.text(value)?;
        self.scalar()
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.builder.bytes(value)?;
        self.scalar()
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        self.builder.array(value)?;
        self.scalar()
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        let new = || memory::new_dict(self.py).map_err(from_exception);
        let parts = match container {
            Container::Map => Parts::Map {
                seen: new()?,
                places: new()?,
                merged: Vec::new(),
                entry: false,
                key: None,
            },
            Container::Set | Container::FrozenSet => Parts::Set { seen: new()? },
            Container::List | Container::Tuple => {
                Parts::List(memory::new_list(self.py).map_err(from_exception)?)
            }
        };
        self.begin_parts(parts);
        self.builder.begin(container, len)
    }

    fn end(&mut self, container: Container) -> Result<()> {
        self.builder.end(container)?;
        self.end_parts()
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.builder.key(key)?;
        match self.open.last() {
            Some(OpenPlace { parts: Parts::Map { .. }, .. }) => self.note_key(),
            _ => Ok(()),
        }
    }

    fn entry(&mut self) -> Result<()> {
        self.builder.entry()?;
        if let Some(OpenPlace { parts: Parts::Map { entry, .. }, .. }) = self.open.last_mut() {
            *entry = true;
        }
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.begin_parts(Parts::Object(None));
        self.builder.begin_object(type_name, parts)
    }

    fn end_object(&mut self) -> Result<()> {
        self.builder.end_object()?;
        let is_merge =
            self.builder.last().is_some_and(PyAnyMethods::is_exact_instance_of::<MergeKey>);
        self.end_parts()?;
        if is_merge { self.note_key() } else { Ok(()) }
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.mark = Some(id);
        self.builder.mark(id)
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        self.builder.alias(id)?;
        let parts = match self.marked.get(&id) {
            Some(place) => place.get_item(2).map_err(from_exception)?,
            // The alias is inside of what it stands for.
            None => self.py.None().into_bound(self.py),
        };
        let here = self.lines.locate(self.at);
        let place = self.place(here, parts).map_err(from_exception)?;
        self.done(None, place)
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        if let Note::At(pos) = note {
            self.at = usize::try_from(pos.offset).unwrap_or(usize::MAX);
        }
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants::default().positions(true)
    }
}
