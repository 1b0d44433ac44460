//! Dates and times: RFC 3339 here, the rest of ISO 8601 by the standard library.

use pyo3::prelude::*;
use pyo3::types::{PyDate, PyDateTime, PyDelta, PyTime, PyTzInfo};

/// A `datetime`.
pub(super) fn datetime<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let Some(moment) = Moment::parse(text.as_bytes()) else {
        return py.get_type::<PyDateTime>().call_method1("fromisoformat", (text,));
    };
    let Moment { date: (year, month, day), time, zone } = moment;
    let zone = zone.map(|seconds| zone_of(py, seconds)).transpose()?;
    let Clock { hour, minute, second, micro } = time;
    let made = PyDateTime::new(py, year, month, day, hour, minute, second, micro, zone.as_ref())?;
    Ok(made.into_any())
}

/// A `date`.
pub(super) fn date<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    match Reader(text.as_bytes()).whole(Reader::date) {
        Some((year, month, day)) => PyDate::new(py, year, month, day).map(Bound::into_any),
        None => py.get_type::<PyDate>().call_method1("fromisoformat", (text,)),
    }
}

/// A `time`.
pub(super) fn time<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    match Reader(text.as_bytes()).whole(Reader::clock) {
        Some(Clock { hour, minute, second, micro }) => {
            PyTime::new(py, hour, minute, second, micro, None).map(Bound::into_any)
        }
        None => py.get_type::<PyTime>().call_method1("fromisoformat", (text,)),
    }
}

fn zone_of(py: Python<'_>, seconds: i32) -> PyResult<Bound<'_, PyTzInfo>> {
    if seconds == 0 {
        return PyTzInfo::utc(py).map(pyo3::Borrowed::to_owned);
    }
    PyTzInfo::fixed_offset(py, PyDelta::new(py, 0, seconds, 0, true)?)
}

struct Moment {
    date: (i32, u8, u8),
    time: Clock,
    /// Seconds east of UTC.
    zone: Option<i32>,
}

struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    micro: u32,
}

impl Moment {
    /// The moment, if the text is of RFC 3339; time zone and seconds may be missing.
    fn parse(text: &[u8]) -> Option<Self> {
        Reader(text).whole(|reader| {
            let date = reader.date()?;
            reader.one_of(b"Tt ")?;
            let time = reader.clock()?;
            let zone = if reader.0.is_empty() { None } else { Some(reader.zone()?) };
            Some(Self { date, time, zone })
        })
    }
}

/// What is left of a text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// What `parse` makes of the text, if it leaves nothing.
    fn whole<T>(mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        parse(&mut self).filter(|_| self.0.is_empty())
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !bytes.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn digit(&mut self) -> Option<u8> {
        self.one_of(b"0123456789").map(|digit| digit - b'0')
    }

    fn two(&mut self) -> Option<u8> {
        Some(self.digit()? * 10 + self.digit()?)
    }

    fn date(&mut self) -> Option<(i32, u8, u8)> {
        let year = i32::from(self.two()?) * 100 + i32::from(self.two()?);
        self.one_of(b"-")?;
        let month = self.two()?;
        self.one_of(b"-")?;
        Some((year, month, self.two()?))
    }

    fn clock(&mut self) -> Option<Clock> {
        let hour = self.two()?;
        self.one_of(b":")?;
        let minute = self.two()?;
        let (mut second, mut micro) = (0, 0);
        if self.one_of(b":").is_some() {
            second = self.two()?;
            if self.one_of(b".").is_some() {
                micro = self.micro()?;
            }
        }
        Some(Clock { hour, minute, second, micro })
    }

    /// The digits of a fraction; those beyond a microsecond are dropped, as Python does.
    fn micro(&mut self) -> Option<u32> {
        let mut micro = u32::from(self.digit()?);
        let mut count = 1;
        while let Some(digit) = self.digit() {
            if count < 6 {
                micro = micro * 10 + u32::from(digit);
                count += 1;
            }
        }
        Some(micro * 10_u32.pow(6 - count))
    }

    fn zone(&mut self) -> Option<i32> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = i32::from(self.two()?);
        self.one_of(b":")?;
        Some(sign * (hours * 3600 + i32::from(self.two()?) * 60))
    }
}
