//! Texts that are code to those who read them: configurations of Keras, YAML with Python's tags,
//! jsonpickle's documents, templates in GGUF.

use std::borrow::Cow;

use super::{Finding, Scanner, Verdict};
use crate::policy::danger;

/// Hits of one kind that are looked at.
const MAX_HITS: usize = 10_000;
/// Characters of a name.
const MAX_NAME: usize = 200;

impl Scanner {
    /// Looks for what other readers than pickle's would run.
    pub(super) fn configuration(&mut self, data: &[u8]) {
        let data = unescaped(data);
        self.keras_layers(&data);
        self.yaml_tags(&data);
        self.jsonpickle(&data);
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
        let names: Vec<_> = functions.iter().flat_map(|key| values_of(data, key)).collect();
        for (at, module) in values_of(data, b"module") {
            let mut near = names.iter().filter(|(place, _)| place.abs_diff(at) < 400);
            let found = danger(&module, "*").map(|what| (module.clone(), what)).or_else(|| {
                near.find_map(|(_, name)| {
                    Some((format!("{module}.{name}"), danger(&module, name)?))
                })
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
            let kinds = [
                (&b"object/apply:"[..], "calls"),
                (b"object/new:", "makes an instance of"),
                (b"object:", "makes an instance of"),
                (b"name:", "refers to"),
                (b"module:", "imports"),
            ];
            let kind = kinds.iter().find(|(kind, _)| tag.starts_with(kind));
            let Some((kind, verb)) = kind.filter(|_| is_tag) else { continue };
            let name = name_at(&tag[kind.len()..]);
            let what = danger_of(&name);
            let verdict = if what.is_some() { Verdict::Danger } else { Verdict::Unknown };
            let why = what.unwrap_or("a YAML loader that is not safe would do it");
            self.named(verdict, at, &name, format!("a YAML tag that {verb} {name}: {why}"));
        }
    }

    /// jsonpickle imports and calls what its documents name.
    fn jsonpickle(&mut self, data: &[u8]) {
        for key in [&b"py/object"[..], b"py/type", b"py/function", b"py/repr", b"py/ref"] {
            for (at, name) in values_of(data, key) {
                let what = danger_of(&name);
                let verdict = if what.is_some() { Verdict::Danger } else { Verdict::Unknown };
                let why = what.unwrap_or("cannery cannot vouch for it");
                let reason = format!("a document of jsonpickle that names {name}: {why}");
                self.named(verdict, at, &name, reason);
            }
        }
        if let Some(at) = memchr::memmem::find(data, b"\"py/reduce\"") {
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

/// JSON may write any letter as `\u0061`; nobody does who has nothing to hide.
fn unescaped(data: &[u8]) -> Cow<'_, [u8]> {
    const SIGN: &[u8] = b"\\u00";
    if memchr::memmem::find(data, SIGN).is_none() {
        return data.into();
    }
    let mut plain = Vec::with_capacity(data.len());
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&data[at..], SIGN) {
        plain.extend_from_slice(&data[at..at + found]);
        let start = at + found + SIGN.len();
        let hex = data.get(start..start + 2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./".contains(byte);
        if let Some(byte) = byte.filter(is_plain) {
            plain.push(byte);
            at = start + 2;
        } else {
            plain.extend_from_slice(SIGN);
            at = start;
        }
    }
    plain.extend_from_slice(&data[at..]);
    plain.into()
}
