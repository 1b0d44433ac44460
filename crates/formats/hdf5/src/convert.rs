//! Numbers of any width and layout as the numbers that processors have.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "conversions of numbers are what this is for"
)]

use cannery_core::Result;

use crate::bytes::malformed;
use crate::datatype::{ByteOrder, Datatype, FloatLayout, TypeClass};

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating-point number of IEEE 754, or of 16 bytes that of x87.
    Float,
}

/// The number that holds all values of a datatype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberType {
    /// What it is.
    pub kind: NumberKind,
    /// Its bytes: 1, 2, 4, 8 or, of floating-point numbers, 16.
    pub size: usize,
    /// Whether the highest byte comes first.
    pub big_endian: bool,
    /// Whether elements in the file are such numbers; others are to be converted.
    pub is_stored: bool,
}

/// Sizes and parts of the floating-point numbers of IEEE 754: bytes, exponent, mantissa, bias.
const IEEE: [(usize, u8, u8, u32); 3] = [(2, 5, 10, 15), (4, 8, 23, 127), (8, 11, 52, 1023)];

impl Datatype {
    /// The number that holds all values of this type, if there is one.
    #[must_use]
    pub fn number(&self) -> Option<NumberType> {
        let size = self.size as usize;
        match &self.class {
            TypeClass::Fixed { order, signed, offset, precision, .. } => {
                let kind = if *signed { NumberKind::Int } else { NumberKind::Uint };
                integer(kind, *order, size, *offset == 0 && usize::from(*precision) == 8 * size)
            }
            TypeClass::Time { order, precision } => {
                integer(NumberKind::Int, *order, size, usize::from(*precision) == 8 * size)
            }
            TypeClass::Float(layout) => float(layout, size),
            _ => None,
        }
    }

    /// Converts elements to the numbers that [`Datatype::number`] says.
    ///
    /// # Errors
    /// If the type is no number, or the buffers are not of the same number of elements.
    pub fn convert_numbers(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let target = self.number().ok_or_else(|| malformed("expected a type of numbers"))?;
        let size = self.size as usize;
        if data.len() / size != out.len() / target.size || !data.len().is_multiple_of(size) {
            return Err(malformed("expected buffers of the same number of elements"));
        }
        let pairs = data.chunks_exact(size).zip(out.chunks_exact_mut(target.size));
        match &self.class {
            TypeClass::Fixed { order, signed, offset, precision, .. } => {
                pairs.for_each(|(from, to)| {
                    convert_integer(from, to, *order, (*signed, *offset, *precision));
                });
            }
            TypeClass::Time { order, precision } => {
                pairs.for_each(|(from, to)| {
                    convert_integer(from, to, *order, (true, 0, *precision));
                });
            }
            TypeClass::Float(layout) if target.size == 16 && layout.normalization == 2 => {
                let big = target.big_endian;
                pairs.for_each(|(from, to)| {
                    put(&extended(bits(from, layout.order), layout), to, big);
                });
            }
            TypeClass::Float(layout) if target.size == 16 => {
                pairs.for_each(|(from, to)| widen(from, to, layout.order));
            }
            TypeClass::Float(layout) => {
                pairs.for_each(|(from, to)| convert_float(from, to, layout, target.big_endian));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A number on its way from one type to another.
#[derive(Clone, Copy)]
enum Value {
    Integer(i128),
    Float(f64),
}

impl Datatype {
    /// Converts numbers to those of another type: what is too large becomes the largest.
    pub(crate) fn convert_to(&self, target: &Self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let unknown = || {
            crate::bytes::unsupported("elements of a type that is not that of the numbers wanted")
        };
        let (from, to) = (self.number().ok_or_else(unknown)?, target.number().ok_or_else(unknown)?);
        if !to.is_stored || from.size > 8 || to.size > 8 {
            return Err(unknown());
        }
        let count = data.len() / self.size as usize;
        let mut numbers = vec![0; count * from.size];
        self.convert_numbers(data, &mut numbers)?;
        let pairs = numbers.chunks_exact(from.size).zip(out.chunks_exact_mut(to.size));
        pairs.for_each(|(source, target)| write_value(read_value(source, from), to, target));
        Ok(())
    }
}

fn read_value(bytes: &[u8], number: NumberType) -> Value {
    let order = if number.big_endian { ByteOrder::Big } else { ByteOrder::Little };
    let raw = bits(bytes, order) as u64;
    let unused = 64 - 8 * number.size as u32;
    match (number.kind, number.size) {
        (NumberKind::Int, _) => Value::Integer(i128::from((raw << unused).cast_signed() >> unused)),
        (NumberKind::Uint, _) => Value::Integer(i128::from(raw)),
        (NumberKind::Float, 2) => Value::Float(decode_half(raw as u16)),
        (NumberKind::Float, 4) => Value::Float(f64::from(f32::from_bits(raw as u32))),
        (NumberKind::Float, _) => Value::Float(f64::from_bits(raw)),
    }
}

pub(crate) fn decode_half(bits: u16) -> f64 {
    let layout = FloatLayout {
        order: ByteOrder::Little,
        offset: 0,
        precision: 16,
        sign: 15,
        exponent_at: 10,
        exponent_bits: 5,
        mantissa_at: 0,
        mantissa_bits: 10,
        bias: 15,
        normalization: 2,
    };
    decode_float(u128::from(bits), &layout)
}

fn write_value(value: Value, number: NumberType, out: &mut [u8]) {
    let width = 8 * number.size as u32;
    let raw = match number.kind {
        NumberKind::Float => {
            let value = match value {
                Value::Integer(value) => value as f64,
                Value::Float(value) => value,
            };
            match number.size {
                2 => u64::from(half(value)),
                4 => u64::from((value as f32).to_bits()),
                _ => value.to_bits(),
            }
        }
        kind => {
            let signed = kind == NumberKind::Int;
            let least = if signed { -(1_i128 << (width - 1)) } else { 0 };
            let most = (1_i128 << (width - u32::from(signed))) - 1;
            let value = match value {
                Value::Integer(value) => value,
                Value::Float(value) => value as i128,
            };
            value.clamp(least, most) as u64
        }
    };
    put(&raw.to_le_bytes(), out, number.big_endian);
}

fn integer(kind: NumberKind, order: ByteOrder, size: usize, is_whole: bool) -> Option<NumberType> {
    if size > 8 {
        return None;
    }
    let target = size.next_power_of_two();
    let is_stored = is_whole && target == size;
    Some(NumberType { kind, size: target, big_endian: order != ByteOrder::Little, is_stored })
}

fn float(layout: &FloatLayout, size: usize) -> Option<NumberType> {
    let number = |size, is_stored| NumberType {
        kind: NumberKind::Float,
        size,
        big_endian: layout.order != ByteOrder::Little,
        is_stored,
    };
    let bits = i64::from(layout.exponent_bits);
    let largest = (1_i64.checked_shl(u32::try_from(bits).ok()?)?) - i64::from(layout.bias) - 1;
    let smallest = 1 - i64::from(layout.bias);
    for (bytes, exponent, mantissa, bias) in IEEE {
        let bias_of = i64::from(bias);
        if layout.mantissa_bits <= mantissa && largest <= bias_of + 1 && smallest >= 1 - bias_of {
            let is_same = layout.exponent_bits == exponent
                && layout.mantissa_bits == mantissa
                && layout.bias == bias
                && layout.normalization == 2
                && layout.mantissa_at == 0
                && layout.exponent_at == mantissa
                && layout.sign == mantissa + exponent
                && layout.offset == 0
                && layout.order != ByteOrder::Vax;
            return Some(number(bytes, is_same && size == bytes));
        }
    }
    let is_x87 = layout.exponent_bits == 15
        && layout.mantissa_bits == 64
        && layout.bias == 16383
        && layout.normalization != 2
        && layout.mantissa_at == 0
        && layout.exponent_at == 64
        && layout.sign == 79
        && layout.offset == 0
        && size <= 16;
    if is_x87 {
        return Some(number(16, size == 16));
    }
    // What is left of IEEE's kind, quadruple precision above all, is rounded to that of x87.
    let is_wide = layout.normalization == 2
        && layout.mantissa_bits <= 112
        && largest <= 16384
        && smallest >= -16382
        && size <= 16
        && layout.order != ByteOrder::Vax;
    is_wide.then(|| number(16, false))
}

/// The bits of an element, the lowest byte first.
fn bits(from: &[u8], order: ByteOrder) -> u128 {
    let byte = |i: usize| match order {
        ByteOrder::Little => from[i],
        ByteOrder::Big => from[from.len() - 1 - i],
        // Pairs of bytes, the highest pair first.
        ByteOrder::Vax => from[(from.len() - 2 - i / 2 * 2) + i % 2],
    };
    (0..from.len().min(16)).rev().fold(0, |value, i| value << 8 | u128::from(byte(i)))
}

fn field(bits: u128, at: u32, count: u32) -> u128 {
    let mask = if count >= 128 { u128::MAX } else { (1 << count) - 1 };
    bits.checked_shr(at).unwrap_or(0) & mask
}

fn convert_integer(
    from: &[u8],
    to: &mut [u8],
    order: ByteOrder,
    (signed, offset, precision): (bool, u16, u16),
) {
    let mut value = field(bits(from, order), u32::from(offset), u32::from(precision)) as u64;
    let precision = u32::from(precision).min(64);
    if signed && precision < 64 && value >> (precision - 1) & 1 != 0 {
        value |= u64::MAX << precision;
    }
    put(&value.to_le_bytes(), to, order != ByteOrder::Little);
}

fn put(little: &[u8], to: &mut [u8], big: bool) {
    let len = to.len();
    to.copy_from_slice(&little[..len]);
    if big {
        to.reverse();
    }
}

/// Fills up an x87 number to 16 bytes.
fn widen(from: &[u8], to: &mut [u8], order: ByteOrder) {
    put(&bits(from, order).to_le_bytes(), to, order != ByteOrder::Little);
}

/// A number of at most 113 digits as that of x87, rounded to the nearest, ties to even: 64 digits,
/// the first of them stored, exponent and sign.
fn extended(bits: u128, layout: &FloatLayout) -> [u8; 16] {
    let part = |at: u8, count: u8| field(bits, u32::from(at), u32::from(count));
    let sign = part(layout.sign, 1) << 79;
    let exponent = part(layout.exponent_at, layout.exponent_bits);
    let mantissa = part(layout.mantissa_at, layout.mantissa_bits);
    let infinite = sign | 0x7fff << 64 | 1 << 63;
    let made = if exponent == (1 << layout.exponent_bits) - 1 {
        // As libhdf5: all bits of the mantissa of what is no number are set.
        if mantissa == 0 { infinite } else { infinite | u128::from(u64::MAX) }
    } else {
        let whole = if exponent == 0 { mantissa } else { mantissa | 1 << layout.mantissa_bits };
        let power =
            exponent.max(1) as i64 - i64::from(layout.bias) - i64::from(layout.mantissa_bits);
        match rounded(whole, power) {
            Some(size) => sign | size,
            None => infinite,
        }
    };
    made.to_le_bytes()
}

/// `whole` times a power of two as exponent and digits of an x87 number; `None` if it is too large.
fn rounded(whole: u128, power: i64) -> Option<u128> {
    if whole == 0 {
        return Some(0);
    }
    let top = 127 - i64::from(whole.leading_zeros());
    let exponent = (power + top + 16383).max(0);
    // Numbers below the smallest normal one are multiples of 2^-16445.
    let drop = if exponent == 0 { -16445 - power } else { top - 63 };
    let digits = match u32::try_from(drop) {
        Ok(drop @ 1..) => {
            let low = field(whole, 0, drop);
            let half = 1_u128.checked_shl(drop - 1).unwrap_or(u128::MAX);
            let kept = whole.checked_shr(drop).unwrap_or(0);
            kept + u128::from(low > half || (low == half && kept & 1 == 1))
        }
        _ => whole << drop.unsigned_abs(),
    };
    // Rounding up may make one digit more, or the smallest normal number.
    let carried = digits >> 64 != 0;
    let digits = if carried { digits >> 1 } else { digits };
    let is_first_normal = exponent == 0 && digits >> 63 != 0;
    let exponent = exponent + i64::from(carried) + i64::from(is_first_normal);
    (exponent < 0x7fff).then_some((exponent as u128) << 64 | digits)
}

fn convert_float(from: &[u8], to: &mut [u8], layout: &FloatLayout, big: bool) {
    let value = decode_float(bits(from, layout.order), layout);
    if value.is_nan() {
        // As libhdf5: all bits of the mantissa are set.
        let sign = 0x7f | u8::from(value.is_sign_negative()) << 7;
        let highest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, sign];
        return put(&highest[8 - to.len()..], to, big);
    }
    match to.len() {
        2 => put(&half(value).to_le_bytes(), to, big),
        4 => put(&(value as f32).to_bits().to_le_bytes(), to, big),
        _ => put(&value.to_bits().to_le_bytes(), to, big),
    }
}

/// A number of any layout; its mantissa has at most 52 bits.
fn decode_float(bits: u128, layout: &FloatLayout) -> f64 {
    let part = |at: u8, count: u8| field(bits, u32::from(at), u32::from(count)) as u64;
    let negative = part(layout.sign, 1) == 1;
    let exponent = part(layout.exponent_at, layout.exponent_bits);
    let mantissa = part(layout.mantissa_at, layout.mantissa_bits);
    let highest = u64::MAX >> (64 - u32::from(layout.exponent_bits).min(64));
    let is_vax = layout.order == ByteOrder::Vax;
    let size = if exponent == highest && !is_vax {
        if mantissa == 0 { f64::INFINITY } else { f64::NAN }
    } else if exponent == 0 && is_vax {
        0.0
    } else {
        let implied = layout.normalization == 2;
        let lowest = exponent == 0 && implied;
        let whole =
            if implied && !lowest { mantissa | 1 << layout.mantissa_bits } else { mantissa };
        // The point stands behind the highest bit, which may be stored.
        let digits = i64::from(layout.mantissa_bits) - i64::from(!implied);
        let power = exponent.max(u64::from(lowest)) as i64 - i64::from(layout.bias) - digits;
        scale(whole as f64, power)
    };
    if negative { -size } else { size }
}

/// `value` times a power of two, rounded once.
fn scale(value: f64, power: i64) -> f64 {
    let half = (power / 2).clamp(-1022, 1022) as i32;
    let rest = (power - i64::from(half)).clamp(-1022, 1022) as i32;
    value * 2_f64.powi(half) * 2_f64.powi(rest)
}

/// The bits of a number with half precision, rounded to the nearest, ties to even.
fn half(value: f64) -> u16 {
    let sign = u16::from(value.is_sign_negative()) << 15;
    let size = value.abs();
    if size.is_nan() {
        return sign | 0x7e00;
    }
    if size >= 65520.0 {
        return sign | 0x7c00;
    }
    // Numbers below the smallest normal one are multiples of 2^-24.
    if size < 2_f64.powi(-14) {
        return sign | (size * 2_f64.powi(24)).round_ties_even() as u16;
    }
    let exponent = (size.to_bits() >> 52) as i32 - 1023;
    let mantissa = (size * 2_f64.powi(10 - exponent)).round_ties_even() as u32;
    sign | (((exponent + 14) as u32) << 10).wrapping_add(mantissa) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadruple_precision_as_that_of_x87() {
        let quad = FloatLayout {
            order: ByteOrder::Little,
            offset: 0,
            precision: 128,
            sign: 127,
            exponent_at: 112,
            exponent_bits: 15,
            mantissa_at: 0,
            mantissa_bits: 112,
            bias: 16383,
            normalization: 2,
        };
        let one = 0x3fff_u128 << 112;
        let ulp = 1_u128 << 49;
        for (bits, wanted) in [
            (0, 0),
            (1 << 127, 1 << 79),
            (one, 0x3fff << 64 | 1 << 63),
            (one | 1 << 48, 0x3fff << 64 | 1 << 63),
            (one | 1 << 48 | 1, 0x3fff << 64 | 1 << 63 | 1),
            (one | ulp | 1 << 48, 0x3fff << 64 | 1 << 63 | 2),
            (one | ((1 << 112) - 1), 0x4000 << 64 | 1 << 63),
            (0x7ffe << 112 | ((1 << 112) - 1), 0x7fff << 64 | 1 << 63),
            (0x7fff << 112, 0x7fff << 64 | 1 << 63),
            (0x7fff << 112 | 5, 0x7fff << 64 | u128::from(u64::MAX)),
            (1 << 112, 1 << 64 | 1 << 63),
            ((1 << 112) - 1, 1 << 64 | 1 << 63),
            (1 << 49, 1),
            (1 << 48, 0),
            (3 << 48, 2),
        ] {
            let found = u128::from_le_bytes(extended(bits, &quad));
            assert_eq!(found, wanted, "{bits:x}: {found:x}, not {wanted:x}");
        }
    }

    #[test]
    fn halves_of_known_bits() {
        for (value, bits) in [
            (0.0, 0),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65504.0, 0x7bff),
            (65536.0, 0x7c00),
            (6.103_515_625e-5, 0x0400),
            (5.960_464_477_539_063e-8, 1),
            (0.333_251_953_125, 0x3555),
            (f64::INFINITY, 0x7c00),
        ] {
            assert_eq!(half(value), bits, "{value}");
        }
    }
}
