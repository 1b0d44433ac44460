//! Reading: the manifest first, then the document, and each array when the document names it.

use std::collections::HashSet;
use std::path::Path;
use std::thread;

use cannery_archive::{Archive, Rules};
use cannery_core::tagged::{MAX_LEVELS, TagDecoder};
use cannery_core::{ArraySource, ArrayView, Dtype, Error, ErrorKind, Limits, Order, Result, Sink};
use cannery_json::ReadOptions;
use cannery_npy::{Bytes, NpyFile};

use crate::digest::{Digests, PART};
use crate::errors::corrupt;
use crate::manifest::{Manifest, Member};
use crate::tensors::TensorArray;
use crate::{DOCUMENT, MANIFEST, TENSORS};

/// Members up to this size are held against their digest when they are used. Larger ones are only
/// mapped, and checked by [`CanFile::verify`]: opening must not take minutes.
const CHECKED: u64 = 1 << 30;

/// A `.can` file: mapped where it can be, its manifest read.
pub struct CanFile {
    bytes: Bytes,
    archive: Archive,
    manifest: Manifest,
    limits: Limits,
}

impl CanFile {
    /// Opens a file; its name is in every error.
    ///
    /// # Errors
    /// Those of the operating system, and as [`from_bytes`](Self::from_bytes).
    pub fn open(path: impl AsRef<Path>, limits: Limits) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(Bytes::open(path)?, limits)
            .map_err(|e| e.in_file(path.display().to_string()))
    }

    /// The file in these bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is no whole archive, or if its members are not those that its
    /// manifest lists; [`ErrorKind::Version`] if it was written by a newer version.
    pub fn from_bytes(bytes: Bytes, limits: Limits) -> Result<Self> {
        let archive = Archive::read(&bytes, Rules::STRICT, &limits).map_err(with_hint)?;
        let mut file = Self { bytes, archive, manifest: Manifest::default(), limits };
        if file.archive.get(MANIFEST).is_none() {
            return Err(no_can());
        }
        file.manifest = Manifest::from_json(&file.unchecked(MANIFEST)?.0)?;
        file.check_members()?;
        Ok(file)
    }

    /// What the manifest says about the members, by name.
    pub fn members(&self) -> impl Iterator<Item = (&str, Member)> {
        self.manifest.members.iter().map(|(name, member)| (name.as_str(), *member))
    }

    /// The tagged document, if there is nothing beside it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if its bytes are not those that were written.
    pub fn lone_document(&self) -> Result<Option<Bytes>> {
        if self.manifest.members.len() > 1 {
            return Ok(None);
        }
        Ok(Some(self.checked(DOCUMENT)?.0))
    }

    /// Sends the value to `sink`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if bytes are not those that were written; those of the document and
    /// of the sink.
    pub fn send<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        let (document, _) = self.checked(DOCUMENT)?;
        let large = self.large()?;
        if large.is_empty() {
            return self.send_document(&document, sink);
        }
        let digests = Digests::new(large.iter().map(|(_, _, bytes)| &**bytes));
        thread::scope(|scope| {
            digests.start(scope);
            let sent = self.send_document(&document, sink);
            // What went wrong may have done so because of what is damaged.
            for ((name, member, _), digest) in large.iter().zip(digests.finish()) {
                member.check_digest(name, digest)?;
            }
            sent
        })
    }

    /// The members that are hashed on other cores while the value is put together.
    fn large(&self) -> Result<Vec<(&str, Member, Bytes)>> {
        let mut large = Vec::new();
        for (name, member) in self.manifest.members.iter().filter(|(_, member)| is_large(member)) {
            let (bytes, offset) = self.unchecked(name)?;
            if offset.is_some() && bytes.len() as u64 == member.size {
                large.push((name.as_str(), *member, bytes));
            }
        }
        Ok(large)
    }

    fn send_document<S: Sink + ?Sized>(&self, document: &[u8], sink: &mut S) -> Result<()> {
        // Each member is used once: what occurs more often is a `$ref`.
        let used = std::cell::RefCell::new(HashSet::new());
        let once = |name: &str| {
            let is_new = used.borrow_mut().insert(name.to_owned());
            if is_new { Ok(()) } else { Err(twice(name)) }
        };
        let mut untagger = TagDecoder::new(sink)
            .arrays(|name| once(name).and_then(|()| self.array(name)))
            .blobs(|name| {
                once(name)?;
                Ok(Box::new(self.checked_member(name)?.0))
            });
        let limits = self.limits.depth(self.limits.depth.saturating_mul(MAX_LEVELS));
        let options = ReadOptions::default().limits(limits);
        cannery_json::from_slice(document, &options, &mut untagger).map_err(|e| e.locate(document))
    }

    /// Holds every member against its digest.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] at the first that is not what was written.
    pub fn verify(&self) -> Result<()> {
        let check = |(name, member): (&String, &Member)| {
            let (bytes, _) = self.unchecked(name)?;
            member.check(name, &bytes)
        };
        self.manifest.members.iter().try_for_each(check)
    }

    fn check_members(&self) -> Result<()> {
        let listed = |name: &str| name == MANIFEST || self.manifest.members.contains_key(name);
        for name in self.archive.members().iter().map(|member| &member.name) {
            if !listed(name) {
                return Err(corrupt(format!("the manifest does not list the member `{name}`")));
            }
        }
        for name in self.manifest.members.keys().map(String::as_str).chain([DOCUMENT]) {
            if self.archive.get(name).is_none() {
                return Err(corrupt(format!("the member `{name}` is missing")));
            }
        }
        Ok(())
    }

    fn array(&self, name: &str) -> Result<Box<dyn ArraySource>> {
        let (bytes, offset) = self.checked_member(name)?;
        if name.ends_with(TENSORS.1) {
            let array = TensorArray::from_bytes(&bytes).map_err(|e| e.in_file(name))?;
            let offset = offset.zip(array.start).map(|(member, start)| member + start);
            return Ok(Box::new(InFile { array, offset }));
        }
        let array = NpyFile::from_bytes(&bytes).map_err(|e| e.in_file(name))?;
        let offset = offset.map(|offset| offset + (bytes.len() - array.data().len()) as u64);
        Ok(Box::new(InFile { array, offset }))
    }

    /// A member's bytes, held against its digest now, or by [`send`](Self::send) before it returns;
    /// only its size if it is huge.
    fn checked_member(&self, name: &str) -> Result<(Bytes, Option<u64>)> {
        let member = self.member(name)?;
        let (bytes, offset) = self.unchecked(name)?;
        let is_checked_elsewhere = offset.is_some() && is_large(&member) || member.size > CHECKED;
        if !is_checked_elsewhere || bytes.len() as u64 != member.size {
            member.check(name, &bytes)?;
        }
        Ok((bytes, offset))
    }

    /// A member's bytes, held against its digest.
    fn checked(&self, name: &str) -> Result<(Bytes, Option<u64>)> {
        let member = self.member(name)?;
        let (bytes, offset) = self.unchecked(name)?;
        member.check(name, &bytes)?;
        Ok((bytes, offset))
    }

    fn member(&self, name: &str) -> Result<Member> {
        let member = self.manifest.members.get(name).copied();
        member.ok_or_else(|| corrupt(format!("there is no member `{name}`")))
    }

    /// A member's bytes, and where in the file they lie if they do so as they are.
    fn unchecked(&self, name: &str) -> Result<(Bytes, Option<u64>)> {
        let member = self.archive.get(name);
        let member = member.ok_or_else(|| corrupt(format!("the member `{name}` is missing")))?;
        if member.is_stored() {
            let bytes = self.bytes.slice(member.place.clone());
            return Ok((bytes, Some(member.place.start as u64)));
        }
        // What all members expand to was held against the limits.
        Ok((Bytes::from(member.bytes(&self.bytes)?.into_owned()), None))
    }
}

/// Whether a member is worth other threads, and not so large that it is only mapped.
fn is_large(member: &Member) -> bool {
    (PART as u64 + 1..=CHECKED).contains(&member.size)
}

/// An array that may lie in the file as it is.
struct InFile<A> {
    array: A,
    offset: Option<u64>,
}

impl<A: ArraySource> ArraySource for InFile<A> {
    fn dtype(&self) -> &Dtype {
        self.array.dtype()
    }

    fn shape(&self) -> &[u64] {
        self.array.shape()
    }

    fn order(&self) -> Order {
        self.array.order()
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        self.array.view()
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.array.read(start, out)
    }

    fn file_offset(&self) -> Option<u64> {
        self.offset
    }
}

/// What to do about a file that expands to more than its limit.
#[cold]
fn with_hint(error: Error) -> Error {
    if error.kind() != ErrorKind::Limit {
        return error;
    }
    error.with_hint(
        "if this file is trusted, name the bytes that it may expand to in the environment variable \
         `CANNERY_MAX_EXPANDED`: `CANNERY_MAX_EXPANDED=8G`",
    )
}

#[cold]
fn no_can() -> Error {
    let message = format!("the archive has no `{MANIFEST}`: it is no `.can` file");
    Error::new(ErrorKind::Corrupt, message)
        .with_hint("`cannery.npy.load` reads `.npz`; look at others with `cannery inspect`")
}

#[cold]
fn twice(name: &str) -> Error {
    corrupt(format!("the document names the member `{name}` twice"))
}
