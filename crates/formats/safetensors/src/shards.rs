//! Sets of files with one index.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use cannery_core::{Error, ErrorKind, Result, StorageInfo, TensorContainer, TensorInfo};

use crate::header::MAX_HEADER;
use crate::{Index, SafetensorsFile};

/// The files of a set as one container.
pub struct ShardedSet {
    files: Vec<SafetensorsFile>,
    tensors: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    /// For each storage, the file and its number there.
    places: Vec<(usize, usize)>,
    metadata: Vec<(String, String)>,
}

impl ShardedSet {
    /// Opens the files of an index, which lie beside it; links to other folders are followed, as
    /// the caches of models consist of them.
    ///
    /// # Errors
    /// Those of the index and its files, and [`ErrorKind::NotFound`] if a tensor is not in the file
    /// that the index names.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let named = |e: Error| e.in_file(path.display().to_string());
        let index = read_index(path).and_then(|text| Index::parse(&text)).map_err(named)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let shards = index.files();
        let files = shards.iter().map(|name| SafetensorsFile::open(folder.join(name)));
        let files = files.collect::<Result<Vec<_>>>()?;
        Self::new(&index, files).map_err(named)
    }

    fn new(index: &Index, files: Vec<SafetensorsFile>) -> Result<Self> {
        let numbers: HashMap<&str, usize> =
            index.files().into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        let tensors_of = |file: &SafetensorsFile| {
            let names = file.tensors().iter().enumerate();
            names.map(|(at, tensor)| (tensor.name.clone(), at)).collect::<HashMap<_, _>>()
        };
        let known: Vec<_> = files.iter().map(tensors_of).collect();
        let (mut tensors, mut storages, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (name, file) in &index.weight_map {
            let number = numbers[file.as_str()];
            let at = *known[number].get(name).ok_or_else(|| {
                let message = format!("the tensor `{name}` is not in `{file}`");
                Error::new(ErrorKind::NotFound, message)
                    .with_hint("the index belongs to other files; write the set again")
            })?;
            let mut tensor = files[number].tensors()[at].clone();
            tensor.storage = Some(storages.len());
            // The offset is one in another file than the caller's.
            storages
                .push(StorageInfo { file_offset: None, ..files[number].storages()[at].clone() });
            places.push((number, at));
            tensors.push(tensor);
        }
        let metadata = files.first().map(|file| file.metadata().to_vec()).unwrap_or_default();
        Ok(Self { files, tensors, storages, places, metadata })
    }

    /// The files of the set.
    #[must_use]
    pub fn files(&self) -> &[SafetensorsFile] {
        &self.files
    }

    /// For each tensor, the number of its file and its number there.
    #[must_use]
    pub fn places(&self) -> &[(usize, usize)] {
        &self.places
    }
}

fn read_index(path: &Path) -> Result<Vec<u8>> {
    let file = fs::File::open(path).map_err(|e| Error::io(e, "cannot open the index"))?;
    let mut text = Vec::new();
    file.take(MAX_HEADER + 1)
        .read_to_end(&mut text)
        .map_err(|e| Error::io(e, "cannot read the index"))?;
    if text.len() as u64 > MAX_HEADER {
        return Err(Error::new(ErrorKind::Limit, "the index has more than 100 MB"));
    }
    Ok(text)
}

impl TensorContainer for ShardedSet {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn storages(&self) -> &[StorageInfo] {
        &self.storages
    }

    fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let (file, storage) = self
            .places
            .get(storage)
            .copied()
            .ok_or_else(|| Error::new(ErrorKind::Value, "read beyond the tensors"))?;
        self.files[file].read_storage(storage, start, out)
    }
}

/// The name of a file of a set: `model-00001-of-00003.safetensors`.
#[must_use]
pub fn shard_name(stem: &str, number: usize, count: usize) -> String {
    format!("{stem}-{:05}-of-{count:05}.safetensors", number + 1)
}

/// Divides tensors of these sizes, in their order, over files of no more than `max` bytes; a
/// larger tensor has a file of its own. Gives the number of the file for each.
#[must_use]
pub fn split_into_shards(sizes: impl IntoIterator<Item = u64>, max: u64) -> Vec<usize> {
    let (mut number, mut filled, mut is_empty) = (0, 0_u64, true);
    let place = |size: u64| {
        let larger = filled.saturating_add(size);
        if larger > max && !is_empty {
            (number, filled) = (number + 1, size);
        } else {
            filled = larger;
        }
        is_empty = false;
        number
    };
    sizes.into_iter().map(place).collect()
}
