//! Pickle without running anything: read, disassemble, explain and judge every pickle.

mod arguments;
pub mod dis;
pub mod explain;
mod heap;
mod inert;
pub mod judge;
pub mod literal;
mod machine;
mod memo;
pub mod opcode;
mod outline;
pub mod policy;
mod read;
mod refusal;
pub mod repr;
pub mod scan;

pub use heap::Heap;
pub use inert::{Inert, read};
pub use machine::{HIGHEST_PROTOCOL, Machine};
pub use memo::Memo;
pub use opcode::Opcode;
pub use outline::{NOTHING_DONE, Refusal, Vouch, refusals};
pub use read::{Arg, Framing, NO_STOP, Op, Ops, hint_at_container};
pub use refusal::refused;
