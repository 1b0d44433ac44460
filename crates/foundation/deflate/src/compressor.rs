//! libdeflate's compressors.

use std::cell::RefCell;

use cannery_core::{Error, ErrorKind, Result};
use libdeflater::{CompressionLvl, Compressor};

use crate::blocks;

fn level_of(level: u8) -> CompressionLvl {
    CompressionLvl::new(level.into()).unwrap_or_default()
}

/// Calls `work` with the thread's compressor of a level: to make one takes as long as to use it.
pub(crate) fn with_compressor<T>(level: u8, work: impl FnOnce(&mut Compressor) -> T) -> T {
    thread_local! {
        static KEPT: RefCell<Option<(u8, Compressor)>> = const { RefCell::new(None) };
    }
    KEPT.with_borrow_mut(|kept| {
        let mut found = kept.take().filter(|(of, _)| *of == level);
        let (_, compressor) =
            found.get_or_insert_with(|| (level, Compressor::new(level_of(level))));
        let done = work(compressor);
        *kept = found;
        done
    })
}

/// Compresses a piece at a level; without `ends`, as the joint of two pieces wants it.
pub(crate) fn compress_with_matches(piece: &[u8], level: u8, ends: bool) -> Result<Vec<u8>> {
    with_compressor(level, |compressor| {
        let mut packed = Vec::new();
        let bound = compressor.deflate_compress_bound(piece.len());
        packed.try_reserve_exact(bound + blocks::JOINT).map_err(|_| Error::out_of_memory())?;
        packed.resize(bound, 0);
        let len = compressor.deflate_compress(piece, &mut packed).map_err(|_| {
            Error::new(ErrorKind::Memory, "there is too little room for what was compressed")
        })?;
        packed.truncate(len);
        if !ends {
            blocks::open_end(&mut packed)?;
        }
        Ok(packed)
    })
}

/// How many bytes a sample takes at a level.
pub(crate) fn packed_size(sample: &[u8], level: u8) -> usize {
    with_compressor(level, |compressor| {
        let mut packed = vec![0; compressor.deflate_compress_bound(sample.len())];
        compressor.deflate_compress(sample, &mut packed).unwrap_or(usize::MAX)
    })
}
