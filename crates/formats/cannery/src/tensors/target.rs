//! What tensors are converted to.

use std::io::Write;
use std::path::{Path, PathBuf};

use cannery_core::{
    ByteOrder, Container, Dtype, Error, ErrorKind, Result, TensorContainer, TensorDtype, TensorInfo,
};
use cannery_format::WriteOptions;
use cannery_npy::NpzWriter;
use cannery_safetensors::{INDEX_SUFFIX, Index, Layout, dtype_code, shard_name, split_into_shards};

use super::array::TensorArray;
use super::names::file_name;
use crate::registry::format_of_id;
use crate::{Location, Output, SpooledWriter};

/// A kind of file that tensors are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorTarget {
    /// One file, or several with an index.
    Safetensors,
    /// An archive of arrays.
    Npz,
    /// A folder with a file for each array.
    NpyFolder,
    /// A map of arrays.
    Can,
}

impl TensorTarget {
    /// The kind of a format's short name, or of a place: by its extension, or because it is a
    /// folder.
    #[must_use]
    pub fn of(id: Option<&str>, target: &Location) -> Option<Self> {
        let extension = target.extension();
        let is_folder = matches!(target, Location::Path(path) if is_folder(path));
        match id.or(extension.as_deref()) {
            Some("safetensors") => Some(Self::Safetensors),
            Some("npz") => Some(Self::Npz),
            Some("can") => Some(Self::Can),
            Some("npy-folder") => Some(Self::NpyFolder),
            _ if is_folder && id.is_none() => Some(Self::NpyFolder),
            _ => None,
        }
    }

    /// Whether files of this kind hold elements of this type.
    pub(super) fn holds(self, dtype: &TensorDtype) -> bool {
        match self {
            Self::Safetensors => dtype_code(dtype).is_some(),
            Self::Can => to_dtype(dtype).is_some_and(|dtype| cannery_can::has_member(&dtype)),
            Self::Npz | Self::NpyFolder => {
                to_dtype(dtype).is_some_and(|dtype| cannery_npy::dtype_to_descr(&dtype).is_ok())
            }
        }
    }
}

fn to_dtype(dtype: &TensorDtype) -> Option<Dtype> {
    dtype.to_dtype(ByteOrder::Little)
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', '\\'])
}

/// A tensor as it will be: name, type, shape.
pub(super) type Described = (String, TensorDtype, Vec<u64>);

/// Tensors that are to be written.
pub(super) struct Tensors<'a> {
    /// The file that they are read from.
    pub(super) container: &'a dyn TensorContainer,
    /// As they are.
    pub(super) infos: Vec<&'a TensorInfo>,
    /// As they will be.
    pub(super) described: Vec<Described>,
    /// What they become.
    pub(super) target: TensorTarget,
}

impl Tensors<'_> {
    /// A tensor, about to be read.
    fn array(&self, at: usize) -> Result<TensorArray<'_>> {
        let (_, dtype, _) = &self.described[at];
        let keeps_order = self.target != TensorTarget::Safetensors;
        TensorArray::new(self.container, self.infos[at], dtype.clone(), keeps_order)
    }

    /// Writes NPZ, or a map of arrays.
    pub(super) fn write_map(&self, location: &Location) -> Result<()> {
        let output = Output::create(location)?;
        if self.target == TensorTarget::Can {
            let format = format_of_id("can")?;
            let mut writer = format.writer(output, &WriteOptions::default())?;
            let sink = writer.sink();
            sink.begin(Container::Map, Some(self.infos.len()))?;
            for (at, (name, _, _)) in self.described.iter().enumerate() {
                sink.key(name.as_str().into())?;
                sink.array(&self.array(at)?)?;
            }
            sink.end(Container::Map)?;
            return writer.finish();
        }
        let stored = cannery_npy::Compression::Stored;
        let mut writer = NpzWriter::new(SpooledWriter::new(output), stored);
        for (at, (name, _, _)) in self.described.iter().enumerate() {
            writer.add(name, &self.array(at)?)?;
        }
        writer.finish()?.finish()
    }

    /// Writes a folder of arrays.
    pub(super) fn write_folder(&self, location: &Location) -> Result<()> {
        let Location::Path(folder) = location else {
            let message = "a folder of arrays cannot go to standard output";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::io(e, "cannot make the folder").in_file(location.name()))?;
        for (at, (name, _, _)) in self.described.iter().enumerate() {
            let path = folder.join(format!("{}.npy", file_name(name)));
            let mut output = Output::create(&Location::Path(path))?;
            cannery_npy::to_writer(&self.array(at)?, &mut output)?;
            output.finish()?;
        }
        Ok(())
    }

    /// Writes safetensors: several files with an index where one would be larger than `max`. Gives
    /// the files that were written.
    pub(super) fn write_safetensors(
        &self,
        location: &Location,
        metadata: &[(String, String)],
        max: Option<u64>,
    ) -> Result<Vec<String>> {
        let all: Vec<usize> = (0..self.infos.len()).collect();
        let sizes = all.iter().map(|&at| self.size(at)).collect::<Result<Vec<_>>>()?;
        let total = sizes.iter().fold(0_u64, |total, size| total.saturating_add(*size));
        let (Some(max), Location::Path(path)) = (max.filter(|max| total > *max), location) else {
            self.write_one(location, metadata, &all)?;
            return Ok(vec![location.name()]);
        };
        let numbers = split_into_shards(sizes, max);
        let count = numbers.last().map_or(0, |last| last + 1);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut weight_map = Vec::new();
        let mut written = Vec::new();
        for number in 0..count {
            let name = shard_name(&stem, number, count);
            let chosen: Vec<usize> =
                all.iter().copied().filter(|&at| numbers[at] == number).collect();
            let shard = Location::Path(path.with_file_name(&name));
            self.write_one(&shard, metadata, &chosen)?;
            weight_map
                .extend(chosen.iter().map(|&at| (self.described[at].0.clone(), name.clone())));
            written.push(shard.name());
        }
        let index = Index { weight_map, total_size: Some(total) };
        let index_location = Location::Path(index_path(path));
        let mut output = Output::create(&index_location)?;
        write_all(&mut output, index.to_json().as_bytes())?;
        output.finish()?;
        written.push(index_location.name());
        Ok(written)
    }

    /// Bytes of a tensor as it will be.
    fn size(&self, at: usize) -> Result<u64> {
        let (name, dtype, shape) = &self.described[at];
        let info =
            cannery_core::TensorInfo::contiguous(name.clone(), dtype.clone(), shape.clone(), 0);
        info.len_in_bytes()
    }

    fn write_one(
        &self,
        location: &Location,
        metadata: &[(String, String)],
        chosen: &[usize],
    ) -> Result<()> {
        let tensors = chosen.iter().map(|&at| {
            let (name, dtype, shape) = &self.described[at];
            (name.as_str(), dtype, shape.as_slice())
        });
        let layout = Layout::new(tensors, metadata)?;
        let mut output = Output::create(location)?;
        write_all(&mut output, &layout.header)?;
        for index in layout.order {
            let array = self.array(chosen[index])?;
            array.read_pieces(&mut |piece| write_all(&mut output, piece))?;
        }
        output.finish()
    }
}

fn index_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(INDEX_SUFFIX);
    path.with_file_name(name)
}

fn write_all(output: &mut Output<'_>, bytes: &[u8]) -> Result<()> {
    output.write_all(bytes).map_err(|e| Error::io(e, "cannot write the tensors"))
}
