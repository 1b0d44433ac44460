//! Streams of messages: length-prefixed and `TFRecord`.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Mutex;

use cannery::{Input, Location, Output};
use cannery_core::{Error, ErrorKind};
use cannery_protobuf::known::{OsmReader, write_blob};
use cannery_protobuf::{FrameReader, Framing, write_frame};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyTuple};

use crate::errors::{OrRaise, from_exception, to_exception};
use crate::file::PyFile;
use crate::memory;
use crate::msgpack::Data;

/// An iterator over the messages of a stream, as bytes.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct ProtoFrames {
    frames: Mutex<Option<Frames>>,
    name: String,
    on_error: String,
    #[pyo3(get)]
    errors: Py<PyList>,
}

enum Frames {
    Messages(FrameReader<Box<dyn BufRead + Send>>),
    Blobs(OsmReader<Box<dyn BufRead + Send>>),
}

impl Frames {
    /// A message as bytes; a blob as its type and the block in it.
    fn next<'py>(&mut self, py: Python<'py>) -> cannery_core::Result<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Messages(reader) => {
                let frame = reader.next_frame()?;
                let frame =
                    frame.map(|frame| memory::new_bytes(py, &frame.data).map(Bound::into_any));
                frame.transpose().map_err(from_exception)
            }
            Self::Blobs(reader) => {
                let Some(blob) = reader.next_blob()? else { return Ok(None) };
                let block = blob.block().map_err(is_passed)?;
                let pair = memory::new_bytes(py, &block)
                    .and_then(|block| (blob.kind.as_str(), block).into_pyobject(py));
                pair.map(|pair| Some(pair.into_any())).map_err(from_exception)
            }
        }
    }
}

/// A blob that cannot be unpacked is passed over: the next one begins where it ends.
fn is_passed(error: Error) -> Error {
    let passed = Error::new(ErrorKind::Corrupt, error.message().to_owned());
    match error.pos() {
        Some(pos) => passed.at(pos),
        None => passed,
    }
}

fn framing(name: &str) -> PyResult<Framing> {
    match name {
        "delimited" => Ok(Framing::Delimited),
        "tfrecord" => Ok(Framing::TfRecord),
        other => Err(PyValueError::new_err(format!("unknown framing `{other}`"))),
    }
}

#[pyfunction]
pub(super) fn proto_frames(
    py: Python<'_>,
    path: Option<PathBuf>,
    file: Option<Bound<'_, PyAny>>,
    kind: &str,
    on_error: String,
    largest: u64,
) -> PyResult<ProtoFrames> {
    if !["raise", "skip", "collect"].contains(&on_error.as_str()) {
        let text = format!("on_error must be 'raise', 'skip' or 'collect', not {on_error:?}");
        return Err(PyValueError::new_err(text));
    }
    let input = match (path, file) {
        (Some(path), _) => py.detach(|| Input::open(&Location::parse(&path))),
        (None, Some(file)) => Input::from_stream(PyFile::binary(&file)),
        (None, None) => return Err(PyValueError::new_err("expected a path or a file")),
    };
    let input = input.or_raise(py)?;
    let name = input.name().to_owned();
    let reader = match kind {
        "osm" => Frames::Blobs(OsmReader::new(input.into_reader())),
        kind => {
            let framing = framing(kind)?;
            Frames::Messages(FrameReader::new(input.into_reader(), framing).largest(largest))
        }
    };
    let errors = memory::new_list(py)?.unbind();
    Ok(ProtoFrames { frames: Mutex::new(Some(reader)), name, on_error, errors })
}

#[pymethods]
impl ProtoFrames {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __enter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close()
    }

    /// Let go of the file; there are no more messages then.
    fn close(&self) -> PyResult<()> {
        let busy = |_| PyValueError::new_err("the stream is being read");
        *self.frames.try_lock().map_err(busy)? = None;
        Ok(())
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let busy = |_| PyValueError::new_err("the stream is being read");
        let mut guard = self.frames.try_lock().map_err(busy)?;
        loop {
            let Some(reader) = guard.as_mut() else { return Ok(None) };
            match reader.next(py) {
                Ok(frame) => return Ok(frame),
                Err(error) => {
                    let goes_on = error.kind() == ErrorKind::Corrupt;
                    let is_data = goes_on
                        || matches!(
                            error.kind(),
                            ErrorKind::Truncated | ErrorKind::Syntax | ErrorKind::Limit
                        );
                    if !goes_on {
                        *guard = None;
                    }
                    let error =
                        if self.name.is_empty() { error } else { error.in_file(self.name.clone()) };
                    let exception = to_exception(py, error);
                    match self.on_error.as_str() {
                        _ if !is_data => return Err(exception),
                        "raise" => return Err(exception),
                        "collect" => self.errors.bind(py).append(exception)?,
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Writes messages, and returns how many there were.
#[pyfunction]
pub(super) fn proto_write(
    py: Python<'_>,
    path: Option<PathBuf>,
    file: Option<Bound<'_, PyAny>>,
    messages: &Bound<'_, PyAny>,
    kind: &str,
) -> PyResult<u64> {
    let framing = if kind == "osm" { None } else { Some(framing(kind)?) };
    let messages = messages.try_iter()?;
    let output = match (path, file) {
        (Some(path), _) => Output::create(&Location::parse(&path)),
        (None, Some(file)) => Ok(Output::to_stream(PyFile::binary(&file))),
        (None, None) => return Err(PyValueError::new_err("expected a path or a file")),
    };
    let mut output = output.or_raise(py)?;
    let count = write_all(&mut output, framing, messages)?;
    output.finish().or_raise(py)?;
    Ok(count)
}

fn write_all<W: std::io::Write>(
    out: &mut W,
    framing: Option<Framing>,
    messages: Bound<'_, PyIterator>,
) -> PyResult<u64> {
    let py = messages.py();
    let mut count = 0;
    for message in messages {
        let message = message?;
        if let Some(framing) = framing {
            let data = Data::of(&message)?;
            write_frame(out, framing, data.bytes()).or_raise(py)?;
        } else {
            let (kind, block): (String, Bound<'_, PyAny>) = message.extract()?;
            write_blob(out, &kind, Data::of(&block)?.bytes()).or_raise(py)?;
        }
        count += 1;
    }
    Ok(count)
}
