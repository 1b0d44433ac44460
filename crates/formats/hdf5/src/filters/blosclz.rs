//! `BloscLZ`, the codec that only Blosc uses.

use cannery_core::Result;

use super::lzf::repeat;
use crate::bytes::malformed;

/// Matches farther away than this have two more bytes of distance.
const FAR: usize = 8191;

/// Decompresses a block into a slice, which it fills.
pub(super) fn decode_into(data: &[u8], out: &mut [u8]) -> Result<()> {
    let most = out.len();
    let mut bytes = Vec::with_capacity(most.min(data.len().saturating_mul(256)));
    let ends = || malformed("a BloscLZ block ends early");
    let mut at = 0;
    let mut next = || {
        let byte = data.get(at).copied();
        at += 1;
        byte.ok_or_else(ends)
    };
    let mut is_first = true;
    loop {
        // The first byte is always a run of literals.
        let Ok(mut control) = next() else { break };
        if std::mem::take(&mut is_first) {
            control &= 31;
        }
        if control < 32 {
            let len = usize::from(control) + 1;
            if bytes.len() + len > most {
                return Err(super::too_long(most));
            }
            for _ in 0..len {
                bytes.push(next()?);
            }
            continue;
        }
        let mut len = usize::from(control >> 5) - 1;
        if len == 6 {
            loop {
                let more = next()?;
                len += usize::from(more);
                if more != 255 || len > most {
                    break;
                }
            }
        }
        let high = usize::from(control & 31) << 8;
        let low = usize::from(next()?);
        let distance = if low == 255 && high == 31 << 8 {
            (usize::from(next()?) << 8 | usize::from(next()?)) + FAR + 1
        } else {
            high + low + 1
        };
        if bytes.len() + len + 3 > most {
            return Err(super::too_long(most));
        }
        repeat(&mut bytes, distance, len + 3)?;
    }
    if bytes.len() < most {
        return Err(ends());
    }
    out.copy_from_slice(&bytes);
    Ok(())
}
