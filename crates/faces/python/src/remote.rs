//! Waiting for services that keep files.

use cannery::{Waiting, set_waiting};
use pyo3::ffi;
use pyo3::prelude::*;

/// Lets other threads run Python while a service is waited for, and Ctrl-C end it.
pub(crate) fn register() {
    set_waiting(Waiting { without_locks, is_interrupted });
}

/// What is called by the thread that made it, which has let go of the interpreter.
struct SameThread<'a>(&'a mut dyn FnMut());

// SAFETY: PyO3 asks for it so that nothing that needs the interpreter gets in. The function is
// called by the thread that called `without_locks`; it waits for a service and touches no object
// of Python's.
unsafe impl Send for SameThread<'_> {}

impl SameThread<'_> {
    fn call(self) {
        (self.0)();
    }
}

fn without_locks(wait: &mut dyn FnMut()) {
    // SAFETY: it may be called by any thread, with or without the interpreter.
    if unsafe { ffi::PyGILState_Check() } == 0 {
        return wait();
    }
    Python::attach(|py| {
        let wait = SameThread(wait);
        py.detach(move || wait.call());
    });
}

fn is_interrupted() -> bool {
    Python::attach(|py| py.check_signals().is_err())
}
