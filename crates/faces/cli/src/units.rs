//! Ages and sizes as people type them.

use std::time::Duration;

/// How many bytes a store may hold; `None` for any number. A type of its own, for `clap` takes
/// `Option` for an argument that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota(pub(crate) Option<u64>);

/// Reads an age: a number and `s`, `m`, `h`, `d` or `w`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
    read(text, &units)
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a number and a unit: 90s, 45m, 12h, 30d, 4w".to_owned())
}

/// Reads a number of bytes, with `K`, `M`, `G` or `T` behind it, or `none`.
pub(crate) fn quota(text: &str) -> Result<Quota, String> {
    if text == "none" {
        return Ok(Quota(None));
    }
    let text = text.trim_end_matches("iB").trim_end_matches('B');
    let units = [("", 1), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)];
    read(text, &units)
        .map(|bytes| Quota(Some(bytes)))
        .ok_or_else(|| "expected a number of bytes (500M, 10G) or `none`".to_owned())
}

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes() {
        let ages =
            [("90s", Some(90)), ("2 h", Some(7200)), ("30d", Some(2_592_000)), ("0m", Some(0))];
        let wrong = ["", "d", "30", "3x", "-1d", "99999999999999999999d", "9999999999999999w"];
        for (text, expected) in ages.into_iter().chain(wrong.map(|text| (text, None))) {
            assert_eq!(duration(text).ok().map(|age| age.as_secs()), expected, "{text}");
        }
        let sizes = [("0", 0), ("500M", 500 << 20), ("10GiB", 10 << 30), ("3 K", 3072)];
        for (text, expected) in sizes {
            assert_eq!(quota(text), Ok(Quota(Some(expected))), "{text}");
        }
        assert_eq!(quota("none"), Ok(Quota(None)));
        assert!(quota("much").is_err() && quota("").is_err());
    }
}
