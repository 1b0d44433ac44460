//! Scale-offset: numbers as few bits above their minimum.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "the bits of numbers are what this is about"
)]

use cannery_core::Result;

use super::bits::BitReader;
use crate::bytes::{Cursor, little_endian, malformed, unsupported};

/// Where the packed numbers begin.
const HEAD: usize = 21;

struct ScaleOffsetParameters {
    is_float: bool,
    decimals: i32,
    count: usize,
    size: usize,
    big: bool,
    fill: Option<u64>,
}

impl ScaleOffsetParameters {
    fn parse(values: &[u32]) -> Result<Self> {
        let &[kind, factor, count, class, size, _sign, order, fill, ref rest @ ..] = values else {
            return Err(malformed("expected at least eight parameters"));
        };
        if !matches!((kind, class), (0, 1) | (2, 0)) {
            return Err(unsupported(format!("scaling of kind {kind} of class {class}")));
        }
        let sizes: &[u32] = if class == 1 { &[4, 8] } else { &[1, 2, 4, 8] };
        if !sizes.contains(&size) {
            return Err(malformed(format!("expected numbers of 1, 2, 4 or 8 bytes, found {size}")));
        }
        let word = |i: usize| u64::from(rest.get(i).copied().unwrap_or(0));
        let fill = (fill == 1).then(|| (word(0) | word(1) << 32) & mask(size * 8));
        Ok(Self {
            is_float: class == 1,
            decimals: factor.cast_signed(),
            count: count as usize,
            size: size as usize,
            big: order == 1,
            fill,
        })
    }

    /// What a packed number stands for, as bits.
    fn restore(&self, packed: u64, bits: u32, minimum: u64) -> u64 {
        if let Some(fill) = self.fill
            && packed == mask(bits)
            && bits > 0
        {
            return fill;
        }
        match (self.is_float, self.size) {
            (false, _) => packed.wrapping_add(minimum),
            (true, 4) => {
                let minimum = f32::from_bits(minimum as u32);
                let scale = 10_f32.powi(self.decimals);
                u64::from((packed as i32 as f32 / scale + minimum).to_bits())
            }
            (true, _) => {
                let scale = 10_f64.powi(self.decimals);
                (packed as i64 as f64 / scale + f64::from_bits(minimum)).to_bits()
            }
        }
    }
}

fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

pub(super) fn decode(data: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    let parameters = ScaleOffsetParameters::parse(values)?;
    let size = parameters.size;
    let total = parameters.count.checked_mul(size).filter(|total| *total <= most);
    let total = total.ok_or_else(|| super::too_long(most))?;
    let mut cursor = Cursor::new(data);
    let bits = cursor.u32()?;
    let width = usize::from(cursor.u8()?).min(8);
    let minimum = little_endian(cursor.take(width)?);
    let packed = data.get(HEAD..).ok_or_else(|| malformed("the chunk is too short"))?;
    if bits as usize > size * 8 {
        return Err(malformed(format!("expected at most {} bits, found {bits}", size * 8)));
    }
    let mut out = crate::bytes::zeroed(total)?;
    if bits as usize == size * 8 {
        let stored = packed.get(..total).ok_or_else(|| malformed("the chunk is too short"))?;
        out.copy_from_slice(stored);
        if parameters.big {
            out.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        return Ok(out);
    }
    let mut reader = BitReader::new(packed);
    for element in out.chunks_exact_mut(size) {
        let value = parameters.restore(reader.long(bits)?, bits, minimum);
        element.copy_from_slice(&value.to_le_bytes()[..size]);
        if parameters.big {
            element.reverse();
        }
    }
    Ok(out)
}
