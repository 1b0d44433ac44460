//! The timestamps of YAML 1.1 (<https://yaml.org/type/timestamp.html>).

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp<'a> {
    date: [&'a str; 3],
    time: [&'a str; 3],
    fraction: &'a str,
    /// `Z`, `+1`, `-05:00`, or nothing.
    zone: &'a str,
}

/// Reads what the type's regular expression matches: year, month, day, a `T` or blanks, hours,
/// minutes, seconds, an optional fraction and an optional zone.
pub(crate) fn parse(text: &str) -> Option<Timestamp<'_>> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    separator(&mut rest, "-")?;
    let month = digits(&mut rest, 1, 2)?;
    separator(&mut rest, "-")?;
    let day = digits(&mut rest, 1, 2)?;
    rest = match rest.strip_prefix(['t', 'T']) {
        Some(rest) => rest,
        None => Some(rest.trim_start_matches([' ', '\t'])).filter(|r| r.len() < rest.len())?,
    };
    let hour = digits(&mut rest, 1, 2)?;
    separator(&mut rest, ":")?;
    let minute = digits(&mut rest, 2, 2)?;
    separator(&mut rest, ":")?;
    let second = digits(&mut rest, 2, 2)?;
    let fraction = match rest.strip_prefix('.') {
        Some(after) => {
            rest = after;
            digits(&mut rest, 0, usize::MAX)?
        }
        None => "",
    };
    let zone = zone(rest.trim_start_matches([' ', '\t']))?;
    Some(Timestamp { date: [year, month, day], time: [hour, minute, second], fraction, zone })
}

impl Timestamp<'_> {
    /// The same moment as ISO 8601 has it, to the microsecond.
    pub(crate) fn to_iso(self) -> String {
        let [year, month, day] = self.date;
        let [hour, minute, second] = self.time;
        let micros: String = self.fraction.chars().chain("000000".chars()).take(6).collect();
        let fraction = if micros == "000000" { String::new() } else { format!(".{micros}") };
        let zone = self.iso_zone();
        format!("{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second}{fraction}{zone}")
    }

    fn iso_zone(self) -> String {
        if matches!(self.zone, "" | "Z") {
            return if self.zone.is_empty() { String::new() } else { "+00:00".to_owned() };
        }
        let (sign, rest) = self.zone.split_at(1);
        let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
        format!("{sign}{hours:0>2}:{minutes}")
    }
}

fn digits<'a>(rest: &mut &'a str, least: usize, most: usize) -> Option<&'a str> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (found, after) = rest.split_at(count);
    *rest = after;
    (count >= least).then_some(found)
}

fn separator(rest: &mut &str, mark: &str) -> Option<()> {
    *rest = rest.strip_prefix(mark)?;
    Some(())
}

fn zone(text: &str) -> Option<&str> {
    if matches!(text, "" | "Z") {
        return Some(text);
    }
    let mut rest = text.strip_prefix(['+', '-'])?;
    digits(&mut rest, 1, 2)?;
    if let Some(after) = rest.strip_prefix(':') {
        rest = after;
        digits(&mut rest, 2, 2)?;
    }
    rest.is_empty().then_some(text)
}
