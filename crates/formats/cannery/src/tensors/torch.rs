//! `PyTorch`'s checkpoints as files of named tensors: single files, and sets that an index lists.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Limits, Result, StorageInfo, TensorContainer, TensorInfo};
use cannery_npy::Bytes;
use cannery_safetensors::Index;
use cannery_torch::{Checkpoint, Tensors};

/// What the names of checkpoints end in.
const EXTENSIONS: [&str; 7] = ["pt", "pth", "bin", "ckpt", "jit", "ptl", "pt2"];

/// Whether a file is a checkpoint: by its name and how it begins, or by what is in it.
pub(super) fn is_checkpoint(path: &Path, start: &[u8]) -> Result<bool> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_zip = start.starts_with(b"PK\x03\x04");
    if EXTENSIONS.contains(&&*extension) && is_zip || cannery_torch::is_stream(start) {
        return Ok(true);
    }
    let is_tape = start.get(257..262) == Some(b"ustar");
    Ok((is_zip || is_tape) && cannery_torch::looks_like(&Bytes::open(path)?))
}

/// The tensors of one file. What lies in it as it is, is read and not looked at in the map: pages of
/// a map count as memory of the process.
pub(super) struct CheckpointFile {
    tensors: Tensors<Bytes>,
    file: Mutex<File>,
}

/// Opens one file.
pub(super) fn open(path: &Path) -> Result<CheckpointFile> {
    let in_file = |error: Error| error.in_file(path.display().to_string());
    let file = File::open(path).map_err(|e| in_file(Error::io(e, "cannot open the file")))?;
    let bytes = Bytes::open(path)?;
    let checkpoint = Checkpoint::read(&bytes, &Limits::default()).map_err(in_file)?;
    Ok(CheckpointFile { tensors: Tensors::new(checkpoint, bytes), file: Mutex::new(file) })
}

impl TensorContainer for CheckpointFile {
    fn tensors(&self) -> &[TensorInfo] {
        self.tensors.tensors()
    }

    fn storages(&self) -> &[StorageInfo] {
        self.tensors.storages()
    }

    fn others(&self) -> &[String] {
        self.tensors.others()
    }

    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let info = self.storages().get(storage);
        let within = |info: &&StorageInfo| {
            start.checked_add(out.len() as u64).is_some_and(|end| end <= info.len)
        };
        let Some(offset) = info.filter(within).and_then(|info| info.file_offset) else {
            return self.tensors.read_storage(storage, start, out);
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(offset + start)).and_then(|_| file.read_exact(out));
        read.map_err(|e| Error::io(e, "cannot read the file"))
    }
}

/// A model in several files, with an index that says which tensor is in which.
pub(super) struct CheckpointSet {
    files: Vec<CheckpointFile>,
    tensors: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    /// The file that each storage is in, and its number there.
    places: Vec<(usize, usize)>,
}

impl CheckpointSet {
    /// Opens the files that an index lists; they lie beside it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let in_index = |error: Error| error.in_file(path.display().to_string());
        let index = Index::parse(&Bytes::open(path)?).map_err(in_index)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut set = Self {
            files: Vec::new(),
            tensors: Vec::new(),
            storages: Vec::new(),
            places: Vec::new(),
        };
        let mut known = HashMap::new();
        for file in index.files() {
            set.add(file, open(&folder.join(file))?, &mut known);
        }
        for (name, file) in &index.weight_map {
            let Some(info) = known.remove(&(file.clone(), name.clone())) else {
                let message =
                    format!("the index says that `{name}` is in `{file}`, which lacks it");
                return Err(in_index(Error::new(ErrorKind::Corrupt, message)));
            };
            set.tensors.push(info);
        }
        Ok(set)
    }

    fn add(
        &mut self,
        name: &str,
        file: CheckpointFile,
        known: &mut HashMap<(String, String), TensorInfo>,
    ) {
        let (before, number) = (self.storages.len(), self.files.len());
        // Offsets are those of other files, and none of the index.
        let storages = file.storages().iter().enumerate();
        for (storage, info) in storages {
            self.storages.push(StorageInfo { file_offset: None, ..info.clone() });
            self.places.push((number, storage));
        }
        for info in file.tensors() {
            let mut info = info.clone();
            info.storage = info.storage.map(|storage| storage + before);
            known.insert((name.to_owned(), info.name.clone()), info);
        }
        self.files.push(file);
    }
}

impl TensorContainer for CheckpointSet {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn storages(&self) -> &[StorageInfo] {
        &self.storages
    }

    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let place = self.places.get(storage).copied();
        let (file, storage) =
            place.ok_or_else(|| Error::new(ErrorKind::Value, "there is no such storage"))?;
        self.files[file].read_storage(storage, start, out)
    }
}
