//! Names of the table at work: what they are called with, and what their instances are given, is
//! looked at before it happens.
//!
//! The checks are `cannery.pickle._gate`'s; what is kept here says which objects need none.

use std::collections::HashMap;

use cannery_core::{Error, ErrorKind};
use cannery_pickle::opcode::Opcode;
use pyo3::exceptions::PyMemoryError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple, PyType};

use crate::memory;
use crate::memory::Name;

type Object<'py> = Bound<'py, PyAny>;

/// How an object that the pickle named may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The caller trusts it.
    Trusted,
    /// It may be called with a few short scalars; other arguments are checked.
    Scalars,
    /// It may be called with a short text without an exponent; other arguments are checked.
    Number,
    /// Every use is checked.
    Checked,
}

/// Items of a call, and bytes of a text in it, that need no further look.
const MAX_ARGUMENTS: usize = 16;
const MAX_SCALAR: usize = 256;
const MAX_DIGITS: usize = 64;

/// The checks of one load.
pub(super) struct Gate<'py> {
    /// `cannery.pickle._gate.Gate`, made when the first name of the table comes up.
    checks: Option<Object<'py>>,
    /// Bytes of the pickle, by which sizes are bounded.
    input: usize,
    /// By their addresses: the objects are kept, so that no other can take one over.
    known: HashMap<usize, (Object<'py>, Access)>,
    /// What the caller trusts, and the Python side has not heard of yet.
    trusted: Vec<Object<'py>>,
}

impl<'py> Gate<'py> {
    pub(super) fn new(input: usize) -> Self {
        Self { checks: None, input, known: HashMap::new(), trusted: Vec::new() }
    }

    /// Forgets everything: the pickle is read from its beginning once more.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.input);
    }

    /// The Python side.
    pub(super) fn checks(&mut self, py: Python<'py>) -> PyResult<Object<'py>> {
        let checks = if let Some(checks) = &self.checks {
            checks.clone()
        } else {
            let module = py.import(intern!(py, "cannery.pickle._gate"))?;
            let input = memory::unsigned(py, self.input as u64)?;
            let checks = module.getattr(intern!(py, "Gate"))?.call1((input,))?;
            self.checks = Some(checks.clone());
            checks
        };
        for trusted in self.trusted.drain(..) {
            checks.call_method1(intern!(py, "trust"), (trusted,))?;
        }
        Ok(checks)
    }

    /// What the table has by a name, imported from an installed module if it must be.
    pub(super) fn find(
        &mut self,
        module: &Bound<'py, PyString>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Object<'py>> {
        let py = module.py();
        let found = self.checks(py)?.call_method1(intern!(py, "find"), (module, name))?;
        self.admit(py, found)
    }

    fn admit(&mut self, py: Python<'py>, found: Object<'py>) -> PyResult<Object<'py>> {
        let access = self.checks(py)?.call_method1(intern!(py, "access"), (&found,))?;
        let access = match access.extract::<u8>()? {
            1 => Access::Scalars,
            2 => Access::Number,
            _ => Access::Checked,
        };
        self.known.entry(found.as_ptr().addr()).or_insert_with(|| (found.clone(), access));
        Ok(found)
    }

    /// Keeps in mind what a `find_class` of the caller's own gave: its own object, or the table's.
    pub(super) fn admit_found(
        &mut self,
        module: &str,
        name: &str,
        found: &Object<'py>,
    ) -> PyResult<()> {
        let py = found.py();
        let arguments = (module, name, found);
        let checks = self.checks(py)?;
        if checks.call_method1(intern!(py, "is_of_table"), arguments)?.is_truthy()? {
            self.admit(py, found.clone())?;
        } else {
            self.trust(found);
        }
        Ok(())
    }

    /// Keeps in mind that the caller trusts an object.
    pub(super) fn trust(&mut self, found: &Object<'py>) {
        self.trusted.push(found.clone());
        self.known.insert(found.as_ptr().addr(), (found.clone(), Access::Trusted));
    }

    /// Keeps in mind that what a trusted function has made may be given its state.
    pub(super) fn trust_made(&mut self, made: &Object<'py>) {
        let class = made.get_type().into_any();
        let is_built_in = class
            .getattr(intern!(made.py(), "__module__"))
            .is_ok_and(|module| module.eq("builtins").unwrap_or(true));
        if !is_built_in {
            self.known.entry(class.as_ptr().addr()).or_insert((class, Access::Trusted));
        }
    }

    /// Looks once more at what was made, now that all is read.
    pub(super) fn finish(&mut self, py: Python<'py>) -> PyResult<()> {
        match &self.checks {
            Some(checks) => checks.call_method0(intern!(py, "finish")).map(drop),
            None => Ok(()),
        }
    }

    /// How an object may be used.
    pub(super) fn access(&self, object: &Object<'py>) -> Access {
        match self.known.get(&object.as_ptr().addr()) {
            Some((_, access)) => *access,
            None => Access::Checked,
        }
    }

    /// How the instances of an object's class may be used.
    pub(super) fn access_of_instance(&self, object: &Object<'py>) -> Access {
        self.access(object.get_type().as_any())
    }

    /// Whether a call needs no further look.
    pub(super) fn is_plain_call(&self, callable: &Object<'py>, arguments: &Object<'py>) -> bool {
        let Ok(arguments) = arguments.cast_exact::<PyTuple>() else { return false };
        match self.access(callable) {
            Access::Scalars => {
                arguments.len() <= MAX_ARGUMENTS
                    && arguments.iter_borrowed().all(|item| is_short_scalar(&item))
            }
            Access::Number => {
                arguments.len() == 1 && arguments.iter_borrowed().all(|item| is_short_number(&item))
            }
            Access::Trusted | Access::Checked => false,
        }
    }
}

fn is_short_scalar(item: &Object<'_>) -> bool {
    if let Ok(text) = item.cast_exact::<PyString>() {
        // Python 2 wrote dates as texts, which hold control characters.
        let is_plain =
            |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        return text.to_str().is_ok_and(|text| text.len() <= MAX_SCALAR && is_plain(text));
    }
    if let Ok(bytes) = item.cast_exact::<PyBytes>() {
        return is_date_or_time(bytes.as_bytes());
    }
    item.is_none()
        || item.is_exact_instance_of::<PyInt>()
        || item.is_exact_instance_of::<PyFloat>()
        || item.is_exact_instance_of::<PyBool>()
}

/// Whether bytes are the state of a date, a time, or both, with all numbers in range: the classes
/// themselves look at the month or the hour alone, and read beyond their tables for others.
fn is_date_or_time(state: &[u8]) -> bool {
    const FOLD: u8 = 0x80;
    let is_date = |date: &[u8]| {
        let year = u16::from_be_bytes([date[0], date[1]]);
        (1..=9999).contains(&year)
            && (1..=12).contains(&(date[2] & !FOLD))
            && (1..=31).contains(&date[3])
    };
    let is_time = |time: &[u8]| {
        let micro = u32::from_be_bytes([0, time[3], time[4], time[5]]);
        time[0] & !FOLD < 24 && time[1] < 60 && time[2] < 60 && micro < 1_000_000
    };
    match state.len() {
        4 => is_date(state),
        6 => is_time(state),
        10 => is_date(&state[..4]) && is_time(&state[4..]),
        _ => false,
    }
}

fn is_short_number(item: &Object<'_>) -> bool {
    let Ok(text) = item.cast_exact::<PyString>() else { return false };
    text.to_str().is_ok_and(|text| text.len() <= MAX_DIGITS && !text.contains(['e', 'E']))
}

/// Whether an exception is a refusal of the checks.
pub(super) fn is_refusal(py: Python<'_>, exception: &PyErr) -> bool {
    // What says that there is no memory takes none.
    if exception.is_instance_of::<PyMemoryError>(py) {
        return false;
    }
    let class = py
        .import(intern!(py, "cannery.pickle._gate"))
        .and_then(|module| module.getattr(intern!(py, "Refused")));
    class.is_ok_and(|class| {
        class.cast::<PyType>().is_ok_and(|class| exception.is_instance(py, class))
    })
}

/// The error for a step that the checks refused.
#[cold]
pub(super) fn refusal(py: Python<'_>, exception: &PyErr, data: &[u8], at: usize) -> Error {
    let value = exception.value(py);
    let text = |name: &str| {
        value.getattr(name).and_then(|text| text.extract::<String>()).unwrap_or_default()
    };
    let opcode = data.get(at).and_then(|&byte| Opcode::from_code(byte));
    let opcode = opcode.map_or("?", |opcode| opcode.name());
    let message = format!("{} (`{opcode}`); {}", text("message"), text("done"));
    let is_bomb =
        value.getattr(Name("is_bomb")).is_ok_and(|bomb| bomb.is_truthy().unwrap_or(false));
    let kind = if is_bomb { ErrorKind::Limit } else { ErrorKind::Untrusted };
    let error = Error::new(kind, message).at_offset(at as u64);
    match text("hint") {
        hint if hint.is_empty() => error,
        hint => error.with_hint(hint),
    }
}
