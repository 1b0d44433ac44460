//! DEFLATE blocks without matches, for bytes in which there are hardly any: the codes alone make them
//! shorter, and looking for matches takes most of a compressor's time.

/// Bytes of a block: codes follow what the bytes are like there.
const BLOCK: usize = 1 << 17;

/// The longest code that the format allows.
const MAX_BITS: u8 = 15;

/// Symbols with codes: every byte, and the end of a block.
const SYMBOLS: usize = 257;
const END: usize = 256;

/// The order in which a block's header has the lengths of the codes for lengths.
const LENGTH_ORDER: [usize; 19] = crate::blocks::LENGTH_ORDER;

/// Bytes that tell what others are like, at least.
const FEWEST: usize = 1 << 11;

/// Bits of a block's header.
const HEADER: usize = 3 + 5 + 5 + 4 + 3 * 19 + 4 * (SYMBOLS + 1);

/// Whether a piece is hardly longer without matches than with them, of which `with_matches` bytes are
/// made of a sample.
pub(super) fn are_enough(piece: &[u8], sample: &[u8], with_matches: usize) -> bool {
    // A block's header serves for more than the sample; what codes make longer is stored.
    let header = HEADER / 8;
    let header = header - header * sample.len() / piece.len().clamp(sample.len(), BLOCK);
    let size = size_of(sample).saturating_sub(header).min(sample.len());
    // The sample stands for the piece only if all of it is alike.
    let expected = entropy(sample);
    let is_alike = |part: &[u8]| (entropy(part) - expected).abs() <= 0.25;
    size / 201 <= with_matches / 200
        && size > sample.len() / 4
        && piece.chunks_exact(sample.len()).all(is_alike)
}

/// Whether all bytes come about equally often, in a sample and the whole piece: it is noise, if it does
/// not repeat itself.
pub(super) fn are_all_alike(piece: &[u8], sample: &[u8]) -> bool {
    // Of few bytes, even noise has some more often than others.
    #[allow(clippy::cast_precision_loss, reason = "a rate needs few digits")]
    let missing = |count: usize| 255.0 / (2.0 * std::f32::consts::LN_2 * count as f32);
    let are_alike = |part: &[u8]| entropy(part) + missing(part.len()) > 7.92;
    sample.len() >= FEWEST && are_alike(sample) && piece.chunks_exact(sample.len()).all(are_alike)
}

/// How many bits a byte takes at least, by how often each comes.
#[allow(clippy::cast_precision_loss, reason = "a rate needs few digits")]
fn entropy(bytes: &[u8]) -> f32 {
    let all = bytes.len() as f32;
    let counts = count(bytes);
    let counts = counts[..END].iter().filter(|count| **count > 0).map(|count| *count as f32);
    counts.map(|count| count * (all / count).log2()).sum::<f32>() / all
}

/// How many bytes [`compress`] makes of a block.
fn size_of(block: &[u8]) -> usize {
    let counts = count(block);
    let lengths = lengths(&counts);
    usize::try_from(bits(&counts, &lengths).div_ceil(8)).unwrap_or(usize::MAX)
}

/// Compresses a piece; without `ends`, to whole bytes and as the joint of two pieces wants it.
pub(super) fn compress(piece: &[u8], ends: bool) -> Vec<u8> {
    let mut out = BitWriter::default();
    let mut blocks = piece.chunks(BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let is_last = ends && blocks.peek().is_none();
        let counts = count(block);
        let lengths = lengths(&counts);
        if bits(&counts, &lengths) / 8 >= block.len() as u64 {
            stored(block, is_last, &mut out);
        } else {
            coded(block, &lengths, is_last, &mut out);
        }
    }
    if !ends {
        stored(&[], false, &mut out);
    }
    out.finish()
}

/// How often each byte comes.
fn count(block: &[u8]) -> [u32; SYMBOLS] {
    // Counting the same byte in turns would wait for the count before.
    let mut counts = [[0_u32; 256]; 4];
    let mut fours = block.chunks_exact(4);
    for four in &mut fours {
        for (counts, &byte) in counts.iter_mut().zip(four) {
            counts[usize::from(byte)] += 1;
        }
    }
    for &byte in fours.remainder() {
        counts[0][usize::from(byte)] += 1;
    }
    let mut all = [0; SYMBOLS];
    for (byte, all) in all.iter_mut().take(256).enumerate() {
        *all = counts.iter().map(|counts| counts[byte]).sum();
    }
    all[END] = 1;
    all
}

/// Bits of a block with these codes.
fn bits(counts: &[u32; SYMBOLS], lengths: &[u8; SYMBOLS]) -> u64 {
    let symbols =
        counts.iter().zip(lengths).map(|(&count, &len)| u64::from(count) * u64::from(len));
    HEADER as u64 + symbols.sum::<u64>()
}

/// The lengths of the symbols' codes, as Huffman's method gives them.
fn lengths(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut weights = *counts;
    loop {
        if let Some(lengths) = unlimited_lengths(&weights) {
            return lengths;
        }
        // Counts that are more alike have shorter codes.
        for weight in weights.iter_mut().filter(|weight| **weight > 0) {
            *weight = *weight / 2 + 1;
        }
    }
}

/// The lengths, if none is longer than allowed.
fn unlimited_lengths(weights: &[u32; SYMBOLS]) -> Option<[u8; SYMBOLS]> {
    let mut leaves: Vec<(u32, usize)> =
        (0..SYMBOLS).filter(|&s| weights[s] > 0).map(|s| (weights[s], s)).collect();
    leaves.sort_unstable();
    let mut lengths = [0; SYMBOLS];
    if let [(_, only)] = leaves[..] {
        lengths[only] = 1;
        return Some(lengths);
    }
    // Leaves first, then the inner nodes as they are made: both go by weight.
    let count = leaves.len();
    let mut weight: Vec<u64> = leaves.iter().map(|(weight, _)| u64::from(*weight)).collect();
    let mut parent = vec![0; 2 * count - 1];
    let (mut leaf, mut inner) = (0, count);
    while weight.len() < 2 * count - 1 {
        let made = weight.len();
        let mut take = || {
            let is_leaf = leaf < count && (inner >= made || weight[leaf] <= weight[inner]);
            let next = if is_leaf { &mut leaf } else { &mut inner };
            *next += 1;
            *next - 1
        };
        let (first, second) = (take(), take());
        parent[first] = made;
        parent[second] = made;
        weight.push(weight[first] + weight[second]);
    }
    let mut depth = vec![0_u8; 2 * count - 1];
    for node in (0..2 * count - 2).rev() {
        depth[node] = depth[parent[node]].saturating_add(1);
    }
    for ((_, symbol), &depth) in leaves.iter().zip(&depth) {
        lengths[*symbol] = depth;
    }
    lengths.iter().all(|&len| len <= MAX_BITS).then_some(lengths)
}

/// The codes of these lengths as they are written, lowest bit first.
fn codes(lengths: &[u8; SYMBOLS]) -> [u16; SYMBOLS] {
    let mut next = crate::blocks::first_codes(lengths);
    let mut codes = [0; SYMBOLS];
    for (code, &len) in codes.iter_mut().zip(lengths).filter(|(_, len)| **len > 0) {
        *code = next[usize::from(len)].reverse_bits() >> (16 - len);
        next[usize::from(len)] += 1;
    }
    codes
}

/// Writes a block of codes.
fn coded(block: &[u8], lengths: &[u8; SYMBOLS], is_last: bool, out: &mut BitWriter) {
    out.reserve(block.len() + 512);
    out.put(u64::from(is_last) | 2 << 1, 3);
    // 257 codes for bytes and the end, one for distances, and 19 for lengths.
    out.put(15 << 10, 14);
    for symbol in LENGTH_ORDER {
        out.put(if symbol < 16 { 4 } else { 0 }, 3);
    }
    let put_length = |len: u8, out: &mut BitWriter| out.put(u64::from(len.reverse_bits() >> 4), 4);
    for len in lengths.iter().copied().chain([1]) {
        put_length(len, out);
    }
    let codes = codes(lengths);
    let entries: [u32; 256] =
        std::array::from_fn(|byte| u32::from(codes[byte]) << 8 | u32::from(lengths[byte]));
    let mut threes = block.chunks_exact(3);
    for three in &mut threes {
        let (mut word, mut len) = (0_u64, 0);
        for &byte in three {
            let entry = entries[usize::from(byte)];
            word |= u64::from(entry >> 8) << len;
            len += entry & 0xff;
        }
        out.put(word, len);
    }
    for &byte in threes.remainder().iter().map(|byte| &entries[usize::from(*byte)]) {
        out.put(u64::from(byte >> 8), byte & 0xff);
    }
    out.put(u64::from(codes[END]), u32::from(lengths[END]));
}

/// Writes bytes as they are.
fn stored(block: &[u8], is_last: bool, out: &mut BitWriter) {
    let mut parts = block.chunks(usize::from(u16::MAX)).peekable();
    let mut part: &[u8] = parts.next().unwrap_or_default();
    loop {
        let is_end = parts.peek().is_none();
        out.put(u64::from(is_last && is_end), 3);
        out.align();
        let len = u16::try_from(part.len()).unwrap_or(u16::MAX);
        out.put(u64::from(len) | u64::from(!len) << 16, 32);
        out.append(part);
        match parts.next() {
            Some(next) => part = next,
            None => return,
        }
    }
}

/// Bytes that are written bit by bit.
#[derive(Default)]
struct BitWriter {
    /// Whole bytes, and room behind them.
    out: Vec<u8>,
    len: usize,
    word: u64,
    bits: u32,
}

impl BitWriter {
    /// Makes room for this number of bytes.
    fn reserve(&mut self, bytes: usize) {
        let wanted = self.len + 2 * bytes + 16;
        if self.out.len() < wanted {
            self.out.resize(wanted, 0);
        }
    }

    /// Writes up to 56 bits; whole bytes leave.
    #[inline]
    fn put(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.bits;
        self.bits += count;
        if self.out.len() < self.len + 8 {
            self.reserve(64);
        }
        self.out[self.len..self.len + 8].copy_from_slice(&self.word.to_le_bytes());
        let bytes = self.bits / 8;
        self.len += bytes as usize;
        self.word = self.word.checked_shr(8 * bytes).unwrap_or(0);
        self.bits %= 8;
    }

    /// Goes on at the next whole byte.
    fn align(&mut self) {
        self.put(0, (8 - self.bits % 8) % 8);
    }

    /// Writes whole bytes; what came before ended with one.
    fn append(&mut self, bytes: &[u8]) {
        self.out.truncate(self.len);
        self.out.extend_from_slice(bytes);
        self.len = self.out.len();
    }

    fn finish(mut self) -> Vec<u8> {
        self.align();
        self.out.truncate(self.len);
        self.out
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn unpacked(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::DeflateDecoder::new(stream).read_to_end(&mut out).unwrap();
        out
    }

    /// Bytes of which some come more often, by any factor.
    fn skewed(len: usize, seed: u64, skew: u32) -> Vec<u8> {
        let mut state = seed | 1;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 32
        };
        (0..len)
            .map(|_| {
                let zeros = random().trailing_zeros().min(skew);
                u8::try_from(zeros * 8 + u32::try_from(random() % 8).unwrap()).unwrap_or(255)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks(len in 0_usize..300_000, seed: u64, skew in 0_u32..32) {
            let bytes = skewed(len, seed, skew);
            prop_assert_eq!(&unpacked(&compress(&bytes, true)), &bytes);
            let mut stream = compress(&bytes, false);
            prop_assert!(stream.ends_with(&crate::blocks::JOINT_END));
            stream.extend_from_slice(&[3, 0]);
            prop_assert_eq!(unpacked(&stream), bytes);
        }

        #[test]
        fn sizes_are_foreseen(len in 1_usize..BLOCK, seed: u64, skew in 2_u32..32) {
            let bytes = skewed(len, seed, skew);
            let size = compress(&bytes, true).len();
            prop_assert!(size == size_of(&bytes) || size <= bytes.len() + 5 * 3);
        }
    }

    #[test]
    fn codes_are_never_longer_than_allowed() {
        // Fibonacci's numbers make the longest codes.
        let mut counts = [0_u32; SYMBOLS];
        let (mut a, mut b) = (1_u32, 1_u32);
        for count in counts.iter_mut().take(40) {
            *count = a;
            (a, b) = (b, a + b);
        }
        let lengths = lengths(&counts);
        assert_eq!(lengths.iter().max(), Some(&MAX_BITS));
        let used = lengths.iter().filter(|len| **len > 0).map(|len| 1_u32 << (MAX_BITS - len));
        assert_eq!(used.sum::<u32>(), 1 << MAX_BITS);
    }
}
