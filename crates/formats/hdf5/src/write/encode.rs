//! Bytes of messages and structures, little-endian.

use cannery_core::Result;

use crate::bytes::{Sizes, UNDEFINED, bytes_for, unsupported};
use crate::checksum::lookup3;
use crate::dataspace::Dataspace;
use crate::fill::FillValue;
use crate::filters::Filter;
use crate::links::{Link, LinkTarget};

/// Bytes that grow.
pub(super) struct Encoder {
    pub(super) data: Vec<u8>,
    sizes: Sizes,
}

impl Encoder {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self { data: Vec::new(), sizes }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.data.extend_from_slice(bytes);
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.data.resize(self.data.len() + count, 0);
        self
    }

    /// A number of `size` bytes: zeros beyond the eighth.
    pub(super) fn uint(&mut self, value: u64, size: usize) -> &mut Self {
        self.bytes(&value.to_le_bytes()[..size.min(8)]).zeros(size.saturating_sub(8))
    }

    fn all_ones(&mut self, size: u8) -> &mut Self {
        self.data.resize(self.data.len() + usize::from(size), 0xff);
        self
    }

    pub(super) fn address(&mut self, address: u64) -> &mut Self {
        let size = self.sizes.offset;
        if address == UNDEFINED {
            return self.all_ones(size);
        }
        self.uint(address, usize::from(size))
    }

    pub(super) fn length(&mut self, length: u64) -> &mut Self {
        let size = self.sizes.length;
        if length == UNDEFINED {
            return self.all_ones(size);
        }
        self.uint(length, usize::from(size))
    }

    /// Zeros up to a multiple of eight bytes.
    pub(super) fn align(&mut self) -> &mut Self {
        let fill = self.data.len().next_multiple_of(8) - self.data.len();
        self.zeros(fill)
    }

    /// The checksum of all bytes so far.
    pub(super) fn checksum(&mut self) -> &mut Self {
        let sum = lookup3(&self.data);
        self.u32(sum)
    }

    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.data)
    }
}

/// A length as the two bytes that many messages have for it.
pub(super) fn short(len: usize, what: &str) -> Result<u16> {
    u16::try_from(len)
        .map_err(|_| unsupported(format!("{what} of {len} bytes is longer than the format allows")))
}

pub(super) fn dataspace(sizes: Sizes, space: &Dataspace) -> Vec<u8> {
    let mut out = Encoder::new(sizes);
    match space {
        Dataspace::Null => out.bytes(&[2, 0, 0, 2]),
        Dataspace::Scalar => out.bytes(&[2, 0, 0, 0]),
        Dataspace::Simple { shape, max_shape } => {
            let rank = u8::try_from(shape.len()).unwrap_or(u8::MAX);
            // The bounds stand there even where they are the sides: who makes one smaller keeps them.
            out.bytes(&[2, rank, 1, 1]);
            for &n in shape {
                out.length(n);
            }
            for n in max_shape {
                out.length(n.unwrap_or(UNDEFINED));
            }
            &mut out
        }
    };
    out.finish()
}

/// When a dataset's space is set aside.
#[derive(Clone, Copy)]
pub(super) enum Allocation {
    Early = 1,
    Late = 2,
    Incremental = 3,
}

pub(super) fn fill_value(sizes: Sizes, value: &FillValue, allocation: Allocation) -> Vec<u8> {
    let mut out = Encoder::new(sizes);
    // Fill values are written if they are set.
    out.bytes(&[2, allocation as u8, 2]);
    match value {
        FillValue::Undefined => out.u8(0),
        FillValue::Default => out.u8(1).u32(0),
        FillValue::Value(bytes) => {
            out.u8(1).u32(u32::try_from(bytes.len()).unwrap_or(0)).bytes(bytes)
        }
    };
    out.finish()
}

pub(super) fn pipeline(sizes: Sizes, filters: &[Filter]) -> Result<Vec<u8>> {
    let mut out = Encoder::new(sizes);
    out.u8(1).u8(u8::try_from(filters.len()).unwrap_or(u8::MAX)).zeros(6);
    for filter in filters {
        let name_len =
            if filter.name.is_empty() { 0 } else { (filter.name.len() + 1).next_multiple_of(8) };
        out.u16(filter.id).u16(short(name_len, "a filter's name")?).u16(filter.flags);
        out.u16(short(filter.values.len(), "a list of parameters")?);
        out.bytes(&filter.name).zeros(name_len - filter.name.len());
        for &value in &filter.values {
            out.u32(value);
        }
        out.zeros(4 * (filter.values.len() % 2));
    }
    Ok(out.finish())
}

/// An attribute's message.
pub(super) fn attribute(
    sizes: Sizes,
    name: &[u8],
    (datatype, is_shared): (&[u8], bool),
    space: &[u8],
    data: &[u8],
) -> Result<Vec<u8>> {
    let mut out = Encoder::new(sizes);
    out.u8(3).u8(u8::from(is_shared)).u16(short(name.len() + 1, "an attribute's name")?);
    out.u16(short(datatype.len(), "an attribute's datatype")?);
    out.u16(short(space.len(), "an attribute's shape")?);
    out.u8(u8::from(!name.is_ascii()));
    out.bytes(name).u8(0).bytes(datatype).bytes(space).bytes(data);
    Ok(out.finish())
}

pub(super) fn link(sizes: Sizes, link: &Link) -> Result<Vec<u8>> {
    let mut out = Encoder::new(sizes);
    let width = match bytes_for(link.name.len() as u64) {
        1 => 0_u8,
        2 => 1,
        _ => 2,
    };
    let kind = match &link.target {
        LinkTarget::Hard(_) => 0,
        LinkTarget::Soft(_) => 1,
        LinkTarget::External { .. } => 64,
        LinkTarget::User(kind, _) => *kind,
    };
    let flag = |condition: bool, bit: u8| u8::from(condition) << bit;
    let flags = width | flag(link.order.is_some(), 2) | flag(kind != 0, 3) | flag(link.is_utf8, 4);
    out.u8(1).u8(flags);
    if kind != 0 {
        out.u8(kind);
    }
    if let Some(order) = link.order {
        out.u64(order);
    }
    if link.is_utf8 {
        out.u8(1);
    }
    out.uint(link.name.len() as u64, 1 << width).bytes(&link.name);
    match &link.target {
        LinkTarget::Hard(address) => out.address(*address),
        LinkTarget::Soft(path) => out.u16(short(path.len(), "a link's path")?).bytes(path),
        LinkTarget::External { file, path } => {
            out.u16(short(file.len() + path.len() + 3, "a link's path")?);
            out.u8(0).bytes(file).u8(0).bytes(path).u8(0)
        }
        LinkTarget::User(_, value) => out.u16(short(value.len(), "a link's value")?).bytes(value),
    };
    Ok(out.finish())
}
