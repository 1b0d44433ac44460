//! ZFP: floating-point numbers and integers in blocks, with losses or without (the filter of H5Z-ZFP).

use cannery_core::Result;
use zfp_rs::{ZfpBitStream, ZfpConfig, ZfpFieldMut, ZfpHeaderMask, ZfpScalar, ZfpScalarType};

use super::too_long;
use crate::bytes::malformed;

/// Numbers of a header, at most: 148 bits, and padding.
const HEADER_WORDS: usize = 8;

/// Decompresses a chunk. Behind the version, `values` are the header of a ZFP stream in words: on
/// computers of the other byte order they were written with theirs, and so were the numbers.
pub(super) fn decode(data: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    let words = values.get(1..).unwrap_or_default();
    let words = &words[..words.len().min(HEADER_WORDS)];
    let little: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let big: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let (header, is_swapped) = match header(&little) {
        Some(found) => (found, false),
        None => (header(&big).ok_or_else(|| malformed("expected the header of a stream"))?, true),
    };
    let (config, scalar, dims) = header;
    let count = dims.iter().take_while(|&&side| side > 0).try_fold(1_usize, |count, side| {
        count.checked_mul(*side).filter(|count| *count <= most / scalar.size())
    });
    let count = count.ok_or_else(|| too_long(most))?;
    match scalar {
        ZfpScalarType::I32 => numbers(data, &config, dims, count, is_swapped, i32::to_le_bytes),
        ZfpScalarType::I64 => numbers(data, &config, dims, count, is_swapped, i64::to_le_bytes),
        ZfpScalarType::F32 => numbers(data, &config, dims, count, is_swapped, f32::to_le_bytes),
        ZfpScalarType::F64 => numbers(data, &config, dims, count, is_swapped, f64::to_le_bytes),
    }
}

type Found = (ZfpConfig, ZfpScalarType, [usize; 4]);

fn header(bytes: &[u8]) -> Option<Found> {
    let mut stream = ZfpBitStream::from_bytes(bytes).ok()?;
    let found = stream.read_header(ZfpHeaderMask::FULL).ok()?;
    let metadata = found.metadata?;
    Some((found.config?, metadata.scalar_type, metadata.dims))
}

/// The bytes of `count` numbers, in little-endian order, or in the other one.
fn numbers<T: ZfpScalar, const SIZE: usize>(
    data: &[u8],
    config: &ZfpConfig,
    dims: [usize; 4],
    count: usize,
    is_swapped: bool,
    to_bytes: impl Fn(T) -> [u8; SIZE],
) -> Result<Vec<u8>> {
    let no_memory = || malformed("there is no memory for the data");
    let mut numbers: Vec<T> = Vec::new();
    numbers.try_reserve_exact(count).map_err(|_| no_memory())?;
    numbers.resize(count, T::default());
    let mut stream = ZfpBitStream::from_bytes(data).map_err(|_| no_memory())?;
    let mut field = ZfpFieldMut::new(&mut numbers, dims).map_err(|e| malformed(e.to_string()))?;
    stream.decompress(config, &mut field).map_err(|e| malformed(e.to_string()))?;
    let mut out = crate::bytes::zeroed(count * SIZE)?;
    for (number, bytes) in numbers.into_iter().zip(out.as_chunks_mut::<SIZE>().0) {
        *bytes = to_bytes(number);
        if is_swapped {
            bytes.reverse();
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use zfp_rs::ZfpField;

    use super::*;

    /// A chunk of 6 by 5 numbers, and the parameters of its filter.
    fn chunk() -> (Vec<u8>, Vec<u32>, Vec<u8>) {
        let numbers: Vec<f64> = (0..30).map(|i| f64::from(i * i) / 7.0).collect();
        let field = ZfpField::new(&numbers, [5_usize, 6]).unwrap();
        let config = ZfpConfig::reversible();
        let mut stream = ZfpBitStream::new(1000).unwrap();
        let size = stream.compress(&config, &field).unwrap();
        let data = stream.as_bytes()[..size].to_vec();
        let mut head = ZfpBitStream::new(64).unwrap();
        head.write_header(&config, &field.metadata(), ZfpHeaderMask::FULL).unwrap();
        head.flush();
        let words =
            head.as_bytes().chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
        let values = std::iter::once(0x0100_5000).chain(words).collect();
        (data, values, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    #[test]
    fn numbers_come_back_in_the_order_of_their_writer() {
        let (data, values, numbers) = chunk();
        assert_eq!(decode(&data, &values, 240).unwrap(), numbers);
        let swapped: Vec<u32> = values.iter().map(|word| word.swap_bytes()).collect();
        let reversed: Vec<u8> = numbers.chunks(8).flat_map(|n| n.iter().rev().copied()).collect();
        assert_eq!(decode(&data, &swapped, 240).unwrap(), reversed);
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        let (data, values, _) = chunk();
        let error = |data: &[u8], values: &[u32], most| {
            decode(data, values, most).unwrap_err().message().to_owned()
        };
        assert!(error(&data, &values, 239).contains("found more"));
        assert!(error(&data[..16], &values, 240).contains("truncated"));
        assert!(error(&data, &[], 240).contains("header"));
        for at in 1..values.len() {
            for bit in 0..32 {
                let mut values = values.clone();
                values[at] ^= 1 << bit;
                let _ = decode(&data, &values, 240);
            }
        }
    }
}
