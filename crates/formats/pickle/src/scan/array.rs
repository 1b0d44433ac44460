//! `.npy` files: those of numbers hold no pickle, those of objects are one behind their header.

use super::{Scanner, Verdict};

use super::literal::Literal;
use super::stream::is_filling;

/// What the header of an array says.
struct Header {
    end: usize,
    elements: Elements,
    count: u64,
    /// Elements that there were if no side were 0.
    places: u64,
}

/// As many of them as an array without data may have; readers refuse more.
const MOST_EMPTY: u64 = 1 << 22;

/// What an array consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elements {
    /// Numbers and texts of that many bytes.
    Bytes(u64),
    /// Objects, which are a pickle behind the header.
    Objects,
    /// Something that NumPy does not write so.
    Unknown,
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
            let size = match header.elements {
                Elements::Bytes(size) => size.checked_mul(header.count),
                Elements::Objects => {
                    self.objects(data, start);
                    return "an array of objects".to_owned();
                }
                Elements::Unknown => {
                    self.note(
                        Verdict::Unknown,
                        at,
                        "an array of a dtype that NumPy does not write so",
                    );
                    self.objects(data, start);
                    return "an array".to_owned();
                }
            };
            if size == Some(0) && header.places > MOST_EMPTY {
                let reason = "a huge shape of an array without data: a resource bomb";
                self.note(Verdict::Unknown, at, reason);
            }
            let size = size.and_then(|size| usize::try_from(size).ok());
            let Some(end) = size.and_then(|size| start.checked_add(size)) else {
                self.note(Verdict::Unknown, at, "an array larger than any file");
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
        let analyzed = crate::analyzer::analyze(data, start, &self.analyzer);
        let end = analyzed.end;
        let broken = analyzed.error.is_some();
        self.keep_analyzed(data, start, analyzed);
        if !broken && !is_filling(&data[end..]) && !rest.is_empty() {
            self.behind_array(data, end);
        }
    }

    fn behind_array(&mut self, data: &[u8], end: usize) {
        let reason = format!("{} bytes behind the array are none", data.len() - end);
        self.note(Verdict::Unknown, end, &reason);
        self.search(data, end);
    }
}

/// Where an array of numbers ends that begins so.
pub(super) fn end_of_numbers(beginning: &[u8]) -> Option<u64> {
    let header = beginning.starts_with(b"\x93NUMPY").then(|| Header::of(beginning)).flatten()?;
    let Elements::Bytes(size) = header.elements else { return None };
    size.checked_mul(header.count)?.checked_add(header.end as u64)
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
        let header = Literal::parse(std::str::from_utf8(data.get(start..end)?).ok()?)?;
        let Literal::Dict(entries) = &header else { return None };
        let [mut descr, mut shape, mut order] = [None; 3];
        for (key, value) in entries {
            let place = match key {
                Literal::Text("descr") => &mut descr,
                Literal::Text("shape") => &mut shape,
                Literal::Text("fortran_order") => &mut order,
                _ => return None,
            };
            // Of two entries with one key, readers take either.
            if place.replace(value).is_some() {
                return None;
            }
        }
        let (descr, shape, _) = (descr?, shape?, order?);
        let (count, places) = (product(shape)?, places(shape)?);
        Some(Header { end, elements: Elements::of(descr), count, places })
    }
}

/// The number of elements of a shape.
fn product(shape: &Literal<'_>) -> Option<u64> {
    sides(shape)?.try_fold(1_u64, |count, side| count.checked_mul(side?))
}

/// As [`product`], of sides that are at least 1; as large as numbers are if it is larger.
fn places(shape: &Literal<'_>) -> Option<u64> {
    sides(shape)?.try_fold(1_u64, |count, side| Some(count.saturating_mul(side?.max(1))))
}

fn sides<'s>(shape: &'s Literal<'_>) -> Option<impl Iterator<Item = Option<u64>> + 's> {
    let sides = match shape {
        Literal::Tuple(sides) => &sides[..],
        Literal::Number(_) => std::slice::from_ref(shape),
        _ => return None,
    };
    Some(sides.iter().map(|side| match side {
        Literal::Number(side) => Some(*side),
        _ => None,
    }))
}

impl Elements {
    /// What a dtype is that is described as in a header.
    fn of(descr: &Literal<'_>) -> Elements {
        match descr {
            Literal::Text(kind) => Elements::of_kind(kind),
            Literal::List(fields) => fields
                .iter()
                .fold(Elements::Bytes(0), |all, field| all.and(Elements::of_field(field))),
            Literal::Tuple(parts) => match &parts[..] {
                [of, shape] => Elements::of(of).times(product(shape)),
                _ => Elements::Unknown,
            },
            _ => Elements::Unknown,
        }
    }

    /// A name, a dtype, and perhaps a shape.
    fn of_field(field: &Literal<'_>) -> Elements {
        match field {
            Literal::Tuple(parts) => match &parts[..] {
                [Literal::Text(_) | Literal::Tuple(_), of] => Elements::of(of),
                [Literal::Text(_) | Literal::Tuple(_), of, shape] => {
                    Elements::of(of).times(product(shape))
                }
                _ => Elements::Unknown,
            },
            _ => Elements::Unknown,
        }
    }

    /// `<f8`, `|S5`, `<M8[ns]`.
    fn of_kind(kind: &str) -> Elements {
        let kind = kind.strip_prefix(['<', '>', '|', '=']).unwrap_or(kind);
        let Some((letter, size)) = kind.split_at_checked(1) else { return Elements::Unknown };
        let (size, unit) = size.split_once('[').map_or((size, ""), |(size, unit)| (size, unit));
        let has_unit = matches!(letter, "M" | "m") && unit.ends_with(']');
        if !unit.is_empty() && !has_unit {
            return Elements::Unknown;
        }
        match (letter, size.parse::<u64>()) {
            ("O", Ok(4 | 8)) => Elements::Objects,
            ("O", _) if size.is_empty() => Elements::Objects,
            ("?", _) if size.is_empty() => Elements::Bytes(1),
            ("b" | "i" | "u" | "f" | "c" | "V" | "S" | "a" | "M" | "m", Ok(size)) => {
                Elements::Bytes(size)
            }
            ("U", Ok(size)) => Elements::Bytes(size.saturating_mul(4)),
            _ => Elements::Unknown,
        }
    }

    fn and(self, other: Elements) -> Elements {
        match (self, other) {
            (Elements::Unknown, _) | (_, Elements::Unknown) => Elements::Unknown,
            (Elements::Objects, _) | (_, Elements::Objects) => Elements::Objects,
            (Elements::Bytes(one), Elements::Bytes(other)) => {
                Elements::Bytes(one.saturating_add(other))
            }
        }
    }

    fn times(self, count: Option<u64>) -> Elements {
        match (self, count) {
            (Elements::Bytes(size), Some(count)) => Elements::Bytes(size.saturating_mul(count)),
            (Elements::Objects, Some(_)) => Elements::Objects,
            _ => Elements::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrays_consist_of() {
        let of = |descr: &str| match Literal::parse(descr).map(|descr| Elements::of(&descr)) {
            Some(Elements::Bytes(size)) => size.to_string(),
            Some(Elements::Objects) => "objects".to_owned(),
            Some(Elements::Unknown) => "unknown".to_owned(),
            None => "no literal".to_owned(),
        };
        for (descr, expected) in [
            ("'<f8'", "8"),
            ("'|S5'", "5"),
            ("'<U5'", "20"),
            ("'<M8[ns]'", "8"),
            ("'?'", "1"),
            ("'|O'", "objects"),
            ("'O8'", "objects"),
            ("[('a', '<i4'), ('b', '<f8', (2, 2))]", "36"),
            ("[('a', [('x', '|O')]), ('b', '<f8')]", "objects"),
            ("[(('title', 'a'), '<i4'), ('', '|V4')]", "8"),
            ("('<f4', (3,))", "12"),
            ("'object'", "unknown"),
            ("'i8,O'", "unknown"),
            ("'float64'", "unknown"),
            ("'i8[O]'", "unknown"),
            (r"'|\x4f'", "no literal"),
            ("'|' 'O'", "no literal"),
            ("__import__('os')", "no literal"),
        ] {
            assert_eq!(of(descr), expected, "{descr}");
        }
    }
}
