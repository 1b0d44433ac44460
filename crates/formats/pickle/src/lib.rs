//! Pickle without running anything: read, disassemble, explain and analyze every pickle.

mod abstract_heap;
pub mod analyzer;
mod arguments;
pub mod costs;
pub mod dis;
pub mod explain;
mod file_format;
pub mod hashes;
mod heap;
mod inert;
pub mod literal;
mod machine;
mod memo;
pub mod opcode;
pub mod policy;
mod read;
mod refusal;
pub mod repr;
pub mod scan;

pub use abstract_heap::{NOTHING_DONE, Refusal, TrustPolicy, refusals};
pub use file_format::Pickle;
pub use heap::Heap;
pub use inert::{InertHeap, read};
pub use machine::{HIGHEST_PROTOCOL, Machine};
pub use memo::Memo;
pub use opcode::Opcode;
pub use read::{Arg, Framing, NO_STOP, Op, Ops, hint_at_container};
pub use refusal::refused;
