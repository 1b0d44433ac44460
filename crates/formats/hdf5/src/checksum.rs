//! The checksums of the format: Jenkins' lookup3 of metadata, Fletcher's of chunks.

/// Jenkins' lookup3 (`hashlittle`) with the initial value 0.
pub(crate) fn lookup3(data: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(u32::try_from(data.len()).unwrap_or(u32::MAX));
    let mut state = [start; 3];
    let mut rest = data;
    // The last twelve bytes are not mixed, but finished.
    while let Some((block, more)) = rest.split_first_chunk().filter(|(_, more)| !more.is_empty()) {
        add(&mut state, block);
        mix(&mut state);
        rest = more;
    }
    if rest.is_empty() {
        return state[2];
    }
    let mut last = [0; 12];
    last[..rest.len()].copy_from_slice(rest);
    add(&mut state, &last);
    finish(state)
}

fn add(state: &mut [u32; 3], block: &[u8; 12]) {
    for (word, bytes) in state.iter_mut().zip(block.as_chunks().0) {
        *word = word.wrapping_add(u32::from_le_bytes(*bytes));
    }
}

#[expect(clippy::many_single_char_names, reason = "the names of the published algorithm")]
fn mix([a, b, c]: &mut [u32; 3]) {
    let (mut x, mut y, mut z) = (*a, *b, *c);
    for (one, two, three) in [(4, 6, 8), (16, 19, 4)] {
        x = x.wrapping_sub(z) ^ z.rotate_left(one);
        z = z.wrapping_add(y);
        y = y.wrapping_sub(x) ^ x.rotate_left(two);
        x = x.wrapping_add(z);
        z = z.wrapping_sub(y) ^ y.rotate_left(three);
        y = y.wrapping_add(x);
    }
    (*a, *b, *c) = (x, y, z);
}

fn finish([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// Whether the last four bytes of `data` are the lookup3 checksum of those before them.
pub(crate) fn ends_with_lookup3(data: &[u8]) -> bool {
    let Some((body, stored)) = data.split_last_chunk::<4>() else { return false };
    lookup3(body) == u32::from_le_bytes(*stored)
}

/// Fletcher's checksum over big-endian words; a last odd byte is a high one.
pub(crate) fn fletcher32(data: &[u8]) -> u32 {
    let (mut low, mut high) = (0_u64, 0_u64);
    // The sums of 32,768 words fit, so they are reduced rarely.
    for block in data.chunks(1 << 16) {
        for word in block.chunks(2) {
            let second = word.get(1).copied().unwrap_or(0);
            low += u64::from(word[0]) << 8 | u64::from(second);
            high += low;
        }
        low = fold(low);
        high = fold(high);
    }
    let (low, high) = (fold(fold(low)), fold(fold(high)));
    u32::try_from(high << 16 | low).unwrap_or(u32::MAX)
}

/// Reduces modulo 65,535 as the reference does: 65,535 is not made 0.
fn fold(mut sum: u64) -> u64 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup3_of_published_vectors() {
        // From lookup3.c, `driver5`.
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }

    #[test]
    fn fletcher32_of_known_vectors() {
        assert_eq!(fletcher32(&[]), 0);
        assert_eq!(fletcher32(&[1, 2]), 0x0102_0102);
        assert_eq!(fletcher32(&[1, 2, 3]), 0x0504_0402);
        assert_eq!(fletcher32(&[0xff; 4]), 0xffff_ffff);
    }
}
