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

impl Manifest {
    /// The manifest as JSON, laid out for people.
    pub(crate) fn to_json(&self) -> String {
        let member = |(name, member): (&String, &Member)| {
            let digest = blake3::Hash::from(member.digest).to_hex();
            format!("    \"{name}\": {{\"size\": {}, \"blake3\": \"{digest}\"}}", member.size)
        };
        let members = self.members.iter().map(member).collect::<Vec<_>>().join(",\n");
        format!(
            "{{\n  \"format\": \"{FORMAT}\",\n  \"version\": {VERSION},\n  \"members\": {{\n{members}\n  }}\n}}\n"
        )
    }

    pub(crate) fn from_json(text: &[u8]) -> Result<Self> {
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
