//! NPY and NPZ: headers and bytes here, `NumPy` only in `python/cannery/npy.py`.

use std::ffi::{OsString, c_int, c_void};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use cannery::{Input, Location, Output};
use cannery_core::{ArrayView, Error, Limits, Order, Result};
use cannery_npy::{
    Bytes, Compression, Header, MAGIC, NpyFile, NpzFile, NpzWriter, check_rest, dtype_from_descr,
    dtype_to_descr,
};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple, PyWeakrefReference};

use crate::errors::{OrRaise, from_exception};
use crate::memory::{self, MemoryFile, Name};

/// Bytes read or written between two looks for Ctrl-C.
const PIECE: usize = 64 << 20;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ArrayHeader>()?;
    module.add_class::<ArrayReader>()?;
    module.add_class::<MappedArray>()?;
    module.add_class::<ArchiveReader>()?;
    module.add_class::<ArchiveWriter>()?;
    module.add_function(wrap_pyfunction!(npy_open, module)?)?;
    module.add_function(wrap_pyfunction!(npy_append, module)?)?;
    module.add_function(wrap_pyfunction!(npy_save, module)?)
}

/// What an array is, without `NumPy`: `descr` is its type as Python source.
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
        memory::new_shape(py, &self.0.shape)
    }

    #[getter]
    fn fortran(&self) -> bool {
        self.0.order == Order::Fortran
    }

    #[getter]
    fn nbytes(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.data_len().or_raise(py)
    }

    /// The header as NPY writes it.
    fn __bytes__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        memory::new_bytes(py, &self.0.to_vec().or_raise(py)?)
    }
}

impl ArrayHeader {
    fn view<'a>(&'a self, data: &'a [u8]) -> Result<ArrayView<'a>> {
        ArrayView::new(&self.0.dtype, &self.0.shape, self.0.order, data)
    }
}

/// Opens a file: an `ArrayReader` or, of an archive, an `ArchiveReader`, which maps the file only if
/// it is told to.
#[pyfunction]
fn npy_open(py: Python<'_>, path: OsString, mapped: bool) -> PyResult<Py<PyAny>> {
    let place = Location::parse(&path);
    let named = |e: Error| e.in_file(place.name());
    let input = py.detach(|| Input::open(&place)).or_raise(py)?;
    if !input.start().starts_with(b"PK") {
        let reader = py.detach(|| ArrayReader::start(input)).map_err(named).or_raise(py)?;
        return Ok(Py::new(py, reader)?.into_any());
    }
    let open = || NpzFile::from_bytes(if mapped { whole(input)? } else { read(input)? });
    let file = py.detach(open).map_err(named).or_raise(py)?;
    Ok(Py::new(py, ArchiveReader { file, name: Some(place.name()) })?.into_any())
}

fn whole(input: Input) -> Result<Bytes> {
    match input.into_whole(&Limits::default())? {
        cannery::Contents::File(file) => Bytes::from_file(&file),
        cannery::Contents::Memory(bytes) => Ok(Bytes::from(bytes)),
    }
}

/// The contents of a file that may be cut or changed as soon as they are read.
fn read(input: Input) -> Result<Bytes> {
    match input.into_whole(&Limits::default())? {
        cannery::Contents::Memory(bytes) => Ok(Bytes::from(bytes)),
        cannery::Contents::File(mut file) => {
            let mut bytes = Vec::new();
            let read = cannery_core::read_to_end(&mut file, &mut bytes);
            read.map_err(|e| Error::io(e, "cannot read the archive"))?;
            Ok(Bytes::from(bytes))
        }
    }
}

/// Writes an array to a path, or `-`; packed if the name says so.
#[pyfunction]
fn npy_save(
    py: Python<'_>,
    path: OsString,
    header: &Bound<'_, ArrayHeader>,
    data: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let place = Location::parse(&path);
    let data = Buffer::of(data)?;
    let header = &header.get().0;
    let written = || -> Result<()> {
        let mut output = Output::create(&place)?;
        let write = |output: &mut Output<'_>, bytes: &[u8]| {
            output.write_all(bytes).map_err(|e| Error::io(e, "cannot write the array"))
        };
        write(&mut output, &header.to_vec()?)?;
        for piece in data.as_slice().chunks(PIECE) {
            write(&mut output, piece)?;
            Python::attach(|py| py.check_signals().map_err(from_exception))?;
        }
        output.finish()
    };
    py.detach(written).map_err(|e| e.in_file(place.name())).or_raise(py)
}

/// Puts rows behind those of the array in a file; gives its shape then.
#[pyfunction]
fn npy_append(
    py: Python<'_>,
    path: OsString,
    header: &Bound<'_, ArrayHeader>,
    data: &Bound<'_, PyAny>,
) -> PyResult<Vec<u64>> {
    let data = Buffer::of(data)?;
    let header = header.get();
    py.detach(|| cannery_npy::append(path, &header.view(data.as_slice())?)).or_raise(py)
}

/// An array file whose header was read.
#[pyclass(module = "cannery._native")]
struct ArrayReader {
    header: Header,
    source: Mutex<Box<dyn BufRead + Send>>,
    name: String,
    /// Where the data ends and the file does, if that can be known before it is read.
    ends: Option<(u64, u64)>,
}

impl ArrayReader {
    fn start(input: Input) -> Result<Self> {
        let plain = input.compression().is_none();
        let (name, size) = (input.name().to_owned(), input.size().filter(|_| plain));
        let mut source = input.into_reader();
        let (header, start) = Header::from_reader(&mut source)?;
        let ends = match size {
            Some(size) => Some((header.data_end(start, size)?, size)),
            None => None,
        };
        Ok(Self { header, source: Mutex::new(source), name, ends })
    }

    /// The source; no other thread can hold the lock.
    fn source(&mut self) -> &mut (dyn BufRead + Send) {
        self.source.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&mut self, out: &mut [u8]) -> Result<()> {
        for piece in out.chunks_mut(PIECE) {
            self.source().read_exact(piece).map_err(|e| Error::io(e, "cannot read the array"))?;
            Python::attach(|py| py.check_signals().map_err(from_exception))?;
        }
        self.check_rest()
    }

    fn check_rest(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        let mut start = self.source().take(MAGIC.len() as u64);
        start.read_to_end(&mut rest).map_err(|e| Error::io(e, "cannot read the file"))?;
        match self.ends {
            Some((end, file)) => check_rest(&rest, file - end, end),
            None => Ok(()),
        }
    }

    /// Reads data whose end is not known beforehand, without believing the header.
    fn read_growing(&mut self) -> Result<Vec<u8>> {
        let expected = self.header.data_len()?;
        let mut data = Vec::new();
        let mut source = self.source().take(expected);
        cannery_core::read_to_end(&mut source, &mut data)
            .map_err(|e| Error::io(e, "cannot read the array"))?;
        // Says that it ended too early, if it did.
        self.header.data_end(0, data.len() as u64)?;
        self.check_rest()?;
        Ok(data)
    }
}

#[pymethods]
impl ArrayReader {
    #[getter]
    fn header(&self) -> ArrayHeader {
        ArrayHeader(self.header.clone())
    }

    /// Whether the file is as long as its header says.
    #[getter]
    fn is_complete(&self) -> bool {
        self.ends.is_some()
    }

    /// Fills a buffer with the elements, in storage order.
    fn read_into(&mut self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut buffer = Buffer::writable(buffer)?;
        let read = py.detach(|| self.read(buffer.as_mut_slice()));
        read.map_err(|e| e.in_file(&self.name)).or_raise(py)
    }

    /// The elements of a packed file or a pipe, as a buffer.
    fn read_all(&mut self, py: Python<'_>) -> PyResult<MappedArray> {
        let read = py.detach(|| {
            let header = self.header.to_vec()?;
            let data = self.read_growing()?;
            NpyFile::from_bytes(&Bytes::from([header, data].concat()))
        });
        read.map(MappedArray).map_err(|e| e.in_file(&self.name)).or_raise(py)
    }
}

/// The elements of an array in a mapped file, as a read-only buffer.
#[pyclass(frozen, module = "cannery._native")]
struct MappedArray(NpyFile);

#[pymethods]
impl MappedArray {
    #[new]
    fn new(py: Python<'_>, path: OsString) -> PyResult<Self> {
        let place = Location::parse(&path);
        let open = || NpyFile::from_bytes(&whole(Input::open(&place)?)?);
        py.detach(open).map(Self).map_err(|e| e.in_file(place.name())).or_raise(py)
    }

    #[getter]
    fn header(&self) -> ArrayHeader {
        ArrayHeader(self.0.header().clone())
    }

    /// # Safety
    /// As `CPython` demands of `bf_getbuffer`: `view` is valid for writing.
    unsafe fn __getbuffer__(
        slf: &Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let data = slf.get().0.data();
        let len = ffi::Py_ssize_t::try_from(data.len())?;
        let start = data.as_ptr().cast::<c_void>().cast_mut();
        // SAFETY: the view keeps `slf` alive, and `slf` the mapping; the view is read-only, so
        // no code writes through the pointer.
        let status = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 1, flags) };
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
    fn raise<T>(&self, py: Python<'_>, result: Result<T>) -> PyResult<T> {
        let named = result.map_err(|e| match &self.name {
            Some(name) => e.in_file(name),
            None => e,
        });
        named.or_raise(py)
    }
}

#[pymethods]
impl ArchiveReader {
    #[new]
    fn new(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
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
        Ok(self.raise(py, self.file.map(name))?.map(MappedArray))
    }

    /// Where the elements of an array begin in the file, or `None` if it is compressed.
    fn data_start(&self, py: Python<'_>, name: &str) -> PyResult<Option<u64>> {
        let member = py.detach(|| self.file.member(name));
        Ok(self.raise(py, member)?.data_start)
    }

    /// Fills buffers with the elements of arrays, on all cores.
    fn read_many(&self, py: Python<'_>, buffers: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<()> {
        let buffers =
            buffers.into_iter().map(|(name, buffer)| Ok((name, Buffer::writable(&buffer)?)));
        let mut buffers = buffers.collect::<PyResult<Vec<_>>>()?;
        check_apart(buffers.iter().map(|(_, buffer)| buffer))?;
        let read = py.detach(|| {
            let slices =
                buffers.iter_mut().map(|(name, buffer)| (name.as_str(), buffer.as_mut_slice()));
            self.file.read_many(slices.collect())
        });
        self.raise(py, read)
    }

    /// Fills a buffer with the elements of an array.
    fn read_into(&self, py: Python<'_>, name: &str, buffer: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut buffer = Buffer::writable(buffer)?;
        let read = py.detach(|| self.file.read_into(name, buffer.as_mut_slice()));
        self.raise(py, read)
    }
}

/// An archive of arrays that is being written: to a place, or into memory.
#[pyclass(module = "cannery._native")]
struct ArchiveWriter {
    /// `None` once it is finished.
    archive: Mutex<Option<NpzWriter<Target>>>,
}

#[pymethods]
impl ArchiveWriter {
    #[new]
    fn new(py: Python<'_>, path: Option<OsString>, level: Option<u8>) -> PyResult<Self> {
        let target = match path {
            Some(path) => Target::create(&Location::parse(&path)).or_raise(py)?,
            None => Target::Memory(MemoryFile::default(), None),
        };
        let compression = match level {
            None => Compression::Stored,
            Some(0) => Compression::Balanced,
            Some(level) => Compression::Deflate(level),
        };
        Ok(Self { archive: Mutex::new(Some(NpzWriter::new(target, compression))) })
    }

    fn add(
        &mut self,
        py: Python<'_>,
        name: &str,
        header: &Bound<'_, ArrayHeader>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let archive = self.archive().as_mut().ok_or_else(finished)?;
        let (header, data) = (header.get(), Buffer::of(data)?);
        py.detach(|| archive.add(name, &header.view(data.as_slice())?)).or_raise(py)
    }

    /// Adds a member of these bytes.
    fn add_bytes(&mut self, py: Python<'_>, name: &str, data: &[u8]) -> PyResult<()> {
        let archive = self.archive().as_mut().ok_or_else(finished)?;
        py.detach(|| archive.add_bytes(name, data)).or_raise(py)
    }

    /// Completes the archive; gives its bytes if they are in memory.
    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let archive = self.archive().take().ok_or_else(finished)?;
        let bytes = py.detach(|| archive.finish()?.finish()).or_raise(py)?;
        bytes.map(|bytes| memory::new_bytes(py, &bytes)).transpose()
    }
}

impl ArchiveWriter {
    /// The archive; no other thread can hold the lock.
    fn archive(&mut self) -> &mut Option<NpzWriter<Target>> {
        self.archive.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn finished() -> PyErr {
    PyRuntimeError::new_err("the archive is finished")
}

/// Where an archive goes: lengths are filled in afterwards, which a pipe does not allow.
enum Target {
    File(Output<'static>),
    Memory(MemoryFile, Option<Output<'static>>),
}

impl Target {
    fn create(place: &Location) -> Result<Self> {
        let output = Output::create(place)?;
        if output.is_seekable() {
            return Ok(Target::File(output));
        }
        Ok(Target::Memory(MemoryFile::default(), Some(output)))
    }

    fn finish(self) -> Result<Option<Vec<u8>>> {
        let (bytes, mut output) = match self {
            Target::File(output) => return output.finish().map(|()| None),
            Target::Memory(bytes, None) => return Ok(Some(bytes.into_bytes())),
            Target::Memory(bytes, Some(output)) => (bytes.into_bytes(), output),
        };
        output.write_all(&bytes).map_err(|e| Error::io(e, "cannot write the archive"))?;
        output.finish().map(|()| None)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::File(output) => output.write(bytes),
            Target::Memory(memory, _) => memory.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Target {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Target::File(output) => output.seek(to),
            Target::Memory(memory, _) => memory.seek(to),
        }
    }
}

/// Contiguous bytes of a Python object; the exporter keeps them where they are.
pub(crate) struct Buffer {
    buffer: PyBuffer<u8>,
    /// An array of NumPy's does not count who looks at its memory, but is not resized while there are
    /// weak references to it.
    _stays: Option<Py<PyAny>>,
}

impl Buffer {
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyBuffer::get(object)?;
        if !buffer.is_c_contiguous() {
            return Err(PyBufferError::new_err("expected a contiguous buffer"));
        }
        let exporter = object.getattr(Name("obj")).unwrap_or_else(|_| object.clone());
        let stays = PyWeakrefReference::new(&exporter).ok().map(|weak| weak.into_any().unbind());
        Ok(Self { buffer, _stays: stays })
    }

    pub(crate) fn writable(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = Self::of(object)?;
        if buffer.buffer.readonly() {
            return Err(PyBufferError::new_err("expected a writable buffer"));
        }
        Ok(buffer)
    }

    fn start(&self) -> *mut u8 {
        // An empty buffer may have no address.
        match self.buffer.len_bytes() {
            0 => std::ptr::dangling_mut(),
            _ => self.buffer.buf_ptr().cast(),
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the buffer is exported and contiguous, so that many bytes lie there. As with
        // `file.write`, a program that changes them meanwhile in another thread gets what it gets.
        unsafe { std::slice::from_raw_parts(self.start(), self.buffer.len_bytes()) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the exporter said that they may be written.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.buffer.len_bytes()) }
    }
}

/// Checks that no two buffers share memory: they are written at the same time.
pub(crate) fn check_apart<'b>(buffers: impl Iterator<Item = &'b Buffer>) -> PyResult<()> {
    let range = |buffer: &Buffer| {
        let range = buffer.as_slice().as_ptr_range();
        (range.start as usize, range.end as usize)
    };
    let mut ranges: Vec<_> = buffers.map(range).filter(|(start, end)| start < end).collect();
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(PyValueError::new_err("two of the buffers share memory"));
    }
    Ok(())
}

/// A file object of Python's, read as far as it is asked for.
struct FileObject<'py>(Bound<'py, PyAny>);

impl Read for FileObject<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = memory::unsigned(self.0.py(), out.len() as u64);
        let read = most.and_then(|most| {
            let bytes = self.0.call_method1(Name("read"), (most,))?;
            let bytes = bytes.cast_into::<PyBytes>()?;
            let bytes = bytes.as_bytes();
            let len = bytes.len().min(out.len());
            out[..len].copy_from_slice(&bytes[..len]);
            Ok(len)
        });
        read.map_err(io::Error::other)
    }
}
