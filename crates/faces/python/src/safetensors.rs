//! safetensors: headers and bytes here, NumPy only in `python/cannery/safetensors`.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cannery::{Input, Location, Output};
use cannery_core::{Error, Limits, Result, TensorDtype};
use cannery_safetensors::{
    Header, Index, Layout, SafetensorsFile, ShardedSet, TensorEntry, dtype_code, dtype_of_code,
    shard_name, split_into_shards,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::errors::{OrRaise, from_exception};
use crate::memory;
use crate::npy::{Buffer, check_apart};

/// Bytes written between two looks for Ctrl-C.
const PIECE: usize = 64 << 20;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TensorFile>()?;
    module.add_class::<TensorWriter>()?;
    module.add_function(wrap_pyfunction!(safetensors_header, module)?)?;
    module.add_function(wrap_pyfunction!(safetensors_index, module)?)?;
    module.add_function(wrap_pyfunction!(safetensors_layout, module)?)?;
    module.add_function(wrap_pyfunction!(safetensors_shards, module)?)
}

/// A tensor: name, type as NumPy calls it, code, shape, and where its bytes begin and end in the
/// file.
type EntryTuple<'py> = (String, String, &'static str, Bound<'py, PyTuple>, u64, u64);
/// The tensors and the metadata of a header.
type HeaderTuple<'py> = (Vec<EntryTuple<'py>>, Vec<(String, String)>);

fn entry<'py>(py: Python<'py>, entry: &TensorEntry, at: u64) -> PyResult<EntryTuple<'py>> {
    let TensorEntry { name, dtype, shape, start, end } = entry;
    let shape = memory::new_shape(py, shape)?;
    let code = dtype_code(dtype).unwrap_or_default();
    Ok((name.clone(), dtype.to_string(), code, shape, at + start, at + end))
}

fn header_tuple<'py>(py: Python<'py>, header: &Header) -> PyResult<HeaderTuple<'py>> {
    let entries = header.tensors.iter().map(|tensor| entry(py, tensor, header.data_start));
    Ok((entries.collect::<PyResult<_>>()?, header.metadata.clone()))
}

/// The header of the bytes of a file.
#[pyfunction]
fn safetensors_header<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
) -> PyResult<HeaderTuple<'py>> {
    let data = Buffer::of(data)?;
    let header = py.detach(|| Header::from_slice(data.as_slice())).or_raise(py)?;
    header_tuple(py, &header)
}

/// A file that is open for reading.
#[pyclass(frozen, module = "cannery._native")]
struct TensorFile {
    file: SafetensorsFile,
    name: String,
}

#[pymethods]
impl TensorFile {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let location = Location::parse(&path);
        let open = || match &location {
            Location::Url(_) => {
                let source = Input::open(&location)?.into_source(&Limits::default())?;
                SafetensorsFile::from_source(source).map_err(|e| e.in_file(location.name()))
            }
            _ => SafetensorsFile::open(&path),
        };
        Ok(Self { file: py.detach(open).or_raise(py)?, name: location.name() })
    }

    /// The tensors, in the order of the file, and the metadata.
    fn header<'py>(&self, py: Python<'py>) -> PyResult<HeaderTuple<'py>> {
        header_tuple(py, self.file.header())
    }

    /// Fills buffers, each with the bytes of the file from an offset on.
    fn read_into(&self, py: Python<'_>, buffers: Vec<(u64, Bound<'_, PyAny>)>) -> PyResult<()> {
        let buffers =
            buffers.into_iter().map(|(start, buffer)| Ok((start, Buffer::writable(&buffer)?)));
        let mut buffers = buffers.collect::<PyResult<Vec<_>>>()?;
        check_apart(buffers.iter().map(|(_, buffer)| buffer))?;
        let read = py.detach(|| {
            let slices = buffers.iter_mut().map(|(start, buffer)| (*start, buffer.as_mut_slice()));
            self.file.read_many(slices.collect())
        });
        self.named(read).or_raise(py)
    }
}

impl TensorFile {
    fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|e| e.in_file(self.name.clone()))
    }
}

/// The names of tensors and of the files they are in: of the index at a path.
#[pyfunction]
fn safetensors_index(py: Python<'_>, path: PathBuf) -> PyResult<Vec<(String, String)>> {
    let read = || -> Result<Index> {
        // Opened as a set, so that every tensor is known to be where the index says.
        ShardedSet::open(&path)?;
        let text = std::fs::read(&path).map_err(|e| Error::io(e, "cannot read the index"))?;
        Index::parse(&text)
    };
    Ok(py.detach(read).or_raise(py)?.weight_map)
}

/// A tensor that is to be written: its name, the code of its type, its shape.
type PlanTuple = (String, String, Vec<u64>);

fn layout(tensors: &[PlanTuple], metadata: &[(String, String)]) -> Result<Layout> {
    let unknown = TensorDtype::Other(cannery_core::Dtype::new(cannery_core::DtypeKind::Void(0)));
    let tensors = tensors.iter().map(|(name, code, shape)| {
        (name.as_str(), dtype_of_code(code).unwrap_or(&unknown), shape.as_slice())
    });
    Layout::new(tensors, metadata)
}

/// The header of a file of these tensors, and the order in which they follow it.
#[pyfunction]
fn safetensors_layout(
    py: Python<'_>,
    tensors: Vec<PlanTuple>,
    metadata: Vec<(String, String)>,
) -> PyResult<(Bound<'_, PyBytes>, Vec<usize>)> {
    let layout = py.detach(|| layout(&tensors, &metadata)).or_raise(py)?;
    Ok((memory::new_bytes(py, &layout.header)?, layout.order))
}

/// The number of the file for each tensor of these sizes, the files' names, and the text of the
/// index.
#[pyfunction]
fn safetensors_shards(
    tensors: Vec<(String, u64)>,
    max: u64,
    stem: &str,
) -> (Vec<usize>, Vec<String>, String) {
    let numbers = split_into_shards(tensors.iter().map(|(_, size)| *size), max);
    let count = numbers.last().map_or(0, |last| last + 1);
    let files: Vec<_> = (0..count).map(|number| shard_name(stem, number, count)).collect();
    let total = tensors.iter().fold(0_u64, |total, (_, size)| total.saturating_add(*size));
    let place = |((name, _), &number): ((String, u64), &usize)| (name, files[number].clone());
    let weight_map = tensors.into_iter().zip(&numbers).map(place).collect();
    let index = Index { weight_map, total_size: Some(total) }.to_json();
    (numbers, files, index)
}

/// A file that appears when it is whole.
#[pyclass(module = "cannery._native")]
struct TensorWriter {
    /// `None` once it is finished.
    output: Mutex<Option<Output<'static>>>,
    name: String,
}

#[pymethods]
impl TensorWriter {
    #[new]
    fn new(py: Python<'_>, path: OsString) -> PyResult<Self> {
        let location = Location::parse(&path);
        let output = py.detach(|| Output::create(&location)).or_raise(py)?;
        Ok(Self { output: Mutex::new(Some(output)), name: location.name() })
    }

    /// Writes the bytes of a buffer behind those that were written.
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = Buffer::of(data)?;
        let output = self.output.get_mut().unwrap_or_else(PoisonError::into_inner);
        let output = output.as_mut().ok_or_else(finished)?;
        let written = py.detach(|| -> Result<()> {
            for piece in data.as_slice().chunks(PIECE) {
                output.write_all(piece).map_err(|e| Error::io(e, "cannot write the tensors"))?;
                Python::attach(|py| py.check_signals().map_err(from_exception))?;
            }
            Ok(())
        });
        written.map_err(|e| e.in_file(&self.name)).or_raise(py)
    }

    /// Puts the file in its place.
    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        let output = self.output.get_mut().unwrap_or_else(PoisonError::into_inner);
        let output = output.take().ok_or_else(finished)?;
        py.detach(|| output.finish()).or_raise(py)
    }
}

#[cold]
fn finished() -> PyErr {
    PyRuntimeError::new_err("the file is finished")
}
