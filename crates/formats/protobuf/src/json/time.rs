//! Timestamps and durations as text.

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years from March on, so that the day that comes and goes is the last of a year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Seconds of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;
const LONGEST: i64 = 315_576_000_000;

/// `.500`, `.000001` or nothing: as few of 3, 6 or 9 digits as say it.
fn fraction(nanos: i64) -> String {
    match nanos {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1000 == 0 => format!(".{:06}", n / 1000),
        n => format!(".{n:09}"),
    }
}

/// A point in time since 1970 as RFC 3339 has it; `None` beyond the years 1 to 9999.
pub(crate) fn timestamp_text(seconds: i64, nanos: i64) -> Option<String> {
    if !(EARLIEST..=LATEST).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return None;
    }
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = fraction(nanos);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// RFC 3339, with `T` and `Z` in capitals.
pub(super) fn parse_timestamp(text: &str) -> Option<(i64, i64)> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| digits.parse::<i64>().ok()).flatten()
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| bytes.get(at) != Some(&mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = days(year, month, day);
    if civil(date) != (year, month, day) {
        return None;
    }
    let (nanos, rest) = parse_fraction(&text[19..])?;
    let offset = match rest.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let start = text.len() - rest.len();
            let (hours, minutes) = (number(start + 1, start + 3)?, number(start + 4, start + 6)?);
            let offset = hours * 3600 + minutes * 60;
            if hours > 23 || minutes > 59 {
                return None;
            }
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    let seconds = date * 86_400 + hour * 3600 + minute * 60 + second - offset;
    (EARLIEST..=LATEST).contains(&seconds).then_some((seconds, nanos))
}

/// The nanoseconds of `.5`, and what follows.
fn parse_fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let digits: i64 = rest[..length].parse().ok()?;
    Some((digits * 10_i64.pow(9 - length as u32), &rest[length..]))
}

pub(super) fn duration_text(seconds: i64, nanos: i64) -> Option<String> {
    let in_range = (-LONGEST..=LONGEST).contains(&seconds) && nanos.abs() < 1_000_000_000;
    if !in_range || seconds.signum() * nanos.signum() < 0 {
        return None;
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    Some(format!("{sign}{}{}s", seconds.abs(), fraction(nanos.abs())))
}

pub(super) fn parse_duration(text: &str) -> Option<(i64, i64)> {
    let text = text.strip_suffix('s')?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return None;
    }
    let seconds: i64 = digits[..length].parse().ok()?;
    let (nanos, rest) = parse_fraction(&digits[length..])?;
    (rest.is_empty() && seconds <= LONGEST).then_some((sign * seconds, sign * nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days() {
        for (date, number) in [
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((1, 1, 1), -719_162),
            ((9999, 12, 31), 2_932_896),
        ] {
            assert_eq!((days(date.0, date.1, date.2), civil(number)), (number, date));
        }
    }

    #[test]
    fn timestamps() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("0001-01-01T00:00:00Z", EARLIEST, 0),
            ("9999-12-31T23:59:59.999999999Z", LATEST, 999_999_999),
            ("2020-02-29T12:30:45.500Z", 1_582_979_445, 500_000_000),
        ] {
            assert_eq!(timestamp_text(seconds, nanos).as_deref(), Some(text));
            assert_eq!(parse_timestamp(text), Some((seconds, nanos)));
        }
        assert_eq!(parse_timestamp("1970-01-01T01:00:00.1+01:00"), Some((0, 100_000_000)));
        for bad in [
            "1970-01-01",
            "1970-13-01T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01t00:00:00Z",
            "0001-01-01T00:00:00+01:00",
        ] {
            assert_eq!(parse_timestamp(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations() {
        for (text, seconds, nanos) in
            [("1.500s", 1, 500_000_000), ("-0.000001s", 0, -1000), ("315576000000s", LONGEST, 0)]
        {
            assert_eq!(duration_text(seconds, nanos).as_deref(), Some(text));
            assert_eq!(parse_duration(text), Some((seconds, nanos)));
        }
        for bad in ["1", "s", "1.s", "315576000001s", "--1s", "1.0000000001s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(duration_text(1, -1), None);
    }
}
