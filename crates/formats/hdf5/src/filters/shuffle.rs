//! Shuffle: all first bytes of the elements, then all second bytes, and so on.

#![expect(clippy::inline_always, reason = "only what is inlined gets the vectors of `dispatch`")]

use cannery_core::Result;
use fearless_simd::{Level, dispatch};

use super::Buffers;
use crate::bytes::malformed;

pub(super) fn decode(data: Vec<u8>, values: &[u32], buffers: &mut Buffers) -> Result<Vec<u8>> {
    let size =
        *values.first().ok_or_else(|| malformed("expected the size of an element"))? as usize;
    if size == 0 {
        return Err(malformed("expected elements of more than 0 bytes"));
    }
    if size == 1 || data.len() < 2 * size {
        return Ok(data);
    }
    let mut out = buffers.take(data.len())?;
    unshuffle(&data, size, &mut out);
    buffers.give(data);
    Ok(out)
}

/// Shuffles a chunk.
pub(super) fn encode(data: Vec<u8>, size: usize) -> Vec<u8> {
    if size < 2 || data.len() < 2 * size {
        return data;
    }
    let mut out = vec![0; data.len()];
    shuffle(&data, size, &mut out);
    out
}

/// Puts the bytes at the same place of all elements side by side; what is left is copied.
pub(super) fn shuffle(data: &[u8], size: usize, out: &mut [u8]) {
    let count = data.len() / size;
    let whole = count * size;
    let (body, rest) = out.split_at_mut(whole);
    let level = Level::new();
    match size {
        2 => dispatch!(level, _simd => split::<2>(data, count, body)),
        4 => dispatch!(level, _simd => split::<4>(data, count, body)),
        8 => dispatch!(level, _simd => split::<8>(data, count, body)),
        _ => split_any(&data[..whole], (size, count), body),
    }
    rest.copy_from_slice(&data[whole..]);
}

#[inline(always)]
fn split<const N: usize>(data: &[u8], count: usize, out: &mut [u8]) {
    // A part of the elements at a time, so that they stay in the cache for all planes.
    const PART: usize = 1 << 11;
    for (part, elements) in data.as_chunks::<N>().0.chunks(PART).enumerate() {
        for (i, plane) in out.chunks_exact_mut(count).enumerate() {
            let plane = &mut plane[part * PART..][..elements.len()];
            for (byte, element) in plane.iter_mut().zip(elements) {
                *byte = element[i];
            }
        }
    }
}

fn split_any(data: &[u8], (size, count): (usize, usize), out: &mut [u8]) {
    const PART: usize = 256;
    for start in (0..count).step_by(PART) {
        let end = (start + PART).min(count);
        for i in 0..size {
            let plane = &mut out[i * count + start..i * count + end];
            for (j, byte) in plane.iter_mut().enumerate() {
                *byte = data[(start + j) * size + i];
            }
        }
    }
}

/// Puts the bytes of each element side by side; what is left at the end is copied.
pub(super) fn unshuffle(data: &[u8], size: usize, out: &mut [u8]) {
    let count = data.len() / size;
    let whole = count * size;
    let (body, level) = (&mut out[..whole], Level::new());
    match size {
        2 => dispatch!(level, _simd => pairs(planes(data, count), body)),
        4 => dispatch!(level, _simd => fours(planes(data, count), body)),
        8 => dispatch!(level, _simd => eights(planes(data, count), body)),
        _ => any(&data[..whole], (size, count), body),
    }
    out[whole..].copy_from_slice(&data[whole..]);
}

/// The same of planes that lie apart; `false` if there are not 2, 4 or 8 of them.
pub(super) fn unshuffle_planes(planes: &[&[u8]], out: &mut [u8]) -> bool {
    let level = Level::new();
    match planes.len() {
        2 => dispatch!(level, _simd => pairs(first(planes), out)),
        4 => dispatch!(level, _simd => fours(first(planes), out)),
        8 => dispatch!(level, _simd => eights(first(planes), out)),
        _ => return false,
    }
    true
}

fn first<'a, const N: usize>(planes: &[&'a [u8]]) -> [&'a [u8]; N] {
    std::array::from_fn(|i| planes[i])
}

/// The first `N` planes of `count` bytes.
pub(super) fn planes<const N: usize>(data: &[u8], count: usize) -> [&[u8]; N] {
    std::array::from_fn(|i| &data[i * count..(i + 1) * count])
}

// Bytes are put together by shifting wider numbers: the compiler makes vector instructions of it, the widest
// that the processor has, for the functions are inlined where `dispatch` asked for it.

#[inline(always)]
fn pairs([low, high]: [&[u8]; 2], out: &mut [u8]) {
    let planes = low.iter().zip(high);
    for (element, (&a, &b)) in out.as_chunks_mut::<2>().0.iter_mut().zip(planes) {
        *element = (u16::from(a) | u16::from(b) << 8).to_le_bytes();
    }
}

#[inline(always)]
fn fours([a, b, c, d]: [&[u8]; 4], out: &mut [u8]) {
    let planes = a.iter().zip(b).zip(c).zip(d);
    for (element, (((&a, &b), &c), &d)) in out.as_chunks_mut::<4>().0.iter_mut().zip(planes) {
        let low = u32::from(a) | u32::from(b) << 8;
        *element = (low | u32::from(c) << 16 | u32::from(d) << 24).to_le_bytes();
    }
}

#[inline(always)]
fn eights(planes: [&[u8]; 8], out: &mut [u8]) {
    for (element, value) in out.as_chunks_mut::<8>().0.iter_mut().zip(columns(planes)) {
        *element = value.to_le_bytes();
    }
}

/// The bytes at the same place of eight planes, the first plane's lowest.
#[expect(clippy::many_single_char_names, reason = "they are the eight bytes")]
#[inline(always)]
pub(super) fn columns([a, b, c, d, e, f, g, h]: [&[u8]; 8]) -> impl Iterator<Item = u64> {
    let low = a.iter().zip(b).zip(c).zip(d);
    let high = e.iter().zip(f).zip(g).zip(h);
    low.zip(high).map(|((((a, b), c), d), (((e, f), g), h))| {
        let low = u64::from(*a) | u64::from(*b) << 8 | u64::from(*c) << 16 | u64::from(*d) << 24;
        let high = u64::from(*e) | u64::from(*f) << 8 | u64::from(*g) << 16 | u64::from(*h) << 24;
        low | high << 32
    })
}

fn any(data: &[u8], (size, count): (usize, usize), out: &mut [u8]) {
    // A part of the elements at a time, so that their bytes stay in the cache.
    const PART: usize = 256;
    for start in (0..count).step_by(PART) {
        let end = (start + PART).min(count);
        for i in 0..size {
            let plane = &data[i * count + start..i * count + end];
            for (j, &byte) in plane.iter().enumerate() {
                out[(start + j) * size + i] = byte;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_is_undone() {
        for size in [2, 3, 4, 8, 12] {
            for len in [0, size, 7 * size + 1, 5000 * size + 3] {
                let data: Vec<u8> =
                    (0..len).map(|i: usize| (i * 7 + i / 256).to_le_bytes()[0]).collect();
                let (mut shuffled, mut out) = (vec![0; len], vec![0; len]);
                shuffle(&data, size, &mut shuffled);
                unshuffle(&shuffled, size, &mut out);
                assert_eq!(out, data, "{len} bytes in elements of {size}");
            }
        }
    }

    #[test]
    fn unshuffling_undoes_shuffling() {
        for size in 1..20 {
            for len in [0, 1, size, 7 * size + 1, 64 * size, 100 * size + 3] {
                let data: Vec<u8> =
                    (0..len).map(|i: usize| (i * 7 + i / 256).to_le_bytes()[0]).collect();
                let count = len / size;
                let mut shuffled = data.clone();
                for i in 0..count * size {
                    shuffled[i % size * count + i / size] = data[i];
                }
                let mut out = vec![0; len];
                unshuffle(&shuffled, size, &mut out);
                assert_eq!(out, data, "{len} bytes in elements of {size}");
            }
        }
    }
}
