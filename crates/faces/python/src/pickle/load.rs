//! `loads` and what `Unpickler.load` stands on.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use cannery_core::{Error, ErrorKind};
use cannery_pickle::policy::{self, Profile};
use cannery_pickle::{
    Framing, Machine, Memo, NO_STOP, Ops, Refusal, TrustPolicy, hint_at_container, refused,
};
use pyo3::buffer::PyBuffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::gate::Gate;
use super::guard::Guard;
use super::heap::{self, Policed, PyHeap, Trust};
use super::policy::PythonPolicy;
use crate::compat::CollectorPause;
use crate::errors::{OrRaise, describe, to_exception};
use crate::memory;
use crate::vectorcall::{Call, fast_call};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<UnpickleMemo>()?;
    fast_call!(module, pickle_loads, or_raise loads_plainly)?;
    fast_call!(module, pickle_loads_all, or_raise loads_all_plainly)?;
    module.add_function(wrap_pyfunction!(pickle_run, module)?)?;
    module.add_function(wrap_pyfunction!(pickle_find_class, module)?)?;
    module.add_function(wrap_pyfunction!(pickle_find_trusted, module)?)?;
    module.add_function(wrap_pyfunction!(super::calls::refuse_objects, module)?)?;
    module.add_function(wrap_pyfunction!(super::policy::pickle_is_pure, module)?)?;
    module.add_function(wrap_pyfunction!(super::policy::pickle_uses, module)?)?;
    module.add_function(wrap_pyfunction!(super::policy::pickle_danger, module)?)
}

/// What `Unpickler` is told.
pub(super) struct Settings<'py> {
    pub(super) encoding: Cow<'static, str>,
    pub(super) errors: Cow<'static, str>,
    pub(super) fix_imports: bool,
    pub(super) buffers: Option<Bound<'py, PyAny>>,
    /// A `find_class` of the caller's own.
    pub(super) find_class: Option<Bound<'py, PyAny>>,
    pub(super) persistent_load: Option<Bound<'py, PyAny>>,
}

impl<'py> Settings<'py> {
    fn new(
        encoding: &str,
        errors: &str,
        fix_imports: bool,
        buffers: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let buffers = match buffers {
            Some(buffers) if !buffers.is_none() => Some(buffers.try_iter()?.into_any()),
            _ => None,
        };
        let (encoding, errors) = (encoding.to_owned().into(), errors.to_owned().into());
        Ok(Self { encoding, errors, fix_imports, buffers, ..Self::default() })
    }
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            encoding: "ASCII".into(),
            errors: "strict".into(),
            fix_imports: true,
            buffers: None,
            find_class: None,
            persistent_load: None,
        }
    }
}

/// The memo of an `Unpickler`, by number.
#[pyclass(module = "cannery._native")]
#[derive(Default)]
pub(super) struct UnpickleMemo(Vec<(u64, Py<PyAny>)>);

#[pymethods]
impl UnpickleMemo {
    #[new]
    #[pyo3(signature = (items = None))]
    fn new(items: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut memo = Vec::new();
        if let Some(items) = items {
            for (at, object) in items {
                memo.push((at.extract()?, object.unbind()));
            }
        }
        Ok(Self(memo))
    }

    /// The memo as a `dict`.
    fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let copy = memory::new_dict(py)?;
        for (at, object) in &self.0 {
            copy.set_item(at, object)?;
        }
        Ok(copy)
    }

    /// Forgets everything.
    fn clear(&mut self) {
        self.0.clear();
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((py.get_type::<PyDict>().into_any(), (self.copy(py)?,)))
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        self.0.iter().try_for_each(|(_, object)| visit.call(object))
    }

    fn __clear__(&mut self) {
        self.0.clear();
    }
}

/// The bytes of `bytes`, or of anything else with a contiguous buffer.
fn with_bytes<T>(data: &Bound<'_, PyAny>, read: impl FnOnce(&[u8]) -> PyResult<T>) -> PyResult<T> {
    if let Ok(bytes) = data.cast_exact::<PyBytes>() {
        return read(bytes.as_bytes());
    }
    let buffer = PyBuffer::<u8>::get(data).or_else(|_| as_bytes(data))?;
    if !buffer.is_c_contiguous() {
        return Err(pyo3::exceptions::PyBufferError::new_err("the buffer is not contiguous"));
    }
    // SAFETY: the buffer is contiguous and held for as long as it is read; a caller that writes to
    // it from code run meanwhile does so in CPython's own reader too.
    read(unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast(), buffer.len_bytes()) })
}

/// A buffer of other elements, as bytes.
fn as_bytes(data: &Bound<'_, PyAny>) -> PyResult<PyBuffer<u8>> {
    let view = pyo3::types::PyMemoryView::from(data)?;
    PyBuffer::get(&view.call_method1("cast", ("B",))?)
}

/// Reads a pickle of data: what it names has to be in the profile, or trusted.
///
/// Returns the object. Raises `UntrustedTypeError` before anything is imported, called or built.
///
/// >>> from cannery import pickle
/// >>> pickle.loads(pickle.dumps({"a": (1, 2)}))
/// {'a': (1, 2)}
#[pyfunction]
#[pyo3(signature = (data, /, *, fix_imports = true, encoding = "ASCII", errors = "strict",
    buffers = None, trust = None, profile = None, on_untrusted = "error"))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python's")]
fn pickle_loads<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    fix_imports: bool,
    encoding: &str,
    errors: &str,
    buffers: Option<Bound<'py, PyAny>>,
    trust: Option<Bound<'py, PyAny>>,
    profile: Option<Bound<'py, PyAny>>,
    on_untrusted: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let settings = Settings::new(encoding, errors, fix_imports, buffers)?;
    let rules = Rules::new(py, trust, profile, on_untrusted)?;
    with_bytes(data, |data| {
        let trust = rules.trust(py, data.len(), &settings);
        run(py, data, &settings, trust, Memo::default()).map(|(value, ..)| value)
    })
}

/// `loads` of `bytes` alone.
fn loads_plainly<'py>(call: Call<'_, 'py>) -> Option<PyResult<Bound<'py, PyAny>>> {
    let data = call.only().filter(|_| call.is_bare())?;
    let data = data.cast_exact::<PyBytes>().ok()?;
    let bytes = data.as_bytes();
    let settings = Settings::default();
    let trust = Rules::default().trust(data.py(), bytes.len(), &settings);
    Some(run(data.py(), bytes, &settings, trust, Memo::default()).map(|(value, _)| value))
}

/// The same, for a reader that trusts.
fn loads_all_plainly<'py>(call: Call<'_, 'py>) -> Option<PyResult<Bound<'py, PyAny>>> {
    let data = call.only().filter(|_| call.is_bare())?;
    let data = data.cast_exact::<PyBytes>().ok()?;
    let bytes = data.as_bytes();
    let settings = Settings::default();
    Some(run(data.py(), bytes, &settings, Trust::All, Memo::default()).map(|(value, _)| value))
}

/// Reads a pickle exactly as CPython does: it may run any code.
#[pyfunction]
#[pyo3(signature = (data, /, *, fix_imports = true, encoding = "ASCII", errors = "strict",
    buffers = None))]
fn pickle_loads_all<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    fix_imports: bool,
    encoding: &str,
    errors: &str,
    buffers: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if data.is_instance_of::<PyString>() {
        return Err(pyo3::exceptions::PyTypeError::new_err(
            "a bytes-like object is required, not 'str'",
        ));
    }
    let settings = Settings::new(encoding, errors, fix_imports, buffers)?;
    with_bytes(data, |data| {
        run(py, data, &settings, Trust::All, Memo::default()).map(|(value, ..)| value)
    })
}

/// One `Unpickler.load`: `options` are its attributes; the memo is taken from it and given back.
#[pyfunction]
#[pyo3(signature = (data, options, memo, /))]
fn pickle_run<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyBytes>,
    options: &Bound<'py, PyDict>,
    memo: &Bound<'py, UnpickleMemo>,
) -> PyResult<Bound<'py, PyAny>> {
    let option = |name: &str| -> PyResult<Bound<'py, PyAny>> {
        Ok(options.get_item(name)?.unwrap_or_else(|| py.None().into_bound(py)))
    };
    let optional = |name: &str| option(name).map(|value| (!value.is_none()).then_some(value));
    let settings = Settings {
        find_class: optional("find_class")?,
        persistent_load: optional("persistent_load")?,
        buffers: optional("buffers")?,
        ..Settings::new(
            &option("encoding")?.extract::<String>()?,
            &option("errors")?.extract::<String>()?,
            option("fix_imports")?.is_truthy()?,
            None,
        )?
    };
    let trust = match optional("on_untrusted")? {
        None => Trust::All,
        Some(on_untrusted) => {
            let on_untrusted = on_untrusted.extract::<String>()?;
            let rules = Rules::new(py, optional("trust")?, optional("profile")?, &on_untrusted)?;
            rules.trust(py, data.as_bytes().len(), &settings)
        }
    };
    let mut known = Memo::default();
    for (at, object) in &memo.borrow().0 {
        known.put(*at, object.bind(py).clone());
    }
    let (value, known) = run(py, data.as_bytes(), &settings, trust, known)?;
    memo.borrow_mut().0 = known.iter().map(|(at, object)| (at, object.clone().unbind())).collect();
    Ok(value)
}

/// CPython's `Unpickler.find_class`.
#[pyfunction]
#[pyo3(signature = (module, name, fix_imports, protocol, /))]
fn pickle_find_class<'py>(
    py: Python<'py>,
    module: &Bound<'py, PyString>,
    name: &Bound<'py, PyString>,
    fix_imports: bool,
    protocol: u8,
) -> PyResult<Bound<'py, PyAny>> {
    heap::find_class(py, module, name, fix_imports && protocol < 3, protocol >= 4)
}

/// What the policy allows by a name, for a `find_class` that asks the one it overrides.
#[pyfunction]
#[pyo3(signature = (module, name, protocol, fix_imports, trust, profile, /))]
fn pickle_find_trusted<'py>(
    py: Python<'py>,
    module: &str,
    name: &str,
    protocol: u8,
    fix_imports: bool,
    trust: Option<Bound<'py, PyAny>>,
    profile: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let rules = Rules::new(py, trust, profile, "error")?;
    let (module, name) = match protocol {
        0..3 if fix_imports => policy::python3_name(module, name),
        _ => (module, name),
    };
    let mut policy = PythonPolicy::new(py, rules.profile, rules.policy, false, fix_imports);
    if policy.allow(module, name).or_raise(py)?.is_none() {
        let refusal = Refusal {
            at: 0,
            module: module.to_owned(),
            name: name.to_owned(),
            step: String::new(),
            reason: None,
        };
        return Err(to_exception(py, refused(&[], 0, &[refusal], &policy.done())));
    }
    match policy.found(module, name) {
        Some(found) => Ok(found.clone()),
        None => Gate::new(0).find(&memory::new_text(py, module)?, &memory::new_text(py, name)?),
    }
}

/// Whom the caller trusts, as the arguments say.
#[derive(Default)]
struct Rules<'py> {
    policy: Option<Bound<'py, PyAny>>,
    profile: Profile,
    keep_records: bool,
}

impl<'py> Rules<'py> {
    fn new(
        py: Python<'py>,
        trust: Option<Bound<'py, PyAny>>,
        profile: Option<Bound<'py, PyAny>>,
        on_untrusted: &str,
    ) -> PyResult<Self> {
        let keep_records = match on_untrusted {
            "error" => false,
            "record" => true,
            _ => {
                let message = "on_untrusted must be `error` or `record`";
                return Err(to_exception(py, Error::new(ErrorKind::Value, message)));
            }
        };
        let mut rules = Self { policy: None, profile: Profile::Data, keep_records };
        if let Some(profile) = profile {
            rules.add_profile(&profile)?;
        }
        if let Some(trust) = trust
            && !trust.cast_exact::<PyTuple>().is_ok_and(PyTupleMethods::is_empty)
        {
            let policy = py.import("cannery.pickle._policy")?.call_method1("Policy", (trust,))?;
            rules.add_profile(&policy.getattr("profiles")?)?;
            rules.policy = Some(policy);
        }
        Ok(rules)
    }

    /// Adds a profile or several.
    fn add_profile(&mut self, profile: &Bound<'py, PyAny>) -> PyResult<()> {
        let Ok(name) = profile.cast::<PyString>() else {
            return profile.try_iter()?.try_for_each(|name| self.add_profile_named(&name?));
        };
        self.add_profile_named(name)
    }

    fn add_profile_named(&mut self, name: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = name.py();
        let name = name.cast::<PyString>()?;
        let name = name.to_cow()?;
        let found = Profile::ALL.into_iter().find(|profile| profile.name() == name);
        let found = found.ok_or_else(|| heap::unknown_profile(&name)).or_raise(py)?;
        self.profile = self.profile.max(found);
        Ok(())
    }

    fn trust(self, py: Python<'py>, input: usize, settings: &Settings<'py>) -> Trust<'py> {
        let finds_itself = settings.find_class.is_some();
        let maps_names = settings.fix_imports;
        Trust::Policy(Box::new(Policed {
            policy: PythonPolicy::new(py, self.profile, self.policy, finds_itself, maps_names),
            keep_records: self.keep_records,
            guard: Guard::new(input),
            gate: Gate::new(input),
            done: false,
            frombuffer: None,
            refused: HashSet::new(),
            has_records: false,
            made: HashMap::new(),
            again_without: None,
        }))
    }
}

type PyMemo<'py> = Memo<Bound<'py, PyAny>>;

fn run<'py>(
    py: Python<'py>,
    data: &[u8],
    settings: &Settings<'py>,
    trust: Trust<'py>,
    memo: PyMemo<'py>,
) -> PyResult<(Bound<'py, PyAny>, PyMemo<'py>)> {
    let pause = CollectorPause::new(py);
    let framing = match trust {
        Trust::All => Framing::Ignored,
        Trust::Policy(_) => Framing::Strict,
    };
    let empty_tuple = PyTuple::empty(py).into_any();
    let mut trust = trust;
    let mut rounds = 0;
    let result = loop {
        let empty_tuple = empty_tuple.clone();
        let heap = PyHeap { py, data, start: 0, settings, trust, protocol: 0, empty_tuple };
        let mut machine = Machine::new(Ops::new(data, 0, framing), heap);
        machine.memo = memo.clone();
        let mut result = machine.run();
        if result.is_ok() {
            let end = machine.position();
            result = result.and_then(|value| machine.heap.finish(end).map(|()| value));
        }
        let memo = machine.memo;
        trust = machine.heap.trust;
        match result {
            Ok(value) => break Ok((value, memo)),
            Err(error) if rounds == MAX_ROUNDS || !reads_again(&mut trust, settings) => {
                break Err(error);
            }
            Err(_) => rounds += 1,
        }
    };
    drop(trust);
    drop(pause);
    result.map_err(|error| raise(py, hint_at_container(error, data)))
}

/// How often a pickle is read again, each time with one record more.
const MAX_ROUNDS: u32 = 64;

/// Whether there is one step more that has to leave a record: not where the caller's own functions
/// and buffers would be asked a second time.
fn reads_again(trust: &mut Trust<'_>, settings: &Settings<'_>) -> bool {
    let Trust::Policy(checked) = trust else { return false };
    let Some(step) = checked.again_without.take() else { return false };
    checked.made.clear();
    checked.gate.restart();
    checked.guard.restart();
    checked.frombuffer = None;
    checked.has_records = true;
    let is_new = checked.refused.insert(step);
    is_new
        && settings.buffers.is_none()
        && settings.persistent_load.is_none()
        && settings.find_class.is_none()
}

/// The exception for a pickle that cannot be read.
#[cold]
fn raise(py: Python<'_>, error: Error) -> PyErr {
    let name = match error.kind() {
        ErrorKind::Truncated if error.message() == NO_STOP => "PickleEndError",
        ErrorKind::Host
        | ErrorKind::Untrusted
        | ErrorKind::Limit
        | ErrorKind::Depth
        | ErrorKind::Interrupted => return to_exception(py, error),
        _ => "UnpicklingError",
    };
    make_error(py, name, &error.to_string(), Some(&error)).unwrap_or_else(|failure| failure)
}

fn make_error(
    py: Python<'_>,
    class: &str,
    message: &str,
    error: Option<&Error>,
) -> PyResult<PyErr> {
    let class = py.import(intern!(py, "cannery.errors"))?.getattr(class)?;
    let exception = class.call1((message,))?;
    if let Some(error) = error {
        describe(&exception, error)?;
    }
    Ok(PyErr::from_value(exception))
}

/// An `UnpicklingError` with a message of CPython's.
#[cold]
pub(super) fn unpickling_error(py: Python<'_>, message: &str) -> PyErr {
    make_error(py, "UnpicklingError", message, None).unwrap_or_else(|failure| failure)
}
