//! What becomes of a value with a tag.

use cannery_core::{Error, ErrorKind, Result};
use cannery_yaml::MERGE;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::tagged::Tagged;
use crate::errors::from_exception;
use crate::memory;

/// The functions that make something of values with a tag: for whole tags, and for those that
/// begin with a prefix, the longest of which counts.
#[derive(Clone, Default)]
pub(crate) struct Tags<'py> {
    exact: Option<Bound<'py, PyDict>>,
    prefixes: Vec<(String, Bound<'py, PyAny>)>,
    /// Whether `!!omap` and `!!pairs` are lists of pairs.
    pairs: bool,
}

/// A value with a tag whose content is being read.
pub(crate) enum Making<'py> {
    /// The key `<<`.
    Merge,
    /// `datetime.date` or `datetime.datetime`, from text in ISO 8601.
    Moment(Bound<'py, PyAny>),
    Tagged(Bound<'py, Tagged>),
    /// A list of mappings of one entry: pairs, as PyYAML has `!!omap` and `!!pairs`.
    Pairs,
    /// A function of the value, or of the rest of the tag and the value.
    Call {
        function: Bound<'py, PyAny>,
        rest: Option<String>,
        tag: Bound<'py, PyString>,
    },
}

impl<'py> Tags<'py> {
    /// From the argument `constructors`; prefixes end in `*`.
    pub(crate) fn new(constructors: &Bound<'py, PyDict>) -> PyResult<Self> {
        let exact = memory::new_dict(constructors.py())?;
        let mut prefixes = Vec::new();
        for (tag, function) in constructors {
            let tag = resolved(tag.cast::<PyString>()?.to_str()?);
            match tag.strip_suffix('*') {
                Some(prefix) => prefixes.push((prefix.to_owned(), function)),
                None => exact.set_item(tag, function)?,
            }
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(Self { exact: Some(exact), prefixes, pairs: false })
    }

    /// With `!!omap` and `!!pairs` as lists of pairs, or as data like other tags.
    pub(crate) fn with_pairs(mut self, pairs: bool) -> Self {
        self.pairs = pairs;
        self
    }

    /// Begins the value of this tag, or of this type.
    pub(crate) fn begin(&self, tag: Bound<'py, PyString>) -> PyResult<Making<'py>> {
        if is_merge(&tag) {
            return Ok(Making::Merge);
        }
        if let Some(class) = moment_class(&tag)? {
            return Ok(Making::Moment(class));
        }
        if let Some(exact) = &self.exact {
            if let Some(function) = exact.get_item(&tag)? {
                return Ok(Making::Call { function, rest: None, tag });
            }
            let text = tag.to_str()?;
            for (prefix, function) in &self.prefixes {
                if let Some(rest) = text.strip_prefix(&**prefix) {
                    let (function, rest) = (function.clone(), Some(rest.to_owned()));
                    return Ok(Making::Call { function, rest, tag });
                }
            }
        }
        let name = tag.to_str()?.strip_prefix("tag:yaml.org,2002:");
        if self.pairs && matches!(name, Some("omap" | "pairs")) {
            return Ok(Making::Pairs);
        }
        let value = tag.py().None();
        Bound::new(tag.py(), Tagged { tag: tag.unbind(), value }).map(Making::Tagged)
    }
}

impl<'py> Making<'py> {
    /// The object itself, if it is there before its content.
    pub(crate) fn early(&self) -> Option<Bound<'py, PyAny>> {
        match self {
            Making::Tagged(tagged) => Some(tagged.clone().into_any()),
            _ => None,
        }
    }

    /// The value, of its content.
    pub(crate) fn finish(self, content: Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>> {
        match self {
            Making::Merge => Ok(content),
            Making::Moment(class) => {
                class.call_method1("fromisoformat", (&content,)).map_err(|e| no_date(&content, &e))
            }
            Making::Pairs => pairs(&content),
            Making::Tagged(tagged) => {
                tagged.borrow_mut().value = content.unbind();
                Ok(tagged.into_any())
            }
            Making::Call { function, rest, tag } => {
                let made = match rest {
                    Some(rest) => function.call1((rest, content)),
                    None => function.call1((content,)),
                };
                made.map_err(|exception| from_constructor(&tag, exception))
            }
        }
    }
}

/// A tag as it is written, with its handle resolved.
fn resolved(tag: &str) -> String {
    match tag.strip_prefix("!!") {
        Some(name) => format!("tag:yaml.org,2002:{name}"),
        None => tag.to_owned(),
    }
}

fn moment_class<'py>(name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    static CLASSES: [PyOnceLock<Py<PyType>>; 2] = [PyOnceLock::new(), PyOnceLock::new()];
    let (index, class) = match name.to_str() {
        Ok("datetime.date") => (0, "date"),
        Ok("datetime.datetime") => (1, "datetime"),
        _ => return Ok(None),
    };
    CLASSES[index].import(name.py(), "datetime", class).map(|class| Some(class.clone().into_any()))
}

/// The entries of a list of mappings that have one each.
fn pairs<'py>(content: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>> {
    let unfit = || {
        Error::new(ErrorKind::Type, "expected a list of mappings with one entry each")
            .with_hint("write `!!omap` and `!!pairs` as `[a: 1, b: 2]`")
    };
    let items = content.cast::<PyList>().map_err(|_| unfit())?;
    let found = memory::new_list(content.py()).map_err(from_exception)?;
    for item in items {
        let entries = item.cast::<PyDict>().map_err(|_| unfit())?.items();
        let Some(pair) = entries.iter().next().filter(|_| entries.len() == 1) else {
            return Err(unfit());
        };
        found.append(pair).map_err(from_exception)?;
    }
    Ok(found.into_any())
}

#[cold]
fn no_date(content: &Bound<'_, PyAny>, exception: &PyErr) -> Error {
    let reason = exception.value(content.py());
    Error::new(ErrorKind::Value, format!("`{content}` is no date of the calendar: {reason}"))
        .with_hint("put it in quotes if it is text")
}

#[cold]
fn from_constructor(tag: &Bound<'_, PyString>, exception: PyErr) -> Error {
    let note = format!("in the constructor of `{tag}`");
    // An exception that cannot take the note is still the one to raise.
    let _ = exception.value(tag.py()).call_method1("add_note", (note,));
    from_exception(exception)
}

/// Whether the type name is that of the key `<<`.
fn is_merge(name: &Bound<'_, PyString>) -> bool {
    name.to_str().is_ok_and(|name| name == MERGE)
}
