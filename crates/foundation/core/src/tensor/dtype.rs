//! The types of the elements of tensors: those that model files use, narrower than a byte too.

use std::fmt;

use crate::{ByteOrder, Dtype, DtypeKind};

/// The type of a tensor's elements, as the formats of model files know them.
///
/// Unlike a [`Dtype`] it may take less than a byte, and has no byte order of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TensorDtype {
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer of that many bytes: 1, 2, 4 or 8.
    Int(u8),
    /// An unsigned integer of that many bytes: 1, 2, 4 or 8.
    Uint(u8),
    /// An IEEE 754 number of that many bytes: 2, 4 or 8.
    Float(u8),
    /// Two floats, 4, 8 or 16 bytes together.
    Complex(u8),
    /// The upper half of a binary32.
    BFloat16,
    /// OCP E4M3: no infinities, one NaN for each sign.
    Float8E4M3,
    /// E4M3 with one NaN, one zero and a bias of 8.
    Float8E4M3Fnuz,
    /// OCP E5M2, with infinities and NaN as in IEEE 754.
    Float8E5M2,
    /// E5M2 with one NaN, one zero and a bias of 16.
    Float8E5M2Fnuz,
    /// A power of two: eight bits of exponent and nothing else.
    Float8E8M0,
    /// Six bits: one of sign, two of exponent, three of mantissa.
    Float6E2M3,
    /// Six bits: one of sign, three of exponent, two of mantissa.
    Float6E3M2,
    /// Four bits: one of sign, two of exponent, one of mantissa.
    Float4E2M1,
    /// A type that only arrays have: texts, dates, records.
    Other(Dtype),
}

impl TensorDtype {
    /// The type of an array's elements.
    #[must_use]
    pub fn of(dtype: &Dtype) -> Self {
        match dtype.kind {
            DtypeKind::Bool => Self::Bool,
            DtypeKind::Int(size) => Self::Int(size),
            DtypeKind::Uint(size) => Self::Uint(size),
            DtypeKind::Float(size @ (2 | 4 | 8)) => Self::Float(size),
            DtypeKind::Complex(size @ (8 | 16)) => Self::Complex(size),
            DtypeKind::BFloat16 => Self::BFloat16,
            DtypeKind::Float8E4M3 => Self::Float8E4M3,
            DtypeKind::Float8E5M2 => Self::Float8E5M2,
            _ => Self::Other(dtype.clone()),
        }
    }

    /// The type as arrays have it, if they do.
    #[must_use]
    pub fn to_dtype(&self, byte_order: ByteOrder) -> Option<Dtype> {
        let kind = match self {
            Self::Bool => DtypeKind::Bool,
            Self::Int(size) => DtypeKind::Int(*size),
            Self::Uint(size) => DtypeKind::Uint(*size),
            Self::Float(size) => DtypeKind::Float(*size),
            Self::Complex(size @ (8 | 16)) => DtypeKind::Complex(*size),
            Self::BFloat16 => DtypeKind::BFloat16,
            Self::Float8E4M3 => DtypeKind::Float8E4M3,
            Self::Float8E5M2 => DtypeKind::Float8E5M2,
            Self::Other(dtype) => return Some(dtype.clone()),
            _ => return None,
        };
        let byte_order = if self.word_size() == 1 { ByteOrder::Little } else { byte_order };
        Some(Dtype { kind, byte_order })
    }

    /// Bits of one element.
    #[must_use]
    pub fn bits(&self) -> u64 {
        match self {
            Self::Float4E2M1 => 4,
            Self::Float6E2M3 | Self::Float6E3M2 => 6,
            Self::Bool
            | Self::Float8E4M3
            | Self::Float8E4M3Fnuz
            | Self::Float8E5M2
            | Self::Float8E5M2Fnuz
            | Self::Float8E8M0 => 8,
            Self::BFloat16 => 16,
            Self::Int(size) | Self::Uint(size) | Self::Float(size) | Self::Complex(size) => {
                u64::from(*size) * 8
            }
            Self::Other(dtype) => (dtype.itemsize() as u64).saturating_mul(8),
        }
    }

    /// Bytes of one element, if they are whole.
    #[must_use]
    pub fn itemsize(&self) -> Option<usize> {
        let bits = self.bits();
        if bits.is_multiple_of(8) { usize::try_from(bits / 8).ok() } else { None }
    }

    /// Bytes that are turned around together where the byte order is another.
    #[must_use]
    pub fn word_size(&self) -> usize {
        match self {
            Self::Int(size) | Self::Uint(size) | Self::Float(size) => usize::from(*size),
            Self::Complex(size) => usize::from(*size) / 2,
            Self::BFloat16 => 2,
            _ => 1,
        }
    }

    /// Whether it is a number, and not a text, a date or a record.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl fmt::Display for TensorDtype {
    /// The name as NumPy and `ml_dtypes` have it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sized = |name: &str, size: u8| format!("{name}{}", u32::from(size) * 8);
        let name = match self {
            Self::Bool => "bool",
            Self::Int(size) => &sized("int", *size),
            Self::Uint(size) => &sized("uint", *size),
            Self::Float(size) => &sized("float", *size),
            Self::Complex(size) => &sized("complex", *size),
            Self::BFloat16 => "bfloat16",
            Self::Float8E4M3 => "float8_e4m3fn",
            Self::Float8E4M3Fnuz => "float8_e4m3fnuz",
            Self::Float8E5M2 => "float8_e5m2",
            Self::Float8E5M2Fnuz => "float8_e5m2fnuz",
            Self::Float8E8M0 => "float8_e8m0fnu",
            Self::Float6E2M3 => "float6_e2m3fn",
            Self::Float6E3M2 => "float6_e3m2fn",
            Self::Float4E2M1 => "float4_e2m1fn",
            Self::Other(dtype) => &dtype.typestr(),
        };
        formatter.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_arrays_come_back() {
        for typestr in ["|b1", "<i8", ">u2", "<f2", ">f8", "<c16", "<U3", "<M8[ns]"] {
            let dtype = Dtype::from_typestr(typestr).unwrap();
            assert_eq!(TensorDtype::of(&dtype).to_dtype(dtype.byte_order), Some(dtype));
        }
        assert_eq!(TensorDtype::Float4E2M1.to_dtype(ByteOrder::Little), None);
    }

    #[test]
    fn sizes_are_in_bits() {
        let cases = [
            (TensorDtype::Float4E2M1, 4, None, 1),
            (TensorDtype::Float6E3M2, 6, None, 1),
            (TensorDtype::Float8E8M0, 8, Some(1), 1),
            (TensorDtype::BFloat16, 16, Some(2), 2),
            (TensorDtype::Complex(8), 64, Some(8), 4),
        ];
        for (dtype, bits, itemsize, word) in cases {
            assert_eq!((dtype.bits(), dtype.itemsize(), dtype.word_size()), (bits, itemsize, word));
        }
    }
}
