//! Opening a file of named tensors, whatever its format.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cannery_core::{
    ArrayBuf, ByteOrder, Container, Error, Order, Result, Segment, Sink, TensorContainer,
    TensorDtype,
};
use cannery_safetensors::{INDEX_SUFFIX, SafetensorsFile, ShardedSet};

use super::arrays::Arrays;
use super::values;
use crate::Location;

/// Bytes looked at to tell what a file is.
const START: usize = 4096;

/// A file of named tensors that is open.
pub struct OpenTensors {
    /// The short name of its format.
    pub format: &'static str,
    /// The name of its format, for people.
    pub title: &'static str,
    /// Its tensors.
    pub container: Box<dyn TensorContainer>,
}

impl OpenTensors {
    /// Whether it is a checkpoint of `PyTorch`'s, or a model in several files.
    #[must_use]
    pub fn is_checkpoint(&self) -> bool {
        self.format.starts_with("torch") || self.format == "safetensors-index"
    }

    /// Sends the tensors to `sink` as a map of arrays. Floats that arrays do not have, such as
    /// `bfloat16`, are sent in 32 bits, in which each of them is exact.
    ///
    /// # Errors
    /// Those of the file and of the sink, with the tensor's name.
    pub fn send(&self, sink: &mut dyn Sink) -> Result<()> {
        let tensors = self.container.tensors();
        sink.begin(Container::Map, Some(tensors.len()))?;
        for info in tensors {
            let inside = |error: Error| error.inside(Segment::Key(info.name.as_str().into()));
            sink.key(info.name.as_str().into())?;
            let mut data = info.read(&*self.container).map_err(inside)?;
            let mut dtype = info.dtype.to_dtype(ByteOrder::Little);
            if dtype.is_none() && values::is_float(&info.dtype) {
                let single = TensorDtype::Float(4);
                let mut wide = Vec::new();
                values::convert(&info.dtype, &data, &single, &mut wide);
                (data, dtype) = (wide, single.to_dtype(ByteOrder::Little));
            }
            let dtype = dtype.ok_or_else(|| {
                let message = format!("arrays have no type {}", info.dtype);
                inside(Error::new(cannery_core::ErrorKind::Unsupported, message))
            })?;
            let array = ArrayBuf::new(dtype, info.shape.clone(), Order::default(), data);
            sink.array(&array.map_err(inside)?)?;
        }
        sink.end(Container::Map)
    }
}

/// A way to open files of tensors: the container, if a file is of this format.
type Opener = fn(&Path, &[u8]) -> Result<Option<OpenTensors>>;

/// Every format of tensors; the first that knows a file reads it.
const OPENERS: &[Opener] = &[
    safetensors,
    safetensors_index,
    npz,
    #[cfg(feature = "torch")]
    checkpoint,
    #[cfg(feature = "torch")]
    checkpoint_index,
    #[cfg(feature = "torch")]
    distributed_checkpoint,
    folder_of_shards,
    npy,
    npy_folder,
];

/// Opens a file or a folder of named tensors; `None` if it is of no such format.
///
/// # Errors
/// Those of the operating system and of the format that the file is of.
pub fn open_tensors(location: &Location) -> Result<Option<OpenTensors>> {
    let path = match location {
        Location::Path(path) => path,
        Location::Standard => return Ok(None),
        #[cfg(feature = "remote")]
        Location::Url(url) => {
            let input = crate::Input::open(location)?;
            if is_safetensors(Path::new(url.file_name()), input.start())
                && input.compression().is_none()
            {
                // Its header is enough to look inside; of its tensors only some may be asked for.
                let source = input.into_source(&crate::Limits::default())?;
                let file = SafetensorsFile::from_source(source);
                let file = file.map_err(|e| e.in_file(url.to_string()))?;
                return Ok(Some(opened("safetensors", "safetensors", file)));
            }
            // Gone by its name when it is open; it is mapped, or read through open files.
            let copy = cannery_places::LocalCopy::of(url)?;
            return open_tensors(&Location::Path(copy.path().to_owned()))
                .map_err(|e| e.of_file(url.to_string()));
        }
        #[cfg(not(feature = "remote"))]
        Location::Url(_) => return Ok(None), // what opens it in another way says what is lacking
    };
    if !path.is_file() && !path.is_dir() {
        return Ok(None);
    }
    let mut start = Vec::new();
    if path.is_file() {
        let file = File::open(path).map_err(|e| Error::io(e, "cannot open the file"));
        let read = file.and_then(|file| {
            file.take(START as u64)
                .read_to_end(&mut start)
                .map_err(|e| Error::io(e, "cannot read the file"))
        });
        read.map_err(|e| e.in_file(location.name()))?;
    }
    for open in OPENERS {
        if let Some(tensors) = open(path, &start)? {
            return Ok(Some(tensors));
        }
    }
    Ok(None)
}

fn opened(
    format: &'static str,
    title: &'static str,
    container: impl TensorContainer + 'static,
) -> OpenTensors {
    OpenTensors { format, title, container: Box::new(container) }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn is_safetensors(path: &Path, start: &[u8]) -> bool {
    has_extension(path, "safetensors") || cannery_safetensors::looks_like(start)
}

fn safetensors(path: &Path, start: &[u8]) -> Result<Option<OpenTensors>> {
    if !path.is_file() || !is_safetensors(path, start) {
        return Ok(None);
    }
    Ok(Some(opened("safetensors", "safetensors", SafetensorsFile::open(path)?)))
}

fn safetensors_index(path: &Path, start: &[u8]) -> Result<Option<OpenTensors>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_index = name.ends_with(INDEX_SUFFIX) && name.contains(".safetensors");
    if !is_index || start.trim_ascii_start().first() != Some(&b'{') {
        return Ok(None);
    }
    let set = ShardedSet::open(path)?;
    Ok(Some(opened("safetensors-index", "safetensors, a set of files", set)))
}

#[cfg(feature = "torch")]
fn checkpoint(path: &Path, start: &[u8]) -> Result<Option<OpenTensors>> {
    if !super::torch::is_checkpoint(path, start)? {
        return Ok(None);
    }
    Ok(Some(opened("torch", "a checkpoint of PyTorch's", super::torch::open(path)?)))
}

#[cfg(feature = "torch")]
fn checkpoint_index(path: &Path, start: &[u8]) -> Result<Option<OpenTensors>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.ends_with(&format!(".bin{INDEX_SUFFIX}"))
        || !start.trim_ascii_start().starts_with(b"{")
    {
        return Ok(None);
    }
    let set = super::torch::CheckpointSet::open(path)?;
    Ok(Some(opened("torch-index", "checkpoints of PyTorch's, a set of files", set)))
}

#[cfg(feature = "torch")]
fn distributed_checkpoint(path: &Path, _start: &[u8]) -> Result<Option<OpenTensors>> {
    let is_metadata = path.file_name().is_some_and(|name| name == ".metadata");
    let folder = if is_metadata { path.parent().unwrap_or(Path::new(".")) } else { path };
    if !folder.is_dir() || !folder.join(".metadata").is_file() {
        return Ok(None);
    }
    let set = super::distributed::DistributedSet::open(folder)?;
    Ok(Some(opened("torch-distributed", "a distributed checkpoint of PyTorch's", set)))
}

/// The folder of a model in several files, with the one index that lists them.
fn folder_of_shards(path: &Path, _start: &[u8]) -> Result<Option<OpenTensors>> {
    let Ok(entries) = path.read_dir() else { return Ok(None) };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut indexes = paths.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(INDEX_SUFFIX)
    });
    match (indexes.next(), indexes.next()) {
        (Some(index), None) => open_tensors(&Location::Path(index)),
        _ => Ok(None),
    }
}

fn npz(path: &Path, start: &[u8]) -> Result<Option<OpenTensors>> {
    let is_zip = start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06");
    // Its arrays are members like those of an archive of arrays.
    let is_zip = is_zip && !cannery_can::is_can(start);
    if !is_zip || !has_extension(path, "npz") && !cannery_npy::begins_with_array(start) {
        return Ok(None);
    }
    Ok(Some(opened("npz", "NPZ", Arrays::of_npz(path)?)))
}

fn npy(path: &Path, start: &[u8]) -> Result<Option<OpenTensors>> {
    if !start.starts_with(cannery_npy::MAGIC) {
        return Ok(None);
    }
    Ok(Some(opened("npy", "NPY", Arrays::of_npy(path)?)))
}

fn npy_folder(path: &Path, _start: &[u8]) -> Result<Option<OpenTensors>> {
    if !path.is_dir() {
        return Ok(None);
    }
    let arrays = Arrays::of_folder(path).map_err(|e| e.in_file(path.display().to_string()))?;
    Ok(arrays.map(|arrays| opened("npy-folder", "a folder of NPY files", arrays)))
}
