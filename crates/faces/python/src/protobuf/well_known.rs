//! Well-known messages as what they stand for: times, wrapped scalars, plain values.

use cannery_core::{Error, ErrorKind, Result};
use cannery_protobuf::{MessageId, WellKnown};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyInt, PyList, PyMapping,
    PyString, PyTuple, PyTzInfo,
};

use super::decode::DecodeMode;
use super::encode::PyEncoder;
use super::schema::ProtoSchema;
use crate::errors::{OrRaise, from_exception};
use crate::memory;

/// Microseconds from 0001-01-01 to 1970-01-01, and what a `datetime` ends with.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;

fn number(dict: &Bound<'_, PyDict>, key: &str) -> PyResult<i64> {
    dict.get_item(key)?.map_or(Ok(0), |value| value.extract())
}

/// What a decoded well-known message stands for; `None` if the dictionary says it best.
pub(super) fn from_dict<'py>(
    py: Python<'py>,
    schema: &ProtoSchema,
    mode: DecodeMode<'_>,
    kind: WellKnown,
    of: MessageId,
    dict: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if dict.contains(super::schema::UNKNOWN)? {
        return Ok(None);
    }
    Ok(match kind {
        WellKnown::Timestamp => timestamp(py, number(dict, "seconds")?, number(dict, "nanos")?)?,
        WellKnown::Duration => duration(py, number(dict, "seconds")?, number(dict, "nanos")?)?,
        WellKnown::Wrapper => Some(match dict.get_item("value")? {
            Some(value) => value,
            None => schema.default_of(py, &schema.pool.message_type(of).fields()[0])?,
        }),
        WellKnown::Struct => Some(match dict.get_item("fields")? {
            Some(fields) => fields,
            None => memory::new_dict(py)?.into_any(),
        }),
        WellKnown::ListValue => Some(match dict.get_item("values")? {
            Some(values) => values,
            None => memory::new_list(py)?.into_any(),
        }),
        WellKnown::Value => Some(plain_value(py, dict)?),
        WellKnown::FieldMask => Some(match dict.get_item("paths")? {
            Some(paths) => paths,
            None => memory::new_list(py)?.into_any(),
        }),
        WellKnown::Any => any(py, schema, mode, dict)?,
        WellKnown::None | WellKnown::Empty => None,
    })
}

fn plain_value<'py>(py: Python<'py>, dict: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    for key in ["number_value", "string_value", "bool_value", "struct_value", "list_value"] {
        if let Some(value) = dict.get_item(key)? {
            return Ok(value);
        }
    }
    Ok(py.None().into_bound(py))
}

/// A `datetime` in UTC, if it holds the moment exactly.
#[expect(clippy::cast_possible_truncation, reason = "days of 10,000 years, seconds of a day")]
fn timestamp(py: Python<'_>, seconds: i64, nanos: i64) -> PyResult<Option<Bound<'_, PyAny>>> {
    let is_exact = (EARLIEST..=LATEST).contains(&seconds)
        && (0..1_000_000_000).contains(&nanos)
        && nanos % 1000 == 0;
    if !is_exact {
        return Ok(None);
    }
    let utc = PyTzInfo::utc(py)?;
    let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc))?;
    let days = seconds.div_euclid(86_400) as i32;
    let second = seconds.rem_euclid(86_400) as i32;
    let delta = PyDelta::new(py, days, second, (nanos / 1000) as i32, false)?;
    epoch.add(delta).map(Some)
}

/// A `timedelta`, if it holds the duration exactly.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a day, and microseconds")]
fn duration(py: Python<'_>, seconds: i64, nanos: i64) -> PyResult<Option<Bound<'_, PyAny>>> {
    let is_exact = seconds.abs() <= 315_576_000_000
        && nanos.abs() < 1_000_000_000
        && nanos % 1000 == 0
        && seconds.signum() * nanos.signum() >= 0;
    let days = i32::try_from(seconds / 86_400).unwrap_or(i32::MAX);
    if !is_exact || days.abs() > 999_999_998 {
        return Ok(None);
    }
    let rest = (seconds % 86_400) as i32;
    Ok(Some(PyDelta::new(py, days, rest, (nanos / 1000) as i32, true)?.into_any()))
}

/// `{"@type": url, ...}` for a message of a known type.
fn any<'py>(
    py: Python<'py>,
    schema: &ProtoSchema,
    mode: DecodeMode<'_>,
    dict: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(url) = dict.get_item("type_url")? else { return Ok(None) };
    let text: String = url.extract()?;
    let Some(of) = text.rsplit_once('/').and_then(|(_, name)| schema.pool.message(name)) else {
        return Ok(None);
    };
    let bytes: Vec<u8> = dict.get_item("value")?.map_or(Ok(Vec::new()), |value| value.extract())?;
    let plain = DecodeMode { as_class: false, ..mode };
    let Some(_inside) = mode.budget.enter_any() else { return Ok(None) };
    let Ok(inner) = schema.decode_bytes(py, of, &bytes, plain, 90) else { return Ok(None) };
    let out = memory::new_dict(py)?;
    out.set_item("@type", url)?;
    match inner.cast::<PyDict>() {
        Ok(fields)
            if matches!(
                schema.pool.message_type(of).well_known(),
                WellKnown::None | WellKnown::Empty
            ) =>
        {
            out.update(fields.as_mapping())?;
        }
        _ => out.set_item("value", inner)?,
    }
    Ok(Some(out.into_any()))
}

/// The dictionary of a message that was decoded before, to decode more into it.
pub(super) fn to_dict<'py>(
    py: Python<'py>,
    schema: &ProtoSchema,
    mode: DecodeMode<'_>,
    of: MessageId,
    there: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let encoder = PyEncoder { schema, py, deterministic: false, partial: true };
    let bytes = encoder.encode(of, there)?;
    // Objects are made of each byte, not only copied.
    mode.budget.take_steps(bytes.len().saturating_mul(16)).or_raise(py)?;
    let mut target = super::decode::PyTarget::new(py, schema, mode);
    let options = cannery_protobuf::DecodeOptions::default();
    cannery_protobuf::decode(&schema.pool, of, &bytes, &options, &mut target)
        .map_err(|error| crate::errors::to_exception(py, error))
}

/// The fields behind what a well-known message stands for; `None` if the value is to be taken as
/// it is.
pub(super) fn plain<'py>(
    encoder: &PyEncoder<'py, '_>,
    kind: WellKnown,
    of: MessageId,
    value: &Bound<'py, PyAny>,
) -> Result<Option<Bound<'py, PyDict>>> {
    let py = encoder.py;
    let made = match kind {
        WellKnown::Timestamp => moment(py, value),
        WellKnown::Duration => length(py, value),
        WellKnown::Wrapper => wrapped(py, value),
        WellKnown::Struct => structure(py, value),
        WellKnown::ListValue => one(
            py,
            "values",
            value,
            value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>(),
        ),
        WellKnown::FieldMask => one(
            py,
            "paths",
            value,
            value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>(),
        ),
        WellKnown::Value => of_value(py, value),
        WellKnown::Any => return packed_any(encoder, value),
        WellKnown::None | WellKnown::Empty => Ok(None),
    };
    let _ = of;
    made.map_err(from_exception)
}

type Fields<'py> = PyResult<Option<Bound<'py, PyDict>>>;

fn one<'py>(py: Python<'py>, key: &str, value: &Bound<'py, PyAny>, is_it: bool) -> Fields<'py> {
    if !is_it {
        return Ok(None);
    }
    let dict = memory::new_dict(py)?;
    dict.set_item(key, value)?;
    Ok(Some(dict))
}

fn moment<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> Fields<'py> {
    let Ok(moment) = value.cast::<PyDateTime>() else { return Ok(None) };
    let utc = PyTzInfo::utc(py)?;
    let is_naive = moment.getattr("tzinfo")?.is_none();
    let zone = if is_naive { None } else { Some(&*utc) };
    let epoch = PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, zone)?;
    let since = moment.sub(epoch)?;
    let since = since.cast::<PyDelta>()?;
    let seconds = i64::from(since.get_days()) * 86_400 + i64::from(since.get_seconds());
    fields(py, seconds, i64::from(since.get_microseconds()) * 1000)
}

fn length<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> Fields<'py> {
    let Ok(delta) = value.cast::<PyDelta>() else { return Ok(None) };
    let seconds = i64::from(delta.get_days()) * 86_400 + i64::from(delta.get_seconds());
    let micros = i64::from(delta.get_microseconds());
    // Seconds and nanoseconds have the same sign.
    if seconds < 0 && micros > 0 {
        return fields(py, seconds + 1, (micros - 1_000_000) * 1000);
    }
    fields(py, seconds, micros * 1000)
}

fn fields(py: Python<'_>, seconds: i64, nanos: i64) -> Fields<'_> {
    let dict = memory::new_dict(py)?;
    dict.set_item("seconds", seconds)?;
    dict.set_item("nanos", nanos)?;
    Ok(Some(dict))
}

fn wrapped<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> Fields<'py> {
    let is_message =
        value.is_instance_of::<PyDict>() || value.hasattr("SerializePartialToString")?;
    one(py, "value", value, !is_message)
}

fn structure<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> Fields<'py> {
    one(py, "fields", value, value.cast::<PyMapping>().is_ok())
}

fn of_value<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> Fields<'py> {
    let key = if value.is_none() {
        let dict = memory::new_dict(py)?;
        dict.set_item("null_value", 0)?;
        return Ok(Some(dict));
    } else if value.is_instance_of::<PyBool>() {
        "bool_value"
    } else if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>() {
        "number_value"
    } else if value.is_instance_of::<PyString>() {
        "string_value"
    } else if value.cast::<PyMapping>().is_ok() {
        "struct_value"
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        "list_value"
    } else {
        return Ok(None);
    };
    one(py, key, value, true)
}

/// `{"@type": url, ...}` as type and bytes.
fn packed_any<'py>(
    encoder: &PyEncoder<'py, '_>,
    value: &Bound<'py, PyAny>,
) -> Result<Option<Bound<'py, PyDict>>> {
    let Ok(dict) = value.cast::<PyDict>() else { return Ok(None) };
    let Some(url) = dict.get_item("@type").map_err(from_exception)? else { return Ok(None) };
    let text: String = url.extract().map_err(from_exception)?;
    let pool = &encoder.schema.pool;
    let Some(of) = text.rsplit_once('/').and_then(|(_, name)| pool.message(name)) else {
        let message = format!("the type `{text}` of an Any is not known");
        return Err(Error::new(ErrorKind::Value, message));
    };
    let inner = dict.copy().map_err(from_exception)?;
    inner.del_item("@type").map_err(from_exception)?;
    let kind = pool.message_type(of).well_known();
    let inner = match inner.get_item("value").map_err(from_exception)? {
        Some(value) if !matches!(kind, WellKnown::None | WellKnown::Empty) => value,
        _ => inner.into_any(),
    };
    let bytes = encoder.encode(of, &inner).map_err(from_exception)?;
    let out = memory::new_dict(encoder.py).map_err(from_exception)?;
    let bytes = memory::new_bytes(encoder.py, &bytes).map_err(from_exception)?;
    let set = out.set_item("type_url", url).and_then(|()| out.set_item("value", bytes));
    set.map_err(from_exception)?;
    Ok(Some(out))
}
