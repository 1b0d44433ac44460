//! Points in time as text, the way NumPy prints them.

use cannery_core::TimeUnit;

/// A `datetime64` as ISO 8601 text of its unit's precision; `None` for "not a time" and for times
/// without a unit, or beyond what years can count.
pub(crate) fn datetime(count: i64, unit: &TimeUnit) -> Option<String> {
    if count == i64::MIN {
        return None;
    }
    let count = i128::from(count) * i128::from(unit.count);
    match &*unit.code {
        "Y" => Some(year_text(i64::try_from(count).ok()? + 1970)),
        "M" => {
            let year = i64::try_from(count.div_euclid(12)).ok()? + 1970;
            Some(format!("{}-{:02}", year_text(year), count.rem_euclid(12) + 1))
        }
        "W" => date(count * 7),
        "D" => date(count),
        code => clock(count, code),
    }
}

/// Date and time of a unit that is a part of a day.
fn clock(count: i128, code: &str) -> Option<String> {
    let (per_day, digits) = match code {
        "h" => (24, 0),
        "m" => (24 * 60, 0),
        "s" => (86_400, 0),
        "ms" => (86_400_000, 3),
        "us" => (86_400_000_000, 6),
        "ns" => (86_400_000_000_000, 9),
        "ps" => (86_400_000_000_000_000, 12),
        "fs" => (86_400_000_000_000_000_000, 15),
        "as" => (86_400_000_000_000_000_000_000, 18),
        _ => return None,
    };
    let date = date(count.div_euclid(per_day))?;
    let rest = count.rem_euclid(per_day);
    Some(match code {
        "h" => format!("{date}T{rest:02}"),
        "m" => format!("{date}T{:02}:{:02}", rest / 60, rest % 60),
        _ => {
            let per_second = per_day / 86_400;
            let (seconds, fraction) = (rest / per_second, rest % per_second);
            let (minutes, second) = (seconds / 60, seconds % 60);
            let time = format!("{:02}:{:02}:{second:02}", minutes / 60, minutes % 60);
            match digits {
                0 => format!("{date}T{time}"),
                digits => format!("{date}T{time}.{fraction:0digits$}"),
            }
        }
    })
}

/// The date that many days after 1970-01-01, in the Gregorian calendar.
///
/// The algorithm is Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day
/// is a year's last, and 400 years always have 146,097 days.
fn date(days: i128) -> Option<String> {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    Some(format!("{}-{month:02}-{day:02}", year_text(i64::try_from(year).ok()?)))
}

fn year_text(year: i64) -> String {
    if year < 0 { format!("-{:04}", year.unsigned_abs()) } else { format!("{year:04}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_numpy_prints_them() {
        let cases = [
            (0, 1, "Y", "1970"),
            (-2000, 1, "Y", "-0030"),
            (671, 1, "M", "2025-12"),
            (2966, 1, "W", "2026-11-05"),
            (20_778, 1, "D", "2026-11-21"),
            (11_016, 1, "D", "2000-02-29"),
            (-1, 1, "D", "1969-12-31"),
            (-719_528, 1, "D", "0000-01-01"),
            (5, 12, "h", "1970-01-03T12"),
            (-1, 1, "m", "1969-12-31T23:59"),
            (1_795_255_200, 1, "s", "2026-11-21T10:00:00"),
            (2, 25, "s", "1970-01-01T00:00:50"),
            (-1, 1, "ms", "1969-12-31T23:59:59.999"),
            (1, 1, "us", "1970-01-01T00:00:00.000001"),
            (1_000_000_001, 1, "ns", "1970-01-01T00:00:01.000000001"),
            (1, 1, "as", "1970-01-01T00:00:00.000000000000000001"),
        ];
        for (value, count, code, expected) in cases {
            let unit = TimeUnit { count, code: code.into() };
            assert_eq!(datetime(value, &unit).as_deref(), Some(expected));
        }
        let generic = TimeUnit { count: 1, code: "generic".into() };
        assert_eq!(datetime(5, &generic), None);
        assert_eq!(datetime(i64::MIN, &TimeUnit { count: 1, code: "s".into() }), None);
    }
}
