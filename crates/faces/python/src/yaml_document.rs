//! `cannery.yaml.open`: a document that is edited in place.

use cannery_core::{Error, Value};
use cannery_yaml::{Document, EntryKey, NodeKind, PathStep, ReadOptions, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::errors::{OrRaise, describe, to_exception};
use crate::memory;
use crate::yaml::errors::{BEGINNING, raise};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<YamlDocument>()
}

/// The text of a YAML stream, edited by paths.
///
/// A path is the number of a document, then positions of entries. Keys and new values come as YAML
/// text.
#[pyclass]
struct YamlDocument {
    document: Document,
}

#[pymethods]
impl YamlDocument {
    #[new]
    fn new(py: Python<'_>, text: &str, schema: &str) -> PyResult<Self> {
        let options = ReadOptions::default().schema(schema_of(schema)?);
        let parsed = Document::parse(text, &options);
        let document = parsed.map_err(|error| raise(py, error, text, BEGINNING))?;
        Ok(Self { document })
    }

    #[getter]
    fn text(&self) -> &str {
        self.document.text()
    }

    fn __len__(&self) -> usize {
        self.document.len()
    }

    /// The same document as it is now, to go back to.
    fn copy(&self) -> Self {
        Self { document: self.document.clone() }
    }

    /// What stands at the path: a kind, its number of entries, and its tag; or `None`.
    fn kind(&self, path: Vec<usize>) -> Option<(&'static str, usize, Option<&str>)> {
        let path = steps(&path);
        let (kind, len) = match self.document.kind(&path)? {
            NodeKind::Scalar => ("scalar", 0),
            NodeKind::Alias => ("alias", 0),
            NodeKind::Sequence(len) => ("sequence", len),
            NodeKind::Mapping(len) => ("mapping", len),
        };
        Some((kind, len, self.document.tag(&path)))
    }

    /// The path to what an alias at this path stands for; the path itself for all else.
    fn resolve(&self, path: Vec<usize>) -> Option<Vec<usize>> {
        self.document.resolve(&steps(&path)).map(|path| numbers(&path))
    }

    /// The keys of a mapping: each as a value, as text to load, or as nothing, which is `<<`.
    fn keys<'py>(
        &self,
        py: Python<'py>,
        path: Vec<usize>,
    ) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
        let keys = self.document.entry_keys(&steps(&path));
        let key = |key| {
            Ok(match key {
                EntryKey::Merge => ("merge", py.None().into_bound(py)),
                EntryKey::Source(text) => ("source", memory::new_text(py, text)?.into_any()),
                EntryKey::Scalar(value) => ("value", scalar(py, value)?),
            })
        };
        keys.into_iter().map(key).collect()
    }

    /// The paths of the mappings that are merged into one, the first of which has precedence.
    fn merged(&self, path: Vec<usize>) -> Vec<Vec<usize>> {
        self.document.merged(&steps(&path)).iter().map(|path| numbers(path)).collect()
    }

    fn set(&mut self, py: Python<'_>, path: Vec<usize>, value: &str) -> PyResult<()> {
        let value = value_of(py, value)?;
        self.document.set(&steps(&path), &value).map_err(|error| refused(py, error))
    }

    fn insert(
        &mut self,
        py: Python<'_>,
        path: Vec<usize>,
        index: usize,
        value: &str,
    ) -> PyResult<()> {
        let value = value_of(py, value)?;
        self.document.insert(&steps(&path), index, &value).map_err(|error| refused(py, error))
    }

    fn insert_key(
        &mut self,
        py: Python<'_>,
        path: Vec<usize>,
        index: usize,
        key: &str,
        value: &str,
    ) -> PyResult<()> {
        let (key, value) = (value_of(py, key)?, value_of(py, value)?);
        let path = steps(&path);
        self.document.insert_key(&path, index, &key, &value).map_err(|error| refused(py, error))
    }

    fn remove_all(
        &mut self,
        py: Python<'_>,
        path: Vec<usize>,
        positions: Vec<usize>,
    ) -> PyResult<()> {
        let path = steps(&path);
        self.document.remove_all(&path, &positions).map_err(|error| refused(py, error))
    }

    fn reorder(&mut self, py: Python<'_>, path: Vec<usize>, order: Vec<usize>) -> PyResult<()> {
        self.document.reorder(&steps(&path), &order).map_err(|error| refused(py, error))
    }

    fn rename(&mut self, py: Python<'_>, path: Vec<usize>, key: &str) -> PyResult<()> {
        let key = value_of(py, key)?;
        self.document.rename(&steps(&path), &key).map_err(|error| refused(py, error))
    }

    fn set_tag(&mut self, py: Python<'_>, path: Vec<usize>, tag: Option<&str>) -> PyResult<()> {
        self.document.set_tag(&steps(&path), tag).map_err(|error| refused(py, error))
    }

    /// The comment lines above an entry, and the comment behind it.
    fn comments(
        &self,
        py: Python<'_>,
        path: Vec<usize>,
    ) -> PyResult<(Vec<String>, Option<String>)> {
        let comments = self.document.comments(&steps(&path)).or_raise(py)?;
        Ok((comments.above, comments.behind))
    }

    fn set_comment_behind(
        &mut self,
        py: Python<'_>,
        path: Vec<usize>,
        comment: Option<&str>,
    ) -> PyResult<()> {
        let path = steps(&path);
        self.document.set_comment_behind(&path, comment).map_err(|error| refused(py, error))
    }

    fn set_comments_above(
        &mut self,
        py: Python<'_>,
        path: Vec<usize>,
        comments: Vec<String>,
    ) -> PyResult<()> {
        let comments: Vec<&str> = comments.iter().map(String::as_str).collect();
        let path = steps(&path);
        self.document.set_comments_above(&path, &comments).map_err(|error| refused(py, error))
    }
}

fn steps(path: &[usize]) -> Vec<PathStep> {
    let entry = |(depth, &number)| match depth {
        0 => PathStep::Document(number),
        _ => PathStep::Index(number),
    };
    path.iter().enumerate().map(entry).collect()
}

fn numbers(path: &[PathStep]) -> Vec<usize> {
    let number = |step: &PathStep| match step {
        PathStep::Document(number) | PathStep::Index(number) => Some(*number),
        PathStep::Key(_) => None,
    };
    path.iter().filter_map(number).collect()
}

fn schema_of(name: &str) -> PyResult<Schema> {
    match name {
        "core" | "1.2" => Ok(Schema::Core),
        "1.1" => Ok(Schema::Legacy),
        "json" => Ok(Schema::Json),
        "failsafe" => Ok(Schema::Failsafe),
        _ => {
            let message =
                format!("expected schema 'core', '1.1', 'json' or 'failsafe', got {name:?}");
            Err(PyValueError::new_err(message))
        }
    }
}

fn value_of(py: Python<'_>, text: &str) -> PyResult<Value> {
    cannery_yaml::to_value(text).map_err(|error| to_exception(py, error))
}

/// The exception for an edit that was not made.
#[cold]
fn refused(py: Python<'_>, error: Error) -> PyErr {
    let exception = || {
        let class = py.import("cannery.yaml")?.getattr("EditError")?;
        let exception = class.call1((error.to_string(),))?;
        describe(&exception, &error)?;
        Ok(PyErr::from_value(exception))
    };
    exception().unwrap_or_else(|failure| failure)
}

fn scalar<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => crate::construct::make::float(py, *value)?,
        Value::Text(text) => crate::text::to_python(py, text.as_text())?,
        _ => py.None().into_bound(py),
    })
}
