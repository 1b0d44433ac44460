//! Selections as the format stores them, and the mappings of virtual datasets.

use super::encode::Encoder;
use crate::bytes::Sizes;
use crate::region::Region;
use crate::virtual_data::VirtualSource;

impl Region {
    /// The bytes of the selection: in the form of HDF5 1.8 where its numbers allow that.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new(Sizes { offset: 8, length: 8 });
        match self {
            Self::None => out.u32(0).u32(1).zeros(8),
            Self::All => out.u32(3).u32(1).zeros(8),
            Self::Points(points) => {
                let rank = points.first().map_or(0, Vec::len);
                let width = width(points.iter().flatten());
                head(&mut out, 1, width, 4 + 4 * (1 + rank * points.len()));
                out.u32(number(rank)).uint(points.len() as u64, width);
                for &at in points.iter().flatten() {
                    out.uint(at, width);
                }
                &mut out
            }
            Self::Blocks(blocks) => {
                let rank = blocks.first().map_or(0, |(first, _)| first.len());
                let all = || blocks.iter().flat_map(|(first, last)| first.iter().chain(last));
                let width = width(all());
                if width == 4 {
                    head(&mut out, 2, width, 4 + 4 * (1 + 2 * rank * blocks.len()));
                } else {
                    // Not regular, numbers of eight bytes.
                    out.u32(2).u32(3).u8(0).u8(8);
                }
                out.u32(number(rank)).uint(blocks.len() as u64, width);
                for &at in all() {
                    out.uint(at, width);
                }
                &mut out
            }
            Self::Regular(dims) => {
                out.u32(2).u32(2).u8(1).u32(number(4 + 32 * dims.len())).u32(number(dims.len()));
                for dim in dims {
                    out.u64(dim.start).u64(dim.stride).u64(dim.count).u64(dim.block);
                }
                &mut out
            }
        };
        out.finish()
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn width<'a>(mut numbers: impl Iterator<Item = &'a u64>) -> usize {
    if numbers.all(|&n| n < u64::from(u32::MAX)) { 4 } else { 8 }
}

fn head(out: &mut Encoder, kind: u32, width: usize, len: usize) {
    out.u32(kind);
    if width == 4 {
        out.u32(1).u32(0).u32(number(len));
    } else {
        out.u32(2).u8(8);
    }
}

/// The block that says which elements of a virtual dataset are which of others: for each source
/// the elements there, and those of the virtual dataset.
#[must_use]
pub fn encode_mappings(mappings: &[(VirtualSource, Region, Region)]) -> Vec<u8> {
    let mut out = Encoder::new(Sizes { offset: 8, length: 8 });
    out.u8(0).length(mappings.len() as u64);
    for (source, from, to) in mappings {
        out.bytes(&source.file).u8(0).bytes(&source.path).u8(0);
        out.bytes(&from.encode()).bytes(&to.encode());
    }
    out.checksum().finish()
}
