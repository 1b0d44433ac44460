//! New datasets, and new elements of datasets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use super::attributes::shared_type;
use super::check_name;
use super::chunks::{ChunkStore, Place, in_parallel, store};
use super::edits::{Change, Edits, ObjectEdit};
use super::encode::{Allocation, Encoder, dataspace, fill_value, pipeline};
use super::header::HeaderEdit;
use super::space::{Space, allocate, write};
use crate::bytes::{UNDEFINED, index, malformed, unsupported};
use crate::chunks::Chunk;
use crate::core::FileCore;
use crate::dataset::{Dataset, fill_with};
use crate::dataspace::{Dataspace, MAX_RANK, product};
use crate::datatype::Datatype;
use crate::fill::FillValue;
use crate::filters::{Filter, Pipeline};
use crate::header::{Message, MessageKind};
use crate::layout::Layout;
use crate::links::LinkTarget;
use crate::node::Node;
use crate::read::flat_runs;
use crate::selection::{BlockCopy, Piece, Selection};

/// The longest data that stand in a header.
const LONGEST_COMPACT: u64 = 65_000;

/// How the elements of a new dataset are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the object's header.
    Compact,
    /// One after the other.
    Contiguous,
    /// In chunks of this shape.
    Chunked(Vec<u64>),
    /// In other datasets: a mapping block, as [`crate::encode_mappings`] makes it.
    Virtual(Vec<u8>),
}

/// What a new dataset is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatasetSpec {
    /// The type of its elements.
    pub datatype: Datatype,
    /// A committed datatype that it shares.
    pub committed: Option<u64>,
    /// Its shape.
    pub space: Dataspace,
    /// How its elements are stored.
    pub storage: Storage,
    /// What its chunks go through.
    pub filters: Vec<Filter>,
    /// What elements are that were never written.
    pub fill: FillValue,
    /// Whether the order is kept in which its attributes are made.
    pub track_order: bool,
}

impl DatasetSpec {
    /// A contiguous dataset of zeros.
    #[must_use]
    pub fn new(datatype: Datatype, space: Dataspace) -> Self {
        Self {
            datatype,
            committed: None,
            space,
            storage: Storage::Contiguous,
            filters: Vec::new(),
            fill: FillValue::Default,
            track_order: false,
        }
    }

    fn check(&self) -> Result<()> {
        if self.space.shape().len() > MAX_RANK {
            return Err(malformed("expected at most 32 dimensions"));
        }
        let Storage::Chunked(chunks) = &self.storage else {
            if !self.filters.is_empty() {
                return Err(malformed("filters need chunks"));
            }
            return Ok(());
        };
        if chunks.len() != self.space.shape().len() || chunks.is_empty() || chunks.contains(&0) {
            return Err(malformed("expected chunks of the rank of the dataset, without zeros"));
        }
        let bytes = product(chunks).and_then(|n| n.checked_mul(u64::from(self.datatype.size)));
        if bytes.is_none_or(|bytes| bytes >= u64::from(u32::MAX)) {
            return Err(malformed("expected chunks of less than 4 GiB"));
        }
        Ok(())
    }

    fn bytes(&self) -> Result<u64> {
        let bytes = self.space.elements().checked_mul(u64::from(self.datatype.size));
        bytes.ok_or_else(|| Error::new(ErrorKind::Limit, "the dataset has too many bytes"))
    }
}

fn message(kind: u16, flags: u8, data: Vec<u8>) -> Message {
    Message { kind, flags, order: None, data }
}

impl Change<'_> {
    /// Makes a dataset that no link leads to yet; `data` are all elements of a contiguous one.
    pub(super) fn create_dataset(
        &mut self,
        core: &FileCore,
        spec: &DatasetSpec,
        data: Option<&[u8]>,
    ) -> Result<u64> {
        spec.check()?;
        let sizes = core.sizes;
        let mut spec = spec.clone();
        for filter in &mut spec.filters {
            filter.complete(&spec.datatype, &spec.storage, &spec.fill)?;
        }
        let datatype = match spec.committed {
            // Bit 1: the message is in another object's header.
            Some(address) => message(MessageKind::DATATYPE, 3, shared_type(sizes, address)),
            None => message(MessageKind::DATATYPE, 1, spec.datatype.encode()),
        };
        let allocation = match spec.storage {
            Storage::Compact => Allocation::Early,
            Storage::Chunked(_) | Storage::Virtual(_) => Allocation::Incremental,
            Storage::Contiguous => Allocation::Late,
        };
        let mut messages = vec![
            message(MessageKind::DATASPACE, 0, dataspace(sizes, &spec.space)),
            datatype,
            message(MessageKind::FILL, 1, fill_value(sizes, &spec.fill, allocation)),
        ];
        let mut chunks = None;
        let layout = match &spec.storage {
            Storage::Chunked(shape) => {
                if !spec.filters.is_empty() {
                    messages.push(message(
                        MessageKind::FILTERS,
                        1,
                        pipeline(sizes, &spec.filters)?,
                    ));
                }
                let filters = Arc::new(Pipeline { filters: spec.filters.clone() });
                let extent = (shape.clone(), u64::from(spec.datatype.size));
                let store = ChunkStore::new(extent, filters, BTreeMap::new());
                let layout = store.layout(sizes, UNDEFINED)?;
                chunks = Some(store);
                layout
            }
            storage => self.plain_layout(core, &spec, storage, data)?,
        };
        messages.push(message(MessageKind::LAYOUT, 0, layout));
        let mut object = ObjectEdit::new(HeaderEdit::new(messages, spec.track_order));
        object.chunks = chunks;
        self.add(core, object)
    }

    fn plain_layout(
        &mut self,
        core: &FileCore,
        spec: &DatasetSpec,
        storage: &Storage,
        data: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let mut out = Encoder::new(core.sizes);
        match storage {
            Storage::Compact => {
                let bytes = spec.bytes()?;
                if bytes > LONGEST_COMPACT {
                    return Err(unsupported(format!("{bytes} bytes do not fit into a header")));
                }
                let mut data = vec![0; index(bytes)];
                if let FillValue::Value(fill) = &spec.fill {
                    fill_with(&mut data, Some(fill));
                }
                out.u8(3).u8(0).u16(u16::try_from(bytes).unwrap_or(0)).bytes(&data);
            }
            Storage::Virtual(block) => {
                let space = Space::new(self.edits, core);
                let id = self.state.heap.add(&space, block)?;
                out.u8(4).u8(3).address(id.address).u32(id.number);
            }
            _ => {
                let mut address = UNDEFINED;
                if let Some(data) = data.filter(|data| !data.is_empty()) {
                    address = allocate(self.edits, core, data.len() as u64)?;
                    write(self.edits, core, address, data)?;
                }
                out.u8(3).u8(1).address(address).length(spec.bytes()?);
            }
        }
        Ok(out.finish())
    }

    /// Puts a new object into memory.
    pub(super) fn add(&mut self, core: &FileCore, mut object: ObjectEdit) -> Result<u64> {
        let address = allocate(self.edits, core, object.header.len())?;
        object.is_dirty = true;
        self.state.objects.insert(address, object);
        Ok(address)
    }

    /// Changes a shape.
    pub(super) fn resize(
        &mut self,
        core: &FileCore,
        dataset: &Dataset,
        shape: &[u64],
    ) -> Result<()> {
        let Dataspace::Simple { shape: old, max_shape } = dataset.space() else {
            return Err(malformed("a dataset without dimensions has one size"));
        };
        if shape.len() != old.len() {
            return Err(malformed(format!(
                "expected {} dimensions, found {}",
                old.len(),
                shape.len()
            )));
        }
        if !matches!(dataset.layout, Layout::Chunked(_)) && shape != old {
            let hint = "create it with `chunks=True` or `maxshape=`";
            return Err(malformed("only datasets in chunks can be resized").with_hint(hint));
        }
        if shape.iter().zip(max_shape).any(|(n, max)| max.is_some_and(|max| *n > max)) {
            return Err(malformed("the shape is larger than the dataset's maximum"));
        }
        product(shape).ok_or_else(|| malformed("the shape has 2^64 elements or more"))?;
        let shrinks = shape.iter().zip(old).any(|(new, old)| new < old);
        let space = Dataspace::Simple { shape: shape.to_vec(), max_shape: max_shape.clone() };
        let edits = self.edits;
        let object = self.dataset(core, dataset)?;
        object.header.set(MessageKind::DATASPACE, dataspace(core.sizes, &space), 0);
        object.is_dirty = true;
        if shrinks && let Some(mut chunks) = object.chunks.take() {
            chunks.cut(edits, shape);
            let done = clear_edges(core, edits, dataset, &mut chunks, (old, shape));
            self.object(core, dataset.address)?.chunks = Some(chunks);
            done?;
        }
        Ok(())
    }

    /// The object of a dataset, its chunks in memory.
    fn dataset(&mut self, core: &FileCore, dataset: &Dataset) -> Result<&mut ObjectEdit> {
        let object = self.object(core, dataset.address)?;
        if let (None, Layout::Chunked(chunked)) = (&object.chunks, &dataset.layout) {
            let pipeline = Arc::new(dataset.pipeline.clone());
            let mut index = BTreeMap::new();
            for (place, mut chunk) in dataset.stored_chunks()? {
                if chunked.raw_edges && dataset.reaches_beyond(&place) {
                    // The layout that is written has no such chunks: they skipped all filters.
                    chunk.mask = u32::MAX;
                }
                index.insert(place, chunk);
            }
            let extent = (chunked.shape.clone(), chunked.element);
            object.chunks = Some(ChunkStore::new(extent, pipeline, index));
        }
        Ok(object)
    }

    /// Writes elements.
    pub(super) fn write(
        &mut self,
        core: &FileCore,
        dataset: &Dataset,
        selection: &Selection,
        data: &[u8],
        threads: usize,
    ) -> Result<()> {
        match &dataset.layout {
            Layout::Compact(_) => self.write_compact(core, dataset, selection, data),
            Layout::Contiguous(..) if !dataset.segments.is_empty() => {
                Err(unsupported("raw files of other names are not written"))
            }
            Layout::Contiguous(address, _) => {
                let address = match *address {
                    UNDEFINED => self.set_aside(core, dataset)?,
                    address => address,
                };
                let edits = self.edits;
                flat_runs(dataset, selection, data.len(), &mut |at, from, len| {
                    write(edits, core, address + at, &data[from..from + len])
                })
            }
            Layout::Chunked(_) => self.write_chunked(core, dataset, (selection, data), threads),
            Layout::Virtual(_) => {
                let hint = "write to its sources";
                Err(unsupported("elements of virtual datasets are not written").with_hint(hint))
            }
        }
    }

    fn write_compact(
        &mut self,
        core: &FileCore,
        dataset: &Dataset,
        selection: &Selection,
        data: &[u8],
    ) -> Result<()> {
        let Layout::Compact(old) = &dataset.layout else { return Ok(()) };
        let mut new = old.clone();
        flat_runs(dataset, selection, data.len(), &mut |at, from, len| {
            new[index(at)..][..len].copy_from_slice(&data[from..from + len]);
            Ok(())
        })?;
        let mut out = Encoder::new(core.sizes);
        out.u8(3).u8(0).u16(u16::try_from(new.len()).unwrap_or(0)).bytes(&new);
        let object = self.object(core, dataset.address)?;
        object.header.set(MessageKind::LAYOUT, out.finish(), 0);
        object.is_dirty = true;
        Ok(())
    }

    /// Sets aside the space of a contiguous dataset, which is filled.
    fn set_aside(&mut self, core: &FileCore, dataset: &Dataset) -> Result<u64> {
        let len = dataset.bytes_of(dataset.space().elements())? as u64;
        let address = allocate(self.edits, core, len)?;
        if let Some(fill) = dataset.fill_bytes() {
            let part = (1 << 20) / fill.len().max(1) * fill.len().max(1);
            let mut block = vec![0; part.max(fill.len()).min(index(len))];
            fill_with(&mut block, Some(fill));
            for at in (0..len).step_by(block.len().max(1)) {
                let part = &block[..block.len().min(index(len - at))];
                write(self.edits, core, address + at, part)?;
            }
        } else {
            self.clear(core, address, len)?;
        }
        let mut out = Encoder::new(core.sizes);
        out.u8(3).u8(1).address(address).length(len);
        let object = self.object(core, dataset.address)?;
        object.header.set(MessageKind::LAYOUT, out.finish(), 0);
        object.is_dirty = true;
        Ok(address)
    }

    /// Makes bytes zero: those behind the end of the file are, once it is as long.
    fn clear(&mut self, core: &FileCore, address: u64, len: u64) -> Result<()> {
        let base = core.superblock.base;
        let end = self.edits.target.len().saturating_sub(base);
        if address >= end {
            return self.edits.target.grow(base + address + len);
        }
        let old = len.min(end - address);
        let block = vec![0; index(old.min(1 << 20))];
        for at in (0..old).step_by(block.len().max(1)) {
            write(self.edits, core, address + at, &block[..index((old - at).min(1 << 20))])?;
        }
        self.edits.target.grow(base + address + len)
    }

    fn write_chunked(
        &mut self,
        core: &FileCore,
        dataset: &Dataset,
        (selection, data): (&Selection, &[u8]),
        threads: usize,
    ) -> Result<()> {
        if let Some(filter) = dataset.pipeline.filters.iter().find(|filter| !filter.is_encoded()) {
            return Err(filter.not_encoded());
        }
        let edits = self.edits;
        let object = self.dataset(core, dataset)?;
        object.is_dirty = true;
        let Some(mut chunks) = object.chunks.take() else { return Ok(()) };
        let work = ChunkWrites::new(core, edits, dataset, selection, data, &mut chunks);
        let done = work.run(threads);
        let done = done.and_then(|written| {
            for (place, chunk) in written {
                match chunk {
                    Written::Stored(chunk) => {
                        chunks.take(&place);
                        chunks.set(edits, place, chunk);
                    }
                    Written::Waiting(data) => chunks.keep(place, data),
                }
            }
            if chunks.is_full() { chunks.flush(core, edits) } else { Ok(()) }
        });
        self.object(core, dataset.address)?.chunks = Some(chunks);
        done
    }
}

/// What became of a chunk.
enum Written {
    Stored(Chunk),
    Waiting(Arc<Vec<u8>>),
}

/// Elements that are written to chunks, side by side.
struct ChunkWrites<'a> {
    core: &'a FileCore,
    edits: &'a Edits,
    dataset: &'a Dataset,
    data: &'a [u8],
    pieces: Vec<Vec<(u64, Piece)>>,
    data_shape: Vec<u64>,
    chunks: Mutex<&'a mut ChunkStore>,
    shape: Vec<u64>,
    element: u64,
    pipeline: Arc<Pipeline>,
}

impl<'a> ChunkWrites<'a> {
    fn new(
        core: &'a FileCore,
        edits: &'a Edits,
        dataset: &'a Dataset,
        selection: &Selection,
        data: &'a [u8],
        chunks: &'a mut ChunkStore,
    ) -> Self {
        let shape = chunks.shape.clone();
        Self {
            core,
            edits,
            dataset,
            data,
            pieces: selection.pieces(&shape),
            data_shape: selection.shape(),
            element: chunks.element,
            pipeline: Arc::clone(&chunks.pipeline),
            chunks: Mutex::new(chunks),
            shape,
        }
    }

    fn run(&self, threads: usize) -> Result<Vec<(Place, Written)>> {
        let total = self.pieces.iter().try_fold(1_usize, |all, dim| all.checked_mul(dim.len()));
        let total = total
            .ok_or_else(|| Error::new(ErrorKind::Limit, "the selection has too many chunks"))?;
        let threads = if self.data.len() < 1 << 17 { 1 } else { threads };
        in_parallel(total, threads, |number| self.job(number))
    }

    fn job(&self, mut number: usize) -> Result<(Place, Written)> {
        let rank = self.pieces.len();
        let mut place: Place = vec![0; rank].into();
        let mut chosen: Vec<&Piece> = Vec::with_capacity(rank);
        for (i, dim) in self.pieces.iter().enumerate().rev() {
            let (at, piece) = &dim[number % dim.len()];
            number /= dim.len();
            place[i] = *at;
            chosen.push(piece);
        }
        chosen.reverse();
        let is_whole = self.is_whole(&place, &chosen);
        let mut chunk = if is_whole { self.empty(&place)? } else { self.current(&place)? };
        let dims = chosen.iter().enumerate();
        let dims = dims.map(|(i, piece)| (*piece, self.shape[i], self.data_shape[i]));
        let copy = BlockCopy { dims: dims.collect(), element: index(self.element) };
        copy.scatter(&mut chunk, self.data);
        // What is complete is stored at once; the rest waits for more, as rows that are appended.
        if is_whole && chunk.len() >= 4096 && !self.dataset.reaches_beyond(&place) {
            let chunk = store(self.core, self.edits, &self.pipeline, chunk)?;
            return Ok((place, Written::Stored(chunk)));
        }
        Ok((place, Written::Waiting(Arc::new(chunk))))
    }

    /// Whether all elements of a chunk that lie within the shape are written.
    fn is_whole(&self, place: &[u64], chosen: &[&Piece]) -> bool {
        let shape = self.dataset.space().shape();
        place.iter().zip(chosen).enumerate().all(|(i, (at, piece))| {
            let inside = (shape[i] - at * self.shape[i]).min(self.shape[i]);
            piece.covers(inside)
        })
    }

    /// A chunk without elements of its own.
    fn empty(&self, place: &[u64]) -> Result<Vec<u8>> {
        let mut chunk = crate::bytes::zeroed(index(self.chunk_len()))?;
        if self.dataset.reaches_beyond(place)
            && let Some(fill) = self.dataset.fill_bytes()
        {
            fill_with(&mut chunk, Some(fill));
        }
        Ok(chunk)
    }

    fn chunk_len(&self) -> u64 {
        self.shape.iter().product::<u64>() * self.element
    }

    /// A chunk as it is now.
    fn current(&self, place: &[u64]) -> Result<Vec<u8>> {
        let (waiting, stored) = {
            let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
            (chunks.take(place), chunks.index.get(place).copied())
        };
        if let Some(waiting) = waiting {
            return Ok(Arc::try_unwrap(waiting).unwrap_or_else(|shared| shared.as_ref().clone()));
        }
        current_chunk(self.core, self.dataset, &self.pipeline, stored, self.chunk_len())
    }
}

/// The elements of a stored chunk, or those of one that was never written.
fn current_chunk(
    core: &FileCore,
    dataset: &Dataset,
    pipeline: &Pipeline,
    stored: Option<Chunk>,
    len: u64,
) -> Result<Vec<u8>> {
    let Some(chunk) = stored else {
        let mut data = crate::bytes::zeroed(index(len))?;
        fill_with(&mut data, dataset.fill_bytes());
        return Ok(data);
    };
    core.locate(chunk.address, chunk.len)?;
    let mut data = crate::bytes::zeroed(index(chunk.len))?;
    core.read_data(chunk.address, &mut data)?;
    let mut data = pipeline.decode(data, chunk.mask, index(len))?;
    if (data.len() as u64) < len {
        return Err(malformed(format!("expected a chunk of {len} bytes, found {}", data.len())));
    }
    data.truncate(index(len));
    Ok(data)
}

/// Sets what lies outside a smaller shape to the fill value: it is seen when the shape grows.
fn clear_edges(
    core: &FileCore,
    edits: &Edits,
    dataset: &Dataset,
    chunks: &mut ChunkStore,
    (old, new): (&[u64], &[u64]),
) -> Result<()> {
    let reaches = |place: &[u64]| {
        place.iter().enumerate().any(|(i, at)| {
            let (begin, end) = (at * chunks.shape[i], (at + 1) * chunks.shape[i]);
            begin < new[i] && end.min(old[i]) > new[i]
        })
    };
    let mut places: Vec<Place> = chunks.places().filter(|place| reaches(place)).collect();
    places.sort();
    places.dedup();
    let len = chunks.shape.iter().product::<u64>() * chunks.element;
    for place in places {
        let mut data = if let Some(data) = chunks.take(&place) {
            data.as_ref().clone()
        } else {
            let stored = chunks.index.get(&place).copied();
            current_chunk(core, dataset, &chunks.pipeline, stored, len)?
        };
        let inside: Vec<u64> = (place.iter().enumerate())
            .map(|(i, at)| (new[i] - at * chunks.shape[i]).min(chunks.shape[i]))
            .collect();
        fill_outside(&mut data, (&chunks.shape, &inside), dataset.fill_bytes());
        chunks.keep(place, Arc::new(data));
        if chunks.is_full() {
            chunks.flush(core, edits)?;
        }
    }
    Ok(())
}

/// Fills the elements of a chunk that lie outside `inside` in some dimension.
fn fill_outside(data: &mut [u8], (shape, inside): (&[u64], &[u64]), fill: Option<&[u8]>) {
    let (Some((&n, shape)), Some((&keep, inside))) = (shape.split_first(), inside.split_first())
    else {
        return;
    };
    let row = index(data.len() as u64 / n.max(1));
    for (i, part) in data.chunks_exact_mut(row.max(1)).enumerate() {
        if i as u64 >= keep {
            fill_with(part, fill);
        } else {
            fill_outside(part, (shape, inside), fill);
        }
    }
}

impl Node {
    /// Makes a dataset in the node's file; no link leads to it yet.
    ///
    /// # Errors
    /// If the file is not open for writing, or the dataset is not possible.
    pub fn create_dataset(&self, spec: &DatasetSpec) -> Result<Self> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let address = edits.begin()?.create_dataset(core, spec, None)?;
        Ok(Self::at(core, address))
    }

    /// Makes a contiguous dataset of these elements, as the file has them, in the group that the
    /// node is; `None` if the name exists.
    ///
    /// # Errors
    /// As [`Node::create_dataset`]; if the node is no group, or the data do not fit.
    pub fn add_dataset(
        &self,
        name: &[u8],
        spec: &DatasetSpec,
        data: &[u8],
    ) -> Result<Option<Self>> {
        check_name(name)?;
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        if spec.storage != Storage::Contiguous || spec.bytes()? != data.len() as u64 {
            return Err(malformed("expected all elements of a contiguous dataset"));
        }
        let mut change = edits.begin()?;
        if change.links(core, self.id().1)?.links.get(name).is_some() {
            return Ok(None);
        }
        let address = change.create_dataset(core, spec, Some(data))?;
        change.link(core, self.id().1, name, &LinkTarget::Hard(address))?;
        Ok(Some(Self::at(core, address)))
    }

    /// Changes the shape of the dataset that the node is.
    ///
    /// # Errors
    /// If the dataset has no chunks, or may not become as large.
    pub fn resize(&self, shape: &[u64]) -> Result<()> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let dataset = self.dataset()?;
        edits.begin()?.resize(core, &dataset, shape)
    }

    /// Writes elements, as the file has them, to the dataset that the node is.
    ///
    /// # Errors
    /// Those of the file; if the selection and the data do not fit.
    pub fn write(&self, selection: &Selection, data: &[u8], threads: usize) -> Result<()> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let dataset = self.dataset()?;
        selection.check(dataset.space().shape())?;
        let elements =
            if *dataset.space() == Dataspace::Null { 0 } else { selection.elements()? };
        if dataset.bytes_of(elements)? != data.len() {
            return Err(malformed(format!("expected the bytes of {elements} elements")));
        }
        if data.is_empty() {
            return Ok(());
        }
        edits.begin()?.write(core, &dataset, selection, data, threads)
    }
}
