//! N-bit: only the bits of numbers that mean something.
#![expect(clippy::cast_possible_truncation, reason = "at most eight bits at a time are taken")]

use cannery_core::Result;

use super::bits::BitReader;
use crate::bytes::malformed;

/// Types inside each other, at most.
const MAX_DEPTH: u32 = 64;

/// What is stored of a type.
enum Packed {
    /// A number of `size` bytes of which `precision` bits from `offset` on are stored.
    Number { size: usize, big: bool, precision: usize, offset: usize },
    /// An array of this many bytes.
    Array(usize, Box<Packed>),
    /// A compound of this many bytes, of members at offsets.
    Compound(usize, Vec<(usize, Packed)>),
    /// Bytes as they are.
    Bytes(usize),
}

struct NbitParameters<'a>(&'a [u32]);

impl NbitParameters<'_> {
    fn next(&mut self) -> Result<usize> {
        let Some((first, rest)) = self.0.split_first() else {
            return Err(malformed("there are too few parameters"));
        };
        self.0 = rest;
        Ok(*first as usize)
    }

    fn packed(&mut self, depth: u32) -> Result<Packed> {
        if depth > MAX_DEPTH {
            return Err(malformed("the parameters are nested too deeply"));
        }
        let (kind, size) = (self.next()?, self.next()?);
        if size == 0 {
            return Err(malformed("expected a type of more than 0 bytes"));
        }
        match kind {
            1 => self.number(size),
            2 => self.array(size, depth),
            3 => self.compound(size, depth),
            4 => Ok(Packed::Bytes(size)),
            other => Err(malformed(format!("unknown class `{other}` in the parameters"))),
        }
    }

    fn number(&mut self, size: usize) -> Result<Packed> {
        let big = match self.next()? {
            0 => false,
            1 => true,
            other => return Err(malformed(format!("unknown byte order `{other}`"))),
        };
        let (precision, offset) = (self.next()?, self.next()?);
        if precision == 0 || precision.saturating_add(offset) > size.saturating_mul(8) {
            return Err(malformed("a number's bits lie outside its bytes"));
        }
        Ok(Packed::Number { size, big, precision, offset })
    }

    fn array(&mut self, size: usize, depth: u32) -> Result<Packed> {
        let base = self.packed(depth + 1)?;
        if !size.is_multiple_of(base.size()) {
            return Err(malformed("an array's size is not a multiple of its elements'"));
        }
        Ok(Packed::Array(size, Box::new(base)))
    }

    fn compound(&mut self, size: usize, depth: u32) -> Result<Packed> {
        let count = self.next()?;
        let mut members = Vec::new();
        for _ in 0..count {
            let offset = self.next()?;
            let member = self.packed(depth + 1)?;
            if offset.saturating_add(member.size()) > size {
                return Err(malformed("a member lies outside its compound type"));
            }
            members.push((offset, member));
        }
        Ok(Packed::Compound(size, members))
    }
}

impl Packed {
    fn size(&self) -> usize {
        match self {
            Self::Number { size, .. }
            | Self::Array(size, _)
            | Self::Compound(size, _)
            | Self::Bytes(size) => *size,
        }
    }

    /// Fills an element of zeros.
    fn unpack(&self, bits: &mut BitReader<'_>, out: &mut [u8]) -> Result<()> {
        match self {
            Self::Number { big, precision, offset, .. } => {
                number(bits, (*offset, *precision), *big, out)
            }
            Self::Array(_, base) => {
                out.chunks_exact_mut(base.size()).try_for_each(|part| base.unpack(bits, part))
            }
            Self::Compound(_, members) => members.iter().try_for_each(|(at, member)| {
                member.unpack(bits, &mut out[*at..at + member.size()])
            }),
            Self::Bytes(_) => out.iter_mut().try_for_each(|byte| {
                *byte = bits.bits(8)? as u8;
                Ok(())
            }),
        }
    }
}

/// Reads the bits of a number, the highest first.
fn number(
    bits: &mut BitReader<'_>,
    (offset, precision): (usize, usize),
    big: bool,
    out: &mut [u8],
) -> Result<()> {
    let last = out.len() - 1;
    let mut end = offset + precision;
    while end > offset {
        // The byte that holds the highest bit that is left, and which of its bits are stored.
        let byte = (end - 1) / 8;
        let low = (byte * 8).max(offset);
        let value = bits.bits((end - low) as u32)? << (low % 8);
        out[if big { last - byte } else { byte }] |= value as u8;
        end = low;
    }
    Ok(())
}

pub(super) fn decode(data: Vec<u8>, values: &[u32], most: usize) -> Result<Vec<u8>> {
    let mut parameters = NbitParameters(values);
    parameters.next()?;
    // Set where nothing would be saved.
    if parameters.next()? != 0 {
        return Ok(data);
    }
    let count = parameters.next()?;
    let packed = parameters.packed(0)?;
    let total = count.checked_mul(packed.size()).filter(|total| *total <= most);
    let mut out = crate::bytes::zeroed(total.ok_or_else(|| super::too_long(most))?)?;
    let mut bits = BitReader::new(&data);
    for element in out.chunks_exact_mut(packed.size()) {
        packed.unpack(&mut bits, element)?;
    }
    Ok(out)
}
