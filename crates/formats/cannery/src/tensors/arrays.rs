//! NumPy's files as containers of tensors: one array, an archive of them, a folder of them.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cannery_core::{
    ByteOrder, Error, ErrorKind, Result, StorageInfo, TensorContainer, TensorDtype, TensorInfo,
};
use cannery_npy::{Bytes, Header, NpzFile};

use super::names::tensor_name;

/// Arrays of files, each in a storage of its own.
pub(super) struct Arrays {
    tensors: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    others: Vec<String>,
    places: Vec<Place>,
    archive: Option<NpzFile>,
    /// The array that was inflated last.
    inflated: Mutex<Option<(usize, Bytes)>>,
}

enum Place {
    /// From an offset of a file on.
    File(Mutex<File>, u64),
    /// In a compressed member of the archive, by its name.
    Member(String),
}

impl Arrays {
    fn new(archive: Option<NpzFile>) -> Self {
        let (tensors, storages, others, places) = Default::default();
        Self { tensors, storages, others, places, archive, inflated: Mutex::new(None) }
    }

    fn push(&mut self, name: String, header: &Header, place: Place) -> Result<()> {
        let file_offset = match &place {
            Place::File(_, start) => Some(*start),
            Place::Member(_) => None,
        };
        let byte_order = match TensorDtype::of(&header.dtype) {
            // Turning them around is not known here.
            TensorDtype::Other(_) => ByteOrder::Little,
            _ => header.dtype.byte_order,
        };
        let shape = header.shape.clone();
        let info = TensorInfo::contiguous(
            name,
            TensorDtype::of(&header.dtype),
            shape,
            self.storages.len(),
        );
        self.tensors.push(info.with_order(header.order).with_byte_order(byte_order));
        self.storages.push(StorageInfo { len: header.data_len()?, file_offset });
        self.places.push(place);
        Ok(())
    }

    /// The array of an NPY file, called `array`.
    pub(super) fn of_npy(path: &Path) -> Result<Self> {
        let mut arrays = Self::new(None);
        arrays.push_npy(path, "array".to_owned())?;
        Ok(arrays)
    }

    fn push_npy(&mut self, path: &Path, name: String) -> Result<()> {
        let named = |e: Error| e.in_file(path.display().to_string());
        let (file, len) = open(path)?;
        let (header, start) = Header::from_reader(&mut &file).map_err(named)?;
        header.data_end(start, len).map_err(named)?;
        self.push(name, &header, Place::File(Mutex::new(file), start)).map_err(named)
    }

    /// The arrays of an archive; members that are none are told as other things.
    pub(super) fn of_npz(path: &Path) -> Result<Self> {
        let named = |e: Error| e.in_file(path.display().to_string());
        let archive = NpzFile::open(path)?.with_limits(crate::default_limits());
        let mut arrays = Self::new(Some(archive.clone()));
        for name in archive.names() {
            let member = match archive.member(name) {
                Ok(member) => member,
                Err(error) if is_no_array(&error) => {
                    arrays.others.push(format!("{name}: {}", error.message()));
                    continue;
                }
                Err(error) => return Err(named(error)),
            };
            let place = match member.data_start {
                Some(start) => Place::File(Mutex::new(open(path)?.0), start),
                None => Place::Member(name.clone()),
            };
            arrays.push(name.clone(), &member.header, place).map_err(named)?;
        }
        Ok(arrays)
    }

    /// The arrays of a folder, by the names of their files; `None` if there are none.
    pub(super) fn of_folder(folder: &Path) -> Result<Option<Self>> {
        let entries = fs::read_dir(folder).map_err(|e| Error::io(e, "cannot read the folder"))?;
        let is_npy = |path: &PathBuf| path.extension().is_some_and(|end| end == "npy");
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<_> = paths.filter(is_npy).collect();
        paths.sort();
        let mut arrays = Self::new(None);
        for path in &paths {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            arrays.push_npy(path, tensor_name(&stem))?;
        }
        Ok((!paths.is_empty()).then_some(arrays))
    }

    fn read_member(&self, storage: usize, name: &str, start: u64, out: &mut [u8]) -> Result<()> {
        let mut inflated = self.inflated.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match &*inflated {
            Some((last, bytes)) if *last == storage => bytes.clone(),
            _ => {
                let archive = self.archive.as_ref().ok_or_else(beyond)?;
                let bytes = archive.get(name)?.bytes().clone();
                *inflated = Some((storage, bytes.clone()));
                bytes
            }
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let part = bytes.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(part.ok_or_else(beyond)?);
        Ok(())
    }
}

fn open(path: &Path) -> Result<(File, u64)> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (len, file) = opened
        .map_err(|e| Error::io(e, "cannot open the file").in_file(path.display().to_string()))?;
    Ok((file, len))
}

/// Whether a member holds something else than numbers and the like.
fn is_no_array(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Syntax)
}

#[cold]
fn beyond() -> Error {
    Error::new(ErrorKind::Value, "read beyond the array")
}

impl TensorContainer for Arrays {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn storages(&self) -> &[StorageInfo] {
        &self.storages
    }

    fn others(&self) -> &[String] {
        &self.others
    }

    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let place = self.places.get(storage).ok_or_else(beyond)?;
        let end = start.checked_add(out.len() as u64);
        end.filter(|end| *end <= self.storages[storage].len).ok_or_else(beyond)?;
        match place {
            Place::Member(name) => self.read_member(storage, name, start, out),
            Place::File(file, first) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let read = file.seek(SeekFrom::Start(first + start));
                read.and_then(|_| file.read_exact(out))
                    .map_err(|e| Error::io(e, "cannot read the array"))
            }
        }
    }
}
