//! MessagePack's extensions: moments where a datetime is expected, and whatever they are where
//! anything is.

use cannery_core::{Error, Result, Text};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::builder::TypedBuilder;
use super::errors::refused;
use super::frame::Shape;
use super::plan::{Make, Node};
use super::scalar;
use crate::construct::{ext_type, timestamp, utc_datetime};

impl<'py> TypedBuilder<'_, 'py> {
    /// Begins an extension, whose parts are its code and data, or seconds and nanoseconds.
    pub(super) fn begin_extension(&mut self, type_name: Text<'_>) -> Result<()> {
        let is_moment = type_name == *cannery_msgpack::TIMESTAMP;
        if !(self.expect.is_any || is_moment && takes_moments(self.expect)) {
            let found = if is_moment { "a timestamp" } else { "an extension" };
            return Err(self.unwelcome(found));
        }
        self.enter(Shape::Extension, 0);
        Ok(())
    }

    /// The value of the extension that has just ended.
    pub(super) fn finish_extension(&mut self) -> Result<Bound<'py, PyAny>> {
        let parts = self.values.drain(self.top.base..).flatten().collect::<Vec<_>>();
        let node = self.top.node;
        let made = match &parts[..] {
            [code, data] if data.is_instance_of::<PyBytes>() => ext_type(code, data),
            [seconds, nanoseconds] if node.is_any => timestamp(seconds, nanoseconds),
            [seconds, nanoseconds] => moment(seconds, nanoseconds),
            _ => unreachable!("the reader sends both parts"),
        };
        let outside = |error: Error| self.located_outside(error);
        let made = made.map_err(|exception| outside(refused(self.py, exception, None)))?;
        match &node.text {
            Some(way) if !node.is_any => scalar::checked(way, made).map_err(outside),
            _ => Ok(made),
        }
    }
}

fn takes_moments(node: &Node) -> bool {
    node.text.as_ref().is_some_and(|way| matches!(way.make, Make::Datetime))
}

fn moment<'py>(
    seconds: &Bound<'py, PyAny>,
    nanoseconds: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    utc_datetime(seconds.py(), seconds.extract()?, nanoseconds.extract()?)
}
