//! Base64, in the standard alphabet and the one for URLs.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8], out: &mut String) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    let (groups, rest) = bytes.as_chunks::<3>();
    let mut digits = [0; 256];
    for groups in groups.chunks(digits.len() / 4) {
        let (places, _) = digits.as_chunks_mut::<4>();
        for (place, &[first, second, third]) in places.iter_mut().zip(groups) {
            let group = u32::from_be_bytes([0, first, second, third]);
            *place = [18, 12, 6, 0].map(|shift| ALPHABET[(group >> shift & 0x3f) as usize]);
        }
        out.push_str(std::str::from_utf8(&digits[..4 * groups.len()]).unwrap_or_default());
    }
    for chunk in rest.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for index in 0..4 {
            if index <= chunk.len() {
                let sextet = group >> (18 - 6 * index) & 0x3f;
                out.push(char::from(ALPHABET[sextet as usize]));
            } else {
                out.push('=');
            }
        }
    }
}

/// Both alphabets are read, with padding or without.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if digits.len() % 4 == 1 || padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (groups, rest) = digits.as_bytes().as_chunks::<4>();
    for group in groups {
        let [first, second, third, fourth] = group.map(|byte| SEXTETS[byte as usize]);
        if (first | second | third | fourth) & 0x80 != 0 {
            return None;
        }
        let bytes = u32::from(first) << 18
            | u32::from(second) << 12
            | u32::from(third) << 6
            | u32::from(fourth);
        out.extend_from_slice(&bytes.to_be_bytes()[1..]);
    }
    for chunk in rest.chunks(4) {
        let mut group = 0_u32;
        for &byte in chunk {
            let sextet = SEXTETS[byte as usize];
            if sextet & 0x80 != 0 {
                return None;
            }
            group = group << 6 | u32::from(sextet);
        }
        group <<= 6 * (4 - chunk.len());
        let bytes = group.to_be_bytes();
        out.extend_from_slice(&bytes[1..chunk.len()]);
    }
    Some(out)
}

/// The six bits of each digit of both alphabets; the highest bit where it is none.
const SEXTETS: [u8; 256] = sextets();

const fn sextets() -> [u8; 256] {
    let mut table = [0x80; 256];
    let mut index = 0;
    while index < 64 {
        table[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"a", "YQ=="),
            (b"ab", "YWI="),
            (b"abc", "YWJj"),
            (b"\xff\xfe\xfd\xfc", "//79/A=="),
        ] {
            let mut out = String::new();
            encode(bytes, &mut out);
            assert_eq!((out.as_str(), decode(text).as_deref()), (text, Some(bytes)));
        }
        assert_eq!(decode("__79_A").as_deref(), Some(&b"\xff\xfe\xfd\xfc"[..]));
        for len in 0..500_usize {
            let bytes: Vec<u8> = (0..len).map(|index| (index * 37 + len) as u8).collect();
            let mut out = String::new();
            encode(&bytes, &mut out);
            assert_eq!(out.len(), len.div_ceil(3) * 4);
            assert_eq!(decode(&out), Some(bytes));
        }
        for bad in ["Y", "YQ=", "Y*==", "=", "YWJj="] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
