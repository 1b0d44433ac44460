//! Floats of few bits, by the numbers that describe them.

use cannery_core::TensorDtype;

/// What distinguishes one type of floats from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct FloatFormat {
    mantissa: u32,
    bias: i32,
    /// The greatest code of a finite number, without its sign.
    max: u32,
    /// The code of infinity, if there is one.
    infinity: Option<u32>,
    /// The code of "not a number", if there is one.
    nan: Option<u32>,
    /// Bits of an element.
    bits: u32,
    /// Whether the only "not a number" is what would be the negative zero.
    is_unsigned_zero: bool,
}

impl FloatFormat {
    const fn new(width: u32, mantissa: u32, bias: i32, max: u32) -> Self {
        let (infinity, nan) = (None, None);
        Self { mantissa, bias, max, infinity, nan, bits: width, is_unsigned_zero: false }
    }

    const fn with_infinity(mut self, infinity: u32, nan: u32) -> Self {
        (self.infinity, self.nan) = (Some(infinity), Some(nan));
        self
    }

    const fn with_nan(mut self, nan: u32) -> Self {
        self.nan = Some(nan);
        self
    }

    const fn with_unsigned_zero(mut self) -> Self {
        self.is_unsigned_zero = true;
        self.with_nan(0x80)
    }

    /// The format of a type, if it is one of signed floats of up to 16 bits.
    pub(super) fn of(dtype: &TensorDtype) -> Option<Self> {
        Some(match dtype {
            TensorDtype::Float(2) => Self::new(16, 10, 15, 0x7bff).with_infinity(0x7c00, 0x7e00),
            TensorDtype::BFloat16 => Self::new(16, 7, 127, 0x7f7f).with_infinity(0x7f80, 0x7fc0),
            TensorDtype::Float8E4M3 => Self::new(8, 3, 7, 0x7e).with_nan(0x7f),
            TensorDtype::Float8E4M3Fnuz => Self::new(8, 3, 8, 0x7f).with_unsigned_zero(),
            TensorDtype::Float8E5M2 => Self::new(8, 2, 15, 0x7b).with_infinity(0x7c, 0x7e),
            TensorDtype::Float8E5M2Fnuz => Self::new(8, 2, 16, 0x7f).with_unsigned_zero(),
            TensorDtype::Float6E2M3 => Self::new(6, 3, 1, 0x1f),
            TensorDtype::Float6E3M2 => Self::new(6, 2, 3, 0x1f),
            TensorDtype::Float4E2M1 => Self::new(4, 1, 1, 0x7),
            _ => return None,
        })
    }

    fn sign_bit(self) -> u32 {
        1 << (self.bits - 1)
    }

    /// The number that a code stands for.
    pub(super) fn decode(self, code: u32) -> f64 {
        let magnitude = code & (self.sign_bit() - 1);
        let is_negative = code & self.sign_bit() != 0;
        if self.is_unsigned_zero && is_negative && magnitude == 0 {
            return f64::NAN;
        }
        let exponent = (magnitude >> self.mantissa).cast_signed();
        let fraction = f64::from(magnitude & ((1 << self.mantissa) - 1));
        let one = f64::from(1_u32 << self.mantissa);
        let value = if Some(magnitude) == self.infinity {
            f64::INFINITY
        } else if magnitude > self.max {
            f64::NAN
        } else if exponent == 0 {
            fraction / one * 2_f64.powi(1 - self.bias)
        } else {
            (1.0 + fraction / one) * 2_f64.powi(exponent - self.bias)
        };
        if is_negative { -value } else { value }
    }

    /// The code of the nearest number, the even one of two; of none if there is nothing like it.
    ///
    /// What is too large becomes infinite, or "not a number" where there is no infinity.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the steps are counted in a few bits"
    )]
    pub(super) fn encode(self, value: f64) -> u32 {
        let sign = if value.is_sign_negative() { self.sign_bit() } else { 0 };
        if value.is_nan() {
            return self.nan.unwrap_or(self.max) | if self.is_unsigned_zero { 0 } else { sign };
        }
        let least = 1 - self.bias;
        let magnitude = value.abs();
        // The exponent as the bits have it; numbers below all normal ones have the least.
        let exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(least);
        let code = if value.is_infinite() || exponent > 1 << 8 {
            u32::MAX
        } else {
            let step = 2_f64.powi(exponent - self.mantissa.cast_signed());
            let steps = (magnitude / step).round_ties_even() as u32;
            steps + (((exponent - least) as u32) << self.mantissa)
        };
        if code > self.max {
            return self.overflow(sign);
        }
        if self.is_unsigned_zero && code == 0 { 0 } else { code | sign }
    }

    fn overflow(self, sign: u32) -> u32 {
        match (self.infinity, self.nan) {
            (Some(infinity), _) => infinity | sign,
            (None, Some(nan)) if self.is_unsigned_zero => nan,
            (None, Some(nan)) => nan | sign,
            (None, None) => self.max | sign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TensorDtype; 9] = [
        TensorDtype::Float(2),
        TensorDtype::BFloat16,
        TensorDtype::Float8E4M3,
        TensorDtype::Float8E4M3Fnuz,
        TensorDtype::Float8E5M2,
        TensorDtype::Float8E5M2Fnuz,
        TensorDtype::Float6E2M3,
        TensorDtype::Float6E3M2,
        TensorDtype::Float4E2M1,
    ];

    #[test]
    fn every_number_comes_back() {
        for dtype in ALL {
            let format = FloatFormat::of(&dtype).unwrap();
            for code in 0..1_u32 << format.bits {
                let value = format.decode(code);
                let back = format.decode(format.encode(value));
                let same = value.to_bits() == back.to_bits() || value.is_nan() && back.is_nan();
                assert!(same, "{dtype}: {code:#x} is {value}, came back as {back}");
            }
        }
    }

    #[test]
    fn numbers_between_go_to_the_nearest_even() {
        for dtype in ALL {
            let format = FloatFormat::of(&dtype).unwrap();
            for code in 0..format.max {
                let (low, high) = (format.decode(code), format.decode(code + 1));
                let middle = f64::midpoint(low, high);
                assert_eq!(format.encode(middle), code + (code & 1), "{dtype}: {middle}");
                assert_eq!(format.encode(middle + (high - middle) / 4.0), code + 1, "{dtype}");
                assert_eq!(format.encode(middle - (middle - low) / 4.0), code, "{dtype}");
            }
        }
    }

    #[test]
    fn known_values() {
        let cases = [
            (TensorDtype::Float8E4M3, 448.0, 0x7e),
            (TensorDtype::Float8E4M3, 1e9, 0x7f),
            (TensorDtype::Float8E5M2, 57344.0, 0x7b),
            (TensorDtype::Float8E5M2, f64::NEG_INFINITY, 0xfc),
            (TensorDtype::Float8E4M3Fnuz, -0.0, 0),
            (TensorDtype::Float4E2M1, 6.0, 7),
            (TensorDtype::Float(2), 65504.0, 0x7bff),
            (TensorDtype::Float(2), 65520.0, 0x7c00),
            (TensorDtype::BFloat16, 1.0, 0x3f80),
        ];
        for (dtype, value, code) in cases {
            assert_eq!(FloatFormat::of(&dtype).unwrap().encode(value), code, "{dtype} {value}");
        }
    }
}
