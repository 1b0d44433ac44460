//! Finding the next byte that matters, many bytes at a time.
//!
//! A [`Scan`] is chosen once for each run of the parser ([`with_best`]), and the parser is compiled
//! for each of them, so that the vector instructions are inlined into its loop.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
mod decode;
#[cfg(target_arch = "x86_64")]
mod x86;

/// A stretch of a string's bytes without anything to interpret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The index of the quote, backslash or control character behind it, or the length of the data.
    pub(crate) end: usize,
    /// Whether all its bytes are ASCII.
    pub(crate) ascii: bool,
}

/// A set of instructions to look for bytes with.
pub(crate) trait Scan: Copy {
    /// The plain stretch of a string that begins at `start`.
    fn plain(self, data: &[u8], start: usize) -> Run;

    /// [`plain`](Scan::plain) as a function of its own, for code that is compiled once for all.
    fn plain_outlined(self, data: &[u8], start: usize) -> Run;

    /// [`plain`](Scan::plain), which also adds the stretch to `to`.
    fn plain_into(self, data: &[u8], start: usize, to: &mut Vec<u8>) -> Run;

    /// Runs a task in a function of its own, compiled for these instructions.
    fn apart<T: Task>(self, task: T) -> T::Output;

    /// The index of the first byte from `start` on that is not whitespace, or the data's length.
    fn whitespace(self, data: &[u8], start: usize) -> usize;

    /// Decodes a string, which a quote is behind, into units; says no where that is not quick or
    /// not possible, as for characters beyond U+FFFF and what is not UTF-8.
    fn decode(self, _data: &[u8], _string: Range<usize>, _to: &mut Vec<u16>) -> bool {
        false
    }

    /// Decodes a string, which a quote is behind, into characters; says no as [`decode`](Scan::decode)
    /// does, and where it is not UTF-8.
    fn decode_characters(self, _data: &[u8], _string: Range<usize>, _to: &mut Vec<u32>) -> bool {
        false
    }

    /// Adds the digits from `start` on to `value`, wrapping around; returns it and where they end.
    fn digits(self, data: &[u8], start: usize, value: u64) -> (u64, usize);
}

/// Something to do with a [`Scan`]; a closure cannot be generic.
pub(crate) trait Task {
    /// What it results in.
    type Output;

    /// Does it. Implementations are `#[inline(always)]`, so as to be compiled for each `Scan`.
    fn run<V: Scan>(self, scan: V) -> Self::Output;
}

/// Runs `task` with the best instructions that this processor has.
#[inline(always)]
pub(crate) fn with_best<T: Task>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    return x86::with_best(task);
    #[cfg(not(target_arch = "x86_64"))]
    return task.run(Words);
}

/// How many lines end in the text.
pub(crate) fn count_newlines(text: &[u8]) -> u64 {
    with_best(Newlines(text))
}

struct Newlines<'a>(&'a [u8]);

impl Task for Newlines<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<V: Scan>(self, _: V) -> u64 {
        // As many at a time as a byte can count: the compiler makes vector instructions of that.
        let count = |block: &[u8]| block.iter().map(|&b| u8::from(b == b'\n')).sum::<u8>();
        self.0.chunks(224).map(|block| u64::from(count(block))).sum()
    }
}

/// Eight bytes at a time, in an ordinary register; also the end of the data, for the others.
#[derive(Clone, Copy)]
pub(crate) struct Words;

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

impl Scan for Words {
    #[inline(always)]
    fn plain(self, data: &[u8], start: usize) -> Run {
        let (mut pos, mut high) = (start, 0);
        while let Some(word) = word_at(data, pos) {
            let stops = special(word);
            if stops != 0 {
                // Bits above the first stop may be false alarms and belong to later bytes.
                high |= word & HIGH & (stops ^ (stops - 1));
                let end = pos + stops.trailing_zeros() as usize / 8;
                return Run { end, ascii: high == 0 };
            }
            high |= word & HIGH;
            pos += 8;
        }
        let rest = data.get(pos..).unwrap_or_default();
        let length = rest.iter().position(|&b| is_special(b)).unwrap_or(rest.len());
        Run { end: pos + length, ascii: high == 0 && rest[..length].is_ascii() }
    }

    #[inline(never)]
    fn plain_outlined(self, data: &[u8], start: usize) -> Run {
        self.plain(data, start)
    }

    fn plain_into(self, data: &[u8], start: usize, to: &mut Vec<u8>) -> Run {
        let run = self.plain(data, start);
        to.extend_from_slice(&data[start..run.end]);
        run
    }

    #[inline(never)]
    fn apart<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn whitespace(self, data: &[u8], start: usize) -> usize {
        let rest = data.get(start..).unwrap_or_default();
        start + rest.iter().position(|&b| !is_whitespace(b)).unwrap_or(rest.len())
    }

    #[inline(always)]
    fn digits(self, data: &[u8], start: usize, mut value: u64) -> (u64, usize) {
        let mut pos = start;
        while let Some(word) = word_at(data, pos) {
            let digits = word ^ (ONES * u64::from(b'0'));
            // The high bit of each byte above 9; carries only reach bytes behind the first of them.
            let stops = (digits.wrapping_add(ONES * 0x76) | digits) & HIGH;
            if stops != 0 {
                let count = stops.trailing_zeros() / 8;
                // Two shifts, for a shift by all 64 bits is not one.
                let aligned = (digits << 1) << (63 - 8 * count);
                let scaled = value.wrapping_mul(TENS[count as usize]);
                return (scaled.wrapping_add(eight_digits(aligned)), pos + count as usize);
            }
            value = value.wrapping_mul(TENS[8]).wrapping_add(eight_digits(digits));
            pos += 8;
        }
        while let Some(digit) = data.get(pos).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            pos += 1;
        }
        (value, pos)
    }
}

/// Powers of ten, for as many digits as are read at a time.
static TENS: [u64; 17] = [
    1,
    10,
    100,
    1000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
];

/// The number whose digits are the bytes of `word`, the first one lowest.
#[inline(always)]
fn eight_digits(word: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let upper = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let lower = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    upper.wrapping_add(lower) >> 32
}

fn word_at(data: &[u8], pos: usize) -> Option<u64> {
    data.get(pos..)?.first_chunk().map(|&chunk| u64::from_le_bytes(chunk))
}

/// The high bit of the first byte that ends a plain stretch, and perhaps higher bits.
fn special(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    (control & !word | zero(quote) | zero(backslash)) & HIGH
}

pub(crate) fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[inline]
pub(crate) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct All<'a>(&'a [u8], usize);

    impl Task for All<'_> {
        type Output = (Run, usize, (u64, usize), (Run, Vec<u8>));

        fn run<V: Scan>(self, scan: V) -> Self::Output {
            let All(data, start) = self;
            let mut copy = b"<".to_vec();
            let copied = scan.plain_into(data, start, &mut copy);
            let digits = scan.digits(data, start, 7);
            (scan.plain(data, start), scan.whitespace(data, start), digits, (copied, copy))
        }
    }

    fn expected(data: &[u8], start: usize) -> <All<'_> as Task>::Output {
        let rest = &data[start..];
        let plain = rest.iter().position(|&b| is_special(b)).unwrap_or(rest.len());
        let white = rest.iter().position(|&b| !is_whitespace(b)).unwrap_or(rest.len());
        let digits = rest.iter().take_while(|b| b.is_ascii_digit());
        let count = digits.clone().count();
        let value = digits.fold(7_u64, |value, digit| {
            value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
        });
        let run = Run { end: start + plain, ascii: rest[..plain].is_ascii() };
        let copy = [b"<", &rest[..plain]].concat();
        (run, start + white, (value, start + count), (run, copy))
    }

    fn interesting() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => Just(b'a'), 4 => Just(b' '), 1 => Just(b'\n'), 1 => Just(b'"'),
            1 => Just(b'\\'), 1 => Just(0x80), 1 => any::<u8>(),
        ];
        prop_oneof![
            prop::collection::vec(byte, 0..150),
            (0..150usize, any::<u8>(), 0..40usize).prop_map(|(n, byte, more)| {
                [vec![b'x'; n], vec![byte], vec![b'y'; more]].concat()
            }),
            (0..150usize, any::<u8>(), 0..40usize).prop_map(|(n, byte, more)| {
                [vec![b' '; n], vec![byte], vec![b' '; more]].concat()
            }),
            ("[0-9]{0,40}", any::<u8>(), "[0-9]{0,40}").prop_map(|(digits, byte, more)| {
                [digits.as_bytes(), &[byte], more.as_bytes()].concat()
            }),
        ]
    }

    fn string() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[a-z]{0,40}".prop_map(String::into_bytes),
            4 => "[é-ſЀ-џ]{0,20}".prop_map(String::into_bytes),
            4 => "[ࠀ日本語。\u{d7ff}\u{e000}\u{ffff}]{0,20}".prop_map(String::into_bytes),
            2 => "[🦀a-c\u{10ffff}é]{0,9}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 1..4),
            1 => prop::sample::select(vec![b"\xc1\xbf".to_vec(), b"\xe0\x9f\xbf".to_vec(),
                b"\xed\xa0\x80".to_vec(), b"\xe6\x97".to_vec(), b"\xf0\x8f\xbf\xbf".to_vec(),
                b"\xf4\x90\x80\x80".to_vec(), b"\xf8\x88\x80\x80\x80".to_vec()]),
        ];
        prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
    }

    struct DecodeCharacters<'a>(&'a [u8], Range<usize>);

    impl Task for DecodeCharacters<'_> {
        type Output = Option<Vec<u32>>;

        fn run<V: Scan>(self, scan: V) -> Self::Output {
            let mut characters = Vec::new();
            scan.decode_characters(self.0, self.1, &mut characters).then_some(characters)
        }
    }

    struct Decode<'a>(&'a [u8], Range<usize>);

    impl Task for Decode<'_> {
        type Output = Option<Vec<u16>>;

        fn run<V: Scan>(self, scan: V) -> Self::Output {
            let mut units = Vec::new();
            scan.decode(self.0, self.1, &mut units).then_some(units)
        }
    }

    proptest! {
        #[test]
        fn strings_are_decoded_as_the_standard_library_does(string in string(), room in 0..40usize) {
            let data = [b"\"", &*string, b"\"", &vec![0x97; room]].concat();
            let expected = std::str::from_utf8(&string).ok().and_then(|text| {
                text.chars().map(|c| u16::try_from(u32::from(c)).ok()).collect::<Option<Vec<_>>>()
            });
            let decoded = with_best(Decode(&data, 1..1 + string.len()));
            prop_assert!(decoded.is_none() || decoded == expected);
            #[cfg(target_arch = "x86_64")]
            if room >= 32 && is_x86_feature_detected!("avx2") {
                prop_assert_eq!(decoded, expected);
            }
        }

        #[test]
        fn characters_are_decoded_as_the_standard_library_does(
            string in string(),
            room in 0..40usize,
        ) {
            let data = [b"\"", &*string, b"\"", &vec![0x97; room]].concat();
            let expected = std::str::from_utf8(&string).ok();
            let expected = expected.map(|text| text.chars().map(u32::from).collect::<Vec<_>>());
            let decoded = with_best(DecodeCharacters(&data, 1..1 + string.len()));
            prop_assert!(decoded.is_none() || decoded == expected);
            #[cfg(target_arch = "x86_64")]
            if room >= 12 && is_x86_feature_detected!("avx2") {
                prop_assert_eq!(decoded, expected);
            }
        }

        #[test]
        fn every_scan_finds_what_a_loop_finds(data in interesting(), start in 0..10usize) {
            let start = start.min(data.len());
            let expected = expected(&data, start);
            prop_assert_eq!(&All(&data, start).run(Words), &expected);
            prop_assert_eq!(&with_best(All(&data, start)), &expected);
            #[cfg(target_arch = "x86_64")]
            prop_assert_eq!(&All(&data, start).run(x86::Sse2), &expected);
        }
    }
}
