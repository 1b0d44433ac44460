//! Floats as Python prints them: the shortest digits that read back to the same number.

/// The text of a finite float.
pub(super) struct Repr {
    digits: zmij::Buffer,
    text: [u8; 24],
}

impl Repr {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { digits: zmij::Buffer::new(), text: [0; 24] }
    }

    /// What `float.__repr__` returns for a finite `value`.
    ///
    /// Python writes an exponent below 10^-4 and from 10^16 on, with a sign and two digits.
    #[inline(always)]
    pub(super) fn format(&mut self, value: f64) -> &[u8] {
        if (1e-4..1e16).contains(&value.abs()) || value == 0.0 {
            return self.digits.format_finite(value).as_bytes();
        }
        let length = with_exponent(self.digits.format_finite(value), &mut self.text);
        &self.text[..length]
    }

    /// The same for a binary32, whose digits are fewer.
    pub(super) fn format_single(&mut self, value: f32) -> &[u8] {
        let magnitude = f64::from(value.abs());
        let digits = self.digits.format_finite(value);
        if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) && !digits.contains('e') {
            // Borrowed anew: the first borrow would last into the other branch.
            return self.digits.format_finite(value).as_bytes();
        }
        let length = with_exponent(digits, &mut self.text);
        &self.text[..length]
    }
}

/// NaN and the infinities, as Python's `json` calls them.
pub(super) fn name(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Rewrites `digits` with an exponent of a sign and at least two digits; returns its length.
#[cold]
fn with_exponent(digits: &str, text: &mut [u8; 24]) -> usize {
    let (mantissa, exponent) = match digits.split_once('e') {
        Some((mantissa, exponent)) => {
            (mantissa.to_owned(), exponent.parse().expect("a decimal exponent"))
        }
        None => scientific(digits),
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    let written = format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    text[..written.len()].copy_from_slice(written.as_bytes());
    written.len()
}

/// Mantissa and exponent of `0.0000123` or `123000.0`.
fn scientific(digits: &str) -> (String, i32) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let zeros = all.len() - all.trim_start_matches('0').len();
    let significant = all.trim_matches('0');
    let exponent =
        i32::try_from(whole.len()).expect("short") - 1 - i32::try_from(zeros).expect("short");
    let (first, rest) = significant.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    (format!("{sign}{first}{point}{rest}"), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_in_python() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (123_456_789.125, "123456789.125"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.000_099, "9.9e-05"),
            (0.000_01, "1e-05"),
            (-0.000_012_34, "-1.234e-05"),
            (1e-7, "1e-07"),
            (1.5e-10, "1.5e-10"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.234_567_8e16, "1.2345678e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-f64::MAX, "-1.7976931348623157e+308"),
        ];
        for (value, expected) in cases {
            let mut repr = Repr::new();
            assert_eq!(std::str::from_utf8(repr.format(value)), Ok(expected));
        }
    }

    #[test]
    fn singles_have_the_digits_they_need() {
        let cases = [
            (0.1_f32, "0.1"),
            (16_777_216.0, "16777216.0"),
            (1e-5, "1e-05"),
            (1e15, "1e+15"),
            (3.402_823_5e38, "3.4028235e+38"),
            (1e-45, "1e-45"),
        ];
        for (value, expected) in cases {
            let mut repr = Repr::new();
            assert_eq!(std::str::from_utf8(repr.format_single(value)), Ok(expected));
        }
    }
}
