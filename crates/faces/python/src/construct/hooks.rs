//! The choices a builder leaves open: how numbers and containers become objects.

use cannery_core::{ArraySource, BigInt, Container, Error, ErrorKind, Result, Segment, TextBuf};
use pyo3::prelude::*;

use super::make;
use crate::errors::from_exception;
use crate::memory;
use crate::text;

/// How numbers, containers and objects become Python's; by default as Python's own types.
pub(crate) trait Hooks<'py> {
    /// Whether Python code may run while the document is built.
    const CALLS_PYTHON: bool = false;

    /// Whether [`end`](Hooks::end) makes a plain `dict` of every map.
    const PLAIN_CONTAINERS: bool = false;

    /// Whether a container that ends with these values becomes Python's own type, and nothing else is to
    /// be done about it.
    #[inline(always)]
    fn ends_plainly(&mut self, container: Container, _values: &[Bound<'py, PyAny>]) -> bool {
        Self::PLAIN_CONTAINERS && container == Container::Map
    }

    /// Whether the cyclic collector waits until the document is built.
    const PAUSES: bool = !Self::CALLS_PYTHON;

    /// Whether numbers shall come as text.
    fn wants_number_text(&self) -> bool {
        false
    }

    /// A value was put in its place.
    #[inline]
    fn placed(&mut self, _value: &Bound<'py, PyAny>) {}

    /// A float.
    #[inline]
    fn float(&mut self, py: Python<'py>, value: f64) -> PyResult<Bound<'py, PyAny>> {
        make::float(py, value)
    }

    /// An integer beyond 64 bits.
    fn big_int(&mut self, py: Python<'py>, value: BigInt<'_>) -> PyResult<Bound<'py, PyAny>> {
        make::big_int(py, value)
    }

    /// A number by its text.
    fn number(&mut self, py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
        if is_integer(text) { integer(py, text) } else { make::float(py, float(text)) }
    }

    /// A container begins.
    #[inline]
    fn begin(&mut self, _py: Python<'py>, _container: Container) -> PyResult<()> {
        Ok(())
    }

    /// A container ends, whose values are those from `base` on.
    #[inline]
    fn end(
        &mut self,
        py: Python<'py>,
        container: Container,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        container_object(py, container, values, base).map_err(from_exception)
    }

    /// An object begins.
    fn begin_object(&mut self, type_name: Bound<'py, PyAny>) -> Result<()> {
        Err(no_objects(&type_name))
    }

    /// An object ends, whose parts are the names and values from `base` on.
    fn end_object(
        &mut self,
        _py: Python<'py>,
        _values: &mut Vec<Bound<'py, PyAny>>,
        _base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        unreachable!("`begin_object` refused it")
    }

    /// An array, where there is no NumPy to make one.
    fn array_without_numpy(
        &mut self,
        _py: Python<'py>,
        _value: &dyn ArraySource,
    ) -> Result<Bound<'py, PyAny>> {
        Err(Error::new(ErrorKind::Unsupported, "an array cannot be made: NumPy is not installed")
            .with_hint("pip install numpy"))
    }

    /// The next value is known as `id`.
    fn mark(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }

    /// The value known as `id`.
    fn alias(&mut self, _py: Python<'py>, id: u64) -> Result<Bound<'py, PyAny>> {
        Err(Error::new(ErrorKind::Reference, format!("a reference to value {id} in plain data")))
    }
}

/// The container of the values from `base` on, in Python's own type for it.
#[inline]
pub(super) fn container_object<'py>(
    py: Python<'py>,
    container: Container,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    match container {
        Container::List => make::list(py, values, base),
        Container::Map => make::dict(py, values, base),
        Container::Tuple => make::tuple(py, values, base),
        Container::Set => make::set(py, values, base),
        Container::FrozenSet => make::frozen_set(py, values, base),
    }
}

#[cold]
fn no_objects(type_name: &Bound<'_, PyAny>) -> Error {
    Error::new(ErrorKind::Unsupported, format!("an object of type `{type_name}` in plain data"))
        .with_hint("read it with `cannery.load`")
}

/// Python's own types, nothing else.
pub(crate) struct Plain;

impl Hooks<'_> for Plain {
    const PLAIN_CONTAINERS: bool = true;
}

/// The same, while Python code may run between the events: that which reads the source.
pub(crate) struct Watched;

impl Hooks<'_> for Watched {
    const CALLS_PYTHON: bool = true;
    const PLAIN_CONTAINERS: bool = true;
}

/// What to do about a key that occurs twice in one object.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// Keep the last value, as the standard library does.
    #[default]
    Last,
    /// Keep the first value.
    First,
    /// Refuse the document.
    Error,
}

impl Duplicates {
    /// From its name in Python.
    pub(crate) fn parse(name: &str) -> PyResult<Self> {
        match name {
            "last" => Ok(Duplicates::Last),
            "first" => Ok(Duplicates::First),
            "error" => Ok(Duplicates::Error),
            _ => Err(pyo3::exceptions::PyValueError::new_err(format!(
                "duplicates must be \"last\", \"first\" or \"error\", not {name:?}"
            ))),
        }
    }
}

/// The hooks of `json.loads`.
#[derive(Default)]
pub(crate) struct JsonHooks<'py> {
    /// Called with every `dict`.
    pub(crate) object_hook: Option<Bound<'py, PyAny>>,
    /// Called with every object as a list of pairs.
    pub(crate) object_pairs_hook: Option<Bound<'py, PyAny>>,
    /// Called with the text of every number with a fraction or exponent.
    pub(crate) parse_float: Option<Bound<'py, PyAny>>,
    /// Called with the text of every other number.
    pub(crate) parse_int: Option<Bound<'py, PyAny>>,
    /// Called with `NaN`, `Infinity` or `-Infinity`.
    pub(crate) parse_constant: Option<Bound<'py, PyAny>>,
    /// For objects that are not given to `object_pairs_hook`.
    pub(crate) duplicates: Duplicates,
}

impl<'py> JsonHooks<'py> {
    /// Whether nothing differs from [`Plain`].
    pub(crate) fn is_plain(&self) -> bool {
        self.object_hook.is_none()
            && self.object_pairs_hook.is_none()
            && !self.wants_number_text()
            && self.duplicates == Duplicates::Last
    }

    fn object(
        &self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        if let Some(hook) = &self.object_pairs_hook {
            let pairs = pairs(py, values, base).map_err(from_exception)?;
            return hook.call1((pairs,)).map_err(from_exception);
        }
        let dict = self.dict(py, values, base)?;
        match &self.object_hook {
            Some(hook) => hook.call1((dict,)).map_err(from_exception),
            None => Ok(dict),
        }
    }

    fn dict(
        &self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        match self.duplicates {
            Duplicates::Last => make::dict(py, values, base).map_err(from_exception),
            Duplicates::First => first_wins(py, values, base).map_err(from_exception),
            Duplicates::Error => {
                let keys = values[base..].iter().step_by(2).cloned().collect::<Vec<_>>();
                let dict = make::dict(py, values, base).map_err(from_exception)?;
                if dict.len().map_err(from_exception)? < keys.len() {
                    return Err(duplicate_key(py, &keys).unwrap_or_else(from_exception));
                }
                Ok(dict)
            }
        }
    }
}

impl<'py> Hooks<'py> for JsonHooks<'py> {
    const CALLS_PYTHON: bool = true;

    fn wants_number_text(&self) -> bool {
        self.parse_float.is_some() || self.parse_int.is_some() || self.parse_constant.is_some()
    }

    fn float(&mut self, py: Python<'py>, value: f64) -> PyResult<Bound<'py, PyAny>> {
        // Numbers come as text if there is a hook for constants: this is one.
        match &self.parse_constant {
            Some(hook) => hook.call1((constant_name(value),)),
            None => make::float(py, value),
        }
    }

    fn number(&mut self, py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
        let integer_text = is_integer(text);
        let hook = if integer_text { &self.parse_int } else { &self.parse_float };
        match hook {
            Some(hook) => hook.call1((text,)),
            None if integer_text => integer(py, text),
            None => make::float(py, float(text)),
        }
    }

    fn end(
        &mut self,
        py: Python<'py>,
        container: Container,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        match container {
            Container::Map => self.object(py, values, base),
            other => container_object(py, other, values, base).map_err(from_exception),
        }
    }
}

fn constant_name(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A `list` of pairs from the keys and values, taking turns, from `base` on.
pub(super) fn pairs<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (entries, _) = values[base..].as_chunks::<2>();
    let pairs = entries.iter().map(|pair| memory::new_tuple(py, pair).map(Bound::into_any));
    let mut pairs = pairs.collect::<PyResult<Vec<_>>>()?;
    values.truncate(base);
    make::list(py, &mut pairs, 0)
}

fn first_wins<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let dict = memory::new_dict(py)?;
    let (entries, _) = values[base..].as_chunks::<2>();
    for [key, value] in entries {
        dict.call_method1("setdefault", (key, value))?;
    }
    values.truncate(base);
    Ok(dict.into_any())
}

#[cold]
fn duplicate_key(py: Python<'_>, keys: &[Bound<'_, PyAny>]) -> PyResult<Error> {
    let seen = memory::new_dict(py)?;
    for key in keys {
        if seen.contains(key)? {
            let key = TextBuf::from(text::of_python(key)?);
            let message = format!("the key `{key}` occurs twice");
            let error = Error::new(ErrorKind::Value, message)
                .inside(Segment::Key(key))
                .with_hint("pass `duplicates=\"last\"` to keep the last value");
            return Ok(error);
        }
        seen.set_item(key, true)?;
    }
    Ok(Error::new(ErrorKind::Value, "a key occurs twice"))
}

/// Whether a number by JSON's grammar has neither fraction nor exponent.
pub(crate) fn is_integer(text: &str) -> bool {
    !text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'))
}

fn integer<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    match text.parse() {
        Ok(value) => make::int(py, value),
        Err(_) => make::big_int(py, BigInt::Decimal(text)),
    }
}

fn float(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}
