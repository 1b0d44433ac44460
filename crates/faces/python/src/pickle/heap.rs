//! Python objects as the heap of a pickle's machine, with or without a policy.

use std::collections::{HashMap, HashSet};
use std::vec::Drain;

use cannery_core::{Error, ErrorKind, Result};
use cannery_pickle::{Framing, Heap, TrustPolicy, literal, policy, refusals, refused};
use pyo3::exceptions::{PyException, PyOverflowError, PyValueError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple};

use super::calls;
use super::gate::{self, Access, Gate};
use super::guard::Guard;
use super::load::{Settings, unpickling_error};
use super::policy::PythonPolicy;
use super::registries::registries;
use crate::compat;
use crate::construct::make;
use crate::errors::from_exception;
use crate::memory::{self, Name};
use crate::text;

type Object<'py> = Bound<'py, PyAny>;

/// How names are trusted.
pub(super) enum Trust<'py> {
    /// As CPython does: all are.
    All,
    /// By the policy; the whole stream is checked when its first name comes up.
    Policy(Box<Policed<'py>>),
}

/// A policy, and what it said about the stream.
pub(super) struct Policed<'py> {
    pub(super) policy: PythonPolicy<'py>,
    /// Whether untrusted names become records.
    pub(super) keep_records: bool,
    pub(super) guard: Guard,
    pub(super) gate: Gate<'py>,
    pub(super) done: bool,
    /// NumPy's function for arrays in buffers, if it came up, and its class of arrays.
    pub(super) frombuffer: Option<(Object<'py>, Object<'py>)>,
    /// The offsets of the steps that may not be taken.
    pub(super) refused: HashSet<usize>,
    /// Whether a step was refused while it was to be taken.
    pub(super) has_records: bool,
    /// The offsets of the steps that made objects, by the addresses of these, where records are
    /// kept: what turns out to be refused later is made a record from its beginning.
    pub(super) made: HashMap<usize, (Object<'py>, usize)>,
    /// The step that has to leave a record, for which all is read once more.
    pub(super) again_without: Option<usize>,
}

/// The heap of one load.
pub(super) struct PyHeap<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) data: &'a [u8],
    pub(super) start: usize,
    pub(super) settings: &'a Settings<'py>,
    pub(super) trust: Trust<'py>,
    pub(super) protocol: u8,
    pub(super) empty_tuple: Object<'py>,
}

/// Turns the result of a call into Python into ours.
trait OrHost<T> {
    fn or_host(self) -> Result<T>;
}

impl<T> OrHost<T> for PyResult<T> {
    #[inline]
    fn or_host(self) -> Result<T> {
        self.map_err(from_exception)
    }
}

impl<'py> PyHeap<'_, 'py> {
    /// Looks at the whole stream before the first of its names is looked up, or used.
    #[inline]
    fn ensure_checked(&mut self) -> Result<()> {
        match &mut self.trust {
            Trust::Policy(checked) if !checked.done => {
                let refusals =
                    refusals(self.data, self.start, Framing::Strict, &mut checked.policy)?;
                if !refusals.is_empty() && !checked.keep_records {
                    return Err(refused(self.data, self.start, &refusals, &checked.policy.done()));
                }
                checked.refused = refusals.into_iter().map(|refusal| refusal.at).collect();
                checked.done = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the step at that offset is to leave a record, not an object.
    fn is_refused(&self, at: usize) -> bool {
        match &self.trust {
            Trust::Policy(checked) => !checked.refused.is_empty() && checked.refused.contains(&at),
            Trust::All => false,
        }
    }

    fn keeps_records(&self) -> bool {
        matches!(&self.trust, Trust::Policy(checked)
            if checked.has_records || !checked.refused.is_empty())
    }

    /// Calls one of the functions that make records.
    fn inert<A>(&self, function: &str, arguments: A) -> Result<Object<'py>>
    where
        A: pyo3::call::PyCallArgs<'py>,
    {
        let module = self.py.import(Name("cannery.pickle._inert")).or_host()?;
        module.getattr(function).or_host()?.call1(arguments).or_host()
    }

    fn is_record(&self, object: &Object<'py>) -> bool {
        self.keeps_records()
            && object.get_type().name().is_ok_and(|name| name == "Record")
            && object.hasattr(Name("__type_name__")).unwrap_or(false)
    }

    fn find(&mut self, module: Object<'py>, name: Object<'py>, at: usize) -> Result<Object<'py>> {
        self.ensure_checked()?;
        let (Ok(module), Ok(name)) = (module.cast::<PyString>(), name.cast::<PyString>()) else {
            return Err(from_exception(unpickling_error(self.py, "STACK_GLOBAL requires str")));
        };
        if let Some(find_class) = &self.settings.find_class
            && !self.is_refused(at)
        {
            let found = find_class.call1((module, name)).or_host()?;
            self.admit_found(module, name, &found)?;
            return Ok(found);
        }
        match &self.trust {
            Trust::All => {
                find_class(self.py, module, name, self.maps_names(), self.dotted()).or_host()
            }
            Trust::Policy(_) => self.find_trusted(module, name, at),
        }
    }

    /// Keeps in mind whose object it is that the caller's own `find_class` has given.
    fn admit_found(
        &mut self,
        module: &Bound<'py, PyString>,
        name: &Bound<'py, PyString>,
        found: &Object<'py>,
    ) -> Result<()> {
        let (module, name) = (module.to_string_lossy(), name.to_string_lossy());
        let (module, name) = if self.maps_names() {
            policy::python3_name(&module, &name)
        } else {
            (&*module, &*name)
        };
        match &mut self.trust {
            Trust::Policy(checked) if checked.policy.in_table(module, name).is_some() => {
                checked.gate.admit_found(module, name, found).or_host()
            }
            Trust::Policy(checked) => {
                checked.gate.trust(found);
                Ok(())
            }
            Trust::All => Ok(()),
        }
    }

    fn find_trusted(
        &mut self,
        module: &Bound<'py, PyString>,
        name: &Bound<'py, PyString>,
        at: usize,
    ) -> Result<Object<'py>> {
        let (module, name) = (module.to_string_lossy(), name.to_string_lossy());
        let (module, name) = if self.maps_names() {
            policy::python3_name(&module, &name)
        } else {
            (&*module, &*name)
        };
        if self.is_refused(at) {
            return self.inert("name", (module, name));
        }
        if let Trust::Policy(checked) = &mut self.trust
            && let Some(found) = checked.policy.found(module, name)
        {
            let found = found.clone();
            checked.gate.trust(&found);
            return Ok(found);
        }
        let makes_arrays = name == "_frombuffer" && module.starts_with("numpy.");
        let module = memory::new_text(self.py, module).or_host()?;
        let name = memory::new_text(self.py, name).or_host()?;
        let found = self.find_in_table(&module, &name, at)?;
        if let Trust::Policy(checked) = &mut self.trust
            && makes_arrays
            && !found.is_none()
        {
            let class = self.py.import(intern!(self.py, "numpy")).or_host()?;
            let class = class.getattr(intern!(self.py, "ndarray")).or_host()?;
            checked.frombuffer = Some((found.clone(), class));
        }
        Ok(found)
    }

    fn find_in_table(
        &mut self,
        module: &Bound<'py, PyString>,
        name: &Bound<'py, PyString>,
        at: usize,
    ) -> Result<Object<'py>> {
        let Trust::Policy(checked) = &mut self.trust else {
            return calls::find(self.py, module, name, true).or_host();
        };
        match checked.gate.find(module, name) {
            Ok(found) => Ok(found),
            Err(exception) => {
                self.refused_or(exception, at)?;
                self.inert("name", (module, name))
            }
        }
    }

    /// Asks the checks for a step that uses names of the table; a record is left where they refuse.
    fn checked<A, B>(
        &mut self,
        method: &str,
        arguments: A,
        record: (&str, B),
        at: usize,
    ) -> Result<Object<'py>>
    where
        A: pyo3::call::PyCallArgs<'py>,
        B: pyo3::call::PyCallArgs<'py>,
    {
        let Trust::Policy(checked) = &mut self.trust else { return Err(unpoliced()) };
        let checks = checked.gate.checks(self.py).or_host()?;
        let method = checks.getattr(method).or_host()?;
        match method.call1(arguments) {
            Ok(value) => Ok(value),
            Err(exception) => {
                self.refused_or(exception, at)?;
                self.inert(record.0, record.1)
            }
        }
    }

    /// Whether a record is to be left instead of what was refused; any other exception is an error.
    #[cold]
    fn refused_or(&mut self, exception: PyErr, at: usize) -> Result<()> {
        if !gate::is_refusal(self.py, &exception) {
            return Err(from_exception(exception));
        }
        let error = gate::refusal(self.py, &exception, self.data, at);
        match &mut self.trust {
            Trust::Policy(checked)
                if checked.keep_records && error.kind() == ErrorKind::Untrusted =>
            {
                checked.has_records = true;
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Looks at the objects of libraries once more; `end` is where the pickle ends.
    pub(super) fn finish(&mut self, end: usize) -> Result<()> {
        let Trust::Policy(checked) = &mut self.trust else { return Ok(()) };
        let Err(exception) = checked.gate.finish(self.py) else { return Ok(()) };
        let py = self.py;
        let object = exception.value(py).getattr(intern!(py, "value"));
        match object {
            Ok(object) => Err(self.refuse_object(&object, exception, end.saturating_sub(1))),
            Err(_) => Err(from_exception(exception)),
        }
    }

    /// Whether the caller trusts the class of an object.
    fn is_trusted_instance(&self, object: &Object<'py>) -> bool {
        match &self.trust {
            Trust::Policy(checked) => checked.gate.access_of_instance(object) == Access::Trusted,
            Trust::All => true,
        }
    }

    /// Looks at what is put into an object that is no list, dictionary or set.
    fn check_items(
        &mut self,
        object: &Object<'py>,
        method: &str,
        items: &[Object<'py>],
        at: usize,
    ) -> Result<()> {
        let Trust::Policy(checked) = &mut self.trust else { return Ok(()) };
        if checked.gate.access_of_instance(object) == Access::Trusted {
            return Ok(());
        }
        let checks = checked.gate.checks(self.py).or_host()?;
        match checks.call_method1(Name("items"), (object, method, items.to_vec())) {
            Ok(_) => Ok(()),
            Err(exception) => Err(self.refuse_object(object, exception, at)),
        }
    }

    /// The error for an object that is refused after it was made.
    #[cold]
    fn refuse_object(&mut self, object: &Object<'py>, exception: PyErr, at: usize) -> Error {
        if !gate::is_refusal(self.py, &exception) {
            return from_exception(exception);
        }
        let error = gate::refusal(self.py, &exception, self.data, at);
        if let Trust::Policy(checked) = &mut self.trust
            && error.kind() == ErrorKind::Untrusted
            && let Some((_, made)) = checked.made.get(&object.as_ptr().addr())
        {
            checked.again_without = Some(*made);
        }
        error
    }

    /// Leaves a record where an object was made whose state is refused; what no step has made, a
    /// class that would be changed, is left as it is.
    #[cold]
    fn read_again_without(&mut self, object: &Object<'py>, at: usize) -> Result<()> {
        let Trust::Policy(checked) = &mut self.trust else { return Ok(()) };
        let Some((_, made)) = checked.made.get(&object.as_ptr().addr()) else { return Ok(()) };
        checked.again_without = Some(*made);
        let message = "the pickle gives an object a state that is not data";
        Err(Error::new(ErrorKind::Untrusted, message).at_offset(at as u64))
    }

    /// Refuses attributes of a trusted class by whose names other code would take an instance for
    /// more than it is.
    fn check_attributes(&self, object: &Object<'py>, state: &Object<'py>) -> PyResult<()> {
        let class = object.get_type();
        let state = match state.cast_exact::<PyTuple>() {
            Ok(pair) if pair.len() == 2 => pair.get_item(0)?,
            _ => state.clone(),
        };
        let Ok(state) = state.cast_exact::<PyDict>() else { return Ok(()) };
        if class.hasattr(intern!(self.py, "__setstate__"))? {
            return Ok(());
        }
        for name in state.keys() {
            let is_known = name.cast::<PyString>().is_ok_and(|name| name == "__orig_class__");
            if !is_known {
                self.check_slot(&name)?;
            }
        }
        Ok(())
    }

    /// Keeps in mind which step made an object, where it may have to become a record.
    #[inline]
    fn keep_made(&mut self, made: Object<'py>, at: usize) -> Object<'py> {
        if let Trust::Policy(checked) = &mut self.trust
            && checked.keep_records
        {
            checked.made.insert(made.as_ptr().addr(), (made.clone(), at));
        }
        made
    }

    fn maps_names(&self) -> bool {
        self.protocol < 3 && self.settings.fix_imports
    }

    fn dotted(&self) -> bool {
        self.protocol >= 4
    }

    /// Keeps keys that are bombs out, where the pickle is not trusted.
    #[inline]
    fn guard(&mut self, container: &Object<'py>, key: &Object<'py>) -> Result<()> {
        match &mut self.trust {
            Trust::Policy(checked) => checked.guard.check(container, key),
            Trust::All => Ok(()),
        }
    }

    /// Keeps calls out whose arguments are bombs, where the pickle is not trusted.
    fn guard_call(&mut self, callable: &Object<'py>, arguments: &Object<'py>) -> Result<()> {
        let Trust::Policy(checked) = &mut self.trust else { return Ok(()) };
        match arguments.cast::<PyTuple>() {
            Ok(arguments) if !arguments.is_empty() => {
                let looks = checked.gate.access(callable) != Access::Trusted;
                checked.guard.check_call(callable, arguments, looks)
            }
            _ => Ok(()),
        }
    }

    fn persistent_load(&self, id: Object<'py>) -> Result<Object<'py>> {
        match &self.settings.persistent_load {
            Some(load) => load.call1((id,)).or_host(),
            None => Err(from_exception(unpickling_error(
                self.py,
                "A load persistent id instruction was encountered, but no persistent_load \
                 function was specified.",
            ))),
        }
    }

    fn is_strict(&self) -> bool {
        matches!(self.trust, Trust::Policy(_))
    }

    /// Refuses names of slots that would change what the object is.
    fn check_slot(&self, name: &Object<'py>) -> PyResult<()> {
        let reaches = self.is_strict()
            && name.cast::<PyString>().is_ok_and(|name| {
                let name = name.to_string_lossy();
                name.starts_with("__") && name.ends_with("__")
            });
        if reaches {
            let message = "the state names an attribute that is not data";
            return Err(unpickling_error(self.py, message));
        }
        Ok(())
    }

    /// The argument of `INT` as CPython's reader has it from C, which ends texts at a NUL and takes
    /// any 0 or 1 of two characters for a truth value.
    fn c_integer(&mut self, line: &[u8]) -> Result<Object<'py>> {
        self.check_line(line)?;
        let text = line.split(|&byte| byte == 0).next().unwrap_or_default();
        let value = match octal(text) {
            _ if text.is_empty() => self.int(0)?,
            Some(value) => self.int(value)?,
            None => self.read_int(text)?,
        };
        match value.extract::<u8>() {
            Ok(truth @ 0..=1) if line.len() == 2 => self.bool(truth == 1),
            _ => Ok(value),
        }
    }

    /// CPython takes an empty line for the end of the file.
    fn check_line(&self, line: &[u8]) -> Result<()> {
        let truncated = || from_exception(unpickling_error(self.py, "pickle data was truncated"));
        if line.is_empty() { Err(truncated()) } else { Ok(()) }
    }

    fn read_int(&self, line: &[u8]) -> Result<Object<'py>> {
        self.check_line(line)?;
        let text = std::ffi::CString::new(line).map_err(|_| {
            from_exception(PyValueError::new_err("embedded null byte in an integer"))
        })?;
        let mut end = std::ptr::null_mut();
        // SAFETY: the text ends in a NUL.
        unsafe {
            let value = ffi::PyLong_FromString(text.as_ptr(), &raw mut end, 0);
            let value = Bound::from_owned_ptr_or_err(self.py, value).or_host()?;
            if *end != 0 {
                return Err(from_exception(PyValueError::new_err(
                    "could not convert string to int",
                )));
            }
            Ok(value)
        }
    }
}

/// CPython's `Unpickler.find_class`.
pub(super) fn find_class<'py>(
    py: Python<'py>,
    module: &Bound<'py, PyString>,
    name: &Bound<'py, PyString>,
    maps_names: bool,
    dotted: bool,
) -> PyResult<Object<'py>> {
    py.import(intern!(py, "sys"))?
        .call_method1(intern!(py, "audit"), (intern!(py, "pickle.find_class"), module, name))?;
    if !maps_names {
        return calls::find(py, module, name, dotted);
    }
    let (module, name) = python3_name(py, module, name)?;
    calls::find(py, &module, &name, dotted)
}

/// What `_compat_pickle` says, which others may have added to.
fn python3_name<'py>(
    py: Python<'py>,
    module: &Bound<'py, PyString>,
    name: &Bound<'py, PyString>,
) -> PyResult<(Bound<'py, PyString>, Bound<'py, PyString>)> {
    let known = registries(py)?;
    if let Some(pair) = known.names.bind(py).get_item((module, name))? {
        return Ok((pair.get_item(0)?.cast_into()?, pair.get_item(1)?.cast_into()?));
    }
    match known.modules.bind(py).get_item(module)? {
        Some(new) => Ok((new.cast_into()?, name.clone())),
        None => Ok((module.clone(), name.clone())),
    }
}

impl<'py> Heap for PyHeap<'_, 'py> {
    type Ref = Object<'py>;

    fn protocol(&mut self, protocol: u8) {
        self.protocol = protocol;
    }

    #[inline]
    fn none(&mut self) -> Result<Object<'py>> {
        Ok(self.py.None().into_bound(self.py))
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<Object<'py>> {
        Ok(pyo3::types::PyBool::new(self.py, value).to_owned().into_any())
    }

    #[inline]
    fn int(&mut self, value: i64) -> Result<Object<'py>> {
        make::int(self.py, value).or_host()
    }

    fn big_int(&mut self, bytes: &[u8]) -> Result<Object<'py>> {
        make::big_int(self.py, cannery_core::BigInt::LittleEndian(bytes)).or_host()
    }

    #[inline]
    fn float(&mut self, value: f64) -> Result<Object<'py>> {
        make::float(self.py, value).or_host()
    }

    #[inline]
    fn text(&mut self, bytes: &[u8]) -> Result<Object<'py>> {
        if bytes.is_ascii() {
            return text::from_ascii(self.py, bytes).or_host();
        }
        // SAFETY: pointer and length of one slice.
        unsafe {
            let decoded = ffi::PyUnicode_DecodeUTF8(
                bytes.as_ptr().cast(),
                bytes.len().cast_signed(),
                c"surrogatepass".as_ptr(),
            );
            Bound::from_owned_ptr_or_err(self.py, decoded).or_host()
        }
    }

    fn escaped_text(&mut self, line: &[u8]) -> Result<Object<'py>> {
        // SAFETY: pointer and length of one slice.
        unsafe {
            let decoded = ffi::PyUnicode_DecodeRawUnicodeEscape(
                line.as_ptr().cast(),
                line.len().cast_signed(),
                std::ptr::null(),
            );
            Bound::from_owned_ptr_or_err(self.py, decoded).or_host()
        }
    }

    fn string(&mut self, bytes: &[u8]) -> Result<Object<'py>> {
        let object = self.bytes(bytes)?;
        if self.settings.encoding == "bytes" {
            return Ok(object);
        }
        let arguments = (&*self.settings.encoding, &*self.settings.errors);
        object.call_method1(intern!(self.py, "decode"), arguments).or_host()
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Result<Object<'py>> {
        // SAFETY: a new object of that many bytes that no other code has seen is filled.
        unsafe {
            let new = ffi::PyBytes_FromStringAndSize(std::ptr::null(), bytes.len().cast_signed());
            let new = Bound::from_owned_ptr_or_err(self.py, new).or_host()?;
            fill(ffi::PyBytes_AsString(new.as_ptr()).cast(), bytes);
            Ok(new)
        }
    }

    fn bytearray(&mut self, bytes: &[u8]) -> Result<Object<'py>> {
        // SAFETY: as for bytes.
        unsafe {
            let len = bytes.len().cast_signed();
            let new = ffi::PyByteArray_FromStringAndSize(std::ptr::null(), len);
            let new = Bound::from_owned_ptr_or_err(self.py, new).or_host()?;
            fill(ffi::PyByteArray_AsString(new.as_ptr()).cast(), bytes);
            Ok(new)
        }
    }

    fn short_line(&mut self, line: &[u8]) -> Result<Object<'py>> {
        match line {
            b"00" => self.bool(false),
            b"01" => self.bool(true),
            _ if self.is_strict() => {
                let integer = literal::short_integer(line)?;
                self.integer(integer)
            }
            _ => self.c_integer(line),
        }
    }

    fn long_line(&mut self, line: &[u8]) -> Result<Object<'py>> {
        if self.is_strict() {
            let integer = literal::long_integer(line)?;
            return self.integer(integer);
        }
        self.read_int(line.strip_suffix(b"L").unwrap_or(line))
    }

    fn float_line(&mut self, line: &[u8]) -> Result<Object<'py>> {
        if self.is_strict() {
            let value = literal::float(line)?;
            return self.float(value);
        }
        self.check_line(line)?;
        if line.contains(&b'_') || line.iter().any(u8::is_ascii_whitespace) {
            return Err(from_exception(PyValueError::new_err("could not convert string to float")));
        }
        let line = memory::new_bytes(self.py, line).or_host()?;
        // SAFETY: an object.
        unsafe {
            let value = ffi::PyFloat_FromString(line.as_ptr());
            let value = Bound::from_owned_ptr_or_err(self.py, value).or_host()?;
            let overflows = ffi::PyFloat_AS_DOUBLE(value.as_ptr()).is_infinite()
                && line.as_bytes().iter().any(u8::is_ascii_digit);
            if overflows {
                let message = "value too large to convert to float";
                return Err(from_exception(PyOverflowError::new_err(message)));
            }
            Ok(value)
        }
    }

    #[inline]
    fn tuple(&mut self, items: Drain<'_, Object<'py>>) -> Result<Object<'py>> {
        if items.len() == 0 {
            return Ok(self.empty_tuple.clone());
        }
        // SAFETY: a new tuple has as many empty places, and each is filled with a reference that
        // the stack gives up.
        unsafe {
            let tuple = ffi::PyTuple_New(items.len().cast_signed());
            let tuple = Bound::from_owned_ptr_or_err(self.py, tuple).or_host()?;
            for (index, item) in items.enumerate() {
                ffi::PyTuple_SET_ITEM(tuple.as_ptr(), index.cast_signed(), item.into_ptr());
            }
            Ok(tuple)
        }
    }

    #[inline]
    fn list(&mut self, items: Drain<'_, Object<'py>>) -> Result<Object<'py>> {
        // SAFETY: as for tuples.
        unsafe {
            let list = ffi::PyList_New(items.len().cast_signed());
            let list = Bound::from_owned_ptr_or_err(self.py, list).or_host()?;
            for (index, item) in items.enumerate() {
                ffi::PyList_SET_ITEM(list.as_ptr(), index.cast_signed(), item.into_ptr());
            }
            Ok(list)
        }
    }

    #[inline]
    fn dict(&mut self, items: Drain<'_, Object<'py>>) -> Result<Object<'py>> {
        // SAFETY: the interpreter is held.
        let dict = unsafe { Bound::from_owned_ptr_or_err(self.py, ffi::PyDict_New()).or_host()? };
        if items.len() > 0 {
            self.set_items(&dict, items, 0)?;
        }
        Ok(dict)
    }

    fn set(&mut self) -> Result<Object<'py>> {
        PySet::empty(self.py).map(Bound::into_any).or_host()
    }

    fn frozenset(&mut self, items: Drain<'_, Object<'py>>) -> Result<Object<'py>> {
        let items: Vec<_> = items.collect();
        let none = self.py.None().into_bound(self.py);
        for item in &items {
            self.guard(&none, item)?;
        }
        PyFrozenSet::new(self.py, items).map(Bound::into_any).or_host()
    }

    #[inline]
    fn append(&mut self, list: &Object<'py>, item: Object<'py>, at: usize) -> Result<()> {
        if list.is_exact_instance_of::<PyList>() {
            return push(list, item).or_host();
        }
        let mut items = vec![item];
        self.extend(list, items.drain(..), at)
    }

    #[inline]
    fn extend(
        &mut self,
        list: &Object<'py>,
        items: Drain<'_, Object<'py>>,
        at: usize,
    ) -> Result<()> {
        if list.is_exact_instance_of::<PyList>() {
            return items.into_iter().try_for_each(|item| push(list, item)).or_host();
        }
        if items.len() == 0 && !self.is_strict() {
            return Ok(()); // as CPython's C reader does, whatever the object
        }
        if self.is_record(list) {
            let items = self.list(items)?;
            return self.inert("add_items", (list, items)).map(drop);
        }
        let py = self.py;
        let mut items: Vec<_> = items.collect();
        self.check_items(list, "extend", &items, at)?;
        let items = items.drain(..);
        if let Some(extend) = list.getattr_opt(intern!(py, "extend")).or_host()? {
            let items = self.list(items)?;
            return extend.call1((items,)).or_host().map(drop);
        }
        let append = list.getattr(intern!(py, "append")).or_host()?;
        items.into_iter().try_for_each(|item| append.call1((item,)).or_host().map(drop))
    }

    #[inline]
    fn set_items(
        &mut self,
        dict: &Object<'py>,
        mut items: Drain<'_, Object<'py>>,
        at: usize,
    ) -> Result<()> {
        let exact = dict.is_exact_instance_of::<PyDict>();
        if items.len() == 0 && !exact && !self.is_strict() {
            return Ok(());
        }
        if !exact && self.is_record(dict) {
            let items = self.list(items)?;
            return self.inert("set_entries", (dict, items)).map(drop);
        }
        if !exact {
            self.check_items(dict, "__setitem__", items.as_slice(), at)?;
        }
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.guard(dict, &key)?;
            // SAFETY: three objects, the first a dictionary in the first case.
            let failed = unsafe {
                if exact {
                    compat::set_entry(dict.as_ptr(), key.as_ptr(), value.as_ptr())
                } else {
                    ffi::PyObject_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr())
                }
            };
            if failed != 0 {
                return Err(from_exception(PyErr::fetch(self.py)));
            }
        }
        Ok(())
    }

    fn add_items(
        &mut self,
        set: &Object<'py>,
        items: Drain<'_, Object<'py>>,
        at: usize,
    ) -> Result<()> {
        if items.len() == 0 && !self.is_strict() {
            return Ok(());
        }
        if self.is_record(set) {
            let items = self.list(items)?;
            return self.inert("add_items", (set, items)).map(drop);
        }
        let exact = set.cast_exact::<PySet>().ok().cloned();
        if exact.is_none() {
            self.check_items(set, "add", items.as_slice(), at)?;
        }
        let add = match exact {
            Some(_) => None,
            None => Some(set.getattr(intern!(self.py, "add")).or_host()?),
        };
        for item in items {
            self.guard(set, &item)?;
            match (&exact, &add) {
                (Some(set), _) => set.add(item).or_host()?,
                (None, Some(add)) => add.call1((item,)).or_host().map(drop)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn global(&mut self, module: &[u8], name: &[u8], at: usize) -> Result<Object<'py>> {
        let (module, name) = (self.text(module)?, self.text(name)?);
        self.find(module, name, at)
    }

    fn stack_global(
        &mut self,
        module: Object<'py>,
        name: Object<'py>,
        at: usize,
    ) -> Result<Object<'py>> {
        self.find(module, name, at)
    }

    fn extension(&mut self, code: i64, at: usize) -> Result<Object<'py>> {
        let py = self.py;
        let known = registries(py).or_host()?;
        let cache = known.cache.bind(py);
        let strict = self.is_strict();
        if !strict && let Some(found) = cache.get_item(code).or_host()? {
            return Ok(found);
        }
        self.ensure_checked()?;
        if code <= 0 {
            return Err(from_exception(unpickling_error(py, "EXT specifies code <= 0")));
        }
        let Some(pair) = known.inverted.bind(py).get_item(code).or_host()? else {
            let message = format!("unregistered extension code {code}");
            return Err(from_exception(PyValueError::new_err(message)));
        };
        let Ok((module, name)) = pair.extract::<(Bound<'py, PyString>, Bound<'py, PyString>)>()
        else {
            let message = format!("_inverted_registry[{code}] isn't a 2-tuple of strings");
            return Err(from_exception(PyValueError::new_err(message)));
        };
        let (module, name) = (module.into_any(), name.into_any());
        let found = self.find(module, name, at)?;
        if !strict {
            cache.set_item(code, &found).or_host()?;
        }
        Ok(found)
    }

    fn instance(
        &mut self,
        class: Object<'py>,
        arguments: Drain<'_, Object<'py>>,
        at: usize,
    ) -> Result<Object<'py>> {
        self.ensure_checked()?;
        let arguments = self.tuple(arguments)?;
        if self.is_refused(at) || self.is_record(&class) {
            return self.inert("call", (class, arguments));
        }
        if let Trust::Policy(checked) = &self.trust
            && checked.gate.access(&class) != Access::Trusted
        {
            let record = ("call", (class.clone(), arguments.clone()));
            let made = self.checked("instance", (class, arguments), record, at)?;
            return Ok(self.keep_made(made, at));
        }
        let arguments = arguments.cast_into::<PyTuple>().map_err(|e| from_exception(e.into()))?;
        calls::instance(&class, &arguments).or_host()
    }

    fn new_object(
        &mut self,
        class: Object<'py>,
        arguments: Object<'py>,
        keywords: Option<Object<'py>>,
        at: usize,
    ) -> Result<Object<'py>> {
        self.ensure_checked()?;
        if self.is_refused(at) || self.is_record(&class) {
            return self.inert("call", (class, arguments, keywords));
        }
        self.guard_call(&class, &arguments)?;
        if let Trust::Policy(checked) = &self.trust
            && checked.gate.access(&class) != Access::Trusted
            && keywords.as_ref().is_none_or(PyAnyMethods::is_instance_of::<PyDict>)
            && !(keywords.is_none() && checked.gate.is_plain_call(&class, &arguments))
        {
            let record = ("call", (class.clone(), arguments.clone(), keywords.clone()));
            let made = self.checked("new", (class, arguments, keywords), record, at)?;
            return Ok(self.keep_made(made, at));
        }
        let made = calls::new_object(&class, &arguments, keywords.as_ref()).or_host()?;
        Ok(self.keep_made(made, at))
    }

    fn reduce(
        &mut self,
        callable: Object<'py>,
        arguments: Object<'py>,
        at: usize,
    ) -> Result<Object<'py>> {
        self.ensure_checked()?;
        if self.is_refused(at) || self.is_record(&callable) {
            return self.inert("call", (callable, arguments));
        }
        if let Trust::Policy(checked) = &self.trust
            && let Some((function, class)) = &checked.frombuffer
            && function.is(&callable)
            && let Some(array) = calls::array_of_buffer(class, &arguments).or_host()?
        {
            return Ok(array);
        }
        self.guard_call(&callable, &arguments)?;
        let Trust::Policy(checked) = &mut self.trust else {
            return calls::reduce(&callable, &arguments).or_host();
        };
        if checked.gate.access(&callable) == Access::Trusted {
            let made = calls::reduce(&callable, &arguments).or_host()?;
            checked.gate.trust_made(&made);
            return Ok(made);
        }
        if checked.gate.is_plain_call(&callable, &arguments) {
            match calls::reduce(&callable, &arguments) {
                Ok(made) => return Ok(self.keep_made(made, at)),
                // The rule says what is wrong with the arguments.
                Err(exception) if exception.is_instance_of::<PyException>(self.py) => {}
                Err(exception) => return Err(from_exception(exception)),
            }
        }
        let record = ("call", (callable.clone(), arguments.clone()));
        let made = self.checked("reduce", (callable, arguments), record, at)?;
        Ok(self.keep_made(made, at))
    }

    fn build(&mut self, object: &Object<'py>, state: Object<'py>, at: usize) -> Result<()> {
        self.ensure_checked()?;
        if self.is_record(object) {
            return self.inert("set_state", (object, state)).map(drop);
        }
        if self.is_refused(at) {
            return self.read_again_without(object, at);
        }
        if !self.is_trusted_instance(object) {
            let Trust::Policy(checked) = &mut self.trust else { return Err(unpoliced()) };
            checked.guard.check_data(&state)?;
            let checks = checked.gate.checks(self.py).or_host()?;
            return match checks.call_method1(Name("build"), (object, state)) {
                Ok(_) => Ok(()),
                Err(exception) => Err(self.refuse_object(object, exception, at)),
            };
        }
        if self.is_strict() {
            self.check_attributes(object, &state).or_host()?;
        }
        calls::build(object, state, |name| self.check_slot(name)).or_host()
    }

    fn persistent_line(&mut self, id: &[u8], _: usize) -> Result<Object<'py>> {
        if !id.is_ascii() {
            let message = "persistent IDs in protocol 0 must be ASCII strings";
            return Err(from_exception(unpickling_error(self.py, message)));
        }
        let id = self.text(id)?;
        self.persistent_load(id)
    }

    fn persistent(&mut self, id: Object<'py>, _: usize) -> Result<Object<'py>> {
        self.persistent_load(id)
    }

    fn next_buffer(&mut self, _: usize) -> Result<Object<'py>> {
        let wrong = |message| from_exception(unpickling_error(self.py, message));
        let Some(buffers) = &self.settings.buffers else {
            return Err(wrong(
                "pickle stream refers to out-of-band data but no *buffers* argument was given",
            ));
        };
        // SAFETY: an iterator.
        let next = unsafe { ffi::PyIter_Next(buffers.as_ptr()) };
        if !next.is_null() {
            // SAFETY: a new reference.
            return Ok(unsafe { Bound::from_owned_ptr(self.py, next) });
        }
        match PyErr::take(self.py) {
            Some(exception) => Err(from_exception(exception)),
            None => Err(wrong("not enough out-of-band buffers")),
        }
    }

    fn readonly_buffer(&mut self, buffer: Object<'py>, _: usize) -> Result<Object<'py>> {
        let view = pyo3::types::PyMemoryView::from(&buffer).or_host()?;
        if view.getattr(intern!(self.py, "readonly")).or_host()?.is_truthy().or_host()? {
            return Ok(buffer);
        }
        view.call_method0(intern!(self.py, "toreadonly")).or_host()
    }
}

/// CPython reads `INT` as C does: a number that begins with 0 is octal.
fn octal(line: &[u8]) -> Option<i64> {
    let (sign, digits) = match line.trim_ascii_start() {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    let is_octal = digits.starts_with(b"0") && digits.iter().all(|b| matches!(b, b'0'..=b'7'));
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_octal)?;
    i64::from_str_radix(digits, 8).ok().map(|value| sign * value)
}

/// Fills new memory.
///
/// # Safety
/// There must be room for as many bytes at `start`.
#[inline]
unsafe fn fill(start: *mut u8, bytes: &[u8]) {
    compat::expect_large(start, bytes.len());
    // SAFETY: the caller's promise; memory that is new overlaps nothing.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len()) };
}

/// Appends to an exact list, which takes the reference over.
#[inline]
fn push<'py>(list: &Object<'py>, item: Object<'py>) -> PyResult<()> {
    // SAFETY: a list and an object.
    match unsafe { ffi::PyList_Append(list.as_ptr(), item.as_ptr()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(list.py())),
    }
}

/// The error for a policy that cannot be: more a guard than an answer.
pub(super) fn unknown_profile(name: &str) -> Error {
    Error::new(ErrorKind::Value, format!("unknown profile `{name}`"))
        .with_hint("profiles are data, numpy, pandas, scipy, sklearn and torch")
}

/// Only a policy has checks to ask.
#[cold]
fn unpoliced() -> Error {
    Error::new(ErrorKind::Value, "there is no policy to ask")
}
