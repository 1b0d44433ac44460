//! NumPy's arrays, by way of their memory; NumPy is imported only when one shows up.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;

use cannery_core::{
    ArraySource, ArrayView, ByteOrder, Dtype, DtypeKind, Error, ErrorKind, Order, Result,
};
use pyo3::exceptions::{PyImportError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyType, PyWeakrefReference};

use crate::array_header;
use crate::errors::{OrRaise, from_exception};
use crate::memory::{self, Name};

/// Arrays below this size are copied out of their file: it costs less than to map it.
const WORTH_MAPPING: u64 = 1 << 20;

/// A file that arrays may be taken from as they lie there. It is mapped when the first one is;
/// changes to the arrays stay in memory.
pub(crate) struct Mapping {
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix maps a file by its number"))]
    file: File,
    mapped: Option<Py<PyAny>>,
}

impl Mapping {
    /// A file that was not mapped yet.
    pub(crate) fn new(file: File) -> Self {
        Self { file, mapped: None }
    }

    #[cfg(unix)]
    fn get<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        use std::os::fd::AsRawFd;
        if self.mapped.is_none() {
            let options = memory::new_dict(py)?;
            let module = py.import(Name("mmap"))?;
            options.set_item(Name("access"), module.getattr(Name("ACCESS_COPY"))?)?;
            let mapped =
                module.getattr(Name("mmap"))?.call((self.file.as_raw_fd(), 0), Some(&options))?;
            self.mapped = Some(mapped.unbind());
        }
        Ok(self.mapped.as_ref().map(|mapped| mapped.bind(py).clone()))
    }

    #[cfg(not(unix))]
    fn get<'py>(&mut self, _py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.mapped.as_ref().map(|mapped| mapped.bind(_py).clone()))
    }
}

/// The array of a source, in a mapping if it lies there, else with memory of its own.
///
/// # Errors
/// `ImportError` without NumPy, and those of the source.
pub(crate) fn to_numpy<'py>(
    py: Python<'py>,
    source: &dyn ArraySource,
    mapping: Option<&mut Mapping>,
    made: &mut MadeDtypes<'py>,
) -> Result<Bound<'py, PyAny>> {
    if let (Some(offset), Some(mapping)) = (source.file_offset(), mapping)
        && source.size_in_bytes()? >= WORTH_MAPPING
        && let Some(mapped) = mapping.get(py).map_err(from_exception)?
    {
        return over_memory(py, source, &mapped, offset).map_err(from_exception);
    }
    if source.size_in_bytes()? == 0 {
        check_empty(source.shape())?;
    }
    let size = usize::try_from(source.size_in_bytes()?)
        .map_err(|_| Error::new(ErrorKind::Limit, "the array does not fit in memory"))?;
    let (array, start) = own_memory(py, source, size, made).map_err(from_exception)?;
    if size > 0 {
        // SAFETY: that many bytes of the new array lie there, and no other code knows it; its elements are
        // no objects.
        let out = unsafe {
            start.write_bytes(0, size);
            std::slice::from_raw_parts_mut(start, size)
        };
        source.read(0, out)?;
    }
    Ok(array)
}

/// Whether there is no NumPy to make arrays with.
pub(crate) fn is_numpy_missing(py: Python<'_>) -> bool {
    numpy(py, "numpy").is_err_and(|error| error.is_instance_of::<PyImportError>(py))
}

/// What an array is made of, for readers without NumPy.
pub(crate) fn parts_of<'py>(
    py: Python<'py>,
    source: &dyn ArraySource,
) -> Result<Bound<'py, PyAny>> {
    let size = usize::try_from(source.size_in_bytes()?)
        .map_err(|_| Error::new(ErrorKind::Limit, "the array does not fit in memory"))?;
    let mut data = Vec::new();
    cannery_core::reserve(&mut data, size)?;
    data.resize(size, 0);
    source.read(0, &mut data)?;
    let parts = || -> PyResult<Bound<'py, PyAny>> {
        let parts = memory::new_dict(py)?;
        parts.set_item(Name("dtype"), cannery_npy::dtype_to_descr(source.dtype()).or_raise(py)?)?;
        parts.set_item(Name("shape"), memory::new_shape(py, source.shape())?)?;
        parts.set_item(Name("order"), if source.order() == Order::Fortran { "F" } else { "C" })?;
        parts.set_item(Name("data"), memory::new_bytes(py, &data)?)?;
        Ok(parts.into_any())
    };
    parts().map_err(from_exception)
}

/// An array that owns its memory, and where that begins.
///
/// One over other memory would have that as its `base`, and NumPy does not keep it as it is: what a
/// `bytearray` has it may give back while arrays lie in it.
fn own_memory<'py>(
    py: Python<'py>,
    source: &dyn ArraySource,
    size: usize,
    made: &mut MadeDtypes<'py>,
) -> PyResult<(Bound<'py, PyAny>, *mut u8)> {
    let dtype = made.get(py, source.dtype())?;
    let order = if source.order() == Order::Fortran { intern!(py, "F") } else { intern!(py, "C") };
    let shape = memory::new_shape(py, source.shape())?;
    let array = empty(py)?.call1((shape, dtype, order))?;
    let (start, len) = match array_header::read(&array)? {
        Some(header) => (header.data, size_of_elements(&header.shape, source.dtype())),
        None => memory_of(&array)?,
    };
    if len != size {
        return Err(PyValueError::new_err(format!(
            "expected an array of {size} bytes, found {len}"
        )));
    }
    Ok((array, start))
}

/// `numpy.empty`, once it was asked for.
fn empty(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let empty = EMPTY
        .get_or_try_init(py, || numpy(py, "numpy")?.getattr(Name("empty")).map(Bound::unbind))?;
    Ok(empty.bind(py))
}

fn size_of_elements(shape: &[u64], dtype: &Dtype) -> usize {
    let sides = shape.iter().map(|&side| usize::try_from(side).unwrap_or(usize::MAX));
    sides.fold(dtype.itemsize(), usize::saturating_mul)
}

/// NumPy's objects for the element types of a document: few, and each is made once.
#[derive(Default)]
pub(crate) struct MadeDtypes<'py>(HashMap<Dtype, Bound<'py, PyAny>>);

impl<'py> MadeDtypes<'py> {
    fn get(&mut self, py: Python<'py>, dtype: &Dtype) -> PyResult<Bound<'py, PyAny>> {
        if let Some(made) = self.0.get(dtype) {
            return Ok(made.clone());
        }
        let made = dtype_to_numpy(py, dtype)?;
        if made.getattr(Name("hasobject"))?.extract()? {
            return Err(PyValueError::new_err("an array of objects cannot be made of bytes"));
        }
        self.0.insert(dtype.clone(), made.clone());
        Ok(made)
    }
}

/// Where an array's memory begins, and how long it is.
pub(crate) fn memory_of(array: &Bound<'_, PyAny>) -> PyResult<(*mut u8, usize)> {
    let address: usize =
        array.getattr(Name("__array_interface__"))?.get_item("data")?.get_item(0)?.extract()?;
    Ok((address as *mut u8, array.getattr(Name("nbytes"))?.extract()?))
}

fn over_memory<'py>(
    py: Python<'py>,
    source: &dyn ArraySource,
    memory: &Bound<'py, PyAny>,
    offset: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let options = memory::new_dict(py)?;
    options.set_item(Name("shape"), memory::new_shape(py, source.shape())?)?;
    options.set_item(Name("dtype"), dtype_to_numpy(py, source.dtype())?)?;
    options.set_item(Name("buffer"), memory)?;
    options.set_item(Name("offset"), offset)?;
    options.set_item(Name("order"), if source.order() == Order::Fortran { "F" } else { "C" })?;
    numpy(py, "numpy")?.getattr(Name("ndarray"))?.call((), Some(&options))
}

/// One of NumPy's modules, from where packages are installed: a document must not make us import a
/// `numpy.py` of the working folder.
fn numpy<'py>(py: Python<'py>, module: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(Name("cannery._installed"))?.call_method1(Name("installed_module"), (module,))
}

/// The largest shape of an array without elements: what sums its dimensions up makes room for them.
const MAX_EMPTY: u64 = 1 << 22;

fn check_empty(shape: &[u64]) -> Result<()> {
    let size = shape.iter().fold(1_u64, |size, &side| size.saturating_mul(side.max(1)));
    if size > MAX_EMPTY {
        let message = format!("the shape {shape:?} is too large for an array without data");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    Ok(())
}

/// Types that NumPy has from `ml_dtypes` alone, by the names that they have there.
const ML_DTYPES: [(&str, DtypeKind); 3] = [
    ("bfloat16", DtypeKind::BFloat16),
    ("float8_e4m3fn", DtypeKind::Float8E4M3),
    ("float8_e5m2", DtypeKind::Float8E5M2),
];

/// The type of elements behind one of those of `ml_dtypes`.
fn ml_dtype_from_numpy(dtype: &Bound<'_, PyAny>) -> PyResult<Option<Dtype>> {
    let module: String = dtype.getattr(Name("type"))?.getattr(Name("__module__"))?.extract()?;
    if module != "ml_dtypes"
        || cfg!(target_endian = "big")
        || !dtype.getattr(Name("isnative"))?.extract::<bool>()?
    {
        return Ok(None);
    }
    let name: String = dtype.getattr(Name("name"))?.extract()?;
    let known = ML_DTYPES.iter().find(|(known, _)| *known == name);
    Ok(known.map(|(_, kind)| Dtype::new(kind.clone())))
}

/// NumPy's object for an element type. Those that it lacks are records of one field where `ml_dtypes` is
/// not installed.
pub(crate) fn dtype_to_numpy<'py>(py: Python<'py>, dtype: &Dtype) -> PyResult<Bound<'py, PyAny>> {
    let ml_dtype = ML_DTYPES.iter().find(|(_, kind)| *kind == dtype.kind);
    if let Some((name, _)) = ml_dtype.filter(|_| dtype.byte_order == ByteOrder::Little) {
        return py
            .import(Name("cannery._tensor_types"))?
            .call_method1(Name("stored_dtype"), (*name,));
    }
    let descr = cannery_npy::dtype_to_descr(dtype).or_raise(py)?;
    let numpy_format = numpy(py, "numpy.lib.format")?;
    // A single type is by far the most common, and no case for Python's compiler.
    let single = descr.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(name) = single.filter(|name| !name.contains(['\\', '\''])) {
        return numpy_format.call_method1(Name("descr_to_dtype"), (name,));
    }
    let descr = py.import(Name("ast"))?.call_method1(Name("literal_eval"), (descr,))?;
    numpy_format.call_method1(Name("descr_to_dtype"), (descr,))
}

/// The element type behind one of NumPy's objects.
pub(crate) fn dtype_from_numpy(dtype: &Bound<'_, PyAny>) -> PyResult<Dtype> {
    let py = dtype.py();
    let descr =
        py.import(Name("numpy.lib.format"))?.call_method1(Name("dtype_to_descr"), (dtype,))?;
    cannery_npy::dtype_from_descr(&descr.repr()?.to_string()).or_raise(py)
}

/// Whether NPY has the type of the elements. It writes those that others have added as mere bytes,
/// and knows no fields that overlap.
fn is_npy(dtype: &Bound<'_, PyAny>) -> PyResult<bool> {
    let fields = dtype.getattr(Name("fields"))?;
    if fields.is_none() {
        let is_foreign =
            dtype.getattr(Name("base"))?.getattr(Name("isbuiltin"))?.extract::<i32>()? == 2;
        return Ok(!is_foreign);
    }
    for field in fields.call_method0(Name("values"))?.try_iter()? {
        if !is_npy(&field?.get_item(0)?)? {
            return Ok(false);
        }
    }
    Ok(dtype.getattr(Name("descr")).is_ok())
}

/// Whether NPY says all about a type: it has no notes beside it, no alignment and no records.
fn says_all(dtype: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !dtype.getattr(Name("metadata"))?.is_none() {
        return Ok(false);
    }
    let fields = dtype.getattr(Name("fields"))?;
    if fields.is_none() {
        let base = dtype.getattr(Name("base"))?;
        return if base.is(dtype) { Ok(true) } else { says_all(&base) };
    }
    let class = dtype.getattr(Name("type"))?.getattr(Name("__name__"))?;
    if dtype.getattr(Name("isalignedstruct"))?.extract()? || class.ne("void")? {
        return Ok(false);
    }
    for field in fields.call_method0(Name("values"))?.try_iter()? {
        if !says_all(&field?.get_item(0)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The element types of the arrays of one value: few, and each is looked at once.
#[derive(Default)]
pub(crate) struct KnownDtypes<'py> {
    /// By address, which stays that of the type; `None` where NPY does not say all about it.
    known: HashMap<usize, (Bound<'py, PyAny>, Option<Dtype>)>,
}

impl<'py> KnownDtypes<'py> {
    /// An array of NumPy's own class, if its elements are no objects and NPY says all about them.
    pub(crate) fn array(&mut self, value: &Bound<'py, PyAny>) -> PyResult<Option<NumpyArray>> {
        let dtype = value.getattr(intern!(value.py(), "dtype"))?;
        let address = dtype.as_ptr() as usize;
        let known = match self.known.entry(address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let has_objects = dtype.getattr(Name("hasobject"))?.extract::<bool>()?;
                let known = if has_objects || !says_all(&dtype)? {
                    None
                } else if is_npy(&dtype)? {
                    Some(dtype_from_numpy(&dtype)?)
                } else {
                    ml_dtype_from_numpy(&dtype)?
                };
                place.insert((dtype, known))
            }
        };
        let Some(dtype) = &known.1 else { return Ok(None) };
        NumpyArray::with_dtype(value, dtype.clone()).map(Some)
    }
}

/// A NumPy array as a source, contiguous; it owns what it reads from.
pub(crate) struct NumpyArray {
    dtype: Dtype,
    shape: Vec<u64>,
    order: Order,
    data: *const u8,
    len: usize,
    /// Whether the memory may be looked at for as long as the array is being written: no Python code
    /// runs meanwhile.
    lends: bool,
    owner: Py<PyAny>,
    /// While there is one, NumPy does not resize the array, whatever it is told.
    _weak: Py<PyAny>,
}

impl NumpyArray {
    /// Whether a class is that of NumPy's arrays, and no subclass of it.
    pub(crate) fn is_class(class: &Bound<'_, PyAny>) -> PyResult<bool> {
        // An array cannot exist before NumPy was imported: no need to import it to find out.
        let class = class.cast::<PyType>()?;
        Ok(class.name()? == "ndarray" && class.module()? == "numpy")
    }

    /// The array, if the object is one (and of no subclass) and its elements are no objects.
    pub(crate) fn of(value: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if !Self::is_class(&value.get_type().into_any())? {
            return Ok(None);
        }
        let dtype = value.getattr(Name("dtype"))?;
        if dtype.getattr(Name("hasobject"))?.extract()? || !is_npy(&dtype)? {
            return Ok(None);
        }
        Self::with_dtype(value, dtype_from_numpy(&dtype)?).map(Some)
    }

    fn with_dtype(value: &Bound<'_, PyAny>, dtype: Dtype) -> PyResult<Self> {
        if let Some(header) = array_header::read(value)?
            && let Some(found) = Self::of_header(value, dtype.clone(), header)?
        {
            return Ok(found);
        }
        let flags = value.getattr(Name("flags"))?;
        if flags.getattr(Name("c_contiguous"))?.extract()? {
            return Self::contiguous(value, dtype, Order::C);
        }
        if flags.getattr(Name("f_contiguous"))?.extract()? {
            return Self::contiguous(value, dtype, Order::Fortran);
        }
        let copied =
            value.py().import(Name("numpy"))?.call_method1(Name("ascontiguousarray"), (value,))?;
        Self::contiguous(&copied, dtype, Order::C)
    }

    /// The array as its header says it lies there; `None` if it is not contiguous.
    fn of_header(
        array: &Bound<'_, PyAny>,
        dtype: Dtype,
        header: array_header::Header,
    ) -> PyResult<Option<Self>> {
        let order = match (header.c_contiguous, header.f_contiguous) {
            (true, _) => Order::C,
            (false, true) => Order::Fortran,
            (false, false) => return Ok(None),
        };
        let sides = header.shape.iter().map(|&side| usize::try_from(side).unwrap_or(usize::MAX));
        let len = sides.fold(dtype.itemsize(), usize::saturating_mul);
        let data = if len == 0 { std::ptr::dangling() } else { header.data.cast_const() };
        let weak = PyWeakrefReference::new(array)?.into_any().unbind();
        let (shape, owner) = (header.shape, array.clone().unbind());
        Ok(Some(Self { dtype, shape, order, data, len, lends: true, owner, _weak: weak }))
    }

    fn contiguous(array: &Bound<'_, PyAny>, dtype: Dtype, order: Order) -> PyResult<Self> {
        let (start, len) = memory_of(array)?;
        let data = if len == 0 { std::ptr::dangling() } else { start.cast_const() };
        let shape = array.getattr(Name("shape"))?.extract()?;
        let weak = PyWeakrefReference::new(array)?.into_any().unbind();
        let owner = array.clone().unbind();
        Ok(Self { dtype, shape, order, data, len, lends: true, owner, _weak: weak })
    }

    /// The same, for a sink that calls Python code: its elements are copied, some at a time, and each
    /// time from where they are then.
    pub(crate) fn without_lending(self) -> Self {
        Self { lends: false, ..self }
    }

    /// Whether the array still has the memory that it had.
    fn check_memory(&self) -> Result<()> {
        let found = Python::attach(|py| memory_of(self.owner.bind(py))).map_err(from_exception)?;
        if self.len == 0 || found == (self.data.cast_mut(), self.len) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Value, "the array was changed while it was written"))
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: NumPy says how many bytes lie there, and the owner keeps them there while no
        // Python code runs.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }

    fn as_view(&self) -> Result<ArrayView<'_>> {
        ArrayView::new(&self.dtype, &self.shape, self.order, self.bytes())
    }
}

impl ArraySource for NumpyArray {
    fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn order(&self) -> Order {
        self.order
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        if self.lends { self.as_view().ok() } else { None }
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        if !self.lends {
            self.check_memory()?;
        }
        self.as_view()?.read(start, out)
    }
}
