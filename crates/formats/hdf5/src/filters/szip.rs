//! SZIP: adaptive Rice coding of CCSDS 121.0-B, as the SZIP library uses it.
#![expect(clippy::cast_possible_truncation, reason = "samples have at most 32 bits")]

use cannery_core::Result;

use super::bits::BitReader;
use super::shuffle::unshuffle;
use crate::bytes::{Cursor, malformed};

/// The options of a dataset.
const MOST_SIGNIFICANT_FIRST: u32 = 16;
const NEAREST_NEIGHBOUR: u32 = 32;

/// A run of 5 zero blocks means: all that are left of a segment.
const REST_OF_SEGMENT: u64 = 5;
const SEGMENT: usize = 64;

struct RiceCoder {
    block: usize,
    /// Blocks from one reference sample to the next.
    interval: usize,
    sample_bits: u32,
    /// Whether differences from the sample before are stored.
    predicts: bool,
}

pub(super) fn decode(data: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    let &[options, block, bits, scanline, ..] = values else {
        return Err(malformed("expected four parameters"));
    };
    if block == 0 || block % 2 != 0 || block > 32 || bits == 0 || bits > 64 || scanline == 0 {
        return Err(malformed("the parameters are not possible"));
    }
    let interval = scanline.div_ceil(block);
    if interval > 4096 {
        return Err(malformed("the scan lines are too long"));
    }
    let mut cursor = Cursor::new(data);
    let total = cursor.u32()? as usize;
    if total > most {
        return Err(super::too_long(most));
    }
    // Numbers of four or eight bytes are stored as all their first bytes, all second bytes, ...
    let planes = if bits == 32 || bits == 64 { bits as usize / 8 } else { 1 };
    let sample_bits = if planes > 1 { 8 } else { bits };
    if sample_bits > 32 {
        return Err(malformed(format!(
            "expected samples of up to 24, or of 32 or 64 bits, found {bits}"
        )));
    }
    let coder = RiceCoder {
        block: block as usize,
        interval: interval as usize,
        sample_bits,
        predicts: options & NEAREST_NEIGHBOUR != 0,
    };
    let big = options & MOST_SIGNIFICANT_FIRST != 0;
    let out = coder.samples(cursor.rest(), scanline as usize, total, big)?;
    if planes == 1 {
        return Ok(out);
    }
    let mut whole = crate::bytes::zeroed(out.len())?;
    unshuffle(&out, planes, &mut whole);
    Ok(whole)
}

impl RiceCoder {
    /// Bytes of a sample.
    fn width(&self) -> usize {
        match self.sample_bits {
            0..=8 => 1,
            9..=16 => 2,
            _ => 4,
        }
    }

    /// Decodes `total` bytes of samples, and leaves out what fills up scan lines.
    fn samples(&self, data: &[u8], scanline: usize, total: usize, big: bool) -> Result<Vec<u8>> {
        let width = self.width();
        let mut reader = BitReader::new(data);
        let mut line = Vec::with_capacity(self.interval * self.block);
        let mut out = Vec::new();
        while out.len() < total {
            line.clear();
            let left = (total - out.len()).div_ceil(width);
            // The last line may stop where the data do.
            self.interval(&mut reader, &mut line, left.min(scanline))?;
            for &sample in line.iter().take(scanline.min(left)) {
                let bytes = if big {
                    (sample << (32 - 8 * width)).to_be_bytes()
                } else {
                    sample.to_le_bytes()
                };
                out.extend_from_slice(&bytes[..width]);
            }
        }
        out.truncate(total);
        Ok(out)
    }

    /// Decodes the blocks of an interval until `needed` samples are there.
    fn interval(
        &self,
        reader: &mut BitReader<'_>,
        line: &mut Vec<u32>,
        needed: usize,
    ) -> Result<()> {
        let whole = self.interval * self.block;
        let id_bits = match self.sample_bits {
            0..=8 => 3,
            9..=16 => 4,
            _ => 5,
        };
        let raw = (1 << id_bits) - 1;
        while line.len() < whole && line.len() < needed {
            let reference = self.predicts && line.is_empty();
            let id = reader.bits(id_bits)?;
            match id {
                0 => self.low_entropy(reader, line, reference)?,
                id if id == raw => {
                    for _ in 0..self.block {
                        line.push(self.sample(reader)?);
                    }
                }
                id => self.split(reader, line, reference, (id - 1) as u32)?,
            }
        }
        if self.predicts {
            self.add_differences(line);
        }
        Ok(())
    }

    fn sample(&self, reader: &mut BitReader<'_>) -> Result<u32> {
        Ok(reader.bits(self.sample_bits)? as u32)
    }

    /// Each sample as a unary number and `low` bits below it.
    fn split(
        &self,
        reader: &mut BitReader<'_>,
        line: &mut Vec<u32>,
        reference: bool,
        low: u32,
    ) -> Result<()> {
        let mut count = self.block;
        if reference {
            line.push(self.sample(reader)?);
            count -= 1;
        }
        let start = line.len();
        for _ in 0..count {
            let high = reader.unary()? << low;
            line.push(u32::try_from(high).map_err(|_| malformed("a sample has too many bits"))?);
        }
        for sample in &mut line[start..] {
            *sample |= reader.bits(low)? as u32;
        }
        Ok(())
    }

    fn low_entropy(
        &self,
        reader: &mut BitReader<'_>,
        line: &mut Vec<u32>,
        reference: bool,
    ) -> Result<()> {
        let in_pairs = reader.bits(1)? == 1;
        let block = line.len() / self.block;
        if reference {
            line.push(self.sample(reader)?);
        }
        if in_pairs {
            return Self::pairs(reader, line, (block + 1) * self.block);
        }
        let blocks = match reader.unary()? + 1 {
            REST_OF_SEGMENT => (self.interval - block).min(SEGMENT - block % SEGMENT),
            run if run > REST_OF_SEGMENT => usize::try_from(run - 1).unwrap_or(usize::MAX),
            run => usize::try_from(run).unwrap_or(usize::MAX),
        };
        if blocks > self.interval - block {
            return Err(malformed("a run of zeros is too long"));
        }
        line.resize((block + blocks) * self.block, 0);
        Ok(())
    }

    /// Two samples at a time, as one unary number.
    fn pairs(reader: &mut BitReader<'_>, line: &mut Vec<u32>, end: usize) -> Result<()> {
        while line.len() < end {
            let code = reader.unary()?;
            // The pairs of each sum follow each other.
            let mut sum = 0;
            let mut first = 0;
            while first + sum < code {
                first += sum + 1;
                sum += 1;
            }
            if sum > 12 {
                return Err(malformed("a pair of samples is not possible"));
            }
            let second = code - first;
            if line.len().is_multiple_of(2) {
                line.push((sum - second) as u32);
            }
            line.push(second as u32);
        }
        Ok(())
    }

    /// Makes samples of differences that were mapped to numbers above zero.
    fn add_differences(&self, line: &mut [u32]) {
        let Some((&mut first, rest)) = line.split_first_mut() else { return };
        let max = u32::MAX >> (32 - self.sample_bits);
        let middle = max / 2 + 1;
        let mut value = first;
        for sample in rest {
            let difference = *sample;
            let mask = if value & middle == 0 { 0 } else { max };
            let half = (difference >> 1) + (difference & 1);
            value = if half <= mask ^ value {
                let sign = (difference & 1).wrapping_neg();
                value.wrapping_add(difference >> 1 ^ sign) & max
            } else {
                mask ^ difference
            };
            *sample = value;
        }
    }
}
