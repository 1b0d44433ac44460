//! How far long work has come, for people who wait at a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cannery::{Progress, Result, printable};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Console;

/// Work that is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);

/// A line on standard error that counts what was converted, gone when the work is done.
pub(crate) struct ProgressLine {
    is_shown: bool,
    started: Instant,
    what: String,
    bar: Option<ProgressBar>,
    /// Where the bytes of the source are counted that were read, and how many there are.
    bytes: Option<(Arc<AtomicU64>, u64)>,
}

/// A file of which this much is read at once has no progress in bytes.
const WHOLE: u64 = 1 << 17;

impl ProgressLine {
    pub(crate) fn new(console: &Console<'_>, what: impl Into<String>) -> Self {
        let is_shown = console.shows_progress();
        let what = printable(&what.into()).into_owned();
        Self { is_shown, started: Instant::now(), what, bar: None, bytes: None }
    }

    /// Shows how many files of all are done.
    pub(crate) fn files(&mut self, done: usize, all: usize) {
        if self.is_shown && self.started.elapsed() > PATIENCE {
            let started = self.started;
            let bar = self.bar.get_or_insert_with(|| bar_of_files(&self.what, started));
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }

    /// Where the bytes are that were read, if that says how far the work has come.
    fn bytes_read(&self) -> Option<(u64, u64)> {
        let (counter, size) = self.bytes.as_ref()?;
        let read = counter.load(Ordering::Relaxed);
        (*size > WHOLE && read > 0 && read < *size).then_some((read, *size))
    }
}

const VALUES: &str = "{spinner} {msg}  {human_pos} values  {per_sec}  {elapsed}";
const BYTES: &str = "{spinner} {msg}  {percent}%  {bytes} of {total_bytes}  {bytes_per_sec}  \
                     {eta} left";
const FILES: &str = "{spinner} {msg}  {percent}%  {pos} of {len} files  {per_sec}  {eta} left";

/// A bar that began when the work did.
pub(crate) fn bar_of_files(what: &str, started: Instant) -> ProgressBar {
    bar(FILES, what, started)
}

fn bar(template: &str, what: &str, started: Instant) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(what.to_owned());
    bar.with_elapsed(started.elapsed())
}

impl Progress for ProgressLine {
    fn look(&mut self, events: u64) -> Result<()> {
        if self.is_shown && self.started.elapsed() > PATIENCE {
            let bytes = self.bytes_read();
            let template = if bytes.is_some() { BYTES } else { VALUES };
            let bar = self.bar.get_or_insert_with(|| bar(template, &self.what, self.started));
            match bytes {
                Some((read, size)) => {
                    bar.set_length(size);
                    bar.set_position(read);
                }
                None if bar.length().is_none() => bar.set_position(events),
                None => {}
            }
        }
        Ok(())
    }

    fn reads(&mut self, counter: Arc<AtomicU64>, size: u64) {
        self.bytes = Some((counter, size));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}
