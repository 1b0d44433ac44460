//! Scalars as Python objects, and back.

use cannery_core::{Error, ErrorKind, Result};
use cannery_protobuf::{Field, Scalar, kind};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyString};

use super::schema::ProtoSchema;
use crate::construct::make;
use crate::errors::from_exception;
use crate::memory;
use crate::text;

#[inline]
pub(super) fn to_python<'py>(py: Python<'py>, value: Scalar<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Scalar::I32(value) | Scalar::Enum(value) => make::int(py, value.into())?,
        Scalar::I64(value) => make::int(py, value)?,
        Scalar::U32(value) => make::int(py, value.into())?,
        Scalar::U64(value) => memory::unsigned(py, value)?,
        Scalar::F32(value) => make::float(py, value.into())?,
        Scalar::F64(value) => make::float(py, value)?,
        Scalar::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Scalar::Text(value) if value.is_ascii() => text::from_ascii(py, value.as_bytes())?,
        Scalar::Text(value) => text::from_utf8(py, value.as_bytes())?,
        // Text that is not UTF-8, which only some schemas allow, is shown as what it is.
        Scalar::LooseText(value) | Scalar::Bytes(value) => memory::new_bytes(py, value)?.into_any(),
    })
}

#[cold]
pub(super) fn wrong_type(expected: &str, value: &Bound<'_, PyAny>) -> Error {
    let name = value.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
    // A value of a wrong type is a `ValueError` here: what is wrong is the message.
    Error::new(ErrorKind::Value, format!("expected {expected}, got {name}"))
}

#[cold]
fn out_of_range(expected: &str, value: &Bound<'_, PyAny>) -> Error {
    let shown = value.str().map_or_else(|_| "an integer".into(), |text| text.to_string());
    let shown = if shown.len() > 40 { "a larger integer".to_owned() } else { shown };
    Error::new(ErrorKind::Value, format!("expected {expected}, got {shown}"))
}

/// An integer of at most 64 bits: the value, or its two's complement beyond `i64`.
fn integer(value: &Bound<'_, PyAny>, expected: &str) -> Result<i128> {
    if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyFloat>() {
        return Err(wrong_type(expected, value));
    }
    if let Ok(small) = value.extract::<i64>() {
        return Ok(small.into());
    }
    if !value.is_instance_of::<PyInt>() && value.hasattr("__index__").is_ok_and(|has| !has) {
        return Err(wrong_type(expected, value));
    }
    let large: PyResult<u64> = value.extract();
    large.map(i128::from).map_err(|_| out_of_range(expected, value))
}

fn narrowed<T: TryFrom<i128>>(value: &Bound<'_, PyAny>, expected: &str) -> Result<T> {
    let wide = integer(value, expected)?;
    T::try_from(wide).map_err(|_| out_of_range(expected, value))
}

fn float(value: &Bound<'_, PyAny>, expected: &str) -> Result<f64> {
    if let Ok(value) = value.cast_exact::<PyFloat>() {
        return Ok(value.value());
    }
    let is_number = !value.is_instance_of::<PyString>()
        && !value.is_instance_of::<PyBytes>()
        && !value.is_instance_of::<PyBool>();
    if is_number && let Ok(value) = value.extract::<f64>() {
        return Ok(value);
    }
    Err(wrong_type(expected, value))
}

/// Calls `take` with a Python object as a scalar of the field's type.
pub(super) fn with_scalar<T>(
    schema: &ProtoSchema,
    field: &Field,
    value: &Bound<'_, PyAny>,
    take: impl FnOnce(Scalar<'_>) -> T,
) -> Result<T> {
    let expected = field.type_name();
    let scalar = match field.kind() {
        kind::DOUBLE => Scalar::F64(float(value, expected)?),
        kind::FLOAT => Scalar::F32(single(float(value, expected)?, value)?),
        kind::INT64 | kind::SINT64 | kind::SFIXED64 => Scalar::I64(narrowed(value, expected)?),
        kind::UINT64 | kind::FIXED64 => Scalar::U64(narrowed(value, expected)?),
        kind::INT32 | kind::SINT32 | kind::SFIXED32 => Scalar::I32(narrowed(value, expected)?),
        kind::UINT32 | kind::FIXED32 => Scalar::U32(narrowed(value, expected)?),
        kind::BOOL => match value.cast::<PyBool>() {
            Ok(value) => Scalar::Bool(value.is_true()),
            Err(_) => Scalar::Bool(numpy_bool(value).ok_or_else(|| wrong_type(expected, value))?),
        },
        kind::STRING => return string(field, value, take),
        kind::BYTES => return bytes(value, take),
        _ => Scalar::Enum(enum_number(schema, field, value)?),
    };
    Ok(take(scalar))
}

#[expect(clippy::cast_possible_truncation, reason = "a float field is 32 bits wide")]
fn single(value: f64, shown: &Bound<'_, PyAny>) -> Result<f32> {
    let single = value as f32;
    if single.is_infinite() && value.is_finite() {
        return Err(out_of_range("float", shown));
    }
    Ok(single)
}

/// NumPy's bool, which is none of Python's.
fn numpy_bool(value: &Bound<'_, PyAny>) -> Option<bool> {
    let name = value.get_type().name().ok()?;
    let is_numpys = name == "bool_" || name == "bool";
    is_numpys.then(|| value.is_truthy().ok()).flatten()
}

fn string<T>(
    field: &Field,
    value: &Bound<'_, PyAny>,
    take: impl FnOnce(Scalar<'_>) -> T,
) -> Result<T> {
    if let Ok(value) = value.cast::<PyString>() {
        let text = value.to_str().map_err(|_| {
            Error::new(ErrorKind::Encoding, "expected a string without lone surrogates")
        })?;
        return Ok(take(Scalar::Text(text)));
    }
    if let Ok(value) = value.cast::<PyBytes>()
        && !field.validates_utf8()
    {
        return Ok(take(Scalar::LooseText(value.as_bytes())));
    }
    Err(wrong_type("string", value))
}

fn bytes<T>(value: &Bound<'_, PyAny>, take: impl FnOnce(Scalar<'_>) -> T) -> Result<T> {
    if let Ok(value) = value.cast::<PyBytes>() {
        return Ok(take(Scalar::Bytes(value.as_bytes())));
    }
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyInt>() {
        return Err(wrong_type("bytes", value));
    }
    if let Ok(value) = value.cast::<PyByteArray>() {
        return Ok(take(Scalar::Bytes(&value.to_vec())));
    }
    // SAFETY: any object; what comes back is checked.
    let is_buffer = unsafe { ffi::PyObject_CheckBuffer(value.as_ptr()) } != 0;
    if !is_buffer {
        return Err(wrong_type("bytes", value));
    }
    let copied = value.call_method0("tobytes").and_then(|copied| copied.extract::<Vec<u8>>());
    Ok(take(Scalar::Bytes(&copied.map_err(from_exception)?)))
}

fn enum_number(schema: &ProtoSchema, field: &Field, value: &Bound<'_, PyAny>) -> Result<i32> {
    let id = field.enumeration().expect("a field of an enum has its type");
    let enumeration = schema.pool.enum_type(id);
    if let Ok(name) = value.cast::<PyString>() {
        let name = name.to_string_lossy();
        return enumeration.number_of(&name).ok_or_else(|| {
            let names: Vec<&str> = enumeration.values().map(|(name, _)| name).take(8).collect();
            let message =
                format!("expected a value of enum {}, got `{name}`", enumeration.full_name());
            Error::new(ErrorKind::Value, message).with_hint(format!("one of {}", names.join(", ")))
        });
    }
    narrowed(value, "enum")
}
