//! `cannery scan`: verdicts on files and folders, several files at a time.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cannery_core::{Error, ErrorKind, Result, Value};
use cannery_pickle::scan::{self, Finding, Scan, ScanOptions, Verdict};

use crate::registry::format_of_mark;
use crate::{Bytes, Location, Url};

/// Folders inside of one another that are looked into.
const MAX_FOLDERS: usize = 200;

/// What scanning files came to.
#[derive(Clone, Debug, Default)]
pub struct ScanReport {
    /// Every file, in the order of its name.
    pub files: Vec<FileScan>,
}

/// What scanning one file came to.
#[derive(Clone, Debug)]
pub struct FileScan {
    /// The file's path, or what the caller calls it.
    pub name: String,
    /// The verdict and the reasons for it.
    pub scan: Scan,
}

impl ScanReport {
    /// The worst verdict; `unknown` if nothing was judged.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let worst = self.files.iter().map(|file| file.scan.verdict).max();
        worst.filter(|worst| *worst >= Verdict::Ok).unwrap_or(Verdict::Unknown)
    }

    /// How many files got this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.files.iter().filter(|file| file.scan.verdict == verdict).count()
    }

    /// The report as one document.
    #[must_use]
    pub fn to_value(&self) -> Value {
        map([
            ("verdict", self.verdict().name().into()),
            ("scanned", (self.files.len() as u64).into()),
            ("dangerous", (self.count(Verdict::Danger) as u64).into()),
            ("unknown", (self.count(Verdict::Unknown) as u64).into()),
            ("skipped", (self.count(Verdict::Skipped) as u64).into()),
            ("code", (self.count(Verdict::Code) as u64).into()),
            ("files", self.files.iter().map(file_value).collect()),
        ])
    }

    /// The report in SARIF 2.1.0, the format of static analysis that code hosts read.
    #[must_use]
    pub fn to_sarif(&self) -> Value {
        let results = self.files.iter().flat_map(|file| {
            file.scan.findings.iter().map(|finding| sarif_result(&file.name, finding))
        });
        let driver = map([
            ("name", "cannery".into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("rules", [Verdict::Danger, Verdict::Unknown].map(sarif_rule).into_iter().collect()),
        ]);
        let run = map([
            ("tool", map([("driver", driver)])),
            ("invocations", [map([("executionSuccessful", true.into())])].into_iter().collect()),
            ("results", results.collect()),
        ]);
        map([
            ("$schema", "https://json.schemastore.org/sarif-2.1.0.json".into()),
            ("version", "2.1.0".into()),
            ("runs", [run].into_iter().collect()),
        ])
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect()
}

fn file_value(file: &FileScan) -> Value {
    map([
        ("path", file.name.as_str().into()),
        ("verdict", file.scan.verdict.name().into()),
        ("summary", file.scan.summary.as_str().into()),
        ("bytes", file.scan.bytes.into()),
        ("pickles", file.scan.pickles.into()),
        ("findings", file.scan.findings.iter().map(finding_value).collect()),
    ])
}

fn finding_value(finding: &Finding) -> Value {
    map([
        ("verdict", finding.verdict.name().into()),
        ("name", finding.name.as_str().into()),
        ("reason", finding.reason.as_str().into()),
        ("offset", finding.offset.into()),
        ("opcode", finding.opcode.into()),
        ("path", finding.path.as_str().into()),
        ("member", finding.member.as_str().into()),
    ])
}

fn sarif_rule(verdict: Verdict) -> Value {
    let text = match verdict {
        Verdict::Danger => "Opening the file does something that no data needs.",
        _ => "The file holds something that cannery does not know, or cannot be read to its end.",
    };
    map([("id", verdict.name().into()), ("shortDescription", map([("text", text.into())]))])
}

fn sarif_result(file: &str, finding: &Finding) -> Value {
    let level = if finding.verdict == Verdict::Danger { "error" } else { "warning" };
    let artifact = map([("uri", uri(file).into())]);
    let region = map([("byteOffset", finding.offset.into())]);
    let physical = map([("artifactLocation", artifact), ("region", region)]);
    let within = [finding.member.as_str(), finding.path.as_str()];
    let within = within.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("!");
    let location = if within.is_empty() {
        map([("physicalLocation", physical)])
    } else {
        let logical = map([("fullyQualifiedName", within.into())]);
        map([("physicalLocation", physical), ("logicalLocations", [logical].into_iter().collect())])
    };
    map([
        ("ruleId", finding.verdict.name().into()),
        ("level", level.into()),
        ("message", map([("text", finding.reason.as_str().into())])),
        ("locations", [location].into_iter().collect()),
    ])
}

/// A path as a URI: what may not stand in one is escaped (RFC 3986, section 2).
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let escaped = path.bytes().map(|byte| match byte {
        b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    std::iter::once(scheme.to_owned()).chain(escaped).collect()
}

/// Scans files, and all files in folders, on all cores; links to folders are not followed.
///
/// `watch` is called with the number of files that are done and of those that there are. A file
/// that cannot be read is `unknown`.
#[must_use]
pub fn scan_places(
    places: &[Location],
    options: &ScanOptions,
    watch: &(dyn Fn(usize, usize) + Sync),
) -> ScanReport {
    let (targets, mut files) = targets(places);
    let done = Mutex::new(Vec::with_capacity(targets.len()));
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(location) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let scanned = scan_place(location, options);
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(scanned);
            watch(finished.fetch_add(1, Ordering::Relaxed) + 1, targets.len());
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            // Without another thread, this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    files.append(&mut done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    files.sort_by(|one, other| one.name.cmp(&other.name));
    ScanReport { files }
}

/// Scan options by which every format that is read here is judged from the same parse.
#[must_use]
pub fn with_checks(options: ScanOptions) -> ScanOptions {
    #[cfg(all(feature = "json", feature = "yaml"))]
    let options = options.documents(crate::costs::document_bomb);
    #[cfg(all(feature = "json", feature = "yaml", feature = "msgpack", feature = "cbor"))]
    let options = options.binary(crate::costs::binary_document);
    #[cfg(feature = "safetensors")]
    let options = options.safetensors(|data| match cannery_safetensors::Header::from_slice(data) {
        Ok(_) => Ok(()),
        Err(error) => Err((error.pos().map_or(0, |pos| pos.offset), error.message().to_owned())),
    });
    #[cfg(all(feature = "json", feature = "yaml"))]
    let options = options.text(crate::text_kind::text_kind);
    options
}

/// Scans one file.
#[must_use]
pub fn scan_place(location: &Location, options: &ScanOptions) -> FileScan {
    let options = &with_checks(*options);
    let (mut scan, format) = match bytes_of(location, options.max_unpacked) {
        Ok(bytes) => {
            let bytes = (*bytes).as_ref();
            (scan::scan(bytes, options), format_of_mark(bytes))
        }
        Err(error) => (unreadable(&error), None),
    };
    if let Some(format) = format
        && scan.verdict == Verdict::Skipped
    {
        scan.summary = format!("{}, no pickle", format.title());
    }
    if let (Some(format), Location::Path(path)) = (format, location) {
        // What cannot be walked through is `unknown` as it is.
        for reason in format.other_files(path).unwrap_or_default() {
            scan.add(Verdict::Unknown, reason);
        }
    }
    FileScan { name: location.name(), scan }
}

fn unreadable(error: &Error) -> Scan {
    Scan::unreadable(format!("cannot be read: {}", error.message()))
}

/// The bytes of a place as they are: nothing is unpacked on the way.
fn bytes_of(location: &Location, limit: u64) -> Result<Box<dyn AsRef<[u8]>>> {
    match location {
        Location::Path(path) if path.metadata().is_ok_and(|data| !data.is_file()) => {
            let file = std::fs::File::open(path);
            endless_bytes(file.map_err(|e| Error::io(e, "cannot open the file"))?, limit)
        }
        Location::Path(path) => file_bytes(path),
        Location::Url(url) => copied_bytes(url),
        Location::Standard => endless_bytes(std::io::stdin().lock(), limit),
    }
}

/// The bytes of a copy, which is gone by its name and there as long as it is mapped.
#[cfg(feature = "remote")]
fn copied_bytes(url: &Url) -> Result<Box<dyn AsRef<[u8]>>> {
    file_bytes(cannery_places::LocalCopy::of(url)?.path())
}

#[cfg(not(feature = "remote"))]
fn copied_bytes(url: &Url) -> Result<Box<dyn AsRef<[u8]>>> {
    crate::Input::open(&Location::Url(url.clone()))?; // which says what this build lacks
    Ok(Box::new(Vec::new()))
}

/// The bytes of a pipe or a device, which may have no end.
fn endless_bytes(from: impl Read, limit: u64) -> Result<Box<dyn AsRef<[u8]>>> {
    let mut bytes = Vec::new();
    let read = cannery_core::read_to_end(&mut from.take(limit.saturating_add(1)), &mut bytes);
    read.map_err(|e| Error::io(e, "cannot read it"))?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(ErrorKind::Limit, "more bytes than the limit, and no end in sight"));
    }
    Ok(Box::new(bytes))
}

fn file_bytes(path: &Path) -> Result<Box<dyn AsRef<[u8]>>> {
    Ok(Box::new(Bytes::open(path)?))
}

/// The files in the places, and what could not be looked into.
fn targets(places: &[Location]) -> (Vec<Location>, Vec<FileScan>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for location in places {
        match location {
            Location::Path(path) if path.is_dir() => walk(path, 0, &mut files, &mut failed),
            _ => files.push(location.clone()),
        }
    }
    (files, failed)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<Location>, failed: &mut Vec<FileScan>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) if depth < MAX_FOLDERS => entries,
        Ok(_) => return fail(folder, "folders are nested too deeply", failed),
        Err(error) => return fail(folder, &error.to_string(), failed),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => walk(&path, depth + 1, files, failed),
            Ok(_) if path.is_file() => files.push(Location::Path(path)),
            // Sockets, devices, links to folders or to nowhere hold nothing that is opened here.
            _ => {}
        }
    }
}

fn fail(folder: &Path, why: &str, failed: &mut Vec<FileScan>) {
    let scan = Scan::unreadable(format!("cannot look into the folder: {why}"));
    failed.push(FileScan { name: folder.display().to_string(), scan });
}
