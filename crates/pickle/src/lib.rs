//! Pickle without running anything: read, disassemble, explain and judge every pickle.

pub mod literal;
pub mod opcode;
pub mod policy;
mod read;

pub use opcode::Opcode;
pub use read::{Arg, Framing, Op, Ops};
