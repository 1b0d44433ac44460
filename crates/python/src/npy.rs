//! NPY and NPZ: headers and bytes here, `numpy` only in `python/cannery/npy.py`.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::ptr;

use cannery_core::{ArraySource, ArrayView, Error, Order};
use cannery_npy::{
    Bytes, Compression, Header, NpyFile, NpzFile, NpzWriter, dtype_from_descr, dtype_to_descr,
};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::errors::OrRaise;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ArrayHeader>()?;
    module.add_class::<ArrayReader>()?;
    module.add_class::<MappedArray>()?;
    module.add_class::<ArchiveReader>()?;
    module.add_class::<ArchiveWriter>()
}

/// What an array is, without numpy: `descr` is the type as Python source.
#[pyclass(frozen, module = "cannery._native")]
struct ArrayHeader(Header);

#[pymethods]
impl ArrayHeader {
    #[new]
    fn new(py: Python<'_>, descr: &str, shape: Vec<u64>, fortran: bool) -> PyResult<Self> {
        let dtype = dtype_from_descr(descr).or_raise(py)?;
        let order = if fortran { Order::Fortran } else { Order::C };
        Ok(Self(Header { dtype, shape, order }))
    }

    /// Reads a header from a file object and leaves it at the first byte of the data.
    #[staticmethod]
    fn read(py: Python<'_>, file: Bound<'_, PyAny>) -> PyResult<Self> {
        let (header, _) = Header::from_reader(&mut FileObject(file)).or_raise(py)?;
        Ok(Self(header))
    }

    #[getter]
    fn descr(&self, py: Python<'_>) -> PyResult<String> {
        dtype_to_descr(&self.0.dtype).or_raise(py)
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.0.shape)
    }

    #[getter]
    fn fortran(&self) -> bool {
        self.0.order == Order::Fortran
    }

    #[getter]
    fn nbytes(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.data_len().or_raise(py)
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.0.dtype.itemsize()
    }

    /// The header as NPY writes it.
    fn __bytes__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_vec().or_raise(py)?))
    }
}

/// An array file that is about to be read into memory of Python's.
#[pyclass(module = "cannery._native")]
struct ArrayReader {
    file: File,
    name: String,
    #[pyo3(get)]
    header: Py<ArrayHeader>,
}

#[pymethods]
impl ArrayReader {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let name = path.display().to_string();
        let open = || -> cannery_core::Result<(File, Header)> {
            let mut file = File::open(path).map_err(|e| Error::io(e, "cannot open the file"))?;
            let (header, start) = Header::from_reader(&mut file)?;
            let metadata = file.metadata().map_err(|e| Error::io(e, "cannot read the file"))?;
            if metadata.is_file() {
                header.data_end(start, metadata.len())?;
            }
            Ok((file, header))
        };
        let (file, header) = py.detach(open).map_err(|e| e.in_file(&name)).or_raise(py)?;
        Ok(Self { file, name, header: Py::new(py, ArrayHeader(header))? })
    }

    /// Fills a buffer with the elements, in storage order.
    fn read_into(&mut self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut buffer = WritableBuffer::new(buffer)?;
        let read = || self.file.read_exact(buffer.as_mut_slice());
        py.detach(read)
            .map_err(|e| Error::io(e, "cannot read the array").in_file(&self.name))
            .or_raise(py)
    }
}

/// The elements of an array in a mapped file, as a read-only buffer.
#[pyclass(frozen, module = "cannery._native")]
struct MappedArray {
    file: NpyFile,
    #[pyo3(get)]
    header: Py<ArrayHeader>,
}

impl MappedArray {
    fn wrap(py: Python<'_>, file: NpyFile) -> PyResult<Self> {
        let header = Py::new(py, ArrayHeader(file.header().clone()))?;
        Ok(Self { file, header })
    }
}

#[pymethods]
impl MappedArray {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::wrap(py, py.detach(|| NpyFile::open(path)).or_raise(py)?)
    }

    /// # Safety
    /// As CPython demands of `bf_getbuffer`: `view` is valid for writing.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let data = slf.get().file.data();
        let len = ffi::Py_ssize_t::try_from(data.len())?;
        let start = data.as_ptr().cast::<c_void>().cast_mut();
        // SAFETY: the view keeps `slf` alive, `slf` the mapping; it is marked read-only, so nobody
        // writes through the pointer.
        let status =
            unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 1, flags) };
        if status == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

/// An archive of arrays.
#[pyclass(frozen, module = "cannery._native")]
struct ArchiveReader {
    file: NpzFile,
    name: Option<String>,
}

impl ArchiveReader {
    fn raise<T>(&self, py: Python<'_>, result: cannery_core::Result<T>) -> PyResult<T> {
        result
            .map_err(|e| match &self.name {
                Some(name) => e.in_file(name),
                None => e,
            })
            .or_raise(py)
    }
}

#[pymethods]
impl ArchiveReader {
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let name = Some(path.display().to_string());
        let file = py.detach(|| NpzFile::open(path)).or_raise(py)?;
        Ok(Self { file, name })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let file = NpzFile::from_bytes(Bytes::from(data.to_vec())).or_raise(py)?;
        Ok(Self { file, name: None })
    }

    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.file.names())
    }

    fn header(&self, py: Python<'_>, name: &str) -> PyResult<ArrayHeader> {
        let member = py.detach(|| self.file.member(name));
        Ok(ArrayHeader(self.raise(py, member)?.header))
    }

    /// An array in place, or `None` if it is compressed.
    fn map(&self, py: Python<'_>, name: &str) -> PyResult<Option<MappedArray>> {
        let file = self.raise(py, self.file.map(name))?;
        file.map(|file| MappedArray::wrap(py, file)).transpose()
    }

    /// Fills a buffer with the elements of an array.
    fn read_into(&self, py: Python<'_>, name: &str, buffer: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut buffer = WritableBuffer::new(buffer)?;
        let read = py.detach(|| self.file.read_into(name, buffer.as_mut_slice()));
        self.raise(py, read)
    }
}

/// An archive of arrays that is being written, to a path or into memory.
#[pyclass(module = "cannery._native")]
struct ArchiveWriter(Option<NpzWriter<Target>>);

#[pymethods]
impl ArchiveWriter {
    #[new]
    #[pyo3(signature = (path, level))]
    fn new(py: Python<'_>, path: Option<PathBuf>, level: Option<u8>) -> PyResult<Self> {
        let target = match path {
            Some(path) => Target::File(cannery::output::Replace::create(&path).or_raise(py)?),
            None => Target::Memory(std::io::Cursor::new(Vec::new())),
        };
        let compression = level.map_or(Compression::Stored, Compression::Deflate);
        Ok(Self(Some(NpzWriter::new(target, compression))))
    }
}
