//! How far a conversion has come.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cannery_core::Result;

/// Sees how far a conversion has come, and may stop it.
pub trait Progress {
    /// Looks at a conversion that has passed on that many events.
    ///
    /// # Errors
    /// Any error ends the conversion; [`cannery_core::ErrorKind::Interrupted`] is meant for it.
    fn look(&mut self, events: u64) -> Result<()>;

    /// Is told where the bytes of the source are counted as they are read, and how many there are.
    fn reads(&mut self, _counter: Arc<AtomicU64>, _size: u64) {}
}

/// No progress is shown.
impl Progress for () {
    fn look(&mut self, _events: u64) -> Result<()> {
        Ok(())
    }
}
