//! Shuffle: all first bytes of the elements, then all second bytes, and so on.

use cannery_core::Result;

use crate::bytes::malformed;

pub(super) fn decode(data: Vec<u8>, values: &[u32]) -> Result<Vec<u8>> {
    let size =
        *values.first().ok_or_else(|| malformed("expected the size of an element"))? as usize;
    if size == 0 {
        return Err(malformed("expected elements of more than 0 bytes"));
    }
    if size == 1 || data.len() < 2 * size {
        return Ok(data);
    }
    let mut out = crate::bytes::zeroed(data.len())?;
    unshuffle(&data, size, &mut out);
    Ok(out)
}

/// Puts the bytes of each element side by side; what is left at the end is copied.
pub(super) fn unshuffle(data: &[u8], size: usize, out: &mut [u8]) {
    let count = data.len() / size;
    let whole = count * size;
    match size {
        2 => fixed::<2>(&data[..whole], count, &mut out[..whole]),
        4 => fixed::<4>(&data[..whole], count, &mut out[..whole]),
        8 => fixed::<8>(&data[..whole], count, &mut out[..whole]),
        _ => any(&data[..whole], (size, count), &mut out[..whole]),
    }
    out[whole..].copy_from_slice(&data[whole..]);
}

/// Elements that are put together at a time: so the compiler makes vector instructions of it.
const LANES: usize = 32;

fn fixed<const SIZE: usize>(data: &[u8], count: usize, out: &mut [u8]) {
    let planes: [&[u8]; SIZE] = std::array::from_fn(|i| &data[i * count..(i + 1) * count]);
    let vectors = count / LANES * LANES;
    for at in (0..vectors).step_by(LANES) {
        let block: [&[u8; LANES]; SIZE] =
            std::array::from_fn(|i| planes[i][at..].first_chunk().unwrap_or(&[0; LANES]));
        let target = &mut out[at * SIZE..(at + LANES) * SIZE];
        for (j, element) in target.as_chunks_mut::<SIZE>().0.iter_mut().enumerate() {
            *element = std::array::from_fn(|i| block[i][j % LANES]);
        }
    }
    for at in vectors..count {
        for (i, plane) in planes.iter().enumerate() {
            out[at * SIZE + i] = plane[at];
        }
    }
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
    fn unshuffling_undoes_shuffling() {
        for size in 1..20 {
            for len in [0, 1, size, 7 * size + 1, 64 * size, 100 * size + 3] {
                let data: Vec<u8> = (0..len).map(|i| (i * 7 + i / 256) as u8).collect();
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
