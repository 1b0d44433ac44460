//! LZF, as h5py writes it.

use cannery_core::Result;

use crate::bytes::malformed;

pub(super) fn decode(data: &[u8], _values: &[u32], most: usize) -> Result<Vec<u8>> {
    // 3 bytes make at most 264.
    let mut out = Vec::with_capacity(most.min(data.len().saturating_mul(88)));
    let ends = || malformed("the stream ends early");
    let mut at = 0;
    while let Some(&control) = data.get(at) {
        at += 1;
        if control < 32 {
            let len = usize::from(control) + 1;
            let run = data.get(at..at + len).ok_or_else(ends)?;
            if out.len() + len > most {
                return Err(super::too_long(most));
            }
            out.extend_from_slice(run);
            at += len;
            continue;
        }
        let mut len = usize::from(control >> 5);
        if len == 7 {
            len += usize::from(*data.get(at).ok_or_else(ends)?);
            at += 1;
        }
        let low = usize::from(*data.get(at).ok_or_else(ends)?);
        at += 1;
        let distance = (usize::from(control & 31) << 8 | low) + 1;
        if out.len() + len + 2 > most {
            return Err(super::too_long(most));
        }
        repeat(&mut out, distance, len + 2)?;
    }
    Ok(out)
}

/// Appends `len` bytes that begin `distance` bytes before the end.
pub(super) fn repeat(out: &mut Vec<u8>, distance: usize, len: usize) -> Result<()> {
    let start = out.len().checked_sub(distance).filter(|_| distance > 0);
    let start = start.ok_or_else(|| malformed("a match begins before the data"))?;
    if distance >= len {
        out.extend_from_within(start..start + len);
        return Ok(());
    }
    // The match overlaps itself: it is copied in pieces that grow.
    let mut left = len;
    while left > 0 {
        let piece = (out.len() - start).min(left);
        out.extend_from_within(start..start + piece);
        left -= piece;
    }
    Ok(())
}
