//! Many files at once: which are meant, and work on them on all cores.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use cannery::{
    Error, Format, Input, Location, Result, format_of, format_of_extension, format_of_id,
};

use crate::Console;
use crate::failure::Failure;
use crate::progress::ProgressLine;

/// The files that are meant: in place of a folder all below it whose names tell a format.
pub(super) fn expand(files: &[OsString]) -> Result<Vec<Location>> {
    let mut places = Vec::new();
    for file in files {
        match Location::parse(file) {
            Location::Path(path) if path.is_dir() => walk(&path, &mut places)?,
            place => places.push(place),
        }
    }
    Ok(places)
}

/// Files below a folder, in order; hidden ones are left out.
fn walk(folder: &Path, places: &mut Vec<Location>) -> Result<()> {
    let name = || folder.display().to_string();
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(|e| Error::io(e, "cannot read the folder").in_file(name()))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let place = Location::from(&path);
        if is_hidden {
        } else if path.is_dir() && !path.is_symlink() {
            walk(&path, places)?;
        } else if path.is_file() && format_of_extension(place.extension().as_deref()).is_ok() {
            places.push(place);
        }
    }
    Ok(())
}

/// A file in memory.
pub(super) struct Loaded {
    pub(super) format: &'static dyn Format,
    pub(super) bytes: Vec<u8>,
}

/// What a command makes of a file.
pub(super) enum Outcome<T> {
    Done(T),
    /// The file is of no format that the command is for, as this error says.
    Skipped(Error),
}

/// Reads a whole file, unpacked; one of no known format is skipped.
pub(super) fn load(place: &Location, from: Option<&str>) -> Result<Outcome<Loaded>> {
    let input = Input::open(place)?;
    let format = match from {
        Some(id) => format_of_id(id).map_err(|e| e.in_file(place.name()))?,
        None => match format_of(&input) {
            Ok(format) => format,
            Err(error) if input.size() != Some(0) => {
                return Ok(Outcome::Skipped(error.in_file(place.name())));
            }
            Err(error) => return Err(error.in_file(place.name())),
        },
    };
    let bytes = input.read_all().map_err(|e| e.in_file(place.name()))?;
    Ok(Outcome::Done(Loaded { format, bytes }))
}

/// Works on files on all cores and hands over the results in the order of the files.
pub(super) fn for_each<T: Send>(
    places: &[Location],
    what: &str,
    console: &mut Console<'_>,
    work: impl Fn(&Location) -> T + Sync,
    mut take: impl FnMut(&Location, T, &mut Console<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let mut progress = ProgressLine::new(console, what);
    std::thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..cores.min(places.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = places.get(index) else { break };
                    // The receiver is gone after a failure: then there is no use in more.
                    if sender.send((index, work(place))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (done, (index, result)) in results.iter().enumerate() {
            progress.files(done + 1, places.len());
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                take(&places[due], result, console)?;
                due += 1;
            }
        }
        Ok(())
    })
}
