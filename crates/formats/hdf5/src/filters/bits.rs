//! Readers and writers of bits, the highest of each byte first.

use cannery_core::Result;

use crate::bytes::malformed;

pub(super) struct BitReader<'a> {
    data: &'a [u8],
    /// The next byte to take.
    at: usize,
    /// Bits that were taken and not used yet, the next one highest.
    buffer: u64,
    held: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, buffer: 0, held: 0 }
    }

    fn refill(&mut self) {
        while self.held <= 56 {
            let Some(&byte) = self.data.get(self.at) else { return };
            self.buffer |= u64::from(byte) << (56 - self.held);
            self.held += 8;
            self.at += 1;
        }
    }

    /// The next `count` bits, at most 32.
    pub(super) fn bits(&mut self, count: u32) -> Result<u64> {
        if count == 0 {
            return Ok(0);
        }
        if self.held < count {
            self.refill();
        }
        if self.held < count {
            return Err(malformed("the stream ends early"));
        }
        let value = self.buffer >> (64 - count);
        self.buffer <<= count;
        self.held -= count;
        Ok(value)
    }

    /// The next `count` bits, at most 64.
    pub(super) fn long(&mut self, count: u32) -> Result<u64> {
        if count <= 32 {
            return self.bits(count);
        }
        Ok(self.bits(count - 32)? << 32 | self.bits(32)?)
    }

    /// Counts zeros up to the next one, which is taken too.
    pub(super) fn unary(&mut self) -> Result<u64> {
        let mut zeros = 0;
        loop {
            if self.held == 0 {
                self.refill();
            }
            if self.held == 0 {
                return Err(malformed("the stream ends early"));
            }
            let run = self.buffer.leading_zeros().min(self.held);
            zeros += u64::from(run);
            if run < self.held {
                // Two shifts, for a run of 63 bits.
                self.buffer = self.buffer << run << 1;
                self.held -= run + 1;
                return Ok(zeros);
            }
            self.buffer = 0;
            self.held = 0;
        }
    }
}

pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Bits that were given and not written yet, lowest.
    buffer: u64,
    held: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, buffer: 0, held: 0 }
    }

    /// Adds the lowest `count` bits of a number, at most 64.
    pub(super) fn long(&mut self, value: u64, count: u32) {
        if count > 32 {
            self.bits(value >> 32, count - 32);
        }
        self.bits(value, count.min(32));
    }

    fn bits(&mut self, value: u64, count: u32) {
        self.buffer = self.buffer << count | (value & ((1 << count) - 1));
        self.held += count;
        while self.held >= 8 {
            self.held -= 8;
            self.out.push((self.buffer >> self.held & 0xff) as u8);
        }
    }

    /// Fills the last byte up with zeros.
    pub(super) fn finish(self) {
        if self.held > 0 {
            self.out.push((self.buffer << (8 - self.held) & 0xff) as u8);
        }
    }
}
