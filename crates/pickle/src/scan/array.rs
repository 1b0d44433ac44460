//! `.npy` files: those of numbers hold no pickle, those of objects are one behind their header.

use super::{Scanner, Verdict};

/// What the header of an array says.
struct Header {
    end: usize,
    has_objects: bool,
    /// Bytes of the numbers, if that can be told.
    size: Option<u64>,
}

impl Scanner {
    pub(super) fn npy(&mut self, data: &[u8]) -> String {
        let mut at = 0;
        // `np.save` may be called several times on one file.
        loop {
            let Some(header) = Header::of(&data[at..]) else {
                self.note(Verdict::Unknown, at, "a damaged array header");
                self.search(data, at);
                return "a broken array".to_owned();
            };
            let start = at + header.end;
            if header.has_objects {
                self.objects(data, start);
                return "an array of objects".to_owned();
            }
            let size = header.size.and_then(|size| usize::try_from(size).ok());
            let Some(end) = size.and_then(|size| start.checked_add(size)) else {
                self.note(Verdict::Unknown, at, "an array whose size cannot be told");
                return "an array".to_owned();
            };
            if end > data.len() {
                self.note(Verdict::Unknown, data.len(), "the array is cut off");
                return "an array".to_owned();
            }
            if end == data.len() {
                return "an array of numbers, no pickle".to_owned();
            }
            if !data[end..].starts_with(b"\x93NUMPY") {
                self.behind_array(data, end);
                return "an array".to_owned();
            }
            at = end;
        }
    }

    fn objects(&mut self, data: &[u8], start: usize) {
        let rest = &data[start..];
        // Offsets in findings count from the beginning of the file.
        let judged = crate::judge::judge(data, start, &self.judge);
        let end = judged.end;
        let broken = judged.error.is_some();
        self.keep_judged(data, start, judged);
        if !broken && end < data.len() && !rest.is_empty() {
            self.behind_array(data, end);
        }
    }

    fn behind_array(&mut self, data: &[u8], end: usize) {
        let reason = format!("{} bytes behind the array are none", data.len() - end);
        self.note(Verdict::Unknown, end, &reason);
        self.search(data, end);
    }
}

impl Header {
    fn of(data: &[u8]) -> Option<Header> {
        let version = *data.get(6)?;
        let (start, length) = match version {
            1 => (10, usize::from(u16::from_le_bytes(data.get(8..10)?.try_into().ok()?))),
            2 | 3 => (12, u32::from_le_bytes(data.get(8..12)?.try_into().ok()?) as usize),
            _ => return None,
        };
        let end = start + length;
        let text = String::from_utf8_lossy(data.get(start..end)?);
        let descr = text.split_once("descr")?.1.split_once(':')?.1;
        let shape = text.split_once("shape")?.1.split_once('(')?.1.split_once(')')?.0;
        let mut count = 1_u64;
        for size in shape.split(',').map(str::trim).filter(|size| !size.is_empty()) {
            count = count.checked_mul(size.trim_end_matches('L').parse().ok()?)?;
        }
        let descr = descr.split_once("fortran_order").map_or(descr, |(before, _)| before);
        let item = item_size(descr);
        let has_objects = quoted(descr).any(is_object);
        // Fields with shapes of their own: so many bytes as there are, if they can be shared out.
        let rest = (data.len() - end) as u64;
        let size = match item {
            Some(item) => item.checked_mul(count),
            None => (count > 0 && rest.is_multiple_of(count)).then_some(rest),
        };
        Some(Header { end, has_objects, size })
    }
}

/// The size of an element, if its description is one of a plain type or a flat list of those.
fn item_size(descr: &str) -> Option<u64> {
    if !descr.contains('[') {
        return type_size(quoted(descr).next()?);
    }
    // Fields: a name and a type, and perhaps a shape.
    let mut total = 0_u64;
    for field in descr.split('(').skip(1) {
        let words: Vec<_> = quoted(field).collect();
        let (Some(kind), None) = (words.get(1), words.get(2)) else {
            // The shape of the field before.
            return None;
        };
        total += type_size(kind)?;
    }
    Some(total)
}

fn type_size(kind: &str) -> Option<u64> {
    let kind = kind.trim_start_matches(['<', '>', '|', '=']);
    let (letter, size) = kind.split_at_checked(1)?;
    let size = size.split('[').next()?;
    match letter {
        "b" | "i" | "u" | "f" | "c" | "V" | "S" | "a" | "M" | "m" => size.parse().ok(),
        "U" => size.parse::<u64>().ok()?.checked_mul(4),
        "?" => Some(1),
        _ => None,
    }
}

/// The texts between quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\'', '"']).skip(1).step_by(2).filter(|word| !word.is_empty())
}

fn is_object(kind: &str) -> bool {
    matches!(kind.trim_start_matches(['<', '>', '|', '=']), "O" | "O8" | "O4")
}
