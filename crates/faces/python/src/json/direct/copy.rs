//! Copying text into JSON's strings, many characters at a time, with AVX2.

use super::Bail;

/// Bytes behind the last one copied that copying may touch.
pub(super) const SLACK: usize = 64;

/// For each ASCII character: what it is written as, and the length of that; 0 if it is itself.
static ESCAPES: [([u8; 8], u8); 128] = {
    let mut escapes = [([0; 8], 0); 128];
    let hex = b"0123456789abcdef";
    let mut byte = 0;
    while byte < 32 {
        escapes[byte] = ([b'\\', b'u', b'0', b'0', hex[byte >> 4], hex[byte & 15], 0, 0], 6);
        byte += 1;
    }
    let short = [
        (8, b'b'),
        (9, b't'),
        (10, b'n'),
        (12, b'f'),
        (13, b'r'),
        (b'"' as usize, b'"'),
        (b'\\' as usize, b'\\'),
    ];
    let mut index = 0;
    while index < short.len() {
        escapes[short[index].0] = ([b'\\', short[index].1, 0, 0, 0, 0, 0, 0], 2);
        index += 1;
    }
    escapes
};

/// Two hexadecimal digits for each byte.
static HEX: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let hex = b"0123456789abcdef";
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [hex[byte >> 4], hex[byte & 15]];
        byte += 1;
    }
    pairs
};

/// What is escaped in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaped {
    /// What JSON requires.
    Required,
    /// That and whatever is not a printable ASCII character.
    BeyondAscii,
}

impl Escaped {
    /// One more character to stop at: in the first case one that is a stop anyway.
    #[inline(always)]
    fn stop(self) -> u8 {
        if self == Escaped::BeyondAscii { 0x7f } else { b'"' }
    }
}

/// What a character that must be escaped is written as, and the length of that.
#[inline(always)]
pub(super) fn escape_of(byte: u8) -> ([u8; 8], usize) {
    let (escape, len) = ESCAPES[usize::from(byte & 0x7f)];
    (escape, usize::from(len))
}

/// Writes what stands for an ASCII character; returns where the next one belongs.
///
/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn escape_byte(byte: u8, to: *mut u8) -> *mut u8 {
    let (word, len) = ESCAPES[usize::from(byte & 0x7f)];
    // SAFETY: the caller's promise.
    unsafe {
        if len == 0 {
            to.write(byte);
            return to.add(1);
        }
        to.cast::<[u8; 8]>().write(word);
        to.add(usize::from(len))
    }
}

/// Copies an ASCII text, if there is nothing to escape in it.
///
/// # Safety
/// [`is_supported`]; the text's length and [`SLACK`] more bytes can be written to `to`.
#[inline(always)]
pub(super) unsafe fn plain(text: &[u8], to: *mut u8, escaped: Escaped) -> bool {
    let stop = escaped.stop();
    // SAFETY: the caller's promise; for the last block of a short text see `last_block`.
    unsafe {
        let (from, len) = (text.as_ptr(), text.len());
        if len <= simd::BLOCK {
            return simd::copy(simd::last_block(from, len), to, stop) & simd::first(len) == 0;
        }
        copy_stretch(from, len, to, stop) == 0
    }
}

/// Copies more than a block; returns whether there is anything to escape.
///
/// # Safety
/// [`is_supported`]; that many bytes can be read from `from` and written to `to`.
#[inline(always)]
unsafe fn copy_stretch(from: *const u8, len: usize, to: *mut u8, stop: u8) -> u32 {
    let (mut found, mut at) = (0, 0);
    // SAFETY: every block ends where the bytes end, at most.
    unsafe {
        while at + simd::BLOCK < len {
            found |= simd::copy(simd::load(from.add(at)), to.add(at), stop);
            at += simd::BLOCK;
        }
        let last = len - simd::BLOCK;
        found | simd::copy(simd::load(from.add(last)), to.add(last), stop)
    }
}

/// Bytes of a long text that are copied before it is asked whether there is anything to escape in
/// them: asking for each block would take longer.
pub(super) const STRETCH: usize = 512;

/// Copies a text up to a stretch with something to escape in it; returns how much that is.
///
/// # Safety
/// As for [`plain`].
#[inline(always)]
pub(super) unsafe fn stretches(text: &[u8], to: *mut u8, escaped: Escaped) -> usize {
    let mut start = 0;
    // A last stretch of less than a block is left to those who escape.
    while text.len() - start > simd::BLOCK {
        let len = STRETCH.min(text.len() - start);
        // SAFETY: the stretch lies within the text.
        let found =
            unsafe { copy_stretch(text.as_ptr().add(start), len, to.add(start), escaped.stop()) };
        if found != 0 {
            break;
        }
        start += len;
    }
    start
}

/// Copies an ASCII text with its escapes; returns where the next character belongs.
///
/// # Safety
/// [`is_supported`]; six bytes for each of the text and [`SLACK`] can be written to `to`.
#[inline(always)]
pub(super) unsafe fn escape(text: &[u8], mut to: *mut u8, escaped: Escaped) -> *mut u8 {
    let stop = escaped.stop();
    let (mut from, mut left) = (text.as_ptr(), text.len());
    // SAFETY: `left` bytes are left behind `from`.
    unsafe {
        while left > 0 {
            let block = simd::BLOCK.min(left);
            let bytes = simd::block(from, block);
            let found = simd::copy(bytes, to, stop) & simd::first(block);
            let plain = if found == 0 { block } else { found.trailing_zeros() as usize };
            (from, to, left) = (from.add(plain), to.add(plain), left - plain);
            if found != 0 {
                to = if *from == 0x7f { escape_unit(0x7f, to) } else { escape_byte(*from, to) };
                (from, left) = (from.add(1), left - 1);
            }
        }
    }
    to
}

/// A unit of a text beyond ASCII.
pub(super) trait Unit: Copy + Into<u32> {
    /// Copies units that are all plain ASCII, if the next eight are.
    ///
    /// # Safety
    /// Eight units can be read from `from` and eight bytes be written to `to`.
    unsafe fn copy_eight(from: *const Self, to: *mut u8, escaped: Escaped) -> bool;

    /// Writes the next eight units as 24 bytes of UTF-8, if each of them takes three.
    ///
    /// # Safety
    /// [`is_supported`]; eight units can be read from `from` and 32 bytes be written to `to`.
    #[inline(always)]
    unsafe fn encode_eight(_from: *const Self, _to: *mut u8) -> bool {
        false
    }
}

impl Unit for u8 {
    #[inline(always)]
    unsafe fn copy_eight(from: *const Self, to: *mut u8, escaped: Escaped) -> bool {
        // SAFETY: the caller's promise.
        unsafe { store_if_plain(from.cast::<[u8; 8]>().read(), to, escaped) }
    }
}

impl Unit for u16 {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "units beyond a byte are seen in `wide`")]
    unsafe fn copy_eight(from: *const Self, to: *mut u8, escaped: Escaped) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let units = from.cast::<[u16; 8]>().read_unaligned();
            let wide = units.iter().fold(0, |all, unit| all | unit) > 0x7f;
            !wide && store_if_plain(units.map(|unit| unit as u8), to, escaped)
        }
    }

    #[inline(always)]
    unsafe fn encode_eight(from: *const Self, to: *mut u8) -> bool {
        // SAFETY: the caller's promise.
        unsafe { simd::three_bytes_each(from, to) }
    }
}

impl Unit for u32 {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "units beyond a byte are seen in `wide`")]
    unsafe fn copy_eight(from: *const Self, to: *mut u8, escaped: Escaped) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let units = from.cast::<[u32; 8]>().read_unaligned();
            let wide = units.iter().fold(0, |all, unit| all | unit) > 0x7f;
            !wide && store_if_plain(units.map(|unit| unit as u8), to, escaped)
        }
    }
}

/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn store_if_plain(bytes: [u8; 8], to: *mut u8, escaped: Escaped) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(bytes);
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let quote = zero(word ^ (ONES * u64::from(b'"')));
    let backslash = zero(word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let stop = zero(word ^ (ONES * u64::from(escaped.stop())));
    // SAFETY: the caller's promise.
    unsafe { to.cast::<[u8; 8]>().write(bytes) };
    (word | quote | backslash | control | stop) & HIGH == 0
}

/// Writes units as UTF-8 with JSON's escapes; gives up at a surrogate.
///
/// # Safety
/// [`is_supported`]; six bytes for each unit and [`SLACK`] can be written to `to`.
#[inline(always)]
pub(super) unsafe fn encode<U: Unit>(units: &[U], mut to: *mut u8) -> Result<*mut u8, Bail> {
    let mut from = units.as_ptr();
    // SAFETY: `from` is before `end`, and there is room for what each unit takes.
    unsafe {
        let end = from.add(units.len());
        while end.offset_from(from) >= 8 {
            let first: u32 = (*from).into();
            if first < 0x80 && U::copy_eight(from, to, Escaped::Required) {
                (from, to) = (from.add(8), to.add(8));
            } else if first >= 0x800 && U::encode_eight(from, to) {
                (from, to) = (from.add(8), to.add(24));
            } else {
                // What is mixed is likely to stay so for a while.
                for _ in 0..8 {
                    to = encode_unit((*from).into(), to)?;
                    from = from.add(1);
                }
            }
        }
        while from < end {
            to = encode_unit((*from).into(), to)?;
            from = from.add(1);
        }
    }
    Ok(to)
}

/// How a character is spread over bytes, the first one on top, by the number of these less one.
#[cfg(target_arch = "x86_64")]
static SPREADS: [(u32, u32); 4] = [
    (0x7f00_0000, 0),
    (0x1f3f_0000, 0xc080_0000),
    (0x0f3f_3f00, 0xe080_8000),
    (0x073f_3f3f, 0xf080_8080),
];

/// Writes a unit as UTF-8, or as its escape. What kind of unit comes next is not asked for by branches,
/// which would often be predicted wrongly.
///
/// # Safety
/// [`is_supported`], and eight bytes can be written to `to`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn encode_unit(unit: u32, to: *mut u8) -> Result<*mut u8, Bail> {
    use std::arch::x86_64::_pdep_u32;
    if unit < 0x80 && ESCAPES[unit as usize].1 != 0 {
        // SAFETY: the caller's promise.
        return Ok(unsafe { escape_byte((unit & 0x7f) as u8, to) });
    }
    if unit & 0xffff_f800 == 0xd800 {
        return Err(Bail);
    }
    let more =
        usize::from(unit >= 0x80) + usize::from(unit >= 0x800) + usize::from(unit >= 0x1_0000);
    let (bits, marks) = SPREADS[more];
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = _pdep_u32(unit, bits) | marks;
        to.cast::<[u8; 4]>().write(bytes.to_be_bytes());
        Ok(to.add(more + 1))
    }
}

/// # Safety
/// Eight bytes can be written to `to`.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn encode_unit(unit: u32, to: *mut u8) -> Result<*mut u8, Bail> {
    let Some(character) = char::from_u32(unit) else { return Err(Bail) };
    // SAFETY: the caller's promise; a character takes four bytes at most.
    unsafe {
        if character.is_ascii() {
            return Ok(escape_byte((unit & 0x7f) as u8, to));
        }
        let mut bytes = [0; 4];
        let len = character.encode_utf8(&mut bytes).len();
        to.cast::<[u8; 4]>().write(bytes);
        Ok(to.add(len))
    }
}

/// Writes units as ASCII: all others, lone surrogates too, as escapes.
///
/// # Safety
/// Twelve bytes for each unit and [`SLACK`] can be written to `to`.
#[inline(always)]
pub(super) unsafe fn escape_all<U: Unit>(units: &[U], mut to: *mut u8) -> *mut u8 {
    let mut from = units.as_ptr();
    // SAFETY: `from` is before `end`, and there is room for what each unit takes.
    unsafe {
        let end = from.add(units.len());
        while from < end {
            let unit: u32 = (*from).into();
            if unit < 0x7f {
                let left = end.offset_from(from);
                if left >= 8 && U::copy_eight(from, to, Escaped::BeyondAscii) {
                    (from, to) = (from.add(8), to.add(8));
                    continue;
                }
                to = escape_byte((unit & 0x7f) as u8, to);
            } else if unit < 0x1_0000 {
                to = escape_unit(unit, to);
            } else {
                to = escape_unit(0xd7c0 + (unit >> 10), to);
                to = escape_unit(0xdc00 | unit & 0x3ff, to);
            }
            from = from.add(1);
        }
    }
    to
}

/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn escape_unit(unit: u32, to: *mut u8) -> *mut u8 {
    let ([a, b], [c, d]) = (HEX[(unit >> 8 & 0xff) as usize], HEX[(unit & 0xff) as usize]);
    // SAFETY: the caller's promise.
    unsafe {
        to.cast::<[u8; 8]>().write([b'\\', b'u', a, b, c, d, 0, 0]);
        to.add(6)
    }
}

pub(super) use simd::{BLOCK, block, first, is_supported};

#[cfg(target_arch = "x86_64")]
mod simd {
    //! 32 bytes at a time.
    use std::arch::x86_64::{
        __m256i, _mm_and_si128, _mm_cmpeq_epi16, _mm_loadu_si128, _mm_max_epu16, _mm_movemask_epi8,
        _mm_set1_epi16, _mm_storeu_si128, _mm256_and_si256, _mm256_castsi256_si128,
        _mm256_cmpeq_epi8, _mm256_cvtepu16_epi32, _mm256_extracti128_si256, _mm256_loadu_si256,
        _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
        _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi32,
        _mm256_srli_epi32, _mm256_storeu_si256,
    };

    use crate::memory::is_within_page;

    pub(in super::super) const BLOCK: usize = 32;

    /// Whether this processor has the instructions.
    #[inline]
    pub(in super::super) fn is_supported() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    }

    /// # Safety
    /// A block can be read.
    #[inline(always)]
    pub(super) unsafe fn load(from: *const u8) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    /// A block of a text, or less of it and anything behind it.
    ///
    /// # Safety
    /// `len` bytes can be read, at most a block.
    #[inline(always)]
    pub(in super::super) unsafe fn block(from: *const u8, len: usize) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { if len < BLOCK { last_block(from, len) } else { load(from) } }
    }

    /// The last bytes of a text, at most a block of them, and anything behind them.
    ///
    /// # Safety
    /// `len` bytes can be read.
    #[inline(always)]
    pub(super) unsafe fn last_block(from: *const u8, len: usize) -> __m256i {
        // SAFETY: memory is given out in pages, so that what is behind the text in the same page
        // can be read; it is not looked at. At the end of a page the text is copied first.
        unsafe { if is_within_page(from, BLOCK) { load(from) } else { load_slowly(from, len) } }
    }

    #[cold]
    unsafe fn load_slowly(from: *const u8, len: usize) -> __m256i {
        let mut block = [0; BLOCK];
        // SAFETY: the caller's promise, and `len` is a block at most.
        unsafe {
            block.as_mut_ptr().copy_from_nonoverlapping(from, len.min(BLOCK));
            load(block.as_ptr())
        }
    }

    /// Writes a block; returns a bit for each byte of it that must be escaped.
    ///
    /// # Safety
    /// [`is_supported`], and a block can be written.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
    pub(super) unsafe fn copy(bytes: __m256i, to: *mut u8, stop: u8) -> u32 {
        // SAFETY: the caller's promise.
        unsafe {
            _mm256_storeu_si256(to.cast(), bytes);
            let quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"'.cast_signed()));
            let stop = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(stop.cast_signed()));
            let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\'.cast_signed()));
            let control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
            let others = _mm256_or_si256(stop, control);
            _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, backslash), others)) as u32
        }
    }

    /// The bits of the first `len` bytes, at most a block.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a block at most")]
    pub(in super::super) fn first(len: usize) -> u32 {
        u32::MAX.checked_shl(len as u32).map_or(u32::MAX, |others| !others)
    }

    /// See [`encode_eight`](super::Unit::encode_eight).
    #[inline(always)]
    pub(super) unsafe fn three_bytes_each(from: *const u16, to: *mut u8) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let units = _mm_loadu_si128(from.cast());
            let smallest = _mm_cmpeq_epi16(_mm_max_epu16(units, _mm_set1_epi16(0x800)), units);
            let range = _mm_and_si128(units, _mm_set1_epi16(0xf800_u16.cast_signed()));
            let surrogate = _mm_cmpeq_epi16(range, _mm_set1_epi16(0xd800_u16.cast_signed()));
            if _mm_movemask_epi8(smallest) != 0xffff || _mm_movemask_epi8(surrogate) != 0 {
                return false;
            }
            let units = _mm256_cvtepu16_epi32(units);
            let six = _mm256_set1_epi32(0x3f);
            let first = _mm256_srli_epi32::<12>(units);
            let second =
                _mm256_slli_epi32::<8>(_mm256_and_si256(_mm256_srli_epi32::<6>(units), six));
            let third = _mm256_slli_epi32::<16>(_mm256_and_si256(units, six));
            let marks = _mm256_set1_epi32(0x0080_80e0);
            let bytes =
                _mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, marks));
            let close = _mm256_setr_epi8(
                0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, //
                0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
            );
            let bytes = _mm256_shuffle_epi8(bytes, close);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(bytes));
            _mm_storeu_si128(to.add(12).cast(), _mm256_extracti128_si256::<1>(bytes));
            true
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod simd {
    //! Nothing: other processors take the longer way.

    pub(in super::super) const BLOCK: usize = 32;

    pub(in super::super) fn is_supported() -> bool {
        false
    }

    pub(super) unsafe fn load(from: *const u8) -> [u8; BLOCK] {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[u8; BLOCK]>().read() }
    }

    pub(in super::super) unsafe fn block(from: *const u8, len: usize) -> [u8; BLOCK] {
        // SAFETY: the caller's promise.
        unsafe { last_block(from, len) }
    }

    pub(super) unsafe fn last_block(from: *const u8, len: usize) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        // SAFETY: the caller's promise.
        unsafe { block.as_mut_ptr().copy_from_nonoverlapping(from, len.min(BLOCK)) };
        block
    }

    pub(super) unsafe fn copy(bytes: [u8; BLOCK], to: *mut u8, stop: u8) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[u8; BLOCK]>().write(bytes) };
        let stops = |byte: u8| byte < 0x20 || [b'"', b'\\', stop].contains(&byte);
        bytes.iter().enumerate().fold(0, |all, (at, &byte)| all | u32::from(stops(byte)) << at)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a block at most")]
    pub(in super::super) fn first(len: usize) -> u32 {
        u32::MAX.checked_shl(len as u32).map_or(u32::MAX, |others| !others)
    }

    pub(super) unsafe fn three_bytes_each(_from: *const u16, _to: *mut u8) -> bool {
        false
    }
}
