//! Text to objects.

use cannery_core::{Error, ExpandAliases, Limits, Pos, Result};
use cannery_yaml::{Documents, ReadOptions, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::errors::{BEGINNING, raise};
use super::locate::Tracker;
use super::source::Source;
use super::tags::Tags;
use crate::construct::{Duplicates, PyBuilder, YamlHooks, is_duplicate};
use crate::errors::from_exception;
use crate::typed::{TypeOptions, TypedBuilder};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(yaml_load, module)?)?;
    module.add_function(wrap_pyfunction!(yaml_load_typed, module)?)
}

/// How to read, as the caller of `yaml.load` chose.
pub(super) struct Reading {
    options: ReadOptions,
    duplicates: Duplicates,
    constructors: Option<Py<PyDict>>,
    positions: bool,
}

/// A document as objects, and the places of its values where they are asked for.
type Read<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyTuple>>);

impl Reading {
    pub(super) fn new(
        schema: &str,
        duplicates: &str,
        constructors: Option<Bound<'_, PyDict>>,
        positions: bool,
        depth: usize,
    ) -> PyResult<Self> {
        Ok(Self {
            options: ReadOptions::default()
                .schema(parse_schema(schema)?)
                .limits(Limits::default().depth(depth)),
            duplicates: Duplicates::parse(duplicates)?,
            constructors: constructors.filter(|found| !found.is_empty()).map(Bound::unbind),
            positions,
        })
    }

    pub(super) fn options(&self) -> &ReadOptions {
        &self.options
    }

    /// Reads the next document of `text`; `None` at its end.
    pub(super) fn read<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        documents: &mut Documents<'_>,
        start: Pos,
    ) -> Result<Option<Read<'py>>> {
        if self.positions {
            let mut tracker = Tracker::new(self.builder::<true>(py, text)?, text, start);
            return Ok(documents.read_unmerged(&mut tracker)?.then(|| tracker.finish()));
        }
        if self.constructors.is_some() {
            return build(self.builder::<true>(py, text)?, documents);
        }
        build(self.builder::<false>(py, text)?, documents)
    }

    fn builder<'py, const CALLS: bool>(
        &self,
        py: Python<'py>,
        text: &str,
    ) -> Result<PyBuilder<'py, YamlHooks<'py, CALLS>>> {
        let tags = match &self.constructors {
            Some(constructors) => Tags::new(constructors.bind(py)),
            None => Ok(Tags::default()),
        };
        let tags = tags.map_err(from_exception)?.with_pairs(self.options.schema == Schema::Legacy);
        Ok(PyBuilder::new(py, YamlHooks::new(self.duplicates, tags, text.len())))
    }

    /// The exception for an error in `text`; for a key that occurs twice the text is read again to
    /// find out where.
    #[cold]
    pub(super) fn raise(&self, py: Python<'_>, error: Error, text: &str, start: Pos) -> PyErr {
        if error.message().starts_with("expected a mapping to merge")
            && let Some(at) = cannery_yaml::find_bad_merge(text, &self.options)
        {
            let moved = Error::new(error.kind(), error.message().to_owned());
            let hint = error.hint().unwrap_or_default().to_owned();
            return raise(py, moved.with_hint(hint).at_offset(at as u64), text, start);
        }
        let found = if is_duplicate(&error) { self.find_duplicate(py, text, start) } else { None };
        raise(py, found.unwrap_or(error), text, start)
    }

    fn find_duplicate(&self, py: Python<'_>, text: &str, start: Pos) -> Option<Error> {
        let hooks = YamlHooks::<true>::new(Duplicates::Last, Tags::default(), text.len());
        let mut tracker = Tracker::new(PyBuilder::new(py, hooks), text, start).only_duplicates();
        let mut documents = Documents::new(text, &self.options);
        loop {
            match documents.read_unmerged(&mut tracker) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(error),
            }
        }
    }
}

fn build<'py, const CALLS: bool>(
    mut builder: PyBuilder<'py, YamlHooks<'py, CALLS>>,
    documents: &mut Documents<'_>,
) -> Result<Option<Read<'py>>> {
    let found = documents.read_unmerged(&mut builder)?;
    Ok(found.then(|| (builder.take().expect("a document was read"), None)))
}

/// Reads the only document of a `str` or of `bytes` in UTF-8; an empty stream is null.
#[pyfunction]
fn yaml_load<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    schema: &str,
    duplicates: &str,
    constructors: Option<Bound<'py, PyDict>>,
    positions: bool,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let reading = Reading::new(schema, duplicates, constructors, positions, depth)?;
    let source = Source::new(data)?;
    let text = source.as_str();
    let read = read_only(py, &reading, text);
    wrap(py, read.map_err(|error| reading.raise(py, error, text, BEGINNING))?)
}

/// Reads the only document of a `str` or of `bytes` in UTF-8 as a value of a type.
#[pyfunction]
fn yaml_load_typed<'py>(
    data: &Bound<'py, PyAny>,
    r#type: &Bound<'py, PyAny>,
    unknown: &str,
    schema: &str,
    duplicates: &str,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    let plan =
        TypeOptions { annotation: Some(r#type), unknown, strict: true, binary: true }.plan(py)?;
    let plan = plan.expect("an annotation was given");
    let reading = Reading::new(schema, duplicates, None, false, depth)?;
    let source = Source::new(data)?;
    let text = source.as_str();
    let mut builder = TypedBuilder::new(&plan, false);
    if reading.duplicates == Duplicates::Error {
        builder = builder.with_unique_keys();
    }
    let mut sink = ExpandAliases::new(&mut builder, reading.options.limits);
    match cannery_yaml::from_str(text, &reading.options, &mut sink) {
        Ok(()) => Ok(builder.take().expect("a document was read")),
        Err(error) => {
            let mut error = error.locate(text.as_bytes());
            let mismatch = crate::typed::as_exception(py, &mut error);
            Err(mismatch.unwrap_or_else(|| reading.raise(py, error, text, BEGINNING)))
        }
    }
}

fn read_only<'py>(py: Python<'py>, reading: &Reading, text: &str) -> Result<Read<'py>> {
    let mut documents = Documents::new(text, &reading.options);
    let Some(read) = reading.read(py, text, &mut documents, BEGINNING)? else {
        let positions = reading.positions.then(|| PyTuple::empty(py));
        return Ok((py.None().into_bound(py), positions));
    };
    documents.finish()?;
    Ok(read)
}

/// What Python gets of a document: the value, or a pair of it and its places.
pub(super) fn wrap<'py>(py: Python<'py>, read: Read<'py>) -> PyResult<Bound<'py, PyAny>> {
    match read {
        (value, None) => Ok(value),
        (value, Some(places)) => {
            let positions = py.import("cannery.yaml")?.getattr("Positions")?.call1((places,))?;
            Ok(PyTuple::new(py, [value, positions])?.into_any())
        }
    }
}

fn parse_schema(name: &str) -> PyResult<Schema> {
    match name {
        "core" | "1.2" => Ok(Schema::Core),
        "1.1" => Ok(Schema::Legacy),
        "json" => Ok(Schema::Json),
        "failsafe" => Ok(Schema::Failsafe),
        _ => Err(PyValueError::new_err(format!(
            "schema must be \"core\" (or \"1.2\"), \"1.1\", \"json\" or \"failsafe\", not {name:?}"
        ))),
    }
}
