//! What texts cost the libraries that take them apart: patterns of `re`, headers of mails.
//!
//! Estimates of what loading counts exactly: a text that loading refuses is over the limit here.

/// Work that the patterns of one file may be, in characters that are gone through.
pub const MOST_PATTERN_WORK: u64 = 300_000;
const LONGEST_PATTERN: usize = 1 << 16;
const IGNORE_CASE: i64 = 2;
const LONGEST_HEADER: usize = 1 << 14;
const LONGEST_STRUCTURED: usize = 1 << 12;
const LONGEST_ADDRESS: usize = 1 << 10;
const MOST_MARKS: usize = 500;
const PER_CHARACTER: u64 = 16;

/// About how much work it is to compile a pattern; more than [`MOST_PATTERN_WORK`] is a bomb.
///
/// ```
/// use cannery_pickle::costs::{MOST_PATTERN_WORK, pattern_work};
///
/// assert!(pattern_work(r"(\d+)-(\d+)", 0) < 1_000);
/// assert!(pattern_work(&"[\u{80}-\u{ffff}]".repeat(900), 2) > MOST_PATTERN_WORK);
/// ```
#[must_use]
pub fn pattern_work(pattern: &str, flags: i64) -> u64 {
    let len = pattern.len() as u64;
    if pattern.len() > LONGEST_PATTERN {
        return u64::MAX;
    }
    let mut depth = 0_u64;
    let mut deepest = 0;
    for byte in pattern.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let branches = if pattern.contains('|') { (len * len) >> 13 } else { 0 };
    let ignores_case = flags & IGNORE_CASE != 0 || pattern.contains("(?");
    let ranges = range_work(pattern) / if ignores_case { 1 } else { 16 };
    len * deepest.saturating_sub(1) + branches + ranges
}

/// What all patterns of a file cost together is compared with ten times what one may.
#[derive(Clone, Copy, Debug, Default)]
pub struct PatternCosts(u64);

impl PatternCosts {
    /// Counts one more; whether it is too much.
    pub fn spend(&mut self, pattern: &str, flags: i64) -> bool {
        let work = pattern_work(pattern, flags);
        let all = work.saturating_add(PER_CHARACTER * pattern.len() as u64);
        self.0 = self.0.saturating_add(all);
        work > MOST_PATTERN_WORK || self.0 > 10 * MOST_PATTERN_WORK
    }
}

/// The characters of all ranges `a-z`, wherever they stand.
fn range_work(pattern: &str) -> u64 {
    let mut work = 0;
    let mut low = None;
    let mut rest = pattern;
    while let Some((first, behind)) = character(rest) {
        rest = behind;
        if let (Some(from), Some(after)) = (low.filter(|_| first == Some('-')), Some(rest))
            && let Some((to, behind)) = character(after)
            && let Some(to) = to
        {
            work += u64::from(u32::from(to)).saturating_sub(u64::from(u32::from(from)));
            rest = behind;
            low = None;
            continue;
        }
        low = first;
    }
    work
}

/// The first character of a pattern, `None` for a class such as `\d`, and what is behind it.
fn character(pattern: &str) -> Option<(Option<char>, &str)> {
    let mut chars = pattern.chars();
    let first = chars.next()?;
    if first != '\\' {
        return Some((Some(first), chars.as_str()));
    }
    let Some(escaped) = chars.next() else { return Some((Some(first), "")) };
    let digits = match escaped {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ if escaped.is_ascii_alphanumeric() => return Some((None, chars.as_str())),
        _ => return Some((Some(escaped), chars.as_str())),
    };
    let behind = chars.as_str();
    let value = behind.get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match value.and_then(char::from_u32) {
        Some(value) => Some((Some(value), &behind[digits..])),
        None => Some((None, behind)),
    }
}

/// Whether Python's `email` takes quadratic time for a header.
///
/// ```
/// use cannery_pickle::costs::is_costly_header;
///
/// assert!(!is_costly_header("To", "Some One <a@b.c>, x@y.z"));
/// assert!(is_costly_header("To", &"a ".repeat(8000)));
/// ```
#[must_use]
pub fn is_costly_header(name: &str, value: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let len = name.len() + 2 + value.len();
    let most = if is_structured(&name) { LONGEST_STRUCTURED } else { LONGEST_HEADER };
    let marks = value.bytes().filter(|byte| b";,\"(<".contains(byte)).count();
    let is_long = |address: &str| address.len() > LONGEST_ADDRESS;
    len > most || marks > MOST_MARKS || (has_addresses(&name) && value.split(',').any(is_long))
}

/// Whether Python's `email` takes quadratic time for a mail: its headers, or parts in parts.
#[must_use]
pub fn is_costly_mail(data: &[u8]) -> bool {
    const MOST_LINES: usize = 5_000_000;
    let text = String::from_utf8_lossy(data);
    let boundaries = text.to_ascii_lowercase().matches("boundary").count();
    if boundaries > 100 && boundaries * text.lines().count() > MOST_LINES {
        return true;
    }
    let holds_mails = text.to_ascii_lowercase().contains("message/");
    let mut header: Option<(String, String)> = None;
    let mut is_header = true;
    for line in text.lines() {
        if line.starts_with([' ', '\t'])
            && let Some((name, value)) = &mut header
        {
            value.push_str(line);
            if is_costly_header(name, value) {
                return true;
            }
            continue;
        }
        header = None;
        if line.is_empty() || line.starts_with("--") {
            is_header = !line.is_empty();
        } else if (is_header || holds_mails)
            && let Some((name, value)) = line.split_once(':')
        {
            if is_costly_header(name, value) {
                return true;
            }
            header = Some((name.to_owned(), value.to_owned()));
        }
    }
    false
}

fn has_addresses(name: &str) -> bool {
    let plain = name.strip_prefix("resent-").unwrap_or(name);
    matches!(plain, "to" | "cc" | "bcc" | "from" | "sender" | "reply-to")
}

fn is_structured(name: &str) -> bool {
    matches!(
        name,
        "content-type"
            | "content-disposition"
            | "content-transfer-encoding"
            | "mime-version"
            | "message-id"
            | "date"
            | "orig-date"
            | "resent-date"
    )
}
