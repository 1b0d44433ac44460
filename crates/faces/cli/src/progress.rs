//! How far long work has come, for people who wait at a terminal.

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
}

impl ProgressLine {
    pub(crate) fn new(console: &Console<'_>, what: impl Into<String>) -> Self {
        let is_shown = console.shows_progress();
        let what = printable(&what.into()).into_owned();
        Self { is_shown, started: Instant::now(), what, bar: None }
    }

    /// Shows how many files of all are done.
    pub(crate) fn files(&mut self, done: usize, all: usize) {
        if self.is_shown && self.started.elapsed() > PATIENCE {
            let bar = self.bar.get_or_insert_with(|| files_bar(&self.what));
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }

    fn bar(&self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{spinner} {msg}  {human_pos} values  {per_sec}  {elapsed}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(self.what.clone());
        bar
    }
}

fn files_bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg}  {pos} of {len} files  {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(what.to_owned());
    bar
}

impl Progress for ProgressLine {
    fn look(&mut self, events: u64) -> Result<()> {
        if self.is_shown && self.started.elapsed() > PATIENCE {
            if self.bar.is_none() {
                self.bar = Some(self.bar());
            }
            self.bar.iter().for_each(|bar| bar.set_position(events));
        }
        Ok(())
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}
