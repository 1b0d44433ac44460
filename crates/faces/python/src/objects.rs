//! Any object, with every reference to it kept, in any format.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use cannery::{Input, Location, Output, SpooledWriter};
use cannery_can::{Bytes, CanFile, CanWriter, Compression};
use cannery_core::tagged::{MAX_LEVELS, TagDecoder, TagEncoder, TagSupport};
use cannery_core::{Error, ErrorKind, Limits, Result, Sink};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::array::Mapping;
use crate::construct::{GraphHooks, Placeholder, PyBuilder, Reviver};
use crate::errors::OrRaise;
use crate::memory::{self, MemoryFile};
use crate::walk::{Describer, send_graph};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Placeholder>()?;
    module.add_function(wrap_pyfunction!(objects_dump, module)?)?;
    module.add_function(wrap_pyfunction!(objects_dumps, module)?)?;
    module.add_function(wrap_pyfunction!(objects_load, module)?)?;
    module.add_function(wrap_pyfunction!(objects_loads, module)?)
}

/// How deep objects may lie in others: lists of nodes that are linked to each other are deep.
const MAX_OBJECT_DEPTH: usize = 10_000;

fn limits_of(limits: Limits) -> Limits {
    limits.depth(MAX_OBJECT_DEPTH)
}

/// Says what to do about objects that are nested too deeply: no argument of ours changes the limit.
fn with_hint(error: Error) -> Error {
    if error.kind() == ErrorKind::Depth {
        return error.with_hint(
            "keep its nodes in one list, and in each node the positions of those it refers to",
        );
    }
    error
}

/// The formats that hold any object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Can(Compression),
    Cbor,
    Json,
    MessagePack,
    Yaml,
}

impl Format {
    fn of(name: &str, compression: Option<&str>) -> PyResult<Self> {
        let format = match name {
            "can" => return Ok(Self::Can(packing(compression)?)),
            "cbor" => Self::Cbor,
            "json" => Self::Json,
            "msgpack" => Self::MessagePack,
            "yaml" => Self::Yaml,
            _ => return Err(PyValueError::new_err(format!("unknown format {name:?}"))),
        };
        match compression {
            None => Ok(format),
            Some(_) => Err(PyValueError::new_err("only the format `can` takes a compression")),
        }
    }
}

fn packing(compression: Option<&str>) -> PyResult<Compression> {
    match compression {
        None => Ok(Compression::Stored),
        Some("deflate") => Ok(Compression::Deflate(6)),
        Some("zstd") => Ok(Compression::Zstd(3)),
        Some(other) => {
            let message =
                format!("unknown compression {other:?}: expected None, 'zstd' or 'deflate'");
            Err(PyValueError::new_err(message))
        }
    }
}

/// Writes any object; `describer` takes apart those that are not Python's plain types.
#[pyfunction]
#[pyo3(signature = (value, describer, format, compression=None, indent=None))]
fn objects_dumps<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
    describer: Bound<'py, PyAny>,
    format: &str,
    compression: Option<&str>,
    indent: Option<usize>,
) -> PyResult<Bound<'py, PyBytes>> {
    let describer = Describer::new(describer);
    let bytes = match Format::of(format, compression)? {
        Format::Can(compression) => {
            let writer = CanWriter::new(MemoryFile::default(), compression);
            to_can(value, describer, writer).map(MemoryFile::into_bytes)
        }
        format => to_document(value, describer, format, indent),
    };
    memory::new_bytes(py, &bytes.map_err(with_hint).or_raise(py)?)
}

/// Writes any object to a path: the file appears whole, or the old one stays.
#[pyfunction]
#[pyo3(signature = (value, describer, format, path, compression=None, indent=None))]
fn objects_dump<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
    describer: Bound<'py, PyAny>,
    format: &str,
    path: OsString,
    compression: Option<&str>,
    indent: Option<usize>,
) -> PyResult<()> {
    let describer = Describer::new(describer);
    let place = Location::from(path);
    let output = Output::create(&place).or_raise(py)?;
    let written = match Format::of(format, compression)? {
        Format::Can(compression) => {
            let writer = CanWriter::new(SpooledWriter::new(output), compression);
            to_can(value, describer, writer).and_then(SpooledWriter::finish)
        }
        format => to_document(value, describer, format, indent)
            .and_then(|bytes| write_out(output, &bytes)),
    };
    written.map_err(|error| with_hint(error).in_file(place.name())).or_raise(py)
}

fn write_out(mut output: Output<'_>, bytes: &[u8]) -> Result<()> {
    output.write_all(bytes).map_err(|e| Error::io(e, "cannot write the file"))?;
    output.finish()
}

fn to_can<'py, W: Write + std::io::Seek>(
    value: &Bound<'py, PyAny>,
    describer: Describer<'py>,
    mut writer: CanWriter<'_, W>,
) -> Result<W> {
    send_graph(value, describer, limits_of(Limits::default()), writer.sink())?;
    writer.finish()
}

fn yaml_options(indent: Option<usize>) -> cannery_yaml::WriteOptions {
    let mut options = cannery_yaml::WriteOptions::default();
    if let Some(blanks) = indent {
        options.indent = blanks.clamp(1, 9);
    }
    options
}

fn to_document<'py>(
    value: &Bound<'py, PyAny>,
    describer: Describer<'py>,
    format: Format,
    indent: Option<usize>,
) -> Result<Vec<u8>> {
    let limits = limits_of(Limits::default());
    if format == Format::Yaml {
        let writer = cannery_yaml::Writer::new(yaml_options(indent));
        let support = TagSupport::default().bytes(true).non_finite(true).references(true);
        let mut sink = TagEncoder::new(writer).support(support);
        send_graph(value, describer, limits, &mut sink)?;
        let mut writer = sink.into_inner();
        writer.end_document();
        return Ok(writer.into_bytes());
    }
    if format == Format::MessagePack {
        let support = TagSupport::default()
            .big_ints(false)
            .bytes(true)
            .non_finite(true)
            .surrogate_pairs(true);
        let options = cannery_msgpack::WriteOptions::default().surrogates(true);
        let writer = cannery_msgpack::Writer::to(Vec::new(), options);
        let mut sink = TagEncoder::new(writer).support(support);
        send_graph(value, describer, limits, &mut sink)?;
        return Ok(sink.into_inner().into_bytes());
    }
    if format == Format::Cbor {
        let writer = cannery_cbor::Writer::to(Vec::new(), cannery_cbor::WriteOptions::default());
        let support = TagSupport::default().bytes(true).non_finite(true).references(true);
        let mut sink = TagEncoder::new(writer).support(support);
        send_graph(value, describer, limits, &mut sink)?;
        return Ok(sink.into_inner().into_output());
    }
    let mut options = cannery_json::WriteOptions::default();
    if let Some(blanks) = indent {
        options = options.indent(" ".repeat(blanks)).key_separator(": ");
    }
    let mut sink = TagEncoder::new(cannery_json::Writer::new(Vec::with_capacity(256), options));
    send_graph(value, describer, limits, &mut sink)?;
    Ok(sink.into_inner().into_output())
}

/// Reads what `objects_dumps` wrote; what `open` gives puts together what the other took apart, and
/// is closed in the end.
#[pyfunction]
fn objects_loads<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    open: Bound<'py, PyAny>,
    format: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let document = crate::json::utf8(data)?;
    let mut builder = PyBuilder::new(py, GraphHooks::new(Some(Reviver::lazy(open))));
    let read = match Format::of(format, None)? {
        // Arrays and bytes are copied out of it.
        Format::Can(_) => {
            let bytes = match data.cast_exact::<PyBytes>() {
                Ok(bytes) => Bytes::from_owner(PyBackedBytes::from(bytes.clone())),
                Err(_) => Bytes::from(document.bytes().to_vec()),
            };
            from_can(bytes, &mut builder)
        }
        format => from_document(document.bytes(), format, &mut builder),
    };
    read.map_err(with_hint).or_raise(py)?;
    Ok(builder.take().expect("a document was read"))
}

/// Reads a path, as `objects_loads`; with `mapped`, large arrays of a `.can` file stay in it.
#[pyfunction]
fn objects_load<'py>(
    py: Python<'py>,
    path: OsString,
    open: Bound<'py, PyAny>,
    format: &str,
    mapped: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let place = Location::from(path);
    let mut builder = PyBuilder::new(py, GraphHooks::new(Some(Reviver::lazy(open))));
    let read = match (Format::of(format, None)?, &place) {
        (Format::Can(_), Location::Path(path)) if mapped => {
            let file = open_file(path).or_raise(py)?;
            let bytes = py.detach(|| Bytes::from_file(&file));
            builder = builder.over(Mapping::new(file));
            bytes.and_then(|bytes| from_can(bytes, &mut builder))
        }
        (format, _) => contents_of(py, &place).and_then(|bytes| match format {
            Format::Can(_) => from_can(Bytes::from(bytes), &mut builder),
            format => from_document(&bytes, format, &mut builder),
        }),
    };
    read.map_err(|e| with_hint(e).in_file(place.name())).or_raise(py)?;
    Ok(builder.take().expect("a document was read"))
}

fn open_file(path: &PathBuf) -> Result<File> {
    File::open(path)
        .map_err(|e| Error::io(e, "cannot open the file").in_file(path.display().to_string()))
}

/// All bytes of a place, expanded if they are compressed.
pub(crate) fn contents_of(py: Python<'_>, place: &Location) -> Result<Vec<u8>> {
    let whole = py.detach(|| Input::open(place)?.into_whole(&Limits::default()))?;
    match whole {
        cannery::Contents::Memory(bytes) => Ok(bytes),
        cannery::Contents::File(mut file) => {
            let mut bytes = Vec::new();
            let read = cannery_core::read_to_end(&mut file, &mut bytes);
            read.map_err(|e| Error::io(e, "cannot read the file")).map(|_| bytes)
        }
    }
}

fn from_can(bytes: Bytes, sink: &mut impl Sink) -> Result<()> {
    CanFile::from_bytes(bytes, limits_of(cannery::default_limits()))?.send(sink)
}

fn from_document(data: &[u8], format: Format, sink: &mut impl Sink) -> Result<()> {
    let limits = limits_of(Limits::default());
    let limits = limits.depth(limits.depth * MAX_LEVELS);
    let mut sink = TagDecoder::new(sink);
    let read = if format == Format::MessagePack {
        let options = cannery_msgpack::ReadOptions::default().limits(limits).surrogates(true);
        cannery_msgpack::from_slice(data, &options, &mut sink)
    } else if format == Format::Cbor {
        let options = cannery_cbor::ReadOptions::default().limits(limits);
        cannery_cbor::from_slice(data, &options, &mut sink)
    } else if format == Format::Yaml {
        let options = cannery_yaml::ReadOptions::default().limits(limits).merge_keys(false);
        text_of(data).and_then(|text| cannery_yaml::from_str(text, &options, &mut sink))
    } else {
        let options = cannery_json::ReadOptions::default().limits(limits);
        cannery_json::from_slice(data, &options, &mut sink)
    };
    // Bytes have no lines.
    if matches!(format, Format::MessagePack | Format::Cbor) {
        read
    } else {
        read.map_err(|error| error.locate(data))
    }
}

fn text_of(data: &[u8]) -> Result<&str> {
    std::str::from_utf8(data).map_err(|e| {
        Error::new(cannery_core::ErrorKind::Encoding, "the document is not UTF-8")
            .at_offset(e.valid_up_to() as u64)
    })
}
