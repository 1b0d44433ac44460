//! Named places at which tests let the process die, as `kill -9` would have it die there.

/// All the names, in the order in which a run comes by them.
#[cfg(feature = "failpoints")]
pub const NAMES: &[&str] = &[
    "run begun",
    "key claimed",
    "step begun",
    "file taken",
    "blob written",
    "blob published",
    "outputs kept",
    "step ended",
    "run ended",
    "settled",
    "run record written",
];

/// The variable that says where: `NAME`, or `NAME:COUNT` for the time when it is come by again.
#[cfg(feature = "failpoints")]
const VARIABLE: &str = "CANNERY_FAILPOINT";

/// Comes by a place; without the feature `failpoints`, nothing happens.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_: &'static str) {}

/// Comes by a place, and dies if it is the one that the environment names.
///
/// # Panics
/// For a name that is not in [`NAMES`].
#[cfg(feature = "failpoints")]
pub fn reach(name: &'static str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static CHOSEN: LazyLock<Option<(String, usize)>> = LazyLock::new(|| {
        let chosen = std::env::var(VARIABLE).ok()?;
        Some(match chosen.split_once(':') {
            Some((name, count)) => (name.to_owned(), count.parse().unwrap_or(1)),
            None => (chosen, 1),
        })
    });
    static COME_BY: AtomicUsize = AtomicUsize::new(0);

    assert!(NAMES.contains(&name), "`{name}` is no failpoint");
    let Some((chosen, count)) = &*CHOSEN else { return };
    if chosen == name && COME_BY.fetch_add(1, Ordering::Relaxed) + 1 == *count {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
