//! `cannery.yaml.open`: a document that is edited in place.

use cannery_core::Value;
use cannery_yaml::{Document, NodeKind, PathStep, ReadOptions, Schema};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

use crate::errors::{OrRaise, to_exception};
use crate::yaml::errors::{BEGINNING, raise};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<YamlDocument>()
}

/// The text of a YAML stream, edited by paths.
///
/// A path is a sequence of keys and indexes, the number of the document first. New values come as
/// YAML text.
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

    /// What stands at the path: a kind and its number of entries, or `None`.
    fn kind(&self, path: Vec<Bound<'_, PyAny>>) -> PyResult<Option<(&'static str, usize)>> {
        Ok(self.document.kind(&self.steps(&path)?).map(|kind| match kind {
            NodeKind::Scalar => ("scalar", 0),
            NodeKind::Alias => ("alias", 0),
            NodeKind::Sequence(len) => ("sequence", len),
            NodeKind::Mapping(len) => ("mapping", len),
        }))
    }

    fn set(&mut self, py: Python<'_>, path: Vec<Bound<'_, PyAny>>, value: &str) -> PyResult<()> {
        let (path, value) = (self.steps(&path)?, value_of(py, value)?);
        self.document.set(&path, &value).or_raise(py)
    }

    fn insert(
        &mut self,
        py: Python<'_>,
        path: Vec<Bound<'_, PyAny>>,
        index: usize,
        value: &str,
    ) -> PyResult<()> {
        let (path, value) = (self.steps(&path)?, value_of(py, value)?);
        self.document.insert(&path, index, &value).or_raise(py)
    }

    fn remove(&mut self, py: Python<'_>, path: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let path = self.steps(&path)?;
        self.document.remove(&path).or_raise(py)
    }

    fn rename(
        &mut self,
        py: Python<'_>,
        path: Vec<Bound<'_, PyAny>>,
        key: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let path = self.steps(&path)?;
        self.document.rename(&path, &scalar(key)?).or_raise(py)
    }

    /// The comment lines above an entry, and the comment behind it.
    fn comments(
        &self,
        py: Python<'_>,
        path: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<(Vec<String>, Option<String>)> {
        let comments = self.document.comments(&self.steps(&path)?).or_raise(py)?;
        Ok((comments.above, comments.behind))
    }

    fn set_comment_behind(
        &mut self,
        py: Python<'_>,
        path: Vec<Bound<'_, PyAny>>,
        comment: Option<&str>,
    ) -> PyResult<()> {
        let path = self.steps(&path)?;
        self.document.set_comment_behind(&path, comment).or_raise(py)
    }

    fn set_comments_above(
        &mut self,
        py: Python<'_>,
        path: Vec<Bound<'_, PyAny>>,
        comments: Vec<String>,
    ) -> PyResult<()> {
        let path = self.steps(&path)?;
        let comments: Vec<&str> = comments.iter().map(String::as_str).collect();
        self.document.set_comments_above(&path, &comments).or_raise(py)
    }
}

impl YamlDocument {
    /// The path with each number taken for what it is there: an index of a sequence, or a key.
    fn steps(&self, path: &[Bound<'_, PyAny>]) -> PyResult<Vec<PathStep>> {
        let [document, path @ ..] = path else {
            return Err(PyValueError::new_err("a path begins with the number of the document"));
        };
        let mut steps = vec![PathStep::Document(document.extract()?)];
        for step in path {
            let in_sequence = matches!(self.document.kind(&steps), Some(NodeKind::Sequence(_)));
            steps.push(match step.extract::<usize>() {
                Ok(index) if in_sequence => PathStep::Index(index),
                _ => PathStep::Key(scalar(step)?),
            });
        }
        Ok(steps)
    }
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

/// A key: the scalars of YAML's core schema.
fn scalar(key: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = key.cast::<PyString>() {
        return Ok(Value::Text(crate::text::of_python(text)?.into()));
    }
    if key.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(value) = key.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if key.is_instance_of::<PyInt>() {
        return Ok(Value::Int(key.extract()?));
    }
    if key.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(key.extract()?));
    }
    let class = key.get_type();
    Err(PyTypeError::new_err(format!("a key must be a scalar, not {}", class.name()?)))
}
