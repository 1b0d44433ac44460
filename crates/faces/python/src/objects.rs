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
use pyo3::types::{PyBytes, PyTuple};

use crate::array::Mapping;
use crate::construct::{GraphHooks, Placeholder, PyBuilder, Reviver};
use crate::errors::OrRaise;
use crate::memory::{self, MemoryFile};
use crate::walk::{Describer, Surveyed, send_surveyed, survey};

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
#[derive(Clone, Copy)]
enum Format {
    Can(Compression),
    Cbor,
    Json,
    MessagePack,
    Yaml,
    /// Any other, through its bytes.
    Other(&'static dyn cannery::Format),
}

impl Format {
    fn of(name: &str, compression: Option<&str>) -> PyResult<Self> {
        let format = match name {
            "can" => return Ok(Self::Can(packing(compression)?)),
            "cbor" => Self::Cbor,
            "json" => Self::Json,
            "msgpack" => Self::MessagePack,
            "yaml" => Self::Yaml,
            _ => match cannery::format_of_id(name) {
                Ok(format) if format.capabilities().documents => Self::Other(format),
                _ => return Err(PyValueError::new_err(format!("unknown format {name:?}"))),
            },
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
    let (describer, format) = (Describer::new(describer), Format::of(format, compression)?);
    let surveyed = survey(value).or_raise(py)?;
    let document = plain_document(value, &surveyed, format, indent);
    let bytes = match (format, document) {
        (Format::Can(compression), Some(document)) => {
            cannery_can::write_document(document.as_bytes(), MemoryFile::default(), compression)
                .map(MemoryFile::into_bytes)
        }
        (_, Some(document)) => return Ok(document),
        (Format::Can(compression), None) => {
            let writer = CanWriter::new(MemoryFile::default(), compression);
            to_can(value, surveyed, describer, writer).map(MemoryFile::into_bytes)
        }
        (format, None) => to_document(value, surveyed, describer, format, indent),
    };
    memory::new_bytes(py, &bytes.map_err(with_hint).or_raise(py)?)
}

/// The JSON that says all of a plain value, made on the shortest way, if it is what the format has.
fn plain_document<'py>(
    value: &Bound<'py, PyAny>,
    surveyed: &Surveyed,
    format: Format,
    indent: Option<usize>,
) -> Option<Bound<'py, PyBytes>> {
    let is_json = matches!(format, Format::Can(_) | Format::Json) && indent.is_none();
    let document = (is_json && surveyed.is_plain_tree()).then(|| crate::json::tagged(value))??;
    document.cast_into::<PyBytes>().ok()
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
    let (describer, format) = (Describer::new(describer), Format::of(format, compression)?);
    let place = Location::parse(&path);
    let output = Output::create(&place).or_raise(py)?;
    let surveyed = survey(value).or_raise(py)?;
    let document = plain_document(value, &surveyed, format, indent);
    let written = match (format, document) {
        (Format::Can(compression), Some(document)) => {
            let writer = SpooledWriter::new(output);
            cannery_can::write_document(document.as_bytes(), writer, compression)
                .and_then(SpooledWriter::finish)
        }
        (_, Some(document)) => write_out(output, document.as_bytes()),
        (Format::Can(compression), None) => {
            let writer = CanWriter::new(SpooledWriter::new(output), compression);
            to_can(value, surveyed, describer, writer).and_then(SpooledWriter::finish)
        }
        (format, None) => to_document(value, surveyed, describer, format, indent)
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
    surveyed: Surveyed,
    describer: Describer<'py>,
    mut writer: CanWriter<'_, W>,
) -> Result<W> {
    send_surveyed(value, surveyed, describer, limits_of(Limits::default()), writer.sink())?;
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
    surveyed: Surveyed,
    describer: Describer<'py>,
    format: Format,
    indent: Option<usize>,
) -> Result<Vec<u8>> {
    let limits = limits_of(Limits::default());
    match format {
        Format::Yaml => {
            let writer = cannery_yaml::Writer::new(yaml_options(indent));
            let support = TagSupport::default().bytes(true).non_finite(true).references(true);
            let mut sink = TagEncoder::new(writer).support(support);
            send_surveyed(value, surveyed, describer, limits, &mut sink)?;
            let mut writer = sink.into_inner();
            writer.end_document();
            Ok(writer.into_bytes())
        }
        Format::MessagePack => {
            let support = TagSupport::default()
                .big_ints(false)
                .bytes(true)
                .non_finite(true)
                .surrogate_pairs(true);
            let options = cannery_msgpack::WriteOptions::default().surrogates(true);
            let writer = cannery_msgpack::Writer::to(Vec::new(), options);
            let mut sink = TagEncoder::new(writer).support(support);
            send_surveyed(value, surveyed, describer, limits, &mut sink)?;
            Ok(sink.into_inner().into_bytes())
        }
        Format::Cbor => {
            let options = cannery_cbor::WriteOptions::default();
            let writer = cannery_cbor::Writer::to(Vec::new(), options);
            let support = TagSupport::default().bytes(true).non_finite(true).references(true);
            let mut sink = TagEncoder::new(writer).support(support);
            send_surveyed(value, surveyed, describer, limits, &mut sink)?;
            Ok(sink.into_inner().into_output())
        }
        Format::Json | Format::Can(_) => {
            let mut options = cannery_json::WriteOptions::default();
            if let Some(blanks) = indent {
                options = options.indent(" ".repeat(blanks)).key_separator(": ");
            }
            let writer = cannery_json::Writer::new(Vec::with_capacity(256), options);
            let mut sink = TagEncoder::new(writer);
            send_surveyed(value, surveyed, describer, limits, &mut sink)?;
            Ok(sink.into_inner().into_output())
        }
        Format::Other(format) => {
            let mut bytes = Vec::new();
            let options = cannery::WriteOptions::default().indent(indent).surrogates(true);
            let mut writer = format.writer(Output::to_stream(&mut bytes), &options)?;
            let mut sink = TagEncoder::new(writer.sink()).support(format.capabilities().support);
            send_surveyed(value, surveyed, describer, limits, &mut sink)?;
            writer.finish()?;
            Ok(bytes)
        }
    }
}

/// Reads what `objects_dumps` wrote; what `open` makes of the arguments puts together what the other
/// took apart, and is closed in the end.
#[pyfunction]
fn objects_loads<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    open: Bound<'py, PyAny>,
    arguments: Bound<'py, PyTuple>,
    format: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let format = Format::of(format, None)?;
    if matches!(format, Format::Json)
        && let Some(value) = crate::json::without_tags(data)
    {
        return Ok(value);
    }
    let document = crate::json::utf8(data)?;
    let mut builder = PyBuilder::new(py, GraphHooks::new(Some(Reviver::lazy(open, arguments))));
    let read = match format {
        // Arrays and bytes are copied out of it.
        Format::Can(_) => {
            let bytes = match data.cast_exact::<PyBytes>() {
                Ok(bytes) => Bytes::from_owner(PyBackedBytes::from(bytes.clone())),
                Err(_) => Bytes::from(document.bytes().to_vec()),
            };
            match open_can(py, bytes).map_err(with_hint).or_raise(py)? {
                Opened::Plain(value) => return Ok(value),
                Opened::File(file) => file.send(&mut builder),
            }
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
    arguments: Bound<'py, PyTuple>,
    format: &str,
    mapped: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let place = Location::parse(&path);
    let named = |error: Error| with_hint(error).in_file(place.name());
    let mut builder = PyBuilder::new(py, GraphHooks::new(Some(Reviver::lazy(open, arguments))));
    let format = Format::of(format, None)?;
    let bytes = match &place {
        Location::Path(path) if mapped && matches!(format, Format::Can(_)) => {
            let file = open_file(path).or_raise(py)?;
            let bytes = py.detach(|| Bytes::from_file(&file));
            builder = builder.over(Mapping::new(file));
            bytes
        }
        _ => contents_of(py, &place).map(Bytes::from),
    };
    let bytes = bytes.map_err(named).or_raise(py)?;
    let read = match format {
        Format::Can(_) => match open_can(py, bytes).map_err(named).or_raise(py)? {
            Opened::Plain(value) => return Ok(value),
            Opened::File(file) => file.send(&mut builder),
        },
        Format::Json => match crate::json::bytes_without_tags(py, &bytes) {
            Some(value) => return Ok(value),
            None => from_document(&bytes, format, &mut builder),
        },
        format => from_document(&bytes, format, &mut builder),
    };
    read.map_err(named).or_raise(py)?;
    Ok(builder.take().expect("a document was read"))
}

/// What a `.can` file was found to hold.
enum Opened<'py> {
    /// This value, in a document without tags.
    Plain(Bound<'py, PyAny>),
    File(Box<CanFile>),
}

fn open_can(py: Python<'_>, bytes: Bytes) -> Result<Opened<'_>> {
    let file = CanFile::from_bytes(bytes, limits_of(cannery::default_limits()))?;
    let document = file.lone_document()?;
    let value = document.and_then(|document| crate::json::bytes_without_tags(py, &document));
    Ok(value.map_or_else(|| Opened::File(Box::new(file)), Opened::Plain))
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

fn from_document(data: &[u8], format: Format, sink: &mut impl Sink) -> Result<()> {
    let limits = limits_of(Limits::default());
    let limits = limits.depth(limits.depth * MAX_LEVELS);
    let mut sink = TagDecoder::new(sink);
    // Bytes have no lines.
    match format {
        Format::MessagePack => {
            let options = cannery_msgpack::ReadOptions::default().limits(limits).surrogates(true);
            cannery_msgpack::from_slice(data, &options, &mut sink)
        }
        Format::Cbor => {
            let options = cannery_cbor::ReadOptions::default().limits(limits);
            cannery_cbor::from_slice(data, &options, &mut sink)
        }
        Format::Yaml => {
            let options = cannery_yaml::ReadOptions::default().limits(limits).merge_keys(false);
            let read =
                text_of(data).and_then(|text| cannery_yaml::from_str(text, &options, &mut sink));
            read.map_err(|error| error.locate(data))
        }
        Format::Json | Format::Can(_) => {
            let options = cannery_json::ReadOptions::default().limits(limits);
            let read = cannery_json::from_slice(data, &options, &mut sink);
            read.map_err(|error| error.locate(data))
        }
        Format::Other(format) => {
            let options = cannery::ReadOptions::default().limits(limits);
            format.read(Input::from_memory(data.to_vec())?, &options, &mut sink)
        }
    }
}

fn text_of(data: &[u8]) -> Result<&str> {
    std::str::from_utf8(data).map_err(|e| {
        Error::new(cannery_core::ErrorKind::Encoding, "the document is not UTF-8")
            .at_offset(e.valid_up_to() as u64)
    })
}
