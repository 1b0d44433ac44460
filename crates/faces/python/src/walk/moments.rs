//! Dates and times as objects, without a call into Python: documents hold many of them.

use std::io::Write;

use cannery_core::{Result, Sink, Text};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTimeAccess, PyTzInfo,
    PyTzInfoAccess,
};

use crate::errors::from_exception;

/// The types that are sent here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MomentKind {
    Date,
    DateTime,
    Delta,
}

impl MomentKind {
    /// The kind of a value that is exactly of one of the types.
    pub(super) fn of(value: &Bound<'_, PyAny>) -> Option<Self> {
        if value.cast_exact::<PyDateTime>().is_ok() {
            Some(Self::DateTime)
        } else if value.cast_exact::<PyDate>().is_ok() {
            Some(Self::Date)
        } else if value.cast_exact::<PyDelta>().is_ok() {
            Some(Self::Delta)
        } else {
            None
        }
    }

    /// The name of the type in documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Date => "datetime.date",
            Self::DateTime => "datetime.datetime",
            Self::Delta => "datetime.timedelta",
        }
    }

    /// The kind of a name in a document.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Date, Self::DateTime, Self::Delta].into_iter().find(|kind| kind.name() == name)
    }
}

/// `datetime.timezone.utc`, of which there is one.
pub(crate) fn utc(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static UTC: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let utc = UTC.get_or_try_init(py, || {
        py.import("datetime")?.getattr("timezone")?.getattr("utc").map(Bound::unbind)
    })?;
    Ok(utc.bind(py))
}

/// Whether text or numbers say all about a value of the kind.
pub(super) fn is_plain(value: &Bound<'_, PyAny>, kind: MomentKind) -> bool {
    let Ok(moment) = value.cast::<PyDateTime>() else { return kind != MomentKind::DateTime };
    let is_utc = |zone: Bound<'_, PyTzInfo>| utc(value.py()).is_ok_and(|utc| zone.is(utc));
    !moment.get_fold() && moment.get_tzinfo().is_none_or(is_utc)
}

/// Sends a value of the kind; `false` if there is more to it than text or numbers say.
pub(super) fn send<S: Sink>(
    value: &Bound<'_, PyAny>,
    kind: MomentKind,
    sink: &mut S,
) -> Result<bool> {
    let mut text = [0; 40];
    let length = match kind {
        MomentKind::Delta => {
            let delta = value.cast::<PyDelta>().map_err(|e| from_exception(e.into()))?;
            return send_delta(delta, sink).map(|()| true);
        }
        MomentKind::Date => {
            let date = value.cast::<PyDate>().map_err(|e| from_exception(e.into()))?;
            write_date(date, &mut text)
        }
        MomentKind::DateTime => {
            let moment = value.cast::<PyDateTime>().map_err(|e| from_exception(e.into()))?;
            match write_moment(moment, &mut text) {
                Some(length) => length,
                None => return Ok(false),
            }
        }
    };
    sink.begin_object(Text::Ascii(kind.name()), Some(1))?;
    sink.key(Text::Ascii("value"))?;
    sink.text(Text::Ascii(std::str::from_utf8(&text[..length]).unwrap_or_default()))?;
    sink.end_object()?;
    Ok(true)
}

fn send_delta<S: Sink>(delta: &Bound<'_, PyDelta>, sink: &mut S) -> Result<()> {
    sink.begin_object(Text::Ascii(MomentKind::Delta.name()), Some(3))?;
    let parts = [
        ("days", delta.get_days()),
        ("seconds", delta.get_seconds()),
        ("microseconds", delta.get_microseconds()),
    ];
    for (name, value) in parts {
        sink.key(Text::Ascii(name))?;
        sink.int(i64::from(value))?;
    }
    sink.end_object()
}

fn write_date(date: &impl PyDateAccess, out: &mut [u8]) -> usize {
    digits(&mut out[..4], date.get_year().cast_unsigned());
    out[4] = b'-';
    digits(&mut out[5..7], u32::from(date.get_month()));
    out[7] = b'-';
    digits(&mut out[8..10], u32::from(date.get_day()));
    10
}

/// A number in all digits of the place for it.
fn digits(out: &mut [u8], mut value: u32) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// As `isoformat` writes it; `None` for other zones than UTC, and the second of equal hours.
fn write_moment(moment: &Bound<'_, PyDateTime>, out: &mut [u8]) -> Option<usize> {
    if !is_plain(moment, MomentKind::DateTime) {
        return None;
    }
    let is_utc = moment.get_tzinfo().is_some();
    write_date(moment, out);
    let clock = [moment.get_hour(), moment.get_minute(), moment.get_second()];
    for (at, part) in clock.into_iter().enumerate() {
        out[10 + 3 * at] = if at == 0 { b'T' } else { b':' };
        digits(&mut out[11 + 3 * at..13 + 3 * at], u32::from(part));
    }
    let mut length = 19;
    if moment.get_microsecond() > 0 {
        out[19] = b'.';
        digits(&mut out[20..26], moment.get_microsecond());
        length = 26;
    }
    if is_utc {
        length += (&mut out[length..]).write(b"+00:00").unwrap_or(0);
    }
    Some(length)
}
