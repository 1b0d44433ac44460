//! Datasets: what they are, and their elements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use crate::bytes::{Cursor, UNDEFINED, malformed, unsupported};
use crate::chunks::{Chunk, ChunkIndex, Grid};
use crate::core::FileCore;
use crate::dataspace::Dataspace;
use crate::datatype::Datatype;
use crate::external::ExternalSegment;
use crate::fill::{Fill, FillValue};
use crate::filters::{Filter, Pipeline, unknown_filter};
use crate::header::{Header, MessageKind};
use crate::layout::Layout;
use crate::node::Node;
use crate::selection::Selection;
use crate::shared::resolve;
use crate::symbols::LocalHeap;
use crate::virtual_data::{Mapping, VirtualSource};
use crate::write::{Edits, Place};

/// Decoded chunks that are kept for each dataset, in bytes.
const KEPT: usize = 16 << 20;

/// A dataset of an open file.
pub struct Dataset {
    pub(crate) core: Arc<FileCore>,
    pub(crate) address: u64,
    datatype: Datatype,
    space: Dataspace,
    pub(crate) layout: Layout,
    pub(crate) fill: Fill,
    pub(crate) pipeline: Pipeline,
    pub(crate) segments: Vec<ExternalSegment>,
    index: OnceLock<Result<ChunkIndex, String>>,
    pub(crate) kept: Mutex<KeptChunks>,
    pub(crate) mappings: Vec<Mapping>,
    /// Whether the index of chunks is in memory, where the file is written.
    pub(crate) is_edited: bool,
    /// The number of the last change that is seen, and the dataset since later ones.
    generation: u64,
    newer: Mutex<Option<Arc<Dataset>>>,
}

/// Chunks that were decoded last.
#[derive(Default)]
pub(crate) struct KeptChunks {
    bytes: usize,
    chunks: HashMap<u64, Arc<Vec<u8>>>,
}

impl KeptChunks {
    pub(crate) fn get(&self, number: u64) -> Option<Arc<Vec<u8>>> {
        self.chunks.get(&number).cloned()
    }

    pub(crate) fn insert(&mut self, number: u64, chunk: Arc<Vec<u8>>) {
        if chunk.len() > KEPT {
            return;
        }
        if self.bytes + chunk.len() > KEPT {
            *self = Self::default();
        }
        self.bytes += chunk.len();
        self.chunks.insert(number, chunk);
    }
}

impl Dataset {
    pub(crate) fn read_header(core: &Arc<FileCore>, header: &Header) -> Result<Self> {
        let find = |kind: u16, what: &str| {
            let message =
                header.find(kind).ok_or_else(|| malformed(format!("a dataset has no {what}")))?;
            resolve(core, message)
        };
        let datatype = Datatype::parse(&find(MessageKind::DATATYPE, "datatype")?)?;
        let mut space = Dataspace::parse(core.sizes, &find(MessageKind::DATASPACE, "dataspace")?)?;
        let layout = Layout::parse(core, &find(MessageKind::LAYOUT, "data layout")?)?;
        let pipeline = match header.find(MessageKind::FILTERS) {
            Some(message) => Pipeline::parse(&resolve(core, message)?)?,
            None => Pipeline::default(),
        };
        let fill = read_fill(core, header)?;
        let segments = match header.find(MessageKind::EXTERNAL_FILES) {
            Some(message) => read_segments(core, &resolve(core, message)?)?,
            None => Vec::new(),
        };
        let mappings = match &layout {
            Layout::Virtual(heap) => crate::virtual_data::read_mappings(core, *heap, &mut space)?,
            _ => Vec::new(),
        };
        let edits = core.edits.as_ref();
        let generation = edits.map_or(0, Edits::generation);
        let dataset = Self {
            core: Arc::clone(core),
            address: header.address,
            datatype,
            space,
            layout,
            fill,
            pipeline,
            segments,
            index: OnceLock::new(),
            kept: Mutex::default(),
            mappings,
            is_edited: edits.is_some_and(|edits| edits.has_chunks(header.address)),
            generation,
            newer: Mutex::default(),
        };
        dataset.check()?;
        Ok(dataset)
    }

    /// The chunks that are stored, each with its place in the grid.
    pub(crate) fn stored_chunks(&self) -> Result<Vec<(Place, Chunk)>> {
        let Layout::Chunked(chunked) = &self.layout else { return Ok(Vec::new()) };
        let grid = self.grid(chunked)?;
        Ok(self.chunk_index()?.places(&grid))
    }

    /// Whether a chunk reaches beyond the shape.
    pub(crate) fn reaches_beyond(&self, place: &[u64]) -> bool {
        let Layout::Chunked(chunked) = &self.layout else { return false };
        let shape = self.space.shape();
        place.iter().zip(&chunked.shape).zip(shape).any(|((at, chunk), n)| (at + 1) * chunk > *n)
    }

    /// The dataset as it is now, if it has been changed since it was opened.
    fn now(&self) -> Result<Option<Arc<Self>>> {
        let Some(edits) = &self.core.edits else { return Ok(None) };
        let generation = edits.generation();
        if generation == self.generation {
            return Ok(None);
        }
        let mut newer = self.newer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = newer.as_ref().filter(|newer| newer.generation == generation) {
            return Ok(Some(Arc::clone(newer)));
        }
        let dataset = Arc::new(Node::at(&self.core, self.address).dataset()?);
        *newer = Some(Arc::clone(&dataset));
        Ok(Some(dataset))
    }

    /// What libhdf5 checks when it opens a dataset.
    fn check(&self) -> Result<()> {
        if let Layout::Chunked(chunked) = &self.layout {
            if chunked.shape.len() != self.space.shape().len() {
                return Err(malformed("chunks have another rank than their dataset"));
            }
            if chunked.element != u64::from(self.datatype.size) {
                return Err(malformed("chunks have elements of another size than their dataset"));
            }
        }
        let bytes = self.space.elements().checked_mul(u64::from(self.datatype.size));
        match (&self.layout, bytes) {
            (Layout::Contiguous(address, Some(len)), Some(bytes))
                if *address != UNDEFINED && *len < bytes && self.segments.is_empty() =>
            {
                Err(malformed(format!("expected {bytes} bytes of data, found {len}")))
            }
            (Layout::Compact(data), Some(bytes)) if (data.len() as u64) < bytes => {
                Err(malformed(format!("expected {bytes} bytes of data, found {}", data.len())))
            }
            _ => Ok(()),
        }
    }

    /// The type of its elements.
    #[must_use]
    pub fn datatype(&self) -> &Datatype {
        &self.datatype
    }

    /// Its shape.
    #[must_use]
    pub fn space(&self) -> &Dataspace {
        &self.space
    }

    /// The shape of its chunks, if it has chunks.
    #[must_use]
    pub fn chunks(&self) -> Option<&[u64]> {
        match &self.layout {
            Layout::Chunked(chunked) => Some(&chunked.shape),
            _ => None,
        }
    }

    /// Its filters, in the order in which they are applied.
    #[must_use]
    pub fn filters(&self) -> &[Filter] {
        &self.pipeline.filters
    }

    /// What elements are that were never written.
    #[must_use]
    pub fn fill_value(&self) -> &FillValue {
        &self.fill.value
    }

    /// The raw files that hold its data: name, offset and length of each part.
    #[must_use]
    pub fn external_segments(&self) -> &[ExternalSegment] {
        &self.segments
    }

    /// Whether its elements are those of other datasets.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(self.layout, Layout::Virtual(_))
    }

    /// The datasets whose elements it has.
    pub fn virtual_sources(&self) -> impl Iterator<Item = &VirtualSource> {
        self.mappings.iter().map(|mapping| &mapping.source)
    }

    /// The mapping block of a virtual dataset, for another that has the same elements
    /// ([`Storage::Virtual`](crate::Storage::Virtual)); `None` if it has none.
    ///
    /// # Errors
    /// Those of the heap that it is in; [`ErrorKind::Unsupported`](cannery_core::ErrorKind::Unsupported)
    /// in files whose lengths have another size than those of new ones.
    pub fn virtual_block(&self) -> Result<Option<Vec<u8>>> {
        let Layout::Virtual(heap) = self.layout else { return Ok(None) };
        if heap.address == UNDEFINED {
            return Ok(None);
        }
        if self.core.sizes.length != 8 {
            return Err(unsupported("mappings with lengths of a size other than 8 bytes"));
        }
        heap.get(&self.core).map(Some)
    }

    /// How many bytes its data take in the file.
    ///
    /// # Errors
    /// Those of the index of chunks.
    pub fn stored_bytes(&self) -> Result<u64> {
        Ok(match &self.layout {
            Layout::Compact(data) => data.len() as u64,
            Layout::Contiguous(UNDEFINED, _) | Layout::Virtual(_) => 0,
            Layout::Contiguous(_, len) => {
                len.unwrap_or_else(|| self.space.elements() * u64::from(self.datatype.size))
            }
            Layout::Chunked(_) => self.chunk_index()?.stored_bytes(),
        })
    }

    /// Where in the file the data begin, if they stand in one piece there as they are.
    #[must_use]
    pub fn data_offset(&self) -> Option<u64> {
        match self.layout {
            Layout::Contiguous(UNDEFINED, _) => None,
            Layout::Contiguous(address, _) if self.segments.is_empty() => {
                address.checked_add(self.core.superblock.base)
            }
            _ => None,
        }
    }

    pub(crate) fn grid<'a>(&self, chunked: &'a crate::layout::Chunked) -> Result<Grid<'a>> {
        let Dataspace::Simple { shape, max_shape } = &self.space else {
            return Err(malformed("a dataset without dimensions has chunks"));
        };
        Grid::new(&self.core, chunked, !self.pipeline.filters.is_empty(), (shape, max_shape))
    }

    pub(crate) fn chunk_index(&self) -> Result<&ChunkIndex> {
        let Layout::Chunked(chunked) = &self.layout else {
            return Err(malformed("the dataset has no chunks"));
        };
        let edits = self.core.edits.as_ref().filter(|_| self.is_edited);
        let read = || match edits {
            Some(edits) => {
                Ok(ChunkIndex::of(&self.grid(chunked)?, edits.stored_chunks(self.address)))
            }
            None => ChunkIndex::read(&self.core, &self.grid(chunked)?),
        };
        let index = self.index.get_or_init(|| read().map_err(|e| e.to_string()));
        index.as_ref().map_err(|e| malformed(e.clone()))
    }

    /// The bytes of `count` elements.
    pub(crate) fn bytes_of(&self, count: u64) -> Result<usize> {
        let bytes = count.checked_mul(u64::from(self.datatype.size));
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        bytes.ok_or_else(|| Error::new(ErrorKind::Limit, "the selection is larger than memory"))
    }

    /// Reads elements, as the file has them, into `out`, which has just as many bytes.
    ///
    /// Chunks are decoded by `threads` threads; 0 means as many as there are processors.
    ///
    /// # Errors
    /// Those of the file and of the filters; [`ErrorKind::Unsupported`] names the filter that is
    /// not known.
    pub fn read_into(&self, selection: &Selection, out: &mut [u8], threads: usize) -> Result<()> {
        let _gate = self.core.edits.as_ref().map(Edits::reading);
        self.read_ungated(selection, out, threads)
    }

    /// Reads while nothing is written, as the caller has made sure.
    pub(crate) fn read_ungated(
        &self,
        selection: &Selection,
        out: &mut [u8],
        threads: usize,
    ) -> Result<()> {
        if let Some(now) = self.now()? {
            return now.read_ungated(selection, out, threads);
        }
        selection.check(self.space.shape())?;
        let elements = if self.space == Dataspace::Null { 0 } else { selection.elements()? };
        if self.bytes_of(elements)? != out.len() {
            return Err(malformed(format!("expected a buffer of {elements} elements")));
        }
        if out.is_empty() {
            return Ok(());
        }
        if let Some(filter) = self.pipeline.unknown()
            && matches!(self.layout, Layout::Chunked(_))
            && self.chunk_index()?.needs(&self.pipeline, filter.id)
        {
            return Err(unknown_filter(filter.id, &filter.name));
        }
        crate::read::read(self, selection, out, threads)
    }

    /// Reads all elements, as the file has them.
    ///
    /// # Errors
    /// Those of [`Dataset::read_into`].
    pub fn read_bytes(&self) -> Result<Vec<u8>> {
        let selection = Selection::all(self.space.shape());
        let mut out = crate::bytes::zeroed(self.bytes_of(self.space.elements())?)?;
        self.read_into(&selection, &mut out, 0)?;
        Ok(out)
    }

    /// The bytes of an element that was never written; `None` for zeros.
    pub(crate) fn fill_bytes(&self) -> Option<&[u8]> {
        match &self.fill.value {
            FillValue::Value(bytes)
                if !self.fill.never_written && bytes.len() == self.datatype.size as usize =>
            {
                Some(bytes).filter(|bytes| bytes.iter().any(|&byte| byte != 0)).map(Vec::as_slice)
            }
            _ => None,
        }
    }

    pub(crate) fn keep(&self) -> std::sync::MutexGuard<'_, KeptChunks> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_fill(core: &FileCore, header: &Header) -> Result<Fill> {
    if let Some(message) = header.find(MessageKind::FILL) {
        return Fill::parse(&resolve(core, message)?);
    }
    match header.find(MessageKind::OLD_FILL) {
        Some(message) => Fill::parse_old(&resolve(core, message)?),
        None => Ok(Fill::default()),
    }
}

fn read_segments(core: &FileCore, data: &[u8]) -> Result<Vec<ExternalSegment>> {
    let mut cursor = Cursor::new(data);
    cursor.version(1, "a list of external files")?;
    cursor.skip(5)?;
    let count = cursor.u16()?;
    let heap = LocalHeap::read(core, cursor.address(core.sizes)?)?;
    let segment = |cursor: &mut Cursor<'_>| {
        let name = heap.name(cursor.length(core.sizes)?)?.to_vec();
        let offset = cursor.length(core.sizes)?;
        Ok(ExternalSegment { name, offset, len: cursor.length(core.sizes)? })
    };
    (0..count).map(|_| segment(&mut cursor)).collect()
}

/// Fills `out` with an element again and again.
pub(crate) fn fill_with(out: &mut [u8], element: Option<&[u8]>) {
    match element {
        None => out.fill(0),
        Some(element) => out
            .chunks_exact_mut(element.len().max(1))
            .for_each(|part| part.copy_from_slice(element)),
    }
}
