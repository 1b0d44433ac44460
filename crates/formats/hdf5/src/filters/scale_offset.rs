//! Scale-offset: numbers as few bits above their minimum.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
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

/// Packs a chunk.
pub(super) fn encode(data: &[u8], values: &[u32]) -> Result<Vec<u8>> {
    let parameters = ScaleOffsetParameters::parse(values)?;
    let signed = values.get(5).copied().unwrap_or(0) != 0;
    let (size, full) = (parameters.size, parameters.size as u32 * 8);
    let numbers: Vec<u64> = (data.chunks_exact(size))
        .map(|element| {
            if parameters.big {
                element.iter().fold(0, |n, &b| n << 8 | u64::from(b))
            } else {
                little_endian(element)
            }
        })
        .collect();
    let wanted = if parameters.is_float { 0 } else { parameters.decimals.max(0).cast_unsigned() };
    let (bits, minimum, packed) = if wanted >= full {
        (full, 0, Vec::new())
    } else if parameters.is_float {
        parameters.pack_floats(&numbers)
    } else {
        parameters.pack_integers(&numbers, signed, wanted)
    };
    let mut out = bits.to_le_bytes().to_vec();
    out.push(8);
    out.extend_from_slice(&minimum.to_le_bytes());
    out.resize(HEAD, 0);
    if bits == full {
        for number in &numbers {
            out.extend_from_slice(&number.to_le_bytes()[..size]);
        }
        return Ok(out);
    }
    let mut writer = super::bits::BitWriter::new(&mut out);
    for &number in &packed {
        writer.long(number, bits);
    }
    writer.finish();
    let len = HEAD + numbers.len() * bits as usize / 8 + 1;
    out.resize(len, 0);
    Ok(out)
}

/// The bits that tell `span` values apart.
fn bits_for_span(span: u64) -> u32 {
    64 - span.saturating_sub(1).leading_zeros()
}

impl ScaleOffsetParameters {
    /// The bits of a number, the minimum, and the numbers above it.
    fn pack_integers(&self, numbers: &[u64], signed: bool, wanted: u32) -> (u32, u64, Vec<u64>) {
        let full = self.size as u32 * 8;
        // Signed numbers are compared with their sign bit turned around.
        let sign = if signed { 1 << (full - 1) } else { 0 };
        let counted = || numbers.iter().filter(|n| Some(**n) != self.fill).map(|n| n ^ sign);
        let minimum = counted().min().unwrap_or(sign);
        let span = counted().max().unwrap_or(sign) - minimum;
        let reserved = u64::from(self.fill.is_some());
        let limit = mask(full) - 2;
        if wanted == 0 && span > limit {
            return (full, 0, Vec::new());
        }
        let bits = if wanted == 0 { bits_for_span(span + 1 + reserved) } else { wanted };
        if bits >= full {
            return (full, 0, Vec::new());
        }
        let pack = |&n: &u64| {
            if Some(n) == self.fill {
                mask(bits)
            } else {
                (n ^ sign).wrapping_sub(minimum) & mask(bits)
            }
        };
        let packed = numbers.iter().map(pack).collect();
        let minimum = minimum ^ sign;
        // The minimum is stored in eight bytes, a negative one with its sign.
        let extended =
            if signed && minimum >> (full - 1) & 1 == 1 { minimum | !mask(full) } else { minimum };
        (bits, extended, packed)
    }

    fn float(&self, bits: u64) -> f64 {
        if self.size == 4 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
    }

    fn pack_floats(&self, numbers: &[u64]) -> (u32, u64, Vec<u64>) {
        let full = self.size as u32 * 8;
        let scale = 10_f64.powi(self.decimals);
        let reserved = self.fill.map(|bits| self.float(bits));
        let is_fill = |n: f64| reserved.is_some_and(|fill| (n - fill).abs() < 1.0 / scale);
        let counted = || numbers.iter().map(|&n| self.float(n)).filter(|&n| !is_fill(n));
        let minimum = counted().fold(f64::INFINITY, f64::min);
        let maximum = counted().fold(f64::NEG_INFINITY, f64::max);
        let (minimum, maximum) = if minimum > maximum { (0.0, 0.0) } else { (minimum, maximum) };
        let span = (maximum * scale - minimum * scale).round();
        let is_countable = counted().all(f64::is_finite) && span < 2_f64.powi(full as i32 - 1);
        if !is_countable {
            return (full, 0, Vec::new());
        }
        let bits = bits_for_span(span as u64 + 1 + u64::from(reserved.is_some()));
        if bits >= full {
            return (full, 0, Vec::new());
        }
        let pack = |&n: &u64| {
            let number = self.float(n);
            if is_fill(number) {
                mask(bits)
            } else {
                (number * scale - minimum * scale).round() as u64
            }
        };
        let packed = numbers.iter().map(pack).collect();
        let minimum =
            if self.size == 4 { u64::from((minimum as f32).to_bits()) } else { minimum.to_bits() };
        (bits, minimum, packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(data: &[u8], values: &[u32]) -> Vec<u8> {
        decode(&encode(data, values).expect("packed"), values, data.len()).expect("unpacked")
    }

    #[test]
    fn integers_come_back() {
        for fill in [0, 1] {
            for numbers in [vec![0_i32; 10], vec![5, -7, 100, 0, 42], vec![i32::MIN, i32::MAX, 0]] {
                let data: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
                let count = numbers.len() as u32;
                let mut values = vec![2, 0, count, 0, 4, 1, 0, fill];
                values.resize(20, 0);
                assert_eq!(round_trip(&data, &values), data, "{numbers:?}");
            }
        }
    }

    #[test]
    fn floats_keep_their_decimals() {
        let numbers = [1.25_f64, -3.5, 100.125, 0.0, 7.0];
        let data: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let mut values = vec![0, 3, 5, 1, 8, 1, 0, 1];
        values.resize(20, 0);
        let found = round_trip(&data, &values);
        for (bytes, number) in found.chunks_exact(8).zip(numbers) {
            let found = f64::from_bits(little_endian(bytes));
            assert!((found - number).abs() < 1e-3, "{found} of {number}");
        }
    }
}
