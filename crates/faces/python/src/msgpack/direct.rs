//! The shortest ways between plain objects and MessagePack.
//!
//! They know exact types, valid text and what is whole, and hold the interpreter from beginning to
//! end, so that nothing changes meanwhile. At whatever else they meet they give up, and those who
//! know everything begin anew: nothing has happened yet that anybody could notice.

mod cursor;
mod read;
mod template;
mod write;

pub(super) use read::object;
pub(super) use write::bytes;

/// Something was met that is left to others.
struct Bail;

type Done = Result<(), Bail>;

/// The deepest nesting that is gone through here, for each level is a call: less where the thread has
/// a small stack.
#[inline]
fn most_levels(depth: usize) -> usize {
    const MOST_LEVELS: usize = 256;
    /// More than a level takes.
    const FRAMES: usize = 1 << 10;
    depth.min(MOST_LEVELS).min(crate::stack::room() / FRAMES)
}
