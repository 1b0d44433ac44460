//! What a file says about itself: its version, and sizes and digests of its members.

use std::collections::BTreeMap;

use cannery_core::{Error, ErrorKind, Limits, Result, Value, ValueBuilder};
use cannery_json::ReadOptions;

use crate::digest::digest;

/// What stands behind `format` in every manifest.
pub const FORMAT: &str = "cannery.can";

/// The version of the format that this crate writes; it reads this and older ones.
pub const VERSION: i64 = 1;

/// What the manifest says about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its length in bytes, unpacked.
    pub size: u64,
    /// The BLAKE3 digest of its bytes.
    pub digest: [u8; 32],
}

impl Member {
    pub(crate) fn new(size: u64, digest: blake3::Hash) -> Self {
        Self { size, digest: *digest.as_bytes() }
    }

    /// Checks a member's bytes.
    pub(crate) fn check(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 == self.size {
            return self.check_digest(name, digest(bytes));
        }
        Err(changed(name))
    }

    /// Checks the digest of as many bytes as there were.
    pub(crate) fn check_digest(&self, name: &str, digest: blake3::Hash) -> Result<()> {
        if digest == self.digest { Ok(()) } else { Err(changed(name)) }
    }
}

/// Members by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Manifest {
    pub(crate) members: BTreeMap<String, Member>,
}

/// What stands between the members of a manifest that was written here.
const START: &str = "{\n  \"format\": \"cannery.can\",\n  \"version\": 1,\n  \"members\": {\n";
const BEFORE_SIZE: &str = "\": {\"size\": ";
const BEFORE_DIGEST: &str = ", \"blake3\": \"";
const AFTER_DIGEST: &str = "\"}";
const END: &str = "\n  }\n}\n";

/// More members than this have no short names.
const USUAL_LEN: usize = 128;

impl Manifest {
    /// Notes a member that was written.
    pub(crate) fn add(&mut self, name: &str, member: Member) {
        self.members.insert(name.to_owned(), member);
    }

    /// The manifest as JSON, laid out for people.
    pub(crate) fn to_json(&self) -> String {
        let mut text = String::with_capacity((self.members.len() + 1) * USUAL_LEN);
        text.push_str(START);
        for (index, (name, member)) in self.members.iter().enumerate() {
            text.push_str(if index == 0 { "    \"" } else { ",\n    \"" });
            text.push_str(name);
            text.push_str(BEFORE_SIZE);
            push_number(&mut text, member.size);
            text.push_str(BEFORE_DIGEST);
            push_hex(&mut text, &member.digest);
            text.push_str(AFTER_DIGEST);
        }
        text.push_str(END);
        text
    }

    /// Reads a manifest as this crate writes it; `None` if it is laid out in another way.
    fn from_own_layout(text: &[u8]) -> Option<Self> {
        let mut rest = std::str::from_utf8(text).ok()?.strip_prefix(START)?;
        let mut members = BTreeMap::new();
        loop {
            let (name, behind) = rest.strip_prefix("    \"")?.split_once('"')?;
            let (size, behind) = behind.strip_prefix(&BEFORE_SIZE[1..])?.split_once(',')?;
            let is_plain = name.bytes().all(|byte| byte >= b' ' && byte != b'\\');
            let is_number = size == "0" || size.starts_with(|digit| matches!(digit, '1'..='9'));
            let size = size.parse().ok().filter(|_| is_plain && is_number)?;
            let behind = behind.strip_prefix(&BEFORE_DIGEST[1..])?;
            let digest = blake3::Hash::from_hex(behind.get(..64)?).ok()?;
            let is_new = members.insert(name.to_owned(), Member::new(size, digest)).is_none();
            rest = behind[64..].strip_prefix(AFTER_DIGEST).filter(|_| is_new)?;
            match rest.strip_prefix(",\n") {
                Some(more) => rest = more,
                None => return (rest == END).then_some(Self { members }),
            }
        }
    }

    pub(crate) fn from_json(text: &[u8]) -> Result<Self> {
        if let Some(manifest) = Self::from_own_layout(text) {
            return Ok(manifest);
        }
        let mut builder = ValueBuilder::new(Limits::default().depth(8));
        cannery_json::from_slice(text, &ReadOptions::default(), &mut builder)
            .map_err(|e| malformed("it is no JSON").with_source(e))?;
        let manifest = builder.finish()?;
        check_version(&manifest)?;
        let members = manifest.get("members").and_then(Value::entries);
        let members = members.ok_or_else(|| malformed("expected a map `members`"))?;
        let members = members.iter().map(member).collect::<Result<_>>()?;
        Ok(Self { members })
    }
}

/// Adds bytes as two digits each.
fn push_hex(text: &mut String, bytes: &[u8; 32]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

/// Adds a number in digits.
fn push_number(text: &mut String, number: u64) {
    use std::fmt::Write;

    // Writing into a `String` never fails.
    let _ = write!(text, "{number}");
}

fn check_version(manifest: &Value) -> Result<()> {
    if manifest.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(malformed(&format!("expected `{FORMAT}` as `format`")));
    }
    match manifest.get("version").and_then(Value::as_i64) {
        Some(1..=VERSION) => Ok(()),
        Some(newer) if newer > VERSION => {
            let message = format!("the file has version {newer} of the format, known is {VERSION}");
            Err(Error::new(ErrorKind::Version, message).with_hint("install a newer cannery"))
        }
        _ => Err(malformed("expected a number from 1 on as `version`")),
    }
}

fn member((name, member): &(Value, Value)) -> Result<(String, Member)> {
    let size = member.get("size").and_then(Value::as_i64).and_then(|size| u64::try_from(size).ok());
    let digest = member.get("blake3").and_then(Value::as_str);
    let digest = digest.and_then(|digest| blake3::Hash::from_hex(digest).ok());
    match (name.as_str(), size, digest) {
        (Some(name), Some(size), Some(digest)) => Ok((name.to_owned(), Member::new(size, digest))),
        _ => Err(malformed("expected `size` and `blake3` of each member")),
    }
}

#[cold]
fn changed(name: &str) -> Error {
    let message = format!("the bytes of `{name}` are not those that were written");
    Error::new(ErrorKind::Corrupt, message)
        .with_hint("the file was damaged or changed; get it again from where it came from")
}

#[cold]
fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the manifest is damaged: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let members = BTreeMap::from([
            ("document.json".to_owned(), Member::new(2, blake3::hash(b"{}"))),
            ("arrays/0.npy".to_owned(), Member::new(0, blake3::hash(b""))),
        ]);
        let manifest = Manifest { members };
        let text = manifest.to_json();
        insta::assert_snapshot!(text, @r#"
    {
      "format": "cannery.can",
      "version": 1,
      "members": {
        "arrays/0.npy": {"size": 0, "blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
        "document.json": {"size": 2, "blake3": "6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279"}
      }
    }
    "#);
        assert_eq!(Manifest::from_json(text.as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn bad_manifests() {
        let report = |text: &str| Manifest::from_json(text.as_bytes()).unwrap_err().report();
        insta::assert_snapshot!(report("{"), @"the manifest is damaged: it is no JSON");
        insta::assert_snapshot!(report("[]"), @"the manifest is damaged: expected `cannery.can` as `format`");
        insta::assert_snapshot!(report(r#"{"format": "cannery.can"}"#), @"the manifest is damaged: expected a number from 1 on as `version`");
        insta::assert_snapshot!(report(r#"{"format": "cannery.can", "version": 0}"#), @"the manifest is damaged: expected a number from 1 on as `version`");
        insta::assert_snapshot!(report(r#"{"format": "cannery.can", "version": 2}"#), @r"
    the file has version 2 of the format, known is 1

    hint: install a newer cannery
    ");
        insta::assert_snapshot!(report(r#"{"format": "cannery.can", "version": 1}"#), @"the manifest is damaged: expected a map `members`");
        insta::assert_snapshot!(report(r#"{"format": "cannery.can", "version": 1, "members": {"a": {"size": -1, "blake3": ""}}}"#), @"the manifest is damaged: expected `size` and `blake3` of each member");
    }
}
