//! `PyTorch`'s checkpoints as files of named tensors: single files, and sets that an index lists.

use std::collections::HashMap;
use std::path::Path;

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

/// The tensors of one file.
pub(super) fn open(path: &Path) -> Result<Tensors<Bytes>> {
    let bytes = Bytes::open(path)?;
    let checkpoint = Checkpoint::read(&bytes, &Limits::default())
        .map_err(|e| e.in_file(path.display().to_string()))?;
    Ok(Tensors::new(checkpoint, bytes))
}

/// A model in several files, with an index that says which tensor is in which.
pub(super) struct CheckpointSet {
    files: Vec<Tensors<Bytes>>,
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
        file: Tensors<Bytes>,
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
