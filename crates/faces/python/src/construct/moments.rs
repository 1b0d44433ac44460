//! Dates and times from their parts, without a call into Python.

use pyo3::prelude::*;
use pyo3::types::{PyDate, PyDateTime, PyDelta, PyInt, PyString, PyTzInfo};

use crate::walk::{MomentKind, utc};

/// The value of the names and parts, taking turns; `None` where they are not those of a plain one.
pub(super) fn make<'py>(
    py: Python<'py>,
    kind: MomentKind,
    parts: &[Bound<'py, PyAny>],
) -> Option<Bound<'py, PyAny>> {
    match (kind, parts) {
        (MomentKind::Delta, parts) => delta(py, parts),
        (_, [name, text]) if is(name, "value") => {
            let text = text.cast_exact::<PyString>().ok()?.to_str().ok()?;
            if kind == MomentKind::Date { date(py, text) } else { moment(py, text) }
        }
        _ => None,
    }
}

fn is(name: &Bound<'_, PyAny>, expected: &str) -> bool {
    name.cast_exact::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| name == expected))
}

fn delta<'py>(py: Python<'py>, parts: &[Bound<'py, PyAny>]) -> Option<Bound<'py, PyAny>> {
    let [days_name, days, seconds_name, seconds, micros_name, micros] = parts else { return None };
    if !(is(days_name, "days") && is(seconds_name, "seconds") && is(micros_name, "microseconds")) {
        return None;
    }
    let number = |part: &Bound<'py, PyAny>| part.cast_exact::<PyInt>().ok()?.extract::<i32>().ok();
    let (days, seconds, micros) = (number(days)?, number(seconds)?, number(micros)?);
    // What lies within needs no carrying over, and no look at the largest.
    let is_plain = days.abs() < 999_999_999
        && (0..86_400).contains(&seconds)
        && (0..1_000_000).contains(&micros);
    if !is_plain {
        return None;
    }
    PyDelta::new(py, days, seconds, micros, false).ok().map(Bound::into_any)
}

fn date<'py>(py: Python<'py>, text: &str) -> Option<Bound<'py, PyAny>> {
    let (year, month, day) = split_date(text.as_bytes())?;
    if text.len() != 10 {
        return None;
    }
    PyDate::new(py, year, month, day).ok().map(Bound::into_any)
}

fn split_date(text: &[u8]) -> Option<(i32, u8, u8)> {
    if text.get(4) != Some(&b'-') || text.get(7) != Some(&b'-') {
        return None;
    }
    let year = number(text.get(..4)?)?;
    Some((year.cast_signed(), short(text.get(5..7)?)?, short(text.get(8..10)?)?))
}

/// As `isoformat` writes it, with no zone or with UTC.
fn moment<'py>(py: Python<'py>, text: &str) -> Option<Bound<'py, PyAny>> {
    let bytes = text.as_bytes();
    let (year, month, day) = split_date(bytes)?;
    if bytes.get(10) != Some(&b'T') || bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':')
    {
        return None;
    }
    let (hour, minute) = (short(&bytes[11..13])?, short(&bytes[14..16])?);
    let second = short(bytes.get(17..19)?)?;
    let mut rest = &bytes[19..];
    let mut micros = 0;
    if let [b'.', digits @ ..] = rest {
        micros = number(digits.get(..6)?)?;
        rest = &digits[6..];
    }
    let zone = match rest {
        b"" => None,
        b"+00:00" => Some(utc(py).ok()?.cast::<PyTzInfo>().ok()?),
        _ => return None,
    };
    let made = PyDateTime::new(py, year, month, day, hour, minute, second, micros, zone);
    made.ok().map(Bound::into_any)
}

fn short(digits: &[u8]) -> Option<u8> {
    number(digits).and_then(|value| u8::try_from(value).ok())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0'))
    })
}
