//! Names that people type: of types, and patterns of tensors' names.

use std::fmt::Write;

use cannery_core::{Error, ErrorKind, Result, TensorDtype};

/// The types that `--dtype` takes, with the names for each.
const TYPES: [(&[&str], TensorDtype); 9] = [
    (&["float64", "f64", "double"], TensorDtype::Float(8)),
    (&["float32", "f32", "float"], TensorDtype::Float(4)),
    (&["float16", "f16", "half"], TensorDtype::Float(2)),
    (&["bfloat16", "bf16"], TensorDtype::BFloat16),
    (&["float8_e4m3fn", "f8_e4m3"], TensorDtype::Float8E4M3),
    (&["float8_e4m3fnuz", "f8_e4m3fnuz"], TensorDtype::Float8E4M3Fnuz),
    (&["float8_e5m2", "f8_e5m2"], TensorDtype::Float8E5M2),
    (&["float8_e5m2fnuz", "f8_e5m2fnuz"], TensorDtype::Float8E5M2Fnuz),
    (&["float8_e8m0fnu", "f8_e8m0"], TensorDtype::Float8E8M0),
];

/// The type of floats that tensors can be converted to, by one of its names: `float16`, `bf16`.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if it is none.
pub fn tensor_dtype(name: &str) -> Result<TensorDtype> {
    let wanted = name.to_ascii_lowercase();
    let mut all = TYPES.iter();
    let found = all.find(|(names, _)| names.contains(&wanted.as_str()));
    found.map(|(_, dtype)| dtype.clone()).ok_or_else(|| {
        let names: Vec<_> = TYPES.iter().map(|(names, _)| names[0]).collect();
        let message = format!("expected one of {}, found `{name}`", names.join(", "));
        Error::new(ErrorKind::Unsupported, message)
    })
}

/// Whether a name matches a pattern, in which `*` stands for any characters, `?` for one, and `[0-9]`
/// or `[!abc]` for one of those, or of none of those, in brackets.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut in_name) = (0, 0);
    // Where to go on if what follows the last `*` does not match: it stands for one more character.
    let mut retry: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                retry = Some((at, in_name));
                continue;
            }
            Some(_) => {
                let (is_match, len) = matches_one(&pattern[at..], name[in_name]);
                if is_match {
                    (at, in_name) = (at + len, in_name + 1);
                    continue;
                }
            }
            None => {}
        }
        let Some((behind, from)) = retry else { return false };
        retry = Some((behind, from + 1));
        (at, in_name) = (behind, from + 1);
    }
    pattern[at..].iter().all(|&c| c == '*')
}

/// Whether a character matches the first thing of a pattern, and how many characters that takes.
fn matches_one(pattern: &[char], c: char) -> (bool, usize) {
    let is_negated = pattern.get(1) == Some(&'!');
    let start = if is_negated { 2 } else { 1 };
    // A bracket that comes first is one of those in brackets.
    let end = pattern.iter().skip(start + 1).position(|&c| c == ']');
    match (pattern[0], end) {
        ('?', _) => (true, 1),
        ('[', Some(end)) => {
            let end = start + 1 + end;
            (in_class(&pattern[start..end], c) != is_negated, end + 1)
        }
        (first, _) => (first == c, 1),
    }
}

fn in_class(mut class: &[char], c: char) -> bool {
    while let Some((&first, rest)) = class.split_first() {
        if let ['-', last, rest @ ..] = rest {
            if (first..=*last).contains(&c) {
                return true;
            }
            class = rest;
        } else {
            if first == c {
                return true;
            }
            class = rest;
        }
    }
    false
}

/// A tensor's name as the name of a file: what could name another folder is escaped.
pub(super) fn file_name(name: &str) -> String {
    let mut escaped = String::new();
    for (at, c) in name.char_indices() {
        let is_plain = c.is_alphanumeric() || matches!(c, '-' | '_') || (c == '.' && at > 0);
        if is_plain {
            escaped.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a string does not fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    if escaped.is_empty() { "%".to_owned() } else { escaped }
}

/// The name of a tensor that [`file_name`] made a file's of.
pub(super) fn tensor_name(file: &str) -> String {
    if file == "%" {
        return String::new();
    }
    let (bytes, mut name, mut at) = (file.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let escape = file.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let escape = escape.filter(|_| byte == b'%');
        name.push(escape.unwrap_or(byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8(name).unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("*", "", true),
            ("*.weight", "layers.0.weight", true),
            ("*.weight", "layers.0.weights", false),
            ("layers.?.*", "layers.0.bias", true),
            ("layers.?.*", "layers.10.bias", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "abab", true),
            ("", "a", false),
            ("é?", "éü", true),
            ("layers.[0-2].*", "layers.1.bias", true),
            ("layers.[0-2].*", "layers.3.bias", false),
            ("layers.[!0-2].*", "layers.3.bias", true),
            ("*[ab-]", "w-", true),
            ("[]]", "]", true),
            ("w[0]", "w[0]", false),
            ("w[0", "w[0", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn names_of_files_stay_in_their_folder() {
        for name in ["layers.0.weight", "../../etc/passwd", "", ".", "..", "a/b\\c:d", "%41", "é\0"]
        {
            let file = file_name(name);
            assert!(!file.contains(['/', '\\', ':', '\0']) && !file.starts_with('.'), "{file}");
            assert_eq!(tensor_name(&file), name);
        }
    }
}
