//! Distributed checkpoints as files of named tensors: a folder in which each tensor lies in parts.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Limits, Result, StorageInfo, TensorContainer, TensorInfo};
use cannery_npy::Bytes;
use cannery_torch::{Checkpoint, DistributedValue, Stretch, TensorPart, Tensors, read_distributed};

/// A tensor and its parts.
struct Whole {
    parts: Vec<(TensorPart, Tensors<Bytes>)>,
}

/// A distributed checkpoint.
pub(super) struct DistributedSet {
    tensors: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    others: Vec<String>,
    /// The tensor that each storage is.
    wholes: Vec<Whole>,
    /// The storage that was put together last.
    last: Mutex<(Option<usize>, Vec<u8>)>,
}

impl DistributedSet {
    /// Opens the folder with the file `.metadata`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let metadata = folder.join(".metadata");
        let in_metadata = |error: Error| error.in_file(metadata.display().to_string());
        let values = read_distributed(&Bytes::open(&metadata)?, &Limits::default());
        let mut set = Self {
            tensors: Vec::new(),
            storages: Vec::new(),
            others: Vec::new(),
            wholes: Vec::new(),
            last: Mutex::default(),
        };
        let mut files = HashMap::new();
        for (name, value) in values.map_err(in_metadata)? {
            match value {
                DistributedValue::Tensor { shape, parts } => {
                    let opened = parts.into_iter().map(|part| {
                        let tensors = open_part(folder, &part.stretch, &mut files)?;
                        Ok((part, tensors))
                    });
                    let parts = opened.collect::<Result<Vec<_>>>()?;
                    set.add(name, shape, parts).map_err(in_metadata)?;
                }
                DistributedValue::Other => set.others.push(name),
            }
        }
        Ok(set)
    }

    fn add(
        &mut self,
        name: String,
        shape: Vec<u64>,
        parts: Vec<(TensorPart, Tensors<Bytes>)>,
    ) -> Result<()> {
        let wrong = |what: &str| Error::new(ErrorKind::Corrupt, format!("`{name}`: {what}"));
        let mut elements = 0_u64;
        let mut first = None;
        for (part, tensors) in &parts {
            let [info] = tensors.tensors() else { return Err(wrong("a part is no single tensor")) };
            let fits = part.corner.len() == shape.len()
                && info.shape == part.shape
                && part.shape.len() == shape.len()
                && (0..shape.len()).all(|i| {
                    part.corner[i].checked_add(part.shape[i]).is_some_and(|end| end <= shape[i])
                });
            if !fits || first.is_some_and(|first: &TensorInfo| first.dtype != info.dtype) {
                return Err(wrong("a part does not fit into it"));
            }
            elements = elements.saturating_add(info.shape.iter().product());
            first = first.or(Some(info));
        }
        let count = shape.iter().try_fold(1_u64, |count, side| count.checked_mul(*side));
        let first = first.filter(|_| count == Some(elements));
        let first = first.ok_or_else(|| wrong("its parts do not make up its shape"))?;
        if has_overlap(&parts) {
            return Err(wrong("two parts have the same elements"));
        }
        let len = elements.checked_mul(first.dtype.bits()).map(|bits| bits / 8);
        let len = len.ok_or_else(|| wrong("it is too large"))?;
        let mut strides = vec![1_i64; shape.len()];
        for i in (1..shape.len()).rev() {
            let side = i64::try_from(shape[i]).unwrap_or(i64::MAX);
            strides[i - 1] = strides[i].saturating_mul(side);
        }
        let storage = Some(self.storages.len());
        self.tensors.push(TensorInfo {
            name,
            shape,
            strides,
            offset: 0,
            storage,
            dtype: first.dtype.clone(),
            byte_order: first.byte_order,
        });
        self.storages.push(StorageInfo { len, file_offset: None });
        self.wholes.push(Whole { parts });
        Ok(())
    }

    /// The bytes of a tensor, put together of its parts.
    fn whole(&self, storage: usize) -> Result<Vec<u8>> {
        let shape = &self.tensors[storage].shape;
        let len = usize::try_from(self.storages[storage].len)
            .map_err(|_| Error::new(ErrorKind::Limit, "the tensor is larger than memory"))?;
        let mut whole = vec![0; len];
        for (part, tensors) in &self.wholes[storage].parts {
            let bytes = tensors.tensors()[0].read(tensors)?;
            copy_box(&mut whole, shape, part, &bytes);
        }
        Ok(whole)
    }
}

impl TensorContainer for DistributedSet {
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
        if storage >= self.storages.len() {
            return Err(Error::new(ErrorKind::Value, "there is no such storage"));
        }
        // Readers take one tensor after the other, in pieces.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != Some(storage) {
            *last = (Some(storage), self.whole(storage)?);
        }
        let part = usize::try_from(start).ok().and_then(|start| last.1.get(start..));
        let part = part.and_then(|part| part.get(..out.len()));
        let part =
            part.ok_or_else(|| Error::new(ErrorKind::Value, "read beyond the end of a storage"))?;
        out.copy_from_slice(part);
        Ok(())
    }
}

fn open_part(
    folder: &Path,
    stretch: &Stretch,
    files: &mut HashMap<String, Bytes>,
) -> Result<Tensors<Bytes>> {
    let path = folder.join(&stretch.file);
    let file = if let Some(file) = files.get(&stretch.file) {
        file.clone()
    } else {
        files.entry(stretch.file.clone()).or_insert(Bytes::open(&path)?).clone()
    };
    let in_file = |error: Error| error.in_file(path.display().to_string());
    let start = usize::try_from(stretch.offset).ok();
    let end = stretch.offset.checked_add(stretch.len).and_then(|end| usize::try_from(end).ok());
    let range = start.zip(end).filter(|(_, end)| *end <= file.len());
    let (start, end) = range.ok_or_else(|| {
        in_file(Error::new(ErrorKind::Corrupt, "a part lies beyond the end of the file"))
    })?;
    let bytes = file.slice(start..end);
    let checkpoint = Checkpoint::read(&bytes, &Limits::default()).map_err(in_file)?;
    Ok(Tensors::new(checkpoint, bytes))
}

fn has_overlap(parts: &[(TensorPart, Tensors<Bytes>)]) -> bool {
    let overlap = |one: &TensorPart, other: &TensorPart| {
        (0..one.shape.len()).all(|i| {
            one.corner[i] < other.corner[i] + other.shape[i]
                && other.corner[i] < one.corner[i] + one.shape[i]
        })
    };
    parts
        .iter()
        .enumerate()
        .any(|(i, (one, _))| parts[..i].iter().any(|(other, _)| overlap(one, other)))
}

/// Puts a part, in C order, to its place in the whole.
fn copy_box(whole: &mut [u8], shape: &[u64], part: &TensorPart, bytes: &[u8]) {
    let index = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let Some((&last, rows)) = part.shape.split_last() else {
        whole.copy_from_slice(bytes);
        return;
    };
    let count: u64 = rows.iter().product();
    if count == 0 || last == 0 {
        return;
    }
    let row = bytes.len() / index(count);
    let itemsize = row / index(last);
    let mut at = vec![0_u64; rows.len()];
    for line in bytes.chunks_exact(row) {
        let sides = shape.iter().enumerate();
        let element = sides.fold(0, |element, (i, side)| {
            element * side + part.corner[i] + at.get(i).copied().unwrap_or(0)
        });
        let start = index(element) * itemsize;
        whole[start..start + row].copy_from_slice(line);
        for i in (0..at.len()).rev() {
            at[i] += 1;
            if at[i] < rows[i] {
                break;
            }
            at[i] = 0;
        }
    }
}
