//! safetensors: a header in JSON that must account for every byte behind it.

use std::collections::HashSet;

use super::{Scanner, Verdict};

/// The header that readers accept at most.
const MAX_HEADER: u64 = 100_000_000;

/// Whether data begins with the length of a JSON object, and this object.
pub(super) fn is_safetensors(data: &[u8]) -> bool {
    let Some((length, rest)) = data.split_first_chunk() else { return false };
    let length = u64::from_le_bytes(*length);
    length > 1 && length <= MAX_HEADER && rest.starts_with(b"{") && length <= rest.len() as u64
}

impl Scanner {
    pub(super) fn safetensors(&mut self, data: &[u8]) -> String {
        if let Err(fault) = check(data) {
            self.note(Verdict::Unknown, 0, &format!("the header of the safetensors lies: {fault}"));
            self.search(data, 0);
        }
        "safetensors, no pickle".to_owned()
    }
}

/// Every tensor has the bytes of its shape, and together they fill the file without a gap.
fn check(data: &[u8]) -> Result<(), &'static str> {
    let (length, rest) = data.split_first_chunk().ok_or("there is none")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| "its length is odd")?;
    let (header, tensors) = rest.split_at_checked(length).ok_or("its length is odd")?;
    let entries = object(header).ok_or("it is no JSON object")?;
    let mut names = HashSet::new();
    let mut parts = Vec::new();
    for (name, value) in entries {
        if !names.insert(name) {
            return Err("two tensors have one name");
        }
        if name != b"__metadata__" {
            parts.push(tensor(value)?);
        }
    }
    parts.sort_unstable();
    let mut end = 0;
    for (start, stop) in parts {
        if start != end {
            return Err("tensors overlap, or leave bytes that belong to none");
        }
        end = stop;
    }
    if end == tensors.len() as u64 { Ok(()) } else { Err("its tensors do not fill the file") }
}

/// Where the bytes of a tensor are.
fn tensor(value: &[u8]) -> Result<(u64, u64), &'static str> {
    let (mut bits, mut shape, mut offsets) = (None, None, None);
    for (key, value) in object(value).ok_or("a tensor is no object")? {
        match key {
            b"dtype" => bits = element_bits(value),
            b"shape" => shape = numbers(value),
            b"data_offsets" => offsets = numbers(value),
            _ => return Err("a tensor says more than is known"),
        }
    }
    let (Some(bits), Some(shape), Some(&[start, end])) = (bits, shape, offsets.as_deref()) else {
        return Err("a tensor without dtype, shape or offsets");
    };
    let bits = shape.iter().try_fold(bits, |bits, &size| bits.checked_mul(size));
    let length = end.checked_sub(start).ok_or("a tensor ends before it begins")?;
    if bits.is_some_and(|bits| bits.is_multiple_of(8) && bits / 8 == length) {
        Ok((start, end))
    } else {
        Err("a tensor has not the bytes of its shape")
    }
}

fn element_bits(dtype: &[u8]) -> Option<u64> {
    Some(match dtype.strip_prefix(b"\"")?.strip_suffix(b"\"")? {
        b"C64" | b"F64" | b"I64" | b"U64" => 64,
        b"F32" | b"I32" | b"U32" => 32,
        b"F16" | b"BF16" | b"I16" | b"U16" => 16,
        b"I8" | b"U8" | b"BOOL" | b"F8_E4M3" | b"F8_E5M2" | b"F8_E8M0" | b"F8_E4M3FNUZ"
        | b"F8_E5M2FNUZ" => 8,
        b"F6_E2M3" | b"F6_E3M2" => 6,
        b"F4" => 4,
        _ => return None,
    })
}

/// The numbers of a list.
fn numbers(value: &[u8]) -> Option<Vec<u64>> {
    let text = std::str::from_utf8(value).ok()?.strip_prefix('[')?.strip_suffix(']')?;
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|number| number.trim().parse().ok()).collect()
}

/// The keys of a JSON object, as they are written, and its values.
fn object(json: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut rest = json.trim_ascii().strip_prefix(b"{")?.strip_suffix(b"}")?.trim_ascii();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let key = text(rest)?;
        rest = rest[key.len()..].trim_ascii().strip_prefix(b":")?.trim_ascii();
        let value = value(rest)?;
        entries.push((&key[1..key.len() - 1], value));
        rest = rest[value.len()..].trim_ascii();
        match rest.split_first() {
            Some((b',', more)) if !more.trim_ascii().is_empty() => rest = more.trim_ascii(),
            Some(_) => return None,
            None => {}
        }
    }
    Some(entries)
}

/// The text that begins here, with its quotes.
fn text(json: &[u8]) -> Option<&[u8]> {
    json.starts_with(b"\"").then_some(())?;
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(&json[..=at]);
        }
        at += 2;
    }
}

/// The value that begins here.
fn value(json: &[u8]) -> Option<&[u8]> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match json.get(at) {
            Some(b'"') => at += text(&json[at..])?.len(),
            Some(b'{' | b'[') => (at, depth) = (at + 1, depth + 1),
            Some(b'}' | b']') if depth == 0 => return None,
            Some(b'}' | b']') => (at, depth) = (at + 1, depth - 1),
            Some(b',') if depth == 0 => break,
            Some(_) => at += 1,
            None => break,
        }
        if depth == 0 && matches!(json.get(at.wrapping_sub(1)), Some(b'"' | b'}' | b']')) {
            break;
        }
    }
    let value = json[..at].trim_ascii_end();
    (depth == 0 && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_lie() {
        let file = |header: &str, length: usize| {
            let mut file = (header.len() as u64).to_le_bytes().to_vec();
            file.extend(header.as_bytes());
            file.resize(file.len() + length, 0);
            check(&file).err().unwrap_or("fine")
        };
        let a = r#""a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#;
        let b = r#""b":{"dtype":"I8","shape":[4],"data_offsets":[24,28]}"#;
        for (header, length, expected) in [
            (format!("{{{a}}}  "), 24, "fine"),
            (format!("{{\"__metadata__\":{{\"by\":\"m}}e\\\"\"}}, {a}, {b}}}"), 28, "fine"),
            ("{}".to_owned(), 0, "fine"),
            (format!("{{{a}}}"), 25, "its tensors do not fill the file"),
            (format!("{{{a}}}"), 23, "its tensors do not fill the file"),
            (format!("{{{b}}}"), 28, "tensors overlap, or leave bytes that belong to none"),
            (format!("{{{a},{a}}}"), 24, "two tensors have one name"),
            (format!("{{{a},}}"), 24, "it is no JSON object"),
            (a.replace("24]", "20]"), 24, "it is no JSON object"),
            (
                format!("{{{}}}", a.replace("24]", "20]")),
                20,
                "a tensor has not the bytes of its shape",
            ),
            (
                format!("{{{}}}", a.replace("F32", "X9")),
                24,
                "a tensor without dtype, shape or offsets",
            ),
            (
                format!("{{{}}}", a.replace("[0,24]", "[24,0]")),
                24,
                "a tensor ends before it begins",
            ),
        ] {
            assert_eq!(file(&header, length), expected, "{header}");
        }
    }
}
