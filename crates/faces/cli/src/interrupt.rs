//! Ctrl-C: the command ends at once and quietly, and leaves no unfinished file.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::ExitStatus;

static IGNORED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C ends the process.
pub(crate) fn quit_on_ctrl_c() {
    IGNORED.store(false, Ordering::Relaxed);
    install();
}

/// From now on Ctrl-C is left to the process that this one waits for.
pub(crate) fn ignore_ctrl_c() {
    IGNORED.store(true, Ordering::Relaxed);
    install();
}

fn install() {
    // It fails if it was done before, in this process; then it is done.
    let _ = ctrlc::set_handler(|| {
        if !IGNORED.load(Ordering::Relaxed) {
            cannery::remove_unfinished();
            std::process::exit(i32::from(ExitStatus::Interrupted.code()));
        }
    });
}
