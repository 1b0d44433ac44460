//! Texts that are code to those who read them: configurations of Keras, YAML with Python's tags,
//! jsonpickle's documents, templates in GGUF.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Finding, Scanner, TextKind, Verdict};
use crate::policy::danger;

/// Hits of one kind that are looked at.
const MAX_HITS: usize = 10_000;
/// Characters of a name.
const MAX_NAME: usize = 200;
/// Names that are compared with each other.
const MAX_NAMES: usize = 1000;
/// Tags that are looked at, and handles that stand for something else.
const MAX_TAGS: usize = 5_000_000;
const MAX_HANDLES: usize = 1000;

impl Scanner {
    /// Looks for what other readers than pickle's would run, if they take the text for a document.
    pub(super) fn configuration(&mut self, data: &[u8], kind: TextKind) {
        let has_tags = kind == TextKind::Tagged;
        if has_tags {
            self.yaml_tags(data);
            self.yaml_shorthands(data);
        }
        let data = unescaped(data);
        if has_tags {
            self.yaml_tags(&data);
        }
        if kind != TextKind::Prose {
            self.keras_layers(&data);
            self.jsonpickle(&data);
            self.typed_documents(&data);
        }
    }

    /// Keras keeps the code of Lambda layers in its configuration, and names of what it imports.
    fn keras_layers(&mut self, data: &[u8]) {
        let mut is_keras = false;
        for (at, class) in values_of(data, b"class_name") {
            is_keras = true;
            if matches!(&*class, "Lambda" | "__lambda__") {
                let reason = "a Lambda layer of Keras: Python code that runs with the model";
                self.note(Verdict::Danger, at, reason);
            }
        }
        if is_keras {
            self.keras_modules(data);
        }
    }

    fn keras_modules(&mut self, data: &[u8]) {
        let functions = [&b"config"[..], b"registered_name", b"class_name"];
        // A name may stand anywhere in the object of its module, and twice.
        let names: HashSet<String> = functions
            .iter()
            .flat_map(|key| values_of(data, key))
            .map(|(_, name)| name)
            .take(MAX_NAMES)
            .collect();
        for (at, module) in values_of(data, b"module").into_iter().take(MAX_NAMES) {
            let found = danger(&module, "*").map(|what| (module.clone(), what)).or_else(|| {
                names
                    .iter()
                    .find_map(|name| Some((format!("{module}.{name}"), danger(&module, name)?)))
            });
            if let Some((name, what)) = found {
                let reason = format!("a configuration of Keras that imports {name}: {what}");
                self.named(Verdict::Danger, at, &name, reason);
            }
        }
    }

    /// PyYAML's loaders but the safe one call what `!!python/object/apply:` names.
    fn yaml_tags(&mut self, data: &[u8]) {
        for at in memchr::memmem::find_iter(data, b"python/").take(MAX_HITS) {
            let tag = &data[at + b"python/".len()..];
            let is_tag = matches!(data[..at].last(), Some(b'!' | b':'));
            if is_tag {
                self.python_tag(at, &name_at(tag));
            }
        }
    }

    /// A tag of PyYAML's, from behind `python/`.
    fn python_tag(&mut self, at: usize, tag: &str) {
        let kinds = [
            ("object/apply:", "calls"),
            ("object/new:", "makes an instance of"),
            ("object:", "makes an instance of"),
            ("name:", "refers to"),
            ("module:", "imports"),
        ];
        let found = kinds.iter().find_map(|(kind, verb)| Some((tag.strip_prefix(kind)?, verb)));
        let Some((name, verb)) = found else { return };
        let what = danger_of(name);
        let verdict = if what.is_some() { Verdict::Danger } else { Verdict::Unknown };
        let why = what.unwrap_or("a YAML loader that is not safe would do it");
        self.named(verdict, at, name, format!("a YAML tag that {verb} {name}: {why}"));
    }

    /// Tags as a reader understands them: with their handle replaced by what `%TAG` says that it
    /// stands for, and percent signs decoded.
    fn yaml_shorthands(&mut self, data: &[u8]) {
        const YAML: &str = "tag:yaml.org,2002:";
        let handles = handles(data);
        let mut left = MAX_TAGS;
        for at in memchr::memchr_iter(b'!', data) {
            let Some(rest) = left.checked_sub(1 + handles.len()) else {
                let reason = "more tags and handles than are looked at: a resource bomb";
                self.note(Verdict::Unknown, at, reason);
                break;
            };
            left = rest;
            // A tag begins a node.
            let before = at.checked_sub(1).map_or(b'\n', |before| data[before]);
            let is_first = b" \t\r\n[{,:-?".contains(&before) || before.is_ascii_control();
            // Line ends and marks of byte order are also written by several bytes.
            if !is_first && before.is_ascii() {
                continue;
            }
            for tag in meanings(&data[at..], &handles) {
                let Some(name) = tag.strip_prefix(YAML).or_else(|| tag.strip_prefix('!')) else {
                    continue;
                };
                if let Some(tag) = name.strip_prefix("python/") {
                    self.python_tag(at, tag);
                } else if let Some(reader) = reader_of(name) {
                    let reason =
                        format!("a YAML tag that makes {name}: readers of {reader} run it");
                    self.named(Verdict::Unknown, at, name, reason);
                }
            }
        }
    }

    /// Documents that name the class that a reader of Java or .NET makes of them.
    fn typed_documents(&mut self, data: &[u8]) {
        for key in [&b"$type"[..], b"@type", b"@class"] {
            for (at, name) in values_of(data, key) {
                let foreign =
                    ["System.", "Microsoft.", "java.", "javax.", "com.sun.", "org.apache."];
                if foreign.iter().any(|prefix| name.starts_with(prefix)) {
                    let reason = format!("a document whose reader makes an instance of {name}");
                    self.named(Verdict::Unknown, at, &name, reason);
                }
            }
        }
    }

    /// jsonpickle imports and calls what its documents name.
    fn jsonpickle(&mut self, data: &[u8]) {
        for key in [&b"py/object"[..], b"py/type", b"py/function", b"py/repr", b"py/ref"] {
            for (at, name) in values_of(data, key) {
                let what = danger_of(&name);
                let verdict = if what.is_some() { Verdict::Danger } else { Verdict::Unknown };
                let why = what.unwrap_or("cannery does not know it");
                let reason = format!("a document of jsonpickle that names {name}: {why}");
                self.named(verdict, at, &name, reason);
            }
        }
        if let Some(at) = memchr::memmem::find(data, b"py/reduce") {
            self.note(Verdict::Unknown, at, "a document of jsonpickle that calls what it names");
        }
    }

    /// Chat templates of language models are programs in Jinja, which may reach the interpreter.
    pub(super) fn template(&mut self, data: &[u8]) {
        for word in [&b"__globals__"[..], b"__subclasses__", b"__import__", b"__builtins__"] {
            if let Some(at) = memchr::memmem::find(data, word) {
                let word = String::from_utf8_lossy(word);
                let reason = format!("a template that names {word}: reaches into the interpreter");
                self.note(Verdict::Danger, at, &reason);
            }
        }
    }

    fn named(&mut self, verdict: Verdict, at: usize, name: &str, reason: String) {
        let mut finding = Finding::of_file(verdict, at as u64, reason);
        name.clone_into(&mut finding.name);
        self.keep(finding);
    }
}

fn danger_of(name: &str) -> Option<&'static str> {
    let (module, last) = name.rsplit_once('.').unwrap_or((name, "*"));
    danger(module, last).or_else(|| danger(name, "*"))
}

/// The texts behind a key in JSON, in YAML, or in JSON inside of a text.
fn values_of<'a>(data: &'a [u8], key: &'a [u8]) -> Vec<(usize, String)> {
    let values = memchr::memmem::find_iter(data, key).take(MAX_HITS);
    let read = |at: usize| {
        let rest = &data[at + key.len()..];
        let gap = rest.iter().take_while(|b| b" \t\r\n\\\":'".contains(b)).count();
        let is_value = rest[..gap].contains(&b':');
        is_value.then(|| (at, name_at(&rest[gap..])))
    };
    values.filter_map(read).collect()
}

/// The name that begins here.
fn name_at(data: &[u8]) -> String {
    let is_end = |b: &&u8| !b"\"\\' \t\r\n,}]>".contains(b);
    let name: Vec<u8> = data.iter().take(MAX_NAME).take_while(is_end).copied().collect();
    percent_decoded(&String::from_utf8_lossy(&name))
}

/// YAML writes what may not stand in a tag as `%6F`.
fn percent_decoded(name: &str) -> String {
    let mut parts = name.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte.filter(u8::is_ascii) {
            decoded.push(byte.into());
            decoded.push_str(&part[2..]);
        } else {
            decoded.push('%');
            decoded.push_str(part);
        }
    }
    decoded
}

/// JSON may write any letter as `\u0061`, and a slash as `\/`, also in a text inside of a text;
/// harmless code does not.
fn unescaped(data: &[u8]) -> Cow<'_, [u8]> {
    const MAX_LEVELS: u32 = 4;
    let mut plain = Cow::Borrowed(data);
    for _ in 0..MAX_LEVELS {
        let Some(next) = unescaped_once(&plain) else { break };
        plain = Cow::Owned(next);
    }
    plain
}

/// One level of escapes taken off; `None` if there are none.
fn unescaped_once(data: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &data[at..]) {
        let start = at + found;
        let (byte, len) = match data.get(start + 1) {
            Some(b'/') => (Some(b'/'), 2),
            Some(b'u') => (escaped_byte(&data[start..]), 6),
            _ => (None, 1),
        };
        at = start + 1;
        if let Some(byte) = byte {
            plain.extend_from_slice(&data[copied..start]);
            plain.push(byte);
            copied = start + len;
            at = copied;
        }
    }
    if copied == 0 {
        return None;
    }
    plain.extend_from_slice(&data[copied..]);
    Some(plain)
}

/// The letter, digit or sign of a name that `\u0061` stands for.
fn escaped_byte(escape: &[u8]) -> Option<u8> {
    let hex = std::str::from_utf8(escape.get(2..6)?).ok()?;
    let byte = u8::try_from(u16::from_str_radix(hex, 16).ok()?).ok()?;
    (byte.is_ascii_alphanumeric() || b"_./$@\\".contains(&byte)).then_some(byte)
}

/// Text of two or four bytes a character as UTF-8, as readers of YAML and JSON take it.
pub(super) fn utf8(data: &[u8]) -> Cow<'_, [u8]> {
    let (width, is_little) = match data {
        [0xff, 0xfe, 0, 0, ..] => (4, true),
        [0, 0, 0xfe, 0xff, ..] => (4, false),
        [0xff, 0xfe, ..] => (2, true),
        [0xfe, 0xff, ..] => (2, false),
        [first, 0, 0, 0, ..] if *first != 0 => (4, true),
        [0, 0, 0, last, ..] if *last != 0 => (4, false),
        [first, 0, third, 0, ..] if *first != 0 && *third != 0 => (2, true),
        [0, second, 0, fourth, ..] if *second != 0 && *fourth != 0 => (2, false),
        _ => return data.into(),
    };
    let unit = |bytes: &[u8]| {
        let big = bytes.iter().fold(0_u32, |unit, byte| unit << 8 | u32::from(*byte));
        let little = bytes.iter().rev().fold(0_u32, |unit, byte| unit << 8 | u32::from(*byte));
        if is_little { little } else { big }
    };
    let text: String = data
        .chunks_exact(width)
        .map(|bytes| char::from_u32(unit(bytes)).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.into_bytes().into()
}

/// What the handles of a YAML stream stand for: `%TAG !e! tag:yaml.org,2002:`.
fn handles(data: &[u8]) -> Vec<(String, String)> {
    const DIRECTIVE: &[u8] = b"%TAG";
    let lines = memchr::memmem::find_iter(data, DIRECTIVE).take(MAX_HANDLES);
    let read = |at: usize| {
        let line = data[at + DIRECTIVE.len()..].split(|b| b"\r\n".contains(b)).next()?;
        let line = String::from_utf8_lossy(&line[..line.len().min(2 * MAX_NAME)]).into_owned();
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?.to_owned(), percent_decoded(words.next()?)))
    };
    lines.filter_map(read).collect()
}

/// The tags that the one at the beginning may be.
fn meanings(data: &[u8], handles: &[(String, String)]) -> Vec<String> {
    let until = |ends: &[u8]| {
        let tag: Vec<u8> =
            data.iter().take(MAX_NAME).take_while(|b| !ends.contains(b)).copied().collect();
        String::from_utf8_lossy(&tag).into_owned()
    };
    if data.starts_with(b"!<") {
        return vec![percent_decoded(&until(b" \t\r\n>")[2..])];
    }
    // Commas and brackets are of the tag to some readers, and end it to others.
    let (short, long) = (until(b" \t\r\n,[]{}\"'"), until(b" \t\r\n{}\""));
    let mut tags = meanings_of(&short, handles);
    if long.len() > short.len() {
        tags.extend(meanings_of(&long, handles));
    }
    tags
}

/// What a tag that is not verbatim may be.
fn meanings_of(tag: &str, handles: &[(String, String)]) -> Vec<String> {
    let (handle, suffix) = match tag[1..].find('!') {
        Some(end) => tag.split_at(end + 2),
        None => tag.split_at(1),
    };
    let suffix = percent_decoded(suffix);
    let declared = handles.iter().filter(|(name, _)| name == handle);
    let mut tags: Vec<String> =
        declared.map(|(_, prefix)| format!("{prefix}{suffix}")).take(MAX_HANDLES).collect();
    match handle {
        "!!" => tags.push(format!("tag:yaml.org,2002:{suffix}")),
        "!" => tags.push(format!("!{suffix}")),
        _ => {}
    }
    tags
}

/// Whose readers make an instance of what a tag names.
fn reader_of(name: &str) -> Option<&'static str> {
    let languages = [
        ("ruby/", "Ruby"),
        ("js/", "JavaScript"),
        ("perl/", "Perl"),
        ("php/", "PHP"),
        ("java/", "Java"),
    ];
    let foreign = languages.iter().find(|(prefix, _)| name.starts_with(prefix));
    let java = ["java.", "javax.", "com.", "org.", "sun.", "jdk."];
    let is_java = java.iter().any(|prefix| name.starts_with(prefix));
    foreign.map(|(_, language)| *language).or_else(|| is_java.then_some("Java"))
}
