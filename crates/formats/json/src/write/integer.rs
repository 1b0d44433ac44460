//! Integers in decimal, eight digits at a time and without a branch for each.
#![expect(unsafe_code, reason = "digits are written as words, more of them than count")]

/// The most bytes that [`write`] touches: 20 digits and a sign, in whole words.
pub(super) const ROOM: usize = 25;

/// Writes `value` to `to` and returns its length.
///
/// # Safety
/// [`ROOM`] bytes can be written to `to`.
#[inline(always)]
pub(super) unsafe fn write(value: i64, to: *mut u8) -> usize {
    let negative = usize::from(value < 0);
    // SAFETY: the sign is one byte, `write_unsigned` touches 24 at most.
    unsafe {
        to.write(b'-');
        negative + write_unsigned(value.unsigned_abs(), to.add(negative))
    }
}

const EIGHT: u64 = 100_000_000;

/// # Safety
/// 24 bytes can be written to `to`.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "they are below 1,000")]
unsafe fn write_unsigned(value: u64, to: *mut u8) -> usize {
    // SAFETY: one, two or three words are written, each at most eight bytes behind the last.
    unsafe {
        if value < 1_000_000 {
            return write_six(value as usize, to);
        }
        if value < EIGHT {
            return write_leading(value, to);
        }
        let (upper, last) = (value / EIGHT, value % EIGHT);
        let length = if upper < EIGHT {
            write_leading(upper, to)
        } else {
            let length = write_leading(upper / EIGHT, to);
            write_word(eight_digits(upper % EIGHT), to.add(length));
            length + 8
        };
        write_word(eight_digits(last), to.add(length));
        length + 8
    }
}

/// The three digits of each number, the first one in the lowest byte; above them, how many of them are
/// leading zeros.
static THREE_DIGITS: [u32; 1_000] = {
    let mut table = [0; 1_000];
    let mut number = 0;
    while number < 1_000 {
        let digits = [number / 100, number / 10 % 10, number % 10];
        let zeros = if number < 10 {
            2
        } else if number < 100 {
            1
        } else {
            0
        };
        table[number as usize] =
            0x30_3030 | digits[0] | digits[1] << 8 | digits[2] << 16 | zeros << 24;
        number += 1;
    }
    table
};

/// Writes a number below 1,000,000 without leading zeros: most numbers are small, and where the next
/// one belongs is known as soon as the table is read. How many digits it has is not asked for by a
/// branch, which would often be predicted wrongly.
///
/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn write_six(value: usize, to: *mut u8) -> usize {
    const DIGITS: u32 = 0xff_ffff;
    let (upper, lower) = (THREE_DIGITS[value / 1_000], THREE_DIGITS[value % 1_000]);
    let digits = u64::from(upper & DIGITS) | u64::from(lower & DIGITS) << 24;
    let zeros = if value < 1_000 { 3 + (lower >> 24) } else { upper >> 24 };
    // SAFETY: as this function's.
    unsafe { write_word(digits >> (8 * zeros), to) };
    6 - zeros as usize
}

/// Writes a number below 10^8 without leading zeros.
///
/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn write_leading(value: u64, to: *mut u8) -> usize {
    let digits = eight_digits(value);
    // The last digit counts even if it is a zero.
    let zeros = (digits | 1 << 56).trailing_zeros() / 8;
    // SAFETY: as this function's.
    unsafe { write_word(digits >> (8 * zeros), to) };
    8 - zeros as usize
}

/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn write_word(digits: u64, to: *mut u8) {
    let ascii = digits | 0x3030_3030_3030_3030;
    // SAFETY: as this function's; an array of bytes has no alignment.
    unsafe { to.cast::<[u8; 8]>().write(ascii.to_le_bytes()) };
}

/// The digits of a number below 10^8, the first one in the lowest byte.
///
/// Paul Khuong, *How to print integers really fast*, 2017: divisions become multiplications that
/// treat all parts of a word at once.
#[inline(always)]
fn eight_digits(value: u64) -> u64 {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = (fours * 10_486) >> 20 & 0x0000_007f_0000_007f;
    let twos = (fours - 100 * hundreds) << 16 | hundreds;
    let tens = (twos * 103) >> 10 & 0x000f_000f_000f_000f;
    (twos - 10 * tens) << 8 | tens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn check(value: i64) {
        let mut room = [0; super::ROOM];
        // SAFETY: there is as much room as it takes.
        let length = unsafe { super::write(value, room.as_mut_ptr()) };
        assert_eq!(std::str::from_utf8(&room[..length]), Ok(&*value.to_string()));
    }

    #[test]
    fn numbers_of_every_length_are_right() {
        check(i64::MIN);
        for power in 0..19 {
            let value = 10_i64.pow(power);
            (-3..3).for_each(|i| check(value + i));
            (-3..3).for_each(|i| check(-value + i));
        }
        (0..100_000).for_each(check);
    }

    proptest! {
        #[test]
        fn any_number_is_right(value: i64, shift in 0..64u32) {
            check(value >> shift);
        }
    }
}
