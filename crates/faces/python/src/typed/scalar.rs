//! Scalars as their node says.

use cannery_core::{BigInt, Result};
use pyo3::prelude::*;

use super::errors::{mismatch, refused, shown};
use super::moment;
use super::plan::{Converter, Make, Node};
use crate::construct::make;
use crate::errors::from_exception;

type Made<'py> = Result<Bound<'py, PyAny>>;

/// A scalar of a document, as messages show it.
pub(super) type Shown<'a> = &'a dyn Fn() -> String;

/// What the way's check makes of a value.
#[inline]
pub(super) fn checked<'py>(way: &Converter, value: Bound<'py, PyAny>) -> Made<'py> {
    match &way.check {
        None => Ok(value),
        Some(check) => check_by(check, value),
    }
}

/// What a check makes of a value.
#[cold]
pub(super) fn check_by<'py>(check: &Py<PyAny>, value: Bound<'py, PyAny>) -> Made<'py> {
    let py = value.py();
    check.bind(py).call1((value,)).map_err(|exception| refused(py, exception, None))
}

/// What a function makes of a value.
pub(super) fn call<'py>(
    function: &Py<PyAny>,
    value: Bound<'py, PyAny>,
    node: &Node,
    shown: Shown<'_>,
) -> Made<'py> {
    let py = value.py();
    function.bind(py).call1((value,)).map_err(|exception| {
        let expected = format!("expected {}, got {}", node.expected, shown());
        refused(py, exception, Some(expected))
    })
}

/// A plain value, made another way than kept.
pub(super) fn plain<'py>(
    way: &Converter,
    value: Bound<'py, PyAny>,
    node: &Node,
    shown: Shown<'_>,
) -> Made<'py> {
    let made = match &way.make {
        Make::Value(object) => object.bind(value.py()).clone(),
        Make::Call(function) | Make::Decimal(function) => call(function, value, node, shown)?,
        _ => value,
    };
    checked(way, made)
}

/// An integer of 64 bits.
pub(super) fn int<'py>(py: Python<'py>, way: &Converter, value: i64, node: &Node) -> Made<'py> {
    let made = match &way.make {
        #[expect(clippy::cast_precision_loss, reason = "as Python's own `float` of an `int`")]
        Make::Float => make::float(py, value as f64),
        Make::Numbers(table, fallback) => match (table.get(&value), fallback) {
            (Some(member), _) => Ok(member.bind(py).clone()),
            (None, Some(fallback)) => {
                let plain = make::int(py, value).map_err(from_exception)?;
                return call(fallback, plain, node, &|| value.to_string());
            }
            (None, None) => return Err(not_listed(node, &value.to_string())),
        },
        _ => {
            let plain = make::int(py, value).map_err(from_exception)?;
            return self::plain(way, plain, node, &|| value.to_string());
        }
    };
    checked(way, made.map_err(from_exception)?)
}

/// An integer beyond 64 bits.
pub(super) fn big_int<'py>(
    py: Python<'py>,
    way: &Converter,
    value: BigInt<'_>,
    node: &Node,
) -> Made<'py> {
    let plain = make::big_int(py, value).map_err(from_exception)?;
    match &way.make {
        Make::Float => {
            let float = py.get_type::<pyo3::types::PyFloat>().into_any().unbind();
            checked(way, call(&float, plain, node, &|| "an integer beyond its range".to_owned())?)
        }
        Make::Numbers(..) => Err(not_listed(node, &value.to_decimal())),
        _ => self::plain(way, plain, node, &|| shown(&value.to_decimal())),
    }
}

/// The digits of a number, exactly.
pub(super) fn decimal<'py>(
    py: Python<'py>,
    way: &Converter,
    class: &Py<PyAny>,
    digits: &str,
    node: &Node,
) -> Made<'py> {
    let digits = crate::text::from_ascii(py, digits.as_bytes()).map_err(from_exception)?;
    let made = call(class, digits.clone(), node, &|| shown(&digits.to_string()))?;
    checked(way, made)
}

/// A text.
pub(super) fn text<'py>(py: Python<'py>, way: &Converter, value: &str, node: &Node) -> Made<'py> {
    let made = match &way.make {
        Make::Names(table, fallback) => match (table.get(value.as_bytes()), fallback) {
            (Some(member), _) => Ok(member.bind(py).clone()),
            (None, Some(fallback)) => {
                let plain = crate::text::from_utf8(py, value.as_bytes()).map_err(from_exception)?;
                return call(fallback, plain, node, &|| shown(value));
            }
            (None, None) => return Err(not_listed(node, &shown(value))),
        },
        Make::Datetime => moment::datetime(py, value),
        Make::Date => moment::date(py, value),
        Make::Time => moment::time(py, value),
        Make::Uuid(class, safety) => uuid(py, class, safety, value),
        _ => {
            let plain = crate::text::from_utf8(py, value.as_bytes()).map_err(from_exception)?;
            return self::plain(way, plain, node, &|| shown(value));
        }
    };
    let made = made.map_err(|exception| {
        let expected = format!("expected {}, got {}", node.expected, shown(value));
        refused(py, exception, Some(expected))
    })?;
    checked(way, made)
}

#[cold]
fn not_listed(node: &Node, found: &str) -> cannery_core::Error {
    mismatch(format!("expected {}, got {found}", node.expected))
}

/// A `UUID`, as its constructor makes it.
fn uuid<'py>(
    py: Python<'py>,
    class: &Py<PyAny>,
    safety: &Py<PyAny>,
    text: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let class = class.bind(py);
    let Some(number) = parse_uuid(text.as_bytes()) else {
        return class.call1((text,));
    };
    let object = py.get_type::<PyAny>().call_method1("__new__", (class,))?;
    set_attribute(&object, pyo3::intern!(py, "int"), number.into_pyobject(py)?.as_any())?;
    set_attribute(&object, pyo3::intern!(py, "is_safe"), safety.bind(py))?;
    Ok(object)
}

/// Past the `__setattr__` of the class, which refuses everything.
fn set_attribute(
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, pyo3::types::PyString>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    // SAFETY: all three are live.
    let status = unsafe {
        pyo3::ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr())
    };
    if status < 0 { Err(PyErr::fetch(object.py())) } else { Ok(()) }
}

/// The number of a UUID in its usual form: 8-4-4-4-12 hexadecimal digits.
fn parse_uuid(text: &[u8]) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut number = 0;
    for (at, &byte) in text.iter().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}
