//! Who opens files of a project's folders: this process's native code and its children, too.

use std::path::PathBuf;

/// What was seen of one file or folder since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sighting {
    /// How often it was opened.
    pub opened: u32,
    /// How often it was closed by a program that could write to it.
    pub write_closed: u32,
    /// Whether it was made, or moved here.
    pub created: bool,
    /// Whether its content was changed.
    pub modified: bool,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// All that was seen since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sightings {
    /// By path.
    pub files: Vec<(PathBuf, Sighting)>,
    /// Why something may have been missed, once it has.
    pub problem: Option<String>,
}

/// Folders that are not watched: what is in them is no data of a project's. Those of compiled code
/// are, for a child that finds it there reads no source.
const SKIPPED: [&str; 10] = [
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "node_modules",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
];

#[cfg(target_os = "linux")]
pub use linux::Watch;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::Watch;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{HashMap, HashSet};
    use std::ffi::OsStr;
    use std::fs;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread::{self, JoinHandle};

    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;

    use super::{SKIPPED, Sighting, Sightings};
    use crate::{Error, ErrorKind, Result};

    /// Watches folders, and the folders in them (inotify).
    ///
    /// A thread takes the kernel's events as they come, since its queue is short.
    #[derive(Debug)]
    pub struct Watch {
        shared: Arc<Shared>,
        thread: Option<JoinHandle<()>>,
        /// A child that was forked has no such thread.
        process: u32,
    }

    #[derive(Debug)]
    struct Shared {
        events: OwnedFd,
        stop: OwnedFd,
        state: Mutex<State>,
        skipped: Vec<PathBuf>,
        most_folders: usize,
    }

    #[derive(Debug, Default)]
    struct State {
        folders: HashMap<i32, PathBuf>,
        watched: HashSet<PathBuf>,
        seen: HashMap<PathBuf, Sighting>,
        problem: Option<String>,
    }

    impl Watch {
        /// Watches nothing yet. Folders in `skipped` will not be watched, nor more than
        /// `most_folders`.
        ///
        /// # Errors
        /// [`ErrorKind::Io`] when the system gives no more watches.
        pub fn new(skipped: Vec<PathBuf>, most_folders: usize) -> Result<Self> {
            let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
            let stop = eventfd(0, EventfdFlags::CLOEXEC);
            let (events, stop) =
                events.and_then(|events| Ok((events, stop?))).map_err(|errno| {
                    Error::new(ErrorKind::Io, format!("folders cannot be watched: {errno}"))
                        .with_hint("raise `fs.inotify.max_user_instances`")
                })?;
            let state = Mutex::default();
            let shared = Arc::new(Shared { events, stop, state, skipped, most_folders });
            let listener = Arc::clone(&shared);
            let thread = thread::Builder::new().name("cannery watch".to_owned());
            // Without the thread, events wait in the kernel for the next look.
            let thread = thread.spawn(move || listener.listen()).ok();
            Ok(Self { shared, thread, process: std::process::id() })
        }

        /// Watches a file, or a folder; with `deep`, all folders in it, too.
        pub fn add(&self, path: &Path, deep: bool) {
            self.shared.add(path, deep);
        }

        /// Takes what was seen since the last look.
        #[must_use]
        pub fn take(&self) -> Sightings {
            let mut state = self.shared.lock();
            self.shared.read_events(&mut state);
            let files = std::mem::take(&mut state.seen).into_iter().collect();
            Sightings { files, problem: state.problem.clone() }
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            let _ = rustix::io::write(&self.shared.stop, &1_u64.to_ne_bytes());
            if let Some(thread) = self.thread.take()
                && std::process::id() == self.process
            {
                let _ = thread.join();
            }
        }
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn listen(&self) {
            loop {
                let mut waited = [
                    PollFd::new(&self.events, PollFlags::IN),
                    PollFd::new(&self.stop, PollFlags::IN),
                ];
                match poll(&mut waited, None) {
                    Ok(_) if waited[1].revents().is_empty() => {
                        self.read_events(&mut self.lock());
                    }
                    Err(Errno::INTR) => {}
                    _ => return,
                }
            }
        }

        fn add(&self, path: &Path, deep: bool) {
            // All folders first: to list one opens it, which the watch would see.
            let mut found = Vec::new();
            let mut state = self.lock();
            let limit = self.most_folders.saturating_sub(state.watched.len());
            if !deep {
                found.push(path.to_owned());
            } else if !self.collect(path, &state.watched, &mut found, limit) {
                let most = self.most_folders;
                state.problem.get_or_insert_with(|| {
                    format!("`{}` has more than {most} folders to watch", path.display())
                });
            }
            for folder in found {
                match inotify::add_watch(&self.events, folder.as_path(), flags()) {
                    Ok(watch) => {
                        state.folders.insert(watch, folder.clone());
                        state.watched.insert(folder);
                    }
                    // What cannot be read by this user is read by none of its programs.
                    Err(Errno::NOENT | Errno::ACCESS) => {}
                    Err(errno) => {
                        state.problem.get_or_insert_with(|| {
                            format!("`{}` cannot be watched: {errno}", folder.display())
                        });
                    }
                }
            }
        }

        /// Collects a folder and those in it; says whether there are not too many.
        fn collect(
            &self,
            root: &Path,
            watched: &HashSet<PathBuf>,
            found: &mut Vec<PathBuf>,
            limit: usize,
        ) -> bool {
            let mut pending = vec![root.to_owned()];
            let mut followed: HashSet<_> = fs::canonicalize(root).into_iter().collect();
            while let Some(path) = pending.pop() {
                if watched.contains(&path) || self.skipped.contains(&path) {
                    continue;
                }
                if found.len() >= limit {
                    return false;
                }
                let (folders, links) = folders_and_links_in(&path);
                pending.extend(folders);
                // What is read through a link that leads elsewhere is seen there only.
                for link in links {
                    let Ok(target) = fs::canonicalize(&link) else { continue };
                    let is_known = followed
                        .iter()
                        .any(|known| target.starts_with(known) || known.starts_with(&target));
                    if !is_known && target.is_dir() {
                        followed.insert(target);
                        pending.push(link);
                    } else if !is_known {
                        found.push(link);
                    }
                }
                found.push(path);
            }
            true
        }

        fn read_events(&self, state: &mut State) {
            let mut buffer = [MaybeUninit::uninit(); 16 << 10];
            let mut reader = Reader::new(&self.events, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) => {
                        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                        state.note(event.wd(), event.events(), name);
                    }
                    Err(Errno::INTR) => {}
                    Err(_) => return,
                }
            }
        }
    }

    impl State {
        fn note(&mut self, watch: i32, events: ReadFlags, name: Option<&OsStr>) {
            if events.contains(ReadFlags::QUEUE_OVERFLOW) {
                let message = "more files were opened at once than the system could tell";
                self.problem.get_or_insert_with(|| message.to_owned());
                return;
            }
            if (events - ReadFlags::ISDIR) == ReadFlags::CLOSE_NOWRITE {
                return; // it has kept two openings apart
            }
            let Some(folder) = self.folders.get(&watch) else { return };
            // A folder's own events come from it and from the one above.
            let is_folder = events.contains(ReadFlags::ISDIR);
            let path = match name {
                Some(_) if is_folder && !events.contains(ReadFlags::CREATE) => return,
                Some(name) => folder.join(name),
                None => folder.clone(),
            };
            let seen = self.seen.entry(path).or_default();
            seen.opened += u32::from(events.contains(ReadFlags::OPEN));
            seen.write_closed += u32::from(events.contains(ReadFlags::CLOSE_WRITE));
            seen.created |= events.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
            seen.modified |= events.contains(ReadFlags::MODIFY);
            seen.is_folder |= is_folder;
        }
    }

    /// What to be told of; closing, too, for the kernel tells two equal events in a row as one, and
    /// a child that opens what Python's code has opened before would not be seen.
    fn flags() -> WatchFlags {
        WatchFlags::OPEN
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CLOSE_NOWRITE
            | WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::EXCL_UNLINK
    }

    fn folders_and_links_in(path: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut folders, mut links) = (Vec::new(), Vec::new());
        let Ok(entries) = fs::read_dir(path) else { return (folders, links) };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            if !(kind.is_dir() || kind.is_symlink())
                || SKIPPED.iter().any(|skipped| name == *skipped)
                || entry.path().join("pyvenv.cfg").exists()
            {
                continue;
            }
            if kind.is_dir() { &mut folders } else { &mut links }.push(entry.path());
        }
        (folders, links)
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::path::{Path, PathBuf};

    use super::Sightings;
    use crate::{Error, ErrorKind, Result};

    /// Watches nothing: this system has no way to.
    #[derive(Debug)]
    pub struct Watch(std::convert::Infallible);

    impl Watch {
        /// Says that this system has no way to watch folders.
        ///
        /// # Errors
        /// [`ErrorKind::Unsupported`], always.
        pub fn new(_skipped: Vec<PathBuf>, _most_folders: usize) -> Result<Self> {
            let message = "this system does not tell which files are opened";
            Err(Error::new(ErrorKind::Unsupported, message))
        }

        /// Watches a folder.
        pub fn add(&self, _path: &Path, _deep: bool) {
            match self.0 {}
        }

        /// Takes what was seen since the last look.
        #[must_use]
        pub fn take(&self) -> Sightings {
            match self.0 {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn seen(watch: &Watch, path: &Path) -> Option<Sighting> {
        watch.take().files.into_iter().find(|(seen, _)| seen == path).map(|(_, seen)| seen)
    }

    #[test]
    fn readers_and_writers_are_seen_and_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("inner/data.txt");
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(&file, "1").unwrap();
        let watch = Watch::new(Vec::new(), 100).unwrap();
        watch.add(folder.path(), true);
        assert_eq!(seen(&watch, &file), None);

        fs::read(&file).unwrap();
        let read = seen(&watch, &file).unwrap();
        assert_eq!((read.opened, read.write_closed, read.modified), (1, 0, false));

        fs::write(&file, "2").unwrap();
        let written = seen(&watch, &file).unwrap();
        assert_eq!((written.write_closed, written.modified), (1, true));

        assert!(Command::new("cat").arg(&file).output().unwrap().status.success());
        assert_eq!(seen(&watch, &file).unwrap().opened, 1);

        fs::read_dir(folder.path()).unwrap();
        assert!(seen(&watch, folder.path()).unwrap().is_folder);
    }

    #[test]
    fn each_opening_counts_however_soon_it_follows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.txt");
        fs::write(&file, "1").unwrap();
        let watch = Watch::new(Vec::new(), 100).unwrap();
        watch.add(folder.path(), true);
        for _ in 0..500 {
            fs::File::open(&file).unwrap();
            fs::File::open(&file).unwrap();
            fs::read_dir(folder.path()).unwrap();
            fs::read_dir(folder.path()).unwrap();
        }
        let seen = watch.take().files;
        let opened = |path: &Path| seen.iter().find(|(seen, _)| seen == path).unwrap().1.opened;
        assert_eq!((opened(&file), opened(folder.path())), (1000, 1000));
    }

    #[test]
    fn what_is_read_through_links_is_seen() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = other.path().join("inner/data.txt");
        fs::create_dir(other.path().join("inner")).unwrap();
        fs::write(&data, "1").unwrap();
        std::os::unix::fs::symlink(other.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), other.path().join("back")).unwrap();
        std::os::unix::fs::symlink(&data, other.path().join("inner/again.txt")).unwrap();
        let watch = Watch::new(Vec::new(), 100).unwrap();
        watch.add(folder.path(), true);
        assert_eq!(watch.take().problem, None);

        let named = folder.path().join("link/inner/data.txt");
        assert!(Command::new("cat").arg(&named).output().unwrap().status.success());
        assert_eq!(seen(&watch, &named).unwrap().opened, 1);

        let file = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&data, file.path().join("data.txt")).unwrap();
        watch.add(file.path(), true);
        fs::read(file.path().join("data.txt")).unwrap();
        assert!(seen(&watch, &file.path().join("data.txt")).is_some());
    }

    #[test]
    fn too_many_folders_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c", ".git", "skipped"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let skipped = vec![folder.path().join("skipped")];
        let enough = Watch::new(skipped.clone(), 4).unwrap();
        enough.add(folder.path(), true);
        assert_eq!(enough.take().problem, None);
        let too_few = Watch::new(skipped, 3).unwrap();
        too_few.add(folder.path(), true);
        assert!(too_few.take().problem.is_some_and(|problem| problem.contains("more than 3")));
    }
}
