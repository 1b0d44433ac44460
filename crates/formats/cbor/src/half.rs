//! Floats of 16 bits (IEEE 754 binary16).

/// The value of a binary16; each is a binary64, too. Of what is no number, the bits stay.
pub(crate) fn to_double(half: u16) -> f64 {
    if half & 0x7fff > 0x7c00 {
        let (sign, fraction) = (u64::from(half >> 15), u64::from(half & 0x3ff));
        return f64::from_bits(sign << 63 | 0x7ff << 52 | fraction << 42);
    }
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(half & 0x3ff);
    let magnitude = match half >> 10 & 0x1f {
        0 => fraction * 2.0_f64.powi(-24),
        31 => f64::INFINITY,
        exponent => (1024.0 + fraction) * 2.0_f64.powi(i32::from(exponent) - 25),
    };
    sign * magnitude
}

/// The value of a binary32. Of what is no number, the bits stay, which no conversion promises.
pub(crate) fn single_to_double(bits: u32) -> f64 {
    let single = f32::from_bits(bits);
    if !single.is_nan() {
        return single.into();
    }
    let (sign, fraction) = (u64::from(bits >> 31), u64::from(bits & 0x007f_ffff));
    f64::from_bits(sign << 63 | 0x7ff << 52 | fraction << 29)
}

/// The binary16 of the same number, if there is one.
pub(crate) fn from_single(single: f32) -> Option<u16> {
    let bits = single.to_bits();
    let sign = u16::try_from(bits >> 16 & 0x8000).ok()?;
    let (exponent, fraction) = ((bits >> 23 & 0xff).cast_signed() - 127, bits & 0x007f_ffff);
    let magnitude = match exponent {
        128 if fraction == 0 => 0x7c00,
        -127 if fraction == 0 => 0,
        -14..=15 if fraction.trailing_zeros() >= 13 => {
            (exponent + 15).cast_unsigned() << 10 | fraction >> 13
        }
        -24..=-15 => {
            // Subnormal: the leading one becomes part of the fraction.
            let shift = (-1 - exponent).cast_unsigned();
            let whole = fraction | 0x0080_0000;
            if whole.trailing_zeros() < shift {
                return None;
            }
            whole >> shift
        }
        _ => return None,
    };
    Some(sign | u16::try_from(magnitude).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binary16_becomes_a_binary32_and_back() {
        for half in 0..=u16::MAX {
            let double = to_double(half);
            #[expect(clippy::cast_possible_truncation, reason = "a binary16 is a binary32, too")]
            let back = from_single(double as f32);
            assert_eq!(back, Some(half).filter(|_| !double.is_nan()), "{double}");
        }
    }

    #[test]
    fn what_is_no_binary16() {
        for single in [0.1, 65505.0, 65536.0, 1e-8, 2.0_f32.powi(-25), 1.000_1, f32::MAX] {
            assert_eq!(from_single(single), None, "{single}");
        }
    }
}
