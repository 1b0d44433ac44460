//! `dumps` and what `Pickler.dump` stands on.

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::memo::Table;
use super::{Object, Options, Pickler, Raised, Sharing};
use crate::memory;
use crate::vectorcall::{Call, fast_call};

const HIGHEST_PROTOCOL: i64 = 5;
/// `pickle.DEFAULT_PROTOCOL` of Python 3.8 to 3.13.
const DEFAULT_PROTOCOL: u8 = if cfg!(Py_3_14) { 5 } else { 4 };

pub(in crate::pickle) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PickleMemo>()?;
    fast_call!(module, pickle_dumps, or_raise dumps_plainly)?;
    module.add_function(wrap_pyfunction!(pickle_write, module)?)?;
    module.add_function(wrap_pyfunction!(pickle_protocol, module)?)
}

/// The memo of a `Pickler`: objects that it wrote, with their numbers.
#[pyclass(module = "cannery._native")]
#[derive(Default)]
struct PickleMemo(Table);

#[pymethods]
impl PickleMemo {
    #[new]
    #[pyo3(signature = (items = None))]
    fn new(items: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut table = Table::default();
        if let Some(items) = items {
            for (_, entry) in items {
                let (index, object): (usize, Bound<'_, PyAny>) = entry.extract()?;
                // SAFETY: a live object.
                let set = unsafe { table.set(object.as_ptr(), index) };
                set.map_err(|Raised| PyErr::fetch(object.py()))?;
            }
        }
        Ok(Self(table))
    }

    /// The memo as a `dict` from ids to pairs of number and object.
    fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let copy = memory::new_dict(py)?;
        for (object, index) in self.0.iter() {
            // SAFETY: the table keeps its objects alive.
            let object: Object<'py> = unsafe { Bound::from_borrowed_ptr(py, object) };
            copy.set_item(object.as_ptr().addr(), (index, object))?;
        }
        Ok(copy)
    }

    /// Forgets everything.
    fn clear(slf: &Bound<'_, Self>) -> PyResult<()> {
        // What goes away with its last reference may use the memo.
        let former = std::mem::take(&mut slf.try_borrow_mut()?.0);
        drop(former);
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(|object| visit.call(object))
    }

    fn __clear__(&mut self) {
        self.0.clear();
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((py.get_type::<PyDict>().into_any(), (self.copy(py)?,)))
    }
}

/// The number that a `protocol` argument stands for.
fn protocol_of(protocol: Option<&Bound<'_, PyAny>>) -> PyResult<u8> {
    let Some(protocol) = protocol.filter(|protocol| !protocol.is_none()) else {
        return Ok(DEFAULT_PROTOCOL);
    };
    match protocol.extract::<i64>()? {
        ..0 => Ok(5),
        number @ 0..=HIGHEST_PROTOCOL => Ok(number.to_le_bytes()[0]),
        _ => Err(PyValueError::new_err("pickle protocol must be <= 5")),
    }
}

/// The number that a `protocol` argument stands for, checked with `buffer_callback`.
#[pyfunction]
#[pyo3(signature = (protocol, buffer_callback, /))]
fn pickle_protocol(
    protocol: Option<&Bound<'_, PyAny>>,
    buffer_callback: Option<&Bound<'_, PyAny>>,
) -> PyResult<u8> {
    let protocol = protocol_of(protocol)?;
    if protocol < 5 && buffer_callback.is_some_and(|callback| !callback.is_none()) {
        return Err(PyValueError::new_err("buffer_callback needs protocol >= 5"));
    }
    Ok(protocol)
}

/// Writes an object as a pickle, byte for byte as CPython does.
///
/// With `deterministic=True` the bytes depend on the value alone: sets are sorted, and the memo
/// keeps only what is referred to again.
///
/// >>> from cannery import pickle
/// >>> pickle.loads(pickle.dumps({"a": (1, 2)}))
/// {'a': (1, 2)}
#[pyfunction]
#[pyo3(signature = (obj, protocol = None, *, fix_imports = true, buffer_callback = None,
    deterministic = false))]
fn pickle_dumps<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    protocol: Option<&Bound<'py, PyAny>>,
    fix_imports: bool,
    buffer_callback: Option<Bound<'py, PyAny>>,
    deterministic: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let buffer_callback = buffer_callback.filter(|callback| !callback.is_none());
    let protocol = pickle_protocol(protocol, buffer_callback.as_ref())?;
    let options = Options { fix_imports, deterministic, buffer_callback, ..Options::new(protocol) };
    let bytes = if deterministic {
        deterministic_object(&options, obj)
    } else {
        write(py, &options, obj, &mut Table::warm(), None, Sharing::default())
            .map(|(bytes, _)| bytes)
    };
    bytes.map_err(|Raised| PyErr::fetch(py))
}

/// `dumps` of an object, and perhaps a protocol.
fn dumps_plainly<'py>(call: Call<'_, 'py>) -> Option<PyResult<Bound<'py, PyAny>>> {
    let (object, protocol) = call.one_and("protocol")?;
    let protocol = protocol_of(protocol.as_deref()).ok()?;
    let options = Options::new(protocol);
    let written =
        write(object.py(), &options, &object, &mut Table::warm(), None, Sharing::default());
    let bytes = written.map(|(bytes, _)| bytes.into_any());
    Some(bytes.map_err(|Raised| PyErr::fetch(object.py())))
}

/// One `Pickler.dump`: `options` are its attributes, `write` that of its file.
#[pyfunction]
#[pyo3(signature = (obj, options, memo, write, /))]
fn pickle_write<'py>(
    py: Python<'py>,
    obj: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
    memo: &Bound<'py, PickleMemo>,
    write: Bound<'py, PyAny>,
) -> PyResult<()> {
    let option = |name: &str| -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(options.get_item(name)?.filter(|value| !value.is_none()))
    };
    let flag = |name: &str| option(name)?.map_or(Ok(false), |value| value.is_truthy());
    let options = Options {
        protocol: protocol_of(option("protocol")?.as_ref())?,
        fix_imports: flag("fix_imports")?,
        fast: flag("fast")?,
        deterministic: flag("deterministic")?,
        buffer_callback: option("buffer_callback")?,
        persistent_id: option("persistent_id")?,
        // One that is `None` is called, as CPython does, and that fails.
        reducer_override: options.get_item("reducer_override")?,
        dispatch_table: options.get_item("dispatch_table")?,
    };
    if options.deterministic {
        let bytes = deterministic_object(&options, obj).map_err(|Raised| PyErr::fetch(py))?;
        return write.call1((bytes,)).map(drop);
    }
    // Code that is run meanwhile may look at the memo, or use the pickler itself.
    let mut table = std::mem::take(&mut memo.try_borrow_mut()?.0);
    let result = self::write(py, &options, obj, &mut table, Some(write), Sharing::default());
    let former = std::mem::replace(&mut memo.try_borrow_mut()?.0, table);
    drop(former);
    result.map(drop).map_err(|Raised| PyErr::fetch(py))
}

/// Writes one pickle; what is left in the buffer goes to the file, or comes back.
fn write<'py>(
    py: Python<'py>,
    options: &Options<'py>,
    object: &Object<'py>,
    memo: &mut Table,
    file_write: Option<Object<'py>>,
    sharing: Sharing<'py>,
) -> Result<(Bound<'py, PyBytes>, Sharing<'py>), Raised> {
    let has_file = file_write.is_some();
    let mut pickler = Pickler::new(py, options, memo, file_write, sharing)?;
    pickler.dump(object)?;
    if has_file {
        pickler.out.flush()?;
        return Ok((memory::new_bytes(py, b"")?, pickler.sharing));
    }
    Ok((pickler.out.take()?, pickler.sharing))
}

/// The bytes of a value in deterministic mode: two passes, the first to see what is shared.
fn deterministic_object<'py>(
    options: &Options<'py>,
    object: &Object<'py>,
) -> Result<Bound<'py, PyBytes>, Raised> {
    let py = object.py();
    let sharing = Sharing { equal: Some(memory::new_dict(py)?), ..Sharing::default() };
    // Buffers leave in the second pass only.
    let first = options.for_keys(py)?;
    let (_, sharing) = write(py, &first, object, &mut Table::warm(), None, sharing)?;
    let sharing = Sharing {
        used: sharing.used,
        orders: sharing.orders,
        is_second_pass: true,
        equal: Some(memory::new_dict(py)?),
        ..Sharing::default()
    };
    write(py, options, object, &mut Table::warm(), None, sharing).map(|(bytes, _)| bytes)
}
