//! Floats as Python prints them: the shortest digits that read back to the same number.
#![expect(unsafe_code, reason = "digits are written into capacity that is not initialized")]

#[cfg(target_arch = "x86_64")]
pub(super) mod vector;

/// The most bytes that writing touches.
pub(super) const ROOM: usize = 40;

const _: () = assert!(size_of::<zmij::Buffer>() <= ROOM, "there is room for a buffer");
const _: () = assert!(align_of::<zmij::Buffer>() == 1, "a buffer can lie anywhere");
#[cfg(target_arch = "x86_64")]
const _: () = assert!(vector::ROOM <= ROOM, "there is room for vectors");

/// Writes what `float.__repr__` returns for a finite `value`; returns its length.
///
/// Python writes an exponent below 10^-4 and from 10^16 on, with a sign and two digits.
///
/// # Safety
/// [`ROOM`] bytes can be written to `to`.
#[inline(always)]
pub(super) unsafe fn write(value: f64, to: *mut u8) -> usize {
    #[cfg(target_arch = "x86_64")]
    if vector::is_supported()
        // SAFETY: just asked; and as this function's.
        && let Some(length) = unsafe { vector::write(value, to) }
    {
        return length;
    }
    // SAFETY: as this function's.
    unsafe { write_slowly(value, to) }
}

/// The same on any processor.
///
/// # Safety
/// As that of [`write`].
#[cold]
pub(super) unsafe fn write_slowly(value: f64, to: *mut u8) -> usize {
    let magnitude = value.abs();
    if (1e-4..1e16).contains(&magnitude) || magnitude == 0.0 {
        // SAFETY: as this function's.
        return unsafe { write_digits(value, to) };
    }
    let text = with_exponent(zmij::Buffer::new().format_finite(value));
    // SAFETY: as this function's; no text is longer than a buffer of zmij's.
    unsafe { write_text(&text, to) }
}

/// The same for a binary32, whose digits are fewer.
///
/// # Safety
/// [`ROOM`] bytes can be written to `to`.
pub(super) unsafe fn write_single(value: f32, to: *mut u8) -> usize {
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format_finite(value);
    let plain = (1e-4..1e16).contains(&value.abs()) && !digits.contains('e');
    if plain || value == 0.0 {
        // SAFETY: as this function's.
        return unsafe { write_text(digits, to) };
    }
    // SAFETY: as this function's.
    unsafe { write_text(&with_exponent(digits), to) }
}

/// Lets zmij write where the digits belong: its buffer is put there.
///
/// # Safety
/// [`ROOM`] bytes can be written to `to`.
#[inline(always)]
unsafe fn write_digits(value: f64, to: *mut u8) -> usize {
    let place = to.cast::<zmij::Buffer>();
    // SAFETY: there is room for a `Buffer`, which has no alignment and needs no drop.
    let buffer = unsafe {
        place.write(zmij::Buffer::new());
        &mut *place
    };
    let digits = buffer.format_finite(value);
    let (start, length) = (digits.as_ptr(), digits.len());
    if !std::ptr::eq(start, to) {
        // SAFETY: both lie in the buffer. (They are the same; it is not promised.)
        unsafe { start.copy_to(to, length) };
    }
    length
}

/// # Safety
/// As many bytes as `text` has can be written to `to`.
#[inline(always)]
unsafe fn write_text(text: &str, to: *mut u8) -> usize {
    assert!(text.len() <= ROOM, "longer than any number");
    // SAFETY: as this function's.
    unsafe { to.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    text.len()
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

/// `digits` with an exponent of a sign and at least two digits.
#[cold]
fn with_exponent(digits: &str) -> String {
    let (mantissa, exponent) = match digits.split_once('e') {
        Some((mantissa, exponent)) => {
            (mantissa.to_owned(), exponent.parse().expect("a decimal exponent"))
        }
        None => scientific(digits),
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
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
    let exponent = i32::try_from(whole.len()).and_then(|n| Ok(n - 1 - i32::try_from(zeros)?));
    let (first, rest) = all.trim_matches('0').split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    (format!("{sign}{first}{point}{rest}"), exponent.expect("a few digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(*mut u8) -> usize) -> String {
        let mut room = [0; ROOM];
        let length = write(room.as_mut_ptr());
        String::from_utf8(room[..length].to_vec()).unwrap()
    }

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
            // SAFETY: there is as much room as it takes.
            assert_eq!(text(|to| unsafe { write(value, to) }), expected);
        }
    }

    fn check_both_ways(value: f64) {
        // SAFETY: there is as much room as it takes.
        let (quick, slow) =
            unsafe { (text(|to| write(value, to)), text(|to| write_slowly(value, to))) };
        assert_eq!(quick, slow);
    }

    /// Those of all sizes, of the sizes people use, those with few digits, and the powers of two.
    #[test]
    #[expect(clippy::cast_precision_loss, reason = "any number will do")]
    fn both_ways_write_the_same() {
        let mut state = 1_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..200_000 {
            let bits = random();
            let digits = (bits >> (bits % 64)) as f64;
            let power = 10_f64.powi((random() % 40) as i32 - 20);
            let values =
                [f64::from_bits(bits), bits as f64 * power, digits * power, digits / power];
            values.into_iter().filter(|value| value.is_finite()).for_each(check_both_ways);
        }
        (-1074..1024).map(|power| 2_f64.powi(power)).for_each(check_both_ways);
    }

    #[test]
    fn singles_have_the_digits_they_need() {
        let cases = [
            (0.0, "0.0"),
            (0.1_f32, "0.1"),
            (16_777_216.0, "16777216.0"),
            (1e-5, "1e-05"),
            (1e15, "1e+15"),
            (3.402_823_5e38, "3.4028235e+38"),
            (-1e-45, "-1e-45"),
        ];
        for (value, expected) in cases {
            // SAFETY: there is as much room as it takes.
            assert_eq!(text(|to| unsafe { write_single(value, to) }), expected);
        }
    }
}
