//! Elements as numbers, and numbers as elements.

use cannery_core::TensorDtype;

use super::float::FloatFormat;

/// A number, complex for all types.
pub(super) type Complex = (f64, f64);

/// Calls `take` with each element of little-endian bytes; types without numbers have none.
pub(super) fn for_each(dtype: &TensorDtype, bytes: &[u8], take: &mut dyn FnMut(Complex)) {
    let mut real = |value: f64| take((value, 0.0));
    match dtype {
        TensorDtype::Bool | TensorDtype::Uint(1) => {
            for &byte in bytes {
                real(f64::from(byte));
            }
        }
        TensorDtype::Int(size) | TensorDtype::Uint(size) => {
            let is_signed = matches!(dtype, TensorDtype::Int(_));
            let words = bytes.chunks_exact(usize::from(*size));
            words.for_each(|word| real(integer(word, is_signed)));
        }
        TensorDtype::Float(4 | 8) => {
            let size = dtype.word_size();
            bytes.chunks_exact(size).for_each(|word| real(float(word)));
        }
        TensorDtype::Complex(size) => {
            let words = bytes.chunks_exact(usize::from(*size));
            words.map(|word| word.split_at(word.len() / 2)).for_each(|(re, im)| {
                take((float(re), float(im)));
            });
        }
        TensorDtype::Float8E8M0 => bytes.iter().for_each(|&byte| real(power(byte))),
        TensorDtype::Float4E2M1 | TensorDtype::Float6E2M3 | TensorDtype::Float6E3M2 => {
            packed(dtype, bytes, &mut real);
        }
        _ => {
            let Some(format) = FloatFormat::of(dtype) else { return };
            let words = bytes.chunks_exact(dtype.itemsize().unwrap_or(1));
            words.for_each(|word| real(format.decode(code(word))));
        }
    }
}

fn code(word: &[u8]) -> u32 {
    word.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte))
}

#[expect(clippy::cast_precision_loss, reason = "differences are told in floats")]
fn integer(word: &[u8], is_signed: bool) -> f64 {
    let bits = word.iter().rev().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    if !is_signed {
        return bits as f64;
    }
    let unused = 64 - 8 * u32::try_from(word.len()).unwrap_or(8);
    ((bits << unused).cast_signed() >> unused) as f64
}

fn float(word: &[u8]) -> f64 {
    match *word {
        [a, b] => {
            FloatFormat::of(&TensorDtype::Float(2)).map_or(f64::NAN, |f| f.decode(code(&[a, b])))
        }
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => word.try_into().map_or(f64::NAN, f64::from_le_bytes),
    }
}

/// A power of two by its exponent.
fn power(exponent: u8) -> f64 {
    if exponent == u8::MAX { f64::NAN } else { 2_f64.powi(i32::from(exponent) - 127) }
}

/// Elements of four or six bits, the first in the lowest.
fn packed(dtype: &TensorDtype, bytes: &[u8], take: &mut dyn FnMut(f64)) {
    let Some(format) = FloatFormat::of(dtype) else { return };
    let bits = u32::try_from(dtype.bits()).unwrap_or(8);
    let (mut word, mut len) = (0_u32, 0);
    for &byte in bytes {
        word |= u32::from(byte) << len;
        len += 8;
        while len >= bits {
            take(format.decode(word & ((1 << bits) - 1)));
            (word, len) = (word >> bits, len - bits);
        }
    }
}

/// Whether elements of this type can become others: floats of any width.
pub(super) fn is_float(dtype: &TensorDtype) -> bool {
    matches!(dtype, TensorDtype::Float(_) | TensorDtype::Float8E8M0)
        || FloatFormat::of(dtype).is_some()
}

/// Puts the elements of one type behind `out` as those of another, each the nearest there is.
pub(super) fn convert(from: &TensorDtype, bytes: &[u8], to: &TensorDtype, out: &mut Vec<u8>) {
    let format = FloatFormat::of(to);
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is meant")]
    for_each(from, bytes, &mut |(value, _)| match (to, format) {
        (TensorDtype::Float(8), _) => out.extend_from_slice(&value.to_le_bytes()),
        (TensorDtype::Float(4), _) => out.extend_from_slice(&(value as f32).to_le_bytes()),
        (_, Some(format)) => {
            let size = to.itemsize().unwrap_or(1);
            out.extend_from_slice(&format.encode(value).to_le_bytes()[..size]);
        }
        _ => out.push(exponent(value)),
    });
}

/// The exponent of the power of two that is nearest to a number; 255 where there is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the exponent is within the bounds of a byte"
)]
fn exponent(value: f64) -> u8 {
    if value.is_nan() || value.is_sign_negative() || value.is_infinite() {
        return u8::MAX;
    }
    // 1.5 is halfway between two powers.
    let exponent = (value * (4.0 / 3.0)).log2().floor() + 127.0;
    if exponent > 254.0 { u8::MAX } else { exponent.max(0.0) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(dtype: &TensorDtype, bytes: &[u8]) -> Vec<f64> {
        let mut all = Vec::new();
        for_each(dtype, bytes, &mut |(value, _)| all.push(value));
        all
    }

    #[test]
    fn elements_are_numbers() {
        assert_eq!(numbers(&TensorDtype::Int(2), &[0xff, 0xff, 1, 0]), [-1.0, 1.0]);
        assert_eq!(numbers(&TensorDtype::Uint(2), &[0xff, 0xff]), [65535.0]);
        assert_eq!(numbers(&TensorDtype::Int(8), &i64::MIN.to_le_bytes()), [-(2_f64.powi(63))]);
        assert_eq!(numbers(&TensorDtype::Float4E2M1, &[0x21, 0xf7]), [0.5, 1.0, 6.0, -6.0]);
        assert_eq!(numbers(&TensorDtype::Float6E3M2, &[0x0c, 0, 0]), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(numbers(&TensorDtype::Float8E8M0, &[127, 128]), [1.0, 2.0]);
    }

    #[test]
    fn floats_become_others() {
        let mut out = Vec::new();
        convert(&TensorDtype::Float(4), &1.5_f32.to_le_bytes(), &TensorDtype::BFloat16, &mut out);
        convert(&TensorDtype::BFloat16, &[0xc0, 0x3f], &TensorDtype::Float(8), &mut out);
        convert(&TensorDtype::Float(4), &4_f32.to_le_bytes(), &TensorDtype::Float8E8M0, &mut out);
        assert_eq!(out, [&[0xc0, 0x3f][..], &1.5_f64.to_le_bytes(), &[129]].concat());
    }
}
