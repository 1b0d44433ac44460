//! Objects to text.

use cannery_core::{Limits, Result};
use cannery_yaml::{ScalarStyle, WriteOptions, Writer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator};

use super::errors::raise_unwritten;
use crate::errors::OrRaise;
use crate::text;
use crate::walk::{PyWalker, YamlDialect, YamlOptions};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(yaml_dump, module)?)?;
    module.add_function(wrap_pyfunction!(yaml_dump_all, module)?)
}

/// What the caller of `yaml.dump` chose.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches")]
struct Choices {
    style: Option<String>,
    flow: Option<bool>,
    indent: usize,
    width: Option<usize>,
    unicode: bool,
    explicit_start: bool,
    explicit_end: bool,
    version: Option<(u8, u8)>,
    tags: Vec<(String, String)>,
    sort_keys: bool,
}

impl Choices {
    fn writer(&self, py: Python<'_>) -> PyResult<Writer> {
        let mut options = WriteOptions::default()
            .indent(self.indent)
            .flow(self.flow == Some(true))
            .unicode(self.unicode)
            .explicit_start(self.explicit_start)
            .explicit_end(self.explicit_end);
        if let Some(width) = self.width {
            options = options.width(Some(width));
        }
        if let Some(style) = &self.style {
            options = options.style(parse_style(style)?);
        }
        Writer::directed(options, self.version, &self.tags).or_raise(py)
    }

    fn dialect<'py>(&self, representers: Option<Bound<'py, PyDict>>) -> YamlDialect<'py> {
        YamlDialect::new(YamlOptions {
            sort_keys: self.sort_keys,
            flow_leaves: self.flow.is_none(),
            representers,
        })
    }
}

/// The default choices, but for `sort_keys`, need no dictionary.
impl Default for Choices {
    fn default() -> Self {
        Self {
            style: None,
            flow: Some(false),
            indent: 2,
            width: None,
            unicode: true,
            explicit_start: false,
            explicit_end: false,
            version: None,
            tags: Vec::new(),
            sort_keys: true,
        }
    }
}

/// Writes one document as a `str`.
#[pyfunction]
fn yaml_dump<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
    sort_keys: bool,
    choices: Option<Choices>,
    representers: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let choices = choices.unwrap_or_default();
    let mut writer = choices.writer(py)?;
    let choices = Choices { sort_keys, ..choices };
    let written = write(value, choices.dialect(representers), &mut writer);
    written.map_err(|error| raise_unwritten(py, error))?;
    text::from_utf8(py, writer.bytes_mut())
}

/// Writes documents one after the other, each as a `str` that is given to `write`.
#[pyfunction]
fn yaml_dump_all<'py>(
    py: Python<'py>,
    values: Bound<'py, PyIterator>,
    write: &Bound<'py, PyAny>,
    choices: Choices,
    representers: Option<Bound<'py, PyDict>>,
) -> PyResult<()> {
    let mut writer = choices.writer(py)?;
    for (index, value) in values.enumerate() {
        if index > 0 {
            writer.next_document();
        }
        let written = self::write(&value?, choices.dialect(representers.clone()), &mut writer);
        written.map_err(|error| raise_unwritten(py, error))?;
        let chunk = text::from_utf8(py, writer.bytes_mut())?;
        writer.bytes_mut().clear();
        write.call1((chunk,))?;
    }
    Ok(())
}

fn write<'py>(
    value: &Bound<'py, PyAny>,
    dialect: YamlDialect<'py>,
    writer: &mut Writer,
) -> Result<()> {
    PyWalker::new(writer, dialect, Limits::default()).walk(value)?;
    writer.end_document();
    Ok(())
}

fn parse_style(style: &str) -> PyResult<ScalarStyle> {
    match style {
        "" => Ok(ScalarStyle::Plain),
        "'" => Ok(ScalarStyle::SingleQuoted),
        "\"" => Ok(ScalarStyle::DoubleQuoted),
        "|" => Ok(ScalarStyle::Literal),
        ">" => Ok(ScalarStyle::Folded),
        _ => Err(PyValueError::new_err(format!(
            "default_style must be None, \"'\", '\"', \"|\" or \">\", not {style:?}"
        ))),
    }
}
